package inbox

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"dispatcher/flows"
	"dispatcher/storage"
)

// The sources of a set are one record for each file, under the hash of its
// bytes, and one that says which files the set has. So an edit of one file of
// five hundred writes that file and a list, and nobody who waits for a commit
// waits for the other files.

// storedSet is the body of a KindRevision record.
type storedSet struct {
	Name  string                       `json:"name"`
	Files map[string][]byte            `json:"files,omitempty"` // path to the id of its KindSource
	Data  map[string][]byte            `json:"data,omitempty"`  // of older data folders: the files themselves
	Media map[string][sha256.Size]byte `json:"media,omitempty"` // by their hash; the bytes stay in the project
}

// sourcesAtOnce is how many files are read with one query.
const sourcesAtOnce = 100

// withSources adds the sources of a set that is not stored yet.
func (s *Service) withSources(ctx context.Context, records []storage.Record, p *flows.Project) ([]storage.Record, error) {
	id := setIDBytes(p.SetID)
	switch _, err := s.store.Get(ctx, storage.KindRevision, id); {
	case err == nil:
		return records, nil
	case !errors.Is(err, storage.ErrNotFound):
		return nil, err
	}
	set := storedSet{Name: p.Files.Name, Files: make(map[string][]byte, len(p.Files.Data)), Media: p.Files.Media}
	data := make(map[[sha256.Size]byte][]byte, len(p.Files.Data))
	for path, text := range p.Files.Data {
		sum := sha256.Sum256(text)
		set.Files[path], data[sum] = sum[:], text
	}
	body, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	if err := s.leaveStored(ctx, data); err != nil {
		return nil, err
	}
	for sum, text := range data {
		records = append(records, storage.Record{Kind: storage.KindSource, ID: slices.Clone(sum[:]), Body: text})
	}
	return append(records, storage.Record{Kind: storage.KindRevision, ID: id, Body: body}), nil
}

// leaveStored takes out of data what the store has: all that the live set
// has, which is nearly everything after an edit, and what else it says.
func (s *Service) leaveStored(ctx context.Context, data map[[sha256.Size]byte][]byte) error {
	var live LiveSet
	if _, err := s.pointer(ctx, liveID, &live); err != nil {
		return err
	}
	if rec, err := s.store.Get(ctx, storage.KindRevision, setIDBytes(live.Set)); err == nil {
		var set storedSet
		if err := json.Unmarshal(rec.Body, &set); err != nil {
			return err
		}
		for _, id := range set.Files {
			if len(id) == sha256.Size {
				delete(data, [sha256.Size]byte(id))
			}
		}
	} else if !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	for sum := range data {
		switch _, err := s.store.Get(ctx, storage.KindSource, sum[:]); {
		case err == nil:
			delete(data, sum)
		case !errors.Is(err, storage.ErrNotFound):
			return err
		}
	}
	return nil
}

// ReadSources reads the files of a stored set by its 16-byte id;
// ErrUnknownSet: there is none.
func ReadSources(ctx context.Context, store storage.Store, id []byte) (*flows.Files, error) {
	rec, err := store.Get(ctx, storage.KindRevision, id)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, ErrUnknownSet
	}
	var set storedSet
	if err == nil {
		err = json.Unmarshal(rec.Body, &set)
	}
	if err == nil && set.Data == nil {
		set.Data, err = readFiles(ctx, store, set.Files)
	}
	if err != nil {
		return nil, fmt.Errorf("inbox: sources of set %.4x: %w", id, err)
	}
	return &flows.Files{Name: set.Name, Data: set.Data, Media: set.Media}, nil
}

// readFiles reads every file of a set, each content once.
func readFiles(ctx context.Context, store storage.Store, files map[string][]byte) (map[string][]byte, error) {
	ids := map[string][]byte{}
	for _, id := range files {
		ids[string(id)] = id
	}
	text := make(map[string][]byte, len(ids))
	for some := range slices.Chunk(slices.Collect(maps.Values(ids)), sourcesAtOnce) {
		page, err := store.Find(ctx, storage.RecordQuery{Kind: storage.KindSource, IDs: some, N: len(some)})
		if err != nil {
			return nil, err
		}
		for _, rec := range page.Items {
			text[string(rec.ID)] = rec.Body
		}
	}
	data := make(map[string][]byte, len(files))
	for path, id := range files {
		body, ok := text[string(id)]
		if !ok {
			return nil, fmt.Errorf("file %s: %w", path, storage.ErrNotFound)
		}
		data[path] = body
	}
	return data, nil
}
