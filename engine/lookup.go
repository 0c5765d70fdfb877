package engine

import (
	"encoding/json"
	"maps"
	"strconv"

	"dispatcher/dm"
)

// Names of the look-up's edges that a state has whatever it writes.
const (
	edgeFound  = "http:ok"
	edgeFailed = "http:else"
)

// call sends the look-up of a state and ends the turn: its result comes back
// as an event. Nothing is due while it is open, neither silence nor the idle
// close: its caller bounds it. Look-ups that follow each other with nobody
// saying anything between them end with people.
func (t *turn) call(st *StateDef) {
	h := st.HTTP
	if t.st.Calls++; t.st.Calls > maxCalls {
		t.cause = dm.CauseLoop
		t.systemHandoff(dm.CauseLoop, !t.public)
		return
	}
	path, ok := t.requestPath(h)
	if !ok {
		t.note(TraceStep{What: "lookup", State: st.full, Option: h.Save, By: h.Method + " " + h.Service, At: h.At.String()})
		t.concludeLookup(st, &LookupResult{Fail: "refused"})
		return
	}
	if h.Method != "get" {
		t.st.Posted = t.st.Visit
	}
	t.st.Visit++
	e := Call{
		ID: "l" + strconv.FormatInt(t.st.Visit, 10), Service: h.Service, Method: h.Method,
		Path: path, Body: t.requestBody(h), Timeout: h.Timeout, Retry: h.Retry,
		Returns: h.shape, Rule: st.where, Typing: t.typing,
	}
	w := &Waiting{ID: e.ID, Flow: t.st.Flow, Name: t.st.Name, Since: t.now.UnixMilli()}
	if t.public {
		w.Public, w.Under = true, t.st.Waiting.private()
	} else {
		t.cancelSilence()
	}
	t.st.Waiting = w
	t.note(TraceStep{What: "lookup", State: st.full, Option: h.Save, By: h.Method + " " + h.Service, At: h.At.String()})
	t.out = append(t.out, e)
	t.over, t.waits = true, false
}

// private is the open look-up of the private conversation, nil when there is none.
func (w *Waiting) private() *Waiting {
	if w != nil && w.Public {
		return w.Under
	}
	return w
}

// looking says that the private conversation waits for a look-up.
func (t *turn) looking() bool { return t.st.Waiting.private() != nil }

// abandon leaves the open look-up of the private conversation; its late result
// is recorded and ignored.
func (t *turn) abandon() {
	w := t.st.Waiting
	if w == nil || t.public {
		return
	}
	if t.st.Waiting = nil; w.Public {
		t.st.Waiting = &Waiting{ID: w.ID, Flow: w.Flow, Name: w.Name, Since: w.Since, Public: true}
	}
}

// waited is the open look-up of an id, which is open no longer; nil when nobody
// waits for it.
func (t *turn) waited(id string) *Waiting {
	w := t.st.Waiting
	switch {
	case w == nil:
	case w.ID == id:
		t.st.Waiting = w.Under
		return w
	case w.Under != nil && w.Under.ID == id:
		under := w.Under
		t.abandon()
		return under
	}
	return nil
}

// meanwhile is a customer's message while a look-up is open: what it holds is
// kept, entries of everywhere work, and nothing else answers it.
func (t *turn) meanwhile() {
	t.trace.Stage = "none"
	if t.ev.Kind == EvStart || t.ours() || t.blank() {
		return
	}
	if t.ev.Edited {
		t.edited()
		return
	}
	t.fillAhead()
	if t.everywhereStage() {
		t.trace.Stage = "everywhere"
	}
}

// ours says that the event is a tap on a button of this conversation.
func (t *turn) ours() bool {
	tap := t.ev.Tap
	if tap == nil || tap.Closed {
		return false
	}
	var r tapRecord
	return json.Unmarshal(tap.Record, &r) == nil && tap.Index >= 0 && tap.Index < len(r.Options)
}

// waitsForLookup says that an entry of everywhere is none to leave an open
// look-up for: a side trip has nowhere to come back to.
func (t *turn) waitsForLookup(e *Escape) bool {
	if !t.looking() || e.Exit == nil || e.Exit.Kind != ExitCall {
		return false
	}
	t.note(TraceStep{What: "stage", Edge: "everywhere:" + e.Name, By: t.by, Value: "waits for the look-up", At: e.At.String()})
	return true
}

// looked is the result of a look-up. One that nobody waits for any more is
// recorded and ignored.
func (t *turn) looked() {
	r := t.ev.Lookup
	var w *Waiting
	if r != nil && t.st.Owner == dm.OwnerBot {
		w = t.waited(r.ID)
	}
	if w == nil {
		t.late("lookup")
		return
	}
	if !w.Public {
		t.settleLookup(r)
		return
	}
	t.public = true
	t.aside(func() {
		t.st.Flow, t.st.Name, t.st.Question, t.st.Stack = w.Flow, w.Name, nil, nil
		t.settleLookup(r)
	})
	t.waits = false // the private question was asked when it was asked
}

// settleLookup reads a result where it was asked for and goes on from there.
func (t *turn) settleLookup(r *LookupResult) {
	if !t.place() {
		return
	}
	st := t.state()
	if st.HTTP == nil { // an edit took the look-up away: the rest of the state is done
		t.ask(st)
		return
	}
	t.typing = st.Typing
	t.concludeLookup(st, r)
}

// concludeLookup goes on from a look-up as its result decides.
func (t *turn) concludeLookup(st *StateDef, r *LookupResult) {
	x, edge := t.outcome(st, r)
	switch {
	case edge == edgeFound:
		t.fire(st.full, edge, edge, st.HTTP.At.String())
		t.ask(st)
	case x == nil:
		t.personExit(edgeFailed, dm.CauseServiceError)
	default:
		if t.cause == "" && serviceFault(r) {
			t.cause = dm.CauseServiceError
		}
		t.follow(x, st.full)
	}
}

// serviceFault tells a service that did not answer as it should from one that
// says there is no such thing, which is an answer.
func serviceFault(r *LookupResult) bool { return r.Status < 400 || r.Status >= 500 }

// outcome stores a result that fits what the state wants of it, else finds the
// exit for what went wrong, nil when the state has none.
func (t *turn) outcome(st *StateDef, r *LookupResult) (*Exit, string) {
	h, word := st.HTTP, r.Fail
	answer := TraceStep{What: "lookup", State: st.full, Option: h.Save, Value: r.Fail}
	if r.Fail == "" {
		answer.Value = strconv.Itoa(r.Status)
		if r.Status >= 200 && r.Status < 300 {
			if t.keepResult(h, r) {
				t.note(answer)
				return nil, edgeFound
			}
			word, answer.Value = "invalid", "invalid"
		}
	}
	t.note(answer)
	t.dropLookup(h.Save)
	if r.Status > 0 {
		code := strconv.Itoa(r.Status)
		for _, name := range [...]string{code, code[:1] + "xx"} {
			if x := h.On[name]; x != nil {
				return x, "http:" + name
			}
		}
	}
	if x := h.On[word]; word != "" && x != nil {
		return x, "http:" + word
	}
	return h.OnElse, edgeFailed
}

// dropLookup forgets a result: the look-up was made again and has none.
func (t *turn) dropLookup(save string) {
	if _, ok := t.st.Lookups[save]; !ok {
		return
	}
	t.st.Lookups = maps.Clone(t.st.Lookups)
	delete(t.st.Lookups, save)
}
