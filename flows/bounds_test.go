package flows

import (
	"strings"
	"testing"
	"time"
)

// TestDifferenceOfTwoTexts: what stays is shown at most three lines around a
// change, changes with six lines between them stand in one hunk, with seven in
// two, and the longest common part stays.
func TestDifferenceOfTwoTexts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, new, want string }{
		{"a", "a", ""}, {"", "a b", "@@ -0,0 +1,2 @@ +a +b"}, {"a b", "", "@@ -1,2 +0,0 @@ -a -b"},
		{"a b c", "a x c", "@@ -1,3 +1,3 @@  a -b +x  c"},
		{"a b c d", "b d", "@@ -1,4 +1,2 @@ -a  b -c  d"},
		{"a c b", "x c y b z", "@@ -1,3 +1,5 @@ -a +x  c +y  b +z"},
		{"x a b c y", "p b a c q", "@@ -1,5 +1,5 @@ -x -a +p  b +a  c -y +q"},
		{"1 2 3 4 5 a 6 7 8 9", "1 2 3 4 5 b 6 7 8 9", "@@ -3,7 +3,7 @@  3  4  5 -a +b  6  7  8"},
		{"a 1 2 3 4 5 6 b", "x 1 2 3 4 5 6 y", "@@ -1,8 +1,8 @@ -a +x  1  2  3  4  5  6 -b +y"},
		{"a 1 2 3 4 5 6 7 b", "x 1 2 3 4 5 6 7 y", "@@ -1,4 +1,4 @@ -a +x  1  2  3 @@ -6,4 +6,4 @@  5  6  7 -b +y"},
		{"1 2 3 4 5 6 7", "1 2 3 4 x 5 6 7", "@@ -2,6 +2,7 @@  2  3  4 +x  5  6  7"},
	} {
		var b strings.Builder
		unified(&b, "f", strings.Fields(c.old), strings.Fields(c.new))
		got := strings.TrimSpace(strings.ReplaceAll(strings.TrimPrefix(b.String(), "--- a/f\n+++ b/f\n"), "\n", " "))
		if got != strings.TrimSpace(c.want) {
			t.Errorf("%s → %s:\n%s\nwant\n%s", c.old, c.new, got, c.want)
		}
	}
}

// TestBoundsOfWhatIsWritten: durations, names, addresses and accounts end where
// they are said to.
func TestBoundsOfWhatIsWritten(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]time.Duration{"1s": time.Second, "0s": -1, "400d": 400 * 24 * time.Hour, "401d": -1, "400d1s": -1, "1h30m": 90 * time.Minute,
		"999ms": 999 * time.Millisecond, "": -1, "1": -1, "s": -1, "9600h": 400 * 24 * time.Hour, "9601h": -1} {
		if d, ok := parseDuration(s); ok != (want >= 0) || ok && d != want {
			t.Errorf("%q is %v %v", s, d, ok)
		}
	}
	for s, want := range map[string]string{"azAZ": "write azaz", "`a{": "write a", "0a9/:": "write a9", "a--b": "write a_b", "9": "start with a letter; at most 40 characters",
		strings.Repeat("b", 41): "write " + strings.Repeat("b", 40)} {
		if got := usableName(s); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
	for s, want := range map[string]bool{"http://localhost": true, "http://127.0.0.1:80": true, "http://[::1]/": true, "http://10.0.0.1": false, "http://example.com": false, "http://": false, "/x": false, "http://%": false, "": false} {
		if thisMachine(s) != want {
			t.Errorf("%q is this machine: %v", s, !want)
		}
	}
	for s, want := range map[string]string{"https://a:b@c/d": "a:b", "https://c/d@e": "", "https://?a@b": "", "https://a@b@c#d@e": "a@b", "a@b": "", "https:///a@b": ""} {
		if got := userinfo(s); got != want {
			t.Errorf("%q: account %q, want %q", s, got, want)
		}
	}
	x := &extraction{data: []byte("ab\ncd\n\nef")}
	for at, want := range map[int]int{0: 2, 1: 2, 2: 2, 3: 2, 4: 5, 5: 5, 6: 5, 7: 6, 8: 9, 9: 9} {
		if got := x.endOfLine(at); got != want {
			t.Errorf("the line of byte %d ends at %d, want %d", at, got, want)
		}
	}
}
