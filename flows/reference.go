package flows

import (
	"fmt"
	"strings"
)

// Construct is one map of the language as the manual shows it.
type Construct struct {
	Name  string // by which keys refer to it: state, collect
	Title string // as it is called: A state
	Keys  []Key
}

// Key is one key of a map: what may be written, what holds when it is left out
// ("" = nothing), and one line of what it is.
type Key struct {
	Name, Value, Default, Doc string
	Required                  bool
	Holds                     string // the map whose keys stand inside; "" = none
}

// Constructs are all maps of the language, from the same table as the checker,
// by name.
func Constructs() map[string]Construct {
	out := map[string]Construct{}
	for name, c := range grammar() {
		shown := Construct{Name: name, Title: headline(c.name)}
		for _, k := range c.keys {
			shown.Keys = append(shown.Keys, Key{Name: k.name, Value: k.kind(k.form), Default: k.def, Doc: k.doc, Required: k.must, Holds: heldMap(k.form)})
		}
		out[name] = shown
	}
	return out
}

// ownMaps are the maps behind the forms that only one key has.
func ownMaps() map[string]string {
	return map[string]string{"slot": "slot", "options": "option", "collect": "collect", "canned": "canned", "mock": "mock", "wanted": "wanted", "exit": "exit", "say": "say_item"}
}

// heldMap is the map whose keys stand inside a value of a form.
func heldMap(form string) string {
	for _, part := range strings.Split(form, "|") {
		for _, wrap := range []string{"mapof:", "listof:", "either:"} {
			part = strings.TrimPrefix(part, wrap)
		}
		head, rest, _ := strings.Cut(part, ":")
		if head == "map" || head == "list" {
			return rest
		}
		if own := ownMaps()[head]; own != "" {
			return own
		}
	}
	return ""
}

func headline(s string) string {
	for _, article := range []string{"a ", "an "} {
		s = strings.TrimPrefix(s, article)
	}
	if strings.HasSuffix(s, ".yaml") {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// kind says in words what a form takes.
func (k key) kind(form string) string {
	head, rest, _ := strings.Cut(form, ":")
	switch head {
	case "word":
		return "`" + strings.Join(k.words, "` `") + "`"
	case "bool":
		return "`true` `false`"
	case "int":
		low, high := k.bounds()
		return fmt.Sprintf("%d–%d", low, high)
	case "map":
		return "map"
	case "list":
		return "list"
	case "listof":
		return "list of " + k.kind(rest)
	case "mapof":
		return "map: name → " + k.kind(rest)
	case "either":
		a, b, _ := strings.Cut(rest, "|")
		return k.kind(a) + ", or " + k.kind(b)
	}
	if said, ok := map[string]string{"scalar": "text", "expr": "condition or value", "exitname": "state", "percent": "percent", "duration": "duration",
		"delay": "duration or business time", "text": "text", "texts": "text or list", "say": "text or list of items", "exit": "state or exit",
		"names": "value or list", "any": "any value", "options": "map or list of options", "collect": "map", "fields": "map of types",
		"canned": "text or map", "slot": "type or map", "values": "list, or map id → label", "mock": "response or list", "wanted": "value, or contains"}[head]; ok {
		return said
	}
	return head
}
