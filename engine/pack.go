package engine

// Pack is what Dispatcher itself says and understands in one language
// (language.md 4.6). Packs never change.
type Pack struct {
	Lang      string
	Sentences map[string]string   // by name; {{ value }}, {{ opens }} and {{ minutes }} are filled in
	Words     map[string][]string // by row: talk_to_person start_over stop help moment missing correction yes no fillers thanks and today yesterday tomorrow

	months, days  []string // January first; Sunday first
	and           string
	at            string // between day and time
	first         string // said for the first of a month, "" = the number
	order         string // of a written day: "w d m"
	decimal       string
	thousands     string
	currencyAfter bool
}

// PackOf is the pack of a language or of its base language, nil when none ships.
func PackOf(lang string) *Pack {
	switch baseOf(lang) {
	case "en":
		return &packEN
	case "fr":
		return &packFR
	case "de":
		return &packDE
	case "es":
		return &packES
	}
	return nil
}

// Packs lists the languages that have a pack.
func Packs() []string { return []string{"en", "fr", "de", "es"} }

// packOr is the pack of a language, English where none ships.
func packOr(lang string) *Pack {
	if p := PackOf(lang); p != nil {
		return p
	}
	return &packEN
}

// baseOf is the language subtag: fr of fr-CA.
func baseOf(lang string) string {
	for i := 0; i < len(lang); i++ {
		if lang[i] == '-' || lang[i] == '_' {
			return lang[:i]
		}
	}
	return lang
}
