package flows

import (
	"strings"
	"unicode"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// translatedLabel is a label, short label or description from a locale file.
type translatedLabel struct {
	kind string // label short description
	lang string
	text *engine.Text // in the place of the first language, so that the checks read it
	at   source.Range
}

// missingTranslations is W420: at the text that has no translation, or once at
// the language where nothing of it was translated.
func (l *loader) missingTranslations(sections map[string]*section) {
	if len(l.set.Languages) < 2 || l.unreadable || l.locale.broken {
		return
	}
	order := l.inSectionOrder(sections)
	if l.opts.Texts {
		l.p.Texts = l.translatable(order)
	}
	empty := map[string]int{}
	for _, s := range order {
		for _, e := range s.order {
			l.missingIn(e, empty)
		}
	}
	for _, w := range words(l.root.Get("languages")) {
		if n := empty[w.Text]; n > 0 {
			l.warn("W420", w.Words(), "%s is missing: there is no flows/locales/%s.yaml, and %s", languageName(w.Text), w.Text, lacking(n))
		}
	}
}

// inSectionOrder is project, then the flows in byte order of their files.
func (l *loader) inSectionOrder(sections map[string]*section) []*section {
	order := []*section{sections["project"]}
	for _, f := range l.flows {
		if s := sections["flow."+f.name]; s != nil && l.byName[f.name] == f {
			order = append(order, s)
		}
	}
	return order
}

func lacking(n int) string {
	if n == 1 {
		return "1 text has no translation"
	}
	return some(n, "text") + " have no translation"
}

// missingIn looks at one text; a language without a file is only counted.
func (l *loader) missingIn(e *entry, empty map[string]int) {
	if e.words != nil || e.optional || e.builtIn || e.node == nil || !hasWords(e.source) {
		return
	}
	var names []string
	for _, lang := range l.set.Languages[1:] {
		if e.have[lang] || e.node.Kind == source.Map && e.node.Get(lang) != nil {
			continue
		}
		if l.locale.read[lang] {
			names = append(names, languageName(lang))
		} else {
			empty[lang]++
		}
	}
	if len(names) == 0 {
		return
	}
	verb := " is missing"
	if len(names) > 1 {
		verb = " are missing"
	}
	l.in(e.flow, e.state, func() { l.warn("W420", e.node.Words(), "%s", strings.Join(names, " and ")+verb) })
}

// hasWords says that a text has something to translate beside its {{ }}.
func hasWords(s string) bool {
	for _, src := range braces(s) {
		s = strings.ReplaceAll(s, src, "")
	}
	return strings.IndexFunc(s, unicode.IsLetter) >= 0
}

// checkTranslations has the labels of locale files pass what a label must:
// length, links, words of everywhere, two that are the same.
func (l *loader) checkTranslations(g *graph) {
	if len(l.locale.labels) == 0 {
		return
	}
	taken := l.escapePhrases()
	for _, s := range g.states {
		own := taken
		if flow := l.flowPhrases(s.flow); len(flow) > 0 {
			own = map[string]string{}
			for _, m := range []map[string]string{taken, flow} {
				for p, e := range m {
					own[p] = e
				}
			}
		}
		l.in(s.flow.name, s.name, func() { l.translatedLabels(s, own) })
	}
}

func (l *loader) translatedLabels(s *stateSrc, taken map[string]string) {
	seen := map[string]source.Range{} // language and normalised label
	for _, o := range s.opts {
		list := l.locale.labels[o]
		for _, t := range list {
			if t.kind != "label" {
				continue
			}
			shown := &optionSrc{at: t.at, def: &engine.Option{Label: t.text, Short: o.def.Short}}
			for _, other := range list {
				if other.kind == "short" && other.lang == t.lang {
					shown.def.Short = other.text
				}
			}
			l.hidden(shown, taken)
			l.labelLimits(shown, shownOptions(s))
			l.labelAlone(t, seen)
		}
	}
}

// labelAlone: at most 80 characters (E105), and no other option is called so (E114).
func (l *loader) labelAlone(t translatedLabel, seen map[string]source.Range) {
	label, ok := literal(t.text, l.set.Languages[0])
	if !ok {
		return
	}
	if count := len([]rune(label)); count > maxLabel {
		l.err("E105", t.at, "a label has at most %d characters, this has %d", maxLabel, count)
	}
	key := t.lang + " " + l.normal(label)
	if first, twice := seen[key]; twice && l.normal(label) != "" {
		d := l.err("E114", t.at, "two options have the label %q", label)
		d.Related = []source.Related{{Range: first, Message: "the first one is here"}}
		return
	}
	seen[key] = t.at
}
