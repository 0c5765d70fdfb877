package flows

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestFormat compares testdata/format/cases.txtar: NAME.in is formatted to NAME.out,
// which is a fixed point; a file without .out is one already.
func TestFormat(t *testing.T) {
	t.Parallel()
	archive, err := txtar.ParseFile("testdata/format/cases.txtar")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, f := range archive.Files {
		texts[f.Name] = string(f.Data)
	}
	for name, in := range texts {
		want, changes := texts[strings.Replace(name, ".in/", ".out/", 1)]
		if !changes || strings.Contains(name, ".out/") {
			want = in
		}
		_, path, _ := strings.Cut(name, "/")
		for _, ending := range []string{"\n", "\r\n"} {
			in, want := strings.ReplaceAll(in, "\n", ending), strings.ReplaceAll(want, "\n", ending)
			got, err := Format(path, []byte(in))
			if err != nil || string(got) != want {
				t.Errorf("%s with %q (%v)\n--- got\n%s--- want\n%s", name, ending, err, got, want)
			}
			twice, err := Format(path, got)
			if err != nil || string(twice) != string(got) {
				t.Errorf("%s with %q is not a fixed point (%v)\n--- once\n%s--- twice\n%s", name, ending, err, got, twice)
			}
		}
	}
}

// TestFormatLeavesBrokenFilesAlone: what is no YAML of flow files comes back
// byte for byte, with the place of the problem.
func TestFormatLeavesBrokenFilesAlone(t *testing.T) {
	t.Parallel()
	for text, code := range map[string]string{
		"flow: f\nstates: [\n":                       "E001",
		"flow: f\nstates:\n\tstart: {goto: x}\n":     "E002",
		"flow: f\nstates: {start: {say: a: b}}\n":    "E001",
		"flow: f\nstates: {}\n---\nflow: g\n":        "E007",
		"":                                           "E007",
		"flow: \xff\n":                               "E007",
		"states: &a {}\nflow: *a\n":                  "E008",
		"flow: f\nstates:\n  a:\n    say: {{ x }}\n": "E004",
	} {
		got, err := Format("flows/f.yaml", []byte(text))
		var bad *FormatError
		if string(got) != text || !errors.As(err, &bad) || len(bad.Diagnostics) == 0 {
			t.Errorf("%q came back as %q, %v", text, got, err)
			continue
		}
		if d := bad.Diagnostics[0]; d.Code != code || d.Range.Line < 1 || !strings.Contains(err.Error(), code) {
			t.Errorf("%q: %v, want %s", text, err, code)
		}
	}
}

// TestFormatKeepsTheMark: a byte order mark stays, and so does a file's last
// line without a line break where that line is the text of a block.
func TestFormatKeepsTheMark(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"\xef\xbb\xbfstates: {}\nflow: f":                 "\xef\xbb\xbfflow: f\nstates: {}\n",
		"flow: f\nstates:\n a:\n  say: |\n   x":           "flow: f\nstates:\n  a:\n    say: |\n      x",
		"flow: f\nstates: {}\n   ":                        "flow: f\nstates: {}\n",
		"# begin\n---\nstates: {}\nflow: f\n...\n# end\n": "# begin\n---\nflow: f\nstates: {}\n...\n# end\n",
	} {
		got, err := Format("flows/f.yaml", []byte(in))
		if err != nil || string(got) != want {
			t.Errorf("%q\n got %q, %v\nwant %q", in, got, err, want)
		}
	}
}

// TestStarterIsFormatted: the starter, the recipes of the cookbook and the
// example of the specification are written as Format writes them.
func TestStarterIsFormatted(t *testing.T) {
	t.Parallel()
	recipes, err := filepath.Glob("cookbook/*/dispatcher.yaml")
	if err != nil || len(recipes) == 0 {
		t.Fatal("no recipes", err)
	}
	roots := []string{"starter", "testdata/acme"}
	for _, recipe := range recipes {
		roots = append(roots, filepath.Dir(recipe))
	}
	for _, root := range roots {
		files, err := Read(os.DirFS(root), filepath.Base(root))
		if err != nil {
			t.Fatal(err)
		}
		for path, data := range files.Data {
			got, err := Format(path, data)
			if err != nil || string(got) != string(data) {
				var b strings.Builder
				unified(&b, path, lines(data), lines(got))
				t.Errorf("%s in %s is not formatted (%v)\n%s", path, root, err, b.String())
			}
		}
	}
}
