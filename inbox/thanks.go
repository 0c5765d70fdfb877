package inbox

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

// thanksWithin is how long after its end a thank-you still belongs to a conversation.
const thanksWithin = 24 * time.Hour

// thanksWords is the most that a thank-you alone has.
const thanksWords = 3

// lateThanks says whether a message only thanks for what was closed a short
// while ago (desk.md 1.11): it is kept there, and nobody's queue gets it.
func (x *decision) lateThanks(a *arrival) bool {
	c, in := x.v.Snap.Conv, a.in
	if x.d != nil || c.ID == 0 || c.Status != storage.Resolved || c.Phase != storage.PhaseClosed || x.v.Snap.Identity.Blocked == blockedSpam {
		return false
	}
	if in.Kind != dm.KindText || in.Visibility == dm.Public || in.Tap != nil || in.Entry != nil || len(in.Media) > 0 {
		return false
	}
	return x.v.Now.Sub(time.UnixMilli(c.ResolvedAt)) < thanksWithin && isThanks(in.Text)
}

// isThanks knows a thank-you in a few words, and an emoji alone.
func isThanks(text string) bool {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' })
	if len(words) == 0 {
		return strings.IndexFunc(text, func(r rune) bool { return unicode.Is(unicode.So, r) }) >= 0
	}
	said := strings.Join(words, " ")
	return len(words) <= thanksWords && slices.ContainsFunc(engine.Packs(), func(lang string) bool {
		return slices.Contains(engine.PackOf(lang).Words["thanks"], said)
	})
}
