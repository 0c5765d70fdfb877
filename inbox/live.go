package inbox

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"dispatcher/flows"
	"dispatcher/storage"
)

// LiveSet is the body of the KindLive record, and of each KindHistory record.
type LiveSet struct {
	Set   string    `json:"set"`
	Since time.Time `json:"since"`
	By    string    `json:"by"` // "file change", "start" or a user's id
}

// storedSet is the body of a KindRevision record: the sources, as they were read.
type storedSet struct {
	Name  string                       `json:"name"`
	Data  map[string][]byte            `json:"data"`
	Media map[string][sha256.Size]byte `json:"media,omitempty"` // by their hash; the bytes stay in the project
}

var liveID = []byte("live")

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
	if p == nil || !p.OK() {
		return errors.New("inbox: a set with errors cannot go live")
	}
	s.swap.Lock()
	defer s.swap.Unlock()
	table, err := s.openAccounts(ctx, p)
	if err != nil {
		return fmt.Errorf("inbox: channels of set %.8s: %w", p.SetID, err)
	}
	if old := s.live.Load(); old == nil || old.SetID != p.SetID {
		if err := s.storeSet(ctx, p, by); err != nil {
			return fmt.Errorf("inbox: store set %.8s: %w", p.SetID, err)
		}
	}
	s.accounts.table.Store(table)
	s.live.Store(p)
	s.outbox.accountsChanged()
	s.bus.Publish("flows", Hint{Kind: "flows.changed"})
	return nil
}

// storeSet keeps the sources by their id, the pointer to what runs, and the history, in one write.
func (s *Service) storeSet(ctx context.Context, p *flows.Project, by string) error {
	for range numberTries {
		records, err := s.setRecords(ctx, p, by)
		if err != nil || records == nil {
			return err
		}
		if err = s.store.Put(ctx, records, nil); !errors.Is(err, storage.ErrConflict) {
			return err
		}
	}
	return storage.ErrConflict
}

func (s *Service) setRecords(ctx context.Context, p *flows.Project, by string) ([]storage.Record, error) {
	now := s.now().UTC()
	live := storage.Record{Kind: storage.KindLive, ID: liveID}
	switch rec, err := s.store.Get(ctx, live.Kind, live.ID); {
	case err == nil:
		live.Version = rec.Version
		var was LiveSet
		if json.Unmarshal(rec.Body, &was) == nil && was.Set == p.SetID {
			return nil, nil // a restart with the same files is no change
		}
	case !errors.Is(err, storage.ErrNotFound):
		return nil, err
	}
	body, err := json.Marshal(LiveSet{Set: p.SetID, Since: now, By: by})
	if err != nil {
		return nil, err
	}
	live.Body = body
	id := append(binary.BigEndian.AppendUint64(nil, uint64(now.UnixNano())), setIDBytes(p.SetID)...)
	records := []storage.Record{live, {Kind: storage.KindHistory, ID: id, Body: body}}
	switch _, err := s.store.Get(ctx, storage.KindRevision, setIDBytes(p.SetID)); {
	case err == nil:
		return records, nil
	case !errors.Is(err, storage.ErrNotFound):
		return nil, err
	}
	sources, err := json.Marshal(storedSet{Name: p.Files.Name, Data: p.Files.Data, Media: p.Files.Media})
	if err != nil {
		return nil, err
	}
	return append(records, storage.Record{Kind: storage.KindRevision, ID: setIDBytes(p.SetID), Body: sources}), nil
}

// LiveSince says which set is live, since when and by whom; ErrNotFound: none yet.
func (s *Service) LiveSince(ctx context.Context) (l LiveSet, err error) {
	rec, err := s.store.Get(ctx, storage.KindLive, liveID)
	if err != nil {
		return l, err
	}
	return l, json.Unmarshal(rec.Body, &l)
}

// LastGood reads the sources of the set that was live last; ErrNotFound: none.
func (s *Service) LastGood(ctx context.Context) (*flows.Files, error) {
	l, err := s.LiveSince(ctx)
	if err != nil {
		return nil, fmt.Errorf("inbox: last good set: %w", err)
	}
	rec, err := s.store.Get(ctx, storage.KindRevision, setIDBytes(l.Set))
	if err != nil {
		return nil, fmt.Errorf("inbox: sources of set %.8s: %w", l.Set, err)
	}
	var set storedSet
	if err := json.Unmarshal(rec.Body, &set); err != nil {
		return nil, fmt.Errorf("inbox: sources of set %.8s: %w", l.Set, err)
	}
	return &flows.Files{Name: set.Name, Data: set.Data, Media: set.Media}, nil
}
