// Package fakeplatform is one real HTTP server that plays the other side of
// every channel: a receiver of our signed webhooks, and X with its v2 and v1.1
// endpoints. It takes documented fields only, checks signatures with code of
// its own, keeps a ledger of everything that arrived, goes wrong on demand
// (Script) or by chance with a seed (Chance), and sends signed events back like
// the real ones, with retries (Sender).
//
// A test starts one with Start, points base_url or outbound.url at it with
// insecure: true, and asks Ledger what arrived:
//
//	p := fakeplatform.Start(fakeplatform.Options{WebhookSecret: "whsec_…"})
//	defer p.Close()
//	p.Script(fakeplatform.Fault{Kind: fakeplatform.BadGateway}) // accepts, then answers 502
//	// … run the outbox …
//	deliveries := p.Ledger()
package fakeplatform

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"
)

// Options configure a Server. The zero value plays X for account 900100 and
// refuses every webhook.
type Options struct {
	WebhookSecret string // whsec_…; what our side signs with
	Account       string // X user id of the brand; default 900100
	AppID         string // source_app_id of echoes; default 7001
	// Now is the clock of the ledger, of signatures and of reset headers; default time.Now.
	Now func() time.Time
	// Hang is how long a request without answer is held when its client does
	// not give up; default one minute.
	Hang time.Duration
	// Drip is the pause between two bytes of a slow answer; default 20 ms.
	Drip time.Duration
}

// Server is the fake platform. Safe for concurrent use.
type Server struct {
	URL string // http://127.0.0.1:port

	opt  Options
	http *httptest.Server
	stop chan struct{} // ends what hangs

	mu       sync.Mutex
	started  map[net.Conn]time.Time // first byte of the request a connection carries
	ledger   []Delivery
	script   []Fault
	chance   *chance
	next     int64             // last id given out
	known    map[string]string // webhook-id or X id -> answer given
	accepted []xMessage
	changed  chan struct{}
	echo     func(body []byte)
}

type connKey struct{}

// Start listens on a free loopback port.
func Start(opt Options) *Server {
	if opt.Account == "" {
		opt.Account = "900100"
	}
	if opt.AppID == "" {
		opt.AppID = "7001"
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Hang == 0 {
		opt.Hang = time.Minute
	}
	if opt.Drip == 0 {
		opt.Drip = 20 * time.Millisecond
	}
	s := &Server{
		opt: opt, stop: make(chan struct{}), started: map[net.Conn]time.Time{}, known: map[string]string{},
		next: 1700000000, changed: make(chan struct{}),
	}
	s.http = httptest.NewUnstartedServer(s.routes())
	s.http.Config.ConnState = s.connState
	s.http.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) }
	s.http.Start()
	s.URL = s.http.URL
	return s
}

// Close ends everything that hangs, and the server.
func (s *Server) Close() {
	close(s.stop)
	s.http.CloseClientConnections()
	s.http.Close()
}

// connState keeps the time of a request's first byte.
func (s *Server) connState(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateActive:
		s.started[c] = s.opt.Now()
	case http.StateClosed, http.StateHijacked:
		delete(s.started, c)
	}
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhook", s.play(platformWebhook, s.readWebhook))
	mux.HandleFunc("POST /webhook/{path...}", s.play(platformWebhook, s.readWebhook))
	mux.HandleFunc("POST /2/dm_conversations/with/{id}/messages", s.play(platformX, s.readV2))
	mux.HandleFunc("GET /2/dm_conversations/with/{id}/dm_events", s.play(platformX, s.readBack))
	mux.HandleFunc("POST /2/tweets", s.play(platformX, s.readPost))
	mux.HandleFunc("POST /1.1/direct_messages/events/new.json", s.play(platformX, s.readV11))
	mux.HandleFunc("POST /1.1/direct_messages/indicate_typing.json", s.play(platformX, s.readMark("typing", "recipient_id")))
	mux.HandleFunc("POST /1.1/direct_messages/mark_read.json", s.play(platformX, s.readMark("read", "recipient_id", "last_read_event_id")))
	return mux
}

// Platforms of a Delivery.
const (
	platformWebhook = "webhook"
	platformX       = "x"
)

// answer is what the platform says, before any fault.
type answer struct {
	status int
	body   string
	accept func() // makes the message exist; nil when it was refused
}

// play runs one request: read it whole, apply the next fault, keep the ledger.
func (s *Server) play(platform string, read func(r *http.Request, body []byte, d *Delivery) answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d := Delivery{Platform: platform, Method: r.Method, Path: r.URL.Path, Header: r.Header.Clone(), At: s.firstByte(r)}
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			s.record(d)
			return
		}
		d.Body = body
		got := read(r, body, &d)
		fault := s.fault(d)
		d.Fault = fault.Kind
		if fault.Kind == "" || fault.accepts() {
			d.Accepted = got.accept != nil
			if got.accept != nil && !d.Repeat {
				got.accept()
			}
		}
		n := s.record(d)
		status := s.answer(w, r, platform, got, fault)
		s.finish(n, status)
	}
}

func (s *Server) firstByte(r *http.Request) time.Time {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.started[c]; ok {
		return at
	}
	return s.opt.Now()
}

// newID gives the next id, growing like the platform's.
func (s *Server) newID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	return strconv.FormatInt(s.next, 10)
}
