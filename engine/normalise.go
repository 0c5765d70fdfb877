package engine

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Normalise is the form in which words are compared (language.md 2.6): case
// folded, marks after Latin, Greek and Cyrillic letters dropped, apostrophes
// and joiners deleted, everything that is no letter, digit or emoji a single
// space. An emoji is a word of its own. Normalise(Normalise(s)) is Normalise(s).
func Normalise(text string) string {
	if plain(text) {
		return text
	}
	if isASCII(text) {
		return normaliseASCII(text)
	}
	for range 3 {
		next := normaliseOnce(text)
		if next == text {
			break
		}
		text = next
	}
	return text
}

// plain says that an ASCII text is its own normal form.
func plain(s string) bool {
	space := true
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			space = false
		case c == ' ' && !space:
			space = true
		default:
			return false
		}
	}
	return s == "" || !space
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func normaliseASCII(s string) string {
	var stack [128]byte
	out := stack[:0]
	if len(s) > len(stack) {
		out = make([]byte, 0, len(s))
	}
	space := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
		case c == '\'':
			continue
		default:
			space = true
			continue
		}
		if space && len(out) > 0 {
			out = append(out, ' ')
		}
		space = false
		out = append(out, c)
	}
	return string(out)
}

func normaliseOnce(text string) string {
	folded := cases.Fold().String(norm.NFKC.String(strings.ToValidUTF8(text, " ")))
	base := dropMarks(norm.NFKD.String(folded))
	var b strings.Builder
	b.Grow(len(base))
	space := false
	put := func(r rune) {
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	for _, r := range cases.Fold().String(norm.NFKC.String(base)) {
		switch {
		case deleted(r):
		case isEmoji(r):
			space = true
			put(r)
			space = true
		case unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r):
			put(r)
		default:
			space = true
		}
	}
	return b.String()
}

// dropMarks removes combining marks that follow a Latin, Greek or Cyrillic
// letter; elsewhere they carry meaning and count as letters.
func dropMarks(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	european := false
	for _, r := range s {
		if unicode.Is(unicode.Mn, r) {
			if european {
				continue
			}
		} else {
			european = unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// deleted are the characters that vanish without leaving a space.
func deleted(r rune) bool {
	switch r {
	case '\'', '’', 'ʼ', 0x20E3, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD:
		return true
	}
	return r >= 0xFE00 && r <= 0xFE0F || r >= 0x1F3FB && r <= 0x1F3FF || r >= 0xE0100 && r <= 0xE01EF
}

// emoji holds the blocks whose symbols people send as words.
var emoji = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x00A9, 0x00A9, 1}, {0x00AE, 0x00AE, 1}, {0x203C, 0x203C, 1}, {0x2049, 0x2049, 1},
		{0x2194, 0x21AA, 1}, {0x231A, 0x23FF, 1}, {0x25AA, 0x25FE, 1}, {0x2600, 0x27BF, 1},
		{0x2934, 0x2935, 1}, {0x2B05, 0x2B55, 1}, {0x3030, 0x303D, 13}, {0x3297, 0x3299, 2},
	},
	R32: []unicode.Range32{{0x1F000, 0x1F0FF, 1}, {0x1F170, 0x1F1FF, 1}, {0x1F201, 0x1FAFF, 1}},
}

func isEmoji(r rune) bool { return r >= 0xA9 && unicode.Is(emoji, r) }

// Words splits a normalised text.
func Words(normalised string) []string {
	if normalised == "" {
		return nil
	}
	return strings.Split(normalised, " ")
}

// countWords is len(Words(s)) without the slice.
func countWords(normalised string) int {
	if normalised == "" {
		return 0
	}
	return strings.Count(normalised, " ") + 1
}

// PhraseIn says whether the phrase occurs in the text as whole words; both
// are normalised.
func PhraseIn(text, phrase string) bool {
	if phrase == "" {
		return false
	}
	for from := 0; from+len(phrase) <= len(text); {
		i := strings.Index(text[from:], phrase)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(phrase)
		if (i == 0 || text[i-1] == ' ') && (end == len(text) || text[end] == ' ') {
			return true
		}
		from = i + 1
	}
	return false
}

// cutRunes is the first n characters of a text.
func cutRunes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// nfkc is the compatibility form in which values are read and regexes match.
func nfkc(s string) string {
	if isASCII(s) {
		return s
	}
	return norm.NFKC.String(strings.ToValidUTF8(s, "\uFFFD"))
}

// asciiDigits writes digits of any script as 0–9.
func asciiDigits(s string) string {
	if isASCII(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf || !unicode.IsDigit(r) {
			return r
		}
		for _, zero := range digitZeros {
			if r >= zero && r <= zero+9 {
				return '0' + r - zero
			}
		}
		return r
	}, s)
}

// digitZeros are the zeros of the scripts in use; each is followed by its 1–9.
var digitZeros = [...]rune{
	0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6,
	0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1B50, 0x1BB0, 0x1C40,
	0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x11066, 0x110F0, 0x11136,
}
