package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/wire"
)

// maxBody is the largest JSON body, as for webhooks.
const maxBody = 1 << 20

// service is the widget's side of the network: the handlers and what they
// count. Everything lasting is behind the Host.
type service struct {
	a        *Adapter
	host     channels.Host
	visitors *meter // new sessions by address
	typists  *meter // typing marks by session
}

func newService(a *Adapter, h channels.Host) *service {
	return &service{a: a, host: h, visitors: newMeter(a.sessions), typists: newMeter(rule{n: 1, per: 3 * time.Second})}
}

// guard refuses pages of other sites before anything is read, and lets the
// allowed ones read the answer.
func (s *service) guard(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Origin")
		origin, ok := s.allowed(r)
		if !ok {
			fail(w, fmt.Errorf("this site may not use the widget: %w", channels.ErrForbidden))
			return
		}
		if origin != "" {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
		}
		if r.Header.Get("Content-Encoding") != "" {
			fail(w, fmt.Errorf("compressed bodies are not read: %w", channels.ErrUnsupported))
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next(w, r)
	})
}

// allowed gives the origin to echo. Our own pages are always allowed. A
// browser leaves the header out on reads of its own site and then says so in
// Sec-Fetch-Site, which no page can write; without origins there is no other
// site to be guarded against, so plain tools may do without.
func (s *service) allowed(r *http.Request) (origin string, ok bool) {
	values := r.Header.Values("Origin")
	if len(values) > 1 {
		return "", false
	}
	if len(values) == 0 {
		return "", len(s.a.origins) == 0 || r.Header.Get("Sec-Fetch-Site") == "same-origin"
	}
	origin = values[0]
	own := origin == s.a.own && origin != "" || origin == "https://"+r.Host || origin == "http://"+r.Host
	return origin, own || slices.Contains(s.a.origins, origin)
}

func preflight(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "authorization, content-type, last-event-id")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

// visitor is who asks: the token of the header and its session.
type visitor struct {
	token   string
	session channels.Session
}

func (v visitor) id() string { return sessionID(v.token) }

func bearer(r *http.Request) string {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	token, ok := strings.CutPrefix(values[0], "Bearer ")
	if !ok || len(token) > 256 {
		return ""
	}
	return token
}

// visitor finds the session of the request; every failure is channels.ErrNoSession or a fault of the store.
func (s *service) visitor(r *http.Request) (visitor, error) {
	token := bearer(r)
	if token == "" {
		return visitor{}, fmt.Errorf("no widget token: %w", channels.ErrNoSession)
	}
	session, err := s.host.Session(r.Context(), s.a.Name, token)
	if err != nil {
		return visitor{}, fmt.Errorf("find the session: %w", err)
	}
	if !session.Expires.IsZero() && !s.host.Now().Before(session.Expires) {
		return visitor{}, fmt.Errorf("the session has expired: %w", channels.ErrNoSession)
	}
	return visitor{token: token, session: session}, nil
}

// body reads a JSON object. An empty body is an empty object.
func body(w http.ResponseWriter, r *http.Request) (wire.Value, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return wire.Value{}, fmt.Errorf("send application/json: %w", channels.ErrUnsupported)
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return wire.Value{}, tooLarge(err)
	}
	v, err := wire.ReadJSON(raw)
	if err != nil {
		return wire.Value{}, err
	}
	if !v.IsObject() {
		return wire.Value{}, &channels.FieldError{Field: "body", Problem: "is not an object"}
	}
	return v, nil
}

func tooLarge(err error) error {
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return fmt.Errorf("the body is over %d bytes: %w", over.Limit, channels.ErrTooLarge)
	}
	return fmt.Errorf("the body could not be read: %w", channels.ErrMalformed)
}

// reply writes JSON.
func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the browser went away
}

// limited is ErrLimited with the time to wait.
type limited struct{ wait time.Duration }

func (e limited) Error() string { return "too many new visitors from this address" }
func (e limited) Unwrap() error { return channels.ErrLimited }

// fail writes an error in the widget's shape.
func fail(w http.ResponseWriter, err error) {
	status, code := channels.StatusOf(err)
	wait := 5 * time.Second
	if l := (limited{}); errors.As(err, &l) {
		wait = l.wait
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", fmt.Sprint(max(1, int64((wait+time.Second-1)/time.Second))))
	}
	reply(w, status, map[string]any{"error": map[string]string{"code": code, "message": channels.MessageOf(err)}})
}

// clientIP is the address that server has put into RemoteAddr.
func clientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		return ip.Mask(net.CIDRMask(64, 128)).String() // one house has a whole /64
	}
	return host
}

// meter counts events per key in a sliding window. It forgets keys that are
// quiet, and refuses nobody for what others do until it is full.
type meter struct {
	rule rule
	mu   sync.Mutex
	seen map[string][]time.Time
}

// meterMost bounds the memory of a meter.
const meterMost = 100_000

func newMeter(r rule) *meter { return &meter{rule: r, seen: map[string][]time.Time{}} }

// take counts one event of key, or says how long to wait.
func (m *meter) take(key string, now time.Time) (wait time.Duration, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.seen) >= meterMost {
		m.sweep(now)
	}
	times := m.recent(m.seen[key], now)
	if len(times) >= m.rule.n {
		m.seen[key] = times
		return times[0].Add(m.rule.per).Sub(now), false
	}
	m.seen[key] = append(times, now)
	return 0, true
}

func (m *meter) recent(times []time.Time, now time.Time) []time.Time {
	i := 0
	for i < len(times) && now.Sub(times[i]) >= m.rule.per {
		i++
	}
	return times[i:]
}

func (m *meter) sweep(now time.Time) {
	for key, times := range m.seen {
		if len(m.recent(times, now)) == 0 {
			delete(m.seen, key)
		}
	}
}
