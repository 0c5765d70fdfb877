package flows

import (
	"fmt"
	"strings"
)

// referenceOrder is the order in which the reference shows the maps of the language.
var referenceOrder = []string{"project", "start_rule", "schedule", "queue", "overflow", "promise", "channel", "price", "service", "canned", "defaults",
	"budget", "retention", "flow", "slot", "state", "csat", "media", "say_item", "http", "option", "match", "choose", "collect", "form", "form_field", "verify",
	"no_match", "no_reply", "exit", "goto", "arm", "call", "handoff", "pick", "returns", "unanswered", "everywhere", "locale", "translation",
	"test_file", "test_defaults", "test", "test_contact", "test_conversation", "test_entry", "test_queue", "mock", "test_step", "wanted", "agent_does"}

// Reference is every key of every map of the language as Markdown, from the
// same table as the checker.
func Reference() string {
	var b strings.Builder
	b.WriteString("# Every key\n\nThis page is made from the table that `dispatcher check` and `dispatcher schema` read.\n")
	g := grammar()
	for _, name := range referenceOrder {
		c := g[name]
		fmt.Fprintf(&b, "\n## %s\n\n| key | value | default | what it is |\n|---|---|---|---|\n", headline(c.name))
		for _, k := range c.keys {
			def := k.def
			if k.must {
				def = "required"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.name, k.kind(k.form), cell(def), cell(k.doc))
		}
	}
	return b.String()
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

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

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
		return "map of " + k.kind(rest)
	case "either":
		a, b, _ := strings.Cut(rest, "|")
		return k.kind(a) + ", or " + k.kind(b)
	}
	if said, ok := map[string]string{"scalar": "text", "expr": "condition or value", "exitname": "state", "percent": "percent", "duration": "duration",
		"delay": "duration or business time", "text": "text", "texts": "text or list", "say": "text or list of items", "exit": "state or exit",
		"names": "name or list", "any": "see the manual of operators", "options": "map or list of options", "collect": "map", "fields": "map of types",
		"canned": "text or map", "slot": "type or map", "values": "list, or map id → label", "mock": "response or list", "wanted": "value, or contains"}[head]; ok {
		return said
	}
	return head
}
