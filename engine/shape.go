package engine

import (
	"regexp/syntax"
	"unicode/utf8"
)

// shape is what every text that a pattern matches has in common: enough to
// pass over most candidates without running the pattern.
type shape struct {
	min, max int  // characters; max < 0: no limit
	digit    bool // holds at least one of 0–9
}

// anyShape fits every text.
var anyShape = shape{max: -1}

func shapeOf(pattern string) shape {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return anyShape
	}
	return shapeOfNode(re.Simplify())
}

func shapeOfNode(re *syntax.Regexp) shape {
	switch re.Op {
	case syntax.OpLiteral:
		s := shape{min: len(re.Rune), max: len(re.Rune)}
		for _, r := range re.Rune {
			s.digit = s.digit || r >= '0' && r <= '9'
		}
		return s
	case syntax.OpCharClass:
		s := shape{min: 1, max: 1, digit: len(re.Rune) > 0}
		for i := 0; i+1 < len(re.Rune); i += 2 {
			s.digit = s.digit && re.Rune[i] >= '0' && re.Rune[i+1] <= '9'
		}
		return s
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return shape{min: 1, max: 1}
	case syntax.OpCapture:
		return shapeOfNode(re.Sub[0])
	case syntax.OpConcat:
		var s shape
		for _, sub := range re.Sub {
			s = s.then(shapeOfNode(sub))
		}
		return s
	case syntax.OpAlternate:
		s := shapeOfNode(re.Sub[0])
		for _, sub := range re.Sub[1:] {
			s = s.or(shapeOfNode(sub))
		}
		return s
	case syntax.OpQuest:
		return shapeOfNode(re.Sub[0]).or(shape{})
	case syntax.OpPlus:
		s := shapeOfNode(re.Sub[0])
		s.max = -1
		return s
	case syntax.OpEmptyMatch, syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return shape{}
	}
	return anyShape
}

func (s shape) then(o shape) shape {
	out := shape{min: s.min + o.min, max: s.max + o.max, digit: s.digit || o.digit}
	if s.max < 0 || o.max < 0 {
		out.max = -1
	}
	return out
}

func (s shape) or(o shape) shape {
	out := shape{min: min(s.min, o.min), max: max(s.max, o.max), digit: s.digit && o.digit}
	if s.max < 0 || o.max < 0 {
		out.max = -1
	}
	return out
}

// whole says whether a text may be matched as a whole.
func (s shape) whole(text string) bool {
	n := utf8.RuneCountInString(text)
	return n >= s.min && (s.max < 0 || n <= s.max)
}

// within says whether a match may stand in a text.
func (s shape) within(text string) bool {
	return len(text) >= s.min && (!s.digit || hasDigit(text))
}

func hasDigit(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= '0' && s[i] <= '9' {
			return true
		}
	}
	return false
}
