package flows

import (
	"errors"
	"fmt"
	"regexp/syntax"

	"dispatcher/internal/source"
)

// A pattern of 256 bytes can stand for a machine of megabytes, and one that
// reads a long message for a second. Both are known from the pattern, before
// anything is compiled (P9).
const (
	maxSteps  = 2_000     // of one pattern: what may be repeated, as often as it may
	maxWeight = 1_000_000 // of all patterns of a project; a step with many ranges of characters weighs more
	rangeUnit = 16        // ranges of characters that weigh as much as a step
)

// errLarge is the reason of patterns that are refused for their size.
type errLarge string

func (e errLarge) Error() string { return string(e) }

// regex checks a pattern (E206); at is where its source stands.
func (l *loader) regex(src string, at source.Range) bool {
	if len(src) > maxPattern {
		l.err("E206", at, "this pattern is too long: %d bytes, limit %d", len(src), maxPattern)
		return false
	}
	err, seen := l.regexes[src]
	if !seen {
		err = l.pattern(src)
		l.regexes[src] = err
	}
	var large errLarge
	switch {
	case err == nil:
		return true
	case errors.As(err, &large):
		l.err("E206", at, "%s", string(large))
	default:
		l.err("E206", at, "this pattern is not valid: %s", patternReason(err, src))
	}
	return false
}

func (l *loader) pattern(src string) error {
	re, err := syntax.Parse(src, syntax.Perl)
	if err != nil {
		return err
	}
	steps, weight := patternSize(re)
	if steps > maxSteps {
		return errLarge(fmt.Sprintf("this pattern is too large: with its repetitions it has %s steps, limit %s", thousands(steps), thousands(maxSteps)))
	}
	if l.weight += weight; l.weight > maxWeight {
		return errLarge("the patterns of this project are too large together; write shorter repetitions")
	}
	return nil
}

// patternReason is what is wrong, and where in the pattern if not all of it.
func patternReason(err error, src string) string {
	var e *syntax.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	if e.Code == syntax.ErrInvalidPerlOp || e.Code == syntax.ErrInvalidEscape {
		return fmt.Sprintf("`%s` is not available in patterns", e.Expr)
	}
	if e.Expr == src || e.Expr == "" {
		return string(e.Code)
	}
	return fmt.Sprintf("%s: `%s`", e.Code, e.Expr)
}

// patternSize is how many steps a pattern has with its repetitions written
// out, and their weight.
func patternSize(re *syntax.Regexp) (steps, weight int) {
	steps, weight = 1, 1
	switch re.Op {
	case syntax.OpLiteral:
		steps, weight = len(re.Rune), len(re.Rune)
	case syntax.OpCharClass:
		weight += len(re.Rune) / (2 * rangeUnit)
	}
	for _, sub := range re.Sub {
		s, w := patternSize(sub)
		steps, weight = steps+s, weight+w
	}
	if re.Op == syntax.OpRepeat {
		n := max(re.Min, re.Max, 1)
		return (steps - 1) * n, (weight - 1) * n
	}
	return steps, weight
}
