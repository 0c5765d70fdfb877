package inbox

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"dispatcher/engine"
)

// masker hides personal values wherever they stand in a text, however they are
// written: case, spaces and signs between do not matter.
type masker struct{ values []maskedValue }

// maskedValue is one value as letters and digits in lower case.
type maskedValue struct {
	text  []rune
	whole bool // a name: only as a whole word
	all   bool // not even its ends are shown
}

// Bounds of what is looked for: shorter words would hide half of any text.
const (
	maskLeast = 3
	maskLong  = 16 // longer values are told by their ends alone
)

var (
	mailLike  = regexp.MustCompile(`[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+`)
	phoneLike = regexp.MustCompile(`\+?\d(?:[ ./()-]{0,2}\d){8,}`)
)

// add learns a value.
func (m *masker) add(text string, whole, all bool) {
	letters, _ := lettersOf([]rune(text))
	if len(letters) < maskLeast {
		return
	}
	for _, have := range m.values {
		if slices.Equal(have.text, letters) {
			return
		}
	}
	after, _ := slices.BinarySearchFunc(m.values, len(letters), func(have maskedValue, n int) int {
		if len(have.text) >= n {
			return -1
		}
		return 1
	})
	m.values = slices.Insert(m.values, after, maskedValue{letters, whole, all}) // the longest first
}

// lettersOf is a text's letters and digits in lower case, and where each stands.
func lettersOf(text []rune) (letters []rune, at []int) {
	letters, at = make([]rune, 0, len(text)), make([]int, 0, len(text))
	for i, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			letters, at = append(letters, unicode.ToLower(r)), append(at, i)
		}
	}
	return letters, at
}

// text is s with every personal value masked.
func (m *masker) text(s string) string {
	if s == "" {
		return s
	}
	s = mailLike.ReplaceAllStringFunc(s, func(hit string) string { return maskRange(hit, false) })
	s = phoneLike.ReplaceAllStringFunc(s, func(hit string) string { return maskRange(hit, false) })
	runes := []rune(s)
	letters, at := lettersOf(runes)
	for _, v := range m.values {
		for i := 0; i+len(v.text) <= len(letters); i++ {
			if !slices.Equal(letters[i:i+len(v.text)], v.text) {
				continue
			}
			from, to := at[i], at[i+len(v.text)-1]+1
			if v.whole && (wordAt(runes, from-1) || wordAt(runes, to)) {
				continue
			}
			shown := []rune(maskRange(string(runes[from:to]), v.all || v.whole))
			runes = slices.Concat(runes[:from], shown, runes[to:])
			letters, at = lettersOf(runes)
			i = max(-1, i-len(v.text)) // what is hidden has fewer letters
		}
	}
	return string(runes)
}

func wordAt(text []rune, i int) bool {
	return i >= 0 && i < len(text) && (unicode.IsLetter(text[i]) || unicode.IsDigit(text[i]))
}

// maskRange hides the middle of a value: SW•• •AA. A short one, and one of
// which nothing may be shown, is hidden whole; a long one shows its ends.
func maskRange(s string, all bool) string {
	runes := []rune(s)
	_, at := lettersOf(runes)
	n := len(at)
	switch {
	case n == 0:
		return s
	case n > maskLong && all:
		return engine.Dots
	case n > maskLong:
		return string(runes[at[0]:at[1]+1]) + "••••" + string(runes[at[n-2]:at[n-1]+1])
	}
	for k, i := range at {
		if all || n < 6 || k >= 2 && k < n-2 {
			runes[i] = '•'
		}
	}
	return string(runes)
}

// whole hides a message of which any part may be personal, and learns what of
// it may come back in other texts.
func (m *masker) whole(s string) string {
	m.add(s, false, false)
	for _, word := range strings.Fields(s) {
		if strings.ContainsFunc(word, unicode.IsDigit) && len(word) > maskLeast {
			m.add(word, false, false)
		}
	}
	return maskRange(s, false)
}

// learn adds the value of a personal slot in every form it is shown in.
func (m *masker) learn(set *engine.Set, lang string, v engine.SlotValue, secret bool) {
	m.add(v.Raw, false, secret)
	switch value := v.Value.(type) {
	case nil, bool:
	case string:
		m.add(value, false, secret)
	case []string:
		for _, one := range value {
			m.add(one, false, secret)
		}
	default:
		m.add(slotText(set, lang, value), false, secret)
	}
}
