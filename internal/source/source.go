// Package source is the one reader of YAML: it turns the bytes of a file into
// nodes that know where every character came from, and it words and shows
// problems. Flows and channels decode through it; nobody else touches a YAML
// library. It promises bounded time and memory on any input, positions that
// point at the exact words inside every kind of scalar, and every problem of
// a file at once.
package source

import "strings"

// Kind of a Node.
type Kind int8

// The kinds of Node. Null is an empty value, ~ or null.
const (
	Null Kind = iota
	Scalar
	List
	Map
)

// Style of a scalar as written.
type Style int8

// The styles of a scalar.
const (
	Plain Style = iota
	SingleQuoted
	DoubleQuoted
	Literal
	Folded
)

// Range is a place in a file. Lines and columns count from 1, columns in
// characters; the end is exclusive; Offset and Length are bytes.
type Range struct {
	File               string
	Line, Column       int
	EndLine, EndColumn int
	Offset, Length     int
}

// Node is one value of a file. Scalars are the characters typed, never a
// resolved type.
type Node struct {
	Kind  Kind
	Text  string // Scalar: its value
	Style Style
	Pairs []Pair  // Map: in written order
	Items []*Node // List
	Range Range
	doc   *Doc
}

// Pair is one entry of a map.
type Pair struct {
	Key   *Node // always a Scalar
	Value *Node // never nil; Kind Null where nothing was written
}

// Get returns the value of a key, or nil.
func (n *Node) Get(key string) *Node {
	if p := n.Pair(key); p != nil {
		return p.Value
	}
	return nil
}

// Pair returns the entry of a key, or nil. It may be asked of any node, nil included.
func (n *Node) Pair(key string) *Pair {
	if n == nil || n.Kind != Map {
		return nil
	}
	for i := range n.Pairs {
		if n.Pairs[i].Key.Text == key {
			return &n.Pairs[i]
		}
	}
	return nil
}

// At gives the range of a part of a scalar's Text, in bytes of Text, in the
// file's own line and column, whatever the scalar's style.
func (n *Node) At(from, to int) Range {
	if n.Kind != Scalar || n.doc == nil {
		return n.Range
	}
	segs := n.doc.segments(n)
	start, end, ok := span(segs, from, to)
	if !ok {
		return n.Range
	}
	return n.doc.span(start, end)
}

// Words is where the words of a node stand, which is what a problem about them
// underlines: without the quotes of a quoted scalar, without the | or > of a
// block. Where there are no words, and for a list or map, it is the whole Range.
func (n *Node) Words() Range {
	text := strings.TrimRight(n.Text, "\n")
	if n.Kind != Scalar || n.Style == Plain || text == "" {
		return n.Range
	}
	return n.At(len(text)-len(strings.TrimLeft(text, "\n")), len(text))
}

// Severity of a Diagnostic.
const (
	Error   = "error"
	Warning = "warning"
)

// Diagnostic is one problem. Its code never changes meaning.
type Diagnostic struct {
	Code     string // E101, W326 …
	Severity string
	Message  string // plain words, naming what the writer wrote
	Hint     string
	Range    Range
	Flow     string
	State    string
	Related  []Related
	Fix      *Fix
}

// Related is another place that a problem is about.
type Related struct {
	Range   Range
	Message string
	Aside   bool // for programs: the text says it in its hint
}

// Fix is a change that would repair a problem.
type Fix struct {
	Safe  bool // may be applied without asking
	Edits []Edit
}

// Edit replaces one range.
type Edit struct {
	Range Range
	Text  string
}
