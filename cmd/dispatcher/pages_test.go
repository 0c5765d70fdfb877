package main

import (
	"net/netip"
	"strings"
	"testing"

	"dispatcher/flows"
)

// TestPagesNobodyCanReach: flows that send customers to a page are told of
// wherever nobody outside knows this server's address.
func TestPagesNobodyCanReach(t *testing.T) {
	t.Parallel()
	project := func(start string) *flows.Project {
		p := flows.Load(&flows.Files{Name: "shop", Data: map[string][]byte{
			"dispatcher.yaml": []byte("dispatcher: 1\nproject: shop\nstart: hi\nqueues:\n  general: {name: General}\ndefault_queue: general\nservices:\n  shop: {url: \"https://shop.example\", methods: [get, post]}\n"),
			"flows/hi.yaml":   []byte("flow: hi\nslots:\n  city: {type: text}\nstates:\n  start:\n" + start + "  done:\n    handoff: general\n"),
		}}, flows.Options{})
		if !p.OK() {
			t.Fatal(problemText(p))
		}
		return p
	}
	form := project("    form: {ask: \"Here: {{ form.url }}\", title: City, fields: [city]}\n    goto: done\n")
	link := project("    verify: {by: link, service: shop, ask: \"Log in: {{ verify.url }}\"}\n    goto: done\n")
	code := project("    verify: {by: code, service: shop, ask: Which code?}\n    goto: done\n")
	proxy := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, c := range map[string]struct {
		p        *flows.Project
		loopback bool
		trusted  []netip.Prefix
		public   string
		warns    bool
	}{
		"on this machine":       {p: form, loopback: true},
		"behind a proxy":        {p: form, loopback: true, trusted: proxy, warns: true},
		"open":                  {p: form, warns: true},
		"a link":                {p: link, warns: true},
		"a code needs no page":  {p: code},
		"with a public address": {p: form, trusted: proxy, public: "https://shop.example"},
		"nothing is live":       {},
	} {
		f := &serveFlags{publicURL: c.public}
		f.loopback, f.trusted = c.loopback, c.trusted
		got := (&running{flags: f}).unreachable(c.p)
		if (got != "") != c.warns || c.warns && !strings.Contains(got, "--public-url") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
