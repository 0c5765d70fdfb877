package watch

import (
	"context"
	"strings"
	"time"

	"dispatcher/flows"
)

// States of the folder beside the live set.
const (
	Same     = "same"     // the folder is what runs
	Good     = "good"     // newer and good, not live yet
	Rejected = "rejected" // newer, with errors
	Missing  = "missing"  // gone, empty or unreadable
)

// SetInfo names the live set.
type SetInfo struct {
	Set   string    `json:"set"`
	Since time.Time `json:"since"`
	By    string    `json:"by"`
	Held  bool      `json:"held,omitempty"` // rolled back to: file changes wait for the next publish
}

// Results of a set that does not go live by itself.
const (
	Staged    = "staged"       // its tests pass; it waits to be published
	TestsFail = "tests_failed" // its tests keep it from being staged
	Discarded = "discarded"    // a person gave it up; its files are not staged again
)

// StagedInfo names the newest good set of the folder that is not live.
type StagedInfo struct {
	Set    string    `json:"set"`
	Since  time.Time `json:"since"`
	By     string    `json:"by"`
	Result string    `json:"result"`
	Tests  Tests     `json:"tests"`
}

// Tests says how the tests of a set went; Text is what `dispatcher test` would
// print of the failed ones.
type Tests struct {
	Passed int    `json:"passed"`
	Failed int    `json:"failed"`
	Text   string `json:"text,omitempty"`
}

// FolderInfo says how the folder differs from the live set.
type FolderInfo struct {
	State  string `json:"state"`
	Set    string `json:"set,omitempty"`
	Detail string `json:"detail,omitempty"` // why it is missing, or could not go live
}

// Status is what a person should be shown.
type Status struct {
	Live   SetInfo     `json:"live"`
	Folder FolderInfo  `json:"folder"`
	Staged *StagedInfo `json:"staged,omitempty"`

	LiveProject *flows.Project `json:"-"`
	Problem     *flows.Project `json:"-"` // the rejected set; nil when there is none
	OK          bool           `json:"-"` // the last attempt succeeded
	LastGood    time.Time      `json:"-"` // when
	Plan        *flows.Plan    `json:"-"` // of the set that went live or was staged last; nil = it moves nobody
}

// Status returns what is live and what the folder holds.
func (w *Watcher) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}

// known says whether files are those of the live set or those refused last; "" = neither.
func (w *Watcher) known(sum string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch sum {
	case "":
		return ""
	case w.good:
		return Same
	case w.rejected:
		return Rejected
	case w.waiting:
		return Good
	}
	return ""
}

// note sets the folder's side at start.
func (w *Watcher) note(folder *flows.Project, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status.OK, w.status.LastGood = true, w.status.Live.Since
	switch {
	case folder == nil:
		w.status.OK = false
		w.status.Folder = FolderInfo{State: Missing}
		if err != nil {
			w.status.Folder.Detail = err.Error()
		}
	case folder.OK() && folder.SetID != w.status.Live.Set:
		w.status.Folder = FolderInfo{State: Good, Set: folder.SetID}
	case folder.OK():
		w.good = folder.Files.Sum()
		w.status.Folder = FolderInfo{State: Same, Set: folder.SetID}
	default:
		w.status.OK = false
		w.rejected = folder.Files.Sum()
		w.status.Folder = FolderInfo{State: Rejected, Set: folder.Files.SetID()}
		w.status.Problem = folder
	}
}

func (w *Watcher) same(ctx context.Context, sum string) {
	w.unstage(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.good = sum
	if w.status.Folder.State != Same {
		w.cfg.Logger.Info("flows are as they were, nothing to change", "set", short(w.status.Live.Set))
	}
	w.rejected, w.waiting = "", ""
	w.status.OK, w.status.Problem = true, nil
	w.status.Folder = FolderInfo{State: Same, Set: w.status.Live.Set}
}

// reject keeps what is live. The id is that of the files: a set that could not
// even be parsed has none of its own.
func (w *Watcher) reject(ctx context.Context, id, sum string, p *flows.Project, start time.Time) {
	if pub := w.cfg.Publishing; pub != nil && p.SetID != "" {
		pub.Seen(ctx, id, ByFile, Rejected)
	}
	w.mu.Lock()
	w.rejected, w.waiting = sum, ""
	w.status.OK, w.status.Problem = false, p
	w.status.Folder = FolderInfo{State: Rejected, Set: id}
	live := w.status.Live.Set
	w.mu.Unlock()
	w.cfg.Logger.Warn("flows rejected, "+short(live)+" stays live", "set", short(id), "problems", text(p))
	w.cfg.Reloaded("rejected", w.cfg.Now().Sub(start))
}

// accept says what is live now. who names by whom, and whether it is held.
func (w *Watcher) accept(p *flows.Project, who SetInfo, sum string, plan *flows.Plan, start time.Time) {
	now := w.cfg.Now()
	w.mu.Lock()
	was := w.status.LiveProject
	w.good, w.rejected, w.waiting, w.staged = sum, "", "", nil
	who.Set, who.Since = p.SetID, now
	w.status = Status{Live: who, Folder: FolderInfo{State: Same, Set: p.SetID}, LiveProject: p, OK: true, LastGood: now, Plan: plan}
	w.mu.Unlock()
	w.cfg.Logger.Info("flows live", "set", short(p.SetID), "by", who.By, "took", now.Sub(start).Round(time.Millisecond).String())
	w.sayPlan(plan)
	if keys := flows.NeedRestart(was, p); len(keys) > 0 {
		w.cfg.Logger.Warn("dispatcher.yaml: "+strings.Join(keys, ", ")+" changed; that takes effect after a restart", "set", short(p.SetID))
	}
	w.cfg.Reloaded("ok", now.Sub(start))
}

// fail keeps a good set that could not be made durable; the next look tries again.
func (w *Watcher) fail(id string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status.OK = false
	w.status.Folder = FolderInfo{State: Good, Set: id, Detail: err.Error()}
}

func (w *Watcher) unreadable(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.status.Folder.State != Missing {
		w.cfg.Logger.Warn("the flow folder cannot be read, "+short(w.status.Live.Set)+" stays live", "error", err.Error())
	}
	w.rejected = ""
	w.status.OK, w.status.Problem = false, nil
	w.status.Folder = FolderInfo{State: Missing, Detail: err.Error()}
}

// text is what `check` would print.
func text(p *flows.Project) string {
	var b strings.Builder
	p.WriteText(&b, false)
	return b.String()
}

// short is how a set id is shown to people.
func short(id string) string {
	if len(id) > 8 {
		return id[:8]
	}
	return id
}
