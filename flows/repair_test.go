package flows

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dispatcher/internal/source"
)

// Over every broken project: Fix makes nothing worse, keeps every comment and
// every line that no repair touches, leaves the files it was given alone, and
// finds nothing to do the second time.
func TestFixIsSafe(t *testing.T) {
	t.Parallel()
	comment := regexp.MustCompile(`#!.*`)
	fixtures, _ := filepath.Glob("testdata/*.txtar")
	changes := 0
	load := func(f *Files) *Project { return Load(f, testOptions()) }
	for _, path := range fixtures {
		for name, files := range projects(t, path) {
			before := load(files)
			given := map[string]string{}
			for p, data := range files.Data {
				given[p] = string(data)
			}
			after, made := Fix(files, load)
			changes += len(made)
			for p, text := range given {
				if string(files.Data[p]) != text {
					t.Errorf("%s %s: %s was written into", path, name, p)
				}
				old, now := comment.FindAllString(text, -1), comment.FindAllString(string(after.Files.Data[p]), -1)
				if strings.Join(old, "\n") != strings.Join(now, "\n") {
					t.Errorf("%s %s: comments of %s changed:\n%s\n%s", path, name, p, old, now)
				}
			}
			readable := before.SetID != ""
			if readable && problems(after, source.Error) > problems(before, source.Error) {
				t.Errorf("%s %s: %d errors became %d", path, name, problems(before, source.Error), problems(after, source.Error))
			}
			again, more := Fix(after.Files, load)
			if len(more) > 0 {
				t.Errorf("%s %s: a second time: %v", path, name, more)
			}
			if again.Summary() != after.Summary() {
				t.Errorf("%s %s: %s, then %s", path, name, after.Summary(), again.Summary())
			}
		}
	}
	if changes < 60 {
		t.Errorf("only %d repairs", changes)
	}
	t.Logf("%d repairs", changes)
}

// Marks at the head, carriage returns and the last line without an end stay.
func TestFixKeepsBytes(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"\xef\xbb\xbfflow: a\r\nstates:\r\n  start: {goto: by}  # é\r\n  bye: {resolve: done}":      "\xef\xbb\xbfflow: a\r\nstates:\r\n  start: {goto: bye}  # é\r\n  bye: {resolve: done}",
		"flow: a\nstates:\n  start:\n    say: \"👋 {{ contact.vip = true }}\"\n    resolve: done":    "flow: a\nstates:\n  start:\n    say: \"👋 {{ contact.vip == true }}\"\n    resolve: done",
		"flow: a\nstates:\n  start:\n\tsay: hi\n\tresolve: done\n":                                  "flow: a\nstates:\n  start:\n    say: hi\n    resolve: done\n",
		"flow: a\nstates:\n  start:\n    say: It's 5: late # now\n    resolve: done\n":              "flow: a\nstates:\n  start:\n    say: \"It's 5: late\" # now\n    resolve: done\n",
		"flow: a\nstates:\n  start:\n    say:\n    - {{ contact.vip }}\n    resolve: done\n":        "flow: a\nstates:\n  start:\n    say:\n    - \"{{ contact.vip }}\"\n    resolve: done\n",
		"flow: a\nstates:\n  start:\n    say: @acme says hi\n    resolve: done\n":                   "flow: a\nstates:\n  start:\n    say: \"@acme says hi\"\n    resolve: done\n",
		"flow: a\nstates:\n  start:\n    say:\n    - 'Hi\n    - there\n    resolve: done\n":         "flow: a\nstates:\n  start:\n    say:\n    - 'Hi'\n    - there\n    resolve: done\n",
		"flow: a\nstates:\n  start:\n    say:\n    - text: 5: late\n    resolve: done\n":            "flow: a\nstates:\n  start:\n    say:\n    - text: \"5: late\"\n    resolve: done\n",
		"flow: a\nstates:\n  start:\n    say: %x \"y\" 'z'\n    resolve: done\n":                    "flow: a\nstates:\n  start:\n    say: '%x \"y\" ''z'''\n    resolve: done\n",
		"flow: a\nstates:\n  start:\n    say:\n    - It's open: 8 to 5: daily\n    resolve: done\n": "flow: a\nstates:\n  start:\n    say:\n    - \"It's open: 8 to 5: daily\"\n    resolve: done\n",
		"flow: a\nstates:\n  start: {say: [{{ contact.vip }} x, y], resolve: done}\n":               "flow: a\nstates:\n  start: {say: [\"{{ contact.vip }} x\", y], resolve: done}\n",
	} {
		p, made := Fix(one(in), func(f *Files) *Project { return Load(f, testOptions()) })
		if got := string(p.Files.Data["flows/a.yaml"]); got != want || len(made) == 0 {
			t.Errorf("%q\ngot  %q\nwant %q\n%v", in, got, want, made)
		}
	}
}

// What may be a label is left to whoever wrote it.
func TestFixLeavesLabels(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"flow: a\nstates:\n  start:\n    ask: x\n    options:\n      Don't: ask: start\n",
		"flow: a\nslots: {t: {type: choice, values: [order, return]}}\nstates:\n  start: {ask: x, save: t, options: {Order: bye, Retrun: bye}}\n  bye: {resolve: done}\n",
	} {
		p, made := Fix(one(in), func(f *Files) *Project { return Load(f, testOptions()) })
		if got := string(p.Files.Data["flows/a.yaml"]); got != in || len(made) > 0 || problems(p, source.Error) == 0 {
			t.Errorf("%q became %q: %v", in, got, made)
		}
	}
}
