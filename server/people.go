package server

import (
	"context"
	"sync"
	"time"

	"dispatcher/desk"
)

// When a person without live connection counts as away, and as gone (desk.md 1.6).
const (
	awayAfter    = time.Minute
	offlineAfter = 15 * time.Minute
	peopleFresh  = time.Second // the list is asked for on every turn of the bot
)

// attendance is who is there: held by the live connection, or set by hand.
type attendance struct {
	mu   sync.Mutex
	now  func() time.Time
	seen map[string]time.Time // last sign of life
	said map[string]string    // away or offline, set by the person

	read  time.Time
	cache []desk.Person
}

func newAttendance(now func() time.Time) *attendance {
	return &attendance{now: now, seen: map[string]time.Time{}, said: map[string]string{}}
}

// alive notes a sign of life.
func (a *attendance) alive(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen[id] = a.now()
}

// say sets what a person says; online takes it back.
func (a *attendance) say(id, state string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen[id] = a.now()
	delete(a.said, id)
	if state != desk.Online {
		a.said[id] = state
	}
	a.read = time.Time{}
}

// state says whether a person is there; live: they have a live connection.
func (a *attendance) state(id string, live bool) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if said := a.said[id]; said != "" {
		return said
	}
	seen, known := a.seen[id]
	switch gone := a.now().Sub(seen); {
	case live, known && gone < awayAfter:
		return desk.Online
	case known && gone < offlineAfter:
		return desk.Away
	}
	return desk.Offline
}

// forget makes the next look read the records again.
func (a *attendance) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.read = time.Time{}
}

// People lists everybody with an account, with their presence: desk.Config
// asks for it. The list is at most a second old.
func (s *Server) People(ctx context.Context) ([]desk.Person, error) {
	s.there.mu.Lock()
	list, read := s.there.cache, s.there.read
	s.there.mu.Unlock()
	if list == nil || s.now().Sub(read) >= peopleFresh {
		users, err := s.users(ctx)
		if err != nil {
			return nil, err
		}
		list = make([]desk.Person, len(users))
		for i, u := range users {
			list[i] = desk.Person{ID: u.ID, Name: u.Name, Email: u.Email, Role: u.Role, Teams: u.Teams, Capacity: u.Capacity, Disabled: u.Disabled}
		}
		s.there.mu.Lock()
		s.there.cache, s.there.read = list, s.now()
		s.there.mu.Unlock()
	}
	out := make([]desk.Person, len(list))
	for i, p := range list {
		p.Presence = s.there.state(p.ID, s.hub.live(p.ID))
		out[i] = p
	}
	return out, nil
}

func (s *Server) presenceOf(who *identity) string {
	return s.there.state(who.ID, s.hub.live(who.ID))
}

func (s *Server) putPresence(_ context.Context, who *identity, in *putPresenceInput) (*body[presenceView], error) {
	if who.Token {
		return nil, problem("forbidden", "A token is never there.")
	}
	s.there.say(who.ID, in.Body.Presence)
	return &body[presenceView]{Body: presenceView{Presence: s.presenceOf(who)}}, nil
}
