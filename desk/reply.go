package desk

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"dispatcher/inbox"
	"dispatcher/storage"
)

// Bounds of what an agent may send.
const (
	maxReply   = 10_000 // runes
	maxOptions = 13
	keepKey    = 24 * time.Hour // how long an Idempotency-Key is remembered
)

// sentKey is what an idempotency record holds: what was asked, and which row
// came of it.
type sentKey struct {
	Hash []byte `json:"hash"`
	Seq  int64  `json:"seq"`
}

// keyID is the id of the record of an actor's key.
func keyID(a Actor, clientID string) []byte {
	sum := sha256.Sum256([]byte("desk " + a.ID + "\x00" + clientID))
	return sum[:]
}

// sent looks a key up: the row that came of it, 0 = never used. The same key
// with other words is refused.
func (s *Service) sent(ctx context.Context, a Actor, clientID string, body any) (seq int64, hash []byte, err error) {
	plain, err := json.Marshal(body)
	if err != nil {
		return 0, nil, fmt.Errorf("desk: idempotency key: %w", err)
	}
	sum := sha256.Sum256(plain)
	if clientID == "" {
		return 0, sum[:], nil
	}
	rec, err := s.store.Get(ctx, storage.KindIdempotency, keyID(a, clientID))
	if errors.Is(err, storage.ErrNotFound) || err == nil && rec.Expires != 0 && rec.Expires < s.now().UnixMilli() {
		return 0, sum[:], nil
	}
	if err != nil {
		return 0, nil, err
	}
	var was sentKey
	if err := json.Unmarshal(rec.Body, &was); err != nil {
		return 0, nil, fmt.Errorf("desk: idempotency record: %w", err)
	}
	if !slices.Equal(was.Hash, sum[:]) {
		return 0, nil, problem(CodeKeyReused, http.StatusUnprocessableEntity, "This Idempotency-Key was used for something else.")
	}
	return was.Seq, sum[:], nil
}

// remember keeps a key in the same transaction as what it did.
func (s *Service) remember(d *inbox.Draft, a Actor, clientID string, hash []byte, seq int64) error {
	if clientID == "" {
		return nil
	}
	body, err := json.Marshal(sentKey{Hash: hash, Seq: seq})
	if err != nil {
		return fmt.Errorf("desk: idempotency record: %w", err)
	}
	d.Record(storage.Record{Kind: storage.KindIdempotency, ID: keyID(a, clientID), Body: body, Expires: s.now().Add(keepKey).UnixMilli()})
	return nil
}

// Reply sends a message of the owner. The same ClientID gives the same row.
func (s *Service) Reply(ctx context.Context, a Actor, id string, r Reply, c Command) (Msg, error) {
	var was *inbox.View
	m, err := s.write(ctx, a, id, a.sends(), r.ClientID, r, func(v *inbox.View, d *inbox.Draft) (int64, error) {
		if err := s.mine(ctx, a, v, c); err != nil {
			return 0, err
		}
		out, err := s.outgoing(ctx, a, v, r)
		if err != nil {
			return 0, err
		}
		was = v
		if len(r.Confirm) > 0 && out.Public {
			d.AuditDetail(a.ID, "guard_confirmed", v.UID(), r.Confirm)
		}
		return d.Send(out), nil
	})
	if err == nil && was != nil {
		s.samples.answered(was, s.now())
	}
	return m, err
}

// Note adds an internal row. Everybody who may read a conversation may note.
func (s *Service) Note(ctx context.Context, a Actor, id, text, clientID string) (Msg, error) {
	text = strings.TrimSpace(text)
	switch n := utf8.RuneCountInString(text); {
	case n == 0:
		return Msg{}, invalid("A note needs words.")
	case n > maxReply:
		return Msg{}, problem(CodeTooLong, http.StatusUnprocessableEntity, "The note is too long.")
	}
	return s.write(ctx, a, id, a.works(), clientID, "note "+text, func(v *inbox.View, d *inbox.Draft) (int64, error) {
		return d.Append(noteRow(a, text)), nil
	})
}

// readable makes a text safe to keep and to send, as what customers write is:
// NUL and what is no character become U+FFFD.
func readable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

func noteRow(a Actor, text string) inbox.NewMessage {
	return inbox.NewMessage{Kind: storage.MsgNote, Dir: storage.DirNone, Author: storage.AuthorAgent, AuthorID: a.ID, Body: inbox.Body{Text: readable(text), AuthorName: a.Name}}
}

// write makes one row in a conversation, once per client id, and gives it back.
func (s *Service) write(ctx context.Context, a Actor, id string, allowed bool, clientID string, body any, f func(*inbox.View, *inbox.Draft) (int64, error)) (Msg, error) {
	var seq int64
	_, err := s.do(ctx, a, id, allowed, func(v *inbox.View) (*inbox.Draft, error) {
		was, hash, err := s.sent(ctx, a, clientID, []any{v.UID(), body})
		if err != nil || was != 0 {
			seq = was
			return nil, err
		}
		d := v.Draft()
		if seq, err = f(v, d); err != nil {
			return nil, err
		}
		return d, s.remember(d, a, clientID, hash, seq)
	})
	if err != nil {
		return Msg{}, err
	}
	v, err := s.view(ctx, a, id)
	if err != nil {
		return Msg{}, err
	}
	m, err := s.message(ctx, v, seq)
	m.ClientID = clientID
	return m, err
}

// outgoing checks a reply and makes the message of it.
func (s *Service) outgoing(ctx context.Context, a Actor, v *inbox.View, r Reply) (inbox.Outgoing, error) {
	var out inbox.Outgoing
	text := strings.TrimSpace(readable(r.Text))
	switch {
	case text == "":
		return out, invalid("A message needs words.")
	case len(r.Media) > 0:
		return out, problem(CodeMediaRefused, http.StatusUnprocessableEntity, "This conversation takes no attachments from here.")
	case utf8.RuneCountInString(text) > maxReply:
		return out, problem(CodeTooLong, http.StatusUnprocessableEntity, "The message is too long.")
	case strings.Contains(text, "[[") && strings.Contains(text, "]]"):
		return out, problem(CodeBlankOpen, http.StatusUnprocessableEntity, "A blank is still open.")
	case len(r.Options) > maxOptions:
		return out, invalid("Too many options.")
	}
	out = inbox.Outgoing{Kind: storage.RowSend, Origin: storage.OriginAgent,
		NewMessage: inbox.NewMessage{Author: storage.AuthorAgent, AuthorID: a.ID, Body: inbox.Body{Text: text, AuthorName: a.Name}}}
	for n, label := range r.Options {
		out.Options = append(out.Options, inbox.BodyOption{ID: fmt.Sprintf("option_%d", n+1), Label: readable(label)})
	}
	if err := s.visibility(ctx, v, r, &out); err != nil {
		return out, err
	}
	return out, s.answers(ctx, v, r, &out)
}

// visibility decides who can read it: private is the default wherever a
// private way exists, and what goes out in public passes the guard.
func (s *Service) visibility(ctx context.Context, v *inbox.View, r Reply, out *inbox.Outgoing) error {
	switch r.Visibility {
	case "", "private":
		if w := v.Window(); w != nil && !s.now().Before(w.HumanUntil) {
			return s.conflict(ctx, CodeWindowClosed, "The platform takes no replies any more until they write again.", v)
		}
		return nil
	case "public":
	default:
		return invalid("Visibility is private or public.")
	}
	if v.Account == nil || v.Account.Common.Public != "reply" || v.Address.PostID == "" {
		return invalid("There is nothing here to answer in public.")
	}
	out.Public, out.Target = true, v.Address.PostID
	found := guard(v, out.Body.Text)
	if slices.Contains(found, findingKnown) {
		s.metrics.guard.WithLabelValues(v.Account.Alias, "blocked").Inc()
		p := problem(CodeGuardBlocked, http.StatusUnprocessableEntity, "It holds personal data of this person and would be public.")
		p.Facts = map[string]any{"findings": found}
		return p
	}
	if open := slices.DeleteFunc(found, func(f string) bool { return slices.Contains(r.Confirm, f) }); len(open) > 0 {
		s.metrics.guard.WithLabelValues(v.Account.Alias, "warn").Inc()
		p := problem(CodeGuardConfirm, http.StatusConflict, "It may hold or ask for personal data and would be public.")
		p.Facts = map[string]any{"findings": open}
		return p
	}
	return nil
}

// answers quotes the platform's message that a reply is to.
func (s *Service) answers(ctx context.Context, v *inbox.View, r Reply, out *inbox.Outgoing) error {
	if r.ReplyTo == "" {
		return nil
	}
	conv, seq, ok := readMessageID(r.ReplyTo)
	if !ok || conv != v.UID() {
		return invalid("reply_to is not a message of this conversation.")
	}
	got, err := s.store.Thread(ctx, storage.ThreadQuery{Conversation: v.Snap.Conv.ID, After: seq - 1, N: 1})
	if err != nil {
		return err
	}
	if len(got.Items) == 0 || got.Items[0].Seq != seq {
		return invalid("reply_to is not a message of this conversation.")
	}
	b, err := v.Reader().Body(v.Snap.Conv.UID, got.Items[0])
	if err != nil {
		return err
	}
	out.Body.ReplyTo = b.MessageID
	return nil
}
