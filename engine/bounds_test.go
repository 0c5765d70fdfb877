package engine

import (
	"strings"
	"testing"
	"time"

	"dispatcher/dm"
)

// TestBoundsOfCharacters: what is taken for a letter of a name, what vanishes
// and what an address may hold ends exactly where it is said to.
func TestBoundsOfCharacters(t *testing.T) {
	t.Parallel()
	for c := range 0x80 {
		want := strings.ContainsRune("_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", rune(c))
		if isWordByte(byte(c)) != want {
			t.Errorf("%q is part of a word: %v", rune(c), !want)
		}
	}
	if !isWordByte(0x80) || !isWordByte(0xFF) {
		t.Error("a byte of a longer character is no part of a word")
	}
	for r, want := range map[rune]bool{0xFDFF: false, 0xFE00: true, 0xFE0F: true, 0xFE10: false, 0x1F3FA: false, 0x1F3FB: true, 0x1F3FF: true, 0x1F400: false,
		0xE00FF: false, 0xE0100: true, 0xE01EF: true, 0xE01F0: false} {
		if deleted(r) != want {
			t.Errorf("%U vanishes: %v", r, !want)
		}
	}
	if got := escapeWritten("\x1f !~\x7f\x80\"a"); got != "%1F%20!~%7F%80%22a" {
		t.Errorf("an address holds %s", got)
	}
	if got := asciiDigits("9:/٠٩a"); got != "9:/09a" {
		t.Errorf("digits are %s", got)
	}
}

// TestBoundsOfExpressions: the longest, deepest and largest expression is taken,
// one more is not (language.md 3.3).
func TestBoundsOfExpressions(t *testing.T) {
	t.Parallel()
	text := func(n int) string { return `"` + strings.Repeat("é", n-2) + `"` }
	deep := func(n int) string { return strings.Repeat("(", n) + "1" + strings.Repeat(")", n) }
	many := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat("1,", n-1), ",") + "]" }
	for src, want := range map[string]bool{
		text(MaxExprRunes): true, text(MaxExprRunes + 1): false, deep(MaxExprNesting): true, deep(MaxExprNesting + 1): false,
		many(MaxExprNodes): true, many(MaxExprNodes + 1): false,
	} {
		if _, err := CompileExpr(src, "here"); (err == nil) != want {
			t.Errorf("%.30s… of %d bytes: %v", src, len(src), err)
		}
	}
}

// TestBoundsOfNumbersThatCheckThemselves: letters and digits at the ends of
// their ranges count, a lone digit proves nothing.
func TestBoundsOfNumbersThatCheckThemselves(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{"0": false, "00": true, "18": true, "59": true, "91": true, "67": true, "19": false} {
		if luhn(s) != want {
			t.Errorf("luhn of %s: %v", s, !want)
		}
	}
	for s, want := range map[string]bool{"AZ90": false, "00": false, "001": true, "098": true, "099": false, "GB82WEST12345698765432": true, "gb82west12345698765432": true, "az21nabz00000000137010001944": true} {
		if mod97(s) != want {
			t.Errorf("mod97 of %s: %v", s, !want)
		}
	}
	for s, want := range map[string]bool{"123": false, "1234": true, "12345678": true, "123456789012": true, "1234567890123": false, "12 4": false, "1é34": true} {
		if isCode(s) != want {
			t.Errorf("%s is a code: %v", s, !want)
		}
	}
}

// TestBoundsOfTheLoopCeiling: ten messages in a minute and thirty in an hour
// are said, one more is not; one line of farewell at a handoff always is.
func TestBoundsOfTheLoopCeiling(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		before, age, now int
		queue, floods    bool
	}{
		{maxPerMin - 1, 0, 1, false, false}, {maxPerMin, 0, 1, false, true}, {maxPerMin, 59, 1, false, true}, {maxPerMin, 60, 1, false, false},
		{maxPerHour - 1, 61, 1, false, false}, {maxPerHour, 61, 1, false, true}, {maxPerHour, 3599, 1, false, true}, {maxPerHour, 3600, 1, false, false},
		{0, 0, maxPerMin, false, false}, {0, 0, maxPerMin + 1, false, true}, {maxPerHour, 1, 0, false, false},
		{maxPerHour, 1, 1, true, false}, {maxPerHour, 1, 2, true, true},
	} {
		tn := &turn{now: friday}
		tn.st.Owner = dm.OwnerBot
		before := State{Owner: dm.OwnerBot}
		if c.queue {
			tn.st.Owner = dm.OwnerQueue
		}
		for range c.before {
			before.Sent = append(before.Sent, friday.Add(-time.Duration(c.age)*time.Second).Unix())
		}
		for range c.now {
			tn.out = append(tn.out, Say{Text: "x"})
		}
		tn.out = append(tn.out, Say{Text: "seen by all", Public: true}, Resolve{})
		if tn.floods(before) != c.floods {
			t.Errorf("%+v: %v", c, !c.floods)
		}
		if before.Owner = dm.OwnerQueue; c.queue && !tn.floods(before) {
			t.Errorf("%+v: a queue that was there before says more", c)
		}
	}
}

// TestWhatIsDroppedFromALongState: the path, then attempts, then a correction
// that waits for nothing, then all but its next step.
func TestWhatIsDroppedFromALongState(t *testing.T) {
	t.Parallel()
	st := &State{Path: make([]PathStep, 4), Attempts: make([]Attempt, 2), Replay: &Replay{Question: &Question{}, Steps: make([]PathStep, 2)}}
	if !shorten(st, 1, 4) || len(st.Path) != 2 || st.Dropped != 2 || len(st.Attempts) != 2 {
		t.Errorf("%+v", st)
	}
	if !shorten(st, 4, 4) || len(st.Path) != 0 || st.Dropped != 4 {
		t.Errorf("%+v", st)
	}
	if !shorten(st, 1, 4) || st.Attempts != nil || len(st.Replay.Steps) != 2 {
		t.Errorf("%+v", st)
	}
	asked := &State{Question: &Question{}, Replay: st.Replay}
	if !shorten(st, 1, 4) || st.Replay == nil || len(st.Replay.Steps) != 1 || shorten(st, 1, 4) {
		t.Errorf("%+v", st)
	}
	if len(asked.Replay.Steps) != 2 || !shorten(asked, 1, 4) || asked.Replay != nil || shorten(asked, 1, 4) {
		t.Errorf("%+v", asked)
	}
	idle := &State{Replay: &Replay{Steps: make([]PathStep, 2)}}
	if !shorten(idle, 1, 4) || idle.Replay != nil {
		t.Errorf("%+v", idle)
	}
}
