package inbox

import (
	"bytes"
	"slices"

	"dispatcher/engine"
	"dispatcher/storage"
	"dispatcher/vault"
)

// opened is what is known in the clear of a hot conversation, kept beside its
// snapshot and let go with it. Each piece is known by the sealed bytes it
// stands for, so that it can never speak for others, and nobody changes it.
// What could come back from JSON as another type (slots) is not kept.
type opened struct {
	reader  *Reader
	left    *storage.Snapshot // the sealed bytes
	profile *Profile          // nil: has slots
	address Address
	state   *engine.State // nil: has slots, or is too long to be kept whole
	card    Card
}

// openedBytes is what an opened key and the small structs take beside their
// boxes.
const openedBytes = 3 << 9

// maxOpenState is the longest sealed state that is kept decoded: a long one
// takes several times its room, and more conversations are worth more.
const maxOpenState = 2 << 10

func (o *opened) size() int {
	if o == nil {
		return 0
	}
	n := openedBytes
	if o.state != nil {
		n += 2 * len(o.left.Conv.State)
	}
	return n
}

// openedOf is what the draft of a turn knew in the clear of the snapshot that
// the turn left; nil = nothing.
func openedOf(left *storage.Snapshot, d *Draft) *opened {
	if d == nil || d.keys == nil || left.Contact.ID == 0 {
		return nil
	}
	o := &opened{reader: d.keys, left: left, address: d.View.Address, card: d.card}
	if len(d.turn.Identities) > 0 {
		o.address = d.address
	}
	o.profile = d.knownProfile()
	st := d.View.State
	if d.stated {
		st = d.state
	}
	if plainState(st) && len(left.Conv.State) <= maxOpenState {
		o.state = &st
	}
	return o
}

// knownProfile is what the draft leaves of the person, where it has no slots:
// the piece that was kept already while that still tells it.
func (d *Draft) knownProfile() *Profile {
	v := d.View
	if o := v.kept; !d.person && o != nil && o.profile != nil && bytes.Equal(o.left.Contact.Profile, v.Snap.Contact.Profile) {
		return o.profile
	}
	p := v.Profile
	if d.person {
		p = d.profile
	}
	if len(p.Slots) > 0 {
		return nil
	}
	return &p
}

// plainState says that a state holds no value of a slot.
func plainState(st engine.State) bool {
	return len(st.Slots) == 0 && st.Hand == nil && (st.Question == nil || st.Question.Value == nil) &&
		!slices.ContainsFunc(st.Stack, func(f engine.Frame) bool { return f.Question != nil })
}

// unseal opens profile, address and state, or takes what of them is open already.
func (v *View) unseal(keys *vault.Vault, o *opened) (err error) {
	c, i, conv := &v.Snap.Contact, &v.Snap.Identity, &v.Snap.Conv
	if o == nil || o.left.Contact.UID != c.UID || o.left.Contact.KeyID != c.KeyID || len(c.Wrapped) == 0 || !bytes.Equal(o.left.Contact.Wrapped, c.Wrapped) {
		return v.unsealAll(keys)
	}
	was := o.left
	v.vault.Reader, v.kept = o.reader, o
	if o.profile != nil && bytes.Equal(was.Contact.Profile, c.Profile) {
		v.Profile = *o.profile
	} else if v.Profile, err = o.reader.Profile(*c); err != nil {
		return err
	}
	if was.Identity.Channel == i.Channel && bytes.Equal(was.Identity.Address, i.Address) {
		v.Address = o.address
	} else if v.Address, err = o.reader.Address(*i); err != nil {
		return err
	}
	if o.state != nil && was.Conv.UID == conv.UID && bytes.Equal(was.Conv.State, conv.State) {
		v.State = ownState(*o.state)
	} else if v.State, err = o.reader.state(*conv); err != nil {
		return err
	}
	return nil
}

// unsealAll is unseal where nothing is open.
func (v *View) unsealAll(keys *vault.Vault) (err error) {
	if v.vault.Reader, err = NewReader(keys, v.Snap.Contact); err != nil {
		return err
	}
	if v.Profile, err = v.vault.Profile(v.Snap.Contact); err != nil {
		return err
	}
	if v.Address, err = v.vault.Address(v.Snap.Identity); err != nil {
		return err
	}
	v.State, err = v.vault.state(v.Snap.Conv)
	return err
}

// ownState is a state to step from: a step writes into no value of it, but
// may append to its lists.
func ownState(st engine.State) engine.State {
	st.Stack, st.Order, st.Tags, st.Path = slices.Clip(st.Stack), slices.Clip(st.Order), slices.Clip(st.Tags), slices.Clip(st.Path)
	st.Attempts, st.Sent = slices.Clip(st.Attempts), slices.Clip(st.Sent)
	return st
}

// card opens what a list row shows, or takes it where it is open already.
func (v *View) card(c storage.Conversation) (Card, error) {
	o := v.kept
	if o == nil || o.left.Conv.UID != c.UID || !bytes.Equal(o.left.Conv.Card, c.Card) {
		return v.vault.Card(c)
	}
	card := o.card
	e := &card.Episode
	e.Waiting, e.Causes, e.Media = slices.Clone(e.Waiting), slices.Clone(e.Causes), slices.Clone(e.Media)
	return card, nil
}
