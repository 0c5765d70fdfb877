//go:build browser

package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

type obj = map[string]any

// fake is a server that speaks just enough of the API and of the widget
// protocol for the pages to be themselves. It keeps state, so that a claim is a
// claim, and collects what browsers report.
type fake struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	convs    []obj
	messages map[string][]obj
	packets  map[string]obj
	cursor   int
	subs     map[chan string]bool
	calls    []string // METHOD path If-Epoch Idempotency-Key body
	refuse   func(r *http.Request) (status int, body obj)
	flows    obj
	unseen   int // seq of a message that no page was shown

	events  []obj // of the one widget session
	taken   map[string]obj
	wsubs   map[chan struct{}]bool
	noSSE   bool
	opens   int
	console Console
}

func newFake(t *testing.T) *fake {
	f := &fake{t: t, messages: map[string][]obj{}, packets: map[string]obj{}, subs: map[chan string]bool{}, taken: map[string]obj{}, wsubs: map[chan struct{}]bool{},
		flows:   obj{"live": obj{"set": "3f2a"}, "folder": obj{"state": "same"}, "problems": []any{}},
		console: Console{Me: Me{ID: "u1", Name: "Ana Sousa", Role: "admin"}, Project: "Fennel & Oak", SecondFactor: true, Demo: true}}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(func() { f.CloseClientConnections(); f.Close() })
	return f
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	p := r.URL.Path
	page := map[string]string{"/": PageLanding, "/chat": PageChat, "/setup/tok": PageSetup, "/login": PageLogin, "/login/second": PageLoginSecond, "/oops": PageProblem, "/form/ok": PageForm, "/form/wrong": PageForm, "/form/sent": PageForm, "/form/late": PageForm}[p]
	switch {
	case page != "":
		f.page(w, page, p)
	case p == "/console" || strings.HasPrefix(p, "/console/"):
		f.page(w, PageConsole, p)
	case p == "/channels/web/web/frame":
		f.page(w, PageFrame, p)
	case p == "/widget.js":
		data, kind, _ := Asset("widget.js")
		w.Header().Set("Content-Type", kind)
		w.Write(data)
	case strings.HasPrefix(p, "/assets/"+Hash()+"/"):
		data, kind, ok := Asset(strings.TrimPrefix(p, "/assets/"+Hash()+"/"))
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Write(data)
	case strings.HasPrefix(p, "/channels/web/web/v1/"):
		f.widget(w, r, strings.TrimPrefix(p, "/channels/web/web/v1"))
	case strings.HasPrefix(p, "/api/v1/"):
		f.api(w, r, strings.TrimPrefix(p, "/api/v1"))
	default:
		http.NotFound(w, r)
	}
}

func (f *fake) page(w http.ResponseWriter, page, path string) {
	w.Header().Set("Content-Security-Policy", Policy(page))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	data := map[string]any{
		PageLanding: Landing{Project: "acme-shop", Version: "0.1.0", Address: f.URL, Set: "3f2a91c7aa", Since: time.Date(2026, 11, 20, 10, 38, 0, 0, time.UTC), Flows: 5, States: 28, People: "until 20:00, then Sat 09:00", Loopback: true, Chat: "/chat",
			Steps: []Step{{"hello", "Hi there! You are talking to an assistant.", false, false}, {"menu", "What can we help you with?", true, false}, {"track_order", "What’s your order number?", true, false}, {"damage_photo", "Could you send a photo of it?", true, false}, {"details", "Tell us what happened", true, false}, {"anything_else", "Is there anything else?", true, false}, {"person", "to Orders, Returns or General", false, true}, {"bye", "Bye for now!", false, true}}},
		PageSetup:       Setup{Action: "/setup/tok", Project: "acme-shop", Flows: 5, Listen: "127.0.0.1:8080", KeyPlace: "~/.config/dispatcher/acme-shop.key", Later: true, Values: map[string]string{"name": "Ana Sousa", "email": "ana@acme.example"}, Errors: map[string]string{"password": "14 characters. It needs 15 or more; a sentence is fine."}},
		PageLogin:       Login{Project: "acme-shop", Host: "127.0.0.1:8080", Email: "ana@acme.example", Error: "That e-mail and password do not belong together."},
		PageLoginSecond: LoginSecond{Project: "acme-shop", Email: "ana@acme.example", Error: "That code is from before 10:41. Type the one shown now."},
		PageChat:        Chat{Project: "acme-shop"},
		PageFrame:       Frame{Channel: "web", Title: "Acme support", Hours: "Assistant · a person from 08:00 to 20:00", Wait: "about 4 min"},
		PageConsole:     f.console,
		PageProblem:     ProblemPage{Status: 404, Title: "No such page", Detail: "Nothing is served at this address.", ID: "7f3a-20c1"},
		PageForm:        formOf(path),
	}[page]
	if err := Render(w, page, data); err != nil {
		f.t.Errorf("page %s: %v", page, err)
	}
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

func (f *fake) refusal(w http.ResponseWriter, status int, code, detail string, facts obj) {
	body := obj{"type": "/problems/" + code, "code": code, "detail": detail, "status": status}
	for k, v := range facts {
		body[k] = v
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

func (f *fake) api(w http.ResponseWriter, r *http.Request, p string) {
	var body obj
	if r.Method != http.MethodGet {
		json.NewDecoder(r.Body).Decode(&body)
	}
	if p == "/events" {
		f.stream(w, r)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Method != http.MethodGet {
		b, _ := json.Marshal(body)
		f.calls = append(f.calls, fmt.Sprintf("%s %s epoch=%s key=%s %s", r.Method, p, r.Header.Get("If-Epoch"), r.Header.Get("Idempotency-Key"), b))
	}
	if f.refuse != nil {
		if status, body := f.refuse(r); status != 0 {
			f.refusal(w, status, fmt.Sprint(body["code"]), fmt.Sprint(body["detail"]), body)
			return
		}
	}
	switch parts := strings.Split(strings.Trim(p, "/"), "/"); {
	case p == "/presence-beats":
		w.WriteHeader(http.StatusNoContent)
	case p == "/conversations":
		reply(w, 200, obj{"items": f.list(r.URL.Query().Get("view"), r.URL.Query().Get("state"))})
	case p == "/queues":
		reply(w, 200, obj{"items": []obj{{"alias": "orders", "name": "Orders", "waiting": 1, "mine": true}}})
	case p == "/flows":
		reply(w, 200, f.flows)
	case parts[0] == "conversations" && len(parts) == 2:
		if c := f.conv(parts[1]); c != nil {
			reply(w, 200, f.detail(c))
			return
		}
		f.refusal(w, 404, "not_found", "No such conversation.", nil)
	case parts[0] == "conversations" && len(parts) == 3 && parts[2] == "messages" && r.Method == "GET":
		f.read(w, r, parts[1])
	case parts[0] == "conversations" && len(parts) == 3:
		f.command(w, r, f.conv(parts[1]), parts[2], body)
	default:
		f.refusal(w, 404, "not_found", "No such thing.", nil)
	}
}

func (f *fake) conv(id string) obj {
	for _, c := range f.convs {
		if c["id"] == id {
			return c
		}
	}
	return nil
}

func ownerKind(c obj) string { return fmt.Sprint(c["owner"].(obj)["kind"]) }

func (f *fake) list(view, state string) []obj {
	out := []obj{}
	for _, c := range f.convs {
		if (c["status"] == "resolved") != (state == "resolved") {
			continue
		}
		ok := map[string]bool{"mine": ownerKind(c) == "agent" && c["owner"].(obj)["id"] == "u1", "unassigned": ownerKind(c) == "queue", "assistant": ownerKind(c) == "bot", "waiting": c["due"] != nil, "all": true, "": true}[view]
		if ok {
			out = append(out, c)
		}
	}
	return out
}

func can(c obj) []string {
	if c["status"] == "resolved" {
		return []string{"note", "reopen"}
	}
	switch o := c["owner"].(obj); {
	case o["kind"] == "queue":
		return []string{"claim", "note"}
	case o["kind"] == "bot":
		return []string{"take_over", "note"}
	case o["id"] == "u1":
		return []string{"reply", "note", "release", "hand_back", "resolve"}
	default:
		return []string{"take_over", "note"}
	}
}

func (f *fake) detail(c obj) obj {
	d := obj{"slots": []any{}, "clocks": []any{}, "promises": []any{}, "flow": obj{"flow": "welcome", "state": "menu", "revision": "3f2a"}, "tags": []any{}, "can": can(c),
		"return_points": []obj{{"resume_at": "", "label": "Repeat the question it stopped at", "preview": "Which day suits you for delivery?"}, {"resume_at": "menu", "label": "Menu", "preview": "What can we help you with?"}}}
	for k, v := range c {
		d[k] = v
	}
	if p := f.packets[fmt.Sprint(c["id"])]; p != nil {
		d["packet"] = p
		d["slots"] = p["slots"]
		d["promises"] = p["promises"]
	}
	if c["channel"] == "Instagram" {
		d["window"] = obj{"reply_until": time.Now().Add(23 * time.Hour), "human_until": time.Now().Add(160 * time.Hour)}
	}
	return d
}

func (f *fake) read(w http.ResponseWriter, r *http.Request, id string) {
	after, before := 0, 1<<30
	fmt.Sscan(r.URL.Query().Get("after_seq"), &after)
	fmt.Sscan(r.URL.Query().Get("before_seq"), &before)
	out := []obj{}
	for _, m := range f.messages[id] {
		if seq := m["seq"].(int); seq > after && seq < before {
			out = append(out, m)
		}
	}
	reply(w, 200, obj{"items": out})
}

// say appends a message and tells everybody.
func (f *fake) say(id, kind, author, text string, more obj) obj {
	c := f.conv(id)
	seq := c["seq"].(int) + 1
	c["seq"] = seq
	name := map[string]string{"customer": c["contact"].(obj)["name"].(string), "agent": "Ana Sousa"}[author]
	m := obj{"seq": seq, "id": fmt.Sprintf("%s-%d", id, seq), "at": time.Now().UTC().Format(time.RFC3339), "author": obj{"kind": author, "id": map[string]string{"agent": "u1"}[author], "name": name}, "visibility": "private", "kind": kind, "text": text, "media": []any{}, "state": map[string]string{"customer": "none", "agent": "sent", "bot": "sent"}[author], "edited": false}
	for k, v := range more {
		m[k] = v
	}
	f.messages[id] = append(f.messages[id], m)
	if kind != "event" && kind != "note" {
		c["last"] = obj{"at": m["at"], "author": author, "preview": text}
	}
	f.hint(id, seq, "message.created")
	return m
}

func (f *fake) hint(id string, seq int, kind string) {
	f.cursor++
	b, _ := json.Marshal(obj{"cursor": f.cursor, "conv": id, "conv_seq": seq, "type": kind})
	text := fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", f.cursor, kind, b)
	for s := range f.subs {
		select {
		case s <- text:
		default:
		}
	}
}

func (f *fake) command(w http.ResponseWriter, r *http.Request, c obj, name string, body obj) {
	if c == nil {
		f.refusal(w, 404, "not_found", "No such conversation.", nil)
		return
	}
	id := fmt.Sprint(c["id"])
	switch e := r.Header.Get("If-Epoch"); {
	case e == "":
		f.refusal(w, 428, "epoch_required", "If-Epoch is missing.", nil)
		return
	case e != fmt.Sprint(c["epoch"]) && name == "claim" && ownerKind(c) == "agent":
		f.refusal(w, 409, "already_claimed", "Somebody was faster.", obj{"owner": c["owner"], "since": time.Now().UTC()})
		return
	case e != fmt.Sprint(c["epoch"]):
		f.refusal(w, 409, "stale_epoch", "The conversation has moved on.", obj{"epoch": c["epoch"]})
		return
	}
	me := obj{"kind": "agent", "id": "u1", "name": "Ana Sousa"}
	line := func(edge string) {
		f.say(id, "event", "system", "", obj{"event": obj{"edge": edge, "by": "u1", "by_name": "Ana Sousa", "queue": "orders"}, "author": obj{"kind": "system"}})
	}
	switch name {
	case "messages":
		reply(w, 202, f.say(id, "text", "agent", fmt.Sprint(body["text"]), obj{"client_id": r.Header.Get("Idempotency-Key")}))
		return
	case "notes":
		reply(w, 201, f.say(id, "note", "agent", fmt.Sprint(body["text"]), obj{"client_id": r.Header.Get("Idempotency-Key")}))
		return
	case "claim":
		c["owner"] = me
	case "take-over":
		c["owner"] = me
		name = "take_over"
	case "release":
		c["owner"] = obj{"kind": "queue", "id": "orders", "name": "Orders"}
	case "hand-back":
		c["owner"] = obj{"kind": "bot"}
		name = "hand_back"
	case "resolve":
		if seen, _ := body["last_seen_seq"].(float64); int(seen) < f.lastOf(id) && body["force"] != true {
			f.refusal(w, 409, "new_message", "They wrote meanwhile.", nil)
			return
		}
		c["owner"], c["status"] = obj{"kind": "none"}, "resolved"
	case "undo", "reopen":
		c["owner"], c["status"] = me, "open"
		name = "undo_resolve"
	}
	c["epoch"] = c["epoch"].(int) + 1
	line(name)
	reply(w, 200, obj{"epoch": c["epoch"], "phase": "agent", "owner": c["owner"], "id": id})
}

// lastOf is the seq of the customer's newest message.
func (f *fake) lastOf(id string) int {
	last := f.unseen
	for _, m := range f.messages[id] {
		if m["author"].(obj)["kind"] == "customer" {
			last = max(last, m["seq"].(int))
		}
	}
	return last
}

func (f *fake) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	ch := make(chan string, 64)
	f.mu.Lock()
	f.subs[ch] = true
	f.mu.Unlock()
	defer func() { f.mu.Lock(); delete(f.subs, ch); f.mu.Unlock() }()
	fmt.Fprint(w, ": hello\n\n")
	w.(http.Flusher).Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case s := <-ch:
			if s == "" {
				return
			}
			fmt.Fprint(w, s)
			w.(http.Flusher).Flush()
		}
	}
}

// widget speaks channels.md 2.2.2 for one visitor.
func (f *fake) widget(w http.ResponseWriter, r *http.Request, p string) {
	var body obj
	if r.Method == http.MethodPost {
		json.NewDecoder(r.Body).Decode(&body)
	}
	if p != "/config" && p != "/session" && r.Header.Get("Authorization") != "Bearer tok-1" {
		reply(w, 401, obj{"error": obj{"code": "session", "message": "No session."}})
		return
	}
	if p == "/events" {
		f.widgetEvents(w, r)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		if status, b := f.refuse(r); status != 0 {
			reply(w, status, obj{"error": obj{"code": b["code"], "message": b["detail"]}})
			return
		}
	}
	switch p {
	case "/config":
		reply(w, 200, obj{"button": obj{"text": "Chat with us – about 4 min", "state": "open"}})
	case "/session":
		f.opens++
		if len(f.events) == 0 && body["open"] == true {
			f.ask("Hi! What can we help you with?", "Where’s my order?|Find a parcel with its number", "Return something|Refunds and exchanges, within 30 days", "It arrived damaged|A photo helps, if you have one", "My account|Log-in, password, payments", "Something else|")
		}
		status := 201
		if r.Header.Get("Authorization") != "" {
			status = 200
		}
		reply(w, status, obj{"token": "tok-1", "expires_at": time.Now().Add(time.Hour), "contact": obj{"verified": false}, "seq": len(f.events)})
	case "/messages":
		f.widgetMessage(w, body)
	default:
		w.WriteHeader(204)
	}
}

func (f *fake) push(kind string, data obj) int {
	seq := len(f.events) + 1
	data["seq"] = seq
	f.events = append(f.events, obj{"id": seq, "event": kind, "data": data})
	for s := range f.wsubs {
		select {
		case s <- struct{}{}:
		default:
		}
	}
	return seq
}

func (f *fake) ask(text string, options ...string) {
	list := []obj{}
	for i, o := range options {
		label, desc, _ := strings.Cut(o, "|")
		list = append(list, obj{"payload": fmt.Sprintf("o1.%d", i), "label": label, "description": desc})
	}
	f.push("message", obj{"id": fmt.Sprintf("m%d", len(f.events)+1), "author": obj{"role": "bot"}, "at": time.Now().UTC(), "text": text, "options": list, "links": []any{}, "media": []any{}})
}

func (f *fake) widgetMessage(w http.ResponseWriter, body obj) {
	client := fmt.Sprint(body["client_id"])
	if was := f.taken[client]; was != nil {
		reply(w, 200, was)
		return
	}
	text := fmt.Sprint(body["text"])
	id := fmt.Sprintf("m%d", len(f.events)+1)
	seq := f.push("message", obj{"id": id, "author": obj{"role": "customer"}, "at": time.Now().UTC(), "text": text, "tap": body["option"] != nil})
	f.taken[client] = obj{"id": id, "seq": seq}
	reply(w, 201, f.taken[client])
	switch {
	case strings.Contains(strings.ToLower(text), "person"):
		f.ask("Thanks! I’ve passed this to Orders. You’re number 2 in line.")
		f.push("owner", obj{"owner": "queue", "position": 2, "wait_minutes": 5})
	case body["option"] != nil:
		f.ask("What’s your order number? It looks like AB123456.")
	default:
		f.ask("Thank you. Anything else?", "Yes|", "No|")
	}
}

func (f *fake) widgetEvents(w http.ResponseWriter, r *http.Request) {
	after := 0
	fmt.Sscan(r.URL.Query().Get("after"), &after)
	sse := strings.Contains(r.Header.Get("Accept"), "event-stream")
	f.mu.Lock()
	if sse && f.noSSE {
		f.mu.Unlock()
		reply(w, 200, obj{"no": "streams here"})
		return
	}
	ch := make(chan struct{}, 64)
	f.wsubs[ch] = true
	f.mu.Unlock()
	defer func() { f.mu.Lock(); delete(f.wsubs, ch); f.mu.Unlock() }()
	if !sse {
		f.mu.Lock()
		news := append([]obj{}, f.events[min(after, len(f.events)):]...)
		f.mu.Unlock()
		if len(news) == 0 {
			select {
			case <-ch:
			case <-time.After(time.Second):
			case <-r.Context().Done():
			}
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		reply(w, 200, obj{"events": f.events[min(after, len(f.events)):], "seq": len(f.events)})
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		f.mu.Lock()
		for _, e := range f.events[min(after, len(f.events)):] {
			b, _ := json.Marshal(e["data"])
			fmt.Fprintf(w, "id: %v\nevent: %v\ndata: %s\n\n", e["id"], e["event"], b)
		}
		after = max(after, len(f.events))
		f.mu.Unlock()
		fmt.Fprint(w, ": alive\n\n")
		w.(http.Flusher).Flush()
		select {
		case <-ch:
		case <-r.Context().Done():
			return
		}
	}
}
