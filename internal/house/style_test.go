package house

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	maxFunction = 60  // lines
	maxTest     = 100 // lines of a test function, its table included
	maxFile     = 500 // lines
)

// sources reads every Go file of the module. That the test itself opens them
// is what makes a cached result of this package honest.
func sources(t *testing.T) map[string][]byte {
	t.Helper()
	root := filepath.Join("..", "..")
	out := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "data" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(root, path)
		out[filepath.ToSlash(rel)] = data
		return err
	})
	if err != nil || len(out) < 50 {
		t.Fatalf("read the sources: %v", err)
	}
	return out
}

var unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b|not ` + `implemented`)

func TestStyleOfTheHouse(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	for path, data := range sources(t) {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, data, parser.ParseComments)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if tidy, err := format.Source(data); err != nil || !bytes.Equal(tidy, data) {
			t.Errorf("%s is not formatted: make fmt", path)
		}
		if m := unfinished.Find(data); m != nil {
			t.Errorf("%s says %s: finish it or take it out", path, m)
		}
		test := strings.HasSuffix(path, "_test.go")
		if n := bytes.Count(data, []byte("\n")); n > maxFile && !test {
			t.Errorf("%s has %d lines, the house allows %d", path, n, maxFile)
		}
		dir := filepath.Dir(path)
		documented[dir] = documented[dir] || file.Doc != nil && !test
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok {
				checkFunction(t, fset, path, f, test)
			}
		}
	}
	for dir, ok := range documented {
		if !ok && !onlyTests(dir) {
			t.Errorf("package %s has no comment that says what it promises", dir)
		}
	}
}

func checkFunction(t *testing.T, fset *token.FileSet, path string, f *ast.FuncDecl, test bool) {
	t.Helper()
	from, to := fset.Position(f.Pos()).Line, fset.Position(f.End()).Line
	limit := maxFunction
	if test {
		limit = maxTest
	}
	if n := to - from + 1; n > limit {
		t.Errorf("%s:%d: %s has %d lines, the house allows %d", path, from, f.Name.Name, n, limit)
	}
	if f.Name.IsExported() && f.Doc == nil && !test && f.Recv == nil {
		t.Errorf("%s:%d: %s has no comment", path, from, f.Name.Name)
	}
}

// onlyTests says whether a folder holds nothing but tests.
func onlyTests(dir string) bool {
	entries, _ := os.ReadDir(filepath.Join("..", "..", dir))
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go") {
			return false
		}
	}
	return true
}
