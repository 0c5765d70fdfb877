package flows

import (
	"maps"
	"sort"
	"strings"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// checkPhrases: words that two options share (W322), options that hide words
// of everywhere (W323) or of stop (E324). taken is the phrases of the project.
func (l *loader) checkPhrases(f *flowSrc, taken map[string]string) {
	if own := l.flowPhrases(f); len(own) > 0 {
		taken = maps.Clone(taken)
		maps.Copy(taken, own)
	}
	for _, name := range f.def.StateOrder {
		s := f.states[name]
		l.in(f.name, name, func() {
			l.sharedWords(s)
			for _, o := range s.opts {
				l.hidden(o, taken)
			}
		})
	}
}

// escapePhrases are the phrases of the project's and the built-in entries, by
// normalised phrase.
func (l *loader) escapePhrases() map[string]string {
	out := map[string]string{}
	for _, e := range l.escapes {
		if e.flow == "" {
			l.addPhrases(out, e)
		}
	}
	langs := append([]string{"en"}, l.set.Languages...)
	for _, lang := range langs {
		base, _, _ := strings.Cut(lang, "-")
		pack := engine.PackOf(base)
		if pack == nil {
			continue
		}
		for _, name := range builtInEscapes() {
			for _, phrase := range pack.Words[name] {
				out[l.normal(phrase)] = name
			}
		}
	}
	return out
}

func (l *loader) flowPhrases(f *flowSrc) map[string]string {
	out := map[string]string{}
	for _, e := range l.escapes {
		if e.flow == f.name && len(f.def.Everywhere) > 0 {
			l.addPhrases(out, e)
		}
	}
	return out
}

func (l *loader) addPhrases(out map[string]string, e escapeSrc) {
	for _, list := range e.def.Match {
		for _, phrase := range list {
			if _, regex := asRegex(phrase); !regex {
				if norm := l.normal(phrase); out[norm] != "stop" {
					out[norm] = e.def.Name
				}
			}
		}
	}
}

// hidden compares the label, id and words of an option with entries.
func (l *loader) hidden(o *optionSrc, taken map[string]string) {
	label, _ := literal(o.def.Label, l.set.Languages[0])
	check := func(word string, at source.Range) bool {
		entry, hit := taken[l.normal(word)]
		if !hit || l.normal(word) == "" {
			return false
		}
		if entry == "stop" {
			l.err("E324", at, "option %q would hide the word that stops the bot", l.labelOf(o.def))
		} else {
			l.warn("W323", at, "option %q is also a phrase of everywhere.%s", l.labelOf(o.def), entry)
		}
		return true
	}
	if check(label, o.at) {
		return
	}
	at := o.at
	if o.idAt.File != "" {
		at = o.idAt
	}
	if check(o.def.ID, at) {
		return
	}
	for _, w := range o.words {
		if _, regex := asRegex(w.Text); !regex {
			check(w.Text, w.Words())
		}
	}
}

// sharedWords: a word of one option is also a word or the label of another.
func (l *loader) sharedWords(s *stateSrc) {
	first := map[string]string{} // normalised → option id
	for _, o := range s.opts {
		label, _ := literal(o.def.Label, l.set.Languages[0])
		own := map[string]source.Range{}
		if norm := l.normal(label); norm != "" {
			own[norm] = o.at
		}
		for _, w := range o.words {
			if _, regex := asRegex(w.Text); regex {
				continue
			}
			if norm := l.normal(w.Text); norm != "" {
				own[norm] = w.Words()
			}
		}
		phrases := keysOf(own)
		sort.Strings(phrases)
		for _, p := range phrases {
			if other, shared := first[p]; shared && other != o.def.ID {
				if (own[p] != o.at || !l.sameLabel(s, other, p)) && !s.apart(other, o.def) {
					l.warn("W322", own[p], "%q of option %s is also a word of option %s", p, o.def.ID, other)
				}
				continue
			}
			first[p] = o.def.ID
		}
	}
}

// apart says that the two options are never visible together: the when of one
// is the other's with not.
func (s *stateSrc) apart(id string, b *engine.Option) bool {
	for _, o := range s.opts {
		a := o.def
		if a.ID == id && a.When != nil && b.When != nil {
			return denies(a.When.Source, b.When.Source) || denies(b.When.Source, a.When.Source)
		}
	}
	return false
}

func denies(x, y string) bool {
	x, y = strings.TrimSpace(x), strings.TrimSpace(y)
	return y == "not ("+x+")" || y == "!("+x+")" || (y == "not "+x || y == "!"+x) && !strings.ContainsAny(x, " ")
}

// sameLabel says that the phrase is the label of the other option: E114 said so.
func (l *loader) sameLabel(s *stateSrc, id, phrase string) bool {
	for _, o := range s.opts {
		label, _ := literal(o.def.Label, l.set.Languages[0])
		if o.def.ID == id && l.normal(label) == phrase {
			return true
		}
	}
	return false
}
