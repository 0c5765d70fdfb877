package flows

import (
	"slices"
	"strings"

	"dispatcher/internal/source"
)

// layout writes the lines of one file anew. Positions come from the nodes, what
// stands there from the bytes: nothing is decoded and written back.
type layout struct {
	keyOrder
	doc  *source.Doc
	text string
	from []int  // where each line begins
	to   []int  // where each line ends, its line break left out
	eol  string // the line break of the file
	bad  bool   // something stands where it cannot be understood

	remarked bool // what is being sorted in brackets has comments

	known map[*source.Node][]member
}

// row is one line that is written.
type row struct {
	indent int
	text   string
	eol    string
}

// member is one key of a map, or one item of a list, that is written in lines of
// its own.
type member struct {
	key       *source.Node // nil for an item
	value     *source.Node
	offset    int // of the key, or of the dash
	line, col int // of the same, from 0
	last      int // line of its last word
}

func newLayout(o keyOrder, doc *source.Doc) *layout {
	l := &layout{keyOrder: o, doc: doc, text: string(doc.Data), eol: "\n", known: map[*source.Node][]member{}}
	for i := 0; i < len(l.text); {
		end := i
		for end < len(l.text) && l.text[end] != '\n' && l.text[end] != '\r' {
			end++
		}
		l.from, l.to = append(l.from, i), append(l.to, end)
		if i = end; strings.HasPrefix(l.text[i:], "\r\n") {
			i++
		}
		i++
	}
	if len(l.from) > 1 {
		l.eol = l.text[l.to[0]:l.from[1]]
	}
	return l
}

// document lays out the whole file.
func (l *layout) document() (string, bool) {
	root := l.doc.Root
	first := root.Range.Line - 1
	begin := 0 // behind %YAML and ---
	for i := range first {
		if strings.HasPrefix(l.line(i), "---") || strings.HasPrefix(l.line(i), "%") {
			begin = i + 1
		}
	}
	if strings.HasPrefix(l.line(first), "---") || !l.inLines(root) {
		return l.text, true
	}
	end := l.last(root, first, -1) + 1
	for end < len(l.from) && !strings.HasPrefix(l.line(end), "...") && !strings.HasPrefix(l.line(end), "---") {
		end++
	}
	rows := l.verbatim(nil, 0, begin)
	rows = append(rows, l.block(root, l.form, 0, begin, end, false)...)
	rows = l.verbatim(rows, end, len(l.from))
	return l.join(rows), !l.bad
}

func (l *layout) verbatim(rows []row, from, to int) []row {
	for i := from; i < to; i++ {
		rows = append(rows, row{text: strings.TrimRight(l.line(i), " \t"), eol: l.lineBreak(i)})
	}
	return rows
}

// join writes the rows. A file ends with a line break, unless its last words
// are those of a block scalar, which would have one more.
func (l *layout) join(rows []row) string {
	var b strings.Builder
	b.Grow(len(l.text) + len(l.text)/8)
	for i, r := range rows {
		last := i == len(rows)-1
		if last && r.text == "" && r.eol == "" {
			break
		}
		if r.text != "" {
			for range r.indent {
				b.WriteByte(' ')
			}
			b.WriteString(r.text)
		}
		switch {
		case r.eol != "":
			b.WriteString(r.eol)
		case !last || !l.endsInBlock(l.doc.Root):
			b.WriteString(l.eol)
		}
	}
	return b.String()
}

// endsInBlock says that the last words are those of a block scalar.
func (l *layout) endsInBlock(n *source.Node) bool {
	for n.Kind == source.Map || n.Kind == source.List {
		if !l.inLines(n) {
			return false
		}
		es := l.entries(n)
		if len(es) == 0 {
			return false
		}
		n = es[len(es)-1].value
	}
	return n.Style == source.Literal || n.Style == source.Folded
}

func (l *layout) line(i int) string { return l.text[l.from[i]:l.to[i]] }

// lineBreak is the line break that ends a line, "" at the end of the file.
func (l *layout) lineBreak(i int) string {
	if i+1 < len(l.from) {
		return l.text[l.to[i]:l.from[i+1]]
	}
	return l.text[l.to[i]:]
}

// split takes a line apart: the blanks it begins with, and the rest.
func (l *layout) split(i int) (indent int, rest string) {
	line := l.line(i)
	rest = strings.TrimLeft(line, " ")
	return len(line) - len(rest), rest
}

func (l *layout) blank(i int) bool { return strings.Trim(l.line(i), " \t") == "" }

// comment says whether a line holds nothing but a comment, and in which column.
func (l *layout) comment(i int) (col int, is bool) {
	line := l.line(i)
	rest := strings.TrimLeft(line, " \t")
	return len(line) - len(rest), strings.HasPrefix(rest, "#")
}

// notes are lines of comments and blank ones.
func (l *layout) notes(from, to, indent int) []row {
	var out []row
	for i := from; i < to; i++ {
		if _, is := l.comment(i); !is && !l.blank(i) {
			l.bad = true
		}
		out = append(out, row{indent, strings.Trim(l.line(i), " \t"), l.lineBreak(i)})
	}
	return out
}

// inLines says that a map or list has its entries on lines of their own, and
// is not written in brackets.
func (l *layout) inLines(n *source.Node) bool {
	if n.Kind != source.Map && n.Kind != source.List {
		return false
	}
	at := l.text[n.Range.Offset]
	return at != '{' && at != '['
}

// entries are those of a map or list in lines, in written order, with those of
// a map whose key was written before.
func (l *layout) entries(n *source.Node) []member {
	if es, known := l.known[n]; known {
		return es
	}
	var es []member
	if n.Kind == source.List {
		es = l.items(n)
	} else {
		for _, p := range pairsByPlace(n, l.doc.Again[n]) {
			e := member{key: p.Key, value: p.Value, offset: p.Key.Range.Offset, line: p.Key.Range.Line - 1}
			e.col = e.offset - l.from[e.line]
			e.last = l.last(e.value, e.line, e.col)
			es = append(es, e)
		}
	}
	l.known[n] = es
	return es
}

// items finds the dash of each item: the first is where the list begins, every
// other on the next line with words, in the same column.
func (l *layout) items(n *source.Node) []member {
	es := make([]member, 0, len(n.Items))
	line := n.Range.Line - 1
	col := n.Range.Offset - l.from[line]
	for i, item := range n.Items {
		if i > 0 {
			for line = es[i-1].last + 1; line < len(l.from); line++ {
				if _, is := l.comment(line); !is && !l.blank(line) {
					break
				}
			}
		}
		if line >= len(l.from) || l.from[line]+col >= l.to[line] || l.text[l.from[line]+col] != '-' {
			l.bad = true
			break
		}
		e := member{value: item, offset: l.from[line] + col, line: line, col: col}
		e.last = l.last(item, line, col)
		es = append(es, e)
	}
	return es
}

// pairsByPlace are the entries of a map by position.
func pairsByPlace(n *source.Node, again []source.Pair) []source.Pair {
	if len(again) == 0 {
		return n.Pairs
	}
	all := slices.Concat(n.Pairs, again)
	slices.SortFunc(all, func(a, b source.Pair) int { return a.Key.Range.Offset - b.Key.Range.Offset })
	return all
}

// last is the line of the last word of a value whose key or dash stands at a
// line and column.
func (l *layout) last(n *source.Node, line, col int) int {
	switch {
	case n.Kind == source.Null:
		return max(line, l.start(n, line))
	case n.Kind == source.Scalar && (n.Style == source.Literal || n.Style == source.Folded):
		return l.blockScalar(n, col).last
	case n.Kind == source.Scalar:
		return n.Range.EndLine - 1
	case l.inLines(n):
		es := l.entries(n)
		if len(es) == 0 {
			l.bad = true
			return line
		}
		return max(line, es[len(es)-1].last)
	}
	end := l.closing(n)
	for line+1 < len(l.from) && l.from[line+1] < end {
		line++
	}
	return line
}

// start is the line where a value begins, that of its key where it is empty.
func (l *layout) start(n *source.Node, line int) int {
	if n.Range.Length == 0 {
		return line
	}
	return n.Range.Line - 1
}
