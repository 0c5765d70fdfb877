package rehearse_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"dispatcher/flows"
	"dispatcher/flows/rehearse"
)

const decidedFlow = `flow: shop
slots:
  order: {type: text, clean: [upper], pattern: '[A-Z]{2}\d{6}', find: '\b[a-z]{2}\d{6}\b', called: [order number]}
  pin: {type: text, secret: true, keep: 1d, pattern: '\d{4}', called: [pin]}
  n: {type: number}
states:
  start:
    say: "What is it?"
    options:
      Where's my order?: {goto: track, match: [parcel, late delivery]}
      Return something: secret
  track: {collect: {slot: order, ask: "Which order?", confirm: true, options: {None: person}}, goto: secret}
  secret: {collect: {slot: pin, ask: "PIN?", options: {Lost: many}}, goto: many}
  many: {collect: {slot: n, ask: "How many?"}, goto: person}
  person: {handoff: general}
everywhere:
  hours: {match: [opening hours], say: "Nine to five.", goto: start}
`

func decidedSet(t *testing.T) *flows.Project {
	t.Helper()
	files, err := flows.Read(fstest.MapFS{"flows/shop.yaml": {Data: []byte(decidedFlow)}}, "shop")
	if err != nil {
		t.Fatal(err)
	}
	p := flows.Load(files, flows.Options{})
	if !p.OK() {
		var out strings.Builder
		p.WriteText(&out, false)
		t.Fatal(out.String())
	}
	return p
}

// What decided an answer is one line with its place, whatever stage it was.
func TestDecided(t *testing.T) {
	t.Parallel()
	talk := rehearse.New(decidedSet(t).Set, rehearse.Options{})
	for _, c := range []struct{ input, want string }{
		{"hello", "opens the conversation @ flows/shop.yaml:7"},
		{"xyzzy", "nothing matched @ flows/shop.yaml:7"},
		{"opening hours", `everywhere:hours, by "opening hours" @ flows/shop.yaml:17`},
		{"my parcel please", `wheres_my_order, by the word "parcel" @ flows/shop.yaml:10`},
		{"/back", ""},
		{"some late delivery", `wheres_my_order, by the words "late delivery" @ flows/shop.yaml:10`},
		{"/back", ""},
		{"1", `wheres_my_order, by "1" @ flows/shop.yaml:10`},
		{"/back", ""},
		{"/tap 1", "wheres_my_order, pressed @ flows/shop.yaml:10"},
		{"ab123456", "order = AB123456, read back @ "},
		{"yes", "order = AB123456 @ flows/shop.yaml:12"},
		{"12", "nothing matched @ "},
		{"4711", "pin = •••• @ flows/shop.yaml:13"},
		{"wrong pin, 0815", "pin = ••••, corrected @ flows/shop.yaml:14"},
		{"3", "n = 3 @ flows/shop.yaml:14"},
		{"anybody?", "waits for a person, the assistant is silent @ "},
		{"/agent claim", ""},
		{"hello?", "an agent has the conversation, the assistant is silent @ "},
	} {
		if _, _, err := talk.Input(c.input); err != nil {
			t.Fatalf("%s: %v", c.input, err)
		}
		if c.want == "" {
			continue
		}
		got := "nothing"
		if d := talk.Decided(); len(d) > 0 {
			got = fmt.Sprintf("%s @ %s", d[0].Text, d[0].At)
		}
		if got != c.want {
			t.Errorf("%q: decided by %s, want %s; %v", c.input, got, c.want, talk.Why())
		}
	}
}

// A value found ahead of its question is told as well.
func TestDecidedFound(t *testing.T) {
	t.Parallel()
	talk := rehearse.New(decidedSet(t).Set, rehearse.Options{})
	if _, _, err := talk.Input("my parcel ab123456"); err != nil {
		t.Fatal(err)
	}
	d := talk.Decided()
	if len(d) != 2 || d[1].Text != "order = AB123456, found" {
		t.Errorf("decided by %v", d)
	}
}

// Words that are a secret, right or mistyped, are dots; buttons and entries of
// everywhere are not.
func TestShown(t *testing.T) {
	t.Parallel()
	talk := rehearse.New(decidedSet(t).Set, rehearse.Options{Start: "shop.secret"})
	for _, c := range []struct{ input, want string }{
		{"opening hours", "opening hours"},
		{"/goto shop.secret", "/goto shop.secret"},
		{"12", "••••"},
		{"Lost", "Lost"},
		{"/back", "/back"},
		{"/send image look 4711", "/send image"},
		{"/back", "/back"},
		{"4711", "••••"},
		{"hello 5", "hello 5"},
		{"/set pin=0815", "/set pin=••••"},
		{"/set slots.pin = 0815", "/set slots.pin =••••"},
		{"/set n=5", "/set n=5"},
	} {
		if _, _, err := talk.Input(c.input); err != nil {
			t.Fatalf("%s: %v", c.input, err)
		}
		if got := talk.Shown(c.input); got != c.want {
			t.Errorf("%q is shown as %q, want %q", c.input, got, c.want)
		}
	}
	if got := talk.Shown("/submit n=5; pin=0815"); got != "/submit n=5; pin=••••" {
		t.Errorf("a form is shown as %q", got)
	}
}

// A test that begins in a state whose texts need something nobody has given
// says so, instead of blaming its first step.
func TestWhereATestCouldNotBegin(t *testing.T) {
	t.Parallel()
	suite, _ := project(t, `flow: a
slots: {at: date}
states:
  start: {collect: {at: "When?"}, goto: sure}
  sure:
    ask: "{{ slots.at | day() }}?"
    options: {"Yes": bye}
  bye: {resolve: done}
`, `tests:
  - name: a person
    each: [a.sure]
    chat:
      - user: agent
      - bot: "*"
`)
	report := suite.Run()
	if report.Failed != 1 {
		t.Fatalf("%d failed", report.Failed)
	}
	why := strings.Join(report.Outcomes[0].Failure.Why, "\n")
	if !strings.Contains(why, "the test could not begin in a.sure, the conversation went to a person there: ") {
		t.Error(why)
	}
}
