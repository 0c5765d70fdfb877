package inbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/flows"
	"dispatcher/storage"
	"dispatcher/vault"
)

// errKeyUnreadable says that the contact's key does not open: its events are
// parked, never decided on.
var errKeyUnreadable = errors.New("inbox: contact key does not open")

// Reader opens what is sealed for one contact. It is safe for concurrent use.
type Reader struct {
	key     *vault.Sealer
	contact storage.UID
}

// NewReader opens the key of a stored contact. errKeyUnreadable when it does
// not open or was erased.
func NewReader(v *vault.Vault, c storage.Contact) (*Reader, error) {
	if len(c.Wrapped) == 0 {
		return nil, fmt.Errorf("%w: contact %d has none", errKeyUnreadable, c.ID)
	}
	key, err := v.OpenContactKey(c.Wrapped, int64(c.KeyID))
	if err != nil {
		return nil, fmt.Errorf("%w: contact %d: %w", errKeyUnreadable, c.ID, err)
	}
	return &Reader{key: key, contact: c.UID}, nil
}

// seal encodes v as JSON for one place.
func (r *Reader) seal(table string, conv storage.UID, seq int64, column string, v any) ([]byte, error) {
	room := sealings.Get().(*sealing)
	defer room.release()
	var err error
	if room.plain, err = encode(room.plain[:0], v); err != nil {
		return nil, fmt.Errorf("inbox: encode %s.%s: %w", table, column, err)
	}
	room.aad = vault.AppendAAD(room.aad[:0], table, r.contact, conv, seq, column)
	return r.key.Seal(room.plain, room.aad), nil
}

// sealing is room for a value on its way under its seal.
type sealing struct {
	plain []byte
	aad   []byte
}

// sealings keeps it for the next value; nothing of one stays in it.
var sealings = sync.Pool{New: func() any { return &sealing{} }}

// maxSealing is the most room that is kept.
const maxSealing = 64 << 10

func (s *sealing) release() {
	if cap(s.plain) > maxSealing {
		return
	}
	clear(s.plain)
	sealings.Put(s)
}

// open decodes what seal made; nothing sealed leaves v as it is.
func (r *Reader) open(box []byte, table string, conv storage.UID, seq int64, column string, v any) error {
	if len(box) == 0 {
		return nil
	}
	plain, err := r.key.Open(box, vault.AAD(table, r.contact, conv, seq, column))
	if err != nil {
		return fmt.Errorf("inbox: open %s.%s: %w", table, column, err)
	}
	if err := json.Unmarshal(plain, v); err != nil {
		return fmt.Errorf("inbox: decode %s.%s: %w", table, column, err)
	}
	return nil
}

// Profile opens what is known of the person.
func (r *Reader) Profile(c storage.Contact) (p Profile, err error) {
	return p, r.open(c.Profile, "contacts", storage.UID{}, 0, "profile", &p)
}

// Address opens where the person is reached.
func (r *Reader) Address(i storage.Identity) (a Address, err error) {
	return a, r.open(i.Address, "identities", storage.UID{}, int64(i.Channel), "address", &a)
}

// Card opens what a list row shows.
func (r *Reader) Card(c storage.Conversation) (card Card, err error) {
	return card, r.open(c.Card, "conversations", c.UID, 0, "card", &card)
}

// Body opens the words of a message of the conversation conv.
func (r *Reader) Body(conv storage.UID, m storage.Message) (b Body, err error) {
	return b, r.open(m.Body, "messages", conv, m.Seq, "body", &b)
}

// Trace opens why a message came about; nil when it has none.
func (r *Reader) Trace(conv storage.UID, m storage.Message) (t json.RawMessage, err error) {
	return t, r.open(m.Trace, "messages", conv, m.Seq, "trace", &t)
}

// Packet opens the packet of a handoff; nil when it has none.
func (r *Reader) Packet(conv storage.UID, h storage.Handoff) (p *Packet, err error) {
	return p, r.open(h.Packet, "handoffs", conv, 0, "packet", &p)
}

// Request opens what an outbox row sends.
func (r *Reader) Request(conv storage.UID, row storage.OutboxRow) (out dm.Outbound, err error) {
	return out, r.open(row.Request, "outbox", conv, row.Seq, "request", &out)
}

// Spec opens what a timer carries; nothing leaves v as it is.
func (r *Reader) Spec(conv storage.UID, t storage.Timer, v any) error {
	return r.open(t.Spec, "timers", conv, 0, t.Name, v)
}

// state opens the engine's state. Its encoding is the engine's own.
func (r *Reader) state(c storage.Conversation) (engine.State, error) {
	if len(c.State) == 0 {
		return engine.State{}, nil
	}
	plain, err := r.key.Open(c.State, vault.AAD("conversations", r.contact, c.UID, 0, "state"))
	if err != nil {
		return engine.State{}, fmt.Errorf("inbox: open conversations.state: %w", err)
	}
	st, err := engine.DecodeState(plain)
	if err != nil {
		return engine.State{}, fmt.Errorf("inbox: decode conversations.state: %w", err)
	}
	return st, nil
}

func (r *Reader) sealState(conv storage.UID, st engine.State) ([]byte, error) {
	plain, err := engine.EncodeState(st)
	if err != nil {
		return nil, fmt.Errorf("inbox: encode conversations.state: %w", err)
	}
	room := sealings.Get().(*sealing)
	defer room.release()
	room.aad = vault.AppendAAD(room.aad[:0], "conversations", r.contact, conv, 0, "state")
	return r.key.Seal(plain, room.aad), nil
}

// newView unseals a snapshot: profile, address and state, less what o has open
// already; nil: nothing. A snapshot of nobody gives a view on which only a new
// conversation can be opened. errKeyUnreadable when the contact's key does not
// open.
func newView(o *opened, acct *Account, snap storage.Snapshot, v *vault.Vault, project *flows.Project, now time.Time) (*View, error) {
	view := &View{Snap: snap, Now: now, Account: acct, Project: project, vault: sealer{vault: v}}
	if err := view.read(o); err != nil {
		return nil, err
	}
	return view, nil
}

// read unseals what the view's snapshot holds.
func (v *View) read(o *opened) error {
	if v.Snap.Contact.ID == 0 {
		return nil
	}
	err := v.unseal(v.vault.vault, o)
	if err != nil && !errors.Is(err, errKeyUnreadable) {
		err = fmt.Errorf("%w: %w", errKeyUnreadable, err)
	}
	return err
}

// sealer is the vault with the key of one view's contact, once it is open.
type sealer struct {
	vault *vault.Vault
	*Reader
}
