package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"dispatcher/flows"
	"dispatcher/storage"
)

// maxSets is how many sets beside the live one stay in memory; older ones are
// compiled again from their sources when somebody needs them.
const maxSets = 8

// sets holds compiled sets that are not live, the latest used last.
type sets struct {
	mu   sync.Mutex
	held []*flows.Project
	gone map[string]bool // nobody has their sources, or they compile no more
}

func (c *sets) get(id string) *flows.Project {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.held, func(p *flows.Project) bool { return p.SetID == id })
	if i < 0 {
		return nil
	}
	p := c.held[i]
	c.held = append(slices.Delete(c.held, i, i+1), p)
	return p
}

func (c *sets) keep(p *flows.Project) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = append(slices.DeleteFunc(c.held, func(x *flows.Project) bool { return x.SetID == p.SetID }), p)
	if over := len(c.held) - maxSets; over > 0 {
		c.held = slices.Delete(c.held, 0, over)
	}
}

// missing remembers that a set cannot be had, and says whether that is known.
func (c *sets) missing(id string, learn bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if learn {
		if c.gone == nil {
			c.gone = map[string]bool{}
		}
		c.gone[id] = true
	}
	return c.gone[id]
}

// SetOf is a set by its id: the live one, or one that ran and was stored,
// compiled again where it has to be; nil: nobody has it. At most 8 stay in
// memory, so that a conversation that is kept on one costs nothing.
func (s *Service) SetOf(ctx context.Context, id string) *flows.Project {
	if live := s.live.Load(); id == "" || live != nil && live.SetID == id {
		return live
	}
	if p := s.sets.get(id); p != nil {
		return p
	}
	if s.sets.missing(id, false) {
		return nil
	}
	p, err := s.Revision(ctx, id)
	switch {
	case errors.Is(err, ErrUnknownSet):
		s.sets.missing(id, true)
		return nil
	case err != nil:
		return nil // the store does not answer: the next one asks again
	case !p.OK():
		s.log.Error("a stored set compiles no more; conversations kept on it go on with the live one", "set", short(id))
		s.sets.missing(id, true)
		return nil
	}
	s.sets.keep(p)
	return p
}

// Revision loads a stored set by its id, or by the beginning of it that no
// other has; ErrUnknownSet: there is none. It may have errors: what another
// version took may be refused by this one.
func (s *Service) Revision(ctx context.Context, id string) (*flows.Project, error) {
	files, err := s.Sources(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.Compile(files), nil
}

// Compile loads files as a stored set is loaded; nothing is stored.
func (s *Service) Compile(files *flows.Files) *flows.Project {
	if s.cfg.Load == nil {
		return flows.Load(files, flows.Options{})
	}
	return s.cfg.Load(files)
}

// Sources are the files of a stored set, found as by Revision.
func (s *Service) Sources(ctx context.Context, id string) (*flows.Files, error) {
	if len(id) < 64 {
		full, err := s.fullID(ctx, id)
		if err != nil {
			return nil, err
		}
		id = full
	}
	key := setIDBytes(id)
	if key == nil {
		return nil, ErrUnknownSet
	}
	return ReadSources(ctx, s.store, key)
}

// fullID finds the one set of the history that an id begins. Fewer than four
// characters name none.
func (s *Service) fullID(ctx context.Context, prefix string) (string, error) {
	prefix = strings.ToLower(prefix)
	if len(prefix) < 4 {
		return "", ErrUnknownSet
	}
	history, err := s.History(ctx)
	if err != nil {
		return "", err
	}
	found := ""
	for _, l := range history {
		if !strings.HasPrefix(l.Set, prefix) || l.Set == found || l.Result == ResultRejected {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("%w: several begin with %s", ErrUnknownSet, prefix)
		}
		found = l.Set
	}
	if found == "" {
		return "", ErrUnknownSet
	}
	return found, nil
}

// LastGood reads the sources of the set that was live last; ErrNotFound: none.
func (s *Service) LastGood(ctx context.Context) (*flows.Files, error) {
	l, err := s.LiveSince(ctx)
	if err != nil {
		return nil, fmt.Errorf("inbox: last good set: %w", err)
	}
	files, err := s.Sources(ctx, l.Set)
	if errors.Is(err, ErrUnknownSet) {
		err = fmt.Errorf("inbox: sources of set %.8s: %w", l.Set, storage.ErrNotFound)
	}
	return files, err
}

func short(id string) string { return id[:min(8, len(id))] }
