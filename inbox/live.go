package inbox

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"dispatcher/flows"
	"dispatcher/storage"
)

// Results of the history: what became of a set.
const (
	ResultLive       = "live"         // a file change, or a start, made it live
	ResultPublished  = "published"    // a person did
	ResultRolledBack = "rolled_back"  // a person made an older one live again
	ResultStaged     = "staged"       // it waits to be published
	ResultTests      = "tests_failed" // its own tests keep it from being staged
	ResultDiscarded  = "discarded"    // a person gave it up
	ResultRejected   = "rejected"     // it has errors
)

// LiveSet is the body of the KindLive record "live", and of each KindHistory
// and KindSeen record.
type LiveSet struct {
	Set    string    `json:"set"`
	Since  time.Time `json:"since"`
	By     string    `json:"by"`               // "file change", "start" or a user's id
	Result string    `json:"result,omitempty"` // of the history
	Held   bool      `json:"held,omitempty"`   // file changes wait for the next publish
}

// TestCount says how the tests of a set went; Text is what `dispatcher test`
// would print of the failed ones.
type TestCount struct {
	Passed int    `json:"passed"`
	Failed int    `json:"failed"`
	Text   string `json:"text,omitempty"`
}

// StagedSet is the body of the KindLive record "staged": the newest good set
// of the folder that is not live. Result is staged, tests_failed or discarded.
type StagedSet struct {
	Set    string    `json:"set"`
	Since  time.Time `json:"since"`
	By     string    `json:"by"`
	Result string    `json:"result"`
	Tests  TestCount `json:"tests"`
}

// Switch says how a set goes live.
type Switch struct {
	By     string
	Result string // live, published or rolled_back
	Held   bool   // file changes wait from now on
	Audit  []storage.AuditEntry
}

var (
	liveID   = []byte("live")
	stagedID = []byte("staged")
)

// ErrUnknownSet means that no stored set has such an id.
var ErrUnknownSet = errors.New("inbox: no such set")

// Live is the set that runs; nil before the first SetLive.
func (s *Service) Live() *flows.Project { return s.live.Load() }

// SetLive stores a set and makes it live. It returns after the set is durable
// and every new decision uses it; a turn keeps the set it began with. Nothing
// changes when it fails.
func (s *Service) SetLive(ctx context.Context, p *flows.Project) error {
	return s.SetLiveBy(ctx, p, "file change")
}

// SetLiveBy is SetLive with the name of who did it for the history.
func (s *Service) SetLiveBy(ctx context.Context, p *flows.Project, by string) error {
	return s.SwitchLive(ctx, p, Switch{By: by, Result: ResultLive})
}

// SwitchLive is SetLive with what the history and the next start must know.
// The set that was staged is staged no more when it is the one.
func (s *Service) SwitchLive(ctx context.Context, p *flows.Project, how Switch) error {
	if p == nil || !p.OK() {
		return errors.New("inbox: a set with errors cannot go live")
	}
	s.swap.Lock()
	defer s.swap.Unlock()
	table, err := s.openAccounts(ctx, p)
	if err != nil {
		return fmt.Errorf("inbox: channels of set %.8s: %w", p.SetID, err)
	}
	old := s.live.Load()
	if old == nil || old.SetID != p.SetID || len(how.Audit) > 0 {
		if err := s.retried(func() error { return s.putLive(ctx, p, how) }); err != nil {
			return fmt.Errorf("inbox: store set %.8s: %w", p.SetID, err)
		}
	}
	if old != nil {
		s.sets.keep(old) // conversations may be kept on it
	}
	s.accounts.table.Store(table)
	s.live.Store(p)
	s.outbox.accountsChanged()
	s.bus.Publish("flows", Hint{Kind: "flows.changed"})
	return nil
}

// retried does a write again while somebody else was faster.
func (s *Service) retried(put func() error) (err error) {
	for range numberTries {
		if err = put(); !errors.Is(err, storage.ErrConflict) {
			return err
		}
	}
	return err
}

// putLive keeps the sources by their id, the pointer to what runs, and the
// history, in one write. A restart with the same files is no change.
func (s *Service) putLive(ctx context.Context, p *flows.Project, how Switch) error {
	var was LiveSet
	live, err := s.pointer(ctx, liveID, &was)
	if err != nil {
		return err
	}
	now := LiveSet{Set: p.SetID, Since: s.nextTo(was.Since), By: how.By, Result: how.Result, Held: how.Held}
	if was.Set == p.SetID {
		if was.Held == how.Held || len(how.Audit) == 0 {
			return nil
		}
		now.Since, now.By = was.Since, was.By
	}
	if live.Body, err = json.Marshal(now); err != nil {
		return err
	}
	records := []storage.Record{live}
	var staged StagedSet
	if rec, err := s.pointer(ctx, stagedID, &staged); err != nil {
		return err
	} else if staged.Set == p.SetID {
		rec.Delete = true
		records = append(records, rec)
	}
	if was.Set != p.SetID {
		records = append(records, historyRecord(storage.KindHistory, now))
	}
	records, err = s.withSources(ctx, records, p)
	if err != nil {
		return err
	}
	return s.store.Put(ctx, records, how.Audit)
}

// pointer reads one KindLive record into what it holds; one that is not there
// is ready to be written.
func (s *Service) pointer(ctx context.Context, id []byte, into any) (storage.Record, error) {
	rec, err := s.store.Get(ctx, storage.KindLive, id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return storage.Record{Kind: storage.KindLive, ID: id}, nil
	case err != nil:
		return rec, err
	}
	return rec, json.Unmarshal(rec.Body, into)
}

// nextTo is now, and later than what happened before: the history has one
// line for each moment, whatever the clock does.
func (s *Service) nextTo(before time.Time) time.Time {
	now := s.now().UTC()
	if !now.After(before) {
		return before.Add(1)
	}
	return now
}

// historyRecord is one line of the history.
func historyRecord(kind storage.Kind, l LiveSet) storage.Record {
	body, _ := json.Marshal(l) // texts and a time
	return storage.Record{Kind: kind, ID: append(binary.BigEndian.AppendUint64(nil, uint64(l.Since.UnixNano())), setIDBytes(l.Set)...), Body: body}
}

// Stage keeps a good set of the folder that is not to go live by itself:
// staged, or tests_failed with the count of its tests.
func (s *Service) Stage(ctx context.Context, p *flows.Project, st StagedSet) error {
	st.Set = p.SetID
	s.swap.Lock()
	defer s.swap.Unlock()
	err := s.retried(func() error {
		var was StagedSet
		rec, err := s.pointer(ctx, stagedID, &was)
		if err != nil {
			return err
		}
		st.Since = s.nextTo(was.Since)
		if was.Set == st.Set && was.Result == st.Result {
			return nil // a restart with the same files is no change
		}
		if rec.Body, err = json.Marshal(st); err != nil {
			return err
		}
		seen := historyRecord(storage.KindSeen, LiveSet{Set: st.Set, Since: st.Since, By: st.By, Result: st.Result})
		records, err := s.withSources(ctx, []storage.Record{rec, seen}, p)
		if err != nil {
			return err
		}
		return s.store.Put(ctx, records, nil)
	})
	if err != nil {
		return fmt.Errorf("inbox: stage set %.8s: %w", p.SetID, err)
	}
	s.bus.Publish("flows", Hint{Kind: "flows.changed"})
	return nil
}

// Discard gives the staged set up. It stays known, so that the same files are
// not staged again; storage.ErrNotFound: nothing is staged.
func (s *Service) Discard(ctx context.Context, by string, audit []storage.AuditEntry) (StagedSet, error) {
	var st StagedSet
	err := s.retried(func() error {
		st = StagedSet{}
		rec, err := s.pointer(ctx, stagedID, &st)
		switch {
		case err != nil:
			return err
		case rec.Version == 0 || st.Result == ResultDiscarded:
			return storage.ErrNotFound
		}
		st.Since, st.By, st.Result = s.nextTo(st.Since), by, ResultDiscarded
		if rec.Body, err = json.Marshal(st); err != nil {
			return err
		}
		seen := historyRecord(storage.KindSeen, LiveSet{Set: st.Set, Since: st.Since, By: by, Result: ResultDiscarded})
		return s.store.Put(ctx, []storage.Record{rec, seen}, audit)
	})
	if err == nil {
		s.bus.Publish("flows", Hint{Kind: "flows.changed"})
	}
	return st, err
}

// Unstage forgets what was staged: the folder holds something else now.
func (s *Service) Unstage(ctx context.Context) error {
	return s.retried(func() error {
		var was StagedSet
		rec, err := s.pointer(ctx, stagedID, &was)
		if err != nil || rec.Version == 0 {
			return err
		}
		rec.Delete = true
		return s.store.Put(ctx, []storage.Record{rec}, nil)
	})
}

// Seen notes in the history what became of a set that did not go live. A set
// that is stored was good: what is refused then lies beside its files.
func (s *Service) Seen(ctx context.Context, set, by, result string) error {
	if result == ResultRejected {
		if _, err := s.store.Get(ctx, storage.KindRevision, setIDBytes(set)); !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
	rec := historyRecord(storage.KindSeen, LiveSet{Set: set, Since: s.now().UTC(), By: by, Result: result})
	return s.store.Put(ctx, []storage.Record{rec}, nil)
}

// Staged is the set that waits; storage.ErrNotFound: none.
func (s *Service) Staged(ctx context.Context) (st StagedSet, err error) {
	rec, err := s.pointer(ctx, stagedID, &st)
	if err == nil && rec.Version == 0 {
		err = storage.ErrNotFound
	}
	return st, err
}

// LiveSince says which set is live, since when and by whom; ErrNotFound: none yet.
func (s *Service) LiveSince(ctx context.Context) (l LiveSet, err error) {
	rec, err := s.pointer(ctx, liveID, &l)
	if err == nil && rec.Version == 0 {
		err = storage.ErrNotFound
	}
	return l, err
}

// History is what became of every set that was seen, newest first.
func (s *Service) History(ctx context.Context) ([]LiveSet, error) {
	var out []LiveSet
	for _, kind := range []storage.Kind{storage.KindHistory, storage.KindSeen} {
		for at := ""; ; {
			page, err := s.store.Find(ctx, storage.RecordQuery{Kind: kind, Cursor: at, N: 200})
			if err != nil {
				return nil, fmt.Errorf("inbox: history: %w", err)
			}
			for _, rec := range page.Items {
				l := LiveSet{Result: ResultLive}
				if err := json.Unmarshal(rec.Body, &l); err != nil {
					return nil, fmt.Errorf("inbox: history: %w", err)
				}
				out = append(out, l)
			}
			if at = page.Next; at == "" {
				break
			}
		}
	}
	slices.SortStableFunc(out, func(a, b LiveSet) int { return b.Since.Compare(a.Since) })
	return out, nil
}

// ran says that a line of the history is about a set that went live.
func (l LiveSet) ran() bool {
	return l.Result == ResultLive || l.Result == ResultPublished || l.Result == ResultRolledBack
}

// Ran says whether a set was ever live.
func (s *Service) Ran(ctx context.Context, set string) (bool, error) {
	history, err := s.History(ctx)
	return slices.ContainsFunc(history, func(l LiveSet) bool {
		return l.Set == set && l.ran()
	}), err
}

// Appoint writes down that a set is live, for a service that is stopped: it
// runs at the next start. Nothing is opened and nothing is swapped.
func (s *Service) Appoint(ctx context.Context, p *flows.Project, how Switch) error {
	s.swap.Lock()
	defer s.swap.Unlock()
	if err := s.retried(func() error { return s.putLive(ctx, p, how) }); err != nil {
		return fmt.Errorf("inbox: store set %.8s: %w", p.SetID, err)
	}
	s.live.Store(p)
	return nil
}

// Recall takes the stored live set up for reading, for a service that is not
// started: nothing is opened and nothing is written. ErrNotFound: none ran yet.
func (s *Service) Recall(ctx context.Context) error {
	l, err := s.LiveSince(ctx)
	if err != nil {
		return err
	}
	p, err := s.Revision(ctx, l.Set)
	if err != nil {
		return err
	}
	s.live.Store(p)
	return nil
}
