package inbox

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/storage"
)

const (
	// pullLease holds new rows between reading and numbering them. The number
	// is durable; only a disk that refuses it lets a lease run out.
	pullLease = time.Second
	// pullPage is how many handed out rows are looked at together.
	pullPage = 100
)

// handed lets one request at a time number and settle the rows of a channel.
// Which rows were handed out, and under which number, the store knows.
type handed struct {
	mu    sync.Mutex
	locks map[int64]*sync.Mutex
}

func (h *handed) lock(channel int64) (unlock func()) {
	h.mu.Lock()
	if h.locks == nil {
		h.locks = map[int64]*sync.Mutex{}
	}
	l := h.locks[channel]
	if l == nil {
		l = &sync.Mutex{}
		h.locks[channel] = l
	}
	h.mu.Unlock()
	l.Lock()
	return l.Unlock
}

// cursorOf reads a cursor: c- and the number of a hand-out.
func cursorOf(s string) (number int64, ok bool) {
	digits, ok := strings.CutPrefix(s, "c-")
	number, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || number < 0 || cursorText(number) != s {
		return 0, false
	}
	return number, true
}

func cursorText(number int64) string { return "c-" + strconv.FormatInt(number, 10) }

// pullKey is the signal that a channel has something to pull.
func pullKey(channel int64) laneKey { return laneKey{channel: channel} }

// puller is one request of the customer's system for the rows of a channel.
type puller struct {
	*sender
	after    int64 // the number up to which it has them
	position bool  // it said so; else it has no place and gets everything
	top      int64 // the highest number given so far
	version  int64 // of the record of top
	out      []dm.Outbound
}

// Pull hands out waiting rows of a channel in order: first those that were
// handed out above after and not acknowledged, then new ones, each under the
// epoch and the kill switch it finds now.
func (h *host) Pull(ctx context.Context, channel, after string, n int) (out []dm.Outbound, cursor string, more <-chan struct{}, err error) {
	acct, ok := h.s.Account(channel)
	if !ok || !acct.Caps.Pull {
		return nil, "", nil, channels.ErrNotFound
	}
	if !h.s.writable() || !h.s.started.Load() {
		return nil, "", nil, channels.ErrNotReady
	}
	more = h.s.signals.of(pullKey(acct.Number))
	unlock := h.s.handed.lock(acct.Number)
	defer unlock()
	p := &puller{sender: &sender{s: h.s, acct: acct}}
	if err := p.begin(ctx, after); err != nil {
		return nil, "", nil, h.s.refusal(err)
	}
	if err := p.repeat(ctx, n); err != nil {
		return nil, "", nil, h.s.refusal(err)
	}
	if err := p.fresh(ctx, n); err != nil {
		return nil, "", nil, h.s.refusal(err)
	}
	return p.out, cursorText(p.after), more, nil
}

// begin finds the place of the one who asks. What is no cursor, or one that
// was never answered, is the beginning: that gives too much, never too little.
func (p *puller) begin(ctx context.Context, after string) (err error) {
	if p.top, p.version, err = p.s.readReached(ctx, p.acct.Number); err != nil {
		return err
	}
	number, ok := cursorOf(after)
	if p.position = ok && number <= p.top; p.position {
		p.after = number
	}
	return nil
}

// repeat gives again what was handed out and not acknowledged.
func (p *puller) repeat(ctx context.Context, n int) error {
	for from := p.after; len(p.out) < n; {
		work, _, err := p.s.store.Lease(ctx, storage.LeaseQuery{What: "handed", Channel: p.acct.Number, After: from, Now: p.s.now().UnixMilli(), N: min(pullPage, n-len(p.out))})
		if err != nil || len(work) == 0 {
			return err
		}
		from = work[len(work)-1].Row.Handed()
		if err := p.hand(ctx, work); err != nil {
			return err
		}
	}
	return nil
}

// fresh hands out new rows. Rows that may not leave make room for others.
func (p *puller) fresh(ctx context.Context, n int) error {
	for len(p.out) < n {
		before := len(p.out)
		work, _, err := p.s.store.Lease(ctx, storage.LeaseQuery{
			What: "outbox", Channel: p.acct.Number, Now: p.s.now().UnixMilli(), Node: p.s.node, For: pullLease, N: n - before, Pull: true,
		})
		if err != nil || len(work) == 0 {
			return err
		}
		if err := p.hand(ctx, work); err != nil {
			return err
		}
		if len(p.out) == before && before > 0 {
			return nil // there is something to answer already
		}
	}
	return nil
}

// letGo takes back the lease of rows that could not be handed out for a reason
// that is not theirs. It does not wait for a disk that refuses: the lease ends
// by itself. A row that was numbered all the same waits as if it were new.
func (p *puller) letGo(rows []storage.OutboxRow) {
	var sets []storage.Settlement
	for _, r := range rows {
		if r.Handed() == 0 {
			sets = append(sets, storage.Settlement{Do: "release", Row: r.ID, Attempt: r.Attempt, Now: p.s.now().UnixMilli(), DueAt: r.DueAt, Error: r.Error})
		}
	}
	if len(sets) == 0 {
		return
	}
	_, err := p.s.batcher.Settle(sets...)
	p.s.wrote(err)
}

// hand opens rows and adds those that may leave now to the answer. An error is
// one of the environment, and says nothing about a row.
func (p *puller) hand(ctx context.Context, work []storage.Work) (err error) {
	var letters []*letter
	var open []storage.OutboxRow // not settled yet
	defer func() {
		if err != nil {
			p.letGo(open)
		}
	}()
	for i, w := range work {
		l, err := p.readable(ctx, w)
		if err != nil {
			for _, rest := range work[i:] {
				open = append(open, *rest.Row)
			}
			return err
		}
		if l != nil {
			letters, open = append(letters, l), append(open, l.row)
		}
	}
	sets, err := p.number(ctx, letters)
	if err != nil || len(sets) == 0 {
		return err
	}
	got, err := p.s.batcher.Settle(sets...)
	p.s.wrote(err)
	if err != nil {
		return err
	}
	for i, l := range letters {
		if got[i].OK || got[i].Why == whyStaleEpoch && epochUnchecked() {
			p.out, p.after = append(p.out, l.out), max(p.after, sets[i].Number)
			continue
		}
		p.refused(ctx, l, got[i].Why)
	}
	return nil
}

// readable opens one row; nil: it was settled, there is nothing to give.
func (p *puller) readable(ctx context.Context, w storage.Work) (*letter, error) {
	row := *w.Row
	if row.Status == storage.RowUnknown { // from a time when the channel was pushed to; the key makes a repeat harmless
		p.again(row, codeResent, p.s.now())
		return nil, nil
	}
	l, err := p.open(ctx, w)
	switch {
	case errors.Is(err, errPartFailed):
		p.fail(&letter{row: row}, dm.ReasonUnknown, "part_failed")
	case err != nil && (errors.Is(err, storage.ErrDegraded) || ctx.Err() != nil):
		return nil, err
	case err != nil:
		p.s.log.LogAttrs(ctx, slog.LevelError, "open outbox row", slog.String("channel", p.acct.Alias), slog.Int64("row", row.ID), slog.Any("error", err))
		p.failed(ctx, &letter{row: row}, dm.ReasonUnknown, "unreadable")
	case row.ExpiresAt > 0 && p.s.now().UnixMilli() >= row.ExpiresAt:
		if p.doubtful(row) {
			p.holdRow(ctx, row)
		} else {
			p.failed(ctx, l, dm.ReasonTransient, "expired")
		}
	case len(l.calls) == 0: // nothing is left to say on this channel
		p.sent(ctx, l, nil)
	default:
		return l, nil
	}
	return nil, nil
}

// doubtful says whether a row may have been received: it was handed out, and
// whoever asks again does not say that it has only what came before.
func (p *puller) doubtful(row storage.OutboxRow) bool { return row.Handed() > 0 && !p.position }

// number gives each letter the number it has, or else the next, and makes
// those durable before any row carries one: none is given twice.
func (p *puller) number(ctx context.Context, letters []*letter) (sets []storage.Settlement, err error) {
	top := p.top
	for _, l := range letters {
		set := p.marking("pull", l)
		if set.Number = l.row.Handed(); set.Number == 0 {
			top++
			set.Number = top
		}
		sets = append(sets, set)
	}
	if top == p.top {
		return sets, nil
	}
	rec := storage.Record{Kind: storage.KindSetting, ID: reachedID(p.acct.Number), Version: p.version, Body: []byte(strconv.FormatInt(top, 10))}
	if err = p.s.store.Put(ctx, []storage.Record{rec}, nil); err != nil {
		p.s.wrote(err)
		return nil, err
	}
	p.top, p.version, err = p.s.readReached(ctx, p.acct.Number)
	return sets, err
}

// refused settles a row that the store does not let leave any more.
func (p *puller) refused(ctx context.Context, l *letter, why string) {
	if !p.doubtful(l.row) {
		p.kept(l, why)
		return
	}
	switch why {
	case whyStaleEpoch:
		p.s.metrics.fenced.WithLabelValues(p.acct.Alias).Inc()
		p.holdRow(ctx, l.row)
	case whySwitchedOff:
		p.holdRow(ctx, l.row)
	}
}

// reachedID names the record of the highest number of a channel: after a
// restart a cursor of before is still known from one that never was.
func reachedID(channel int64) []byte { return []byte("pulled " + strconv.FormatInt(channel, 10)) }

func (s *Service) readReached(ctx context.Context, channel int64) (number, version int64, err error) {
	rec, err := s.store.Get(ctx, storage.KindSetting, reachedID(channel))
	if errors.Is(err, storage.ErrNotFound) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	number, _ = strconv.ParseInt(string(rec.Body), 10, 64)
	return number, rec.Version, nil
}

// Pulled settles what was handed out up to cursor as sent, and nothing else. A
// cursor that no pull ever answered is a mistake of the caller, not an
// acknowledgement.
func (h *host) Pulled(ctx context.Context, channel, cursor string) error {
	ctx = context.WithoutCancel(ctx) // whoever acknowledges has them, waiting for our answer or not
	acct, ok := h.s.Account(channel)
	if !ok || !acct.Caps.Pull {
		return channels.ErrNotFound
	}
	if !h.s.writable() || !h.s.started.Load() {
		return channels.ErrNotReady
	}
	unlock := h.s.handed.lock(acct.Number)
	defer unlock()
	last, ok := cursorOf(cursor)
	top, _, err := h.s.readReached(ctx, acct.Number)
	switch {
	case err != nil:
		return h.s.refusal(err)
	case !ok || last > top:
		return &channels.FieldError{Field: "cursor", Problem: "is none that GET /outbox answered"}
	}
	if err := h.s.settleHanded(ctx, acct, last); err != nil {
		return h.s.refusal(err)
	}
	return nil
}

// settleHanded settles the rows that were handed out up to a number.
func (s *Service) settleHanded(ctx context.Context, acct *Account, last int64) error {
	x := &sender{s: s, acct: acct}
	for from := int64(0); ; {
		work, _, err := s.store.Lease(ctx, storage.LeaseQuery{What: "handed", Channel: acct.Number, After: from, Any: true, Now: s.now().UnixMilli(), N: pullPage})
		if err != nil || len(work) == 0 {
			return err
		}
		keys := make([]storage.Key, len(work))
		for i, w := range work {
			keys[i] = storage.Key{ID: w.Conv}
		}
		snaps, err := s.store.Load(ctx, keys)
		if err != nil {
			return err
		}
		for i, w := range work {
			if from = w.Row.Handed(); from > last {
				return nil
			}
			if !x.sent(ctx, &letter{row: *w.Row, uid: snaps[i].Conv.UID}, nil) {
				return channels.ErrNotReady // it is handed out again
			}
		}
	}
}

// takeBack lets go of what was handed out on a channel that is pushed to now.
func (x *sender) takeBack(ctx context.Context) {
	work, _, err := x.s.store.Lease(ctx, storage.LeaseQuery{What: "handed", Channel: x.acct.Number, Now: x.s.now().UnixMilli(), N: pullPage})
	if err != nil && ctx.Err() == nil {
		x.s.log.LogAttrs(ctx, slog.LevelError, "take back what was handed out", slog.String("channel", x.acct.Alias), slog.Any("error", err))
	}
	for _, w := range work {
		x.ambiguous(ctx, *w.Row, nil)
	}
	if len(work) > 0 {
		x.nudge()
	}
}
