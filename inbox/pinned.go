package inbox

import (
	"dispatcher/engine"
	"dispatcher/flows"
)

// setsFor is what a step of a conversation resolves against: what is live, and
// beside it the set that the conversation's flow is kept on (language.md 9.6).
func (s *Service) setsFor(p *flows.Project, st engine.State) engine.Sets {
	all := engine.Sets{Live: p.Set}
	if st.Pin == nil || st.Pin.Set == p.Set.ID {
		return all
	}
	if old := s.SetOf(s.ctx, st.Pin.Set); old != nil {
		all.Pinned = old.Set
	}
	return all
}
