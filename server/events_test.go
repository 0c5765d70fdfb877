package server

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"dispatcher/desk"
	"dispatcher/storage"
)

// happen commits one turn of a new conversation with one event.
func (w *world) happen(typ string, topics ...string) storage.Cursor {
	w.t.Helper()
	now := w.clock.now().UnixMilli()
	contact, conv := storage.UID(uuid.Must(uuid.NewV7())), storage.UID(uuid.Must(uuid.NewV7()))
	_, wrapped, kid, err := w.vault.NewContactKey()
	must(w.t, err)
	out, err := w.store.Apply(context.Background(), []storage.Turn{{
		ID:       uint64(time.Now().UnixNano()),
		Contact:  &storage.Contact{UID: contact, CreatedAt: now, UpdatedAt: now, KeyID: storage.KeyID(kid), Wrapped: wrapped},
		Conv:     &storage.Conversation{UID: conv, Channel: 1, Addr: conv[:], Status: storage.Open, Owner: storage.OwnerQueue, Phase: storage.PhaseQueue, OwnerID: "orders", Epoch: 1, OpenedAt: now, UpdatedAt: now},
		Events:   []storage.Event{{At: now, UID: conv, Seq: 1, Type: typ, Topics: topics}},
		Messages: []storage.Message{{Seq: 1, Kind: storage.MsgEvent, Author: storage.AuthorSystem, At: now}},
	}})
	must(w.t, err)
	if out[0].Status != storage.Applied {
		w.t.Fatalf("turn: %+v", out[0])
	}
	return out[0].Cursor
}

// sse is one open stream.
type sse struct {
	t    *testing.T
	resp *http.Response
	in   *bufio.Reader
	stop context.CancelFunc
}

type sseEvent struct {
	id          int64
	event, data string
}

func (c *client) stream(path string, headers ...string) *sse {
	c.w.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.w.http.URL+path, nil)
	must(c.w.t, err)
	for k, v := range c.header {
		req.Header[k] = v
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.http.Do(req)
	must(c.w.t, err)
	s := &sse{t: c.w.t, resp: resp, in: bufio.NewReader(resp.Body), stop: stop}
	c.w.t.Cleanup(s.close)
	return s
}

func (s *sse) close() { s.stop(); _ = s.resp.Body.Close() }

// next reads one event; comments and bare ids are passed over.
func (s *sse) next() (sseEvent, bool) {
	s.t.Helper()
	var ev sseEvent
	for {
		line, err := s.in.ReadString('\n')
		if err != nil {
			return ev, false
		}
		line = strings.TrimRight(line, "\n")
		switch name, value, _ := strings.Cut(line, ": "); {
		case line == "" && ev.data != "":
			return ev, true
		case line == "":
			ev = sseEvent{}
		case name == "id":
			ev.id, _ = strconv.ParseInt(value, 10, 64)
		case name == "event":
			ev.event = value
		case name == "data":
			ev.data = value
		}
	}
}

func (w *world) start() {
	w.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { w.s.Start(ctx); close(done) }()
	w.t.Cleanup(func() { stop(); <-done })
}

// W13 in small: a stream that is cut loses nothing and gives nothing twice.
func TestStreamAcrossReconnects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	w.start()
	c := w.as("ana@acme.example")
	w.happen("message.created", "all", "queue:orders")
	s := c.stream("/api/v1/events")
	if ct := s.resp.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Fatalf("content type %q", ct)
	}
	var want []int64
	for range 3 {
		want = append(want, int64(w.happen("message.created", "all", "queue:orders")))
	}
	w.s.hub.read(context.Background())
	var got []int64
	for len(got) < 2 {
		ev, ok := s.next()
		if !ok {
			t.Fatal("the stream ended")
		}
		got = append(got, ev.id)
	}
	s.close()
	for range 200 {
		want = append(want, int64(w.happen("message.created", "all", "queue:orders")))
	}
	s = c.stream("/api/v1/events", "Last-Event-ID", fmt.Sprint(got[len(got)-1]))
	for len(got) < len(want) {
		ev, ok := s.next()
		if !ok {
			t.Fatalf("the stream ended after %d of %d", len(got), len(want))
		}
		if ev.event != "message.created" || !strings.Contains(ev.data, `"conv_seq":1`) {
			t.Fatalf("event %+v", ev)
		}
		got = append(got, ev.id)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("event %d has id %d, want %d", i, got[i], want[i])
		}
	}
}

func TestStreamOfANewStoreIsReset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	w.start()
	c := w.as("ana@acme.example")
	w.happen("message.created", "all")
	s := c.stream("/api/v1/events", "Last-Event-ID", "999999")
	if ev, ok := s.next(); !ok || ev.event != "reset" {
		t.Errorf("a cursor from the future gives %+v, want reset", ev)
	}
}

func TestStreamEndsWithTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	id := w.user("lead", "lea@acme.example")
	admin := w.as("ana@acme.example")
	who := &identity{Session: "x"}
	r, err := http.NewRequest(http.MethodGet, w.http.URL+"/api/v1/events", nil)
	must(t, err)
	lead := w.as("lea@acme.example")
	for _, c := range lead.http.Jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	who, err = w.s.identify(r)
	must(t, err)
	rec := &recorder{header: http.Header{}}
	st := &stream{s: w.s, w: rec, rc: http.NewResponseController(rec), r: r, who: who, queues: map[string]bool{}}
	st.queues, err = w.s.myQueues(context.Background(), who)
	must(t, err)
	if !st.stillMay() {
		t.Fatal("a good session may not read")
	}
	admin.send("PATCH", "/api/v1/users/"+id, map[string]any{"role": "designer"}).want(t, 200)
	if st.stillMay() || !strings.Contains(rec.body.String(), "event: reset") {
		t.Errorf("the stream goes on after the session ended: %q", rec.body.String())
	}
}

// TestAnOpenStreamIsNoUseOfASession: a page that was left open looks again at
// each heartbeat, and its session ends after 8 idle hours all the same.
func TestAnOpenStreamIsNoUseOfASession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("lead", "lea@acme.example")
	lead := w.as("lea@acme.example")
	r, err := http.NewRequest(http.MethodGet, w.http.URL+"/api/v1/events", nil)
	must(t, err)
	for _, c := range lead.http.Jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	who, err := w.s.identify(r)
	must(t, err)
	rec := &recorder{header: http.Header{}}
	st := &stream{s: w.s, w: rec, rc: http.NewResponseController(rec), r: r, who: who}
	st.queues, err = w.s.myQueues(context.Background(), who)
	must(t, err)
	for range 7 {
		w.clock.move(time.Hour)
		if !st.stillMay() {
			t.Fatal("the stream ended before its session was idle for 8 hours")
		}
	}
	w.clock.move(time.Hour + time.Minute)
	if st.stillMay() {
		t.Error("an open stream keeps its session from going idle")
	}
	lead.get("/api/v1/me").wantProblem(t, 401, "login_required")
}

func TestStreamShowsOnlyWhatOneMaySee(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ev := func(topics ...string) rendered {
		return render(storage.Event{Cursor: 1, UID: storage.UID{1}, Conversation: 1, Type: "message.created", Topics: topics})
	}
	agent := &identity{}
	agent.ID, agent.Role = "ben", "agent"
	designer := &identity{}
	designer.ID, designer.Role = "dee", "designer"
	r, err := http.NewRequest(http.MethodGet, "/", nil)
	must(t, err)
	for _, row := range []struct {
		who  *identity
		ev   rendered
		want bool
	}{
		{agent, ev("all", "queue:orders"), true},
		{agent, ev("all", "queue:returns"), false},
		{agent, ev("all", "queue:returns", "agent:ben"), true},
		{agent, ev("all", "agent:eva", "queue:returns"), false},
		{agent, ev("all"), false}, // no such conversation
		{designer, ev("all", "queue:orders"), false},
		{designer, render(storage.Event{Cursor: 2, Type: "flows.changed", Topics: []string{"flows"}}), true},
	} {
		st := &stream{s: w.s, r: r, who: row.who, queues: map[string]bool{"orders": true}}
		if got := st.may(&row.ev, map[storage.UID]bool{}); got != row.want {
			t.Errorf("%s sees %v: %v, want %v", row.who.Role, row.ev.Topics, got, row.want)
		}
	}
}

func TestPresenceExpires(t *testing.T) {
	t.Parallel()
	c := &clock{at: time.Unix(1_800_000_000, 0)}
	p := newPresence(c.now)
	if !p.beat("conv", "ana", "Ana", true, true) {
		t.Error("the first beat changes something")
	}
	if p.beat("conv", "ana", "Ana", true, true) {
		t.Error("the same beat again changes nothing")
	}
	got, v := p.since(0)
	if data := string(got["conv"]); !strings.Contains(data, `"viewing":[{"id":"ana","name":"Ana"}]`) || !strings.Contains(data, `"typing":[{"id":"ana"`) {
		t.Errorf("presence %s", data)
	}
	c.move(beatLife + time.Second)
	got, _ = p.since(v)
	if data := string(got["conv"]); !strings.Contains(data, `"viewing":[]`) {
		t.Errorf("after %v: %q", beatLife, data)
	}
}

func TestAttendance(t *testing.T) {
	t.Parallel()
	c := &clock{at: time.Unix(1_800_000_000, 0)}
	a := newAttendance(c.now)
	check := func(live bool, want string) {
		t.Helper()
		if got := a.state("ana", live); got != want {
			t.Errorf("state %s, want %s", got, want)
		}
	}
	check(false, "offline")
	check(true, "online")
	a.alive("ana")
	check(false, "online")
	c.move(awayAfter)
	check(false, "away")
	c.move(offlineAfter)
	check(false, "offline")
	a.say("ana", "away")
	check(true, "away")
	a.say("ana", "online")
	check(true, "online")
}

func TestStreamTellsOfFlowsAndSwitches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	w.start()
	c := w.as("ana@acme.example")
	s := c.stream("/api/v1/events")
	c.send("PUT", "/api/v1/kill-switch", map[string]any{"on": true, "reason": "odd answers"}).want(t, 200)
	if ev, ok := s.next(); !ok || ev.event != "killswitch.changed" {
		t.Errorf("after the kill switch: %+v", ev)
	}
	w.s.hub.announce("flows.changed")
	if ev, ok := s.next(); !ok || ev.event != "flows.changed" {
		t.Errorf("after a reload: %+v", ev)
	}
}

// Nothing is read for nobody, and the first reader misses nothing by it.
func TestHubReadsOnlyForStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h, ctx := w.s.hub, context.Background()
	w.happen("message.created", "all")
	h.read(ctx)
	if h.now.started || len(h.now.ring) > 0 {
		t.Fatal("events were read although no stream is connected")
	}
	ana := &stream{who: &identity{Actor: desk.Actor{ID: "ana"}}, wake: make(chan struct{}, 1)}
	h.enter(ana, 1)
	_, place, err := w.s.cfg.Store.Changes(ctx, -1, 1)
	must(t, err)
	w.happen("message.created", "all") // before the hub's first read for this stream
	h.read(ctx)
	select {
	case <-ana.wake:
	default:
		t.Fatal("the reader was not woken")
	}
	if _, ok := h.since(place); ok {
		t.Fatal("memory claims to hold what only the store has")
	}
	at := w.happen("message.created", "all")
	h.read(ctx)
	events, ok := h.since(storage.Cursor(at) - 1)
	if !ok || len(events) != 1 || !strings.HasPrefix(string(events[0].frame), fmt.Sprintf("id: %d\nevent: message.created\ndata: {\"at\":", at)) {
		t.Fatalf("from memory: %v %+v", ok, events)
	}
	h.leave(ana)
	h.read(ctx)
	if h.now.started || len(h.now.ring) > 0 {
		t.Error("memory is kept after the last stream left")
	}
}
