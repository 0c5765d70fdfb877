package server

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"dispatcher/channels"
	"dispatcher/flows/watch"
	"dispatcher/inbox"
	"dispatcher/server/web"
)

// pageRoutes are the pages for people.
func (s *Server) pageRoutes(e *echo.Echo) {
	e.GET("/", plain(s.landing))
	e.GET("/chat", plain(s.chat))
	e.GET("/widget.js", plain(s.widget))
	e.GET("/assets/:hash/:file", func(c echo.Context) error {
		s.asset(c.Response(), c.Request(), c.Param("hash"), c.Param("file"))
		return nil
	})
	e.GET("/setup", func(c echo.Context) error { s.getSetup(c.Response(), c.Request(), ""); return nil })
	e.GET("/setup/:token", func(c echo.Context) error { s.getSetup(c.Response(), c.Request(), c.Param("token")); return nil })
	e.POST("/setup/:token", func(c echo.Context) error {
		s.limitBody(c)
		s.postSetup(c.Response(), c.Request(), c.Param("token"))
		return nil
	})
	e.GET("/login", plain(s.getLogin))
	e.POST("/login", s.small(s.postLogin))
	e.GET("/login/second", plain(s.getSecond))
	e.POST("/login/second", s.small(s.postSecond))
	e.POST("/logout", s.small(s.postLogout))
	e.GET("/console", plain(s.console))
	e.GET("/console/*", plain(s.console))
	e.GET("/problems/:code", func(c echo.Context) error { s.problemHelp(c.Response(), c.Request(), c.Param("code")); return nil })
}

func (s *Server) limitBody(c echo.Context) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, 64<<10)
}

// small is a handler of a form.
func (s *Server) small(h http.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		s.limitBody(c)
		h(c.Response(), c.Request())
		return nil
	}
}

// page renders one page with the policy that belongs to it.
func (s *Server) page(w http.ResponseWriter, r *http.Request, status int, name string, data any, ancestors ...string) {
	var b strings.Builder
	if err := web.Render(&b, name, data); err != nil {
		p := problem("internal", "")
		p.cause = err
		s.logProblem(r, p)
		http.Error(w, "internal error "+p.Instance, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Security-Policy", web.Policy(name, ancestors...))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(b.String()))
}

func (s *Server) problemPage(w http.ResponseWriter, r *http.Request, p *Problem) {
	page := web.ProblemPage{Status: p.Status, Title: p.Title, Detail: p.Detail}
	if p.Status >= http.StatusInternalServerError {
		page.ID = p.Instance
	}
	if p.Code == "login_required" || p.Code == "second_factor" {
		page.Back, page.Label = "/login", "Log in"
	}
	s.page(w, r, p.Status, web.PageProblem, page)
}

// problemHelp is the page that a problem's type points at.
func (s *Server) problemHelp(w http.ResponseWriter, r *http.Request, name string) {
	c, ok := problemCodes[name]
	if !ok {
		s.writeProblem(w, r, problem("not_found", ""))
		return
	}
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		writeJSON(w, http.StatusOK, map[string]any{"code": name, "status": c.status, "title": c.title, "detail": c.help})
		return
	}
	s.page(w, r, http.StatusOK, web.PageProblem, web.ProblemPage{Status: c.status, Title: c.title, Detail: name + ": " + c.help})
}

func (s *Server) projectName() string {
	if p := s.cfg.Project(); p != nil && p.Name != "" {
		return p.Name
	}
	return "Dispatcher"
}

// demoChannel is the first web channel, "" when there is none.
func (s *Server) demoChannel() string {
	for _, a := range s.cfg.Inbox.Accounts() {
		if a.Kind == "web" {
			return a.Alias
		}
	}
	return ""
}

func (s *Server) landing(w http.ResponseWriter, r *http.Request) {
	has, err := s.hasAccounts(r.Context())
	if err != nil {
		s.writeProblem(w, r, err)
		return
	}
	page := web.Landing{Project: s.projectName(), Version: s.cfg.Version, Address: s.baseURL(), Loopback: s.cfg.Loopback, HasAccount: has, Problems: s.flowProblems()}
	page.People = s.cfg.Inbox.Staffing()
	for _, st := range s.cfg.Inbox.Outline() {
		page.Steps = append(page.Steps, web.Step{Name: st.Name, Says: st.Says, Asks: st.Asks, Ends: st.Ends})
	}
	if live := s.cfg.Project(); live != nil {
		page.Set, page.Flows, page.States = live.SetID, live.Counts.Flows, live.Counts.States
		page.Edit, page.Orders = s.firstFile(), s.readsOrders()
	}
	if s.cfg.Watch != nil {
		page.Since = s.cfg.Watch.Status().Live.Since
	}
	if s.demoChannel() != "" {
		page.Chat = "/chat"
	}
	s.page(w, r, http.StatusOK, web.PageLanding, page)
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	alias := s.demoChannel()
	if q := r.URL.Query().Get("channel"); q != "" {
		if a, ok := s.account(q); ok && a.Kind == "web" {
			alias = q
		} else {
			alias = ""
		}
	}
	if alias == "" {
		s.writeProblem(w, r, problem("not_found", "This project has no web channel."))
		return
	}
	s.page(w, r, http.StatusOK, web.PageChat, web.Chat{Channel: alias, Project: s.projectName(), Edit: s.firstFile(), Orders: s.readsOrders()})
}

// firstFile is the file of the flow that a conversation begins with: the one
// to change for whoever wants to see a change at once. "" while nothing is live.
func (s *Server) firstFile() string {
	live := s.cfg.Project()
	if live == nil || live.Set == nil || len(live.Set.Start) == 0 {
		return ""
	}
	last := live.Set.Start[len(live.Set.Start)-1] // the one without a condition
	if f := live.Set.Flows[last.Flow]; f != nil {
		return f.At.File
	}
	return ""
}

// readsOrders says whether the live set knows the order numbers of the example
// shop, whatever its files are called.
func (s *Server) readsOrders() bool {
	live := s.cfg.Project()
	if live == nil || live.Set == nil {
		return false
	}
	slot := live.Set.Slots["order_number"]
	return slot != nil && slot.Example == "AB123456"
}

func (s *Server) framePage(w http.ResponseWriter, r *http.Request, acct *inbox.Account) {
	var origins []string
	if o, ok := acct.Adapter.(channels.Originer); ok {
		origins = o.Origins()
	}
	_, button := s.cfg.Inbox.Host().Live(r.Context(), acct.Alias)
	page := web.Frame{Channel: acct.Alias, Title: s.projectName(), Hours: button, Origins: strings.Join(origins, " ")}
	s.page(w, r, http.StatusOK, web.PageFrame, page, origins...)
}

// widget is the loader that other sites embed: its address never changes, so
// it is asked for again every few minutes.
func (s *Server) widget(w http.ResponseWriter, r *http.Request) {
	data, kind, ok := web.Asset("widget.js")
	if !ok {
		s.writeProblem(w, r, problem("not_found", ""))
		return
	}
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	w.Header().Set("Cache-Control", "public, max-age=300")
	writeAsset(w, data, kind)
}

// asset is cached for ever below the present hash; below any other it is gone.
func (s *Server) asset(w http.ResponseWriter, r *http.Request, hash, file string) {
	data, kind, ok := web.Asset(file)
	if !ok || web.URL(file) != "/assets/"+hash+"/"+file {
		s.writeProblem(w, r, problem("not_found", ""))
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	writeAsset(w, data, kind)
}

func writeAsset(w http.ResponseWriter, data []byte, kind string) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(data)
}

// console is the shell; everything in it comes from the API.
func (s *Server) console(w http.ResponseWriter, r *http.Request) {
	who := caller(r.Context())
	switch {
	case who == nil || who.Token:
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	case who.Half:
		http.Redirect(w, r, "/login/second", http.StatusSeeOther)
		return
	case allowed(who, permRead) == no:
		s.writeProblem(w, r, problem("forbidden", "The inbox is for agents, leads and admins."))
		return
	}
	u, err := s.userByID(r.Context(), who.ID)
	if err != nil {
		s.writeProblem(w, r, err)
		return
	}
	page := web.Console{
		Me:      web.Me{ID: u.ID, Name: u.Name, Email: u.Email, Role: u.Role},
		Project: s.projectName(), Version: s.cfg.Version, Paused: s.pausedSentence(r), Degraded: s.degraded(r.Context()),
		SecondFactor: u.Role != "admin" || u.secret.TOTP != "", Problems: s.flowProblems(), Demo: s.demoChannel() != "",
	}
	if s.cfg.Watch != nil {
		page.Rejected = s.cfg.Watch.Status().Folder.State == watch.Rejected
	}
	s.page(w, r, http.StatusOK, web.PageConsole, page)
}

// pausedSentence says who stopped the assistant everywhere; "" = it answers.
func (s *Server) pausedSentence(r *http.Request) string {
	on, ok := s.cfg.Inbox.Switches()[inbox.ScopeAll]
	if !ok {
		return ""
	}
	return "Assistant paused by " + s.nameOf(r.Context(), on.By).Name + " at " + on.Since.Format("15:04") + "."
}

// flowProblems are the errors and warnings that a person should see: those of
// the rejected set while there is one, else those of the live set.
func (s *Server) flowProblems() []web.Problem {
	p := s.cfg.Project()
	if s.cfg.Watch != nil {
		if bad := s.cfg.Watch.Status().Problem; bad != nil {
			p = bad
		}
	}
	out := []web.Problem{}
	if p == nil {
		return out
	}
	for _, d := range p.Diagnostics {
		out = append(out, web.Problem{File: d.Range.File, Line: d.Range.Line, Column: d.Range.Column, Severity: d.Severity, Code: d.Code, Message: d.Message, Hint: d.Hint})
	}
	return out
}
