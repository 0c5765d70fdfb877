package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"dispatcher/desk"
	"dispatcher/inbox"
	"dispatcher/storage"
)

type traceInput struct {
	ID   string `path:"id" maxLength:"80" doc:"The id, its beginning where no other has it, or the id of a message."`
	Turn int    `query:"turn" minimum:"0" doc:"Only this turn; 0 = all."`
}

// trace tells why a conversation went as it did. Whether the caller may see it
// is the desk's answer; a designer, who may read traces but no conversations,
// asks as a lead would.
func (s *Server) trace(ctx context.Context, who *identity, in *traceInput) (*body[*inbox.Explanation], error) {
	actor := who.Actor
	if actor.Role == desk.RoleDesigner {
		actor.Role = desk.RoleLead
	}
	uid, seq, err := s.traced(ctx, actor, in.ID)
	if err != nil {
		return nil, err
	}
	out, err := s.cfg.Inbox.Explain(ctx, uid)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, problem("not_found", "")
	} else if err != nil {
		return nil, err
	}
	turn := in.Turn
	if turn == 0 && seq > 0 {
		if turn = out.TurnOf(seq); turn == 0 {
			return nil, problem("not_found", fmt.Sprintf("The assistant decided nothing about message %d of this conversation.", seq))
		}
	}
	if turn != 0 && !out.Only(turn) {
		return nil, problem("not_found", fmt.Sprintf("There is no turn %d; %s.", turn, out.Has()))
	}
	return &body[*inbox.Explanation]{Body: out}, nil
}

// traced finds the conversation that an id means: a whole id, the beginning of
// one, or a message's, which says also where in the conversation.
func (s *Server) traced(ctx context.Context, actor desk.Actor, id string) (storage.UID, int64, error) {
	conv, seq := inbox.ParseMessageID(id)
	if uid, ok := inbox.ParseUID(conv); ok {
		err := s.maySee(ctx, actor, conv)
		if isNotFound(err) {
			err = problem("not_found", "There is no conversation "+conv+s.nearby(ctx, actor, conv))
		}
		return uid, seq, err
	}
	found, err := s.beginning(ctx, actor, conv)
	if err != nil {
		return storage.UID{}, 0, err
	}
	switch len(found) {
	case 1:
		return found[0], seq, nil
	case 0:
		return storage.UID{}, 0, problem("not_found", "There is no conversation whose id begins with "+conv+s.nearby(ctx, actor, conv))
	}
	names := make([]string, len(found))
	for i, uid := range found {
		names[i] = inbox.UIDText(uid)
	}
	return storage.UID{}, 0, problem("not_found", "Several conversations begin with "+conv+": "+strings.Join(names, ", ")+"; give more of the id.")
}

// maySee says whether the caller may read a conversation. One whose key does
// not open is told to those who see every queue.
func (s *Server) maySee(ctx context.Context, actor desk.Actor, id string) error {
	_, err := s.cfg.Desk.Get(ctx, actor, id)
	if inbox.Unreadable(err) {
		if actor.Role == desk.RoleLead || actor.Role == desk.RoleAdmin || actor.Role == desk.RoleAPI && actor.Queues == nil {
			return nil
		}
		return problem("not_found", "")
	}
	return err
}

func isNotFound(err error) bool { return err != nil && asProblem(err).Code == "not_found" }

// traceNear is how many ids an answer names.
const traceNear = 5

// beginning lists the conversations that the caller may see whose id begins so.
func (s *Server) beginning(ctx context.Context, actor desk.Actor, prefix string) ([]storage.UID, error) {
	from, to, ok := inbox.UIDRange(prefix)
	if !ok {
		return nil, nil
	}
	page, err := s.cfg.Store.List(ctx, storage.ListQuery{View: "all", From: from, To: to, N: traceNear})
	if err != nil {
		return nil, err
	}
	var out []storage.UID
	for _, item := range page.Items {
		if s.maySee(ctx, actor, inbox.UIDText(item.Conv.UID)) == nil {
			out = append(out, item.Conv.UID)
		}
	}
	return out, nil
}

// nearby says what else may have been meant: an id that begins alike, or else
// the latest there are.
func (s *Server) nearby(ctx context.Context, actor desk.Actor, id string) string {
	for n := len(id) - 1; n >= traceAlike; n-- {
		if found, err := s.beginning(ctx, actor, id[:n]); err == nil && len(found) > 0 {
			return "; did you mean " + inbox.UIDText(found[0]) + "?"
		}
	}
	page, err := s.cfg.Store.List(ctx, storage.ListQuery{View: "all", N: traceNear})
	if err != nil {
		return "."
	}
	for _, item := range page.Items {
		if text := inbox.UIDText(item.Conv.UID); s.maySee(ctx, actor, text) == nil {
			return "; the latest is " + text + "."
		}
	}
	return "; there are none yet."
}

// traceAlike is how many characters an id has to share with another one to be
// taken for a slip: the first ones are the day.
const traceAlike = 9

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
