package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"dispatcher/channels"
	"dispatcher/inbox"
)

// isChannelName says whether an alias may look like this; anything else is not there.
func isChannelName(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 32
}

// channelRoutes are the platforms' doors. What hangs below a channel is the
// adapter's own; only the webhook, the frame and sim's guard are ours.
func (s *Server) channelRoutes(e *echo.Echo) {
	hook := func(c echo.Context) error { s.webhook(c.Response(), c.Request(), c.Param("channel")); return nil }
	e.Any("/channels/:channel/webhook", hook)
	e.GET("/channels/:channel/web/frame", func(c echo.Context) error { s.frame(c.Response(), c.Request(), c.Param("channel")); return nil })
	e.Any("/channels/:channel/*", func(c echo.Context) error { s.channelRoute(c); return nil })
}

// channelError is an error in the shape that platforms and widgets get.
func channelError(w http.ResponseWriter, status int, code, message string) {
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		if w.Header().Get("Retry-After") == "" {
			w.Header().Set("Retry-After", "5")
		}
	}
	writeJSON(w, status, map[string]any{"error": map[string]string{"code": code, "message": message}})
}

func channelErr(w http.ResponseWriter, err error) {
	status, code := channels.StatusOf(err)
	message := strings.ReplaceAll(code, "_", " ")
	var field *channels.FieldError
	if errors.As(err, &field) {
		message = field.Error()
	}
	channelError(w, status, code, message)
}

// account finds a channel by the name in the address.
func (s *Server) account(alias string) (*inbox.Account, bool) {
	if !isChannelName(alias) {
		return nil, false
	}
	a, ok := s.cfg.Inbox.Account(alias)
	return a, ok && a != nil && a.Adapter != nil
}

// webhook takes one request of a platform: limits, handshake, signature,
// parse, and 2xx only after the durable commit of everything in it.
func (s *Server) webhook(w http.ResponseWriter, r *http.Request, alias string) {
	acct, ok := s.account(alias)
	if !ok {
		channelErr(w, channels.ErrNotFound)
		return
	}
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		w.Header().Set("Allow", "GET, POST")
		channelErr(w, channels.ErrNoMethod)
		return
	}
	req, err := s.readHook(w, r)
	if err != nil {
		s.refuseHook(w, acct, channels.Request{}, err)
		return
	}
	if resp, ok := acct.Adapter.Handshake(req); ok {
		if _, free := s.limits.take("handshake "+alias, handshakesPerMin); !free {
			channelErr(w, channels.ErrLimited)
			return
		}
		respond(w, resp)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		channelErr(w, channels.ErrNoMethod)
		return
	}
	if err := checkHookType(r); err != nil {
		s.refuseHook(w, acct, req, err)
		return
	}
	if s.draining.Load() {
		s.refuseHook(w, acct, req, channels.ErrNotReady)
		return
	}
	s.takeHook(w, r, acct, req)
}

// readHook reads the raw body. Compression is refused, no platform uses it.
func (s *Server) readHook(w http.ResponseWriter, r *http.Request) (channels.Request, error) {
	req := channels.Request{Method: r.Method, Path: r.URL.Path, Header: r.Header}
	if r.URL.RawQuery != "" {
		req.Query = r.URL.Query()
	}
	if len(r.Header.Values("Content-Encoding")) > 0 {
		return req, channels.ErrUnsupported
	}
	if r.ContentLength > maxBody {
		w.Header().Set("Connection", "close")
		return req, channels.ErrTooLarge
	}
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), usualBody)) + bytes.MinRead)
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	var slow net.Error
	switch {
	case errors.As(err, &tooLarge):
		w.Header().Set("Connection", "close")
		return req, channels.ErrTooLarge
	case errors.As(err, &slow) && slow.Timeout():
		return req, errSlow
	case err != nil:
		return req, channels.ErrMalformed
	}
	req.Body = body.Bytes()
	return req, nil
}

// usualBody is as much room as a body gets before it has come.
const usualBody = 4 << 10

// errSlow: the body did not arrive in time.
var errSlow = errors.New("server: body was not sent in time")

func checkHookType(r *http.Request) error {
	if r.Header.Get("Content-Type") == "application/json" { // nearly always
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || (kind != "application/json" && !strings.HasSuffix(kind, "+json")) {
		return channels.ErrUnsupported
	}
	return nil
}

// takeHook does everything between the signature and the answer.
func (s *Server) takeHook(w http.ResponseWriter, r *http.Request, acct *inbox.Account, req channels.Request) {
	if err := acct.Adapter.Verify(req, s.now()); err != nil {
		s.refuseHook(w, acct, req, err)
		return
	}
	deadline := s.cfg.WebhookDeadline
	if acct.Caps.AckWithin > 0 {
		deadline = min(deadline, acct.Caps.AckWithin)
	}
	ctx, stop := context.WithTimeout(r.Context(), deadline)
	defer stop()
	events, err := acct.Adapter.Parse(req)
	if err != nil {
		s.unreadable(ctx, w, acct, req, err)
		return
	}
	if t, ok := acct.Adapter.(channels.Transporter); ok {
		ctx = inbox.WithRequest(ctx, t.RequestID(req), req.Body)
	}
	results, err := s.cfg.Inbox.Accept(ctx, acct.Alias, events)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = fmt.Errorf("%w: %w", channels.ErrOverloaded, err)
	}
	s.refusals.accepted(acct.Alias, err == nil)
	s.answerHook(w, acct, req, results, err)
}

// unreadable: the platform signed what is not its envelope. Our own kinds
// (they answer for themselves) say 400; a platform's body is parked for the
// operator and acknowledged, for it would be sent again for ever.
func (s *Server) unreadable(ctx context.Context, w http.ResponseWriter, acct *inbox.Account, req channels.Request, err error) {
	status, _ := channels.StatusOf(err)
	_, own := acct.Adapter.(channels.Responder)
	if own || status != http.StatusBadRequest {
		s.answerHook(w, acct, req, nil, err)
		return
	}
	s.answerHook(w, acct, req, nil, s.cfg.Inbox.Park(ctx, acct.Alias, req.Body, "unreadable"))
}

func (s *Server) answerHook(w http.ResponseWriter, acct *inbox.Account, req channels.Request, results []channels.Accepted, err error) {
	if own, ok := acct.Adapter.(channels.Responder); ok {
		respond(w, own.Respond(req, results, err))
		return
	}
	if err != nil && !errors.Is(err, channels.ErrTooOld) {
		s.logHook(acct.Alias, err)
		channelErr(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]int{"accepted": len(results)})
}

// refuseHook answers what came before acceptance, counts it, and tells the log
// once a minute.
func (s *Server) refuseHook(w http.ResponseWriter, acct *inbox.Account, req channels.Request, err error) {
	status, code := channels.StatusOf(err)
	if errors.Is(err, errSlow) {
		channelError(w, http.StatusRequestTimeout, "timeout", "the body was not sent in time")
		return
	}
	if why := refusedWhy(status, code); why != "" {
		s.met.refused.WithLabelValues(acct.Alias, why).Inc()
		s.tellRefusal(acct.Alias, code)
	}
	if own, ok := acct.Adapter.(channels.Responder); ok {
		respond(w, own.Respond(req, nil, err))
		return
	}
	s.logHook(acct.Alias, err)
	channelErr(w, err)
}

// refusedWhy is the label of a refusal; "" = none that is counted here.
func refusedWhy(status int, code string) string {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return "signature"
	case status == http.StatusRequestEntityTooLarge:
		return "too_large"
	case code == "too_old":
		return "too_old"
	}
	return ""
}

func (s *Server) logHook(alias string, err error) {
	if status, _ := channels.StatusOf(err); status == http.StatusInternalServerError {
		s.log.Error("webhook failed", slog.String("channel", alias), slog.String("cause", err.Error()))
	}
}

func (s *Server) tellRefusal(alias, code string) {
	tell, suspect := s.refusals.refused(alias)
	if tell {
		s.log.Warn("webhook refused", slog.String("channel", alias), slog.String("code", code))
	}
	if suspect {
		s.log.Error("channel_secret_suspect: every webhook of this channel was refused in the last 10 minutes; compare its secret with the platform's", slog.String("channel", alias))
	}
}

func respond(w http.ResponseWriter, resp channels.Response) {
	for k, v := range resp.Header {
		w.Header()[k] = v
	}
	status := resp.Status
	if status == 0 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	_, _ = w.Write(resp.Body)
}

// refusals remembers refused webhooks per channel: for one log line a minute,
// and for the alarm that a secret is probably wrong.
type refusals struct {
	mu    sync.Mutex
	now   func() time.Time
	chans map[string]*refusal
}

type refusal struct {
	times    []time.Time
	told     time.Time
	alarmed  time.Time
	accepted time.Time
}

const (
	suspectAfter = 5
	suspectIn    = 10 * time.Minute
)

func newRefusals(now func() time.Time) *refusals {
	return &refusals{now: now, chans: map[string]*refusal{}}
}

func (f *refusals) of(alias string) *refusal {
	r := f.chans[alias]
	if r == nil {
		r = &refusal{}
		f.chans[alias] = r
	}
	return r
}

func (f *refusals) accepted(alias string, ok bool) {
	if !ok {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.of(alias).accepted = f.now()
}

// refused counts one; tell: write a log line; suspect: raise the alarm.
func (f *refusals) refused(alias string) (tell, suspect bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, now := f.of(alias), f.now()
	r.times = within(r.times, now.Add(-suspectIn))
	if len(r.times) <= suspectAfter {
		r.times = append(r.times, now)
	}
	if tell = now.Sub(r.told) >= time.Minute; tell {
		r.told = now
	}
	quiet := now.Sub(r.accepted) >= suspectIn
	if suspect = len(r.times) > suspectAfter && quiet && now.Sub(r.alarmed) >= suspectIn; suspect {
		r.alarmed = now
	}
	return tell, suspect
}

// mounted are the extra routes of one adapter.
type mounted struct {
	adapter channels.Adapter
	mux     *http.ServeMux
	streams map[string]bool // patterns of long-lived routes
}

// channelRoute hands a request to the adapter's own routes.
func (s *Server) channelRoute(c echo.Context) {
	w, r, alias := c.Response(), c.Request(), c.Param("channel")
	acct, ok := s.account(alias)
	if !ok {
		channelErr(w, channels.ErrNotFound)
		return
	}
	if err := s.guardSim(r, acct); err != nil {
		s.refuse(w, r, err)
		return
	}
	m := s.mount(acct)
	_, pattern := m.mux.Handler(r)
	if pattern == "" {
		s.noChannelRoute(w, r, m)
		return
	}
	if t, ok := r.Context().Value(tripKey{}).(*trip); ok {
		_, path, _ := strings.Cut(pattern, " /channels/"+alias)
		t.route = "/channels/:channel" + path
	}
	rc := http.NewResponseController(w)
	if m.streams[pattern] {
		_ = rc.SetWriteDeadline(time.Time{})
		_ = rc.SetReadDeadline(time.Time{}) // else the server ends the stream with its request
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		_ = rc.SetReadDeadline(time.Now().Add(2 * time.Minute)) // uploads may take longer than a webhook
	} else {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	}
	r = r.Clone(r.Context())
	r.RemoteAddr = net.JoinHostPort(s.clientIP(c.Request()), "0") // adapters limit by client, not by proxy
	m.mux.ServeHTTP(w, r)
}

// noChannelRoute: the address is known under another method, or not at all.
func (s *Server) noChannelRoute(w http.ResponseWriter, r *http.Request, m *mounted) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := m.mux.Handler(other); pattern != "" {
			channelErr(w, channels.ErrNoMethod)
			return
		}
	}
	channelErr(w, channels.ErrNotFound)
}

// mount builds an adapter's routes once; a reload that opened the channel anew
// brings another adapter and another table.
func (s *Server) mount(acct *inbox.Account) *mounted {
	if have, ok := s.sockets.Load(acct.Alias); ok && have.(*mounted).adapter == acct.Adapter {
		return have.(*mounted)
	}
	m := &mounted{adapter: acct.Adapter, mux: http.NewServeMux(), streams: map[string]bool{}}
	if srv, ok := acct.Adapter.(channels.Server); ok {
		for _, route := range srv.Routes(s.cfg.Inbox.Host()) {
			pattern := route.Method + " /channels/" + acct.Alias + route.Path
			m.mux.Handle(pattern, route.Handler)
			m.streams[pattern] = route.Stream
		}
	}
	s.sockets.Store(acct.Alias, m)
	return m
}

// guardSim: the development channel is not signed, so whoever plays the
// platform is logged in or has a token, and sits on this machine.
func (s *Server) guardSim(r *http.Request, acct *inbox.Account) error {
	if acct.Kind != "sim" {
		return nil
	}
	if !s.cfg.Loopback {
		return problem("not_found", "")
	}
	who := caller(r.Context())
	switch {
	case who == nil:
		return problem("login_required", "")
	case who.Half:
		return problem("second_factor", "")
	case allowed(who, permSim) == no:
		return problem("forbidden", "")
	}
	if who.Session != "" && r.Method != http.MethodGet {
		return s.cross.Check(r)
	}
	return nil
}

// frame is the inside of the widget.
func (s *Server) frame(w http.ResponseWriter, r *http.Request, alias string) {
	acct, ok := s.account(alias)
	if !ok || acct.Kind != "web" {
		s.writeProblem(w, r, problem("not_found", ""))
		return
	}
	s.framePage(w, r, acct)
}
