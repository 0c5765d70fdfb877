package manual

import (
	"slices"
	"strings"
	"testing"

	"dispatcher/flows"
)

// A key, a construct or a code without a page is said, and so is a page about
// something that there is not.
func TestNothingIsLeftOut(t *testing.T) {
	t.Parallel()
	fresh := func() *writer {
		m := &writer{constructs: flows.Constructs(), codes: map[string][]*page{}, pages: map[string]string{}}
		if err := m.read(); err != nil {
			t.Fatal(err)
		}
		for _, p := range m.all {
			m.pages["reference/"+p.name+".md"] = "x"
		}
		if err := m.whole(); err != nil {
			t.Fatal(err)
		}
		return m
	}
	of := func(m *writer, name string) *page {
		return m.all[slices.IndexFunc(m.all, func(p *page) bool { return p.name == name })]
	}
	for want, spoil := range map[string]func(m *writer){
		"no page shows collect.max_tries": func(m *writer) { of(m, "collect").tables = nil },
		"no page shows state.collect":     func(m *writer) { of(m, "collect").tables = nil },
		"no page shows oracle.ask": func(m *writer) {
			m.constructs["oracle"] = flows.Construct{Name: "oracle", Keys: []flows.Key{{Name: "ask"}}}
		},
		"no page names E124": func(m *writer) { delete(m.codes, "E124") },
		"names E999":         func(m *writer) { m.codes["E999"] = m.all[:1] },
		"collect shows collect.max_trys, which is no key": func(m *writer) {
			of(m, "collect").tables = append(of(m, "collect").tables, table{construct: "collect", keys: []string{"max_trys"}})
		},
		"collect points to colect": func(m *writer) { of(m, "collect").see = []string{"colect"} },
	} {
		m := fresh()
		spoil(m)
		if err := m.whole(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// The words of a page are refused where they could be misread.
func TestWordsAreRead(t *testing.T) {
	t.Parallel()
	p, err := parse("x", "title: X\ngroup: People\nbrief: An x.\nkeys: state(a b) slot\ncodes: E101 E102\n-- for --\nFor.\n-- flows/x.yaml --\nflow: x\n-- cases --\n- One.\n")
	if err != nil || len(p.tables) != 2 || len(p.tables[0].keys) != 2 || p.tables[1].keys != nil || len(p.codes) != 2 || p.intro != "For." || p.cases != "- One." ||
		len(p.files) != 1 || p.files[0].text != "flow: x\n" {
		t.Errorf("%+v %v", p, err)
	}
	for _, text := range []string{"", "title: X\ngroup: Nowhere\nbrief: An x.\n-- for --\nFor.\n", "titel: X\n-- for --\nFor.\n", "title: X\ngroup: People\nbrief: An x.\n"} {
		if _, err := parse("x", text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
