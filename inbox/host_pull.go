package inbox

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/storage"
)

// pullLease holds rows that were handed out until they are acknowledged; a
// restart lets go of them and they are handed out again.
const pullLease = 24 * time.Hour

// handed holds the rows of each channel that were pulled and not yet acknowledged.
type handed struct {
	mu   sync.Mutex
	rows map[int64][]pulledRow // by channel, rising row id
	top  map[int64]int64       // by channel, the highest row id that was ever handed out
}

type pulledRow struct {
	row storage.OutboxRow
	uid storage.UID
	out dm.Outbound
}

func (h *handed) add(channel int64, p pulledRow) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rows == nil {
		h.rows = map[int64][]pulledRow{}
	}
	h.rows[channel] = append(h.rows[channel], p)
	slices.SortFunc(h.rows[channel], func(a, b pulledRow) int { return cmp.Compare(a.row.ID, b.row.ID) })
}

func (h *handed) after(channel, id int64, n int) []pulledRow {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []pulledRow
	for _, p := range h.rows[channel] {
		if p.row.ID > id && len(out) < n {
			out = append(out, p)
		}
	}
	return out
}

// take removes and gives the rows up to id.
func (h *handed) take(channel, id int64) (out []pulledRow) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.rows[channel]) == 0 {
		return nil
	}
	h.rows[channel] = slices.DeleteFunc(h.rows[channel], func(p pulledRow) bool {
		if p.row.ID <= id {
			out = append(out, p)
			return true
		}
		return false
	})
	return out
}

// reached raises the highest row id of a channel and gives what it is then.
func (h *handed) reached(channel, id int64) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.top == nil {
		h.top = map[int64]int64{}
	}
	h.top[channel] = max(h.top[channel], id)
	return h.top[channel]
}

// cursorOf reads a cursor: c- and a row's id.
func cursorOf(s string) (id int64, ok bool) {
	digits, ok := strings.CutPrefix(s, "c-")
	id, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || id < 0 || cursorText(id) != s {
		return 0, false
	}
	return id, true
}

func cursorText(id int64) string { return "c-" + strconv.FormatInt(id, 10) }

// pullKey is the signal that a channel has something to pull.
func pullKey(channel int64) laneKey { return laneKey{channel: channel} }

// Pull hands out waiting rows of a channel in order: first those that were
// handed out and not acknowledged, then new ones, each under the epoch and the
// kill switch it finds now.
func (h *host) Pull(ctx context.Context, channel, after string, n int) (out []dm.Outbound, cursor string, more <-chan struct{}, err error) {
	acct, ok := h.s.Account(channel)
	if !ok || !acct.Caps.Pull {
		return nil, "", nil, channels.ErrNotFound
	}
	if !h.s.writable() || !h.s.started.Load() {
		return nil, "", nil, channels.ErrNotReady
	}
	more = h.s.signals.of(pullKey(acct.Number))
	last, _ := cursorOf(after) // what is no cursor is the beginning
	rows := h.s.handed.after(acct.Number, last, n)
	if room := n - len(rows); room > 0 {
		fresh, err := h.s.handOut(ctx, acct, room)
		if err != nil {
			return nil, "", nil, h.s.refusal(err)
		}
		rows = append(rows, fresh...)
	}
	for _, p := range rows {
		out = append(out, p.out)
		last = max(last, p.row.ID)
	}
	return out, cursorText(last), more, nil
}

// handOut marks due rows as on their way and opens them.
func (s *Service) handOut(ctx context.Context, acct *Account, n int) (out []pulledRow, err error) {
	x := &sender{s: s, acct: acct}
	work, _, err := s.store.Lease(ctx, storage.LeaseQuery{
		What: "outbox", Channel: acct.Number, Now: s.now().UnixMilli(), Node: s.node, For: pullLease, N: n, Pull: true,
	})
	if err != nil {
		return nil, err
	}
	for _, w := range work {
		l, err := x.open(ctx, w)
		switch {
		case err != nil:
			x.failed(ctx, &letter{row: *w.Row}, dm.ReasonUnknown, "unreadable")
			continue
		case w.Row.ExpiresAt > 0 && s.now().UnixMilli() >= w.Row.ExpiresAt:
			x.failed(ctx, l, dm.ReasonTransient, "expired")
			continue
		case !x.markAs("pull", l):
			continue
		}
		p := pulledRow{row: *w.Row, uid: l.uid, out: l.out}
		s.handed.add(acct.Number, p)
		out = append(out, p)
	}
	var top int64
	for _, p := range out {
		top = max(top, p.row.ID)
	}
	if top > 0 {
		err = s.keepReached(ctx, acct.Number, top) // after an error the rows are handed out again
	}
	return out, err
}

// reachedID names the record of how far a channel was handed out: after a
// restart a cursor of before is still known from one that never was.
func reachedID(channel int64) []byte { return []byte("pulled " + strconv.FormatInt(channel, 10)) }

func (s *Service) keepReached(ctx context.Context, channel, id int64) error {
	for range numberTries {
		have, version, err := s.readReached(ctx, channel)
		if err != nil {
			return err
		}
		if s.handed.reached(channel, max(have, id)) <= have {
			return nil
		}
		rec := storage.Record{Kind: storage.KindSetting, ID: reachedID(channel), Version: version, Body: []byte(strconv.FormatInt(max(have, id), 10))}
		if err = s.store.Put(ctx, []storage.Record{rec}, nil); !errors.Is(err, storage.ErrConflict) {
			s.wrote(err)
			return err
		}
	}
	return channels.ErrNotReady
}

func (s *Service) readReached(ctx context.Context, channel int64) (id, version int64, err error) {
	rec, err := s.store.Get(ctx, storage.KindSetting, reachedID(channel))
	if errors.Is(err, storage.ErrNotFound) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	id, _ = strconv.ParseInt(string(rec.Body), 10, 64)
	return id, rec.Version, nil
}

// known says whether a row of this id was ever handed out.
func (s *Service) known(ctx context.Context, channel, id int64) (bool, error) {
	if id <= s.handed.reached(channel, 0) {
		return true, nil
	}
	have, _, err := s.readReached(ctx, channel)
	return err == nil && id <= s.handed.reached(channel, have), err
}

// Pulled settles what was handed out up to cursor as sent. A cursor that no
// pull ever answered is a mistake of the caller, not an acknowledgement.
func (h *host) Pulled(ctx context.Context, channel, cursor string) error {
	acct, ok := h.s.Account(channel)
	if !ok || !acct.Caps.Pull {
		return channels.ErrNotFound
	}
	last, ok := cursorOf(cursor)
	if ok {
		var err error
		if ok, err = h.s.known(ctx, acct.Number, last); err != nil {
			return h.s.refusal(err)
		}
	}
	if !ok {
		return &channels.FieldError{Field: "cursor", Problem: "is none that GET /outbox answered"}
	}
	rows := h.s.handed.take(acct.Number, last)
	if len(rows) == 0 && last > 0 { // handed out before a restart
		if _, err := h.s.handOut(ctx, acct, 1000); err != nil {
			return h.s.refusal(err)
		}
		rows = h.s.handed.take(acct.Number, last)
	}
	x := &sender{s: h.s, acct: acct}
	for _, p := range rows {
		x.sent(ctx, &letter{row: p.row, uid: p.uid, out: p.out}, nil)
	}
	return nil
}
