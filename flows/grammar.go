package flows

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dispatcher/internal/source"
)

// The one grammar table: every key of every map of the language as data. The
// shape checker, the compilers' closed lists of words, did-you-mean, the JSON
// Schema and the documentation test read it.

// Forms a value may have. A form with an argument is written "form:argument".
//
//	scalar        one text as typed          text     text, {any: …} or one per language
//	texts         text or list of text       say      text or list of say items
//	exit          state name or exit map     names    one name or a list of names
//	expr          an expression              any      not looked into
//	word          one of the key's words     bool     true or false
//	int:LOW-HIGH  a whole number             percent  0% to 100%
//	duration      30s 10m 1h30m              delay    the same, or business time
//	map:X         map with the keys of X     list:X   list of such maps
//	mapof:F       free keys, values of F     listof:F list of values of form F
//	either:A|B    scalar → A, map or list → B
//
// Forms that only one key has: options, collect, fields (of an answer), canned,
// exitname, branch texts of locale files and tests.
type key struct {
	name  string
	form  string
	def   string // default, as documented
	doc   string // one line
	must  bool   // the map is nothing without it
	words []string

	// reach names the key that this one may stand as far as: fmt leaves it where
	// it is between its own place and there.
	reach string

	names    string // what its text is the name of, or each text of its list: NameFlow …
	keyed    string // what the keys of its map are names of
	declares bool   // they are given here, not used
}

// construct is one map of the language.
type construct struct {
	name string // as it is called in messages
	open bool   // other keys belong to somebody else
	keys []key
}

// k is a key that may be left out.
func k(name, form, def, doc string) key { return key{name: name, form: form, def: def, doc: doc} }

// orBefore is the key, which fmt also leaves where it stands before another.
func (k key) orBefore(other string) key {
	k.reach = other
	return k
}

// must is a key that has to be there.
func must(name, form, doc string) key { return key{name: name, form: form, doc: doc, must: true} }

// word is a key with a closed list of words; def is the one that holds when it
// is left out.
func word(name, def, doc string, words ...string) key {
	return key{name: name, form: "word", def: def, doc: doc, words: words}
}

// of says what the text of a key is the name of.
func (k key) of(what string) key { k.names = what; return k }

// by says what the keys of its map are names of.
func (k key) by(what string) key { k.keyed = what; return k }

// giving says the same, and that here is where they are declared.
func (k key) giving(what string) key { k.keyed, k.declares = what, true; return k }

// exitKeys are the ways out that any exit map may have.
func exitKeys(more ...key) []key {
	return append(more,
		k("goto", "either:exitname|map:goto", "", "the state to go to: state, flow.state, or resume").of(NameState),
		k("branch", "list:arm", "", "the first true condition decides"),
		k("call", "either:scalar|map:call", "", "run a flow and come back").of(NameFlow),
		k("return", "scalar", "done", "go back to the caller with this result"),
		k("handoff", "either:scalar|map:handoff", "", "give the conversation to a queue").of(NameQueue),
		k("resolve", "scalar", "", "end the conversation with this reason"))
}

func grammar() map[string]construct {
	g := map[string]construct{}
	for _, table := range []map[string]construct{projectGrammar(), projectParts(), projectRest(), flowGrammar(), exitGrammar(), stateGrammar(), questionGrammar(),
		testGrammar(), localeGrammar()} {
		for name, c := range table {
			g[name] = c
		}
	}
	return g
}

func (c construct) key(name string) (key, bool) {
	for _, k := range c.keys {
		if k.name == name {
			return k, true
		}
	}
	return key{}, false
}

// choose reads a key with a closed list of words (E105); def is used when it is
// not written, and stands in for a word that is none of them.
func (l *loader) choose(m *source.Node, construct, name, def string) string {
	k, _ := l.grammar[construct].key(name)
	return l.oneOf(m.Get(name), def, k.words...)
}

// count reads a whole number within the bounds the table gives (E105).
func (l *loader) count(m *source.Node, construct, name string, def int) int {
	k, _ := l.grammar[construct].key(name)
	low, high := k.bounds()
	return l.integer(m.Get(name), def, low, high)
}

// words are the words a key may hold.
func (l *loader) words(construct, name string) []string {
	k, _ := l.grammar[construct].key(name)
	return k.words
}

// bounds are those of a whole number.
func (k key) bounds() (low, high int) {
	from, to, _ := strings.Cut(strings.TrimPrefix(k.form, "int:"), "-")
	low, _ = strconv.Atoi(from)
	high, _ = strconv.Atoi(to)
	return low, high
}

// scalarForms are the forms that are one text as typed.
var scalarForms = []string{"scalar", "expr", "exitname", "word", "bool", "int", "duration", "delay", "percent"}

// isScalarForm says that a form without its argument is one text.
func isScalarForm(head string) bool { return slices.Contains(scalarForms, head) }

// String is a key as the reference prints it.
func (k key) String() string {
	if k.def == "" {
		return fmt.Sprintf("%s: %s", k.name, k.doc)
	}
	return fmt.Sprintf("%s: %s (default %s)", k.name, k.doc, k.def)
}
