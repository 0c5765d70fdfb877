package source

import "sync"

// Doc is one file as read.
type Doc struct {
	Path string // relative to the project, with /
	Data []byte // BOM stripped
	Root *Node  // nil when the file did not parse

	// Again holds, by map, the entries that no Pairs lists because their key was
	// written before (E108). Who changes the text of a file must know of them.
	Again map[*Node][]Pair

	lines *lines
	mu    sync.Mutex
	last  *Node     // whose segments are kept
	segs  []segment // of last
}

// segments scans a scalar once for many questions about it in a row.
func (d *Doc) segments(n *Node) []segment {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last != n {
		d.segs, _ = d.scan(n.Range.Offset, n.Text, n.Style)
		d.last = n
	}
	return d.segs
}
