package inbox

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"dispatcher/storage"
)

// randomID is a random positive number of 63 bits. It is no secret.
func randomID() int64 { return rand.Int64N(math.MaxInt64) + 1 }

// Build gives the turn: everything sealed, every row under the final epoch.
// It ends the draft.
func (d *Draft) Build() (storage.Turn, error) {
	t, err := d.build()
	if err != nil {
		return storage.Turn{}, err
	}
	return *t, nil
}

// build is Build of a turn that stays in the draft.
func (d *Draft) build() (*storage.Turn, error) {
	d.sealConversation()
	d.sealPerson()
	t := &d.turn
	t.ID = uint64(randomID())
	t.Key = storage.Key{ID: d.conv.ID, Channel: d.conv.Channel, Addr: d.conv.Addr}
	if d.View.Snap.Conv.ID == d.conv.ID {
		t.Expect = d.View.Snap.Conv.Version
	}
	for n := range t.Outbox {
		t.Outbox[n].Epoch = d.conv.Epoch
	}
	t.Timers = append(t.Timers, d.timers...)
	d.tellEvents()
	if d.err != nil {
		return nil, d.err
	}
	if d.next != nil {
		opens, err := d.next.build()
		if err != nil {
			return nil, err
		}
		t.Opens = opens
	}
	return t, nil
}

func (d *Draft) sealConversation() {
	if d.conv.Phase == storage.PhaseNew && d.conv.ID == 0 {
		return // nothing was opened: parked events or a record alone
	}
	if d.written == nil {
		d.written = &rows{}
	}
	c := &d.written.conv
	*c = d.conv
	if !d.unmoved {
		c.UpdatedAt = d.View.Now.UnixMilli()
	}
	var err error
	if d.stated {
		c.State, err = d.keys.sealState(c.UID, d.state)
		d.fail("state", err)
	}
	c.Card, err = d.keys.seal("conversations", c.UID, 0, "card", &d.card)
	d.fail("card", err)
	d.turn.Conv = c
}

func (d *Draft) sealPerson() {
	if d.person && d.keys != nil {
		c := d.contact
		c.UpdatedAt = d.View.Now.UnixMilli()
		var err error
		c.Profile, err = d.keys.seal("contacts", storage.UID{}, 0, "profile", d.profile)
		d.fail("profile", err)
		d.turn.Contact = &c
	}
	if !d.reached || d.keys == nil || d.sameIdentity() {
		return
	}
	i := d.identity
	i.Contact = d.contact.ID
	var err error
	i.Address, err = d.keys.seal("identities", storage.UID{}, i.Channel, "address", d.address)
	d.fail("address", err)
	i.Display, err = d.keys.seal("identities", storage.UID{}, i.Channel, "display", d.profile.Name)
	d.fail("display", err)
	d.turn.Identities = []storage.Identity{i}
}

// lastInStep is how far the customer's last message may move without being
// written: the reply window is known to the minute, and ends early, never late.
const lastInStep = time.Minute

// sameIdentity says that the stored row of the address still tells what this
// turn knows. The first turn of a conversation always writes it, which is also
// how two first messages that race are told apart.
func (d *Draft) sameIdentity() bool {
	was, now := d.View.Snap.Identity, d.identity
	if d.conv.ID == 0 || was.LastInAt == 0 || now.LastInAt-was.LastInAt >= lastInStep.Milliseconds() {
		return false
	}
	return was.Contact == d.contact.ID && was.Channel == now.Channel && slices.Equal(was.Addr, now.Addr) && was.Blocked == now.Blocked &&
		was.Verified == now.Verified && was.VerifiedUntil == now.VerifiedUntil &&
		d.profile.Name == d.View.Profile.Name && d.address.equal(d.View.Address)
}

// tellEvents gives the turn's events the topics of everybody concerned: who
// owned the conversation before, who owns it now, and its queue.
func (d *Draft) tellEvents() {
	topics := slices.Clip(d.topics())
	for n := range d.turn.Events {
		e := &d.turn.Events[n]
		e.At, e.Conversation, e.UID = d.View.Now.UnixMilli(), d.conv.ID, d.conv.UID
		e.Topics = append(topics, e.Topics...)
	}
}

func (d *Draft) topics() []string {
	out := []string{"all", "conversation:" + d.UID()}
	add := func(topic string) {
		if !strings.HasSuffix(topic, ":") && !slices.Contains(out, topic) {
			out = append(out, topic)
		}
	}
	for _, c := range []storage.Conversation{d.View.Snap.Conv, d.conv} {
		switch {
		case c.ID != d.conv.ID:
		case c.Owner == storage.OwnerQueue:
			add("queue:" + c.OwnerID)
		case c.Owner == storage.OwnerAgent:
			add("agent:" + c.OwnerID)
		}
	}
	add("queue:" + d.card.Episode.QueueLast)
	return out
}
