package flows

import (
	"path"
	"sort"
	"strings"

	"dispatcher/engine"
	"dispatcher/internal/source"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// origin is one compiled text with what its expressions may see, so that a
// translation of it is read with the same eyes.
type origin struct {
	text        *engine.Text
	scope       scope
	flow, state string
}

// locales is what the files of flows/locales add to a project.
type locales struct {
	docs    []*source.Doc
	broken  bool // a file did not parse
	origins map[*source.Node][]origin
	read    map[string]bool // languages that have a file
	labels  map[*optionSrc][]translatedLabel
	said    map[*engine.Text]textSrc
}

// originOf remembers a text as it is compiled. One language has nothing to translate.
func (l *loader) originOf(n *source.Node, t *engine.Text, sc scope) *engine.Text {
	if len(l.set.Languages) < 2 {
		return t
	}
	if l.locale.origins == nil {
		l.locale.origins = map[*source.Node][]origin{}
	}
	l.locale.origins[n] = append(l.locale.origins[n], origin{t, sc, l.flow, l.state})
	return t
}

// parseLocale reads one locale file into nodes. It declares no name that a
// flow may use: when it does not parse nothing else is withheld.
func (l *loader) parseLocale(p string) {
	doc, diags := l.doc(p)
	l.diags = append(l.diags, diags...)
	switch {
	case doc.Root == nil:
		l.locale.broken = true
	case doc.Root.Kind != source.Map:
		l.locale.broken = true
		l.err("E104", doc.Root.Words(), "expected a map with keys here, this is %s", kindName(doc.Root))
	default:
		l.locale.docs = append(l.locale.docs, doc)
	}
}

// translate merges every locale file into the compiled texts; every text and
// its scope is known by now (language.md 4.4).
func (l *loader) translate() {
	l.p.Languages = l.set.Languages
	if len(l.locale.docs) == 0 && (len(l.set.Languages) < 2 || l.unreadable) {
		return
	}
	l.locale.read, l.locale.labels = map[string]bool{}, map[*optionSrc][]translatedLabel{}
	l.locale.said = map[*engine.Text]textSrc{}
	for _, t := range l.saidTexts {
		l.locale.said[t.text] = t
	}
	sections := l.sections()
	for _, doc := range l.locale.docs {
		if lang, ok := l.localeLanguage(doc); ok {
			l.locale.read[lang] = true
			l.localeFile(doc, lang, sections)
		}
	}
	l.missingTranslations(sections)
}

// localeLanguage reads language:, which is one of the project's but the first
// and gives the file its name (E105).
func (l *loader) localeLanguage(doc *source.Doc) (string, bool) {
	named := strings.TrimSuffix(path.Base(doc.Path), ".yaml")
	n := doc.Root.Get("language")
	if n == nil || n.Kind == source.Null {
		l.missing(doc.Root, "locale", "language", start(doc.Path), "language is missing; write language: %s", named)
		return named, contains(l.set.Languages[1:], named)
	}
	lang, ok := scalar(n)
	switch {
	case !ok:
		l.kind(n, "text")
		return "", false
	case l.projectUnread():
		return "", false
	case lang == l.set.Languages[0]:
		l.err("E105", n.Words(), "%s is the language the flows are written in; a locale file is for another one", lang)
		return "", false
	case !l.isLanguage(lang):
		l.suggest(l.err("E105", n.Words(), "%q is not one of the project's languages: %s", lang, strings.Join(l.set.Languages, ", ")),
			lang, l.set.Languages[1:])
		return "", false
	case lang != named:
		l.err("E105", n.Words(), "this file is called %s.yaml and holds %s; its name must be %s.yaml", named, lang, lang)
		return "", false
	}
	return lang, true
}

func (l *loader) localeFile(doc *source.Doc, lang string, sections map[string]*section) {
	for _, p := range doc.Root.Pairs {
		if p.Key.Text == "language" {
			continue
		}
		s := sections[p.Key.Text]
		if s == nil {
			l.unknownSection(p.Key, sections)
			continue
		}
		if p.Value.Kind == source.Null {
			continue
		}
		if p.Value.Kind != source.Map {
			l.kind(p.Value, "a map of texts")
			continue
		}
		l.in(s.flow, "", func() { l.localeSection(p.Value, lang, s) })
	}
}

// unknownSection is E126 for a key at the top of a locale file.
func (l *loader) unknownSection(key *source.Node, sections map[string]*section) {
	if strings.HasPrefix(key.Text, "flow.") && l.unreadable {
		return // the file that declares it may be the one that does not parse
	}
	names := append(keysOf(sections), "language")
	l.suggest(l.err("E126", key.Words(), "nothing in the flows is called %s", key.Text), key.Text, names)
}

func (l *loader) localeSection(n *source.Node, lang string, s *section) {
	var names []string
	for _, p := range n.Pairs {
		e := s.entries[p.Key.Text]
		if e != nil {
			l.in(e.flow, e.state, func() { l.localeEntry(p, lang, e) })
			continue
		}
		if s.blind(p.Key.Text) {
			continue
		}
		if names == nil {
			names = keysOf(s.entries)
			sort.Strings(names)
		}
		l.suggest(l.err("E126", p.Key.Words(), "nothing in the flows is called %s", p.Key.Text), p.Key.Text, names)
	}
}

// localeEntry is one translation, or one list of words.
func (l *loader) localeEntry(p source.Pair, lang string, e *entry) {
	if e.words != nil {
		l.localeWords(p, lang, e)
		return
	}
	e.have[lang] = true
	switch p.Value.Kind {
	case source.Null:
		l.warn("W420", p.Key.Words(), "%s is missing", languageName(lang))
		return
	case source.Map:
		l.shape(p.Value, "translation")
	default:
		l.kind(p.Value, "a map with from and to")
		return
	}
	from, to := p.Value.Get("from"), p.Value.Pair("to")
	if to == nil || blankNode(to.Value) {
		l.warn("W420", l.emptyTo(p, to), "%s is missing", languageName(lang))
		return
	}
	if to.Value.Kind != source.Scalar {
		return // E104 said so
	}
	if at, twice := e.twice(l, lang); twice {
		d := l.err("E127", p.Key.Words(), "the %s text is given twice", languageName(lang))
		d.Related = []source.Related{{Range: at, Message: "the other one is here"}}
		return
	}
	e.place[lang] = p.Key.Words()
	before := len(l.diags)
	tpl := l.translation(to.Value, e)
	sound := len(l.diags) == before
	if from == nil || from.Kind == source.Null {
		l.missing(p.Value, "translation", "from", p.Key.Words(), "from is missing: the text in %s that this was translated from", l.set.Languages[0])
		return
	}
	if from.Kind != source.Scalar {
		return
	}
	if !sameText(from.Text, e.source) && !(e.builtIn && sameWords(from.Text, e.source)) {
		l.warn("W421", from.Words(), "%s is older than the %s", languageName(lang), languageName(l.set.Languages[0]))
		e.stale[lang] = true
		return // the text has changed since: the first language is used
	}
	if sound {
		l.usesOther(e, to.Value, lang)
	}
	l.mergeText(e, lang, tpl, to.Value)
}

// emptyTo is where a translation is missing: its to, or the entry that lacks it.
func (l *loader) emptyTo(p source.Pair, to *source.Pair) source.Range {
	if to == nil {
		return p.Key.Words()
	}
	return valueOr(to)
}

func blankNode(n *source.Node) bool {
	return n.Kind == source.Null || n.Kind == source.Scalar && strings.TrimSpace(n.Text) == ""
}

// translation compiles to: with the scope of the text it stands for. Its
// expressions are counted once, where the flow has them.
func (l *loader) translation(n *source.Node, e *entry) *engine.Template {
	sc := scope{}
	if len(e.texts) > 0 {
		sc = e.texts[0].scope
	} else if e.scope != nil {
		sc = *e.scope
	}
	sc.text = true
	count := l.p.Counts.Expressions
	tpl := l.template(n, sc)
	l.p.Counts.Expressions = count
	return tpl
}

// usesOther is W422: the translation has other {{ }} than its source.
func (l *loader) usesOther(e *entry, to *source.Node, lang string) {
	if e.builtIn {
		return
	}
	if a, b := uses(e.source), uses(to.Text); strings.Join(a, "\x00") != strings.Join(b, "\x00") {
		l.warn("W422", to.Words(), "%s uses other {{ }} than the %s", languageName(lang), languageName(l.set.Languages[0]))
	}
}

// uses are the different expressions of a text without the words they say
// themselves, sorted.
func uses(s string) []string {
	var out []string
	for _, src := range braces(s) {
		if src = withoutWords(src); !contains(out, src) {
			out = append(out, src)
		}
	}
	sort.Strings(out)
	return out
}

// braces are the different expressions of a text, sorted.
func braces(s string) []string {
	var out []string
	eachBraces(s, func(_, inner string) {
		if src := strings.TrimSpace(inner); !contains(out, src) {
			out = append(out, src)
		}
	})
	sort.Strings(out)
	return out
}

// sameText compares what a customer would see: blank lines around do not count.
func sameText(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }

// sameWords compares built-in sentences, whose {{ }} is shown in several ways.
func sameWords(a, b string) bool {
	plain := func(s string) string {
		for _, src := range braces(s) {
			s = strings.ReplaceAll(s, src, "")
		}
		return strings.Join(strings.Fields(s), "")
	}
	return plain(a) == plain(b)
}

// mergeText puts a translation beside its source and has it checked like one.
func (l *loader) mergeText(e *entry, lang string, tpl *engine.Template, n *source.Node) {
	if e.set != nil {
		e.set(lang, tpl, n)
	}
	for _, o := range e.texts {
		if o.text.Lang != nil {
			o.text.Lang[lang] = tpl
		}
	}
	alone := &engine.Text{At: l.place(n.Range), Lang: map[string]*engine.Template{l.set.Languages[0]: tpl}}
	if len(e.texts) > 0 {
		if said, ok := l.locale.said[e.texts[0].text]; ok {
			l.saidTexts = append(l.saidTexts, textSrc{node: n, text: alone, flow: said.flow, name: said.name, opts: said.opts}.measured())
		}
	}
	if e.option != nil {
		l.locale.labels[e.option] = append(l.locale.labels[e.option], translatedLabel{kind: e.part, lang: lang, text: alone, at: n.Words()})
	}
}

// localeWords is match and called: lists that add to the source's.
func (l *loader) localeWords(p source.Pair, lang string, e *entry) {
	if p.Value.Kind == source.Null {
		return
	}
	if p.Value.Kind != source.List {
		l.kind(p.Value, "a list of phrases")
		return
	}
	l.items(p.Value, "scalar")
	if e.have[lang] {
		d := l.err("E127", p.Key.Words(), "the %s words are given twice", languageName(lang))
		d.Related = []source.Related{{Range: e.place[lang], Message: "the other ones are here"}}
		return
	}
	e.have[lang] = true
	e.place[lang] = p.Key.Words()
	if list := l.matchWords(p.Value)[l.set.Languages[0]]; len(list) > 0 {
		e.words(lang, list, words(p.Value))
	}
}

// languageName is the English name of a language: French for fr.
func languageName(code string) string {
	tag, err := language.Parse(code)
	if err != nil {
		return code
	}
	if name := display.English.Tags().Name(tag); name != "" {
		return name
	}
	return code
}

// localeGrammar is what a locale file may hold beside the keys of texts.
func localeGrammar() map[string]construct {
	return map[string]construct{
		"locale": {name: "a locale file", open: true, keys: []key{
			{name: "language", form: "scalar", doc: "one of the project's languages but the first"},
			{name: "project", form: "any", doc: "texts of dispatcher.yaml"}}},
		"translation": {name: "a translation", keys: []key{
			{name: "from", form: "scalar", doc: "the text at the time of translation"},
			{name: "to", form: "scalar", doc: "its translation; empty = not yet"}}},
	}
}
