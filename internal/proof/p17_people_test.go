package proof

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/internal/proof/canary"
	"dispatcher/internal/proof/kill"
)

// Secrets of the project of crowds.
const (
	identitySecret = "example-identity-secret"
	xSecret        = "consumer-secret-of-x"
)

// crowdProject is the starter on three channels: signed webhook, X, the widget.
func crowdProject(t testing.TB, platform string) map[string]string {
	files := starterShop(t, platform)
	text := strings.Replace(files["dispatcher.yaml"], "web: {new_sessions", "web: {identity_secret: "+identitySecret+", new_sessions", 1)
	files["dispatcher.yaml"] = strings.Replace(text, "  shop: {kind", fmt.Sprintf("  x: {account_id: \"900100\", consumer_key: ck, consumer_secret: %s, access_token: at, access_token_secret: ats, "+
		"base_url: %q, insecure: true, burst: 0}\n  shop: {kind", xSecret, platform), 1)
	return files
}

// crowd is people with a canary in every field that they can fill.
type crowd struct {
	t       testing.TB
	s       *kill.Service
	p       *fakeplatform.Server
	shop, x *fakeplatform.Sender
	http    *http.Client
}

func newCrowd(t testing.TB, s *kill.Service, p *fakeplatform.Server) *crowd {
	return &crowd{t: t, s: s, p: p, shop: fakeplatform.WebhookSender(s.URL+"/channels/shop/webhook", shopSecret), x: fakeplatform.XSender(s.URL+"/channels/x/webhook", xSecret),
		http: &http.Client{Timeout: 20 * time.Second}}
}

// come lets n people write: half on the webhook, a quarter each on X and in the widget.
func (c *crowd) come(n int) {
	c.t.Helper()
	var wg sync.WaitGroup
	gate := make(chan struct{}, 8)
	for i := range n {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			switch i % 4 {
			case 0, 1:
				c.byWebhook(i)
			case 2:
				c.byX(i)
			default:
				c.byWidget(i)
			}
		})
	}
	wg.Wait()
}

// detail is the text whose presence in a conversation says that person i is in it.
func detail(i int) string { return "The lid is cracked, " + canary.Word(i, "details") }

func (c *crowd) byWebhook(i int) {
	w := func(field string) string { return canary.Word(i, field) }
	contact := map[string]any{"id": w("contact"), "name": "K" + w("name") + " " + w("surname"), "handle": w("handle"), "locale": "en-GB"}
	send := func(field, kind string, data map[string]any) {
		data["contact"] = contact
		if _, ok := data["id"]; !ok {
			data["id"] = w("id " + field)
		}
		if _, err := c.shop.Send(c.t.Context(), w("transport "+field), fakeplatform.WebhookEvent(kind, time.Now(), data)); err != nil {
			c.t.Errorf("person %d, %s: %v", i, field, err)
		}
	}
	send("start", "conversation.started", map[string]any{"entry": map[string]any{"ref": w("ref"), "source": "link", "text": w("entry text"), "url": "https://shop.example/" + w("entry url") + "?q=" + w("query")}})
	send("first", "message.created", map[string]any{"text": "hello " + w("text") + " {{ " + w("template") + " }}", "reply_to": w("reply to"),
		"media": []any{map[string]any{"kind": "image", "url": "https://shop.example/" + w("media url") + ".jpg", "mime": "image/jpeg", "bytes": 99, "name": w("file") + ".jpg"}}})
	if i%8 == 1 { // an answer that is none is quoted back
		send("order", "message.created", map[string]any{"text": "1"})
		send("quoted", "message.created", map[string]any{"text": "it is " + w("wrong number")})
		send("over", "message.created", map[string]any{"text": "start over"})
	}
	send("tap", "message.created", map[string]any{"text": "3", "option": map[string]any{"payload": w("payload"), "label": w("label")}})
	send("choice", "message.created", map[string]any{"text": "it arrived broken"})
	send("details", "message.created", map[string]any{"id": w("id details"), "text": detail(i)})
	send("later", "message.created", map[string]any{"text": "hello? " + w("in the queue")})
	send("edit", "message.updated", map[string]any{"id": w("id details"), "revision": 2, "text": detail(i) + " " + w("edited")})
	send("removed", "message.deleted", map[string]any{"id": w("id later")})
	send("echo", "message.sent", map[string]any{"text": w("echo"), "author": "bot"})
	send("odd", w("kind"), map[string]any{"text": w("ignored")})
}

func (c *crowd) byX(i int) {
	id := canary.Number(i, "sender")
	send := func(field, text string) {
		var event map[string]any
		if err := json.Unmarshal(fakeplatform.XMessage("900100", id, canary.Number(i, "id "+field), text, "", time.Now()), &event); err != nil {
			c.t.Fatal(err)
		}
		event["users"] = map[string]any{id: map[string]any{"id": id, "name": "K" + canary.Word(i, "name"), "screen_name": canary.Word(i, "handle"), "profile_image_url_https": "https://img.example/" + canary.Word(i, "avatar")}}
		if _, err := c.x.Send(c.t.Context(), "x-"+field, mustJSON(event)); err != nil {
			c.t.Errorf("person %d, %s: %v", i, field, err)
		}
	}
	send("first", "good morning "+canary.Word(i, "text")+" https://t.co/"+canary.Word(i, "link"))
	send("choice", "it arrived broken")
	send("details", detail(i))
	send("later", "hello? "+canary.Word(i, "in the queue"))
}

func (c *crowd) byWidget(i int) {
	w := func(field string) string { return canary.Word(i, field) }
	base, token := c.s.URL+"/channels/web/web/v1", ""
	post := func(path, kind string, body []byte, out any) {
		req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, base+path, bytes.NewReader(body))
		if err != nil {
			c.t.Fatal(err)
		}
		req.Header.Set("Content-Type", kind)
		req.Header.Set("Origin", c.s.URL)
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := c.http.Do(req)
		if err != nil {
			c.t.Errorf("person %d, %s: %v", i, path, err)
			return
		}
		defer res.Body.Close()
		data, _ := io.ReadAll(res.Body)
		if res.StatusCode >= 300 || out != nil && json.Unmarshal(data, out) != nil {
			c.t.Errorf("person %d, %s: %d %s", i, path, res.StatusCode, data)
		}
	}
	say := func(text string, media ...string) {
		post("/messages", "application/json", mustJSON(map[string]any{"client_id": uuid.NewString(), "text": text, "media": media}), nil)
	}
	var session struct{ Token string }
	post("/session", "application/json", mustJSON(map[string]any{"entry": w("entry"), "prefill": w("prefill"), "page": "https://shop.example/" + w("page") + "?" + w("query"),
		"identity": identity(map[string]any{"sub": w("sub"), "name": "K" + w("name") + " " + w("surname"), "email": w("email") + "@shop.example", "phone": "+44" + canary.Number(i, "phone"), "iat": time.Now().Unix() - 5, "exp": time.Now().Unix() + 3600}), "open": true}), &session)
	token = session.Token
	say("hello " + w("text"))
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	part, err := m.CreateFormFile("file", w("file name")+".txt")
	if err == nil {
		_, err = part.Write([]byte(strings.Repeat("a receipt of "+w("file content")+"\n", 500)))
	}
	if err != nil || m.Close() != nil {
		c.t.Fatal(err)
	}
	var file struct{ Media string }
	post("/media", m.FormDataContentType(), form.Bytes(), &file)
	say("here is the receipt "+w("with file"), file.Media)
	say("it arrived broken")
	say(detail(i))
	say("hello? " + w("in the queue"))
}

// identity is a token as a site's server makes it (channels.md 2.2.1).
func identity(claims map[string]any) string {
	head := "di1." + base64.RawURLEncoding.EncodeToString(mustJSON(claims))
	mac := hmac.New(sha256.New, []byte(identitySecret))
	mac.Write([]byte(head))
	return head + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// serve lets an agent work on n of their conversations, with canaries in all that is typed.
func (c *crowd) serve(a *kill.Client, n int) (done int) {
	c.t.Helper()
	var list struct {
		Items []struct {
			ID      string
			Epoch   int64
			Contact struct{ ID string }
		}
	}
	if status := a.Get("/api/v1/conversations?view=unassigned&limit=100&q="+url.QueryEscape(canary.Word(0, "search")), &list); status >= 500 {
		c.t.Errorf("search: %d", status)
	}
	if status := a.Get("/api/v1/conversations?view=unassigned&limit=100", &list); status != http.StatusOK {
		c.t.Fatalf("list: %d", status)
	}
	for i, item := range list.Items[:min(n, len(list.Items))] {
		w := func(field string) string { return canary.Word(9000+i, field) }
		path, epoch := "/api/v1/conversations/"+item.ID, item.Epoch
		do := func(verb string, body map[string]any) {
			var moved struct{ Epoch int64 }
			status := a.Post(path+"/"+verb, body, map[string]string{"If-Epoch": fmt.Sprint(epoch), "Idempotency-Key": w("key " + verb)}, &moved)
			if status >= 300 || status == 0 {
				c.t.Errorf("%s: %d", verb, status)
			}
			if moved.Epoch > 0 {
				epoch = moved.Epoch
			}
		}
		do("claim", map[string]any{"note": w("claim note")})
		do("messages", map[string]any{"text": "Hello, about " + w("reply") + ": it is on its way."})
		do("notes", map[string]any{"text": "internal " + w("note")})
		a.Get(path, nil)
		a.Get(path+"/messages", nil)
		a.Get(path+"/trace", nil)
		a.Get("/api/v1/contacts/"+item.Contact.ID, nil)
		if i%2 == 0 {
			do("resolve", map[string]any{"note": w("resolve note")})
		} else {
			do("release", map[string]any{"note": w("release note")})
		}
		done++
	}
	return done
}

// abuse is input that ends in an error, with canaries in it.
func (c *crowd) abuse(a *kill.Client) {
	c.t.Helper()
	w := func(field string) string { return canary.Word(8000, field) }
	try := func(method, path, body string, header map[string]string) {
		req, err := http.NewRequestWithContext(c.t.Context(), method, c.s.URL+path, strings.NewReader(body))
		if err != nil {
			c.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		for k, v := range header {
			req.Header.Set(k, v)
		}
		if res, err := c.http.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if res.StatusCode >= 500 {
				c.t.Errorf("%s %s: %d", method, path[:min(30, len(path))], res.StatusCode)
			}
		}
	}
	try("POST", "/channels/shop/webhook", `{"text":"`+w("unsigned")+`"}`, map[string]string{"Webhook-Id": w("id"), "Webhook-Signature": "v1," + w("signature"), "Webhook-Timestamp": w("time")})
	try("POST", "/channels/x/webhook", `{"text":"`+w("unsigned x")+`"}`, map[string]string{"X-Twitter-Webhooks-Signature": "sha256=" + w("signature")})
	try("GET", "/channels/x/webhook?crc_token="+w("crc")+"%20x", "", nil)
	try("POST", "/channels/"+w("channel"), "{}", nil)
	try("GET", "/"+w("path")+"?"+w("query"), "", map[string]string{"Referer": "https://shop.example/" + w("referer"), "User-Agent": w("agent"), "X-Forwarded-For": w("address"), "Cookie": "dispatcher=" + w("cookie")})
	try("POST", "/channels/web/web/v1/session", `{"identity":"di1.`+w("identity")+`.`+w("mac")+`"}`, map[string]string{"Origin": c.s.URL})
	try("POST", "/channels/web/web/v1/messages", `{"client_id":"`+w("client")+`"}`, map[string]string{"Authorization": "Bearer " + w("token"), "Origin": "https://" + w("origin") + ".example"})
	try("GET", "/channels/web/web/v1/media/"+w("media"), "", map[string]string{"Authorization": "Bearer " + w("token")})
	try("POST", "/login", `{"email":"`+w("email")+`@acme.example","password":"`+w("password")+`"}`, nil)
	try("POST", "/api/v1/login", `{"email":"`+w("email")+`@acme.example","password":"`+w("password")+`"}`, nil)
	try("GET", "/setup/"+w("setup"), "", nil)
	bearer := map[string]string{"Authorization": "Bearer " + a.Token, "If-Epoch": "1", "Idempotency-Key": w("idempotency")}
	try("POST", "/api/v1/conversations/"+w("conversation")+"/messages", `{"text":"`+w("reply to nobody")+`"}`, bearer)
	try("POST", "/api/v1/conversations/"+uuid.NewString()+"/claim", `{"note":"`+w("note"), bearer)
	try("PATCH", "/api/v1/conversations/"+uuid.NewString(), `{"topic":["`+w("topic")+`"]}`, bearer)
	signed := func(body string) {
		_, _, _ = c.shop.Once(c.t.Context(), canary.Word(8000, body), []byte(body), 0)
		_, _, _ = c.x.Once(c.t.Context(), "x", []byte(body), 0)
	}
	signed(`{"type":"message.created","data":{"text":"` + w("broken"))
	signed(`{"type":"message.created","type":"` + w("twice") + `","data":{}}`)
	signed(`{"type":{"` + w("shape") + `":1},"data":[]}`)
	signed(`{"for_user_id":"900100","direct_message_events":[{"` + w("x shape") + `":1}]}`)
	signed(w("no JSON"))
}

var metricsLine = regexp.MustCompile(`metrics\s+(http://\S+/metrics)`)

// metrics reads the numbers that the service publishes.
func (c *crowd) metrics() []byte {
	c.t.Helper()
	m := metricsLine.FindStringSubmatch(c.s.Log())
	if m == nil {
		c.t.Fatal("no address of /metrics was printed")
	}
	res, err := c.http.Get(m[1])
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || len(data) < 1000 {
		c.t.Fatalf("metrics: %d bytes, %v", len(data), err)
	}
	return data
}

// loud are the arguments under which a service says most.
var loud = []string{"--debug", "--metrics-listen", "127.0.0.1:0"}
