package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"dispatcher/engine"
	"dispatcher/storage"
)

// story is one stored conversation, opened for reading.
type story struct {
	conv    storage.Conversation
	contact storage.Contact
	profile Profile
	place   channelRecord // of the channel it runs on
	alias   string
	limits  map[string]int
	rows    []storyRow
	keys    *Reader

	prev      *storage.Conversation // the conversation before it; nil = none
	prevState engine.State

	noPages bool          // its channel had no page for a form
	last    *engine.State // what the conversation left; read when it is needed
}

// storyRow is one row of it. Outgoing rows are opened only where a button on
// them was pressed.
type storyRow struct {
	storage.Message
	body  Body
	trace *engine.Trace // nil: it has none
}

// Why a conversation is not replayed.
const (
	SkipErased = "erased"  // its person was, or the key does not open what is stored
	SkipPurged = "purged"  // its words are past retention
	SkipNoSet  = "no_set"  // the set it ran on is stored no more, or this version does not compile it
	SkipBroken = "broken"  // something in it cannot be run at all
	SkipSilent = "no_turn" // no flow has seen it: it went to people at once
)

// errSkipped says why a conversation cannot be replayed.
type errSkipped string

// Error implements error.
func (e errSkipped) Error() string { return "inbox: replay: conversation is skipped: " + string(e) }

// tell reads one conversation. errSkipped: there is nothing to run again.
func (s *Service) tell(ctx context.Context, row storage.Summary, aliases map[int64]namedChannel) (*story, error) {
	st := &story{conv: row.Conv, contact: row.Contact}
	var err error
	if st.keys, err = NewReader(s.vault, row.Contact); err != nil {
		return nil, errSkipped(SkipErased)
	}
	if st.profile, err = st.keys.Profile(row.Contact); err != nil {
		return nil, errSkipped(SkipErased)
	}
	c := aliases[row.Conv.Channel]
	st.alias, st.place, st.limits = c.alias, c.channelRecord, c.limits
	if err := s.tellRows(ctx, st); err != nil {
		return nil, err
	}
	return st, s.tellBefore(ctx, st)
}

// tellRows reads what was written and decided, in order.
func (s *Service) tellRows(ctx context.Context, st *story) error {
	words, traces := 0, 0
	for after := int64(0); ; {
		page, err := s.store.Thread(ctx, storage.ThreadQuery{Conversation: st.conv.ID, After: after, N: threadRows})
		if err != nil {
			return fmt.Errorf("inbox: replay: %w", err)
		}
		for _, m := range page.Items {
			row := storyRow{Message: m}
			if err := st.open(&row); err != nil {
				return errSkipped(SkipErased)
			}
			if m.Author == storage.AuthorCustomer && len(m.Body) > 0 {
				words++
			}
			if row.trace != nil {
				traces++
			}
			st.rows = append(st.rows, row)
			after = m.Seq
		}
		if page.Next == "" {
			break
		}
	}
	switch {
	case traces == 0 && words == 0:
		return errSkipped(SkipPurged)
	case traces == 0 && !st.waits():
		return errSkipped(SkipSilent)
	}
	return nil
}

// waits says that the words of an open conversation wait for more of them.
func (st *story) waits() bool {
	return st.conv.Status == storage.Open && st.conv.Owner == storage.OwnerBot
}

// open unseals what the walk needs of a row.
func (st *story) open(row *storyRow) (err error) {
	if row.Author == storage.AuthorCustomer || row.Kind == storage.MsgEvent {
		if row.body, err = st.keys.Body(st.conv.UID, row.Message); err != nil {
			return err
		}
	}
	if len(row.Trace) == 0 {
		return nil
	}
	row.trace = &engine.Trace{}
	if err := st.keys.open(row.Trace, "messages", st.conv.UID, row.Seq, "trace", row.trace); err != nil {
		return err
	}
	st.noPages = st.noPages || row.trace.Event != engine.EvTimer && slices.ContainsFunc(row.trace.Steps, func(s engine.TraceStep) bool { return s.Edge == "form:fallback" && s.Option == "" })
	return nil
}

// tellBefore reads the conversation before this one, which a flow may go on
// with.
func (s *Service) tellBefore(ctx context.Context, st *story) error {
	if st.conv.Continues == 0 {
		return nil
	}
	snaps, err := s.store.Load(ctx, []storage.Key{{ID: st.conv.Continues}})
	if err != nil {
		return fmt.Errorf("inbox: replay: %w", err)
	}
	if c := snaps[0].Conv; c.ID == st.conv.Continues {
		st.prev = &c
		if c.ResolvedWhy == reasonIdle || c.ResolvedWhy == reasonNoReply {
			st.prevState, _ = st.keys.state(c) // what cannot be read is not gone on with
		}
	}
	return nil
}

// left is the state that the conversation left behind: where answers of
// services and values of forms are still known. It is read when it is needed.
func (s *Service) left(ctx context.Context, st *story) engine.State {
	if st.last != nil {
		return *st.last
	}
	st.last = &engine.State{}
	snaps, err := s.store.Load(ctx, []storage.Key{{ID: st.conv.ID}})
	if err != nil {
		return engine.State{}
	}
	if last, err := st.keys.state(snaps[0].Conv); err == nil {
		st.last = &last
	}
	return *st.last
}

// valuesAt are the slots, as typed, whose filling fits.
func (s *Service) valuesAt(ctx context.Context, st *story, fits func(engine.SlotValue) bool) map[string]string {
	out := map[string]string{}
	for _, slots := range []map[string]engine.SlotValue{s.left(ctx, st).Slots, st.profile.Slots} {
		for name, v := range slots {
			if fits(v) && v.Raw != "" {
				out[name] = v.Raw
			}
		}
	}
	return out
}

// namedChannel is a channel by its number.
type namedChannel struct {
	alias string
	channelRecord
	limits map[string]int // what fits one message there
}

// channelNames lists the channels that ever ran here by their number.
func (s *Service) channelNames(ctx context.Context) (map[int64]namedChannel, error) {
	out := map[int64]namedChannel{}
	for cursor := ""; ; {
		page, err := s.store.Find(ctx, storage.RecordQuery{Kind: storage.KindChannel, Cursor: cursor, N: threadRows})
		if err != nil {
			return nil, fmt.Errorf("inbox: channels: %w", err)
		}
		for _, rec := range page.Items {
			var c channelRecord
			if json.Unmarshal(rec.Body, &c) == nil && c.Number != 0 {
				out[c.Number] = namedChannel{string(rec.ID), c, s.limitsAt(c)}
			}
		}
		if cursor = page.Next; cursor == "" {
			return out, nil
		}
	}
}

// limitsAt is what fits one message of a channel, running or not.
func (s *Service) limitsAt(c channelRecord) map[string]int {
	if a, ok := s.AccountOf(c.Number); ok {
		return a.limits()
	}
	if s.cfg.CapsOf != nil {
		if caps, ok := s.cfg.CapsOf(c.Kind); ok {
			return limitsOf(caps)
		}
	}
	return nil
}

// bodyOf opens a row that a button was pressed on, of this conversation or of
// an earlier one of the same person.
func (s *Service) bodyOf(ctx context.Context, st *story, seq int64) (Body, bool) {
	if st.conv.FirstSeq < seq && seq <= st.conv.LastSeq {
		for i := range st.rows {
			if st.rows[i].Seq == seq {
				b, err := st.keys.Body(st.conv.UID, st.rows[i].Message)
				return b, err == nil
			}
		}
		return Body{}, false
	}
	page, err := s.store.List(ctx, storage.ListQuery{View: "contact", Contact: st.conv.Contact, N: threadRows})
	if err != nil {
		return Body{}, false
	}
	for _, item := range page.Items {
		if c := item.Conv; c.FirstSeq < seq && seq <= c.LastSeq {
			m, ok := s.message(ctx, c.ID, seq)
			if !ok {
				return Body{}, false
			}
			b, err := st.keys.Body(c.UID, m)
			return b, err == nil
		}
	}
	return Body{}, false
}

// skipped is why a conversation is left out; "" = it is not, and err is about
// the environment.
func skipped(err error) string {
	why, _ := errors.AsType[errSkipped](err)
	return string(why)
}
