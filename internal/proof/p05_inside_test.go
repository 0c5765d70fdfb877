package proof

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/webhook"
	"dispatcher/dm"
	"dispatcher/flows"
	"dispatcher/inbox"
	"dispatcher/internal/source"
	"dispatcher/storage"
	"dispatcher/storage/sqlite"
	"dispatcher/vault"
)

// inside is the bot half on a real store in this process, so that its clock is ours.
type inside struct {
	*inbox.Service
	t     testing.TB
	store *sqlite.Store
	vault *vault.Vault
	dir   string
	setup insideSetup
}

// insideSetup is what an inside is made of.
type insideSetup struct {
	project map[string]string
	now     func() time.Time
	openers map[string]channels.Opener
	onTimer func(d *inbox.Draft, t storage.Timer) (bool, error)
	wrap    func(storage.Store) storage.Store // something between service and store; nil: nothing
}

// openInside starts one on a fresh folder.
func openInside(t testing.TB, dir string, setup insideSetup) *inside {
	t.Helper()
	dir = filepath.Join(dir, "data")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	keys, err := vault.ParseKeys([]byte(vault.GenerateKey()))
	if err != nil {
		t.Fatal(err)
	}
	v, _, err := vault.New(keys)
	if err != nil {
		t.Fatal(err)
	}
	s := &inside{t: t, vault: v, dir: dir, setup: setup}
	s.start()
	return s
}

// start runs the service on what the folder holds.
func (s *inside) start() {
	s.t.Helper()
	db, err := sqlite.Open(context.Background(), sqlite.Options{Dir: s.dir, Durability: sqlite.Normal, Now: s.setup.now})
	if err != nil {
		s.t.Fatal(err)
	}
	var store storage.Store = db
	if s.setup.wrap != nil {
		store = s.setup.wrap(db)
	}
	s.store = db
	s.Service, err = inbox.New(inbox.Config{AcceptWithin: time.Minute, Store: store, Vault: s.vault, Now: s.setup.now, Loopback: true, Openers: s.setup.openers, OnTimer: s.setup.onTimer,
		Secret: func(ref string) (string, error) { return flows.Resolve(ref, insideEnv, os.ReadFile) }})
	if err != nil {
		s.t.Fatal(err)
	}
	files := &flows.Files{Name: "proof", Data: map[string][]byte{}}
	for name, text := range s.setup.project {
		files.Data[name] = []byte(text)
	}
	p := flows.Load(files, flows.Options{Env: insideEnv, ReadFile: os.ReadFile, Limits: func(alias, kind string, _ *source.Node) (dm.Limits, bool, []source.Diagnostic) {
		return dm.Limits{Channel: alias, Kind: kind}, true, nil
	}})
	if !p.OK() {
		var b bytes.Buffer
		p.WriteText(&b, false)
		s.t.Fatal(b.String())
	}
	if err := s.SetLive(context.Background(), p); err != nil {
		s.t.Fatal(err)
	}
	for _, problem := range s.ChannelProblems() {
		s.t.Fatalf("channel: %+v", problem)
	}
	if err := s.Start(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

// stop drains and closes; start goes on from there.
func (s *inside) stop() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		s.t.Errorf("stop: %v", err)
	}
	if err := s.store.Close(); err != nil {
		s.t.Errorf("close: %v", err)
	}
}

func insideEnv(name string) (string, bool) { return standSecret, name == "PROOF_SECRET" }

// says lets a customer write on channel shop and gives the conversation.
func (s *inside) says(who, id, text string) string {
	s.t.Helper()
	got, err := s.Accept(context.Background(), "shop", []dm.Inbound{{Kind: dm.KindText, ExternalID: id, MessageID: id, Thread: who,
		Sender: dm.Party{ID: who}, At: s.setup.now(), Text: text, Visibility: "private", Raw: json.RawMessage(`{}`)}})
	if err != nil || len(got) != 1 || got[0].Status != "applied" {
		s.t.Fatalf("accept: %+v, %v", got, err)
	}
	return got[0].Conv
}

// ask asks the database for one number.
func (s *inside) ask(query string, args ...any) (n int64) {
	s.t.Helper()
	path := (&url.URL{Path: filepath.Join(s.dir, sqlite.File)}).EscapedPath()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=query_only(ON)")
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query, args...).Scan(&n); err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// tape is a webhook channel whose platform is a function: it needs no network,
// so that nothing but the clock moves time.
type tape struct {
	*webhook.Adapter
	now    func() time.Time
	answer func(n int, d taped) (status int, header http.Header)
	deaf   bool // a planted fault: it does not hear how long to wait

	mu   sync.Mutex
	sent []taped
}

// taped is one request.
type taped struct {
	at     time.Time
	thread string
	key    string
	text   string
	status int
}

// opener gives the tape as a kind of channel.
func (a *tape) opener(name string, cfg channels.ConfigNode, env channels.Env) (channels.Adapter, []channels.Diagnostic) {
	got, diags := webhook.Open(name, cfg, env)
	if w, ok := got.(*webhook.Adapter); ok {
		a.Adapter = w
		return a, diags
	}
	return nil, diags
}

// Do implements channels.Local.
func (a *tape) Do(_ context.Context, call channels.Call) channels.Result {
	var e struct {
		Data struct {
			Key     string
			Text    string
			Contact struct{ ID string }
		}
	}
	_ = json.Unmarshal(call.Body, &e)
	d := taped{at: a.now(), thread: e.Data.Contact.ID, key: e.Data.Key, text: e.Data.Text}
	if call.Kind != "send" {
		return channels.Result{Status: 200, Written: true}
	}
	a.mu.Lock()
	n := len(a.sent)
	a.sent = append(a.sent, d)
	a.mu.Unlock()
	time.Sleep(time.Duration(20+7*(n%8)) * time.Millisecond) // no two answers at one moment
	a.mu.Lock()
	defer a.mu.Unlock()
	status, header := a.answer(n, d)
	a.sent[n].status = status
	return channels.Result{Status: status, Header: header, Body: []byte(`{"id":"m-` + strconv.Itoa(n) + `"}`), Written: true}
}

// Classify is the channel's own, unless the fault is planted.
func (a *tape) Classify(call channels.Call, res channels.Result) channels.Outcome {
	out := a.Adapter.Classify(call, res)
	if a.deaf {
		out.RetryAt, out.PauseFor = time.Time{}, ""
	}
	return out
}

func (a *tape) all() []taped {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]taped(nil), a.sent...)
}

// insideProject has one channel, shop, whose platform is a tape.
func insideProject(flow string, more string) map[string]string {
	return map[string]string{"flows/flow.yaml": flow, "dispatcher.yaml": `dispatcher: 1
project: proof
timezone: Europe/London
schedules:
  day: {open: {mon-sun: "08:00-20:00"}}
queues:
  general: {name: General}
  daytime: {name: Daytime, schedule: day, first_reply: 15m}
default_queue: general
channels:
  shop: {kind: webhook, secret: "${env:PROOF_SECRET}", insecure: true, outbound: {mode: push, url: "http://127.0.0.1:9/nowhere"}` + more + `}
`}
}

// tapeOf is a tape of its own for each channel, which takes everything.
func tapeOf(name string, cfg channels.ConfigNode, env channels.Env) (channels.Adapter, []channels.Diagnostic) {
	a := &tape{now: time.Now, answer: func(int, taped) (int, http.Header) { return http.StatusOK, nil }}
	return a.opener(name, cfg, env)
}
