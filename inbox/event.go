package inbox

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

// Values of storage.Identity.Blocked.
const (
	blockedSpam  int16 = 1 // by a person of ours: nothing is answered
	cannotReach  int16 = 2 // by the customer, or gone: nothing arrives
	nameRunes          = 200
	profileRunes       = 80
)

// decision is one turn being decided: events go in, a Draft comes out.
type decision struct {
	s    *Service
	ctx  context.Context
	v    *View
	d    *Draft
	ends bool // nothing more fits this turn

	hide   bool // the words of the message are a code or a secret: nothing keeps them
	opened bool // a step of this turn has seen the first message

	waiting []part // messages of a burst that were not stepped yet
	loaded  bool
}

// event lets one event change the draft. What it did is in a.res.
func (x *decision) event(a *arrival) error {
	a.res = channels.Accepted{ID: a.in.ExternalID, Status: statusApplied}
	switch a.in.Kind {
	case dm.KindText, dm.KindTap, dm.KindStart, dm.KindMention, dm.KindEncrypted:
		return x.message(a)
	case dm.KindEdited, dm.KindRemoved:
		return x.edited(a)
	case dm.KindEcho:
		return x.echo(a)
	case dm.KindDelivery, dm.KindRead:
		return x.status(a)
	case dm.KindReachable:
		return x.reachable(a)
	case dm.KindControl:
		return x.control(a)
	}
	a.res.Status = statusIgnored
	return nil
}

// open gives the draft on the open conversation, a new one when there is none.
func (x *decision) open(a *arrival) *Draft {
	if x.d == nil {
		if x.v.Snap.Conv.ID != 0 && x.v.Snap.Conv.Status == storage.Open {
			x.d = x.v.Draft()
		} else {
			x.d = x.v.Fresh()
		}
	}
	x.consume(a)
	return x.d
}

// touch gives the draft on the conversation there is, open or closed.
func (x *decision) touch(a *arrival) *Draft {
	if x.d == nil {
		x.d = x.v.Draft()
	}
	x.consume(a)
	return x.d
}

// knows says whether this very turn consumes the same event already.
func (x *decision) knows(a *arrival) bool {
	if x.d == nil {
		return false
	}
	return a.isKnown(x.d.turn.Seen) || slices.ContainsFunc(x.d.turn.Parked, func(p storage.ParkedRow) bool { return a.isKnown(p.Seen) })
}

func (x *decision) consume(a *arrival) {
	if !forgetSeen() {
		x.d.Seen(a.keys()...)
	}
	if a.parked != 0 {
		x.d.Unpark(a.parked)
	}
}

// message is a customer's message: stored in every case, answered by whoever
// owns the conversation.
func (x *decision) message(a *arrival) error {
	if a.in.Kind == dm.KindMention && a.acct.Common.Public == "off" {
		a.res.Status = statusIgnored
		return nil
	}
	if x.lateThanks(a) {
		d := x.touch(a)
		unread := d.conv.Unread
		x.append(d, a, nil, nil)
		d.conv.Unread, x.ends = unread, true
		return nil
	}
	d := x.open(a)
	x.learn(a)
	logText(a.in.Text)
	x.s.outboxRefill(a)
	if d.conv.Phase == storage.PhaseNew {
		return x.first(a)
	}
	switch d.conv.Owner {
	case storage.OwnerBot:
		return x.toBot(a, false)
	case storage.OwnerQueue:
		return x.toQueue(a)
	}
	x.append(d, a, nil, nil)
	if d.conv.Phase == storage.PhaseParked {
		return d.Fire(Shift{Edge: EdgeWake, By: "customer"})
	}
	return nil
}

// first opens the conversation: with the bot, or with people where the bot
// may not or cannot answer.
func (x *decision) first(a *arrival) error {
	d := x.d
	switch {
	case d.identity.Blocked == blockedSpam || a.in.Sender.Bot:
		x.append(d, a, nil, nil)
		x.ends = true
		return d.Fire(Shift{Edge: EdgeOpenBlocked, By: "customer"})
	case a.in.Kind == dm.KindEncrypted:
		return x.toPeople(a, dm.CauseUnreadable, "ack")
	case a.flood == flooding:
		return x.toPeople(a, dm.CauseFlood, "ack")
	case a.in.Kind == dm.KindMention && a.acct.Common.Public == "listen":
		return x.toPeople(a, dm.CausePublic, "")
	case x.s.switches.killed(a.acct.Alias, ""):
		return x.toPeople(a, dm.CauseKillSwitch, "paused")
	}
	public := a.in.Kind == dm.KindMention
	flow, ok := engine.StartFlow(x.v.Project.Set, x.world(a), public)
	switch {
	case !ok && public:
		return x.toPeople(a, dm.CausePublic, "")
	case !ok:
		return x.toBot(a, true) // the step finds no rule either, and hands over in its own words
	case x.s.switches.killed(a.acct.Alias, flow):
		return x.toPeople(a, dm.CauseKillSwitch, "paused")
	}
	if !public && (engine.HeldOut(x.v.Project.Set, UIDText(d.contact.UID)) || shadowed(x.v.Project.Set, flow)) {
		return x.toBot(a, true) // people answer from the first word: the step opens the queue
	}
	if err := d.Fire(Shift{Edge: EdgeOpenBot, By: "customer"}); err != nil {
		return err
	}
	return x.toBot(a, true)
}

// shadowed says that a flow only shows people what it would have said.
func shadowed(set *engine.Set, flow string) bool {
	f := set.Flows[flow]
	return f != nil && f.Shadow
}

// toPeople stores the message and gives the conversation to the default
// queue; say names a built-in sentence for the customer.
func (x *decision) toPeople(a *arrival, cause, say string) error {
	d := x.d
	seq := x.append(d, a, nil, nil)
	return x.s.giveToPeople(d, seq, cause, say)
}

// giveToPeople hands the conversation over without any flow code.
func (s *Service) giveToPeople(d *Draft, seq int64, cause, say string) error {
	h := engine.Handoff{Cause: cause}
	if cause == dm.CauseFlood {
		h.Priority = dm.PriorityLow
	}
	fresh := d.conv.Phase == storage.PhaseNew
	if !fresh {
		s.sayPlain(d, seq, say)
	}
	if err := d.Handoff(h, engine.Trace{Event: cause}); err != nil {
		return err
	}
	if fresh {
		s.sayPlain(d, seq, say)
	}
	return nil
}

// sayPlain sends a built-in sentence.
func (s *Service) sayPlain(d *Draft, seq int64, name string) {
	if name == "" {
		return
	}
	text := d.sentence(name)
	if text == "" {
		return
	}
	d.Send(Outgoing{
		NewMessage: NewMessage{Kind: storage.MsgText, Dir: storage.DirOut, Author: storage.AuthorNotice, CauseSeq: seq, Rule: "builtin." + name,
			Body: Body{Text: text, Language: d.state.Language}},
		Kind: storage.RowNotice, Origin: storage.OriginSystem, Priority: 1,
	})
}

// toQueue is a message while people are to answer: the engine is asked for
// the built-in escapes only.
func (x *decision) toQueue(a *arrival) error {
	d := x.d
	if a.in.Kind == dm.KindMention {
		x.append(d, a, nil, nil)
		return x.escalate()
	}
	if d.state.Version == 0 || a.in.Kind == dm.KindEncrypted || a.in.Kind == dm.KindStart || a.in.Sender.Bot || x.s.switches.killed(a.acct.Alias, d.state.Flow) {
		x.append(d, a, nil, nil)
		return nil
	}
	return x.run(a, []part{partOf(a, d.conv.LastSeq+1)}, nil)
}

// escalate raises a conversation whose customer also wrote in public.
func (x *decision) escalate() error {
	d := x.d
	d.Escalate()
	if d.conv.Priority < PriorityOf(dm.PriorityHigh) {
		d.Priority(dm.PriorityHigh)
	}
	return nil
}

// toBot is a message while the bot owns the conversation.
func (x *decision) toBot(a *arrival, opening bool) error {
	d := x.d
	switch {
	case a.in.Kind == dm.KindMention && !opening:
		x.append(d, a, nil, nil)
		return x.escalate()
	case a.in.Sender.Bot:
		x.append(d, a, nil, nil)
		return nil
	case a.in.Kind == dm.KindEncrypted:
		return x.toPeople(a, dm.CauseUnreadable, "ack")
	case a.flood == flooding:
		return x.toPeople(a, dm.CauseFlood, "ack")
	case x.s.switches.killed(a.acct.Alias, d.state.Flow):
		seq := x.append(d, a, nil, nil)
		return d.killed(seq, x.s)
	}
	tap := x.tap(a)
	if wait, until, err := x.waits(a, tap, opening); err != nil {
		return err
	} else if wait {
		x.append(d, a, tap, nil)
		d.Timer(timerBurst, until)
		return nil
	}
	parts, err := x.together(a, tap)
	if err != nil {
		return err
	}
	return x.run(a, parts, tap)
}

// run steps the engine on parts, the last of which is the event itself, which
// is stored with the trace of the step.
func (x *decision) run(a *arrival, parts []part, tap *tapped) error {
	d := x.d
	ev := eventOf(a.in, parts)
	ev.Opening = d.conv.ID == 0 && !x.opened
	x.opened = true
	if tap != nil {
		ev.Tap = tap.engine
		if tap.engine != nil {
			ev.Text = tap.label
		}
	}
	ev.World = x.world(a)
	res, err := x.s.stepEngine(d, ev)
	if err != nil {
		return err
	}
	x.hide = hides(x.s.setsFor(d.View.Project, d.state), d.state, res, ev.Seq)
	if x.hide {
		if err := x.s.hideParts(x.ctx, d, parts[:len(parts)-1]); err != nil {
			return err
		}
	}
	if open, ok := newMatter(res); ok {
		return x.newMatter(a, tap, res, open)
	}
	seq := x.append(d, a, tap, &res.Trace)
	ev.Seq = seq
	d.Handled(seq)
	d.CancelTimers(timerBurst)
	x.waiting, x.loaded = nil, true
	if err := x.s.effects(d, ev, res); err != nil {
		return err
	}
	x.ends = d.conv.Status != storage.Open
	return nil
}

func newMatter(res engine.Result) (engine.OpenNew, bool) {
	for _, e := range res.Effects {
		if open, ok := e.(engine.OpenNew); ok {
			return open, true
		}
	}
	return engine.OpenNew{}, false
}

// newMatter closes after-care; the message opens a conversation of its own,
// in the same transaction.
func (x *decision) newMatter(a *arrival, tap *tapped, res engine.Result, open engine.OpenNew) error {
	d := x.d
	d.SetState(res.State)
	if err := d.Fire(Shift{Edge: EdgeAfterNewIssue, By: "customer"}); err != nil {
		return err
	}
	next := d.Next()
	if err := next.Fire(Shift{Edge: EdgeOpenBot, By: "customer"}); err != nil {
		return err
	}
	ev := open.Event
	ev.Opening, ev.World = true, x.s.world(next, worldOf(a))
	ev.Seq = next.conv.LastSeq + 1
	again, err := x.s.stepEngine(next, ev)
	if err != nil {
		return err
	}
	x.hide = x.hide || hides(x.s.setsFor(next.View.Project, next.state), next.state, again, ev.Seq)
	ev.Seq = x.append(next, a, tap, &again.Trace)
	next.Handled(ev.Seq)
	if err := x.s.effects(next, ev, again); err != nil {
		return err
	}
	d.Opens(next)
	a.res.Conv = next.UID()
	x.ends = true
	return nil
}

// append stores the customer's message and gives its seq.
func (x *decision) append(d *Draft, a *arrival, tap *tapped, trace *engine.Trace) int64 {
	in := a.in
	if x.hide {
		in.Text, in.Raw = hidden, nil
	}
	m := NewMessage{
		Kind: messageKind(in), Dir: storage.DirIn, Public: in.Visibility == dm.Public, Author: storage.AuthorCustomer,
		At: x.v.Now, PlatformAt: in.At, Body: bodyOf(in),
	}
	if trace != nil {
		m.Trace = trace
	}
	if in.Tap != nil {
		m.Body.Tap = &BodyTap{Label: in.Tap.Label}
		if tap != nil {
			m.Body.Tap = tap.body
		}
	}
	if x.hide {
		if trace != nil {
			m.Trace = unread(*trace)
		}
		if m.Body.Tap != nil {
			m.Body.Tap = tapUnread(m.Body.Tap)
		}
	}
	if in.MessageID != "" {
		m.External = x.s.receiptHash(a.acct.Number, in.MessageID)
	}
	seq := d.Append(m)
	if caps := a.acct.Caps; in.MessageID != "" && (caps.Edit || caps.Native || caps.Echoes) {
		d.Receipt(a.acct.Number, m.External, seq)
	}
	if caps := a.acct.Caps; caps.Native && in.ExternalID != in.MessageID {
		d.Receipt(a.acct.Number, x.s.receiptHash(a.acct.Number, in.ExternalID), seq)
	}
	for _, media := range x.s.mediaRows(d, seq, in.Media) {
		d.Media(media)
	}
	d.CancelTimers(timerUnknown)
	if d.conv.Owner != storage.OwnerBot {
		d.Handled(seq)
	}
	a.res.Seq, a.res.Conv = seq, d.UID()
	x.s.metrics.messages.WithLabelValues(a.acct.Alias, "in", visibility(m.Public), "customer").Inc()
	return seq
}

func visibility(public bool) string {
	if public {
		return dm.Public
	}
	return dm.Private
}

func messageKind(in dm.Inbound) int16 {
	switch {
	case in.Kind == dm.KindMention:
		return storage.MsgMention
	case in.Kind == dm.KindTap:
		return storage.MsgTap
	case in.Kind == dm.KindStart && in.Text == "":
		return storage.MsgEvent
	case in.Text == "" && len(in.Media) > 0:
		return storage.MsgMedia
	}
	return storage.MsgText
}

func bodyOf(in dm.Inbound) Body {
	return Body{Text: in.Text, Media: in.Media, Entry: in.Entry, MessageID: in.MessageID, ReplyTo: in.ReplyTo, Raw: compact(in.Raw)}
}

// compact leaves out raw bytes that are no JSON, which could not be sealed.
func compact(raw json.RawMessage) json.RawMessage {
	if !json.Valid(raw) {
		return nil
	}
	return raw
}

// reachable is the platform's word that the customer blocked or unblocked us.
func (x *decision) reachable(a *arrival) error {
	if x.v.Snap.Contact.ID == 0 || a.in.Status == nil {
		a.res.Status = statusIgnored
		return nil
	}
	gone := a.in.Status.State == "blocked"
	d := x.touch(a)
	d.unreachable(gone)
	if gone && d.conv.Status == storage.Open && d.conv.Phase == storage.PhaseBot {
		x.ends = true
		return d.Resolve("unreachable", false)
	}
	return nil
}

// control is a change of who may write in the thread. Another app that takes
// it is somebody who answers elsewhere.
func (x *decision) control(a *arrival) error {
	c := a.in.Control
	if c == nil || c.Standby || c.Owner != "other" || slices.Contains(a.acct.Common.IgnoreApps, c.App) ||
		x.v.Snap.Conv.ID == 0 || x.v.Snap.Conv.Status != storage.Open || !mayReplyOutside(x.v.Snap.Conv.Phase) {
		a.res.Status = statusIgnored
		return nil
	}
	return x.touch(a).Fire(Shift{Edge: EdgeNativeReply, By: OwnerOutside, OwnerID: OwnerOutside})
}

// mayReplyOutside says whether native_reply leads away from this phase.
func mayReplyOutside(phase int16) bool {
	switch phase {
	case storage.PhaseBot, storage.PhaseLent, storage.PhaseAfter, storage.PhaseQueue:
		return true
	}
	return false
}

// eventOf is what the engine is told of messages that are one event.
func eventOf(in dm.Inbound, parts []part) engine.Event {
	ev := engine.Event{Kind: engine.EvMessage, Seq: parts[len(parts)-1].seq}
	var texts []string
	for _, p := range parts {
		if p.text != "" {
			texts = append(texts, p.text)
		}
		ev.Media = append(ev.Media, p.media...)
	}
	ev.Text = strings.Join(texts, "\n")
	if len(parts) > 1 {
		ev.Parts = texts
	}
	switch {
	case in.Kind == dm.KindMention:
		ev.Kind = engine.EvMention
	case in.Kind == dm.KindStart && ev.Text == "" && len(ev.Media) == 0:
		ev.Kind = engine.EvStart
	}
	return ev
}
