package flows

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"dispatcher/internal/source"
)

// Mention is one place where a name stands.
type Mention struct {
	Kind string // NameFlow, NameState …
	Flow string // of a state: the flow it belongs to
	Name string
	At   source.Range
	// Declares: the name is given here. Fills: a slot is filled here, which
	// declares it where nothing else does.
	Declares, Fills bool
	// Node is what a declared name is the name of.
	Node *source.Node

	either bool // a schedule, or a queue of that name
}

// Index knows where everything with a name is declared and used, in every file
// of a project. A file that does not parse keeps what it had when it last did.
// Not safe for concurrent use.
type Index struct {
	atlas *Atlas
	files map[string]*indexed
}

// indexed is one file.
type indexed struct {
	data     []byte
	doc      *source.Doc // as it is now; its Root is nil where it does not parse
	mentions []Mention   // in the order of the file
}

// NewIndex is an Index of nothing.
func NewIndex(atlas *Atlas) *Index { return &Index{atlas: atlas, files: map[string]*indexed{}} }

// Update makes the index one of these files. Only what is new is read.
func (x *Index) Update(files map[string][]byte) {
	for path := range x.files {
		if _, there := files[path]; !there {
			delete(x.files, path)
		}
	}
	for path, data := range files {
		kind := FileKind(path)
		was := x.files[path]
		if kind == "" || was != nil && bytes.Equal(was.data, data) {
			continue
		}
		f := &indexed{data: data}
		f.doc, _ = source.Parse(path, data)
		if f.doc.Root != nil {
			f.mentions = x.mentions(kind, f.doc.Root)
		} else if was != nil {
			f.mentions = was.mentions
		}
		x.files[path] = f
	}
}

// Doc is a file as parsed; its Root is nil where it does not parse, and it is
// nil for a file that the index does not have.
func (x *Index) Doc(path string) *source.Doc {
	if f := x.files[path]; f != nil {
		return f.doc
	}
	return nil
}

// Broken are the files that do not parse, sorted.
func (x *Index) Broken() []string {
	var out []string
	for path, f := range x.files {
		if f.doc.Root == nil {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}

// At is what stands at a byte of a file, false where that is no name. In a
// file that does not parse nothing is known to stand anywhere.
func (x *Index) At(path string, offset int) (Mention, bool) {
	f := x.files[path]
	if f == nil || f.doc.Root == nil {
		return Mention{}, false
	}
	for _, m := range f.mentions {
		if offset >= m.At.Offset && offset <= m.At.Offset+m.At.Length {
			return x.settled(m), true
		}
	}
	return Mention{}, false
}

// settled decides whether a name is that of a queue or of a schedule.
func (x *Index) settled(m Mention) Mention {
	if m.either && slices.ContainsFunc(x.Declared(NameQueue, ""), func(d Mention) bool { return d.Name == m.Name }) {
		m.Kind = NameQueue
	}
	m.either = false
	return m
}

// Of are all the places of what a mention is about, by file and place.
func (x *Index) Of(m Mention) []Mention {
	var out []Mention
	x.each(func(o Mention) {
		if o.Name == m.Name && o.Flow == m.Flow && (o.Kind == m.Kind || o.either) && x.settled(o).Kind == m.Kind {
			out = append(out, o)
		}
	})
	return byPlace(out)
}

// Declarations are the places where what a mention is about is declared: a
// slot that nothing declares is declared where it is first filled.
func (x *Index) Declarations(m Mention) []Mention {
	all := x.Of(m)
	declared := slices.DeleteFunc(slices.Clone(all), func(o Mention) bool { return !o.Declares })
	if len(declared) > 0 {
		return declared
	}
	for _, o := range all {
		if o.Fills {
			return []Mention{o}
		}
	}
	return nil
}

// Declared are the names of a kind that exist, each once, by name; of states
// those of one flow.
func (x *Index) Declared(kind, flow string) []Mention {
	found := map[string]Mention{}
	x.each(func(m Mention) {
		if m.Kind != kind || m.Flow != flow || !m.Declares && !m.Fills {
			return
		}
		if have, ok := found[m.Name]; !ok || m.Declares && !have.Declares {
			found[m.Name] = m
		}
	})
	out := make([]Mention, 0, len(found))
	for _, m := range found {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b Mention) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// each visits every mention, files in byte order of their paths.
func (x *Index) each(visit func(Mention)) {
	paths := make([]string, 0, len(x.files))
	for path := range x.files {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		for _, m := range x.files[path].mentions {
			visit(m)
		}
	}
}

// byPlace sorts by file and place.
func byPlace(list []Mention) []Mention {
	slices.SortFunc(list, func(a, b Mention) int {
		return cmp.Or(strings.Compare(a.At.File, b.At.File), a.At.Offset-b.At.Offset)
	})
	return list
}

// Renamable says why a thing cannot be given another name, "" where it can.
func Renamable(kind, from, to string) string {
	switch {
	case kind == NameChannel:
		return "a channel is called by its alias, which its platform and the stored conversations know: it cannot be renamed here"
	case kind == NameState && from == "start":
		return "every flow begins in its state start: it cannot be renamed"
	case to == "":
		return ""
	case !namePattern.MatchString(to):
		why := "\"" + to + "\" is not a usable name: small letters, digits and _, beginning with a letter, at most 40"
		if hint := usableName(to); hint != "" {
			why += "; " + hint
		}
		return why
	case to == "null", kind == NameState && slices.Contains(reservedStates, to), kind == NameSlot && to == "language",
		kind == NameFlow && to == "project":
		return "\"" + to + "\" cannot be the name of a " + kind + ": it has a meaning of its own"
	}
	root := map[string]string{NameSlot: "slots." + to, NameCanned: "canned." + to, NameLookup: to + ".x"}[kind]
	if root == "" {
		return ""
	}
	p := parseExpr(root)
	_, object := objects()[to]
	_, function := functions()[to]
	taken := object || function || slices.Contains([]string{"slots", "canned", "result", "value", "form", "verify"}, to)
	if p.err != nil || rootOf(p.tree) == "" || kind == NameLookup && (rootOf(p.tree) != to || taken) {
		return "\"" + to + "\" cannot be the name of a " + kind + ": it has a meaning of its own in expressions"
	}
	return ""
}
