package cookbook_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dispatcher/flows"
	"dispatcher/flows/cookbook"
	"dispatcher/flows/graph"
	"dispatcher/flows/rehearse"
)

var update = flag.Bool("update", false, "write the pictures and talks of docs/designers/cookbook anew")

const pages = "../../docs/designers/cookbook"

// Every recipe has a page with its picture, with talks as its own tests hold
// them, with everything there is to set, and with edits that leave it clean.
func TestPages(t *testing.T) {
	t.Parallel()
	for _, r := range cookbook.Recipes() {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			files := read(t, r.Name)
			project, tests := flows.LoadTests(files, flows.Options{})
			picture, err := graph.New(project, "")
			if err != nil {
				t.Fatal(err)
			}
			same(t, r.Name+".svg", picture.SVG())
			path := filepath.Join(pages, r.Name+".md")
			page, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			report := (&rehearse.Suite{Project: project, Tests: tests}).Run()
			same(t, r.Name+".md", []byte(generated(t, string(page), report)))
			mentions(t, string(page), r.Name, project)
			for _, edit := range regexp.MustCompile("(?s)```diff\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
				edited(t, files, edit[1])
			}
		})
	}
	list, err := os.ReadFile(filepath.Join(pages, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range cookbook.Recipes() {
		for _, part := range []string{"(" + r.Name + ".md)", "](" + r.Name + ".svg)"} {
			if !strings.Contains(string(list), part) {
				t.Errorf("README.md has no %s", part)
			}
		}
	}
}

// same compares a file of the pages with what it should hold, or writes it.
func same(t *testing.T, name string, want []byte) {
	t.Helper()
	path := filepath.Join(pages, name)
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/designers/cookbook/%s is not what the recipe says (%v); write it anew with: go test ./flows/cookbook -update", name, err)
	}
}

// generated fills the places a page leaves for the program: "<!-- talk: NAME -->"
// begins a talk, "<!-- tests -->" the count of what is tested.
func generated(t *testing.T, page string, report *rehearse.Report) string {
	t.Helper()
	talks := map[string]string{}
	for _, o := range report.Outcomes {
		talks[o.Name] = talk(o.Log)
	}
	places := regexp.MustCompile(`(?s)<!-- (talk: [^\n]*?|tests) -->\n.*?<!-- end -->`)
	found := 0
	page = places.ReplaceAllStringFunc(page, func(place string) string {
		what := places.FindStringSubmatch(place)[1]
		name, isTalk := strings.CutPrefix(what, "talk: ")
		body := tested(report)
		if isTalk {
			found++
			if talks[name] == "" {
				t.Errorf("no test is called %q", name)
			}
			body = "```text\n" + talks[name] + "```\n"
		}
		return "<!-- " + what + " -->\n" + body + "<!-- end -->"
	})
	if found < 2 {
		t.Errorf("%d talks on the page", found)
	}
	return page
}

func tested(r *rehearse.Report) string {
	c := r.Coverage
	return fmt.Sprintf("%d conversations go through all of it: %d states, %d transitions, %d options, %d conditions both ways.\n",
		r.Passed, c.States.Covered, c.Transitions.Covered, c.Options.Covered, c.Conditions.Covered)
}

// talk writes what happened as the customer saw it.
func talk(log []rehearse.Entry) string {
	who := map[string]string{"user": "customer", "tap": "taps", "send": "sends", "wait": "time", "submit": "page", "verify": "code", "handoff": "queue", "resolved": "end"}
	var out strings.Builder
	for _, e := range log {
		name := who[e.Kind]
		if name == "" {
			name = e.Kind
		}
		for i, line := range wrapped(strings.TrimSpace(e.Text), 84) {
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(&out, "%-10s%s\n", name, line)
		}
		if len(e.Options) > 0 {
			for _, line := range wrapped("["+strings.Join(e.Options, "]  [")+"]", 84) {
				fmt.Fprintf(&out, "%-10s%s\n", "", line)
			}
		}
	}
	return out.String()
}

func wrapped(text string, width int) []string {
	var lines []string
	for _, part := range strings.Split(text, "\n") {
		line := ""
		for _, word := range strings.Fields(part) {
			if line != "" && len([]rune(line+" "+word)) > width {
				lines, line = append(lines, line), ""
			}
			line = strings.TrimSpace(line + " " + word)
		}
		lines = append(lines, line)
	}
	return lines
}

// mentions fails where a page does not name something there is to set.
func mentions(t *testing.T, page, name string, p *flows.Project) {
	t.Helper()
	want := []string{"dispatcher init ", "--template " + name, "](" + name + ".svg)"}
	for queue := range p.Config.Queues {
		want = append(want, "`"+queue+"`")
	}
	for schedule := range p.Set.Schedules {
		want = append(want, "`"+schedule+"`")
	}
	if p.Config.Services != nil {
		for _, service := range p.Config.Services.Pairs {
			want = append(want, "`"+service.Key.Text+"`")
		}
	}
	for slot, s := range p.Set.Slots {
		if s.At.File != "" {
			want = append(want, "`"+slot+"`")
		}
	}
	for _, part := range want {
		if !strings.Contains(page, part) {
			t.Errorf("the page does not say %s", part)
		}
	}
}

// edited applies an edit of a page to the recipe and wants no finding but a
// reference whose value is on another machine. "--- FILE" begins the part of a
// file, "@@" another place in it; then come lines as they are, to take out (-)
// and to put in (+).
func edited(t *testing.T, files *flows.Files, edit string) {
	t.Helper()
	copied := &flows.Files{Name: files.Name, Data: maps.Clone(files.Data)}
	path := ""
	for _, hunk := range hunks(edit) {
		if file, ok := strings.CutPrefix(hunk, "--- "); ok {
			path = strings.TrimSpace(file)
			continue
		}
		before, after := sides(hunk)
		text := string(copied.Data[path])
		if n := strings.Count(text, before); n != 1 {
			t.Fatalf("these lines are %d times in %q:\n%s", n, path, before)
		}
		copied.Data[path] = []byte(strings.Replace(text, before, after, 1))
	}
	for _, d := range flows.Load(copied, flows.Options{}).Diagnostics {
		if d.Code != "W132" {
			t.Errorf("after the edit\n%s\n%s:%d: %s %s", edit, d.Range.File, d.Range.Line, d.Code, d.Message)
		}
	}
}

// hunks are the parts of an edit: names of files, and lines in one place.
func hunks(edit string) []string {
	var out []string
	place := ""
	for line := range strings.Lines(edit) {
		if !strings.HasPrefix(line, "--- ") && line != "@@\n" {
			place += line
			continue
		}
		if place != "" {
			out = append(out, place)
		}
		place = ""
		if line != "@@\n" {
			out = append(out, line)
		}
	}
	return append(out, place)
}

// sides are the lines of a place before and after the edit.
func sides(hunk string) (before, after string) {
	for line := range strings.Lines(hunk) {
		if line[0] != '+' {
			before += line[1:]
		}
		if line[0] != '-' {
			after += line[1:]
		}
	}
	return before, after
}
