package conformance

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/flows"
	"dispatcher/flows/rehearse"
	"dispatcher/internal/source"

	"github.com/rogpeppe/go-internal/txtar"
)

// fixture is one archive of testdata/SECTION. The first line of its comment
// names what it shows, several rules divided by ";". Further lines are
// directives: "crlf" and "bom" change the bytes of every file, "behaviour:
// NAME" says which behaviour of a dialogue it is, "ask: proof costs max-cost"
// what check is asked for besides, "set: NAME" which reference has a value.
//
// In the files a comment says what check must find, and nothing else may be
// found:
//
//	goto: welcom_back  #! E301 welcom_back
//
// is E301 at the first place of that word in the line, word@2 at its second;
// #!-1 speaks of the line above; several are divided by ";;". The comments are
// taken out before the file is read, so they may stand inside any scalar. The
// file want.txt announces what no line can hold: FILE:LINE:COL CODE per line.
// The file check.txt is what check prints, word for word.
//
// Files of flows/tests are run; every one must pass. Files under edit*/ are
// the folders of reload steps.
type fixture struct {
	path, section string
	rules         []string
	behaviour     string
	ask           string
	files         *flows.Files
	edits         map[string]*flows.Files
	want          []string
	check         []byte // nil = not looked at
	archive       *txtar.Archive
	talks         bool
}

var announced = regexp.MustCompile(`[ \t]*#!([+-]\d+)? ([^\r\n]*)`)

// fixtures reads all of testdata.
func fixtures(t testing.TB) []*fixture {
	t.Helper()
	paths, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	var out []*fixture
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := read(filepath.ToSlash(strings.TrimPrefix(path, "testdata/")), a)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		out = append(out, f)
	}
	return out
}

func read(path string, a *txtar.Archive) (*fixture, error) {
	f := &fixture{path: path, section: filepath.Dir(path), archive: a, files: empty("shop"), edits: map[string]*flows.Files{}}
	lines := strings.Split(strings.TrimSpace(string(a.Comment)), "\n")
	for rule := range strings.SplitSeq(lines[0], ";") {
		if rule = strings.TrimSpace(rule); rule != "" {
			f.rules = append(f.rules, rule)
		}
	}
	if len(f.rules) == 0 {
		return nil, fmt.Errorf("its first line names no rule")
	}
	change := func(data []byte) []byte { return data }
	for _, line := range lines[1:] {
		key, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(key) {
		case "crlf":
			change = func(data []byte) []byte { return bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")) }
		case "bom":
			change = func(data []byte) []byte { return append([]byte("\xef\xbb\xbf"), data...) }
		case "behaviour":
			f.behaviour = strings.TrimSpace(value)
		case "ask":
			f.ask = value
		}
	}
	for _, file := range a.Files {
		if err := f.take(file, change); err != nil {
			return nil, err
		}
	}
	sort.Strings(f.want)
	return f, nil
}

func empty(name string) *flows.Files {
	return &flows.Files{Name: name, Data: map[string][]byte{}, Media: map[string][sha256.Size]byte{}}
}

// take puts one file of an archive where it belongs.
func (f *fixture) take(file txtar.File, change func([]byte) []byte) error {
	dir, rest, _ := strings.Cut(file.Name, "/")
	switch {
	case file.Name == "want.txt":
		f.want = append(f.want, strings.Split(strings.TrimSpace(string(file.Data)), "\n")...)
	case file.Name == "check.txt":
		f.check = file.Data
	case strings.HasPrefix(file.Name, "flows/media/"):
		f.files.Media[file.Name] = sha256.Sum256(file.Data)
	case strings.HasPrefix(dir, "edit"):
		if f.edits[dir] == nil {
			f.edits[dir] = empty(dir)
		}
		f.edits[dir].Data[rest] = announced.ReplaceAll(file.Data, nil)
	default:
		want, err := announcedIn(file.Name, string(file.Data))
		if err != nil {
			return err
		}
		f.want = append(f.want, want...)
		f.files.Data[file.Name] = change(announced.ReplaceAll(file.Data, nil))
		f.talks = f.talks || strings.HasSuffix(file.Name, ".test.yaml")
	}
	return nil
}

// announcedIn reads the announcements of a file as "file:line:col CODE".
func announcedIn(path, text string) ([]string, error) {
	var out []string
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		m := announced.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		shift, _ := strconv.Atoi(m[1])
		at := announced.ReplaceAllString(lines[i+shift], "")
		for w := range strings.SplitSeq(m[2], ";;") {
			code, word, _ := strings.Cut(strings.TrimSpace(w), " ")
			col := place(at, word)
			if col < 0 || word == "" {
				return nil, fmt.Errorf("%s:%d: %q is not in the line", path, i+1, word)
			}
			out = append(out, fmt.Sprintf("%s:%d:%d %s", path, i+shift+1, len([]rune(at[:col]))+1, code))
		}
	}
	return out, nil
}

// place is where a word stands in a line; word@3 is its third occurrence.
func place(text, word string) int {
	nth := 1
	if i := strings.LastIndex(word, "@"); i > 0 {
		if n, err := strconv.Atoi(word[i+1:]); err == nil {
			word, nth = word[:i], n
		}
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

// limits are those of language.md 1.4.
func limits(alias, kind string, cfg *source.Node) (dm.Limits, bool, []source.Diagnostic) {
	runes := func(n int) dm.Limit { return dm.Limit{N: n, Unit: "runes"} }
	known := map[string]dm.Limits{
		"web":       {Options: 13, Label: runes(36), Description: runes(72), Text: runes(4000)},
		"webhook":   {Options: 13, Label: runes(36), Text: runes(4000)},
		"telegram":  {Options: 20, Label: runes(36), Text: dm.Limit{N: 4096, Unit: "utf16"}},
		"x":         {Options: 20, Label: runes(36), Description: runes(72), AllOrNone: true, NoURLs: true, Text: runes(10000), InARow: 5},
		"messenger": {Options: 13, Label: runes(20), Text: runes(1900), Window: 24 * time.Hour},
		"instagram": {Options: 13, Label: runes(20), Text: dm.Limit{N: 1000, Unit: "bytes"}, Window: 24 * time.Hour},
		"whatsapp":  {Options: 10, Label: runes(20), Description: runes(72), Text: runes(4096), TextOptions: runes(1024), Window: 24 * time.Hour},
	}
	if kind == "sim" {
		like := "web"
		if n := cfg.Get("like"); n != nil {
			like = n.Text
		}
		kind = like
	}
	l, ok := known[kind]
	l.Channel, l.Kind = alias, kind
	return l, ok, nil
}

func options(ask string) flows.Options {
	opt := flows.Options{Limits: limits,
		Env: func(name string) (string, bool) { return "value", name == "SET" },
		ReadFile: func(path string) ([]byte, error) {
			if path != "secrets/token" {
				return nil, fs.ErrNotExist
			}
			return []byte("value\n"), nil
		}}
	if strings.Contains(ask, "max-cost") {
		most := 0.05
		opt.MaxCost = &most
	}
	return opt
}

// load checks a fixture and gives everything that was found.
func (f *fixture) load() (*flows.Project, *flows.Tests, []string) {
	p, tests := flows.LoadTests(f.files, options(f.ask))
	var found []string
	for _, list := range [][]source.Diagnostic{p.Diagnostics, tests.Diagnostics} {
		for _, d := range list {
			found = append(found, fmt.Sprintf("%s:%d:%d %s", d.Range.File, d.Range.Line, d.Range.Column, d.Code))
		}
	}
	sort.Strings(found)
	return p, tests, found
}

// said is what check prints, with the problems of test files.
func said(p *flows.Project, tests *flows.Tests) string {
	var out strings.Builder
	p.WriteText(&out, false)
	tests.WriteText(&out, false)
	return out.String()
}

// suite makes the tests of a fixture ready to run.
func (f *fixture) suite(p *flows.Project, tests *flows.Tests, watch func(string, engine.Result)) *rehearse.Suite {
	return &rehearse.Suite{Project: p, Tests: tests, Workers: 1, Watch: watch,
		Open: func(folder string) (*flows.Project, error) {
			if f.edits[folder] == nil {
				return nil, fmt.Errorf("there is no folder %s in the fixture", folder)
			}
			return flows.Load(f.edits[folder], options("")), nil
		},
		Window: func(alias string) time.Duration {
			l, _, _ := limits(alias, p.Channels[alias].Kind, nil)
			return l.Window
		}}
}

// rewrite puts what check prints into the archive.
func (f *fixture) rewrite(t *testing.T, text string) {
	t.Helper()
	f.archive.Files = append([]txtar.File(nil), f.archive.Files...)
	for i := range f.archive.Files {
		if f.archive.Files[i].Name == "check.txt" {
			f.archive.Files[i].Data = []byte(text)
			text = ""
		}
	}
	if text != "" {
		f.archive.Files = append(f.archive.Files, txtar.File{Name: "check.txt", Data: []byte(text)})
	}
	if err := os.WriteFile("testdata/"+f.path, txtar.Format(f.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// adopt replaces the announcements of an archive by what was found.
func (f *fixture) adopt(t *testing.T, found []string) {
	t.Helper()
	kept := []txtar.File{}
	for _, file := range f.archive.Files {
		if file.Name != "want.txt" {
			kept = append(kept, txtar.File{Name: file.Name, Data: announced.ReplaceAll(file.Data, nil)})
		}
	}
	if len(found) > 0 {
		kept = append(kept, txtar.File{Name: "want.txt", Data: []byte(strings.Join(found, "\n") + "\n")})
	}
	f.archive.Files = kept
	if err := os.WriteFile("testdata/"+f.path, txtar.Format(f.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
