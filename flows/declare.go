package flows

import (
	"fmt"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

const (
	maxStates        = 2_000
	maxProjectStates = 10_000
)

var reservedStates = []string{"resume", "end", "state", "event"}

// declare learns every name before anything that uses one is compiled, so that
// the order of files and keys never matters.
func (l *loader) declare() {
	if len(l.flows) == 0 && !l.unreadable {
		l.fileProblem("E107", projectFile, "there is no flow: write one into flows/, for example flows/welcome.yaml")
	}
	for _, f := range l.flows {
		if f.part != nil {
			l.declareAgain(f)
			continue
		}
		f.declared = l.record(func() {
			before := len(l.diags)
			l.shape(f.root, "flow")
			shaped := len(l.diags)
			l.declareFlow(f)
			l.attribute(f, l.diags[before:shaped])
		})
	}
	l.declareCanned()
	for _, f := range l.flows {
		l.in(f.name, "", func() { l.declareSlots(f) })
	}
	for _, f := range l.flows {
		l.in(f.name, "", func() { l.declareFilled(f) })
	}
	l.p.Counts.Flows = len(l.flows)
	l.p.Counts.Slots = len(l.slotOrder)
	if l.p.Counts.States > maxProjectStates {
		l.fileProblem("E007", l.firstFile(), fmt.Sprintf("the project has %s states, limit 10,000", thousands(l.p.Counts.States)))
	}
}

// attribute says of problems of shape which flow and state they are in.
func (l *loader) attribute(f *flowSrc, diags []source.Diagnostic) {
	for i := range diags {
		diags[i].Flow = f.name
		at := diags[i].Range.Offset
		for _, s := range f.states {
			if r := s.node.Range; at >= r.Offset && at < r.Offset+r.Length {
				diags[i].State = s.name
				s.bad = s.bad || blinds(diags[i])
			}
		}
	}
}

// in runs f with diagnostics attributed to a flow and state.
func (l *loader) in(flow, state string, f func()) {
	oldFlow, oldState := l.flow, l.state
	l.flow, l.state = flow, state
	f()
	l.flow, l.state = oldFlow, oldState
}

func start(path string) source.Range {
	return source.Range{File: path, Line: 1, Column: 1, EndLine: 1, EndColumn: 1}
}

func (l *loader) declareFlow(f *flowSrc) {
	f.key = f.root.Get("flow")
	name, ok := scalar(f.key)
	if !ok {
		f.name = f.doc.Path // stands in, so that the rest is checked
		if f.key == nil {
			l.missing(f.root, "flow", "flow", start(f.doc.Path), "flow is missing: the flow has no name")
		} else if f.key.Kind == source.Null {
			l.err("E110", f.key.Words(), "flow is empty: the flow has no name")
		}
	} else {
		f.name = name
		l.name(f.key, "flow")
	}
	if other, twice := l.byName[f.name]; twice {
		l.in(f.name, "", func() {
			d := l.err("E109", f.key.Words(), "flow %q is also in %s", f.name, other.doc.Path)
			d.Related = []source.Related{{Range: other.key.Words(), Message: "the other one is here"}}
		})
	} else {
		l.byName[f.name] = f
	}
	for _, w := range words(f.root.Get("on")) {
		f.public = f.public || w.Text == "public"
	}
	l.in(f.name, "", func() { l.declareStates(f) })
}

func (l *loader) declareStates(f *flowSrc) {
	n := f.root.Get("states")
	f.def = &engine.Flow{Name: f.name, States: map[string]*engine.StateDef{}, At: engine.Place{File: f.doc.Path, Line: 1}}
	if n == nil || n.Kind != source.Map {
		if n == nil || n.Kind == source.Null {
			l.missing(f.root, "flow", "states", start(f.doc.Path), "states is missing: the flow does nothing")
		}
		return
	}
	for _, p := range n.Pairs {
		l.name(p.Key, "state", reservedStates...)
		s := &stateSrc{flow: f, name: p.Key.Text, key: p.Key, node: p.Value}
		s.def = &engine.StateDef{Flow: f.name, Name: p.Key.Text, At: l.place(p.Key.Range)}
		f.states[s.name] = s
		f.def.States[s.name] = s.def
		f.def.StateOrder = append(f.def.StateOrder, s.name)
		l.in(f.name, s.name, func() { l.declareLookup(s) })
	}
	l.p.Counts.States += len(n.Pairs)
	if len(n.Pairs) > maxStates {
		l.err("E007", f.root.Pair("states").Key.Words(), "this flow has %s states, limit 2,000", thousands(len(n.Pairs)))
	}
	if _, ok := f.states["start"]; !ok {
		d := l.err("E115", f.root.Pair("states").Key.Words(), "flow %s has no state called start", f.name)
		if best, near := source.DidYouMean("start", f.def.StateOrder); near {
			d.Hint = "did you mean to call " + best + " start?"
		}
	}
}

// declareFilled creates the slots that are only collected or saved.
func (l *loader) declareFilled(f *flowSrc) {
	declared := l.declaredSlots()
	for _, name := range f.def.StateOrder {
		s := f.states[name]
		if s.node.Kind != source.Map {
			continue
		}
		l.in(f.name, name, func() {
			l.filled(s.node.Get("save"), declared)
			for _, slot := range formSlots(s.node) {
				l.filled(slot, declared)
			}
			c := s.node.Get("collect")
			switch {
			case c == nil || c.Kind != source.Map:
			case shortCollect(l.grammar["collect"], c):
				l.filled(c.Pairs[0].Key, declared)
			default:
				l.filled(c.Get("slot"), declared)
			}
		})
	}
}

// declaredSlots are the slots that a flow lists: those that are only filled
// somewhere are no measure of how a name is spelt.
func (l *loader) declaredSlots() []string {
	var out []string
	for _, name := range l.slotOrder {
		if l.slots[name].declared {
			out = append(out, name)
		}
	}
	return out
}

func (l *loader) filled(n *source.Node, declared []string) {
	name, ok := scalar(n)
	if !ok {
		return
	}
	l.used["slot "+name] = true
	if _, known := l.slots[name]; known {
		return
	}
	if best, near := source.Meant(name, declared); near > 0 {
		if l.unreadable {
			return
		}
		d := l.err("E103", n.Words(), "there is no slot called %q", name)
		l.spelling(d, best, near == 1)
		return
	}
	if !l.name(n, "slot", "language") {
		return
	}
	high := 2000.0
	l.addSlot(&slotSrc{def: &engine.Slot{Name: name, Type: engine.SlotText, Max: &high, Flow: l.flow, At: l.place(n.Range)}, at: n.Words()})
}

func (l *loader) addSlot(s *slotSrc) {
	l.slots[s.def.Name] = s
	l.slotOrder = append(l.slotOrder, s.def.Name)
	l.set.Slots[s.def.Name] = s.def
	l.set.SlotOrder = append(l.set.SlotOrder, s.def.Name)
}
