package watch

import (
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
}

// FolderInfo says how the folder differs from the live set.
type FolderInfo struct {
	State  string `json:"state"`
	Set    string `json:"set,omitempty"`
	Detail string `json:"detail,omitempty"` // why it is missing, or could not go live
}

// Status is what a person should be shown.
type Status struct {
	Live   SetInfo    `json:"live"`
	Folder FolderInfo `json:"folder"`

	LiveProject *flows.Project `json:"-"`
	Problem     *flows.Project `json:"-"` // the rejected set; nil when there is none
	OK          bool           `json:"-"` // the last attempt succeeded
	LastGood    time.Time      `json:"-"` // when
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

func (w *Watcher) same(sum string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.good = sum
	if w.status.Folder.State != Same {
		w.cfg.Logger.Info("flows are as they were, nothing to change", "set", short(w.status.Live.Set))
	}
	w.rejected = ""
	w.status.OK, w.status.Problem = true, nil
	w.status.Folder = FolderInfo{State: Same, Set: w.status.Live.Set}
}

// reject keeps what is live. The id is that of the files: a set that could not
// even be parsed has none of its own.
func (w *Watcher) reject(id, sum string, p *flows.Project, start time.Time) {
	w.mu.Lock()
	w.rejected = sum
	w.status.OK, w.status.Problem = false, p
	w.status.Folder = FolderInfo{State: Rejected, Set: id}
	live := w.status.Live.Set
	w.mu.Unlock()
	w.cfg.Logger.Warn("flows rejected, "+short(live)+" stays live", "set", short(id), "problems", text(p))
	w.cfg.Reloaded("rejected", w.cfg.Now().Sub(start))
}

func (w *Watcher) accept(p *flows.Project, by, sum string, start time.Time) {
	now := w.cfg.Now()
	w.mu.Lock()
	w.good, w.rejected = sum, ""
	w.status = Status{
		Live: SetInfo{Set: p.SetID, Since: now, By: by}, Folder: FolderInfo{State: Same, Set: p.SetID},
		LiveProject: p, OK: true, LastGood: now,
	}
	w.mu.Unlock()
	w.cfg.Logger.Info("flows live", "set", short(p.SetID), "by", by, "took", now.Sub(start).Round(time.Millisecond).String())
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
