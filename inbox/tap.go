package inbox

import (
	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

// tapped is a button that was pressed, and proved to be ours.
type tapped struct {
	engine *engine.Tap // nil: forged, or nothing the engine could know
	body   *BodyTap
	label  string
}

// tap finds what a button stood for: in this conversation, else in an earlier
// one of the same person. A payload that is nobody's is plain text with the
// label as its words.
func (x *decision) tap(a *arrival) *tapped {
	if a.in.Tap == nil {
		return nil
	}
	t := &tapped{label: a.in.Tap.Label, body: &BodyTap{Label: a.in.Tap.Label}}
	if a.in.Tap.Payload == "" {
		return t
	}
	seq, index, ok := readPayload(a.in.Tap.Payload)
	if ok {
		for _, conv := range x.holders(seq) {
			if _, _, good := checkPayload(optionSecret(x.s.vault, a.acct.Alias), UIDText(conv.UID), a.in.Tap.Payload); good {
				x.pressed(t, conv, seq, index)
				return t
			}
		}
	}
	t.body.Forged = true
	x.s.metrics.refusedInbound.WithLabelValues(a.acct.Alias, "payload_forged").Inc()
	return t
}

// holders lists the conversations of this person that the row seq may belong
// to, the open one first.
func (x *decision) holders(seq int64) []storage.Conversation {
	var list []storage.Conversation
	holds := func(c storage.Conversation) bool { return c.ID != 0 && c.FirstSeq < seq && seq <= c.LastSeq }
	if c := x.d.conv; c.ID != 0 {
		list = append(list, c)
	}
	for _, c := range []*storage.Conversation{&x.v.Snap.Conv, x.v.Snap.Prev} {
		if c != nil && c.ID != x.d.conv.ID && holds(*c) {
			list = append(list, *c)
		}
	}
	if len(list) > 1 || x.v.Snap.Contact.ID == 0 || len(list) == 1 && holds(list[0]) {
		return list
	}
	page, err := x.s.store.List(x.ctx, storage.ListQuery{View: "contact", Contact: x.v.Snap.Contact.ID, N: 200})
	if err != nil {
		return list
	}
	for _, item := range page.Items {
		if item.Conv.ID != x.d.conv.ID && holds(item.Conv) {
			list = append(list, item.Conv)
		}
	}
	return list
}

// pressed reads the row the button was on.
func (x *decision) pressed(t *tapped, conv storage.Conversation, seq int64, index int) {
	body, ok := x.body(conv, seq)
	if !ok || index >= len(body.Options) {
		return
	}
	option := body.Options[index]
	if t.label == "" {
		t.label = option.Label
	}
	t.body = &BodyTap{Label: option.Label, Option: option.ID, Seq: seq, Old: conv.ID != x.d.conv.ID}
	if len(body.Question) > 0 {
		t.engine = &engine.Tap{Record: body.Question, Index: index, Label: option.Label, Closed: conv.ID != x.d.conv.ID}
	}
}

// body reads and opens one row, of this draft or of the store.
func (x *decision) body(conv storage.Conversation, seq int64) (Body, bool) {
	if conv.ID == x.d.conv.ID {
		for _, m := range x.d.turn.Messages {
			if m.Seq == seq {
				b, err := x.d.keys.Body(conv.UID, m)
				return b, err == nil
			}
		}
	}
	m, ok := x.s.message(x.ctx, conv.ID, seq)
	if !ok || x.d.keys == nil {
		return Body{}, false
	}
	b, err := x.d.keys.Body(conv.UID, m)
	return b, err == nil
}

// entryOf is what the engine sees of how the customer came.
func entryOf(in dm.Inbound, alias string) engine.EntryNow {
	e := engine.EntryNow{Channel: alias}
	if in.Entry == nil {
		return e
	}
	e.Ref, e.Text, e.Source, e.Option, e.Signed, e.Public = in.Entry.Ref, in.Entry.Text, in.Entry.Source, in.Entry.Option, in.Entry.Signed, in.Entry.Public
	return e
}
