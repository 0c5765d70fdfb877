package fakeplatform

import (
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// FaultKind names one way in which a platform goes wrong.
type FaultKind string

// The faults. "After" ones accept the message first: the customer has it, and
// our side does not know.
const (
	Throttle      FaultKind = "throttle"       // 429 with Retry-After (webhook) or x-rate-limit-reset (x)
	ServerError   FaultKind = "server_error"   // 500, not accepted
	BadGateway    FaultKind = "bad_gateway"    // 502 after accepting
	TimeoutBefore FaultKind = "timeout_before" // no answer, not accepted
	TimeoutAfter  FaultKind = "timeout_after"  // no answer, accepted
	ResetBefore   FaultKind = "reset_before"   // connection reset, not accepted
	ResetMidBody  FaultKind = "reset_mid_body" // half an answer, then reset; accepted
	SlowDrip      FaultKind = "slow_drip"      // a good answer, byte by byte
	Permanent     FaultKind = "permanent"      // 400
	Unauthorized  FaultKind = "unauthorized"   // 401
	Blocked       FaultKind = "blocked"        // webhook 410, x 403 code 349
	DuplicateAck  FaultKind = "duplicate_ack"  // accepted, answered as if it were a repeat: webhook 409, x the id again
	WrongJSON     FaultKind = "wrong_json"     // accepted, 200 with a page of a proxy
)

// Fault is one thing to go wrong.
type Fault struct {
	Kind  FaultKind
	Wait  time.Duration       // Throttle: Retry-After or distance of the reset; default one second
	Match func(Delivery) bool // which request it waits for; nil = the next one
}

// accepts says whether the customer gets the message all the same.
func (f Fault) accepts() bool {
	switch f.Kind {
	case BadGateway, TimeoutAfter, ResetMidBody, SlowDrip, DuplicateAck, WrongJSON:
		return true
	}
	return false
}

// Script queues faults: each request takes the first one that matches it.
func (s *Server) Script(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, faults...)
}

// Pending is how many scripted faults have not happened yet.
func (s *Server) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.script)
}

type chance struct {
	rng   *rand.Rand
	odds  float64
	kinds []FaultKind
}

// Chance makes every request fail with the given odds, in one of the given
// ways (all that are not final, when none is given). The same seed and order of
// requests give the same faults. Odds of 0 end it.
func (s *Server) Chance(seed uint64, odds float64, kinds ...FaultKind) {
	if len(kinds) == 0 {
		kinds = []FaultKind{Throttle, ServerError, BadGateway, TimeoutBefore, TimeoutAfter, ResetBefore, ResetMidBody, SlowDrip, DuplicateAck, WrongJSON}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chance = &chance{rng: rand.New(rand.NewPCG(seed, seed)), odds: odds, kinds: kinds}
}

// fault takes the one for this request; the zero Fault is none.
func (s *Server) fault(d Delivery) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.script {
		if f.Match == nil || f.Match(d) {
			s.script = slices.Delete(s.script, i, i+1)
			return f
		}
	}
	if c := s.chance; c != nil && c.rng.Float64() < c.odds {
		return Fault{Kind: c.kinds[c.rng.IntN(len(c.kinds))]}
	}
	return Fault{}
}

// answer writes what the fault leaves of the answer and says with which status (0 = none).
func (s *Server) answer(w http.ResponseWriter, r *http.Request, platform string, got answer, f Fault) int {
	switch f.Kind {
	case Throttle:
		s.throttle(w, platform, f)
		return reply(w, http.StatusTooManyRequests, `{"title":"Too Many Requests","detail":"Too Many Requests","type":"about:blank","status":429}`)
	case ServerError:
		return reply(w, http.StatusInternalServerError, `{"errors":[{"code":131,"message":"Internal error"}]}`)
	case BadGateway:
		return reply(w, http.StatusBadGateway, "<html><title>502 Bad Gateway</title></html>")
	case Permanent:
		return reply(w, http.StatusBadRequest, `{"errors":[{"message":"invalid"}],"title":"Invalid Request"}`)
	case Unauthorized:
		return reply(w, http.StatusUnauthorized, `{"title":"Unauthorized","status":401}`)
	case Blocked:
		if platform == platformWebhook {
			return reply(w, http.StatusGone, `{}`)
		}
		return reply(w, http.StatusForbidden, `{"errors":[{"code":349,"message":"You cannot send messages to this user."}]}`)
	case DuplicateAck:
		if platform == platformWebhook {
			return reply(w, http.StatusConflict, `{}`)
		}
	case WrongJSON:
		return reply(w, http.StatusOK, "<html>welcome</html>")
	case TimeoutBefore, TimeoutAfter:
		s.hang(r)
		return 0
	case ResetBefore, ResetMidBody:
		s.reset(w, r, got, f.Kind == ResetMidBody)
		return 0
	case SlowDrip:
		return s.drip(w, r, got)
	}
	return reply(w, got.status, got.body)
}

func reply(w http.ResponseWriter, status int, body string) int {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body)) // the client may be gone; the ledger has it
	return status
}

func (s *Server) throttle(w http.ResponseWriter, platform string, f Fault) {
	wait := f.Wait
	if wait == 0 {
		wait = time.Second
	}
	if platform == platformWebhook {
		w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		return
	}
	w.Header().Set("X-Rate-Limit-Limit", "15")
	w.Header().Set("X-Rate-Limit-Remaining", "0")
	w.Header().Set("X-Rate-Limit-Reset", strconv.FormatInt(s.opt.Now().Add(wait).Unix(), 10))
}

// hang answers nothing until the client gives up, and then drops the connection.
func (s *Server) hang(r *http.Request) {
	t := time.NewTimer(s.opt.Hang)
	defer t.Stop()
	select {
	case <-r.Context().Done():
	case <-s.stop:
	case <-t.C:
	}
	panic(http.ErrAbortHandler)
}

// reset drops the connection, after half of the answer or before any of it.
func (s *Server) reset(w http.ResponseWriter, r *http.Request, got answer, half bool) {
	if half {
		w.Header().Set("Content-Length", strconv.Itoa(len(got.body)+1))
		w.WriteHeader(got.status)
		_, _ = w.Write([]byte(got.body[:len(got.body)/2]))
		_ = http.NewResponseController(w).Flush()
	}
	if c, ok := r.Context().Value(connKey{}).(*net.TCPConn); ok {
		_ = c.SetLinger(0) // closing now resets
	}
	panic(http.ErrAbortHandler)
}

// drip answers byte by byte.
func (s *Server) drip(w http.ResponseWriter, r *http.Request, got answer) int {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(got.status)
	out := http.NewResponseController(w)
	t := time.NewTicker(s.opt.Drip)
	defer t.Stop()
	for i := range len(got.body) {
		if _, err := w.Write([]byte{got.body[i]}); err != nil || out.Flush() != nil {
			return 0
		}
		select {
		case <-t.C:
		case <-r.Context().Done():
			return 0
		case <-s.stop:
			return 0
		}
	}
	return got.status
}
