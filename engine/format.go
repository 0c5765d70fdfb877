package engine

import (
	"hash/fnv"
	"math"
	"strconv"
	"strings"
	"time"
)

// FormatValue writes a value as a text shows it: numbers without trailing
// zeros, dates as date(), lists joined by commas and the word for "and", yes
// and no in the language; nil is nothing.
func FormatValue(set *Set, lang string, value any) string {
	t := turn{set: set, lang: lang}
	return t.formatValue(value)
}

func (t *turn) formatValue(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		p := packOr(t.lang)
		if v {
			return strings.ToLower(p.Sentences["confirm_yes"])
		}
		return strings.ToLower(p.Sentences["confirm_no"])
	case time.Time:
		return t.dateText(v)
	case []string:
		return joinList(v, packOr(t.lang).and)
	case map[string]any:
		return mediaText(v)
	case []any:
		items := make([]string, len(v))
		for i := range v {
			items[i] = t.formatValue(v[i])
		}
		return joinList(items, packOr(t.lang).and)
	}
	if f, ok := number(value); ok {
		return printed(f)
	}
	return ""
}

// printed writes a number as people do: no trailing zeros, no -0, and not
// the digits beyond the 15th that a sum of fractions leaves (0.1 + 0.2).
func printed(f float64) string {
	if f == 0 {
		return "0"
	}
	if f != math.Trunc(f) {
		f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'g', 15, 64), 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func joinList(items []string, and string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	last := len(items) - 1
	return strings.Join(items[:last], ", ") + " " + and + " " + items[last]
}

// local is a moment in the project's time zone.
func (t *turn) local(at time.Time) time.Time {
	if t.set != nil && t.set.Timezone != nil {
		return at.In(t.set.Timezone)
	}
	return at.UTC()
}

// dateText is 18 November 2026.
func (t *turn) dateText(at time.Time) string {
	l, p := t.local(at), packOr(t.lang)
	d := p.dayNumber(l.Day())
	switch p.Lang {
	case "de":
		return d + ". " + p.months[l.Month()-1] + " " + strconv.Itoa(l.Year())
	case "es":
		return d + " de " + p.months[l.Month()-1] + " de " + strconv.Itoa(l.Year())
	}
	return d + " " + p.months[l.Month()-1] + " " + strconv.Itoa(l.Year())
}

func (p *Pack) dayNumber(d int) string {
	if d == 1 && p.first != "" {
		return p.first
	}
	return strconv.Itoa(d)
}

// dayText is Tuesday 18 November, or today, tomorrow, yesterday.
func (t *turn) dayText(at time.Time) string {
	l, p := t.local(at), packOr(t.lang)
	switch daysBetween(t.local(t.now), l) {
	case 0:
		return p.Words["today"][0]
	case 1:
		return p.Words["tomorrow"][0]
	case -1:
		return p.Words["yesterday"][0]
	}
	day, month := p.days[l.Weekday()], p.months[l.Month()-1]
	switch p.order {
	case "w, d. m":
		return day + ", " + strconv.Itoa(l.Day()) + ". " + month
	case "w d de m":
		return day + " " + strconv.Itoa(l.Day()) + " de " + month
	}
	return day + " " + p.dayNumber(l.Day()) + " " + month
}

// daysBetween counts midnights from a to b, both local.
func daysBetween(a, b time.Time) int {
	x := time.Date(a.Year(), a.Month(), a.Day(), 0, 0, 0, 0, time.UTC)
	y := time.Date(b.Year(), b.Month(), b.Day(), 0, 0, 0, 0, time.UTC)
	return int(y.Sub(x) / (24 * time.Hour))
}

// timeText is 08:00.
func (t *turn) timeText(at time.Time) string { return t.local(at).Format("15:04") }

// dayAndTimeText is Monday at 08:00: the weekday alone within the next six
// days, the full day beyond.
func (t *turn) dayAndTimeText(at time.Time) string {
	l, p := t.local(at), packOr(t.lang)
	day := t.dayText(at)
	if n := daysBetween(t.local(t.now), l); n >= 2 && n <= 6 {
		day = p.days[l.Weekday()]
	}
	return day + " " + p.at + " " + t.timeText(at)
}

// currencies are the signs in use; others are written as their code.
var currencies = map[string]string{"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩", "ILS": "₪", "BRL": "R$", "CAD": "CA$", "AUD": "A$", "NZD": "NZ$", "MXN": "MX$", "CNY": "CN¥", "VND": "₫", "PHP": "₱"}

// noCents are currencies without a smaller unit.
var noCents = map[string]bool{"JPY": true, "KRW": true, "VND": true, "CLP": true, "ISK": true}

// money writes an amount: £40.00, 40,00 €.
func money(n float64, currency, lang string) string {
	p := packOr(lang)
	decimals := 2
	if noCents[currency] {
		decimals = 0
	}
	text := strconv.FormatFloat(n, 'f', decimals, 64)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	whole, cents, _ := strings.Cut(text, ".")
	var b strings.Builder
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(p.thousands)
		}
		b.WriteRune(c)
	}
	if cents != "" {
		b.WriteString(p.decimal + cents)
	}
	symbol, ok := currencies[currency]
	switch {
	case p.currencyAfter && ok:
		return sign + b.String() + "\u00a0" + symbol
	case p.currencyAfter:
		return sign + b.String() + "\u00a0" + currency
	case ok:
		return sign + symbol + b.String()
	}
	return sign + currency + "\u00a0" + b.String()
}

// pluralOne says whether n takes the singular: French counts 0 and 1.5 as one.
func pluralOne(lang string, n float64) bool {
	if baseOf(lang) == "fr" {
		return n > -2 && n < 2
	}
	return n == 1 || n == -1
}

// share maps two texts onto [0, 1), always the same.
func share(a, b string) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(a))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(b))
	// The low bits of FNV are the mixed ones after a final scramble.
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}
