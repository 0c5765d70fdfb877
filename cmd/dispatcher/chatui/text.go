package chatui

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/rivo/uniseg"
)

// maxMarks is how many code points one character may hold; what piles up more
// marks than any script needs is cut.
const maxMarks = 16

// Clean makes a text harmless to a terminal: control characters are shown as
// pictures or dropped, so that no text of a flow or of a customer can move the
// cursor, change colours or title, or turn the direction of a line. Line
// breaks stay, a tab is a space.
func Clean(s string) string {
	if !dirty(s) {
		return s
	}
	var b strings.Builder
	s = strings.ReplaceAll(s, "\r\n", "\n")
	for len(s) > 0 {
		cluster, rest, _, _ := uniseg.FirstGraphemeClusterInString(s, -1)
		n := 0
		for _, r := range cluster {
			if n++; n > maxMarks {
				break
			}
			b.WriteString(harmless(r))
		}
		s = rest
	}
	return b.String()
}

// dirty says that a text holds anything but printable ASCII and line breaks.
func dirty(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= 0x7f || c < 0x20 && c != '\n' {
			return true
		}
	}
	return false
}

// harmless is one code point as it may be shown.
func harmless(r rune) string {
	switch {
	case r == '\n' || r == 0x2028 || r == 0x2029:
		return "\n"
	case r == '\t':
		return " "
	case r < 0x20:
		return string(0x2400 + r) // the picture of a control character
	case r == 0x7f:
		return "\u2421"
	case r >= 0x80 && r < 0xa0 || r == utf8.RuneError:
		return "\ufffd"
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return "" // overrides and isolates: a line reads in the order of its characters
	case r == 0xfeff || r == 0x00ad || r >= 0xe0000 && r <= 0xe007f:
		return ""
	}
	return string(r)
}

// oneLine is a cleaned text without line breaks.
func oneLine(s string) string { return strings.ReplaceAll(Clean(s), "\n", " ") }

// width is how many columns a text takes at most. Terminals do not agree on
// joined emoji: the wider reading counts, so that nothing runs over the edge.
func width(s string) int {
	if !dirty(s) {
		return len(s)
	}
	n := 0
	for len(s) > 0 {
		cluster, rest, w, _ := uniseg.FirstGraphemeClusterInString(s, -1)
		n += max(w, ansi.StringWidthWc(cluster))
		s = rest
	}
	return n
}

// clusters are the characters of a text as a reader counts them.
func clusters(s string) []string {
	var out []string
	for len(s) > 0 {
		cluster, rest, _, _ := uniseg.FirstGraphemeClusterInString(s, -1)
		out = append(out, cluster)
		s = rest
	}
	return out
}

// wrap breaks a text into lines of at most w columns: at spaces, a word that
// is longer where it must be. There is always a line.
func wrap(s string, w int) []string {
	w = max(w, 1)
	var out []string
	for _, paragraph := range strings.Split(strings.TrimRight(s, "\n"), "\n") {
		out = append(out, wrapLine(paragraph, w)...)
	}
	return out
}

func wrapLine(s string, w int) []string {
	var out []string
	line, have := "", 0
	for i, word := range strings.Split(s, " ") {
		n := width(word)
		if i > 0 && have+1+n <= w {
			line, have = line+" "+word, have+1+n
			continue
		}
		if i > 0 {
			out = append(out, strings.TrimRight(line, " "))
		}
		if line, have = word, n; n > w {
			parts := broken(word, w)
			out = append(out, parts[:len(parts)-1]...)
			line = parts[len(parts)-1]
			have = width(line)
		}
	}
	return append(out, strings.TrimRight(line, " "))
}

// broken is a word in pieces of at most w columns.
func broken(word string, w int) []string {
	var out []string
	line, have := "", 0
	for _, c := range clusters(word) {
		n := width(c)
		if have+n > w && line != "" {
			out = append(out, line)
			line, have = "", 0
		}
		if n > w {
			c, n = "?", 1 // no room for a wide one
		}
		line, have = line+c, have+n
	}
	return append(out, line)
}

// cut is a text in at most w columns, with … for what is left out.
func cut(s string, w int) string {
	if width(s) <= w {
		return s
	}
	if w < 1 {
		return ""
	}
	var b strings.Builder
	have := 0
	for _, c := range clusters(s) {
		n := width(c)
		if have+n > w-1 {
			break
		}
		b.WriteString(c)
		have += n
	}
	return b.String() + "…"
}

// spaces is n spaces; none when n is negative.
func spaces(n int) string { return strings.Repeat(" ", max(n, 0)) }
