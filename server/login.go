package server

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dispatcher/server/web"
	"dispatcher/storage"
)

// readForm reads a small body: a form as a browser posts it, or a JSON object
// of strings. Any other content type is refused, so that no foreign page can
// post it without asking first.
func readForm(r *http.Request) (fields map[string]string, jsonBody bool, err error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	fields = map[string]string{}
	switch kind {
	case "application/json":
		dec := json.NewDecoder(r.Body)
		if err := dec.Decode(&fields); err != nil {
			return nil, true, problem("invalid", "The body is not a JSON object of texts.").with(http.StatusBadRequest)
		}
		return fields, true, nil
	case "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			return nil, false, problem("invalid", "The form cannot be read.").with(http.StatusBadRequest)
		}
		for k, v := range r.PostForm {
			fields[k] = strings.Join(v, "\n")
		}
		return fields, false, nil
	}
	return nil, false, problem("invalid", "Post a form or JSON.").with(http.StatusUnsupportedMediaType)
}

func (s *Server) getLogin(w http.ResponseWriter, r *http.Request) {
	if who := caller(r.Context()); who != nil && !who.Half {
		http.Redirect(w, r, "/console", http.StatusSeeOther)
		return
	}
	s.page(w, r, http.StatusOK, web.PageLogin, s.loginPage(r, "", ""))
}

func (s *Server) loginPage(r *http.Request, email, sentence string) web.Login {
	return web.Login{Project: s.projectName(), Host: r.Host, Email: email, Error: sentence}
}

// next is the answer of a JSON log-in.
type next struct {
	Next     string   `json:"next"`
	Code     string   `json:"code,omitempty"` // second_factor: a code is still needed
	Secret   string   `json:"totp_secret,omitempty"`
	URL      string   `json:"totp_url,omitempty"`
	Recovery []string `json:"recovery_codes,omitempty"`
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// postLogin checks mail address and password. Unknown address, wrong password
// and disabled account take the same time and get the same answer.
func (s *Server) postLogin(w http.ResponseWriter, r *http.Request) {
	form, isJSON, err := readForm(r)
	if err != nil {
		s.writeProblem(w, r, err)
		return
	}
	email := form["email"]
	account, address := "account "+hex.EncodeToString(s.emailLookup(email)), "address "+s.clientIP(r)
	if wait := s.logins.wait(account, address); wait > 0 {
		s.refuseLogin(w, r, isJSON, email, tooMany(wait))
		return
	}
	u, err := s.checkLogin(r.Context(), email, form["password"])
	if err != nil {
		s.writeProblem(w, r, err)
		return
	}
	if u == nil {
		s.logins.failed(account, loginPerAccount)
		s.logins.failed(address, loginPerAddress)
		s.refuseLogin(w, r, isJSON, email, problem("login_required", "The e-mail or the password is not right."))
		return
	}
	half := s.needsSecond(u)
	if !half {
		s.logins.succeeded(account)
	}
	if err := s.openSession(w, r, u, half); err != nil {
		s.writeProblem(w, r, err)
		return
	}
	switch {
	case half && !u.secret.Confirmed:
		s.startEnrolment(w, r, isJSON, u)
	case half:
		s.goOn(w, r, isJSON, next{Next: "/login/second", Code: "second_factor"})
	default:
		s.goOn(w, r, isJSON, next{Next: "/console"})
	}
}

func tooMany(wait time.Duration) *Problem {
	return problem("rate_limited", "Too many tries. Wait a little, then try again.").after(seconds(wait))
}

// checkLogin gives the user, or nil when the two do not belong together.
func (s *Server) checkLogin(ctx context.Context, email, password string) (*User, error) {
	u, err := s.userByEmail(ctx, email)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, err
	}
	hash := ""
	if u != nil {
		hash = u.secret.Password
	}
	ok, err := s.hash.check(ctx, hash, cut(password, 1024))
	if err != nil || !ok || u.Disabled {
		return nil, err
	}
	return u, nil
}

func (s *Server) refuseLogin(w http.ResponseWriter, r *http.Request, isJSON bool, email string, p *Problem) {
	if isJSON {
		s.writeProblem(w, r, p)
		return
	}
	for k, v := range p.GetHeaders() {
		w.Header()[k] = v
	}
	s.page(w, r, p.Status, web.PageLogin, s.loginPage(r, email, p.Detail))
}

// goOn answers what was right: a page goes to the next one.
func (s *Server) goOn(w http.ResponseWriter, r *http.Request, isJSON bool, to next) {
	if isJSON {
		writeJSON(w, http.StatusOK, to)
		return
	}
	http.Redirect(w, r, to.Next, http.StatusSeeOther)
}

func (s *Server) postLogout(w http.ResponseWriter, r *http.Request) {
	s.closeSession(r)
	http.SetCookie(w, s.cookie(r, "", -1))
	if wantsPage(r) {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// getSecond asks for the code, or shows what to scan while no code has been right yet.
func (s *Server) getSecond(w http.ResponseWriter, r *http.Request) {
	who := caller(r.Context())
	if who == nil || !who.Half {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	u, err := s.userByID(r.Context(), who.ID)
	if err != nil {
		s.writeProblem(w, r, err)
		return
	}
	if !u.secret.Confirmed && u.secret.TOTP != "" {
		s.page(w, r, http.StatusOK, web.PageSetup, s.enrolPage(s.enrolment(u, nil), ""))
		return
	}
	s.page(w, r, http.StatusOK, web.PageLoginSecond, web.LoginSecond{Project: s.projectName(), Email: u.Email})
}

// postSecond checks a code of the authenticator or a recovery code.
func (s *Server) postSecond(w http.ResponseWriter, r *http.Request) {
	who := caller(r.Context())
	form, isJSON, err := readForm(r)
	switch {
	case err != nil:
	case who == nil:
		err = problem("login_required", "Log in with e-mail and password first.")
	}
	if err != nil {
		s.writeProblem(w, r, err)
		return
	}
	account, address := "second "+who.ID, "address "+s.clientIP(r)
	if wait := s.logins.wait(account, address); wait > 0 {
		s.refuseSecond(w, r, isJSON, who, tooMany(wait))
		return
	}
	u, err := s.userByID(r.Context(), who.ID)
	if err != nil {
		s.writeProblem(w, r, err)
		return
	}
	if !s.takeCode(u, form["code"]) {
		s.logins.failed(account, loginPerAccount)
		s.logins.failed(address, loginPerAddress)
		s.refuseSecond(w, r, isJSON, who, problem("second_factor", "That code is not right. Type the one shown now."))
		return
	}
	if err := s.saveUser(r.Context(), u); err != nil { // the code works once
		s.writeProblem(w, r, err)
		return
	}
	s.logins.succeeded(account)
	s.logins.succeeded("account " + hex.EncodeToString(s.emailLookup(u.Email)))
	if err := s.openSession(w, r, u, false); err != nil {
		s.writeProblem(w, r, err)
		return
	}
	s.goOn(w, r, isJSON, next{Next: "/console"})
}

func (s *Server) refuseSecond(w http.ResponseWriter, r *http.Request, isJSON bool, who *identity, p *Problem) {
	if isJSON {
		s.writeProblem(w, r, p)
		return
	}
	for k, v := range p.GetHeaders() {
		w.Header()[k] = v
	}
	u, err := s.userByID(r.Context(), who.ID)
	if err == nil && !u.secret.Confirmed && u.secret.TOTP != "" {
		s.page(w, r, p.Status, web.PageSetup, s.enrolPage(s.enrolment(u, nil), p.Detail))
		return
	}
	s.page(w, r, p.Status, web.PageLoginSecond, web.LoginSecond{Project: s.projectName(), Email: who.Email, Error: p.Detail})
}

// takeCode says whether a code is right and, when it is, spends it.
func (s *Server) takeCode(u *User, code string) bool {
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, strings.ToLower(code))
	if step, ok := totpStep(u.secret.TOTP, code, s.now()); ok && step > u.secret.LastStep {
		u.secret.LastStep, u.secret.Confirmed = step, true
		return true
	}
	want := hex.EncodeToString(hashSecret(code))
	for i, hash := range u.secret.Recovery {
		if subtle.ConstantTimeCompare([]byte(hash), []byte(want)) == 1 {
			u.secret.Recovery = append(u.secret.Recovery[:i:i], u.secret.Recovery[i+1:]...)
			u.secret.Confirmed = true
			return true
		}
	}
	return false
}

// enrolled is what a person needs to set up an authenticator; shown, never stored like this.
type enrolled struct {
	Secret, URL string
	Recovery    []string
}

// startEnrolment gives a user without confirmed second factor a secret and
// fresh recovery codes, and shows them.
func (s *Server) startEnrolment(w http.ResponseWriter, r *http.Request, isJSON bool, u *User) {
	if u.secret.TOTP == "" {
		u.secret.TOTP = newTOTPSecret()
	}
	codes := newRecovery(&u.secret)
	if err := s.saveUser(r.Context(), u); err != nil {
		s.writeProblem(w, r, err)
		return
	}
	s.showEnrolment(w, r, isJSON, http.StatusOK, s.enrolment(u, codes))
}

func (s *Server) showEnrolment(w http.ResponseWriter, r *http.Request, isJSON bool, status int, e enrolled) {
	if isJSON {
		writeJSON(w, status, next{Next: "/login/second", Code: "second_factor", Secret: e.Secret, URL: e.URL, Recovery: e.Recovery})
		return
	}
	s.page(w, r, http.StatusOK, web.PageSetup, s.enrolPage(e, ""))
}

func (s *Server) enrolment(u *User, codes []string) enrolled {
	label := s.projectName()
	q := url.Values{"secret": {u.secret.TOTP}, "issuer": {label}, "digits": {"6"}, "period": {"30"}, "algorithm": {"SHA1"}}
	link := "otpauth://totp/" + url.PathEscape(label+":"+u.Email) + "?" + q.Encode()
	return enrolled{Secret: u.secret.TOTP, URL: link, Recovery: codes}
}

func (s *Server) enrolPage(e enrolled, sentence string) web.Setup {
	page := web.Setup{Action: "/login/second", Project: s.projectName(), Listen: s.cfg.Listen,
		TOTPSecret: e.Secret, QR: qrImage(e.URL), Recovery: e.Recovery}
	if sentence != "" {
		page.Errors = map[string]string{"code": sentence}
	}
	return page
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
