package inbox

import (
	"time"
	"unicode/utf8"

	"dispatcher/dm"
)

// learn keeps where the customer is reached, and what their platform says of them.
func (x *decision) learn(a *arrival) {
	d, in := x.d, a.in
	at := in.At
	if at.IsZero() || at.After(x.v.Now) {
		at = x.v.Now
	}
	address := d.address
	address.Thread, address.Account, address.Party = in.Thread, in.Account, in.Sender
	if in.Visibility == dm.Public {
		address.PostID = in.MessageID
	}
	addr := a.key.storage().Addr // the lane is the thread's
	if in.Thread == "" {
		addr = x.s.addrHash(a.acct.Number, "")
	}
	d.Reach(addr, address, at)
	p := d.Profile()
	name, handle := clip(in.Sender.Name, nameRunes), clip(in.Sender.Handle, profileRunes)
	locale := ""
	if utf8.RuneCountInString(in.Locale) <= profileRunes {
		locale = in.Locale
	}
	if d.contact.ID == 0 || (name != "" && name != p.Name) || (handle != "" && handle != p.Handle) || (locale != "" && locale != p.Locale) ||
		(in.Sender.Verified && !p.Verified) {
		d.Contact(func(p *Profile) {
			for into, v := range map[*string]string{&p.Name: name, &p.Handle: handle, &p.Locale: locale} {
				if v != "" {
					*into = v
				}
			}
			if in.Sender.Verified {
				p.Verified, p.VerifiedBy = true, a.acct.Kind
			}
		})
	}
	if in.Sender.Verified {
		d.Verified(2, time.Time{})
	}
	if d.identity.Blocked == cannotReach {
		d.unreachable(false)
	}
}

// unreachable marks that nothing arrives at this address any more, or again.
func (d *Draft) unreachable(yes bool) {
	if d.identity.Blocked == blockedSpam {
		return
	}
	d.identity.Blocked, d.reached = 0, true
	if yes {
		d.identity.Blocked = cannotReach
	}
}
