package engine

import (
	"math/bits"
	"unicode/utf8"
)

// maxSimilar bounds the characters compared on the stack.
const maxSimilar = 64

// Similarity is 1 − d ⁄ max(len), d the optimal string alignment distance in
// characters (an exchange of neighbours is one change, no part is changed twice).
func Similarity(a, b string) float64 {
	if a == b {
		return 1
	}
	var ra, rb [maxSimilar]rune
	x, y := appendRunes(ra[:0], a), appendRunes(rb[:0], b)
	longest := max(len(x), len(y))
	if longest == 0 {
		return 1
	}
	return 1 - float64(osa(x, y))/float64(longest)
}

func appendRunes(to []rune, s string) []rune {
	for _, r := range s {
		to = append(to, r)
	}
	return to
}

// osa keeps three rows of the table.
func osa(a, b []rune) int {
	var stack [3 * (maxSimilar + 1)]int
	n := len(b) + 1
	rows := stack[:]
	if 3*n > len(rows) {
		rows = make([]int, 3*n)
	}
	before, last, row := rows[:n], rows[n:2*n], rows[2*n:3*n]
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j < n; j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// letters is a set of the characters of a word, small enough to compare in
// one step; it rules out most windows before osa is asked.
func letters(s string) uint64 {
	var m uint64
	for _, r := range s {
		if r != ' ' {
			m |= 1 << (uint(r) % 64)
		}
	}
	return m
}

// slide is the best likeness of a phrase with any run of as many words.
func slide(text string, words []span, p phrase, floor float64) float64 {
	best := 0.0
	if p.runes < fuzzyRunes || p.words == 0 {
		return 0
	}
	for i := 0; i+p.words <= len(words); i++ {
		window := text[words[i].from:words[i+p.words-1].to]
		if !mayResemble(window, p, floor) {
			continue
		}
		if s := Similarity(window, p.text); s >= floor && s > best {
			best = s
		}
	}
	return best
}

// fuzzyRunes is the length under which a word is never fuzzy.
const fuzzyRunes = 4

// mayResemble rules out windows that are too long, too short, or lack too many
// of the phrase's letters.
func mayResemble(window string, p phrase, floor float64) bool {
	n := len(window)
	if isASCII(window) {
		if d := n - p.runes; float64(max(d, -d)) > (1-floor)*float64(max(n, p.runes))+1e-9 {
			return false
		}
	}
	allowed := int((1-floor)*float64(max(n, p.runes)) + 1e-9)
	return bits.OnesCount64(p.mask&^letters(window)) <= allowed
}

func runeLen(s string) int { return utf8.RuneCountInString(s) }
