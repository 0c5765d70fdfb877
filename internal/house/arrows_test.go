package house

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows says what each package of this module may import of this module. A
// key that ends in /... stands for every package below it that has no line of
// its own; "*" allows everything.
var arrows = map[string][]string{
	"dm":                     {},
	"dm/schedule":            {"dm"},
	"engine":                 {"dm", "dm/schedule"},
	"engine/enginetest":      {},
	"internal/source":        {},
	"internal/pace":          {},
	"flows":                  {"engine", "dm", "dm/schedule", "internal/source"},
	"flows/starter":          {},
	"flows/cookbook":         {},
	"flows/graph":            {"flows"},
	"flows/lsp":              {"flows", "internal/source"},
	"flows/manual":           {"flows", "flows/rehearse", "internal/source"},
	"flows/watch":            {"flows"},
	"flows/conformance":      {},
	"flows/rehearse":         {"flows", "engine", "dm", "dm/schedule"},
	"vault":                  {},
	"storage":                {"dm"},
	"storage/...":            {"storage", "storage/storagetest", "dm"},
	"channels":               {"dm", "internal/source"},
	"channels/...":           {"channels", "channels/wire", "dm"},
	"inbox":                  {"engine", "flows", "storage", "channels", "vault", "dm", "dm/schedule"},
	"desk":                   {"inbox", "flows", "storage", "vault", "dm", "dm/schedule"},
	"server":                 {"inbox", "desk", "flows", "flows/watch", "flows/rehearse", "flows/graph", "channels", "storage", "vault", "dm", "dm/schedule", "server/web"},
	"server/web":             {},
	"bench":                  {"*"},
	"cmd/dispatcher":         {"*"},
	"cmd/dispatcher/...":     {"*"},
	"internal/house":         {},
	"internal/house/mutants": {},
	"internal/proof/...":     {"*"},
	"internal/proof":         {"*"},
}

// inTests may be imported by tests beyond the arrows: a test may stand on the
// real neighbour instead of an imitation.
var inTests = map[string][]string{
	"flows/starter":     {"flows", "flows/rehearse", "engine", "internal/source"},
	"flows/watch":       {"flows/starter", "engine", "internal/source"},
	"flows/cookbook":    {"flows", "flows/rehearse", "flows/graph", "engine", "internal/source"},
	"flows/graph":       {"flows/starter", "flows/cookbook", "flows/rehearse", "internal/source"},
	"flows/lsp":         {"flows/starter", "internal/pace"},
	"engine":            {"engine/enginetest"},
	"flows/conformance": {"flows", "flows/rehearse", "engine", "engine/enginetest", "dm", "internal/source", "internal/pace"},
	"flows/rehearse":    {"flows/starter", "internal/source", "internal/pace"},
	"storage/...":       {"vault"},
	"channels":          {"channels/wire"},
	"channels/...":      {"channels/channeltest", "channels/channeltest/fakeplatform", "channels/web", "channels/webhook", "channels/x", "engine", "internal/source"},
	"inbox":             {"storage/sqlite", "storage/storagetest", "channels/wire", "channels/sim", "channels/web", "channels/webhook", "channels/x", "channels/channeltest/fakeplatform", "flows/starter", "internal/source"},
	"desk":              {"storage/sqlite", "channels", "channels/wire", "channels/sim", "channels/web", "channels/webhook", "engine", "flows/starter", "internal/source"},
	"server":            {"storage/sqlite", "channels/wire", "channels/sim", "channels/web", "channels/webhook", "channels/x", "flows/starter", "engine", "internal/source", "channels/channeltest/fakeplatform"},
	"server/web":        {},
	"internal/source":   {},
	"flows":             {"flows/starter", "internal/pace"},
}

// pure packages may not ask the world anything.
var pure = map[string][]string{
	"dispatcher/engine": {"net", "net/http", "os", "math/rand", "math/rand/v2", "crypto/rand", "database/sql", "log", "log/slog"},
	"dispatcher/flows":  {"net", "net/http", "os", "math/rand", "math/rand/v2", "crypto/rand", "database/sql"},
	"dispatcher/dm":     {"net", "net/http", "os", "math/rand", "database/sql"},
}

// foreign says which folder may import which third-party module.
var foreign = map[string][]string{
	"dm":              {},
	"engine":          {"github.com/expr-lang/expr", "github.com/looplab/fsm", "golang.org/x/text", "github.com/rivo/uniseg"},
	"internal/source": {"go.yaml.in/yaml/v4", "golang.org/x/text", "github.com/rivo/uniseg"},
	"flows":           {"github.com/expr-lang/expr", "golang.org/x/text", "github.com/rivo/uniseg", "github.com/fsnotify/fsnotify"},
	"flows/lsp":       {"github.com/creachadair/jrpc2"},
	"vault":           {},
	"storage":         {"modernc.org/sqlite", "github.com/pressly/goose/v3", "github.com/google/uuid", "pgregory.net/rapid", "golang.org/x/sys"},
	"channels":        {"github.com/google/uuid", "golang.org/x/text", "github.com/rivo/uniseg", "github.com/standard-webhooks", "golang.org/x/time"},
	"inbox":           {"github.com/looplab/fsm", "github.com/google/uuid", "golang.org/x/time", "golang.org/x/text", "github.com/prometheus/client_golang", "github.com/rivo/uniseg"},
	"desk":            {"github.com/google/uuid", "github.com/prometheus/client_golang", "golang.org/x/text"},
	"server": {"github.com/labstack/echo/v4", "github.com/danielgtaylor/huma/v2", "github.com/swaggest/swgui", "github.com/prometheus/client_golang",
		"golang.org/x/crypto", "golang.org/x/time", "golang.org/x/net", "golang.org/x/text", "github.com/pquerna/otp", "github.com/google/uuid", "github.com/boombuler/barcode"},
}

type pkg struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
	Standard                           bool
}

func list(t *testing.T) []pkg {
	t.Helper()
	sources(t)
	cmd := exec.Command("go", "list", "-tags", "browser", "-json=ImportPath,Imports,TestImports,XTestImports", "dispatcher/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// rule finds the line for a package: its own, else that of the nearest folder above.
func rule(table map[string][]string, name string) ([]string, bool) {
	if r, ok := table[name]; ok {
		return r, true
	}
	for dir := name; strings.Contains(dir, "/"); {
		dir = dir[:strings.LastIndex(dir, "/")]
		if r, ok := table[dir+"/..."]; ok {
			return r, true
		}
	}
	return nil, false
}

func TestArrows(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, "dispatcher/")
		allowed, ok := rule(arrows, name)
		if !ok {
			t.Errorf("%s stands in no arrow: give it a room in internal/house", name)
			continue
		}
		if slices.Contains(allowed, "*") {
			continue
		}
		also, _ := rule(inTests, name)
		checkImports(t, name, p.Imports, allowed)
		checkImports(t, name+" (tests)", append(p.TestImports, p.XTestImports...), slices.Concat(allowed, also, []string{name}))
	}
}

func checkImports(t *testing.T, name string, imports, allowed []string) {
	t.Helper()
	for _, i := range imports {
		if to, ok := strings.CutPrefix(i, "dispatcher/"); ok && !slices.Contains(allowed, to) {
			t.Errorf("%s imports %s, which its arrows do not allow", name, to)
		}
	}
}

func TestPureStaysPure(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		for _, i := range p.Imports {
			if slices.Contains(pure[p.ImportPath], i) {
				t.Errorf("%s imports %s: it must ask the world nothing", p.ImportPath, i)
			}
		}
	}
}

func TestForeignLibraries(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, "dispatcher/")
		top := name
		if _, ok := foreign[top]; !ok {
			top, _, _ = strings.Cut(name, "/")
		}
		allowed, ok := foreign[top]
		if !ok {
			continue
		}
		for _, i := range p.Imports {
			if first, _, _ := strings.Cut(i, "/"); !strings.Contains(first, ".") {
				continue
			}
			if !slices.ContainsFunc(allowed, func(a string) bool { return i == a || strings.HasPrefix(i, a+"/") }) {
				t.Errorf("%s imports %s, which is not on the list of %s", name, i, top)
			}
		}
	}
}
