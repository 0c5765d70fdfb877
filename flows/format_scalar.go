package flows

import (
	"strings"

	"dispatcher/internal/source"
)

// blockScalar is where the words of a | or > stand.
type blockScalar struct {
	content int // column of the words
	written int // indentation that the header gives, 0 for none
	last    int // line
}

// header is what stands behind the | or > of a block scalar.
func (l *layout) header(n *source.Node) string {
	line := l.line(n.Range.Line - 1)
	rest := line[n.Range.Offset-l.from[n.Range.Line-1]:]
	end := 1
	for end < len(rest) && rest[end] > ' ' {
		end++
	}
	return rest[1:end]
}

// blockScalar finds the lines of a block scalar whose key or dash stands in a
// column.
func (l *layout) blockScalar(n *source.Node, col int) blockScalar {
	header, first := l.header(n), n.Range.Line
	s := blockScalar{last: first - 1}
	if i := strings.IndexAny(header, "123456789"); i >= 0 {
		s.written = int(header[i] - '0')
		s.content = col + s.written
	} else {
		s.content = l.firstWords(first)
	}
	if s.content <= col {
		s.content = col + 1 // it has no words
	}
	kept := strings.Contains(header, "+")
	for i := first; i < len(l.from); i++ {
		spaces, rest := l.split(i)
		empty := rest == "" && spaces <= s.content
		if !empty && spaces < s.content {
			break
		}
		if !empty || kept {
			s.last = i
		}
	}
	return s
}

// firstWords is the column of the first words at or below a line.
func (l *layout) firstWords(line int) int {
	for ; line < len(l.from); line++ {
		if spaces, rest := l.split(line); rest != "" {
			return spaces
		}
	}
	return 0
}

// blockRows are the lines of a block scalar below its header: each moves as far
// as the words do, so that its value stays.
func (l *layout) blockRows(e member, start, indent int) []row {
	s := l.blockScalar(e.value, e.col)
	to := indent + 2
	if s.written > 0 {
		to = indent + s.written
	}
	var out []row
	for i := start + 1; i <= s.last; i++ {
		line := l.line(i)
		out = append(out, row{to, line[min(s.content, len(line)):], l.lineBreak(i)})
	}
	return out
}
