package engine

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

// TestShapesRuleOutNothingThatMatches: the shortcut never loses a match.
func TestShapesRuleOutNothingThatMatches(t *testing.T) {
	t.Parallel()
	patterns := []string{`[A-Z]{2}\d{6}`, `\b[a-z]{2}[ -]?\d{6}\b`, `a|bc*|\d+`, `(?:x?\d{1,3}){2,}`, `[\dX]+`, `^\d{4}$`, `é{2}`, `(a)(\d?)`, ``, `.+`, `[^a]`}
	for _, p := range patterns {
		whole, inside, s := regexp.MustCompile(anchored(p)), regexp.MustCompile("(?i)"+p), shapeOf("(?i)"+p)
		rapid.Check(t, func(rt *rapid.T) {
			text := rapid.StringMatching(p).Draw(rt, "text")
			if whole.MatchString(text) && !s.whole(text) {
				rt.Fatalf("%q is ruled out for %s: %+v", text, p, s)
			}
			around := rapid.StringMatching(`[ a-z0-9]{0,6}`).Draw(rt, "around") + text
			if inside.MatchString(around) && !s.within(around) {
				rt.Fatalf("%q is ruled out inside for %s: %+v", around, p, s)
			}
		})
	}
	if s := shapeOf(`[A-Z]{2}\d{6}`); s != (shape{8, 8, true}) {
		t.Fatalf("%+v", s)
	}
}
