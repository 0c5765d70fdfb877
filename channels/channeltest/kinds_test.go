package channeltest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kinds are the folders beside this one that open an adapter.
func kinds(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		dir := filepath.Join("..", e.Name())
		for _, f := range sources(t, dir, false) {
			if strings.Contains(f.text, "\nfunc Open(name string, cfg channels.ConfigNode, env channels.Env)") {
				out = append(out, dir)
			}
		}
	}
	return out
}

type sourceFile struct{ path, text string }

func sources(t *testing.T, dir string, tests bool) []sourceFile {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var out []sourceFile
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") != tests {
			continue
		}
		raw, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, sourceFile{p, string(raw)})
	}
	return out
}

// TestEveryKindRunsTheSuite: a kind of channel without it is not released.
func TestEveryKindRunsTheSuite(t *testing.T) {
	t.Parallel()
	found := kinds(t)
	if len(found) < 4 {
		t.Fatalf("only %v", found)
	}
	for _, dir := range found {
		all := ""
		for _, f := range sources(t, dir, true) {
			all += f.text
		}
		for _, want := range []string{"channeltest.Run(t,", "channeltest.Main(m)"} {
			if !strings.Contains(all, want) {
				t.Errorf("%s has no %s", dir, want)
			}
		}
	}
}

// TestAdaptersCompareInConstantTime: signatures are compared by hmac.Equal
// only, inside wire; no adapter compares sums itself (C2).
func TestAdaptersCompareInConstantTime(t *testing.T) {
	t.Parallel()
	for _, dir := range append(kinds(t), "../wire") {
		for _, f := range sources(t, dir, false) {
			for _, bad := range []string{"bytes.Equal(sum", "bytes.Equal(mac", "== sum", "sum ==", "== mac", "mac ==", "string(sum)", "reflect.DeepEqual"} {
				if strings.Contains(f.text, bad) {
					t.Errorf("%s compares with %q", f.path, bad)
				}
			}
		}
	}
}

// TestAdaptersArePure: no clock, chance or client in an adapter. A Server's
// handlers may make random ids; timers bound their waits.
func TestAdaptersArePure(t *testing.T) {
	t.Parallel()
	for _, dir := range append(kinds(t), "../wire") {
		for _, f := range sources(t, dir, false) {
			for _, bad := range []string{"time.Now(", "http.Get(", "http.Client", "http.DefaultClient", "net.Dial", "math/rand", "os.Getenv", "os.ReadFile", "func init()"} {
				if strings.Contains(f.text, bad) {
					t.Errorf("%s uses %s", f.path, bad)
				}
			}
		}
	}
}

// TestHouseStyle: short functions and files, and every exported name is explained.
func TestHouseStyle(t *testing.T) {
	t.Parallel()
	for _, dir := range append(kinds(t), "..", "../wire", ".", "fakeplatform") {
		for _, f := range append(sources(t, dir, false), sources(t, dir, true)...) {
			if n := strings.Count(f.text, "\n"); n > 520 && !strings.HasSuffix(f.path, "_test.go") {
				t.Errorf("%s has %d lines", f.path, n)
			}
			checkFunctions(t, f)
		}
	}
}

func checkFunctions(t *testing.T, f sourceFile) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, f.path, f.text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	test := strings.HasSuffix(f.path, "_test.go")
	for _, d := range file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		lines := set.Position(fn.End()).Line - set.Position(fn.Pos()).Line
		if lines > 60 {
			t.Errorf("%s: %s has %d lines", f.path, fn.Name.Name, lines)
		}
		if fn.Name.IsExported() && fn.Doc == nil && !test && fn.Name.Name != "Error" && fn.Name.Name != "Unwrap" {
			t.Errorf("%s: %s is not explained", f.path, fn.Name.Name)
		}
	}
}
