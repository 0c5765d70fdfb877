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

	"dispatcher/flows"
	"dispatcher/flows/watch"
	"dispatcher/inbox"
	"dispatcher/storage"
)

// RevisionView is one set that was ever seen.
type RevisionView struct {
	ID      string         `json:"id"`  // set id
	Set     string         `json:"set"` // the same
	Since   time.Time      `json:"since"`
	By      string         `json:"by"`
	ByName  string         `json:"by_name"`
	Result  string         `json:"result"` // what became of it last
	Live    bool           `json:"live"`
	Staged  bool           `json:"staged"`
	Held    bool           `json:"held,omitempty"`
	Open    int64          `json:"open"` // conversations with the assistant that last ran on it
	Tests   *watch.Tests   `json:"tests,omitempty"`
	History []revisionLine `json:"history"` // newest first
}

// revisionLine is one thing that became of a set.
type revisionLine struct {
	Since  time.Time `json:"since"`
	By     string    `json:"by"`
	ByName string    `json:"by_name"`
	Result string    `json:"result"` // live published rolled_back staged tests_failed discarded rejected
}

// revisionDetail is a revision with its sources.
type revisionDetail struct {
	RevisionView
	Summary string            `json:"summary"` // as the last line of check
	Files   map[string]string `json:"files"`
	Media   map[string]string `json:"media"` // path → SHA-256, hex
}

// planView is what `plan --format json` prints; its shape is the flow language's own.
type planView = map[string]any

// diffView says what one set changes of another.
type diffView struct {
	From  string             `json:"from"`
	To    string             `json:"to"`
	Words []flows.Difference `json:"words"`
	Text  string             `json:"text"`
}

func (s *Server) revisionRoutes(api huma.API) {
	handle(s, api, operation{method: "GET", path: "/revisions", id: "revisions", summary: "Every set that was seen, and what became of it", tag: "flows", perm: permFlows}, s.revisions)
	handle(s, api, operation{method: "GET", path: "/revisions/{id}", id: "revision", summary: "One set with its files", tag: "flows", perm: permFlows}, s.revision)
	handle(s, api, operation{method: "GET", path: "/revisions/{id}/diff", id: "revision-diff", summary: "What it changes, in words and as text", tag: "flows", perm: permFlows}, s.revisionDiff)
	handle(s, api, operation{method: "POST", path: "/revisions/{id}/plan", id: "revision-plan", summary: "Whom it would move if it went live now", tag: "flows", perm: permFlows, large: true}, s.revisionPlan)
	handle(s, api, operation{method: "POST", path: "/revisions/{id}/activate", id: "revision-activate", summary: "Publish it", tag: "flows", perm: permActivate}, s.activate)
	handle(s, api, operation{method: "POST", path: "/revisions/{id}/rollback", id: "revision-rollback", summary: "Make it live again and hold file changes", tag: "flows", perm: permActivate}, s.rollback)
	handle(s, api, operation{method: "POST", path: "/revisions/{id}/discard", id: "revision-discard", summary: "Give the staged set up", tag: "flows", perm: permActivate}, s.discard)
}

// allRevisions lists every set, the one that was touched last first.
func (s *Server) allRevisions(ctx context.Context) ([]*RevisionView, error) {
	history, err := s.cfg.Inbox.History(ctx)
	if err != nil {
		return nil, err
	}
	open, err := s.positions(ctx)
	if err != nil {
		return nil, err
	}
	var all []*RevisionView
	bySet := map[string]*RevisionView{}
	for _, l := range history {
		line := revisionLine{Since: l.Since, By: l.By, ByName: s.nameOf(ctx, l.By).Name, Result: l.Result}
		v := bySet[l.Set]
		if v == nil {
			v = &RevisionView{ID: l.Set, Set: l.Set, Since: line.Since, By: line.By, ByName: line.ByName, Result: line.Result}
			if len(l.Set) >= 32 {
				v.Open = open[l.Set[:32]]
			}
			bySet[l.Set], all = v, append(all, v)
		}
		v.History = append(v.History, line)
	}
	live, err := s.cfg.Inbox.LiveSince(ctx)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, err
	}
	if v := bySet[live.Set]; v != nil {
		v.Live, v.Held = true, live.Held
	}
	staged, err := s.cfg.Inbox.Staged(ctx)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, err
	}
	if v := bySet[staged.Set]; v != nil {
		v.Staged = staged.Result == inbox.ResultStaged
		v.Tests = &watch.Tests{Passed: staged.Tests.Passed, Failed: staged.Tests.Failed, Text: staged.Tests.Text}
	}
	return all, nil
}

type revisionsInput struct {
	ListInput
}

func (s *Server) revisions(ctx context.Context, who *identity, in *revisionsInput) (*body[items[*RevisionView]], error) {
	all, err := s.allRevisions(ctx)
	if err != nil {
		return nil, err
	}
	from, err := s.openCursor(in.Cursor, who.ID, "revisions")
	if err != nil {
		return nil, err
	}
	start := 0
	if from != "" {
		start = slices.IndexFunc(all, func(r *RevisionView) bool { return r.ID == from }) + 1
	}
	out := items[*RevisionView]{Items: orEmpty(all[start:])}
	if len(out.Items) > in.Limit {
		out.Items = out.Items[:in.Limit]
		out.NextCursor = s.sealCursor(out.Items[in.Limit-1].ID, who.ID, "revisions")
	}
	return &body[items[*RevisionView]]{Body: out}, nil
}

type revisionInput struct {
	ID string `path:"id" maxLength:"64" doc:"Set id, or at least four characters of its beginning."`
}

// project loads a set by its id: the live one, the folder's, or a stored one.
func (s *Server) project(ctx context.Context, id string) (*flows.Project, error) {
	id = strings.ToLower(id)
	if live := s.cfg.Project(); live != nil && len(id) >= 4 && strings.HasPrefix(live.SetID, id) {
		return live, nil
	}
	p, err := s.cfg.Inbox.Revision(ctx, id)
	return p, revisionProblem(err)
}

func (s *Server) revision(ctx context.Context, _ *identity, in *revisionInput) (*body[revisionDetail], error) {
	p, err := s.project(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	v := revisionDetail{Summary: p.Summary(), Files: map[string]string{}, Media: map[string]string{}}
	for path, data := range p.Files.Data {
		v.Files[path] = string(data)
	}
	for path, sum := range p.Files.Media {
		v.Media[path] = hex.EncodeToString(sum[:])
	}
	all, err := s.allRevisions(ctx)
	if err != nil {
		return nil, err
	}
	id := p.Files.SetID()
	v.RevisionView = RevisionView{ID: id, Set: id, History: []revisionLine{}}
	if i := slices.IndexFunc(all, func(r *RevisionView) bool { return r.Set == id }); i >= 0 {
		v.RevisionView = *all[i]
	}
	return &body[revisionDetail]{Body: v}, nil
}

type revisionDiffInput struct {
	ID   string `path:"id" maxLength:"64" doc:"Set id, or at least four characters of its beginning."`
	From string `query:"from" maxLength:"64" doc:"Compare with this set; where it is left out with the live one, and the live one with the one before."`
}

func (s *Server) revisionDiff(ctx context.Context, _ *identity, in *revisionDiffInput) (*body[diffView], error) {
	to, err := s.project(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	from := s.cfg.Project()
	switch {
	case in.From != "":
		from, err = s.project(ctx, in.From)
	case from != nil && from.SetID == to.SetID:
		from, err = s.before(ctx, to)
	}
	if err != nil {
		return nil, err
	}
	v := diffView{From: from.Files.SetID(), To: to.Files.SetID(), Words: flows.Diff(from, to).Changes, Text: flows.Texts(from.Files, to.Files)}
	return &body[diffView]{Body: v}, nil
}

// before is the set that was live before another; that one itself where there is none.
func (s *Server) before(ctx context.Context, p *flows.Project) (*flows.Project, error) {
	history, err := s.cfg.Inbox.History(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range history {
		if ran := l.Result == inbox.ResultLive || l.Result == inbox.ResultPublished || l.Result == inbox.ResultRolledBack; ran && l.Set != p.SetID {
			return s.project(ctx, l.Set)
		}
	}
	return p, nil
}

type revisionPlanInput struct {
	ID   string `path:"id" maxLength:"64" doc:"Set id, or at least four characters of its beginning."`
	Body *struct {
		Files map[string]string `json:"files,omitempty" doc:"The files of a set that this server has not seen, by path."`
		Media map[string]string `json:"media,omitempty" doc:"SHA-256 of its media, hex, by path."`
	}
}

func (s *Server) revisionPlan(ctx context.Context, _ *identity, in *revisionPlanInput) (*body[planView], error) {
	var files, media map[string]string
	if in.Body != nil {
		files, media = in.Body.Files, in.Body.Media
	}
	p, err := s.planned(ctx, in.ID, files, media)
	if err != nil {
		return nil, err
	}
	if !p.OK() {
		return nil, badSet(p)
	}
	if s.cfg.Project() == nil {
		return nil, problem("not_found", "Nothing is live yet.")
	}
	plan, err := s.cfg.Inbox.PlanFrom(ctx, s.cfg.Project(), p)
	if err != nil {
		return nil, err
	}
	return answer(jsonObject(plan.JSON()))
}

// planned is the set a plan is about: a known one, or one that comes with its files.
func (s *Server) planned(ctx context.Context, id string, sent, media map[string]string) (*flows.Project, error) {
	if len(sent) == 0 {
		return s.project(ctx, id)
	}
	files := &flows.Files{Name: "project", Data: map[string][]byte{}, Media: map[string][32]byte{}}
	if live := s.cfg.Project(); live != nil {
		files.Name = live.Files.Name
	}
	for path, text := range sent {
		files.Data[path] = []byte(text)
	}
	for path, sum := range media {
		raw, err := hex.DecodeString(sum)
		if err != nil || len(raw) != 32 {
			return nil, invalid("media", "holds the SHA-256 of each file as 64 hex digits")
		}
		files.Media[path] = [32]byte(raw)
	}
	if !strings.HasPrefix(files.SetID(), strings.ToLower(id)) {
		return nil, invalid("files", "make another set: "+files.SetID())
	}
	return s.cfg.Inbox.Compile(files), nil
}

type switchInput struct {
	ID   string `path:"id" maxLength:"64" doc:"Set id, or at least four characters of its beginning."`
	Body *struct {
		Yes           bool `json:"yes,omitempty" doc:"Accept W501: people wait in a state that this set removes."`
		OverrideTests bool `json:"override_tests,omitempty" doc:"Publish although its tests fail; leads and admins only."`
	}
}

func (in *switchInput) accept(who *identity) (watch.Accept, error) {
	var ok watch.Accept
	if in.Body != nil {
		ok = watch.Accept{Choice: in.Body.Yes, Tests: in.Body.OverrideTests}
	}
	if ok.Tests && who.Role != "lead" && who.Role != "admin" {
		return ok, problem("forbidden", "Only a lead or an admin publishes over failed tests.")
	}
	return ok, nil
}

func (s *Server) activate(ctx context.Context, who *identity, in *switchInput) (*body[flowsView], error) {
	return s.switchTo(ctx, who, in, "flow.activated", func(w *watch.Watcher, ok watch.Accept) (*flows.Plan, error) {
		return w.Publish(ctx, in.ID, who.ID, ok)
	})
}

func (s *Server) rollback(ctx context.Context, who *identity, in *switchInput) (*body[flowsView], error) {
	return s.switchTo(ctx, who, in, "flow.rolled_back", func(w *watch.Watcher, ok watch.Accept) (*flows.Plan, error) {
		return w.Rollback(ctx, in.ID, who.ID, ok)
	})
}

func (s *Server) switchTo(ctx context.Context, who *identity, in *switchInput, kind string, do func(*watch.Watcher, watch.Accept) (*flows.Plan, error)) (*body[flowsView], error) {
	if s.cfg.Watch == nil {
		return nil, problem("not_found", "")
	}
	if len(in.ID) < 4 {
		return nil, problem("not_found", "")
	}
	ok, err := in.accept(who)
	if err != nil {
		return nil, err
	}
	plan, err := do(s.cfg.Watch, ok)
	if err != nil {
		return nil, revisionProblem(err)
	}
	s.hub.announce(kind)
	v, err := s.flowsView(ctx)
	if err != nil {
		return nil, err
	}
	v.Plan, err = jsonObject(plan.JSON())
	return answer(v, err)
}

func (s *Server) discard(ctx context.Context, who *identity, in *revisionInput) (*body[flowsView], error) {
	if s.cfg.Watch == nil {
		return nil, problem("not_found", "")
	}
	st := s.cfg.Watch.Status().Staged
	if st == nil || len(in.ID) < 4 || !strings.HasPrefix(st.Set, strings.ToLower(in.ID)) {
		if _, err := s.project(ctx, in.ID); err != nil {
			return nil, err
		}
		return nil, revisionProblem(watch.ErrNothingStaged)
	}
	if err := s.cfg.Watch.Discard(ctx, who.ID); err != nil {
		return nil, revisionProblem(err)
	}
	s.hub.announce("flows.changed")
	return answer(s.flowsView(ctx))
}

// revisionProblem words why a set was not made live.
func revisionProblem(err error) error {
	var choice *watch.ErrChoice
	var tests *watch.ErrTests
	var bad *watch.ErrBad
	switch {
	case err == nil:
		return nil
	case errors.Is(err, inbox.ErrUnknownSet):
		return problem("not_found", "")
	case errors.Is(err, watch.ErrIsLive), errors.Is(err, watch.ErrNeverRan), errors.Is(err, watch.ErrNothingStaged), errors.Is(err, watch.ErrNoPublishing):
		return problem("invalid", sentence(err.Error())).with(409)
	case errors.As(err, &choice):
		p := problem("invalid", sentence(choice.Error())+" Repeat the request with yes to accept it.").with(409)
		for _, d := range choice.Plan.Problems {
			p.Errors = append(p.Errors, FieldError{Location: "yes", Message: d.Code + ": " + d.Message})
		}
		p.facts = map[string]any{"plan": json.RawMessage(choice.Plan.JSON())}
		return p
	case errors.As(err, &tests):
		p := problem("invalid", sentence(tests.Error())).with(409)
		p.Errors = []FieldError{{Location: "override_tests", Message: tests.Tests.Text}}
		return p
	case errors.As(err, &bad):
		return badSet(bad.Project)
	}
	return err
}

// badSet refuses a set with errors, naming each.
func badSet(set *flows.Project) *Problem {
	p := problem("invalid", "This set has errors.")
	for _, d := range set.Diagnostics {
		if d.Severity == "error" {
			p.Errors = append(p.Errors, FieldError{Location: d.Range.File, Message: d.Code + ": " + d.Message})
		}
	}
	return p
}

// sentence makes one of an error's words.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
