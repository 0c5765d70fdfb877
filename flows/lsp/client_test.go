package lsp

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"dispatcher/flows"

	"github.com/creachadair/jrpc2"
	"github.com/creachadair/jrpc2/channel"
)

// client is an editor that talks to a server of its own over pipes.
type client struct {
	t    testing.TB
	rpc  *jrpc2.Client
	root string
	code chan int
	out  io.Closer

	mu      sync.Mutex
	changed *sync.Cond
	diags   map[string]publishParams // newest by path
	heard   int                      // how many were published
	logs    []messageParams
	shown   []messageParams
	version map[string]int
}

const testProject = `
-- dispatcher.yaml --
dispatcher: 1
start: welcome
schedules:
  support: {open: {mon-fri: 08:00-20:00}}
queues:
  orders: {name: Orders, schedule: support, first_reply: 15m}
  general: {schedule: support}
default_queue: general
services:
  shop: {url: "https://shop.example"}
canned:
  sorry: "Sorry about that."
-- flows/welcome.yaml --
flow: welcome
description: Says hello.
slots:
  topic: {type: choice, values: [order, other]}
states:
  start:
    say: "Hello {{ contact.first_name ?? 'you' }}"
    goto: menu
  menu:
    ask: What is it about?
    options:
      - {id: order, label: My order, call: track, goto: person}
      - {id: other, label: Something else, goto: person}
    save: topic
  person:
    say: "{{ canned.sorry }}"
    handoff: orders
-- flows/track.yaml --
flow: track
states:
  start:
    collect: {order_number: "Which order?"}
    goto: look
  look:
    http: {service: shop, get: "/orders/{{ slots.order_number }}", save: order, returns: {status: text, eta: "date?"}, on: {else: welcome.person}}
    goto: told
  told:
    say: "It is {{ order.status }}, {{ slots.order_number }}."
    return: done
-- flows/tests/welcome.test.yaml --
tests:
  - name: a person
    start: welcome.menu
    slots: {order_number: A1}
    chat:
      - bot: "What*"
      - tap: other
      - bot: "*"
      - handoff: orders
      - expect: {state: welcome.person, slots.topic: other}
`

// files splits a project into its files.
func files(project string) map[string]string {
	out := map[string]string{}
	path := ""
	for line := range strings.Lines(strings.TrimPrefix(project, "\n")) {
		if name, ok := strings.CutPrefix(line, "-- "); ok {
			path = strings.TrimSuffix(strings.TrimSpace(name), " --")
			continue
		}
		out[path] += line
	}
	return out
}

// start writes a project into a folder and starts a server and a client that is
// initialized.
func start(t testing.TB, project string, capabilities string) *client {
	t.Helper()
	c := connect(t, project)
	if capabilities == "" {
		capabilities = `{"textDocument": {"documentSymbol": {"hierarchicalDocumentSymbolSupport": true}}}`
	}
	c.call("initialize", json.RawMessage(`{"processId": null, "rootUri": "`+uriOf(c.root)+`", "capabilities": `+capabilities+`}`), nil)
	c.tell("initialized", json.RawMessage(`{}`))
	return c
}

// connect starts a server and a client that has said nothing yet.
func connect(t testing.TB, project string) *client {
	t.Helper()
	return connectTo(t, project, testConfig())
}

func connectTo(t testing.TB, project string, cfg Config) *client {
	t.Helper()
	c := &client{t: t, root: t.TempDir(), code: make(chan int, 1), diags: map[string]publishParams{}, version: map[string]int{}}
	c.changed = sync.NewCond(&c.mu)
	for path, text := range files(project) {
		c.write(path, text)
	}
	toServer, fromClient := io.Pipe()
	toClient, fromServer := io.Pipe()
	go func() {
		c.code <- Serve(t.Context(), toServer, fromServer, cfg)
		_ = fromServer.Close()
	}()
	c.out = fromClient
	c.rpc = jrpc2.NewClient(inOrder{channel.LSP(toClient, fromClient), c.notified}, &jrpc2.ClientOptions{
		OnCallback: func(context.Context, *jrpc2.Request) (any, error) { return nil, nil }})
	t.Cleanup(func() { _ = c.rpc.Close() })
	return c
}

func testConfig() Config {
	return Config{Version: "test", Open: func(root string) fs.FS { return os.DirFS(root) },
		Options: func(string) flows.Options { return flows.Options{Warm: new(flows.Warm)} }}
}

func (c *client) write(path, text string) {
	full := filepath.Join(c.root, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

// inOrder hears notifications as they come, before anything that came later.
// The client of jrpc2 handles each message on a goroutine of its own, so that
// an answer, or newer problems, could overtake.
type inOrder struct {
	channel.Channel
	heard func(method string, params []byte)
}

// Recv gives the next answer or request.
func (o inOrder) Recv() ([]byte, error) {
	for {
		data, err := o.Channel.Recv()
		var m struct {
			ID, Params json.RawMessage
			Method     string
		}
		if err != nil || json.Unmarshal(data, &m) != nil || m.Method == "" || m.ID != nil {
			return data, err
		}
		o.heard(m.Method, m.Params)
	}
}

func (c *client) notified(method string, params []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch method {
	case "textDocument/publishDiagnostics":
		var p publishParams
		if err := json.Unmarshal(params, &p); err != nil {
			c.t.Error(err)
		}
		c.diags[c.rel(p.URI)] = p
		c.heard++
	case "window/logMessage", "window/showMessage":
		var p messageParams
		if err := json.Unmarshal(params, &p); err != nil {
			c.t.Error(err)
		}
		if method == "window/logMessage" {
			c.logs = append(c.logs, p)
		} else {
			c.shown = append(c.shown, p)
		}
	}
	c.changed.Broadcast()
}

func (c *client) rel(uri string) string {
	path, _ := pathOf(uri)
	rel, err := filepath.Rel(c.root, path)
	if err != nil {
		return uri
	}
	return filepath.ToSlash(rel)
}

func (c *client) uri(path string) string { return uriOf(filepath.Join(c.root, path)) }

// call asks and decodes the answer.
func (c *client) call(method string, params, result any) {
	c.t.Helper()
	if err := c.try(method, params, result); err != nil {
		c.t.Fatalf("%s: %v", method, err)
	}
}

func (c *client) try(method string, params, result any) error {
	rsp, err := c.rpc.Call(c.t.Context(), method, params)
	if err != nil || result == nil {
		return err
	}
	return rsp.UnmarshalResult(result)
}

func (c *client) tell(method string, params any) {
	c.t.Helper()
	if err := c.rpc.Notify(c.t.Context(), method, params); err != nil {
		c.t.Fatal(err)
	}
}

type object map[string]any

// open opens a file; what it returns is the text before the mark ¦ and the
// position of the mark.
func (c *client) open(path, text string) object {
	c.t.Helper()
	at := strings.Index(text, "¦")
	plain := strings.Replace(text, "¦", "", 1)
	c.mu.Lock()
	c.version[path]++
	v := c.version[path]
	c.mu.Unlock()
	c.tell("textDocument/didOpen", object{"textDocument": object{"uri": c.uri(path), "languageId": "yaml", "version": v, "text": plain}})
	if at < 0 {
		return nil
	}
	return c.at(path, newText(plain).position(at, utf16Units))
}

func (c *client) at(path string, p position) object {
	return object{"textDocument": object{"uri": c.uri(path)}, "position": p}
}

// change replaces the whole text of a file.
func (c *client) change(path string, changes ...contentChange) int {
	c.t.Helper()
	c.mu.Lock()
	c.version[path]++
	v := c.version[path]
	c.mu.Unlock()
	c.tell("textDocument/didChange", object{"textDocument": object{"uri": c.uri(path), "version": v}, "contentChanges": changes})
	return v
}

// until waits until what the client has heard is enough.
func (c *client) until(enough func() bool) {
	c.t.Helper()
	stop := context.AfterFunc(c.t.Context(), c.changed.Broadcast)
	defer stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !enough() {
		if c.t.Context().Err() != nil {
			c.t.Fatal("it never came")
		}
		c.changed.Wait()
	}
}

// settle waits until the server has checked all it was sent, and told of it.
func (c *client) settle(path string) {
	c.t.Helper()
	zero := lspRange{}
	c.call("textDocument/codeAction", object{"textDocument": object{"uri": c.uri(path)}, "range": zero, "context": object{}}, nil)
}

// problems waits for those of a version of a file and gives them as
// line:column-line:column CODE.
func (c *client) problems(path string, version int) []string {
	c.t.Helper()
	c.until(func() bool {
		have, ok := c.diags[path]
		return ok && have.Version != nil && *have.Version >= version
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	return shownProblems(c.diags[path])
}
