package conformance

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dispatcher/flows"
	"dispatcher/internal/pace"
	"dispatcher/internal/source"
)

// mistake is a way people go wrong, planted wherever its expression matches in
// a good flow. The group x is what is replaced; the group p, where there is
// one, is where the problem must be shown, otherwise where x stood.
type mistake struct {
	name   string
	re     string
	with   func(x string) string
	codes  string // any of them is right
	repair string // what message or hint must name; "" = x itself
	shift  int    // of the expected column, from the place of p or x
	below  int    // of the expected line
	most   int    // sites per project; 0 = 8

	translation bool // it is made in locale files
}

func swapped(x string) string {
	r := []rune(x)
	for i := len(r)/2 - 1; i+1 < len(r); i++ {
		if i >= 0 && r[i] != r[i+1] {
			r[i], r[i+1] = r[i+1], r[i]
			return string(r)
		}
	}
	return x + "x"
}

func to(s string) func(string) string { return func(string) string { return s } }

// mistakes are in the order of how often designers make them.
func mistakes() []mistake {
	keys := `goto|say|ask|options|collect|branch|handoff|resolve|summary|invalid|match|label|help|call|return|tag|no_match|give_up|missing|queue|priority|save|max_tries|called|pattern|clean|values|forget|retry|service|query|first|choose|skip`
	return []mistake{
		{name: "key misspelled", re: `(?m)^ +(?:- )?(?P<x>` + keys + `):`, with: swapped, codes: "E101", most: 30},
		{name: "key misspelled in braces", re: `[{,] ?(?P<x>` + keys + `): `, with: swapped, codes: "E101", most: 10},
		{name: "key of the flow misspelled", re: `(?m)^(?P<x>slots|states|description|owner):`, with: swapped, codes: "E101"},
		{name: "state misspelled", re: `goto: (?P<x>[a-z_]{4,})(?:[ ,}\n]|$)`, with: swapped, codes: "E301", most: 20},
		{name: "state of another flow misspelled", re: `goto: [a-z_]+\.(?P<x>[a-z_]+)`, with: swapped, codes: "E301"},
		{name: "flow of a state misspelled", re: `goto: (?P<x>[a-z_]+)\.[a-z_]+`, with: swapped, codes: "E302"},
		{name: "flow misspelled", re: `call: (?P<x>[a-z_]{4,})`, with: swapped, codes: "E302"},
		{name: "slot misspelled", re: `slots\.(?P<x>[a-z_]{4,})\b`, with: swapped, codes: "E103", most: 14},
		{name: "contact field misspelled", re: `contact\.(?P<x>[a-z_]{4,})\b`, with: swapped, codes: "E210"},
		{name: "contact misspelled", re: `(?P<x>contact|conversation|message|channel)\.[a-z]`, with: swapped, codes: "E211"},
		{name: "function misspelled", re: `(?P<x>open|opens_at|example|mentions|empty|surveyed_within|sample|wait_minutes|luhn|dm_link)\(`, with: swapped, codes: "E211", most: 10},
		{name: "= for ==", re: `(?:slots|order|message|entry|contact)[a-z_.]* (?P<x>==) "`, with: to("="), codes: "E202", repair: "=="},
		{name: "{{ not closed", re: `(?P<p>\{\{)[^{}"]*(?P<x> \}\})`, with: to(""), codes: "E213", repair: "closed"},
		{name: "queue misspelled", re: `(?:use|default_queue|handoff): (?P<x>orders|returns|general)\b`, with: swapped, codes: "E217"},
		{name: "schedule misspelled", re: `(?:open|opens_at)\(['"](?P<x>[a-z_]{4,})`, with: swapped, codes: "E217"},
		{name: "schedule of a queue misspelled", re: `schedule: (?P<x>[a-z_]{4,})`, with: swapped, codes: "E217"},
		{name: "service misspelled", re: `service: (?P<x>[a-z_]{4,})`, with: swapped, codes: "E218"},
		{name: "type misspelled", re: `type: (?P<x>choice|number|yes_no|text|date|media)`, with: swapped, codes: "E105"},
		{name: "priority misspelled", re: `(?:use|priority|else): (?P<x>high|normal|urgent)`, with: swapped, codes: "E120"},
		{name: "id in a condition misspelled", re: `slots\.topic == "(?P<x>[a-z_]{4,})"`, with: swapped, codes: "E216"},
		{name: "duration in words", re: `after: (?P<x>\d+)m`, with: func(x string) string { return x + " minutes " }, codes: "E105", repair: "write"},
		{name: "a number in words", re: `(?:max_tries|retry): (?P<x>\d)\b`, with: to("two"), codes: "E105", repair: "number"},
		{name: "a list where a text belongs", re: `(?m)^ +ask: (?P<x>".*")$`, with: func(x string) string { return "[" + x + "]" }, codes: "E104", repair: "text"},
		{name: "quote not closed", re: `(?m)^ +(?:say|ask|help|label): (?P<p>")[^"\n]*(?P<x>")$`, with: to(""), codes: "E005", repair: "quote"},
		{name: "quotes left out around a colon", re: `(?m)^ +(?:say|ask): (?P<x>"[^"\n{]*")$`, with: to("Please note: one thing: this"), codes: "E003", repair: "quote", shift: 11},
		{name: "quotes left out around {{", re: `(?m)^ +(?:say|ask): (?P<x>"\{\{[^"\n]*")$`, with: func(x string) string { return strings.Trim(x, `"`) }, codes: "E004", repair: "quote"},
		{name: "tab for indentation", re: `(?m)^(?P<x>    )(?:say|ask|goto|options|collect):`, with: to("\t"), codes: "E002", repair: "space"},
		{name: "one space too much", re: `(?m)^    (?P<x>)(?:goto|options|no_match|help|no_reply): ?`, with: to(" "), codes: "E006 E001 E003", repair: "indented", shift: 1},
		{name: "else taken out of a branch", re: `(?m)^ +(?P<p>branch):\n(?: +- if: .*\n +goto: .*\n)+(?P<x> +- else: [a-z_]+\n)`, with: to(""), codes: "W313", repair: "else"},
		{name: "exit taken out", re: `(?m)^  (?P<p>[a-z_]+):\n    say: ".*"\n(?P<x>    (?:goto|return|resolve): .*\n)`, with: to(""), codes: "E310", repair: "next"},
		{name: "exit taken out after a question", re: `(?m)^  (?P<p>[a-z_]+):\n    collect:\n(?:      .*\n)+(?P<x>    goto: .*\n)`, with: to(""), codes: "E310", repair: "next"},
		{name: "key written twice", re: `(?m)^    (?P<x>)(?P<p>)(?:say|help): ".*"\n`, with: to("say: Twice\n    say: More\n    "), codes: "E108", repair: "twice", below: 1},
		{name: "state written twice", re: `(?m)^(?P<x>)(?P<p>)  (?:person|bye|menu|thanks):$`, with: to("  start: {resolve: done}\n"), codes: "E108", repair: "twice", shift: 2},
		{name: "id written twice", re: `\{id: (?P<x>return|account|other)\b`, with: to("order"), codes: "E114", repair: "order"},
		{name: "values taken out", re: `(?P<p>[a-z_]+): \{type: choice(?P<x>, values: \[[^\]]*\])`, with: to(""), codes: "E110", repair: "values"},
		{name: "else of at_most taken out", re: `(?P<p>goto): \{state: [a-z_]+, at_most: \d+(?P<x>, else: [a-z_]+)`, with: to(""), codes: "E116", repair: "else"},
		{name: "pattern not closed", re: `pattern: '(?P<p>)(?P<x>)\[`, with: to("("), codes: "E206", repair: ")"},
		{name: "a condition that is none", re: `if: (?P<x>slots\.[a-z_]+) [=<].*`, with: func(x string) string { return "contact.tags  #" }, codes: "E203", repair: "true or false"},
		{name: "a range test in one", re: `if: (?P<x>slots\.score < 3)`, with: to("1 < slots.score < 3"), codes: "E204", repair: "and"},
		{name: "start state renamed", re: `(?m)^(?P<p>)states:\n  (?P<x>start):`, with: to("begin"), codes: "E115", repair: "start"},
		{name: "an anchor", re: `(?m)^ +(?:say|ask|help): (?P<x>)"`, with: to("&a "), codes: "E008", repair: "anchor"},
		{name: "a bracket not closed", re: `(?m)^ +(?:match|clean|forget): (?P<p>\[)[^\]\n]*(?P<x>\])$`, with: to(""), codes: "E001 E003 E006", repair: "never closed"},
		{name: "a brace not closed", re: `(?m)^  [a-z_]+: (?P<p>\{)[^}\n]*(?P<x>\})$`, with: to(""), codes: "E001", repair: "never closed"},
		{name: "a reference in a text", re: `(?m)^ +(?:say|ask): "(?P<x>)[A-Z]`, with: to("${env:NAME} "), codes: "E131", repair: "services"},
		{name: "language that the project has not", re: `(?m)^language: (?P<x>fr)`, with: to("rf"), codes: "E105", repair: "fr", translation: true},
		{name: "key of a translation misspelled", re: `(?m)^  (?P<x>menu\.ask|start\.collect\.ask):`, with: func(x string) string { return x + "s" }, codes: "E126", translation: true},
	}
}

// planted is one mistake at one place.
type planted struct {
	kind      mistake
	file      string
	text      string
	line, col int
	repair    string
}

// plant finds the places of a mistake in a project, evenly spread.
func plant(m mistake, files *flows.Files) []planted {
	re := regexp.MustCompile(m.re)
	x, p := re.SubexpIndex("x"), re.SubexpIndex("p")
	var all []planted
	for _, path := range slices.Sorted(maps.Keys(files.Data)) {
		text := string(files.Data[path])
		if strings.HasSuffix(path, ".test.yaml") || strings.Contains(path, "/locales/") != m.translation {
			continue
		}
		for _, at := range re.FindAllStringSubmatchIndex(text, -1) {
			old, from := text[at[2*x]:at[2*x+1]], at[2*x]
			if p > 0 {
				from = at[2*p]
			}
			changed := text[:at[2*x]] + m.with(old) + text[at[2*x+1]:]
			begin := strings.LastIndexByte(text[:from], '\n') + 1
			one := planted{kind: m, file: path, text: changed, line: strings.Count(text[:from], "\n") + 1 + m.below,
				col: len([]rune(text[begin:from])) + 1 + m.shift, repair: m.repair}
			if m.repair == "" {
				one.repair = old
			}
			all = append(all, one)
		}
	}
	most := m.most
	if most == 0 {
		most = 8
	}
	for len(all) > most {
		all = slices.Delete(all, len(all)*2/3, len(all)*2/3+1)
	}
	return all
}

// good are the projects that mistakes are planted into.
func good(t testing.TB) map[string]*flows.Files {
	t.Helper()
	out := map[string]*flows.Files{}
	for name, dir := range map[string]string{"acme": "../testdata/acme", "starter": "../starter"} {
		f, err := flows.Read(os.DirFS(dir), name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = f
	}
	return out
}

// TestPlantedMistakes plants mistakes into good flows, one at a time, and says
// how many are found, how many at the exact line and column, and how many with
// words that name the repair (goals: all, all, 80 %), and the slowest check.
func TestPlantedMistakes(t *testing.T) {
	t.Parallel()
	var all, found, exact, named int
	slowest := 0.0
	for name, files := range good(t) {
		clean := map[string]bool{}
		for _, d := range flows.Load(files, options("")).Diagnostics {
			clean[d.Code+d.Message] = true
		}
		for _, m := range mistakes() {
			for i, p := range plant(m, files) {
				if raced && i > 1 {
					continue
				}
				all++
				damaged := &flows.Files{Name: files.Name, Data: maps.Clone(files.Data), Media: files.Media}
				damaged.Data[p.file] = []byte(p.text)
				diags, took := timed(damaged)
				slowest = max(slowest, took)
				fresh := slices.DeleteFunc(slices.Clone(diags), func(d source.Diagnostic) bool { return clean[d.Code+d.Message] })
				at := slices.IndexFunc(fresh, func(d source.Diagnostic) bool {
					return strings.Contains(p.kind.codes, d.Code) && d.Range.File == p.file && d.Range.Line == p.line && d.Range.Column == p.col
				})
				if len(fresh) > 0 {
					found++
				}
				if at < 0 {
					t.Errorf("%s %s:%d:%d %s, want %s: %s", name, p.file, p.line, p.col, m.name, p.kind.codes, shown(fresh))
					continue
				}
				exact++
				if strings.Contains(fresh[at].Hint+" "+fresh[at].Message, p.repair) {
					named++
				} else {
					t.Logf("%s %s:%d:%d %s: %q is not named by %q, hint %q", name, p.file, p.line, p.col, m.name, p.repair, fresh[at].Message, fresh[at].Hint)
				}
			}
		}
	}
	t.Logf("%d mistakes planted: %d found (%.1f %%), %d at the exact line and column (%.1f %%), %d with the repair named (%.1f %%); dearest check %.0f units",
		all, found, share(found, all), exact, share(exact, all), named, share(named, all), slowest)
	if all < 200 && !raced || found < all || share(named, all) < 80 || slowest > slow && !raced {
		t.Errorf("%d planted, %d found, %d with the repair", all, found, named)
	}
}

// slow is the most a check may cost (pace.Of).
const slow = 30

// timed checks a project, and says what that costs.
func timed(files *flows.Files) (diags []source.Diagnostic, units float64) {
	units = pace.Of(func() { diags = flows.Load(files, options("")).Diagnostics })
	return diags, units
}

func share(n, of int) float64 { return 100 * float64(n) / float64(max(of, 1)) }

func shown(list []source.Diagnostic) string {
	var out []string
	for _, d := range list {
		out = append(out, fmt.Sprintf("%s:%d:%d %s %s", d.Range.File, d.Range.Line, d.Range.Column, d.Code, d.Message))
	}
	return strings.Join(out, " | ")
}
