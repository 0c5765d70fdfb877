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
	salon := flows.Load(&flows.Files{Name: "salon", Data: map[string][]byte{"flows/welcome.yaml": []byte("flow: welcome\nstates:\n  start: {handoff: general}\n")}}, flows.Options{})
	of := func(p *flows.Project) *world {
		return newWorld(t, func(c *Config) { c.Project = func() *flows.Project { return p } })
	}
	for _, test := range []struct {
		file   string
		w      *world
		orders bool
	}{{"flows/welcome.yaml", newWorld(t), true}, {"flows/bikes.yaml", of(bikes), false}, {"flows/welcome.yaml", of(salon), false}} {
		file, w := test.file, test.w
		for _, path := range []string{"/", "/chat"} {
			page := string(w.browser().get(path, "Host", hostOf(w)).want(t, 200).body)
			if !strings.Contains(page, "<code>"+file+"</code>") {
				t.Errorf("%s does not name %s", path, file)
			}
			if path == "/" && strings.Contains(page, "reads the order number") != test.orders {
				t.Errorf("%s: an order number is promised where there are no orders, or is not where there are", file)
			}
			if path == "/chat" && strings.Contains(page, "AB123456") != test.orders {
				t.Errorf("%s: an order number is proposed where there are no orders, or is not where there are", file)
			}
		}
	}
}
