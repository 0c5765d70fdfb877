package lsp

import (
	"strings"
	"unicode/utf8"
)

// text is the text of one file with the places where its lines begin. It never
// changes; an edit makes another.
type text struct {
	data   string
	starts []int
}

// newText breaks lines as the protocol does: at LF, CR LF and CR.
func newText(data string) *text {
	t := &text{data: data, starts: []int{0}}
	for i := 0; i < len(data); i++ {
		if data[i] == '\n' || data[i] == '\r' && (i+1 == len(data) || data[i+1] != '\n') {
			t.starts = append(t.starts, i+1)
		}
	}
	return t
}

// line is a line without its break; "" where there is none.
func (t *text) line(n int) string {
	if n < 0 || n >= len(t.starts) {
		return ""
	}
	end := len(t.data)
	if n+1 < len(t.starts) {
		end = t.starts[n+1]
	}
	return strings.TrimRight(t.data[t.starts[n]:end], "\r\n")
}

// encoding counts the columns of a position: the units that client and server
// have agreed on.
type encoding string

const (
	utf8Units  encoding = "utf-8"
	utf16Units encoding = "utf-16"
	utf32Units encoding = "utf-32"
)

// width is how many units a character takes.
func (e encoding) width(r rune, bytes int) int {
	switch {
	case e == utf8Units:
		return bytes
	case e == utf16Units && r > 0xffff:
		return 2
	}
	return 1
}

// offset is the byte at a position. A line beyond the last is the end of the
// text, a column beyond its line is the line's end, and one in the middle of a
// character is its beginning.
func (t *text) offset(p position, e encoding) int {
	if p.Line < 0 {
		return 0
	}
	if p.Line >= len(t.starts) {
		return len(t.data)
	}
	line := t.line(p.Line)
	at, left := 0, p.Character
	for at < len(line) {
		r, n := utf8.DecodeRuneInString(line[at:])
		w := e.width(r, n)
		if left < w {
			break
		}
		left -= w
		at += n
	}
	return t.starts[p.Line] + at
}

// lineAt is the line of a byte.
func (t *text) lineAt(offset int) int {
	low, high := 0, len(t.starts)
	for high-low > 1 {
		if mid := (low + high) / 2; t.starts[mid] <= offset {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// position is where a byte stands.
func (t *text) position(offset int, e encoding) position {
	offset = min(max(offset, 0), len(t.data))
	p := position{Line: t.lineAt(offset)}
	for at := t.starts[p.Line]; at < offset; {
		r, n := utf8.DecodeRuneInString(t.data[at:])
		if at+n > offset {
			break
		}
		p.Character += e.width(r, n)
		at += n
	}
	return p
}

// span is data[from:to] as a range.
func (t *text) span(from, to int, e encoding) lspRange {
	return lspRange{t.position(from, e), t.position(max(from, to), e)}
}

// edited is the text after one change; without a range it is a new text.
func (t *text) edited(c contentChange, e encoding) *text {
	if c.Range == nil {
		return newText(c.Text)
	}
	from, to := t.offset(c.Range.Start, e), t.offset(c.Range.End, e)
	if to < from {
		from, to = to, from
	}
	return newText(t.data[:from] + c.Text + t.data[to:])
}

// mark is how long the byte order mark at the head of a text is. What the
// reader of YAML says of places counts from behind it.
func (t *text) mark() int {
	if strings.HasPrefix(t.data, "\ufeff") {
		return len("\ufeff")
	}
	return 0
}
