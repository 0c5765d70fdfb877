package engine

import (
	"fmt"
	"regexp"
	"unicode/utf8"
)

// Names of the built-in escapes.
const (
	escPerson = "talk_to_person"
	escOver   = "start_over"
	escStop   = "stop"
)

// Where an entry of everywhere matches.
const (
	whereShort    = "short"
	whereWhole    = "whole"
	whereAnywhere = "anywhere"
)

// mergeEscapes makes the built-in entries, with what the project declares of
// them: a declared one replaces say and exit and adds phrases.
func (s *Set) mergeEscapes() {
	s.linked.byName = map[string]*Escape{}
	for _, b := range [...]struct{ name, where string }{{escPerson, whereShort}, {escOver, whereWhole}, {escStop, whereWhole}} {
		e := &Escape{Name: b.name, Where: b.where, BuiltIn: true, Match: map[string][]string{}}
		for _, lang := range s.linked.langs {
			if p := PackOf(lang); p != nil {
				e.Match[lang] = append(e.Match[lang], p.Words[b.name]...)
			}
		}
		for _, own := range s.Everywhere {
			if own.Name != b.name {
				continue
			}
			e.Say, e.Exit, e.At = own.Say, own.Exit, own.At
			for lang, words := range own.Match {
				e.Match[lang] = append(e.Match[lang], words...)
			}
		}
		s.linked.byName[b.name] = e
	}
}

// EscapeKey is the key of what an entry of everywhere leads to. A flow's own
// entry and the project's of the same name both work: the flow's has a key
// beside it, but for the built-in ones, of which there is one each.
func EscapeKey(name string, ofFlow bool) string {
	key := "everywhere:" + name
	if ofFlow && name != escPerson && name != escOver && name != escStop {
		key += "/flow"
	}
	return key
}

// escapeIndex finds the entry of everywhere that a message means.
type escapeIndex struct {
	entries []*Escape                 // by rank: the flow's, the project's, built-in
	byFirst map[string][]escapePhrase // by first word
	whole   map[string][]escapePhrase // by whole phrase
	regexes []escapeRegex
}

type escapePhrase struct {
	phrase
	rank int
}

type escapeRegex struct {
	re   *regexp.Regexp
	rank int
}

// indexEscapes lists what works in a flow and its phrases.
func (s *Set) indexEscapes(f *Flow) (*escapeIndex, error) {
	ix := &escapeIndex{byFirst: map[string][]escapePhrase{}, whole: map[string][]escapePhrase{}}
	declared := map[string]bool{}
	for _, e := range f.Everywhere {
		ix.entries = append(ix.entries, s.overBuiltIn(e))
		declared[e.Name] = true
	}
	for _, e := range s.Everywhere {
		if s.linked.byName[e.Name] == nil { // also beside the flow's own of that name: both are tried
			ix.entries = append(ix.entries, e)
		}
	}
	for _, name := range [...]string{escPerson, escOver, escStop} {
		if !declared[name] {
			ix.entries = append(ix.entries, s.linked.byName[name])
		}
	}
	for rank, e := range ix.entries {
		if err := ix.add(rank, e); err != nil {
			return nil, err
		}
	}
	return ix, nil
}

// overBuiltIn is a flow's own form of a built-in entry, its phrases added.
func (s *Set) overBuiltIn(e *Escape) *Escape {
	b := s.linked.byName[e.Name]
	if b == nil {
		return e
	}
	merged := *b
	merged.Say, merged.Exit, merged.At = e.Say, e.Exit, e.At
	merged.Match = map[string][]string{}
	for _, m := range [...]map[string][]string{b.Match, e.Match} {
		for lang, words := range m {
			merged.Match[lang] = append(merged.Match[lang], words...)
		}
	}
	return &merged
}

func (ix *escapeIndex) add(rank int, e *Escape) error {
	for _, words := range e.Match {
		for _, m := range words {
			if pattern, ok := regexOf(m); ok {
				re, err := compileInsensitive(pattern)
				if err != nil {
					return fmt.Errorf("match %s of %s: %w", m, e.Name, err)
				}
				ix.regexes = append(ix.regexes, escapeRegex{re, rank})
				continue
			}
			n := Normalise(m)
			if n == "" {
				continue
			}
			p := escapePhrase{newPhrase(n), rank}
			ix.whole[n] = append(ix.whole[n], p)
			if e.where() != whereWhole {
				first := firstWord(n)
				ix.byFirst[first] = append(ix.byFirst[first], p)
			}
		}
	}
	return nil
}

func (e *Escape) where() string {
	if e.Where == "" {
		return whereShort
	}
	return e.Where
}

func firstWord(normalised string) string {
	for i := 0; i < len(normalised); i++ {
		if normalised[i] == ' ' {
			return normalised[:i]
		}
	}
	return normalised
}

// Lengths that keep a phrase inside a story from being a request.
const (
	shortWords   = 12 // of a message, for a phrase of several words
	shortForWord = 4  // of a message, for a phrase of one word
)

// find is the entry with the longest phrase in a message; between equals the
// lower rank. deaf leaves only built-ins, as whole messages.
func (ix *escapeIndex) find(m *spoken, deaf bool, fillers map[string]bool) (*Escape, string) {
	best, bestRunes, by := -1, 0, ""
	take := func(p escapePhrase) {
		if p.runes > bestRunes || p.runes == bestRunes && (best < 0 || p.rank < best) {
			best, bestRunes, by = p.rank, p.runes, p.text
		}
	}
	words := m.wordCount()
	if !deaf {
		ix.inside(m, words, take)
	}
	ix.wholeForms(m, deaf, fillers, take)
	if !deaf && len(ix.regexes) > 0 {
		ix.matchRegexes(m, words, take)
	}
	if best < 0 {
		return nil, ""
	}
	return ix.entries[best], by
}

// inside tries the phrases that may stand within a message.
func (ix *escapeIndex) inside(m *spoken, words int, take func(escapePhrase)) {
	text := m.norm()
	for at := 0; at < len(text); {
		word := firstWord(text[at:])
		for _, p := range ix.byFirst[word] {
			end := at + len(p.text)
			if end > len(text) || text[at:end] != p.text || end < len(text) && text[end] != ' ' {
				continue
			}
			if ix.entries[p.rank].where() == whereAnywhere || words <= shortForWord || p.words > 1 && words <= shortWords {
				take(p)
			}
		}
		at += len(word) + 1
	}
}

// wholeForms tries the message with its fillers stripped, step by step.
func (ix *escapeIndex) wholeForms(m *spoken, deaf bool, fillers map[string]bool, take func(escapePhrase)) {
	for _, form := range m.forms(fillers) {
		for _, p := range ix.whole[form] {
			if e := ix.entries[p.rank]; e.BuiltIn || !deaf && e.where() == whereWhole {
				take(p)
			}
		}
	}
}

func (ix *escapeIndex) matchRegexes(m *spoken, words int, take func(escapePhrase)) {
	for _, r := range ix.regexes {
		hit := r.re.FindString(m.nfkc())
		if hit == "" {
			continue
		}
		n := Normalise(hit)
		switch ix.entries[r.rank].where() {
		case whereShort:
			if words > shortWords || words > shortForWord && countWords(n) < 2 {
				continue
			}
		case whereWhole:
			if n != m.norm() {
				continue
			}
		}
		take(escapePhrase{phrase{text: hit, runes: utf8.RuneCountInString(n)}, r.rank})
	}
}
