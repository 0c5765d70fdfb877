package server

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits of desk.md 6.1.
const (
	sessionPerMinute = 600
	tokenPerMinute   = 300
	sendsPerMinute   = 60
	loginPerAccount  = 5
	loginPerAddress  = 20
	handshakesPerMin = 60
	limiterKeys      = 10_000 // the table is emptied of idle keys beyond this
)

func itoa(n int) string { return strconv.Itoa(n) }

// limiter is one token bucket per key.
type limiter struct {
	mu   sync.Mutex
	now  func() time.Time
	keys map[string]*bucket
}

type bucket struct {
	*rate.Limiter
	used time.Time
}

func newLimiter(now func() time.Time) *limiter { return &limiter{now: now, keys: map[string]*bucket{}} }

// take spends one of perMinute; wait is the time until the next one when there is none.
func (l *limiter) take(key string, perMinute int) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	b := l.keys[key]
	if b == nil {
		l.sweep(now)
		b = &bucket{Limiter: rate.NewLimiter(rate.Limit(float64(perMinute)/60), perMinute)}
		l.keys[key] = b
	}
	b.used = now
	res := b.ReserveN(now, 1)
	if wait = res.DelayFrom(now); wait > 0 {
		res.CancelAt(now)
		return wait, false
	}
	return 0, true
}

// sweep drops keys that have been full for a minute, once the table is large.
func (l *limiter) sweep(now time.Time) {
	if len(l.keys) < limiterKeys {
		return
	}
	for k, b := range l.keys {
		if now.Sub(b.used) > time.Minute {
			delete(l.keys, k)
		}
	}
}

// loginGuard slows down wrong passwords: so many failures in a minute per
// account and per address, then a delay that doubles up to a quarter of an
// hour. It never locks for good, and what is right sets an account free.
type loginGuard struct {
	mu   sync.Mutex
	now  func() time.Time
	seen map[string]*failures
}

type failures struct {
	times   []time.Time // of the last minute
	blocked time.Time   // until
	rounds  int         // how often it was blocked in a row
	last    time.Time
}

const maxDelay = 15 * time.Minute

func newLoginGuard(now func() time.Time) *loginGuard {
	return &loginGuard{now: now, seen: map[string]*failures{}}
}

// wait says how long the keys have to wait before the next try.
func (g *loginGuard) wait(keys ...string) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	var wait time.Duration
	for _, k := range keys {
		if f := g.seen[k]; f != nil {
			wait = max(wait, f.blocked.Sub(g.now()))
		}
	}
	return wait
}

// failed counts one failure; the limit-th within a minute blocks the key.
func (g *loginGuard) failed(key string, limit int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	f := g.seen[key]
	if f == nil {
		g.sweep(now)
		f = &failures{}
		g.seen[key] = f
	}
	if now.Sub(f.last) > 2*maxDelay {
		f.rounds = 0
	}
	f.last = now
	f.times = append(within(f.times, now.Add(-time.Minute)), now)
	if len(f.times) >= limit {
		f.blocked = now.Add(min(time.Minute<<f.rounds, maxDelay))
		f.rounds = min(f.rounds+1, 8)
		f.times = nil
	}
}

// succeeded forgets the failures of an account.
func (g *loginGuard) succeeded(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.seen, key)
}

func (g *loginGuard) sweep(now time.Time) {
	if len(g.seen) < limiterKeys {
		return
	}
	for k, f := range g.seen {
		if now.Sub(f.last) > 2*maxDelay {
			delete(g.seen, k)
		}
	}
}

func within(times []time.Time, since time.Time) []time.Time {
	for len(times) > 0 && times[0].Before(since) {
		times = times[1:]
	}
	return times
}

// seconds rounds a wait up for Retry-After.
func seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }

// limitCaller spends one request of the caller's budget.
func (s *Server) limitCaller(who *identity) *Problem {
	key, n := "session "+who.Session, sessionPerMinute
	if who.Token {
		key, n = "token "+who.TokenID, tokenPerMinute
	}
	if wait, ok := s.limits.take(key, n); !ok {
		return problem("rate_limited", "").after(seconds(wait))
	}
	return nil
}

// clientIP is the address of the client without a port: the peer's own unless
// the peer is a trusted proxy.
func (s *Server) clientIP(r *http.Request) string { return s.echo.IPExtractor(r) }
