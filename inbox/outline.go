package inbox

import (
	"strings"
	"time"

	"dispatcher/dm/schedule"
	"dispatcher/engine"
)

// Stage is one state of a flow in plain words, for people who have not seen it.
type Stage struct {
	Name string // state
	Says string // its first words; "" when it says nothing
	Asks bool   // waits for an answer
	Ends bool   // leaves the flow for good: people, an end
}

// Words of a Stage and how many of them are told.
const (
	stageRunes = 80
	maxStages  = 40
)

// Outline is the flow that a conversation begins with, state by state as
// written; nothing while no set is live.
func (s *Service) Outline() []Stage {
	p := s.live.Load()
	if p == nil || p.Set == nil {
		return nil
	}
	set := p.Set
	flow := set.Flows[firstFlow(set)]
	if flow == nil {
		return nil
	}
	var out []Stage
	for _, name := range flow.StateOrder {
		st := flow.States[name]
		if st == nil || len(out) == maxStages {
			continue
		}
		out = append(out, Stage{Name: name, Says: clip(opensWith(set, st), stageRunes), Asks: asks(st), Ends: leaves(st)})
	}
	return out
}

func firstFlow(set *engine.Set) string {
	if n := len(set.Start); n > 0 { // the last rule is the one without a condition
		return set.Start[n-1].Flow
	}
	if len(set.FlowOrder) > 0 {
		return set.FlowOrder[0]
	}
	return ""
}

func asks(st *engine.StateDef) bool {
	return st.Ask != nil || st.Collect != nil || len(st.Options) > 0
}

func leaves(st *engine.StateDef) bool {
	return !asks(st) && st.Exit != nil && (st.Exit.Hand != nil || st.Exit.Kind == engine.ExitResolve || st.Exit.Kind == engine.ExitReturn)
}

// opensWith is what a customer reads first in a state.
func opensWith(set *engine.Set, st *engine.StateDef) string {
	lang := ""
	if len(set.Languages) > 0 {
		lang = set.Languages[0]
	}
	texts := append(wordsOf(st.Say), st.Ask)
	if st.Collect != nil {
		texts = append(texts, st.Collect.Ask)
	}
	if st.Exit != nil && st.Exit.Hand != nil {
		texts = append(texts, wordsOf(st.Exit.Hand.Say)...)
	}
	for _, t := range texts {
		if words := gapped(lang, t); words != "" {
			return words
		}
	}
	switch {
	case st.Exit == nil:
		return ""
	case st.Exit.Kind == engine.ExitHandoff:
		return "Passes the customer to a person."
	case st.Exit.Kind == engine.ExitCall:
		return "Runs the flow " + st.Exit.Flow + "."
	}
	return "Decides where to go on."
}

// gapped is a text as written, with a gap where a value is put in.
func gapped(lang string, t *engine.Text) string {
	if t == nil {
		return ""
	}
	if len(t.Any) > 0 {
		return gapped(lang, t.Any[0])
	}
	tpl := t.Lang[lang]
	if tpl == nil {
		return ""
	}
	var b strings.Builder
	for _, p := range tpl.Parts {
		if p.Lit == "" {
			b.WriteString("…")
		}
		b.WriteString(p.Lit)
	}
	return b.String()
}

// wordsOf lists the texts of a list of messages, every arm of a choice included.
func wordsOf(items []engine.SayItem) (out []*engine.Text) {
	for i := range items {
		out = append(out, items[i].Text)
		for _, arm := range items[i].Group {
			out = append(out, arm.Text)
		}
	}
	return out
}

// Staffing says when people answer in the default queue: "until 20:00, then
// Sat 09:00", "from Mon 09:00"; "" where the queue keeps no hours.
func (s *Service) Staffing() string {
	p := s.live.Load()
	if p == nil || p.Set == nil {
		return ""
	}
	q := p.Set.Queues[p.Set.DefaultQueue]
	if q == nil || q.Schedule == nil {
		return ""
	}
	now := s.now()
	if p.Set.Timezone != nil {
		now = now.In(p.Set.Timezone)
	}
	return hours(q.Schedule, now)
}

// hours says until when a schedule is open, and when it opens again.
func hours(of *schedule.Schedule, now time.Time) string {
	closes, open := of.Closes(now)
	for range 14 { // periods that meet at midnight are one
		more, on := of.Closes(closes)
		if !open || closes.IsZero() || !on {
			break
		}
		closes = more
	}
	if open && (closes.IsZero() || closes.Sub(now) > 7*24*time.Hour) {
		return "at any time"
	}
	from := now
	if open {
		from = closes
	}
	opens, known := of.Opens(from)
	next := opens.In(now.Location()).Format("Mon 15:04")
	switch {
	case open && known:
		return "until " + closes.In(now.Location()).Format("15:04") + ", then " + next
	case open:
		return "until " + closes.In(now.Location()).Format("15:04")
	case known:
		return "from " + next
	}
	return ""
}
