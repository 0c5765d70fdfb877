// Package watch turns a folder into an always-good flow set. It promises that
// whatever way a file is saved, the running set changes exactly once and to
// exactly what the folder says; that a set with an error changes nothing; and
// that a folder which vanishes takes nothing with it. File events are only
// hints: every decision is made on the bytes themselves, read twice.
package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"dispatcher/flows"
)

// Config says what to watch and what to do with a good set.
type Config struct {
	Root string // project folder, absolute
	Name string // its name; shown where dispatcher.yaml gives none

	// Load is the same call as `dispatcher check`.
	Load func(*flows.Files) *flows.Project
	// Live makes a good set durable and swaps it in. It is called with one
	// set at a time; an error leaves the live set as it was.
	Live func(ctx context.Context, p *flows.Project, by string) error
	// Publishing is what staged sets, publishing and rolling back need; nil:
	// every good set goes live at once.
	Publishing *Publishing
	// Reloaded is told what became of every attempt: ok or rejected.
	Reloaded func(result string, took time.Duration)

	Logger *slog.Logger
	Now    func() time.Time

	Quiet    time.Duration // no event for so long; 0 = 80 ms
	MaxQuiet time.Duration // but not longer than this; 0 = 1 s
	Settle   time.Duration // between the two readings that must agree; 0 = 30 ms
	Poll     time.Duration // floor under lost events; 0 = 2 s
}

// Who changed the set, in the words of the history.
const (
	ByStart  = "start"
	ByFile   = "file change"
	ByReload = "reload"
)

// Watcher keeps one project live.
type Watcher struct {
	cfg  Config
	kick chan string // who asks; buffered, one is enough

	reload sync.Mutex // one attempt at a time

	mu       sync.Mutex
	status   Status
	good     string // sum of the files of the live set
	rejected string // sum of the files that were refused last
	waiting  string // sum of the files that wait to be published, or may not be
	staged   *flows.Project
}

// New returns a watcher whose live set is already running. folder is what the
// folder held at start: the live set itself, the one that was rejected, or a
// good one that waits.
func New(cfg Config, live, folder *flows.Project) *Watcher {
	setDefault(&cfg.Quiet, 80*time.Millisecond)
	setDefault(&cfg.MaxQuiet, time.Second)
	setDefault(&cfg.Settle, 30*time.Millisecond)
	setDefault(&cfg.Poll, 2*time.Second)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Reloaded == nil {
		cfg.Reloaded = func(string, time.Duration) {}
	}
	w := &Watcher{cfg: cfg, kick: make(chan string, 1)}
	w.status.Live = SetInfo{Set: live.SetID, Since: cfg.Now(), By: ByStart}
	w.status.LiveProject = live
	if cfg.Publishing != nil {
		w.remember(*cfg.Publishing)
	}
	w.note(folder, nil)
	return w
}

func setDefault(d *time.Duration, v time.Duration) {
	if *d == 0 {
		*d = v
	}
}

// Kick asks for a look at the folder soon, as an event would.
func (w *Watcher) Kick() {
	select {
	case w.kick <- ByReload:
	default:
	}
}

// Run watches until ctx ends. It returns an error only when file events are
// not to be had at all; it then has polled until ctx ended.
func (w *Watcher) Run(ctx context.Context) error {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		w.cfg.Logger.Warn("file events are not available, looking every few seconds instead", "error", err.Error())
		w.poll(ctx)
		return fmt.Errorf("watch %s: %w", w.cfg.Name, err)
	}
	lost := w.lost(fs)
	defer func() { _ = fs.Close(); <-lost }()
	dirs := &watched{fs: fs, root: w.cfg.Root}
	dirs.refresh()
	tick := time.NewTicker(w.cfg.Poll)
	defer tick.Stop()
	var last fingerprint
	for {
		by, changed := ByFile, true
		select {
		case <-ctx.Done():
			return nil
		case by = <-w.kick:
		case ev := <-fs.Events:
			if !dirs.concerns(ev) {
				continue
			}
			w.untilQuiet(ctx, dirs)
		case <-tick.C:
			now := fingerprintOf(w.cfg.Root)
			changed = now != last || w.unfinished()
			last = now
		}
		if changed {
			dirs.refresh()
			w.attempt(ctx, by)
			dirs.refresh()
		}
	}
}

// lost takes the errors of file events and asks for a look instead, until the
// watcher is closed. It is a goroutine of its own because fsnotify sends some
// errors (a watched folder that was moved and deleted) while it holds the lock
// that Add and Remove need: whoever calls those must not be the only reader.
func (w *Watcher) lost(fs *fsnotify.Watcher) (ended <-chan struct{}) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for err := range fs.Errors {
			w.cfg.Logger.Debug("file events were lost", "error", err.Error())
			select {
			case w.kick <- ByFile:
			default:
			}
		}
	}()
	return done
}

// untilQuiet waits until nothing has happened for Quiet, at most MaxQuiet.
func (w *Watcher) untilQuiet(ctx context.Context, dirs *watched) {
	limit := time.NewTimer(w.cfg.MaxQuiet)
	defer limit.Stop()
	quiet := time.NewTimer(w.cfg.Quiet)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-limit.C:
			return
		case <-quiet.C:
			if !dirs.told() {
				return
			}
			quiet.Reset(w.cfg.Quiet) // something had happened, and a busy machine was late to say so
		case ev := <-dirs.fs.Events:
			if dirs.concerns(ev) {
				quiet.Reset(w.cfg.Quiet)
			}
		}
	}
}

func (w *Watcher) poll(ctx context.Context) {
	tick := time.NewTicker(w.cfg.Poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case by := <-w.kick:
			w.attempt(ctx, by)
		case <-tick.C:
			w.attempt(ctx, ByFile)
		}
	}
}

// Reload looks at the folder now and returns what came of it.
func (w *Watcher) Reload(ctx context.Context) Status {
	w.attempt(ctx, ByReload)
	return w.Status()
}

// attempt brings the live set to what the folder holds, or says why not.
func (w *Watcher) attempt(ctx context.Context, by string) {
	w.reload.Lock()
	defer w.reload.Unlock()
	w.look(ctx, by)
}

// look is attempt for whoever holds the lock.
func (w *Watcher) look(ctx context.Context, by string) {
	start := w.cfg.Now()
	files, sum, err := w.settled(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		w.unreadable(err)
		return
	}
	switch w.known(sum) {
	case Same:
		w.same(ctx, sum)
		return
	case Rejected, Good:
		return
	}
	project := w.cfg.Load(files)
	switch {
	case !project.OK():
		w.reject(ctx, files.SetID(), sum, project, start)
		return
	case w.Status().Live.Set == project.SetID: // a test changed, or another file beside the set
		w.same(ctx, sum)
		return
	case w.waits(project):
		w.stage(ctx, project, by, sum, start)
		return
	}
	plan := w.plan(ctx, project)
	if err := w.cfg.Live(ctx, project, by); err != nil {
		w.cfg.Logger.Error("flows are good but could not go live", "set", short(project.SetID), "error", err.Error())
		w.fail(project.SetID, err)
		return
	}
	w.accept(project, SetInfo{By: by}, sum, plan, start)
}

// errNothing: the folder has no flow file at all.
var errNothing = errors.New("no flow files are there")

// settled reads the folder until two readings, Settle apart, agree, and gives
// their sum. A file that did not change is kept once, whoever has it.
func (w *Watcher) settled(ctx context.Context) (files *flows.Files, sum string, err error) {
	begin := w.cfg.Now()
	reported := false
	before, err := w.read(w.Status().LiveProject.Files)
	if err == nil {
		if sum = before.Sum(); w.known(sum) == Same {
			return before, sum, nil
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil, "", ctx.Err()
		case <-time.After(w.cfg.Settle):
		}
		after, err2 := w.read(before)
		if agree(before, err, after, err2) {
			return after, sum, err2
		}
		if before, err = after, err2; err == nil {
			sum = before.Sum()
		}
		if !reported && w.cfg.Now().Sub(begin) > 10*time.Second {
			reported = true
			w.cfg.Logger.Warn("the flow files keep changing; the live set stays until they rest")
		}
	}
}

func agree(a *flows.Files, aErr error, b *flows.Files, bErr error) bool {
	if aErr != nil || bErr != nil {
		return aErr != nil && bErr != nil
	}
	return a.Same(b)
}

// read reads the folder; before is what it held a moment ago, if that is known.
func (w *Watcher) read(before *flows.Files) (*flows.Files, error) {
	files, err := flows.ReadAgain(Dir(w.cfg.Root), w.cfg.Name, before)
	if err != nil {
		return nil, err
	}
	if len(files.Data) == 0 {
		return nil, errNothing
	}
	return files, nil
}
