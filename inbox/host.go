package inbox

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/storage"
)

// host is what channels with routes of their own reach the rest through.
type host struct{ s *Service }

// Host is what channels with routes of their own reach the rest through.
func (s *Service) Host() channels.Host { return s.host }

// Now is the process's clock.
func (h *host) Now() time.Time { return h.s.now() }

// Accept is Service.Accept.
func (h *host) Accept(ctx context.Context, channel string, events []dm.Inbound) ([]channels.Accepted, error) {
	return h.s.Accept(ctx, channel, events)
}

// sessionBody is a widget session as kept, sealed with the system key: it
// holds a name.
type sessionBody struct {
	Channel string           `json:"channel"`
	Session channels.Session `json:"session"`
}

var sessionAAD = []byte("widget session")

// sessionLife is how long a session lives whose channel does not say.
const sessionLife = 30 * 24 * time.Hour

func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// NewSession makes a 256-bit token and keeps its hash.
func (h *host) NewSession(ctx context.Context, channel string, session channels.Session) (string, error) {
	var raw [32]byte
	rand.Read(raw[:])
	token := base64.RawURLEncoding.EncodeToString(raw[:])
	rec, err := h.record(channel, token, session)
	if err != nil {
		return "", err
	}
	if err := h.s.store.Put(ctx, []storage.Record{rec}, nil); err != nil {
		h.s.wrote(err)
		return "", h.s.refusal(err)
	}
	return token, nil
}

func (h *host) record(channel, token string, session channels.Session) (storage.Record, error) {
	plain, err := json.Marshal(sessionBody{Channel: channel, Session: session})
	if err != nil {
		return storage.Record{}, fmt.Errorf("inbox: encode session: %w", err)
	}
	expires := session.Expires
	if expires.IsZero() {
		expires = h.s.now().Add(sessionLife)
	}
	rec := storage.Record{Kind: storage.KindWidget, ID: tokenHash(token), Expires: expires.UnixMilli(), Body: h.s.vault.SealSystem(plain, sessionAAD)}
	if acct, ok := h.s.Account(channel); ok { // by its address an erasure finds it
		rec.Lookup = h.s.addrHash(acct.Number, session.Thread)
	}
	return rec, nil
}

// Session gives the session of a token. ErrNoSession: unknown, expired, or of
// another channel.
func (h *host) Session(ctx context.Context, channel, token string) (channels.Session, error) {
	session, _, err := h.session(ctx, channel, token)
	return session, err
}

func (h *host) session(ctx context.Context, channel, token string) (channels.Session, int64, error) {
	rec, err := h.s.store.Get(ctx, storage.KindWidget, tokenHash(token))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return channels.Session{}, 0, channels.ErrNoSession
	case err != nil:
		return channels.Session{}, 0, h.s.refusal(err)
	case rec.Expires > 0 && rec.Expires <= h.s.now().UnixMilli():
		return channels.Session{}, 0, channels.ErrNoSession
	}
	var body sessionBody
	plain, err := h.s.vault.OpenSystem(rec.Body, sessionAAD)
	if err == nil {
		err = json.Unmarshal(plain, &body)
	}
	if err != nil || body.Channel != channel {
		return channels.Session{}, 0, channels.ErrNoSession
	}
	return body.Session, rec.Version, nil
}

// PutSession changes a session.
func (h *host) PutSession(ctx context.Context, channel, token string, session channels.Session) error {
	for range numberTries {
		_, version, err := h.session(ctx, channel, token)
		if err != nil {
			return err
		}
		rec, err := h.record(channel, token, session)
		if err != nil {
			return err
		}
		rec.Version = version
		err = h.s.store.Put(ctx, []storage.Record{rec}, nil)
		if errors.Is(err, storage.ErrConflict) {
			continue
		}
		if err != nil {
			h.s.wrote(err)
			return h.s.refusal(err)
		}
		return nil
	}
	return channels.ErrNotReady
}

// EndSession forgets a token; the conversation stays.
func (h *host) EndSession(ctx context.Context, channel, token string) error {
	_, version, err := h.session(ctx, channel, token)
	if errors.Is(err, channels.ErrNoSession) {
		return nil
	}
	if err != nil {
		return err
	}
	err = h.s.store.Put(ctx, []storage.Record{{Kind: storage.KindWidget, ID: tokenHash(token), Version: version, Delete: true}}, nil)
	if err != nil && !errors.Is(err, storage.ErrConflict) {
		h.s.wrote(err)
		return h.s.refusal(err)
	}
	return nil
}

// Typing says that the customer of a thread is typing: a hint, never stored.
func (h *host) Typing(channel, thread string) {
	if acct, ok := h.s.Account(channel); ok {
		h.s.typing(acct, dm.Inbound{Kind: dm.KindTyping, Thread: thread})
	}
}

// typing tells whoever watches, and lets a burst wait for the rest.
func (s *Service) typing(acct *Account, in dm.Inbound) {
	if in.Thread == "" {
		return
	}
	k := keyOf(acct.Number, s.addrHash(acct.Number, in.Thread))
	s.pushBurst(k, acct)
	snap, ok := s.cache.get(k)
	if !ok {
		snaps, err := s.store.Load(s.ctx, []storage.Key{k.storage()})
		if err != nil || snaps[0].Conv.ID == 0 {
			return
		}
		snap = snaps[0]
	}
	uid := UIDText(snap.Conv.UID)
	s.bus.Publish(Topic("conversation:"+uid), Hint{Conversation: uid, Kind: "typing"})
}

// Read marks our messages up to seq as read by the customer.
func (h *host) Read(ctx context.Context, channel, thread string, seq int64) error {
	acct, ok := h.s.Account(channel)
	if !ok {
		return channels.ErrNotFound
	}
	_, err := h.s.Do(ctx, h.s.AddressKey(acct, thread), func(v *View) (*Draft, error) {
		c := v.Snap.Conv
		if c.ID == 0 {
			return nil, nil
		}
		page, err := h.s.store.Thread(ctx, storage.ThreadQuery{Conversation: c.ID, Before: min(seq, c.LastSeq) + 1, N: readRows})
		if err != nil {
			return nil, err
		}
		var d *Draft
		for _, m := range page.Items {
			if m.Dir == storage.DirOut && (m.Delivery == storage.DeliverySent || m.Delivery == storage.DeliveryDelivered) {
				if d == nil {
					d = v.Draft()
				}
				d.Change(storage.MessageChange{Seq: m.Seq, Delivery: storage.DeliveryRead}, nil)
			}
		}
		return d, nil
	})
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return h.s.refusal(err)
	}
	return nil
}

// lastRows is how far back the latest thing that is shown is looked for first.
const lastRows = 32

// Last is the number of the latest thing the customer of a thread may see.
func (h *host) Last(ctx context.Context, channel, thread string) (int64, error) {
	acct, ok := h.s.Account(channel)
	if !ok {
		return 0, channels.ErrNotFound
	}
	snaps, err := h.s.store.Load(ctx, []storage.Key{h.s.AddressKey(acct, thread)})
	if err != nil {
		return 0, h.s.refusal(err)
	}
	for back := int64(lastRows); ; back *= 8 {
		from := max(snaps[0].Conv.LastSeq-back, 0)
		shown, _, err := h.Since(ctx, channel, thread, from)
		if err != nil {
			return 0, err
		}
		var last int64
		for _, s := range shown {
			last = max(last, s.Seq)
		}
		if last > 0 || from == 0 {
			return last, nil
		}
	}
}

// Identify keeps whom the customer of a thread has proved to be, in a turn of
// its own: whoever looks at the conversation sees it without another message.
func (h *host) Identify(ctx context.Context, channel, thread string, who dm.Party) error {
	acct, ok := h.s.Account(channel)
	if !ok {
		return channels.ErrNotFound
	}
	_, err := h.s.Do(ctx, h.s.AddressKey(acct, thread), func(v *View) (*Draft, error) {
		if v.Snap.Conv.ID == 0 {
			return nil, nil
		}
		d := v.Draft()
		address := d.address
		address.Party = who
		d.Reach(h.s.addrHash(acct.Number, thread), address, time.Time{})
		d.Contact(func(p *Profile) {
			if name := clip(who.Name, nameRunes); name != "" {
				p.Name = name
			}
			p.Verified, p.VerifiedBy = who.Verified, acct.Kind
		})
		if who.Verified {
			d.Verified(2, time.Time{})
		}
		d.Event(EventConversation)
		return d, nil
	})
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return h.s.refusal(err)
	}
	return nil
}

// Live is the state of a channel, and the words for its button.
func (h *host) Live(_ context.Context, channel string) (state, buttonText string) {
	p := h.s.live.Load()
	acct, ok := h.s.Account(channel)
	if !ok || p == nil || p.Set == nil {
		return "closed", ""
	}
	if h.s.switches.killed(acct.Alias, "") {
		return "paused", ""
	}
	q, ok := h.s.QueuesNow(h.s.now())[p.Set.DefaultQueue]
	switch {
	case ok && !q.Open && !q.OpensAt.IsZero():
		at := q.OpensAt
		if p.Set.Timezone != nil {
			at = at.In(p.Set.Timezone)
		}
		return "closed", "We are back " + at.Format("Monday 15:04") + " – leave a message"
	case ok && q.WaitMinutes != nil:
		return "open", fmt.Sprintf("Chat with us – about %d min", *q.WaitMinutes)
	}
	return "open", "Chat with us"
}
