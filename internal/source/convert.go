package source

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// converter turns the library's nodes into ours and finds what YAML allows but
// flow files do not: anchors, aliases, tags, keys written twice.
type converter struct {
	doc   *Doc
	diags []Diagnostic
	path  []string // the keys that lead to what is converted, "" for an item of a list
	fatal bool     // the tree makes no sense to those who check it
}

func (c *converter) report(code string, r Range, format string, args ...any) {
	if len(c.diags) < MostProblems {
		c.diags = append(c.diags, c.doc.problem(code, r, format, args...))
	}
}

func (c *converter) node(y *yaml.Node) *Node {
	offset := c.doc.lines.offset(y.Line, y.Column)
	n := &Node{doc: c.doc}
	if y.Anchor != "" || y.Kind == yaml.AliasNode || y.Style&yaml.TaggedStyle != 0 {
		return c.refused(y, n, offset)
	}
	switch y.Kind {
	case yaml.MappingNode:
		c.pairs(y, n, offset)
	case yaml.SequenceNode:
		n.Kind = List
		for _, item := range y.Content {
			n.Items = append(n.Items, c.under("", item))
		}
	default:
		c.scalar(y, n, offset)
		return n
	}
	n.Range = c.doc.span(offset, c.end(n, offset, y.Style&yaml.FlowStyle != 0))
	return n
}

// under converts what a key of the present map holds, or an item of a list.
func (c *converter) under(key string, y *yaml.Node) *Node {
	c.path = append(c.path, key)
	n := c.node(y)
	c.path = c.path[:len(c.path)-1]
	return n
}

// holds is what the keys of the present map are called.
func (c *converter) holds() string {
	last := len(c.path) - 1
	switch {
	case last == 0 && c.path[0] == "states":
		return "state"
	case last == 0 && c.path[0] == "slots":
		return "slot"
	case last == 2 && c.path[0] == "states" && c.path[2] == "options",
		last == 3 && c.path[0] == "states" && c.path[2] == "collect" && c.path[3] == "options":
		return "option"
	}
	return "key"
}

func (c *converter) refused(y *yaml.Node, n *Node, offset int) *Node {
	end := offset
	for end < len(c.doc.Data) && c.doc.Data[end] > ' ' && c.doc.Data[end] != ',' && c.doc.Data[end] != '}' && c.doc.Data[end] != ']' {
		end++
	}
	n.Range = c.doc.span(offset, max(end, offset+1))
	n.Kind = Null
	c.fatal = true
	c.report("E008", n.Range, "anchors, aliases and tags (&, *, !) are not used in flow files; quote the text if it is one")
	return n
}

func (c *converter) scalar(y *yaml.Node, n *Node, offset int) {
	n.Text = y.Value
	switch {
	case y.Style&yaml.DoubleQuotedStyle != 0:
		n.Style = DoubleQuoted
	case y.Style&yaml.SingleQuotedStyle != 0:
		n.Style = SingleQuoted
	case y.Style&yaml.LiteralStyle != 0:
		n.Style = Literal
	case y.Style&yaml.FoldedStyle != 0:
		n.Style = Folded
	}
	n.Kind = Scalar
	if n.Style == Plain && (y.Value == "" || y.Value == "~" || y.Value == "null") {
		n.Kind = Null
		n.Range = c.doc.span(offset, offset+len(y.Value))
		return
	}
	_, end := c.doc.scan(offset, n.Text, n.Style)
	n.Range = c.doc.span(offset, end)
}

func (c *converter) pairs(y *yaml.Node, n *Node, offset int) {
	n.Kind = Map
	seen := map[string]*Node{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		if y.Content[i].Kind != yaml.ScalarNode && y.Content[i].Kind != yaml.AliasNode {
			c.braces(y.Content[i], offset)
			return
		}
		key := c.node(y.Content[i])
		if key.Kind == Null {
			key.Kind = Scalar
		}
		if key.Text == "<<" && key.Style == Plain {
			c.report("E008", key.Range, "merge keys (<<) are not used in flow files")
			c.fatal = true
		}
		value := c.under(key.Text, y.Content[i+1])
		if value.Kind == Null && value.Range.Length == 0 {
			value.Range = key.Range
		}
		if first, twice := seen[key.Text]; twice {
			c.again(n, Pair{Key: key, Value: value})
			if len(c.diags) >= MostProblems {
				continue
			}
			c.diags = append(c.diags, Diagnostic{Code: "E108", Severity: Error, Range: key.Words(),
				Message: fmt.Sprintf("%s %q is written twice", c.holds(), key.Text),
				Related: []Related{{Range: first.Words(), Message: fmt.Sprintf("the first %q is here", key.Text)}}})
			continue
		}
		seen[key.Text] = key
		n.Pairs = append(n.Pairs, Pair{Key: key, Value: value})
	}
}

// again keeps an entry whose key the map has already.
func (c *converter) again(n *Node, p Pair) {
	if c.doc.Again == nil {
		c.doc.Again = map[*Node][]Pair{}
	}
	c.doc.Again[n] = append(c.doc.Again[n], p)
}

// braces words a map used as a key, which is nearly always a text that starts
// with {{ and lacks its quotes.
func (c *converter) braces(key *yaml.Node, offset int) {
	c.fatal = true
	data := c.doc.Data[offset:]
	if len(data) > 1 && data[0] == '{' && data[1] == '{' {
		c.diags = append(c.diags, c.doc.unquoted(offset))
		return
	}
	at := c.doc.lines.offset(key.Line, key.Column)
	c.report("E001", c.doc.span(at, at+1), "this file is not valid YAML: the left side of a colon must be a word or a quoted text")
}

// end is where a map or list ends: with its closing bracket, or with its last part.
func (c *converter) end(n *Node, offset int, flow bool) int {
	end := offset + 1
	last := func(r Range) { end = max(end, r.Offset+r.Length) }
	for _, p := range n.Pairs {
		last(p.Key.Range)
		last(p.Value.Range)
	}
	for _, item := range n.Items {
		last(item.Range)
	}
	if !flow {
		return end
	}
	for end < len(c.doc.Data) && c.doc.Data[end] != '}' && c.doc.Data[end] != ']' && c.doc.Data[end] != '\n' {
		end++
	}
	return min(end+1, len(c.doc.Data))
}
