package inbox

import (
	"strings"
	"time"

	"dispatcher/engine"
	"dispatcher/storage"
)

// event is what row i was about, in words that hide what is personal.
func (x *explaining) event(i int) ExplainedEvent {
	m, row := x.rows[i], &x.opened[i]
	e := ExplainedEvent{Kind: row.trace.Event}
	if m.Dir != storage.DirIn {
		if l := row.body.Line; l != nil && l.Edge == e.Kind {
			e.Result = l.Note
		}
		return e
	}
	b := row.body
	switch {
	case b.Tap != nil:
		e.Kind, e.Text, e.Option, e.Old = "tap", x.mask.text(b.Tap.Label), b.Tap.Option, b.Tap.Old
	case m.Kind == storage.MsgForm:
		e.Text = x.mask.text(b.Text) // personal fields are hidden in the row itself
	case x.hides(i):
		e.Text = x.mask.whole(b.Text)
	default:
		e.Text = x.mask.text(b.Text)
	}
	for _, file := range b.Media {
		e.Media = append(e.Media, file.Kind)
	}
	if e.Kind == engine.EvMessage && b.Text == "" && len(e.Media) > 0 {
		e.Kind = "media"
	}
	if b.Entry != nil {
		e.Entry = b.Entry.Source
	}
	return e
}

// hides says that the message of row i may hold a personal value that is not
// known: it was asked for one and gave nothing that fits, or gave one that has
// been replaced since.
func (x *explaining) hides(i int) bool {
	t := x.opened[i].trace
	for _, name := range x.filled(t) {
		if pii, _ := x.personal(name); !pii {
			continue
		}
		v, ok := x.slots[name]
		if !ok || v.Seq != x.rows[i].Seq {
			return true
		}
		if masked := x.mask.text(x.opened[i].body.Text); masked == x.opened[i].body.Text {
			return true
		}
	}
	if t.Stage != "none" && t.Stage != "value" && t.Stage != "correction" {
		return false
	}
	name, known := x.asked(t)
	for _, s := range t.Steps {
		if slot, ok := strings.CutPrefix(s.Edge, "correct:"); ok {
			pii, _ := x.personal(slot)
			return pii && len(x.filled(t)) == 0
		}
	}
	if !known {
		return x.set(t.Set) == nil && t.From != ""
	}
	pii, _ := x.personal(name)
	return pii && t.Stage != "value"
}

// filled are the slots that a turn has filled from what was written.
func (x *explaining) filled(t *engine.Trace) []string {
	out := append([]string(nil), t.Found...)
	for _, s := range t.Steps {
		if s.What == "slot" && s.By != "" && s.By != "set" {
			out = append(out, s.Option)
		}
	}
	return out
}

// asked is the slot that the open question collects.
func (x *explaining) asked(t *engine.Trace) (string, bool) {
	def := stateOf(x.set(t.Set), t.From)
	if def == nil || def.Collect == nil {
		return "", false
	}
	return def.Collect.Slot, true
}

// stateOf is a state by flow.state.
func stateOf(set *engine.Set, position string) *engine.StateDef {
	flow, name, ok := strings.Cut(position, ".")
	if set == nil || !ok || set.Flows[flow] == nil {
		return nil
	}
	return set.Flows[flow].States[name]
}

// belongs puts a row that is no turn of its own where it belongs.
func (x *explaining) belongs(i int) {
	m, row := x.rows[i], &x.opened[i]
	n := len(x.out.Turns)
	if n == 0 {
		return
	}
	last := &x.out.Turns[n-1]
	switch {
	case m.Dir == storage.DirOut && (m.Author == storage.AuthorBot || m.Author == storage.AuthorNotice):
		if at, ok := x.byCause[m.CauseSeq]; ok && m.CauseSeq > 0 {
			last = &x.out.Turns[at]
		}
		last.Effects = append(last.Effects, x.said(i, x.set(last.Set)))
	case row.body.Line != nil && (row.trace != nil || m.At == last.At.UnixMilli() && row.body.Line.By == "engine"):
		if e, ok := x.owned(i); ok {
			last.Effects = append(last.Effects, e)
		}
	case row.trace != nil || m.Seq == last.Seq:
	default:
		last.Later = append(last.Later, x.beside(i))
	}
}

// said is one message of the bot.
func (x *explaining) said(i int, set *engine.Set) ExplainedEffect {
	m, b := x.rows[i], x.opened[i].body
	e := ExplainedEffect{Kind: "say", Seq: m.Seq, Text: x.mask.text(b.Text), Delivery: DeliveryWord(m.Delivery), Public: m.Public, Rule: m.Rule, At: fileAt(set, m.Rule)}
	if m.Author == storage.AuthorNotice {
		e.Kind = "notice"
	}
	for _, o := range b.Options {
		e.Options = append(e.Options, x.mask.text(o.Label))
	}
	return e
}

// owned is what a turn did to the conversation as a whole.
func (x *explaining) owned(i int) (ExplainedEffect, bool) {
	l := x.opened[i].body.Line
	e := ExplainedEffect{Kind: l.Edge, Name: l.Queue, Cause: l.Cause, Reason: l.Reason}
	switch Edge(l.Edge) {
	case EdgeHandOff, EdgeOpenQueue, EdgeTransferQueue:
		e.Kind = "handoff"
		x.fromPacket(&e, x.rows[i].At)
	case EdgeBotResolve, EdgeResolvePlain:
		e.Kind = "resolve"
	case engine.EvLookup, engine.EvVerify:
		return e, false // the event itself
	}
	return e, true
}

// fromPacket adds what the packet of a handoff says of it.
func (x *explaining) fromPacket(e *ExplainedEffect, at int64) {
	h := x.snap.Handoff
	if h == nil {
		h = x.closed()
	}
	if h == nil || h.Queue != e.Name || h.CreatedAt != at {
		return
	}
	e.Priority = PriorityWord(h.Priority)
	if p, err := x.reader.Packet(x.snap.Conv.UID, *h); err == nil && p != nil {
		e.At = p.WhyQueue
	}
}

// closed is the last handoff of a conversation that is over.
func (x *explaining) closed() *storage.Handoff {
	v, err := x.s.view(nil, x.snap)
	if err != nil {
		return nil
	}
	return v.ClosedHandoff()
}

// beside is what people did while the engine decided nothing.
func (x *explaining) beside(i int) ExplainedLine {
	m, b := x.rows[i], x.opened[i].body
	l := ExplainedLine{Seq: m.Seq, At: time.UnixMilli(m.At).UTC(), Kind: "message", By: AuthorWord(m.Author)}
	switch {
	case b.Line != nil:
		l.Kind, l.By, l.Text = b.Line.Edge, b.Line.By, b.Line.Queue
		if b.Line.Name != "" {
			l.By = b.Line.Name
		}
	case m.Kind == storage.MsgNote:
		l.Kind = "note"
	case m.Dir == storage.DirOut:
		l.Kind, l.By = "reply", b.AuthorName
	default:
		l.Text = x.mask.text(b.Text)
	}
	return l
}
