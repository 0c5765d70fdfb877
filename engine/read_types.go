package engine

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// readNumber reads 1,234.5 and 1 234,5 and 1234: a lone comma or point that
// is followed by exactly three digits groups thousands.
func readNumber(s string) (float64, bool) {
	s = asciiDigits(strings.TrimSpace(s))
	if len(s) > 40 {
		return 0, false
	}
	sign := ""
	if rest, ok := strings.CutPrefix(strings.ReplaceAll(s, "−", "-"), "-"); ok {
		sign, s = "-", rest
	} else {
		s = strings.TrimPrefix(s, "+")
	}
	s = keep(s, func(r rune) bool { return !unicode.IsSpace(r) && r != '\'' && r != '’' })
	whole, cents, ok := splitNumber(s)
	if !ok || whole == "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(sign+whole+"."+cents+"0", 64)
	return f, err == nil
}

// splitNumber separates the digits before the decimal sign from those after.
func splitNumber(s string) (whole, cents string, ok bool) {
	comma, point := strings.LastIndexByte(s, ','), strings.LastIndexByte(s, '.')
	cut := max(comma, point)
	switch {
	case cut < 0:
		return s, "", onlyDigits(s)
	case comma >= 0 && point >= 0:
	case strings.Count(s, s[cut:cut+1]) > 1 || len(s)-cut == 4 && s[:cut] != "0": // nobody counts 0 thousands
		cut = len(s)
	}
	if cut < len(s) {
		cents = s[cut+1:]
	}
	group := s[:min(cut, len(s))]
	parts := strings.FieldsFunc(group, func(r rune) bool { return r == ',' || r == '.' })
	for i, p := range parts {
		if !onlyDigits(p) || i > 0 && len(p) != 3 || len(parts) > 1 && i == 0 && len(p) > 3 {
			return "", "", false
		}
	}
	return strings.Join(parts, ""), cents, onlyDigits(cents)
}

func onlyDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// readYesNo reads the words of the language and of English, fillers removed.
func readYesNo(s, lang string) (value, ok bool) {
	switch strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || deleted(r) }) {
	case "👍":
		return true, true
	case "👎":
		return false, true
	}
	text := Normalise(s)
	if text == "👍" || text == "👎" {
		return text == "👍", true
	}
	for _, p := range [...]*Pack{packOr(lang), &packEN} {
		for _, form := range strippedForms(text, p.Words["fillers"]) {
			if hasNormalised(p.Words["yes"], form) {
				return true, true
			}
			if hasNormalised(p.Words["no"], form) {
				return false, true
			}
		}
	}
	return false, false
}

func hasNormalised(words []string, form string) bool {
	for _, w := range words {
		if w == form || Normalise(w) == form {
			return true
		}
	}
	return false
}

// readList splits on commas, semicolons, new lines and the word for "and".
func readList(s, lang string) ([]string, bool) {
	and := packOr(lang).Words["and"]
	var out []string
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || r == '\n' }) {
		for _, item := range splitWord(part, and) {
			if item != "" {
				out = append(out, item)
			}
		}
	}
	return out, len(out) > 0 && len(out) <= maxItems
}

func splitWord(s string, words []string) []string {
	var out []string
	var run []string
	for _, f := range strings.Fields(s) {
		if hasNormalised(words, strings.ToLower(f)) {
			out = append(out, strings.Join(run, " "))
			run = run[:0]
			continue
		}
		run = append(run, f)
	}
	return append(out, strings.Join(run, " "))
}

// readChoice finds the one value whose id or label the text is or contains,
// else the one that is most like it. Two that fit equally well are none.
func readChoice(sl *Slot, s string, fuzzy float64) (string, bool) {
	text := Normalise(s)
	list := sl.values
	if list == nil {
		list = valueForms(sl)
	}
	for i, forms := range list {
		for _, f := range forms {
			if f == text {
				return sl.Values[i].ID, true
			}
		}
	}
	at, found := bestChoice(list, 0, func(form string) float64 { return phraseScore(text, form) })
	if !found && fuzzy > 0 {
		at, _ = bestChoice(list, fuzzyTie, func(form string) float64 { return windowSimilarity(text, form, letters(form), fuzzy) })
	}
	if at < 0 {
		return "", false
	}
	return sl.Values[at].ID, true
}

// bestChoice is the value with the highest score, -1 when others come as near
// to it as tie; found says that any has a score.
func bestChoice(list [][]string, tie float64, score func(form string) float64) (at int, found bool) {
	scores, best := make([]float64, len(list)), 0.0
	for i, forms := range list {
		for _, f := range forms {
			scores[i] = max(scores[i], score(f))
		}
		best = max(best, scores[i])
	}
	at = -1
	for i, s := range scores {
		switch {
		case best == 0 || s < best-tie-1e-9:
		case at >= 0:
			return -1, true
		default:
			at = i
		}
	}
	return at, best > 0
}

func phraseScore(text, form string) float64 {
	if PhraseIn(text, form) {
		return float64(countWords(form))
	}
	return 0
}

// defaultFuzzy is the likeness that counts where nothing else is said.
const defaultFuzzy = 0.82

// valueForms are the normalised ids and labels of a choice slot's values.
func valueForms(sl *Slot) [][]string {
	out := make([][]string, len(sl.Values))
	emojis := map[string][]int{} // an emoji is a label where one value alone has it
	for i, v := range sl.Values {
		out[i] = append(out[i], Normalise(v.ID), Normalise(strings.ReplaceAll(v.ID, "_", " ")))
		for _, label := range constantTexts(v.Label) {
			out[i] = append(out[i], labelForms(label)...)
			// Two languages of one label often share their emoji.
			if e := emojiOnly(Normalise(label)); e != "" && !slices.Contains(emojis[e], i) {
				emojis[e] = append(emojis[e], i)
			}
		}
	}
	for e, of := range emojis {
		if len(of) == 1 {
			out[of[0]] = append(out[of[0]], e)
		}
	}
	return out
}

// constantTexts are a text's forms in every language that hold no expression.
func constantTexts(tx *Text) []string {
	if tx == nil {
		return nil
	}
	var out []string
	for _, tpl := range tx.Lang {
		if s, ok := tpl.constant(); ok {
			out = append(out, s)
		}
	}
	return out
}

func (tpl *Template) constant() (string, bool) {
	if tpl == nil {
		return "", false
	}
	switch len(tpl.Parts) {
	case 0:
		return "", true
	case 1:
		return tpl.Parts[0].Lit, tpl.Parts[0].Expr == nil
	}
	for _, p := range tpl.Parts {
		if p.Expr != nil {
			return "", false
		}
	}
	var b strings.Builder
	for _, p := range tpl.Parts {
		b.WriteString(p.Lit)
	}
	return b.String(), true
}

// labelForms are a label whole and without its emoji, normalised.
func labelForms(label string) []string {
	whole := Normalise(label)
	bare := withoutEmoji(whole)
	if bare == whole || bare == "" {
		return []string{whole}
	}
	return []string{whole, bare}
}

func withoutEmoji(normalised string) string {
	if isASCII(normalised) {
		return normalised
	}
	return Normalise(keep(normalised, func(r rune) bool { return !isEmoji(r) }))
}

// emojiOnly is the emoji of a normalised label, "" when it has none.
func emojiOnly(normalised string) string {
	if isASCII(normalised) {
		return ""
	}
	return Normalise(strings.Map(func(r rune) rune {
		if isEmoji(r) {
			return r
		}
		return ' '
	}, normalised))
}

// compileInsensitive compiles a find or match pattern, case-insensitive.
func compileInsensitive(pattern string) (*regexp.Regexp, error) {
	return regexp.Compile("(?i)" + pattern)
}
