package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"dispatcher/desk"
	"dispatcher/storage"
)

// Lifetimes of a session (runtime.md 5.3).
const (
	sessionIdle = 8 * time.Hour
	sessionMax  = 7 * 24 * time.Hour
	halfSession = 10 * time.Minute // waiting for the second factor
	touchEvery  = time.Minute      // last use is written at most this often
)

// Names of the cookie; the plain one only on plain HTTP over loopback.
const (
	cookieSecure = "__Host-dispatcher"
	cookiePlain  = "dispatcher"
)

// identity is who makes a request.
type identity struct {
	desk.Actor
	Session string // record id of the browser's session, hex; "" for a token
	Half    bool   // the password was right, the second factor is missing
	TokenID string
}

// session is the body of a KindSession record. The cookie's value is in the
// record's Lookup as a hash only.
type session struct {
	User    string `json:"user"`
	Created int64  `json:"created_at"` // ms
	Seen    int64  `json:"seen_at"`
	Half    bool   `json:"half,omitempty"`
	Agent   string `json:"agent,omitempty"` // browser, cut
}

// newSecret makes a 256-bit secret as text.
func newSecret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

func hashSecret(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

// openSession makes a session for a user; a browser's former one ends.
func (s *Server) openSession(w http.ResponseWriter, r *http.Request, u *User, half bool) error {
	s.closeSession(r)
	now, token, id := s.now(), newSecret(), uuid.Must(uuid.NewV7())
	life := sessionIdle
	if half {
		life = halfSession
	}
	body, _ := json.Marshal(session{User: u.ID, Created: now.UnixMilli(), Seen: now.UnixMilli(), Half: half, Agent: cut(r.UserAgent(), 120)})
	rec := storage.Record{Kind: storage.KindSession, ID: id[:], Lookup: hashSecret(token), Expires: now.Add(life).UnixMilli(), Body: body}
	verb := "login"
	if half {
		verb = "login.password"
	}
	if err := s.cfg.Store.Put(r.Context(), []storage.Record{rec}, []storage.AuditEntry{s.audit(u.ID, verb, "session:"+hex.EncodeToString(id[:]))}); err != nil {
		return fmt.Errorf("open session: %w", err)
	}
	http.SetCookie(w, s.cookie(r, token, int(sessionMax/time.Second)))
	return nil
}

func (s *Server) cookie(r *http.Request, value string, age int) *http.Cookie {
	c := &http.Cookie{Name: cookieSecure, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode}
	if s.plainCookie(r) {
		c.Name, c.Secure = cookiePlain, false
	}
	return c
}

// plainCookie: plain HTTP on loopback, where Secure cookies do not work everywhere.
func (s *Server) plainCookie(r *http.Request) bool { return s.cfg.Loopback && !s.overTLS(r) }

func (s *Server) sessionCookie(r *http.Request) string {
	name := cookieSecure
	if s.plainCookie(r) {
		name = cookiePlain
	}
	if c, err := r.Cookie(name); err == nil && len(c.Value) <= 128 {
		return c.Value
	}
	return ""
}

// closeSession forgets the browser's session, if it has one.
func (s *Server) closeSession(r *http.Request) {
	token := s.sessionCookie(r)
	if token == "" {
		return
	}
	rec, err := s.findRecord(r.Context(), storage.KindSession, hashSecret(token))
	if err == nil {
		rec.Delete = true
		_ = s.cfg.Store.Put(r.Context(), []storage.Record{rec}, nil) // gone already is as good
	}
}

func (s *Server) findRecord(ctx context.Context, kind storage.Kind, lookup []byte) (storage.Record, error) {
	page, err := s.cfg.Store.Find(ctx, storage.RecordQuery{Kind: kind, Lookup: lookup, N: 1, Now: s.now().UnixMilli()})
	if err != nil {
		return storage.Record{}, err
	}
	if len(page.Items) == 0 {
		return storage.Record{}, storage.ErrNotFound
	}
	return page.Items[0], nil
}

// identify finds out who asks. nil without error: nobody that we know. A
// request with a bearer token never falls back to its cookie. Asking counts
// as a use of the session or the token.
func (s *Server) identify(r *http.Request) (*identity, error) { return s.known(r, true) }

// known is identify; used says whether this is a use that puts off the end of
// an idle session.
func (s *Server) known(r *http.Request, used bool) (*identity, error) {
	if r.Context().Value(localKey{}) != nil {
		return localIdentity(), nil
	}
	if h := r.Header.Get("Authorization"); h != "" {
		return s.identifyToken(r, h)
	}
	token := s.sessionCookie(r)
	if token == "" {
		return nil, nil
	}
	rec, err := s.findRecord(r.Context(), storage.KindSession, hashSecret(token))
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var ses session
	if err := json.Unmarshal(rec.Body, &ses); err != nil {
		return nil, fmt.Errorf("session record: %w", err)
	}
	u, err := s.userByID(r.Context(), ses.User)
	if errors.Is(err, storage.ErrNotFound) || (err == nil && u.Disabled) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if used {
		s.touch(r.Context(), rec, ses)
	}
	return &identity{Actor: u.actor(), Session: hex.EncodeToString(rec.ID), Half: ses.Half}, nil
}

// touch moves the idle end of a session on; losing the race to another tab is fine.
func (s *Server) touch(ctx context.Context, rec storage.Record, ses session) {
	now := s.now()
	if ses.Half || now.UnixMilli()-ses.Seen < touchEvery.Milliseconds() {
		return
	}
	ses.Seen = now.UnixMilli()
	rec.Expires = min(now.Add(sessionIdle).UnixMilli(), ses.Created+sessionMax.Milliseconds())
	rec.Body, _ = json.Marshal(ses)
	_ = s.cfg.Store.Put(ctx, []storage.Record{rec}, nil)
}

// tokenBody is the body of a KindToken record.
type tokenBody struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Scopes    []string `json:"scopes"`
	Queues    []string `json:"queues,omitempty"`
	PerMinute int      `json:"per_minute,omitempty"` // 0 = the default
	CreatedBy string   `json:"created_by"`
	CreatedAt int64    `json:"created_at"` // ms
	LastUse   int64    `json:"last_use,omitempty"`
}

const tokenPrefix = "dsp_"

func (s *Server) identifyToken(r *http.Request, header string) (*identity, error) {
	kind, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(kind, "Bearer") || !strings.HasPrefix(token, tokenPrefix) || len(token) > 128 {
		return nil, nil
	}
	rec, err := s.findRecord(r.Context(), storage.KindToken, hashSecret(token))
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var t tokenBody
	if err := json.Unmarshal(rec.Body, &t); err != nil {
		return nil, fmt.Errorf("token record: %w", err)
	}
	if now := s.now().UnixMilli(); now-t.LastUse >= touchEvery.Milliseconds() {
		t.LastUse = now
		rec.Body, _ = json.Marshal(t)
		_ = s.cfg.Store.Put(r.Context(), []storage.Record{rec}, nil)
	}
	who := &identity{TokenID: t.ID, Actor: desk.Actor{ID: t.ID, Name: t.Name, Role: "api", Scopes: t.Scopes, Queues: t.Queues, Token: true}}
	return who, nil
}

type identityKey struct{}

func withIdentity(ctx context.Context, who *identity) context.Context {
	return context.WithValue(ctx, identityKey{}, who)
}

// caller is who makes the request; nil = nobody.
func caller(ctx context.Context) *identity {
	who, _ := ctx.Value(identityKey{}).(*identity)
	return who
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
