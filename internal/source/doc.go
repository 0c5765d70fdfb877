package source

// Doc is one file as read.
type Doc struct {
	Path string // relative to the project, with /
	Data []byte // BOM stripped
	Root *Node  // nil when the file did not parse

	lines *lines
}
