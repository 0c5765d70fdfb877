package inbox

import (
	"cmp"
	"slices"

	"dispatcher/dm"
	"dispatcher/engine"
)

// QueueNow is a queue as flows and the desk see it.
type QueueNow = engine.QueueNow

// ReturnedEvent is what the engine is told of a conversation that an agent
// gave back: resume is flow.state or "" as the flow says, slots are values as
// an agent typed them.
func ReturnedEvent(resume string, slots map[string]string) engine.Event {
	return engine.Event{Kind: engine.EvReturned, Resume: resume, Slots: slots}
}

// ResolvedEvent is what the engine is told of a conversation that an agent
// resolved and that has an after-care flow.
func ResolvedEvent() engine.Event { return engine.Event{Kind: engine.EvResolved} }

// Reader opens what is sealed for the view's contact; nil for nobody.
func (v *View) Reader() *Reader { return v.vault.Reader }

// Phase is the word of the phase the conversation is in; "new" when there is none.
func (v *View) Phase() string { return PhaseWord(v.Snap.Conv.Phase) }

// UID is the public id of the conversation.
func (v *View) UID() string { return UIDText(v.Snap.Conv.UID) }

// Window is the time in which the platform lets us answer; nil = no limit.
func (v *View) Window() *dm.Window {
	d := Draft{View: v, identity: v.Snap.Identity}
	return d.window()
}

// Identity says how sure we are of who writes.
func (v *View) Identity() Identity {
	d := Draft{View: v, identity: v.Snap.Identity, profile: v.Profile}
	return d.identityNow()
}

// Slots are the slots as they are now, in the order of filling.
func (v *View) Slots() []PacketSlot {
	var set *engine.Set
	if v.Project != nil {
		set = v.Project.Set
	}
	return packetSlots(set, v.State)
}

// AfterCare says whether a resolve by an agent is followed by a flow: the
// handoff's resolved exit, else the project's after_resolve. A closed reply
// window or a public conversation has none.
func (v *View) AfterCare() bool {
	if v.Project == nil || v.Project.Set == nil || v.State.Version == 0 {
		return false
	}
	if w := v.Window(); w != nil && !v.Now.Before(w.ReplyUntil) {
		return false
	}
	if v.Project.Set.AfterResolve != "" {
		return true
	}
	h := v.hand()
	return h != nil && h.Resolved != nil
}

// hand is the handoff of the flow that the conversation came through.
func (v *View) hand() *engine.Hand {
	st := v.State.Hand
	if st == nil || v.Project == nil || v.Project.Set == nil {
		return nil
	}
	flow := v.Project.Set.Flows[st.Flow]
	if flow == nil || flow.States[st.Name] == nil {
		return nil
	}
	return handOf(flow.States[st.Name], st.Key)
}

// handOf finds the exit of a state by its key, and the handoff it makes.
func handOf(def *engine.StateDef, key string) *engine.Hand {
	exits := []*engine.Exit{def.Exit}
	for _, o := range def.Options {
		exits = append(exits, o.Exit)
	}
	if def.Collect != nil {
		exits = append(exits, def.Collect.GiveUp, def.Collect.Missing)
	}
	for _, a := range def.NoMatch {
		exits = append(exits, a.Exit)
	}
	for _, w := range def.NoReply {
		exits = append(exits, w.Exit)
	}
	for len(exits) > 0 {
		e := exits[0]
		exits = exits[1:]
		if e == nil {
			continue
		}
		if e.Hand != nil && (key == "" || e.Key == key) {
			return e.Hand
		}
		exits = append(exits, e.Else)
		for _, a := range e.Arms {
			exits = append(exits, a.Exit)
		}
	}
	return nil
}

// ReturnPoint is a place where the bot may take a conversation up again.
type ReturnPoint struct {
	At      string // flow.state; "" = as the flow says
	Label   string
	Preview string
}

// Returns lists the places of a hand-back, each with the first sentence the
// customer would read: what the engine says when it is tried on the view.
func (s *Service) Returns(v *View) []ReturnPoint {
	points := v.Returns()
	if len(points) == 0 {
		return nil
	}
	world := s.world(v.Draft(), engine.EntryNow{})
	for i, p := range points {
		if said := s.firstSaid(v, world, p.At); said != "" {
			points[i].Preview = said
		}
	}
	return points
}

// firstSaid tries a hand-back and changes nothing; "" when nothing is said, or
// when the step went wrong.
func (s *Service) firstSaid(v *View, world engine.World, at string) string {
	ev := ReturnedEvent(at, nil)
	ev.World = world
	res := s.engineStep(engine.Sets{Live: v.Project.Set}, v.State, ev)
	if res.Trace.Error != "" {
		return ""
	}
	for _, effect := range res.Effects {
		if say, ok := effect.(engine.Say); ok && say.Text != "" {
			return say.Text
		}
	}
	return ""
}

// Returns lists the places of a hand-back: the handoff's own returns, the
// question it stopped at, states with a resume text, the start of a flow. A
// preview is there where the words need no value; Service.Returns has them all.
func (v *View) Returns() []ReturnPoint {
	if v.Project == nil || v.Project.Set == nil || v.State.Version == 0 {
		return nil
	}
	set, lang := v.Project.Set, v.State.Language
	var out []ReturnPoint
	if h := v.hand(); h != nil && h.Returns != nil {
		out = append(out, ReturnPoint{Label: "As the flow says", Preview: wholeText(set, lang, h.Returns.Say)})
	} else if v.State.Hand != nil && v.State.Hand.Question != nil {
		out = append(out, ReturnPoint{Label: "Repeat the question it stopped at", Preview: v.question(set, lang)})
	}
	for _, name := range set.FlowOrder {
		f := set.Flows[name]
		for _, state := range f.StateOrder {
			if def := f.States[state]; def != nil && def.Resume != nil {
				at := name + "." + state
				out = append(out, ReturnPoint{At: at, Label: cmp.Or(wholeText(set, lang, def.Resume), at), Preview: firstWords(set, lang, def)})
			}
		}
		if len(f.StateOrder) > 0 && v.State.Flow == name {
			at := name + "." + f.StateOrder[0]
			out = append(out, ReturnPoint{At: at, Label: "Start of " + name, Preview: firstWords(set, lang, f.States[f.StateOrder[0]])})
		}
	}
	return out
}

func (v *View) question(set *engine.Set, lang string) string {
	st := v.State.Hand
	if f := set.Flows[st.Flow]; f != nil {
		return firstWords(set, lang, f.States[st.Name])
	}
	return ""
}

// firstWords is what a state says first.
func firstWords(set *engine.Set, lang string, def *engine.StateDef) string {
	switch {
	case def == nil:
		return ""
	case def.Ask != nil:
		return wholeText(set, lang, def.Ask)
	case def.Collect != nil && def.Collect.Ask != nil:
		return wholeText(set, lang, def.Collect.Ask)
	case def.Collect != nil && set.Slots[def.Collect.Slot] != nil && set.Slots[def.Collect.Slot].Ask != nil:
		return wholeText(set, lang, set.Slots[def.Collect.Slot].Ask)
	}
	for _, item := range def.Say {
		if item.Text != nil {
			return wholeText(set, lang, item.Text)
		}
	}
	return ""
}

// wholeText is a text without values, as plainText gives it; one with a value
// in it would have a hole, and is left out.
func wholeText(set *engine.Set, lang string, t *engine.Text) string {
	if t == nil {
		return ""
	}
	if len(t.Any) > 0 {
		t = t.Any[0]
	}
	tpl := t.Lang[lang]
	if tpl == nil && len(set.Languages) > 0 {
		tpl = t.Lang[set.Languages[0]]
	}
	if tpl == nil || slices.ContainsFunc(tpl.Parts, func(p engine.Part) bool { return p.Expr != nil }) {
		return ""
	}
	return literal(tpl)
}
