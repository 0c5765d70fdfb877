package flows

import (
	"slices"
	"strings"

	"dispatcher/internal/source"
)

const (
	maxHints    = 1000      // problems that get a did-you-mean; a file with more is no file of flows
	maxNear     = 200       // keys of a map that are looked through for a misspelt one
	maxLookedAt = 2_000_000 // words that are compared with misspelt ones, in all
)

// shape compares a map with its construct: unknown keys (E101), values of the
// wrong kind (E104). It goes on into
// every part, so that all of a file is reported at once; compilers that read
// the nodes afterwards skip what has the wrong kind in silence.
func (l *loader) shape(n *source.Node, name string) {
	c := l.grammar[name]
	if n.Kind == source.Null {
		return
	}
	if n.Kind != source.Map {
		l.kind(n, "a map with keys")
		return
	}
	for _, p := range n.Pairs {
		k, ok := c.key(p.Key.Text)
		switch {
		case ok:
			l.form(p.Value, k.form)
		case !c.open:
			l.unknown(c, p.Key)
		}
	}
}

func (l *loader) unknown(c construct, n *source.Node) {
	if len(l.diags) > maxHints {
		l.err("E101", n.Words(), "%s has no setting called %q", c.name, n.Text)
		return
	}
	names := make([]string, 0, len(c.keys))
	for _, k := range c.keys {
		names = append(names, k.name)
	}
	d := l.err("E101", n.Words(), "%s has no setting called %q", c.name, n.Text)
	if best, near := source.Meant(n.Text, names); near > 0 {
		l.spelling(d, best, near == 1)
	}
}

// missing reports a required key (E110) where holder says it should be, unless
// the map has a key that was probably meant to be it.
func (l *loader) missing(m *source.Node, construct, name string, at source.Range, format string, args ...any) {
	if len(m.Pairs) > maxNear {
		return
	}
	for _, p := range m.Pairs {
		if p.Key.Text == name && l.miskind(p.Value) {
			return // it is there, and that it is something else was said
		}
		if _, known := l.grammar[construct].key(p.Key.Text); known {
			continue
		}
		if _, near := source.DidYouMean(p.Key.Text, []string{name}); near {
			return
		}
	}
	l.err("E110", at, format, args...)
}

// miskind says whether E104 speaks of this value.
func (l *loader) miskind(n *source.Node) bool {
	if n.Kind == source.Null || len(l.diags) > maxHints {
		return false
	}
	at := n.Words()
	return slices.ContainsFunc(l.diags, func(d source.Diagnostic) bool { return d.Code == "E104" && d.Range == at })
}

// spelling adds did-you-mean and the change that repairs it, which is safe
// where nothing else can have been meant.
func (l *loader) spelling(d *source.Diagnostic, best string, safe bool) {
	d.Hint = "did you mean " + best + "?"
	d.Fix = &source.Fix{Safe: safe, Edits: []source.Edit{{Range: d.Range, Text: best}}}
}

// suggest adds did-you-mean when one of the candidates is near.
func (l *loader) suggest(d *source.Diagnostic, word string, candidates []string) {
	if l.compared += len(candidates); len(l.diags) > maxHints || l.compared > maxLookedAt {
		return
	}
	if best, near := source.Meant(word, candidates); near > 0 {
		l.spelling(d, best, near == 1)
	}
}

func (l *loader) kind(n *source.Node, want string) {
	l.err("E104", n.Words(), "expected %s here, this is %s", want, kindName(n))
}

func kindName(n *source.Node) string {
	switch n.Kind {
	case source.Map:
		return "a map"
	case source.List:
		return "a list"
	case source.Null:
		return "empty"
	}
	return "text"
}

// form checks one value.
func (l *loader) form(n *source.Node, form string) {
	if n.Kind == source.Null {
		return
	}
	head, rest, _ := strings.Cut(form, ":")
	if isScalarForm(head) {
		if n.Kind != source.Scalar {
			l.kind(n, "text")
		}
		return
	}
	switch head {
	case "any", "values":
	case "map":
		l.shape(n, rest)
	case "list":
		l.items(n, "map:"+rest)
	case "listof":
		l.items(n, rest)
	case "mapof":
		l.values(n, rest)
	case "names":
		if n.Kind == source.List {
			l.items(n, "scalar")
		} else {
			l.form(n, "scalar")
		}
	case "either":
		a, b, _ := strings.Cut(rest, "|")
		if n.Kind == source.Scalar {
			l.form(n, a)
		} else {
			l.form(n, b)
		}
	default:
		l.ownForm(n, head)
	}
}

func (l *loader) items(n *source.Node, form string) {
	if n.Kind != source.List {
		l.kind(n, "a list")
		return
	}
	for _, item := range n.Items {
		l.form(item, form)
	}
}

func (l *loader) values(n *source.Node, form string) {
	if n.Kind != source.Map {
		l.kind(n, "a map of names")
		return
	}
	for _, p := range n.Pairs {
		l.form(p.Value, form)
	}
}

// ownForm checks the forms that only the language has.
func (l *loader) ownForm(n *source.Node, form string) {
	switch form {
	case "text":
		l.textForm(n)
	case "texts":
		if n.Kind == source.List {
			l.items(n, "text")
		} else {
			l.textForm(n)
		}
	case "say":
		l.sayForm(n)
	case "exit":
		if n.Kind != source.Scalar {
			l.shape(n, "exit")
		}
	case "options":
		l.optionsForm(n)
	case "collect":
		l.collectForm(n)
	case "mock":
		l.mockForm(n)
	case "wanted":
		l.wantedForm(n)
	case "slot":
		if n.Kind != source.Scalar {
			l.shape(n, "slot")
		}
	case "canned":
		if n.Kind == source.Map && !l.inlineLanguages(n) {
			l.shape(n, "canned")
		} else {
			l.textForm(n)
		}
	case "fields":
		if n.Kind != source.Map {
			l.kind(n, "a map of fields")
		}
	}
}

// textForm: a text, {any: [texts]}, or one text per language.
func (l *loader) textForm(n *source.Node) {
	switch n.Kind {
	case source.List:
		l.kind(n, "text")
	case source.Map:
		for _, p := range n.Pairs {
			if p.Key.Text == "any" {
				l.items(p.Value, "text")
			} else {
				l.form(p.Value, "scalar")
			}
		}
	}
}

func (l *loader) sayForm(n *source.Node) {
	if n.Kind != source.List {
		l.textForm(n)
		return
	}
	for _, item := range n.Items {
		switch {
		case item.Kind == source.Map && l.inlineLanguages(item):
			l.textForm(item)
		case item.Kind == source.Map:
			l.shape(item, "say_item")
		default:
			l.form(item, "text")
		}
	}
}

func (l *loader) optionsForm(n *source.Node) {
	switch n.Kind {
	case source.List:
		l.items(n, "map:option")
	case source.Map:
		for _, p := range n.Pairs {
			if p.Value.Kind != source.Scalar {
				l.form(p.Value, "map:option")
			}
		}
	default:
		l.kind(n, "a list or map of options")
	}
}

// collectForm: the short form is exactly one key that is not a setting.
func (l *loader) collectForm(n *source.Node) {
	if n.Kind == source.Map && shortCollect(l.grammar["collect"], n) {
		l.form(n.Pairs[0].Value, "text")
		return
	}
	l.shape(n, "collect")
}

func shortCollect(c construct, n *source.Node) bool {
	if len(n.Pairs) != 1 {
		return false
	}
	_, setting := c.key(n.Pairs[0].Key.Text)
	return !setting
}
