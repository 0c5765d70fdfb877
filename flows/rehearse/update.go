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

// rewritten is a message as a pattern that has * where the old one had, as
// long as the words around it are still found: it may not come to fit more
// than its writer meant. Else every word counts, and a * at an end stays there.
func rewritten(old *flows.Pattern, message string) string {
	message = oneLine(message)
	parts := old.Parts()
	if len(parts) < 2 {
		return escaped(message)
	}
	words := strings.Fields(message)
	var out []string
	from, kept := 0, true
	for i, part := range parts {
		lo, hi, found := alike(words[from:], strings.Fields(part), i == 0, i == len(parts)-1)
		if strings.TrimSpace(part) == "" {
			out = append(out, "")
			continue
		}
		if kept = kept && found; !kept {
			break
		}
		text := strings.Join(words[from+lo:from+hi], " ")
		if i > 0 && strings.HasPrefix(part, " ") && (lo > 0 || i == len(parts)-1) {
			text = " " + text
		}
		if i < len(parts)-1 && strings.HasSuffix(part, " ") {
			text += " "
		}
		out = append(out, escaped(text))
		from += hi
	}
	text := strings.Join(out, "*")
	if p, err := flows.NewPattern(text); kept && err == nil && p.Match(message) && strings.Trim(text, "* ") != "" {
		return text
	}
	if text, ok := oneWord(parts, words); ok {
		return text
	}
	return star(parts[0] == "") + escaped(message) + star(parts[len(parts)-1] == "")
}

func star(there bool) string {
	if there {
		return "*"
	}
	return ""
}

// oneWord is a pattern with a single * between two parts of which one is still
// found: the * stands for the one word beside it, and all others count.
func oneWord(parts, words []string) (string, bool) {
	if len(parts) != 2 || !strings.HasSuffix(parts[0], " ") || !strings.HasPrefix(parts[1], " ") {
		return "", false
	}
	_, at, found := alike(words, strings.Fields(parts[0]), true, false)
	if !found {
		if at, _, found = alike(words, strings.Fields(parts[1]), false, true); !found {
			return "", false
		}
		at--
	}
	if at < 1 || at >= len(words)-1 {
		return "", false
	}
	return escaped(strings.Join(words[:at], " ")) + " * " + escapedStars(strings.Join(words[at+1:], " ")), true
}

// alike finds the run of words that stands for the words of a part: from the
// first word they share to the last, at the beginning or end of the message
// where the part stands there. found says that they share one word in three.
func alike(words, part []string, first, last bool) (lo, hi int, found bool) {
	lo, shared := -1, 0
	for i, w := range words {
		for _, p := range part {
			if strings.EqualFold(w, p) {
				if lo < 0 {
					lo = i
				}
				hi = i + 1
				shared++
				break
			}
		}
	}
	if shared == 0 {
		return 0, 0, false
	}
	if first {
		lo, hi = 0, min(hi, 2*len(part), len(words))
	}
	if last {
		lo, hi = max(lo, len(words)-2*len(part)), len(words)
	}
	return lo, hi, 3*shared >= len(part)
}

// escaped is a text that a pattern takes as it is.
func escaped(s string) string {
	s = escapedStars(s)
	if strings.HasPrefix(s, "/") {
		s = `\` + s
	}
	return s
}

func escapedStars(s string) string { return strings.ReplaceAll(s, "*", `\*`) }

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
