package watch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"dispatcher/flows"
)

// Publishing is what staged sets, publishing and rolling back ask of the
// service. Every field but Held and Was is required.
type Publishing struct {
	Held bool        // the live set was rolled back to before this start
	Was  *StagedInfo // what was staged before this start
	Live SetInfo     // since when the live set runs; zero: since now

	// Tests runs the tests of a good set.
	Tests func(ctx context.Context, p *flows.Project) Tests
	// Plan says whom a set would move; nil: nobody, or it cannot be told.
	Plan func(ctx context.Context, p *flows.Project) (*flows.Plan, error)
	// Switch makes a set durable and swaps it in for a person: result is
	// published or rolled_back.
	Switch func(ctx context.Context, p *flows.Project, by, result string, held bool) error
	// Stage keeps a set that is not to go live by itself.
	Stage func(ctx context.Context, p *flows.Project, st StagedInfo) error
	// Unstage forgets what was staged, Discard gives it up for a person.
	Unstage func(ctx context.Context) error
	Discard func(ctx context.Context, by string) error
	// Seen notes a set that did not go live.
	Seen func(ctx context.Context, set, by, result string)
	// Revision loads a stored set by its id or the beginning of it.
	Revision func(ctx context.Context, set string) (*flows.Project, error)
	// Ran says whether a set was ever live.
	Ran func(ctx context.Context, set string) (bool, error)
}

// Results of Publishing.Switch.
const (
	Published  = "published"
	RolledBack = "rolled_back"
)

// Why a set is not made live.
var (
	ErrNothingStaged = errors.New("nothing is staged")
	ErrIsLive        = errors.New("this set is live already")
	ErrNeverRan      = errors.New("this set was never live: it can be published, not rolled back to")
	ErrNoPublishing  = errors.New("this service cannot publish")
)

// ErrTests: the tests of the set fail.
type ErrTests struct{ Tests Tests }

func (e *ErrTests) Error() string {
	return fmt.Sprintf("%d of %d tests fail", e.Tests.Failed, e.Tests.Failed+e.Tests.Passed)
}

// ErrChoice: people wait where the set leaves nothing (W501), and nobody has
// accepted that.
type ErrChoice struct{ Plan *flows.Plan }

func (e *ErrChoice) Error() string {
	var lines []string
	for _, d := range e.Plan.Problems {
		if d.Code == "W501" {
			lines = append(lines, d.Message)
		}
	}
	return strings.Join(lines, "; ")
}

// ErrBad: a stored set has errors by the rules of this version.
type ErrBad struct{ Project *flows.Project }

func (e *ErrBad) Error() string {
	return "this set has errors by the rules of this version: " + e.Project.Summary()
}

// Accept says what a person takes upon themselves.
type Accept struct {
	Choice bool // W501
	Tests  bool // failed tests
}

// remember takes up what was so before this start.
func (w *Watcher) remember(p Publishing) {
	if !p.Live.Since.IsZero() {
		w.status.Live.Since, w.status.Live.By = p.Live.Since, p.Live.By
	}
	w.status.Live.Held = p.Held
	w.status.Staged = p.Was
}

// unfinished says that a good set is in the folder and nothing came of it yet.
func (w *Watcher) unfinished() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status.Folder.State == Good && w.waiting == ""
}

// waits says whether a good set must be published by a person: the live set or
// the new one says reload: staged, or the live one is held.
func (w *Watcher) waits(p *flows.Project) bool {
	if w.cfg.Publishing == nil {
		return false
	}
	st := w.Status()
	return st.Live.Held || p.Config.Reload == "staged" || st.LiveProject != nil && st.LiveProject.Config.Reload == "staged"
}

// stage keeps a good set until a person publishes it, if its tests pass.
func (w *Watcher) stage(ctx context.Context, p *flows.Project, by, sum string, start time.Time) {
	pub, was := w.cfg.Publishing, w.Status().Staged
	info := StagedInfo{Set: p.SetID, Since: w.cfg.Now(), By: by, Result: Staged, Tests: pub.Tests(ctx, p)}
	switch {
	case was != nil && was.Set == p.SetID && was.Result == Discarded:
		info = *was
	case info.Tests.Failed > 0:
		info.Result = TestsFail
	}
	if was != nil && was.Set == info.Set && was.Result == info.Result {
		info.Since, info.By = was.Since, was.By
	} else if err := pub.Stage(ctx, p, info); err != nil {
		w.cfg.Logger.Error("flows are good but could not be staged", "set", short(p.SetID), "error", err.Error())
		w.fail(p.SetID, err)
		return
	}
	plan := w.plan(ctx, p)
	w.mu.Lock()
	w.rejected, w.waiting, w.staged = "", sum, p
	w.status.Staged, w.status.Plan, w.status.Problem = &info, plan, nil
	w.status.OK = info.Result != TestsFail
	w.status.Folder = FolderInfo{State: Good, Set: p.SetID, Detail: info.words()}
	w.mu.Unlock()
	w.sayStaged(info, plan)
	result := "ok"
	if info.Result == TestsFail {
		result = "rejected"
	}
	w.cfg.Reloaded(result, w.cfg.Now().Sub(start))
}

// words is a staged set's standing for people.
func (s StagedInfo) words() string {
	switch s.Result {
	case Discarded:
		return "discarded"
	case TestsFail:
		return (&ErrTests{s.Tests}).Error()
	}
	return "staged"
}

func (w *Watcher) sayStaged(info StagedInfo, plan *flows.Plan) {
	live := short(w.Status().Live.Set)
	switch info.Result {
	case Discarded:
		w.cfg.Logger.Info("flows are those that were discarded, "+live+" stays live", "set", short(info.Set))
	case TestsFail:
		w.cfg.Logger.Warn("flows not staged, "+live+" stays live: "+info.words(), "set", short(info.Set), "problems", info.Tests.Text)
	default:
		w.cfg.Logger.Info("flows staged, "+live+" stays live until somebody publishes", "set", short(info.Set), "by", info.By)
		w.sayPlan(plan)
	}
}

// sayPlan logs whom a set moves where something must be known of it.
func (w *Watcher) sayPlan(plan *flows.Plan) {
	if plan == nil || len(plan.Problems) == 0 {
		return
	}
	var b strings.Builder
	plan.WriteProblems(&b, false)
	w.cfg.Logger.Warn("this change moves conversations: "+plan.Summary(), "set", short(plan.To), "problems", strings.TrimLeft(b.String(), "\n"))
}

// plan asks whom a set moves; it is nothing to wait long for.
func (w *Watcher) plan(ctx context.Context, p *flows.Project) *flows.Plan {
	if w.cfg.Publishing == nil || !flows.Diff(w.Status().LiveProject, p).Concerns() {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	plan, err := w.cfg.Publishing.Plan(ctx, p)
	if err != nil {
		w.cfg.Logger.Warn("whom this change moves could not be counted", "set", short(p.SetID), "error", err.Error())
		return nil
	}
	return plan
}

// unstage forgets the set that waited: the folder is what is live again.
func (w *Watcher) unstage(ctx context.Context) {
	if w.cfg.Publishing == nil || w.Status().Staged == nil {
		return
	}
	if err := w.cfg.Publishing.Unstage(ctx); err != nil {
		w.cfg.Logger.Warn("the staged set could not be forgotten", "error", err.Error())
		return
	}
	w.mu.Lock()
	w.status.Staged, w.status.Plan, w.staged = nil, nil, nil
	w.mu.Unlock()
}

// Publish makes the staged set live; set "" is whichever is staged. Another
// stored set is made live as Rollback does, because the folder does not hold
// it; its tests are those that were stored with it.
func (w *Watcher) Publish(ctx context.Context, set, by string, ok Accept) (*flows.Plan, error) {
	if w.cfg.Publishing == nil {
		return nil, ErrNoPublishing
	}
	w.reload.Lock()
	defer w.reload.Unlock()
	st := w.Status()
	named := st.Staged != nil && set != "" && strings.HasPrefix(st.Staged.Set, strings.ToLower(set))
	if set != "" && !named {
		return w.older(ctx, set, by, Published, ok)
	}
	if st.Staged == nil || set == "" && st.Staged.Result == Discarded {
		return nil, ErrNothingStaged
	}
	if st.Staged.Result == TestsFail && !ok.Tests {
		return nil, &ErrTests{st.Staged.Tests}
	}
	p, err := w.stagedProject(ctx, st.Staged.Set)
	if err != nil {
		return nil, err
	}
	return w.become(ctx, p, by, Published, false, ok)
}

// stagedProject is the staged set, compiled.
func (w *Watcher) stagedProject(ctx context.Context, set string) (*flows.Project, error) {
	w.mu.Lock()
	p := w.staged
	w.mu.Unlock()
	if p != nil && p.SetID == set {
		return p, nil
	}
	return w.cfg.Publishing.Revision(ctx, set)
}

// Rollback makes an older stored set live and holds file changes until the
// next Publish.
func (w *Watcher) Rollback(ctx context.Context, set, by string, ok Accept) (*flows.Plan, error) {
	if w.cfg.Publishing == nil {
		return nil, ErrNoPublishing
	}
	w.reload.Lock()
	defer w.reload.Unlock()
	return w.older(ctx, set, by, RolledBack, ok)
}

func (w *Watcher) older(ctx context.Context, set, by, result string, ok Accept) (*flows.Plan, error) {
	p, err := w.cfg.Publishing.Revision(ctx, set)
	if err != nil {
		return nil, err
	}
	if p.SetID == w.Status().Live.Set {
		return nil, ErrIsLive
	}
	switch ran, err := w.cfg.Publishing.Ran(ctx, p.Files.SetID()); {
	case err != nil:
		return nil, err
	case !ran && result == RolledBack:
		return nil, ErrNeverRan
	}
	if result == Published && p.OK() && !ok.Tests { // rolling back is the way out of trouble: it never waits for tests
		if tests := w.cfg.Publishing.Tests(ctx, p); tests.Failed > 0 {
			return nil, &ErrTests{tests}
		}
	}
	return w.become(ctx, p, by, result, true, ok)
}

// become makes a set live for a person. Nothing changes when it fails.
func (w *Watcher) become(ctx context.Context, p *flows.Project, by, result string, held bool, ok Accept) (*flows.Plan, error) {
	start := w.cfg.Now()
	if !p.OK() {
		return nil, &ErrBad{p}
	}
	plan, err := w.cfg.Publishing.Plan(ctx, p)
	if err != nil {
		return nil, err
	}
	if plan.NeedsChoice() && !ok.Choice {
		return plan, &ErrChoice{plan}
	}
	if err := w.cfg.Publishing.Switch(ctx, p, by, result, held); err != nil {
		return plan, err
	}
	w.mu.Lock()
	before, rejected := w.status, w.rejected
	w.mu.Unlock()
	w.accept(p, SetInfo{By: by, Held: held}, p.Files.Sum(), plan, start)
	w.mu.Lock()
	if held && before.Staged != nil && before.Staged.Result == Discarded {
		w.status.Staged = before.Staged // its files are not staged again
	}
	if before.Folder.State == Rejected { // the same files are not refused again
		w.rejected = rejected
		w.status.Folder, w.status.Problem, w.status.OK = before.Folder, before.Problem, false
	}
	w.mu.Unlock()
	w.look(ctx, ByFile)
	return plan, nil
}

// Discard gives the staged set up; its files are not staged again.
func (w *Watcher) Discard(ctx context.Context, by string) error {
	if w.cfg.Publishing == nil {
		return ErrNoPublishing
	}
	w.reload.Lock()
	defer w.reload.Unlock()
	st := w.Status()
	if st.Staged == nil || st.Staged.Result == Discarded {
		return ErrNothingStaged
	}
	if err := w.cfg.Publishing.Discard(ctx, by); err != nil {
		return err
	}
	info := *st.Staged
	info.Result, info.By, info.Since = Discarded, by, w.cfg.Now()
	w.mu.Lock()
	w.status.Staged, w.status.Plan, w.status.OK = &info, nil, true
	if w.status.Folder.State == Good {
		w.status.Folder.Detail = info.words()
	}
	w.mu.Unlock()
	w.cfg.Logger.Info("staged flows discarded, "+short(st.Live.Set)+" stays live", "set", short(info.Set), "by", by)
	return nil
}
