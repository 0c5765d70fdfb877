package flows

import (
	"strconv"
	"strings"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// textSrc is one text as compiled, for the checks of length.
type textSrc struct {
	node *source.Node
	text *engine.Text
	flow string
	name string // state
	opts bool   // rides with options

	// of its longest variant: words and bytes, as written
	words, bytes int
}

// measured counts a text, once for all checks of length.
func (t textSrc) measured() textSrc {
	t.words, _ = wordiest(t.node)
	for _, n := range variants(t.node) {
		t.bytes = max(t.bytes, len(n.Text))
	}
	return t
}

// text compiles a text: as it is, {any: [...]}, or one per language.
func (l *loader) text(n *source.Node, sc scope) *engine.Text {
	if n == nil {
		return nil
	}
	sc.text = true
	switch n.Kind {
	case source.Scalar:
		return l.originOf(n, &engine.Text{At: l.place(n.Range), Lang: map[string]*engine.Template{l.set.Languages[0]: l.template(n, sc)}}, sc)
	case source.Map:
		if any := n.Get("any"); any != nil {
			return l.variants(n, any, sc)
		}
		return l.originOf(n, l.inline(n, sc), sc)
	}
	return nil
}

func (l *loader) variants(n, list *source.Node, sc scope) *engine.Text {
	t := &engine.Text{At: l.place(n.Range)}
	for _, p := range n.Pairs {
		if p.Key.Text != "any" {
			l.err("E101", p.Key.Words(), "any has no setting called %q", p.Key.Text)
		}
	}
	for _, item := range list.Items {
		if v := l.text(item, sc); v != nil {
			t.Any = append(t.Any, v)
		}
	}
	if len(t.Any) == 0 {
		if list.Kind != source.Scalar {
			l.err("E110", n.Pairs[0].Key.Words(), "any needs at least one text")
		}
		return nil
	}
	return t
}

// inline is {en: "…", fr: "…"}: every key a project language, the first required.
func (l *loader) inline(n *source.Node, sc scope) *engine.Text {
	t := &engine.Text{At: l.place(n.Range), Lang: map[string]*engine.Template{}}
	for _, p := range n.Pairs {
		if !l.isLanguage(p.Key.Text) {
			l.err("E105", p.Key.Words(), "%q is not one of the project's languages: %s", p.Key.Text, strings.Join(l.set.Languages, ", "))
			continue
		}
		if p.Value.Kind == source.Scalar {
			t.Lang[p.Key.Text] = l.template(p.Value, sc)
		}
	}
	if first := l.set.Languages[0]; t.Lang[first] == nil {
		if len(n.Pairs) > 0 && !l.isLanguage(n.Pairs[0].Key.Text) {
			return t // what is wrong with the keys was said
		}
		l.err("E110", l.heldBy(n), "the text in %s is missing", first)
	}
	return t
}

// heldBy is the key that holds a node; in a list it is the node itself. A file
// is looked through once, when the first of its nodes is asked for.
func (l *loader) heldBy(n *source.Node) source.Range {
	doc := l.docs[n.Range.File]
	if doc == nil || doc.Root == nil {
		return n.Words()
	}
	if l.heldIn != doc {
		l.heldIn, l.held = doc, map[*source.Node]*source.Node{}
		eachPair(doc.Root, func(p source.Pair) { l.held[p.Value] = p.Key })
	}
	if key := l.held[n]; key != nil {
		return key.Words()
	}
	return n.Words()
}

// eachPair visits every entry of every map below a node.
func eachPair(n *source.Node, visit func(source.Pair)) {
	for _, p := range n.Pairs {
		visit(p)
		eachPair(p.Value, visit)
	}
	for _, item := range n.Items {
		eachPair(item, visit)
	}
}

func (l *loader) isLanguage(code string) bool {
	for _, known := range l.set.Languages {
		if known == code {
			return true
		}
	}
	return false
}

// inlineLanguages tells {en: …, fr: …} from other maps.
func (l *loader) inlineLanguages(n *source.Node) bool {
	return len(n.Pairs) > 0 && l.isLanguage(n.Pairs[0].Key.Text)
}

// template splits a text at its {{ }}.
func (l *loader) template(n *source.Node, sc scope) *engine.Template {
	t := &engine.Template{Source: n.Text}
	rest, at := n.Text, 0
	for {
		i := strings.Index(rest, "{{")
		if i < 0 {
			break
		}
		end := closeBraces(rest[i+2:])
		if end < 0 {
			l.err("E213", n.At(at+i, at+i+2), "{{ is never closed")
			return t
		}
		if i > 0 {
			t.Parts = append(t.Parts, engine.Part{Lit: rest[:i]})
		}
		inner := rest[i+2 : i+2+end]
		src := strings.TrimSpace(inner)
		base := at + i + 2 + strings.Index(inner, src)
		if sc.later != "" && src == sc.later {
			t.Parts = append(t.Parts, engine.Part{Lit: "{{ " + src + " }}"})
		} else if e := l.expression(where{n, base, src}, sc, false); e != nil {
			t.Parts = append(t.Parts, engine.Part{Expr: e})
		}
		at += i + 2 + end + 2
		rest = rest[i+2+end+2:]
	}
	if rest != "" {
		t.Parts = append(t.Parts, engine.Part{Lit: rest})
	}
	return t
}

// closeBraces finds the }} that ends an expression, texts in it left alone.
// A quote that never closes hides nothing behind it.
func closeBraces(s string) int {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\'', '`':
			if end := quoteEnd(s, i); end > 0 {
				i = end
			}
		case '}':
			if strings.HasPrefix(s[i:], "}}") {
				return i
			}
		case '{':
			if strings.HasPrefix(s[i:], "{{") {
				return -1
			}
		}
	}
	return -1
}

func quoteEnd(s string, i int) int {
	for j := i + 1; j < len(s); j++ {
		switch {
		case s[j] == '\\' && s[i] != '`':
			j++
		case s[j] == s[i]:
			return j
		case s[j] == '\n':
			return -1
		}
	}
	return -1
}

// texts compiles a text or a list of texts.
func (l *loader) texts(n *source.Node, sc scope) []*engine.Text {
	if n == nil {
		return nil
	}
	items := []*source.Node{n}
	if n.Kind == source.List {
		items = n.Items
	}
	var out []*engine.Text
	for _, item := range items {
		if t := l.text(item, sc); t != nil {
			out = append(out, t)
		}
	}
	return out
}

// said compiles a text that reaches the customer and remembers it for the
// checks of length.
func (l *loader) said(n *source.Node, sc scope, opts bool) *engine.Text {
	t := l.text(n, sc)
	if t != nil {
		l.saidTexts = append(l.saidTexts, textSrc{node: n, text: t, flow: l.flow, name: l.state, opts: opts}.measured())
	}
	return t
}

// tags compiles tag and untag: at most 64 characters each where that is known.
func (l *loader) tags(n *source.Node) []*engine.Text {
	out := l.texts(n, scope{})
	for i, t := range out {
		for _, tpl := range t.Lang {
			if len(tpl.Parts) == 1 && tpl.Parts[0].Expr == nil && len([]rune(tpl.Source)) > 64 {
				at := n
				if n.Kind == source.List {
					at = n.Items[i]
				}
				l.err("E105", at.Words(), "a tag has at most 64 characters, this has %d", len([]rune(tpl.Source)))
			}
		}
	}
	return out
}

// literal is a text without expressions in the first language.
func literal(t *engine.Text, lang string) (string, bool) {
	if t == nil || t.Lang[lang] == nil {
		return "", false
	}
	for _, p := range t.Lang[lang].Parts {
		if p.Expr != nil {
			return "", false
		}
	}
	return t.Lang[lang].Source, true
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
