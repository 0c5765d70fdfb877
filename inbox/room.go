package inbox

import (
	"dispatcher/dm"
	"dispatcher/storage"
)

// room is where a lane makes one decision. It is used again once the turn of
// that decision is applied and told. One whose turn did not apply is left to
// the collector, since the batcher may still read in it.
type room struct {
	x     decision
	view  View
	draft Draft
}

// rows are what a turn says, in one piece for as many as it usually has. A turn
// is a value: these are never used again.
type rows struct {
	conv     storage.Conversation
	messages [3]storage.Message
	events   [3]storage.Event
	outbox   [2]storage.OutboxRow
	seen     [3]storage.SeenKey
}

// plainRow is what is on its way under a seal.
type plainRow struct {
	body Body
	out  dm.Outbound
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
	d.written = &rows{}
	d.turn.Messages, d.turn.Events = d.written.messages[:0], d.written.events[:0]
	d.turn.Outbox, d.turn.Seen = d.written.outbox[:0], d.written.seen[:0]
	return d
}
