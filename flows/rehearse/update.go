package rehearse

import (
	"bytes"
	"sort"
	"strings"

	"dispatcher/flows"
)

// Rewrite is a bot: text that a test should have.
type Rewrite struct {
	File     string
	Line     int
	Old, New string

	offset, length int
	quoted         string
}

// Rewrites are the texts of failing tests that would have to be what was said
// instead; * stays where it was. Failures of another kind give none.
func (r *Report) Rewrites() []Rewrite {
	var out []Rewrite
	seen := map[[2]any]bool{}
	for _, o := range r.Outcomes {
		f := o.Failure
		if f == nil || f.Note != "" || f.ExpectedKind != LineBot || f.GotKind != LineBot {
			continue
		}
		for i := range o.test.Steps {
			s := &o.test.Steps[i]
			key := [2]any{o.File, s.At.Offset}
			if s.Kind != flows.StepBot || s.Line != f.Line || s.Pattern == nil || seen[key] {
				continue
			}
			seen[key] = true
			text := rewritten(s.Pattern, f.Got)
			out = append(out, Rewrite{File: o.File, Line: s.Line, Old: s.Text, New: text, offset: s.At.Offset, length: s.At.Length, quoted: yamlText(text, s.Plain)})
		}
	}
	return out
}

// Apply writes the rewrites of one file into its bytes; comments and
// everything else stay as they are.
func Apply(data []byte, list []Rewrite) []byte {
	list = append([]Rewrite{}, list...)
	sort.Slice(list, func(i, j int) bool { return list[i].offset > list[j].offset })
	for _, r := range list {
		if r.offset < 0 || r.offset+r.length > len(data) {
			continue
		}
		old := data[r.offset : r.offset+r.length]
		tail := old[len(bytes.TrimRight(old, " \r\n")):]
		data = append(append(append([]byte{}, data[:r.offset]...), r.quoted...), append(append([]byte{}, tail...), data[r.offset+r.length:]...)...)
	}
	return data
}

// rewritten is a message as a pattern that has * where the old one had.
func rewritten(old *flows.Pattern, message string) string {
	message = oneLine(message)
	parts := old.Parts()
	if len(parts) < 2 {
		return escaped(message)
	}
	words := strings.Fields(message)
	var out []string
	from := 0
	for i, part := range parts {
		last := i == len(parts)-1
		lo, hi := alike(words[from:], strings.Fields(part), i == 0, last)
		lo, hi = lo+from, hi+from
		piece := strings.Join(words[lo:hi], " ")
		switch {
		case last && i > 0 && lo < hi && strings.HasPrefix(part, " "):
			piece = " " + piece
		case i > 0 && lo > from && strings.HasPrefix(part, " "):
			piece = " " + piece
		}
		if !last && strings.HasSuffix(part, " ") && piece != "" {
			piece += " "
		}
		out = append(out, escaped(piece))
		from = hi
	}
	text := strings.Join(out, "*")
	if p, err := flows.NewPattern(text); err == nil && p.Match(message) && strings.Trim(text, "* ") != "" {
		return text
	}
	return escaped(message)
}

// alike finds the run of words that stands for the words of a part: from the
// first word they share to the last, at the beginning or end of the message
// where the part stands there.
func alike(words, part []string, first, last bool) (lo, hi int) {
	if len(part) == 0 || len(words) == 0 {
		if last {
			return len(words), len(words)
		}
		return 0, 0
	}
	lo, hi = -1, 0
	for i, w := range words {
		for _, p := range part {
			if strings.EqualFold(w, p) {
				if lo < 0 {
					lo = i
				}
				hi = i + 1
			}
		}
	}
	if first {
		if lo = 0; hi == 0 {
			hi = min(len(part), len(words))
		}
		hi = min(max(hi, 1), max(2*len(part), 1), len(words))
	}
	if last {
		if hi = len(words); lo < 0 {
			lo = max(0, len(words)-len(part))
		}
		lo = max(lo, len(words)-2*len(part))
	}
	if lo < 0 {
		return 0, 0
	}
	return lo, hi
}

// escaped is a text that a pattern takes as it is.
func escaped(s string) string {
	s = strings.ReplaceAll(s, "*", `\*`)
	if strings.HasPrefix(s, "/") {
		s = `\` + s
	}
	return s
}

// yamlText writes a text as a YAML scalar: as before without quotes where that
// is still possible.
func yamlText(s string, plain bool) string {
	if plain && plainSafe(s) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '\n':
			b.WriteString(`\n`)
		case '\t':
			b.WriteString(`\t`)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// plainSafe says that YAML reads a text without quotes as the same text,
// wherever a step may stand.
func plainSafe(s string) bool {
	if s == "" || s != strings.TrimSpace(s) || strings.ContainsAny(s, "\n\t{}[],\\") || strings.ContainsAny(s[:1], "-?:~.#&*!|>%@`\"'/") {
		return false
	}
	if strings.Contains(s, ": ") || strings.Contains(s, " #") || strings.HasSuffix(s, ":") {
		return false
	}
	return s != "null" && s != "true" && s != "false"
}

// RewriteText is the text that a bot: pattern would become for a message.
func RewriteText(old *flows.Pattern, message string) string { return rewritten(old, message) }
