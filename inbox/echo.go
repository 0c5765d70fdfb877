package inbox

import (
	"errors"
	"slices"
	"strings"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/storage"
)

// Times of channels.md 3.4.
const (
	echoText = 120 * time.Second // rows whose text an echo may match
	echoWait = 60 * time.Second  // while a row with that text is being written
)

// errNextTurn says that an event is about another conversation than the
// events before it: it gets a turn of its own.
var errNextTurn = errors.New("inbox: belongs to another turn")

// park keeps an event until the message it is about is here.
func (x *decision) park(a *arrival, why string, next time.Time) error {
	a.res = channels.Accepted{ID: a.in.ExternalID, Status: statusParked}
	if a.parked != 0 {
		_, err := x.s.batcher.Settle(storage.Settlement{Do: "park-again", Row: a.parked, Now: x.v.Now.UnixMilli(), DueAt: next.UnixMilli(), Error: why})
		return err
	}
	row, err := x.s.parkRow(a, why, next)
	if err != nil {
		return err
	}
	if x.d == nil {
		x.d = x.v.Draft()
	}
	x.d.Park(row)
	return nil
}

// drop ends an event that waited in vain.
func (x *decision) drop(a *arrival, why string) error {
	a.res.Status = statusIgnored
	x.s.metrics.refusedInbound.WithLabelValues(a.acct.Alias, why).Inc()
	if a.parked != 0 {
		x.s.unpark(a.parked)
	}
	return nil
}

// late says whether an event has waited long enough for its message.
func (x *decision) late(a *arrival) bool { return x.v.Now.Sub(a.at) >= parentWait }

// again is when a parked event about a missing message is looked at next.
func (x *decision) again(a *arrival) time.Time {
	next, last := x.v.Now.Add(parkDelay(a.tries, jitter)), a.at.Add(parentWait)
	if next.After(last) {
		return last
	}
	return next
}

// about moves the decision onto the conversation that holds one of these
// messages, and gives the row's seq.
func (x *decision) about(a *arrival) (seq int64, found bool, err error) {
	snap, ok := x.s.find(x.ctx, a.acct, targetsOf(a.in)...)
	if !ok {
		return 0, false, nil
	}
	if snap.Conv.ID == x.v.Snap.Conv.ID {
		return snap.Seq, true, nil
	}
	if x.d != nil {
		return 0, false, errNextTurn
	}
	v, err := x.s.view(a.acct, snap)
	if err != nil {
		return 0, false, err
	}
	x.v = v
	return snap.Seq, true, nil
}

// edited is a message that its author changed or took back.
func (x *decision) edited(a *arrival) error {
	seq, found, err := x.about(a)
	switch {
	case err != nil:
		return err
	case !found && !x.late(a):
		return x.park(a, "no_parent", x.again(a))
	case !found && a.in.Kind == dm.KindEdited: // an edit of a message we never got
		a.in.Kind = dm.KindText
		return x.message(a)
	case !found && targetOf(a.in) != a.in.ExternalID:
		return x.tombstone(a)
	case !found:
		return x.drop(a, "no_parent")
	}
	m, ok := x.s.message(x.ctx, x.v.Snap.Conv.ID, seq)
	if !ok {
		return x.drop(a, "no_parent")
	}
	d := x.touch(a)
	a.res.Seq, a.res.Conv = seq, d.UID()
	if a.in.Kind == dm.KindRemoved {
		d.Change(storage.MessageChange{Seq: seq, Removed: true}, nil)
		return nil
	}
	body, err := d.keys.Body(d.conv.UID, m)
	if err != nil {
		return err
	}
	if body.Text != hidden { // what nobody may read is no better after an edit
		body.History = append(body.History, body.Text)
		body.Text, body.Raw = a.in.Text, compact(a.in.Raw)
	}
	d.Change(storage.MessageChange{Seq: seq, Edited: true}, &body)
	return x.correct(a, seq)
}

// tombstone stands for a message that was taken back before it came: should it
// still come, it is known already, and nobody reads or answers it.
func (x *decision) tombstone(a *arrival) error {
	key := a.key.storage()
	for _, name := range targetsOf(a.in) {
		key.Seen = append(key.Seen, seenKeys(a.acct, dm.Inbound{Account: a.in.Account, ExternalID: name})...)
	}
	snaps, err := x.s.store.Load(x.ctx, []storage.Key{key})
	switch {
	case err != nil:
		return err
	case len(snaps[0].Known) > 0: // it came, and cannot be found any more
		return x.drop(a, "no_parent")
	}
	x.touch(a).Seen(key.Seen...)
	x.s.metrics.refusedInbound.WithLabelValues(a.acct.Alias, "removed_unseen").Inc()
	return nil
}

// correct lets the engine read an edited message again when the old words
// filled a slot and the bot still owns the conversation.
func (x *decision) correct(a *arrival, seq int64) error {
	d := x.d
	if d.conv.Owner != storage.OwnerBot || d.conv.Status != storage.Open || seq > d.conv.HandledSeq {
		return nil
	}
	for _, slot := range d.state.Slots {
		if slot.Seq == seq {
			ev := eventOf(dm.Inbound{Kind: dm.KindText}, []part{{seq: seq, text: readable(a.in.Text)}})
			ev.Edited, ev.World = true, x.world(a)
			return x.s.step(d, ev)
		}
	}
	return nil
}

// status is what the platform says of messages of ours.
func (x *decision) status(a *arrival) error {
	state, reason := storage.DeliveryRead, ""
	if a.in.Kind == dm.KindDelivery {
		if a.in.Status == nil {
			return x.drop(a, "no_status")
		}
		state, reason = deliveryOf(a.in.Status.State), string(a.in.Status.Reason)
		if state == storage.DeliveryNone {
			return x.drop(a, "unknown_status")
		}
	}
	if x.proof(a, state, reason) {
		return nil
	}
	seq, found, err := x.about(a)
	switch {
	case err != nil:
		return err
	case !found && a.in.Kind == dm.KindRead && targetOf(a.in) == a.in.ExternalID:
		seq = x.v.Snap.Conv.LastSeq // read up to here
	case !found && !x.late(a):
		return x.park(a, "no_parent", x.again(a))
	case !found:
		return x.drop(a, "no_parent")
	}
	if x.v.Snap.Conv.ID == 0 {
		return x.drop(a, "no_parent")
	}
	return x.delivered(a, seq, state, reason)
}

// deliveryOf is a platform's word for the state of a message; none: not one we know.
func deliveryOf(word string) int16 {
	switch word {
	case "sent":
		return storage.DeliverySent
	case "delivered":
		return storage.DeliveryDelivered
	case "read":
		return storage.DeliveryRead
	case "failed":
		return storage.DeliveryFailed
	}
	return storage.DeliveryNone
}

// proof settles rows of which nobody knew whether they arrived.
func (x *decision) proof(a *arrival, state int16, reason string) bool {
	key := ""
	switch {
	case a.in.Status != nil:
		key = a.in.Status.Key
	case a.in.Echo != nil:
		key = a.in.Echo.Key
	}
	if key == "" {
		return false
	}
	rows := x.s.awaiting.take(key, state == storage.DeliveryFailed)
	for _, row := range rows {
		if state == storage.DeliveryFailed {
			_, err := x.s.batcher.Settle(storage.Settlement{Do: "failed", Row: row.ID, Attempt: row.Attempt, Now: x.v.Now.UnixMilli(), Error: reason})
			x.s.wrote(err)
			continue
		}
		x.s.proved(row, a.in.MessageID, state)
	}
	return len(rows) > 0
}

// delivered writes the state of one message, and with read that of the ones before it.
func (x *decision) delivered(a *arrival, seq int64, state int16, reason string) error {
	d := x.touch(a)
	m, ok := x.s.message(x.ctx, d.conv.ID, seq)
	if ok && m.Dir == storage.DirOut {
		d.Change(storage.MessageChange{Seq: seq, Delivery: state, Reason: reason}, nil)
	}
	if state == storage.DeliveryRead {
		x.readBefore(seq)
	}
	bot := ok && (m.Author == storage.AuthorBot || m.Author == storage.AuthorNotice)
	if state == storage.DeliveryFailed && bot && d.conv.Status == storage.Open && d.conv.Phase == storage.PhaseBot {
		x.ends = true
		return x.s.giveToPeople(d, 0, dm.CauseDeliveryFailed, "")
	}
	return nil
}

// readRows is how many rows before a read one are looked at.
const readRows = 20

func (x *decision) readBefore(seq int64) {
	d := x.d
	page, err := x.s.store.Thread(x.ctx, storage.ThreadQuery{Conversation: d.conv.ID, Before: seq, N: readRows})
	if err != nil {
		return // the next read mark tells
	}
	for _, m := range page.Items {
		if m.Dir == storage.DirOut && (m.Delivery == storage.DeliverySent || m.Delivery == storage.DeliveryDelivered) {
			d.Change(storage.MessageChange{Seq: m.Seq, Delivery: storage.DeliveryRead}, nil)
		}
	}
}

// echo is a message that left our account: ours, a robot's, or a person's who
// answered elsewhere.
func (x *decision) echo(a *arrival) error {
	e := a.in.Echo
	if e == nil {
		return x.drop(a, "no_echo")
	}
	if x.proof(a, storage.DeliverySent, "") {
		return nil
	}
	if _, known := x.s.find(x.ctx, a.acct, targetsOf(a.in)...); known {
		a.res.Status = statusDuplicate // a row of ours that is settled already
		return x.drop(a, "own_echo")
	}
	if e.App != "other" {
		done, err := x.echoByText(a)
		if done || err != nil {
			return err
		}
	}
	switch {
	case e.App == "us":
		return x.drop(a, "own_echo")
	case e.Author == "bot" || slices.Contains(a.acct.Common.IgnoreApps, e.ID) || slices.Contains(a.acct.Common.IgnoreApps, e.App):
		return x.robot(a)
	}
	return x.person(a)
}

// echoByText matches an echo whose sender the platform does not name with
// what we have just sent.
func (x *decision) echoByText(a *arrival) (done bool, err error) {
	c := x.v.Snap.Conv
	if c.ID == 0 || strings.TrimSpace(a.in.Text) == "" {
		return false, nil
	}
	page, err := x.s.store.Thread(x.ctx, storage.ThreadQuery{Conversation: c.ID, Before: c.LastSeq + 1, N: readRows})
	if err != nil {
		return false, err
	}
	for _, m := range slices.Backward(page.Items) {
		if m.Dir != storage.DirOut || a.at.Sub(time.UnixMilli(m.At)) > echoText {
			continue
		}
		if !x.saidAs(m, a.in.Text) {
			continue
		}
		switch m.Delivery {
		case storage.DeliverySending, storage.DeliveryPending:
			if x.v.Now.Sub(a.at) < echoWait {
				return true, x.park(a, "own_row_on_its_way", x.v.Now.Add(2*time.Second))
			}
		case storage.DeliveryUnknown:
			for _, row := range x.s.awaiting.of(c.ID) {
				if row.Seq == m.Seq {
					x.s.proved(row, a.in.MessageID, storage.DeliverySent)
				}
			}
		}
		return true, x.drop(a, "own_echo")
	}
	return false, nil
}

// saidAs says whether the words an echo shows are those of a message of ours,
// as written or as its channel was sent it: with numbered options, or a part of it.
func (x *decision) saidAs(m storage.Message, words string) bool {
	body, err := x.v.vault.Body(x.v.Snap.Conv.UID, m)
	if err != nil {
		return false
	}
	if sameText(body.Text, words) {
		return true
	}
	a := x.v.Account
	if a == nil || a.Adapter == nil {
		return false
	}
	plan, err := a.Adapter.Render(x.v.Draft().outbound(storage.UID{}, Outgoing{NewMessage: NewMessage{Public: m.Public, Author: m.Author, Body: body}}))
	if err != nil {
		return false
	}
	return slices.ContainsFunc(plan.Calls, func(c channels.Call) bool { return c.Text != "" && sameText(c.Text, words) })
}

func sameText(a, b string) bool {
	return strings.Join(strings.Fields(a), " ") == strings.Join(strings.Fields(b), " ")
}

// robot stores what another robot of the same account said.
func (x *decision) robot(a *arrival) error {
	if x.v.Snap.Conv.ID == 0 {
		return x.drop(a, "robot")
	}
	d := x.touch(a)
	m := NewMessage{Kind: storage.MsgText, Dir: storage.DirOut, Author: storage.AuthorSystem, AuthorID: "robot", PlatformAt: a.in.At,
		Public: a.in.Visibility == dm.Public, Body: bodyOf(a.in), Delivery: storage.DeliverySent}
	a.res.Seq, a.res.Conv = d.Append(m), d.UID()
	return nil
}

// person stores a reply typed in the platform's own app: whoever wrote it
// owns the conversation from now on (native_reply).
func (x *decision) person(a *arrival) error {
	d := x.open(a)
	shift := Shift{Edge: EdgeNativeReply, By: OwnerOutside, ByName: a.in.Sender.Name, OwnerID: OwnerOutside}
	switch {
	case d.conv.Phase == storage.PhaseNew:
		address := d.address
		address.Thread, address.Account = a.in.Thread, a.in.Account
		if address.Party.ID == "" {
			address.Party.ID = a.in.Thread
		}
		d.Reach(x.s.addrHash(a.acct.Number, a.in.Thread), address, time.Time{})
		shift.Edge = EdgeOpenAgent
		if err := d.Fire(shift); err != nil {
			return err
		}
	case mayReplyOutside(d.conv.Phase):
		if err := d.Fire(shift); err != nil {
			return err
		}
	}
	m := NewMessage{Kind: storage.MsgText, Dir: storage.DirOut, Author: storage.AuthorAgentNative, AuthorID: d.conv.OwnerID, PlatformAt: a.in.At,
		Public: a.in.Visibility == dm.Public, Body: bodyOf(a.in), Delivery: storage.DeliverySent}
	if a.in.MessageID != "" {
		m.External = x.s.receiptHash(a.acct.Number, a.in.MessageID)
	}
	seq := d.Append(m)
	if m.External != nil {
		d.Receipt(a.acct.Number, m.External, seq)
	}
	a.res.Seq, a.res.Conv = seq, d.UID()
	x.s.metrics.messages.WithLabelValues(a.acct.Alias, "out", visibility(m.Public), "agent").Inc()
	return nil
}
