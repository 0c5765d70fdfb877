package inbox

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"dispatcher/channels"
	"dispatcher/storage"
)

// heldStore watches how a row becomes unknown.
type heldStore struct {
	storage.Store
	before  func(storage.Settlement) // a row is about to be unknown
	unknown atomic.Bool              // one is
	look    func()                   // the first look for a conversation by its number from then on
	once    sync.Once
}

func (s *heldStore) Settle(ctx context.Context, list []storage.Settlement) ([]storage.Settled, error) {
	unknown := false
	for _, set := range list {
		if set.Do == "unknown" {
			s.before(set)
			unknown = true
		}
	}
	out, err := s.Store.Settle(ctx, list)
	if unknown {
		s.unknown.Store(true)
	}
	return out, err
}

func (s *heldStore) Load(ctx context.Context, keys []storage.Key) ([]storage.Snapshot, error) {
	if keys[0].ID != 0 && s.unknown.Load() {
		s.once.Do(s.look)
	}
	return s.Store.Load(ctx, keys)
}

// Whoever can read that a message is unknown can prove it, and what an answer
// has proved gets no person for silence, however close the answer came.
func TestAnswerAtTheMomentItsQuestionIsHeld(t *testing.T) {
	t.Parallel()
	reached, goOn := make(chan struct{}), make(chan struct{})
	awaited := make(chan bool, 10)
	store := &heldStore{look: func() { close(reached); <-goOn }}
	var r *rig
	store.before = func(set storage.Settlement) { awaited <- r.awaits(set.Row) }
	r = newRig(t, withCaps(func(c *channels.Caps, _ *channels.Common) { c.Send = channels.Blind }),
		withStore(func(db storage.Store) storage.Store { store.Store = db; return store }))
	r.plat.answer = func(n int, _ fakeSend) (int, http.Header) {
		if n == 1 {
			return 0, nil
		}
		return 200, nil
	}
	r.accept(text("ada", "hello"))
	if !<-awaited {
		t.Error("the store says unknown before an answer could prove it")
	}
	<-reached // the sender is about to set the timer that watches the silence
	r.accept(text("ada", "My order"))
	r.until("sent", func() bool { return r.delivery("ada", greeting) == storage.DeliverySent })
	close(goOn)
	acct, _ := r.Account("fake")
	r.until("the sender is done with it", func() bool {
		r.outbox.mu.Lock()
		defer r.outbox.mu.Unlock()
		return len(r.outbox.senders[acct.Number].slots) == 0 && len(r.plat.texts("ada")) == 3
	})
	if names := timerNames(r.view("ada")); strings.Contains(names, timerUnknown) {
		t.Errorf("an answered question is watched: %s", names)
	}
}

// awaits says whether a row of the outbox waits for proof.
func (r *rig) awaits(id int64) bool {
	r.awaiting.mu.Lock()
	defer r.awaiting.mu.Unlock()
	for _, row := range r.awaiting.byKey {
		if row.ID == id {
			return true
		}
	}
	return false
}

// What was held before a restart is proved by an answer after it.
func TestAnswerProvesAHeldQuestionAfterARestart(t *testing.T) {
	t.Parallel()
	dir, keys := newFolder(t)
	blind := withCaps(func(c *channels.Caps, _ *channels.Common) { c.Send = channels.Blind })
	r := startRig(t, dir, keys, shopFlow, blind)
	r.plat.answer = func(n int, _ fakeSend) (int, http.Header) {
		if n == 1 {
			return 0, nil
		}
		return 200, nil
	}
	r.accept(text("ada", "hello"))
	r.until("unknown", func() bool { return r.delivery("ada", greeting) == storage.DeliveryUnknown })
	r.close()
	again := startRig(t, dir, keys, shopFlow, blind)
	conv := again.view("ada").Snap.Conv.ID
	again.until("remembered", func() bool { return len(again.awaiting.of(conv)) == 1 })
	again.accept(text("ada", "My order"))
	again.until("sent", func() bool { return again.delivery("ada", greeting) == storage.DeliverySent })
}
