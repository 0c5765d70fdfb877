package inbox

import (
	"fmt"
	"slices"
	"time"

	"dispatcher/dm"
	"dispatcher/storage"
)

// held is a message of a native channel that waits for its time, sealed in
// the timer that releases it. It has no seq yet (runtime.md ruling 6).
type held struct {
	Message  NewMessage   `json:"message"`
	Row      int16        `json:"row"`
	Origin   int16        `json:"origin"`
	Priority int16        `json:"priority"`
	Options  []BodyOption `json:"options,omitempty"`
	Links    []dm.Link    `json:"links,omitempty"`
	Target   string       `json:"target,omitempty"`
}

// Send adds a message row and the outbox row that carries it; on a native
// channel the row itself is the delivery. It gives the seq; 0 = it waits for
// its time without one, or was not said because its speaker does not own the
// conversation any more.
func (d *Draft) Send(o Outgoing) int64 {
	if !d.may(o) {
		return 0
	}
	return d.say(o)
}

// say is Send for words that may be said.
func (d *Draft) say(o Outgoing) int64 {
	o = d.filled(o)
	native := d.View.Account != nil && d.View.Account.Caps.Native
	if native && o.DueAt.After(d.View.Now) {
		d.hold(o)
		d.quoting(d.conv.LastSeq+1, o)
		return 0
	}
	seq := d.conv.LastSeq + 1
	o.Body.Options = d.options(seq, o.Options)
	o.Delivery = storage.DeliveryPending
	if native {
		o.Delivery = storage.DeliverySent
	}
	uid := newUID()
	out, parts := d.outbound(uid, o), 1
	if !native {
		parts, o.Body.Degraded = d.rendered(out)
	}
	d.Append(o.NewMessage)
	d.quoting(seq, o)
	if !native {
		d.putOutbox(seq, uid, o, out, parts)
	}
	return seq
}

// quoting remembers what a message promises, for the handoff that follows.
func (d *Draft) quoting(seq int64, o Outgoing) {
	if len(o.Quotes) == 0 {
		return
	}
	d.quotes, d.quoted, d.said = o.Quotes, seq, o.Body.Text
	if d.ladder && d.conv.Owner == storage.OwnerQueue { // what unanswered says is a promise, like the handoff's own words
		d.Promises(seq, d.said, d.quotes)
		d.quotes = nil
	}
}

// may is the first of the fences of P6: the bot speaks only while it owns the
// conversation, the queue's notices only until somebody claims it. Apply
// (version) and the mark (epoch) repeat it.
func (d *Draft) may(o Outgoing) bool {
	if o.Origin == storage.OriginAgent {
		return true
	}
	switch d.conv.Owner {
	case storage.OwnerBot:
		return true
	case storage.OwnerQueue:
		return o.Kind == storage.RowNotice
	}
	return d.conv.Phase == storage.PhaseNew
}

// filled puts in what the caller left out.
func (d *Draft) filled(o Outgoing) Outgoing {
	o.Dir = storage.DirOut
	if o.Kind == 0 {
		o.Kind = storage.RowSend
	}
	if o.NewMessage.Kind == 0 {
		o.NewMessage.Kind = storage.MsgText
		if o.Body.Text == "" && len(o.Body.Media) > 0 {
			o.NewMessage.Kind = storage.MsgMedia
		}
	}
	if o.Author == 0 {
		o.Author = authorOfOrigin(o)
	}
	now := d.View.Now
	if d.conv.Phase == storage.PhaseAfter && o.Origin == storage.OriginBot {
		if undone := time.UnixMilli(d.conv.ResolvedAt).Add(UndoWithin); o.DueAt.Before(undone) && now.Before(undone) {
			o.DueAt = undone // an undo must still find everything here
		}
	}
	if o.DueAt.IsZero() {
		o.DueAt = now
	}
	if o.DueAt.Before(d.last) {
		o.DueAt = d.last // never before the one said before it
	}
	d.last = o.DueAt
	if o.Expires.IsZero() {
		o.Expires = d.expires(o)
	}
	return o
}

func authorOfOrigin(o Outgoing) int16 {
	switch {
	case o.Origin == storage.OriginAgent:
		return storage.AuthorAgent
	case o.Kind == storage.RowNotice:
		return storage.AuthorNotice
	}
	return storage.AuthorBot
}

// Time-to-live of messages whose channel does not say (channels.md 4.3).
const (
	botTTL   = time.Hour
	agentTTL = 24 * time.Hour
)

// expires is when a row is given up: its author's ttl, or a minute before the
// reply window closes, whichever is first.
func (d *Draft) expires(o Outgoing) time.Time {
	ttl := botTTL
	if o.Origin == storage.OriginAgent {
		ttl = agentTTL
	}
	if a := d.View.Account; a != nil {
		switch {
		case o.Origin == storage.OriginAgent && a.Common.AgentTTL > 0:
			ttl = a.Common.AgentTTL
		case o.Origin != storage.OriginAgent && a.Common.BotTTL > 0:
			ttl = a.Common.BotTTL
		}
	}
	end := o.DueAt.Add(ttl)
	if w := d.window(); w != nil && !o.Public {
		until := w.ReplyUntil
		if o.Origin == storage.OriginAgent {
			until = w.HumanUntil
		}
		if until = until.Add(-time.Minute); until.Before(end) {
			end = until
		}
	}
	return end
}

// options signs the buttons of the message seq.
func (d *Draft) options(seq int64, in []BodyOption) []BodyOption {
	if len(in) == 0 {
		return nil
	}
	alias := ""
	if a := d.View.Account; a != nil {
		alias = a.Alias
	}
	out := slices.Clone(in)
	for n, p := range payloads(d.View.vault.vault, alias, d.UID(), seq, len(in)) {
		out[n].Payload = p
	}
	return out
}

// outbound is the message as an adapter gets it.
func (d *Draft) outbound(uid storage.UID, o Outgoing) dm.Outbound {
	out := dm.Outbound{Key: UIDText(uid), Kind: dm.OutMessage, Account: d.address.Account, Thread: d.address.Thread, Conversation: d.UID(),
		To: d.address.Party, Visibility: dm.Private, Author: outAuthor(o), AuthorName: o.Body.AuthorName, Text: o.Body.Text, Links: o.Links,
		Media: o.Body.Media, ReplyTo: o.Body.ReplyTo, Target: o.Target, Locale: d.language(), Epoch: d.conv.Epoch, At: d.View.Now.UTC(), Window: d.window(), Typing: o.Typing}
	if a := d.View.Account; a != nil {
		out.OptionsAs = a.Common.OptionsAs
	}
	if o.Public {
		out.Visibility = dm.Public
		if out.Target == "" {
			out.Target = d.address.PostID
		}
	}
	out.Options = slices.Grow(out.Options, len(o.Body.Options))
	for _, opt := range o.Body.Options {
		out.Options = append(out.Options, dm.Option{Payload: opt.Payload, Label: opt.Label, Short: opt.Short, Description: opt.Description})
	}
	return out
}

// putOutbox writes one row per part: each is marked, sent and settled by itself.
func (d *Draft) putOutbox(seq int64, uid storage.UID, o Outgoing, out dm.Outbound, parts int) {
	d.sealing.out = out
	box, err := d.keys.seal("outbox", d.conv.UID, seq, "request", &d.sealing.out)
	d.fail("outbox request", err)
	for part := range parts {
		d.turn.Outbox = append(d.turn.Outbox, storage.OutboxRow{UID: uid, Conversation: d.conv.ID, Seq: seq, Part: int16(part), Kind: o.Kind, Channel: d.conv.Channel,
			Origin: o.Origin, Status: storage.RowPending, DueAt: o.DueAt.UnixMilli(), ExpiresAt: o.Expires.UnixMilli(), Priority: o.Priority, Request: box})
	}
}

func outAuthor(o Outgoing) string {
	switch {
	case o.Origin == storage.OriginAgent:
		return dm.AuthorAgent
	case o.Origin == storage.OriginSystem:
		return dm.AuthorSystem
	}
	return dm.AuthorBot
}

// hold keeps a native channel's message until its time.
func (d *Draft) hold(o Outgoing) {
	name := fmt.Sprintf("%s%013d:%02d", timerRelease, o.DueAt.UnixMilli(), len(d.timers))
	d.timerSpec(name, o.DueAt, held{Message: o.NewMessage, Row: o.Kind, Origin: o.Origin, Priority: o.Priority, Options: o.Options, Links: o.Links, Target: o.Target})
}

// Release appends a message that waited on a native channel. That its timer
// is still there is the fence: every edge that silences the bot takes these
// timers away in its own turn, and one that the bot's own step fired leaves
// them, so that what was said before a handoff still comes. The timer must
// have been dropped by the same draft.
func (d *Draft) Release(t storage.Timer) error {
	var h held
	if err := d.keys.Spec(d.conv.UID, t, &h); err != nil {
		d.fail("held message", err)
		return d.err
	}
	if d.conv.Owner != storage.OwnerBot && d.conv.Owner != storage.OwnerQueue {
		return nil
	}
	h.Message.At = time.Time{}
	d.say(Outgoing{NewMessage: h.Message, Kind: h.Row, Origin: h.Origin, Priority: h.Priority, Options: h.Options, Links: h.Links, Target: h.Target})
	return d.err
}
