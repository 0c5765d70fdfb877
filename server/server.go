package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"dispatcher/desk"
	"dispatcher/flows"
	"dispatcher/flows/watch"
	"dispatcher/inbox"
	"dispatcher/storage"
	"dispatcher/vault"
)

// Config is what a Server is made of. Inbox, Desk, Store, Vault and Project
// are required; the zero value of everything else works.
type Config struct {
	Inbox   *inbox.Service
	Desk    *desk.Service
	Store   storage.Store
	Vault   *vault.Vault
	Watch   *watch.Watcher        // nil: the set does not change
	Project func() *flows.Project // the live set

	Logger     *slog.Logger          // nil: silent
	Registerer prometheus.Registerer // nil: metrics go nowhere
	Gatherer   prometheus.Gatherer   // nil: Metrics answers with nothing

	Listen         string // host:port as configured, for pages and the Host check
	Loopback       bool   // the listener is on loopback only
	TLS            bool   // the listener speaks TLS
	PublicURL      string // "" = unknown
	TrustedProxies []netip.Prefix
	Version        string
	Now            func() time.Time // nil: time.Now
	DataDir        string           // for the file setup-link; "" = none
	KeyPlace       string           // where the master key is, for people
	NotStarted     []string         // channels that could not start, with the reason

	WebhookDeadline time.Duration // 0: 2 s, or what the channel acknowledges within
	MaxConnections  int           // 0: 2,000
}

// Server answers HTTP. It is safe for concurrent use.
type Server struct {
	cfg  Config
	log  *slog.Logger
	echo *echo.Echo

	cross    *http.CrossOriginProtection
	hosts    map[string]bool
	ready    atomic.Bool // there is an account
	draining atomic.Bool
	accounts sync.Mutex // one new account at a time
	hash     *hasher
	limits   *limiter
	logins   *loginGuard
	flying   inFlight
	met      *metrics
	hub      *hub
	presence *presence
	replayed lastReplayed
	traffic  lastTraffic
	there    *attendance
	refusals *refusals
	sockets  sync.Map // alias → *mounted
	conns    atomic.Int64
	secure   http.Header          // alwaysSecure; nobody writes into it
	ops      []operation          // every API route, for the matrix of roles
	byRoute  map[string]operation // the same by method and route, for the gate
}

// New makes a Server. Nothing runs in the background before Start.
func New(cfg Config) (*Server, error) {
	if cfg.Inbox == nil || cfg.Desk == nil || cfg.Store == nil || cfg.Vault == nil || cfg.Project == nil {
		return nil, errors.New("server: Inbox, Desk, Store, Vault and Project are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxConnections == 0 {
		cfg.MaxConnections = 2000
	}
	if cfg.WebhookDeadline == 0 {
		cfg.WebhookDeadline = 2 * time.Second
	}
	s := &Server{
		cfg: cfg, log: cfg.Logger, cross: http.NewCrossOriginProtection(), hosts: knownHosts(cfg),
		secure: alwaysSecure(), hash: newHasher(fullCost), limits: newLimiter(cfg.Now), logins: newLoginGuard(cfg.Now),
		flying: inFlight{keys: map[string][]byte{}}, refusals: newRefusals(cfg.Now),
	}
	s.met = newMetrics(cfg.Registerer)
	s.presence = newPresence(cfg.Now)
	s.there = newAttendance(cfg.Now)
	s.hub = newHub(s)
	if cfg.PublicURL != "" {
		if err := s.cross.AddTrustedOrigin(originOf(cfg.PublicURL)); err != nil {
			return nil, fmt.Errorf("server: public_url: %w", err)
		}
	}
	s.echo = s.router()
	return s, nil
}

// Start runs the live updates until ctx ends.
func (s *Server) Start(ctx context.Context) {
	s.hash.dummy() // now, so that the first unknown user costs no more than the second
	s.hub.run(ctx)
}

// Drain makes /readyz say stopping and refuses new webhooks with 503.
func (s *Server) Drain() { s.draining.Store(true) }

func (s *Server) now() time.Time { return s.cfg.Now() }

// baseURL is how people reach this server.
func (s *Server) baseURL() string {
	if s.cfg.PublicURL != "" {
		return strings.TrimSuffix(s.cfg.PublicURL, "/")
	}
	scheme := "http://"
	if s.cfg.TLS {
		scheme = "https://"
	}
	host, port, err := net.SplitHostPort(s.cfg.Listen)
	if err != nil {
		return scheme + s.cfg.Listen
	}
	if ip, err := netip.ParseAddr(host); host == "" || (err == nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	return scheme + net.JoinHostPort(host, port)
}

func originOf(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return raw
	}
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

// Handler is the whole server but the metrics.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// trip is what one request leaves behind for log and metrics.
type trip struct {
	route  string
	status int
}

type tripKey struct{}

// routeOf is the template of the route of a request, never its path.
func routeOf(r *http.Request) string {
	if t, ok := r.Context().Value(tripKey{}).(*trip); ok && t.route != "" {
		return t.route
	}
	return "none"
}

// serve is the door: every request passes these checks in this order.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	t, start, method := &trip{}, time.Now(), r.Method
	r = r.WithContext(context.WithValue(r.Context(), tripKey{}, t))
	out := &statusWriter{ResponseWriter: w, trip: t}
	defer func() {
		if v := recover(); v != nil {
			s.panicked(out, r, v)
		}
		s.met.request(routeOf(r), method, t.status, time.Since(start))
	}()
	s.secureHeaders(out, r)
	if r.Method == http.MethodHead && !strings.HasPrefix(r.URL.Path, "/channels/") && r.URL.Path != apiBase+"/events" {
		out.bodiless = true // HEAD is GET without its body
		r.Method = http.MethodGet
	}
	if err := s.admit(r); err != nil {
		s.refuse(out, r, err)
		return
	}
	if needsIdentity(r.URL.Path) {
		who, err := s.identify(r)
		if err != nil {
			s.refuse(out, r, err)
			return
		}
		r = r.WithContext(withIdentity(r.Context(), who))
	}
	s.echo.ServeHTTP(out, r)
}

// admit refuses what may not come in at all.
func (s *Server) admit(r *http.Request) error {
	switch {
	case r.Context().Value(overCapKey{}) != nil:
		return problem("overloaded", "Too many connections.").after(5)
	case !s.hostKnown(r):
		return problem("invalid", "The request names another host.").with(http.StatusMisdirectedRequest)
	}
	has, err := s.hasAccounts(r.Context())
	switch {
	case err != nil && !openBeforeSetup(r.URL.Path, s.cfg.Loopback, s.webChannel):
		return err
	case err == nil && !has && !openBeforeSetup(r.URL.Path, s.cfg.Loopback, s.webChannel):
		return problem("not_found", "")
	}
	return s.crossOrigin(r)
}

// refuse answers in the words of whoever asked: platforms and widgets have
// their own shape of an error.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if strings.HasPrefix(r.URL.Path, "/channels/") {
		p := asProblem(err)
		s.logProblem(r, p)
		for k, v := range p.GetHeaders() {
			w.Header()[k] = v
		}
		channelError(w, p.Status, p.Code, p.Title)
		return
	}
	s.writeProblem(w, r, err)
}

// openBeforeSetup is row 2 of runtime.md 5.1: what answers while there is no
// account. isWeb says whether an alias is a web channel.
func openBeforeSetup(path string, loopback bool, isWeb func(alias string) bool) bool {
	switch {
	case path == "/healthz", path == "/readyz", path == "/setup", strings.HasPrefix(path, "/setup/"), strings.HasPrefix(path, "/assets/"):
		return true
	case path == "/", path == "/chat", path == "/widget.js", strings.HasPrefix(path, "/forms/"):
		return loopback
	}
	rest, ok := strings.CutPrefix(path, "/channels/")
	if !ok {
		return false
	}
	alias, rest, _ := strings.Cut(rest, "/")
	switch {
	case rest == "webhook", rest == "outbox", rest == "outbox/ack": // signed
		return true
	case strings.HasPrefix(rest, "sim/"):
		return false
	}
	return loopback && isWeb(alias)
}

func (s *Server) webChannel(alias string) bool {
	a, ok := s.cfg.Inbox.Account(alias)
	return ok && a.Kind == "web"
}

// needsIdentity: only these routes look at a session or a token.
func needsIdentity(path string) bool {
	for _, prefix := range []string{"/api/v1/", "/console", "/studio", "/login", "/logout"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return strings.HasPrefix(path, "/channels/") && strings.Contains(path, "/sim/")
}

// router is the table of every route; no other place adds one.
func (s *Server) router() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = s.ipExtractor()
	e.HTTPErrorHandler = func(err error, c echo.Context) { s.echoError(c, err) }
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if t, ok := c.Request().Context().Value(tripKey{}).(*trip); ok {
				t.route = c.Path()
			}
			return next(c)
		}
	})
	s.pageRoutes(e)
	s.formRoutes(e)
	s.channelRoutes(e)
	s.apiRoutes(e)
	e.GET("/healthz", plain(s.healthz))
	e.GET("/readyz", plain(s.readyz))
	return e
}

// plain makes an echo handler of a net/http one.
func plain(h http.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h(c.Response(), c.Request())
		return nil
	}
}

// ipExtractor believes X-Forwarded-For only from the proxies that were named.
func (s *Server) ipExtractor() echo.IPExtractor {
	if len(s.cfg.TrustedProxies) == 0 {
		return echo.ExtractIPDirect()
	}
	opts := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range s.cfg.TrustedProxies {
		_, network, err := net.ParseCIDR(p.Masked().String())
		if err == nil {
			opts = append(opts, echo.TrustIPRange(network))
		}
	}
	return echo.ExtractIPFromXFFHeader(opts...)
}

func (s *Server) echoError(c echo.Context, err error) {
	if c.Response().Committed {
		return
	}
	var he *echo.HTTPError
	if errors.As(err, &he) {
		switch he.Code {
		case http.StatusNotFound:
			err = problem("not_found", "")
		case http.StatusMethodNotAllowed:
			err = problem("invalid", "This address does not take "+cut(c.Request().Method, 16)+".").with(http.StatusMethodNotAllowed)
		default:
			err = problem("invalid", "").with(he.Code)
		}
	}
	s.refuse(c.Response(), c.Request(), err)
}

// statusWriter remembers the status for the metrics, and drops the body of a HEAD.
type statusWriter struct {
	http.ResponseWriter
	trip     *trip
	bodiless bool
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	if w.trip.status == 0 {
		w.trip.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *statusWriter) Write(b []byte) (int, error) {
	if w.trip.status == 0 {
		w.trip.status = http.StatusOK
	}
	if w.bodiless {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush implements http.Flusher.
func (w *statusWriter) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// panicked answers 500 with an error id; the log gets the stack without values.
func (s *Server) panicked(w *statusWriter, r *http.Request, v any) {
	if v == http.ErrAbortHandler {
		panic(v)
	}
	p := problem("internal", "")
	s.log.LogAttrs(r.Context(), slog.LevelError, "panic in a request", slog.String("error_id", p.Instance),
		slog.String("route", routeOf(r)), slog.String("stack", stack()))
	if w.trip.status == 0 {
		s.writeProblem(w, r, p)
	}
}

type overCapKey struct{}

// NewHTTPServer has the time-outs and limits of runtime.md 5.7: headers within
// 5 s, the whole request within 10 s, a cap on connections beyond which
// everything is 503.
func (s *Server) NewHTTPServer(addr string) *http.Server {
	leave, all := context.WithCancel(context.Background())
	web := &http.Server{
		Addr: addr, Handler: leaving(leave, s.Handler()),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			if s.conns.Load() >= int64(s.cfg.MaxConnections) { // this one is not counted yet
				return context.WithValue(ctx, overCapKey{}, true)
			}
			return ctx
		},
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				s.conns.Add(1)
			case http.StateClosed, http.StateHijacked:
				s.conns.Add(-1)
			}
		},
	}
	web.RegisterOnShutdown(all)
	return web
}

// leaving ends what customers and their platforms only wait for, streams and
// long polls, when the server shuts down: they come back to the next process
// with the last number they saw. What they send is finished.
func leaving(leave context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/channels/") {
			ctx, stop := context.WithCancel(r.Context())
			defer stop()
			defer context.AfterFunc(leave, stop)()
			r = r.WithContext(ctx)
		}
		next.ServeHTTP(w, r)
	})
}

var _ http.Flusher = (*statusWriter)(nil)
