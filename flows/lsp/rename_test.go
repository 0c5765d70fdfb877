package lsp

import (
	"strings"
	"testing"
)

// applied is the files of a project after an edit.
func applied(t *testing.T, c *client, before map[string]string, edit workspaceEdit) map[string]string {
	t.Helper()
	after := map[string]string{}
	for path, text := range before {
		edits := edit.Changes[c.uri(path)]
		now := newText(text)
		for i := len(edits) - 1; i >= 0; i-- { // from the end, so that places stay
			now = now.edited(contentChange{Range: &edits[i].Range, Text: edits[i].NewText}, utf16Units)
		}
		after[path] = now.data
	}
	return after
}

// TestRename: from a name, its new one and what must stand in which files then.
func TestRename(t *testing.T) {
	t.Parallel()
	project := testProject + `
-- flows/locales/fr.yaml --
language: fr
flow.welcome:
  menu.ask: {from: "What is it about?", to: "De quoi s'agit-il ?"}
`
	project = strings.Replace(project, "dispatcher: 1\n", "dispatcher: 1\nlanguages: [en, fr]\n", 1)
	before := files(project)
	for _, test := range []struct{ path, old, new, to, want string }{
		{"flows/welcome.yaml", "goto: menu", "goto: m¦enu", "matter", "flows/welcome.yaml|goto: matter;flows/welcome.yaml|  matter:;flows/tests/welcome.test.yaml|welcome.matter;flows/locales/fr.yaml|matter.ask:"},
		{"flows/welcome.yaml", "  person:", "  pers¦on:", "human", "flows/welcome.yaml|goto: human}\n    save;flows/track.yaml|welcome.human}};flows/tests/welcome.test.yaml|state: welcome.human"},
		{"flows/track.yaml", "collect: {order_number", "collect: {ord¦er_number", "parcel", "flows/track.yaml|collect: {parcel:;flows/track.yaml|/orders/{{ slots.parcel }};flows/tests/welcome.test.yaml|slots: {parcel: A1}"},
		{"flows/welcome.yaml", "save: topic", "save: t¦opic", "matter", "flows/welcome.yaml|  matter: {type;flows/tests/welcome.test.yaml|slots.matter: other"},
		{"flows/welcome.yaml", "flow: welcome", "flow: w¦elcome", "hello", "dispatcher.yaml|start: hello;flows/welcome.yaml|flow: hello;flows/track.yaml|else: hello.person;flows/tests/welcome.test.yaml|start: hello.menu;flows/locales/fr.yaml|flow.hello:"},
		{"flows/welcome.yaml", "handoff: orders", "handoff: ord¦ers", "parcels", "dispatcher.yaml|  parcels: {name;flows/welcome.yaml|handoff: parcels;flows/tests/welcome.test.yaml|handoff: parcels"},
		{"flows/welcome.yaml", "canned.sorry", "canned.so¦rry", "apology", "dispatcher.yaml|  apology:;flows/welcome.yaml|{{ canned.apology }}"},
		{"flows/track.yaml", "save: order,", "save: or¦der,", "parcel", "flows/track.yaml|save: parcel,;flows/track.yaml|{{ parcel.status }}"},
	} {
		c := start(t, project, "")
		at := c.open(test.path, strings.Replace(before[test.path], test.old, test.new, 1))
		var got prepared
		c.call("textDocument/prepareRename", at, &got)
		if got.Placeholder == "" || !strings.Contains(test.old, got.Placeholder) {
			t.Errorf("%s: %+v is prepared", test.new, got)
		}
		at["newName"] = test.to
		var edit workspaceEdit
		c.call("textDocument/rename", at, &edit)
		after := applied(t, c, before, edit)
		for want := range strings.SplitSeq(test.want, ";") {
			path, text, _ := strings.Cut(want, "|")
			if !strings.Contains(after[path], text) {
				t.Errorf("%s → %s: %q is not in %s:\n%s", test.new, test.to, text, path, after[path])
			}
		}
		for path, text := range after { // a project without problems stays one
			c.open(path, text)
		}
		c.settle(test.path)
		for path := range after {
			for _, p := range c.problems(path, 1) {
				if !strings.Contains(p, "W") {
					t.Errorf("%s → %s: %s has %s", test.new, test.to, path, p)
				}
			}
		}
	}
}

// TestRenameRefused: what cannot be renamed says why.
func TestRenameRefused(t *testing.T) {
	t.Parallel()
	text := files(testProject)["flows/welcome.yaml"]
	for _, test := range []struct{ old, new, to, want string }{
		{"goto: menu", "goto: m¦enu", "Menu 2", "not a usable name"},
		{"goto: menu", "goto: m¦enu", "resume", "meaning of its own"},
		{"goto: menu", "goto: m¦enu", "person", "already, in flows/welcome.yaml:15"},
		{"goto: menu", "goto: m¦enu", "", "empty"},
		{"  start:\n", "  st¦art:\n", "begin", "cannot be renamed"},
		{"save: topic", "save: t¦opic", "language", "meaning of its own"},
		{"save: topic", "save: t¦opic", "order_number", "already"},
		{"goto: menu", "goto: no¦where", "there", "there is no state called nowhere"},
		{"say: \"Hello", "s¦ay: \"Hello", "x", "no name here"},
		{"goto: menu", "goto: m¦enu", "there", "mend it first"},
	} {
		c := start(t, testProject, "")
		if test.want == "mend it first" {
			c.open("flows/track.yaml", "flow: track\nstates: [\n")
		}
		at := c.open("flows/welcome.yaml", strings.Replace(text, test.old, test.new, 1))
		at["newName"] = test.to
		err := c.try("textDocument/rename", at, nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s → %q: %v, want %q", test.new, test.to, err, test.want)
		}
	}
}
