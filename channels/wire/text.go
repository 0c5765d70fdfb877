package wire

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"dispatcher/dm"
)

// Units of a dm.Limit.
const (
	Runes = "runes"
	Bytes = "bytes"
	UTF16 = "utf16"
)

// MaxInbound is how many runes of a customer's message are kept as its text; the rest stays in Raw.
const MaxInbound = 10000

// Clean makes a stranger's text safe to keep: NUL and invalid bytes become
// U+FFFD, and at most MaxInbound runes stay. Everything else, invisible
// characters included, is kept as it was written.
func Clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	if len(s) <= MaxInbound {
		return s
	}
	n := 0
	for i := range s {
		if n == MaxInbound {
			return s[:i]
		}
		n++
	}
	return s
}

// Length counts s in a unit; runes when the unit is not known.
func Length(s, unit string) int {
	switch unit {
	case Bytes:
		return len(s)
	case UTF16:
		n := 0
		for _, r := range s {
			n += utf16.RuneLen(r)
		}
		return n
	}
	return utf8.RuneCountInString(s)
}

// Fits says whether s keeps a limit. N == 0 is no limit.
func Fits(s string, l dm.Limit) bool { return l.N <= 0 || Length(s, l.Unit) <= l.N }

// Cut shortens s to a limit on a grapheme, with "…" inside the limit.
func Cut(s string, l dm.Limit) (short string, cut bool) {
	if Fits(s, l) {
		return s, false
	}
	room := l.N - Length("…", l.Unit)
	head := strings.TrimRightFunc(s[:prefix(s, room, l.Unit)], unicode.IsSpace)
	if room < 0 {
		return "", true
	}
	return head + "…", true
}

// prefix is the number of bytes of the longest run of whole graphemes of s that fits into n units.
func prefix(s string, n int, unit string) int {
	at, used, state := 0, 0, -1
	for at < len(s) {
		cluster, _, _, next := uniseg.FirstGraphemeClusterInString(s[at:], state)
		if used += Length(cluster, unit); used > n {
			break
		}
		at += len(cluster)
		state = next
	}
	return at
}

// Split cuts a text into parts that keep a limit: at a blank line, a line end,
// a sentence end, a space, else between graphemes, and never inside a URL or a
// number as long as one fits. Joined with what was between them the parts are
// the text; only space at the cuts goes.
func Split(s string, l dm.Limit) []string {
	var parts []string
	for !Fits(s, l) {
		at := prefix(s, l.N, l.Unit)
		if at == 0 { // one grapheme longer than the limit: cut between its runes
			at = runePrefix(s, l.N, l.Unit)
		}
		at = breakBefore(s, at)
		if head := strings.TrimRightFunc(s[:at], unicode.IsSpace); head != "" {
			parts = append(parts, head)
		}
		s = strings.TrimLeftFunc(s[at:], unicode.IsSpace)
	}
	if s != "" || len(parts) == 0 {
		parts = append(parts, s)
	}
	return parts
}

func runePrefix(s string, n int, unit string) int {
	at, used := 0, 0
	for i, r := range s {
		if used += Length(string(r), unit); used > n && at > 0 {
			break
		}
		at = i + utf8.RuneLen(r)
	}
	return at
}

// breakBefore is the best place to cut s at or before max. A place in the
// second half wins over a better kind of place in the first half.
func breakBefore(s string, max int) int {
	window := s[:max]
	for _, find := range []func(string, string) int{blankLine, lineEnd, sentenceEnd, lastSpace} {
		if at := find(s, window); at >= max/2 && at > 0 {
			return at
		}
	}
	if at := lastSpace(s, window); at > 0 && isToken(s, at, max) {
		return at
	}
	return max
}

func blankLine(_, window string) int { return strings.LastIndex(window, "\n\n") + 1 }

func lineEnd(_, window string) int { return strings.LastIndexByte(window, '\n') + 1 }

func sentenceEnd(s, window string) int {
	best := 0
	for i, r := range window {
		end := i + utf8.RuneLen(r)
		switch r {
		case '。', '！', '？':
			best = end
		case '.', '!', '?', '…':
			if next, _ := utf8.DecodeRuneInString(s[end:]); unicode.IsSpace(next) {
				best = end
			}
		}
	}
	return best
}

// lastSpace looks one character past the window: a word that ends exactly at
// the limit needs no cut.
func lastSpace(s, window string) int {
	if next, _ := utf8.DecodeRuneInString(s[len(window):]); unicode.IsSpace(next) {
		return len(window)
	}
	at := strings.LastIndexFunc(window, unicode.IsSpace)
	if at < 0 {
		return 0
	}
	return at
}

// isToken says whether the word around max is a URL or a number, which is
// moved whole to the next part rather than cut.
func isToken(s string, from, max int) bool {
	word := strings.TrimLeftFunc(s[from:], unicode.IsSpace)
	if end := strings.IndexFunc(word, unicode.IsSpace); end >= 0 {
		word = word[:end]
	}
	if len(word) >= max {
		return false // it does not fit into a part of its own either
	}
	if HasURL(word) {
		return true
	}
	return strings.IndexFunc(word, func(r rune) bool { return !unicode.IsDigit(r) && !strings.ContainsRune("+-.,/", r) }) < 0
}

// HasURL says whether a platform would see a link in s.
func HasURL(s string) bool {
	low := strings.ToLower(s)
	return strings.Contains(low, "http://") || strings.Contains(low, "https://") || strings.HasPrefix(low, "www.")
}
