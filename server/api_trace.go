package server

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"dispatcher/inbox"
	"dispatcher/storage"
)

// traceView is GET /conversations/{id}/trace: why each turn came about.
type traceView struct {
	Conversation string      `json:"conversation"`
	Turns        []traceTurn `json:"turns"`
}

// traceTurn is one turn: the message or event that caused it, and the engine's
// account of what it tried and chose.
type traceTurn struct {
	Turn     int       `json:"turn"` // counts from 1
	Seq      int64     `json:"seq"`
	At       time.Time `json:"at"`
	Kind     string    `json:"kind"`
	Revision string    `json:"revision,omitempty"`
	Trace    any       `json:"trace"`
}

type traceInput struct {
	ID   string `path:"id" maxLength:"64"`
	Turn int    `query:"turn" minimum:"0" doc:"Only this turn; 0 = all."`
}

// trace opens the traces of a conversation. Whether the caller may see it is
// the desk's answer; a designer, who may read traces but no conversations,
// asks as a lead would.
func (s *Server) trace(ctx context.Context, who *identity, in *traceInput) (*body[traceView], error) {
	actor := who.Actor
	if actor.Role == "designer" {
		actor.Role = "lead"
	}
	if _, err := s.cfg.Desk.Get(ctx, actor, in.ID); err != nil {
		return nil, err
	}
	uid, ok := inbox.ParseUID(in.ID)
	if !ok {
		return nil, problem("not_found", "")
	}
	snaps, err := s.cfg.Store.Load(ctx, []storage.Key{{UID: uid}})
	if err != nil {
		return nil, err
	}
	if len(snaps) == 0 || snaps[0].Conv.ID == 0 {
		return nil, problem("not_found", "")
	}
	turns, err := s.traceTurns(ctx, snaps[0])
	if err != nil {
		return nil, err
	}
	out := traceView{Conversation: in.ID, Turns: []traceTurn{}}
	for _, t := range turns {
		if in.Turn == 0 || in.Turn == t.Turn {
			out.Turns = append(out.Turns, t)
		}
	}
	return &body[traceView]{Body: out}, nil
}

// traceTurns reads every row of a conversation that caused a turn.
func (s *Server) traceTurns(ctx context.Context, snap storage.Snapshot) ([]traceTurn, error) {
	reader, err := inbox.NewReader(s.cfg.Vault, snap.Contact)
	if err != nil {
		return nil, problem("erased", "")
	}
	var out []traceTurn
	for after := int64(0); ; {
		page, err := s.cfg.Store.Thread(ctx, storage.ThreadQuery{Conversation: snap.Conv.ID, After: after, N: 200})
		if err != nil {
			return nil, err
		}
		for _, m := range page.Items {
			after = m.Seq
			raw, err := reader.Trace(snap.Conv.UID, m)
			if err != nil {
				return nil, err
			}
			if raw == nil {
				continue
			}
			var trace any
			if err := json.Unmarshal(raw, &trace); err != nil {
				return nil, fmt.Errorf("trace of message %d: %w", m.Seq, err)
			}
			out = append(out, traceTurn{Turn: len(out) + 1, Seq: m.Seq, At: ms(m.At), Kind: inbox.KindWord(m.Kind), Revision: fmt.Sprintf("%x", m.Revision), Trace: trace})
		}
		if page.Next == "" || len(page.Items) == 0 {
			return out, nil
		}
	}
}

// contactView is GET /contacts/{id}.
type contactView struct {
	ID        string        `json:"id"`
	Name      string        `json:"name"`
	Handle    string        `json:"handle,omitempty"`
	Language  string        `json:"language,omitempty"`
	Verified  bool          `json:"verified"`
	Tags      []string      `json:"tags"`
	CreatedAt time.Time     `json:"created_at"`
	Addresses []addressView `json:"addresses"`
}

// addressView is where a person writes from; the platform's own id stays with us.
type addressView struct {
	Channel  string     `json:"channel"`
	Handle   string     `json:"handle,omitempty"`
	Verified string     `json:"verified"` // none claimed verified
	Blocked  bool       `json:"blocked"`
	LastIn   *time.Time `json:"last_in,omitempty"`
}

// contact shows a person to whoever may see one of their conversations.
func (s *Server) contact(ctx context.Context, who *identity, in *idInput) (*body[contactView], error) {
	uid, ok := inbox.ParseUID(in.ID)
	if !ok {
		return nil, problem("not_found", "")
	}
	c, err := s.cfg.Store.Contact(ctx, storage.ContactQuery{UID: uid})
	if err != nil {
		return nil, err
	}
	if sees, err := s.seesContact(ctx, who, c); err != nil || !sees {
		return nil, orNotFound(err)
	}
	reader, err := inbox.NewReader(s.cfg.Vault, c)
	if err != nil {
		return nil, problem("erased", "")
	}
	p, err := reader.Profile(c)
	if err != nil {
		return nil, err
	}
	v := contactView{ID: in.ID, Name: p.Name, Handle: p.Handle, Language: p.Language, Verified: p.Verified, Tags: orEmpty(c.Tags), CreatedAt: ms(c.CreatedAt), Addresses: []addressView{}}
	for _, i := range c.Addresses {
		v.Addresses = append(v.Addresses, s.viewAddress(reader, i))
	}
	return &body[contactView]{Body: v}, nil
}

func orNotFound(err error) error {
	if err != nil {
		return err
	}
	return problem("not_found", "")
}

// seesContact: everybody who reads all conversations, and whoever may read one
// of this person's.
func (s *Server) seesContact(ctx context.Context, who *identity, c storage.Contact) (bool, error) {
	if allowed(who, permContacts) == all {
		return true, nil
	}
	page, err := s.cfg.Store.List(ctx, storage.ListQuery{View: "contact", Contact: c.ID, N: 50})
	if err != nil {
		return false, err
	}
	for _, item := range page.Items {
		if s.sees(ctx, who, inbox.UIDText(item.Conv.UID)) {
			return true, nil
		}
	}
	return false, nil
}

func (s *Server) viewAddress(reader *inbox.Reader, i storage.Identity) addressView {
	words := []string{"none", "claimed", "verified"}
	v := addressView{Blocked: i.Blocked != 0, Verified: words[0]}
	if int(i.Verified) < len(words) && i.Verified >= 0 {
		v.Verified = words[i.Verified]
	}
	if a, ok := s.cfg.Inbox.AccountOf(i.Channel); ok {
		v.Channel = a.Alias
	}
	if a, err := reader.Address(i); err == nil {
		v.Handle = a.Party.Handle
	}
	if i.LastInAt > 0 {
		at := ms(i.LastInAt)
		v.LastIn = &at
	}
	return v
}
