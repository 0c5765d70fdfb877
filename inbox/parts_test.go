package inbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dispatcher/storage"
)

// slowStore is a committer that takes its time and keeps what it was given.
type slowStore struct {
	mu    sync.Mutex
	order []string
	took  time.Duration
	err   error
}

func (s *slowStore) Apply(_ context.Context, turns []storage.Turn) ([]storage.Outcome, error) {
	time.Sleep(s.took)
	s.note(fmt.Sprint("apply ", len(turns)))
	out := make([]storage.Outcome, len(turns))
	for i := range out {
		out[i] = storage.Outcome{Status: storage.Applied, Version: int64(turns[i].ID)}
	}
	return out, s.err
}

func (s *slowStore) Settle(_ context.Context, items []storage.Settlement) ([]storage.Settled, error) {
	time.Sleep(s.took)
	s.note(fmt.Sprint("settle ", len(items)))
	out := make([]storage.Settled, len(items))
	for i := range out {
		out[i] = storage.Settled{OK: true, Epoch: items[i].Row}
	}
	return out, s.err
}

func (s *slowStore) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order = append(s.order, what)
}

func TestBatcherSharesCommitsAndServesBothInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{took: time.Millisecond}
		b := newBatcher(store, time.Now, func(int, time.Duration, error) {})
		var wg sync.WaitGroup
		for i := range 600 {
			wg.Go(func() {
				out, err := b.Apply(storage.Turn{ID: uint64(i)})
				if err != nil || out.Version != int64(i) {
					t.Errorf("turn %d: %+v, %v", i, out, err)
				}
			})
		}
		wg.Go(func() {
			got, err := b.Settle(storage.Settlement{Row: 1}, storage.Settlement{Row: 2})
			if err != nil || got[0].Epoch != 1 || got[1].Epoch != 2 {
				t.Errorf("settled %+v, %v", got, err)
			}
		})
		synctest.Wait()
		go b.run()
		wg.Wait()
		b.stop()
		if len(store.order) != 4 || !strings.Contains(strings.Join(store.order[:2], ","), "settle 2") {
			t.Fatalf("commits %q", store.order)
		}
	})
}

func TestBatcherFailsEveryWaiterOfAFailedBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBatcher(&slowStore{err: storage.ErrDegraded}, time.Now, func(int, time.Duration, error) {})
		go b.run()
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if _, err := b.Apply(storage.Turn{}); !errors.Is(err, storage.ErrDegraded) {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
		b.stop()
		if _, err := b.Apply(storage.Turn{}); !errors.Is(err, errStopped) {
			t.Fatalf("after the stop: %v", err)
		}
	})
}

func TestBatchIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{}
		b := newBatcher(store, time.Now, func(int, time.Duration, error) {})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { b.Apply(storage.Turn{Messages: []storage.Message{{Body: make([]byte, batchBytes*2/3)}}}) })
		}
		synctest.Wait()
		go b.run()
		wg.Wait()
		b.stop()
		if strings.Join(store.order, ",") != "apply 2,apply 2" {
			t.Fatalf("commits %q", store.order)
		}
	})
}

func TestLaneKeepsOrderAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []string
	l := newLanes(func(_ laneKey, events []*arrival) {
		mu.Lock()
		defer mu.Unlock()
		for _, a := range events {
			got = append(got, a.in.ExternalID)
		}
		if len(events) > drainEvents {
			t.Errorf("%d events in one turn", len(events))
		}
	})
	var want []string
	for i := range 100 {
		id := fmt.Sprint(i)
		want = append(want, id)
		a := &arrival{}
		a.in.ExternalID = id
		l.push(laneKey{channel: 1}, job{event: a})
	}
	l.wait()
	l.close()
	if strings.Join(got, " ") != strings.Join(want, " ") || l.len() != 0 || len(l.byKey) != 0 {
		t.Fatalf("got %q, %d lanes left", got, l.len())
	}
}

func TestCacheIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	c := newCache(10 << 10)
	for i := range 100 {
		c.put(laneKey{channel: int64(i)}, &storage.Snapshot{Conv: storage.Conversation{ID: int64(i), State: make([]byte, 1000)}}, nil)
	}
	if c.bytes > 10<<10 || c.order.Len() != len(c.byKey) || c.order.Len() == 0 {
		t.Fatalf("%d bytes in %d entries", c.bytes, c.order.Len())
	}
	if _, ok := c.get(laneKey{channel: 0}); ok {
		t.Fatal("the oldest is still there")
	}
	if s, ok := c.get(laneKey{channel: 99}); !ok || s.Conv.ID != 99 {
		t.Fatal("the newest is gone")
	}
}

func TestBusDropsTheOldestOfASlowReader(t *testing.T) {
	t.Parallel()
	b := NewBus()
	ctx, cancel := context.WithCancel(t.Context())
	ch := b.Subscribe(ctx, "queue:orders")
	for i := range hintBuffer + 10 {
		b.Publish("queue:orders", Hint{Seq: int64(i)})
	}
	b.Publish("queue:other", Hint{Seq: 999})
	if first := <-ch; first.Seq != 10 || first.Topic != "queue:orders" {
		t.Fatalf("first %+v", first)
	}
	cancel()
	for range ch { // ends: the context closes it
	}
}

// What must never be reached, in every spelling, and what may be.
func TestGuardOfOutgoingRequests(t *testing.T) {
	t.Parallel()
	refused := []string{
		"127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "169.254.0.1",
		"100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
		"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8",
		"64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378::1", "2001:db8::1", "2002:7f00:1::1", "2002:a00:1::",
		"fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "ff05::2",
	}
	for _, ip := range refused {
		if err := (Guard{}).check(net.JoinHostPort(ip, "443")); !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("%s is let through", ip)
		}
	}
	for _, ip := range []string{"8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::1"} {
		if err := (Guard{}).check(net.JoinHostPort(ip, "443")); err != nil {
			t.Errorf("%s is refused: %v", ip, err)
		}
	}
	g := Guard{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}
	if g.check("10.1.2.3:443") != nil || g.check("10.2.2.3:443") == nil || g.check("127.0.0.1:443") == nil {
		t.Error("allow_private lets through the wrong addresses")
	}
	if (Guard{Loopback: true}).check("10.0.0.1:80") == nil {
		t.Error("insecure opens private addresses")
	}
}

func TestClientNeitherRedirectsNorDialsInside(t *testing.T) {
	t.Parallel()
	var hits sync.Map
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Store(r.URL.Path, true)
		http.Redirect(w, r, "/inside", http.StatusFound)
	}))
	defer srv.Close()
	strict, loose := NewClient(Guard{}), NewClient(Guard{Loopback: true})
	defer strict.CloseIdleConnections()
	defer loose.CloseIdleConnections()
	if _, err := strict.Get(srv.URL + "/a"); !errors.Is(err, ErrForbiddenURL) {
		t.Fatalf("http: %v", err)
	}
	if _, err := strict.Get(strings.Replace(srv.URL, "http:", "https:", 1) + "/a"); !errors.Is(err, ErrForbiddenAddress) {
		t.Fatalf("https inside: %v", err)
	}
	resp, err := loose.Get(srv.URL + "/b")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		t.Fatalf("status %d", resp.StatusCode)
	}
	if _, yes := hits.Load("/inside"); yes {
		t.Fatal("followed a redirect")
	}
	if _, err := loose.Get("http://example.com/"); !errors.Is(err, ErrForbiddenURL) {
		t.Fatalf("http outside loopback: %v", err)
	}
}

func TestGateRefusesToBeginLate(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("something was written") }))
	defer srv.Close()
	r := newRig(t)
	x := r.outbox.newSender(r.Accounts()[0])
	defer x.client.CloseIdleConnections()
	call := r.adapterCall(srv.URL)
	res := x.call(call, time.Now().Add(-2*time.Second))
	if !errors.Is(res.Err, errTooLate) || res.Written {
		t.Fatalf("%+v", res)
	}
	dead := httptest.NewServer(nil)
	url := dead.URL
	dead.Close()
	if res := x.call(r.adapterCall(url), time.Now()); res.Err == nil || res.Written {
		t.Fatalf("refused connection: %+v", res)
	}
}
