package inbox

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

func TestSameEventIsHandledOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := text("ada", "hello")
	got := r.accept(m, m)
	if got[0].Status != "applied" || got[1].Status != "duplicate" {
		t.Fatalf("twice in one body: %+v", got)
	}
	var wg sync.WaitGroup
	var applied atomic.Int32
	n := text("bo", "hello")
	for range 64 {
		wg.Go(func() {
			got, err := r.Accept(t.Context(), "fake", []dm.Inbound{n})
			if err != nil && !errors.Is(err, channels.ErrOverloaded) {
				t.Errorf("accept: %v", err)
			}
			if err == nil && got[0].Status == "applied" {
				applied.Add(1)
			}
		})
	}
	wg.Wait()
	if applied.Load() != 1 {
		t.Fatalf("64 parallel: applied %d times", applied.Load())
	}
	if got := r.accept(m); got[0].Status != "duplicate" {
		t.Fatalf("redelivered: %+v", got)
	}
	rows, words := r.rows("bo")
	if rows[0].Author != storage.AuthorCustomer || strings.Count(strings.Join(words, "|"), "hello") != 1 {
		t.Fatalf("stored %q", words)
	}
}

func TestParallelFirstMessagesAreOneConversation(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	convs := sync.Map{}
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			got, err := r.Accept(t.Context(), "fake", []dm.Inbound{text("ada", fmt.Sprint("photo ", i))})
			if err != nil {
				t.Errorf("accept: %v", err)
				return
			}
			convs.Store(got[0].Conv, true)
		})
	}
	wg.Wait()
	n := 0
	convs.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Fatalf("%d conversations", n)
	}
	in := 0
	rows, _ := r.rows("ada")
	for i, m := range rows {
		if m.Seq != int64(i)+1 {
			t.Fatalf("seq %d at place %d", m.Seq, i)
		}
		if m.Author == storage.AuthorCustomer {
			in++
		}
	}
	if in != 10 {
		t.Fatalf("%d messages of the customer", in)
	}
}

// A poison event is rescued alone: what came before it is answered by the
// flow, what comes after it is stored behind it.
func TestPoisonEventIsRescuedAlone(t *testing.T) {
	t.Parallel()
	for at := range 3 {
		r := newRig(t)
		r.engineStep = func(sets engine.Sets, st engine.State, ev engine.Event) engine.Result {
			if strings.Contains(ev.Text, "boom") {
				panic("what the customer wrote")
			}
			return engine.Step(sets, st, ev)
		}
		words := []string{"one", "two", "three"}
		words[at] = "boom"
		r.lanes.push(keyOf(0, nil), job{run: func() {}}) // an idle lane changes nothing
		got := r.accept(text("ada", words[0]), text("ada", words[1]), text("ada", words[2]))
		for i, g := range got {
			if g.Status != "applied" || g.Seq == 0 || i > 0 && g.Seq <= got[i-1].Seq {
				t.Fatalf("boom at %d: %+v", at, got)
			}
		}
		v := r.view("ada")
		if v.Snap.Handoff == nil || v.Snap.Handoff.Cause != dm.CauseEngineError || v.Snap.Conv.OwnerID != "general" {
			t.Fatalf("boom at %d: handoff %+v", at, v.Snap.Handoff)
		}
		_, stored := r.rows("ada")
		all := strings.Join(stored, "|")
		if !strings.Contains(all, "one") && at != 0 || !strings.Contains(all, "Sorry, something went wrong") {
			t.Fatalf("boom at %d: %q", at, stored)
		}
		if strings.Contains(r.logs.String(), "what the customer wrote") {
			t.Fatal("the panic's words are in the log")
		}
	}
}

// lostKeys is a store whose contacts' keys do not open.
type lostKeys struct {
	storage.Store
	lost atomic.Bool
}

func (s *lostKeys) Load(ctx context.Context, keys []storage.Key) ([]storage.Snapshot, error) {
	snaps, err := s.Store.Load(ctx, keys)
	for i := range snaps {
		if s.lost.Load() && snaps[i].Contact.ID != 0 {
			snaps[i].Contact.Wrapped = []byte{1}
		}
	}
	return snaps, err
}

func TestUnreadableContactIsParkedAndTriedAgain(t *testing.T) {
	t.Parallel()
	store := &lostKeys{}
	r := newRig(t, withStore(func(db storage.Store) storage.Store { store.Store = db; return store }))
	r.accept(text("ada", "hello"))
	store.lost.Store(true)
	r.cache.flush()
	m := text("ada", "are you there")
	if got := r.accept(m); got[0].Status != "parked" {
		t.Fatalf("unreadable: %+v", got)
	}
	if got := r.accept(m); got[0].Status != "duplicate" {
		t.Fatalf("parked and redelivered: %+v", got)
	}
	store.lost.Store(false)
	r.cache.flush()
	r.until("the parked event is a message", func() bool {
		_, words := r.rows("ada")
		return strings.Contains(strings.Join(words, "|"), "are you there")
	})
}

func TestSameClientIDWithOtherBodyIsAConflict(t *testing.T) {
	t.Parallel()
	r := newRig(t, withCaps(func(c *channels.Caps, _ *channels.Common) { c.Native = true }))
	m := text("ada", "hello")
	m.ExternalID = "session:" + m.MessageID
	first := r.accept(m)
	again := r.accept(m)
	if again[0].Status != "duplicate" || again[0].Seq != first[0].Seq || again[0].Conv != first[0].Conv {
		t.Fatalf("first %+v, again %+v", first, again)
	}
	m.Text, m.Raw = "something else", json.RawMessage(`{"t":2}`)
	if got := r.accept(m); got[0].Status != "conflict" {
		t.Fatalf("other body: %+v", got)
	}
}

func TestTransportIDWithOtherBodyIsAConflict(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := WithRequest(t.Context(), "req-1", []byte("body"))
	m := text("ada", "hello")
	if _, err := r.Accept(ctx, "fake", []dm.Inbound{m}); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Accept(ctx, "fake", []dm.Inbound{m}); err != nil || got[0].Status != "duplicate" {
		t.Fatalf("same body: %+v, %v", got, err)
	}
	other := WithRequest(t.Context(), "req-1", []byte("body!"))
	if _, err := r.Accept(other, "fake", []dm.Inbound{text("ada", "x")}); !errors.Is(err, channels.ErrConflict) {
		t.Fatalf("other body: %v", err)
	}
}

func TestTooOldIsRefusedOnlyWhereTheTimeIsTheEventsOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old := text("ada", "hello")
	old.At, old.Stable = r.now().Add(-36*24*time.Hour), true
	if _, err := r.Accept(t.Context(), "fake", []dm.Inbound{old}); !errors.Is(err, channels.ErrTooOld) {
		t.Fatalf("36 days: %v", err)
	}
	fine := text("ada", "hello")
	fine.At, fine.Stable = r.now().Add(-34*24*time.Hour), true
	got := r.accept(old, fine)
	if got[0].Status != "too_old" || got[1].Status != "applied" {
		t.Fatalf("mixed: %+v", got)
	}
	for days, want := range map[int]string{36: "too_old", 34: "applied"} { // the id's own time, where the platform re-stamps
		u := uuid.Must(uuid.NewV7())
		binary.BigEndian.PutUint64(u[:8], uint64(r.now().Add(-time.Duration(days)*24*time.Hour).UnixMilli())<<16|uint64(binary.BigEndian.Uint16(u[6:8])))
		byID := text("cy", "hello")
		byID.ExternalID, byID.At = u.String(), r.now()
		got := r.accept(byID, text("cy", "there"))
		if got[0].Status != want {
			t.Errorf("an id of %d days: %+v", days, got[0])
		}
	}
	stamped := text("bo", "hello")
	stamped.At = r.now().Add(-36 * 24 * time.Hour)
	if got := r.accept(stamped); got[0].Status != "applied" {
		t.Fatalf("stamped by the platform: %+v", got)
	}
}

func TestOverloadIsRefusedBeforeAnything(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	var held atomic.Bool
	r := newRig(t, withFail(func(name string) {
		if name == "turn.before_apply" && held.Load() {
			<-hold
		}
	}))
	held.Store(true)
	var wg sync.WaitGroup
	for i := range budgetAddress {
		wg.Go(func() { r.Accept(t.Context(), "fake", []dm.Inbound{text("ada", fmt.Sprint(i))}) })
	}
	r.until("the address is full", func() bool { return r.admission.inFlight() == budgetAddress })
	if _, err := r.Accept(t.Context(), "fake", []dm.Inbound{text("bo", "fits"), text("ada", "one too many")}); !errors.Is(err, channels.ErrOverloaded) {
		t.Fatalf("full: %v", err)
	}
	if r.admission.inFlight() != budgetAddress {
		t.Fatal("something of the refused body was let in")
	}
	held.Store(false)
	close(hold)
	wg.Wait()
	r.until("the budget is given back", func() bool { return r.admission.inFlight() == 0 })
	r.accept(text("ada", "later"))
}

func TestOrderInsideOneBody(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b, c := text("ada", "first"), text("ada", "second"), text("ada", "third")
	a.Order, b.Order, c.Order = "9", "10", "11"
	r.accept(c, a, b)
	_, words := r.rows("ada")
	var in []string
	for _, w := range words {
		if w == "first" || w == "second" || w == "third" {
			in = append(in, w)
		}
	}
	if strings.Join(in, " ") != "first second third" {
		t.Fatalf("order %q", in)
	}
}

func TestAThousandEventsInOneBody(t *testing.T) {
	t.Parallel()
	r := newRig(t, withCaps(native))
	var events []dm.Inbound
	for i := range 1000 {
		events = append(events, text(fmt.Sprint("person-", i%200), "hello"))
	}
	got, err := r.Accept(t.Context(), "fake", events)
	if err != nil && !errors.Is(err, channels.ErrNotReady) { // a slow machine may need longer than the caller waits
		t.Fatal(err)
	}
	for i, g := range got {
		if err == nil && (g.Status != "applied" || g.ID != events[i].ExternalID) {
			t.Fatalf("event %d: %+v", i, g)
		}
	}
	r.until("all of them are through", func() bool { return r.admission.inFlight() == 0 })
	stored := 0
	for i := range 200 {
		rows, _ := r.rows(fmt.Sprint("person-", i))
		for _, m := range rows {
			if m.Author == storage.AuthorCustomer {
				stored++
			}
		}
	}
	if stored != 1000 {
		t.Fatalf("%d of 1000 stored", stored)
	}
}

// The hot cache holds exactly what the store would say.
func TestCacheEqualsStore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	acct, _ := r.Account("fake")
	for _, words := range []string{"hello", "what", "My order", "12345", "and now"} {
		r.accept(text("ada", words))
		k := keyOf(acct.Number, r.addrHash(acct.Number, "ada"))
		r.until("outbox at rest", func() bool { return r.view("ada").Snap.Held == 0 })
		cached, ok := r.cache.get(k)
		if !ok {
			if words == "hello" || words == "what" {
				t.Errorf("after %q the store has to be asked", words)
			}
			continue // the store chose the id of a handoff
		}
		fresh, err := r.db.Load(t.Context(), []storage.Key{k.storage()})
		if err != nil {
			t.Fatal(err)
		}
		cached.Held, fresh[0].Held = 0, 0
		a, b := mustJSON(t, sortedSnap(cached)), mustJSON(t, sortedSnap(fresh[0]))
		if a != b {
			t.Fatalf("after %q\ncache %s\nstore %s", words, a, b)
		}
	}
}

func TestAdmissionHalvesItsBudgetsBehindABacklog(t *testing.T) {
	t.Parallel()
	a, now := newAdmission(), time.Unix(1000, 0)
	keys := make([]laneKey, budgetChannel/2)
	for i := range keys {
		keys[i] = keyOf(1, []byte(fmt.Sprintf("%016d", i)))
	}
	tickets, why := a.admit(keys, now)
	if why != "" {
		t.Fatal(why)
	}
	if _, why := a.admit(keys[:1], now.Add(6*time.Second)); why == "" {
		t.Fatal("not halved behind a backlog of 6 s")
	}
	for _, ticket := range tickets {
		a.release(ticket, now.Add(7*time.Second))
	}
	if _, why := a.admit(keys, now.Add(7*time.Second)); why != "" {
		t.Fatalf("after the backlog: %s", why)
	}
	if d := a.retryAfter(); d < 2*time.Second || d > 30*time.Second {
		t.Fatalf("retry after %s", d)
	}
}
