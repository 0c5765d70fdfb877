package flows

import (
	"errors"
	"regexp"
	"strings"
)

// Pattern is what a bot message is compared with: a text with * for any run of
// characters, /regex/ over the whole message, or ... for any number of
// messages. Line breaks count as spaces.
type Pattern struct {
	Source string
	Any    bool // ...

	re    *regexp.Regexp
	parts []string // literal texts between the stars
}

var errPatternLong = errors.New("it is longer than 256 bytes")

// NewPattern reads a pattern.
func NewPattern(src string) (*Pattern, error) {
	p := &Pattern{Source: src}
	switch trimmed := strings.TrimSpace(src); {
	case trimmed == "...":
		p.Any = true
	case len(trimmed) > 1 && trimmed[0] == '/' && trimmed[len(trimmed)-1] == '/' && !strings.HasSuffix(trimmed, `\/`):
		body := trimmed[1 : len(trimmed)-1]
		if len(body) > maxPattern {
			return nil, errPatternLong
		}
		if _, err := regexp.Compile(body); err != nil {
			return nil, errors.New(plainRegexError(err))
		}
		re, err := regexp.Compile(`\A(?s:` + body + `)\z`)
		if err != nil {
			return nil, errors.New(plainRegexError(err))
		}
		p.re = re
	default:
		p.parts = starParts(flat(src))
	}
	return p, nil
}

func plainRegexError(err error) string {
	_, reason, ok := strings.Cut(err.Error(), ": ")
	if !ok {
		return err.Error()
	}
	return reason
}

// flat is a text on one line: runs of blanks that hold a line break are one space.
func flat(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return strings.TrimSpace(s)
	}
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	kept := lines[:0]
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, " ")
}

// starParts splits at *; \* and \/ stand for themselves.
func starParts(s string) []string {
	var parts []string
	var part strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '/'):
			i++
			part.WriteByte(s[i])
		case s[i] == '*':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(s[i])
		}
	}
	return append(parts, part.String())
}

// Match compares a whole message.
func (p *Pattern) Match(message string) bool {
	if p.Any {
		return true
	}
	message = flat(message)
	if p.re != nil {
		return p.re.MatchString(message)
	}
	first, last := p.parts[0], p.parts[len(p.parts)-1]
	if len(p.parts) == 1 {
		return message == first
	}
	if len(message) < len(first)+len(last) || !strings.HasPrefix(message, first) || !strings.HasSuffix(message, last) {
		return false
	}
	rest := message[len(first) : len(message)-len(last)]
	for _, part := range p.parts[1 : len(p.parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return true
}

// Parts are the texts between the stars, nil for a regular expression.
func (p *Pattern) Parts() []string { return p.parts }
