package lsp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func shownProblems(p publishParams) []string {
	out := []string{}
	for _, d := range p.Diagnostics {
		out = append(out, fmt.Sprintf("%d:%d-%d:%d %s", d.Range.Start.Line, d.Range.Start.Character, d.Range.End.Line, d.Range.End.Character, d.Code))
	}
	return out
}

// TestCompletion: text with the cursor → what must be offered, and what must not.
func TestCompletion(t *testing.T) {
	t.Parallel()
	head := "flow: welcome\nslots:\n  topic: {type: choice, values: [order, other]}\nstates:\n"
	cases := []struct{ name, path, text, want, not string }{
		{"keys of a flow", "flows/welcome.yaml", "flow: welcome\n¦", "states slots everywhere", "flow goto"},
		{"half a key", "flows/welcome.yaml", "flow: welcome\nsta¦", "states", "flow"},
		{"keys of a state", "flows/welcome.yaml", head + "  start:\n    say: Hello\n    ¦", "goto ask options handoff", "say flow slots"},
		{"keys beside later ones", "flows/welcome.yaml", head + "  start:\n    ¦\n    goto: menu\n", "say ask", "goto"},
		{"keys in braces", "flows/welcome.yaml", head + "  start: {say: Hello, ¦}\n", "goto handoff", "say"},
		{"keys in braces beside later ones", "flows/welcome.yaml", head + "  start: {¦, goto: menu}\n", "say", "goto"},
		{"keys of an option", "flows/welcome.yaml", head + "  start:\n    ask: Q\n    options:\n      - label: A\n        ¦", "match goto when", "label options"},
		{"keys of a new option", "flows/welcome.yaml", head + "  start:\n    ask: Q\n    options:\n      - ¦", "label id goto", "options"},
		{"keys of http", "flows/welcome.yaml", head + "  start:\n    http:\n      service: shop\n      ¦", "get returns on", "service say"},
		{"keys of dispatcher.yaml", "dispatcher.yaml", "dispatcher: 1\n¦", "queues schedules start", "dispatcher flow"},
		{"keys of a queue", "dispatcher.yaml", "dispatcher: 1\nqueues:\n  orders: {¦}\n", "schedule first_reply", "queues"},
		{"keys of a test step", "flows/tests/a.test.yaml", "tests:\n  - name: a\n    chat:\n      - ¦", "user bot tap", "name"},
		{"states", "flows/welcome.yaml", head + "  start:\n    goto: ¦\n  menu:\n    say: x\n", "start menu resume track.start", "orders"},
		{"states of the file as it stands", "flows/welcome.yaml", head + "  start:\n    goto: n¦\n  new_one:\n    say: \"x\n", "new_one", ""},
		{"states of another flow", "flows/welcome.yaml", head + "  start:\n    goto: track.¦\n", "track.start track.look", "start menu"},
		{"state of a short option", "flows/welcome.yaml", head + "  start:\n    ask: Q\n    options:\n      Yes please: ¦\n", "start", "orders"},
		{"state in give_up", "flows/welcome.yaml", head + "  start:\n    collect: {slot: topic, give_up: ¦}\n", "start", "topic"},
		{"flows", "flows/welcome.yaml", head + "  start:\n    call: ¦\n", "track welcome", "start"},
		{"flows of start rules", "dispatcher.yaml", "dispatcher: 1\nstart:\n  - if: contact.vip\n    flow: ¦\n", "track welcome", "menu"},
		{"queues", "flows/welcome.yaml", head + "  start:\n    handoff: ¦\n", "orders general", "support"},
		{"queues of a pick", "flows/welcome.yaml", head + "  start:\n    handoff:\n      queue:\n        - if: contact.vip\n          use: ¦\n", "orders general", "high"},
		{"priorities of a pick", "flows/welcome.yaml", head + "  start:\n    handoff:\n      priority:\n        - if: contact.vip\n          use: ¦\n", "high urgent", "orders"},
		{"services", "flows/welcome.yaml", head + "  start:\n    http: {service: ¦}\n", "shop", "orders"},
		{"slots", "flows/welcome.yaml", head + "  start:\n    save: ¦\n", "topic order_number", "orders"},
		{"slots as keys", "flows/welcome.yaml", head + "  start:\n    set:\n      ¦\n", "topic order_number", "say"},
		{"words of a key", "flows/welcome.yaml", "flow: welcome\nslots:\n  a: {type: ¦}\n", "choice yes_no media", "topic"},
		{"words of a list", "flows/welcome.yaml", "flow: welcome\non: [¦]\n", "private public", ""},
		{"type of a slot", "flows/welcome.yaml", "flow: welcome\nslots:\n  a: ¦\n", "choice date", ""},
		{"true and false", "flows/welcome.yaml", "flow: welcome\nshadow: ¦\n", "true false", ""},
		{"names in a condition", "flows/welcome.yaml", head + "  start:\n    when: ¦\n", "contact slots open mentions not", "menu"},
		{"names in braces of a text", "flows/welcome.yaml", head + "  start:\n    say: \"Hello {{ ¦\n", "contact canned order now", "menu"},
		{"fields", "flows/welcome.yaml", head + "  start:\n    say: \"Hello {{ contact.¦ }}\"\n", "first_name vip", "contact now"},
		{"slots behind a dot", "flows/welcome.yaml", head + "  start:\n    branch:\n      - if: slots.¦\n", "topic order_number", "contact"},
		{"canned behind a dot", "flows/welcome.yaml", head + "  start:\n    say: |\n      One\n      {{ canned.¦ }}\n", "sorry", "topic"},
		{"fields of a look-up", "flows/welcome.yaml", head + "  start:\n    say: \"{{ order.¦ }}\"\n", "status eta", "topic"},
		{"queue of a handoff", "flows/welcome.yaml", head + "  start:\n    handoff:\n      say: \"{{ queue.¦ }}\"\n", "wait_minutes position", "topic"},
		{"schedules of a function", "flows/welcome.yaml", head + "  start:\n    when: open(\"¦\n", "support orders", "contact"},
		{"values of a choice", "flows/welcome.yaml", head + "  start:\n    when: slots.topic == \"¦\n", "order other", "contact"},
		{"nothing in a comment", "flows/welcome.yaml", "flow: welcome\n# ¦", "", "states"},
		{"nothing in plain text", "flows/welcome.yaml", head + "  start:\n    say: Hello ¦\n", "", "states contact"},
		{"behind a broken line", "flows/welcome.yaml", head + "  start:\n    say: \"Hello\n    goto: menu\n  menu:\n    goto: ¦\n", "start menu", ""},
		{"behind CR LF", "flows/welcome.yaml", strings.ReplaceAll(head+"  start:\n    handoff: ¦\n", "\n", "\r\n"), "orders", ""},
		{"behind an emoji", "flows/welcome.yaml", head + "  start: {say: \"👋\", goto: ¦}\n", "start", ""},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, testProject, "")
			var got completionList
			c.call("textDocument/completion", c.open(test.path, test.text), &got)
			var labels []string
			for _, item := range got.Items {
				labels = append(labels, item.Label)
			}
			for _, want := range strings.Fields(test.want) {
				if !slices.Contains(labels, want) {
					t.Errorf("%s is not offered: %v", want, labels)
				}
			}
			for _, not := range strings.Fields(test.not) {
				if slices.Contains(labels, not) {
					t.Errorf("%s is offered: %v", not, labels)
				}
			}
		})
	}
}

// TestCompletionEdits: what is chosen takes the place of what was begun.
func TestCompletionEdits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, label, want string }{
		{"flow: welcome\nsta¦", "states", "flow: welcome\nstates:"},
		{"flow: welcome\nstates:\n  start:\n    go¦", "goto", "flow: welcome\nstates:\n  start:\n    goto: "},
		{"flow: welcome\nstates:\n  start:\n    go¦: x", "goto", "flow: welcome\nstates:\n  start:\n    goto: x"},
		{"flow: welcome\nstates:\n  start:\n    goto: track.l¦", "track.look", "flow: welcome\nstates:\n  start:\n    goto: track.look"},
		{"flow: welcome\nstates:\n  start:\n    say: \"👋 {{ contact.fi¦ }}\"", "first_name", "flow: welcome\nstates:\n  start:\n    say: \"👋 {{ contact.first_name }}\""},
		{"flow: welcome\nstates:\n  start: {handoff: \"or¦\"}", "orders", "flow: welcome\nstates:\n  start: {handoff: \"orders\"}"},
	} {
		c := start(t, testProject, "")
		var got completionList
		c.call("textDocument/completion", c.open("flows/welcome.yaml", test.text), &got)
		i := slices.IndexFunc(got.Items, func(i completionItem) bool { return i.Label == test.label })
		if i < 0 {
			t.Errorf("%q: %s is not offered", test.text, test.label)
			continue
		}
		edit := got.Items[i].TextEdit
		now := newText(strings.Replace(test.text, "¦", "", 1)).edited(contentChange{Range: &edit.Range, Text: edit.NewText}, utf16Units)
		if now.data != test.want {
			t.Errorf("%q becomes %q, want %q", test.text, now.data, test.want)
		}
	}
}

// TestHover: text with the cursor → words that must be said.
func TestHover(t *testing.T) {
	t.Parallel()
	text := files(testProject)["flows/welcome.yaml"]
	for _, test := range []struct{ name, old, new, want string }{
		{"key", "    ask: What", "    a¦sk: What", "the question, with options"},
		{"key of an option", "label: My", "la¦bel: My", "at most 80 characters"},
		{"state", "goto: menu", "goto: me¦nu", "What is it about?|My order · Something else|flows/welcome.yaml:9"},
		{"state of another flow", "goto: menu", "goto: track.to¦ld", "It is {{ order.status }}|flows/track.yaml"},
		{"flow", "call: track", "call: tr¦ack", "3 states|flows/track.yaml:1"},
		{"slot", "save: topic", "save: to¦pic", "choice|[order, other]|flows/welcome.yaml:4"},
		{"slot that is not declared", "{{ canned.sorry }}", "{{ slots.order_n¦umber }}", "declared nowhere|flows/track.yaml:4"},
		{"queue", "handoff: orders", "handoff: or¦ders", "Orders|15m|dispatcher.yaml"},
		{"canned", "{{ canned.sorry }}", "{{ canned.so¦rry }}", "Sorry about that."},
		{"function", "{{ canned.sorry }}", "{{ o¦pens_at('support') | day() }}", "opens_at(schedule)|opens next"},
		{"schedule", "{{ canned.sorry }}", "{{ opens_at('supp¦ort') | day() }}", "08:00-20:00"},
		{"queue in a function", "{{ canned.sorry }}", "{{ open('or¦ders') }}", "**queue**"},
		{"field", "{{ canned.sorry }}", "{{ contact.vi¦p }}", "true or false"},
		{"group", "{{ canned.sorry }}", "{{ con¦tact.vip }}", "who writes"},
		{"look-up", "{{ canned.sorry }}", "{{ or¦der.status }}", "/orders/"},
		{"problem", "goto: menu", "goto: me¦nuu", "there is no state called"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, testProject, "")
			at := c.open("flows/welcome.yaml", strings.Replace(text, test.old, test.new, 1))
			c.problems("flows/welcome.yaml", 1)
			var got hover
			c.call("textDocument/hover", at, &got)
			for want := range strings.SplitSeq(test.want, "|") {
				if got.Contents == nil || !strings.Contains(got.Contents.Value, want) {
					t.Errorf("%q is not in %+v", want, got.Contents)
				}
			}
		})
	}
}

// TestDefinitionAndReferences: from a name to all of its places.
func TestDefinitionAndReferences(t *testing.T) {
	t.Parallel()
	text := files(testProject)["flows/welcome.yaml"]
	for _, test := range []struct{ old, new, definition, references string }{
		{"goto: menu", "goto: me¦nu", "flows/welcome.yaml:8", "flows/tests/welcome.test.yaml:2 flows/welcome.yaml:7"},
		{"handoff: orders", "handoff: ord¦ers", "dispatcher.yaml:5", "flows/tests/welcome.test.yaml:8 flows/welcome.yaml:16"},
		{"call: track", "call: tr¦ack", "flows/track.yaml:0", "flows/welcome.yaml:11"},
		{"save: topic", "save: topi¦c", "flows/welcome.yaml:3", "flows/tests/welcome.test.yaml:9 flows/welcome.yaml:13"},
		{"canned.sorry", "canned.s¦orry", "dispatcher.yaml:11", "flows/welcome.yaml:15"},
		{"{{ canned.sorry }}", "{{ slots.order¦_number }}", "flows/track.yaml:3",
			"flows/tests/welcome.test.yaml:3 flows/track.yaml:3 flows/track.yaml:6 flows/track.yaml:9 flows/welcome.yaml:15"},
	} {
		c := start(t, testProject, "")
		at := c.open("flows/welcome.yaml", strings.Replace(text, test.old, test.new, 1))
		var found []location
		c.call("textDocument/definition", at, &found)
		if got := c.places(found); got != test.definition {
			t.Errorf("%s is defined in %q, want %q", test.new, got, test.definition)
		}
		at["context"] = object{"includeDeclaration": false}
		c.call("textDocument/references", at, &found)
		if got := c.places(found); got != test.references {
			t.Errorf("%s is used in %q, want %q", test.new, got, test.references)
		}
	}
}

func (c *client) places(list []location) string {
	var out []string
	for _, l := range list {
		out = append(out, fmt.Sprintf("%s:%d", c.rel(l.URI), l.Range.Start.Line))
	}
	return strings.Join(out, " ")
}

// TestSymbols: the outline, also of a file that is half written.
func TestSymbols(t *testing.T) {
	t.Parallel()
	text := files(testProject)["flows/welcome.yaml"]
	for name, test := range map[string]struct{ path, text, want string }{
		"flow":    {"flows/welcome.yaml", text, "welcome description slots(topic) states(start menu person)"},
		"broken":  {"flows/welcome.yaml", strings.Replace(text, "say: \"Hello", "say: \"Hello\n   : [", 1), "welcome description slots(topic) states(start menu person)"},
		"project": {"dispatcher.yaml", files(testProject)["dispatcher.yaml"], "dispatcher start schedules(support) queues(orders general) default_queue services(shop) canned(sorry)"},
		"tests":   {"flows/tests/welcome.test.yaml", files(testProject)["flows/tests/welcome.test.yaml"], "tests(a person)"},
		"CR LF":   {"flows/welcome.yaml", strings.ReplaceAll(text, "\n", "\r\n"), "welcome description slots(topic) states(start menu person)"},
	} {
		c := start(t, testProject, "")
		c.open(test.path, test.text)
		var got []documentSymbol
		c.call("textDocument/documentSymbol", object{"textDocument": object{"uri": c.uri(test.path)}}, &got)
		if s := symbolNames(got); s != test.want {
			t.Errorf("%s: %q, want %q", name, s, test.want)
		}
	}
	c := start(t, testProject, "{}")
	c.open("flows/welcome.yaml", text)
	var flat []flatSymbol
	c.call("textDocument/documentSymbol", object{"textDocument": object{"uri": c.uri("flows/welcome.yaml")}}, &flat)
	if len(flat) != 8 || flat[5].Name != "start" || flat[5].Container != "states" {
		t.Errorf("flat: %+v", flat)
	}
}

func symbolNames(list []documentSymbol) string {
	var out []string
	for _, s := range list {
		name := s.Name
		if len(s.Children) > 0 {
			name += "(" + symbolNames(s.Children) + ")"
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}
