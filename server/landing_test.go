package server

import (
	"strings"
	"testing"
)

// The start page shows what the live set does, state by state.
func TestLandingShowsTheLiveSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := string(w.browser().get("/", "Host", hostOf(w)).want(t, 200).body)
	for _, want := range []string{
		`<li class="ask"><b>start</b><span>Hi, I am the assistant.</span></li>`, `<li class="ask"><b>number</b><span>Which order is it?</span></li>`, `<li class="out"><b>person</b>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in the page", want)
		}
	}
}
