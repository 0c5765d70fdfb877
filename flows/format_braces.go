package flows

import (
	"slices"
	"strings"

	"dispatcher/internal/source"
)

// braces sorts the keys of maps that are written in { }, and leaves every other
// character where it is: only the entries change places.
func (l *layout) braces() (string, bool) {
	var b strings.Builder
	at := 0
	l.eachFlow(l.doc.Root, l.form, func(n *source.Node, form string) {
		l.remarked = strings.Contains(l.text[n.Range.Offset:l.closing(n)], "#")
		b.WriteString(l.text[at:n.Range.Offset])
		b.WriteString(l.flow(n, form))
		at = l.closing(n)
	})
	return b.String() + l.text[at:], !l.bad
}

// eachFlow visits what is written in brackets and in nothing else in brackets.
func (l *layout) eachFlow(n *source.Node, form string, visit func(*source.Node, string)) {
	if n.Kind != source.Map && n.Kind != source.List {
		return
	}
	if !l.inLines(n) {
		visit(n, form)
		return
	}
	in := l.inside(n, form)
	for _, item := range n.Items {
		l.eachFlow(item, in.item, visit)
	}
	for _, p := range pairsByPlace(n, l.doc.Again[n]) {
		l.eachFlow(p.Value, in.of(p.Key.Text), visit)
	}
}

// flow is a map or list in brackets with its keys in order.
func (l *layout) flow(n *source.Node, form string) string {
	in := l.inside(n, form)
	at, end := n.Range.Offset, l.closing(n)
	var b strings.Builder
	if n.Kind == source.List {
		for _, item := range n.Items {
			b.WriteString(l.text[at:max(at, item.Range.Offset)])
			at = max(at, l.endOf(item))
			b.WriteString(l.value(item, in.item))
		}
		return b.String() + l.text[at:max(at, end)]
	}
	pairs := pairsByPlace(n, l.doc.Again[n])
	names, ends, texts := make([]string, len(pairs)), make([]int, len(pairs)), make([]string, len(pairs))
	for i, p := range pairs {
		names[i], ends[i] = p.Key.Text, l.endOfPair(p)
		from := max(p.Key.Range.Offset, p.Value.Range.Offset)
		if p.Value.Range == p.Key.Range {
			from = ends[i]
		}
		texts[i] = l.text[p.Key.Range.Offset:from] + l.value(p.Value, in.of(names[i]))
		if p.Value.Range == p.Key.Range {
			texts[i] = l.text[p.Key.Range.Offset:ends[i]]
		}
		at = ends[i]
	}
	order := l.sorted(in, names)
	if l.remarked && strings.ContainsAny(l.text[n.Range.Offset:max(at, end)], "\r\n") {
		order = keyOrder{keep: true}.sorted(in, names) // a comment may stand beside any of its lines
	}
	at = n.Range.Offset
	moved := !slices.IsSorted(order)
	for i, p := range pairs {
		b.WriteString(between(l.text[at:p.Key.Range.Offset], i > 0 && moved))
		at = ends[i]
		b.WriteString(texts[order[i]])
	}
	return b.String() + l.text[at:max(at, end)]
}

// between is what stands between two entries. Of entries that moved the comma
// follows at once: there are words that may not have a blank before it.
func between(gap string, moved bool) string {
	if rest := strings.TrimLeft(gap, " "); moved && strings.HasPrefix(rest, ",") {
		return rest
	}
	return gap
}

// value is what is written of a value in brackets.
func (l *layout) value(n *source.Node, form string) string {
	if n.Kind == source.Map || n.Kind == source.List {
		return l.flow(n, form)
	}
	return l.text[n.Range.Offset : n.Range.Offset+n.Range.Length]
}

// endOfPair is where an entry in brackets ends: with its value, or with the
// colon of an empty one.
func (l *layout) endOfPair(p source.Pair) int {
	if p.Value.Range != p.Key.Range {
		return l.endOf(p.Value)
	}
	end := p.Key.Range.Offset + p.Key.Range.Length
	colon := len(l.text) - len(strings.TrimLeft(l.text[end:], " "))
	if strings.HasPrefix(l.text[colon:], ":") {
		return colon + 1
	}
	return end
}

// endOf is where a value in brackets ends.
func (l *layout) endOf(n *source.Node) int {
	if n.Kind == source.Map || n.Kind == source.List {
		return l.closing(n)
	}
	return n.Range.Offset + n.Range.Length
}

// closing is behind the bracket that closes a map or list, or behind the last
// word of a map that has no brackets of its own, as in [a: b].
func (l *layout) closing(n *source.Node) int {
	at := n.Range.Offset
	bracket := l.text[at] == '{' || l.text[at] == '['
	if bracket {
		at++
	}
	for _, item := range n.Items {
		at = max(at, l.endOf(item))
	}
	for _, p := range pairsByPlace(n, l.doc.Again[n]) {
		at = max(at, l.endOfPair(p))
	}
	if !bracket {
		return at
	}
	for at < len(l.text) {
		switch c := l.text[at]; {
		case c == '}' || c == ']':
			return at + 1
		case c == '#':
			for at < len(l.text) && l.text[at] != '\n' && l.text[at] != '\r' {
				at++
			}
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ':':
			at++
		default:
			l.bad = true
			return at
		}
	}
	l.bad = true
	return at
}
