package inbox

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"dispatcher/dm"
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
	return len(words) <= thanksWords && slices.Contains(thanks(), strings.Join(words, " "))
}

// thanks is the list of the languages that have a pack.
func thanks() []string {
	return []string{
		"thanks", "thank you", "thx", "ty", "tysm", "cheers", "many thanks", "thanks a lot", "thanks so much", "ok thanks", "ok thank you",
		"okay thanks", "great thanks", "perfect thanks", "thanks bye", "thank you bye", "thanks again",
		"merci", "merci beaucoup", "merci bien", "mille mercis", "ok merci", "super merci", "parfait merci",
		"danke", "vielen dank", "danke schön", "danke sehr", "besten dank", "ok danke", "super danke", "herzlichen dank",
		"gracias", "muchas gracias", "mil gracias", "ok gracias", "vale gracias", "perfecto gracias",
	}
}
