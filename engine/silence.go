package engine

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatcher/dm"
)

// Prefixes and names of the engine's timers.
const (
	timerSilence    = "silence:"
	timerIdle       = "idle"
	timerUnanswered = "unanswered:"
	timerForm       = "form"
	timerVerify     = "verify"
)

// What ends a wait, boxed once: nearly every step has both.
var (
	noSilence Effect = CancelTimers{Prefix: timerSilence}
	noIdle    Effect = CancelTimers{Prefix: timerIdle}
)

// silenceNames are the names of the first timers of a ladder.
var silenceNames = [...]string{"silence:0", "silence:1", "silence:2", "silence:3", "silence:4"}

func silenceName(i int) string {
	if i < len(silenceNames) {
		return silenceNames[i]
	}
	return timerSilence + strconv.Itoa(i)
}

// ladder is what a state says to silence.
func (t *turn) ladder(st *StateDef) []Wait {
	if st == nil {
		return nil
	}
	if st.NoReply != nil {
		return st.NoReply
	}
	return t.set.Defaults.NoReply
}

// due is when a delay that begins at a moment is over.
func (t *turn) due(d Delay, from time.Time) time.Time {
	if d.OpenDays > 0 {
		at := from
		for range d.OpenDays {
			at = d.Schedule.NextOpenDay(at)
		}
		return at
	}
	if d.Business || d.Schedule != nil {
		return d.Schedule.Add(from, d.For)
	}
	return from.Add(d.For)
}

// cancelSilence drops every timer of the open question.
func (t *turn) cancelSilence() {
	t.out = append(t.out, noSilence, noIdle)
}

// armSilence starts the ladder of the open question again, at the end of a
// turn in which the customer wrote or a question was asked.
func (t *turn) armSilence() {
	if !t.waits || t.st.Owner != dm.OwnerBot || t.looking() {
		return
	}
	t.cancelSilence()
	st := t.state()
	q := t.st.Question
	shift := time.Duration(0)
	if q != nil {
		q.Asked, q.Fired = t.now.UnixMilli(), 0
		if !t.keepShift {
			q.Shift = 0
		}
		shift = time.Duration(q.Shift) * time.Millisecond
	}
	leaves := false
	if q != nil {
		steps := t.ladder(st)
		for i := range steps {
			t.out = append(t.out, SetTimer{Name: silenceName(i), At: t.due(steps[i].After, t.now).Add(shift)})
			leaves = leaves || steps[i].Exit != nil
		}
	}
	if !leaves && t.set.IdleClose > 0 {
		t.out = append(t.out, SetTimer{Name: timerIdle, At: t.now.Add(t.set.IdleClose)})
	}
}

// leads says that a ladder ends the wait itself.
func leads(steps []Wait) bool {
	return slices.ContainsFunc(steps, func(w Wait) bool { return w.Exit != nil })
}

// rearm sets the timers of a wait again by the ladder as it is live now,
// counted from when the wait began; steps that have fired stay fired.
func (t *turn) rearm() {
	q := t.st.Question
	if q == nil || t.st.Owner != dm.OwnerBot || t.looking() {
		return
	}
	t.cancelSilence()
	steps := t.ladder(t.state())
	from := time.UnixMilli(q.Asked)
	for i := q.Fired; i < len(steps); i++ {
		at := t.due(steps[i].After, from).Add(time.Duration(q.Shift) * time.Millisecond)
		t.out = append(t.out, SetTimer{Name: silenceName(i), At: at})
	}
	if !leads(steps) && t.set.IdleClose > 0 {
		t.out = append(t.out, SetTimer{Name: timerIdle, At: from.Add(t.set.IdleClose)})
	}
}

// timer is a timer of ours that is due.
func (t *turn) timer() {
	name := t.ev.Timer
	if rest, ok := strings.CutPrefix(name, timerUnanswered); ok {
		if n, err := strconv.Atoi(rest); err == nil {
			t.unanswered(n)
		}
		return
	}
	if t.st.Owner != dm.OwnerBot {
		return
	}
	switch name {
	case timerLent:
		if t.st.Lent != nil {
			t.giveBack(lentNoReply)
		}
		return
	case timerIdle:
		t.idle()
		return
	case timerForm:
		t.formDue()
		return
	case timerVerify:
		t.verifyDue()
		return
	}
	if rest, ok := strings.CutPrefix(name, timerSilence); ok && t.st.Question != nil {
		if n, err := strconv.Atoi(rest); err == nil {
			t.silent(n)
		}
	}
}

// idle closes a wait that nothing else ends.
func (t *turn) idle() {
	if t.looking() {
		return // its caller ends that wait
	}
	if q := t.st.Question; q != nil {
		t.st.Flow, t.st.Name = t.renamed(t.st.Flow, t.st.Name)
		if st := t.state(); st != nil && leads(t.ladder(st)) {
			t.rearm()
			return
		}
		at := time.UnixMilli(q.Asked).Add(t.set.IdleClose)
		if t.now.Before(at) {
			t.out = append(t.out, SetTimer{Name: timerIdle, At: at})
			return
		}
	}
	if t.st.Lent != nil {
		t.giveBack(lentNoReply)
		return
	}
	t.step0("idle")
	t.note(TraceStep{What: "edge", State: t.st.Position(), Edge: "idle"})
	t.resolve("idle")
}

// silent takes step n of the ladder, as the live set has it now.
func (t *turn) silent(n int) {
	if !t.place() {
		return
	}
	st := t.state()
	steps := t.ladder(st)
	q := t.st.Question
	if n < 0 || n >= len(steps) || q == nil || n < q.Fired {
		return
	}
	base, shift := time.UnixMilli(q.Asked), time.Duration(q.Shift)*time.Millisecond
	if at := t.due(steps[n].After, base).Add(shift); t.now.Before(at) {
		t.out = append(t.out, SetTimer{Name: t.ev.Timer, At: at})
		return
	}
	q.Fired = n + 1
	step := &steps[n]
	if step.Exit == nil && n+1 < len(steps) && !t.now.Before(t.due(steps[n+1].After, base).Add(shift)) {
		return // a later step is due too: after a long sleep only that one speaks
	}
	t.tag(step.Tag)
	t.attempt(st, "no_reply")
	if step.Exit == nil {
		if step.Say != nil {
			t.emit(t.withButtons(st, Say{Text: t.text(step.Say), Priority: 3, Rule: st.where}))
		}
		t.note(TraceStep{What: "edge", State: st.full, Edge: numbered("no_reply:", n), At: step.At.String()})
		t.over = true
		return
	}
	if step.Say != nil {
		t.emit(Say{Text: t.text(step.Say), Priority: 3, Rule: st.where})
	}
	t.cause = dm.CauseNoReply
	if t.st.Lent != nil && step.Exit.Kind != ExitReturn {
		t.giveBack(lentNoReply)
		return
	}
	t.hang()
	t.st.Question = nil
	t.follow(step.Exit, st.full)
}
