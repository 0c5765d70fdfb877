package flows

import (
	"regexp"
	"strings"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// placeholderBlank is a blank that an agent fills in a canned response.
var placeholderBlank = regexp.MustCompile(`\[\[[^\]]*\]\]`)

// ownSentencePrefix marks the canned texts that replace built-in sentences.
const ownSentencePrefix = "builtin_"

// declareCanned learns the names of canned responses and which have blanks.
func (l *loader) declareCanned() {
	if l.root == nil || l.root.Get("canned") == nil || l.root.Get("canned").Kind != source.Map {
		return
	}
	for _, p := range l.root.Get("canned").Pairs {
		l.name(p.Key, "canned response")
		c := &engine.Canned{Name: p.Key.Text, At: l.place(p.Key.Range)}
		l.set.Canned[c.Name] = c
		l.set.CannedOrder = append(l.set.CannedOrder, c.Name)
		text := cannedText(p.Value)
		c.Blanks = hasBlanks(text)
		if p.Value.Kind == source.Map {
			c.For, c.Good, c.Bad = wordTexts(p.Value.Get("for")), wordTexts(p.Value.Get("good")), wordTexts(p.Value.Get("bad"))
		}
		if text == nil && p.Value.Kind != source.List && p.Value.Get("text") == nil {
			l.missing(p.Value, "canned", "text", p.Key.Words(), "canned response %s has no text", c.Name)
		}
		l.cannedFor(p.Value.Get("for"))
	}
}

// cannedFor checks the topics a response suits against slot topic, once the
// slots are known.
func (l *loader) cannedFor(n *source.Node) {
	l.topics = append(l.topics, words(n)...)
}

// checkTopics reports topics that slot topic does not have (E216).
func (l *loader) checkTopics() {
	s := l.slots["topic"]
	l.used["slot topic"] = true // the conversation's topic is used whether or not a flow reads it
	if s == nil || s.def.Type != engine.SlotChoice {
		return
	}
	ids := slotType(s.def).values
	for _, w := range l.topics {
		if len(ids) > 0 && !contains(ids, w.Text) {
			l.suggest(l.err("E216", w.Words(), "%q is not one of %s", w.Text, strings.Join(ids, ", ")), w.Text, ids)
		}
	}
}

// hasBlanks looks for [[…]] in a text, its variants and its languages.
func hasBlanks(n *source.Node) bool {
	if n == nil {
		return false
	}
	for _, p := range n.Pairs {
		if hasBlanks(p.Value) {
			return true
		}
	}
	for _, item := range n.Items {
		if hasBlanks(item) {
			return true
		}
	}
	return n.Kind == source.Scalar && placeholderBlank.MatchString(n.Text)
}

// cannedText is the text of the short or the long form.
func cannedText(n *source.Node) *source.Node {
	switch {
	case n.Kind == source.Scalar:
		return n
	case n.Kind != source.Map:
		return nil
	case n.Get("text") != nil && n.Get("text").Kind != source.Null:
		return n.Get("text")
	case n.Get("any") != nil:
		return &source.Node{Kind: source.Map, Pairs: []source.Pair{*n.Pair("any")}, Range: n.Range}
	}
	for _, p := range n.Pairs { // one text per language
		if len(p.Key.Text) == 2 {
			return n
		}
	}
	return nil
}

// compileCanned compiles the texts; those called builtin_NAME replace a
// built-in sentence.
func (l *loader) compileCanned() {
	n := l.root.Get("canned")
	if n == nil || n.Kind != source.Map {
		return
	}
	names := keysOf(engine.PackOf("en").Sentences)
	for _, p := range n.Pairs {
		c := l.set.Canned[p.Key.Text]
		sentence, own := strings.CutPrefix(c.Name, ownSentencePrefix)
		sc := scope{}
		if own {
			sc = *builtInScope(sentence)
			if !contains(names, sentence) {
				d := l.err("E126", p.Key.Words(), "no built-in sentence is called %s", sentence)
				if best, near := source.Meant(sentence, names); near > 0 {
					l.spelling(d, ownSentencePrefix+best, near == 1)
				}
			}
		}
		if own && c.Blanks {
			l.err("E128", p.Key.Words(), "canned.%s has blanks for agents and cannot be used in a flow", c.Name)
		}
		if text := cannedText(p.Value); text != nil {
			c.Text = l.text(text, sc)
		}
		if own && c.Text != nil {
			if l.set.Sentences == nil {
				l.set.Sentences = map[string]*engine.Text{}
			}
			l.set.Sentences[sentence] = c.Text
		}
		if p.Value.Kind == source.Map {
			if m := p.Value.Pair("media"); m != nil {
				c.Media = l.media(m.Value, m.Key.Words())
			}
			c.Options = l.texts(p.Value.Get("options"), scope{})
		}
	}
	l.cannedRound(n)
}

// cannedRound finds canned texts that contain themselves (E305).
func (l *loader) cannedRound(n *source.Node) {
	uses := map[string][]string{}
	for _, name := range l.set.CannedOrder {
		uses[name] = l.cannedIn(l.set.Canned[name].Text)
	}
	for _, p := range n.Pairs {
		name, seen := p.Key.Text, map[string]bool{}
		var visit func(at string) bool
		visit = func(at string) bool {
			for _, next := range uses[at] {
				if next == name {
					return true
				}
				if !seen[next] {
					seen[next] = true
					if visit(next) {
						return true
					}
				}
			}
			return false
		}
		if visit(name) {
			l.err("E305", p.Key.Words(), "canned.%s contains itself", name)
		}
	}
}

// cannedIn lists the canned texts that a text shows.
func (l *loader) cannedIn(t *engine.Text) []string {
	var out []string
	for _, u := range l.usesIn(t) {
		for _, c := range u.canned {
			out = append(out, c.name)
		}
	}
	return out
}

// usesIn are the expressions of a text in every variant and language.
func (l *loader) usesIn(t *engine.Text) []*use {
	if t == nil {
		return nil
	}
	var out []*use
	for _, v := range t.Any {
		out = append(out, l.usesIn(v)...)
	}
	for _, lang := range l.set.Languages {
		if tpl := t.Lang[lang]; tpl != nil {
			for _, p := range tpl.Parts {
				if u := l.useOf[p.Expr]; p.Expr != nil && u != nil {
					out = append(out, u)
				}
			}
		}
	}
	return out
}
