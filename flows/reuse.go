package flows

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// A flow is taken from the last good load as it is, compiled and linked, when
// its own bytes are the same and so is all that compiling it looks at beside
// them: the project file, the names of the media, and what every flow of the
// project declares (see declares). A project in several languages is compiled
// whole. What joins flows is checked anew in every load. Only a load
// without errors leaves flows behind, so what is taken has no errors either.

// keptFlow is one flow of the last good load. Nothing of it ever changes.
type keptFlow struct {
	doc  *source.Doc
	flow *flowSrc
}

// shared is what every flow has of the project, as the last good load made it.
type shared struct {
	effect
	defaults   engine.Defaults
	everywhere []*engine.Escape
	limits     []channelLimits // of the channels, as adapters say
}

// effect is what compiling one part of a project leaves in the loader.
type effect struct {
	diags       []source.Diagnostic
	uses        []*use
	said        []textSrc
	results     []resultSrc
	escapes     []escapeSrc
	used        map[string]bool
	expressions int
}

// record runs f and notes what it leaves behind.
func (l *loader) record(f func()) effect {
	used, before := l.used, l.p.Counts.Expressions
	diags, uses, said, results, escapes := len(l.diags), len(l.uses), len(l.saidTexts), len(l.results), len(l.escapes)
	l.used = map[string]bool{}
	f()
	e := effect{diags: slices.Clone(l.diags[diags:]), uses: slices.Clone(l.uses[uses:]), said: slices.Clone(l.saidTexts[said:]),
		results: slices.Clone(l.results[results:]), escapes: slices.Clone(l.escapes[escapes:]), used: l.used,
		expressions: l.p.Counts.Expressions - before}
	maps.Copy(used, l.used)
	l.used = used
	return e
}

// replay leaves behind what was noted.
func (l *loader) replay(e effect) {
	l.diags = append(l.diags, e.diags...)
	l.uses = append(l.uses, e.uses...)
	l.saidTexts = append(l.saidTexts, e.said...)
	l.results = append(l.results, e.results...)
	l.escapes = append(l.escapes, e.escapes...)
	maps.Copy(l.used, e.used)
	l.p.Counts.Expressions += e.expressions
	for _, u := range e.uses {
		l.useOf[u.of] = u
	}
}

// makeRoom is for what the flows that are taken as they were will leave behind.
func (l *loader) makeRoom() {
	uses, said := 0, 0
	for _, f := range l.flows {
		if f.part != nil {
			uses += len(f.declared.uses) + len(f.compiled.uses)
			said += len(f.declared.said) + len(f.compiled.said)
		}
	}
	l.uses = slices.Grow(l.uses, uses)
	l.saidTexts = slices.Grow(l.saidTexts, said)
	l.useOf = make(map[*engine.Expr]*use, uses)
}

// reuse takes from the last good load every flow that would come out the same.
func (l *loader) reuse() {
	if l.opts.Warm == nil || l.unreadable || l.translated() {
		return
	}
	l.now.project, l.now.declared = l.docs[projectFile], l.declarations()
	if l.before.parts == nil || !same(l.before.project, l.now.project) || !bytes.Equal(l.before.declared, l.now.declared) {
		return
	}
	l.reused = true
	for i, f := range l.flows {
		if p, ok := l.before.parts[f.doc.Path]; ok && same(p.doc, f.doc) {
			l.flows[i] = p.again()
		}
	}
	l.makeRoom()
}

// translated says that the texts of flows are merged with others: then all of
// them are compiled.
func (l *loader) translated() bool {
	return l.root != nil && len(words(l.root.Get("languages"))) > 1 || len(l.locale.docs) > 0 || l.locale.broken
}

// same says that two files have the same bytes: what was parsed from one is
// what would be parsed from the other.
func same(a, b *source.Doc) bool {
	return a == b || a != nil && b != nil && bytes.Equal(a.Data, b.Data)
}

// again is the flow for another load: states are copied, since checks note
// what they find in them.
func (p *keptFlow) again() *flowSrc {
	f := *p.flow
	f.part = p
	f.states = make(map[string]*stateSrc, len(p.flow.states))
	copies := make([]stateSrc, len(p.flow.states))
	for i, name := range f.def.StateOrder {
		copies[i] = *p.flow.states[name]
		copies[i].flow = &f
		f.states[name] = &copies[i]
	}
	return &f
}

// declareAgain declares a flow that is taken as it was.
func (l *loader) declareAgain(f *flowSrc) {
	l.byName[f.name] = f
	l.p.Counts.States += len(f.states)
	l.replay(f.declared)
	for _, name := range f.def.StateOrder {
		l.in(f.name, name, func() { l.declareLookup(f.states[name]) })
	}
}

// compileAgain puts a flow into the set that is taken as it was.
func (l *loader) compileAgain(f *flowSrc) {
	l.replay(f.compiled)
	l.set.Flows[f.name] = f.def
	l.set.FlowOrder = append(l.set.FlowOrder, f.name)
}

// left is what this load leaves to the next: after one with errors, the flows
// of the last good one stay.
func (l *loader) left() kept {
	if l.opts.Warm == nil {
		return kept{}
	}
	bad := l.p.Set == nil
	if (l.reused || bad) && len(l.before.exprs) < l.p.Counts.Expressions+maxExprs {
		fill(l.now.exprs, l.before.exprs) // the flows that were taken as they were looked none up
	}
	if bad && len(l.before.docs) < 2*maxFlowFiles { // a folder in the middle of a change: most of it comes back
		fill(l.now.docs, l.before.docs)
	}
	if bad {
		l.now.project, l.now.declared, l.now.shared, l.now.parts = l.before.project, l.before.declared, l.before.shared, l.before.parts
		return l.now
	}
	l.now.parts = make(map[string]*keptFlow, len(l.flows))
	for _, f := range l.flows {
		if f.part == nil {
			f.part = &keptFlow{doc: f.doc, flow: f}
		}
		l.now.parts[f.doc.Path] = f.part
	}
	return l.now
}

// fill adds what a map lacks of another.
func fill[V any](m, from map[string]V) {
	for k, v := range from {
		if _, ok := m[k]; !ok {
			m[k] = v
		}
	}
}

// declarations is what the flows of this load declare, in whatever files and
// order they do: no flow looks at those of another.
func (l *loader) declarations() []byte {
	var all []string
	for _, f := range l.flows {
		all = append(all, string(l.now.docs[f.doc.Path].declares))
	}
	slices.Sort(all)
	var out []byte
	for _, text := range all {
		out = appendText(out, text)
	}
	for _, path := range slices.Sorted(maps.Keys(l.files.Media)) {
		out = appendText(out, path)
		if l.files.Large[path] {
			out = append(out, '!')
		}
	}
	return out
}

// declares is everything of a flow file that compiling and linking other flows
// looks at: its name and channels, its slots, the names of its states with the
// slots they fill and the look-ups they keep, and the results it returns. Two
// files that declare the same give the same bytes.
func declares(root *source.Node) []byte {
	if root == nil || root.Kind != source.Map {
		return nil
	}
	var out []byte
	for _, key := range []string{"flow", "on", "slots"} {
		out = appendNode(out, root.Get(key))
	}
	if states := root.Get("states"); states != nil && states.Kind == source.Map {
		for _, p := range states.Pairs {
			out = appendText(out, p.Key.Text)
			out = appendNode(out, p.Value.Get("save"))
			out = appendNode(out, p.Value.Get("http").Get("save"))
			out = appendNode(out, p.Value.Get("http").Get("returns"))
			out = appendNode(out, p.Value.Get("form").Get("fields"))
			collect := p.Value.Get("collect")
			if collect != nil && collect.Kind == source.Map && len(collect.Pairs) == 1 {
				out = appendText(out, collect.Pairs[0].Key.Text)
			}
			out = appendNode(out, collect.Get("slot"))
		}
	}
	return appendReturns(append(out, '/'), root)
}

// appendReturns adds every value of a key called return.
func appendReturns(out []byte, n *source.Node) []byte {
	for _, p := range n.Pairs {
		if p.Key.Text == "return" {
			out = appendNode(out, p.Value)
		}
		out = appendReturns(out, p.Value)
	}
	for _, item := range n.Items {
		out = appendReturns(out, item)
	}
	return out
}

// appendNode adds a node with everything below it, without its places.
func appendNode(out []byte, n *source.Node) []byte {
	if n == nil {
		return append(out, '-')
	}
	out = append(out, byte('0'+n.Kind))
	out = appendText(out, n.Text)
	out = binary.AppendUvarint(out, uint64(len(n.Pairs)+len(n.Items)))
	for _, p := range n.Pairs {
		out = appendNode(appendNode(out, p.Key), p.Value)
	}
	for _, item := range n.Items {
		out = appendNode(out, item)
	}
	return out
}

func appendText(out []byte, s string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(s))), s...)
}
