package source

import (
	"bytes"
	"sort"
	"unicode/utf8"
)

// chunk is how many bytes lie between two entries of the rune count, so that a
// column on a line of one megabyte costs no more than one on a short line.
const chunk = 64

// lines turns byte offsets into lines and columns and back. The YAML library
// also breaks lines at NEL, LS and PS, editors do not: its positions are read
// with one list of starts, ours are given with the other.
type lines struct {
	data   []byte
	starts []int   // of each line as an editor counts
	loose  []int   // of each line as the YAML library counts; starts where equal
	runes  []int32 // characters before byte i*chunk; nil when all is ASCII
}

func newLines(data []byte) *lines {
	l := &lines{data: data, starts: []int{0}}
	ascii := true
	exotic := false
	for i := 0; i < len(data); i++ {
		switch b := data[i]; {
		case b == '\n', b == '\r' && (i+1 == len(data) || data[i+1] != '\n'):
			l.starts = append(l.starts, i+1)
		case b >= utf8.RuneSelf:
			ascii = false
			exotic = exotic || breakLen(data[i:]) > 0
		}
	}
	l.loose = l.starts
	if exotic {
		l.loose = looseStarts(data)
	}
	if !ascii {
		l.count()
	}
	return l
}

// breakLen is the length of the line break at the head of b, 0 when there is
// none: CR LF, CR, LF, NEL, LS, PS.
func breakLen(b []byte) int {
	switch {
	case bytes.HasPrefix(b, []byte("\r\n")):
		return 2
	case len(b) > 0 && (b[0] == '\n' || b[0] == '\r'):
		return 1
	case bytes.HasPrefix(b, []byte("\u0085")):
		return 2
	case bytes.HasPrefix(b, []byte("\u2028")), bytes.HasPrefix(b, []byte("\u2029")):
		return 3
	}
	return 0
}

func looseStarts(data []byte) []int {
	starts := []int{0}
	for i := 0; i < len(data); {
		n := breakLen(data[i:])
		if n == 0 {
			i++
			continue
		}
		i += n
		starts = append(starts, i)
	}
	return starts
}

func (l *lines) count() {
	l.runes = make([]int32, 0, len(l.data)/chunk+2)
	n := int32(0)
	for i, b := range l.data {
		if i%chunk == 0 {
			l.runes = append(l.runes, n)
		}
		if utf8.RuneStart(b) {
			n++
		}
	}
	l.runes = append(l.runes, n)
}

// before is the number of characters that start before offset.
func (l *lines) before(offset int) int {
	if l.runes == nil {
		return offset
	}
	i := offset / chunk
	if i >= len(l.runes)-1 {
		i = max(len(l.runes)-2, 0)
	}
	n := int(l.runes[i])
	for _, b := range l.data[i*chunk : offset] {
		if utf8.RuneStart(b) {
			n++
		}
	}
	return n
}

// offset is the byte at a line and column of the YAML library, both from 1.
func (l *lines) offset(line, column int) int {
	if line < 1 {
		return 0
	}
	if line > len(l.loose) {
		return len(l.data)
	}
	start := l.loose[line-1]
	if l.runes == nil {
		return min(start+max(column-1, 0), len(l.data))
	}
	want := l.before(start) + max(column-1, 0)
	i := sort.Search(len(l.runes), func(i int) bool { return int(l.runes[i]) > want }) - 1
	off := max(i, 0) * chunk
	n := int(l.runes[max(i, 0)])
	for ; off < len(l.data); off++ {
		if !utf8.RuneStart(l.data[off]) {
			continue
		}
		if n == want {
			break
		}
		n++
	}
	return off
}

// at is the line and column of a byte, both from 1.
func (l *lines) at(offset int) (line, column int) {
	offset = min(max(offset, 0), len(l.data))
	line = sort.Search(len(l.starts), func(i int) bool { return l.starts[i] > offset })
	return line, l.before(offset) - l.before(l.starts[line-1]) + 1
}

// span is the Range of data[from:to].
func (d *Doc) span(from, to int) Range {
	to = max(from, min(to, len(d.Data)))
	r := Range{File: d.Path, Offset: from, Length: to - from}
	r.Line, r.Column = d.lines.at(from)
	r.EndLine, r.EndColumn = d.lines.at(to)
	return r
}
