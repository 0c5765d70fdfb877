package hostile

import (
	"math/rand/v2"
	"strings"
)

// most is what a channel keeps of a message, in characters.
const most = 10_000

var grains = []string{
	"a", "aa ", "ab", "AB12345", "AB 12345", "0", "1 2 3 ", "-", "#", "\t", "\n", "\r\n", "\u00a0", "\u200b", "\u200d", "\u202e", "\u2066", "\ufeff", "\x00", "\ufffd", "\u0301", "e\u0301\u0323", "\u1160", "\ufdfa", "ß", "İ", "ﬃ", "Ⅷ", "𝟘", "１２", "🙂", "👩‍👩‍👧‍👦", "🇩🇪",
	"عربي", "עברית", "ไทย", "한국어", "漢字", "Zalgơ̷͇", "{{ slots.topic }}", "{{{{", "}}", "<script>", "javascript:", "' OR 1=1 --", "../../", "%00", "\\", "\"", "`", "where is my order ", "track ", "not ", "no ", "yes ", "refund refund ", "x@y.z ", "http://a.b/", "+44 20 7946 0958 ", "4539 1488 0343 6467 ", "(((((", "*/", "\u2028",
}

// Text is something a customer may write to hurt: long, repetitive, mixed.
func Text(r *rand.Rand) string {
	var b strings.Builder
	size := []int{1, 10, 100, 1000, most}[r.IntN(5)]
	for n := 0; n < size; {
		g := grains[r.IntN(len(grains))]
		times := 1 + r.IntN(1+size/4)
		if r.IntN(3) == 0 {
			times = 1
		}
		times = min(times, size-n)
		b.WriteString(strings.Repeat(g, times))
		n += times
	}
	runes := []rune(b.String())
	return string(runes[:min(len(runes), most)])
}
