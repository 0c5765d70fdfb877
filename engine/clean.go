package engine

import (
	"regexp"
	"strings"
	"unicode"
)

// clean applies the slot's list in order and says whether look_alikes, which
// runs last wherever it is written, is among it.
func clean(sl *Slot, s string) (cleaned string, swap bool) {
	for _, step := range sl.Clean {
		switch step {
		case "trim":
			s = strings.TrimSpace(s)
		case "upper":
			s = strings.ToUpper(s)
		case "lower":
			s = strings.ToLower(s)
		case "remove_spaces":
			s = keep(s, func(r rune) bool { return !unicode.IsSpace(r) })
		case "digits":
			s = keep(asciiDigits(s), unicode.IsDigit)
		case "letters_digits":
			s = keep(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
		case "look_alikes":
			swap = true
		default:
			if chars, ok := strings.CutPrefix(step, "remove:"); ok {
				s = keep(s, func(r rune) bool { return !strings.ContainsRune(chars, r) })
			}
		}
	}
	return s, swap
}

func keep(s string, wanted func(rune) bool) string {
	if strings.IndexFunc(s, func(r rune) bool { return !wanted(r) }) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if wanted(r) {
			return r
		}
		return -1
	}, s)
}

// maxVariants bounds what look_alikes tries.
const maxVariants = 16

// alike is the character that is taken for another.
func alike(c byte) (byte, bool) {
	switch c {
	case 'O', 'o':
		return '0', true
	case '0':
		return 'O', true
	case 'I', 'l', 'i', 'L':
		return '1', true
	case '1':
		return 'I', true
	case 'S', 's':
		return '5', true
	case '5':
		return 'S', true
	case 'B', 'b':
		return '8', true
	case '8':
		return 'B', true
	}
	return 0, false
}

// lookAlikes tries exchanges of characters that look alike, fewest first, and
// gives the first variant that the pattern accepts.
func lookAlikes(s string, pattern *regexp.Regexp) (string, bool) {
	var places []int
	for i := 0; i < len(s); i++ {
		if _, ok := alike(s[i]); ok {
			places = append(places, i)
		}
	}
	tried := 0
	buf := []byte(s)
	for changes := 1; changes <= len(places); changes++ {
		if v, ok := swapN(buf, places, changes, pattern, &tried); ok || tried >= maxVariants {
			return v, ok
		}
	}
	return "", false
}

// swapN exchanges n of the places, leftmost first.
func swapN(buf []byte, places []int, n int, pattern *regexp.Regexp, tried *int) (string, bool) {
	if n == 0 {
		*tried++
		if pattern.Match(buf) {
			return string(buf), true
		}
		return "", false
	}
	for i := 0; i+n <= len(places); i++ {
		old := buf[places[i]]
		buf[places[i]], _ = alike(old)
		v, ok := swapN(buf, places[i+1:], n-1, pattern, tried)
		buf[places[i]] = old
		if ok || *tried >= maxVariants {
			return v, ok
		}
	}
	return "", false
}
