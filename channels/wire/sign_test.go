package wire_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dispatcher/channels/wire"
)

// The examples of channels.md 3.6 and 6, to the letter.
func TestWorkedExamples(t *testing.T) {
	t.Parallel()
	if got := wire.OptionPayload([]byte("example-option-secret"), "conv-1", 100, 0); got != "o1.2s.0.4J1KFSGb" {
		t.Errorf("option payload %s", got)
	}
	if got := wire.OptionPayload([]byte("example-option-secret"), "conv-1", 100, 1); got != "o1.2s.1.8TAH1Q_P" {
		t.Errorf("option payload %s", got)
	}
	secret := []byte("example-entry-secret")
	end := time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)
	for channel, want := range map[string]string{"telegram": "e1101z0returnswpp6eZLcTEmHmk1g", "messenger": "e1101z0returns21jgpi36oO37GD7s"} {
		if got := wire.MakeEntry(secret, channel, wire.EntryToken{Key: 1, Ref: "returns", End: end}); got != want {
			t.Errorf("%s: %s, want %s", channel, got, want)
		}
	}
	if got := wire.MakeEntry(secret, "web", wire.EntryToken{Key: 1, Ref: "returns"}); got != "e110000returnsjZT3UD2LCGI-wylR" {
		t.Errorf("web: %s", got)
	}
	if got := wire.TextTag(secret, "x", "returns"); got != "[returns-i54a]" {
		t.Errorf("tag %s", got)
	}
	if got := wire.TextTag(secret, "whatsapp", "returns"); got != "[returns-jtgm]" {
		t.Errorf("tag %s", got)
	}
}

func TestReadEntry(t *testing.T) {
	t.Parallel()
	secret := []byte("example-entry-secret")
	const token = "e1101z0returnswpp6eZLcTEmHmk1g"
	before, on, after := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		channel, token string
		now            time.Time
		ref            string
		signed         bool
	}{
		"good":          {"telegram", token, before, "returns", true},
		"last day":      {"telegram", token, on, "returns", true},
		"expired":       {"telegram", token, after, "returns", false},
		"other channel": {"web", token, before, "returns", false},
		"forged":        {"telegram", token[:len(token)-1] + "h", before, "returns", false},
		"other ref":     {"telegram", strings.Replace(token, "returns", "refunds", 1), before, "refunds", false},
		"plain":         {"telegram", "summer-sale", before, "summer-sale", false},
		"empty":         {"telegram", "", before, "", false},
	} {
		ref, signed := wire.ReadEntry(secret, c.channel, c.token, c.now)
		if ref != c.ref || signed != c.signed {
			t.Errorf("%s: %q %v", name, ref, signed)
		}
	}
	if _, signed := wire.ReadEntry(nil, "telegram", token, before); signed {
		t.Error("signed without a secret")
	}
}

func TestCutTag(t *testing.T) {
	t.Parallel()
	secret := []byte("example-entry-secret")
	for in, want := range map[string][2]string{
		"I want to return something [returns-i54a]":   {"I want to return something", "returns"},
		"I want to return something (returns-i54a)  ": {"I want to return something", "returns"},
		"I want to return something [returns-i54b]":   {"I want to return something [returns-i54b]", ""},
		"[returns-i54a] and more":                     {"[returns-i54a] and more", ""},
	} {
		if rest, ref := wire.CutTag(secret, "x", in); rest != want[0] || ref != want[1] {
			t.Errorf("%q: %q %q", in, rest, ref)
		}
	}
}

func TestOptionPayloadRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := []byte(rapid.StringN(1, 40, 40).Draw(t, "secret"))
		conv := rapid.String().Draw(t, "conv")
		seq, index := rapid.Int64Range(0, 1<<50).Draw(t, "seq"), rapid.IntRange(0, 999).Draw(t, "index")
		p := wire.OptionPayload(secret, conv, seq, index)
		if len(p) > 40 || !wire.IsPayload(p) {
			t.Fatalf("shape of %q", p)
		}
		gotSeq, gotIndex, ok := wire.CheckOption(secret, conv, p)
		if !ok || gotSeq != seq || gotIndex != index {
			t.Fatalf("%q: %d %d %v", p, gotSeq, gotIndex, ok)
		}
		if _, _, ok := wire.CheckOption(secret, conv+"x", p); ok {
			t.Fatal("good in another conversation")
		}
		if _, _, ok := wire.CheckOption(append(secret, 'x'), conv, p); ok {
			t.Fatal("good under another secret")
		}
	})
}

func TestIDs(t *testing.T) {
	t.Parallel()
	if id := strings.Repeat("x", 512); wire.ShortID(id) != id {
		t.Error("512 bytes are kept")
	}
	if id := wire.ShortID(strings.Repeat("x", 513)); !strings.HasPrefix(id, "h:") || len(id) != 66 {
		t.Errorf("%q", id)
	}
	if wire.AnyMAC(nil, "m", wire.MAC(nil, "m")) || wire.AnyMAC([][]byte{{}}, "m", wire.MAC([]byte{}, "m")) {
		t.Error("an empty secret verifies")
	}
}
