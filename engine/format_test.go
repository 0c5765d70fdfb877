package engine

import (
	"testing"
	"time"
)

func TestValuesInWords(t *testing.T) {
	t.Parallel()
	set := newSetOf(flow("a", states{}), slot(&Slot{Name: "s", Type: SlotText}))
	first := time.Date(2026, 11, 1, 9, 5, 0, 0, time.UTC)
	for _, tc := range []struct {
		value any
		want  [4]string // en de fr es
	}{
		{true, [4]string{"yes", "ja", "oui", "sí"}}, {false, [4]string{"no", "nein", "non", "no"}}, {nil, [4]string{}}, {struct{}{}, [4]string{}},
		{1.50, [4]string{"1.5", "1.5", "1.5", "1.5"}}, {1e6, [4]string{"1000000", "1000000", "1000000", "1000000"}}, {7, [4]string{"7", "7", "7", "7"}},
		{[]string{"a"}, [4]string{"a", "a", "a", "a"}}, {[]string{"a", "b", "c"}, [4]string{"a, b and c", "a, b und c", "a, b et c", "a, b y c"}}, {[]any{1.0, "x"}, [4]string{"1 and x", "1 und x", "1 et x", "1 y x"}},
		{first, [4]string{"1 November 2026", "1. November 2026", "1er novembre 2026", "1 de noviembre de 2026"}},
	} {
		for i, lang := range [...]string{"en", "de", "fr", "es"} {
			if got := FormatValue(set, lang, tc.value); got != tc.want[i] {
				t.Errorf("%v in %s: %q, want %q", tc.value, lang, got, tc.want[i])
			}
		}
	}
}

func TestDaysInWords(t *testing.T) {
	t.Parallel()
	for days, want := range map[int][4]string{
		0:  {"today at 08:00", "heute um 08:00", "aujourd'hui à 08:00", "hoy a las 08:00"},
		1:  {"tomorrow at 08:00", "morgen um 08:00", "demain à 08:00", "mañana a las 08:00"},
		-1: {"yesterday at 08:00", "gestern um 08:00", "hier à 08:00", "ayer a las 08:00"},
		3:  {"Monday at 08:00", "Montag um 08:00", "lundi à 08:00", "lunes a las 08:00"},
		11: {"Tuesday 1 December at 08:00", "Dienstag, 1. Dezember um 08:00", "mardi 1er décembre à 08:00", "martes 1 de diciembre a las 08:00"},
	} {
		for i, lang := range [...]string{"en", "de", "fr", "es"} {
			tn := &turn{set: &Set{Timezone: time.UTC}, lang: lang, now: friday}
			if got := tn.dayAndTimeText(friday.AddDate(0, 0, days).Add(-2 * time.Hour)); got != want[i] {
				t.Errorf("%d days in %s: %q, want %q", days, lang, got, want[i])
			}
		}
	}
}

func TestMoneyAndPlurals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		n              float64
		currency, lang string
		want           string
	}{
		{40, "GBP", "en", "£40.00"}, {-1234567.891, "USD", "en", "-$1,234,567.89"}, {1234.5, "EUR", "de", "1.234,50\u00a0€"}, {1500, "JPY", "en", "¥1,500"}, {9.99, "CHF", "en", "CHF\u00a09.99"}, {9.99, "CHF", "fr", "9,99\u00a0CHF"},
	} {
		if got := money(tc.n, tc.currency, tc.lang); got != tc.want {
			t.Errorf("%v %s in %s: %q, want %q", tc.n, tc.currency, tc.lang, got, tc.want)
		}
	}
	for _, tc := range []struct {
		lang string
		n    float64
		one  bool
	}{{"en", 1, true}, {"en", -1, true}, {"en", 0, false}, {"en", 1.5, false}, {"fr", 0, true}, {"fr-CA", 1.5, true}, {"fr", 2, false}, {"fr", -2, false}, {"de", 2, false}} {
		if pluralOne(tc.lang, tc.n) != tc.one {
			t.Errorf("%v in %s", tc.n, tc.lang)
		}
	}
}
