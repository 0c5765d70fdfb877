package flows_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"dispatcher/engine"
	"dispatcher/flows"
)

const planBefore = `flow: welcome
slots:
  order_number: {type: text, pattern: '[A-Z]{2}\d{6}', example: AB123456}
states:
  start:
    say: "Hello!"
    goto: menu
  menu:
    ask: "What can we help you with?"
    options:
      - {id: order, label: My order, match: [parcel], goto: details}
      - {id: return, label: Return something, goto: person}
  details:
    collect: {slot: order_number, ask: "What's your order number?"}
    goto: person
  person:
    handoff: general
`

func loadOne(t *testing.T, text string) *flows.Project {
	t.Helper()
	p := flows.Load(&flows.Files{Name: "shop", Data: map[string][]byte{"flows/welcome.yaml": []byte(text)}}, flows.Options{})
	if !p.OK() {
		var b bytes.Buffer
		p.WriteText(&b, false)
		t.Fatal(b.String())
	}
	return p
}

// TestDiffInWords: every kind of edit is said in the words of whoever writes flows.
func TestDiffInWords(t *testing.T) {
	t.Parallel()
	edit := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(planBefore) }
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"nothing but a comment", planBefore + "# said twice\n", nil},
		{"question", edit("What can we help", "How can we help"),
			[]string{"welcome.menu: question reworded: “What can we help you with?” → “How can we help you with?”"}},
		{"collected question", edit("What's your order number?", "Which order?"),
			[]string{"welcome.details: question reworded: “What's your order number?” → “Which order?”"}},
		{"message", edit(`"Hello!"`, `"Hi!"`), []string{"welcome.start: message reworded: “Hello!” → “Hi!”"}},
		{"phrase", edit("match: [parcel]", "match: [parcel, refund]"), []string{"welcome.menu: option “My order” now also matches refund"}},
		{"phrase gone", edit("match: [parcel], ", ""), []string{"welcome.menu: option “My order” no longer matches parcel"}},
		{"label", edit("label: Return something", "label: Send it back"),
			[]string{"welcome.menu: option return reworded: “Return something” → “Send it back”"}},
		{"edge", edit("label: Return something, goto: person", "label: Return something, goto: details"),
			[]string{"welcome.menu: option return now leads to details (was to person)"}},
		{"option", edit("      - {id: return, label: Return something, goto: person}\n", "      - {id: other, label: Other, goto: person}\n"),
			[]string{"welcome.menu: option “Other” is new and leads to person", "welcome.menu: option “Return something” is removed"}},
		{"kind", edit(`collect: {slot: order_number, ask: "What's your order number?"}`, `ask: "Do you have it?"`, "    goto: person\n  person", "    options: {\"Yes\": person, \"No\": person}\n  person"),
			[]string{"welcome.details: now offers options (it asked for order_number before)",
				"welcome.details: question reworded: “What's your order number?” → “Do you have it?”"}},
		{"removed", edit("  details:\n    collect: {slot: order_number, ask: \"What's your order number?\"}\n    goto: person\n", "", "goto: details", "goto: person"),
			[]string{"welcome.menu: option order now leads to person (was to details)", "welcome.details: removed"}},
		{"renamed", edit("states:", "renamed: {details: number}\nstates:", "  details:", "  number:", "goto: details", "goto: number"),
			[]string{"welcome.details: renamed to number", "welcome.menu: option order now leads to number (was to details)"}},
		{"new state", planBefore + "  more:\n    goto: person\n", []string{"welcome.more: is new"}},
		{"slot rule", edit(`\d{6}`, `\d{7}`, "AB123456", "AB1234567"),
			[]string{`slot order_number: pattern [A-Z]{2}\d{6} → [A-Z]{2}\d{7}`, "slot order_number: example AB123456 → AB1234567"}},
		{"entry of everywhere", edit("states:\n", "everywhere: {hours: {match: [hours], goto: person}}\nstates:\n"), []string{"welcome: everywhere.hours is new"}},
		{"silence", edit("  person:\n", "    no_reply: [{after: 10m, say: \"Still there?\"}]\n  person:\n"), []string{"welcome.details: no_reply changed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := texts(flows.Diff(loadOne(t, planBefore), loadOne(t, c.text)))
			for _, want := range c.want {
				if !slices.Contains(got, want) {
					t.Errorf("not said: %s", want)
				}
			}
			if c.want == nil && len(got) > 0 || len(got) == 0 && c.want != nil || t.Failed() {
				t.Errorf("said:\n%s", strings.Join(got, "\n"))
			}
		})
	}
}

// TestARenamedStateIsNoOtherState: a new name is said once, and nothing else of
// the state; the flow's own entries are compared too.
func TestARenamedStateIsNoOtherState(t *testing.T) {
	t.Parallel()
	renamed := strings.NewReplacer("states:", "renamed: {details: number}\nstates:", "  details:", "  number:", "goto: details", "goto: number").Replace(planBefore)
	got := texts(flows.Diff(loadOne(t, planBefore), loadOne(t, renamed)))
	want := []string{"welcome: renamed changed", "welcome.details: renamed to number", "welcome.menu: option order now leads to number (was to details)"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	with := func(entries string) *flows.Project {
		return loadOne(t, strings.Replace(planBefore, "states:", "everywhere: {"+entries+"}\nstates:", 1))
	}
	for _, c := range []struct {
		before, after string
		want          []string
	}{
		{"hours: {match: [hours], goto: person}", "hours: {match: [hours, open], goto: person}", []string{"welcome: everywhere.hours changed"}},
		{"hours: {match: [hours], goto: person}", "price: {match: [price], goto: person}", []string{"welcome: everywhere.price is new", "welcome: everywhere.hours is removed"}},
		{"hours: {match: [hours], goto: person}", "hours: {match: [hours], goto: person}", nil},
	} {
		if got := texts(flows.Diff(with(c.before), with(c.after))); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.after, got, c.want)
		}
	}
}

func texts(d *flows.Delta) []string {
	var out []string
	for _, c := range d.Changes {
		out = append(out, c.Text)
	}
	return out
}

// TestDiffOfProjects: flows that come and go, and dispatcher.yaml by its keys.
func TestDiffOfProjects(t *testing.T) {
	t.Parallel()
	load := func(files map[string]string) *flows.Project {
		f := &flows.Files{Name: "shop", Data: map[string][]byte{}}
		for name, text := range files {
			f.Data[name] = []byte(text)
		}
		p := flows.Load(f, flows.Options{})
		if !p.OK() {
			var b bytes.Buffer
			p.WriteText(&b, false)
			t.Fatal(b.String())
		}
		return p
	}
	side := "flow: side\nstates:\n  start:\n    say: \"Yes.\"\n    resolve: done\n"
	project := "dispatcher: 1\nproject: shop\nstart: welcome\ntimezone: UTC\nqueues: {general: {name: General}}\n"
	before := load(map[string]string{"dispatcher.yaml": project + "storage: {durability: full}\n", "flows/welcome.yaml": planBefore, "flows/side.yaml": side})
	after := load(map[string]string{"dispatcher.yaml": strings.Replace(project, "UTC", "Europe/London", 1) + "storage: {durability: fast}\n",
		"flows/welcome.yaml": planBefore, "flows/other.yaml": strings.Replace(side, "flow: side", "flow: other", 1)})
	got := texts(flows.Diff(before, after))
	want := []string{"storage changed (takes effect after a restart)", "timezone: UTC → Europe/London", "flow other is new (1 state)", "flow side is removed (1 state)"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if keys := flows.NeedRestart(before, after); !slices.Equal(keys, []string{"storage"}) {
		t.Errorf("needs a restart: %q", keys)
	}
	if text := flows.Texts(before.Files, after.Files); !strings.Contains(text, "-timezone: UTC\n+timezone: Europe/London\n") || !strings.Contains(text, "+++ b/flows/other.yaml") {
		t.Errorf("text:\n%s", text)
	}
}

// TestPlanCounts: who is unaffected, who goes on, and where a choice is needed.
func TestPlanCounts(t *testing.T) {
	t.Parallel()
	after := strings.NewReplacer("  details:\n    collect: {slot: order_number, ask: \"What's your order number?\"}\n    goto: person\n", "",
		"goto: details", "goto: person", "What can we help", "How can we help", `\d{6}`, `\d{7}`, "AB123456", "AB1234567").Replace(planBefore)
	d := flows.Diff(loadOne(t, planBefore), loadOne(t, after))
	count := flows.NewTally(d, time.Unix(0, 0))
	asked := func(v string) map[string]engine.SlotValue {
		return map[string]engine.SlotValue{"order_number": {Value: v, Raw: v, How: "asked"}}
	}
	for range 2 {
		count.Add(flows.Standing{Flow: "welcome", State: "details"})
	}
	for range 3 {
		count.Add(flows.Standing{Flow: "welcome", State: "menu"})
	}
	count.Add(flows.Standing{Flow: "welcome", State: "person", Slots: asked("AB123456")})
	count.Add(flows.Standing{Flow: "welcome", State: "person", Slots: asked("AB1234567")})
	count.Add(flows.Standing{Flow: "welcome", State: "details", Pinned: true})
	count.Add(flows.Standing{})
	p := count.Plan()
	if p.Summary() != "9 open: 3 unaffected, 4 continue, 2 need a choice" || !p.NeedsChoice() {
		t.Error(p.Summary())
	}
	var b bytes.Buffer
	p.WriteText(&b, false)
	for _, want := range []string{
		"flows/welcome.yaml:4:1: warning[W501]: 2 conversations wait in welcome.details, which this change removes\n",
		"     = hint: write renamed: {details: NEW_NAME} in flow welcome; as it is, they go to a person\n",
		"flows/welcome.yaml:3:3: warning[W502]: 1 conversation holds a value of order_number that no longer fits\n",
		"\n9 open: 3 unaffected, 4 continue, 2 need a choice\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("missing %q in\n%s", want, b.String())
		}
	}
	if !bytes.Contains(p.JSON(), []byte(`"open":9,"unaffected":3,"continue":4,"choice":2`)) || !bytes.Contains(p.JSON(), []byte(`"code":"W501"`)) {
		t.Errorf("%s", p.JSON())
	}
}

// TestPlanRenamedNeedsNoChoice: a state with a new name is no state less.
func TestPlanRenamedNeedsNoChoice(t *testing.T) {
	t.Parallel()
	after := strings.NewReplacer("states:", "renamed: {details: second, second: number}\nstates:", "  details:", "  number:", "goto: details", "goto: number").Replace(planBefore)
	count := flows.NewTally(flows.Diff(loadOne(t, planBefore), loadOne(t, after)), time.Unix(0, 0))
	count.Add(flows.Standing{Flow: "welcome", State: "details"})
	if p := count.Plan(); p.NeedsChoice() || p.Continue != 1 || len(p.Problems) != 0 {
		t.Errorf("%s %v", p.Summary(), p.Problems)
	}
}
