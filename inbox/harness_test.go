package inbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/flows"
	"dispatcher/internal/source"
	"dispatcher/storage"
	"dispatcher/storage/sqlite"
	"dispatcher/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop is a project with one flow: a greeting with two buttons, an order
// number, and a queue for each.
const shopProject = `dispatcher: 1
project: shop
start: welcome
queues:
  orders: {name: Orders}
  general: {name: General}
default_queue: general
channels:
  fake: {kind: fake}
  other: {kind: fake}
`

const shopFlow = `flow: welcome
states:
  start:
    say: Hello, this is the assistant.
    ask: What is it about?
    options:
      - {id: order, label: My order, goto: number}
      - {id: bye, label: Nothing, goto: done}
  number:
    collect:
      slot: order_number
      ask: What is your order number?
    goto: hand
  hand:
    handoff:
      queue: orders
      say: I have passed this on.
  done:
    say: Goodbye.
    resolve: done
`

// fakeAdapter is a channel in a few lines: JSON out, no signature.
type fakeAdapter struct {
	caps   channels.Caps
	common channels.Common
	url    string
	news   bool        // it has words for a change of owner
	found  atomic.Bool // what reconcile answers
	asked  atomic.Int32
}

func (a *fakeAdapter) Caps() channels.Caps                                       { return a.caps }
func (a *fakeAdapter) Common() channels.Common                                   { return a.common }
func (a *fakeAdapter) Handshake(channels.Request) (r channels.Response, ok bool) { return r, false }
func (a *fakeAdapter) Verify(channels.Request, time.Time) error                  { return nil }
func (a *fakeAdapter) Parse(channels.Request) ([]dm.Inbound, error)              { return nil, nil }
func (a *fakeAdapter) RenderReconcile(dm.Outbound, time.Time) (channels.Call, error) {
	return channels.Call{Kind: "check", Method: "GET", URL: a.url + "/check"}, nil
}
func (a *fakeAdapter) ParseReconcile(channels.Result, dm.Outbound) (bool, string, error) {
	a.asked.Add(1)
	return a.found.Load(), "found-1", nil
}

type fakeSend struct {
	Key     string      `json:"key"`
	Part    int         `json:"part"`
	Thread  string      `json:"thread"`
	Author  string      `json:"author"`
	Text    string      `json:"text"`
	Options []dm.Option `json:"options,omitempty"`
}

func (a *fakeAdapter) Render(out dm.Outbound) (channels.Plan, error) {
	if out.Kind != dm.OutMessage {
		if !a.news {
			return channels.Plan{}, nil
		}
		out.Text = out.Kind
	}
	var plan channels.Plan
	for i, text := range splitWords(out.Text, a.caps.Text.N) {
		send := fakeSend{Key: out.Key, Part: i, Thread: out.Thread, Author: out.Author, Text: text, Options: out.Options}
		body, err := json.Marshal(send)
		if err != nil {
			return plan, err
		}
		plan.Calls = append(plan.Calls, channels.Call{Part: i, Kind: "send", Method: http.MethodPost, URL: a.url + "/send", Body: body, Bucket: "sends", Text: text})
	}
	return plan, nil
}

func splitWords(text string, n int) []string {
	if n <= 0 || len(text) <= n {
		return []string{text}
	}
	return append([]string{text[:n]}, splitWords(text[n:], n)...)
}

func (a *fakeAdapter) Classify(_ channels.Call, res channels.Result) channels.Outcome {
	retry := func() time.Time {
		n, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return res.At.Add(time.Duration(n) * time.Second)
	}
	switch s := res.Status; {
	case res.Err != nil && res.Written:
		return channels.Outcome{Verdict: channels.Ambiguous}
	case res.Err != nil:
		return channels.Outcome{Verdict: channels.Retry, Reason: dm.ReasonTransient}
	case s == 200:
		var got struct{ ID string }
		_ = json.Unmarshal(res.Body, &got)
		return channels.Outcome{Verdict: channels.Sent, IDs: []string{got.ID}}
	case s == 401:
		return channels.Outcome{Verdict: channels.Failed, Reason: dm.ReasonAuthBroken}
	case s == 403:
		return channels.Outcome{Verdict: channels.Failed, Reason: dm.ReasonBlocked}
	case s == 429:
		return channels.Outcome{Verdict: channels.Retry, Reason: dm.ReasonThrottled, PauseFor: "account", RetryAt: retry()}
	case s == 503:
		return channels.Outcome{Verdict: channels.Retry, Reason: dm.ReasonTransient}
	case s >= 500:
		return channels.Outcome{Verdict: channels.Ambiguous}
	}
	return channels.Outcome{Verdict: channels.Failed, Reason: dm.ReasonBadContent}
}

// platform keeps what it was sent, and answers as it is told.
type platform struct {
	srv    *httptest.Server
	mu     sync.Mutex
	sends  []fakeSend
	times  []time.Time
	answer func(n int, s fakeSend) (status int, header http.Header)
	got    chan fakeSend
}

func newPlatform(t *testing.T) *platform {
	p := &platform{got: make(chan fakeSend, 1000)}
	p.srv = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.srv.Close)
	return p
}

func (p *platform) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.URL.Path == "/check" {
		w.WriteHeader(200)
		return
	}
	var s fakeSend
	if json.Unmarshal(body, &s) != nil {
		w.WriteHeader(400)
		return
	}
	p.mu.Lock()
	p.sends, p.times = append(p.sends, s), append(p.times, time.Now())
	n, answer := len(p.sends), p.answer
	p.mu.Unlock()
	status, header := 200, http.Header(nil)
	if answer != nil {
		status, header = answer(n, s)
	}
	for k, v := range header {
		w.Header()[k] = v
	}
	if status == 0 { // the connection just goes
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
	if status == 200 {
		fmt.Fprintf(w, `{"ID":"p-%d"}`, n)
		p.got <- s
	}
}

func (p *platform) all() []fakeSend {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]fakeSend(nil), p.sends...)
}

// texts are what a thread was sent, in order.
func (p *platform) texts(thread string) (out []string) {
	for _, s := range p.all() {
		if s.Thread == thread {
			out = append(out, s.Text)
		}
	}
	return out
}

// clock is a clock that only moves when told.
type clock struct{ ns atomic.Int64 }

func newClock(at time.Time) *clock {
	c := &clock{}
	c.ns.Store(at.UnixNano())
	return c
}

func (c *clock) now() time.Time      { return time.Unix(0, c.ns.Load()).UTC() }
func (c *clock) add(d time.Duration) { c.ns.Add(int64(d)) }

// rig is a Service on a real store with a fake platform.
type rig struct {
	*Service
	t       *testing.T
	db      *sqlite.Store
	dir     string
	keys    *vault.Vault
	plat    *platform
	adapter *fakeAdapter
	logs    *logBuffer
	once    sync.Once
	wrap    func(storage.Store) storage.Store
	project string // dispatcher.yaml; "" = shopProject
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type rigOption func(*rig, *Config)

func withCaps(f func(*channels.Caps, *channels.Common)) rigOption {
	return func(r *rig, _ *Config) { f(&r.adapter.caps, &r.adapter.common) }
}

func withClock(c *clock) rigOption { return func(_ *rig, cfg *Config) { cfg.Now = c.now } }

func withFail(f func(string)) rigOption { return func(_ *rig, cfg *Config) { cfg.Failpoint = f } }

// withStore puts something between the Service and its store.
func withStore(f func(storage.Store) storage.Store) rigOption {
	return func(r *rig, _ *Config) { r.wrap = f }
}

// withProject runs another project file.
func withProject(yaml string) rigOption { return func(r *rig, _ *Config) { r.project = yaml } }

// newRig starts a Service on a fresh store.
func newRig(t *testing.T, opts ...rigOption) *rig {
	t.Helper()
	dir, v := newFolder(t)
	return startRig(t, dir, v, shopFlow, opts...)
}

// startRig starts a Service on a folder that may hold something already.
func startRig(t *testing.T, dir string, v *vault.Vault, flow string, opts ...rigOption) *rig {
	t.Helper()
	r := &rig{t: t, dir: dir, keys: v, plat: newPlatform(t), logs: &logBuffer{}}
	r.adapter = &fakeAdapter{url: r.plat.srv.URL, common: channels.Common{Insecure: true, BurstSet: true},
		caps: channels.Caps{Kind: "fake", Send: channels.Idempotent, Edit: true, Echoes: true, Public: true}}
	cfg := Config{Vault: v, Logger: slog.New(slog.NewTextHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug})), MediaDir: filepath.Join(dir, "media"), Loopback: true, AcceptWithin: time.Minute,
		Openers: map[string]channels.Opener{"fake": func(string, channels.ConfigNode, channels.Env) (channels.Adapter, []channels.Diagnostic) {
			return r.adapter, nil
		}}}
	for _, o := range opts {
		o(r, &cfg)
	}
	db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir, Now: cfg.Now, Durability: sqlite.Normal})
	if err != nil {
		t.Fatal(err)
	}
	r.db, cfg.Store = db, db
	if r.wrap != nil {
		cfg.Store = r.wrap(db)
	}
	if r.Service, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	if r.project == "" {
		r.project = shopProject
	}
	if err := r.SetLive(t.Context(), loadProject(t, r.project, flow)); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	return r
}

func (r *rig) close() { r.once.Do(func() { r.closeWithin(time.Minute) }) }

// kill stops without waiting for anything: what is being written stays so.
func (r *rig) kill() { r.once.Do(func() { r.closeWithin(0) }) }

func (r *rig) closeWithin(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	if err := r.Stop(ctx); err != nil && d > 0 {
		r.t.Errorf("stop: %v", err)
	}
	r.replaysAsBefore()
	r.explainsAll()
	if err := r.db.Close(); err != nil {
		r.t.Errorf("close: %v", err)
	}
	if r.t.Failed() {
		r.t.Log(r.logs.String())
	}
}

func loadShop(t *testing.T, flow string) *flows.Project {
	t.Helper()
	return loadProject(t, shopProject, flow)
}

// loadProject loads a project file and flows, several of them parted by a line
// of three hyphens.
func loadProject(t *testing.T, project, flow string) *flows.Project {
	t.Helper()
	files := &flows.Files{Name: "shop", Data: map[string][]byte{"dispatcher.yaml": []byte(project)}}
	for _, one := range strings.Split(flow, "---\n") {
		name, _, _ := strings.Cut(strings.TrimPrefix(one, "flow: "), "\n")
		files.Data["flows/"+name+".yaml"] = []byte(one)
	}
	p := compileFiles(files)
	if !p.OK() {
		var b bytes.Buffer
		p.WriteText(&b, false)
		t.Fatal(b.String())
	}
	return p
}

// compileFiles is the load of a running service.
func compileFiles(files *flows.Files) *flows.Project {
	return flows.Load(files, flows.Options{
		Limits: func(alias, kind string, _ *source.Node) (dm.Limits, bool, []source.Diagnostic) {
			return dm.Limits{Channel: alias, Kind: kind}, kind == "fake", nil
		},
		Env: func(string) (string, bool) { return "", false }, ReadFile: os.ReadFile,
	})
}

var ids atomic.Int64

// text is a customer's message.
func text(thread, words string) dm.Inbound {
	id := fmt.Sprintf("m-%d", ids.Add(1))
	return dm.Inbound{Kind: dm.KindText, ExternalID: id, MessageID: id, Thread: thread, Sender: dm.Party{ID: thread, Name: "Ada"}, Text: words, Raw: json.RawMessage(`{"t":1}`)}
}

func tapOn(thread string, o dm.Option) dm.Inbound {
	in := text(thread, o.Label)
	in.Kind, in.Tap = dm.KindTap, &dm.TapData{Payload: o.Payload, Label: o.Label, Type: "reply"}
	return in
}

func (r *rig) accept(events ...dm.Inbound) []channels.Accepted {
	r.t.Helper()
	got, err := r.Accept(r.t.Context(), "fake", events)
	if err != nil {
		r.t.Fatalf("accept: %v\n%s", err, r.logs)
	}
	return got
}

// next waits for the platform's next message.
func (r *rig) next() fakeSend {
	r.t.Helper()
	select {
	case s := <-r.plat.got:
		return s
	case <-time.After(2 * time.Minute):
		r.t.Fatalf("nothing was sent\n%s", r.logs)
		return fakeSend{}
	}
}

func (r *rig) want(texts ...string) (last fakeSend) {
	r.t.Helper()
	for _, want := range texts {
		if last = r.next(); last.Text != want {
			r.t.Fatalf("sent %q, want %q", last.Text, want)
		}
	}
	return last
}

// view reads the conversation of a thread.
func (r *rig) view(thread string) *View {
	r.t.Helper()
	acct, _ := r.Account("fake")
	v, err := r.View(r.t.Context(), r.AddressKey(acct, thread))
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

// rows are the messages of a thread's conversation with their words.
func (r *rig) rows(thread string) (rows []storage.Message, words []string) {
	r.t.Helper()
	v := r.view(thread)
	page, err := r.db.Thread(r.t.Context(), storage.ThreadQuery{Conversation: v.Snap.Conv.ID, N: 1000})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, m := range page.Items {
		b, err := v.Reader().Body(v.Snap.Conv.UID, m)
		if err != nil {
			r.t.Fatal(err)
		}
		words = append(words, b.Text)
	}
	return page.Items, words
}

// until waits for a condition that other goroutines bring about.
func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		if ok() {
			return
		}
		<-time.After(2 * time.Millisecond)
	}
	r.t.Fatalf("not reached: %s\n%s", what, r.logs)
}

// later lets time pass once nothing of a thread that is due is on its way: a clock that
// jumps while a message is being sent makes its answer too late.
func (r *rig) later(c *clock, thread string, d time.Duration) {
	r.t.Helper()
	conv := r.view(thread).Snap.Conv.ID
	r.until("everything sent", func() bool {
		due := false
		err := r.db.Walk(r.t.Context(), storage.WalkQuery{Tables: []string{"outbox"}}, func(row storage.Row) error {
			status := cell[int64](row, "status")
			if cell[int64](row, "conversation_id") != conv {
				return nil
			}
			due = due || status == int64(storage.RowSending) || status == int64(storage.RowPending) && cell[int64](row, "due_at") <= c.now().UnixMilli()
			return nil
		})
		if err != nil {
			r.t.Fatal(err)
		}
		return !due
	})
	c.add(d)
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func sortedSnap(s storage.Snapshot) storage.Snapshot {
	s.Timers = append([]storage.Timer{}, s.Timers...)
	slices.SortFunc(s.Timers, func(a, b storage.Timer) int { return strings.Compare(a.Name, b.Name) })
	for i := range s.Timers {
		s.Timers[i].Conversation = s.Conv.ID
	}
	s.Desk = append([]storage.DeskRow{}, s.Desk...)
	slices.SortFunc(s.Desk, func(a, b storage.DeskRow) int { return strings.Compare(a.Table+a.ID, b.Table+b.ID) })
	for i := range s.Desk {
		s.Desk[i].Conversation = s.Conv.ID
	}
	s.Interval.Conversation = s.Conv.ID
	if s.Conv.Labels == nil {
		s.Conv.Labels = []string{}
	}
	s.Known = nil
	return s
}

var errStop = errors.New("enough")

// newFolder is a data folder and the keys that belong to it.
func newFolder(t *testing.T) (string, *vault.Vault) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	keys, err := vault.ParseKeys(vault.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	v, _, err := vault.New(keys)
	if err != nil {
		t.Fatal(err)
	}
	return dir, v
}

// adapterCall is one send to another address.
func (r *rig) adapterCall(url string) channels.Call {
	return channels.Call{Kind: "send", Method: http.MethodPost, URL: url + "/send", Body: []byte(`{"text":"x"}`)}
}
