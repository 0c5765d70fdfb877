package flows

import (
	"math"
	"slices"
	"strings"

	"dispatcher/internal/source"
)

// maxSorted is how many keys of one map are brought into order; a map of the
// language with more holds hundreds of keys that the language does not know.
const maxSorted = 500

// keyOrder knows what stands where in a file, by the grammar table.
type keyOrder struct {
	grammar map[string]construct
	form    string // of the file
	keep    bool   // leave the order as it is
}

// inside says what a map or list holds.
type inside struct {
	keys *construct // the keys of a map of the language; nil: its order is the writer's
	item string     // form of the items of a list, of the values of a map with names of its own
}

// of is the form of what a key holds.
func (in inside) of(name string) string {
	if in.keys == nil {
		return in.item
	}
	if k, known := in.keys.key(name); known {
		return k.form
	}
	return ""
}

// inside looks through the forms that a value may have (see key in grammar.go).
func (o keyOrder) inside(n *source.Node, form string) inside {
	head, rest, _ := strings.Cut(form, ":")
	switch head {
	case "map":
		return o.keysOf(rest)
	case "list":
		return inside{item: "map:" + rest}
	case "listof", "mapof":
		return inside{item: rest}
	case "either":
		_, second, _ := strings.Cut(rest, "|")
		return o.inside(n, second)
	case "say":
		return inside{item: "map:say_item"}
	case "options":
		return inside{item: "map:option"}
	case "collect":
		if shortCollect(o.grammar["collect"], n) {
			return inside{}
		}
		return o.keysOf("collect")
	case "mock":
		if n.Kind == source.List {
			return inside{item: "map:mock"}
		}
		return o.keysOf("mock")
	case "exit", "wanted", "slot", "canned":
		return o.keysOf(head)
	}
	return inside{}
}

func (o keyOrder) keysOf(name string) inside {
	if name == "locale" { // its keys are names of flows, theirs are names of texts
		return inside{item: "mapof:map:translation"}
	}
	c, known := o.grammar[name]
	if !known {
		return inside{}
	}
	return inside{keys: &c}
}

// span is where among the keys of its map a key may stand: one that ends
// before another begins has to be written before it.
type span struct{ from, to int }

// places gives every key its place. A key that the table does not know goes
// with the key above it.
func (c *construct) places(keys []string) []span {
	index := make(map[string]int, len(c.keys))
	for i, k := range c.keys {
		index[k.name] = 2 * i
	}
	out := make([]span, len(keys))
	above := span{math.MinInt, math.MinInt}
	rivals := c.rivals(keys)
	for i, name := range keys {
		if at, known := index[name]; known {
			above = span{at, at}
			if other, reaches := index[c.keys[at/2].reach]; reaches {
				above = span{min(at, other), max(at, other)}
			}
			if name == "goto" && slices.Contains(keys, "call") { // where it goes on after the call
				above = span{index["call"] + 1, index["call"] + 1}
			}
			for _, r := range rivals {
				if slices.Contains(r, name) {
					above = span{index[r[0]], index[r[len(r)-1]]}
				}
			}
		}
		out[i] = above
	}
	return out
}

// onlyOne are the keys of which a map may have one alone, in the order of the
// table.
func onlyOne() [][]string {
	return [][]string{exitNames, lookupMethods, {"options", "collect", "form", "verify"}, {"image", "video", "file"}}
}

// rivals are those lists of which a map has several nevertheless: the first one
// is what counts, so they stay as they are among each other. A goto beside a
// call belongs to it.
func (c *construct) rivals(keys []string) (out [][]string) {
	for _, list := range onlyOne() {
		n := 0
		for _, name := range list {
			if _, known := c.key(name); !known {
				n = -len(list)
			}
			if slices.Contains(keys, name) && (name != "goto" || !slices.Contains(keys, "call")) {
				n++
			}
		}
		if n > 1 {
			out = append(out, list)
		}
	}
	return out
}

// sorted is the order in which keys are written, as indices. Of those that may
// come next it takes the one written first, so that keys in order stay where
// they are and sorting twice is sorting once.
func (o keyOrder) sorted(in inside, keys []string) []int {
	out := make([]int, 0, len(keys))
	if in.keys == nil || o.keep || len(keys) > maxSorted {
		for i := range keys {
			out = append(out, i)
		}
		return out
	}
	places := in.keys.places(keys)
	used := make([]bool, len(keys))
	for range keys {
		first := math.MaxInt
		for i, p := range places {
			if !used[i] {
				first = min(first, p.to)
			}
		}
		for i, p := range places {
			if !used[i] && p.from <= first {
				used[i] = true
				out = append(out, i)
				break
			}
		}
	}
	return out
}
