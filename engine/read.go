package engine

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Lengths of a value, language.md 2.16.
const (
	maxValue    = 10_000
	maxTextSlot = 2_000
	maxItems    = 100
)

// reader is what reading a value depends on besides the slot. A zero now
// leaves relative dates unread.
type reader struct {
	lang  string
	order string  // dmy mdy ymd
	fuzzy float64 // how like a value of a choice words must be; 0 = off
	now   time.Time
	loc   *time.Location
	ahead bool       // a day without its year is the next one to come, not the last
	eval  *evaluator // nil: a check that needs the event fails
}

// ReadValue reads one candidate by the slot's rules: NFKC and trim, clean,
// pattern, type, min and max, check. Dates like "today" need a step's clock
// and are not read here.
func ReadValue(sl *Slot, lang string, dateOrder string, text string) (value any, ok bool) {
	t := &turn{set: &Set{}, ev: &Event{}, lang: lang}
	t.eval = evaluator{t: t, env: map[string]any{}}
	t.eval.env[hidden] = &t.eval
	return reader{lang: lang, order: dateOrder, fuzzy: defaultFuzzy, loc: time.UTC, eval: &t.eval}.value(sl, text)
}

// ReadLiteral reads a literal of a flow file by the slot's type alone: what a
// designer writes in set and default is not cleaned or checked.
func ReadLiteral(sl *Slot, text string) (any, bool) {
	r := reader{lang: "en", order: "ymd", loc: time.UTC}
	if sl.Type == SlotYesNo {
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	}
	if sl.Type == SlotChoice {
		for _, v := range sl.Values {
			if v.ID == text {
				return text, true
			}
		}
		return nil, false
	}
	if sl.Type == SlotNumber && plainNumber.MatchString(text) {
		f, err := strconv.ParseFloat(text, 64)
		return f, err == nil
	}
	return r.typed(sl, strings.TrimSpace(nfkc(text)))
}

// plainNumber is how numbers are written in files: 1.125 has no thousands.
var plainNumber = regexp.MustCompile(`^-?\d{1,15}(\.\d{1,15})?$`)

// value reads one candidate by all the slot's rules.
func (r reader) value(sl *Slot, text string) (any, bool) {
	if len(text) > 4*maxValue {
		return nil, false
	}
	s := strings.TrimSpace(nfkc(text))
	cleaned, swap := clean(sl, s)
	if cleaned == "" {
		return nil, false
	}
	pattern := sl.compiledPattern()
	if sl.pattern != nil && !sl.fits.whole(cleaned) {
		return nil, false
	}
	if pattern != nil && !pattern.MatchString(cleaned) {
		if !swap {
			return nil, false
		}
		var ok bool
		if cleaned, ok = lookAlikes(cleaned, pattern); !ok {
			return nil, false
		}
	}
	if v, ok := r.allowed(sl, cleaned); ok || sl.Type != SlotDate {
		return v, ok
	}
	r.ahead = true // the slot's rules refuse the last Friday: the next one is meant
	return r.allowed(sl, cleaned)
}

// allowed reads a cleaned text by type, min and max, and check.
func (r reader) allowed(sl *Slot, cleaned string) (any, bool) {
	v, ok := r.typed(sl, cleaned)
	if !ok || !within(sl, v) || !r.check(sl, v) {
		return nil, false
	}
	return v, true
}

// compiledPattern is the anchored pattern; before Link it is compiled here.
func (sl *Slot) compiledPattern() *regexp.Regexp {
	if sl.pattern != nil || sl.Pattern == "" {
		return sl.pattern
	}
	re, err := regexp.Compile(anchored(sl.Pattern))
	if err != nil {
		return neverMatches
	}
	return re
}

// neverMatches stands in for a pattern that does not compile: nothing fits it.
var neverMatches = regexp.MustCompile(`[^\s\S]`)

func anchored(pattern string) string { return `\A(?:` + pattern + `)\z` }

// typed reads a cleaned text as the slot's type.
func (r reader) typed(sl *Slot, s string) (any, bool) {
	if s == "" || len(s) > 4*maxValue || utf8.RuneCountInString(s) > maxValue {
		return nil, false
	}
	switch sl.Type {
	case SlotText, "":
		return s, true
	case SlotNumber:
		f, ok := readNumber(s)
		return f, ok
	case SlotYesNo:
		b, ok := readYesNo(s, r.lang)
		return b, ok
	case SlotDate:
		d, ok := r.date(s)
		return d, ok
	case SlotChoice:
		id, ok := readChoice(sl, s, r.fuzzy)
		return id, ok
	case SlotList:
		l, ok := readList(s, r.lang)
		return l, ok
	}
	return nil, false
}

// within tests min and max: a number by value, text and list by length.
func within(sl *Slot, v any) bool {
	size, limited := 0.0, sl.Min != nil || sl.Max != nil
	switch x := v.(type) {
	case float64:
		size = x
	case string:
		if sl.Max == nil && sl.Type != SlotChoice && len(x) > maxTextSlot && utf8.RuneCountInString(x) > maxTextSlot {
			return false
		}
		if limited {
			size = float64(utf8.RuneCountInString(x))
		}
	case []string:
		size = float64(len(x))
	case time.Time:
		size = float64(x.Unix())
	default:
		return true
	}
	return (sl.Min == nil || size >= *sl.Min) && (sl.Max == nil || size <= *sl.Max)
}

// check runs the slot's own condition; an error in it counts as false.
func (r reader) check(sl *Slot, v any) bool {
	if sl.Check == nil {
		return true
	}
	if r.eval == nil {
		return false
	}
	r.eval.t.value = v
	out, err := r.eval.eval(sl.Check)
	r.eval.t.value = nil
	if err != nil {
		r.eval.t.note(TraceStep{What: "condition", Cond: sl.Check.Source, Value: "error", At: sl.Check.Rule})
		return false
	}
	ok, isBool := out.(bool)
	return isBool && ok
}
