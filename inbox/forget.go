package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"dispatcher/storage"
)

// keepSet is how long the sources of a set stay when it was live, staged or
// seen last, however little refers to it (runtime.md 2.4).
const keepSet = 90 * 24 * time.Hour

// setsAtOnce is how many stored sets are read with one query.
const setsAtOnce = 50

// ForgetSets deletes sets that nobody has used for 90 days and that no
// conversation and no message refers to, with the files that only they have,
// and says how many went. What became of them stays in the history.
func (s *Service) ForgetSets(ctx context.Context) (int, error) {
	if old, err := s.oldSets(ctx); err != nil || len(old) == 0 {
		return 0, err
	}
	used, err := s.store.Report(ctx, storage.ReportQuery{Name: "revisions"})
	if err != nil {
		return 0, fmt.Errorf("inbox: sets in use: %w", err)
	}
	s.swap.Lock() // nobody stores a set that counts on a file of these
	defer s.swap.Unlock()
	old, err := s.oldSets(ctx) // again: one of them may be live by now
	if err != nil {
		return 0, err
	}
	for _, row := range used.Rows {
		if id, ok := row[0].(string); ok {
			delete(old, id)
		}
	}
	return s.forgetSets(ctx, old)
}

// forgetSets deletes sets, each in one write with the files that no set has
// any more.
func (s *Service) forgetSets(ctx context.Context, old map[string]storage.Record) (n int, err error) {
	if len(old) == 0 {
		return 0, nil
	}
	having, err := s.having(ctx)
	if err != nil {
		return 0, fmt.Errorf("inbox: files in use: %w", err)
	}
	for _, rec := range old {
		ids, err := fileIDs(rec)
		if err != nil {
			return n, fmt.Errorf("inbox: forget set %.4x: %w", rec.ID, err)
		}
		gone := []storage.Record{{Kind: rec.Kind, ID: rec.ID, Version: rec.Version, Delete: true}}
		for id := range ids {
			if having[id]--; having[id] == 0 {
				gone = append(gone, storage.Record{Kind: storage.KindSource, ID: []byte(id), Delete: true})
			}
		}
		if err := s.store.Put(ctx, gone, nil); err != nil {
			return n, fmt.Errorf("inbox: forget set %.4x: %w", rec.ID, err)
		}
		n++
	}
	return n, nil
}

// having is how many of the stored sets have a file, by the id of its record.
func (s *Service) having(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	for at := ""; ; {
		page, err := s.store.Find(ctx, storage.RecordQuery{Kind: storage.KindRevision, Cursor: at, N: setsAtOnce})
		if err != nil {
			return nil, err
		}
		for _, rec := range page.Items {
			ids, err := fileIDs(rec)
			if err != nil {
				return nil, err
			}
			for id := range ids {
				out[id]++
			}
		}
		if at = page.Next; at == "" {
			return out, nil
		}
	}
}

// fileIDs are the ids of the files of a stored set, each once.
func fileIDs(rec storage.Record) (map[string]bool, error) {
	var set storedSet
	if err := json.Unmarshal(rec.Body, &set); err != nil {
		return nil, err
	}
	ids := make(map[string]bool, len(set.Files))
	for _, id := range set.Files {
		ids[string(id)] = true
	}
	return ids, nil
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
