package inbox

import (
	"encoding/json"
	"testing"

	"dispatcher/channels"
	"dispatcher/dm"
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
