package source

import "slices"

// DidYouMean picks the candidate that word was probably meant to be: at most
// two changes away (one for words under five characters), the closest, then
// the alphabetically first.
func DidYouMean(word string, candidates []string) (string, bool) {
	best, near := Meant(word, candidates)
	return best, near > 0
}

// Meant is DidYouMean with the number of different candidates that are near
// enough: only where there is one, nobody needs to be asked.
func Meant(word string, candidates []string) (best string, near int) {
	w := []rune(word)
	limit := 2
	if len(w) < 5 {
		limit = 1
	}
	at := limit + 1
	var found []string
	m := matrix{limit: limit}
	for _, c := range candidates {
		// A character has at most four bytes, so most words are told apart by their length.
		if c == word || c == "" || len(c) > 4*(len(w)+limit) || len(c)+limit < len(w) {
			continue
		}
		d := m.distance(w, c)
		if d > limit || slices.Contains(found, c) {
			continue
		}
		found = append(found, c)
		if d < at || d == at && c < best {
			best, at = c, d
		}
	}
	return best, len(found)
}

// matrix computes distances, its rows used again for every word.
type matrix struct {
	limit             int
	b                 []rune
	before, last, row []int
}

// distance is the optimal string alignment distance, or limit+1 when larger.
func (m *matrix) distance(a []rune, word string) int {
	m.b = m.b[:0]
	for _, r := range word {
		m.b = append(m.b, r)
	}
	b, limit := m.b, m.limit
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	n := len(b) + 1
	m.before, m.last, m.row = slices.Grow(m.before[:0], n)[:n], slices.Grow(m.last[:0], n)[:n], slices.Grow(m.row[:0], n)[:n]
	before, last, row := m.before, m.last, m.row
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		// An exchange of two looks back over one row, so one bad row is not the end.
		if least > limit+1 {
			return limit + 1
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit+1)
}
