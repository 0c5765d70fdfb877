package inbox

import (
	"bytes"
	"slices"
	"strings"

	"dispatcher/engine"
)

// Kinds of what differs, in the order in which they are told.
const (
	DiffQuestion = "question" // another question is open, or none
	DiffQueue    = "queue"    // people of another queue get it
	DiffOutcome  = "outcome"  // it ends otherwise, or does not end
	DiffEdge     = "edge"     // another way to the same place
	DiffTags     = "tags"
	DiffUnknown  = "unknown" // a look-up that never ran: nobody knows its answer
	DiffWording  = "wording" // the same question in other words or with other buttons
)

// DiffKinds are all kinds in that order.
func DiffKinds() []string {
	return []string{DiffQuestion, DiffQueue, DiffOutcome, DiffEdge, DiffTags, DiffUnknown, DiffWording}
}

// heard is what can be noticed of one event from outside.
type heard struct {
	edges    []wentBy
	question openQuestion
	queues   []string // of handoffs
	reasons  []string // of ends
	tags     []string
	calls    []engine.Call
}

// wentBy is one edge with the place in the files that decided it.
type wentBy struct{ flow, state, edge, at string }

// openQuestion is the question that is open after an event; no state = none.
type openQuestion struct {
	flow, state     string
	kind, sub, slot string
	hash            string
	text            string // as it was said now; "" = it was not
	buttons         string
}

func (r *replayRun) heard(res engine.Result) heard {
	h := heard{tags: r.state.Tags, question: r.openNow()}
	for i := range res.Trace.Steps {
		if s := &res.Trace.Steps[i]; s.What == "edge" {
			flow, state, _ := strings.Cut(s.State, ".")
			h.edges = append(h.edges, wentBy{flow, state, s.Edge, s.At})
		}
	}
	for _, effect := range res.Effects {
		switch v := effect.(type) {
		case engine.Say:
			if len(v.Question) > 0 {
				h.question.said(v)
			}
		case engine.Handoff:
			h.queues = append(h.queues, queueOr(v.Queue, r.set))
		case engine.Resolve:
			h.reasons = append(h.reasons, v.Reason)
		case engine.Call:
			h.calls = append(h.calls, v)
		}
	}
	return h
}

func queueOr(alias string, set *engine.Set) string {
	if alias == "" {
		return set.DefaultQueue
	}
	return alias
}

// openNow is the question that is open.
func (r *replayRun) openNow() openQuestion {
	q := r.state.Question
	if q == nil {
		return openQuestion{}
	}
	return openQuestion{flow: r.state.Flow, state: r.state.Name, kind: q.Kind, sub: q.Sub, slot: q.Field, hash: q.Hash}
}

func (q *openQuestion) said(v engine.Say) {
	q.text = v.Text
	var b strings.Builder
	for _, o := range v.Options {
		b.WriteString(o.ID + "\x00" + o.Label + "\x00")
	}
	q.buttons = b.String()
}

// finding is the first thing that differs.
type finding struct {
	kind      string
	place     string // file:line
	then, now string
}

// compare holds what an event did against what it does in the edited set; nil:
// nothing that counts differs. States are known under their new names.
func (w *replayWalk) compare(then, now heard) *finding {
	for i := range then.edges {
		e := &then.edges[i]
		e.flow, e.state = renamedIn(w.now.set, e.flow, e.state)
	}
	q := &then.question
	q.flow, q.state = renamedIn(w.now.set, q.flow, q.state)
	f := &finding{place: w.placeOf(then, now)}
	if !w.differs(f, then, now) {
		return nil
	}
	return f
}

func (w *replayWalk) differs(f *finding, then, now heard) bool {
	switch {
	case unasked(then.calls, now.calls):
		f.kind, f.then, f.now = DiffUnknown, callWords(then.calls), callWords(now.calls)
	case len(then.queues) > 0 && len(now.queues) > 0 && !slices.Equal(then.queues, now.queues):
		f.kind, f.then, f.now = DiffQueue, "queue "+last(then.queues), "queue "+last(now.queues)
	case !then.question.same(now.question) && now.question.state == "" && then.ended() != now.ended():
		f.kind, f.then, f.now = DiffOutcome, w.goesOn(then, w.then), w.goesOn(now, w.now)
	case !then.question.same(now.question):
		f.kind, f.then, f.now = DiffQuestion, w.goesOn(then, w.then), w.goesOn(now, w.now)
	case then.ended() != now.ended():
		f.kind, f.then, f.now = DiffOutcome, w.goesOn(then, w.then), w.goesOn(now, w.now)
	case !slices.EqualFunc(then.edges, now.edges, sameWay):
		f.kind, f.then, f.now = DiffEdge, edgeWords(then.edges, now.edges), edgeWords(now.edges, then.edges)
	case !sameSet(then.tags, now.tags):
		f.kind, f.then, f.now = DiffTags, w.tagWords(then.tags), w.tagWords(now.tags)
	case then.question.reworded(now.question):
		f.kind, f.then, f.now = DiffWording, askWords(w.sourceOf(w.then, then.question), then.question), askWords(w.now.set, now.question)
		f.place = stateAt(w.now.set, now.question.flow, now.question.state)
	default:
		return false
	}
	return true
}

// same says that it is the same question, in whatever words.
func (q openQuestion) same(o openQuestion) bool {
	return q.flow == o.flow && q.state == o.state && q.sub == o.sub && q.slot == o.slot && (q.kind == o.kind || q.state == "")
}

// reworded says that the same question reads otherwise, where both asked it.
func (q openQuestion) reworded(o openQuestion) bool {
	if q.state == "" || q.sub != "" {
		return false
	}
	return q.hash != o.hash || q.text != "" && o.text != "" && (q.text != o.text || q.buttons != o.buttons)
}

// ended is how the event ended the bot's part; "" = it goes on.
func (h *heard) ended() string {
	switch {
	case len(h.queues) > 0:
		return "handed over"
	case len(h.reasons) > 0:
		return "resolved: " + last(h.reasons)
	}
	return ""
}

func sameWay(a, b wentBy) bool { return a.flow == b.flow && a.state == b.state && a.edge == b.edge }

// unasked says that a look-up is made that was not made then, so that nobody
// knows its answer.
func unasked(then, now []engine.Call) bool {
	return slices.ContainsFunc(now, func(c engine.Call) bool {
		return !slices.ContainsFunc(then, func(o engine.Call) bool {
			return c.Service == o.Service && c.Method == o.Method && c.Path == o.Path && bytes.Equal(c.Body, o.Body)
		})
	})
}

func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, s := range a {
		if !slices.Contains(b, s) {
			return false
		}
	}
	return true
}

func last(list []string) string { return list[len(list)-1] }

// placeOf is the line that decides it. Where both ways part in the same state,
// it is that of the edge that is another one, or of the state that lets nobody
// on; where they part between two states, that of the last edge they share.
func (w *replayWalk) placeOf(then, now heard) string {
	k := 0
	for k < len(then.edges) && k < len(now.edges) && sameWay(then.edges[k], now.edges[k]) {
		k++
	}
	wasIn, isIn := then.stands(k), now.stands(k)
	switch {
	case k > 0 && (wasIn != isIn || k == len(now.edges)) && now.edges[k-1].at != "":
		return now.edges[k-1].at
	case k < len(now.edges) && now.edges[k].at != "":
		return now.edges[k].at
	case isIn != "":
		flow, state, _ := strings.Cut(isIn, ".")
		return stateAt(w.now.set, flow, state)
	}
	return stateAt(w.now.set, w.now.state.Flow, w.now.state.Name)
}

// stands is the state after k edges, as far as it is known.
func (h *heard) stands(k int) string {
	switch {
	case k < len(h.edges):
		return h.edges[k].flow + "." + h.edges[k].state
	case h.question.state != "":
		return h.question.flow + "." + h.question.state
	}
	return ""
}

func stateAt(set *engine.Set, flow, state string) string {
	if f := set.Flows[flow]; f != nil && f.States[state] != nil {
		return f.States[state].At.String()
	}
	return ""
}
