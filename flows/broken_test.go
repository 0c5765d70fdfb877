package flows

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"dispatcher/dm"
	"dispatcher/internal/pace"
	"dispatcher/internal/source"

	"github.com/rogpeppe/go-internal/txtar"
)

// A fixture is a txtar file of small projects: the first part of each path is
// the project's name. A comment in a YAML line says what must be found there:
//
//	goto: welcom_back  #! E301 welcom_back
//
// is E301 at the first place of that word in the line; #!-2 speaks of the line
// two above; several are divided by ";;". What is not announced must not be
// found, and the other way round.
var announced = regexp.MustCompile(`#!([+-]\d+)? (.*)$`)

func testLimits(alias, kind string, _ *source.Node) (dm.Limits, bool, []source.Diagnostic) {
	runes := func(n int) dm.Limit { return dm.Limit{N: n, Unit: "runes"} }
	switch kind {
	case "web", "webhook", "sim":
		return dm.Limits{Options: 13, Label: runes(36), Description: runes(72), Text: runes(4000)}, true, nil
	case "x":
		return dm.Limits{Options: 20, Label: runes(36), Description: runes(72), AllOrNone: true, NoURLs: true, Text: runes(10000), InARow: 5}, true, nil
	case "whatsapp":
		return dm.Limits{Options: 10, Label: runes(20), Description: runes(72), Text: runes(4096), TextOptions: runes(1024), Window: 24 * time.Hour}, true, nil
	}
	return dm.Limits{}, false, nil
}

func testOptions() Options {
	return Options{Limits: testLimits,
		Env:      func(name string) (string, bool) { return "v", name == "SET" },
		ReadFile: func(path string) ([]byte, error) { return []byte("v\n"), nil }}
}

// projects splits a fixture by the first part of each path.
func projects(t *testing.T, path string) map[string]*Files {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*Files{}
	for _, f := range txtar.Parse(data).Files {
		name, rest, ok := strings.Cut(f.Name, "/")
		if !ok {
			t.Fatalf("%s: %s has no project", path, f.Name)
		}
		if out[name] == nil {
			out[name] = &Files{Name: name, Data: map[string][]byte{}, Media: map[string][sha256.Size]byte{}}
		}
		if strings.HasPrefix(rest, "flows/media/") {
			out[name].Media[rest] = sha256.Sum256(f.Data)
			continue
		}
		out[name].Data[rest] = f.Data
	}
	return out
}

// announcedIn reads the announcements of a project as "file:line:col CODE".
func announcedIn(t *testing.T, files *Files) []string {
	t.Helper()
	var out []string
	for path, data := range files.Data {
		lines := strings.Split(strings.ReplaceAll(string(data), "\r", ""), "\n")
		for i, line := range lines {
			m := announced.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			shift, _ := strconv.Atoi(m[1])
			at := i + shift
			for _, w := range strings.Split(m[2], ";;") {
				code, word, _ := strings.Cut(strings.TrimSpace(w), " ")
				text := lines[at]
				if shift == 0 {
					text = text[:strings.Index(text, "#!")]
				}
				word = strings.ReplaceAll(word, "QUOTE", `"`)
				col := place(text, word)
				if col < 0 {
					t.Fatalf("%s:%d: %q is not in the line", path, at+1, word)
				}
				out = append(out, fmt.Sprintf("%s:%d:%d %s", path, at+1, len([]rune(text[:col]))+1, code))
			}
		}
	}
	sort.Strings(out)
	return out
}

// place is where a word stands in a line; word@3 is its third occurrence.
func place(text, word string) int {
	nth := 1
	if w, n, ok := strings.Cut(word, "@"); ok {
		word = w
		nth, _ = strconv.Atoi(n)
	}
	at := -1
	for range nth {
		next := strings.Index(text[at+1:], word)
		if next < 0 {
			return -1
		}
		at += 1 + next
	}
	return at
}

func found(p *Project) []string {
	var out []string
	for _, d := range p.Diagnostics {
		out = append(out, fmt.Sprintf("%s:%d:%d %s", d.Range.File, d.Range.Line, d.Range.Column, d.Code))
	}
	sort.Strings(out)
	return out
}

// brokenMost is what checking one small project may cost (pace.Of).
const brokenMost = 60

// TestBrokenFlows: every mistake of every broken project is found in one run,
// each at its exact line and column, and nothing else is.
func TestBrokenFlows(t *testing.T) {
	t.Parallel()
	fixtures, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(fixtures) == 0 {
		t.Fatal("no fixtures", err)
	}
	broken, mistakes, dearest := 0, 0, 0.0
	for _, path := range fixtures {
		for name, files := range projects(t, path) {
			var p *Project
			if n := pace.Of(func() { p = Load(files, testOptions()) }); n > brokenMost {
				t.Errorf("%s %s costs %.0f units, more than %d", path, name, n, brokenMost)
			} else {
				dearest = max(dearest, n)
			}
			want, got := announcedIn(t, files), found(p)
			if len(want) > 0 {
				broken++
				mistakes += len(want)
			}
			if !slices.Equal(want, got) {
				var text strings.Builder
				p.WriteText(&text, false)
				t.Errorf("%s %s:\nwant %s\ngot  %s\n%s", path, name, strings.Join(want, "\n     "), strings.Join(got, "\n     "), text.String())
			}
			if p.OK() != (len(errorsOf(p)) == 0) {
				t.Errorf("%s %s: a set and errors", path, name)
			}
		}
	}
	t.Logf("%d broken projects, %d mistakes, each found at its line and column; the dearest check costs %.1f units", broken, mistakes, dearest)
	if broken < 30 {
		t.Errorf("only %d broken projects", broken)
	}
}

func errorsOf(p *Project) []string {
	var out []string
	for _, d := range p.Diagnostics {
		if d.Severity == source.Error {
			out = append(out, d.Code)
		}
	}
	return out
}

// TestEveryCodeHasAFixture walks the registry that the sources are: a code that
// is emitted and never shown in a fixture fails.
func TestEveryCodeHasAFixture(t *testing.T) {
	t.Parallel()
	shown := map[string]bool{"E299": true} // our own mistake: no flow can show it
	fixtures, _ := filepath.Glob("testdata/*.txtar")
	for _, path := range fixtures {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`#![+-]?\d* .*`).FindAllString(string(data), -1) {
			for _, code := range regexp.MustCompile(`[EW]\d{3}`).FindAllString(m, -1) {
				shown[code] = true
			}
		}
	}
	for _, code := range inline {
		shown[code] = true
	}
	sources, _ := filepath.Glob("*.go")
	more, _ := filepath.Glob("../internal/source/*.go")
	for _, path := range append(sources, more...) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\("([EW]\d{3})"`).FindAllStringSubmatch(string(data), -1) {
			if !shown[m[1]] {
				t.Errorf("%s emits %s, which no fixture shows", path, m[1])
			}
		}
	}
}

// inline are codes that a fixture cannot hold (bytes, file names); other tests show them.
var inline = []string{"E007", "E107", "E106", "W402", "W410"}
