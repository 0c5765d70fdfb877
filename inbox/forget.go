package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dispatcher/storage"
)

// keepSet is how long the sources of a set stay when it was live, staged or
// seen last, however little refers to it (runtime.md 2.4).
const keepSet = 90 * 24 * time.Hour

// maxForgotten is how many sets go in one write.
const maxForgotten = 50

// ForgetSets deletes the sources of sets that nobody has used for 90 days and
// that no conversation and no message refers to, and says how many went. What
// became of them stays in the history.
func (s *Service) ForgetSets(ctx context.Context) (int, error) {
	old, err := s.oldSets(ctx)
	if err != nil || len(old) == 0 {
		return 0, err
	}
	used, err := s.store.Report(ctx, storage.ReportQuery{Name: "revisions"})
	if err != nil {
		return 0, fmt.Errorf("inbox: sets in use: %w", err)
	}
	for _, row := range used.Rows {
		if id, ok := row[0].(string); ok {
			delete(old, id)
		}
	}
	gone := make([]storage.Record, 0, len(old))
	for _, rec := range old {
		rec.Body, rec.Delete = nil, true
		gone = append(gone, rec)
	}
	for some := range slices.Chunk(gone, maxForgotten) {
		if err := s.store.Put(ctx, some, nil); err != nil {
			return 0, fmt.Errorf("inbox: forget sets: %w", err)
		}
	}
	return len(gone), nil
}

// oldSets are the stored sets of which nothing was heard for 90 days, by the
// id that conversations and messages carry.
func (s *Service) oldSets(ctx context.Context) (map[string]storage.Record, error) {
	history, err := s.History(ctx)
	if err != nil {
		return nil, err
	}
	var live LiveSet
	var staged StagedSet
	for id, into := range map[string]any{string(liveID): &live, string(stagedID): &staged} {
		if _, err := s.pointer(ctx, []byte(id), into); err != nil {
			return nil, fmt.Errorf("inbox: sets in use: %w", err)
		}
	}
	out := map[string]storage.Record{}
	heard := map[string]bool{live.Set: true, staged.Set: true}
	replaced := s.now() // newest first: by the set of the last line that says something went live
	for _, l := range history {
		if !heard[l.Set] && s.now().Sub(replaced) > keepSet {
			rec, err := s.store.Get(ctx, storage.KindRevision, setIDBytes(l.Set))
			switch {
			case err == nil:
				out[l.Set[:2*len(rec.ID)]] = rec
			case !errors.Is(err, storage.ErrNotFound):
				return nil, fmt.Errorf("inbox: sets in use: %w", err)
			}
		}
		heard[l.Set] = true
		if l.ran() {
			replaced = l.Since
		}
	}
	return out, nil
}
