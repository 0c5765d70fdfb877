package inbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
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
	in     dm.Inbound
	acct   *Account
	key    laneKey
	at     time.Time
	seen   []storage.SeenKey
	ticket ticket
	flood  floodLevel
	parked int64 // id of the parked row it comes from; 0 = fresh
	tries  int32 // how often it was parked

	transport *transport // of its request, on the first event

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
// Where the platform may stamp it anew the time is left out, or is that which
// the id carries, so that keys that come together lie together. The id of a
// visitor's own clock is also known without its time, which proves nothing.
func seenKeys(acct *Account, in dm.Inbound) []storage.SeenKey {
	if in.Stable && !in.At.IsZero() {
		return []storage.SeenKey{seenKey(acct, in.At.Unix(), in.Account, in.ExternalID)}
	}
	key := seenKey(acct, timeOfID(in.ExternalID), in.Account, in.ExternalID)
	if key.AtS == 0 || !acct.Caps.Native {
		return []storage.SeenKey{key}
	}
	bare := key
	bare.AtS = 0
	return []storage.SeenKey{bare, key}
}

func seenKey(acct *Account, at int64, account, id string) storage.SeenKey {
	var room [256]byte // of nearly every id
	b := append(append(room[:0], acct.Kind...), 0)
	b = append(append(append(b, account...), 0), id...)
	sum := sha256.Sum256(b)
	key := storage.SeenKey{Channel: acct.Number, AtS: at}
	copy(key.Key[:], sum[:])
	return key
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

// transport is what is remembered of a transport's id, for as long as events
// are: the id, and the id with the body it came with. Both are consumed with
// the first event of the request, in its turn, so that looking them up costs
// nothing beside it.
type transport struct{ id, body storage.SeenKey }

// transportOf is what to remember of the request that is being accepted; nil
// where it has no id of its own.
func transportOf(ctx context.Context, acct *Account) *transport {
	r, ok := ctx.Value(requestKey{}).(request)
	if !ok {
		return nil
	}
	at := timeOfID(r.id)
	return &transport{
		id:   seenKey(acct, at, "\x00request", r.id),
		body: seenKey(acct, at, "\x00request body", r.id+"\x00"+string(r.hash[:])),
	}
}

// conflicts says that this id came with another body before.
func (t *transport) conflicts(known []storage.SeenKey) bool {
	return t != nil && slices.Contains(known, t.id) && !slices.Contains(known, t.body)
}

// keys are all that the turn of an event consumes: its own dedupe keys, and
// those of its request.
func (a *arrival) keys() []storage.SeenKey {
	if a.transport == nil {
		return a.seen
	}
	return append(a.seen[:len(a.seen):len(a.seen)], a.transport.id, a.transport.body)
}

// isKnown says whether any of them is among those that were seen before.
func (a *arrival) isKnown(known []storage.SeenKey) bool {
	return slices.ContainsFunc(a.keys(), func(k storage.SeenKey) bool { return slices.Contains(known, k) })
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
