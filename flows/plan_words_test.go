package flows_test

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"

	"dispatcher/flows"
)

// planOld and planNew differ in every way that plan has words for.
var planOld = map[string]string{
	"dispatcher.yaml": `dispatcher: 1
project: shop
start: main
languages: [en, fr]
timezone: UTC
idle_close: 24h
retention: {messages: 180d, facts: 400d}
budget: {questions: 6, words: 80}
queues: {general: {}, orders: {first_reply: 1h}}
default_queue: general
services: {shop: {url: "https://shop.example"}}
canned: {late: Sorry., bye: Bye.}
everywhere: {hours: {match: [hours], goto: main.end_hours}}
server: {listen: ":80"}
storage: {durability: full}
`,
	"flows/main.yaml": `flow: main
description: The old one
vanished: {goto: pause}
slots:
  size: {type: choice, values: {s: Small, l: Large}}
  note: {type: text, min: 3, pii: true, keep: 10d}
  gone: text
  n: {type: number, check: value > 1, clean: [trim]}
  colour: {type: choice, values: [red, blue]}
states:
  start:
    when: slots.n == nil
    else: pause
    say: Hello
    goto: menu
  menu:
    say: [One, "Which?"]
    options:
      - {id: a, label: {en: Apples, fr: Pommes}, match: [apple], goto: pause}
      - {id: b, label: Pears, description: Green, goto: pause}
      - {id: c, label: Plums, handoff: orders}
      - {id: d, label: More, call: {flow: other, on: {seen: pause, else: menu}}}
      - {id: e, label: Why, branch: [{if: slots.n == 1, goto: pause}, {else: collecting}]}
    no_match: [{say: Again?}, {goto: pause}]
    no_reply: [{after: 10m, say: There?}, {after: 1h, resolve: no_reply}]
    goto: pause
  pause:
    ask: {en: Pause?, fr: "Pause ?"}
    options: {Go on: collecting, Stop it: {resolve: done}}
  collecting:
    collect: {slot: note, ask: A note?, max_tries: 2, give_up: pause, skip: None, missing: pause}
    goto: looking
  looking:
    say: Looking
    http: {service: shop, get: /x, save: x, returns: {a: text}, on: {404: pause, else: {handoff: general}}}
    goto: forming
  forming:
    form: {ask: "Fill {{ form.url }}", fields: [size]}
    goto: proving
  proving:
    verify: {by: code, service: shop, ask: Your code?}
    goto: chatty
  chatty:
    say: [One, Two]
    goto: silent
  silent:
    goto: told
  told:
    say: Told
    goto: colouring
  colouring:
    collect: {colour: "Colour?"}
    goto: person
  kindly:
    ask: Kind?
    options: {"Yes": person}
  end_hours: {say: Nine to five., goto: menu}
  person:
    handoff: {queue: general, say: Bye}
`,
	"flows/other.yaml": "flow: other\nstates:\n  start: {say: Other, return: seen}\n",
	"flows/old.yaml":   "flow: old\nstates:\n  start: {say: Old, return: }\n  more: {return: }\n",
}

// planEdits are what becomes of the lines of planOld, the file's name first.
var planEdits = map[string][]string{
	"dispatcher.yaml": {"timezone: UTC\n", "timezone: Europe/London\n", "idle_close: 24h\n", "", "budget: {questions: 6, words: 80}", "budget: {questions: 7, messages: 4}",
		"retention: {messages: 180d, facts: 400d}", "retention: {messages: 90d, facts: 400d}\nholdout: 5%", "orders: {first_reply: 1h}", "orders: {first_reply: 2h}, third: {}",
		"start: main\n", "start: [{if: contact.new, flow: main}, {else: main}]\n",
		"late: Sorry., bye: Bye.", "late: So sorry., hi: Hi.", "match: [hours]", "match: [hours, open]", `listen: ":80"`, `listen: ":81"`, "storage: {durability: full}\n", ""},
	"flows/main.yaml": {"The old one", "The new one", "vanished: {goto: pause}", "vanished: {goto: menu}",
		"{s: Small, l: Large}", "{s: Little, l: Large}", "min: 3, pii: true, keep: 10d", "max: 300, keep: 20d", "  gone: text\n", "  fresh: text\n", "check: value > 1, clean: [trim]", "check: value > 2, clean: [trim, digits]",
		"values: [red, blue]", "values: [red, green]",
		"when: slots.n == nil", "when: slots.n != nil", "say: [One, \"Which?\"]", "say: [Two, \"What?\"]",
		"fr: Pommes}, match: [apple]", "fr: Pommettes}, match: [fruit]", "description: Green", "description: Red", "handoff: orders", "handoff: general", "flow: other, on: {seen: pause, else: menu}", "flow: other2, on: {seen: menu, else: menu}",
		"[{if: slots.n == 1, goto: pause}, {else: collecting}]", "[{if: slots.n == 2, goto: pause}, {else: menu2}]",
		"[{say: Again?}, {goto: pause}]", "[{say: Once more?}, {goto: menu2}]", "[{after: 10m, say: There?}, {after: 1h, resolve: no_reply}]", "[{after: 20m, say: There?}, {after: 1h, goto: pause}]",
		"fr: \"Pause ?\"", "fr: \"Une pause ?\"", "Stop it: {resolve: done}", "Stop it: {resolve: stopped_it}, Later: menu",
		"max_tries: 2, give_up: pause, skip: None, missing: pause", "max_tries: 4, give_up: menu, skip: None",
		"returns: {a: text}, on: {404: pause, else: {handoff: general}}", "returns: {a: number}, on: {404: menu, else: {handoff: orders}}",
		"\"Fill {{ form.url }}\"", "\"Please fill {{ form.url }}\", fallback: menu, expires: 1h", "ask: Your code?", "ask: The code?, failed: pause", "  chatty:\n    say: [One, Two]\n", "  chatty:\n    say: [One, Two, Three]\n",
		"  silent:\n", "  silent:\n    say: Now loud\n", "    say: Told\n", "", "collect: {colour: \"Colour?\"}", "form: {ask: \"See {{ form.url }}\", fields: [colour]}",
		"    ask: Kind?\n    options: {\"Yes\": person}\n", "    say: No question\n    goto: person\n", "{queue: general, say: Bye}", "{queue: general, say: So long}",
		"  end_hours: {say", "  menu2: {resolve: done}\n  end_hours: {say"},
	"flows/other.yaml": {"flow: other\n", "flow: other2\n"},
}

func planProject(t *testing.T, data map[string]string, media map[string]string) *flows.Project {
	t.Helper()
	files := &flows.Files{Name: "shop", Data: map[string][]byte{}, Media: map[string][sha256.Size]byte{}}
	for path, text := range data {
		files.Data[path] = []byte(text)
	}
	for path, text := range media {
		files.Media[path] = sha256.Sum256([]byte(text))
	}
	p := flows.Load(files, flows.Options{})
	if !p.OK() {
		var b strings.Builder
		p.WriteText(&b, false)
		t.Fatal(b.String())
	}
	return p
}

// TestEveryChangeInWords: of two projects that differ in everything, plan says
// each difference once, and nothing of what is the same.
func TestEveryChangeInWords(t *testing.T) {
	t.Parallel()
	after := map[string]string{}
	for path, text := range planOld {
		after[path] = text
		for i := 0; i < len(planEdits[path]); i += 2 {
			if !strings.Contains(after[path], planEdits[path][i]) {
				t.Fatalf("%s has no %q", path, planEdits[path][i])
			}
			after[path] = strings.Replace(after[path], planEdits[path][i], planEdits[path][i+1], 1)
		}
	}
	delete(after, "flows/old.yaml")
	after["flows/locales/fr.yaml"] = "language: fr\nflow.main:\n  start.say: {from: Hello, to: Bonjour}\n"
	before := planProject(t, planOld, map[string]string{"flows/media/a.png": "a", "flows/media/b.png": "b", "flows/media/same.png": "s"})
	now := planProject(t, after, map[string]string{"flows/media/b.png": "B", "flows/media/c.png": "c", "flows/media/same.png": "s"})
	d := flows.Diff(before, now)
	var got []string
	for _, c := range d.Changes {
		got = append(got, c.Kind+" | "+c.Text)
	}
	if want := strings.Split(strings.TrimSpace(planSays), "\n"); !slices.Equal(got, want) {
		t.Errorf("said:\n%s", strings.Join(got, "\n"))
	}
	if !slices.Equal(d.Slots(), []string{"note", "n", "colour"}) {
		t.Errorf("slots with other rules: %v", d.Slots())
	}
	for position, want := range map[string]bool{"main.menu": true, "main.start": true, "old.start": true, "nowhere.x": true} {
		if d.Reaches(position) != want {
			t.Errorf("reaches %s: %v", position, !want)
		}
	}
}

// TestWhomAChangeReaches: where no slot's rules changed, only those whose
// state is written differently, renamed or gone.
func TestWhomAChangeReaches(t *testing.T) {
	t.Parallel()
	load := func(states string) *flows.Project {
		return planProject(t, map[string]string{"flows/a.yaml": "flow: a\n" + states}, nil)
	}
	base := "states:\n  start: {ask: Q?, options: {A: b, C: c}}\n  b: {say: B, resolve: done}\n  c: {say: C, resolve: done}\n"
	for _, c := range []struct {
		name, after string
		reached     []string
		concerns    bool
	}{
		{"a comment", base + "# x\n", nil, false},
		{"reworded", strings.Replace(base, "say: B", "say: BB", 1), []string{"a.b"}, false},
		{"renamed", "renamed: {c: d}\n" + strings.NewReplacer("C: c", "C: d", "  c: ", "  d: ").Replace(base), []string{"a.start", "a.c"}, true},
		{"gone", strings.NewReplacer("C: c", "C: b", "  c: {say: C, resolve: done}\n", "").Replace(base), []string{"a.start", "a.c"}, true},
		{"a slot's rules", "slots: {s: number}\n" + base, nil, false},
	} {
		d := flows.Diff(load(base), load(c.after))
		var got []string
		for _, position := range []string{"a.start", "a.b", "a.c"} {
			if d.Reaches(position) {
				got = append(got, position)
			}
		}
		if !slices.Equal(got, c.reached) || d.Concerns() != c.concerns {
			t.Errorf("%s: reaches %v, concerns %v", c.name, got, d.Concerns())
		}
	}
	slots := flows.Diff(load("slots: {s: text}\n"+base), load("slots: {s: number}\n"+base))
	if !slots.Concerns() || !slots.Reaches("a.b") {
		t.Error("a slot's other rules reach nobody")
	}
}

const planSays = `
project | budget.questions: 6 → 7
project | budget.messages is new
project | budget.words is removed
project | holdout is new
project | idle_close is removed
project | queues.orders changed
project | queues.third is new
project | retention.messages: 180d → 90d
project | server changed (takes effect after a restart)
project | which flow a new conversation starts with changed
project | storage is removed (takes effect after a restart)
project | timezone: UTC → Europe/London
flow | main: description changed
flow | main: people whose state is gone go to menu (was to pause)
message | main.start: message reworded in fr
state | main.start: when changed
question | main.menu: question reworded: “Which?” → “What?”
message | main.menu: message reworded: “One” → “Two”
option | main.menu: option a reworded in fr
option | main.menu: option “Apples” now also matches fruit
option | main.menu: option “Apples” no longer matches apple
option | main.menu: option “Pears” changed
edge | main.menu: no match 2 now leads to menu2 (was to pause)
edge | main.menu: silence 2 now leads to pause (was to the end (no_reply))
edge | main.menu: option c now leads to a person in general (was to a person in orders)
edge | main.menu: option d now leads through other2 (was through other)
edge | main.menu: option d (result:seen) now leads to menu (was to pause)
edge | main.menu: option e (branch:else) now leads to menu2 (was to collecting)
state | main.menu: no_match changed
state | main.menu: no_reply changed
state | main.menu: conditions changed
question | main.pause: question reworded in fr
option | main.pause: option “Later” is new and leads to menu
edge | main.pause: option stop_it now leads to the end (stopped_it) (was to the end (done))
edge | main.collecting: giving up now leads to menu (was to pause)
edge | main.collecting: having none no longer leads to pause
state | main.collecting: collect changed
edge | main.looking: look-up 404 now leads to menu (was to pause)
edge | main.looking: look-up else now leads to a person in orders (was to a person in general)
state | main.looking: http changed
question | main.forming: question reworded: “Fill {{ form.url }}” → “Please fill {{ form.url }}”
edge | main.forming: form:fallback now leads to menu
state | main.forming: form changed
question | main.proving: question reworded: “Your code?” → “The code?”
edge | main.proving: verify:failed now leads to pause
message | main.chatty: messages reworded
message | main.silent: now says something first
message | main.told: says nothing any more
question | main.colouring: now opens a form (it asked for colour before)
question | main.colouring: question reworded: “Colour?” → “See {{ form.url }}”
question | main.kindly: now asks nothing (it offered options before)
message | main.kindly: now says something first
option | main.kindly: option “Yes” is removed
edge | main.kindly: the way on now leads to person
state | main.menu2: is new
state | main.person: what is handed over changed
flow | flow old is removed (2 states)
flow | flow other is removed (1 state)
flow | flow other2 is new (1 state)
entry | everywhere.hours changed
slot | slot size: labels changed
slot | slot note: min 3 → none
slot | slot note: max 2000 → 300
slot | slot note: pii changed
slot | slot note: keep changed
slot | slot fresh is new
slot | slot n: check value > 1 → value > 2
slot | slot n: clean changed
slot | slot colour: values red, blue → red, green
slot | slot gone is removed; what is known stays, hidden
canned | canned.late reworded
canned | canned.hi is new
canned | canned.bye is removed
locale | translations in flows/locales/fr.yaml changed
media | flows/media/a.png is removed
media | flows/media/b.png changed
media | flows/media/c.png is new
`

// TestADefaultThatComesOrGoes: what a slot starts with is a text, a number or
// nothing, and plan says each change of it.
func TestADefaultThatComesOrGoes(t *testing.T) {
	t.Parallel()
	project := func(rest string) *flows.Project {
		return planProject(t, map[string]string{"dispatcher.yaml": "dispatcher: 1\nproject: shop\nstart: main\nlanguages: [en]\nqueues: {general: {}}\ndefault_queue: general\n",
			"flows/main.yaml": "flow: main\nslots:\n  n: {" + rest + "}\nstates:\n  start: {say: \"{{ slots.n }}\", resolve: done}\n"}, nil)
	}
	for _, c := range []struct{ old, new, want string }{
		{"type: text, default: a", "type: text, default: b", "slot n: default a → b"},
		{"type: text, default: a", "type: text", "slot n: default changed"},
		{"type: text", "type: text, default: b", "slot n: default changed"},
		{"type: number, default: 1", "type: number, default: 2", "slot n: default changed"},
		{"type: number, default: 1", "type: number", "slot n: default changed"},
		{"type: text, default: a", "type: number, default: 2", "slot n: type text → number; slot n: max 2000 → none; slot n: default changed"},
		{"type: text, default: a", "type: text, default: a", ""},
	} {
		var got []string
		for _, d := range flows.Diff(project(c.old), project(c.new)).Changes {
			got = append(got, d.Text)
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s → %s: %q, want %q", c.old, c.new, text, c.want)
		}
	}
}
