package server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dispatcher/server/web"
	"dispatcher/storage"
)

// setupLife is how long a set-up link works.
const setupLife = 24 * time.Hour

// setupFile is the link's place in the data folder, for a start whose output
// nobody sees. It is removed when the link was used.
const setupFile = "setup-link"

// SetupLink makes the one-time link of a first start: 128 random bits, stored
// hashed, good for 24 hours, printed by the caller and kept in a file that
// only the owner can read. It gives "" once there is an account. A new link
// ends the one before.
func (s *Server) SetupLink(ctx context.Context) (link string, expires time.Time, err error) {
	has, err := s.hasAccounts(ctx)
	if err != nil || has {
		return "", time.Time{}, err
	}
	raw := make([]byte, 16)
	rand.Read(raw)
	token := base64.RawURLEncoding.EncodeToString(raw)
	expires = s.now().Add(setupLife)
	records, err := s.setupLinks(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	records = append(records, storage.Record{Kind: storage.KindLink, ID: hashSecret(token), Lookup: []byte(setupFile), Expires: expires.UnixMilli(), Body: []byte(`{"for":"setup"}`)})
	if err := s.cfg.Store.Put(ctx, records, nil); err != nil {
		return "", time.Time{}, fmt.Errorf("set-up link: %w", err)
	}
	link = s.baseURL() + "/setup/" + token
	if s.cfg.DataDir != "" {
		if err := writePrivate(filepath.Join(s.cfg.DataDir, setupFile), link+"\n"); err != nil {
			return "", time.Time{}, fmt.Errorf("set-up link: %w", err)
		}
	}
	return link, expires, nil
}

// setupLinks gives the links made before, marked to be deleted.
func (s *Server) setupLinks(ctx context.Context) ([]storage.Record, error) {
	page, err := s.cfg.Store.Find(ctx, storage.RecordQuery{Kind: storage.KindLink, Lookup: []byte(setupFile), N: 200})
	if err != nil {
		return nil, fmt.Errorf("set-up link: %w", err)
	}
	for i := range page.Items {
		page.Items[i].Delete = true
	}
	return page.Items, nil
}

// writePrivate writes a file that only its owner can read, whatever was there before.
func writePrivate(path, text string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// accountMade ends the set-up.
func (s *Server) accountMade() {
	if s.ready.Swap(true) {
		return
	}
	if s.cfg.DataDir != "" {
		_ = os.Remove(filepath.Join(s.cfg.DataDir, setupFile))
	}
}

// setupToken checks the link of a request; nil record: it is none, or no longer.
func (s *Server) setupToken(r *http.Request, token string) (*storage.Record, error) {
	has, err := s.hasAccounts(r.Context())
	if err != nil {
		return nil, err
	}
	if has || token == "" || len(token) > 64 {
		return nil, problem("not_found", "This page works once, with the link that was printed at the start.")
	}
	rec, err := s.cfg.Store.Get(r.Context(), storage.KindLink, hashSecret(token))
	if errors.Is(err, storage.ErrNotFound) || (err == nil && rec.Expires <= s.now().UnixMilli()) {
		return nil, problem("not_found", "The link is not good, or older than 24 hours. Start the server again for a new one.")
	}
	return &rec, err
}

// getSetup shows the form; looking at it uses nothing up.
func (s *Server) getSetup(w http.ResponseWriter, r *http.Request, token string) {
	if _, err := s.setupToken(r, token); err != nil {
		s.writeProblem(w, r, err)
		return
	}
	s.page(w, r, http.StatusOK, web.PageSetup, s.setupPage(r, nil, nil))
}

func (s *Server) setupPage(r *http.Request, values, bad map[string]string) web.Setup {
	p := web.Setup{
		Action: r.URL.Path, Project: s.projectName(), Listen: s.cfg.Listen, KeyPlace: s.cfg.KeyPlace,
		Later: s.cfg.Loopback, Values: values, Errors: bad, Problems: len(s.flowProblems()),
	}
	if live := s.cfg.Project(); live != nil {
		p.Flows = live.Counts.Flows
	}
	return p
}

// postSetup makes the first account. The link is consumed in the same commit.
func (s *Server) postSetup(w http.ResponseWriter, r *http.Request, token string) {
	link, err := s.setupToken(r, token)
	if err != nil {
		s.writeProblem(w, r, err)
		return
	}
	form, isJSON, err := readForm(r)
	if err != nil {
		s.writeProblem(w, r, err)
		return
	}
	secret, codes, bad := s.chosenFactor(form["second_factor"])
	var u *User
	if bad == nil {
		link.Delete = true
		u, err = s.createUser(r.Context(), NewUser{Name: form["name"], Email: form["email"], Password: form["password"], Role: "admin"}, secret, "setup", *link)
	} else {
		err = bad
	}
	if err != nil {
		s.refuseSetup(w, r, isJSON, form, err)
		return
	}
	if err := s.openSession(w, r, u, secret != nil); err != nil {
		s.writeProblem(w, r, err)
		return
	}
	s.setupDone(w, r, isJSON, u, codes)
}

// chosenFactor reads second_factor: now gives a secret and its recovery codes.
func (s *Server) chosenFactor(choice string) (*userSecret, []string, *Problem) {
	switch choice {
	case "later":
		if !s.cfg.Loopback {
			return nil, nil, invalid("second_factor", "may be postponed only while the server listens on this machine alone")
		}
		return nil, nil, nil
	case "now", "":
		secret := &userSecret{TOTP: newTOTPSecret()}
		return secret, newRecovery(secret), nil
	}
	return nil, nil, invalid("second_factor", "is now or later")
}

func (s *Server) refuseSetup(w http.ResponseWriter, r *http.Request, isJSON bool, form map[string]string, err error) {
	if errors.Is(err, storage.ErrConflict) { // two posts of one form: the other made the account
		err = problem("not_found", "This page works once.")
	}
	var p *Problem
	if isJSON || !errors.As(err, &p) || len(p.Errors) == 0 {
		s.writeProblem(w, r, err)
		return
	}
	bad := map[string]string{}
	for _, e := range p.Errors {
		bad[strings.TrimPrefix(e.Location, "body.")] = e.Message
	}
	delete(form, "password")
	s.page(w, r, p.Status, web.PageSetup, s.setupPage(r, form, bad))
}

func (s *Server) setupDone(w http.ResponseWriter, r *http.Request, isJSON bool, u *User, codes []string) {
	if codes == nil {
		if isJSON {
			writeJSON(w, http.StatusCreated, next{Next: "/console"})
			return
		}
		http.Redirect(w, r, "/console", http.StatusSeeOther)
		return
	}
	s.showEnrolment(w, r, isJSON, http.StatusCreated, s.enrolment(u, codes))
}
