package engine

import "strings"

// spoken is one text of a message with the forms that stages compare, each
// made when first asked for.
type spoken struct {
	raw        string
	normalised string
	compat     string
	done       bool
	stripped   []string
	words      []span // of normalised
	kept       [1]string
}

// span is the byte range of one word.
type span struct{ from, to int }

func (m *spoken) norm() string {
	if !m.done {
		m.normalised, m.done = Normalise(m.raw), true
	}
	return m.normalised
}

// nfkc is the text on which patterns match.
func (m *spoken) nfkc() string {
	if m.compat == "" {
		m.compat = nfkc(m.raw)
	}
	return m.compat
}

func (m *spoken) wordCount() int { return countWords(m.norm()) }

func (m *spoken) spans() []span {
	if m.words == nil {
		m.words = wordSpans(m.norm())
	}
	return m.words
}

func wordSpans(text string) []span {
	out := make([]span, 0, countWords(text))
	for at := 0; at < len(text); {
		end := at + len(firstWord(text[at:]))
		out = append(out, span{at, end})
		at = end + 1
	}
	return out
}

// maxFormWords bounds the messages whose fillers are looked at: a longer one
// is no whole phrase.
const maxFormWords = 24

// forms are the message and what is left of it when fillers are taken from
// both ends, step by step, never down to nothing.
func (m *spoken) forms(fillers map[string]bool) []string {
	if m.stripped == nil {
		m.kept[0] = m.norm()
		m.stripped = m.kept[:1]
		if hasFiller(m.norm(), fillers) {
			m.stripped = stripForms(m.norm(), m.spans(), fillers)
		}
	}
	return m.stripped
}

// hasFiller says that a text begins or ends with the first or last word of some
// filler that could be stripped; most messages have none.
func hasFiller(text string, fillers map[string]bool) bool {
	for n, at := 0, 0; n < longestFiller && at < len(text); n++ {
		at += len(firstWord(text[at:]))
		if fillers[text[:at]] {
			return true
		}
		at++
	}
	for n, at := 0, len(text); n < longestFiller && at > 0; n++ {
		at = strings.LastIndexByte(text[:at], ' ')
		if fillers[text[at+1:]] {
			return true
		}
	}
	return false
}

// longestFiller is the most words a filler has ("i would like to").
const longestFiller = 5

func stripForms(text string, words []span, fillers map[string]bool) []string {
	out := make([]string, 0, 4)
	out = append(out, text)
	if len(words) < 2 || len(words) > maxFormWords {
		return out
	}
	ahead := [maxFormWords + 1]bool{0: true} // words that may be stripped from the front
	for i := range words {
		for n := 1; ahead[i] && n <= longestFiller && i+n <= len(words); n++ {
			if fillers[text[words[i].from:words[i+n-1].to]] {
				ahead[i+n] = true
			}
		}
	}
	var behind [maxFormWords + 1]bool // ends that are left after stripping
	behind[len(words)] = true
	for j := len(words); j > 0; j-- {
		for n := 1; behind[j] && n <= longestFiller && j-n >= 0; n++ {
			if fillers[text[words[j-n].from:words[j-1].to]] {
				behind[j-n] = true
			}
		}
	}
	for i := range words {
		for j := len(words); ahead[i] && j > i; j-- {
			if behind[j] && (i > 0 || j < len(words)) {
				out = append(out, text[words[i].from:words[j-1].to])
			}
		}
	}
	return out
}

// strippedForms is stripForms for fillers as a pack writes them.
func strippedForms(normalised string, fillers []string) []string {
	set := make(map[string]bool, len(fillers))
	for _, w := range fillers {
		set[Normalise(w)] = true
	}
	return stripForms(normalised, wordSpans(normalised), set)
}

// windowSimilarity slides a window of as many words as the phrase has over a
// text and gives the best likeness at or above floor, 0 when there is none.
func windowSimilarity(text, form string, mask uint64, floor float64) float64 {
	return slide(text, wordSpans(text), phrase{text: form, words: countWords(form), runes: runeLen(form), mask: mask}, floor)
}
