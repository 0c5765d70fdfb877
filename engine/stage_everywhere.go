package engine

import (
	"strconv"

	"dispatcher/dm"
)

// everywhereStage: an entry of the flow, the project or the built-ins matches.
func (t *turn) everywhereStage() bool {
	ix, deaf := t.escapes(), false
	if st := t.state(); st != nil {
		deaf = st.Deaf
	}
	return t.each(func(m *spoken) bool {
		e, by := ix.find(m, deaf, t.set.linked.filler)
		if e == nil || t.deafTo(e) {
			return false
		}
		t.by = by
		if !t.waitsForLookup(e) {
			t.escape(e)
		}
		return true
	})
}

// escape does what an entry of everywhere says.
func (t *turn) escape(e *Escape) {
	if t.st.After {
		t.openNew()
		return
	}
	if t.st.Lent != nil && (e.Name == escPerson || e.Name == escStop) {
		t.giveBack(map[string]string{escPerson: lentAsked, escStop: lentResolve}[e.Name])
		return
	}
	t.hang()
	t.note(TraceStep{What: "stage", Edge: "everywhere:" + e.Name, By: t.by, At: e.At.String()})
	t.st.Question = nil
	t.shown = nil
	t.abandon()
	switch e.Name {
	case escPerson:
		t.cause = dm.CauseAskedForPerson
	case escOver:
		t.forgetConversation()
	}
	if e.Exit == nil {
		t.builtInEscape(e)
		return
	}
	t.sayEscape(e)
	if e.Exit.Kind != ExitCall {
		t.st.Stack = nil
	}
	t.follow(e.Exit, atAny)
}

// sayEscape says an entry's own words; beside a bare handoff they take the
// place of the built-in sentence.
func (t *turn) sayEscape(e *Escape) {
	if e.Say == nil {
		return
	}
	words := t.text(e.Say)
	bare := e.Exit == nil && e.Name == escPerson ||
		e.Exit != nil && e.Exit.Kind == ExitHandoff && (e.Exit.Hand == nil || len(e.Exit.Hand.Say) == 0 && !e.Exit.Hand.SayNothing)
	if bare {
		t.instead = &words
		return
	}
	t.emit(Say{Text: words, Priority: 2, Rule: "everywhere." + e.Name + ":" + strconv.Itoa(e.At.Line)})
}

// builtInEscape is an entry without an exit of its own.
func (t *turn) builtInEscape(e *Escape) {
	switch e.Name {
	case escPerson:
		t.sayEscape(e)
		t.systemHandoff(t.cause, true)
	case escOver:
		t.sayEscape(e)
		t.first = false
		t.startRules(false)
	case escStop:
		words := t.sentence("stopped")
		if e.Say != nil {
			words = t.text(e.Say)
		}
		t.emit(Say{Text: words, Priority: 2, Rule: "everywhere.stop"})
		t.step0("resolve")
		t.resolve("stopped")
	}
}

// forgetConversation empties the slots and look-ups of this conversation.
func (t *turn) forgetConversation() {
	for name := range t.st.Slots {
		if sl := t.slotDef(name); sl == nil || !sl.Contact {
			t.dropSlot(name)
		}
	}
	t.st.Topic, t.st.Lookups, t.st.Left = nil, nil, nil
}

// EndsBurst says whether a part of a burst is understood by an entry of
// everywhere, so that the burst ends at once.
func EndsBurst(sets Sets, st State, text string) bool {
	t := &turn{set: sets.Live, st: st, ev: &Event{}}
	if p := st.Pin; p != nil && sets.Pinned != nil && sets.Pinned.ID == p.Set {
		t.pinned = sets.Pinned
	}
	def := t.state()
	m := &spoken{raw: cutRunes(text, maxText)}
	e, _ := t.escapes().find(m, def != nil && def.Deaf, t.set.linked.filler)
	return e != nil
}
