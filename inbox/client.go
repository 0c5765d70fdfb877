package inbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Bounds of every outgoing call (channels.md 4.3, 4.8).
const (
	connectTimeout = 5 * time.Second
	callTimeout    = 15 * time.Second
	uploadTimeout  = 60 * time.Second
	answerBytes    = 256 << 10
)

// ErrForbiddenAddress says that a name led to an address inside.
var ErrForbiddenAddress = errors.New("inbox: address is not allowed for outgoing requests")

// ErrForbiddenURL says that a URL is not https.
var ErrForbiddenURL = errors.New("inbox: only https may be called; http on loopback needs insecure: true")

// Guard says what one client may reach. The zero value: public https only.
type Guard struct {
	Loopback     bool           // http and loopback addresses too (insecure: true)
	AllowPrivate []netip.Prefix // exceptions an operator has declared
	MaxConns     int            // per host; 0: 8
}

// NewClient is the one constructor of HTTP clients. The address is looked at
// when it is dialled, after the name was resolved, so no spelling and no
// second answer of a name server leads inside. No proxy from the environment,
// no redirects, no cookies, TLS 1.2 and up.
func NewClient(g Guard) *http.Client {
	conns := g.MaxConns
	if conns == 0 {
		conns = 8
	}
	dialer := &net.Dialer{Timeout: connectTimeout, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		return g.check(address)
	}}
	base := &http.Transport{
		Proxy: nil, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &countedConn{Conn: conn}, nil
		},
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: connectTimeout,
		MaxConnsPerHost: conns, MaxIdleConnsPerHost: conns, IdleConnTimeout: 30 * time.Second,
		DisableCompression: true, MaxResponseHeaderBytes: 64 << 10,
	}
	return &http.Client{
		Transport:     &guarded{guard: g, next: base},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type guarded struct {
	guard Guard
	next  *http.Transport
}

func (t *guarded) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" && !(t.guard.Loopback && req.URL.Scheme == "http") {
		return nil, ErrForbiddenURL
	}
	if req.URL.Scheme == "http" && !loopbackHost(req.URL.Hostname()) {
		return nil, ErrForbiddenURL
	}
	return t.next.RoundTrip(req)
}

// CloseIdleConnections lets http.Client.CloseIdleConnections through.
func (t *guarded) CloseIdleConnections() { t.next.CloseIdleConnections() }

func loopbackHost(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// check decides on the address that is about to be dialled.
func (g Guard) check(address string) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: not an address", ErrForbiddenAddress)
	}
	addr := ap.Addr().WithZone("")
	for _, p := range g.AllowPrivate {
		if p.Contains(addr.Unmap()) {
			return nil
		}
	}
	if g.Loopback && addr.Unmap().IsLoopback() {
		return nil
	}
	if !public(addr) {
		return ErrForbiddenAddress
	}
	return nil
}

// inside lists the ranges that are not the public internet and that
// netip.Addr has no word for.
var inside = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarking
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, broadcast
	netip.MustParsePrefix("::/8"),            // IPv4-compatible and other reserved
	netip.MustParsePrefix("::ffff:0:0/96"),   // IPv4 in IPv6 clothes
	netip.MustParsePrefix("64:ff9b::/96"),    // NAT64
	netip.MustParsePrefix("64:ff9b:1::/48"),  // local NAT64
	netip.MustParsePrefix("100::/64"),        // discard
	netip.MustParsePrefix("2001::/23"),       // Teredo, ORCHID and other protocols
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("3fff::/20"),       // documentation
	netip.MustParsePrefix("5f00::/16"),       // segment routing
	netip.MustParsePrefix("2002::/16"),       // 6to4
	netip.MustParsePrefix("fec0::/10"),       // site-local
}

func public(addr netip.Addr) bool {
	if addr.Is4In6() || !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false
	}
	for _, p := range inside {
		if p.Contains(addr) {
			return false
		}
	}
	return true
}
