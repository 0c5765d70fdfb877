package lsp

import (
	"slices"
	"strings"
	"testing"
)

// TestDiagnosticsAsYouType: problems come while one types, in the words of
// check, and go when they are mended.
func TestDiagnosticsAsYouType(t *testing.T) {
	t.Parallel()
	c := start(t, testProject, "")
	text := files(testProject)["flows/welcome.yaml"]
	c.open("flows/welcome.yaml", text)
	if got := c.problems("flows/welcome.yaml", 1); len(got) > 0 {
		t.Fatalf("a project without problems has %v", got)
	}
	// One letter more than there was.
	at := newText(text).position(strings.Index(text, "goto: menu")+len("goto: menu"), utf16Units)
	v := c.change("flows/welcome.yaml", contentChange{Range: &lspRange{at, at}, Text: "u"})
	if got := c.problems("flows/welcome.yaml", v); !slices.Equal(got, []string{"7:10-7:15 E301"}) {
		t.Fatalf("got %v", got)
	}
	d := c.diags["flows/welcome.yaml"].Diagnostics[0]
	want := "there is no state called \"menuu\" in flow welcome\nhint: did you mean menu?"
	if d.Message != want || d.Severity != severityError || d.Source != "dispatcher" || len(d.Related) != 1 || d.Related[0].Location.Range.Start.Line != 8 {
		t.Errorf("got %+v", d)
	}
	back := lspRange{at, position{at.Line, at.Character + 1}}
	v = c.change("flows/welcome.yaml", contentChange{Range: &back, Text: ""})
	if got := c.problems("flows/welcome.yaml", v); len(got) > 0 {
		t.Errorf("mended, and still %v", got)
	}
	// What does not parse is told as well.
	v = c.change("flows/welcome.yaml", contentChange{Text: "flow: welcome\nstates:\n  start:\n    say: \"Hi\n    goto: x\n"})
	if got := c.problems("flows/welcome.yaml", v); len(got) != 1 || !strings.HasSuffix(got[0], "E005") {
		t.Errorf("got %v", got)
	}
	// A file that is closed unsaved is again what it is on disk.
	c.tell("textDocument/didClose", object{"textDocument": object{"uri": c.uri("flows/welcome.yaml")}})
	c.until(func() bool { return len(c.diags["flows/welcome.yaml"].Diagnostics) == 0 })
}

// TestDiagnosticsOfOtherFiles: a name that goes in one file is missed in others,
// open or not, tests and project file included.
func TestDiagnosticsOfOtherFiles(t *testing.T) {
	t.Parallel()
	c := start(t, testProject, "")
	text := files(testProject)["flows/welcome.yaml"]
	c.open("flows/welcome.yaml", strings.NewReplacer("person", "human", "menu", "matter").Replace(text))
	c.until(func() bool {
		return len(c.diags["flows/track.yaml"].Diagnostics) > 0 && len(c.diags["flows/tests/welcome.test.yaml"].Diagnostics) > 0
	})
	if got := shownProblems(c.diags["flows/track.yaml"]); !slices.Equal(got, []string{"6:138-6:144 E301"}) {
		t.Errorf("got %v", got)
	}
	c.change("flows/welcome.yaml", contentChange{Text: text})
	c.until(func() bool {
		return len(c.diags["flows/track.yaml"].Diagnostics)+len(c.diags["flows/tests/welcome.test.yaml"].Diagnostics) == 0
	})
	// What another program writes is seen when the client says so.
	c.write("flows/track.yaml", strings.Replace(files(testProject)["flows/track.yaml"], "goto: look", "goto: lok", 1))
	c.tell("workspace/didChangeWatchedFiles", object{"changes": []object{{"uri": c.uri("flows/track.yaml"), "type": 2}}})
	c.until(func() bool { return len(c.diags["flows/track.yaml"].Diagnostics) == 1 })
}

// TestDiagnosticsInUnits: columns are counted in what client and server agreed on.
func TestDiagnosticsInUnits(t *testing.T) {
	t.Parallel()
	for offered, column := range map[string]int{``: 21, `["utf-16"]`: 21, `["utf-8", "utf-16"]`: 23, `["utf-32"]`: 20, `["utf-7"]`: 21} {
		capabilities := "{}"
		if offered != "" {
			capabilities = `{"general": {"positionEncodings": ` + offered + `}}`
		}
		c := start(t, testProject, capabilities)
		for _, end := range []string{"\n", "\r\n"} {
			text := strings.ReplaceAll("flow: welcome\nstates:\n  start: {say: \"👋\", goto: nowhere}\n", "\n", end)
			c.open("flows/welcome.yaml", text)
			c.problems("flows/welcome.yaml", c.version["flows/welcome.yaml"])
			for _, d := range c.diags["flows/welcome.yaml"].Diagnostics {
				if d.Code == "E301" && d.Range.Start.Character != column+6 {
					t.Errorf("%s: column %d, want %d", offered, d.Range.Start.Character, column+6)
				}
			}
		}
	}
}

// TestCodeActions: the repairs of check --fix, and the long help.
func TestCodeActions(t *testing.T) {
	t.Parallel()
	c := start(t, testProject, "")
	text := strings.Replace(files(testProject)["flows/welcome.yaml"], "goto: menu", "goto: menuu", 1)
	c.open("flows/welcome.yaml", strings.Replace(text, "    save: topic", "    save: topc", 1))
	at := position{7, 12}
	ask := object{"textDocument": object{"uri": c.uri("flows/welcome.yaml")}, "range": lspRange{at, at}, "context": object{"diagnostics": []object{}}}
	var got []codeAction
	c.call("textDocument/codeAction", ask, &got)
	titles := []string{}
	for _, a := range got {
		titles = append(titles, a.Title)
	}
	want := []string{"Change to menu", "Make every safe repair in this file", "Explain E301: there is no such state"}
	if len(got) != 3 || got[0].Title != want[0] || got[1].Title != want[1] || !strings.HasPrefix(got[2].Title, "Explain E301: ") {
		t.Fatalf("got %q", titles)
	}
	if !got[0].Preferred || got[0].Kind != quickFix || len(got[0].Diagnostics) != 1 || got[0].Edit.Changes[c.uri("flows/welcome.yaml")][0].NewText != "menu" {
		t.Errorf("got %+v", got[0])
	}
	edit := got[1].Edit.Changes[c.uri("flows/welcome.yaml")][0]
	all := newText(strings.Replace(text, "    save: topic", "    save: topc", 1)).edited(contentChange{Range: &edit.Range, Text: edit.NewText}, utf16Units)
	if all.data != files(testProject)["flows/welcome.yaml"] {
		t.Errorf("all repairs make\n%s", all.data)
	}
	var help string
	c.call("workspace/executeCommand", object{"command": explainCommand, "arguments": got[2].Command.Arguments}, &help)
	if !strings.HasPrefix(help, "E301 (error): ") || !strings.Contains(help, "Before:") {
		t.Errorf("got %q", help)
	}
	c.until(func() bool { return len(c.shown) == 1 })
	if err := c.try("workspace/executeCommand", object{"command": "rm"}, nil); err == nil {
		t.Error("any command runs")
	}
}

// TestFormatting: as fmt does; a file that cannot be read stays.
func TestFormatting(t *testing.T) {
	t.Parallel()
	c := start(t, testProject, "")
	text := "flow: welcome\nstates:\n    start:\n        goto: menu # there\n        say: \"👋\"\n    menu: {resolve: done}\n"
	c.open("flows/welcome.yaml", text)
	ask := object{"textDocument": object{"uri": c.uri("flows/welcome.yaml")}, "options": object{"tabSize": 4, "insertSpaces": true}}
	var edits []textEdit
	c.call("textDocument/formatting", ask, &edits)
	if len(edits) != 1 {
		t.Fatalf("got %+v", edits)
	}
	now := newText(text).edited(contentChange{Range: &edits[0].Range, Text: edits[0].NewText}, utf16Units).data
	if want := "flow: welcome\nstates:\n  start:\n    say: \"👋\"\n    goto: menu # there\n  menu: {resolve: done}\n"; now != want {
		t.Errorf("got\n%s", now)
	}
	c.change("flows/welcome.yaml", contentChange{Text: now})
	if c.call("textDocument/formatting", ask, &edits); len(edits) != 0 {
		t.Errorf("twice: %+v", edits)
	}
	c.change("flows/welcome.yaml", contentChange{Text: "flow: [\n"})
	if c.call("textDocument/formatting", ask, &edits); len(edits) != 0 {
		t.Errorf("broken: %+v", edits)
	}
}
