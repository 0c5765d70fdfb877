package engine

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestNumbersAreRead: a lone sign before exactly three digits groups
// thousands, and nothing half understood becomes a number (language.md 2.2).
func TestNumbersAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{
		"0": 0, "1234": 1234, "1,234.5": 1234.5, "1 234,5": 1234.5, "1.234,5": 1234.5, "1'234.50": 1234.5,
		"1,234": 1234, "1.234": 1234, "12.34": 12.34, "12,345": 12345, "0,5": 0.5, "1,234,567": 1234567,
		"1.234.567": 1234567, "-3": -3, "−3,5": -3.5, "+7": 7, "٣٤": 34, "12345.6": 12345.6, "1.2345": 1.2345,
		"999,999.99": 999999.99, strings.Repeat("1", 40): 1111111111111111111111111111111111111111,
	} {
		if got, ok := readNumber(text); !ok || got != want {
			t.Errorf("%q is %v %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "-", "x", "1x", "1,23,456", "1234,567,890", "12,34.5", "1234,567.8", "1.2.3", "1e5", "3.x", "--3", strings.Repeat("1", 41)} {
		if got, ok := readNumber(text); ok {
			t.Errorf("%q is taken as %v", text, got)
		}
	}
}

// TestDatesAreRead: every form of language.md 2.2, in the project's order.
func TestDatesAreRead(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC) // a Friday
	r := reader{lang: "fr", order: "dmy", now: now, loc: time.UTC}
	mdy, ymd := r, r
	mdy.order, ymd.order = "mdy", "ymd"
	cases := []struct {
		r          reader
		text, want string
	}{
		{r, "2026-11-20", "2026-11-20"}, {mdy, "2026-11-20", "2026-11-20"}, {ymd, "2026/1/5", "2026-01-05"},
		{r, "20/11/2026", "2026-11-20"}, {r, "20.11.26", "2026-11-20"}, {r, "3/4/2026", "2026-04-03"},
		{mdy, "03/04/2026", "2026-03-04"}, {ymd, "26/04/03", "2026-04-03"}, {r, "٢٠/١١/٢٠٢٦", "2026-11-20"},
		{r, "2026-11-20T09:30:00Z", "2026-11-20"}, {r, "1/1/1000", "1000-01-01"},
		{r, "today", "2026-11-20"}, {r, "Yesterday", "2026-11-19"}, {r, "tomorrow", "2026-11-21"},
		{r, "hier", "2026-11-19"}, {r, "demain", "2026-11-21"},
		{r, "friday", "2026-11-20"}, {r, "sat", "2026-11-14"}, {r, "jeudi", "2026-11-19"},
		{r, "20 Nov", "2026-11-20"}, {r, "21 Nov", "2025-11-21"}, {r, "November 20th, 2025", "2025-11-20"},
		{r, "the 3rd of May 2024", "2024-05-03"}, {r, "1st may 24", "2024-05-01"}, {r, "2024 may 2nd", "2024-05-02"},
		{r, "31 dec 31", "2031-12-31"}, {r, "32 dec 31", "2032-12-31"}, {r, "dec 31 99", "2099-12-31"},
		{r, "20 novembre 2026", "2026-11-20"}, {r, "29 feb", "2024-02-29"}, {r, "le 2 août", "2026-08-02"},
	}
	for _, c := range cases {
		at, ok := c.r.date(c.text)
		if !ok || at.Format(time.DateOnly) != c.want {
			t.Errorf("%q in order %s is %s %v, want %s", c.text, c.r.order, at.Format(time.DateOnly), ok, c.want)
		}
	}
	for _, text := range []string{"", "31/02/2026", "20/11", "20/11/20261", "1/2/3/4", "x/1/2026", "13-13-2026", "999-1-1", "1/1/999",
		"soon", "fr", "20", "nov", "20 20 20 nov", "20 nov dec", "20 quux 2026", "31 feb", "20 ou 2026", "0 nov 2026"} {
		if at, ok := r.date(text); ok {
			t.Errorf("%q is taken as %s", text, at.Format(time.DateOnly))
		}
	}
	timeless := reader{lang: "en", order: "dmy"}
	for text, want := range map[string]bool{"today": false, "friday": false, "20 Nov": false, "20 Nov 2026": true} {
		if at, ok := timeless.date(text); ok != want {
			t.Errorf("without a clock %q is %v %v", text, at, ok)
		}
	}
}

// TestListsAreRead: commas, semicolons, new lines and the word for "and", up
// to a hundred items.
func TestListsAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"apples, pears and plums": {"apples", "pears", "plums"}, "one;two\nthree": {"one", "two", "three"},
		"big box AND a lid": {"big box", "a lid"}, " , x ,, ": {"x"}, "and x": {"x"}, "brandy": {"brandy"},
	} {
		if got, ok := readList(text, "en"); !ok || !slices.Equal(got, want) {
			t.Errorf("%q is %q %v", text, got, ok)
		}
	}
	if got, _ := readList("pommes et poires", "fr"); len(got) != 2 {
		t.Errorf("et does not divide in French: %q", got)
	}
	for _, text := range []string{"", " , ; ", "and"} {
		if got, ok := readList(text, "en"); ok {
			t.Errorf("%q is taken as %q", text, got)
		}
	}
	hundred := strings.TrimSuffix(strings.Repeat("x,", maxItems), ",")
	if got, ok := readList(hundred, "en"); !ok || len(got) != maxItems {
		t.Errorf("a hundred items are %d, %v", len(got), ok)
	}
	if _, ok := readList(hundred+",x", "en"); ok {
		t.Error("a hundred and one items are taken")
	}
}

// TestYesAndNoAreRead: the words of the language and of English, and thumbs
// whatever skin they have.
func TestYesAndNoAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"yes": true, "Yep!": true, "hi, yes please": true, "oui": true, "👍": true, "👍🏽": true, " 👍️ ": true, "👍!": true,
		"no": false, "nope": false, "non merci": false, "👎": false, "👎🏿": false, "👎.": false,
	} {
		if got, ok := readYesNo(text, "fr"); !ok || got != want {
			t.Errorf("%q is %v %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "maybe", "yes no", "👍👎", "oui et non"} {
		if got, ok := readYesNo(text, "fr"); ok {
			t.Errorf("%q is taken as %v", text, got)
		}
	}
}

// TestChoicesAreRead: by id or label, whole or inside a sentence, then by
// likeness; two that fit as well are none.
func TestChoicesAreRead(t *testing.T) {
	t.Parallel()
	sl := &Slot{Name: "way", Type: SlotChoice, Values: []SlotValueName{
		{ID: "std", Label: tx("Standard delivery")}, {ID: "next_day", Label: tx("Express 🚀").fr("Rapide 🚀")}, {ID: "pick_up", Label: tx("Collect 🏪")},
	}}
	for text, want := range map[string]string{
		"std": "std", "STANDARD DELIVERY": "std", "next day": "next_day", "next_day": "next_day", "express please": "next_day", "rapide": "next_day",
		"🚀": "next_day", "🏪!": "pick_up", "i will collect it": "pick_up", "standrad delivery": "std", "expres": "next_day",
	} {
		if got, ok := readChoice(sl, text, 0.82); !ok || got != want {
			t.Errorf("%q is %q %v, want %s", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "express or collect", "something", "expr"} {
		if got, ok := readChoice(sl, text, 0.82); ok {
			t.Errorf("%q is taken as %s", text, got)
		}
	}
	if got, ok := readChoice(sl, "expres", 0.9); ok {
		t.Errorf("what is like a label by less than is asked is taken as %s", got)
	}
	if got, ok := readChoice(sl, "expres", 0); ok {
		t.Errorf("with likeness off, a misspelt label is taken as %s", got)
	}
	twins := &Slot{Name: "t", Type: SlotChoice, Values: []SlotValueName{{ID: "a_one", Label: tx("One ✅")}, {ID: "b_two", Label: tx("Two ✅")}}}
	if got, ok := readChoice(twins, "✅", 0.82); ok {
		t.Errorf("an emoji of two labels is taken as %s", got)
	}
}

// TestLengthsOfValues: text up to 2,000 characters unless max says otherwise,
// min and max counted in characters, never more than 10,000.
func TestLengthsOfValues(t *testing.T) {
	t.Parallel()
	n := func(f float64) *float64 { return &f }
	cases := []struct {
		slot Slot
		text string
		ok   bool
	}{
		{Slot{Type: SlotText}, strings.Repeat("é", 2000), true},
		{Slot{Type: SlotText}, strings.Repeat("é", 2001), false},
		{Slot{Type: SlotText, Max: n(3000)}, strings.Repeat("é", 3000), true},
		{Slot{Type: SlotText, Max: n(3000)}, strings.Repeat("é", 3001), false},
		{Slot{Type: SlotText, Max: n(20000)}, strings.Repeat("x", 10000), true},
		{Slot{Type: SlotText, Max: n(20000)}, strings.Repeat("😀", 10000), true},
		{Slot{Type: SlotText, Max: n(20000)}, strings.Repeat("x", 10001), false},
		{Slot{Type: SlotText, Max: n(20000), Clean: []string{"remove:x"}}, strings.Repeat("x", 39999) + "a", true},
		{Slot{Type: SlotText, Max: n(20000), Clean: []string{"remove:x"}}, strings.Repeat("x", 40000) + "a", false},
		{Slot{Type: SlotText, Min: n(3)}, "éé", false},
		{Slot{Type: SlotText, Min: n(3)}, "ééé", true},
		{Slot{Type: SlotNumber, Min: n(3), Max: n(5)}, "3", true},
		{Slot{Type: SlotNumber, Min: n(3), Max: n(5)}, "5", true},
		{Slot{Type: SlotNumber, Min: n(3), Max: n(5)}, "2.9", false},
		{Slot{Type: SlotNumber, Min: n(3), Max: n(5)}, "5.1", false},
		{Slot{Type: SlotList, Min: n(2), Max: n(3)}, "a", false},
		{Slot{Type: SlotList, Min: n(2), Max: n(3)}, "a, b", true},
		{Slot{Type: SlotList, Min: n(2), Max: n(3)}, "a, b, c, d", false},
		{Slot{Type: SlotText}, " \u00a0 ", false},
		{Slot{Type: SlotText, Clean: []string{"digits"}}, "none", false},
		{Slot{Type: SlotMedia}, "photo", false},
		{Slot{Type: SlotText, Pattern: "("}, "x", false},
	}
	for i, c := range cases {
		if _, ok := ReadValue(&c.slot, "en", "dmy", c.text); ok != c.ok {
			t.Errorf("%d: %.20q of type %s is taken: %v", i, c.text, c.slot.Type, ok)
		}
	}
}

// TestCleaning: each step by itself, in the order written.
func TestCleaning(t *testing.T) {
	t.Parallel()
	cases := []struct {
		steps      []string
		text, want string
	}{
		{[]string{"trim"}, " a b ", "a b"}, {[]string{"upper"}, "ab-é", "AB-É"}, {[]string{"lower"}, "AB", "ab"},
		{[]string{"remove_spaces"}, "a\u00a0b c", "abc"}, {[]string{"digits"}, "a1 ٢-3", "123"},
		{[]string{"letters_digits"}, "é-1 b!", "é1b"}, {[]string{"remove:-/"}, "1-2/3 4", "123 4"},
		{[]string{"lower", "remove:a"}, "ABA", "b"}, {[]string{"remove:a", "lower"}, "ABA", "aba"}, {[]string{"unknown"}, "x", "x"},
	}
	for _, c := range cases {
		if got, swap := clean(&Slot{Clean: c.steps}, c.text); got != c.want || swap {
			t.Errorf("%v of %q is %q %v, want %q", c.steps, c.text, got, swap, c.want)
		}
	}
	if _, swap := clean(&Slot{Clean: []string{"look_alikes", "trim"}}, "x"); !swap {
		t.Error("look_alikes is not noticed")
	}
}

// TestLookAlikes: fewest changes first, leftmost first, at most sixteen tried.
func TestLookAlikes(t *testing.T) {
	t.Parallel()
	cases := []struct {
		pattern, text, want string
	}{
		{`\d{4}`, "1O2S", "1025"}, {`\d{4}`, "oIlB", "0118"}, {`\d{4}`, "isbL", "1581"}, {`[A-Z]{4}`, "0158", "OISB"},
		{`[A-Z]{2}\d{2}`, "5B8O", "SB80"}, {`X`, "O0", ""}, {`\d`, "Q", ""},
		// Every one of the sixteen variants of four places is tried, but not of five.
		{`0000`, "OOOO", "0000"}, {`0{5}`, "OOOOO", ""}, {`[^O]O{15}`, strings.Repeat("O", 16), "0" + strings.Repeat("O", 15)},
		{`O{15}0`, strings.Repeat("O", 16), strings.Repeat("O", 15) + "0"}, {`O{16}0`, strings.Repeat("O", 17), ""},
	}
	for _, c := range cases {
		got, ok := lookAlikes(c.text, regexp.MustCompile(anchored(c.pattern)))
		if ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%q as %s is %q %v, want %q", c.text, c.pattern, got, ok, c.want)
		}
	}
}

// TestChecksums: right numbers, one digit off, and what is too short to mean
// anything (language.md 3.2).
func TestChecksums(t *testing.T) {
	t.Parallel()
	cases := []struct {
		valid   func(string) bool
		name    string
		yes, no []string
	}{
		{luhn, "luhn", []string{"4539 1488 0343 6467", "79927398713", "00", "18", "59", "34-56-29"}, []string{"4539 1488 0343 6466", "0", "", "81", "x", "19"}},
		{mod11, "mod11", []string{"0-306-40615-2", "097522980X", "080442957x", "00", "6X"}, []string{"0-306-40615-3", "0975229800", "X", "x", "0", "", "12", "X1"}},
		{mod97, "mod97", []string{"GB82 WEST 1234 5698 7654 32", "gb82west12345698765432", "DE89370400440532013000", "3214282912345698765432161182", "098", "195"},
			[]string{"GB82WEST12345698765433", "", "1", "01", "98", "GB82", "A182WEST12345698765432"}},
	}
	for _, c := range cases {
		for _, s := range c.yes {
			if !c.valid(s) {
				t.Errorf("%s refuses %q", c.name, s)
			}
		}
		for _, s := range c.no {
			if c.valid(s) {
				t.Errorf("%s takes %q", c.name, s)
			}
		}
	}
}

// TestNormaliseCharacters: what vanishes, what becomes a space and what is a
// word of its own (language.md 2.6).
func TestNormaliseCharacters(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Où": "ou", "don't": "dont", "don’t": "dont", "donʼt": "dont", "2️⃣": "2", "👍🏻": "👍", "👍🏿": "👍", "a\uFE00b": "ab", "a\uFE0Fb": "ab",
		"a\U000E0100b": "ab", "a\U000E01EFb": "ab", "a\u200Bb\u200Dc\u2060d\uFEFFe\u00ADf": "abcdef", "a-b_c": "a b c", "  a \t\n b ": "a b",
		"hi👋there": "hi 👋 there", "👋👋": "👋 👋", "ＡＢ１": "ab1", "©": "©", "STRASSE": "strasse", "Straße": "strasse",
		"й": "и", "ά": "α", "कि": "कि", "": "", "?!": "", "Zażółć": "zazołc", strings.Repeat("Ab ", 100): strings.TrimSpace(strings.Repeat("ab ", 100)),
		strings.Repeat("A", 128): strings.Repeat("a", 128), strings.Repeat("A", 129): strings.Repeat("a", 129),
	} {
		got := Normalise(text)
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
		if again := Normalise(got); again != got {
			t.Errorf("%q normalised twice is %q", text, again)
		}
	}
	for text, want := range map[string]string{"٠٩": "09", "۰۹": "09", "०९": "09", "０９": "09", "x7": "x7", "é5": "é5", "½": "½"} {
		if got := asciiDigits(text); got != want {
			t.Errorf("%q has the digits %q, want %q", text, got, want)
		}
	}
	for _, c := range []struct {
		text, phrase string
		want         bool
	}{{"my real person", "real person", true}, {"surreal person", "real person", false}, {"real persons", "real person", false}, {"a aa a", "aa", true},
		{"aaa aa", "aa", true}, {"x", "", false}, {"", "x", false}, {"stop", "stop", true}} {
		if PhraseIn(c.text, c.phrase) != c.want {
			t.Errorf("%q in %q: want %v", c.phrase, c.text, c.want)
		}
	}
	for n, want := range map[int]string{0: "", 1: "é", 2: "éa", 3: "éa😀", 4: "éa😀", 9: "éa😀"} {
		if got := cutRunes("éa😀", n); got != want {
			t.Errorf("the first %d characters are %q", n, got)
		}
	}
}

// TestEmojiOfLabels: an emoji that one option alone has is its label in every
// language; one that two options share is nobody's (language.md 2.6).
func TestEmojiOfLabels(t *testing.T) {
	t.Parallel()
	set := linkedSet(t, []*Flow{flow("a", states{"start": {Ask: tx("Which?"), Options: []*Option{
		{ID: "fly", Label: tx("Fly ✈️").fr("Voler 🛫"), Exit: closes("fly")},
		{ID: "sail", Label: tx("Sail 🚢 ✅").fr("Naviguer 🚢 ✅"), Exit: closes("sail")},
		{ID: "walk", Label: tx("Walk 🚢 ✅").fr("Marcher 🥾"), Exit: closes("walk")},
	}}})})
	for text, reason := range map[string]string{"✈️": "fly", "🛫": "fly", "voler": "fly", "🥾": "walk", "sail": "sail", "naviguer": "sail"} {
		talk(t, set).user("hi").user(text).says("resolve " + reason)
	}
	for _, text := range []string{"🚢 ✅", "🚢", "🛳"} {
		talk(t, set).user("hi").user(text).at("a.start")
	}
}
