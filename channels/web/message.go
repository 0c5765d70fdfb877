package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"dispatcher/channels"
	"dispatcher/channels/wire"
	"dispatcher/dm"
)

// mediaMost is how many attachments one message may carry.
const mediaMost = 10

// message is what the browser posts, in one spelling: two posts are the same
// when these are.
type message struct {
	Client string   `json:"client_id"`
	Text   string   `json:"text,omitempty"`
	Option *tap     `json:"option,omitempty"`
	Media  []string `json:"media,omitempty"`
}

type tap struct {
	Message string `json:"message,omitempty"`
	Payload string `json:"payload"`
	Label   string `json:"label,omitempty"`
}

// message accepts words, a tap or pictures. The answer comes after the commit;
// the same client_id and body again is the same answer.
func (s *service) message(w http.ResponseWriter, r *http.Request) {
	b, err := body(w, r)
	if err != nil {
		fail(w, err)
		return
	}
	v, err := s.visitor(r)
	if err != nil {
		fail(w, err)
		return
	}
	got, err := s.say(r.Context(), v, b)
	if err != nil {
		fail(w, err)
		return
	}
	status := http.StatusCreated
	if got.Status == "duplicate" {
		status = http.StatusOK
	}
	reply(w, status, map[string]any{"id": got.Conv + "-" + strconv.FormatInt(got.Seq, 10), "seq": got.Seq})
}

func (s *service) say(ctx context.Context, v visitor, b wire.Value) (channels.Accepted, error) {
	m, err := readMessage(b)
	if err != nil {
		return channels.Accepted{}, err
	}
	in := s.inbound(v, dm.KindText)
	in.MessageID, in.ExternalID = m.Client, v.id()+":"+m.Client
	in.At, in.Stable = clientTime(m.Client, in.At)
	in.Text = wire.Clean(m.Text)
	if in.Raw, err = json.Marshal(m); err != nil {
		return channels.Accepted{}, fmt.Errorf("encode the message: %w", err)
	}
	if m.Option != nil {
		in.Kind, in.Target = dm.KindTap, m.Option.Message
		in.Tap = &dm.TapData{Payload: m.Option.Payload, Label: in.Text, Type: "reply"}
	}
	if in.Media, err = s.attachments(ctx, v, m.Media); err != nil {
		return channels.Accepted{}, err
	}
	first := !v.session.Opened
	if v.session.Prefill != "" && m.Text == v.session.Prefill {
		first = true
	}
	if first && v.session.Entry != nil {
		e := *v.session.Entry
		if m.Text == v.session.Prefill {
			e.Text = v.session.Prefill // sent unchanged
		}
		in.Entry = &e
	}
	got, err := s.accept(ctx, in)
	if err == nil && first {
		v.session.Opened, v.session.Prefill = true, ""
		if err = s.host.PutSession(ctx, s.a.Name, v.token, v.session); err != nil {
			return got, fmt.Errorf("keep the session: %w", err)
		}
	}
	return got, err
}

// readMessage checks the shape; the words of an error name the field.
func readMessage(b wire.Value) (message, error) {
	id, err := uuid.Parse(b.Get("client_id").Text())
	if err != nil || len(b.Get("client_id").Text()) != 36 {
		return message{}, &channels.FieldError{Field: "client_id", Problem: "is not a UUID"}
	}
	if t := b.Get("text"); t.Exists() && !t.IsString() {
		return message{}, &channels.FieldError{Field: "text", Problem: "is not text"}
	}
	m := message{Client: id.String(), Text: b.Get("text").Text()}
	if o := b.Get("option"); o.Exists() {
		if !o.IsObject() {
			return message{}, &channels.FieldError{Field: "option", Problem: "is not an object"}
		}
		t := &tap{Message: o.Get("message").ID(), Payload: o.Get("payload").Text(), Label: o.Get("label").Text()}
		if m.Text == "" {
			m.Text = t.Label
		}
		switch {
		case wire.IsPayload(t.Payload):
			m.Option = t
		case m.Text == "":
			return message{}, &channels.FieldError{Field: "option.payload", Problem: "is not a button of ours, and there is no text"}
		}
	}
	b.Get("media").Items(func(item wire.Value) bool {
		m.Media = append(m.Media, item.ID())
		return len(m.Media) <= mediaMost
	})
	if len(m.Media) > mediaMost {
		return message{}, &channels.FieldError{Field: "media", Problem: "has more than " + strconv.Itoa(mediaMost) + " files"}
	}
	if m.Text == "" && m.Option == nil && len(m.Media) == 0 {
		return message{}, &channels.FieldError{Field: "text", Problem: "is empty, and there is neither option nor media"}
	}
	return m, nil
}

// clientTime is the time inside a version 7 id when it is within a day of
// now: the client repeats it with the id, so the dedupe key may use it.
func clientTime(id string, now time.Time) (at time.Time, stable bool) {
	u, err := uuid.Parse(id)
	if err != nil || u.Version() != 7 {
		return now, false
	}
	var ms int64
	for _, b := range u[:6] {
		ms = ms<<8 | int64(b)
	}
	t := time.UnixMilli(ms).UTC()
	if d := now.Sub(t); d > 24*time.Hour || d < -24*time.Hour {
		return now, false
	}
	return t, true
}

// attachments are files of this visitor; another's id does not exist.
func (s *service) attachments(ctx context.Context, v visitor, ids []string) ([]dm.Media, error) {
	var out []dm.Media
	for _, id := range ids {
		m, file, err := s.host.OpenMedia(ctx, s.a.Name, v.session.Thread, id)
		if err != nil {
			return nil, fmt.Errorf("no file of yours has the id %q: %w", wire.PlainRef(id), channels.ErrNotFound)
		}
		_ = file.Close() // only its description is wanted
		out = append(out, m)
	}
	return out, nil
}

// inbound is an event of the visitor without content.
func (s *service) inbound(v visitor, kind string) dm.Inbound {
	return dm.Inbound{
		Kind: kind, Thread: v.session.Thread, Account: s.a.Name, Sender: v.sender(),
		At: s.host.Now().UTC(), Visibility: dm.Private, Locale: v.session.Locale,
	}
}

// sender is who the visitor is known to be.
func (v visitor) sender() dm.Party {
	p := dm.Party{ID: v.session.Thread, Name: v.session.Name, Verified: v.session.Verified}
	if v.session.Sub != "" && v.session.Sub != v.session.Thread {
		p.AltIDs = []string{v.session.Sub}
	}
	return p
}

// accept hands one event to inbox and waits for the commit.
func (s *service) accept(ctx context.Context, in dm.Inbound) (channels.Accepted, error) {
	got, err := s.host.Accept(ctx, s.a.Name, []dm.Inbound{in})
	if err != nil {
		return channels.Accepted{}, fmt.Errorf("accept: %w", err)
	}
	if len(got) != 1 {
		return channels.Accepted{}, errors.New("accept: no result for the event")
	}
	if got[0].Status == "conflict" {
		return channels.Accepted{}, fmt.Errorf("this client_id was used with another body: %w", channels.ErrConflict)
	}
	return got[0], nil
}

// typing is counted at most once in three seconds, and always answered.
func (s *service) typing(w http.ResponseWriter, r *http.Request) {
	v, err := s.visitor(r)
	if err != nil {
		fail(w, err)
		return
	}
	if _, ok := s.typists.take(v.id(), s.host.Now()); ok {
		s.host.Typing(s.a.Name, v.session.Thread)
	}
	w.WriteHeader(http.StatusNoContent)
}

// read says up to which number the visitor has seen the conversation.
func (s *service) read(w http.ResponseWriter, r *http.Request) {
	b, err := body(w, r)
	if err != nil {
		fail(w, err)
		return
	}
	v, err := s.visitor(r)
	if err != nil {
		fail(w, err)
		return
	}
	seq, ok := b.Get("seq").Int()
	if !ok || seq < 0 {
		fail(w, &channels.FieldError{Field: "seq", Problem: "is not a number"})
		return
	}
	if err := s.host.Read(r.Context(), s.a.Name, v.session.Thread, seq); err != nil {
		fail(w, fmt.Errorf("mark as read: %w", err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
