package desk

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"dispatcher/storage"
)

func TestGuard_KnownValuesHoweverWritten(t *testing.T) {
	t.Parallel()
	known := []string{"AB123456", "Müller Straße 7", "+44 20 7946 0958"}
	for text, want := range map[string]bool{
		"your order AB123456 is late":         true,
		"order ab-12 34 56":                   true,
		"ＡＢ１２３４５６":                            true,
		"we write to müller strasse 7":        true,
		"call 442079460958":                   true,
		"your order is late":                  false,
		"AB123457":                            false,
		"we are at number 7 of the High Road": false,
	} {
		if got := holdsKnown(text, known); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if holdsKnown("a no b", []string{"no", "", "7"}) {
		t.Error("a value of two letters blocks every sentence")
	}
}

func TestGuard_Numbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]bool{ // card, phone
		"card 4242 4242 4242 4242":     {true, false},
		"card 4242-4242-4242-4243":     {false, false},
		"call +49 (30) 901820":         {false, true},
		"call 020 7946 0958":           {false, true},
		"it costs 12.50, back in 2027": {false, false},
	} {
		if got := [2]bool{holdsCard(text), holdsPhone(text)}; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if !matches("write to mia@example.org please", `[\w.+-]+@[\w-]+\.[\w.-]+`) {
		t.Error("an e-mail address was not seen")
	}
	called := []string{"Order number"}
	if !asks("What is your order-number?", called) || asks("We have your order number.", called) {
		t.Error("asking and telling are mixed up")
	}
}

func TestEstimate_RuleOfSmallHistory(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ahead, slots, free int
		want               time.Duration
		ok                 bool
	}{
		"nobody there":   {0, 0, 0, 0, false},
		"somebody free":  {0, 6, 1, time.Minute, true},
		"nobody free":    {0, 4, 0, time.Minute + 150*time.Second, true},
		"six in a row":   {6, 2, 1, time.Minute + 30*time.Minute, true},
		"all of it free": {5, 6, 6, time.Minute, true},
	} {
		got, ok := estimate(tc.ahead, tc.slots, tc.free, 8*time.Minute, time.Minute)
		if got != tc.want || ok != tc.ok {
			t.Errorf("%s: %v %v, want %v %v", name, got, ok, tc.want, tc.ok)
		}
	}
	for d, want := range map[time.Duration]int{time.Second: 2, 2 * time.Minute: 2, 2*time.Minute + 1: 3, 16 * time.Minute: 20, 119 * time.Minute: 120, 121 * time.Minute: 0} {
		if got, ok := roundQuote(d); got != want || ok != (want != 0) {
			t.Errorf("%v is told as %d", d, got)
		}
	}
}

// A quote is never shorter than the estimate and never shrinks when more wait.
func TestEstimate_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ahead, slots := rapid.IntRange(0, 50).Draw(t, "ahead"), rapid.IntRange(1, 40).Draw(t, "slots")
		free := rapid.IntRange(0, slots).Draw(t, "free")
		a, _ := estimate(ahead, slots, free, 8*time.Minute, time.Minute)
		b, _ := estimate(ahead+1, slots, free, 8*time.Minute, time.Minute)
		if b < a {
			t.Fatalf("%d ahead: %v, %d ahead: %v", ahead, a, ahead+1, b)
		}
		if n, ok := roundQuote(a); ok && time.Duration(n)*time.Minute < a {
			t.Fatalf("%v told as %d minutes", a, n)
		}
	})
}

func TestKey_OrderOfAQueue(t *testing.T) {
	t.Parallel()
	row := func(id int64, priority int16, due, since int64) storage.Summary {
		return storage.Summary{Conv: storage.Conversation{ID: id, Priority: priority, FirstReplyDue: due}, Handoff: &storage.Handoff{Priority: priority, CreatedAt: since}}
	}
	const now, target = 1_000_000, 60_000
	before := func(name string, a, b storage.Summary) {
		t.Helper()
		if keyOf(a, now, target).compare(keyOf(b, now, target)) >= 0 {
			t.Errorf("%s: the wrong one comes first", name)
		}
	}
	before("urgent before low", row(2, 3, now+9, 5), row(1, 0, now+1, 1))
	before("earlier due first", row(2, 1, now+1, 5), row(1, 1, now+2, 1))
	before("longer waiting first", row(2, 1, now+1, 1), row(1, 1, now+1, 2))
	before("id last", row(1, 1, now+1, 1), row(2, 1, now+1, 1))
	before("a breach raises one step", row(2, 1, now-1, 5), row(1, 1, now+1, 1))
	before("low cannot starve", row(2, 0, now-3*target, 5), row(1, 3, now+1, 1))
	if k := keyOf(row(1, 2, 1, 1), now, target); k.priority != 3 {
		t.Errorf("priority %d: above urgent there is nothing", k.priority)
	}
}
