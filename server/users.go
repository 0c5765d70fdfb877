package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"dispatcher/desk"
	"dispatcher/storage"
	"dispatcher/vault"
)

// User is one person who may log in. Its record holds the fields in the clear
// (names and mail addresses of the team, nobody's customers) and the secrets
// sealed with the system key.
type User struct {
	ID        string   `json:"id"`
	Email     string   `json:"email"`
	Name      string   `json:"name"`
	Role      string   `json:"role"`
	Teams     []string `json:"teams,omitempty"`
	Skills    []string `json:"skills,omitempty"`
	Capacity  int      `json:"capacity,omitempty"` // 0 = the default of 6
	Disabled  bool     `json:"disabled,omitempty"`
	CreatedAt int64    `json:"created_at"` // ms
	Sealed    []byte   `json:"sealed,omitempty"`

	secret  userSecret
	version int64
}

// userSecret is what User.Sealed holds.
type userSecret struct {
	Password  string   `json:"password"` // argon2id, PHC string
	TOTP      string   `json:"totp,omitempty"`
	Confirmed bool     `json:"confirmed,omitempty"` // a first code was right
	LastStep  int64    `json:"last_step,omitempty"` // a code works once
	Recovery  []string `json:"recovery,omitempty"`  // hashes
}

// NewUser is what CreateUser needs.
type NewUser struct {
	Name, Email, Password, Role string
	Teams                       []string
}

func (u *User) actor() desk.Actor {
	return desk.Actor{ID: u.ID, Name: u.Name, Email: u.Email, Role: u.Role, Teams: u.Teams}
}

// needsSecond says whether a password alone is not enough: the person has a
// second factor, or has to have one here.
func (s *Server) needsSecond(u *User) bool {
	return u.secret.TOTP != "" || (u.Role == "admin" && !s.cfg.Loopback)
}

func (s *Server) userAAD(id string) []byte { return []byte("user " + id) }

func (s *Server) emailLookup(email string) []byte {
	return s.cfg.Vault.Index("user-email", strings.ToLower(strings.TrimSpace(email)))
}

func userKey(id string) ([]byte, error) {
	u, err := uuid.Parse(id)
	if err != nil {
		return nil, storage.ErrNotFound
	}
	return u[:], nil
}

func (s *Server) openUser(r storage.Record) (*User, error) {
	u := &User{version: r.Version}
	if err := json.Unmarshal(r.Body, u); err != nil {
		return nil, fmt.Errorf("user record: %w", err)
	}
	plain, err := s.cfg.Vault.OpenSystem(u.Sealed, s.userAAD(u.ID))
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", u.ID, err)
	}
	if plain != nil {
		if err := json.Unmarshal(plain, &u.secret); err != nil {
			return nil, fmt.Errorf("user %s: %w", u.ID, err)
		}
	}
	return u, nil
}

func (s *Server) userRecord(u *User) (storage.Record, error) {
	id, err := userKey(u.ID)
	if err != nil {
		return storage.Record{}, err
	}
	plain, err := json.Marshal(u.secret)
	if err != nil {
		return storage.Record{}, fmt.Errorf("user %s: %w", u.ID, err)
	}
	u.Sealed = s.cfg.Vault.SealSystem(plain, s.userAAD(u.ID))
	body, err := json.Marshal(u)
	if err != nil {
		return storage.Record{}, fmt.Errorf("user %s: %w", u.ID, err)
	}
	return storage.Record{Kind: storage.KindUser, ID: id, Version: u.version, Lookup: s.emailLookup(u.Email), Body: body}, nil
}

func (s *Server) saveUser(ctx context.Context, u *User, audit ...storage.AuditEntry) error {
	r, err := s.userRecord(u)
	if err != nil {
		return err
	}
	if err := s.cfg.Store.Put(ctx, []storage.Record{r}, audit); err != nil {
		return fmt.Errorf("save user %s: %w", u.ID, err)
	}
	u.version++
	s.there.forget()
	return nil
}

func (s *Server) userByID(ctx context.Context, id string) (*User, error) {
	key, err := userKey(id)
	if err != nil {
		return nil, err
	}
	r, err := s.cfg.Store.Get(ctx, storage.KindUser, key)
	if err != nil {
		return nil, err
	}
	return s.openUser(r)
}

func (s *Server) userByEmail(ctx context.Context, email string) (*User, error) {
	page, err := s.cfg.Store.Find(ctx, storage.RecordQuery{Kind: storage.KindUser, Lookup: s.emailLookup(email), N: 1})
	if err != nil {
		return nil, err
	}
	if len(page.Items) == 0 {
		return nil, storage.ErrNotFound
	}
	return s.openUser(page.Items[0])
}

func (s *Server) users(ctx context.Context) ([]*User, error) {
	var out []*User
	for cursor := ""; ; {
		page, err := s.cfg.Store.Find(ctx, storage.RecordQuery{Kind: storage.KindUser, Cursor: cursor, N: 200})
		if err != nil {
			return nil, err
		}
		for _, r := range page.Items {
			u, err := s.openUser(r)
			if err != nil {
				return nil, err
			}
			out = append(out, u)
		}
		if cursor = page.Next; cursor == "" {
			return out, nil
		}
	}
}

// CreateUser makes an account, as `dispatcher user add` and the set-up page
// do. Mistakes in n are a *Problem with one entry per field. The first
// account ends the set-up: its link stops working.
func (s *Server) CreateUser(ctx context.Context, n NewUser) (*User, error) {
	return s.createUser(ctx, n, nil, "cli")
}

// AddUser makes an account while no server runs on the data, as `dispatcher
// user add` does.
func AddUser(ctx context.Context, store storage.Store, v *vault.Vault, now func() time.Time, n NewUser) (*User, error) {
	return withoutService(store, v, now).CreateUser(ctx, n)
}

// withoutService is as much of a server as work on accounts needs.
func withoutService(store storage.Store, v *vault.Vault, now func() time.Time) *Server {
	if now == nil {
		now = time.Now
	}
	return &Server{cfg: Config{Store: store, Vault: v, Now: now}, hash: newHasher(fullCost), there: newAttendance(now)}
}

// ErrNoAccount says that nobody has this mail address here.
var ErrNoAccount = errors.New("no account has this e-mail")

// SetPassword gives the account with this mail address a new password while no
// server runs on the data, as `dispatcher user password` does. Every session
// of that person ends with the old password: in one write, with the audit's
// line. A password that will not do is a *Problem; ErrNoAccount: nobody has
// the address.
func SetPassword(ctx context.Context, store storage.Store, v *vault.Vault, now func() time.Time, email, password string) (*User, error) {
	s := withoutService(store, v, now)
	u, err := s.userByEmail(ctx, email)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, ErrNoAccount
	}
	if err != nil {
		return nil, err
	}
	if why := checkPassword(password, u.Email, u.Name); why != "" {
		return nil, invalid("password", why)
	}
	if u.secret.Password, err = s.hash.make(ctx, password); err != nil {
		return nil, err
	}
	records, err := s.userSessions(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	for i := range records {
		records[i].Delete = true
	}
	account, err := s.userRecord(u)
	if err != nil {
		return nil, err
	}
	if err := store.Put(ctx, append(records, account), []storage.AuditEntry{s.audit("cli", "user.password", "user:"+u.ID)}); err != nil {
		return nil, fmt.Errorf("set password: %w", err)
	}
	return u, nil
}

// ListUsers gives every account in the order of its making, while no server
// runs on the data, as `dispatcher user list` does.
func ListUsers(ctx context.Context, store storage.Store, v *vault.Vault) ([]*User, error) {
	list, err := withoutService(store, v, nil).users(ctx)
	slices.SortStableFunc(list, func(a, b *User) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) })
	return list, err
}

func (s *Server) createUser(ctx context.Context, n NewUser, secret *userSecret, by string, with ...storage.Record) (*User, error) {
	n.Name, n.Email = strings.TrimSpace(n.Name), strings.TrimSpace(n.Email)
	if p := checkNewUser(n); p != nil {
		return nil, p
	}
	s.accounts.Lock()
	defer s.accounts.Unlock()
	if _, err := s.userByEmail(ctx, n.Email); err == nil {
		return nil, invalid("email", "is used by another account")
	} else if !errors.Is(err, storage.ErrNotFound) {
		return nil, err
	}
	hash, err := s.hash.make(ctx, n.Password)
	if err != nil {
		return nil, err
	}
	u := &User{ID: uuid.Must(uuid.NewV7()).String(), Email: n.Email, Name: n.Name, Role: n.Role, Teams: n.Teams, CreatedAt: s.now().UnixMilli()}
	if secret != nil {
		u.secret = *secret
	}
	u.secret.Password = hash
	r, err := s.userRecord(u)
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Store.Put(ctx, append(with, r), []storage.AuditEntry{s.audit(by, "user.create", "user:"+u.ID)}); err != nil {
		return nil, fmt.Errorf("create user: %w", err)
	}
	u.version = 1
	s.there.forget()
	s.accountMade()
	return u, nil
}

func checkNewUser(n NewUser) *Problem {
	var bad []FieldError
	if n.Name == "" || len([]rune(n.Name)) > 100 || strings.ContainsFunc(n.Name, isControl) {
		bad = append(bad, FieldError{"body.name", "is 1 to 100 characters"})
	}
	if a, err := mail.ParseAddress(n.Email); err != nil || a.Address != n.Email || len(n.Email) > 254 {
		bad = append(bad, FieldError{"body.email", "is not a mail address"})
	}
	if why := checkPassword(n.Password, n.Email, n.Name); why != "" {
		bad = append(bad, FieldError{"body.password", why})
	}
	if !slices.Contains(roleNames, n.Role) {
		bad = append(bad, FieldError{"body.role", "is one of " + strings.Join(roleNames, ", ")})
	}
	if bad == nil {
		return nil
	}
	p := problem("invalid", "")
	p.Errors = bad
	return p
}

// invalid is a problem about one field of a body.
func invalid(field, message string) *Problem {
	p := problem("invalid", "")
	p.Errors = []FieldError{{"body." + field, message}}
	return p
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// hasAccounts says whether the set-up is over. The answer turns true once and
// is kept; while it is false the store is asked, for another process may run
// `dispatcher user add`.
func (s *Server) hasAccounts(ctx context.Context) (bool, error) {
	if s.ready.Load() {
		return true, nil
	}
	page, err := s.cfg.Store.Find(ctx, storage.RecordQuery{Kind: storage.KindUser, N: 1})
	if err != nil {
		return false, err
	}
	if len(page.Items) > 0 {
		s.accountMade()
	}
	return len(page.Items) > 0, nil
}

// audit makes one line of the trail.
func (s *Server) audit(actor, verb, object string) storage.AuditEntry {
	return storage.AuditEntry{At: s.now().UnixMilli(), Actor: actor, Verb: verb, Object: object}
}
