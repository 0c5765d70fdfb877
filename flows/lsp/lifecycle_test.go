package lsp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"dispatcher/flows"

	"github.com/creachadair/jrpc2"
)

// talk sends raw bytes to a server of its own and gives what it said, and the
// code it left with once the stream was closed.
func talk(t *testing.T, in string) (out string, code int) {
	t.Helper()
	var b strings.Builder
	code = Serve(t.Context(), strings.NewReader(in), nopCloser{&b}, testConfig())
	return b.String(), code
}

type nopCloser struct{ io.Writer }

// Close does nothing.
func (nopCloser) Close() error { return nil }

func framed(messages ...string) string {
	var b strings.Builder
	for _, m := range messages {
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(m), m)
	}
	return b.String()
}

// TestStreamsThatEnd: whatever comes, the server ends with the stream.
func TestStreamsThatEnd(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"nothing": "", "no header": "hello\n\n", "half a header": "Content-Length: 1", "no length": "Content-Type: x\r\n\r\n{}",
		"half a message": "Content-Length: 100\r\n\r\n{", "a length below zero": "Content-Length: -5\r\n\r\n{}", "an enormous length": "Content-Length: 99999999999999\r\n\r\n{}",
	} {
		if _, code := talk(t, in); code != exitUnasked {
			t.Errorf("%s: code %d", name, code)
		}
	}
}

// TestWrongMessages: each is answered with its error, and the talk goes on.
func TestWrongMessages(t *testing.T) {
	t.Parallel()
	c := connect(t, testProject)
	code := func(method string, params any) jrpc2.Code {
		var e *jrpc2.Error
		if errors.As(c.try(method, params, nil), &e) {
			return e.Code
		}
		return 0
	}
	if got := code("textDocument/hover", object{}); got != codeNotInitialized {
		t.Errorf("before initialize: %d", got)
	}
	c.tell("textDocument/didOpen", object{"textDocument": object{"uri": c.uri("flows/welcome.yaml"), "text": "flow: x"}}) // dropped
	c.call("initialize", object{"rootUri": c.uri(""), "capabilities": object{}}, nil)
	if got := code("initialize", object{}); got != jrpc2.InvalidRequest {
		t.Errorf("initialize twice: %d", got)
	}
	if got := code("textDocument/moonPhase", object{}); got != jrpc2.MethodNotFound {
		t.Errorf("unknown: %d", got)
	}
	if got := code("textDocument/hover", []int{1}); got != jrpc2.InvalidParams {
		t.Errorf("wrong parameters: %d", got)
	}
	c.tell("$/setTrace", object{"value": "off"})
	c.tell("textDocument/didChange", object{"textDocument": object{"uri": "file:///nowhere/flows/x.yaml", "version": 2}, "contentChanges": []object{{"text": "x"}}})
	for _, uri := range []string{"untitled:Untitled-1", "::", "", "file:///etc/passwd"} {
		c.tell("textDocument/didOpen", object{"textDocument": object{"uri": uri, "version": 1, "text": "a: b\n"}})
		at := object{"textDocument": object{"uri": uri}, "position": position{-1, 1 << 40}, "newName": "x", "context": object{}, "range": lspRange{}}
		for _, method := range []string{"hover", "completion", "definition", "references", "documentSymbol", "formatting", "codeAction", "documentHighlight"} {
			c.call("textDocument/"+method, at, nil)
		}
	}
	c.until(func() bool { return len(c.logs) > 0 })
	c.call("shutdown", nil, nil)
	if got := code("textDocument/hover", object{}); got != jrpc2.InvalidRequest {
		t.Errorf("after shutdown: %d", got)
	}
	c.tell("exit", nil)
	if got := <-c.code; got != exitAsked {
		t.Errorf("asked for, the end has code %d", got)
	}
}

// TestMalformedMessage: what is no JSON is answered, and what follows is heard.
func TestMalformedMessage(t *testing.T) {
	t.Parallel()
	out, code := talk(t, framed(`{"jsonrpc": "2.0", "id": 1, "method": `, `[]`, `{"jsonrpc": "2.0", "id": 2, "method": "initialize", "params": {"capabilities": {}}}`, `{"jsonrpc": "2.0", "method": "exit"}`))
	if !strings.Contains(out, "-32700") || code != exitUnasked {
		t.Errorf("code %d, said %s", code, out)
	}
}

// TestTroubleInside: a crash, of a request or of a check, is told and ends nothing.
func TestTroubleInside(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Open = func(root string) fs.FS {
		if strings.HasSuffix(root, "bad") {
			panic("no such luck")
		}
		return os.DirFS(root)
	}
	var checks atomic.Int32
	cfg.Options = func(string) flows.Options {
		return flows.Options{Env: func(string) (string, bool) {
			if checks.Add(1) == 2 {
				panic("not again")
			}
			return "", true
		}}
	}
	c := connectTo(t, strings.Replace(testProject, "shop.example\"}", "shop.example\", headers: {A: \"${env:X}\"}}", 1), cfg)
	c.call("initialize", object{"capabilities": object{}}, nil)
	c.open("bad/flows/x.yaml", "flow: x\n")
	c.until(func() bool { return len(c.logs) == 1 && strings.Contains(c.logs[0].Message, "no such luck") })
	at := c.open("flows/welcome.yaml", "flow: wel¦come\nstates: {start: {goto: nowhere}}\n")
	c.problems("flows/welcome.yaml", 1)
	c.change("flows/welcome.yaml", contentChange{Text: "flow: welcome\n"})
	c.until(func() bool { return len(c.logs) == 2 && strings.Contains(c.logs[1].Message, "not again") })
	v := c.change("flows/welcome.yaml", contentChange{Text: "flow: welcome\nstates: {start: {resolve: done}}\n"})
	c.problems("flows/welcome.yaml", v)
	c.call("textDocument/hover", at, nil)
}

// TestCancelled: what nobody waits for any more is given up.
func TestCancelled(t *testing.T) {
	t.Parallel()
	p := newProject(&server{cfg: testConfig(), atlas: flows.NewAtlas()}, t.TempDir())
	p.busy, p.rested = true, make(chan struct{}) // a check that never ends
	c := start(t, testProject, "")
	c.tell("$/cancelRequest", object{"id": 77})
	c.tell("$/cancelRequest", object{"id": "x"})
	c.call("textDocument/documentSymbol", object{"textDocument": object{"uri": "x"}}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.settled(ctx); err == nil {
		t.Error("it waits for what was cancelled")
	}
}

// TestFoldersAndProjects: several projects in one editor, some without a
// dispatcher.yaml, one that is not saved yet.
func TestFoldersAndProjects(t *testing.T) {
	t.Parallel()
	wrong := "flow: a\nstates:\n  start: {goto: nowhere}\n"
	c := connect(t, "\n-- one/dispatcher.yaml --\ndispatcher: 1\n-- one/flows/a.yaml --\n"+wrong+"-- two/flows/sub/a.yaml --\n"+wrong+"-- notes.yaml --\na: b\n-- one/flows/_draft.yaml --\n"+wrong)
	c.call("initialize", object{"capabilities": object{}, "workspaceFolders": []object{{"uri": c.uri("one"), "name": "one"}, {"uri": c.uri("two"), "name": "two"}}}, nil)
	c.tell("initialized", object{})
	c.until(func() bool {
		return len(c.diags["one/flows/a.yaml"].Diagnostics) == 1 && len(c.diags["two/flows/sub/a.yaml"].Diagnostics) == 1
	})
	c.tell("workspace/didChangeWorkspaceFolders", object{"event": object{"removed": []object{{"uri": c.uri("two")}}, "added": []object{}}})
	c.until(func() bool { return len(c.diags["two/flows/sub/a.yaml"].Diagnostics) == 0 })
	c.open("three/flows/new.yaml", wrong)
	c.until(func() bool { return len(c.diags["three/flows/new.yaml"].Diagnostics) == 1 })
	for _, outside := range []string{"notes.yaml", "one/flows/_draft.yaml", "one/flows/readme.md", "one/other.yaml"} {
		c.open(outside, wrong)
	}
	c.settle("one/flows/a.yaml")
	for _, outside := range []string{"notes.yaml", "one/flows/_draft.yaml", "one/flows/readme.md", "one/other.yaml"} {
		if _, told := c.diags[outside]; told {
			t.Errorf("%s belongs to no project and is judged", outside)
		}
	}
}

// TestLargeAndOddFiles: 2,000 states, a file over the limit, one that is no
// UTF-8: each is told, and everything still answers.
func TestLargeAndOddFiles(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	many.WriteString("flow: many\nstates:\n  start: {goto: s0}\n")
	for i := range 2_000 {
		fmt.Fprintf(&many, "  s%d: {say: Hello, goto: s%d}\n", i, i+1)
	}
	c := start(t, testProject, "")
	c.write("flows/odd.yaml", "flow: odd\xff\n")
	c.write("flows/welcome.yaml", files(testProject)["flows/welcome.yaml"])
	c.open("flows/many.yaml", many.String())
	c.settle("flows/many.yaml")
	if got := shownProblems(c.diags["flows/odd.yaml"]); len(got) != 1 || got[0] != "0:9-0:10 E007" {
		t.Errorf("odd: %v", got)
	}
	var symbols []documentSymbol
	c.call("textDocument/documentSymbol", object{"textDocument": object{"uri": c.uri("flows/many.yaml")}}, &symbols)
	if len(symbols) != 2 || len(symbols[1].Children) != 2_001 {
		t.Errorf("%d symbols", len(symbols))
	}
	var got completionList
	c.call("textDocument/completion", c.at("flows/many.yaml", position{1_000, 30}), &got)
	v := c.change("flows/many.yaml", contentChange{Text: "flow: many\n" + strings.Repeat("# "+strings.Repeat("x", 1_000)+"\n", 1_100)})
	if got := c.problems("flows/many.yaml", v); len(got) != 1 || !strings.HasSuffix(got[0], "E007") {
		t.Errorf("large: %v", got)
	}
}

// TestFastTyping: of a thousand keystrokes the last one counts, and checks do
// not pile up behind them.
func TestFastTyping(t *testing.T) {
	t.Parallel()
	c := start(t, testProject, "")
	text := files(testProject)["flows/welcome.yaml"]
	c.open("flows/welcome.yaml", text)
	for i := range 1_000 {
		c.change("flows/welcome.yaml", contentChange{Text: strings.Replace(text, "goto: menu", fmt.Sprintf("goto: m%d", i), 1)})
	}
	v := c.change("flows/welcome.yaml", contentChange{Text: text})
	if got := c.problems("flows/welcome.yaml", v); len(got) > 0 {
		t.Errorf("got %v", got)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.heard > 1_001 {
		t.Errorf("told %d times", c.heard)
	}
}

// TestAllAtOnce: a client that sends a whole talk without waiting for answers
// gets all of them, in the stages in which it asked, and the code of the end.
func TestAllAtOnce(t *testing.T) {
	t.Parallel()
	initialize := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}`
	hover := `{"jsonrpc":"2.0","id":"h","method":"textDocument/hover","params":{"textDocument":{"uri":"file:///nowhere/a.yaml"},"position":{"line":0,"character":0}}}`
	shutdown, exit := `{"jsonrpc":"2.0","id":3,"method":"shutdown"}`, `{"jsonrpc":"2.0","method":"exit"}`
	for name, c := range map[string]struct {
		in   string
		ids  []string
		code int
	}{
		"the whole":          {framed(initialize, `{"jsonrpc":"2.0","method":"initialized"}`, hover, shutdown, exit), []string{"1", `"h"`, "3"}, exitAsked},
		"without a shutdown": {framed(initialize, hover, exit), []string{"1", `"h"`}, exitUnasked},
		"cut off":            {framed(initialize, hover), []string{"1", `"h"`}, exitUnasked},
		"too early":          {framed(hover, shutdown, exit), []string{`"h"`, "3"}, exitUnasked},
		"a batch":            {framed("["+initialize+"]", shutdown, exit), []string{"1", "3"}, exitAsked},
		"not JSON between":   {framed(initialize, "{nope", shutdown, exit), []string{"1", "3"}, exitAsked},
	} {
		out, code := talk(t, c.in)
		if code != c.code {
			t.Errorf("%s: code %d, want %d", name, code, c.code)
		}
		for _, id := range c.ids {
			if !strings.Contains(out, `"id":`+id+`,`) {
				t.Errorf("%s: no answer to %s in %q", name, id, out)
			}
		}
		if c.code == exitAsked && strings.Contains(out, "shutting down") {
			t.Errorf("%s: what was asked before shutdown is refused: %q", name, out)
		}
		if strings.HasPrefix(c.in, framed(initialize)) && strings.Contains(out, "must be initialize") {
			t.Errorf("%s: begun before initialize was done: %q", name, out)
		}
	}
}
