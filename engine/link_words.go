package engine

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

func numbered(prefix string, i int) string { return prefix + strconv.Itoa(i+1) }

// phrase is a normalised phrase with what a comparison needs of it.
type phrase struct {
	text  string
	words int
	runes int
	mask  uint64
}

func newPhrase(text string) phrase {
	return phrase{text: text, words: countWords(text), runes: utf8.RuneCountInString(text), mask: letters(text)}
}

// optionIndex is an option's words in every language of the project.
type optionIndex struct {
	edge    string   // opt:ID, for an option without an exit of its own
	exact   []string // forms that are the option when they are the whole message
	emojis  []string // its emoji alone, one for each language that has another
	phrases []phrase // labels and match words
	regexes []*regexp.Regexp
	dynamic bool // the label holds an expression: its form is made in the step
}

func (s *Set) indexOption(o *Option) (*optionIndex, error) {
	ix := &optionIndex{edge: "opt:" + o.ID, exact: []string{o.ID}}
	if spaced := Normalise(strings.ReplaceAll(o.ID, "_", " ")); spaced != o.ID {
		ix.exact = append(ix.exact, spaced)
	}
	if o.Label != nil {
		for _, tpl := range o.Label.Lang {
			label, ok := tpl.constant()
			if !ok {
				ix.dynamic = true
				continue
			}
			for _, f := range labelForms(label) {
				ix.exact = append(ix.exact, f)
				ix.phrases = append(ix.phrases, newPhrase(f))
			}
			if e := emojiOnly(Normalise(label)); e != "" && !slices.Contains(ix.emojis, e) {
				ix.emojis = append(ix.emojis, e)
			}
		}
		ix.dynamic = ix.dynamic || o.Label.Lang == nil
	}
	for _, short := range constantTexts(o.Short) {
		ix.exact = append(ix.exact, labelForms(short)...)
	}
	for _, list := range o.Match {
		for _, m := range list {
			if err := ix.addMatch(m); err != nil {
				return nil, fmt.Errorf("option %s: %w", o.ID, err)
			}
		}
	}
	return ix, nil
}

// addMatch adds one phrase or /regex/.
func (ix *optionIndex) addMatch(m string) error {
	if pattern, ok := regexOf(m); ok {
		re, err := compileInsensitive(pattern)
		if err != nil {
			return fmt.Errorf("match %s: %w", m, err)
		}
		ix.regexes = append(ix.regexes, re)
		return nil
	}
	if n := Normalise(m); n != "" {
		ix.phrases = append(ix.phrases, newPhrase(n))
	}
	return nil
}

// regexOf is the pattern of /pattern/.
func regexOf(m string) (string, bool) {
	if len(m) > 2 && m[0] == '/' && m[len(m)-1] == '/' {
		return m[1 : len(m)-1], true
	}
	return "", false
}

// shareEmoji makes an emoji that one option alone has a form of it.
func shareEmoji(options []*Option) {
	seen := map[string]int{}
	for _, o := range options {
		for _, e := range o.index.emojis {
			seen[e]++
		}
	}
	for _, o := range options {
		for _, e := range o.index.emojis {
			if seen[e] == 1 {
				o.index.exact = append(o.index.exact, e)
			}
		}
	}
}
