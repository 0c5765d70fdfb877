package engine

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// exprFunctions is every function of language.md 3.2, and the checked forms of
// operators, whose names no expression can write. The table is never changed.
var exprFunctions = map[string]exprFunc{
	"now":             fnNow,
	"open":            fnOpen,
	"opens_at":        fnOpensAt,
	"wait_minutes":    fnWaitMinutes,
	"queue_length":    fnQueueLength,
	"day":             dateText((*turn).dayText),
	"date":            dateText((*turn).dateText),
	"time":            dateText((*turn).timeText),
	"day_and_time":    dateText((*turn).dayAndTimeText),
	"days_since":      since(24 * time.Hour),
	"hours_since":     since(time.Hour),
	"money":           fnMoney,
	"plural":          fnPlural,
	"mask":            fnMask,
	"example":         fnExample,
	"luhn":            checksum(luhn),
	"mod11":           checksum(mod11),
	"mod97":           checksum(mod97),
	"mentions":        fnMentions,
	"fuzzy":           fnFuzzy,
	"empty":           fnEmpty,
	"sample":          fnSample,
	"surveyed_within": fnSurveyedWithin,
	"dm_link":         fnDMLink,
	"len":             fnLen,
	"upper":           textFunc(strings.ToUpper),
	"lower":           textFunc(strings.ToLower),
	"trim":            textFunc(strings.TrimSpace),
	"round":           numberFunc(math.Round),
	"floor":           numberFunc(math.Floor),
	"ceil":            numberFunc(math.Ceil),
	"abs":             numberFunc(math.Abs),
	"min":             extreme(func(a, b float64) bool { return a < b }),
	"max":             extreme(func(a, b float64) bool { return a > b }),
	"string":          fnString,
	"number":          fnNumber,

	"__add":    opAdd,
	"__sub":    arithmetic(opSub),
	"__mul":    arithmetic(opMul),
	"__div":    arithmetic(opDiv),
	"__mod":    arithmetic(opMod),
	"__in":     opIn,
	"__tick":   opTick,
	"__meter":  opMeter,
	"__canned": fnCanned,
}

// arg is the n-th argument as a T; a missing, nil or other value is an error.
func arg[T any](args []any, n int) (T, error) {
	var zero T
	if n >= len(args) || args[n] == nil {
		return zero, errNil
	}
	v, ok := args[n].(T)
	if !ok {
		return zero, fmt.Errorf("expected another kind of value, got %s", kindOf(args[n]))
	}
	return v, nil
}

func numberArg(args []any, n int) (float64, error) {
	if n >= len(args) || args[n] == nil {
		return 0, errNil
	}
	f, ok := number(args[n])
	if !ok {
		return 0, fmt.Errorf("expected a number, got %s", kindOf(args[n]))
	}
	return f, nil
}

func fnNow(e *evaluator, _ []any) (any, error) { return e.t.now, nil }

func textFunc(f func(string) string) exprFunc {
	return func(e *evaluator, args []any) (any, error) {
		s, err := arg[string](args, 0)
		if err != nil {
			return nil, err
		}
		if err := e.build(len(s)); err != nil {
			return nil, err
		}
		return f(s), e.spend(1 + len(s)/16)
	}
}

func numberFunc(f func(float64) float64) exprFunc {
	return func(_ *evaluator, args []any) (any, error) {
		n, err := numberArg(args, 0)
		if err != nil {
			return nil, err
		}
		return finite(f(n))
	}
}

// extreme is min or max over its arguments, or over one list.
func extreme(better func(a, b float64) bool) exprFunc {
	return func(e *evaluator, args []any) (any, error) {
		if len(args) == 1 {
			if list, ok := args[0].([]any); ok {
				args = list
			}
		}
		if err := e.spend(len(args) / 8); err != nil {
			return nil, err
		}
		best, err := numberArg(args, 0)
		for i := 1; i < len(args) && err == nil; i++ {
			var n float64
			if n, err = numberArg(args, i); err == nil && better(n, best) {
				best = n
			}
		}
		if err != nil {
			return nil, err
		}
		return best, nil
	}
}

// fnLen is the number of characters of a text or items of a list.
func fnLen(e *evaluator, args []any) (any, error) {
	if len(args) != 1 {
		return nil, errNil
	}
	switch v := args[0].(type) {
	case string:
		return float64(len([]rune(v))), e.spend(1 + len(v)/16)
	case []string:
		return float64(len(v)), nil
	case []any:
		return float64(len(v)), nil
	}
	return nil, fmt.Errorf("len needs a text or a list, not %s", kindOf(args[0]))
}

func fnString(e *evaluator, args []any) (any, error) {
	if len(args) != 1 || args[0] == nil {
		return nil, errNil
	}
	if s, ok := args[0].(string); ok {
		return s, nil
	}
	s := e.t.formatValue(args[0])
	return s, e.build(len(s))
}

func fnNumber(e *evaluator, args []any) (any, error) {
	if f, err := numberArg(args, 0); err == nil {
		return f, nil
	}
	s, err := arg[string](args, 0)
	if err != nil {
		return nil, err
	}
	if err := e.spend(1 + len(s)/16); err != nil {
		return nil, err
	}
	f, ok := readNumber(s)
	if !ok {
		return nil, errNumber
	}
	return f, nil
}

func fnMentions(e *evaluator, args []any) (any, error) {
	if len(args) == 0 || args[0] == nil {
		return false, nil
	}
	text, err := arg[string](args, 0)
	if err != nil {
		return nil, err
	}
	if err := e.spend(1 + len(text)/2); err != nil {
		return nil, err
	}
	text = Normalise(text)
	for i := 1; i < len(args); i++ {
		phrase, ok := args[i].(string)
		if !ok {
			continue
		}
		if err := e.spend(1 + (len(phrase)+len(text))/16); err != nil {
			return nil, err
		}
		if p := Normalise(phrase); p != "" && PhraseIn(text, p) {
			return true, nil
		}
	}
	return false, nil
}

// maxFuzzyArg bounds the texts fuzzy compares; longer ones are cut.
const maxFuzzyArg = 500

func fnFuzzy(e *evaluator, args []any) (any, error) {
	a, err := arg[string](args, 0)
	if err != nil {
		return nil, err
	}
	b, err := arg[string](args, 1)
	if err != nil {
		return nil, err
	}
	if err := e.spend(1 + (len(a)+len(b))/2); err != nil {
		return nil, err
	}
	a, b = cutRunes(Normalise(a), maxFuzzyArg), cutRunes(Normalise(b), maxFuzzyArg)
	if err := e.spend(1 + len(a)*len(b)/64); err != nil {
		return nil, err
	}
	return Similarity(a, b), nil
}

func fnEmpty(_ *evaluator, args []any) (any, error) {
	if len(args) != 1 {
		return nil, errNil
	}
	switch v := args[0].(type) {
	case nil:
		return true, nil
	case string:
		return v == "", nil
	case []string:
		return len(v) == 0, nil
	case []any:
		return len(v) == 0, nil
	}
	return false, nil
}

func fnMask(e *evaluator, args []any) (any, error) {
	s, err := arg[string](args, 0)
	if err != nil {
		return nil, err
	}
	return Mask(s), e.build(len(s))
}

// Mask keeps the last two characters of a text: ••••56.
func Mask(s string) string {
	r := []rune(s)
	if len(r) <= 2 {
		return strings.Repeat("•", len(r))
	}
	return "••••" + string(r[len(r)-2:])
}

func fnExample(e *evaluator, args []any) (any, error) {
	name, err := arg[string](args, 0)
	if err != nil {
		return nil, err
	}
	if sl := e.t.slotDef(name); sl != nil {
		return sl.Example, nil
	}
	return nil, errors.New("there is no such slot")
}

func fnPlural(e *evaluator, args []any) (any, error) {
	n, err := numberArg(args, 0)
	if err != nil {
		return nil, err
	}
	one, err := arg[string](args, 1)
	if err != nil {
		return nil, err
	}
	many, err := arg[string](args, 2)
	if err != nil {
		return nil, err
	}
	if pluralOne(e.t.lang, n) {
		return one, nil
	}
	return many, nil
}

func fnMoney(e *evaluator, args []any) (any, error) {
	n, err := numberArg(args, 0)
	if err != nil {
		return nil, err
	}
	return money(n, e.t.set.Currency, e.t.lang), nil
}

// fnSample is true for share p, by a hash of the conversation and the place.
func fnSample(e *evaluator, args []any) (any, error) {
	p, err := numberArg(args, 0)
	if err != nil {
		return nil, err
	}
	if fixed := e.t.ev.World.Sample; fixed != nil {
		return *fixed, nil
	}
	return share(e.t.ev.World.ID, e.t.st.Position()) < p, nil
}

func fnSurveyedWithin(e *evaluator, args []any) (any, error) {
	text, err := arg[string](args, 0)
	if err != nil {
		return nil, err
	}
	d, err := parseDuration(text)
	if err != nil {
		return nil, err
	}
	last := e.t.ev.World.LastSurvey
	return e.t.surveyed() || !last.IsZero() && e.t.now.Sub(last) < d, nil
}

// parseDuration reads 30s 10m 23h 30d and joined forms.
func parseDuration(text string) (time.Duration, error) {
	var sum time.Duration
	for rest := text; rest != ""; {
		n := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if n <= 0 {
			return 0, fmt.Errorf("%q is not a duration", text)
		}
		v, err := strconv.Atoi(rest[:n])
		unit, ok := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[rest[n]]
		if err != nil || !ok {
			return 0, fmt.Errorf("%q is not a duration", text)
		}
		sum += time.Duration(v) * unit
		rest = rest[n+1:]
	}
	return sum, nil
}

func fnDMLink(e *evaluator, args []any) (any, error) {
	ref, err := arg[string](args, 0)
	if err != nil {
		return nil, err
	}
	if e.t.ev.World.DMLink == nil {
		return "", nil
	}
	return e.t.ev.World.DMLink(ref), nil
}

// maxNested bounds canned texts that use canned texts.
const maxNested = 4

// cannedCost is the fuel of rendering one: it runs expressions of its own.
const cannedCost = 50

// fnCanned renders a canned response where its name is read.
func fnCanned(e *evaluator, args []any) (any, error) {
	name, err := arg[string](args, 0)
	if err != nil {
		return nil, err
	}
	c := e.t.set.Canned[name]
	if c == nil {
		return nil, errors.New("there is no such canned text")
	}
	if e.nested >= maxNested {
		return nil, errors.New("canned texts name each other")
	}
	if err := e.spend(cannedCost); err != nil {
		return nil, err
	}
	e.nested++
	defer func() { e.nested-- }()
	return e.t.render(c.Text)
}
