package lsp

import (
	"strings"

	"dispatcher/flows"
)

// outline is the shape of a file as its indentation shows it, line by line. It
// is there when the file does not parse, which while somebody types is most of
// the time.
type outline struct {
	*text
	lines []shape
}

// shape is one line.
type shape struct {
	tokens []token
	value  int // column where what follows the tokens begins
	empty  bool
	head   int // the line that began the text or the brackets this one lies in, -1 = none
}

// token is the dash of an item, or a key with its colon.
type token struct {
	col, end int // end: of the key's words
	item     bool
	key      string
}

func newOutline(t *text) *outline {
	o := &outline{text: t, lines: make([]shape, len(t.starts))}
	for n := 0; n < len(o.lines); n++ {
		o.lines[n] = shapeOf(t.line(n))
		o.lines[n].head = -1
		last := o.inside(n)
		for in := n + 1; in <= last; in++ {
			o.lines[in] = shape{head: n, empty: true}
		}
		n = max(n, last)
	}
	return o
}

// shapeOf reads the dashes and the key at the head of a line.
func shapeOf(line string) shape {
	at := indent(line)
	s := shape{empty: at == len(line) || line[at] == '#'}
	for !s.empty && at < len(line) && line[at] == '-' && (at+1 == len(line) || line[at+1] == ' ') {
		s.tokens = append(s.tokens, token{col: at, end: at + 1, item: true})
		at++
		at += indent(line[at:])
	}
	s.value = at
	if s.empty {
		return s
	}
	if key, words, length := keyAt(line[at:]); length > 0 {
		s.tokens = append(s.tokens, token{col: at, end: at + words, key: key})
		at += length
		s.value = at + indent(line[at:])
	}
	return s
}

func indent(s string) int { return len(s) - len(strings.TrimLeft(s, " \t")) }

// keyAt reads a key with its colon at the head of s: its text, how long its
// words are, and how long it is with the colon; 0 where there is none.
func keyAt(s string) (key string, words, length int) {
	if s == "" || strings.IndexByte("[]{}&*!|>%@`#,", s[0]) >= 0 {
		return "", 0, 0
	}
	if s[0] == '"' || s[0] == '\'' {
		end := strings.IndexByte(s[1:], s[0])
		if end < 0 {
			return "", 0, 0
		}
		words = end + 2
		rest := s[words:]
		colon := indent(rest)
		if colon >= len(rest) || rest[colon] != ':' {
			return "", 0, 0
		}
		return s[1 : words-1], words, words + colon + 1
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == ':' && (i+1 == len(s) || s[i+1] == ' '):
			key = strings.TrimRight(s[:i], " ")
			return key, len(key), i + 1
		case s[i] == '#' && i > 0 && s[i-1] == ' ':
			return "", 0, 0
		}
	}
	return "", 0, 0
}

// column is that of the last token of a line: what lies deeper belongs to it.
func (s shape) column() int {
	if len(s.tokens) == 0 {
		return -1
	}
	return s.tokens[len(s.tokens)-1].col
}

// inside is the last line of the block of text, the brackets or the quotes that
// begin on line n; n where nothing goes on.
func (o *outline) inside(n int) int {
	s, line := o.lines[n], o.line(n)
	if s.empty || s.value >= len(line) {
		return n
	}
	value := line[s.value:]
	switch value[0] {
	case '|', '>':
		return o.deeper(n, func(string) bool { return false })
	case '"', '\'':
		quote := value[:1]
		if strings.Contains(value[1:], quote) {
			return n
		}
		return o.deeper(n, func(line string) bool { return strings.Contains(line, quote) })
	case '{', '[':
		b := brackets{}
		if b.read(value); b.closed() {
			return n
		}
		return o.deeper(n, func(line string) bool { b.read(line); return b.closed() })
	}
	return n
}

// deeper is the last of the lines below n that lie deeper than its last token,
// or the one where done.
func (o *outline) deeper(n int, done func(line string) bool) int {
	last := n
	for in := n + 1; in < len(o.lines); in++ {
		line := o.line(in)
		if at := indent(line); at < len(line) {
			if at <= o.lines[n].column() {
				break
			}
			last = in
		}
		if done(line) {
			return in
		}
	}
	return last
}

// brackets counts those that are open outside of quotes.
type brackets struct {
	open  int
	quote byte
}

func (b *brackets) read(s string) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case b.quote != 0:
			if c == '\\' && b.quote == '"' {
				i++
			} else if c == b.quote {
				b.quote = 0
			}
		case (c == '"' || c == '\'') && (i == 0 || strings.IndexByte(" [{,", s[i-1]) >= 0):
			b.quote = c
		case c == '{' || c == '[':
			b.open++
		case c == '}' || c == ']':
			b.open--
		}
	}
}

func (b *brackets) closed() bool { return b.open <= 0 && b.quote == 0 }

// above is the way from the head of the file to what holds the token tokens[k]
// of line n.
func (o *outline) above(n int, tokens []token, col int, item bool) []flows.Step {
	var back []flows.Step
	climb := func(tokens []token) {
		for i := len(tokens) - 1; i >= 0; i-- {
			switch t := tokens[i]; {
			case t.item && t.col < col:
				back = append(back, flows.Step{Item: true})
				col, item = t.col, true
			case !t.item && (t.col < col || item && t.col == col):
				back = append(back, flows.Step{Key: t.key})
				col, item = t.col, false
			}
		}
	}
	climb(tokens)
	for n--; n >= 0 && (col > 0 || item); n-- {
		if !o.lines[n].empty {
			climb(o.lines[n].tokens)
		}
	}
	out := make([]flows.Step, 0, len(back))
	for i := len(back) - 1; i >= 0; i-- {
		out = append(out, back[i])
	}
	return out
}

// beside are the keys of the map that has, or would have, a key at a column of
// line n, without that of line n itself.
func (o *outline) beside(n, col int) map[string]bool {
	used := map[string]bool{}
	look := func(in int, down bool) bool {
		s := o.lines[in]
		if s.empty {
			return true
		}
		deeper := true
		for _, t := range s.tokens {
			if t.col < col {
				deeper = false
			}
		}
		if !deeper && down {
			return false
		}
		if last := s.tokens; len(last) > 0 && !last[len(last)-1].item && s.column() == col {
			used[last[len(last)-1].key] = true
		}
		return deeper
	}
	first := o.lines[n].tokens
	if len(first) == 0 || !first[0].item || first[0].col >= col {
		for in := n - 1; in >= 0 && look(in, false); in-- {
		}
	}
	for in := n + 1; in < len(o.lines) && look(in, true); in++ {
	}
	return used
}
