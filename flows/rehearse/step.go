package rehearse

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"strings"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
)

// step runs one event on the state as storage would give it back.
func (t *Talk) step(ev engine.Event) ([]Line, error) {
	st, err := engine.DecodeState(t.state)
	if err != nil {
		return nil, fmt.Errorf("read the saved state: %w", err)
	}
	ev.Seq = t.seq
	ev.World = t.world()
	r := engine.Step(engine.Sets{Live: t.live()}, st, ev)
	t.trace = r.Trace
	b, err := engine.EncodeState(r.State)
	if err != nil {
		return nil, fmt.Errorf("save the state: %w", err)
	}
	t.state = b
	return t.apply(r.Effects)
}

// apply does the effects in order.
func (t *Talk) apply(effects []engine.Effect) ([]Line, error) {
	var lines []Line
	for _, e := range effects {
		switch e := e.(type) {
		case engine.Say:
			lines = append(lines, Line{Kind: LineBot, Text: e.Text, Options: e.Options, Public: e.Public, Media: e.Media})
			if len(e.Options) > 0 {
				t.sent = append(t.sent, sent{options: e.Options, record: e.Question})
			}
		case engine.Handoff:
			lines = append(lines, Line{Kind: LineHandoff, Handoff: &e})
		case engine.Resolve:
			t.timers = map[string]time.Time{}
			lines = append(lines, Line{Kind: LineResolved, Reason: e.Reason})
		case engine.SetTimer:
			t.timers[e.Name] = e.At
		case engine.CancelTimers:
			maps.DeleteFunc(t.timers, func(name string, _ time.Time) bool { return strings.HasPrefix(name, e.Prefix) })
		case engine.SetContact:
			t.keepContact(e)
		case engine.OpenNew:
			t.reopen()
			t.started, t.said = true, 1
			ev := e.Event
			ev.Opening = true
			more, err := t.step(ev)
			if err != nil {
				return lines, err
			}
			lines = append(lines, more...)
		}
	}
	return lines, nil
}

func (t *Talk) keepContact(e engine.SetContact) {
	if e.Language != "" {
		t.contact.Language = e.Language
	}
	if len(e.Slots) == 0 {
		return
	}
	kept := maps.Clone(t.contact.Slots)
	if kept == nil {
		kept = map[string]engine.SlotValue{}
	}
	for name, v := range e.Slots {
		if v.Value == nil {
			delete(kept, name)
			continue
		}
		kept[name] = v
	}
	t.contact.Slots = kept
}

// world is everything outside the conversation.
func (t *Talk) world() engine.World {
	set := t.live()
	alias := t.opt.Channel
	if alias == "" && len(set.ChannelOrder) > 0 {
		alias = set.ChannelOrder[0]
	}
	w := engine.World{Now: t.now, Contact: t.contact, Entry: t.opt.Entry, Sample: &t.opt.Sample, ID: "rehearsal", Rehearsal: true}
	w.Channel = engine.ChannelNow{Name: alias, Kind: alias, WindowOpen: t.opt.Window == 0 || t.now.Sub(t.heard) < t.opt.Window}
	if c := set.Channels[alias]; c != nil {
		w.Channel.Kind = c.Kind
	}
	if w.Contact.ID != "" {
		w.ID = w.Contact.ID
	}
	if t.opt.Public && t.said <= 1 {
		w.Channel.Public, w.Entry.Public, w.Entry.Source = true, true, "public"
	}
	w.DMLink = func(ref string) string { return "https://dm.example/" + alias + "?ref=" + ref }
	st := t.State()
	w.Conversation = engine.ConversationNow{
		Returning: t.opt.Returning, HoursSinceLast: t.opt.HoursSinceLast, Messages: t.said,
		Opened: t.opened, HandedOff: st.Hand != nil || st.Owner == dm.OwnerAgent,
	}
	w.Queues = t.queues(set)
	return w
}

func (t *Talk) queues(set *engine.Set) map[string]engine.QueueNow {
	out := make(map[string]engine.QueueNow, len(set.Queues))
	for alias, q := range set.Queues {
		now := engine.QueueNow{Open: q.Schedule.Open(t.now), Staffed: true}
		if at, ok := q.Schedule.Opens(t.now); ok {
			now.OpensAt = at
		}
		if f, ok := t.opt.Queues[alias]; ok {
			now.Waiting = f.Length
			if f.Wait != nil {
				minutes := int(math.Ceil(f.Wait.Minutes()))
				now.WaitMinutes = &minutes
			}
		}
		out[alias] = now
	}
	return out
}

// Why tells the last step in words: stage, edges, conditions with what they
// came out as, each with its place.
func (t *Talk) Why() []string {
	var out []string
	tr := t.trace
	if tr.Stage != "" {
		out = append(out, "stage "+tr.Stage)
	}
	for _, s := range tr.Steps {
		line := s.What
		for _, part := range [...]string{s.State, s.Edge, s.Option} {
			if part != "" {
				line += " " + part
			}
		}
		if s.By != "" {
			line += fmt.Sprintf(" by %q", s.By)
		}
		if s.Score > 0 {
			line += fmt.Sprintf(" score %.2f", s.Score)
		}
		if s.Cond != "" {
			line += " " + s.Cond + " = " + s.Value
		}
		if s.At != "" {
			line += " (" + s.At + ")"
		}
		out = append(out, line)
	}
	if tr.Error != "" {
		out = append(out, "error "+tr.Error+" at "+tr.ErrorAt)
	}
	return out
}

// StateJSON is the saved state, indented.
func (t *Talk) StateJSON() string {
	var v any
	if json.Unmarshal(t.state, &v) != nil {
		return string(t.state)
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return string(t.state)
	}
	return string(b)
}
