package inbox

import "dispatcher/storage"

// room is where a lane makes one decision. It is used again once the turn of
// that decision is applied and told; whoever keeps anything of it copies that
// first. One whose turn did not apply is left to the collector, since the
// store may still read in it.
type room struct {
	x     decision
	view  View
	draft Draft
}

// rowLists is place for as many rows as a turn usually has.
type rowLists struct {
	messages [4]storage.Message
	events   [6]storage.Event
	outbox   [4]storage.OutboxRow
	seen     [4]storage.SeenKey
}

// room gives an empty one.
func (s *Service) room() *room {
	if r, ok := s.rooms.Get().(*room); ok {
		return r
	}
	return &room{}
}

// tidy takes a room back. Nothing of a person stays in it.
func (s *Service) tidy(r *room) {
	if r != nil {
		*r = room{}
		s.rooms.Put(r)
	}
}

// blank gives the view's draft its place: that of the room where there is one.
func (v *View) blank() *Draft {
	d := v.spare
	if v.spare = nil; d == nil {
		d = &Draft{}
	}
	d.turn.Messages, d.turn.Events = d.lists.messages[:0], d.lists.events[:0]
	d.turn.Outbox, d.turn.Seen = d.lists.outbox[:0], d.lists.seen[:0]
	return d
}
