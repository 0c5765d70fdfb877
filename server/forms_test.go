package server

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"

	"dispatcher/flows"
)

const pagesFlow = `
flow: welcome
slots:
  order_number: {type: text, pattern: "[0-9]{5}", example: "12345"}
  card: {type: text, secret: true, pattern: "[0-9]{4}", keep: 30d}
  photo: {type: media}
states:
  start:
    form:
      ask: "Please fill this in: {{ form.url }}"
      title: Your <order>
      fields: [order_number, card, {slot: photo, required: false}]
    goto: done
  done:
    handoff: orders
`

const sizeFlow = `
flow: ask_size
delegate: Ask for the size
states:
  start:
    collect: {slot: size, ask: "What size?"}
    return: done
`

// runs makes other flows live.
func (w *world) runs(texts ...string) {
	w.t.Helper()
	files := &flows.Files{Name: "shop", Data: map[string][]byte{"dispatcher.yaml": []byte(projectFile)}}
	for i, text := range texts {
		files.Data["flows/f"+itoa(i)+".yaml"] = []byte(text)
	}
	p := flows.Load(files, flows.Options{Env: testEnv})
	if !p.OK() {
		var b strings.Builder
		p.WriteText(&b, false)
		w.t.Fatal(b.String())
	}
	must(w.t, w.inbox.SetLive(context.Background(), p))
}

// said is the last message of the only conversation.
func (w *world) said() (id, text string) {
	w.t.Helper()
	c := w.program(w.token("conversations:read"))
	item := c.get("/api/v1/conversations?view=all").want(w.t, 200).json(w.t)["items"].([]any)[0].(map[string]any)
	id = item["id"].(string)
	msgs := c.get("/api/v1/conversations/"+id+"/messages?limit=200").want(w.t, 200).json(w.t)["items"].([]any)
	for _, m := range msgs {
		if author := m.(map[string]any)["author"].(map[string]any); author["kind"] == "bot" {
			text = m.(map[string]any)["text"].(string)
		}
	}
	return id, text
}

func TestAFormOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	w.start()
	w.runs(pagesFlow)
	w.writes("mia", "m1", "hello")
	_, ask := w.said()
	_, path, ok := strings.Cut(ask, "http://127.0.0.1:8080")
	if !ok || !strings.HasPrefix(path, "/forms/") {
		t.Fatalf("said %q", ask)
	}
	c := w.browser()
	page := c.get(path).want(t, 200)
	html := string(page.body)
	if !strings.Contains(page.Header.Get("Content-Security-Policy"), "default-src 'none'") || page.Header.Get("Referrer-Policy") != "no-referrer" || page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", page.Header)
	}
	for _, want := range []string{"Your &lt;order&gt;", `name="order_number"`, `name="card" type="password"`, `type="file"`, "multipart/form-data", `method="post"`} {
		if !strings.Contains(html, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	bad := c.form(path, url.Values{"order_number": {"<12>"}, "card": {"4242"}}.Encode()).want(t, 422)
	if html = string(bad.body); !strings.Contains(html, "&lt;12&gt;") || strings.Contains(html, "4242") || !strings.Contains(html, `id="order_number-h"`) || !strings.Contains(html, "doesn&#39;t look right") {
		t.Errorf("wrong values: %s", html)
	}
	c.get(path).want(t, 200) // nothing is used up
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	must(t, form.WriteField("order_number", "12345"))
	must(t, form.WriteField("card", "4242"))
	file, err := form.CreateFormFile("photo", "a.png")
	must(t, err)
	_, err = file.Write([]byte("\x89PNG\r\n\x1a\n0000"))
	must(t, err)
	must(t, form.Close())
	done := c.do("POST", path, &b, "Content-Type", form.FormDataContentType()).want(t, 200)
	if !strings.Contains(string(done.body), "Thank you") {
		t.Errorf("done: %s", done.body)
	}
	if again := c.get(path).want(t, 410); !strings.Contains(string(again.body), "expired") {
		t.Errorf("again: %s", again.body)
	}
	c.form(path, "order_number=99999&card=1111").want(t, 410)
	c.get(path[:len(path)-2]+"zz").want(t, 404)
	admin := w.as("ana@acme.example")
	id, _ := w.said()
	detail := admin.get("/api/v1/conversations/"+id).want(t, 200)
	if d := detail.json(t); d["phase"] != "queue" || strings.Contains(string(detail.body), "4242") {
		t.Errorf("%s", detail.body)
	}
	if log := w.logs.String(); strings.Contains(log, path) || strings.Contains(log, "4242") {
		t.Error("the log names the link or what was written")
	}
}

const secretFlow = `
flow: welcome
slots:
  card: {type: text, secret: true, pattern: "[0-9]{4}", example: "4242", keep: 30d}
states:
  start:
    collect: {slot: card, ask: "Which card?"}
    goto: done
  done:
    handoff: orders
`

// TestASecretTypedInTheChatIsNotShown: what the console reads has dots where a
// customer typed a secret, or the same with a slip of the finger.
func TestASecretTypedInTheChatIsNotShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	w.start()
	w.runs(secretFlow)
	w.writes("mia", "m1", "hello")
	w.writes("mia", "m2", "42427")
	w.writes("mia", "m3", "4242")
	id, _ := w.said()
	admin := w.as("ana@acme.example")
	var bodies string
	for _, path := range []string{"", "/messages?limit=200"} {
		bodies += string(admin.get("/api/v1/conversations/"+id+path).want(t, 200).body)
	}
	if strings.Contains(bodies, "4242") || strings.Count(bodies, "••••••") < 2 || !strings.Contains(bodies, "hello") {
		t.Errorf("%s", bodies)
	}
}

func TestVerificationsNeedTheirScopeAndAGoodToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	w.start()
	w.program(w.token("conversations:read")).post("/api/v1/verifications/x", map[string]any{"ok": true}).wantProblem(t, 403, "forbidden")
	w.as("ana@acme.example").post("/api/v1/verifications/x", map[string]any{"ok": true}).wantProblem(t, 403, "forbidden")
	w.program(w.token("verify")).post("/api/v1/verifications/x", map[string]any{"ok": true}).wantProblem(t, 404, "not_found")
}

func TestAnAgentLendsOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	w.start()
	w.runs(flowFile, sizeFlow)
	id := w.waiting("mia")
	c := w.as("ana@acme.example")
	path := "/api/v1/conversations/" + id
	epoch := func() string { return num(c.get(path).want(t, 200).json(t)["epoch"]) }
	c.post(path+"/claim", map[string]any{}, "If-Epoch", epoch()).want(t, 200)
	detail := c.get(path).want(t, 200).json(t)
	if d := detail["delegates"].([]any); len(d) != 1 || d[0].(map[string]any)["flow"] != "ask_size" || d[0].(map[string]any)["label"] != "Ask for the size" {
		t.Fatalf("%v", d)
	}
	c.post(path+"/lend", map[string]any{"flow": "welcome"}, "If-Epoch", epoch()).wantProblem(t, 409, "cannot_lend")
	moved := c.post(path+"/lend", map[string]any{"flow": "ask_size", "lead_in": "One question."}, "If-Epoch", epoch()).want(t, 200).json(t)
	if moved["phase"] != "lent" {
		t.Fatalf("%v", moved)
	}
	if _, text := w.said(); text != "What size?" {
		t.Fatalf("said %q", text)
	}
	back := c.post(path+"/lend-recall", map[string]any{}, "If-Epoch", epoch()).want(t, 200).json(t)
	if back["phase"] != "agent" {
		t.Fatalf("%v", back)
	}
	c.post(path+"/lend-recall", map[string]any{}, "If-Epoch", epoch()).wantProblem(t, 409, "too_late")
}
