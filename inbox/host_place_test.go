package inbox

import (
	"encoding/json"
	"testing"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/storage"
)

// eventsOf gives what a visitor is shown after a number: messages by seq,
// updates, and the last word about the owner.
func (r *rig) eventsOf(after int64) (msgs map[int64]shownMessage, updates []shownUpdate, owner shownOwnership) {
	r.t.Helper()
	shown, _, err := r.Host().Since(r.t.Context(), "fake", "ada", after)
	if err != nil {
		r.t.Fatal(err)
	}
	msgs = map[int64]shownMessage{}
	for _, e := range shown {
		var m shownMessage
		var u shownUpdate
		switch e.Event {
		case eventMessage:
			err = json.Unmarshal(e.Data, &m)
			msgs[m.Seq] = m
		case eventUpdate:
			err = json.Unmarshal(e.Data, &u)
			updates = append(updates, u)
			if e.Seq != 0 {
				r.t.Errorf("an update with the number %d", e.Seq)
			}
		case eventOwner:
			owner = shownOwnership{}
			err = json.Unmarshal(e.Data, &owner)
		}
		if err != nil {
			r.t.Fatal(err)
		}
	}
	return msgs, updates, owner
}

// A tap is marked as one after a reload, and its buttons are gone.
func TestAnsweredButtonsStayAway(t *testing.T) {
	t.Parallel()
	r := newRig(t, withCaps(native))
	r.accept(text("ada", "hello"))
	msgs, _, _ := r.eventsOf(0)
	q := msgs[3]
	if q.OptionsOff || msgs[1].Tapped || len(q.Options) != 2 {
		t.Fatalf("before the tap %+v", q)
	}
	r.accept(tapOn("ada", dm.Option{Payload: q.Options[0].Payload, Label: q.Options[0].Label}))
	msgs, updates, _ := r.eventsOf(0)
	if !msgs[3].OptionsOff || !msgs[4].Tapped || len(updates) != 0 {
		t.Errorf("after a reload: question %+v, tap %+v, %v", msgs[3], msgs[4], updates)
	}
	if _, updates, _ = r.eventsOf(3); len(updates) != 1 || updates[0].ID != q.ID || updates[0].Seq != 4 || !updates[0].OptionsOff {
		t.Errorf("while watching: %+v", updates)
	}
}

// Who waits is told the place in line and about how long it takes.
func TestTheQueueSaysWhereOneStands(t *testing.T) {
	t.Parallel()
	quote := func(_ string, ahead int) *int { n := 5 * (ahead + 1); return &n }
	r := newRig(t, withCaps(native), func(_ *rig, cfg *Config) { cfg.Quote = quote })
	for _, who := range []string{"first", "ada"} {
		r.accept(text(who, "hello"))
		r.accept(text(who, "I want to talk to a person"))
	}
	want := shownOwnership{Owner: dm.OwnerQueue, Position: 2, WaitMinutes: 10}
	if _, _, owner := r.eventsOf(0); owner != want {
		t.Errorf("shown %+v, want %+v", owner, want)
	}
	line := r.Host().(channels.Placer)
	now, ok := line.Place(t.Context(), "fake", "ada")
	var owner shownOwnership
	if err := json.Unmarshal(now.Data, &owner); err != nil || !ok || now.Seq != 0 || owner != want {
		t.Errorf("now %+v %v %v", owner, ok, err)
	}
	r.accept(text("ada", "stop"))
	if _, ok := line.Place(t.Context(), "fake", "ada"); ok {
		t.Error("a place for nobody in line")
	}
}

// Who gets a conversation is who the customer is told about, not who gave it;
// a line of an earlier version names nobody rather than the giver.
func TestATransferNamesTheNewOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.open(t, EdgeOpenBot)
	v = w.fire(t, v, Shift{Edge: EdgeTakeOver, By: "ana", ByName: "Ana Sousa"})
	v = w.fire(t, v, Shift{Edge: EdgeTransferAgent, By: "ana", ByName: "Ana Sousa", OwnerID: "ben", Owner: "Ben Kaya"})
	v = w.fire(t, v, Shift{Edge: EdgeRelease, By: "ben", ByName: "Ben Kaya"})
	keys := v.Reader()
	page, err := w.store.Thread(t.Context(), storage.ThreadQuery{Conversation: v.Snap.Conv.ID})
	if err != nil {
		t.Fatal(err)
	}
	want := map[Edge]shownOwnership{EdgeTakeOver: {Owner: dm.OwnerAgent, Name: "Ana Sousa"}, EdgeTransferAgent: {Owner: dm.OwnerAgent, Name: "Ben Kaya"}, EdgeRelease: {Owner: dm.OwnerQueue}}
	old := map[Edge]shownOwnership{EdgeTakeOver: want[EdgeTakeOver], EdgeTransferAgent: {Owner: dm.OwnerAgent}, EdgeRelease: want[EdgeRelease]}
	told := 0
	for _, m := range page.Items {
		body, err := keys.Body(v.Snap.Conv.UID, m)
		if err != nil {
			t.Fatal(err)
		}
		if body.Line == nil {
			continue
		}
		for _, want := range []map[Edge]shownOwnership{want, old} {
			shown, ok, err := shownOwner(m, body)
			var got shownOwnership
			if err != nil || !ok || json.Unmarshal(shown.Data, &got) != nil || got != want[Edge(body.Line.Edge)] {
				t.Errorf("%s: %v %v, shown %+v, want %+v", body.Line.Edge, ok, err, got, want[Edge(body.Line.Edge)])
			}
			body.Line.Owner, body.Line.OwnerName = "", ""
		}
		told++
	}
	if told != 3 {
		t.Errorf("%d lines", told)
	}
}
