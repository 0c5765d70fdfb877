package inbox

import (
	"errors"
	"reflect"
	"testing"

	"dispatcher/engine"
	"dispatcher/storage"
)

// What is kept open says exactly what unsealing again would say, and nothing
// of anybody whose sealed bytes are others.
func TestOpenedEqualsUnsealing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	acct, _ := r.Account("fake")
	var kept *opened
	var snap storage.Snapshot
	for _, words := range []string{"hello", "what", "and now"} {
		r.accept(text("ada", words))
		k := keyOf(acct.Number, r.addrHash(acct.Number, "ada"))
		if s, ok := r.cache.get(k); ok && r.cache.opened(k) != nil {
			snap, kept = s, r.cache.opened(k)
		}
	}
	if kept == nil {
		t.Fatal("nothing was kept open")
	}
	with, err := newView(kept, acct, snap, r.vault, r.live.Load(), r.now())
	if err != nil {
		t.Fatal(err)
	}
	without, err := newView(nil, acct, snap, r.vault, r.live.Load(), r.now())
	if err != nil {
		t.Fatal(err)
	}
	if with.vault.Reader != kept.reader || !reflect.DeepEqual(with.Profile, without.Profile) || !reflect.DeepEqual(with.Address, without.Address) ||
		mustJSON(t, with.State) != mustJSON(t, without.State) {
		t.Fatalf("kept %+v %+v, unsealed %+v %+v", with.Profile, with.Address, without.Profile, without.Address)
	}
	if kept.state == nil {
		t.Fatal("the state was not kept")
	}
	kept.state.Path = append(kept.state.Path, engine.PathStep{})[:len(kept.state.Path)] // room behind the list
	if again, err := newView(kept, acct, snap, r.vault, r.live.Load(), r.now()); err != nil || cap(again.State.Path) != len(again.State.Path) {
		t.Errorf("two steps from one state would write into one list: %v", err)
	}
	card, err := with.card(snap.Conv)
	if unsealed, err2 := without.card(snap.Conv); err != nil || err2 != nil || without.kept != nil || mustJSON(t, card) != mustJSON(t, unsealed) {
		t.Fatalf("kept %+v, unsealed %+v, %v, %v", card, unsealed, err, err2)
	}
	moved := snap
	moved.Conv.State, moved.Conv.Card = snap.Conv.Card, snap.Conv.State
	if _, err := newView(kept, acct, moved, r.vault, r.live.Load(), r.now()); err == nil {
		t.Error("other sealed bytes are taken for the state that is open")
	}
	erased := snap
	erased.Contact.Wrapped = nil
	if _, err := newView(kept, acct, erased, r.vault, r.live.Load(), r.now()); !errors.Is(err, errKeyUnreadable) {
		t.Errorf("an erased person is still read: %v", err)
	}
	r.accept(text("bob", "hello"))
	other, err := newView(kept, acct, r.view("bob").Snap, r.vault, r.live.Load(), r.now())
	if err != nil || other.vault.Reader == kept.reader || other.Address.Thread != "bob" {
		t.Errorf("another person: %v %+v", err, other)
	}
}
