package flows

import (
	"slices"
	"strings"
)

// What the names of a project are names of.
const (
	NameFlow     = "flow"
	NameState    = "state"
	NameSlot     = "slot"
	NameQueue    = "queue"
	NameSchedule = "schedule"
	NameService  = "service"
	NameCanned   = "canned response"
	NameLookup   = "look-up"
	NameChannel  = "channel"
)

// Step is one step from the head of a file to a place in it: to what a key
// holds, or to an item of a list.
type Step struct {
	Key  string
	Item bool
}

// KeyDoc is one key of the language as the grammar table has it.
type KeyDoc struct {
	Name     string
	Doc      string // one line
	Default  string // as documented, "" = none
	Value    string // what it takes, in words
	Of       string // the map it belongs to, in words
	Required bool
	Nested   bool // it holds a map or a list
}

// Place is what the grammar table knows of a place in a file, however much of
// the file is still to be written. The zero Place knows nothing.
type Place struct {
	spots []spot
	key   KeyDoc
}

// spot is one way to read a place: a form, and what it is about.
type spot struct {
	key      key
	form     string
	names    string // what a text here is the name of
	keyed    string // what the keys of a map here are names of
	declares bool
}

// FileKind is what a file of a project is: project, flow, locale or test, as
// Schema calls them; "" for another file.
func FileKind(path string) string {
	switch {
	case path == projectFile:
		return "project"
	case isTest(path) && strings.HasSuffix(path, testSuffix):
		return "test"
	case isLocale(path) && strings.HasSuffix(path, ".yaml"):
		return "locale"
	case isFlow(path):
		return "flow"
	}
	return ""
}

// Atlas finds places by the grammar table. It never changes.
type Atlas struct {
	grammar map[string]construct
}

// NewAtlas makes an Atlas.
func NewAtlas() *Atlas { return &Atlas{grammar()} }

// root is the whole of a file.
func (a *Atlas) root(kind string) []spot {
	construct, ok := map[string]string{"project": "project", "flow": "flow", "locale": "locale", "test": "test_file"}[kind]
	if !ok {
		return nil
	}
	return []spot{{form: "map:" + construct}}
}

// At is the place that the steps lead to in a file of a kind.
func (a *Atlas) At(kind string, path []Step) Place {
	p := Place{spots: a.root(kind)}
	for _, step := range path {
		p = a.next(p, step)
	}
	return p
}

// next is the place one step further.
func (a *Atlas) next(p Place, step Step) Place {
	var out Place
	for _, s := range p.spots {
		for _, below := range a.below(s, step) {
			if !slices.ContainsFunc(out.spots, func(have spot) bool { return have.form == below.form && have.names == below.names }) {
				out.spots = append(out.spots, below)
			}
		}
		if c, k, ok := a.keyOf(s, step.Key); ok && !step.Item && out.key.Name == "" {
			out.key = k.documented(c)
		}
	}
	return out
}

// constructs are the maps that a spot may be.
func (a *Atlas) constructs(s spot) []string {
	head, rest, _ := strings.Cut(s.form, ":")
	switch head {
	case "map":
		return []string{rest}
	case "exit", "collect", "slot", "canned", "mock", "wanted":
		return []string{head}
	case "option":
		return []string{"option"}
	case "either":
		x, y, _ := strings.Cut(rest, "|")
		return append(a.constructs(spot{form: x}), a.constructs(spot{form: y})...)
	}
	return nil
}

// keyOf is the entry of the table for a key of a spot.
func (a *Atlas) keyOf(s spot, name string) (construct, key, bool) {
	for _, c := range a.constructs(s) {
		if k, ok := a.grammar[c].key(name); ok {
			return a.grammar[c], k, true
		}
	}
	return construct{}, key{}, false
}

// spotOf is what a key of a map holds; a pick names what its list is about.
func spotOf(k key, above spot) spot {
	s := spot{key: k, form: k.form, names: k.names, keyed: k.keyed, declares: k.declares}
	if above.form == "map:pick" && k.name != "if" {
		s.names, s.key.words = above.names, above.key.words
	}
	return s
}

// below are the ways to read what lies one step below a spot.
func (a *Atlas) below(s spot, step Step) []spot {
	head, rest, _ := strings.Cut(s.form, ":")
	sub := func(form string) []spot { return []spot{{key: s.key, form: form, names: s.names}} }
	if head == "either" {
		x, y, _ := strings.Cut(rest, "|")
		with := func(form string) []spot {
			of := s
			of.form = form
			return a.below(of, step)
		}
		return append(with(x), with(y)...)
	}
	if step.Item {
		return belowItem(head, rest, sub)
	}
	switch {
	case head == "mapof":
		return sub(rest)
	case s.form == "map:locale" && step.Key != "language":
		return sub("translations")
	}
	var out []spot
	if _, k, ok := a.keyOf(s, step.Key); ok {
		return append(out, spotOf(k, s))
	}
	switch head {
	case "options":
		return append(sub("exit"), sub("option")...)
	case "collect": // the short form: slot, question
		return sub("text")
	case "text", "texts", "say", "canned":
		if step.Key == "any" {
			return sub("listof:text")
		}
		return sub("scalar")
	case "values":
		return sub("text")
	case "fields", "field":
		if head == "field" && step.Key == "values" {
			return sub("listof:scalar")
		}
		return sub("field")
	case "translations":
		return sub("map:translation")
	}
	return nil
}

// belowItem are the ways to read an item of a list.
func belowItem(head, rest string, sub func(string) []spot) []spot {
	switch head {
	case "list":
		return sub("map:" + rest)
	case "listof":
		return sub(rest)
	case "names", "values":
		return sub("scalar")
	case "texts":
		return sub("text")
	case "say":
		return append(sub("map:say_item"), sub("text")...)
	case "options":
		return sub("option")
	case "mock":
		return sub("mock")
	}
	return nil
}

// Known says that the table knows the place.
func (p Place) Known() bool { return len(p.spots) > 0 }

// Key is the key that holds what stands at the place.
func (p Place) Key() (KeyDoc, bool) { return p.key, p.key.Name != "" }

// Keys are the keys that a map at the place may have, as the table orders them.
func (a *Atlas) Keys(p Place) []KeyDoc {
	var out []KeyDoc
	for _, s := range p.spots {
		for _, name := range a.constructs(s) {
			c := a.grammar[name]
			for _, k := range c.keys {
				if !slices.ContainsFunc(out, func(d KeyDoc) bool { return d.Name == k.name }) {
					out = append(out, k.documented(c))
				}
			}
		}
	}
	return out
}

// documented is a key as people read of it.
func (k key) documented(c construct) KeyDoc {
	d := KeyDoc{Name: k.name, Doc: k.doc, Default: k.def, Value: strings.ReplaceAll(k.kind(k.form), "`", ""), Of: c.name, Required: k.must}
	head, _, _ := strings.Cut(k.form, ":")
	switch head {
	case "map", "list", "listof", "mapof", "options", "collect", "fields":
		d.Nested = true
	}
	return d
}

// Holds says what the keys of a map at the place are names of, and whether
// they are given there or only used.
func (p Place) Holds() (what string, declared bool) {
	for _, s := range p.spots {
		if s.keyed != "" {
			return s.keyed, s.declares
		}
	}
	return "", false
}

// Names says what a text at the place is the name of; "" for any other text.
func (p Place) Names() string {
	for _, s := range p.spots {
		if s.names != "" && s.takesText() {
			return s.names
		}
		if s.leads() {
			return NameState
		}
	}
	return ""
}

// scalarHead is how a spot reads one text.
func (s spot) scalarHead() string {
	head, rest, _ := strings.Cut(s.form, ":")
	if head == "either" {
		x, _, _ := strings.Cut(rest, "|")
		head, _, _ = strings.Cut(x, ":")
	}
	return head
}

func (s spot) takesText() bool {
	head := s.scalarHead()
	return isScalarForm(head) || head == "names"
}

// leads says that a text here is a way out.
func (s spot) leads() bool { return s.scalarHead() == "exit" || s.scalarHead() == "exitname" }

// Words are the words that a text at the place may be.
func (p Place) Words() []string {
	var out []string
	for _, s := range p.spots {
		switch head := s.scalarHead(); {
		case head == "bool":
			out = append(out, "true", "false")
		case head == "slot":
			out = append(out, slotTypes...)
		case head == "field":
			out = append(out, "text", "number", "yes_no", "date", "list")
		case s.takesText():
			out = append(out, s.key.words...)
		}
	}
	return out
}

// Expression says that what stands at the place is an expression as a whole.
func (p Place) Expression() bool {
	return slices.ContainsFunc(p.spots, func(s spot) bool { return s.form == "expr" })
}

// Shows says that a text at the place may hold {{ }}.
func (p Place) Shows() bool {
	return slices.ContainsFunc(p.spots, func(s spot) bool {
		switch s.scalarHead() {
		case "scalar", "names", "text", "texts", "say", "any", "canned":
			return true
		}
		return false
	})
}
