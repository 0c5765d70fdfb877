package chatui

import (
	"strings"
	"unicode"
)

// maxInput is how many characters one may type in a line.
const maxInput = 4000

// editor is the line that is being written, in characters as a reader counts
// them.
type editor struct {
	text []string
	pos  int // of the cursor: characters before it
}

func (e *editor) value() string { return strings.Join(e.text, "") }

func (e *editor) set(s string) {
	e.text = nil
	e.pos = 0
	e.insert(s)
}

// insert puts a text at the cursor: one line, without control characters.
func (e *editor) insert(s string) {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r' || r == 0x2028 || r == 0x2029:
			return ' '
		case unicode.IsControl(r) || harmless(r) != string(r):
			return -1
		}
		return r
	}, s)
	before := strings.Join(e.text[:e.pos], "") + s
	after := strings.Join(e.text[e.pos:], "")
	e.text = clusters(before + after)
	if len(e.text) > maxInput {
		e.text = e.text[:maxInput]
	}
	e.pos, before = 0, before+"\x00"
	for n := 0; e.pos < len(e.text) && n+len(e.text[e.pos]) < len(before); e.pos++ {
		n += len(e.text[e.pos])
	}
}

// remove takes the characters from i to j away.
func (e *editor) remove(i, j int) {
	e.text = append(e.text[:i:i], e.text[j:]...)
	e.pos = i
}

// wordLeft is where the word before the cursor begins.
func (e *editor) wordLeft() int {
	i := e.pos
	for i > 0 && e.text[i-1] == " " {
		i--
	}
	for i > 0 && e.text[i-1] != " " {
		i--
	}
	return i
}

// wordRight is where the word after the cursor ends.
func (e *editor) wordRight() int {
	i := e.pos
	for i < len(e.text) && e.text[i] == " " {
		i++
	}
	for i < len(e.text) && e.text[i] != " " {
		i++
	}
	return i
}

// key does an editing key; false when it is none.
func (e *editor) key(name string) bool {
	switch name {
	case "left", "ctrl+b":
		e.pos = max(e.pos-1, 0)
	case "right", "ctrl+f":
		e.pos = min(e.pos+1, len(e.text))
	case "home", "ctrl+a":
		e.pos = 0
	case "end", "ctrl+e":
		e.pos = len(e.text)
	case "alt+left", "ctrl+left", "alt+b":
		e.pos = e.wordLeft()
	case "alt+right", "ctrl+right", "alt+f":
		e.pos = e.wordRight()
	case "backspace", "ctrl+h", "shift+backspace":
		e.remove(max(e.pos-1, 0), e.pos)
	case "delete", "ctrl+d":
		e.remove(e.pos, min(e.pos+1, len(e.text)))
	case "ctrl+w", "alt+backspace":
		e.remove(e.wordLeft(), e.pos)
	case "ctrl+u":
		e.remove(0, e.pos)
	case "ctrl+k":
		e.remove(e.pos, len(e.text))
	default:
		return false
	}
	return true
}

// view is the part of the line around the cursor that fits w columns, and the
// column of the cursor in it. hidden characters are shown as dots.
func (e *editor) view(w int, hidden func(i int) bool) (string, int) {
	shown := make([]string, len(e.text))
	widths := make([]int, len(e.text))
	for i, c := range e.text {
		if shown[i], widths[i] = c, width(c); hidden(i) {
			shown[i], widths[i] = "•", 1
		}
	}
	from, at := e.pos, 0
	for from > 0 && at+widths[from-1] < w {
		from--
		at += widths[from]
	}
	to, have := e.pos, at
	for to < len(shown) && have+widths[to] <= w {
		have += widths[to]
		to++
	}
	return strings.Join(shown[from:to], ""), at
}
