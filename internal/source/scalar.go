package source

import (
	"bytes"
	"sort"
	"strings"
	"unicode/utf8"
)

// segment says where some bytes of a scalar's value stand in the file. Of
// equal lengths they correspond one to one; else (an escape, a folded line
// break) all value bytes stand for the whole of the source.
type segment struct{ value, valueLen, offset, length int }

// span finds the source of value[from:to].
func span(segs []segment, from, to int) (start, end int, ok bool) {
	start, end = -1, -1
	first := sort.Search(len(segs), func(i int) bool { return segs[i].value+segs[i].valueLen >= from })
	for _, s := range segs[first:] {
		if start < 0 && from < s.value+s.valueLen {
			start = s.offset
			if s.valueLen == s.length {
				start += max(from-s.value, 0)
			}
		}
		if to <= s.value+s.valueLen && (to > s.value || start >= 0) {
			end = s.offset + s.length
			if s.valueLen == s.length {
				end = s.offset + max(to-s.value, 0)
			}
			break
		}
	}
	if start < 0 && len(segs) > 0 {
		last := segs[len(segs)-1]
		start = last.offset + last.length
	}
	if start < 0 {
		return 0, 0, false
	}
	return start, max(start, end), true
}

// scan walks a scalar again, which the YAML library gives only a start for,
// and returns where each piece of its value stands and where it ends.
func (d *Doc) scan(offset int, value string, style Style) ([]segment, int) {
	w := &walker{data: d.Data, pos: offset, value: value}
	switch style {
	case SingleQuoted:
		w.pos++
		w.quoted('\'')
	case DoubleQuoted:
		w.pos++
		w.quoted('"')
	case Literal, Folded:
		w.block()
	default:
		w.plain()
	}
	return w.segs, w.pos
}

type walker struct {
	data  []byte
	pos   int // in data
	value string
	done  int // of value
	segs  []segment
}

// take maps n value bytes to the next length source bytes.
func (w *walker) take(n, length int) {
	n = min(n, len(w.value)-w.done)
	if length == 0 && n == 0 {
		return
	}
	if n == length && len(w.segs) > 0 {
		last := &w.segs[len(w.segs)-1]
		if last.valueLen == last.length && last.value+last.valueLen == w.done && last.offset+last.length == w.pos {
			last.valueLen += n
			last.length += n
			w.done += n
			w.pos += length
			return
		}
	}
	w.segs = append(w.segs, segment{w.done, n, w.pos, length})
	w.done += n
	w.pos += length
}

func (w *walker) plain() {
	for w.done < len(w.value) && w.pos < len(w.data) {
		if n, breaks := w.fold(); breaks > 0 {
			w.take(max(breaks-1, 1), n)
			continue
		}
		w.take(1, 1)
	}
}

// fold measures blanks with line breaks in them at the present place.
func (w *walker) fold() (length, breaks int) {
	b := w.data[w.pos:]
	i := 0
	for i < len(b) {
		if b[i] == ' ' || b[i] == '\t' {
			i++
			continue
		}
		n := breakLen(b[i:])
		if n == 0 || n == 3 { // LS and PS stay what they are
			break
		}
		i += n
		breaks++
	}
	return i, breaks
}

func (w *walker) quoted(quote byte) {
	for w.pos < len(w.data) {
		c := w.data[w.pos]
		switch {
		case quote == '\'' && c == quote && w.pos+1 < len(w.data) && w.data[w.pos+1] == quote:
			w.take(1, 2)
		case c == quote:
			w.pos++
			return
		case quote == '"' && c == '\\':
			w.escape()
		default:
			if n, breaks := w.fold(); breaks > 0 {
				w.take(max(breaks-1, 1), n)
				continue
			}
			w.take(1, 1)
		}
	}
}

// escape maps one \ sequence of a double-quoted scalar.
func (w *walker) escape() {
	rest := w.data[w.pos+1:]
	if n := breakLen(rest); n > 0 { // the line goes on below
		w.pos += 1 + n
		length, breaks := w.fold()
		w.take(breaks, length)
		return
	}
	length := 2
	if len(rest) > 0 {
		switch rest[0] {
		case 'x':
			length = 4
		case 'u':
			length = 6
		case 'U':
			length = 10
		}
	}
	_, size := utf8.DecodeRuneInString(w.value[min(w.done, len(w.value)):])
	w.take(size, min(length, len(w.data)-w.pos))
}

// block walks a literal or folded scalar line by line. The indentation is what
// the first line with words has more than the value.
func (w *walker) block() {
	w.pos = w.lineEnd(w.pos)
	w.pos += breakLen(w.data[w.pos:])
	indent := w.indent()
	for w.done < len(w.value) && w.pos < len(w.data) {
		end := w.lineEnd(w.pos)
		text := bytes.TrimLeft(w.data[w.pos:min(w.pos+indent, end)], " ")
		w.pos = min(w.pos+indent, end) - len(text)
		n := min(end-w.pos, len(w.value)-w.done)
		w.take(n, n)
		if w.done >= len(w.value) {
			return
		}
		w.gap(indent)
	}
}

// gap maps what stands between two lines of a block scalar: a folded blank, or
// as many breaks as the value has.
func (w *walker) gap(indent int) {
	n := 1
	if w.value[w.done] == '\n' {
		for w.done+n < len(w.value) && w.value[w.done+n] == '\n' {
			n++
		}
	}
	from := w.pos
	pos := w.pos
	for pos < len(w.data) {
		b := breakLen(w.data[pos:])
		if b == 0 {
			break
		}
		pos += b
		end := w.lineEnd(pos)
		if len(bytes.TrimLeft(w.data[pos:end], " ")) > 0 || end-pos > indent {
			break
		}
		pos = end
	}
	if w.done+n >= len(w.value) { // the last break ends the scalar
		pos = from + breakLen(w.data[from:])
	}
	w.take(n, pos-from)
}

func (w *walker) lineEnd(pos int) int {
	for pos < len(w.data) && breakLen(w.data[pos:]) == 0 {
		pos++
	}
	return pos
}

func (w *walker) indent() int {
	value := strings.TrimLeft(w.value, "\n")
	first, _, _ := strings.Cut(value, "\n")
	want := len(first) - len(strings.TrimLeft(first, " "))
	for pos := w.pos; pos < len(w.data); {
		end := w.lineEnd(pos)
		line := w.data[pos:end]
		if trimmed := bytes.TrimLeft(line, " "); len(trimmed) > 0 {
			return max(len(line)-len(trimmed)-want, 0)
		}
		if end == len(w.data) {
			break
		}
		pos = end + breakLen(w.data[end:])
	}
	return 0
}
