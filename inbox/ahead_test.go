package inbox

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"dispatcher/engine"
	"dispatcher/storage"
)

const placeFlow = `flow: welcome
states:
  start:
    handoff:
      queue: orders
      say: "You are number {{ queue.position }}."
`

// What a customer is told counts those before, at the handoff and again later.
func TestPlaceCountsThoseAhead(t *testing.T) {
	t.Parallel()
	c := newClock(noon)
	dir, keys := newFolder(t)
	r := startRig(t, dir, keys, placeFlow, withClock(c))
	heard := func(who, words string) {
		t.Helper()
		r.until(who+" hears "+words, func() bool {
			for _, said := range r.plat.texts(who) {
				if strings.Contains(said, words) {
					return true
				}
			}
			return false
		})
	}
	people := []string{"ada", "bo", "cy"}
	for i, who := range people { // in one second: figures of the store may be older
		r.accept(text(who, "hello"))
		heard(who, "You are number "+strconv.Itoa(i+1)+".")
	}
	ahead := func(want map[string]int) {
		t.Helper()
		for who, n := range want {
			v := r.view(who)
			if got := r.world(v.Draft(), engine.EntryNow{}).Queues["orders"].Waiting; got != n {
				t.Errorf("%s reads %d before them, want %d", who, got, n)
			}
			if got := r.Ahead(v, "general"); got != 0 {
				t.Errorf("%d ahead of %s in a queue they are not in", got, who)
			}
		}
	}
	ahead(map[string]int{"ada": 0, "bo": 1, "cy": 2})
	acct, _ := r.Account("fake")
	_, err := r.Do(t.Context(), r.AddressKey(acct, "ada"), func(v *View) (*Draft, error) {
		d := v.Draft()
		return d, d.Fire(Shift{Edge: EdgeClaim, By: "agent-1", OwnerID: "agent-1"})
	})
	if err != nil {
		t.Fatal(err)
	}
	c.add(2 * time.Second)
	ahead(map[string]int{"bo": 0, "cy": 1, "ada": 2}) // whoever does not wait comes after all
}

// brokenLists cannot list a queue.
type brokenLists struct{ storage.Store }

func (s brokenLists) List(ctx context.Context, q storage.ListQuery) (storage.Page[storage.Summary], error) {
	if q.View == "queue" {
		return storage.Page[storage.Summary]{}, storage.ErrClosed
	}
	return s.Store.List(ctx, q)
}

func TestPlaceWithoutAListIsTheEnd(t *testing.T) {
	t.Parallel()
	dir, keys := newFolder(t)
	r := startRig(t, dir, keys, placeFlow, withStore(func(db storage.Store) storage.Store { return brokenLists{db} }))
	r.accept(text("ada", "hello"))
	r.accept(text("bo", "hello"))
	if got := r.Ahead(r.view("ada"), "orders"); got != 1 {
		t.Errorf("%d ahead, want everybody else", got)
	}
}
