package flows

import (
	"slices"
	"strings"

	"dispatcher/internal/source"
)

// modeline is the comment by which an editor finds the schema of a file: it
// stays at the top.
const modeline = "yaml-language-server:"

// chunk is one entry with all that travels with it.
type chunk struct {
	rows []row
	gap  []row // blank lines after it, which stay where they are
}

// block lays out a map or list whose lines, with the comments around its
// entries, are from to to. compact says that its first entry stands on the line
// of a dash, which is from.
func (l *layout) block(n *source.Node, form string, indent, from, to int, compact bool) []row {
	es := l.entries(n)
	if len(es) == 0 {
		l.bad = true
		return nil
	}
	in := l.inside(n, form)
	head, lead := l.head(from, es[0].line, indent)
	parts := make([]chunk, len(es))
	names := make([]string, len(es))
	var tail []row
	open := false
	for i, e := range es {
		until, isLast := to, i == len(es)-1
		if !isLast {
			until = es[i+1].line
		}
		deep := l.deeper(e.last+1, until, e.col)
		trail, gap, rest := l.between(deep, until, indent, isLast)
		name := in.item
		if e.key != nil {
			names[i] = e.key.Text
			name = in.of(e.key.Text)
		}
		if i > 0 || !compact {
			l.alone(e)
		}
		parts[i].rows = append(append(lead, l.entry(e, name, indent, deep)...), trail...)
		if len(trail) > 0 && len(gap) > 0 { // so that the next key does not take the comment for its own
			parts[i].rows, gap = append(parts[i].rows, gap[0]), gap[1:]
		}
		parts[i].gap, lead = gap, rest
		open = open || l.open(e.value)
		if isLast {
			tail = slices.Concat(gap, rest)
		}
	}
	if n.Kind == source.List || open { // what is open would swallow the blank lines of another place
		return flatten(head, parts, nil, tail)
	}
	return flatten(head, parts, l.sorted(in, names), tail)
}

// flatten writes the parts in an order, nil for that of the list. The blank
// lines between them stay between the first and the second, and so on.
func flatten(head []row, parts []chunk, order []int, tail []row) []row {
	out := head
	for i, p := range parts {
		if order != nil {
			p.rows = parts[order[i]].rows
		}
		out = append(out, p.rows...)
		if i < len(parts)-1 {
			out = append(out, p.gap...)
		}
	}
	return append(out, tail...)
}

// alone makes sure that nothing but blanks stands before an entry on its line.
func (l *layout) alone(e member) {
	if strings.Trim(l.text[l.from[e.line]:e.offset], " ") != "" {
		l.bad = true
	}
}

// head parts the comments before the first entry: what stands right above it is
// its own, the rest is about the whole and stays at the top.
func (l *layout) head(from, to, indent int) (head, lead []row) {
	at := to
	for at > from {
		if _, is := l.comment(at - 1); !is || strings.Contains(l.line(at-1), modeline) {
			break
		}
		at--
	}
	return l.notes(from, at, indent), l.notes(at, to, indent)
}

// deeper is the end of the comments that are written further to the right than
// the entry above them: they belong into it.
func (l *layout) deeper(from, to, col int) int {
	end := from
	for i := from; i < to; i++ {
		at, is := l.comment(i)
		if is && at <= col {
			break
		}
		if is {
			end = i + 1
		}
	}
	return end
}

// between parts what stands between two entries: comments right below the first
// and apart from the second, blank lines, and what stands above the second.
func (l *layout) between(from, to, indent int, isLast bool) (trail, gap, lead []row) {
	at := from
	for at < to && !l.blank(at) {
		at++
	}
	if at == to && !isLast {
		at = from
	}
	trail = l.notes(from, at, indent)
	next := at
	for next < to && l.blank(next) {
		next++
	}
	return trail, l.notes(at, next, indent), l.notes(next, to, indent)
}

// open says that a value ends in a block scalar that takes every blank line
// after it for its own.
func (l *layout) open(n *source.Node) bool {
	for l.inLines(n) {
		es := l.entries(n)
		if len(es) == 0 {
			return false
		}
		n = es[len(es)-1].value
	}
	if n.Style != source.Literal && n.Style != source.Folded {
		return false
	}
	return strings.Contains(l.header(n), "+")
}

// entry lays out one entry and the comments below it that belong into it, which
// end before line to.
func (l *layout) entry(e member, form string, indent, to int) []row {
	start := l.start(e.value, e.line)
	if e.key == nil && start == e.line && e.value.Range.Length > 0 && e.value.Range.Offset > e.offset {
		return l.compactItem(e, form, indent, to)
	}
	out := []row{l.firstRow(e, e.offset, "", indent)}
	if l.inLines(e.value) {
		return append(out, l.block(e.value, form, indent+2, e.line+1, to, false)...)
	}
	shift := indent - e.col
	if start > e.line {
		out = append(out, l.notes(e.line+1, start, indent+2)...)
		col := e.value.Range.Offset - l.from[start]
		out = append(out, l.firstRow(member{value: e.value, line: start}, e.value.Range.Offset, "", indent+2))
		shift = indent + 2 - col
	}
	return append(out, l.further(e, start, shift, indent, to)...)
}

// compactItem lays out an item that begins on the line of its dash.
func (l *layout) compactItem(e member, form string, indent, to int) []row {
	if !l.inLines(e.value) {
		first := l.firstRow(e, e.value.Range.Offset, "- ", indent)
		return append([]row{first}, l.further(e, e.line, indent-e.col, indent, to)...)
	}
	rows := l.block(e.value, form, indent+2, e.line, to, true)
	for i := range rows {
		rows[i].indent = indent // comments that came to the top stand above the dash
		if rows[i].text != "" && rows[i].text[0] != '#' {
			rows[i].text = "- " + rows[i].text
			break
		}
	}
	return rows
}

// firstRow is a line from an offset on, moved to an indentation.
func (l *layout) firstRow(e member, offset int, dash string, indent int) row {
	text := l.text[offset:l.to[e.line]]
	if !l.endsInside(e.value, e.line) {
		text = strings.TrimRight(text, " \t")
	}
	return row{indent, dash + text, l.lineBreak(e.line)}
}

// endsInside says that the end of a line is inside a scalar in quotes.
func (l *layout) endsInside(n *source.Node, line int) bool {
	return n.Kind == source.Scalar && n.Style != source.Literal && n.Style != source.Folded &&
		l.start(n, line) <= line && n.Range.EndLine-1 > line
}

// further are the lines of a value after its first, and the comments below it.
func (l *layout) further(e member, start, shift, indent, to int) []row {
	var out []row
	if e.value.Kind == source.Scalar && (e.value.Style == source.Literal || e.value.Style == source.Folded) {
		out = l.blockRows(e, start, indent)
		return append(out, l.notes(e.last+1, to, indent)...)
	}
	least := indent
	if e.value.Kind == source.Scalar {
		least++
	}
	for i := start + 1; i <= e.last; i++ {
		spaces, rest := l.split(i)
		if l.blank(i) || i == e.last {
			rest = strings.TrimRight(rest, " \t")
		}
		out = append(out, row{max(spaces+shift, least), rest, l.lineBreak(i)})
	}
	return append(out, l.notes(e.last+1, to, indent+2)...)
}
