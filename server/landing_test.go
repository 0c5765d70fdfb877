package server

import (
	"strings"
	"testing"

	"dispatcher/flows"
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

// The start page and the demo shop name the file of the flow that a
// conversation begins with, whatever it is called; and only the example shop
// has orders worth asking about.
func TestPagesNameTheFlowToChange(t *testing.T) {
	t.Parallel()
	bikes := flows.Load(&flows.Files{Name: "bikes", Data: map[string][]byte{"flows/bikes.yaml": []byte("flow: bikes\nstates:\n  start: {handoff: general}\n")}}, flows.Options{})
	for file, w := range map[string]*world{
		"flows/welcome.yaml": newWorld(t),
		"flows/bikes.yaml":   newWorld(t, func(c *Config) { c.Project = func() *flows.Project { return bikes } }),
	} {
		for _, path := range []string{"/", "/chat"} {
			page := string(w.browser().get(path, "Host", hostOf(w)).want(t, 200).body)
			if !strings.Contains(page, "<code>"+file+"</code>") {
				t.Errorf("%s does not name %s", path, file)
			}
			if path == "/chat" && strings.Contains(page, "AB123456") != (file == "flows/welcome.yaml") {
				t.Errorf("%s: an order number is proposed where there are no orders, or is not where there are", file)
			}
		}
	}
}
