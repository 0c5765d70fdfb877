package source

import "sort"

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
	sorted := append([]string(nil), candidates...)
	sort.Strings(sorted)
	for i, c := range sorted {
		if c == word || c == "" || i > 0 && c == sorted[i-1] {
			continue
		}
		d := distance(w, []rune(c), limit)
		if d <= limit {
			near++
		}
		if d < at {
			best, at = c, d
		}
	}
	return best, near
}

// distance is the optimal string alignment distance, or limit+1 when larger.
func distance(a, b []rune, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit+1)
}
