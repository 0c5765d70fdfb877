package inbox

import (
	"slices"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/storage"
)

// partsMost bounds the parts of one message.
const partsMost = 50

// rendered asks the channel how many parts a message becomes, and what of it
// cannot be shown. Rendering is pure, so the sender gets the same again.
func (d *Draft) rendered(out dm.Outbound) (parts int, degraded []string) {
	a := d.View.Account
	if a == nil || a.Adapter == nil {
		return 1, nil
	}
	parts, report := laidOut(a.Adapter, out)
	for _, g := range report {
		if !slices.Contains(degraded, g.Code) {
			degraded = append(degraded, g.Code)
		}
	}
	if a.Caps.Pull { // handed out whole
		parts = 1
	}
	return min(parts, partsMost), degraded
}

// laidOut asks an adapter that can say so without writing the calls.
func laidOut(a channels.Adapter, out dm.Outbound) (parts int, report []channels.Degradation) {
	if l, ok := a.(channels.Layouter); ok {
		parts, report = l.Layout(out)
		return max(parts, 1), report
	}
	plan, err := a.Render(out)
	if err != nil {
		return 1, nil // the sender meets the same error and says so
	}
	for _, c := range plan.Calls {
		parts = max(parts, c.Part+1)
	}
	return max(parts, 1), plan.Degradations
}

// tellShift tells the channel who answers from now on, or that it is over.
func (d *Draft) tellShift(s Shift) {
	switch {
	case s.Edge == EdgeOpenBot || s.Edge == EdgeOpenBlocked || s.Edge == EdgeErase:
	case d.conv.Owner == storage.OwnerNone:
		d.tell(dm.OutResolved, s)
	default:
		d.tell(dm.OutOwner, s)
	}
}

// tell queues news for a channel that follows who owns a conversation. A
// channel that has no words for it renders no call and gets no row. Such a row
// obeys no epoch: it reports what is so. Only a resolve by a person waits as
// long as it can be undone, and is withdrawn when it is.
func (d *Draft) tell(kind string, s Shift) {
	a := d.View.Account
	if a == nil || a.Adapter == nil || a.Caps.Native || d.address.Thread == "" {
		return
	}
	uid, due, row := newUID(), d.View.Now, storage.RowSend
	if s.Edge == EdgeResolve || s.Edge == EdgeResolvePlain { // held, and under the epoch: an undo takes it back
		due, row = due.Add(UndoWithin), storage.RowNotice
	}
	out := dm.Outbound{Key: UIDText(uid), Kind: kind, Account: d.address.Account, Thread: d.address.Thread, Conversation: d.UID(), To: d.address.Party,
		Author: dm.AuthorSystem, Epoch: d.conv.Epoch, At: d.View.Now.UTC()}
	if kind == dm.OutOwner {
		out.Control = &dm.ControlData{Owner: OwnerWord(d.conv.Owner)}
		if d.conv.Owner == storage.OwnerQueue {
			out.Control.Metadata = d.conv.OwnerID
		}
	}
	if plan, err := a.Adapter.Render(out); err != nil || len(plan.Calls) == 0 {
		return
	}
	box, err := d.keys.seal("outbox", d.conv.UID, 0, "request", out)
	d.fail("outbox request", err)
	d.turn.Outbox = append(d.turn.Outbox, storage.OutboxRow{UID: uid, Conversation: d.conv.ID, Kind: row, Channel: d.conv.Channel, Origin: storage.OriginSystem,
		Status: storage.RowPending, DueAt: due.UnixMilli(), ExpiresAt: due.Add(agentTTL).UnixMilli(), Priority: 1, Request: box})
}
