package flows

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dispatcher/internal/source"

	"github.com/rogpeppe/go-internal/txtar"
)

var mutations = flag.Int("format.mutations", 400/scale+20, "how many changed files TestFormatProof formats")

// sample is one file of a project, with the project.
type sample struct {
	files *Files
	path  string
}

// samples are the files of every project of the repository: the starter, the
// example of the specification, the cookbook, and every fixture in an archive.
func samples(t testing.TB) []sample {
	t.Helper()
	var out []sample
	add := func(files *Files) {
		for _, path := range slices.Sorted(maps.Keys(files.Data)) {
			if _, err := Format(path, files.Data[path]); err == nil {
				out = append(out, sample{files, path})
			}
		}
	}
	folders := []string{"starter", "testdata/acme"}
	cookbook, _ := filepath.Glob("cookbook/*")
	for _, dir := range append(folders, cookbook...) {
		if files, err := Read(os.DirFS(dir), filepath.Base(dir)); err == nil {
			add(files)
		}
	}
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".txtar" {
			return err
		}
		archive, err := txtar.ParseFile(path)
		if err != nil {
			return err
		}
		projects := map[string]*Files{}
		for _, f := range archive.Files {
			root, rest := "", f.Name
			if i := strings.Index("/"+f.Name, "/flows/"); i >= 0 {
				root, rest = f.Name[:i], f.Name[i:]
			} else if filepath.Base(f.Name) == projectFile {
				root, rest = strings.TrimSuffix(f.Name, projectFile), projectFile
			}
			if filepath.Ext(rest) == ".yaml" {
				if projects[root] == nil {
					projects[root] = &Files{Name: "p", Data: map[string][]byte{}}
				}
				projects[root].Data[rest] = f.Data
			}
		}
		for _, root := range slices.Sorted(maps.Keys(projects)) {
			add(projects[root])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestFormatProof formats every file of the repository as it is, and thousands
// that were made from them by chance: with other indentation, keys in another
// order, comments and blank lines anywhere, scalars in other styles.
func TestFormatProof(t *testing.T) {
	t.Parallel()
	list := samples(t)
	if len(list) < 300 {
		t.Fatalf("only %d files to begin with", len(list))
	}
	for i, s := range list {
		if (testing.Short() || scale > 1) && i%10 != 0 {
			continue
		}
		prove(t, s, string(s.files.Data[s.path]), false)
	}
	chance := rand.New(rand.NewPCG(7, 11))
	var count, changed, comments, seed int
	for count < *mutations && !t.Failed() {
		seed++
		s := list[chance.IntN(len(list))]
		text := mutated(rand.New(rand.NewPCG(uint64(seed), 3)), string(s.files.Data[s.path]))
		if _, diags := source.Parse(s.path, []byte(text)); slices.ContainsFunc(diags, func(d source.Diagnostic) bool { return d.Code < "E100" }) {
			if out, err := Format(s.path, []byte(text)); err == nil || string(out) != text {
				t.Fatalf("a broken file is changed:\n%s", text)
			}
			continue
		}
		count++
		if prove(t, s, text, count%4 == 0 || *mutations > 1000) {
			changed++
		}
		comments += strings.Count(text, "#c")
	}
	t.Logf("PROOF fmt: %d mutated files of %d, %d of them formatted anew, with %d comments: meaning kept, idempotent, no comment lost", count, len(list), changed, comments)
}

// prove formats one text and says whether that changed it.
func prove(t *testing.T, s sample, text string, load bool) bool {
	t.Helper()
	got, err := Format(s.path, []byte(text))
	if err != nil {
		t.Errorf("%s: %v\n%s", s.path, err, text)
		return false
	}
	out := string(got)
	fail := func(what string, args ...any) {
		t.Errorf("%s: %s\n--- before\n%s\n--- after\n%s", s.path, fmt.Sprintf(what, args...), text, out)
	}
	if twice, err := Format(s.path, got); err != nil || string(twice) != out {
		fail("not idempotent (%v):\n%s", err, twice)
	}
	before, wasDiags := source.Parse(s.path, []byte(text))
	after, diags := source.Parse(s.path, got)
	if after.Root == nil || len(diags) != len(wasDiags) {
		fail("reads differently: %v", diags)
		return true
	}
	if order := (keyOrder{grammar: grammar(), form: formOfFile(s.path, before.Root)}); !order.sure(before) && strings.HasSuffix(text, "\n") {
		// A block scalar at the very end, without a line break, cannot move: it would get one.
		fail("formatted only in part")
	}
	if a, b := meaning(before, before.Root, ""), meaning(after, after.Root, ""); a != b {
		fail("another tree\n%s\n%s", a, b)
	}
	if a, b := blankLines(text), blankLines(out); a != b {
		fail("%d blank lines were %d", b, a)
	}
	if why := commentsMoved(before, after); why != "" {
		fail("%s", why)
	}
	if load {
		if why := loadsDifferently(s, []byte(text), got); why != "" {
			fail("%s", why)
		}
	}
	return out != text
}

// blankLines counts the lines with nothing on them.
func blankLines(text string) (n int) {
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		if strings.HasSuffix(line, "\n") && strings.TrimSpace(line) == "" {
			n++
		}
	}
	return n
}

// inOwnOrder are the keys that hold maps with names of the writer's own.
var inOwnOrder = []string{"states", "slots", "options", "everywhere", "set", "on", "canned", "schedules", "queues", "channels", "services", "query", "json", "headers", "values"}

// meaning writes a tree: lists and maps of names of the writer in their order, other
// maps by name; scalars with every character and their style.
func meaning(doc *source.Doc, n *source.Node, under string) string {
	switch n.Kind {
	case source.Scalar:
		return fmt.Sprintf("%d%q", n.Style, n.Text)
	case source.List:
		var parts []string
		for _, item := range n.Items {
			parts = append(parts, meaning(doc, item, ""))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case source.Map:
		var parts []string
		for _, p := range n.Pairs {
			parts = append(parts, fmt.Sprintf("%d%q:%s", p.Key.Style, p.Key.Text, meaning(doc, p.Value, p.Key.Text)))
		}
		if !slices.Contains(inOwnOrder, under) {
			slices.Sort(parts)
		}
		for _, p := range doc.Again[n] {
			parts = append(parts, fmt.Sprintf("again %q:%s", p.Key.Text, meaning(doc, p.Value, p.Key.Text)))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return "-"
}

// loadsDifferently checks and compiles the project with either text.
func loadsDifferently(s sample, before, after []byte) string {
	load := func(data []byte) (codes []string, set string) {
		files := &Files{Name: s.files.Name, Data: maps.Clone(s.files.Data), Media: s.files.Media}
		files.Data[s.path] = data
		p, _ := LoadTests(files, testOptions())
		for _, d := range p.Diagnostics {
			codes = append(codes, d.Code)
		}
		slices.Sort(codes)
		if !p.OK() { // what is said once of two mistakes in one place may be said of the other
			codes = slices.Compact(codes)
		}
		if p.Set != nil {
			compiled := *p.Set
			compiled.ID = ""
			set = canon(compiled)
			for i, v := 0, reflect.ValueOf(p.Config); i < v.NumField(); i++ {
				if !strings.Contains(v.Type().Field(i).Type.String(), "source.Node") { // which the tree covers
					set += canon(v.Field(i).Interface())
				}
			}
		}
		return codes, set
	}
	codes, set := load(before)
	codesAfter, setAfter := load(after)
	if !slices.Equal(codes, codesAfter) {
		return fmt.Sprintf("problems were %v, are %v", codes, codesAfter)
	}
	if set != setAfter {
		return "the project is compiled differently"
	}
	return ""
}

var commentText = regexp.MustCompile(`(?:^|\s)(#c\d+c)`)

// commentsMoved says which of the comments #cNc is lost, or is no longer beside
// its words, or no longer above or below them.
func commentsMoved(before, after *source.Doc) string {
	was, is := commentPlaces(before, false), commentPlaces(after, true)
	for name, old := range was {
		now, kept := is[name]
		switch {
		case !kept:
			return "lost " + name
		case old.beside != now.beside:
			return fmt.Sprintf("%s was beside %q, is beside %q", name, old.beside, now.beside)
		case len(old.near) > 0 && !slices.ContainsFunc(old.near, func(k string) bool { return slices.Contains(now.near, k) }):
			return fmt.Sprintf("%s was at %q, is at %q", name, old.near, now.near)
		}
	}
	if len(was) != len(is) {
		return "comments came from nowhere"
	}
	return ""
}

type commentPlace struct {
	beside string   // the words before it on its line
	near   []string // the words above and below it, other comments apart, without a blank line between
}

// commentPlaces finds the comments of a file. Words above that stand further to
// the right, and words below that stand further to the left, are not what a
// comment is about, unless all says so.
func commentPlaces(doc *source.Doc, all bool) map[string]commentPlace {
	lines := strings.Split(strings.ReplaceAll(string(doc.Data), "\r\n", "\n"), "\n")
	out := map[string]commentPlace{}
	note := func(i int) bool { return strings.HasPrefix(strings.TrimSpace(lines[i]), "#") }
	for i, line := range lines {
		found := commentText.FindStringSubmatchIndex(line)
		if found == nil {
			continue
		}
		var p commentPlace
		p.beside = wordsOn(line[:found[2]])
		if p.beside == "" {
			up, down := i-1, i+1
			for up >= 0 && note(up) {
				if indentOf(lines[up]) < indentOf(line) { // that one is about what comes
					up = -1
				}
				up--
			}
			for down < len(lines) && note(down) {
				down++
			}
			for _, at := range []int{up, down} {
				if at < 0 || at >= len(lines) || wordsOn(lines[at]) == "" {
					continue
				}
				if right := indentOf(lines[at]) - indentOf(line); all || at == up && right <= 0 || at == down && right >= 0 {
					p.near = append(p.near, wordsOn(lines[at]), item(lines, at))
				}
			}
		}
		out[line[found[2]:found[3]]] = p
	}
	return out
}

// wordsOn are the words of a line in the order of the alphabet, because keys in
// brackets change places, without dashes and comments.
func wordsOn(line string) string {
	line, _, _ = strings.Cut(line, " #")
	line = strings.TrimLeft(line, " -")
	if strings.Count(line, "{")+strings.Count(line, "[") != strings.Count(line, "}")+strings.Count(line, "]") {
		return "…"
	}
	list := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" {},", r) })
	slices.Sort(list)
	return strings.Join(list, " ")
}

// item is an item of a list whose dash is on a line: a comment above it is
// about all of it, whichever key is first.
func item(lines []string, at int) string {
	rest := strings.TrimLeft(lines[at], " ")
	if !strings.HasPrefix(rest, "-") {
		return ""
	}
	col := len(lines[at]) - len(rest)
	list := []string{wordsOn(lines[at])}
	for i := at + 1; i < len(lines); i++ {
		rest := strings.TrimLeft(lines[i], " ")
		if rest == "" || rest[0] == '#' {
			continue
		}
		if len(lines[i])-len(rest) <= col {
			break
		}
		list = append(list, wordsOn(lines[i]))
	}
	slices.Sort(list)
	return "item " + strings.Join(list, "; ")
}

// sure says that a file is formatted without a second try that does less.
func (o keyOrder) sure(doc *source.Doc) bool {
	out, ok := o.format(doc)
	return ok && o.same(doc, out)
}

// FuzzFormat: no input makes Format panic or run for ever; what it gives is a
// fixed point and means the same.
func FuzzFormat(f *testing.F) {
	for i, s := range samples(f) {
		if i%20 == 0 {
			f.Add(s.path, s.files.Data[s.path])
		}
	}
	for _, text := range hostile() {
		if len(text) < 10_000 {
			f.Add("flows/h.yaml", []byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, path string, text []byte) {
		out, err := Format(path, text)
		if err != nil {
			if string(out) != string(text) {
				t.Fatalf("a broken file is changed: %q", out)
			}
			return
		}
		if twice, err := Format(path, out); err != nil || string(twice) != string(out) {
			t.Fatalf("not idempotent, %v\n%q\n%q", err, out, twice)
		}
		before, _ := source.Parse(path, text)
		after, _ := source.Parse(path, out)
		if after.Root == nil || meaning(before, before.Root, "") != meaning(after, after.Root, "") {
			t.Fatalf("another tree\n%q\n%q", text, out)
		}
	})
}
