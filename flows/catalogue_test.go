package flows

import (
	"crypto/sha256"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dispatcher/dm"
	"dispatcher/internal/source"
)

// exampleOptions is a machine on which the examples of the catalogue are true.
func exampleOptions() Options {
	limit := 0.05
	o := testOptions()
	o.MaxCost = &limit
	o.Limits = func(alias, kind string, n *source.Node) (dm.Limits, bool, []source.Diagnostic) {
		l, ok, diags := testLimits(alias, kind, n)
		if alias == "tiny" {
			l.Text = dm.Limit{N: 20, Unit: "runes"}
		}
		return l, ok, diags
	}
	return o
}

func exampleProject(text string) *Project {
	f := ExampleFiles(text)
	f.Media = map[string][sha256.Size]byte{"flows/media/photo.png": {1}}
	return Load(f, exampleOptions())
}

// Every code of the catalogue has an example that shows it, and the same
// without it; where check reports nothing, the entry says who does.
func TestEveryExampleIsTrue(t *testing.T) {
	t.Parallel()
	has := func(p *Project, code string) bool {
		return slices.ContainsFunc(p.Diagnostics, func(d source.Diagnostic) bool { return d.Code == code })
	}
	for _, code := range Codes() {
		e, ok := Explain(code)
		if !ok || e.Code != code || e.Title == "" || len(e.Why) < 40 || (e.Severity == "error") != (code[0] == 'E') {
			t.Errorf("%s: %+v", code, e)
		}
		if e.elsewhere != "" {
			continue
		}
		var out strings.Builder
		before, after := exampleProject(e.Before), exampleProject(e.After)
		if !has(before, code) {
			before.WriteText(&out, false)
			t.Errorf("%s: its example does not show it:\n%s", code, out.String())
		}
		if has(after, code) || !after.OK() {
			after.WriteText(&out, false)
			t.Errorf("%s: its remedy is none:\n%s", code, out.String())
		}
	}
}

// The catalogue is that of the document: no code is missing and none is made up.
func TestCatalogueIsWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, code := range Codes() {
		if seen[code] {
			t.Errorf("%s is there twice", code)
		}
		seen[code] = true
	}
	for _, code := range strings.Fields(`E001 E002 E003 E004 E005 E006 E007 E008 E101 E102 E103 E104 E105 E106 E107 E108 E109 E110 E111 E112
		E113 E114 E115 E116 E117 E118 E119 E120 E121 E122 E123 E124 E126 E127 E128 E130 E131 W132 W133 E134 E135 E140 E141
		E201 E202 E203 E204 E205 E206 E207 E208 E210 E211 E212 E213 W214 W215 E216 E217 E218 E219 E220 E221 E299
		E301 E302 E303 E304 E305 E306 E307 W308 E310 E311 W311 E312 W313 E314 E315 E316 W317 W318 E320 E321 W322 W323 E324 E325 W326 W327
		W328 E329 W331 W332 W401 W402 W403 W404 W405 W406 W410 W420 W421 W422 W425 W430 W432 W433 W434 W501 W502`) {
		if !seen[code] {
			t.Errorf("%s is not explained", code)
		}
		delete(seen, code)
	}
	for code := range seen {
		t.Errorf("%s is not in the catalogue of language.md 6.3", code)
	}
}

// Whatever the sources emit is explained.
func TestEmittedCodesAreExplained(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{".", "../internal/source", "../channels"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") || strings.HasPrefix(e.Name(), "catalogue") {
				continue
			}
			data, err := os.ReadFile(dir + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`"([EW]\d{3})"`).FindAllStringSubmatch(string(data), -1) {
				if _, ok := Explain(m[1]); !ok && m[1] != "E100" {
					t.Errorf("%s emits %s, which nobody explains", e.Name(), m[1])
				}
			}
		}
	}
}

func TestLongHelp(t *testing.T) {
	t.Parallel()
	e, _ := Explain("E301")
	var out strings.Builder
	e.WriteText(&out, Options{}, false)
	for _, want := range []string{"E301 (error): there is no such state", "\nBefore:\n\n    flow: shop\n", "flows/shop.yaml:3:29: error[E301]: there is no state called \"welcom_back\"",
		"did you mean welcome_back?", "\nAfter:\n\n    flow: shop\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if got, ok := SimilarCode("E31O"); !ok || got != "E310" {
		t.Error(got, ok)
	}
	if _, ok := Explain("E999"); ok {
		t.Error("E999 means nothing")
	}
}
