package rehearse

import (
	"strings"
	"unicode"
)

// harmless is a text that cannot move a terminal's cursor, change its colours
// or title, or turn the direction of a line: what could is one U+FFFD each.
// Line breaks stay, a tab is a space.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// inOneLine is a harmless text without line breaks.
func inOneLine(s string) string { return strings.ReplaceAll(harmless(s), "\n", " ") }

func each(list []string, clean func(string) string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = clean(s)
	}
	return out
}

func harmlessLog(log []Entry) []Entry {
	out := make([]Entry, len(log))
	for i, e := range log {
		e.Text, e.Options = harmless(e.Text), each(e.Options, inOneLine)
		out[i] = e
	}
	return out
}

// forTerminal is a report whose texts, which flows, tests and customers wrote,
// are harmless. JSON keeps them as they are.
func (r *Report) forTerminal() *Report {
	out := *r
	out.Outcomes = make([]Outcome, len(r.Outcomes))
	for i, o := range r.Outcomes {
		o.Name, o.Log = inOneLine(o.Name), harmlessLog(o.Log)
		if o.Failure != nil {
			f := *o.Failure
			f.Expected, f.Got, f.Note = harmless(f.Expected), harmless(f.Got), harmless(f.Note)
			f.Why, f.Trace, f.Before = each(f.Why, harmless), each(f.Trace, harmless), harmlessLog(f.Before)
			o.Failure = &f
		}
		out.Outcomes[i] = o
	}
	return &out
}
