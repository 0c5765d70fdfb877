package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"dispatcher/channels"
	"dispatcher/channels/webhook"
	"dispatcher/inbox"
	"dispatcher/storage"
	"dispatcher/storage/sqlite"
	"dispatcher/vault"
)

// sample is two turns exactly as inbox writes them: the one that opens a
// conversation and one in the middle of it. The raw ceiling writes copies, so
// it has the statements and the row sizes of the full path.
type sample struct {
	opening, middle storage.Turn
	n               atomic.Uint64 // makes every copy's ids its own
}

// recorder keeps the turns that pass through a store.
type recorder struct {
	storage.Store
	mu    sync.Mutex
	turns []storage.Turn
}

// Apply implements storage.Store.
func (r *recorder) Apply(ctx context.Context, turns []storage.Turn) ([]storage.Outcome, error) {
	r.mu.Lock()
	r.turns = append(r.turns, turns...)
	r.mu.Unlock()
	return r.Store.Apply(ctx, turns)
}

// sampled runs one conversation through a real inbox, once.
func (b *bench) sampled() (*sample, error) {
	if b.tmpl != nil {
		return b.tmpl, nil
	}
	dir, err := b.folder("sample")
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(b.ctx, sqlite.Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	rec := &recorder{Store: store}
	if err := b.converse(rec); err != nil {
		return nil, err
	}
	var kept []storage.Turn
	for _, t := range rec.turns {
		if len(t.Messages) == 3 {
			kept = append(kept, t)
		}
	}
	if len(kept) < 3 {
		return nil, fmt.Errorf("sample: %d turns of one inbound and two outbound messages were written, not 3 or more", len(kept))
	}
	b.tmpl = &sample{opening: kept[0], middle: kept[len(kept)-1]}
	return b.tmpl, nil
}

// converse says four things to an inbox on this store.
func (b *bench) converse(store storage.Store) error {
	keys, err := vault.ParseKeys([]byte(masterKey))
	if err != nil {
		return err
	}
	v, _, err := vault.New(keys)
	if err != nil {
		return err
	}
	project, err := loadProject("bench", loopProject)
	if err != nil {
		return err
	}
	in, err := inbox.New(inbox.Config{Store: store, Vault: v, Loopback: true, Openers: map[string]channels.Opener{webhook.Kind: webhook.Open},
		Secret: func(string) (string, error) { return secretText(), nil }})
	if err != nil {
		return err
	}
	if err := in.SetLive(b.ctx, project); err != nil {
		return err
	}
	if err := in.Start(b.ctx); err != nil {
		return err
	}
	defer func() { _ = in.Stop(context.Background()) }()
	acct, ok := in.Account("hook")
	if !ok {
		return fmt.Errorf("the channel did not open: %v", in.ChannelProblems())
	}
	for _, text := range []string{"hello", "1", "1", "1"} {
		id := uuid.Must(uuid.NewV7()).String()
		body := fmt.Appendf(nil, `{"type":"message.created","timestamp":"%s","data":{"id":"%s","contact":{"id":"c-000001","name":"Ann Example","locale":"en"},"text":"%s"}}`,
			time.Now().UTC().Format(time.RFC3339Nano), id, text)
		events, err := acct.Adapter.Parse(channels.Request{Body: body})
		if err != nil {
			return err
		}
		if _, err := in.Accept(inbox.WithRequest(b.ctx, id, body), "hook", events); err != nil {
			return err
		}
	}
	return nil
}

// fresh is an id that no other copy has.
func (s *sample) fresh(old []byte) []byte {
	out := slices.Clone(old)
	if len(out) >= 8 {
		binary.BigEndian.PutUint64(out[len(out)-8:], s.n.Add(1)|1<<63)
	}
	return out
}

// spread is a new value that lies anywhere among the others, as a keyed hash does.
func (s *sample) spread() []byte {
	out := binary.BigEndian.AppendUint64(nil, s.n.Add(1)*0x9e3779b97f4a7c15)
	return binary.BigEndian.AppendUint64(out, s.n.Load())
}

// open is a copy of the opening turn for somebody new.
func (s *sample) open() storage.Turn {
	t := s.copyOf(&s.opening)
	addr := s.spread()
	t.Key.Addr, t.Conv.Addr = addr, addr
	t.Conv.UID = storage.UID(uuid.Must(uuid.NewV7()))
	contact := *t.Contact
	contact.UID = storage.UID(uuid.Must(uuid.NewV7()))
	t.Contact = &contact
	for i := range t.Identities {
		t.Identities[i].Addr = addr
	}
	return t
}

// place is a conversation that copies of the middle turn are written to.
type place struct {
	id, contact, version, seq int64
	uid                       storage.UID
	addr                      []byte
}

// after is the place that an opening turn left.
func after(t *storage.Turn, out storage.Outcome) *place {
	return &place{id: out.Conversation, contact: out.Contact, version: 1, seq: t.Conv.FirstSeq + int64(len(t.Messages)), uid: out.UID, addr: t.Conv.Addr}
}

// next is a copy of the middle turn for this place.
func (s *sample) next(p *place) storage.Turn {
	t := s.copyOf(&s.middle)
	shift := p.seq + 1 - t.Messages[0].Seq
	t.Key = storage.Key{ID: p.id, Channel: t.Key.Channel, Addr: p.addr}
	t.Expect = p.version
	t.Conv.ID, t.Conv.Contact, t.Conv.UID, t.Conv.Addr = p.id, p.contact, p.uid, p.addr
	t.Conv.HandledSeq += shift
	if t.Contact != nil {
		c := *t.Contact
		c.ID = p.contact
		t.Contact = &c
	}
	for i := range t.Identities {
		t.Identities[i].Addr, t.Identities[i].Contact = p.addr, p.contact
	}
	for i := range t.Messages {
		t.Messages[i].Conversation = p.id
		t.Messages[i].Seq += shift
	}
	for i := range t.Outbox {
		t.Outbox[i].Conversation = p.id
		t.Outbox[i].Seq += shift
	}
	for i := range t.Events {
		t.Events[i].Conversation, t.Events[i].UID = p.id, p.uid
	}
	for i := range t.Receipts {
		t.Receipts[i].Conversation = p.id
		t.Receipts[i].Seq += shift
	}
	for i := range t.Desk {
		t.Desk[i].Conversation = p.id
	}
	return t
}

// applied moves the place on by one turn.
func (p *place) applied(t *storage.Turn) {
	p.version++
	p.seq += int64(len(t.Messages))
}

// copyOf is a turn that shares nothing a copy changes, with ids of its own.
func (s *sample) copyOf(from *storage.Turn) storage.Turn {
	t := *from
	conv := *t.Conv
	t.Conv, t.ID = &conv, s.n.Add(1)
	t.Seen = slices.Clone(t.Seen)
	for i := range t.Seen {
		copy(t.Seen[i].Key[:], s.fresh(t.Seen[i].Key[:]))
		if t.Seen[i].AtS != 0 { // time goes on
			t.Seen[i].AtS = time.Now().Unix()
		}
	}
	t.Identities, t.Messages, t.Outbox = slices.Clone(t.Identities), slices.Clone(t.Messages), slices.Clone(t.Outbox)
	for i := range t.Outbox {
		t.Outbox[i].UID = storage.UID(uuid.Must(uuid.NewV7()))
	}
	t.Timers, t.Events, t.Desk = slices.Clone(t.Timers), slices.Clone(t.Events), slices.Clone(t.Desk)
	for i := range t.Timers {
		t.Timers[i].ID = int64(s.n.Add(1))
	}
	t.Receipts, t.Records = slices.Clone(t.Receipts), slices.Clone(t.Records)
	for i := range t.Receipts {
		t.Receipts[i].Hash = s.spread()
		named(t.Messages, from.Receipts[i].Hash, t.Receipts[i].Hash)
	}
	for i := range t.Records {
		if id := t.Records[i].ID; len(id) > 16 { // the day, then a hash
			t.Records[i].ID = append(slices.Clone(id[:len(id)-16]), s.spread()...)
		} else {
			t.Records[i].ID = s.fresh(id)
		}
	}
	return t
}

// named gives the platform's id of a copied message its new hash: the message
// keeps the one that its receipt has.
func named(messages []storage.Message, was, is []byte) {
	for i := range messages {
		if bytes.Equal(messages[i].External, was) {
			messages[i].External = is
		}
	}
}

// payload is the bytes of a turn's rows that are not ids.
func payload(t *storage.Turn) int {
	n := len(t.Conv.State) + len(t.Conv.Card)
	for i := range t.Messages {
		n += len(t.Messages[i].Body) + len(t.Messages[i].Trace)
	}
	for i := range t.Outbox {
		n += len(t.Outbox[i].Request)
	}
	for i := range t.Records {
		n += len(t.Records[i].Body)
	}
	return n
}
