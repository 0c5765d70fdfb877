package server

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dispatcher/inbox"
	"dispatcher/storage"
)

// SwitchView is one kill switch. Exported because huma looks into embedded
// fields only when they are.
type SwitchView struct {
	Scope  string     `json:"scope"` // all, channel:ALIAS, flow:NAME
	On     bool       `json:"on"`
	Reason string     `json:"reason,omitempty"`
	By     *personRef `json:"by,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
}

// personRef names who did something.
type personRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// killView is GET /kill-switch: the one of everything, and all that are on.
type killView struct {
	SwitchView
	Switches []SwitchView `json:"switches"`
}

// channelView is one line of GET /channels.
type channelView struct {
	Name        string     `json:"name"`
	Kind        string     `json:"kind"`
	State       string     `json:"state"` // open paused broken not_started
	Reason      string     `json:"reason,omitempty"`
	PausedUntil *time.Time `json:"paused_until,omitempty"`
	SendsLeft   *int       `json:"sends_left,omitempty"`
}

// parkedView is one accepted event that could not become a message.
type parkedView struct {
	ID        string     `json:"id"`
	Channel   string     `json:"channel"`
	Kind      string     `json:"kind,omitempty"`
	Error     string     `json:"error"`
	Attempt   int64      `json:"attempt"`
	CreatedAt time.Time  `json:"created_at"`
	AgeS      int64      `json:"age_seconds"`
	NextAt    *time.Time `json:"next_at,omitempty"`
}

// auditView is one line of the trail.
type auditView struct {
	ID     int64     `json:"id"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Action string    `json:"action"`
	Object string    `json:"object"`
	Chain  int64     `json:"chain,omitempty"`
	Hash   string    `json:"hash,omitempty"`
}

func (s *Server) opsRoutes(api huma.API) {
	handle(s, api, operation{method: "GET", path: "/kill-switch", id: "kill-switch", summary: "Is the assistant paused", tag: "operation", perm: permKill},
		func(ctx context.Context, _ *identity, _ *noInput) (*body[killView], error) {
			return &body[killView]{Body: s.killState(ctx, inbox.ScopeAll)}, nil
		})
	handle(s, api, operation{method: "PUT", path: "/kill-switch", id: "kill-switch-set", summary: "Pause or resume the assistant", tag: "operation", perm: permKill}, s.putKill)
	handle(s, api, operation{method: "GET", path: "/channels", id: "channels", summary: "Channels and their state", tag: "operation", perm: permChannels},
		func(context.Context, *identity, *noInput) (*body[items[channelView]], error) {
			return &body[items[channelView]]{Body: items[channelView]{Items: s.channelViews()}}, nil
		})
	handle(s, api, operation{method: "POST", path: "/channels/{name}/pause", id: "channel-pause", summary: "Stop sending on a channel", tag: "operation", perm: permChannels}, s.pauseChannel)
	handle(s, api, operation{method: "POST", path: "/channels/{name}/resume", id: "channel-resume", summary: "Send again on a channel", tag: "operation", perm: permChannels}, s.resumeChannel)
	handle(s, api, operation{method: "GET", path: "/parked", id: "parked", summary: "Accepted events that could not become messages", tag: "operation", perm: permChannels},
		func(ctx context.Context, _ *identity, _ *noInput) (*body[items[parkedView]], error) {
			list, err := s.parked(ctx)
			return answer(items[parkedView]{Items: list}, err)
		})
	handle(s, api, operation{method: "POST", path: "/parked/{id}/retry", id: "parked-retry", summary: "Try a parked event again", tag: "operation", perm: permChannels, status: 204},
		func(ctx context.Context, who *identity, in *idInput) (*none, error) {
			return &none{}, s.settleParked(ctx, who, in.ID, "park-again", "parked.retry")
		})
	handle(s, api, operation{method: "POST", path: "/parked/{id}/discard", id: "parked-discard", summary: "Give a parked event up", tag: "operation", perm: permChannels, status: 204},
		func(ctx context.Context, who *identity, in *idInput) (*none, error) {
			return &none{}, s.settleParked(ctx, who, in.ID, "unpark", "parked.discard")
		})
	handle(s, api, operation{method: "GET", path: "/audit", id: "audit", summary: "Who did what", tag: "operation", perm: permAudit}, s.auditTrail)
}

func (s *Server) killState(ctx context.Context, scope string) killView {
	v := killView{SwitchView: SwitchView{Scope: scope}, Switches: []SwitchView{}}
	for name, on := range s.cfg.Inbox.Switches() {
		at := on.Since
		one := SwitchView{Scope: name, On: true, Reason: on.Reason, By: s.nameOf(ctx, on.By), Since: &at}
		v.Switches = append(v.Switches, one)
		if name == scope {
			v.SwitchView = one
		}
	}
	slices.SortFunc(v.Switches, func(a, b SwitchView) int { return strings.Compare(a.Scope, b.Scope) })
	return v
}

// nameOf finds the name of an actor; the id stands for itself where there is none.
func (s *Server) nameOf(ctx context.Context, id string) *personRef {
	if u, err := s.userByID(ctx, id); err == nil {
		return &personRef{ID: id, Name: u.Name}
	}
	return &personRef{ID: id, Name: id}
}

type putKillInput struct {
	Body struct {
		Scope  string `json:"scope,omitempty" maxLength:"200" doc:"all (default), channel:ALIAS or flow:NAME"`
		On     bool   `json:"on"`
		Reason string `json:"reason,omitempty" maxLength:"500"`
	}
}

func (s *Server) putKill(ctx context.Context, who *identity, in *putKillInput) (*body[killView], error) {
	b := in.Body
	if b.Scope == "" {
		b.Scope = inbox.ScopeAll
	}
	if b.Scope != inbox.ScopeAll && !strings.HasPrefix(b.Scope, "channel:") && !strings.HasPrefix(b.Scope, "flow:") {
		return nil, invalid("scope", "is all, channel:ALIAS or flow:NAME")
	}
	if b.On && strings.TrimSpace(b.Reason) == "" {
		return nil, invalid("reason", "says why the assistant is paused")
	}
	if err := s.cfg.Inbox.SetSwitch(ctx, b.Scope, b.On, who.ID, b.Reason); err != nil {
		return nil, err
	}
	s.hub.announce("killswitch.changed")
	return &body[killView]{Body: s.killState(ctx, b.Scope)}, nil
}

func (s *Server) channelViews() []channelView {
	out := []channelView{}
	for _, a := range s.cfg.Inbox.Accounts() {
		out = append(out, s.viewChannel(a))
	}
	for _, p := range s.cfg.Inbox.ChannelProblems() {
		out = append(out, channelView{Name: p.Alias, State: "not_started", Reason: problemWords(p)})
	}
	return out
}

func problemWords(p inbox.ChannelProblem) string {
	var words []string
	for _, d := range p.Diagnostics {
		words = append(words, d.Message)
	}
	return strings.Join(words, "; ")
}

func (s *Server) viewChannel(a *inbox.Account) channelView {
	v, sending := channelView{Name: a.Alias, Kind: a.Kind, State: "open"}, s.cfg.Inbox.Sending(a.Alias)
	v.SendsLeft = sending.Left
	switch {
	case sending.Held != "":
		v.State, v.Reason = "paused", sending.Held
	case sending.Until.After(s.now()):
		at := sending.Until
		v.State, v.PausedUntil = "paused", &at
	case sending.Dead:
		v.State = "broken"
	}
	return v
}

type channelInput struct {
	Name string `path:"name" maxLength:"32"`
	Body *struct {
		Reason string `json:"reason,omitempty" maxLength:"500"`
	}
}

func (s *Server) pauseChannel(ctx context.Context, who *identity, in *channelInput) (*body[channelView], error) {
	reason := "operator"
	if in.Body != nil && strings.TrimSpace(in.Body.Reason) != "" {
		reason = in.Body.Reason
	}
	return s.changeChannel(ctx, who, in.Name, "channel.pause", func() error { return s.pause(ctx, in.Name, reason) })
}

func (s *Server) resumeChannel(ctx context.Context, who *identity, in *channelInput) (*body[channelView], error) {
	return s.changeChannel(ctx, who, in.Name, "channel.resume", func() error { return s.cfg.Inbox.ResumeChannel(ctx, in.Name) })
}

func (s *Server) changeChannel(ctx context.Context, who *identity, alias, verb string, change func() error) (*body[channelView], error) {
	a, ok := s.account(alias)
	if !ok {
		return nil, problem("not_found", "")
	}
	if err := change(); err != nil {
		return nil, err
	}
	s.hub.announce("channel.changed")
	if err := s.cfg.Store.Put(ctx, nil, []storage.AuditEntry{s.audit(who.ID, verb, "channel:"+alias)}); err != nil {
		return nil, err
	}
	return &body[channelView]{Body: s.viewChannel(a)}, nil
}

// parked lists at most 200 parked rows, newest first.
func (s *Server) parked(ctx context.Context) ([]parkedView, error) {
	out := []parkedView{}
	err := s.cfg.Store.Walk(ctx, storage.WalkQuery{Tables: []string{"parked"}}, func(row storage.Row) error {
		out = append(out, s.viewParked(row))
		return nil
	})
	slices.Reverse(out)
	return out[:min(len(out), 200)], err
}

func (s *Server) viewParked(row storage.Row) parkedView {
	cols := map[string]any{}
	for i, name := range row.Cols {
		cols[name] = row.Vals[i]
	}
	num := func(name string) int64 { n, _ := cols[name].(int64); return n }
	v := parkedView{ID: strconv.FormatInt(num("id"), 10), Error: fmt.Sprint(cols["error"]), Attempt: num("attempt"), CreatedAt: ms(num("created_at"))}
	v.AgeS = int64(s.now().Sub(v.CreatedAt).Seconds())
	if a, ok := s.cfg.Inbox.AccountOf(num("channel_id")); ok {
		v.Channel = a.Alias
	}
	if at := num("next_at"); at > 0 {
		t := ms(at)
		v.NextAt = &t
	}
	if sealed, ok := cols["event"].([]byte); ok {
		v.Kind = s.parkedKind(sealed)
	}
	return v
}

func (s *Server) settleParked(ctx context.Context, who *identity, id, do, verb string) error {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return problem("not_found", "")
	}
	attempt, found := int64(0), false
	err = s.cfg.Store.Walk(ctx, storage.WalkQuery{Tables: []string{"parked"}}, func(row storage.Row) error {
		if i, j := slices.Index(row.Cols, "id"), slices.Index(row.Cols, "attempt"); i >= 0 && j >= 0 && row.Vals[i] == any(n) {
			attempt, _ = row.Vals[j].(int64)
			found = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !found {
		return problem("not_found", "")
	}
	now := s.now().UnixMilli()
	done, err := s.cfg.Store.Settle(ctx, []storage.Settlement{{Do: do, Row: n, Attempt: int32(attempt), Now: now, DueAt: now, Audit: []storage.AuditEntry{s.audit(who.ID, verb, "parked:"+id)}}})
	if err == nil && (len(done) == 0 || !done[0].OK) {
		return problem("not_found", "Something else has taken it meanwhile.")
	}
	return err
}

type auditInput struct {
	ListInput
	Actor  string    `query:"actor" maxLength:"100"`
	Action string    `query:"action" maxLength:"100"`
	Since  time.Time `query:"since"`
}

// auditTrail gives the trail, newest first. An agent sees their own lines, a
// designer those about flows.
func (s *Server) auditTrail(ctx context.Context, who *identity, in *auditInput) (*body[items[auditView]], error) {
	q := storage.TrailQuery{Actor: in.Actor, Verb: in.Action, N: in.Limit}
	if !in.Since.IsZero() {
		q.Since = in.Since.UnixMilli()
	}
	if who.Role == "agent" {
		if in.Actor != "" && in.Actor != who.ID {
			return nil, problem("forbidden", "Agents read their own lines.")
		}
		q.Actor = who.ID
	}
	filters := []string{who.ID, "audit", q.Actor, q.Verb, strconv.FormatInt(q.Since, 10)}
	var err error
	if q.Cursor, err = s.openCursor(in.Cursor, filters...); err != nil {
		return nil, err
	}
	page, err := s.cfg.Store.Trail(ctx, q)
	if err != nil {
		return nil, err
	}
	out := items[auditView]{Items: []auditView{}, NextCursor: s.sealCursor(page.Next, filters...)}
	for _, e := range page.Items {
		if who.Role == "designer" && !strings.HasPrefix(e.Verb, "flow") {
			continue
		}
		out.Items = append(out.Items, auditView{ID: e.ID, At: ms(e.At), Actor: e.Actor, Action: e.Verb, Object: e.Object, Chain: e.ChainNo, Hash: hex.EncodeToString(e.Hash)})
	}
	return &body[items[auditView]]{Body: out}, nil
}
