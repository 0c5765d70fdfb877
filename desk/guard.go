package desk

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"dispatcher/inbox"
)

// Findings of the public guard (desk.md 3.10). known is fixed: no second press
// sends it.
const (
	findingKnown = "known_value"
	findingCard  = "card_number"
	findingMail  = "email"
	findingPhone = "phone"
	findingSlot  = "slot_value"
	findingAsks  = "asks_for_personal_data"
)

// leastKnown is the shortest value that is looked for: shorter ones are in
// every sentence.
const leastKnown = 3

// guard says what a text that would be public gives away or asks for.
func guard(v *inbox.View, text string) []string {
	found := []string{}
	add := func(yes bool, name string) {
		if yes {
			found = append(found, name)
		}
	}
	called, finds := v.Asked()
	add(holdsKnown(text, v.Secrets()), findingKnown)
	add(holdsCard(text), findingCard)
	add(matches(text, `[\w.+-]+@[\w-]+\.[\w.-]+`), findingMail)
	add(holdsPhone(text), findingPhone)
	add(matchesAny(text, finds), findingSlot)
	add(asks(text, called), findingAsks)
	return found
}

// plain is a text as it is compared: width, case, spaces and dashes gone.
func plain(s string) string {
	s = cases.Fold().String(norm.NFKC.String(s))
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

func holdsKnown(text string, values []string) bool {
	in := plain(text)
	for _, v := range values {
		if p := plain(v); len([]rune(p)) >= leastKnown && strings.Contains(in, p) {
			return true
		}
	}
	return false
}

func matches(text, pattern string) bool {
	re, err := regexp.Compile("(?i)" + pattern)
	return err == nil && re.MatchString(norm.NFKC.String(text))
}

func matchesAny(text string, patterns []string) bool {
	for _, p := range patterns {
		if matches(text, p) {
			return true
		}
	}
	return false
}

// digitRuns are the runs of digits of a text, spaces, dashes, dots and
// brackets inside them left out.
func digitRuns(text string) []string {
	var runs []string
	var run strings.Builder
	end := func() {
		if run.Len() > 0 {
			runs = append(runs, run.String())
			run.Reset()
		}
	}
	for _, r := range norm.NFKC.String(text) {
		switch {
		case r >= '0' && r <= '9':
			run.WriteRune(r)
		case run.Len() > 0 && strings.ContainsRune(" -.()/", r):
		default:
			end()
		}
	}
	end()
	return runs
}

func holdsCard(text string) bool {
	for _, run := range digitRuns(text) {
		if len(run) >= 13 && len(run) <= 19 && luhn(run) {
			return true
		}
	}
	return false
}

// luhn is the check of card numbers (ISO/IEC 7812-1, annex B).
func luhn(digits string) bool {
	sum, double := 0, false
	for i := len(digits) - 1; i >= 0; i-- {
		d := int(digits[i] - '0')
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum, double = sum+d, !double
	}
	return sum%10 == 0
}

func holdsPhone(text string) bool {
	if strings.Contains(text, "+") {
		for _, run := range digitRuns(text[strings.IndexByte(text, '+'):]) {
			if len(run) >= 8 && len(run) <= 15 {
				return true
			}
		}
	}
	for _, run := range digitRuns(text) {
		if len(run) >= 10 && len(run) <= 12 && run[0] == '0' {
			return true
		}
	}
	return false
}

// asks says whether a question names something that is personal.
func asks(text string, called []string) bool {
	if !strings.ContainsAny(text, "?？") {
		return false
	}
	in := plain(text)
	for _, name := range called {
		if p := plain(name); p != "" && strings.Contains(in, p) {
			return true
		}
	}
	return false
}
