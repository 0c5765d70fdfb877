package graph

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// font is a size in px, times two, and one more for letters of equal width.
type font int

// Fonts of the picture.
const (
	fontName  font = 13<<1 | 1
	fontWords font = 12 << 1
	fontChip  font = 11<<1 | 1
	fontLabel font = 12 << 1
	fontAbout font = 13 << 1
	fontTitle font = 16<<1 | 1
)

func (f font) size() int  { return int(f >> 1) }
func (f font) mono() bool { return f&1 == 1 }

// width estimates how wide a text is drawn, in px. The figures are those of
// wide common faces (DejaVu Sans, Verdana), so that a text fits with narrower
// ones too.
func (f font) width(s string) int {
	total := 0 // thousandths of the size
	for g := uniseg.NewGraphemes(s); g.Next(); {
		total += f.grapheme(g.Str(), g.Width())
	}
	return (total*f.size() + 999) / 1000
}

func (f font) grapheme(s string, columns int) int {
	r, _ := utf8.DecodeRuneInString(s)
	switch {
	case columns > 1 || len(s) > 4: // ideographs, emoji
		return 1400
	case f.mono():
		return 610
	case strings.ContainsRune("ijlI.,'’|!:;`·", r):
		return 340
	case strings.ContainsRune("ftr()[]{}-/\\\" “”", r):
		return 440
	case strings.ContainsRune("mwMW@%—…", r):
		return 1000
	case unicode.IsUpper(r), strings.ContainsRune("+=<>#&~^", r):
		return 840
	}
	return 650
}

// fit shortens a text to a width, with … where something is left out.
func (f font) fit(s string, width int) string {
	s = clean(s)
	if f.width(s) <= width {
		return s
	}
	room, used, end := width*1000-f.grapheme("…", 1)*f.size(), 0, 0
	for g := uniseg.NewGraphemes(s); g.Next(); {
		used += f.grapheme(g.Str(), g.Width()) * f.size()
		if used > room {
			break
		}
		_, end = g.Positions()
	}
	return strings.TrimRight(s[:end], " ,.;:") + "…"
}

// wrap breaks a text at spaces into at most so many lines; the last is shortened.
func (f font) wrap(s string, width, lines int) []string {
	words := strings.Fields(clean(s))
	var out []string
	for len(words) > 0 {
		if len(out) == lines-1 {
			return append(out, f.fit(strings.Join(words, " "), width))
		}
		line, n := words[0], 1
		for n < len(words) && f.width(line+" "+words[n]) <= width {
			line += " " + words[n]
			n++
		}
		out = append(out, f.fit(line, width))
		words = words[n:]
	}
	return out
}

// clip shortens a text to so many characters.
func clip(s string, most int) string {
	s = clean(s)
	if uniseg.GraphemeClusterCount(s) <= most {
		return s
	}
	n, end := 0, 0
	for g := uniseg.NewGraphemes(s); n < most-1 && g.Next(); n++ {
		_, end = g.Positions()
	}
	return s[:end] + "…"
}

// clean makes a text one line without anything that a reader would not see:
// control characters, invalid bytes, and marks that turn the direction of what
// follows.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "�")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\u200e' || r == '\u200f' || r == '\ufeff', r == '\ufffe' || r == '\uffff':
			return -1
		}
		return r
	}, s)
}
