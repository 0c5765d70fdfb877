package flows

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestAddressesOfServices: credentials are not in an address, and what stands
// before an @ is no host.
func TestAddressesOfServices(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://shop.example/api":                 "",
		"https://shop.example/@mia":                "",
		"http://127.0.0.1:80":                      "",
		"http://[::1]:80/x":                        "",
		"http://localhost":                         "",
		"http://127.0.0.1:80@evil.example":         "E134 W133",
		"http://ann:hunter2@127.0.0.1:80":          "E105 W133",
		"https://ann:hunter2@shop.example":         "E105 W133",
		"https://ann:${env:PASSWORD}@shop.example": "E105",
		"ftp://ann:hunter2@shop.example":           "E105 W133",
	} {
		p := Load(&Files{Name: "shop", Data: map[string][]byte{
			"dispatcher.yaml": []byte("dispatcher: 1\nproject: shop\nstart: hi\nqueues:\n  general: {name: General}\ndefault_queue: general\nservices:\n  shop: {url: \"" + url + "\", insecure: true}\n"),
			"flows/hi.yaml":   []byte("flow: hi\nstates:\n  start:\n    handoff: general\n"),
		}}, Options{})
		codes := map[string]bool{}
		for _, d := range p.Diagnostics {
			codes[d.Code] = true
		}
		got := strings.Join(slices.Sorted(maps.Keys(codes)), " ")
		if got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
		var text strings.Builder
		p.WriteText(&text, false)
		if strings.Contains(text.String(), "hunter2") {
			t.Errorf("%s is repeated:\n%s", url, text.String())
		}
	}
}
