package engine

import (
	"strconv"
	"strings"
	"time"

	"dispatcher/dm"
)

// handoff gives the conversation to a queue in the words of its exit.
func (t *turn) handoff(x *Exit, from string) {
	if t.st.Lent != nil {
		t.giveBack(t.lentEnd())
		return
	}
	h := x.Hand
	if h == nil {
		h = &Hand{}
	}
	if t.cause == "" {
		t.cause = dm.CauseFlow
	}
	alias := t.pick(h.Queue, t.set.DefaultQueue)
	reason := h.Reason
	if reason == "" {
		if reason = t.st.Name; from == atAny {
			reason = t.cause
		}
	}
	e := Handoff{
		Queue: alias, Priority: t.pick(h.Priority, dm.PriorityNormal), Skills: h.Skills,
		Cause: t.cause, Reason: reason, Rule: x.where,
	}
	e.Summary = t.summary(h.Summary)
	e.Promised = t.sayHandoff(h, alias, t.rule())
	t.handOver(e, x.Key, h)
}

// systemHandoff is a handoff that no state makes: default queue, built-in words.
func (t *turn) systemHandoff(cause string, speak bool) {
	if t.cause == "" {
		t.cause = cause
	}
	if t.st.Lent != nil {
		t.giveBack(t.lentEnd())
		return
	}
	t.step0("handoff")
	t.note(TraceStep{What: "edge", State: t.st.Position(), Edge: "handoff"})
	e := Handoff{Queue: t.set.DefaultQueue, Priority: dm.PriorityNormal, Cause: t.cause, Reason: t.cause}
	if speak {
		e.Promised = t.sayHandoff(&Hand{}, e.Queue, "everywhere."+escPerson)
	}
	t.handOver(e, "", &Hand{})
}

// handOver ends the turn.
func (t *turn) handOver(e Handoff, key string, h *Hand) {
	e.Said = t.last
	hand := &HandState{
		Flow: t.st.Flow, Name: t.st.Name, Key: key, AskFlow: t.st.Flow, AskName: t.st.Name,
		Question: t.st.Question, Stack: t.st.Stack, Queue: e.Queue, Priority: e.Priority, At: t.now.UnixMilli(),
	}
	if t.hangs != nil {
		hand.Question, hand.Stack = t.hangs, t.hangStack
		hand.AskFlow, hand.AskName = t.hangsAt[0], t.hangsAt[1]
	}
	if q := hand.Question; q != nil { // the words to be confirmed are asked for again
		bare := *q
		bare.Sub, bare.Choices, bare.Value = "", nil, nil
		hand.Question = &bare
	}
	t.st.Hand, t.st.Owner = hand, dm.OwnerQueue
	t.st.Question, t.st.Stack, t.st.After = nil, nil, false
	t.st.Waiting = nil
	t.refresh()
	t.cancelSilence()
	t.out = append(t.out, e)
	for i := range h.Unanswered {
		t.out = append(t.out, SetTimer{Name: timerUnanswered + strconv.Itoa(i), At: t.unansweredDue(h, i, hand)})
	}
	t.over, t.waits, t.next = true, false, target{}
}

// rule is flow.state:line of the position.
func (t *turn) rule() string {
	if st := t.state(); st != nil {
		return st.where
	}
	return ""
}

func (t *turn) pick(list []Pick, otherwise string) string {
	for _, p := range list {
		if p.If == nil || t.cond(p.If) {
			if p.Use == "" {
				return otherwise
			}
			return p.Use
		}
	}
	return otherwise
}

// summary drops empty lines.
func (t *turn) summary(tx *Text) string {
	if tx == nil {
		return ""
	}
	var lines []string
	for line := range strings.Lines(t.text(tx)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// sayHandoff says the last words and whether they hold a promise.
func (t *turn) sayHandoff(h *Hand, alias, rule string) (promised bool) {
	t.queue = t.queueNow(alias)
	defer func() { t.queue = nil }()
	before := len(t.out)
	like := Say{Priority: 1, Rule: rule, Notice: true}
	switch {
	case h.SayNothing:
	case len(h.Say) > 0:
		t.sayItems(h.Say, like)
	case t.public:
	case t.instead != nil:
		like.Text, t.instead = *t.instead, nil
		t.emit(like)
	default:
		like.Text = t.handoffSentence(alias)
		t.emit(like)
	}
	for _, e := range t.out[before:] {
		if s, ok := e.(Say); ok && len(s.Quotes) > 0 {
			promised = true
		}
	}
	return promised
}

// handoffSentence knows the hours of the queue.
func (t *turn) handoffSentence(alias string) string {
	q := t.set.Queues[alias]
	if q == nil || q.Schedule.Open(t.now) {
		return t.sentence("handoff_open")
	}
	at, ok := q.Schedule.Opens(t.now)
	if !ok {
		return t.sentence("handoff_open")
	}
	s := t.sentence("handoff_closed")
	if strings.Contains(s, "{{ opens }}") {
		t.quote(Quote{Kind: "opening", Name: alias, Due: at})
		s = strings.ReplaceAll(s, "{{ opens }}", t.dayAndTimeText(at))
	}
	return s
}

func (t *turn) queueNow(alias string) *queueRoot {
	now := t.ev.World.Queues[alias]
	r := &queueRoot{alias: alias, name: alias, position: now.Waiting + 1, wait: now.WaitMinutes}
	if q := t.set.Queues[alias]; q != nil {
		r.name, r.open = q.shown(t.lang), q.Schedule.Open(t.now)
		if r.name == "" {
			r.name = strings.ToUpper(alias[:1]) + strings.ReplaceAll(alias[1:], "_", " ")
		}
	}
	return r
}

// hand is the exit of the handoff that the conversation waits in, live.
func (t *turn) hand() *Hand {
	h := t.st.Hand
	if h == nil || h.Key == "" {
		return &Hand{}
	}
	flow, name := t.renamed(h.Flow, h.Name)
	if x := t.exitAt(flow, name, h.Key); x != nil && x.Hand != nil {
		return x.Hand
	}
	return &Hand{}
}

// unansweredDue counts from the handoff in open time of the queue's schedule;
// the first step's default is the queue's first_reply.
func (t *turn) unansweredDue(h *Hand, i int, hand *HandState) time.Time {
	from := time.UnixMilli(hand.At)
	q := t.set.Queues[hand.Queue]
	d := h.Unanswered[i].After
	if d.For == 0 && d.OpenDays == 0 && q != nil {
		d = Delay{For: q.FirstReply}
	}
	if d.Schedule == nil && q != nil {
		d.Schedule = q.Schedule
	}
	return t.due(d, from)
}

// unanswered is step n of the ladder of a handoff that nobody has claimed.
func (t *turn) unanswered(n int) {
	hand := t.st.Hand
	if t.st.Owner != dm.OwnerQueue || hand == nil {
		return
	}
	h := t.hand()
	if n < hand.Fired || n >= len(h.Unanswered) {
		return
	}
	if at := t.unansweredDue(h, n, hand); t.now.Before(at) {
		t.out = append(t.out, SetTimer{Name: t.ev.Timer, At: at})
		return
	}
	kept := *hand
	kept.Fired = n + 1
	t.st.Hand = &kept
	step := &h.Unanswered[n]
	t.note(TraceStep{What: "edge", State: t.st.Position(), Edge: numbered("handoff:unanswered:", n), At: step.At.String()})
	t.tag(step.Tag)
	t.queue = t.queueNow(kept.Queue)
	if step.Say != nil {
		t.emit(Say{Text: t.text(step.Say), Notice: step.Exit == nil, Priority: 1, Rule: t.rule()})
	}
	t.queue = nil
	if step.Exit != nil {
		t.withdraw(step.Exit)
		return
	}
	t.requeue(step, &kept)
}

// requeue moves the handoff or raises it.
func (t *turn) requeue(step *Wait, hand *HandState) {
	if step.Queue == "" && step.Priority == "" {
		return
	}
	if step.Priority != "" {
		hand.Priority = step.Priority
	}
	if step.Queue != "" {
		hand.Queue = step.Queue
	}
	t.out = append(t.out, Handoff{
		Queue: hand.Queue, Priority: hand.Priority, Cause: dm.CauseFlow, Reason: hand.Name, Rule: step.At.String(), Said: t.last,
		Again: true, Raised: step.Queue == "",
	})
}

// withdraw takes the conversation out of the queue and goes on in the flow.
func (t *turn) withdraw(x *Exit) {
	t.takeBack()
	t.out = append(t.out, CancelTimers{Prefix: timerUnanswered})
	if st := t.state(); st != nil {
		t.follow(x, st.full)
		return
	}
	t.vanished()
}

// takeBack makes the bot the owner again, with the stack of the handoff.
func (t *turn) takeBack() {
	t.st.Owner = dm.OwnerBot
	if h := t.st.Hand; h != nil {
		t.st.Stack = h.Stack
		if h.Flow != "" {
			t.st.Flow, t.st.Name = t.renamed(h.Flow, h.Name)
		}
	}
}

// tellAgain is how long a customer who asks again while waiting is not told anew.
const tellAgain = 5 * time.Minute

// queued is a customer's message while people own the conversation: only the
// built-in escapes are listened to. A stop word ends the wait; asking for a
// person or to start over keeps the place and gets the quote of now.
func (t *turn) queued() {
	t.listen()
	if t.ev.Tap != nil || t.ev.Edited || t.blank() {
		return
	}
	t.each(func(m *spoken) bool {
		e, by := t.set.linked.lobby.escapes.find(m, true, t.set.linked.filler)
		if e == nil || !e.BuiltIn {
			return false
		}
		t.trace.Stage, t.by = "everywhere", by
		t.note(TraceStep{What: "stage", Edge: "everywhere:" + e.Name, By: by})
		if e.Name != escStop {
			t.stillWaiting(e.Name)
			return true
		}
		words := t.sentence("stopped")
		if e.Say != nil {
			words = t.text(e.Say)
		}
		t.emit(Say{Text: words, Notice: true, Priority: 1, Rule: "everywhere." + escStop})
		t.step0("resolve")
		t.resolve("stopped")
		return true
	})
}

// stillWaiting says what the wait looks like now, at most once in five minutes.
func (t *turn) stillWaiting(escape string) {
	hand := t.st.Hand
	if hand == nil || hand.Told != 0 && t.now.Sub(time.UnixMilli(hand.Told)) < tellAgain {
		return
	}
	kept := *hand
	kept.Told = t.now.UnixMilli()
	t.st.Hand = &kept
	words := t.handoffSentence(kept.Queue)
	if q := t.queueNow(kept.Queue); q.open && q.wait != nil {
		words += " " + strings.ReplaceAll(t.sentence("wait_now"), "{{ minutes }}", strconv.Itoa(*q.wait))
	}
	t.emit(Say{Text: words, Notice: true, Place: true, Priority: 1, Rule: "everywhere." + escape})
}
