package inbox

import (
	"crypto/rand"
	"encoding/binary"
	"reflect"
	"slices"
	"strings"
	"time"

	"dispatcher/storage"
)

// randomID is a random positive number of 63 bits.
func randomID() int64 {
	var b [8]byte
	rand.Read(b[:])
	return int64(binary.BigEndian.Uint64(b[:]) >> 1)
}

// Build gives the turn: everything sealed, every row under the final epoch.
func (d *Draft) Build() (storage.Turn, error) {
	d.sealConversation()
	d.sealPerson()
	t := d.turn
	t.ID = uint64(randomID())
	t.Key = storage.Key{ID: d.conv.ID, Channel: d.conv.Channel, Addr: d.conv.Addr}
	if d.View.Snap.Conv.ID == d.conv.ID {
		t.Expect = d.View.Snap.Conv.Version
	}
	for n := range t.Outbox {
		t.Outbox[n].Epoch = d.conv.Epoch
	}
	for _, name := range sortedNames(d.timers) {
		t.Timers = append(t.Timers, d.timers[name])
	}
	t.Events = d.events()
	if d.err != nil {
		return storage.Turn{}, d.err
	}
	if d.next != nil {
		opens, err := d.next.Build()
		if err != nil {
			return storage.Turn{}, err
		}
		t.Opens = &opens
	}
	return t, nil
}

func sortedNames(m map[string]storage.Timer) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (d *Draft) sealConversation() {
	if d.conv.Phase == storage.PhaseNew && d.conv.ID == 0 {
		return // nothing was opened: parked events or a record alone
	}
	c := d.conv
	c.UpdatedAt = d.View.Now.UnixMilli()
	var err error
	if d.stated {
		c.State, err = d.keys.sealState(c.UID, d.state)
		d.fail("state", err)
	}
	c.Card, err = d.keys.seal("conversations", c.UID, 0, "card", d.card)
	d.fail("card", err)
	d.turn.Conv = &c
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
		d.profile.Name == d.View.Profile.Name && reflect.DeepEqual(d.address, d.View.Address)
}

// events are the turn's events with the topics of everybody concerned: who
// owned the conversation before, who owns it now, and its queue.
func (d *Draft) events() []storage.Event {
	topics := d.topics()
	out := make([]storage.Event, len(d.turn.Events))
	for n, e := range d.turn.Events {
		e.At, e.Conversation, e.UID = d.View.Now.UnixMilli(), d.conv.ID, d.conv.UID
		e.Topics = append(slices.Clone(topics), e.Topics...)
		out[n] = e
	}
	return out
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
