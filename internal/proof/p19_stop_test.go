package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/dm"
	"dispatcher/internal/proof/kill"
)

// TestPromise_P19_Bots: two Dispatchers are each other's customer. Each
// answers everything; both stop, and people have the conversations.
func TestPromise_P19_Bots(t *testing.T) {
	scale(t)
	began := time.Now()
	d := duel(t, repeatFlow, 15*time.Second)
	for side, n := range d.said {
		if n > 10 || n == 0 {
			t.Errorf("side %d said %d things before it stopped, want 1 to 10", side, n)
		}
	}
	if d.queued[0]+d.queued[1] == 0 {
		t.Error("no person has got the conversation")
	}
	report(t, "P19 bots: two Dispatchers talked to each other and stopped after %d and %d messages, %d of 2 conversations handed over for the loop; %.1f s", d.said[0], d.said[1], d.queued[0]+d.queued[1], time.Since(began).Seconds())
	t.Run("mutant", func(t *testing.T) {
		// A bridge that answers in the place of one of them has no ceiling.
		if n := parrot(t); n <= 10 {
			t.Fatalf("a loop without a ceiling was counted as %d messages", n)
		} else {
			report(t, "P19 mutant, a partner without a ceiling: caught, it said %d things", n)
		}
	})
}

// duelling is what two services said to each other.
type duelling struct {
	said   [2]int // of the bot, the words of handing over left out
	queued [2]int
}

// duel wires two programs together and lets one message start them.
func duel(t *testing.T, flow string, most time.Duration) (d duelling) {
	var sides [2]*stand
	var said [2]atomic.Int64
	for n := range sides {
		other := func() *fakeplatform.Sender { return sides[1-n].sender("shop") }
		relay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.WriteHeader(http.StatusOK)
			if id, text, ok := words(body); ok {
				if strings.HasPrefix(text, "Heard") {
					said[n].Add(1)
				}
				go other().Send(context.Background(), "e-"+id, fakeplatform.WebhookMessage(id, "the-other", text, time.Now()))
			}
		}))
		t.Cleanup(relay.Close)
		sides[n] = openStand(t, func(string) map[string]string { return standProject(relay.URL, flow) }, kill.Options{})
	}
	if _, err := sides[0].sender("shop").Send(t.Context(), "e-start", fakeplatform.WebhookMessage("start", "the-other", "hello", time.Now())); err != nil {
		t.Fatal(err)
	}
	last, since := int64(0), time.Now()
	for end := time.Now().Add(most); time.Now().Before(end) && time.Since(since) < 2*time.Second; pause(t.Context(), 20*time.Millisecond) {
		if n := said[0].Load() + said[1].Load(); n != last {
			last, since = n, time.Now()
		}
	}
	for n, s := range sides {
		d.said[n] = int(said[n].Load())
		d.queued[n] = s.count("SELECT count(*) FROM conversations WHERE owner = 2 AND status = 1 AND id IN (SELECT conversation_id FROM handoffs WHERE cause = ?)", slices.Index(dm.Causes[:], dm.CauseLoop))
	}
	return d
}

// words reads a message that one side sends.
func words(body []byte) (id, text string, ok bool) {
	var e struct {
		Type string `json:"type"`
		Data struct {
			Key, Text string
			Part      int
		} `json:"data"`
	}
	err := json.Unmarshal(body, &e)
	return fmt.Sprintf("%s.%d", e.Data.Key, e.Data.Part), e.Data.Text, err == nil && e.Type == "message.send"
}

// parrot wires a program to a partner that never stops, for eleven of the
// partner's messages: what an unguarded bot would do.
func parrot(t *testing.T) int {
	var said atomic.Int64
	var s *stand
	relay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusOK)
		if id, _, ok := words(body); ok {
			n := said.Add(1)
			go s.sender("shop").Send(context.Background(), "e-"+id, fakeplatform.WebhookMessage(id, fmt.Sprintf("c-%d", n), "go on", time.Now()))
		}
	}))
	t.Cleanup(relay.Close)
	s = openStand(t, func(string) map[string]string { return standProject(relay.URL, repeatFlow) }, kill.Options{})
	s.sender("shop").Send(t.Context(), "e-start", fakeplatform.WebhookMessage("start", "c-0", "hello", time.Now()))
	s.until(20*time.Second, "a loop of more than ten", func() bool { return said.Load() > 15 })
	return int(said.Load())
}

// TestPromise_P19_Flood: one sender floods, and others do not feel it more
// than the same traffic from many people who each write within reason.
func TestPromise_P19_Flood(t *testing.T) {
	n := of(scale(t), 10_000, 100_000, 100_000)
	began := time.Now()
	s := openStand(t, queueProject, kill.Options{})
	blur := watchClock(t)
	const slices_ = 8
	var calm, flood []time.Duration
	for k := range slices_ {
		calm = append(calm, s.others(k*2, n/slices_/3, func(i int) string { return fmt.Sprintf("many-%d-%d", k, i%50) })...)
		flood = append(flood, s.others(k*2+1, n/slices_, func(int) string { return "one" })...)
	}
	most := blur()
	a, b := p99(calm), p99(flood)
	limit := a*12/10 + most
	if b > limit {
		t.Errorf("others wait %s (p99) beside the flood of one, %s beside the same from many", b, a)
	}
	stored := s.count("SELECT count(*) FROM messages WHERE author = 1")
	if stored < n {
		t.Errorf("%d messages are stored of %d", stored, n)
	}
	report(t, "P19 flood: %d messages of one sender; p99 of %d others %s, %s beside the same traffic of many (%.2fx; clock blur %s); nothing dropped; %.1f s",
		n, len(flood), b.Round(100*time.Microsecond), a.Round(100*time.Microsecond), float64(b)/float64(a), most.Round(time.Millisecond), time.Since(began).Seconds())
}

// others writes n messages as fast as it can, and gives how long people who
// write in between wait for their answer.
func (s *stand) others(slice, n int, who func(i int) string) (took []time.Duration) {
	sender := s.sender("shop")
	var next atomic.Int64
	var load, probes sync.WaitGroup
	for range 40 {
		load.Go(func() {
			for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
				id := fmt.Sprintf("f-%d-%d", slice, i)
				if _, err := sender.Send(context.Background(), "e-"+id, fakeplatform.WebhookMessage(id, who(i), "again", time.Now())); err != nil {
					s.t.Error(err)
				}
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	for p := range 3 {
		probes.Go(func() {
			for k := 0; ctx.Err() == nil; k++ {
				id := fmt.Sprintf("p-%d-%d-%d", slice, p, k)
				at := time.Now()
				if _, err := sender.Send(context.Background(), "e-"+id, fakeplatform.WebhookMessage(id, "c-"+id, "hello", time.Now())); err != nil {
					s.t.Error(err)
				}
				mu.Lock()
				took = append(took, time.Since(at))
				mu.Unlock()
				pause(ctx, 3*time.Millisecond)
			}
		})
	}
	load.Wait()
	cancel()
	probes.Wait()
	return took
}

func p99(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)*99/100]
}

// TestPromise_P19_Switch: the kill switch under load. Within a second nothing
// of the bot leaves any more; what customers write is stored and waits for
// people.
func TestPromise_P19_Switch(t *testing.T) {
	scale(t)
	began := time.Now()
	s := openStandWith(t, repeatProject, kill.Options{}, 2*time.Millisecond)
	admin := s.svc.Admin()
	s.fake.Chance(19, 0.3, fakeplatform.SlowDrip)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var sent atomic.Int64
	for w := range 16 {
		wg.Go(func() {
			for c := 0; ctx.Err() == nil; c++ {
				who := fmt.Sprintf("c-%d-%d", w, c)
				for k := 0; k < 6 && ctx.Err() == nil; k++ {
					s.say(w, who, fmt.Sprint(k), fmt.Sprintf("m-%s-%d", who, k))
					sent.Add(1)
				}
			}
		})
	}
	s.until(30*time.Second, "a service that talks", func() bool { return len(s.fake.Shown()) > 300 })
	pressed := time.Now()
	status := admin.Do("PUT", "/api/v1/kill-switch", map[string]any{"on": true, "reason": "a proof"}, nil, nil)
	answered := time.Now()
	if status != 200 {
		t.Fatalf("the switch answered %d", status)
	}
	before := sent.Load()
	pause(t.Context(), 2500*time.Millisecond)
	cancel()
	wg.Wait()
	after := sent.Load() - before
	s.settled(time.Minute)
	talked, late, worst := 0, 0, time.Duration(0)
	for _, d := range s.fake.Ledger() {
		if !strings.HasPrefix(d.Text, "Heard") {
			continue
		}
		talked++
		if by := d.At.Sub(pressed); by > worst {
			worst = by
		}
		if d.At.Sub(pressed) > time.Second {
			late++
		}
	}
	if late > 0 {
		t.Errorf("%d messages of the bot left more than a second after the switch was thrown, the last %s after", late, worst)
	}
	if after == 0 {
		t.Error("nothing was accepted while the bot was paused")
	}
	if n := s.count("SELECT count(*) FROM conversations WHERE status = 1 AND owner = 1"); n != 0 {
		t.Errorf("%d conversations still belong to the bot", n)
	}
	if n := s.count("SELECT count(*) FROM messages WHERE author = 1"); n < int(sent.Load()) {
		t.Errorf("%d messages are stored of %d", n, sent.Load())
	}
	if status := admin.Do("PUT", "/api/v1/kill-switch", map[string]any{"on": false}, nil, nil); status != 200 {
		t.Fatalf("the switch answered %d", status)
	}
	s.say(0, "c-afterwards", "1", "m-afterwards")
	s.until(20*time.Second, "a bot that speaks again", func() bool {
		return slices.ContainsFunc(s.fake.Shown(), func(d fakeplatform.Delivery) bool { return strings.HasPrefix(d.Text, "Heard m-afterwards") })
	})
	report(t, "P19 switch: thrown under load (%d bot messages so far, answered in %s); the last left %s after it was pressed, %d later than a second; %d messages taken for people meanwhile; %.1f s",
		talked, answered.Sub(pressed).Round(time.Millisecond), max(0, worst).Round(time.Millisecond), late, after, time.Since(began).Seconds())
}
