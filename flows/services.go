package flows

import (
	"net/netip"
	"net/url"
	"strings"
	"time"

	"dispatcher/internal/source"
)

// maxLookup is the longest one attempt of a look-up may take.
const maxLookup = 10 * time.Second

// readServices reads the HTTP services that flows may call.
func (l *loader) readServices(n *source.Node) {
	l.p.Config.Service = map[string]Service{}
	if n == nil || n.Kind != source.Map {
		return
	}
	for _, pair := range n.Pairs {
		l.name(pair.Key, "service")
		l.p.Config.Service[pair.Key.Text] = l.service(pair)
	}
}

func (l *loader) service(p source.Pair) Service {
	n := p.Value
	s := Service{Alias: p.Key.Text, Timeout: 3 * time.Second, Methods: []string{"get"}, Headers: map[string]string{}}
	if n.Kind == source.Null {
		l.err("E110", p.Key.Words(), "service %s needs a url", p.Key.Text)
	}
	if n.Kind != source.Map {
		return s
	}
	s.Insecure = l.boolean(n.Get("insecure"), false)
	s.URL = l.serviceURL(p, s.Insecure)
	s.Timeout = l.lookupTimeout(n.Get("timeout"), s.Timeout)
	if m := words(n.Get("methods")); len(m) > 0 {
		s.Methods = nil
		for _, w := range m {
			if v := l.oneOf(w, "", lookupMethods...); v != "" {
				s.Methods = append(s.Methods, v)
			}
		}
	}
	if h := n.Get("headers"); h != nil && h.Kind == source.Map {
		for _, pair := range h.Pairs {
			s.Headers[pair.Key.Text] = pair.Value.Text
		}
	}
	for _, w := range words(n.Get("allow_private")) {
		prefix, err := netip.ParsePrefix(w.Text)
		if err != nil {
			l.err("E105", w.Words(), "%q is not a range of addresses; write one like 10.1.0.0/16", w.Text)
			continue
		}
		s.AllowPrivate = append(s.AllowPrivate, prefix)
	}
	return s
}

// lookupTimeout reads a time-out of at most 10 seconds.
func (l *loader) lookupTimeout(n *source.Node, def time.Duration) time.Duration {
	d := l.duration(n, def)
	if d > maxLookup && n != nil {
		l.err("E105", n.Words(), "a look-up waits at most 10s for an answer")
		return def
	}
	return d
}

// serviceURL wants https, or http to this machine with insecure (E134).
func (l *loader) serviceURL(p source.Pair, insecure bool) string {
	n := p.Value.Get("url")
	text, ok := scalar(n)
	secret := userinfo(text)
	if secret != "" && !reference.MatchString(secret) {
		at := strings.Index(text, "//") + 2
		l.warn("W133", n.At(at, at+len(secret)), "this looks like a secret; use ${env:NAME}")
	}
	switch {
	case !ok:
		if n == nil || n.Kind == source.Null {
			l.missing(p.Value, "service", "url", p.Key.Words(), "service %s needs a url", p.Key.Text)
		}
	case strings.HasPrefix(text, "${"):
	case strings.HasPrefix(text, "http://") && (!thisMachine(text) || !insecure):
		l.err("E134", n.Words(), "http:// is allowed only for this machine with insecure: true")
	case secret != "":
		l.err("E105", n.Words(), "a url holds no user name or password; send them in headers")
	case strings.HasPrefix(text, "http://"):
	case !strings.HasPrefix(text, "https://") || strings.TrimLeft(text[len("https://"):], "/?#") == "":
		l.err("E105", n.Words(), "%q is not a web address; write https://…", text)
	}
	return text
}

// userinfo is what stands before the @ of an address's host.
func userinfo(text string) string {
	_, rest, _ := strings.Cut(text, "//")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return rest[:max(strings.LastIndex(rest, "@"), 0)]
}

// thisMachine says that the host of an address is loopback.
func thisMachine(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err == nil && addr.IsLoopback()
}
