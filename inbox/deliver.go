package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/storage"
)

// letter is one row on its way, opened.
type letter struct {
	row   storage.OutboxRow
	uid   storage.UID // of the conversation
	addr  string
	out   dm.Outbound
	calls []channels.Call
}

func (l *letter) bot() bool { return l.row.Origin != storage.OriginAgent }

// fenced says whether the row may leave under its own epoch only.
func (l *letter) fenced() bool {
	return l.row.Origin == storage.OriginBot || l.row.Kind == storage.RowNotice
}

// handle brings one leased row to a result.
func (x *sender) handle(ctx context.Context, w storage.Work) {
	row := *w.Row
	defer func() {
		if p := recover(); p != nil {
			x.s.log.LogAttrs(ctx, slog.LevelError, "sender stopped by a panic", slog.String("channel", x.acct.Alias), slog.Int64("row", row.ID), slog.String("kind", fmt.Sprintf("%T", p)))
			x.failed(ctx, &letter{row: row}, dm.ReasonUnknown, "panic")
		}
	}()
	if row.Status == storage.RowUnknown {
		x.reconcile(ctx, row)
		return
	}
	now := x.s.now()
	l, err := x.open(ctx, w)
	switch {
	case errors.Is(err, errPartFailed):
		x.fail(&letter{row: row}, dm.ReasonUnknown, "part_failed")
		return
	case errors.Is(err, storage.ErrDegraded) || ctx.Err() != nil && err != nil:
		x.release(&letter{row: row}, now)
		return
	case err != nil:
		x.s.log.LogAttrs(ctx, slog.LevelError, "open outbox row", slog.String("channel", x.acct.Alias), slog.Int64("row", row.ID), slog.Any("error", err))
		x.failed(ctx, &letter{row: row}, dm.ReasonUnknown, "unreadable")
		return
	case row.ExpiresAt > 0 && now.UnixMilli() >= row.ExpiresAt:
		x.failed(ctx, l, dm.ReasonTransient, "expired")
		return
	case len(l.calls) == 0: // nothing of this part is left to say on this channel
		x.sent(ctx, l, nil)
		return
	}
	if l.out.Typing && row.Part == 0 && row.Attempt <= 1 {
		x.showTyping(ctx, l.out, row.Conversation)
	}
	if wait := x.buckets.take(l.calls, l.addr, l.bot(), now); wait > 0 {
		x.release(l, now.Add(wait))
		return
	}
	leave := func() {}
	if l.fenced() {
		leave = x.s.fence.enter(l.row.Conversation)
		defer leave()
	}
	if marked := time.Now(); x.mark(l) {
		if until, stopped := x.stopped(x.s.now()); stopped { // while this row was marked another one was told to wait
			x.release(l, until)
			return
		}
		x.s.failpoint("send.after_mark")
		x.write(ctx, l, marked, leave)
	}
}

// open reads what the row sends and renders it.
func (x *sender) open(ctx context.Context, w storage.Work) (*letter, error) {
	l := &letter{row: *w.Row, addr: string(w.Addr)}
	snaps, err := x.s.store.Load(ctx, []storage.Key{{ID: w.Conv}})
	if err != nil {
		return nil, err
	}
	snap := snaps[0]
	if snap.Conv.ID == 0 {
		return nil, fmt.Errorf("conversation %d: %w", w.Conv, storage.ErrNotFound)
	}
	l.uid = snap.Conv.UID
	keys, err := NewReader(x.s.vault, snap.Contact)
	if err != nil {
		return nil, err
	}
	if l.out, err = keys.Request(snap.Conv.UID, l.row); err != nil {
		return nil, err
	}
	l.out.Epoch = l.row.Epoch
	if x.acct.Caps.Window > 0 && snap.Identity.LastInAt > 0 {
		last := time.UnixMilli(snap.Identity.LastInAt)
		l.out.Window = &dm.Window{ReplyUntil: last.Add(x.acct.Caps.Window), HumanUntil: last.Add(max(x.acct.Caps.Window, x.acct.Caps.Human))}
	}
	if l.row.Part > 0 && x.firstPartFailed(ctx, l.row) {
		return nil, errPartFailed
	}
	if l.row.Error == codePlain {
		l.out = plainest(l.out)
	}
	plan, err := x.acct.Adapter.Render(l.out)
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	l.calls = callsOf(plan, l.row)
	return l, nil
}

// callsOf are the calls of the row's part.
func callsOf(plan channels.Plan, row storage.OutboxRow) []channels.Call {
	return slices.DeleteFunc(slices.Clone(plan.Calls), func(c channels.Call) bool { return c.Part != int(row.Part) })
}

// mark asks the store, in one transaction, whether this row may leave now.
func (x *sender) mark(l *letter) bool {
	if skipMark() {
		return true
	}
	got, err := x.s.batcher.Settle(x.marking("mark", l))
	x.s.wrote(err)
	switch {
	case err != nil: // nothing was written to the platform: the row may go as soon as the disk takes it
		x.release(l, x.s.now())
		return false
	case got[0].OK || got[0].Why == whyStaleEpoch && epochUnchecked():
		return true
	}
	x.kept(l, got[0].Why)
	return false
}

// marking is the question whether the row may leave now, with verb do.
func (x *sender) marking(do string, l *letter) storage.Settlement {
	set := storage.Settlement{Do: do, Row: l.row.ID, Attempt: l.row.Attempt, Now: x.s.now().UnixMilli(), Node: x.s.node}
	if l.fenced() && l.row.Origin != storage.OriginSystem { // the sentence that says the assistant is paused leaves under the switch
		set.Switches = switchScopes(x.acct.Alias, "")
	}
	return set
}

// Why a mark may be refused for good.
const (
	whyStaleEpoch  = "stale_epoch"
	whySwitchedOff = "switched_off"
)

// kept cancels a row that may not leave any more.
func (x *sender) kept(l *letter, why string) {
	switch why {
	case whyStaleEpoch:
		x.s.metrics.fenced.WithLabelValues(x.acct.Alias).Inc()
		x.cancel(l, ReasonOwnerChanged)
	case whySwitchedOff:
		x.cancel(l, "kill_switch")
	}
}

// write makes the calls of a row marked at that moment, in order, and settles
// it. begun is called when the first one is written.
func (x *sender) write(ctx context.Context, l *letter, marked time.Time, begun func()) {
	var ids []string
	for _, call := range l.calls {
		res := x.callThen(call, marked, begun)
		x.s.failpoint("send.after_write")
		if errors.Is(res.Err, errTooLate) && !res.Written {
			x.release(l, x.s.now())
			return
		}
		if res.Err != nil && x.s.outbox.calls.Err() != nil {
			return // we are stopping: the row stays sending and the next start looks at it
		}
		out := outcomeOf(x.acct.Adapter, call, res)
		x.transport(res.Err != nil && out.Verdict != channels.Sent)
		switch out.Verdict {
		case channels.Sent, channels.Ignored:
			ids = append(ids, out.IDs...)
			marked = time.Now()
			continue
		}
		x.settle(ctx, l, out)
		return
	}
	x.sent(ctx, l, ids)
}

// sent settles a row whose message the platform has, and says whether it could.
func (x *sender) sent(ctx context.Context, l *letter, ids []string) bool {
	now := x.s.now()
	set := storage.Settlement{Do: "sent", Row: l.row.ID, Attempt: l.row.Attempt, Now: now.UnixMilli(), Receipts: x.receipts(l, ids, now)}
	if len(ids) > 0 {
		set.External = x.s.receiptHash(x.acct.Number, ids[0])
	}
	set.Events = settleEvents(l.row, l.uid, now, "sent")
	x.s.failpoint("settle.before")
	got, err := x.s.settleSurely(set)
	if err != nil || !got[0].OK {
		return false
	}
	x.s.metrics.sends.WithLabelValues(x.acct.Alias, "sent").Inc()
	x.s.changed(l.row, l.uid, "sent")
	if out, ok := x.typing.afterWords(l.row.Conversation, now, x.resend()); ok {
		x.showTyping(ctx, out, l.row.Conversation)
	}
	if l.row.Origin == storage.OriginAgent && l.row.Seq != 0 {
		x.s.agentSent(ctx, l.row, now)
	}
	return true
}

// settleEvents tell who watches a conversation that a message's state changed.
func settleEvents(row storage.OutboxRow, uid storage.UID, now time.Time, state string) []storage.Event {
	if row.Seq == 0 {
		return nil
	}
	topics := []string{"all"}
	if uid != (storage.UID{}) {
		topics = append(topics, "conversation:"+UIDText(uid))
	}
	return []storage.Event{{At: now.UnixMilli(), Seq: row.Seq, Type: EventUpdated, Ref: state, Topics: topics}}
}

// receipts find the row again by our key and part, and by the platform's ids.
func (x *sender) receipts(l *letter, ids []string, now time.Time) []storage.Receipt {
	if l.row.Seq == 0 {
		return nil
	}
	key := uuid.UUID(l.row.UID).String()
	names := append([]string{keyReceipt(key, int(l.row.Part))}, ids...)
	if l.row.Part == 0 {
		names = append(names, key)
	}
	var out []storage.Receipt
	for _, name := range names {
		out = append(out, storage.Receipt{Channel: x.acct.Number, Hash: x.s.receiptHash(x.acct.Number, name), Conversation: l.row.Conversation, Seq: l.row.Seq, At: now.UnixMilli()})
	}
	return out
}

// keyReceipt names one part of a message of ours.
func keyReceipt(key string, part int) string { return key + "." + strconv.Itoa(part) }

func (x *sender) release(l *letter, due time.Time) {
	_, _ = x.s.settleSurely(storage.Settlement{Do: "release", Row: l.row.ID, Attempt: l.row.Attempt, Now: x.s.now().UnixMilli(), DueAt: due.UnixMilli(), Error: l.row.Error}) // wrote has logged what went wrong
}

func (x *sender) cancel(l *letter, why string) {
	now := x.s.now()
	set := storage.Settlement{Do: "cancel", Row: l.row.ID, Attempt: l.row.Attempt, Now: now.UnixMilli(), Error: why, Events: settleEvents(l.row, l.uid, now, "cancelled")}
	_, _ = x.s.settleSurely(set) // wrote has logged what went wrong
	x.s.metrics.sends.WithLabelValues(x.acct.Alias, "cancelled").Inc()
	x.s.changed(l.row, l.uid, "cancelled")
}
