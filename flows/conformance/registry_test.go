package conformance

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dispatcher/flows"
	"dispatcher/internal/source"
)

// codes are those of language.md 6.3.
const codes = `E001 E002 E003 E004 E005 E006 E007 E008
E101 E102 E103 E104 E105 E106 E107 E108 E109 E110 E111 E112 E113 E114 E115 E116 E117 E118 E119 E120 E121 E122 E123 E124 E126 E127 E128
E130 E131 W132 W133 E134 E135 E140 E141
E201 E202 E203 E204 E205 E206 E207 E208 E210 E211 E212 E213 W214 W215 E216 E217 E218 E219 E220 E221 E299
E301 E302 E303 E304 E305 E306 E307 W308 E310 E311 W311 E312 W313 E314 E315 E316 W317 W318 E320 E321 W322 W323 E324 E325 W326 W327 W328 E329 W331 W332
W401 W402 W403 W404 W405 W406 W410 W420 W421 W422 W425 W430 W432 W433 W434 W501 W502`

// elsewhere are the codes that check never prints.
var elsewhere = map[string]string{
	"E130": "serve refuses to start: cmd/dispatcher/testdata/script",
	"E299": "a mistake of the program itself; no file shows it",
	"W501": "plan, about open conversations: flows/plan and the inbox",
	"W502": "plan, about open conversations: flows/plan and the inbox",
}

// edges are the names of language.md 2.22; a name that ends in ":" stands for
// all that begin so.
var edges = []string{"next", "skip_state", "opt:", "branch:0", "branch:1", "branch:else", "collected", "known", "skip", "missing", "give_up", "confirm:no",
	"no_match:1", "no_match:2", "no_reply:1", "no_reply:2", "idle", "http:ok", "http:404", "http:5xx", "http:timeout", "http:refused", "http:invalid", "http:else",
	"call:", "result:", "return:", "handoff", "handoff:returned", "handoff:resolved", "handoff:unanswered:1", "resolve:",
	"form:submitted", "form:fallback", "form:expired", "verify:ok", "verify:failed", "verify:expired",
	"everywhere:talk_to_person", "everywhere:start_over", "everywhere:stop", "correct:", "tap:jump", "at_most", "migrate", "error"}

// undocumented are edge names that traces have beyond language.md 2.22.
var undocumented = map[string]string{
	"start": "how a conversation or an entry from outside begins: no edge of a flow",
}

// sections are those of language.md that a project can show; the rest is about
// the program around it.
var sections = strings.Fields(`1 1.1 1.2 1.3 1.4 1.5 2.1 2.2 2.3 2.4 2.5 2.6 2.7 2.8 2.9 2.10 2.11 2.12 2.13 2.14 2.15 2.16 2.17 2.18 2.19 2.20 2.21 2.22
3.1 3.2 3.3 3.4 4.1 4.2 4.3 4.4 4.5 4.6 6.1 6.3 6.4 7.1 7.2 7.3 9.6 10 11`)

// behaviours are what dialogue systems are judged by.
var behaviours = []string{"cancel", "correct", "digress and come back", "clarify", "refuse", "repeat", "answer plus question", "stale tap",
	"burst", "photo instead of text", "silence", "edit in mid-conversation", "a person from anywhere"}

// TestEverySectionHasFixtures counts the rules and the fixtures.
func TestEverySectionHasFixtures(t *testing.T) {
	t.Parallel()
	rules, talks, tests, problems := map[string]bool{}, 0, 0, 0
	have, does := map[string]int{}, map[string]int{}
	all := fixtures(t)
	for _, f := range all {
		have[f.section]++
		for _, r := range f.rules {
			rules[f.section+" "+r] = true
		}
		if f.talks {
			talks++
		}
		problems += len(f.want)
		_, ts := flows.LoadTests(f.files, options(f.ask))
		for _, file := range ts.Files {
			tests += len(file.Tests)
			if f.behaviour != "" {
				does[f.behaviour] += len(file.Tests)
			}
		}
	}
	for _, s := range sections {
		if have[s] == 0 {
			t.Errorf("section %s has no fixture", s)
		}
		delete(have, s)
	}
	for s := range have {
		t.Errorf("%s is no section of the document", s)
	}
	for _, b := range behaviours {
		if does[b] == 0 {
			t.Errorf("no transcript shows %s", b)
		}
	}
	if does["correct"] < 14 {
		t.Errorf("%d kinds of correction, 14 are wanted", does["correct"])
	}
	t.Logf("%d rules in %d fixtures: %d with transcripts (%d tests), %d problems announced at their line and column", len(rules), len(all), talks, tests, problems)
	for _, b := range behaviours {
		t.Logf("behaviour %s: %d transcripts", b, does[b])
	}
}

// TestEveryCodeHasAFixture: the codes of the document, of the program and of
// the fixtures are the same.
func TestEveryCodeHasAFixture(t *testing.T) {
	t.Parallel()
	shown := map[string]int{}
	for _, f := range fixtures(t) {
		for _, w := range f.want {
			shown[w[strings.LastIndex(w, " ")+1:]]++
		}
	}
	listed := strings.Fields(codes)
	for _, code := range listed {
		if shown[code] == 0 && elsewhere[code] == "" {
			t.Errorf("no fixture shows %s", code)
		}
		if !slices.Contains(flows.Codes(), code) {
			t.Errorf("the program does not explain %s", code)
		}
	}
	for code := range shown {
		if !slices.Contains(listed, code) {
			t.Errorf("%s is not in the document", code)
		}
	}
	once := 0
	for _, n := range shown {
		if n == 1 {
			once++
		}
	}
	t.Logf("%d of %d codes shown, %d of them once only; elsewhere: %v", len(shown), len(listed), once, slices.Sorted(maps.Keys(elsewhere)))
}

// TestEveryEdgeHasATranscript: each edge name is taken by some transcript, and
// none is taken that the document does not name.
func TestEveryEdgeHasATranscript(t *testing.T) {
	t.Parallel()
	taken := map[string]int{}
	for _, tr := range traces(t, fixtures(t)) {
		for _, s := range tr.Steps {
			if (s.What == "edge" || s.What == "stage" && strings.HasPrefix(s.Edge, "everywhere:")) && s.Edge != "" {
				taken[s.Edge]++
			}
		}
	}
	for _, want := range edges {
		n := taken[want]
		for name, count := range taken {
			if strings.HasSuffix(want, ":") && strings.HasPrefix(name, want) {
				n += count
			}
		}
		if n == 0 {
			t.Errorf("no transcript takes %s", want)
		}
	}
	known := regexp.MustCompile(`^(next|skip_state|opt:\w+|branch:(\d+|else)|collected|known|skip|missing|give_up|confirm:no|no_match:\d+|no_reply:\d+|idle|` +
		`http:(ok|\d{3}|[345]xx|timeout|refused|invalid|else)|call:\w+|result:\w+|return:\w+|handoff|handoff:(returned|resolved|unanswered:\d+)|resolve:\w+|` +
		`form:\w+|verify:\w+|everywhere:\w+|correct:\w+|tap:jump|at_most|migrate|error)$`)
	for name := range taken {
		if undocumented[name] != "" {
			t.Logf("%s is no edge of the document: %s", name, undocumented[name])
			continue
		}
		if !known.MatchString(name) {
			t.Errorf("%s is no edge of the document", name)
		}
	}
	t.Logf("%d different edges taken", len(taken))
}

// usage walks a file along its schema and notes which key of which construct it writes.
type usage struct {
	defs map[string]any
	used map[string]bool
}

func (u *usage) walk(n *source.Node, schema map[string]any, name string, depth int) {
	if n == nil || schema == nil || depth > 60 {
		return
	}
	if ref, ok := schema["$ref"].(string); ok {
		name = strings.TrimPrefix(ref, "#/$defs/")
		next, _ := u.defs[name].(map[string]any)
		u.walk(n, next, name, depth+1)
	}
	for _, alternative := range asList(schema["anyOf"]) {
		u.walk(n, asMap(alternative), name, depth+1)
	}
	switch n.Kind {
	case source.List:
		for _, item := range n.Items {
			u.walk(item, asMap(schema["items"]), name, depth+1)
		}
	case source.Map:
		props := asMap(schema["properties"])
		for i := range n.Pairs {
			key, value := n.Pairs[i].Key.Text, n.Pairs[i].Value
			if p, ok := props[key]; ok {
				u.used[name+" "+key] = true
				u.walk(value, asMap(p), name+"."+key, depth+1)
				continue
			}
			u.walk(value, asMap(schema["additionalProperties"]), name, depth+1)
			for pattern, p := range asMap(schema["patternProperties"]) {
				if regexp.MustCompile(pattern).MatchString(key) {
					u.walk(value, asMap(p), name, depth+1)
				}
			}
		}
	}
}

func asMap(v any) map[string]any { m, _ := v.(map[string]any); return m }
func asList(v any) []any         { l, _ := v.([]any); return l }

// keysOf lists every key of every construct of a schema.
func keysOf(kind string, root map[string]any) []string {
	var out []string
	add := func(name string, schema map[string]any) {
		for key := range asMap(schema["properties"]) {
			out = append(out, name+" "+key)
		}
		for _, alternative := range asList(schema["anyOf"]) {
			for key := range asMap(asMap(alternative)["properties"]) {
				out = append(out, name+" "+key)
			}
		}
	}
	add(kind, root)
	for name, d := range asMap(root["$defs"]) {
		add(name, asMap(d))
	}
	slices.Sort(out)
	return out
}

// TestEveryKeyHasAFixture: each key of the grammar table, seen through the
// schema that is made from it, is written in a fixture.
func TestEveryKeyHasAFixture(t *testing.T) {
	t.Parallel()
	all, used := map[string]bool{}, map[string]bool{}
	roots := map[string]map[string]any{}
	for _, kind := range flows.SchemaKinds() {
		var root map[string]any
		if err := json.Unmarshal(flows.Schema(kind), &root); err != nil {
			t.Fatal(err)
		}
		roots[kind] = root
		for _, key := range keysOf(kind, root) {
			all[key] = true
		}
	}
	for _, f := range fixtures(t) {
		if open[f.path] != "" {
			continue
		}
		for path, data := range f.files.Data {
			kind := "flow"
			switch {
			case path == "dispatcher.yaml":
				kind = "project"
			case strings.HasPrefix(path, "flows/tests/"):
				kind = "test"
			case strings.HasPrefix(path, "flows/locales/"):
				kind = "locale"
			}
			doc, _ := source.Parse(path, data)
			if doc == nil || doc.Root == nil {
				continue
			}
			u := &usage{defs: asMap(roots[kind]["$defs"]), used: used}
			u.walk(doc.Root, roots[kind], kind, 0)
		}
	}
	missing := 0
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if !used[key] {
			missing++
			t.Errorf("no fixture writes %s", key)
		}
	}
	t.Logf("%d of %d keys of the grammar written in fixtures", len(all)-missing, len(all))
}

// TestEveryFixtureIsRead: nothing in testdata is left over.
func TestEveryFixtureIsRead(t *testing.T) {
	t.Parallel()
	dirs, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		files, _ := filepath.Glob("testdata/" + d.Name() + "/*")
		if len(files) == 0 {
			t.Errorf("testdata/%s holds nothing", d.Name())
		}
		for _, f := range files {
			if section, record := strings.CutSuffix(filepath.Base(f), ".txt"); record && slices.Contains([]string{"records", "walks", "damage"}, d.Name()) {
				if _, err := os.Stat(filepath.Join("testdata", section)); err != nil {
					t.Errorf("%s is the record of no section", f)
				}
				continue
			}
			if filepath.Ext(f) != ".txtar" && filepath.Base(f) != "expressions.grid" {
				t.Errorf("%s is not read", f)
			}
		}
	}
}
