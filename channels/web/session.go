package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/wire"
	"dispatcher/dm"
)

type buttonState struct {
	Text     string `json:"text"`
	State    string `json:"state"`
	Position string `json:"position"`
	Color    string `json:"color"`
}

// config is what the button and the input need before anybody writes.
func (s *service) config(w http.ResponseWriter, r *http.Request) {
	state, text := s.host.Live(r.Context(), s.a.Name)
	if s.a.button.text != "auto" {
		text = s.a.button.text
	}
	w.Header().Set("Cache-Control", "max-age=15")
	reply(w, http.StatusOK, map[string]any{
		"button": buttonState{Text: text, State: state, Position: s.a.button.position, Color: s.a.button.color},
		"locale": s.a.locale,
		"limits": map[string]int64{"text": textLimit, "media_bytes": s.a.mediaMax},
		"media":  some(s.a.mediaKind),
	})
}

type contactState struct {
	Verified bool   `json:"verified"`
	Name     string `json:"name,omitempty"`
}

type sessionState struct {
	Token   string       `json:"token"`
	Expires time.Time    `json:"expires_at"`
	Contact contactState `json:"contact"`
	Seq     int64        `json:"seq"`
}

func stateOf(v visitor) sessionState {
	return sessionState{
		Token: v.token, Expires: v.session.Expires.UTC().Truncate(time.Second),
		Contact: contactState{Verified: v.session.Verified, Name: v.session.Name},
	}
}

// open makes a session, or goes on with the one of the token. Only "open":
// true, the panel shown for the first time, begins a conversation.
func (s *service) open(w http.ResponseWriter, r *http.Request) {
	b, err := body(w, r)
	if err != nil {
		fail(w, err)
		return
	}
	status, seq := http.StatusOK, int64(0)
	v, err := s.visitor(r)
	if errors.Is(err, channels.ErrNoSession) {
		status = http.StatusCreated
		v, err = s.newVisitor(r, b)
	} else if err == nil {
		v, seq, err = s.goOn(r.Context(), v, b.Get("identity").Text())
	}
	if err == nil && b.Get("open").Bool() {
		_, err = s.start(r.Context(), &v)
	}
	if err != nil {
		fail(w, err)
		return
	}
	state := stateOf(v)
	state.Seq = seq
	reply(w, status, state)
}

// goOn takes up the session of an old token. seq is the last the visitor may
// see by then: what the start event brings comes after it.
func (s *service) goOn(ctx context.Context, v visitor, identity string) (visitor, int64, error) {
	v, err := s.claim(ctx, v, identity, true)
	if err != nil {
		return visitor{}, 0, err
	}
	seq, err := s.host.Last(ctx, s.a.Name, v.session.Thread)
	if err != nil {
		return visitor{}, 0, fmt.Errorf("find the last message: %w", err)
	}
	return v, seq, nil
}

// newVisitor makes an anonymous session, or one of the person that a good
// identity token names. A bad token is no error here: the visitor goes on unverified.
func (s *service) newVisitor(r *http.Request, b wire.Value) (visitor, error) {
	now := s.host.Now()
	if wait, ok := s.visitors.take(clientIP(r), now); !ok {
		return visitor{}, limited{wait}
	}
	session := channels.Session{
		Thread: "anon:" + randomID(), Locale: localeOf(b.Get("locale").Text()),
		Entry: s.entry(b, now), Prefill: wire.Clean(b.Get("prefill").Text()), Expires: now.Add(s.a.ttl),
	}
	if token := b.Get("identity").Text(); token != "" {
		if p, err := s.a.checkIdentity(token, now); err == nil {
			session.Thread, session.Sub, session.Name, session.Verified = p.sub, p.sub, p.name, true
		}
	}
	return s.keep(r.Context(), session)
}

func (s *service) keep(ctx context.Context, session channels.Session) (visitor, error) {
	token, err := s.host.NewSession(ctx, s.a.Name, session)
	if err != nil {
		return visitor{}, fmt.Errorf("make a session: %w", err)
	}
	return visitor{token: token, session: session}, nil
}

// randomID names an anonymous thread; the token is another, longer secret.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b[:])
}

// entry says where the visitor came from. A page is kept without its query.
func (s *service) entry(b wire.Value, now time.Time) *dm.Entry {
	e := &dm.Entry{Source: "widget", URL: plainPage(b.Get("page").Text())}
	if token := b.Get("entry").Text(); token != "" {
		e.Ref, e.Signed = wire.ReadEntry(s.a.Entry, s.a.Name, token, now)
		if e.URL == "" || s.a.own != "" && originOf(e.URL) == s.a.own {
			e.Source = "link" // opened by an entry link on our own page
		}
	}
	return e
}

func plainPage(page string) string {
	u, err := url.Parse(page)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	u.RawQuery, u.Fragment, u.User, u.RawFragment = "", "", nil, ""
	return wire.PlainRef(u.String())
}

func localeOf(s string) string {
	if len(s) > 35 || strings.IndexFunc(s, func(r rune) bool {
		return !(r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}) >= 0 {
		return ""
	}
	return s
}

// identify is the visitor logging in on the site.
func (s *service) identify(w http.ResponseWriter, r *http.Request) {
	b, err := body(w, r)
	if err != nil {
		fail(w, err)
		return
	}
	v, err := s.visitor(r)
	if err == nil {
		v, err = s.claim(r.Context(), v, b.Get("identity").Text(), false)
	}
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, stateOf(v))
}

// claim adds a proved identity to a session. An anonymous conversation goes
// on under the verified contact; another person in the same browser gets a
// session of their own.
func (s *service) claim(ctx context.Context, v visitor, token string, lenient bool) (visitor, error) {
	if token == "" && lenient {
		return v, nil
	}
	p, err := s.a.checkIdentity(token, s.host.Now())
	if err != nil {
		if lenient {
			return v, nil
		}
		return visitor{}, err
	}
	if v.session.Sub == p.sub && v.session.Name == p.name {
		return v, nil
	}
	if v.session.Sub != "" && v.session.Sub != p.sub {
		fresh := v.session
		fresh.Thread, fresh.Sub, fresh.Name, fresh.Verified = p.sub, p.sub, p.name, true
		fresh.Opened, fresh.Prefill, fresh.Expires = false, "", s.host.Now().Add(s.a.ttl)
		return s.keep(ctx, fresh)
	}
	v.session.Sub, v.session.Name, v.session.Verified = p.sub, p.name, true
	if !v.session.Opened {
		v.session.Thread = p.sub // nothing was said yet: begin as that contact
	}
	// Before the session is kept: after an error the same token tries again.
	if err := s.host.Identify(ctx, s.a.Name, v.session.Thread, v.sender()); err != nil {
		return visitor{}, fmt.Errorf("keep the identity: %w", err)
	}
	if err := s.host.PutSession(ctx, s.a.Name, v.token, v.session); err != nil {
		return visitor{}, fmt.Errorf("keep the identity: %w", err)
	}
	return v, nil
}

// panel is the widget's panel shown for the first time: the bot may greet.
func (s *service) panel(w http.ResponseWriter, r *http.Request) {
	v, err := s.visitor(r)
	seq := int64(0)
	if err == nil {
		seq, err = s.start(r.Context(), &v)
	}
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, map[string]int64{"seq": seq})
}

// start accepts the session's one start event. Two at once are one: they have one id.
func (s *service) start(ctx context.Context, v *visitor) (seq int64, err error) {
	if v.session.Opened {
		return 0, nil
	}
	in := s.inbound(*v, dm.KindStart)
	in.ExternalID = v.id() + ":start"
	in.Entry = v.session.Entry
	got, err := s.accept(ctx, in)
	if err != nil {
		return 0, err
	}
	v.session.Opened = true
	if err := s.host.PutSession(ctx, s.a.Name, v.token, v.session); err != nil {
		return 0, fmt.Errorf("keep the session: %w", err)
	}
	return got.Seq, nil
}

// forget ends the session; the conversation stays.
func (s *service) forget(w http.ResponseWriter, r *http.Request) {
	v, err := s.visitor(r)
	if err == nil {
		err = s.host.EndSession(r.Context(), s.a.Name, v.token)
	}
	if err != nil {
		fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
