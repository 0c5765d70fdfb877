package inbox

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/storage"
)

var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

// tick moves the clock and wakes everything that looks at it.
func (r *rig) tick(c *clock, d time.Duration) {
	c.add(d)
	acct, _ := r.Account("fake")
	r.outbox.nudge(acct.Number)
	r.alarm.ring()
}

// delivery is the state of the last row of a thread with these words.
func (r *rig) delivery(thread, words string) (d int16) {
	rows, texts := r.rows(thread)
	for i := range rows {
		if texts[i] == words {
			d = rows[i].Delivery
		}
	}
	return d
}

const greeting = "Hello, this is the assistant."

func TestPartsLeaveInOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t, withCaps(func(c *channels.Caps, _ *channels.Common) { c.Text = dm.Limit{N: 7} }))
	r.plat.answer = func(n int, _ fakeSend) (int, http.Header) {
		<-time.After(time.Duration(7-n%7) * time.Millisecond)
		return 200, nil
	}
	r.accept(text("ada", "hello"))
	want := append(splitWords(greeting, 7), splitWords("What is it about?", 7)...)
	r.want(want...)
	keys := map[string]int{}
	for _, s := range r.plat.all() {
		if s.Part != keys[s.Key] {
			t.Fatalf("part %d of %s at place %d", s.Part, s.Key, keys[s.Key])
		}
		keys[s.Key]++
	}
	r.until("sent when the last part is", func() bool { return r.delivery("ada", greeting) == storage.DeliverySent })
}

func TestThrottledAccountWaitsAndIsNotAskedBefore(t *testing.T) {
	t.Parallel()
	c := newClock(noon)
	r := newRig(t, withClock(c))
	r.plat.answer = func(n int, _ fakeSend) (int, http.Header) {
		if n == 1 {
			return 429, http.Header{"Retry-After": {"30"}}
		}
		return 200, nil
	}
	r.accept(text("ada", "hello"))
	r.until("paused", func() bool { return !r.Sending("fake").Until.IsZero() })
	r.accept(text("bo", "hello"))
	r.tick(c, 29*time.Second)
	<-time.After(50 * time.Millisecond) // real time: what must not happen has its chance
	if n := len(r.plat.all()); n != 1 {
		t.Fatalf("%d requests before Retry-After", n)
	}
	state, err := r.channelState(t.Context(), "fake")
	if err != nil || state.PauseUntil == 0 {
		t.Fatalf("pause is not kept: %+v, %v", state, err)
	}
	r.tick(c, 2*time.Second)
	r.next()
	page, err := r.db.Thread(t.Context(), storage.ThreadQuery{Conversation: r.view("ada").Snap.Conv.ID, N: 10})
	if err != nil || len(page.Items) == 0 {
		t.Fatal(err)
	}
}

func TestRetryHasItsScheduleInTheStore(t *testing.T) {
	t.Parallel()
	c := newClock(noon)
	r := newRig(t, withClock(c))
	var down atomic.Bool
	down.Store(true)
	r.plat.answer = func(int, fakeSend) (int, http.Header) {
		if down.Load() {
			return 503, nil
		}
		return 200, nil
	}
	r.accept(text("ada", "hello"))
	r.until("one try", func() bool { return len(r.plat.all()) == 1 })
	down.Store(false)
	r.until("it waits", func() bool { return r.marked().Status == storage.RowPending }) // its time is set: the clock may move
	<-time.After(20 * time.Millisecond)
	if n := len(r.plat.all()); n != 1 {
		t.Fatalf("%d tries without any time passing", n)
	}
	r.tick(c, 3*time.Second)
	r.want(greeting, "What is it about?")
}

func TestRetryDelays(t *testing.T) {
	t.Parallel()
	for n, most := range map[int32]time.Duration{2: 1, 3: 2, 4: 4, 5: 8, 6: 16, 7: 32, 8: 64, 9: 128, 10: 256, 11: 512, 12: 900, 40: 900} {
		if d := retryDelay(n, func() float64 { return 0 }); d != time.Second {
			t.Errorf("attempt %d: least %s", n, d)
		}
		if d := retryDelay(n, func() float64 { return 0.9999999 }); d.Round(time.Second) != most*time.Second {
			t.Errorf("attempt %d: most %s, want %s", n, d, most*time.Second)
		}
	}
}

// A lost answer is sent again with the same key where the platform keeps keys.
func TestAmbiguousIdempotentIsSentAgainWithItsKey(t *testing.T) {
	t.Parallel()
	c := newClock(noon)
	r := newRig(t, withClock(c))
	r.plat.answer = func(n int, _ fakeSend) (int, http.Header) {
		if n == 1 {
			return 0, nil
		}
		return 200, nil
	}
	r.accept(text("ada", "hello"))
	r.until("one try", func() bool { return len(r.plat.all()) == 1 })
	r.until("sent again", func() bool { r.tick(c, 2*time.Second); return len(r.plat.all()) >= 2 })
	all := r.plat.all()
	if all[0].Key != all[1].Key || all[0].Text != all[1].Text {
		t.Fatalf("%+v", all)
	}
}

// On a blind channel nobody knows: the row is held, silence gets a person.
func TestAmbiguousBlindIsHeldAndHandedOff(t *testing.T) {
	t.Parallel()
	c := newClock(noon)
	r := newRig(t, withClock(c), withCaps(func(c *channels.Caps, _ *channels.Common) { c.Send = channels.Blind }))
	r.plat.answer = func(n int, _ fakeSend) (int, http.Header) {
		if n == 1 {
			return 0, nil
		}
		return 200, nil
	}
	r.accept(text("ada", "hello"))
	r.until("unknown", func() bool { return r.delivery("ada", greeting) == storage.DeliveryUnknown })
	r.want("What is it about?") // an unknown row frees the lane
	r.until("a timer watches", func() bool { return strings.Contains(timerNames(r.view("ada")), timerUnknown) })
	r.until("handed off", func() bool {
		r.tick(c, time.Minute)
		v := r.view("ada")
		return v.Snap.Handoff != nil && v.Snap.Handoff.Cause == dm.CauseDeliveryFailed
	})
	if n := len(r.plat.texts("ada")); n > 3 {
		t.Fatalf("a held row was sent again: %q", r.plat.texts("ada"))
	}
}

func timerNames(v *View) string {
	var names []string
	for _, t := range v.Snap.Timers {
		names = append(names, t.Name)
	}
	return strings.Join(names, " ")
}

func TestAnswerProvesAHeldQuestion(t *testing.T) {
	t.Parallel()
	r := newRig(t, withCaps(func(c *channels.Caps, _ *channels.Common) { c.Send = channels.Blind }))
	r.plat.answer = func(n int, _ fakeSend) (int, http.Header) {
		if n == 1 {
			return 0, nil
		}
		return 200, nil
	}
	r.accept(text("ada", "hello"))
	r.until("unknown", func() bool { return r.delivery("ada", greeting) == storage.DeliveryUnknown })
	r.accept(text("ada", "My order"))
	r.until("sent", func() bool { return r.delivery("ada", greeting) == storage.DeliverySent })
}

// A reconcilable channel is asked: what is found is sent, what is not found is
// sent once more, and a second doubt is held.
func TestAmbiguousReconcilable(t *testing.T) {
	t.Parallel()
	for _, found := range []bool{true, false} {
		c := newClock(noon)
		r := newRig(t, withClock(c), withCaps(func(c *channels.Caps, _ *channels.Common) { c.Send = channels.Reconcilable }))
		r.adapter.found.Store(found)
		r.plat.answer = func(_ int, s fakeSend) (int, http.Header) {
			if s.Text == greeting {
				return 0, nil
			}
			return 200, nil
		}
		r.accept(text("ada", "hello"))
		r.until("unknown", func() bool { return r.delivery("ada", greeting) == storage.DeliveryUnknown })
		if found {
			r.until("found", func() bool { r.tick(c, 61*time.Second); return r.delivery("ada", greeting) == storage.DeliverySent })
			continue
		}
		r.until("sent once more and held", func() bool {
			r.tick(c, 2*time.Second)
			return len(r.plat.texts("ada")) >= 3 && r.delivery("ada", greeting) == storage.DeliveryUnknown
		})
		n := 0
		for _, s := range r.plat.texts("ada") {
			if s == greeting {
				n++
			}
		}
		if n != 2 {
			t.Fatalf("sent %d times", n)
		}
	}
}

// Rows that were being written when the process ended are ambiguous, not new:
// here they go again, with the same key.
func TestRowsFoundSendingAfterARestart(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, shopFlow)
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	r.plat.answer = func(int, fakeSend) (int, http.Header) { <-hang; return 200, nil }
	r.accept(text("ada", "hello"))
	r.until("being written", func() bool { return len(r.plat.all()) == 1 })
	if row := r.marked(); row.Status != storage.RowSending {
		t.Fatalf("row %+v", row)
	}
	key := r.plat.all()[0].Key
	r.kill()
	again := startRig(t, dir, v, shopFlow)
	if s := again.want(greeting, "What is it about?"); s.Key == key {
		t.Fatal("two messages with one key")
	}
	if s := again.plat.all()[0]; s.Key != key {
		t.Fatalf("key %s, want %s", s.Key, key)
	}
}

// marked reads the first row of the outbox.
func (r *rig) marked() (row storage.OutboxRow) {
	r.t.Helper()
	err := r.db.Walk(r.t.Context(), storage.WalkQuery{Tables: []string{"outbox"}}, func(x storage.Row) error {
		for i, col := range x.Cols {
			n, _ := x.Vals[i].(int64)
			switch col {
			case "status":
				row.Status = int16(n)
			case "id":
				row.ID = n
			}
		}
		return errStop
	})
	if err != nil && !errors.Is(err, errStop) {
		r.t.Fatal(err)
	}
	return row
}

func TestBrokenLoginPausesTheChannelUntilSomebodyActs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var bad atomic.Bool
	bad.Store(true)
	r.plat.answer = func(int, fakeSend) (int, http.Header) {
		if bad.Load() {
			return 401, nil
		}
		return 200, nil
	}
	r.accept(text("ada", "hello"))
	r.until("held", func() bool { return r.Sending("fake").Held == string(dm.ReasonAuthBroken) })
	bad.Store(false)
	r.accept(text("bo", "hello"))
	<-time.After(30 * time.Millisecond)
	if n := len(r.plat.all()); n != 1 {
		t.Fatalf("%d requests on a broken login", n)
	}
	if err := r.ResumeChannel(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	r.next()
	r.next()
}

func TestFailedBotMessageGetsAPerson(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.plat.answer = func(_ int, s fakeSend) (int, http.Header) {
		if s.Text == greeting {
			return 400, nil
		}
		return 200, nil
	}
	r.accept(text("ada", "hello"))
	r.until("handed off", func() bool {
		v := r.view("ada")
		return v.Snap.Handoff != nil && v.Snap.Handoff.Cause == dm.CauseDeliveryFailed && v.Snap.Handoff.Reason == string(dm.ReasonBadContent)
	})
	if r.delivery("ada", greeting) != storage.DeliveryFailed {
		t.Fatalf("delivery %d", r.delivery("ada", greeting))
	}
	n := 0
	for _, s := range r.plat.texts("ada") {
		if s == greeting {
			n++
		}
	}
	if n != 2 { // once as it is, once in the plainest form
		t.Fatalf("tried %d times", n)
	}
}

func TestBlockedCustomerNeedsNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.plat.answer = func(int, fakeSend) (int, http.Header) { return 403, nil }
	r.accept(text("ada", "hello"))
	r.until("closed", func() bool { return r.view("ada").Snap.Conv.Status == storage.Resolved })
	if v := r.view("ada"); v.Snap.Identity.Blocked != cannotReach || v.Snap.Handoff != nil {
		t.Fatalf("blocked %d, handoff %v", v.Snap.Identity.Blocked, v.Snap.Handoff)
	}
}

func TestExpiredRowFails(t *testing.T) {
	t.Parallel()
	c := newClock(noon)
	r := newRig(t, withClock(c))
	r.plat.answer = func(int, fakeSend) (int, http.Header) { return 503, nil }
	r.accept(text("ada", "hello"))
	r.until("one try", func() bool { return len(r.plat.all()) == 1 })
	r.until("failed", func() bool { r.tick(c, 20*time.Minute); return r.delivery("ada", greeting) == storage.DeliveryFailed })
}

// Claim against send: what is not marked when a person takes over never leaves.
func TestNothingOfTheBotLeavesAfterATakeOver(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	r := newRig(t)
	r.plat.answer = func(n int, _ fakeSend) (int, http.Header) {
		if n == 1 {
			<-gate
		}
		return 200, nil
	}
	r.accept(text("ada", "hello"))
	r.until("the first is being written", func() bool { return len(r.plat.all()) == 1 })
	acct, _ := r.Account("fake")
	_, err := r.Do(t.Context(), r.AddressKey(acct, "ada"), func(v *View) (*Draft, error) {
		d := v.Draft()
		if err := d.Fire(Shift{Edge: EdgeTakeOver, By: "agent-1", ByName: "Bo"}); err != nil {
			return nil, err
		}
		d.Send(Outgoing{NewMessage: NewMessage{Author: storage.AuthorAgent, AuthorID: "agent-1", Body: Body{Text: "Bo here", AuthorName: "Bo"}}, Origin: storage.OriginAgent})
		return d, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	close(gate)
	r.want(greeting, "Bo here")
	if r.delivery("ada", "What is it about?") != storage.DeliveryCancelled {
		t.Fatalf("delivery %d", r.delivery("ada", "What is it about?"))
	}
	r.until("clock stopped", func() bool { return r.view("ada").Snap.Conv.WaitingSince == 0 })
}

// slowOpen stops a sender between its lease and its mark.
type slowOpen struct {
	storage.Store
	reached, hold chan struct{}
	once          sync.Once
}

func (s *slowOpen) Load(ctx context.Context, keys []storage.Key) ([]storage.Snapshot, error) {
	if keys[0].ID != 0 {
		s.once.Do(func() { close(s.reached); <-s.hold })
	}
	return s.Store.Load(ctx, keys)
}

func TestLeasedRowDoesNotLeaveAfterATakeOver(t *testing.T) {
	t.Parallel()
	store := &slowOpen{reached: make(chan struct{}), hold: make(chan struct{})}
	r := newRig(t, withStore(func(db storage.Store) storage.Store { store.Store = db; return store }))
	r.accept(text("ada", "hello"))
	<-store.reached
	acct, _ := r.Account("fake")
	_, err := r.Do(t.Context(), r.AddressKey(acct, "ada"), func(v *View) (*Draft, error) {
		d := v.Draft()
		return d, d.Fire(Shift{Edge: EdgeTakeOver, By: "agent-1"})
	})
	if err != nil {
		t.Fatal(err)
	}
	close(store.hold)
	r.until("cancelled", func() bool { return r.delivery("ada", greeting) == storage.DeliveryCancelled })
	r.accept(text("bo", "hello"))
	r.next()
	if got := r.plat.texts("ada"); len(got) != 0 {
		t.Fatalf("left after the take-over: %q", got)
	}
}

func TestKillSwitchStopsTheBotWithinASecond(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	gate := make(chan struct{})
	r.plat.answer = func(n int, _ fakeSend) (int, http.Header) {
		if n == 1 {
			<-gate
		}
		return 200, nil
	}
	r.accept(text("ada", "hello"))
	r.until("being written", func() bool { return len(r.plat.all()) == 1 })
	if err := r.SetSwitch(t.Context(), ScopeAll, true, "lead", "test"); err != nil {
		t.Fatal(err)
	}
	close(gate)
	r.until("the conversation waits for people", func() bool { return r.view("ada").Snap.Conv.Owner == storage.OwnerQueue })
	v := r.view("ada")
	if v.Snap.Conv.Owner != storage.OwnerQueue || v.Snap.Handoff == nil || v.Snap.Handoff.Cause != dm.CauseKillSwitch {
		t.Fatalf("owner %d, handoff %+v", v.Snap.Conv.Owner, v.Snap.Handoff)
	}
	r.accept(text("bo", "hello"))
	if v := r.view("bo"); v.Snap.Handoff == nil || v.Snap.Handoff.Cause != dm.CauseKillSwitch {
		t.Fatalf("new conversation: %+v", v.Snap.Handoff)
	}
	r.want(greeting)
	r.until("the sentence of a paused assistant", func() bool {
		said := r.plat.texts("bo")
		return len(said) == 1 && strings.HasPrefix(said[0], "Thanks. Our team")
	})
	if err := r.SetSwitch(t.Context(), ScopeAll, false, "lead", ""); err != nil {
		t.Fatal(err)
	}
	r.accept(text("cy", "hello"))
	r.until("the bot answers again", func() bool { return len(r.plat.texts("cy")) == 2 })
	for _, s := range r.plat.texts("bo") {
		if s == greeting {
			t.Fatal("the bot spoke under the switch")
		}
	}
}

// slowSweep holds every list of the bot's conversations up, or refuses it.
type slowSweep struct {
	storage.Store
	hold chan struct{}
	fail error
}

func (s *slowSweep) List(ctx context.Context, q storage.ListQuery) (storage.Page[storage.Summary], error) {
	if q.View == "assistant" {
		select {
		case <-s.hold:
		case <-ctx.Done():
			return storage.Page[storage.Summary]{}, ctx.Err()
		}
		if s.fail != nil {
			return storage.Page[storage.Summary]{}, s.fail
		}
	}
	return s.Store.List(ctx, q)
}

func TestKillSwitchAnswersBeforeTheSweep(t *testing.T) {
	t.Parallel()
	slow := &slowSweep{hold: make(chan struct{})}
	r := newRig(t, withStore(func(db storage.Store) storage.Store { slow.Store = db; return slow }))
	for _, name := range []string{"ada", "bo", "cy"} {
		r.accept(text(name, "hello"))
	}
	answered := make(chan error, 1)
	go func() { answered <- r.SetSwitch(t.Context(), ScopeAll, true, "lead", "test") }()
	select {
	case err := <-answered:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		close(slow.hold)
		t.Fatal("the switch waited for the sweep")
	}
	if r.view("ada").Snap.Conv.Owner != storage.OwnerBot || !r.switches.killed("fake", "") {
		t.Fatal("not before the sweep, or not on")
	}
	close(slow.hold)
	for _, name := range []string{"ada", "bo", "cy"} {
		r.until(name+" waits for people", func() bool { return r.view(name).Snap.Conv.Owner == storage.OwnerQueue })
	}
}

func TestKillSwitchIsFinishedByARestart(t *testing.T) {
	t.Parallel()
	dir, keys := newFolder(t)
	cut := &slowSweep{hold: make(chan struct{}), fail: errors.New("cut")}
	close(cut.hold)
	r := startRig(t, dir, keys, shopFlow, withStore(func(db storage.Store) storage.Store { cut.Store = db; return cut }))
	r.accept(text("ada", "hello"))
	if err := r.SetSwitch(t.Context(), ScopeAll, true, "lead", "test"); err != nil {
		t.Fatal(err)
	}
	r.kill()
	again := startRig(t, dir, keys, shopFlow)
	again.until("moved after the restart", func() bool {
		h := again.view("ada").Snap.Handoff
		return h != nil && h.Cause == dm.CauseKillSwitch
	})
}

func TestCoalesced(t *testing.T) {
	t.Parallel()
	r := newRig(t, withCaps(func(c *channels.Caps, _ *channels.Common) { c.Coalesce = true }))
	r.accept(text("ada", "hello"))
	if s := r.next(); s.Text != greeting+"\n\nWhat is it about?" || len(s.Options) != 2 {
		t.Fatalf("sent %+v", s)
	}
}

func TestNativeChannelHasNoOutbox(t *testing.T) {
	t.Parallel()
	r := newRig(t, withCaps(func(c *channels.Caps, _ *channels.Common) { c.Native = true }))
	r.accept(text("ada", "hello"))
	if r.delivery("ada", greeting) != storage.DeliverySent {
		t.Fatalf("delivery %d", r.delivery("ada", greeting))
	}
	if row := r.marked(); row.ID != 0 {
		t.Fatalf("outbox row %+v", row)
	}
}

func TestBucketsKeepAShareForPeople(t *testing.T) {
	t.Parallel()
	specs := []channels.Bucket{{Name: "sends", Scope: "account", N: 10, Per: time.Minute}, {Name: "one", Scope: "contact", N: 2, Per: time.Second, Kinds: []string{"sends"}}}
	b, call := newBuckets(specs, nil, noon), []channels.Call{{Bucket: "sends"}}
	bots := 0
	for i := range 20 {
		if b.take(call, string(rune('a'+i)), true, noon) == 0 {
			bots++
		}
	}
	if bots != 8 {
		t.Fatalf("bots took %d of 10", bots)
	}
	if b.take(call, "z", false, noon) != 0 {
		t.Fatal("nothing left for people")
	}
	state := b.changed(noon)
	if got := state["sends"].Tokens; got < 0.9 || got > 1.1 {
		t.Fatalf("kept %+v", state)
	}
	again := newBuckets(specs, state, noon)
	if again.take(call, "z", false, noon) != 0 || again.take(call, "y", false, noon) == 0 {
		t.Fatal("a restart fills the bucket")
	}
	if again.take(call, "y", false, noon.Add(7*time.Second)) != 0 {
		t.Fatal("it does not fill with time")
	}
}

// TestEngineTimer: silence fires once, late rather than never, never early.
func TestTimersFireOnceAndNeverEarly(t *testing.T) {
	t.Parallel()
	c := newClock(noon)
	dir, v := newFolder(t)
	flow := strings.Replace(shopFlow, "    options:\n      - {id: order", "    no_reply:\n      - {after: 10m, say: Are you still there?}\n    options:\n      - {id: order", 1)
	r := startRig(t, dir, v, flow, withClock(c))
	r.accept(text("ada", "hello"))
	r.want(greeting, "What is it about?")
	r.later(c, "ada", 0)
	r.tick(c, 9*time.Minute+59*time.Second)
	<-time.After(30 * time.Millisecond)
	if n := len(r.plat.all()); n != 2 {
		t.Fatalf("early: %q", r.plat.texts("ada"))
	}
	r.tick(c, 3*time.Second)
	r.want("Are you still there?")
	r.later(c, "ada", 0)
	r.tick(c, time.Hour)
	<-time.After(30 * time.Millisecond)
	if n := len(r.plat.all()); n != 3 {
		t.Fatalf("twice: %q", r.plat.texts("ada"))
	}
}
