package server

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"dispatcher/server/web"
)

// The security headers of runtime.md 5.4. Content-Security-Policy is
// web.Policy; the page of the API's documentation, which renders nothing but
// our own OpenAPI document, is the one exception.
const (
	permissionsPolicy = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), " +
		"magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), usb=(), xr-spatial-tracking=()"
	hsts = "max-age=31536000; includeSubDomains"
)

// alwaysSecure are the headers that every answer has at first.
func alwaysSecure() http.Header {
	h := http.Header{}
	h.Set("Content-Security-Policy", web.Policy(""))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", permissionsPolicy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	return h
}

// secureHeaders sets the defaults of every answer; a page with a policy of
// its own replaces the header.
func (s *Server) secureHeaders(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for name, value := range s.secure {
		h[name] = value // full, so that adding to it makes a copy
	}
	if s.overTLS(r) {
		h.Set("Strict-Transport-Security", hsts)
	}
}

// overTLS says whether the client speaks TLS, to us or to a trusted proxy.
func (s *Server) overTLS(r *http.Request) bool {
	return r.TLS != nil || (s.trustedPeer(r) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https"))
}

// trustedPeer says whether the connection comes from a proxy that was named.
func (s *Server) trustedPeer(r *http.Request) bool {
	if len(s.cfg.TrustedProxies) == 0 {
		return false
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, p := range s.cfg.TrustedProxies {
		if p.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}

// hostKnown refuses requests for a name that is not ours, so that no foreign
// site can reach a loopback listener through its own name. Probes and signed
// webhooks are let through: a tunnel's or a pod's name means nothing to them.
func (s *Server) hostKnown(r *http.Request) bool {
	if s.hosts == nil || r.URL.Path == "/healthz" || r.URL.Path == "/readyz" || isWebhook(r.URL.Path) {
		return true
	}
	return s.hosts[hostOnly(r.Host)]
}

func isWebhook(path string) bool {
	return strings.HasPrefix(path, "/channels/") && strings.HasSuffix(path, "/webhook")
}

// knownHosts is the set of names we answer to; nil = no name is known, and
// none is refused (a listener on every address without public_url).
func knownHosts(cfg Config) map[string]bool {
	known := map[string]bool{}
	if u, err := url.Parse(cfg.PublicURL); err == nil && u.Host != "" {
		known[hostOnly(u.Host)] = true
	}
	if !cfg.Loopback && len(known) == 0 {
		return nil
	}
	if host, _, err := net.SplitHostPort(cfg.Listen); err == nil && host != "" {
		known[strings.ToLower(host)] = true
	}
	if cfg.Loopback {
		known["localhost"], known["127.0.0.1"], known["::1"] = true, true, true
	}
	return known
}

func hostOnly(hostport string) string {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// crossOrigin is the check of net/http on every non-GET. Routes that carry
// their own proof and use no cookie are exempt.
func (s *Server) crossOrigin(r *http.Request) error {
	if strings.HasPrefix(r.URL.Path, "/channels/") || strings.HasPrefix(r.URL.Path, "/forms/") {
		return nil
	}
	if err := s.cross.Check(r); err != nil {
		return problem("forbidden", "The request comes from another site.")
	}
	return nil
}
