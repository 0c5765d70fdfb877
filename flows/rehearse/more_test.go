package rehearse_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"dispatcher/flows"
	"dispatcher/flows/rehearse"
)

// The report is the same however many tests run at once, but for the times.
func TestOrderDoesNotDependOnWorkers(t *testing.T) {
	t.Parallel()
	a, err := txtar.ParseFile("testdata/suite/cover.txtar")
	if err != nil {
		t.Fatal(err)
	}
	want := ""
	for _, workers := range []int{1, 2, 8} {
		suite, _ := suiteOf(t, a)
		suite.Workers = workers
		got := tookMS.ReplaceAllString(string(suite.Run().JSON()), `"ms":0`)
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%d workers:\n%s\nwant\n%s", workers, got, want)
		}
	}
}

func project(t testing.TB, flow, tests string) (*rehearse.Suite, *flows.Files) {
	t.Helper()
	return suiteOf(t, &txtar.Archive{Files: []txtar.File{{Name: "flows/a.yaml", Data: []byte(flow)}, {Name: "flows/tests/a.test.yaml", Data: []byte(tests)}}})
}

// What is rewritten has * where it was, is quoted as it was, and nothing else
// of the file changes.
func TestRewrites(t *testing.T) {
	t.Parallel()
	said := "What's your order number? It looks like AB123456."
	for _, c := range []struct{ old, want string }{
		{`What is your number?`, `What's your order number? It looks like AB123456.`},
		{`"What's your ordr number?*"`, `"What's your order number?*"`},
		{`"*looks just like AB12*"`, `"*looks like*"`},
		{`"*It looked like AB123456."`, `"*It looks like AB123456."`},
		{`"What was your*like CD1"`, `"What's your*like AB123456."`},
		{`"nothing of it at all*"`, `"What's your order number? It looks like AB123456.*"`},
		{`"*zzz*"`, `"*What's your order number? It looks like AB123456.*"`},
		{`"What's your*tomorrow*AB123456."`, `"What's your order number? It looks like AB123456."`},
		{`"What's your order * is lost."`, `"What's your order * It looks like AB123456."`},
		{`"Give * It looks like AB123456."`, `"What's your order * It looks like AB123456."`},
		{`/What.s my.*/`, `What's your order number? It looks like AB123456.`},
		{`'What''s my number'`, `"What's your order number? It looks like AB123456."`},
		{"|\n          What's\n          my number\n", `"What's your order number? It looks like AB123456."` + "\n"},
	} {
		tests := "tests:\n  - name: x\n    chat:\n      - user: hi # first\n      - bot: " + c.old + "   # in our words\n      - handoff: general\n"
		if strings.HasPrefix(c.old, "|") {
			tests = "tests:\n  - name: x\n    chat:\n      - user: hi # first\n      - bot: " + c.old + "        # in our words\n      - handoff: general\n"
		}
		suite, files := project(t, "flow: a\nstates:\n  start: {say: \""+said+"\", handoff: {queue: general, say: \"\"}}\n", tests)
		if !suite.Tests.OK() {
			t.Fatal(c.old, suite.Tests.Diagnostics)
		}
		report := suite.Run()
		list := report.Rewrites()
		if len(list) != 1 {
			t.Errorf("%s: %d rewrites", c.old, len(list))
			continue
		}
		got := string(rehearse.Apply(files.Data["flows/tests/a.test.yaml"], list))
		want := strings.Replace(tests, c.old, c.want, 1)
		if got != want {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", c.old, got, want)
		}
		again, _ := project(t, string(files.Data["flows/a.yaml"]), got)
		if r := again.Run(); !r.OK() {
			t.Errorf("%s: the rewritten test fails: %+v", c.old, r.Outcomes[0].Failure)
		}
	}
}

// Whatever was said, its rewritten pattern fits it and reads as YAML.
func TestRewrittenFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"Hi", "there,", "*", "/x/", `"quoted"`, "it's", "a: b", "# no", `back\slash`, "👋", "{x}", "[y]", "number?", "AB1"}), 1, 8)
		message := strings.Join(words.Draw(t, "message"), " ")
		pattern := strings.Join(words.Draw(t, "pattern"), " ")
		old, err := flows.NewPattern(pattern)
		if err != nil || old.Match(message) {
			return
		}
		text := rehearse.RewriteText(old, message)
		p, err := flows.NewPattern(text)
		if err != nil || !p.Match(message) {
			t.Fatalf("%q for %q does not fit %q: %v", text, pattern, message, err)
		}
	})
}

// A pattern is compared with the whole message; line breaks are spaces.
func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, message string
		want             bool
	}{
		{"Hello", "Hello", true},
		{"Hello", "Hello ", true},
		{"Hello", "hello", false},
		{"Hello", "Hello there", false},
		{"Hello*", "Hello there", true},
		{"Hello*", "Hello", true},
		{"*there", "Hello there", true},
		{"*o t*", "Hello there", true},
		{"H*o*e", "Hello there", true},
		{"H*x*e", "Hello there", false},
		{"aba*aba", "aba", false},
		{"aba*aba", "abaaba", true},
		{`2 \* 3`, "2 * 3", true},
		{`2 \* 3`, "2 x 3", false},
		{`\/path/`, "/path/", true},
		{"/Hel+o/", "Hello", true},
		{"/Hel+o/", "Hello there", false},
		{"/Hello.*/", "Hello\nthere", true},
		{"Hello there", "Hello\n\n  there", true},
		{"Hello\nthere", "Hello there", true},
		{"...", "anything", true},
		{"*", "", true},
		{"", "", true},
	} {
		p, err := flows.NewPattern(c.pattern)
		if err != nil {
			t.Fatal(c.pattern, err)
		}
		if got := p.Match(c.message); got != c.want {
			t.Errorf("%q, %q: %v", c.pattern, c.message, got)
		}
	}
	if _, err := flows.NewPattern("/(/"); err == nil {
		t.Error("a broken regular expression is taken")
	}
}

// The painted page holds every line of the flows as text, marked.
func TestHTML(t *testing.T) {
	t.Parallel()
	a, err := txtar.ParseFile("testdata/suite/cover.txtar")
	if err != nil {
		t.Fatal(err)
	}
	suite, files := suiteOf(t, a)
	var out bytes.Buffer
	if err := suite.Run().Coverage.WriteHTML(&out, suite.Project); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, want := range []string{
		"prefers-color-scheme: dark", `<meta name="color-scheme" content="light dark">`, `class="half"`, `class="none"`, `class="full"`, "never entered",
		"no_match:2 never taken", "<title>Coverage of shop</title>", "{goto: {state: start, at_most: 1, else: end1}}",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "http://") || strings.Contains(page, "src=") {
		t.Error("the page asks for something")
	}
	if n := strings.Count(string(files.Data["flows/a.yaml"]), "\n"); strings.Count(page, `<td class="n">`) < n {
		t.Errorf("fewer lines than the flow has: %d", n)
	}
}

// A talk goes on with the flows as they are from the next input on.
func TestReloadKeepsPinnedSets(t *testing.T) {
	t.Parallel()
	flow := "flow: a\nversions: pin\nstates:\n  start: {ask: One?, options: {A: next}}\n  next: {ask: Two of %s?, options: {B: {resolve: done}}}\n"
	load := func(word string) *flows.Project {
		return flows.Load(&flows.Files{Data: map[string][]byte{"flows/a.yaml": []byte(strings.ReplaceAll(flow, "%s", word))}}, flows.Options{})
	}
	talk := rehearse.New(load("old").Set, rehearse.Options{})
	if _, err := talk.Say("hi"); err != nil {
		t.Fatal(err)
	}
	talk.Reload(load("new").Set)
	lines, err := talk.Tap("a")
	if err != nil || len(lines) != 1 || lines[0].Text != "Two of old?" {
		t.Fatalf("%+v %v", lines, err)
	}
	if _, err := talk.Wait(8 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
}

// FuzzTests: no test file makes the reader or the runner panic or hang.
func FuzzTests(f *testing.F) {
	for _, seed := range []string{
		"tests: [{name: a, chat: [{user: hi}, {bot: ...}, {bot: '*'}, {wait: 1h}, {expect: {state: a.start}}]}]",
		"defaults: {http: {GET /x: [{status: 404}]}}\ntests:\n  - {name: a, each: all, languages: all, chat: [{tap: a}, {silent: true}]}",
		"tests: [{name: a, start: a.start, slots: {n: 1}, chat: [{agent: claim}, {agent: {say: x}}, {send: image, text: y}, {set: {n: null}}]}]",
		"tests: [{name: a, chat: [{handoff: '*', summary: {contains: x}}, {resolved: done}, {reload: x}, {verify: ok}, {submit: {n: 1}}]}]",
	} {
		f.Add(seed)
	}
	flow := "flow: a\nslots: {n: number}\nstates:\n  start: {ask: What?, options: {A: {resolve: a}, B: b}}\n  b: {collect: {n: How many?}, handoff: general}\n"
	f.Fuzz(func(t *testing.T, tests string) {
		if len(tests) > 4096 {
			return
		}
		suite, _ := project(t, flow, tests)
		if suite.Tests.OK() {
			var out strings.Builder
			suite.Run().WriteText(&out, rehearse.Style{Verbose: true, Cover: true})
		}
	})
}

// The window of a channel closes so long after the customer's last message.
func TestTheWindowCloses(t *testing.T) {
	t.Parallel()
	suite, _ := project(t, "flow: a\nstates:\n  start: {ask: What?, options: {A: {resolve: done}}}\n", `tests:
  - name: open and closed
    start: a
    chat:
      - wait: 59m
      - expect: {channel.window_open: true}
      - user: lorem
      - bot: ...
      - wait: 59m
      - expect: {channel.window_open: true}
      - wait: 2m
      - expect: {channel.window_open: false}
`)
	suite.Window = func(string) time.Duration { return time.Hour }
	if r := suite.Run(); !r.OK() {
		t.Errorf("%+v", r.Outcomes[0].Failure)
	}
}
