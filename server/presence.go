package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dispatcher/inbox"
)

// beatLife is how long a beat counts; clients send one every 3 s.
const beatLife = 10 * time.Second

// presence is who looks at which conversation and who types there. It lives in
// memory only.
type presence struct {
	mu      sync.Mutex
	now     func() time.Time
	version int64
	shown   atomic.Int64        // version, for those who only ask whether it is another
	convs   map[string]*looking // conversation → who
}

type looking struct {
	version int64
	people  map[string]*beat // agent id, or "customer"
}

type beat struct {
	name    string
	viewing time.Time // until
	typing  time.Time
}

func newPresence(now func() time.Time) *presence {
	return &presence{now: now, convs: map[string]*looking{}}
}

// beat notes one sign of life and says whether anything is shown differently.
func (p *presence) beat(conv, id, name string, viewing, typing bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep()
	l := p.convs[conv]
	if l == nil {
		l = &looking{people: map[string]*beat{}}
		p.convs[conv] = l
	}
	b := l.people[id]
	if b == nil {
		b = &beat{}
		l.people[id] = b
	}
	now := p.now()
	wasViewing, wasTyping := b.viewing.After(now), b.typing.After(now)
	b.name, b.viewing, b.typing = name, until(now, viewing), until(now, typing)
	if wasViewing == viewing && wasTyping == typing {
		return false
	}
	p.changed(l)
	return true
}

func until(now time.Time, on bool) time.Time {
	if on {
		return now.Add(beatLife)
	}
	return time.Time{}
}

// changed notes that one conversation is shown differently now.
func (p *presence) changed(l *looking) {
	p.version++
	l.version = p.version
	p.shown.Store(p.version)
}

// lapsed forgets who left and says whether anything is shown differently since
// a version.
func (p *presence) lapsed(since int64) (now int64, is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep()
	return p.version, p.version != since
}

// sweep forgets who left; a conversation whose last reader left is told once more.
func (p *presence) sweep() {
	now := p.now()
	for conv, l := range p.convs {
		before := len(l.people)
		for id, b := range l.people {
			if !b.viewing.After(now) && !b.typing.After(now) {
				delete(l.people, id)
			}
		}
		switch {
		case len(l.people) < before:
			p.changed(l)
		case len(l.people) == 0:
			delete(p.convs, conv)
		}
	}
}

// hint takes a customer's typing from the bus.
func (p *presence) hint(h inbox.Hint) {
	if h.Kind == "typing" && h.Conversation != "" {
		p.beat(h.Conversation, "customer", h.Name, false, true)
	}
}

// seen is one person in the data of a presence event.
type seen struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// since gives the conversations that changed after version, encoded.
func (p *presence) since(version int64) (changed map[string][]byte, newest int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep()
	if version == p.version {
		return nil, version
	}
	changed, now := map[string][]byte{}, p.now()
	for conv, l := range p.convs {
		if l.version <= version {
			continue
		}
		viewing, typing := []seen{}, []seen{}
		for id, b := range l.people {
			if b.viewing.After(now) {
				viewing = append(viewing, seen{id, b.name})
			}
			if b.typing.After(now) {
				typing = append(typing, seen{id, b.name})
			}
		}
		byID := func(a, b seen) int { return strings.Compare(a.ID, b.ID) }
		slices.SortFunc(viewing, byID)
		slices.SortFunc(typing, byID)
		changed[conv], _ = json.Marshal(map[string]any{"type": "presence", "conv": conv, "viewing": viewing, "typing": typing})
	}
	return changed, p.version
}

// sendPresence writes who looks and types; these events have no id and are
// never replayed.
func (st *stream) sendPresence() bool {
	if st.s.presence.shown.Load() == st.seen {
		return true // nobody came, and who left is noted by the hub
	}
	changed, newest := st.s.presence.since(st.seen)
	st.seen = newest
	var b strings.Builder
	for conv, data := range changed {
		if len(st.topics) > 0 && !slices.Contains(st.topics, "conversation:"+conv) {
			continue
		}
		if st.s.sees(st.r.Context(), st.who, conv) {
			fmt.Fprintf(&b, "event: presence\ndata: %s\n\n", data)
		}
	}
	return b.Len() == 0 || st.write(b.String())
}
