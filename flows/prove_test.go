package flows

import (
	"strings"
	"testing"
)

// table is what check --proof and --costs print of a project.
func table(t *testing.T, files map[string]string, opts Options) (proof, costs string, p *Project) {
	t.Helper()
	f := &Files{Name: "t", Data: map[string][]byte{}}
	for path, text := range files {
		f.Data[path] = []byte(text)
	}
	opts.Proof, opts.Costs = true, true
	p = Load(f, opts)
	var a, b strings.Builder
	p.Proof.WriteText(&a)
	WriteCosts(&b, p.Costs)
	return a.String(), b.String(), p
}

const provenProject = `dispatcher: 1
languages: [en, fr, pt]
start: shop
idle_close: 2d
services: {api: {url: "https://api.acme.example", timeout: 2s}}
channels: {web: {}, x: {price: {in: 0.01, out: 0.02, public: 0.5, currency: EUR}}, sim: {price: {in: 1}}}
defaults: {max_tries: 4, no_match: [{say: Pardon?}, {say: Really?}]}
`

const provenShop = `flow: shop
slots: {name: text}
states:
  start:
    say: Hello.
    ask: What is it about?
    options: {My order: order, A form: form, Something else: person}
  order:
    collect: {slot: order_number, ask: Number?, max_tries: 2, options: {None: person}}
    no_reply: [{after: 1h30m, say: Still there?}, {after: 2 open hours, goto: person}]
    goto: look_up
  look_up:
    http: {service: api, get: /orders, retry: 3, on: {else: person}}
    goto: sure
  sure:
    ask: Sure?
    options: {Fine: bye}
    no_match: [{say: "?"}, {goto: person}]
    goto: bye
  form:
    form: {ask: "{{ form.url }}", fields: [name], expires: 10m}
    goto: proof
  proof:
    verify: {by: code, service: api, ask: Code?, max_tries: 5}
    goto: ask_again
  ask_again:
    ask: Again?
    options: {"Yes": {call: sub, goto: bye}}
  person:
    handoff: {say: [Bye., Really.]}
    unanswered: [{after: 1h, say: Sorry.}, {after: 4h, resolve: nobody}]
  bye: {say: [Thanks., Bye.], resolve: done}
`

const provenSub = `flow: sub
states:
  start: {collect: {slot: note, ask: Note?, skip: "No"}, goto: two}
  two: {collect: {slot: more, ask: More?}, return: found}
`

func TestProofTable(t *testing.T) {
	t.Parallel()
	proof, _, p := table(t, map[string]string{"dispatcher.yaml": provenProject, "flows/shop.yaml": provenShop, "flows/sub.yaml": provenSub}, testOptions())
	if !p.OK() {
		var out strings.Builder
		p.WriteText(&out, false)
		t.Fatal(out.String())
	}
	want := `state           asks  to a person  to an end  tries  silence             escape
shop.start      yes   1 turn       1 turn     3      2d idle_close       en fr
shop.order      yes   1 turn       2 turns    2      2 open hours goto   en fr
shop.look_up    no    1 turn       1 turn     -      look-up within 15s  en fr
shop.sure       yes   1 turn       1 turn     2      2d idle_close       en fr
shop.form       yes   1 turn       5 turns    1      2d idle_close       en fr
shop.proof      yes   1 turn       4 turns    5      2d idle_close       en fr
shop.ask_again  yes   1 turn       3 turns    3      2d idle_close       en fr
shop.person     no    0 turns      0 turns    -      4h resolve          en fr
sub.start       yes   1 turn       2 turns    4      2d idle_close       en fr
sub.two         yes   1 turn       1 turn     4      2d idle_close       en fr
proved: 10 of 10 waiting states
`
	if proof != want {
		t.Errorf("got\n%swant\n%s", proof, want)
	}
}

// A look-up that leads back to a question with its answer in hand is named in
// the proof, beside the question.
func TestProofNamesLookupsWithoutEnd(t *testing.T) {
	t.Parallel()
	proof, _, _ := table(t, map[string]string{
		"dispatcher.yaml": "dispatcher: 1\nstart: a\nservices: {s: {url: 'https://a.example', methods: [get]}}\n",
		"flows/a.yaml": `flow: a
states:
  start: {collect: {slot: n, ask: "Number?"}, goto: look}
  look: {http: {service: s, get: "/o/{{ slots.n }}", on: {404: start, else: person}}, goto: person}
  person: {handoff: general}
`}, testOptions())
	for _, line := range []string{
		"not proved: a.start: it goes round without waiting: start → look → start\n",
		"not proved: a.look: it goes round without waiting: look → start → look\n",
		"proved: 1 of 3 waiting states\n",
	} {
		if !strings.Contains(proof, line) {
			t.Errorf("no %q in\n%s", line, proof)
		}
	}
}

// What is not proved is named, with the reason.
func TestProofFails(t *testing.T) {
	t.Parallel()
	proof, _, _ := table(t, map[string]string{
		"flows/a.yaml": `flow: a
everywhere: {talk_to_person: {goto: why}}
states:
  start: {collect: {slot: x, ask: "X?", give_up: sorry}, goto: again}
  sorry: {say: Sorry., goto: start}
  again: {ask: Again?, options: {"Yes": again, "No": again}}
  why: {ask: Why?, options: {Because: person}}
  person: {handoff: general}
  odd: {collect: {slot: y, ask: "{{ nope }}"}, goto: person}
`}, testOptions())
	for _, line := range []string{
		"a.start   yes   never        never      endless  24h idle_close  en\n",
		"a.why     yes   never        1 turn     3        24h idle_close  en\n",
		"a.person  no    0 turns      0 turns    -        the desk        en\n",
		"not proved: a.start: tries are not bounded: start → start\n",
		"not proved: a.again: no path from it ends\n",
		"not proved: a.why: talk_to_person leads to no handoff\n",
		"not proved: a.odd: it has errors\n",
		"proved: 1 of 5 waiting states\n",
	} {
		if !strings.Contains(proof, line) {
			t.Errorf("no %q in\n%s", line, proof)
		}
	}
}

// Words for a person that a locale file gives count as a language.
func TestProofCountsOwnWords(t *testing.T) {
	t.Parallel()
	p := translatedShop()
	opts := testOptions()
	opts.Proof = true
	got := Load(p, opts)
	if s := got.Proof.States[0]; strings.Join(s.Escape, " ") != "en fr pt" {
		t.Errorf("%+v", s)
	}
	delete(p.Data, "flows/locales/pt.yaml")
	if s := Load(p, opts).Proof.States[0]; strings.Join(s.Escape, " ") != "en fr" {
		t.Errorf("%+v", s)
	}
}

// The dearest path: of shop it is form, code and the called flow.
func TestCostTable(t *testing.T) {
	t.Parallel()
	files := map[string]string{"dispatcher.yaml": provenProject, "flows/shop.yaml": provenShop, "flows/sub.yaml": provenSub,
		"flows/mention.yaml": "flow: mention\non: public\nstates:\n  start: {say: Sorry., handoff: general}\n"}
	_, costs, _ := table(t, files, testOptions())
	want := `flow     channel  in  out  cost
mention  x        0   1    0.50 EUR
mention  sim      0   1    0.00 USD
shop     x        20  23   0.66 EUR
shop     sim      20  23   20.00 USD
sub      x        8   9    0.26 EUR
sub      sim      8   9    8.00 USD
`
	if costs != want {
		t.Errorf("got\n%swant\n%s", costs, want)
	}
	only := testOptions()
	only.Only = []string{"x"}
	limit := 0.65
	only.MaxCost = &limit
	_, costs, p := table(t, files, only)
	if strings.Contains(costs, "sim") {
		t.Error(costs)
	}
	var said []string
	for _, d := range p.Diagnostics {
		if d.Code == "W410" {
			said = append(said, d.Message)
		}
	}
	if len(said) != 1 || said[0] != "worst path costs 0.66 EUR on x (20 in, 23 out); limit 0.65" {
		t.Error(said)
	}
	if _, costs, _ := table(t, map[string]string{"flows/a.yaml": fine}, testOptions()); !strings.HasPrefix(costs, "no channel has a price") {
		t.Error(costs)
	}
}

func TestAmount(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0.00", 0.2: "0.20", 0.32: "0.32", 1.5: "1.50", 0.0125: "0.0125", 12: "12.00"} {
		if got := amount(v); got != want {
			t.Errorf("%v: %s", v, got)
		}
	}
}
