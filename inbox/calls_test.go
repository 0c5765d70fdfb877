package inbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dispatcher/storage"
)

// shopAPI is a service that answers as it is told and keeps what it was asked.
type shopAPI struct {
	srv    *httptest.Server
	mu     sync.Mutex
	asked  []asked
	answer func(n int, a asked) (status int, body string)
	got    chan asked
}

type asked struct {
	Method, Path, Query, Key, Auth, Body string
}

func newShopAPI(t *testing.T, answer func(n int, a asked) (int, string)) *shopAPI {
	t.Helper()
	p := &shopAPI{answer: answer, got: make(chan asked, 100)}
	p.srv = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.srv.Close)
	return p
}

func (p *shopAPI) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a := asked{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Get("Idempotency-Key"), r.Header.Get("Authorization"), string(body)}
	p.mu.Lock()
	p.asked = append(p.asked, a)
	n := len(p.asked)
	p.mu.Unlock()
	p.got <- a
	status, text := p.answer(n, a)
	switch status {
	case 0:
		panic(http.ErrAbortHandler)
	case -1:
		<-r.Context().Done() // until nobody waits any more
		return
	}
	if status >= 300 && status < 400 {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(status)
	fmt.Fprint(w, text)
}

func (p *shopAPI) all() []asked {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// project is a project with this service.
func (p *shopAPI) project(more string) rigOption {
	return withProject(shopProject + fmt.Sprintf("services:\n  shop:\n    url: %s/api\n    insecure: true\n    methods: [get, post]\n    headers: {Authorization: \"${env:SHOP_TOKEN}\"}\n    timeout: 1s\n%s", p.srv.URL, more))
}

// withSecret resolves every reference to one value.
func withSecret(value string) rigOption {
	return func(_ *rig, cfg *Config) {
		cfg.Secret = func(ref string) (string, error) {
			return strings.ReplaceAll(ref, "${env:SHOP_TOKEN}", value), nil
		}
	}
}

const orderFlow = `flow: welcome
slots:
  order_number: {type: text, example: "12345", pattern: "[0-9]{5}"}
states:
  start:
    collect: {slot: order_number, ask: Which order?}
    goto: look
  look:
    http:
      service: shop
      get: /orders/{{ slots.order_number }}
      query: {lang: en}
      retry: 1
      save: order
      returns: {status: text}
      on: {"404": unknown, timeout: slow, invalid: odd, else: broken}
    goto: found
  found:
    say: "Found. It is {{ order.status }}."
    resolve: done
  unknown:
    say: No such order.
    resolve: done
  slow:
    say: Too slow.
    resolve: done
  odd:
    say: An odd answer.
    resolve: done
  broken:
    say: Broken.
    handoff: orders
`

func quick(r *rig) { r.calls.wait = func(int) time.Duration { return time.Millisecond } }

func TestALookUpIsAskedAndItsAnswerGoesOn(t *testing.T) {
	t.Parallel()
	api := newShopAPI(t, func(int, asked) (int, string) { return 200, `{"status": "on its way", "secret": 1}` })
	dir, v := newFolder(t)
	r := startRig(t, dir, v, orderFlow, api.project(""), withSecret("Bearer s3cret"))
	r.accept(text("ann", "hi"))
	r.want("Which order?")
	r.accept(text("ann", "12345"))
	r.want("Found. It is on its way.")
	got := api.all()
	want := asked{Method: "GET", Path: "/api/orders/12345", Query: "lang=en", Auth: "Bearer s3cret"}
	if len(got) != 1 || got[0] != want {
		t.Fatalf("asked %+v", got)
	}
	r.until("no row left", func() bool { return len(callRows(t, r)) == 0 })
	for _, word := range []string{"12345", "s3cret", "/orders"} {
		if strings.Contains(r.logs.String(), word) {
			t.Errorf("the log holds %q", word)
		}
	}
}

// callRows are the requests that wait or are under way.
func callRows(t *testing.T, r *rig) (rows []storage.OutboxRow) {
	t.Helper()
	work, _, err := r.db.Lease(t.Context(), storage.LeaseQuery{What: "outbox", Channel: callChannel, Now: r.now().UnixMilli(), Node: 7, For: time.Millisecond, N: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range work {
		rows = append(rows, *w.Row)
	}
	return rows
}

func TestWhatBecomesOfALookUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(n int, a asked) (int, string)
		says   string
		asked  int
	}{
		"404":         {func(int, asked) (int, string) { return 404, "" }, "No such order.", 1},
		"500 twice":   {func(int, asked) (int, string) { return 500, "" }, "Broken.", 2},
		"500 once":    {func(n int, _ asked) (int, string) { return []int{500, 200}[n-1], `{"status": "fine"}` }, "Found. It is fine.", 2},
		"429 once":    {func(n int, _ asked) (int, string) { return []int{429, 200}[n-1], `{"status": "fine"}` }, "Found. It is fine.", 2},
		"no JSON":     {func(int, asked) (int, string) { return 200, "<html>" }, "An odd answer.", 1},
		"wrong shape": {func(int, asked) (int, string) { return 200, `{"status": 7}` }, "An odd answer.", 1},
		"too large":   {func(int, asked) (int, string) { return 200, `{"status": "` + strings.Repeat("x", 256<<10) + `"}` }, "An odd answer.", 1},
		"too deep": {func(int, asked) (int, string) {
			return 200, `{"status": "x", "a": ` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + `}`
		}, "An odd answer.", 1},
		"redirect": {func(int, asked) (int, string) { return 302, "" }, "Broken.", 1},
		"cut off":  {func(int, asked) (int, string) { return 0, "" }, "Broken.", 2},
		"never":    {func(int, asked) (int, string) { return -1, "" }, "Too slow.", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newShopAPI(t, c.answer)
			dir, v := newFolder(t)
			r := startRig(t, dir, v, orderFlow, api.project(""))
			quick(r)
			r.accept(text("ann", "hi"))
			r.want("Which order?")
			r.accept(text("ann", "12345"))
			r.want(c.says)
			if n := len(api.all()); n != c.asked {
				t.Fatalf("asked %d times, want %d", n, c.asked)
			}
		})
	}
}

func TestALookUpOfAServiceThatIsGoneIsRefused(t *testing.T) {
	t.Parallel()
	api := newShopAPI(t, func(int, asked) (int, string) { return 200, `{"status": "x"}` })
	dir, v := newFolder(t)
	r := startRig(t, dir, v, orderFlow, api.project(""))
	delete(r.Live().Config.Service, "shop")
	r.accept(text("ann", "hi"))
	r.want("Which order?")
	r.accept(text("ann", "12345"))
	r.want("Broken.")
	if len(api.all()) != 0 {
		t.Fatal("it was asked")
	}
}

func TestAnAddressInsideIsNotDialled(t *testing.T) {
	t.Parallel()
	api := newShopAPI(t, func(int, asked) (int, string) { return 200, `{"status": "x"}` })
	dir, v := newFolder(t)
	r := startRig(t, dir, v, orderFlow, withProject(shopProject+"services:\n  shop: {url: \"https://localhost:"+api.srv.URL[strings.LastIndex(api.srv.URL, ":")+1:]+"\"}\n"))
	r.accept(text("ann", "hi"))
	r.want("Which order?")
	r.accept(text("ann", "12345"))
	r.want("Broken.")
	if len(api.all()) != 0 || !strings.Contains(r.logs.String(), whyForbidden) {
		t.Fatalf("asked %v\n%s", api.all(), r.logs)
	}
}

func TestALookUpSurvivesAKill(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	api := newShopAPI(t, func(n int, _ asked) (int, string) {
		if n == 1 {
			<-hold
		}
		return 200, `{"status": "here"}`
	})
	dir, v := newFolder(t)
	r := startRig(t, dir, v, orderFlow, api.project(""))
	r.accept(text("ann", "hi"))
	r.want("Which order?")
	r.until("the question is sent", func() bool { return r.delivery("ann", "Which order?") == storage.DeliverySent }) // else it goes again
	r.accept(text("ann", "12345"))
	<-api.got
	r.kill()
	close(hold)
	again := startRig(t, dir, v, orderFlow, api.project(""))
	again.want("Found. It is here.")
	if n := len(api.all()); n != 2 {
		t.Fatalf("asked %d times", n)
	}
}

const postFlow = `flow: welcome
states:
  start:
    ask: Shall I?
    options: {"Yes": act}
  act:
    http:
      service: shop
      post: /refunds
      json: {reason: "{{ message.text }}"}
      retry: 1
      returns: {}
      on: {timeout: slow, else: broken}
    goto: done
  done:
    say: Done.
    resolve: done
  slow:
    say: I do not know whether it was done.
    handoff: orders
  broken:
    say: Broken.
    handoff: orders
`

func TestARequestThatChangesSomethingIsNotMadeTwice(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	api := newShopAPI(t, func(n int, _ asked) (int, string) { <-hold; return 200, `{}` })
	dir, v := newFolder(t)
	r := startRig(t, dir, v, postFlow, api.project(""))
	r.accept(text("ann", "hi"))
	r.want("Shall I?")
	r.until("the question is sent", func() bool { return r.delivery("ann", "Shall I?") == storage.DeliverySent }) // else it goes again
	r.accept(text("ann", "Yes"))
	<-api.got
	r.kill()
	close(hold)
	again := startRig(t, dir, v, postFlow, api.project(""))
	again.want("I do not know whether it was done.")
	if n := len(api.all()); n != 1 {
		t.Fatalf("asked %d times", n)
	}
}

func TestEveryAttemptCarriesOneKey(t *testing.T) {
	t.Parallel()
	api := newShopAPI(t, func(n int, _ asked) (int, string) { return []int{503, 200}[n-1], `{}` })
	dir, v := newFolder(t)
	r := startRig(t, dir, v, postFlow, api.project(""))
	quick(r)
	r.accept(text("ann", "hi"))
	r.want("Shall I?")
	r.accept(text("ann", "Yes"))
	r.want("Done.")
	got := api.all()
	if len(got) != 2 || got[0].Key == "" || got[0] != got[1] || got[0].Body != `{"reason":"Yes"}` {
		t.Fatalf("%+v", got)
	}
}

func TestALateResultIsRecordedAndIgnored(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	api := newShopAPI(t, func(int, asked) (int, string) { <-hold; return 200, `{"status": "x"}` })
	dir, v := newFolder(t)
	r := startRig(t, dir, v, orderFlow, api.project(""))
	r.accept(text("ann", "hi"))
	r.want("Which order?")
	r.accept(text("ann", "12345"))
	<-api.got
	r.accept(text("ann", "agent"))
	if s := r.next(); !strings.HasPrefix(s.Text, "Thanks.") {
		t.Fatalf("sent %q", s.Text)
	}
	close(hold)
	r.until("the result is recorded", func() bool {
		rows, _ := r.rows("ann")
		v := r.view("ann")
		return slices.ContainsFunc(rows, func(m storage.Message) bool {
			b, err := v.Reader().Body(v.Snap.Conv.UID, m)
			return err == nil && b.Line != nil && b.Line.Edge == "lookup" && b.Line.Note == "late"
		})
	})
	if v := r.view("ann"); v.Phase() != "queue" {
		t.Fatalf("phase %s", v.Phase())
	}
}

func TestABrokenServiceIsLeftAlone(t *testing.T) {
	t.Parallel()
	var b breaker
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	for range breakAfter {
		if !b.allow(now) {
			t.Fatal("kept away too early")
		}
		b.heard(false, now)
	}
	if b.allow(now.Add(breakFor - time.Millisecond)) {
		t.Fatal("asked while it is broken")
	}
	if now = now.Add(breakFor); !b.allow(now) || b.allow(now) {
		t.Fatal("not one probe")
	}
	b.heard(true, now)
	for range 2 {
		if !b.allow(now) {
			t.Fatal("not mended")
		}
	}
}

func TestDepthIsCountedOutsideTexts(t *testing.T) {
	t.Parallel()
	for body, deep := range map[string]bool{`{"a":"[[[["}`: false, `[[1]]`: false, `[[[1]]]`: true, `{"a\"":{"b":{}}}`: true, `["\\",[1]]`: false} {
		if !json.Valid([]byte(body)) || tooDeep([]byte(body), 2) != deep {
			t.Errorf("%s: %v", body, !deep)
		}
	}
}
