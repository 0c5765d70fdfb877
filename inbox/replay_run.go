package inbox

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
)

// replayRun is one conversation on its way through one set, from its first
// event on: nothing of it is stored and nothing of it is sent.
type replayRun struct {
	set    *engine.Set
	state  engine.State
	timers map[string]time.Time
	shown  []json.RawMessage // records of the questions that were shown, in order

	language   string
	slots      map[string]engine.SlotValue // of the person
	verifiedBy string
	verified   time.Time // until then; zero = not by this run
	handed     bool
	closed     bool
}

func newReplayRun(set *engine.Set, st *story) *replayRun {
	r := &replayRun{set: set, timers: map[string]time.Time{}, slots: map[string]engine.SlotValue{}, language: st.profile.Language}
	for name, v := range st.profile.Slots {
		if v.At < st.conv.OpenedAt { // what was learnt later is learnt again
			r.slots[name] = v
		}
	}
	return r
}

// begin makes the state before the first event, which may go on with the
// conversation before.
func (r *replayRun) begin(st *story, at time.Time) {
	if st.prev != nil && st.prevState.Left != nil && engine.Resumable(r.set, st.prevState, at) {
		r.state = engine.Continue(r.set, st.prevState)
		return
	}
	r.state = engine.NewState(r.set)
}

// step decides one event and does to this run what it would do to a
// conversation.
func (r *replayRun) step(sets engine.Sets, ev engine.Event) (engine.Result, heard) {
	before := r.state.Owner
	res := engine.Step(sets, r.state, ev)
	r.state = res.State
	for _, effect := range res.Effects {
		r.apply(effect)
	}
	if before == dm.OwnerBot && r.state.Owner != dm.OwnerBot {
		r.leaveBot()
	}
	return res, r.heard(res)
}

func (r *replayRun) apply(effect engine.Effect) {
	switch v := effect.(type) {
	case engine.Say:
		if len(v.Question) > 0 {
			r.shown = append(r.shown, v.Question)
		}
	case engine.SetTimer:
		r.timers[v.Name] = v.At
	case engine.CancelTimers:
		r.cancel(v.Prefix)
	case engine.SetContact:
		r.learn(v)
	case engine.Handoff:
		r.handed = true
	case engine.Resolve:
		if r.state.Lent == nil {
			r.cancel("")
			r.closed = true
		}
	}
}

func (r *replayRun) learn(v engine.SetContact) {
	if v.Language != "" {
		r.language = v.Language
	}
	if v.VerifiedBy != "" {
		r.verifiedBy, r.verified = v.VerifiedBy, v.VerifiedUntil
	}
	if len(v.Slots) == 0 {
		return
	}
	kept := make(map[string]engine.SlotValue, len(r.slots)+len(v.Slots)) // the old one may be in a world still
	for name, old := range r.slots {
		kept[name] = old
	}
	for name, value := range v.Slots {
		if value.Value == nil {
			delete(kept, name)
			continue
		}
		kept[name] = value
	}
	r.slots = kept
}

func (r *replayRun) cancel(prefix string) {
	for name := range r.timers {
		if strings.HasPrefix(name, prefix) {
			delete(r.timers, name)
		}
	}
}

// leaveBot ends what only the bot waits for.
func (r *replayRun) leaveBot() {
	for _, name := range []string{"silence", timerIdle, "form", "verify"} {
		r.cancel(name)
	}
}

// own gives the conversation to whom it went when it happened.
func (r *replayRun) own(edge Edge, owner string) {
	if r.state.Version == 0 || owner == "" {
		return
	}
	if r.state.Lent != nil && owner != dm.OwnerBot {
		r.cancel(timerLend)
		r.state = engine.Recall(r.state)
	}
	if r.state.Owner == dm.OwnerBot && owner != dm.OwnerBot {
		r.leaveBot()
	}
	switch edge {
	case EdgeHandBack, EdgeClaim, EdgeTakeOver, EdgeNativeReply:
		r.cancel(timerUnclaimed)
	case EdgeReopen, EdgeReopenQueue, EdgeUndoResolve:
		r.closed = false
	}
	r.state.Owner = owner
}

// due is the timer that is due first of those that are due by then and fit;
// "" = none.
func (r *replayRun) due(by time.Time, fits func(name string, at time.Time) bool) (name string, at time.Time) {
	for n, t := range r.timers {
		if t.After(by) || fits != nil && !fits(n, t) {
			continue
		}
		if name == "" || t.Before(at) || t.Equal(at) && n < name {
			name, at = n, t
		}
	}
	return name, at
}

// waiting is the look-up that this run waits for in a state; "" = the one that
// is open.
func (r *replayRun) waiting(state string) string {
	w := r.state.Waiting
	for ; w != nil; w = w.Under {
		if state == "" || w.Flow+"."+w.Name == state {
			return w.ID
		}
	}
	return ""
}

// page is the id of the page of a form or a verification that this run has
// open; "" = none.
func (r *replayRun) page(fits func(*engine.Question) bool) string {
	open := []*engine.Question{r.state.Question}
	stack := r.state.Stack
	if h := r.state.Hand; h != nil && r.state.Owner != dm.OwnerBot {
		open, stack = append(open, h.Question), h.Stack
	}
	for _, f := range slices.Backward(stack) {
		open = append(open, f.Question)
	}
	for _, q := range open {
		if q != nil && q.ID != "" && fits(q) {
			return q.ID
		}
	}
	return ""
}

// shownRecord is what the engine keeps of a question, as far as it is read here.
type shownRecord struct {
	Flow    string `json:"flow"`
	State   string `json:"state"`
	Sub     string `json:"sub"`
	Options []struct {
		ID string `json:"id"`
	} `json:"options"`
}

// button finds the button of this run that stands for one that was pressed:
// that of the newest question of the same state which has it. Else it is the
// stored one, as a customer has it who looks at an old message.
func (r *replayRun) button(record json.RawMessage, index int) (json.RawMessage, int) {
	var was shownRecord
	if json.Unmarshal(record, &was) != nil || index >= len(was.Options) {
		return record, index
	}
	flow, state := renamedIn(r.set, was.Flow, was.State)
	for _, shown := range slices.Backward(r.shown) {
		var is shownRecord
		if json.Unmarshal(shown, &is) != nil || is.Flow != flow || is.State != state || is.Sub != was.Sub {
			continue
		}
		for i := range is.Options {
			if is.Options[i].ID == was.Options[index].ID {
				return shown, i
			}
		}
	}
	return record, index
}

// renamedIn is a state under the name that a set has for it.
func renamedIn(set *engine.Set, flow, state string) (string, string) {
	f := set.Flows[flow]
	for range 8 {
		if f == nil || f.States[state] != nil || f.Renamed[state] == "" {
			break
		}
		state = f.Renamed[state]
	}
	return flow, state
}
