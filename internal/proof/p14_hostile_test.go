package proof

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/internal/proof/hostile"
	"dispatcher/internal/proof/kill"
	"dispatcher/storage"
)

// strangerSecret is a good secret of nobody here.
const strangerSecret = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="

// TestPromise_P14_Hostile: of thousands of requests per kind of channel that
// nobody signed, or that break a rule, none becomes a message, none is an
// error of ours, and the process does not grow.
func TestPromise_P14_Hostile(t *testing.T) {
	size := scale(t)
	each := of(size, 2000, 20_000, 20_000)
	canary := listenCanary(t, "127.0.0.1:0")
	p := fakeplatform.Start(fakeplatform.Options{WebhookSecret: shopSecret})
	defer p.Close()
	s := kill.Start(t, kill.Options{Project: crowdProject(t, p.URL)})
	begun := time.Now()
	d := newDoor(t, s, p)
	d.control("before", canary.port)
	statuses, sent := map[int]int{}, 0
	attack := func(each int, seed uint64) {
		for kind, target := range map[string]hostile.Target{
			"webhook": {Alias: "shop", Secret: shopSecret, Other: strangerSecret}, "x": {Alias: "x", Secret: xSecret, Other: shopSecret},
			"web": {Alias: "web", Token: d.token, Origin: s.URL},
		} {
			target.Now = time.Now()
			corpus := hostile.Corpus(kind, target, each, seed)
			d.attack(corpus, statuses)
			sent += len(corpus)
		}
	}
	attack(each/10, 41) // what the first requests make it hold, it holds: the collector lets it grow to twice that
	high := memoryOf(t, s.Pid(), "VmHWM")
	slow := d.slowloris(of(size, 150, 1500, 1500))
	attack(each, 14)
	late := slow()
	d.control("after", canary.port)
	grown := memoryOf(t, s.Pid(), "VmHWM") - high
	s.Term()
	d.judge(statuses, grown, canary.hits.Load())
	t.Run("mutant", func(t *testing.T) { d.mutants(t) })
	report(t, "P14: %d requests, %d kinds: %d accepted, 0 of them 5xx (%s), memory %+d KiB; %d slow clients closed within %.1f s; 0 connects to a named inside; %.1f s",
		sent, 3, d.injected, statusLine(statuses), grown>>10, d.slow, late.Seconds(), time.Since(begun).Seconds())
}

// door is the service as its enemies see it, with what was rightly let in.
type door struct {
	t        *testing.T
	s        *kill.Service
	crowd    *crowd
	http     *http.Client
	token    string
	let      []string // texts of requests that were good
	slow     int
	injected int
	mu       sync.Mutex
}

func newDoor(t *testing.T, s *kill.Service, p *fakeplatform.Server) *door {
	d := &door{t: t, s: s, crowd: newCrowd(t, s, p), http: &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
	q := hostile.Request{Method: "POST", Path: "/channels/web/web/v1/session", Header: http.Header{"Content-Type": {"application/json"}, "Origin": {s.URL}}, Body: []byte("{}")}
	status, body := d.send(q)
	_, rest, _ := strings.Cut(string(body), `"token":"`)
	d.token, _, _ = strings.Cut(rest, `"`)
	if status != http.StatusCreated || d.token == "" {
		t.Fatalf("a session: %d %s", status, body)
	}
	return d
}

// control sends one good request per channel: what follows proves nothing
// when the door is simply shut. One of them names a place inside.
func (d *door) control(when, port string) {
	d.t.Helper()
	text := "good " + when
	d.let = append(d.let, text+" shop", text+" x", text+" web")
	hook := func(id string, body []byte, want int) {
		status, answer, err := d.crowd.shop.Once(d.t.Context(), id, body, 0)
		if status != want {
			d.t.Errorf("%s, %s: %d %s %v", when, id, status, answer, err)
		}
	}
	event := fakeplatform.WebhookEvent("message.created", time.Now(), map[string]any{"id": "good-" + when, "contact": map[string]any{"id": "good"}, "text": text + " shop",
		"media": []any{map[string]any{"kind": "image", "url": "http://127.0.0.1:" + port + "/latest/meta-data", "mime": "image/png"}}})
	hook("good-"+when, event, http.StatusOK)
	hook("good-"+when, event, http.StatusOK) // a replay is known by its id, and by its bytes
	hook("good-"+when, bytes.Replace(event, []byte("good"), []byte("evil"), 1), http.StatusConflict)
	if _, err := d.crowd.x.Send(d.t.Context(), "x", fakeplatform.XMessage("900100", "900300", "77"+strconv.Itoa(len(when)), text+" x", "", time.Now())); err != nil {
		d.t.Error(err)
	}
	q := hostile.Request{Method: "POST", Path: "/channels/web/web/v1/messages", Body: fmt.Appendf(nil, `{"client_id":%q,"text":%q}`, uuid.NewString(), text+" web"),
		Header: http.Header{"Content-Type": {"application/json"}, "Origin": {d.s.URL}, "Authorization": {"Bearer " + d.token}}}
	if status, body := d.send(q); status != http.StatusCreated {
		d.t.Errorf("%s, web: %d %s", when, status, body)
	}
}

// attack sends a corpus, eight at a time, and holds each answer against what
// must come.
func (d *door) attack(corpus []hostile.Request, statuses map[int]int) {
	d.t.Helper()
	var wg sync.WaitGroup
	var next atomic.Int64
	wrong := 0
	for range 8 {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(corpus) {
					return
				}
				status, body := d.send(corpus[i])
				d.mu.Lock()
				statuses[status]++
				if !slices.Contains(corpus[i].Want, status) {
					if wrong++; wrong < 12 {
						d.t.Errorf("%s: %s %.80s: %d, want %v\n%.200s", corpus[i].Name, corpus[i].Method, corpus[i].Path, status, corpus[i].Want, body)
					}
				}
				d.mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// send makes one request; what the standard client would mend or refuse goes
// over a bare connection.
func (d *door) send(q hostile.Request) (int, []byte) {
	if q.Lie > 0 || strings.Contains(q.Path, "..") || slices.ContainsFunc(headerValues(q.Header), unsendable) {
		return d.bare(q)
	}
	var body io.Reader = bytes.NewReader(q.Body)
	if q.Chunks {
		body = io.MultiReader(body) // of no known length
	}
	req, err := http.NewRequestWithContext(d.t.Context(), q.Method, d.s.URL+q.Path, body)
	if err != nil {
		return d.bare(q)
	}
	req.Header = q.Header
	res, err := d.http.Do(req)
	if err != nil {
		return d.bare(q) // the answer came before the body was sent
	}
	defer res.Body.Close()
	data, _ := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	return res.StatusCode, data
}

func headerValues(h http.Header) (all []string) {
	for _, v := range h {
		all = append(all, v...)
	}
	return all
}

func unsendable(v string) bool { return strings.ContainsAny(v, "\r\n\x00") }

// bare writes the request byte by byte as it is and reads the status.
func (d *door) bare(q hostile.Request) (int, []byte) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(d.s.URL, "http://"))
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(15 * time.Second))
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", q.Method, q.Path, strings.TrimPrefix(d.s.URL, "http://"))
	for k, list := range q.Header {
		for _, v := range list {
			fmt.Fprintf(&b, "%s: %s\r\n", k, v)
		}
	}
	length := int64(len(q.Body))
	if q.Lie > 0 {
		length = q.Lie
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", length)
	b.Write(q.Body)
	go func() { _, _ = conn.Write(b.Bytes()) }()
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: q.Method})
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer res.Body.Close()
	data, _ := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	return res.StatusCode, data
}

// slowloris opens n connections that send a byte now and then: half of them
// never end their header, half never their body. The function that it gives
// waits until all were closed and says how long the last one lived.
func (d *door) slowloris(n int) (wait func() time.Duration) {
	d.t.Helper()
	d.slow = n
	var wg sync.WaitGroup
	var longest atomic.Int64
	body := fakeplatform.WebhookMessage("slow", "slow", "injected slowly", time.Now())
	for i := range n {
		conn, err := net.Dial("tcp", strings.TrimPrefix(d.s.URL, "http://"))
		if err != nil {
			d.t.Fatal(err)
		}
		wg.Go(func() {
			defer conn.Close()
			start := time.Now()
			text := "POST /channels/shop/webhook HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
			if i%2 == 1 {
				text += "Content-Length: " + strconv.Itoa(len(body)+100) + "\r\n\r\n" + string(body)
			}
			_, err := conn.Write([]byte(text))
			answer := make(chan struct{})
			go func() { _, _ = io.Copy(io.Discard, conn); close(answer) }()
			for beat := time.NewTicker(700 * time.Millisecond); err == nil; {
				select {
				case <-answer:
					err = io.EOF
				case <-beat.C:
					_, err = conn.Write([]byte("X"))
				}
				if time.Since(start) > 20*time.Second {
					d.t.Errorf("slow connection %d is still open after 20 s", i)
					return
				}
			}
			for took := int64(time.Since(start)); ; {
				old := longest.Load()
				if took <= old || longest.CompareAndSwap(old, took) {
					return
				}
			}
		})
	}
	return func() time.Duration {
		wg.Wait()
		took := time.Duration(longest.Load())
		if took > 13*time.Second {
			d.t.Errorf("the last slow connection lived %v, want 10 s", took)
		}
		return took
	}
}

// judge looks into the database: only what was good is there.
func (d *door) judge(statuses map[int]int, grown, connects int64) {
	d.t.Helper()
	for status, n := range statuses {
		if status >= 500 || status == 0 {
			d.t.Errorf("%d requests were answered %d", n, status)
		}
	}
	if grown > 64<<20 {
		d.t.Errorf("the process grew by %d MiB", grown>>20)
	}
	if connects != 0 {
		d.t.Errorf("%d connects to the address that a message named", connects)
	}
	b := openBook(d.t, d.s.Data)
	defer b.store.Close()
	for _, c := range b.chats() {
		for i, m := range c.messages {
			if m.Dir == storage.DirIn && !slices.Contains(d.let, c.bodies[i].Text) {
				d.injected++
				d.t.Errorf("injected: %.100q", c.bodies[i].Text)
			}
		}
	}
	in := d.inbound(b)
	if len(in) != len(d.let) {
		d.t.Errorf("%d good messages are stored of %d: %q", len(in), len(d.let), in)
	}
}

func (d *door) inbound(b *book) (texts []string) {
	for _, c := range b.chats() {
		for i, m := range c.messages {
			if m.Dir == storage.DirIn {
				texts = append(texts, c.bodies[i].Text)
			}
		}
	}
	return texts
}

// mutants: the same requests with the rule they break mended are taken, so it
// is the rule and nothing else that refuses them.
func (d *door) mutants(t *testing.T) {
	if err := d.s.Restart(); err != nil {
		t.Fatal(err)
	}
	sender := fakeplatform.WebhookSender(d.s.URL+"/channels/shop/webhook", strangerSecret)
	body := fakeplatform.WebhookMessage("mutant", "mutant", "taken", time.Now())
	if status, _, _ := sender.Once(t.Context(), "mutant", body, 0); status != http.StatusUnauthorized {
		t.Errorf("another secret: %d", status)
	}
	d.s.Term()
	d.s.Write(map[string]string{"dispatcher.yaml": strings.Replace(crowdProject(t, d.crowd.p.URL)["dispatcher.yaml"], shopSecret, strangerSecret, 1)})
	if err := d.s.Restart(); err != nil {
		t.Fatal(err)
	}
	if status, answer, _ := sender.Once(t.Context(), "mutant", body, 0); status != http.StatusOK {
		t.Errorf("a service with a leaked secret: %d %s", status, answer)
	}
	d.s.Term()
	if in := d.inbound(openBook(t, d.s.Data)); !slices.Contains(in, "taken") {
		t.Errorf("the judge does not see what got in: %q", in)
	}
}

// memoryOf is one figure of /proc in bytes.
func memoryOf(t testing.TB, pid int, what string) int64 {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require(t, "/proc", err == nil)
	_, rest, _ := strings.Cut(string(data), what+":")
	field := strings.Fields(rest)
	if len(field) == 0 {
		t.Fatalf("no %s of process %d", what, pid)
	}
	kib, err := strconv.ParseInt(field[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

func statusLine(statuses map[int]int) string {
	var parts []string
	for s, n := range statuses {
		parts = append(parts, fmt.Sprintf("%d×%d", n, s))
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}
