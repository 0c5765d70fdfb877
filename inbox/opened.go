package inbox

import (
	"bytes"

	"dispatcher/storage"
	"dispatcher/vault"
)

// opened is what was unsealed of a person, kept beside the snapshot of a hot
// conversation and let go with it. It is known by the sealed bytes it comes
// from, so that it can never speak for others, and nobody changes it: a
// profile with slots, which a turn writes into, is unsealed each time.
type opened struct {
	reader  *Reader
	from    storage.Contact
	at      storage.Identity
	profile *Profile // nil: has slots
	address Address
}

// openedBytes is what an opened key and two small structs take beside their boxes.
const openedBytes = 2 << 10

func (o *opened) size() int {
	if o == nil {
		return 0
	}
	return openedBytes + len(o.from.Profile) + len(o.at.Address)
}

// openedOf is what a view unsealed.
func openedOf(v *View) *opened {
	if v.vault.Reader == nil || v.Snap.Contact.ID == 0 {
		return nil
	}
	o := &opened{reader: v.vault.Reader, from: v.Snap.Contact, at: v.Snap.Identity, address: v.Address}
	if len(v.Profile.Slots) == 0 {
		p := v.Profile
		o.profile = &p
	}
	return o
}

// unseal opens profile and address, or takes what of them is open already.
func (v *View) unseal(keys *vault.Vault, o *opened) (err error) {
	c, i := v.Snap.Contact, v.Snap.Identity
	if o == nil || o.from.UID != c.UID || o.from.KeyID != c.KeyID || len(c.Wrapped) == 0 || !bytes.Equal(o.from.Wrapped, c.Wrapped) {
		o = &opened{}
		if o.reader, err = NewReader(keys, c); err != nil {
			return err
		}
	}
	v.vault.Reader = o.reader
	if o.profile != nil && bytes.Equal(o.from.Profile, c.Profile) {
		v.Profile = *o.profile
	} else if v.Profile, err = o.reader.Profile(c); err != nil {
		return err
	}
	if o.from.ID != 0 && o.at.Channel == i.Channel && bytes.Equal(o.at.Address, i.Address) {
		v.Address = o.address
	} else if v.Address, err = o.reader.Address(i); err != nil {
		return err
	}
	return nil
}
