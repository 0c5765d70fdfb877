package kill

import (
	"net/http"
	"net/url"
	"sync"
)

// jar keeps cookies whatever the port, which a restarted service may change.
type jar struct {
	mu sync.Mutex
	m  map[string]*http.Cookie
}

// SetCookies is part of http.CookieJar.
func (j *jar) SetCookies(_ *url.URL, cookies []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.m == nil {
		j.m = map[string]*http.Cookie{}
	}
	for _, c := range cookies {
		j.m[c.Name] = c
	}
}

// Cookies is part of http.CookieJar.
func (j *jar) Cookies(*url.URL) []*http.Cookie {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]*http.Cookie, 0, len(j.m))
	for _, c := range j.m {
		out = append(out, c)
	}
	return out
}
