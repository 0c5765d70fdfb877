package flows

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// acme is the worked example of language.md 10.
func acme(t testing.TB) *Files {
	t.Helper()
	files, err := Read(os.DirFS("testdata/acme"), "acme")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// The worked example has no errors, and no warnings but of French that is begun
// only and of the token that is not set.
func TestWorkedExample(t *testing.T) {
	t.Parallel()
	p := Load(acme(t), testOptions())
	var codes []string
	for _, d := range p.Diagnostics {
		codes = append(codes, d.Code)
	}
	slices.Sort(codes)
	if got := strings.Join(slices.Compact(codes), " "); !p.OK() || got != "W132 W420" {
		var out strings.Builder
		p.WriteText(&out, false)
		t.Errorf("%s\n%s", got, out.String())
	}
	if p.Counts.Flows != 5 || p.Counts.States != 28 {
		t.Errorf("%+v", p.Counts)
	}
	look := p.Set.Flows["track_order"].States["look_up"].HTTP
	if look.Service != "shop_api" || look.Method != "get" || look.Retry != 1 || look.Save != "order" || len(look.Returns) != 4 ||
		look.On["404"].State != "not_found" || look.On["404"].Key != "http:404" || look.OnElse.Edge != "http:else" {
		t.Errorf("%+v", look)
	}
	if s := p.Config.Service["shop_api"]; s.URL != "https://api.acme.example/v1" || s.Headers["Authorization"] != "Bearer ${env:SHOP_API_TOKEN}" {
		t.Errorf("%+v", s)
	}
}
