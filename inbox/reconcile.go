package inbox

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

// Waits of channels.md 4.6.
const (
	reconcileMost = 60 * time.Second
	unknownWait   = 5 * time.Minute // silence after a held question of the bot
	timerUnknown  = "unknown:"      // and the row's id
)

// awaiting holds the rows of this process of which nobody knows whether they
// arrived, so that an echo or a status that names their key, or the customer's
// answer, can settle them. A row is here before the store says that it is
// unknown: whoever has read that finds it.
type awaiting struct {
	mu    sync.Mutex
	byKey map[string]storage.OutboxRow
}

func newAwaiting() *awaiting { return &awaiting{byKey: map[string]storage.OutboxRow{}} }

func (a *awaiting) put(row storage.OutboxRow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byKey[keyReceipt(uuid.UUID(row.UID).String(), int(row.Part))] = row
}

// unknown says that the store has a row as unknown now; one that was proved
// meanwhile stays away.
func (a *awaiting) unknown(row storage.OutboxRow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if k := keyReceipt(uuid.UUID(row.UID).String(), int(row.Part)); a.byKey[k].ID == row.ID {
		a.byKey[k] = row
	}
}

// has says whether a row still waits for proof.
func (a *awaiting) has(row storage.OutboxRow) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.byKey[keyReceipt(uuid.UUID(row.UID).String(), int(row.Part))].ID == row.ID
}

// take gives the rows of a key, each once; failing leaves those alone that the
// store does not have as unknown yet, for that would undo it.
func (a *awaiting) take(key string, failing bool) (rows []storage.OutboxRow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for k, row := range a.byKey {
		if (k == key || strings.HasPrefix(k, key+".")) && (!failing || row.Status == storage.RowUnknown) {
			rows = append(rows, row)
			delete(a.byKey, k)
		}
	}
	return rows
}

// recall finds the rows that an earlier process left unknown: their proof may
// come only now.
func (s *Service) recall(ctx context.Context) {
	err := s.store.Walk(ctx, storage.WalkQuery{Tables: []string{"outbox"}}, func(r storage.Row) error {
		number := func(col string) int64 { return cell[int64](r, col) }
		if number("status") != int64(storage.RowUnknown) {
			return nil
		}
		row := storage.OutboxRow{ID: number("id"), Conversation: number("conversation_id"), Seq: number("seq"), Part: int16(number("part")),
			Channel: number("channel_id"), Origin: int16(number("origin")), Status: storage.RowUnknown, Attempt: int32(number("attempt")), Error: cell[string](r, "error")}
		copy(row.UID[:], cell[[]byte](r, "uid"))
		s.awaiting.put(row)
		return nil
	})
	if err != nil && ctx.Err() == nil {
		s.log.LogAttrs(ctx, slog.LevelError, "look for rows that wait for proof", slog.Any("error", err))
	}
}

// cell is one value of a streamed row; zero when it is of another type.
func cell[T any](r storage.Row, col string) (v T) {
	if i := slices.Index(r.Cols, col); i >= 0 {
		v, _ = r.Vals[i].(T)
	}
	return v
}

// of gives the rows of a conversation that still wait for proof.
func (a *awaiting) of(conversation int64) (rows []storage.OutboxRow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, row := range a.byKey {
		if row.Conversation == conversation {
			rows = append(rows, row)
		}
	}
	return rows
}

// ambiguous settles a row that may have been written without an answer we
// could read (l nil: because its process ended), by what the platform can tell
// us, else by the channel's policy.
func (x *sender) ambiguous(ctx context.Context, row storage.OutboxRow, l *letter) {
	x.s.metrics.ambiguous.WithLabelValues(x.acct.Alias).Inc()
	policy := x.acct.Common.AmbiguousBot
	if row.Origin == storage.OriginAgent {
		policy = x.acct.Common.AmbiguousMan
	}
	now := x.s.now()
	due := now // our own end is no reason to wait: the platform refused nothing
	if l != nil {
		due = now.Add(retryDelay(row.Attempt+2, jitter))
	}
	switch caps := x.acct.Caps; {
	case caps.Send == channels.Idempotent && policy != "hold":
		x.again(row, string(dm.ReasonTransient), due)
	case caps.Send == channels.Reconcilable && row.Error != codeResent:
		wait := caps.Reconcile
		if wait <= 0 || wait > reconcileMost {
			wait = reconcileMost
		}
		x.unknown(row, now.Add(wait))
	case policy == "resend" && row.Error != codeResent:
		x.again(row, codeResent, due)
	case caps.Send == channels.Windowed && row.Error != codeResent && policy != "hold" && now.Sub(time.UnixMilli(row.MarkedAt)) < caps.Reconcile:
		x.again(row, codeResent, due)
	default:
		x.holdRow(ctx, row)
	}
}

// again sends the row once more, with the same key.
func (x *sender) again(row storage.OutboxRow, code string, due time.Time) {
	now := x.s.now()
	_, _ = x.s.settleSurely(storage.Settlement{Do: "retry", Row: row.ID, Attempt: row.Attempt, Now: now.UnixMilli(), DueAt: due.UnixMilli(), Error: code}) // wrote has logged what went wrong
}

// unknown keeps a row until its proof comes, or the end of waiting for it
// (zero: until a person decides).
func (x *sender) unknown(row storage.OutboxRow, until time.Time) bool {
	now := x.s.now().UnixMilli()
	set := storage.Settlement{Do: "unknown", Row: row.ID, Attempt: row.Attempt, Now: now, Error: codeAmbiguous}
	if row.Error == codeResent {
		set.Error = codeResent
	}
	if !until.IsZero() {
		set.DueAt = until.UnixMilli()
	}
	set.Events = settleEvents(row, storage.UID{}, x.s.now(), "unknown")
	x.s.awaiting.put(row)
	got, err := x.s.settleSurely(set)
	if err != nil || !got[0].OK {
		x.s.awaiting.take(keyReceipt(uuid.UUID(row.UID).String(), int(row.Part)), false)
		return false
	}
	row.Error, row.Status = set.Error, storage.RowUnknown
	x.s.awaiting.unknown(row)
	x.s.metrics.sends.WithLabelValues(x.acct.Alias, "unknown").Inc()
	x.s.changed(row, storage.UID{}, "unknown")
	return true
}

// holdRow leaves it to a person, and for a question of the bot to the
// customer: an answer proves that it arrived, silence gets them a person.
func (x *sender) holdRow(ctx context.Context, row storage.OutboxRow) {
	if !x.unknown(row, time.Time{}) || row.Origin == storage.OriginAgent || row.Seq == 0 {
		return
	}
	_, err := x.s.Do(ctx, storage.Key{ID: row.Conversation}, func(v *View) (*Draft, error) {
		if v.Snap.Conv.Status != storage.Open || v.Snap.Conv.Owner != storage.OwnerBot || !x.s.awaiting.has(row) { // answered meanwhile
			return nil, nil
		}
		d := v.Draft()
		d.Timer(timerUnknown+strconv.FormatInt(row.ID, 10), v.Now.Add(unknownWait))
		return d, nil
	})
	if err != nil {
		x.s.log.LogAttrs(ctx, slog.LevelError, "watch over a held message", slog.Int64("conversation", row.Conversation), slog.Any("error", err))
	}
}

// unknownDue is the end of unknownWait without an answer.
func (s *Service) unknownDue(d *Draft) error {
	if d.conv.Owner != storage.OwnerBot {
		return nil
	}
	return d.Handoff(engine.Handoff{Cause: dm.CauseDeliveryFailed, Reason: "unknown"}, engine.Trace{Event: "send", Error: "unknown"})
}

// provedByAnswer settles the held questions that a customer's message answers.
func (s *Service) provedByAnswer(conversation int64) {
	for _, row := range s.awaiting.of(conversation) {
		if row.Origin == storage.OriginAgent {
			continue
		}
		s.proved(row, "", storage.DeliverySent)
	}
}

// proved settles a row that arrived after all.
func (s *Service) proved(row storage.OutboxRow, messageID string, delivery int16) {
	now := s.now().UnixMilli()
	key := uuid.UUID(row.UID).String()
	set := storage.Settlement{Do: "sent", Row: row.ID, Attempt: row.Attempt, Now: now, Delivery: delivery}
	if row.Seq != 0 {
		names := []string{keyReceipt(key, int(row.Part)), key}
		if messageID != "" {
			set.External = s.receiptHash(row.Channel, messageID)
			names = append(names, messageID)
		}
		for _, name := range names {
			set.Receipts = append(set.Receipts, storage.Receipt{Channel: row.Channel, Hash: s.receiptHash(row.Channel, name), Conversation: row.Conversation, Seq: row.Seq, At: now})
		}
		set.Events = settleEvents(row, storage.UID{}, s.now(), "sent")
	}
	got, err := s.batcher.Settle(set)
	s.wrote(err)
	s.awaiting.take(keyReceipt(key, int(row.Part)), false)
	if err == nil && got[0].OK {
		s.changed(row, storage.UID{}, "sent")
	}
}

// reconcile asks the platform, at the end of the wait for proof, whether the
// row arrived.
func (x *sender) reconcile(ctx context.Context, row storage.OutboxRow) {
	found, id, sure := x.ask(ctx, row)
	switch {
	case found:
		x.s.proved(row, id, storage.DeliverySent)
	case row.Origin == storage.OriginAgent || x.acct.Common.AmbiguousBot == "hold" || row.Error == codeResent || !sure:
		x.holdRow(ctx, row)
	default:
		x.again(row, codeResent, x.s.now().Add(retryDelay(row.Attempt+2, jitter)))
		x.s.awaiting.take(keyReceipt(uuid.UUID(row.UID).String(), int(row.Part)), false) // not before: what proves it now still counts
	}
}

// ask is the question itself; sure is false when there was no answer to it.
func (x *sender) ask(ctx context.Context, row storage.OutboxRow) (found bool, id string, sure bool) {
	r, ok := x.acct.Adapter.(channels.Reconciler)
	if !ok {
		return false, "", true // waiting for an echo or a status was all there is
	}
	l, err := x.open(ctx, storage.Work{Row: &row, Conv: row.Conversation})
	if err != nil {
		return false, "", false
	}
	out := l.out
	if len(l.calls) > 0 && row.Part > 0 {
		out.Text, out.Options, out.Links, out.Media = l.calls[len(l.calls)-1].Text, nil, nil, nil
	}
	call, err := r.RenderReconcile(out, time.UnixMilli(row.MarkedAt))
	if err != nil {
		return false, "", false
	}
	if x.buckets.take([]channels.Call{call}, l.addr, false, x.s.now()) > 0 {
		return false, "", false
	}
	found, id, err = r.ParseReconcile(x.call(call, time.Now()), out)
	return found, id, err == nil
}
