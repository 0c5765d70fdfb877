package engine

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// rows are the words of language.md 4.6, English and French as written there.
var rows = []struct{ name, en, fr string }{
	{"talk_to_person", "talk to a person, talk to someone, speak to someone, speak to a person, real person, human, agent, representative, operator, customer service",
		"parler à quelqu'un, parler à une personne, vraie personne, humain, conseiller, agent, opérateur, service client"},
	{"start_over", "start over, start again, restart, main menu", "recommencer, menu principal, depuis le début"},
	{"stop", "stop, unsubscribe, stop messaging me", "stop, arrêter, désabonner"},
	{"help", "why, why do you ask, why do you need that, what for, help, where do i find it", "pourquoi, pourquoi demandez vous ça, aide, où le trouver"},
	{"moment", "one moment, one sec, one second, just a minute, give me a moment, hold on, wait, let me check, brb", "un instant, une minute, une seconde, attendez, je cherche, je regarde"},
	{"missing", "i dont have it, i dont have one, dont have it, i lost it, i cant find it, no idea, i dont know", "je ne l'ai pas, je ne le trouve pas, perdu, aucune idée, je ne sais pas"},
	{"correction", "change, correct, wrong, mistake, actually, update", "changer, corriger, faux, erreur, en fait, modifier"},
	{"yes", "yes, y, yeah, yep, ok, correct, sure", "oui, o, ouais, ok, exact"},
	{"no", "no, n, nope, nah", "non, n, pas du tout"},
	{"fillers", "hi, hello, hey, please, pls, thanks, thank you, now, just, can i, could i, may i, i want to, i need to, i would like to, id like to, let me, sorry, um",
		"bonjour, salut, svp, s'il vous plaît, merci, je veux, je voudrais, puis je, euh"},
}

// sentences are the English ones of language.md 4.6.
var sentences = map[string]string{
	"no_match_1": "Sorry, I didn't catch that. Please choose one of these.", "no_match_2": "I still didn't get that. Please choose one of these, or say \"agent\".",
	"invalid": "Sorry, that doesn't look right. Please try again.", "did_you_mean": "Did you mean one of these?", "none_of_these": "None of these",
	"which_one": "Which one is it?", "confirm": "I have {{ value }}. Is that right?", "confirm_yes": "Yes", "confirm_no": "No",
	"text_please": "Thanks, I've kept that. Please also type the answer.",
	"help":        "I ask so that I can help you faster, or pass you on with everything ready.", "moment": "Take your time.",
	"correct_ask": "What should it be?", "old_tap": "That button is from an earlier question.", "form_here": "Answer here instead", "form_expired": "That link has expired.",
	"handoff_open": "Thanks. Someone from our team will reply here.", "handoff_closed": "Thanks. Our team is back {{ opens }} and will reply here.",
	"engine_error": "Sorry, something went wrong on our side. I've passed this to our team.", "stopped": "OK, I'll stop here. Message us any time.",
	"ack": "Thanks for your message. Our team will reply here.", "paused": "Thanks. Our team will answer you in person.",
	"late": "Sorry, this is taking longer than we said. You are still in line.",
}

// Every pack has every row and every sentence; English and French are the document's.
func TestPacksAreWhole(t *testing.T) {
	t.Parallel()
	for name, want := range sentences {
		if got := packEN.Sentences[name]; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, r := range rows {
		if got := strings.Join(packEN.Words[r.name], ", "); got != r.en {
			t.Errorf("en %s: %s", r.name, got)
		}
		if got := strings.Join(packFR.Words[r.name], ", "); got != r.fr {
			t.Errorf("fr %s: %s", r.name, got)
		}
	}
	for _, lang := range Packs() {
		p := PackOf(lang)
		if p.Lang != lang {
			t.Errorf("%s is %s", lang, p.Lang)
		}
		for _, pair := range []struct{ want, got []string }{
			{slices.Sorted(maps.Keys(packEN.Sentences)), slices.Sorted(maps.Keys(p.Sentences))},
			{slices.Sorted(maps.Keys(packEN.Words)), slices.Sorted(maps.Keys(p.Words))}} {
			if !slices.Equal(pair.want, pair.got) {
				t.Errorf("%s has %v, English has %v", lang, pair.got, pair.want)
			}
		}
		if len(p.months) != 12 || len(p.days) != 7 || p.and == "" || p.at == "" {
			t.Errorf("%s: names of months and days", lang)
		}
	}
}

// What a pack promises is kept by the engine: sentences say the same values in
// every language, no word stands in two rows that would fight over it, and no
// phrase is lost when it is normalised.
func TestPacksAreSound(t *testing.T) {
	t.Parallel()
	for _, lang := range Packs() {
		p := PackOf(lang)
		for name, text := range p.Sentences {
			for _, value := range []string{"{{ value }}", "{{ opens }}", "{{ minutes }}"} {
				if strings.Contains(text, value) != strings.Contains(packEN.Sentences[name], value) {
					t.Errorf("%s %s: %q", lang, name, text)
				}
			}
			if strings.TrimSpace(text) != text || text == "" {
				t.Errorf("%s %s: %q", lang, name, text)
			}
		}
		seen := map[string]string{}
		for _, row := range []string{"talk_to_person", "start_over", "stop", "help", "moment", "missing", "yes", "no"} {
			for _, w := range p.Words[row] {
				n := Normalise(w)
				if n == "" {
					t.Errorf("%s %s: %q is nothing", lang, row, w)
				}
				if other, twice := seen[n]; twice {
					t.Errorf("%s: %q is in %s and in %s", lang, w, other, row)
				}
				seen[n] = row
			}
		}
	}
}

func TestPackOf(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{"en": "en", "en-GB": "en", "fr-CA": "fr", "de_AT": "de", "es-419": "es", "pt": "", "": ""} {
		got := ""
		if p := PackOf(code); p != nil {
			got = p.Lang
		}
		if got != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
}
