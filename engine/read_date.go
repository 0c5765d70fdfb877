package engine

import (
	"strconv"
	"strings"
	"time"
)

// date reads 2026-11-20, 20/11/2026, 20.11.26, 20 Nov [2026], today and its
// neighbours, and weekday names (the nearest past day, today included; with
// ahead the next one to come). The result is the local midnight of that day.
func (r reader) date(s string) (time.Time, bool) {
	text := strings.TrimSpace(strings.ToLower(asciiDigits(s)))
	if at, err := time.Parse(time.RFC3339, strings.TrimSpace(s)); err == nil {
		return at, true
	}
	if d, ok := r.digitsDate(text); ok {
		return d, true
	}
	words := Words(Normalise(text))
	if len(words) == 1 {
		return r.dayWord(words[0])
	}
	return r.monthDate(words)
}

func (r reader) location() *time.Location {
	if r.loc == nil {
		return time.UTC
	}
	return r.loc
}

// digitsDate reads three numbers with one kind of sign between them.
func (r reader) digitsDate(s string) (time.Time, bool) {
	parts := strings.FieldsFunc(s, func(c rune) bool { return c == '-' || c == '/' || c == '.' })
	if len(parts) != 3 {
		return time.Time{}, false
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil || len(p) > 4 {
			return time.Time{}, false
		}
		n[i] = v
	}
	if len(parts[0]) == 4 {
		return r.day(n[0], n[1], n[2])
	}
	switch r.order {
	case "mdy":
		return r.day(fullYear(n[2], parts[2]), n[0], n[1])
	case "ymd":
		return r.day(fullYear(n[0], parts[0]), n[1], n[2])
	}
	return r.day(fullYear(n[2], parts[2]), n[1], n[0])
}

// fullYear reads two digits as this century.
func fullYear(y int, written string) int {
	if len(written) <= 2 {
		return 2000 + y
	}
	return y
}

// day is a date that exists.
func (r reader) day(y, m, d int) (time.Time, bool) {
	at := time.Date(y, time.Month(m), d, 0, 0, 0, 0, r.location())
	ok := at.Year() == y && int(at.Month()) == m && at.Day() == d && y >= 1000
	return at, ok
}

// dayWord reads one word: today, yesterday, tomorrow or a weekday.
func (r reader) dayWord(w string) (time.Time, bool) {
	if r.now.IsZero() {
		return time.Time{}, false
	}
	today := r.now.In(r.location())
	on := func(n int) (time.Time, bool) {
		return time.Date(today.Year(), today.Month(), today.Day()+n, 0, 0, 0, 0, r.location()), true
	}
	for _, p := range [...]*Pack{packOr(r.lang), &packEN} {
		for i, row := range [...]string{"today", "yesterday", "tomorrow"} {
			if hasNormalised(p.Words[row], w) {
				return on([...]int{0, -1, 1}[i])
			}
		}
		for i, name := range p.days {
			if !nameIs(name, w) {
				continue
			}
			back := (int(today.Weekday()) - i + 7) % 7
			if r.ahead {
				return on(7 - back)
			}
			return on(-back)
		}
	}
	return time.Time{}, false
}

// nameIs compares a name with a word: whole, or its first three letters or more.
func nameIs(name, w string) bool {
	n := Normalise(name)
	return n == w || len([]rune(w)) >= 3 && strings.HasPrefix(n, w)
}

// monthDate reads a day, a month's name and perhaps a year, in any order.
func (r reader) monthDate(words []string) (time.Time, bool) {
	day, month, year := 0, 0, 0
	for _, w := range words {
		if w == "of" || w == "de" || w == "the" || w == "le" {
			continue
		}
		n, err := strconv.Atoi(strings.TrimRight(w, "stndrhe"))
		switch {
		case err == nil && n > 31 && year == 0:
			year = fullYear(n, w)
		case err == nil && day == 0:
			day = n
		case err == nil && year == 0:
			year = fullYear(n, w)
		case err != nil && month == 0:
			month = r.month(w)
		default:
			return time.Time{}, false
		}
	}
	if day == 0 || month == 0 {
		return time.Time{}, false
	}
	if year != 0 {
		return r.day(year, month, day)
	}
	return r.nearest(month, day)
}

// nearest is the last such day, today included, and with ahead the next one.
func (r reader) nearest(month, day int) (time.Time, bool) {
	if r.now.IsZero() {
		return time.Time{}, false
	}
	today, step := r.now.In(r.location()), -1
	if r.ahead {
		step = 1
	}
	for n := range 9 { // 29 February comes every eighth year at the least
		if at, ok := r.day(today.Year()+step*n, month, day); ok && at.After(today) == r.ahead {
			return at, true
		}
	}
	return time.Time{}, false
}

// month is the number of a month's name, 0 when it is none.
func (r reader) month(w string) int {
	for _, p := range [...]*Pack{packOr(r.lang), &packEN} {
		for i, name := range p.months {
			if nameIs(name, w) {
				return i + 1
			}
		}
	}
	return 0
}
