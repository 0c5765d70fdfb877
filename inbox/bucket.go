package inbox

import (
	"container/list"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"dispatcher/channels"
)

// botShare is the part of an account's bucket that messages of the bot may
// use; the rest is kept for people.
const botShare = 0.8

// storedBucket is the period from which a bucket survives a restart.
const storedBucket = time.Minute

// contactBuckets bounds how many contacts have a bucket in memory; one that is
// forgotten is full again, and it was full for the longest time.
const contactBuckets = 10000

// bucketState is a bucket as kept in the channel's record.
type bucketState struct {
	Tokens float64 `json:"tokens"`
	At     int64   `json:"at"` // ms
}

// buckets holds the rate limits of one account.
type buckets struct {
	mu      sync.Mutex
	specs   []channels.Bucket
	account map[string]*rate.Limiter // by bucket name
	contact map[string]*list.Element // by bucket name and contact
	order   *list.List               // of *contactBucket, newest first
	dirty   bool
}

type contactBucket struct {
	key     string
	limiter *rate.Limiter
}

func newBuckets(specs []channels.Bucket, stored map[string]bucketState, now time.Time) *buckets {
	b := &buckets{specs: specs, account: map[string]*rate.Limiter{}, contact: map[string]*list.Element{}, order: list.New()}
	for _, spec := range specs {
		if spec.Scope == "contact" || spec.N <= 0 || spec.Per <= 0 {
			continue
		}
		l := newLimiter(spec)
		if was, ok := stored[spec.Name]; ok {
			drainTo(l, spec, was, now)
		}
		b.account[spec.Name] = l
	}
	return b
}

func newLimiter(spec channels.Bucket) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(float64(spec.N)/spec.Per.Seconds()), spec.N)
}

// drainTo brings a full limiter to what it held when it was written down.
func drainTo(l *rate.Limiter, spec channels.Bucket, was bucketState, now time.Time) {
	at := time.UnixMilli(was.At)
	if at.After(now) {
		at = now
	}
	l.AllowN(at, spec.N-max(0, min(spec.N, int(was.Tokens))))
}

// draws says whether a call takes from this bucket.
func draws(spec channels.Bucket, call channels.Call) bool {
	if len(spec.Kinds) == 0 {
		return spec.Name == call.Bucket
	}
	for _, k := range spec.Kinds {
		if k == call.Bucket {
			return true
		}
	}
	return false
}

// take draws every token the calls need, all or none. wait says how long to
// wait for them; nothing was taken then.
func (b *buckets) take(calls []channels.Call, contact string, bot bool, now time.Time) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var taken []*rate.Reservation
	for _, spec := range b.specs {
		n := 0
		for _, c := range calls {
			if draws(spec, c) {
				n++
			}
		}
		if n == 0 || spec.N <= 0 || spec.Per <= 0 {
			continue
		}
		l := b.limiter(spec, contact)
		n = min(n, spec.N) // a message of more parts than the bucket holds would never leave
		wait = max(wait, lack(l, spec, n, bot, now))
		taken = append(taken, l.ReserveN(now, n))
		b.dirty = b.dirty || spec.Per >= storedBucket
	}
	if wait > 0 {
		for _, r := range taken {
			r.CancelAt(now)
		}
	}
	return wait
}

// lack is how long it takes until the bucket holds n tokens beside what is kept for people.
func lack(l *rate.Limiter, spec channels.Bucket, n int, bot bool, now time.Time) time.Duration {
	need := float64(n)
	if bot && spec.Scope == "account" && spec.N >= 5 {
		need += float64(spec.N) * (1 - botShare)
	}
	missing := min(need, float64(spec.N)) - l.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(missing / float64(l.Limit()) * float64(time.Second))
}

func (b *buckets) limiter(spec channels.Bucket, contact string) *rate.Limiter {
	if spec.Scope != "contact" {
		return b.account[spec.Name]
	}
	key := spec.Name + "\x00" + contact
	if el, ok := b.contact[key]; ok {
		b.order.MoveToFront(el)
		return el.Value.(*contactBucket).limiter
	}
	l := newLimiter(spec)
	b.contact[key] = b.order.PushFront(&contactBucket{key: key, limiter: l})
	for b.order.Len() > contactBuckets {
		oldest := b.order.Back()
		delete(b.contact, b.order.Remove(oldest).(*contactBucket).key)
	}
	return l
}

// left is how many sends the account's tightest bucket still allows; nil: no limit.
func (b *buckets) left(now time.Time) *int {
	b.mu.Lock()
	defer b.mu.Unlock()
	var least *int
	for _, l := range b.account {
		n := max(0, int(l.TokensAt(now)))
		if least == nil || n < *least {
			least = &n
		}
	}
	return least
}

// changed gives the buckets that have to be written down, once per change.
func (b *buckets) changed(now time.Time) map[string]bucketState {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.dirty {
		return nil
	}
	b.dirty = false
	out := map[string]bucketState{}
	for _, spec := range b.specs {
		if l := b.account[spec.Name]; l != nil && spec.Per >= storedBucket {
			out[spec.Name] = bucketState{Tokens: l.TokensAt(now), At: now.UnixMilli()}
		}
	}
	return out
}

// refill gives a contact's buckets that count anew with every message of the
// contact their full number again.
func (b *buckets) refill(contact string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, spec := range b.specs {
		if spec.Scope != "contact" || !spec.Inbound {
			continue
		}
		key := spec.Name + "\x00" + contact
		if el, ok := b.contact[key]; ok {
			b.order.Remove(el)
			delete(b.contact, key)
		}
	}
}
