package flows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"dispatcher/engine"
	"dispatcher/internal/pace"

	"github.com/rogpeppe/go-internal/txtar"
)

func one(flow string) *Files {
	return &Files{Name: "t", Data: map[string][]byte{"flows/a.yaml": []byte(flow)}}
}

const fine = "flow: a\nstates:\n  start: {resolve: done}\n"

// hostileMost is what checking one file may cost (pace.Of).
const hostileMost = 450

// hostile is what a broken editor, a wrong file or an attacker writes.
func hostile() map[string]string {
	many := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	return map[string]string{
		"empty": "", "nul": "flow: a\x00", "bom only": "\xef\xbb\xbf", "utf-16": "\xff\xfef\x00l\x00", "a picture": "\x89PNG\r\n\x1a\n\x00\x00",
		"600k brackets": strings.Repeat("[", 600_000/scale), "1 MiB of braces": "flow: a\nstates:\n  start:\n    say: \"" + strings.Repeat("{{", 1<<19/scale-40) + "\"\n",
		"braces in text":   "flow: a\nstates:\n  start:\n    resolve: done\n    say: \"" + strings.Repeat("{{ x }}", 100_000/scale) + "\"\n",
		"alias bomb":       "a: &a [x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nd: [*c, *c, *c]\n",
		"100k lines":       "flow: a\nstates:\n" + strings.Repeat("  start: {resolve: done}\n", 40_000/scale),
		"100k keys":        "flow: a\nstates:\n" + many("  k%d: {}\n", 80_000/scale),
		"unknown keys":     "flow: a\n" + many("ke%d: x\n", 80_000/scale),
		"unknown in state": "flow: a\nstates:\n  start:\n" + many("    gto%d: x\n", 60_000/scale),
		"tabs":             "flow: a\nstates:\n\tstart: {resolve: done}\n", "two documents": fine + "---\n" + fine, "broken utf-8": "flow: a\xff\xfe\nstates:\n",
		"over 1 MiB": fine + "# " + strings.Repeat("x", 1<<20), "nested maps": "flow: a\nx: " + strings.Repeat("{a: ", 60) + strings.Repeat("}", 60) + "\n",
		"100k look-ups": "flow: a\nstates:\n" + many("  k%d: {http: {service: s, get: /x}}\n", 20_000/scale), "a long text": "flow: a\nstates:\n  start: {resolv: done, say: \"" + strings.Repeat("ü", 400_000/scale) + "\"}\n",
		"list at the top": "- a\n- b\n", "text at the top": "hello", "number": "12",
		"wrong kinds":     "flow: [a]\nslots: {a: [b], c: {values: {d: [e]}}}\nstates: {start: {say: {a: {b: c}}, options: [[a], {label: [x]}, {match: {a: b}}], collect: [x], handoff: {queue: {a: b}, say: [[x]]}, branch: {a: b}, set: {a: [b]}, match: {first: [x, [y]]}, no_match: [a, {goto: [x]}], no_reply: {a: b}, unanswered: [1], returns: [x], resolved: [y], forget: {a: b}, when: [a], else: [b], tag: {x: [y]}}}\neverywhere: {a: [b], c: {goto: {state: [x]}, match: {a: b}}, stop: {call: {on: [a]}}}\nrenamed: {a: [b]}\nvanished: [x]\non: {a: b}\n",
		"deep expression": "flow: a\nstates:\n  start:\n    say: \"{{ " + strings.Repeat("not ", 490) + "true }}\"\n    resolve: done\n",
		"long sum":        "flow: a\nstates:\n  start:\n    say: \"{{ " + strings.Repeat("1+", 900) + "1 }}\"\n    resolve: done\n",
		"nested filters":  "flow: a\nstates:\n  start:\n    resolv: done\n    say: \"{{ " + strings.Repeat("filter(", 60) + "contact.tags" + strings.Repeat(", true)", 60) + " }}\"\n",
		"ternaries":       "flow: a\nstates:\n  start:\n    say: \"{{ " + strings.Repeat("true?1:", 280) + "1 }}\"\n    resolve: done\n",
		"one long line":   "flow: a\nstates: {start: {say: [" + strings.Repeat("\"é {{ contact.nme }}\",", 20_000/scale) + "x], resolve: done}}\n",
		"emoji names":     "flow: 👋\nslots: {é: text}\nstates: {start: {goto: ü}, ü: {resolve: ö}}\n",
		"nulls":           "flow:\nslots:\nstates:\n  start:\neverywhere:\non:\nrenamed:\nvanished:\n",
		"null parts":      "flow: a\nslots: {a: , b: {values: , type: }}\nstates: {start: {say: , ask: , options: {a: , b: {}}, collect: , save: , goto: , match: , set: {a: }, no_match: [ , {}], tag: [ ], when: , else: }}\n",
	}
}

// Bad input ends in words with a place, quickly, and never in a panic.
func TestHostileFlows(t *testing.T) {
	t.Parallel()
	for name, in := range hostile() {
		var p *Project
		if n := pace.Of(func() { p = Load(one(in), testOptions()) }); n > hostileMost {
			t.Errorf("%s costs %.0f units, more than %d", name, n, hostileMost)
		} else if n > hostileMost/5 {
			t.Logf("%s costs %.0f units", name, n)
		}
		if p.OK() || len(errorsOf(p)) == 0 {
			t.Errorf("%s was taken", name)
		}
		var out bytes.Buffer
		p.WriteText(&out, false)
		if !json.Valid(p.JSON()) {
			t.Errorf("%s: JSON is not valid", name)
		}
	}
}

// Line ends and a mark at the start of the file change nothing but bytes.
func TestWindowsFiles(t *testing.T) {
	t.Parallel()
	flow := "flow: a\nstates:\n  start:\n    say: |\n      Hello\n      {{ contact.nme }}\n    goto: bye\n"
	want := found(Load(one(flow), testOptions()))
	for name, in := range map[string]string{"CRLF": strings.ReplaceAll(flow, "\n", "\r\n"), "BOM": "\xef\xbb\xbf" + flow, "no last break": strings.TrimSuffix(flow, "\n")} {
		if got := found(Load(one(in), testOptions())); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if len(want) != 2 || want[0] != "flows/a.yaml:6:18 E210" || want[1] != "flows/a.yaml:7:11 E301" {
		t.Error(want)
	}
}

// everyTrouble wants each problem to have a place inside the file and none to
// be our own mistake.
func everyTrouble(t *testing.T, p *Project) {
	t.Helper()
	for _, d := range p.Diagnostics {
		if d.Range.File == "" || d.Range.Line < 1 || d.Range.Column < 1 || d.Message == "" {
			t.Fatalf("a problem without a place: %+v", d)
		}
		if d.Code == "E299" {
			t.Fatalf("our own mistake: %+v", d)
		}
	}
	if p.OK() != (len(errorsOf(p)) == 0) {
		t.Fatal("a set beside errors, or none without")
	}
}

// FuzzExpr puts an expression in a condition and in a text.
func FuzzExpr(f *testing.F) {
	for _, s := range []string{"contact.vip", "slots.n + 1 > 2", "order.eta?.x ?? 1", "any(contact.tags, # == \"b\")", "1 < x < 3", "not not true", "a ? b : c",
		"slots[\"n\"]", "message.text matches \"(\"", "now() | day()", "[1, [2]][0]", "\"\\u{41}\"", "filter(contact.tags, {# in [1]})", "1e999", "0x", "`x`", "-5 % 0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		quoted, err := json.Marshal(src)
		if err != nil || !utf8.ValidString(src) {
			return
		}
		flow := "flow: a\nslots: {n: number, c: {type: choice, values: [x, y]}}\nstates:\n  start:\n    say: [{if: " + string(quoted) + ", text: x}, {else: y}]\n    resolve: done\n"
		everyTrouble(t, Load(one(flow), testOptions()))
	})
}

// FuzzText puts a text where customers read it, in every style of YAML.
func FuzzText(f *testing.F) {
	for _, s := range []string{"Hello {{ contact.first_name }}", "{{ \"{{\" }}", "{{", "}}", "{{ }}", "{{ {{ }} }}", "{{ 'a}}b' }}", "ü {{ slots.n }} 👋\n\nx", "{{ \"", "\t{{ now() }}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted, err := json.Marshal(text)
		if err != nil || !utf8.ValidString(text) {
			return
		}
		block := "|\n      " + strings.ReplaceAll(text, "\n", "\n      ")
		for _, written := range []string{string(quoted), "'" + strings.ReplaceAll(text, "'", "''") + "'", block, text} {
			p := Load(one("flow: a\nslots: {n: number}\nstates:\n  start:\n    say: "+written+"\n    resolve: done\n"), testOptions())
			everyTrouble(t, p)
			var out bytes.Buffer
			p.WriteText(&out, true)
		}
	})
}

func FuzzLoad(f *testing.F) {
	for _, s := range hostile() {
		if len(s) < 10_000 {
			f.Add([]byte(s), []byte("dispatcher: 1\n"))
		}
	}
	fixtures, _ := filepath.Glob("testdata/*.txtar")
	for _, path := range fixtures {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(data).Files {
			f.Add(file.Data, file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, flow, project []byte) {
		p := Load(&Files{Name: "fuzz", Data: map[string][]byte{"flows/a.yaml": flow, "dispatcher.yaml": project}}, testOptions())
		everyTrouble(t, p)
		var out bytes.Buffer
		p.WriteText(&out, true)
	})
}

func TestTextFormat(t *testing.T) {
	t.Parallel()
	p := Load(one("flow: welcome\nstates:\n  start:\n    goto: welcom_back\n  welcome_back: {resolve: done}\n"), Options{})
	var out bytes.Buffer
	p.WriteText(&out, false)
	want := `flows/a.yaml:4:11: error[E301]: there is no state called "welcom_back" in flow welcome
   4 |     goto: welcom_back
     |           ^^^^^^^^^^^
     = hint: did you mean welcome_back?

1 flow, 2 states, 0 expressions, 0 slots: 1 error, 0 warnings
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	var object struct {
		Version  int
		OK       bool
		Set      string
		Counts   map[string]int
		Problems []struct {
			Code, Flow, State, Hint string
			Line, Column            int
			EndColumn               int `json:"end_column"`
			Fix                     struct {
				Safe  bool
				Edits []struct{ Text string }
			}
		}
	}
	if err := json.Unmarshal(p.JSON(), &object); err != nil {
		t.Fatal(err)
	}
	got := object.Problems[0]
	if object.Version != 1 || object.OK || len(object.Set) != 64 || object.Counts["errors"] != 1 || got.Code != "E301" || got.Flow != "welcome" ||
		got.State != "start" || got.Line != 4 || got.Column != 11 || got.EndColumn != 22 || !got.Fix.Safe || got.Fix.Edits[0].Text != "welcome_back" {
		t.Errorf("%s", p.JSON())
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	fsys := fstest.MapFS{
		"dispatcher.yaml": file("dispatcher: 1\n"), "flows/a.yaml": file(fine), "flows/sub/b.yaml": file(fine), "flows/.hidden.yaml": file("x"),
		"flows/_draft.yaml": file("x"), "flows/a.yaml~": file("x"), "flows/a.yaml.swp": file("x"), "flows/notes.txt": file("x"),
		"flows/c.yml": file("x"), "flows/tests/a.test.yaml": file("x"), "flows/locales/fr.yaml": file("x"), "flows/media/p.png": file("x"),
		"data/flows/d.yaml": file("x"), "data/x.db": file("x"),
	}
	files, err := Read(fsys, "shop")
	if err != nil {
		t.Fatal(err)
	}
	want := "dispatcher.yaml flows/a.yaml flows/c.yml flows/locales/fr.yaml flows/sub/b.yaml flows/tests/a.test.yaml"
	if got := strings.Join(sorted(keysOf(files.Data)), " "); got != want {
		t.Errorf("got %s", got)
	}
	id := files.SetID()
	for path, same := range map[string]bool{"flows/tests/a.test.yaml": true, "flows/c.yml": true, "flows/a.yaml": false, "flows/locales/fr.yaml": false, "flows/media/p.png": false, "dispatcher.yaml": false} {
		old := fsys[path]
		fsys[path] = file("changed")
		changed, err := Read(fsys, "shop")
		if err != nil {
			t.Fatal(err)
		}
		if (changed.SetID() == id) != same {
			t.Errorf("%s: same id %v, want %v", path, !same, same)
		}
		fsys[path] = old
	}
	if _, err := Read(fstest.MapFS{}, "none"); err == nil {
		t.Error("an empty folder is no project")
	}
}

func sorted(s []string) []string {
	for i := range s {
		for j := i; j > 0 && s[j] < s[j-1]; j-- {
			s[j], s[j-1] = s[j-1], s[j]
		}
	}
	return s
}

func TestSetIDIsTheDocumentedHash(t *testing.T) {
	t.Parallel()
	f := &Files{Data: map[string][]byte{"dispatcher.yaml": []byte("a"), "flows/b.yaml": []byte("cd")}}
	// printf 'dispatcher.yaml\0001\000aflows/b.yaml\0002\000cd' | sha256sum
	if got, want := f.SetID(), "90f69ac22cde7c9d38c51b0504b0941fbe205550e205837d30a846c5b9617296"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	env := func(n string) (string, bool) { return "secret", n == "A" }
	file := func(string) ([]byte, error) { return []byte("from file\n"), nil }
	if got, err := Resolve("Bearer ${env:A} ${file:x/y}", env, file); err != nil || got != "Bearer secret from file" {
		t.Error(got, err)
	}
	for _, ref := range []string{"${env:B}", "${file:../x}", "${file:/etc/passwd}"} {
		if got, err := Resolve(ref, env, file); err == nil || got != "" || strings.Contains(err.Error(), "secret") {
			t.Error(ref, got, err)
		}
	}
}

func TestLimitsOfFiles(t *testing.T) {
	t.Parallel()
	many := &Files{Name: "t", Data: map[string][]byte{"dispatcher.yaml": []byte("dispatcher: 1\nstart: f0\n")}}
	for i := range 501 {
		many.Data[fmt.Sprintf("flows/f%d.yaml", i)] = fmt.Appendf(nil, "flow: f%d\nstates:\n  start: {resolve: done}\n", i)
	}
	if got := errorsOf(Load(many, Options{})); len(got) != 1 || got[0] != "E007" {
		t.Error(got)
	}
	long := strings.Repeat("word ", 900)
	p := Load(one("flow: a\nstates:\n  start:\n    say: "+long+"\n    resolve: done\n"), testOptions())
	if codes := found(p); len(codes) != 2 || codes[0] != "flows/a.yaml:4:10 W327" || codes[1] != "flows/a.yaml:4:10 W402" {
		t.Error(codes)
	}
}

func TestCompiled(t *testing.T) {
	t.Parallel()
	p := Load(one(`flow: a
slots: {topic: {type: choice, values: [order, other]}}
states:
  start:
    ask: Which?
    options:
      - {id: order, label: "Où est ma commande ?", call: {flow: b, on: {found: bye}}, goto: start}
      - {label: Something else 👍, id: other, goto: {state: start, at_most: 2, else: bye}}
    save: topic
    no_match: [{say: Sorry?}, {goto: bye}]
    no_reply: [{after: 10m, say: Hello?}, {after: 1h30m, resolve: idle}]
  bye:
    handoff:
      queue: [{if: contact.vip, use: general}, {else: general}]
      say: [{if: queue.open, text: Now}, {else: Later}, Bye]
    returns: {say: Back, goto: start}
    resolved: start
`), Options{})
	p.Files.Data["flows/b.yaml"] = []byte("flow: b\nstates:\n  start: {return: found}\n")
	p.Files.Data["dispatcher.yaml"] = []byte("dispatcher: 1\nstart: a\n")
	p = Load(p.Files, Options{})
	if !p.OK() {
		var out bytes.Buffer
		p.WriteText(&out, false)
		t.Fatal(out.String())
	}
	s := p.Set.Flows["a"].States["start"]
	order, other := s.Options[0], s.Options[1]
	if order.Exit.Kind != engine.ExitCall || order.Exit.Key != "opt:order" || order.Exit.On["found"].Key != "opt:order/result:found" || order.Exit.On["found"].Edge != "result:found" || order.Exit.Then == nil {
		t.Errorf("%+v", order.Exit)
	}
	if other.Exit.Edge != "opt:other" || other.Exit.AtMost != 2 || other.Exit.Else.Key != "opt:other/at_most" || other.Exit.Else.Edge != "at_most" {
		t.Errorf("%+v", other.Exit)
	}
	if s.NoMatch[1].Exit.Edge != "no_match:2" || s.NoReply[1].After.For != 90*time.Minute || s.NoReply[1].Exit.Edge != "no_reply:2" {
		t.Error("ladders")
	}
	h := p.Set.Flows["a"].States["bye"].Exit.Hand
	if len(h.Queue) != 2 || len(h.Say) != 2 || len(h.Say[0].Group) != 2 || h.Returns.Exit.Edge != "handoff:returned" || h.Resolved.Edge != "handoff:resolved" {
		t.Errorf("%+v", h)
	}
}

func TestSlug(t *testing.T) {
	t.Parallel()
	for label, want := range map[string]string{"No, thanks": "no_thanks", "I don't have it": "i_dont_have_it", "😀 Great": "great", "2nd": "o_2nd",
		"👍": "option_3", "Где заказ": "option_3", "Yes, got it": "yes_got_it", strings.Repeat("word ", 20): "word_word_word_word_word_word_word_word"} {
		if got := slug(label, 3); got != want {
			t.Errorf("%q: %q, want %q", label, got, want)
		}
	}
}
