package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/storage"
)

// pull is one poll that must be answered.
func (r *rig) pull(after string, n int) (out []dm.Outbound, cursor string) {
	r.t.Helper()
	out, cursor, _, err := r.Host().Pull(r.t.Context(), "fake", after, n)
	if err != nil {
		r.t.Fatal(err)
	}
	return out, cursor
}

func (r *rig) ack(cursor string) {
	r.t.Helper()
	if err := r.Host().Pulled(r.t.Context(), "fake", cursor); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) takeOver(thread, words string) {
	r.t.Helper()
	acct, _ := r.Account("fake")
	_, err := r.Do(r.t.Context(), r.AddressKey(acct, thread), func(v *View) (*Draft, error) {
		d := v.Draft()
		if err := d.Fire(Shift{Edge: EdgeTakeOver, By: "agent-1", ByName: "Bo"}); err != nil {
			return nil, err
		}
		d.Send(Outgoing{NewMessage: NewMessage{Author: storage.AuthorAgent, AuthorID: "agent-1", Body: Body{Text: words, AuthorName: "Bo"}}, Origin: storage.OriginAgent})
		return d, nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func keysOf(out []dm.Outbound) (keys []string) {
	for _, o := range out {
		keys = append(keys, o.Key)
	}
	return keys
}

// More rows than one answer holds, of many customers whose rows come in turns:
// an early customer's second message has a higher row id than what a first
// answer ends with. Answers get lost; nothing else does.
func TestPullLosesNothingWithALostAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t, withCaps(pulled))
	const customers = 60
	for i := range customers {
		r.accept(text(fmt.Sprintf("c%02d", i), "hello"))
	}
	for i := range 10 { // words for the first customers, with the highest row ids
		r.takeOver(fmt.Sprintf("c%02d", i), "Bo here")
	}
	lost, _ := r.pull("", 100)
	again, cursor := r.pull("", 100)
	if len(lost) != 100 || !slices.Equal(keysOf(lost), keysOf(again)) || cursor != "c-100" {
		t.Fatalf("%d rows, then %d, up to %s", len(lost), len(again), cursor)
	}
	seen := map[string][]string{}
	for _, o := range again {
		seen[o.Thread] = append(seen[o.Thread], o.Text)
	}
	r.ack(cursor)
	r.accept(text("late", "hello"))
	first, _ := r.pull(cursor, 5) // lost as well
	for ; ; r.ack(cursor) {
		var out []dm.Outbound
		if out, cursor = r.pull(cursor, 7); len(out) == 0 {
			break
		}
		if first != nil && !slices.Equal(keysOf(out[:5]), keysOf(first)) {
			t.Fatalf("given again in another order: %v, %v", keysOf(out), keysOf(first))
		}
		first = nil
		for _, o := range out {
			seen[o.Thread] = append(seen[o.Thread], o.Text)
		}
	}
	for i := range customers {
		thread, want := fmt.Sprintf("c%02d", i), []string{greeting, "What is it about?"}
		if i < 10 { // taken over before the first poll
			want = []string{"Bo here"}
		}
		if !slices.Equal(seen[thread], want) {
			t.Errorf("%s was told %q, want %q", thread, seen[thread], want)
		}
		if d := r.delivery(thread, want[0]); d != storage.DeliverySent {
			t.Errorf("%s: delivery %d", thread, d)
		}
	}
	if len(seen["late"]) != 2 {
		t.Errorf("late was told %q", seen["late"])
	}
}

// A restart between a hand-out and its acknowledgement: the number settles the
// rows that had it, and no row that nobody was given.
func TestPullAcknowledgedAfterARestart(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, shopFlow, withCaps(pulled))
	for _, who := range []string{"ada", "bo", "cy"} {
		r.accept(text(who, "hello"))
	}
	out, cursor := r.pull("", 3)
	if len(out) != 3 || cursor != "c-3" {
		t.Fatalf("%d rows, %s", len(out), cursor)
	}
	r.kill()

	r = startRig(t, dir, v, shopFlow, withCaps(pulled))
	if same, at := r.pull("c-1", 2); !slices.Equal(keysOf(same), keysOf(out[1:])) || at != "c-3" {
		t.Fatalf("after a restart: %v up to %s, want %v", keysOf(same), at, keysOf(out[1:]))
	}
	r.ack("c-1")
	if same, _ := r.pull("", 2); !slices.Equal(keysOf(same), keysOf(out[1:])) {
		t.Fatalf("only the first was acknowledged, and these are given again: %v, want %v", keysOf(same), keysOf(out[1:]))
	}
	var wrong *channels.FieldError
	if err := r.Host().Pulled(t.Context(), "fake", "c-4"); !errors.As(err, &wrong) {
		t.Fatalf("a number that was never given: %v", err)
	}
	r.ack(cursor)
	if d := r.delivery("ada", greeting); d != storage.DeliverySent {
		t.Errorf("acknowledged: delivery %d", d)
	}
	for _, who := range []string{"bo", "cy"} {
		if d := r.delivery(who, "What is it about?"); d != storage.DeliveryPending {
			t.Errorf("%s: an acknowledgement settled what nobody was given: %d", who, d)
		}
	}
	r.close()

	r = startRig(t, dir, v, shopFlow, withCaps(pulled))
	r.ack(cursor)
	rest, at := r.pull("", 100)
	if len(rest) != 3 || at != "c-6" || rest[0].Thread != "bo" || rest[0].Text != "What is it about?" || rest[1].Thread != "cy" {
		t.Fatalf("the rest: %+v up to %s", rest, at)
	}
	r.ack(at)
	if none, at := r.pull(at, 100); len(none) != 0 || at != "c-6" {
		t.Fatalf("%v %s", none, at)
	}
}

// What was handed out and not acknowledged is not given again when a person
// took over meanwhile.
func TestPullAfterATakeOverIsSilent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after string
		want  int16
	}{
		"who says where it stands did not get them":       {"c-0", storage.DeliveryCancelled},
		"who does not say may have got them":              {"", storage.DeliveryUnknown},
		"who names a number of another time says nothing": {"c-900", storage.DeliveryUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, withCaps(pulled))
			r.accept(text("ada", "hello"))
			if lost, _ := r.pull("", 100); len(lost) != 2 {
				t.Fatalf("%d rows", len(lost))
			}
			r.takeOver("ada", "Bo here")
			out, cursor := r.pull(c.after, 100)
			if len(out) != 1 || out[0].Text != "Bo here" || cursor != "c-3" {
				t.Fatalf("after a take-over: %+v, %s", out, cursor)
			}
			if d := r.delivery("ada", greeting); d != c.want {
				t.Errorf("delivery %d, want %d", d, c.want)
			}
			if out, _ = r.pull("", 100); len(out) != 1 {
				t.Fatalf("and again: %+v", out)
			}
			r.ack(cursor)
			if c.want == storage.DeliveryUnknown { // it had them after all
				c.want = storage.DeliverySent
			}
			if d := r.delivery("ada", greeting); d != c.want {
				t.Errorf("acknowledged: delivery %d, want %d", d, c.want)
			}
		})
	}
}

// The kill switch and the end of a message's time hold for what is given again.
func TestPullAgainUnderSwitchAndExpiry(t *testing.T) {
	t.Parallel()
	c := newClock(time.Now())
	r := newRig(t, withCaps(pulled), withClock(c))
	r.accept(text("ada", "hello"))
	r.pull("", 100)
	if err := r.SetSwitch(t.Context(), ScopeAll, true, "ana", "test"); err != nil {
		t.Fatal(err)
	}
	if out, _ := r.pull("c-0", 100); slices.ContainsFunc(out, func(o dm.Outbound) bool { return o.Author == "bot" }) {
		t.Fatalf("under the switch: %+v", out)
	}
	if d := r.delivery("ada", greeting); d != storage.DeliveryCancelled {
		t.Errorf("delivery %d", d)
	}

	old := newRig(t, withCaps(pulled), withClock(c))
	old.accept(text("bo", "hello"))
	old.pull("", 100)
	c.add(48 * time.Hour)
	if out, _ := old.pull("c-0", 100); slices.ContainsFunc(out, func(o dm.Outbound) bool { return o.Text == greeting }) {
		t.Fatalf("expired: %+v", out)
	}
	if d := old.delivery("bo", greeting); d != storage.DeliveryFailed {
		t.Errorf("delivery %d", d)
	}
}

// What the bot said before its own hand-off is given again: that edge takes
// nothing back.
func TestPullAgainAfterTheBotsOwnHandoff(t *testing.T) {
	t.Parallel()
	r := newRig(t, withCaps(pulled))
	r.accept(text("ada", "hello"))
	out, _ := r.pull("", 100)
	r.accept(tapOn("ada", out[1].Options[0]))
	r.accept(text("ada", "1234567"))
	if owner := r.view("ada").Snap.Conv.Owner; owner != storage.OwnerQueue {
		t.Fatalf("owner %d", owner)
	}
	again, _ := r.pull("", 100)
	if len(again) < 4 || !slices.Equal(keysOf(again[:2]), keysOf(out)) {
		t.Fatalf("%+v", again)
	}
}

// trouble is a store in which a poll finds its caller gone, or the disk refuses.
type trouble struct {
	storage.Store
	cut  atomic.Pointer[context.CancelFunc]
	full atomic.Bool
}

func (s *trouble) Load(ctx context.Context, keys []storage.Key) ([]storage.Snapshot, error) {
	if cut := s.cut.Swap(nil); cut != nil {
		(*cut)()
		return nil, ctx.Err()
	}
	return s.Store.Load(ctx, keys)
}

func (s *trouble) Settle(ctx context.Context, list []storage.Settlement) ([]storage.Settled, error) {
	if s.full.Load() {
		return nil, storage.ErrDegraded
	}
	return s.Store.Settle(ctx, list)
}

// A caller that goes away and a disk that refuses say nothing about a row.
func TestPullInTroubleFailsNoRow(t *testing.T) {
	t.Parallel()
	store := &trouble{}
	c := newClock(time.Now())
	r := newRig(t, withCaps(pulled), withClock(c), withStore(func(db storage.Store) storage.Store { store.Store = db; return store }))
	r.accept(text("ada", "hello"))
	poll := func(what string, trouble func(context.CancelFunc)) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		trouble(cancel)
		if out, _, _, err := r.Host().Pull(ctx, "fake", "", 100); err == nil || len(out) != 0 {
			t.Errorf("%s: %v %v", what, out, err)
		}
		store.full.Store(false)
	}
	poll("new rows, caller gone", func(cancel context.CancelFunc) { store.cut.Store(&cancel) })
	out, cursor := r.pull("", 100)
	if len(out) != 2 {
		t.Fatalf("given after a caller went away: %+v", out)
	}
	poll("old rows, caller gone", func(cancel context.CancelFunc) { store.cut.Store(&cancel) })
	poll("disk", func(context.CancelFunc) { store.full.Store(true) })
	r.until("writable", r.writable)
	if again, _ := r.pull("", 100); !slices.Equal(keysOf(again), keysOf(out)) {
		t.Fatalf("given again: %+v", again)
	}

	r.accept(text("bo", "hello"))
	poll("new rows, disk", func(context.CancelFunc) { store.full.Store(true) })
	r.until("writable", r.writable)
	c.add(2 * pullLease)
	if more, _ := r.pull(cursor, 100); len(more) != 2 || more[0].Thread != "bo" {
		t.Fatalf("given after the disk refused: %+v", more)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Host().Pulled(gone, "fake", cursor); err != nil {
		t.Errorf("acknowledged by a caller that went away: %v", err)
	}
	if d := r.delivery("ada", greeting); d != storage.DeliverySent {
		t.Errorf("delivery %d", d)
	}
	if logs := r.logs.String(); strings.Contains(logs, "unreadable") {
		t.Error("a row was called unreadable")
	}
}

// A channel that is pushed to again sends what was handed out and never acknowledged.
func TestPullTurnedToPush(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, shopFlow, withCaps(pulled))
	r.accept(text("ada", "hello"))
	r.pull("", 100)
	r.close()
	startRig(t, dir, v, shopFlow).want(greeting, "What is it about?")
}
