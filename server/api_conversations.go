package server

import (
	"context"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dispatcher/desk"
)

// listConversations are the parameters of GET /conversations.
type listConversations struct {
	ListInput
	View    string `query:"view" enum:"mine,unassigned,all,waiting,snoozed,assistant,public" default:"all"`
	Queue   string `query:"queue" maxLength:"100"`
	Owner   string `query:"owner" maxLength:"100" doc:"bot, queue, agent, none, or an agent's id."`
	State   string `query:"state" maxLength:"40" doc:"open, resolved, or a phase."`
	Channel string `query:"channel" maxLength:"32"`
	Topic   string `query:"topic" maxLength:"100"`
	Label   string `query:"label" maxLength:"100"`
	Q       string `query:"q" maxLength:"500"`
	Order   string `query:"order" enum:"queue,newest,due"`
}

// EpochInput names a conversation and the epoch the caller has seen. Exported
// because huma looks into embedded fields only when they are.
type EpochInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfEpoch int64  `header:"If-Epoch" minimum:"0" doc:"Epoch of the conversation as you know it."`
	Key     string `header:"Idempotency-Key" maxLength:"255"`
}

// commandBody is what an edge of the ownership machine may be told.
type commandBody struct {
	Reason      string            `json:"reason,omitempty" maxLength:"500"`
	Note        string            `json:"note,omitempty" maxLength:"10000"`
	To          *target           `json:"to,omitempty"`
	ResumeAt    string            `json:"resume_at,omitempty" maxLength:"200"`
	Slots       map[string]string `json:"slots,omitempty"`
	LastSeenSeq int64             `json:"last_seen_seq,omitempty" minimum:"0"`
	Force       bool              `json:"force,omitempty"`
	Flow        string            `json:"flow,omitempty" maxLength:"40" doc:"lend: the flow to run."`
	LeadIn      string            `json:"lead_in,omitempty" maxLength:"10000" doc:"lend: said first, as you."`
}

// target is where a transfer goes: a queue or an agent.
type target struct {
	Queue string `json:"queue,omitempty" maxLength:"100"`
	Agent string `json:"agent,omitempty" maxLength:"100"`
}

type commandInput struct {
	EpochInput
	Body *commandBody
}

func (in *commandInput) command() desk.Command {
	c := desk.Command{IfEpoch: in.IfEpoch}
	if b := in.Body; b != nil {
		c.Reason, c.Note, c.ResumeAt, c.Slots, c.LastSeenSeq, c.Force = b.Reason, b.Note, b.ResumeAt, b.Slots, b.LastSeenSeq, b.Force
		c.Flow, c.LeadIn = b.Flow, b.LeadIn
		if b.To != nil {
			c.Queue, c.Agent = b.To.Queue, b.To.Agent
		}
	}
	return c
}

func (s *Server) conversationRoutes(api huma.API) {
	handle(s, api, operation{method: "GET", path: "/conversations", id: "conversations", summary: "Conversations", tag: "conversations", perm: permRead}, s.listConversations)
	handle(s, api, operation{method: "GET", path: "/conversations/{id}", id: "conversation", summary: "One conversation with its packet", tag: "conversations", perm: permRead},
		func(ctx context.Context, who *identity, in *idInput) (*body[desk.Detail], error) {
			return answer(s.cfg.Desk.Get(ctx, who.Actor, in.ID))
		})
	handle(s, api, operation{method: "PATCH", path: "/conversations/{id}", id: "conversation-update", summary: "Change priority, labels, topic or slots", tag: "conversations", perm: permWrite}, s.patchConversation)
	handle(s, api, operation{method: "GET", path: "/conversations/{id}/messages", id: "messages", summary: "Its messages in rising order", tag: "conversations", perm: permRead}, s.listMessages)
	handle(s, api, operation{method: "POST", path: "/conversations/{id}/messages", id: "reply", summary: "Reply", tag: "conversations", perm: permSend, epoch: true, send: true, status: 202}, s.reply)
	handle(s, api, operation{method: "POST", path: "/conversations/{id}/notes", id: "note", summary: "Add an internal note", tag: "conversations", perm: permWrite, status: 201}, s.note)
	handle(s, api, operation{method: "POST", path: "/conversations/{id}/slots/{name}/reveal", id: "reveal", summary: "Show a masked value; audited", tag: "conversations", perm: permReveal}, s.reveal)
	handle(s, api, operation{method: "GET", path: "/conversations/{id}/trace", id: "trace", summary: "Why each turn came about", tag: "conversations", perm: permTrace}, s.trace)
	handle(s, api, operation{method: "GET", path: "/contacts/{id}", id: "contact", summary: "One person", tag: "contacts", perm: permContacts}, s.contact)
	s.edgeRoutes(api)
	for _, m := range []struct {
		verb, summary string
		do            func(context.Context, desk.Actor, string) (desk.Msg, error)
	}{
		{"retry", "Send a failed or unknown message again", s.cfg.Desk.Retry},
		{"discard", "Give a failed or unknown message up", s.cfg.Desk.Discard},
		{"check", "Ask the platform whether it arrived", s.cfg.Desk.Check},
	} {
		do := m.do
		handle(s, api, operation{method: "POST", path: "/messages/{id}/" + m.verb, id: "message-" + m.verb, summary: m.summary, tag: "conversations", perm: permSend},
			func(ctx context.Context, who *identity, in *idInput) (*body[desk.Msg], error) {
				return answer(do(ctx, who.Actor, in.ID))
			})
	}
	handle(s, api, operation{method: "POST", path: "/presence-beats", id: "presence-beat", summary: "I look at this, I type", tag: "live", perm: permPresenceBeats, status: 204}, s.presenceBeat)
}

// edgeRoutes are the commands that move a conversation along the ownership machine.
func (s *Server) edgeRoutes(api huma.API) {
	d := s.cfg.Desk
	for _, e := range []struct {
		verb, summary string
		do            func(context.Context, desk.Actor, string, desk.Command) (desk.Moved, error)
	}{
		{"claim", "Take a waiting conversation", d.Claim},
		{"take-over", "Take it from the assistant or a colleague", d.TakeOver},
		{"release", "Put it back into its queue", d.Release},
		{"hand-back", "Give it back to the assistant", d.HandBack},
		{"lend", "Let a flow ask on your behalf", d.Lend},
		{"lend-recall", "Take it back from the flow", d.LendRecall},
		{"resolve", "Close it", d.Resolve},
		{"undo", "Undo the resolve of the last seconds", d.Undo},
		{"reopen", "Open it again", d.Reopen},
		{"transfer", "Give it to a queue or a colleague", d.Transfer},
	} {
		do := e.do
		handle(s, api, operation{method: "POST", path: "/conversations/{id}/" + e.verb, id: e.verb, summary: e.summary, tag: "ownership", perm: permWrite, epoch: true},
			func(ctx context.Context, who *identity, in *commandInput) (*body[desk.Moved], error) {
				return answer(do(ctx, who.Actor, in.ID, in.command()))
			})
	}
}

func (s *Server) listConversations(ctx context.Context, who *identity, in *listConversations) (*body[items[desk.Item]], error) {
	filters := []string{who.ID, "conversations", in.View, in.Queue, in.Owner, in.State, in.Channel, in.Topic, in.Label, in.Q, in.Order}
	at, err := s.openCursor(in.Cursor, filters...)
	if err != nil {
		return nil, err
	}
	page, err := s.cfg.Desk.List(ctx, who.Actor, desk.ListQuery{
		View: in.View, Queue: in.Queue, Owner: in.Owner, State: in.State, Channel: in.Channel, Topic: in.Topic, Label: in.Label,
		Q: in.Q, Order: in.Order, Cursor: at, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	return &body[items[desk.Item]]{Body: items[desk.Item]{Items: orEmpty(page.Items), NextCursor: s.sealCursor(page.NextCursor, filters...)}}, nil
}

type messagesInput struct {
	ID     string `path:"id" maxLength:"64"`
	After  int64  `query:"after_seq" minimum:"0"`
	Before int64  `query:"before_seq" minimum:"0"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

func (s *Server) listMessages(ctx context.Context, who *identity, in *messagesInput) (*body[items[desk.Msg]], error) {
	page, err := s.cfg.Desk.Messages(ctx, who.Actor, in.ID, in.After, in.Before, in.Limit)
	if err != nil {
		return nil, err
	}
	return &body[items[desk.Msg]]{Body: items[desk.Msg]{Items: orEmpty(page.Items), NextCursor: page.NextCursor}}, nil
}

type replyInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfEpoch int64  `header:"If-Epoch" minimum:"0"`
	Key     string `header:"Idempotency-Key" required:"true" minLength:"1" maxLength:"255"`
	Body    struct {
		Text       string            `json:"text" maxLength:"100000"`
		Visibility string            `json:"visibility,omitempty" enum:"private,public"`
		Media      []string          `json:"media,omitempty" maxItems:"10"`
		Options    []string          `json:"options,omitempty" maxItems:"20"`
		ReplyTo    string            `json:"reply_to,omitempty" maxLength:"100"`
		CannedID   string            `json:"canned_id,omitempty" maxLength:"100"`
		Blanks     map[string]string `json:"blanks,omitempty"`
		NotBefore  *time.Time        `json:"not_before,omitempty"`
		Confirm    []string          `json:"confirm,omitempty" maxItems:"20"`
	}
}

func (s *Server) reply(ctx context.Context, who *identity, in *replyInput) (*body[desk.Msg], error) {
	b := in.Body
	if strings.TrimSpace(b.Text) == "" && len(b.Media) == 0 {
		return nil, invalid("text", "is empty")
	}
	if b.NotBefore != nil {
		return nil, invalid("not_before", "is not taken yet; send when it is time")
	}
	text := b.Text
	for name, value := range b.Blanks {
		text = strings.ReplaceAll(text, "[["+name+"]]", value)
	}
	r := desk.Reply{
		Text: text, Visibility: b.Visibility, Media: b.Media, Options: b.Options, ReplyTo: b.ReplyTo, CannedID: b.CannedID, Confirm: b.Confirm, ClientID: in.Key,
	}
	return answer(s.cfg.Desk.Reply(ctx, who.Actor, in.ID, r, desk.Command{IfEpoch: in.IfEpoch}))
}

type noteInput struct {
	ID   string `path:"id" maxLength:"64"`
	Key  string `header:"Idempotency-Key" maxLength:"255"`
	Body struct {
		Text     string   `json:"text" minLength:"1" maxLength:"10000"`
		Mentions []string `json:"mentions,omitempty" maxItems:"20"`
	}
}

func (s *Server) note(ctx context.Context, who *identity, in *noteInput) (*body[desk.Msg], error) {
	if strings.TrimSpace(in.Body.Text) == "" {
		return nil, invalid("text", "is empty")
	}
	return answer(s.cfg.Desk.Note(ctx, who.Actor, in.ID, in.Body.Text, in.Key))
}

type patchConversationInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Priority string            `json:"priority,omitempty" enum:"low,normal,high,urgent"`
		Labels   *labelChange      `json:"labels,omitempty"`
		Topic    string            `json:"topic,omitempty" maxLength:"100"`
		Slots    map[string]string `json:"slots,omitempty"`
	}
}

type labelChange struct {
	Add    []string `json:"add,omitempty" maxItems:"50"`
	Remove []string `json:"remove,omitempty" maxItems:"50"`
}

type revealInput struct {
	ID   string `path:"id" maxLength:"64"`
	Name string `path:"name" maxLength:"100"`
	Body *struct {
		Reason string `json:"reason,omitempty" maxLength:"500"`
	}
}

type beatInput struct {
	Body struct {
		Conversation string `json:"conversation" maxLength:"64"`
		Viewing      bool   `json:"viewing,omitempty"`
		Typing       bool   `json:"typing,omitempty"`
		Attention    int    `json:"attention,omitempty" minimum:"0" maximum:"600" doc:"Seconds of attention since the last beat."`
	}
}

func (s *Server) presenceBeat(ctx context.Context, who *identity, in *beatInput) (*none, error) {
	if who.Token {
		return nil, problem("forbidden", "A token looks at nothing.")
	}
	if !s.sees(ctx, who, in.Body.Conversation) {
		return nil, problem("not_found", "")
	}
	if in.Body.Viewing {
		if err := s.cfg.Desk.Seen(ctx, who.Actor, in.Body.Conversation); err != nil {
			return nil, err
		}
	}
	s.there.alive(who.ID)
	if s.presence.beat(in.Body.Conversation, who.ID, who.Name, in.Body.Viewing, in.Body.Typing) {
		s.hub.broadcast()
	}
	return &none{}, nil
}

func (s *Server) patchConversation(ctx context.Context, who *identity, in *patchConversationInput) (*body[desk.Detail], error) {
	b := in.Body
	p := desk.Patch{Priority: b.Priority, Topic: b.Topic, Slots: b.Slots}
	if b.Labels != nil {
		p.Add, p.Remove = b.Labels.Add, b.Labels.Remove
	}
	return answer(s.cfg.Desk.Patch(ctx, who.Actor, in.ID, p))
}

func (s *Server) reveal(ctx context.Context, who *identity, in *revealInput) (*body[desk.Revealed], error) {
	reason := ""
	if in.Body != nil {
		reason = in.Body.Reason
	}
	return answer(s.cfg.Desk.Reveal(ctx, who.Actor, in.ID, in.Name, reason))
}
