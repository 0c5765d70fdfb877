package flows

import (
	"strconv"
	"strings"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// Outline is a project as what can be drawn of it: flows, their states and the
// ways between them that are written. Built-in ways (language.md 2.9, 2.10) are
// left out. Two outlines of the same files are equal.
type Outline struct {
	Flows []OutlineFlow // by path
	// Everywhere are the project's own entries; their edges start in no state.
	Everywhere []OutlineEdge
	Errors     int // problems because of which parts may be missing
}

// OutlineFlow is one flow file.
type OutlineFlow struct {
	Name, Description string
	File              string
	Line              int
	Public            bool           // a public mention may run it
	First             bool           // a start rule names it
	States            []OutlineState // as written
	Everywhere        []OutlineEdge  // the flow's own entries
}

// Kinds of an OutlineState's Asks.
const (
	AsksOptions = "options"
	AsksSlot    = "collect"
	AsksForm    = "form"
	AsksVerify  = "verify"
)

// OutlineState is one state.
type OutlineState struct {
	Name    string
	File    string
	Line    int
	Words   string // its question, else the first it says, in the first language; "" = it says nothing
	Asks    string // "" = no question
	Slot    string // that it fills
	Service string // that it calls
	Broken  string // the first error in it; "" = none
	Edges   []OutlineEdge
}

// Kinds of an OutlineEdge's To.
const (
	ToState   = "state"   // Flow, State
	ToCall    = "call"    // Flow; what follows its return are edges with After
	ToReturn  = "return"  // Name is the result
	ToHandoff = "handoff" // Name is the queue
	ToResolve = "resolve" // Name is the reason
	ToResume  = "resume"  // the question that was open before
)

// OutlineEdge is one way out of a state.
type OutlineEdge struct {
	// Edges are its names as in language.md 2.22, the chooser's first: an option
	// and then the arm that its answer leads to.
	Edges []string
	// Lines says where each of Edges is written; 0 = nowhere of its own.
	Lines []int
	// Words say in words when it is taken; "" = always.
	Words string
	To    string
	Flow  string
	State string
	Name  string
	// After is the edge of the same state whose call has returned, counted from
	// 1; 0 = it leaves the state itself.
	After int
	// Later says that it is taken out of a handoff: by people, or for want of them.
	Later bool
	File  string
	Line  int
}

// Label is the edge's names as one text: opt great.
func (e OutlineEdge) Label() string {
	names := make([]string, len(e.Edges))
	for i, name := range e.Edges {
		names[i] = strings.ReplaceAll(name, ":", " ")
	}
	return strings.Join(names, ", ")
}

// Outline gives what can be drawn. Of a project with errors it is what is
// sound; the states that are not are marked.
func (p *Project) Outline() *Outline {
	set := p.Set
	if set == nil {
		set = p.sound
	}
	out := &Outline{}
	if set == nil {
		return out
	}
	broken := map[string]string{}
	for _, d := range p.Diagnostics {
		if d.Severity != source.Error {
			continue
		}
		out.Errors++
		if at := d.Flow + "." + d.State; broken[at] == "" {
			broken[at] = d.Code + ": " + d.Message
		}
	}
	first := map[string]bool{}
	for _, r := range set.Start {
		first[r.Flow] = true
	}
	b := &outliner{set: set}
	out.Everywhere = b.everywhere(set.Everywhere)
	for _, name := range set.FlowOrder {
		f := set.Flows[name]
		of := OutlineFlow{Name: f.Name, Description: f.Description, File: f.At.File, Line: f.At.Line, First: first[name]}
		for _, on := range f.On {
			of.Public = of.Public || on == "public"
		}
		of.Everywhere = b.everywhere(f.Everywhere)
		for _, state := range f.StateOrder {
			if d := f.States[state]; d != nil {
				s := b.state(d)
				s.Broken = broken[f.Name+"."+state]
				of.States = append(of.States, s)
			}
		}
		out.Flows = append(out.Flows, of)
	}
	return out
}

// outliner turns the engine's types into an outline.
type outliner struct {
	set   *engine.Set
	flow  string
	edges []OutlineEdge
	after int
	later bool
}

func (b *outliner) words(t *engine.Text) string {
	for t != nil {
		if len(b.set.Languages) > 0 && t.Lang[b.set.Languages[0]] != nil {
			return plainWords(t.Lang[b.set.Languages[0]])
		}
		if len(t.Any) == 0 {
			return ""
		}
		t = t.Any[0]
	}
	return ""
}

// plainWords is a text with [slot] in place of what shows a slot and … in place
// of any other expression.
func plainWords(t *engine.Template) string {
	var out strings.Builder
	for _, p := range t.Parts {
		if p.Expr == nil {
			out.WriteString(p.Lit)
			continue
		}
		name, ok := strings.CutPrefix(strings.TrimSpace(p.Expr.Source), "slots.")
		if ok && namePattern.MatchString(name) {
			out.WriteString("[" + name + "]")
		} else {
			out.WriteString("…")
		}
	}
	return strings.ReplaceAll(strings.Join(strings.Fields(out.String()), " "), "….", "…")
}

func (b *outliner) state(d *engine.StateDef) OutlineState {
	s := OutlineState{Name: d.Name, File: d.At.File, Line: d.At.Line, Words: b.firstWords(d)}
	switch {
	case d.Collect != nil:
		s.Asks, s.Slot = AsksSlot, d.Collect.Slot
		if slot := b.set.Slots[s.Slot]; s.Words == "" && slot != nil {
			s.Words = b.words(slot.Ask)
		}
	case d.Form != nil:
		s.Asks = AsksForm
	case d.Verify != nil:
		s.Asks, s.Service = AsksVerify, d.Verify.Service
	case len(d.Options) > 0:
		s.Asks, s.Slot = AsksOptions, d.Save
	}
	if d.HTTP != nil {
		s.Service = d.HTTP.Service
	}
	b.flow, b.edges, b.after, b.later = d.Flow, nil, 0, false
	b.ways(d)
	s.Edges = b.edges
	return s
}

func (b *outliner) firstWords(d *engine.StateDef) string {
	if _, text := asks(d); text != nil {
		if said := b.words(text); said != "" {
			return said
		}
	}
	for _, it := range d.Say {
		if said := b.words(it.Text); said != "" {
			return said
		}
		for _, arm := range it.Group {
			if said := b.words(arm.Text); said != "" {
				return said
			}
		}
	}
	return ""
}

// everywhere are the entries a project or flow has of its own.
func (b *outliner) everywhere(list []*engine.Escape) []OutlineEdge {
	b.flow, b.edges, b.after, b.later = "", nil, 0, false
	for _, e := range list {
		if !e.BuiltIn {
			b.exit(e.Exit, choice{"everywhere:" + e.Name, e.At.Line, strings.ReplaceAll(e.Name, "_", " ")})
		}
	}
	return b.edges
}

// choice is one choice on the way to a target.
type choice struct {
	edge  string
	line  int
	words string
}

// ways are the ways out of a state, in the order of who chooses: the customer,
// the look-up, silence, the state itself.
func (b *outliner) ways(d *engine.StateDef) {
	for _, o := range choices(d) {
		via := choice{"opt:" + o.ID, o.At.Line, b.words(o.Label)}
		switch {
		case o.Exit != nil:
			b.exit(o.Exit, via)
		case d.Exit != nil:
			b.decided(d, o, via)
		}
	}
	b.question(d)
	b.own(d)
	b.lookup(d.HTTP)
	for i, a := range d.NoMatch {
		n := strconv.Itoa(i + 1)
		b.exit(a.Exit, choice{"no_match:" + n, a.At.Line, "no match " + n})
	}
	for i, w := range d.NoReply {
		b.exit(w.Exit, choice{"no_reply:" + strconv.Itoa(i+1), w.At.Line, "silent " + w.After.Source})
	}
	if d.When != nil {
		via := choice{"skip_state", d.At.Line, "unless " + d.When.Source}
		if d.Else != nil {
			b.exit(d.Else, via)
		} else {
			b.exit(d.Exit, via)
		}
	}
}

func (b *outliner) question(d *engine.StateDef) {
	if c := d.Collect; c != nil {
		if c.Skip != nil {
			b.exit(d.Exit, choice{"skip", c.At.Line, b.words(c.Skip)})
		}
		b.exit(c.Missing, choice{"missing", c.At.Line, "does not have it"})
		b.exit(c.GiveUp, choice{"give_up", c.At.Line, "gives up"})
	}
	if f := d.Form; f != nil {
		b.exit(f.FallbackExit, choice{"form:fallback", f.At.Line, "no form"})
	}
	if v := d.Verify; v != nil {
		b.exit(v.Failed, choice{"verify:failed", v.At.Line, "not verified"})
	}
}

// own is the state's own way out, under the name of what lets it be taken.
func (b *outliner) own(d *engine.StateDef) {
	x := d.Exit
	if x == nil {
		return
	}
	via := choice{"next", x.At.Line, ""}
	switch {
	case d.Collect != nil:
		via = choice{"collected", x.At.Line, "answered"}
	case d.Form != nil:
		via = choice{"form:submitted", x.At.Line, "sent"}
	case d.Verify != nil:
		via = choice{"verify:ok", x.At.Line, "verified"}
	case len(d.Options) > 0:
		return // each option has its own
	case d.HTTP != nil:
		via = choice{"http:ok", x.At.Line, "found"}
	case x.Kind == engine.ExitCall:
		via.edge = "call:" + x.Flow
	case x.Kind == engine.ExitReturn:
		via.edge = "return:" + done(x.Result)
	case x.Kind == engine.ExitHandoff:
		via.edge = "handoff"
	case x.Kind == engine.ExitResolve:
		via.edge = "resolve:" + x.Reason
	}
	if x.Kind == engine.ExitBranch {
		b.arms(x, nil)
		return
	}
	b.exit(x, via)
}

func done(result string) string {
	if result == "" {
		return "done"
	}
	return result
}

func (b *outliner) lookup(h *engine.Lookup) {
	if h == nil {
		return
	}
	for _, code := range byLine(h.On) {
		x := h.On[code]
		b.exit(x, choice{"http:" + code, x.At.Line, code})
	}
	if h.OnElse != nil {
		b.exit(h.OnElse, choice{"http:else", h.OnElse.At.Line, "fails"})
	}
}

// Find gives a flow by its name, else the name that was perhaps meant.
func (o *Outline) Find(flow string) (f *OutlineFlow, meant string) {
	var names []string
	for i := range o.Flows {
		if o.Flows[i].Name == flow {
			return &o.Flows[i], ""
		}
		names = append(names, o.Flows[i].Name)
	}
	meant, _ = source.DidYouMean(flow, names)
	return nil, meant
}
