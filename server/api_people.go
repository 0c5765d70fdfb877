package server

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"dispatcher/storage"
)

// meView is GET /me.
type meView struct {
	ID           string   `json:"id"`
	Kind         string   `json:"kind"` // user or token
	Name         string   `json:"name"`
	Email        string   `json:"email,omitempty"`
	Role         string   `json:"role"`
	Teams        []string `json:"teams"`
	Scopes       []string `json:"scopes,omitempty"`
	Queues       []string `json:"queues,omitempty"`
	SecondFactor bool     `json:"second_factor"`
	Presence     string   `json:"presence,omitempty"`
	Can          []string `json:"can"` // permissions, for the console to show what works
}

// sessionView is one line of GET /me/sessions.
type sessionView struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
	ExpiresAt time.Time `json:"expires_at"`
	Browser   string    `json:"browser"`
	Current   bool      `json:"current"`
}

// userView is one person of GET /users; never a secret.
type userView struct {
	ID           string    `json:"id"`
	Email        string    `json:"email"`
	Name         string    `json:"name"`
	Role         string    `json:"role"`
	Teams        []string  `json:"teams"`
	Disabled     bool      `json:"disabled"`
	SecondFactor bool      `json:"second_factor"`
	CreatedAt    time.Time `json:"created_at"`
}

// tokenView is one token of GET /tokens; Token only once, when it is made.
type tokenView struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Scopes    []string   `json:"scopes"`
	Queues    []string   `json:"queues,omitempty"`
	PerMinute int        `json:"per_minute,omitempty"`
	CreatedBy string     `json:"created_by"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	LastUse   *time.Time `json:"last_use,omitempty"`
	Token     string     `json:"token,omitempty"`
}

func (s *Server) peopleRoutes(api huma.API) {
	handle(s, api, operation{method: "GET", path: "/me", id: "me", summary: "Who am I", tag: "me", perm: permSession},
		func(ctx context.Context, who *identity, _ *noInput) (*body[meView], error) {
			return answer(s.me(ctx, who))
		})
	handle(s, api, operation{method: "PUT", path: "/me", id: "me-update", summary: "Change my name", tag: "me", perm: permSession}, s.putMe)
	handle(s, api, operation{method: "GET", path: "/me/sessions", id: "sessions", summary: "Where I am logged in", tag: "me", perm: permSession},
		func(ctx context.Context, who *identity, _ *noInput) (*body[items[sessionView]], error) {
			list, err := s.sessions(ctx, who)
			return answer(items[sessionView]{Items: list}, err)
		})
	handle(s, api, operation{method: "DELETE", path: "/me/sessions/{id}", id: "session-revoke", summary: "Log one of my browsers out", tag: "me", perm: permSession, status: 204}, s.revokeSession)
	handle(s, api, operation{method: "GET", path: "/users", id: "users", summary: "People", tag: "people", perm: permUsers},
		func(ctx context.Context, _ *identity, _ *noInput) (*body[items[userView]], error) {
			list, err := s.listUsers(ctx)
			return answer(items[userView]{Items: list}, err)
		})
	handle(s, api, operation{method: "POST", path: "/users", id: "user-create", summary: "Add a person", tag: "people", perm: permUsers, status: 201}, s.postUser)
	handle(s, api, operation{method: "GET", path: "/users/{id}", id: "user", summary: "One person", tag: "people", perm: permUsers},
		func(ctx context.Context, _ *identity, in *idInput) (*body[userView], error) {
			u, err := s.userByID(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			return &body[userView]{Body: viewUser(u)}, nil
		})
	handle(s, api, operation{method: "PATCH", path: "/users/{id}", id: "user-update", summary: "Change a person", tag: "people", perm: permUsers}, s.patchUser)
	handle(s, api, operation{method: "GET", path: "/tokens", id: "tokens", summary: "API tokens", tag: "people", perm: permUsers},
		func(ctx context.Context, _ *identity, _ *noInput) (*body[items[tokenView]], error) {
			list, err := s.listTokens(ctx)
			return answer(items[tokenView]{Items: list}, err)
		})
	handle(s, api, operation{method: "POST", path: "/tokens", id: "token-create", summary: "Make a token; it is shown once", tag: "people", perm: permUsers, status: 201}, s.postToken)
	handle(s, api, operation{method: "GET", path: "/tokens/{id}", id: "token", summary: "One token", tag: "people", perm: permUsers},
		func(ctx context.Context, _ *identity, in *idInput) (*body[tokenView], error) {
			rec, t, err := s.tokenByID(ctx, in.ID)
			return answer(viewToken(rec, t), err)
		})
	handle(s, api, operation{method: "PATCH", path: "/tokens/{id}", id: "token-update", summary: "Change a token's name, scopes or queues", tag: "people", perm: permUsers}, s.patchToken)
	handle(s, api, operation{method: "DELETE", path: "/tokens/{id}", id: "token-revoke", summary: "Revoke a token", tag: "people", perm: permUsers, status: 204}, s.deleteToken)
}

// idInput names one thing.
type idInput struct {
	ID string `path:"id" maxLength:"200"`
}

func (s *Server) me(ctx context.Context, who *identity) (meView, error) {
	v := meView{ID: who.ID, Kind: "user", Name: who.Name, Email: who.Email, Role: who.Role, Teams: orEmpty(who.Teams), Scopes: who.Scopes, Queues: who.Queues, Can: s.can(who)}
	if who.Token {
		v.Kind = "token"
		return v, nil
	}
	u, err := s.userByID(ctx, who.ID)
	if err != nil {
		return v, err
	}
	v.SecondFactor = u.secret.TOTP != ""
	v.Presence = s.presenceOf(who)
	return v, nil
}

func (s *Server) can(who *identity) []string {
	out := []string{}
	for p := range roleTable {
		if allowed(who, p) != no && p != permSession {
			out = append(out, string(p))
		}
	}
	slices.Sort(out)
	return out
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

type putMeInput struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"100"`
	}
}

func (s *Server) putMe(ctx context.Context, who *identity, in *putMeInput) (*body[meView], error) {
	if who.Token {
		return nil, problem("forbidden", "A token has no profile.")
	}
	u, err := s.userByID(ctx, who.ID)
	if err != nil {
		return nil, err
	}
	if u.Name = strings.TrimSpace(in.Body.Name); u.Name == "" || strings.ContainsFunc(u.Name, isControl) {
		return nil, invalid("name", "is 1 to 100 characters")
	}
	if err := s.saveUser(ctx, u, s.audit(who.ID, "user.rename", "user:"+u.ID)); err != nil {
		return nil, err
	}
	who.Name = u.Name
	return answer(s.me(ctx, who))
}

// userSessions gives the stored sessions of a user.
func (s *Server) userSessions(ctx context.Context, user string) ([]storage.Record, error) {
	var out []storage.Record
	for cursor := ""; ; {
		page, err := s.cfg.Store.Find(ctx, storage.RecordQuery{Kind: storage.KindSession, Cursor: cursor, N: 200, Now: s.now().UnixMilli()})
		if err != nil {
			return nil, err
		}
		for _, rec := range page.Items {
			var ses session
			if json.Unmarshal(rec.Body, &ses) == nil && ses.User == user {
				out = append(out, rec)
			}
		}
		if cursor = page.Next; cursor == "" {
			return out, nil
		}
	}
}

func (s *Server) sessions(ctx context.Context, who *identity) ([]sessionView, error) {
	out := []sessionView{}
	if who.Token {
		return out, nil
	}
	records, err := s.userSessions(ctx, who.ID)
	if err != nil {
		return nil, err
	}
	for _, rec := range records {
		var ses session
		if err := json.Unmarshal(rec.Body, &ses); err != nil {
			return nil, err
		}
		id := hex.EncodeToString(rec.ID)
		out = append(out, sessionView{ID: id, CreatedAt: ms(ses.Created), SeenAt: ms(ses.Seen), ExpiresAt: ms(rec.Expires), Browser: ses.Agent, Current: id == who.Session})
	}
	return out, nil
}

// ms is a stored time.
func ms(t int64) time.Time { return time.UnixMilli(t).UTC() }

func (s *Server) revokeSession(ctx context.Context, who *identity, in *idInput) (*none, error) {
	records, err := s.userSessions(ctx, who.ID)
	if err != nil {
		return nil, err
	}
	for _, rec := range records {
		if hex.EncodeToString(rec.ID) == in.ID {
			rec.Delete = true
			return &none{}, s.cfg.Store.Put(ctx, []storage.Record{rec}, []storage.AuditEntry{s.audit(who.ID, "session.revoke", "session:"+in.ID)})
		}
	}
	return nil, problem("not_found", "")
}

func viewUser(u *User) userView {
	return userView{ID: u.ID, Email: u.Email, Name: u.Name, Role: u.Role, Teams: orEmpty(u.Teams), Disabled: u.Disabled, SecondFactor: u.secret.TOTP != "", CreatedAt: ms(u.CreatedAt)}
}

func (s *Server) listUsers(ctx context.Context) ([]userView, error) {
	list, err := s.users(ctx)
	if err != nil {
		return nil, err
	}
	out := []userView{}
	for _, u := range list {
		out = append(out, viewUser(u))
	}
	return out, nil
}

type postUserInput struct {
	Body struct {
		Name     string   `json:"name" maxLength:"200"`
		Email    string   `json:"email" maxLength:"254"`
		Password string   `json:"password" maxLength:"4096"`
		Role     string   `json:"role" enum:"agent,lead,designer,admin"`
		Teams    []string `json:"teams,omitempty" maxItems:"50"`
	}
}

func (s *Server) postUser(ctx context.Context, who *identity, in *postUserInput) (*body[userView], error) {
	b := in.Body
	u, err := s.createUser(ctx, NewUser{Name: b.Name, Email: b.Email, Password: b.Password, Role: b.Role, Teams: b.Teams}, nil, who.ID)
	if err != nil {
		return nil, err
	}
	return &body[userView]{Body: viewUser(u)}, nil
}

type patchUserInput struct {
	ID   string `path:"id" maxLength:"200"`
	Body struct {
		Name     *string   `json:"name,omitempty" minLength:"1" maxLength:"100"`
		Role     *string   `json:"role,omitempty" enum:"agent,lead,designer,admin"`
		Teams    *[]string `json:"teams,omitempty" maxItems:"50"`
		Disabled *bool     `json:"disabled,omitempty"`
		Password *string   `json:"password,omitempty" maxLength:"4096"`
	}
}

// patchUser changes a person. A new role, a new password and being disabled
// end every session of that person; the last admin stays one.
func (s *Server) patchUser(ctx context.Context, who *identity, in *patchUserInput) (*body[userView], error) {
	s.accounts.Lock()
	defer s.accounts.Unlock()
	u, err := s.userByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	was := *u
	b := in.Body
	set(&u.Name, b.Name)
	set(&u.Role, b.Role)
	set(&u.Teams, b.Teams)
	set(&u.Disabled, b.Disabled)
	if err := s.keepAdmin(ctx, &was, u); err != nil {
		return nil, err
	}
	if b.Password != nil {
		if why := checkPassword(*b.Password, u.Email, u.Name); why != "" {
			return nil, invalid("password", why)
		}
		if u.secret.Password, err = s.hash.make(ctx, *b.Password); err != nil {
			return nil, err
		}
	}
	if err := s.saveUser(ctx, u, s.audit(who.ID, "user.change", "user:"+u.ID)); err != nil {
		return nil, err
	}
	if u.Role != was.Role || b.Password != nil || u.Disabled {
		if err := s.endSessions(ctx, u.ID); err != nil {
			return nil, err
		}
	}
	return &body[userView]{Body: viewUser(u)}, nil
}

func set[T any](field *T, v *T) {
	if v != nil {
		*field = *v
	}
}

// keepAdmin refuses a change after which nobody could manage people.
func (s *Server) keepAdmin(ctx context.Context, was, now *User) error {
	if was.Role != "admin" || was.Disabled || (now.Role == "admin" && !now.Disabled) {
		return nil
	}
	list, err := s.users(ctx)
	if err != nil {
		return err
	}
	for _, u := range list {
		if u.ID != now.ID && u.Role == "admin" && !u.Disabled {
			return nil
		}
	}
	return invalid("role", "the last admin has to stay one")
}

func (s *Server) endSessions(ctx context.Context, user string) error {
	records, err := s.userSessions(ctx, user)
	if err != nil || len(records) == 0 {
		return err
	}
	for i := range records {
		records[i].Delete = true
	}
	return s.cfg.Store.Put(ctx, records, nil)
}

func viewToken(rec storage.Record, t tokenBody) tokenView {
	v := tokenView{ID: t.ID, Name: t.Name, Scopes: orEmpty(t.Scopes), Queues: t.Queues, PerMinute: t.PerMinute, CreatedBy: t.CreatedBy, CreatedAt: ms(t.CreatedAt), ExpiresAt: ms(rec.Expires)}
	if t.LastUse > 0 {
		at := ms(t.LastUse)
		v.LastUse = &at
	}
	return v
}

func (s *Server) listTokens(ctx context.Context) ([]tokenView, error) {
	out := []tokenView{}
	for cursor := ""; ; {
		page, err := s.cfg.Store.Find(ctx, storage.RecordQuery{Kind: storage.KindToken, Cursor: cursor, N: 200, Now: s.now().UnixMilli()})
		if err != nil {
			return nil, err
		}
		for _, rec := range page.Items {
			var t tokenBody
			if err := json.Unmarshal(rec.Body, &t); err != nil {
				return nil, err
			}
			out = append(out, viewToken(rec, t))
		}
		if cursor = page.Next; cursor == "" {
			return out, nil
		}
	}
}

func (s *Server) tokenByID(ctx context.Context, id string) (storage.Record, tokenBody, error) {
	key, err := userKey(id)
	if err != nil {
		return storage.Record{}, tokenBody{}, err
	}
	rec, err := s.cfg.Store.Get(ctx, storage.KindToken, key)
	if err != nil {
		return rec, tokenBody{}, err
	}
	var t tokenBody
	if rec.Expires <= s.now().UnixMilli() {
		return rec, t, storage.ErrNotFound
	}
	return rec, t, json.Unmarshal(rec.Body, &t)
}

const (
	tokenDefaultLife = 90 * 24 * time.Hour
	tokenMaxLife     = 366 * 24 * time.Hour
)

type postTokenInput struct {
	Body struct {
		Name      string     `json:"name" minLength:"1" maxLength:"100"`
		Scopes    []string   `json:"scopes" minItems:"1" maxItems:"30"`
		Queues    []string   `json:"queues,omitempty" maxItems:"100"`
		ExpiresAt *time.Time `json:"expires_at,omitempty"`
		PerMinute int        `json:"per_minute,omitempty" minimum:"1" maximum:"100000"`
	}
}

func (s *Server) postToken(ctx context.Context, who *identity, in *postTokenInput) (*body[tokenView], error) {
	now, b := s.now(), in.Body
	expires := now.Add(tokenDefaultLife)
	if b.ExpiresAt != nil {
		expires = *b.ExpiresAt
	}
	if !expires.After(now) || expires.Sub(now) > tokenMaxLife {
		return nil, invalid("expires_at", "is later than now and within a year")
	}
	if err := checkScopes(b.Scopes); err != nil {
		return nil, err
	}
	id, secret := uuid.Must(uuid.NewV7()), tokenPrefix+newSecret()
	t := tokenBody{ID: id.String(), Name: b.Name, Scopes: b.Scopes, Queues: b.Queues, PerMinute: b.PerMinute, CreatedBy: who.ID, CreatedAt: now.UnixMilli()}
	raw, _ := json.Marshal(t)
	rec := storage.Record{Kind: storage.KindToken, ID: id[:], Lookup: hashSecret(secret), Expires: expires.UnixMilli(), Body: raw}
	if err := s.cfg.Store.Put(ctx, []storage.Record{rec}, []storage.AuditEntry{s.audit(who.ID, "token.create", "token:"+t.ID)}); err != nil {
		return nil, err
	}
	v := viewToken(rec, t)
	v.Token = secret
	return &body[tokenView]{Body: v}, nil
}

// CreateToken makes a token without a caller, for the command line.
func (s *Server) CreateToken(ctx context.Context, name string, scopes []string, life time.Duration) (token string, err error) {
	in := &postTokenInput{}
	in.Body.Name, in.Body.Scopes = name, scopes
	if life > 0 {
		at := s.now().Add(life)
		in.Body.ExpiresAt = &at
	}
	cli := &identity{}
	cli.ID = "cli"
	out, err := s.postToken(ctx, cli, in)
	if err != nil {
		return "", err
	}
	return out.Body.Token, nil
}

func checkScopes(scopes []string) error {
	for _, scope := range scopes {
		if !slices.Contains(allScopes, scope) {
			return invalid("scopes", "names only scopes of the table: "+strings.Join(allScopes, ", "))
		}
	}
	return nil
}

type patchTokenInput struct {
	ID   string `path:"id" maxLength:"200"`
	Body struct {
		Name   *string   `json:"name,omitempty" minLength:"1" maxLength:"100"`
		Scopes *[]string `json:"scopes,omitempty" minItems:"1" maxItems:"30"`
		Queues *[]string `json:"queues,omitempty" maxItems:"100"`
	}
}

func (s *Server) patchToken(ctx context.Context, who *identity, in *patchTokenInput) (*body[tokenView], error) {
	rec, t, err := s.tokenByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	set(&t.Name, in.Body.Name)
	set(&t.Scopes, in.Body.Scopes)
	set(&t.Queues, in.Body.Queues)
	if err := checkScopes(t.Scopes); err != nil {
		return nil, err
	}
	rec.Body, _ = json.Marshal(t)
	if err := s.cfg.Store.Put(ctx, []storage.Record{rec}, []storage.AuditEntry{s.audit(who.ID, "token.change", "token:"+t.ID)}); err != nil {
		return nil, err
	}
	return &body[tokenView]{Body: viewToken(rec, t)}, nil
}

func (s *Server) deleteToken(ctx context.Context, who *identity, in *idInput) (*none, error) {
	rec, t, err := s.tokenByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	rec.Delete = true
	err = s.cfg.Store.Put(ctx, []storage.Record{rec}, []storage.AuditEntry{s.audit(who.ID, "token.revoke", "token:"+t.ID)})
	if errors.Is(err, storage.ErrNotFound) {
		err = problem("not_found", "")
	}
	return &none{}, err
}
