package inbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/storage"
)

// horizon is how long event ids are known, and so how old an event may be
// (runtime.md 1.6).
const horizon = 35 * 24 * time.Hour

// Statuses of channels.Accepted.
const (
	statusApplied   = "applied"
	statusDuplicate = "duplicate"
	statusConflict  = "conflict"
	statusIgnored   = "ignored"
	statusParked    = "parked"
	statusTooOld    = "too_old"
)

// arrival is one event on its way to its commit. It belongs to its lane until
// it is finished.
type arrival struct {
	in      dm.Inbound
	acct    *Account
	key     laneKey
	at      time.Time
	seen    []storage.SeenKey
	ticket  ticket
	request *storage.Record // the transport's own id, kept with the first event
	flood   floodLevel
	parked  int64 // id of the parked row it comes from; 0 = fresh
	tries   int32 // how often it was parked

	res  channels.Accepted
	err  error
	body *delivery
	over bool
}

// delivery is one body of events that somebody waits for.
type delivery struct {
	left atomic.Int32
	done chan struct{}
}

// finish says what became of the event, once.
func (s *Service) finish(a *arrival, res channels.Accepted, err error) {
	if a.over {
		return
	}
	a.over = true
	res.ID = a.in.ExternalID
	a.res, a.err = res, err
	if a.ticket.at != nil {
		s.admission.release(a.ticket, s.now())
	}
	if a.body != nil && a.body.left.Add(-1) == 0 {
		close(a.body.done)
	}
}

// seenKeys are the dedupe keys of an event: pure functions of its payload.
// Where the platform may stamp it anew the time is left out; an id that
// carries its own time is also known under that.
func seenKeys(acct *Account, in dm.Inbound) []storage.SeenKey {
	sum := sha256.Sum256([]byte(acct.Kind + "\x00" + in.Account + "\x00" + in.ExternalID))
	key := storage.SeenKey{Channel: acct.Number}
	copy(key.Key[:], sum[:])
	if in.Stable && !in.At.IsZero() {
		key.AtS = in.At.Unix()
		return []storage.SeenKey{key}
	}
	keys := []storage.SeenKey{key}
	if at := timeOfID(in.ExternalID); at != 0 {
		key.AtS = at
		keys = append(keys, key)
	}
	return keys
}

// timeOfID is the time in seconds that a UUIDv7 at the end of an id carries; 0 = none.
func timeOfID(id string) int64 {
	if len(id) < 36 {
		return 0
	}
	u, err := uuid.Parse(id[len(id)-36:])
	if err != nil || u.Version() != 7 {
		return 0
	}
	sec, _ := u.Time().UnixTime()
	return sec
}

// addrHash is the keyed hash by which an address is known.
func (s *Service) addrHash(channel int64, thread string) []byte {
	return s.vault.Index("address", strconv.FormatInt(channel, 10), thread)
}

// receiptHash is the keyed hash of a platform's message id, or of a key of ours.
func (s *Service) receiptHash(channel int64, id string) []byte {
	return s.vault.Index("receipt", strconv.FormatInt(channel, 10), id)
}

// AddressKey names the conversation of a thread on a channel.
func (s *Service) AddressKey(acct *Account, thread string) storage.Key {
	return storage.Key{Channel: acct.Number, Addr: s.addrHash(acct.Number, thread)}
}

type requestKey struct{}

// request is the transport's own id of an HTTP request and the hash of its body.
type request struct {
	id   string
	hash [32]byte
}

// WithRequest tells Accept the transport's own id of the request, so that a
// replay of it with another body is a conflict (runtime.md ruling 24).
func WithRequest(ctx context.Context, id string, body []byte) context.Context {
	if id == "" {
		return ctx
	}
	return context.WithValue(ctx, requestKey{}, request{id: id, hash: sha256.Sum256(body)})
}

// requestLife is how long a transport id is kept.
const requestLife = 24 * time.Hour

// checkRequest looks up the transport's id, today's and yesterday's. It gives
// the record to keep, nil when it is kept already.
func (s *Service) checkRequest(ctx context.Context, acct *Account) (*storage.Record, error) {
	r, ok := ctx.Value(requestKey{}).(request)
	if !ok {
		return nil, nil
	}
	now := s.now()
	hash := s.receiptHash(acct.Number, "request "+r.id)
	today, yesterday := requestID(hash, now), requestID(hash, now.Add(-24*time.Hour))
	kept, err := s.store.Find(ctx, storage.RecordQuery{Kind: storage.KindRequest, IDs: [][]byte{today, yesterday}, N: 2})
	if err != nil {
		return nil, fmt.Errorf("inbox: transport id: %w", err)
	}
	if n := len(kept.Items); n > 0 { // by id, so that the last is the newest
		var sum string
		if json.Unmarshal(kept.Items[n-1].Body, &sum) == nil && sum != hex.EncodeToString(r.hash[:]) {
			return nil, channels.ErrConflict
		}
		return nil, nil
	}
	body, err := json.Marshal(hex.EncodeToString(r.hash[:]))
	return &storage.Record{Kind: storage.KindRequest, ID: today, Body: body, Expires: now.Add(requestLife).UnixMilli()}, err
}

// requestID is the id of the record of a transport id seen on a day.
func requestID(hash []byte, at time.Time) []byte {
	return append([]byte(at.UTC().Format("20060102")), hash...)
}

// sortEvents brings the events of one body into the order they are handled
// in: by the platform's order field within a thread, else as they came
// (desk.md ruling 13).
func sortEvents(list []*arrival) {
	slices.SortStableFunc(list, func(a, b *arrival) int {
		if a.in.Thread != b.in.Thread || a.in.Order == "" || b.in.Order == "" {
			return 0
		}
		return compareOrder(a.in.Order, b.in.Order)
	})
}

// compareOrder compares numbers as numbers, anything else as text.
func compareOrder(a, b string) int {
	x, errX := strconv.ParseUint(a, 10, 64)
	y, errY := strconv.ParseUint(b, 10, 64)
	switch {
	case errX != nil || errY != nil:
		if a < b {
			return -1
		} else if a > b {
			return 1
		}
		return 0
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// earlier is the answer to an event that was consumed before: the same as the
// first time, or a conflict where a client used its id for another body.
func (s *Service) earlier(ctx context.Context, a *arrival) channels.Accepted {
	res := channels.Accepted{Status: statusDuplicate}
	if !a.acct.Caps.Native || !isMessage(a.in.Kind) {
		return res
	}
	snap, ok := s.find(ctx, a.acct, a.in.ExternalID, a.in.MessageID)
	if !ok {
		return res
	}
	res.Seq, res.Conv = snap.Seq, UIDText(snap.Conv.UID)
	m, ok := s.message(ctx, snap.Conv.ID, snap.Seq)
	if !ok || m.Edited || m.Removed {
		return res
	}
	keys, err := NewReader(s.vault, snap.Contact)
	if err != nil {
		return res
	}
	if body, err := keys.Body(snap.Conv.UID, m); err == nil && !sameJSON(body.Raw, a.in.Raw) {
		res.Status = statusConflict
	}
	return res
}

// sameJSON compares two bodies as they were written, space between tokens aside.
func sameJSON(a, b json.RawMessage) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
