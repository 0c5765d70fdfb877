package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"dispatcher/storage"
)

// The reasons for which one turn of a batch does not apply. The others go on.
var errStale = errors.New("stale")

type duplicate struct{ keys []storage.SeenKey }

func (d duplicate) Error() string { return fmt.Sprintf("%d known events", len(d.keys)) }

type refusal struct{ err error }

func (r refusal) Error() string { return r.err.Error() }

func refuse(format string, args ...any) error { return refusal{fmt.Errorf(format, args...)} }

// Apply implements storage.Store. Nearly always every turn of a batch applies,
// so they are tried together first, without a savepoint. If one does not, all
// is taken back: those that can be seen to be in the way are put aside and the
// others are tried again; if that does not help, each runs in its savepoint.
func (s *Store) Apply(ctx context.Context, turns []storage.Turn) ([]storage.Outcome, error) {
	if len(turns) == 0 {
		return nil, nil
	}
	out := make([]storage.Outcome, len(turns))
	err := s.write(ctx, "apply", func(t *tx) error {
		now := s.nowMS()
		aside := make([]bool, len(turns))
		err := s.applyTogether(t, turns, aside, out, now)
		if ofTurn(err) && len(turns) > 1 {
			if aside, err = t.inTheWay(turns); err == nil {
				err = s.applyTogether(t, turns, aside, out, now)
			}
		}
		if ofTurn(err) {
			aside = slices.Repeat([]bool{true}, len(turns))
			err = t.again()
		}
		for i := 0; i < len(turns) && err == nil; i++ {
			if aside[i] {
				out[i], err = s.applyOne(t, &turns[i], now)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(turns, func(t storage.Turn) bool { return len(t.Audit) > 0 }) {
		s.wakeChain()
	}
	return out, nil
}

// applyTogether applies the turns that are not put aside, or says with an error
// of theirs that one stands in the way. What only adds rows is written once for
// all of them: the events that must not be known first, the rest at the end.
func (s *Store) applyTogether(t *tx, turns []storage.Turn, aside []bool, out []storage.Outcome, now int64) error {
	if err := t.seenTogether(turns, aside, now); err != nil {
		return err
	}
	upTo := make([]int, len(turns)) // events of the turns before and of this one; 0: it has none
	touched := make(map[int64]bool, len(turns))
	for i := range turns {
		if aside[i] {
			continue
		}
		conv := convOf(&turns[i])
		if conv != 0 && touched[conv] { // it may look at what the earlier one added
			if err := t.writeWaiting(); err != nil {
				return err
			}
		}
		touched[conv] = true
		a := applier{tx: t, now: now, fail: s.fail, together: true}
		before := t.rows.events.len()
		var err error
		if out[i], err = a.turn(&turns[i]); err != nil {
			return fmt.Errorf("turn %d of %d: %w", i+1, len(turns), err)
		}
		if n := t.rows.events.len(); n > before {
			upTo[i] = n
		}
	}
	events := t.rows.events.len()
	last, err := t.writeGathered()
	for i, n := range upTo {
		if n > 0 {
			out[i].Cursor = last - storage.Cursor(events-n)
		}
	}
	return err
}

// seenTogether writes the events that the turns consume. A turn that cannot be
// is put aside: its answer says why.
func (t *tx) seenTogether(turns []storage.Turn, aside []bool, now int64) error {
	for i := range turns {
		if !aside[i] && validate(&turns[i], false) != nil {
			aside[i] = true
		}
		for turn := &turns[i]; turn != nil && !aside[i]; turn = turn.Opens {
			t.rows.addSeen(allSeen(turn), now)
		}
	}
	keys := int64(t.rows.seen.len())
	if n, _, err := t.writeRows(&t.rows.seen); err != nil {
		return err
	} else if n < keys {
		return duplicate{}
	}
	return nil
}

// inTheWay takes everything back and finds the turns that cannot apply whatever
// the others do: an event of theirs is known, or their conversation has gone on.
func (t *tx) inTheWay(turns []storage.Turn) ([]bool, error) {
	if err := t.again(); err != nil {
		return nil, err
	}
	known := rowSet{width: 4, text: "SELECT c0 FROM temp.fed WHERE EXISTS (SELECT 1 FROM seen WHERE channel_id = c1 AND at_s = c2 AND key = c3)"}
	gone := rowSet{width: 3, text: "SELECT c0 FROM temp.fed WHERE NOT EXISTS (SELECT 1 FROM conversations WHERE id = c1 AND version = c2)"}
	before := make(map[int64]bool, len(turns)) // conversations that an earlier turn may move
	for i := range turns {
		for turn := &turns[i]; turn != nil; turn = turn.Opens {
			for _, k := range allSeen(turn) {
				known.add(int64(i), k.Channel, k.AtS, k.Key[:])
			}
		}
		if conv := convOf(&turns[i]); conv != 0 && !before[conv] {
			before[conv] = true
			gone.add(int64(i), conv, turns[i].Expect)
		}
	}
	aside := make([]bool, len(turns))
	for _, set := range []*rowSet{&known, &gone} {
		var i int64
		t.feed.vals, t.feed.width = set.vals, set.width
		err := t.each(set.text, nil, []any{&i}, func() error {
			aside[i] = true
			return nil
		})
		t.feed.vals = nil
		if err != nil {
			return nil, err
		}
	}
	return aside, nil
}

// applyOne runs one turn inside its savepoint. An error is the environment's.
func (s *Store) applyOne(t *tx, turn *storage.Turn, now int64) (storage.Outcome, error) {
	if err := validate(turn, false); err != nil {
		return storage.Outcome{Status: storage.Refused, Err: err}, nil
	}
	if _, err := t.exec("SAVEPOINT t"); err != nil {
		return storage.Outcome{}, err
	}
	a := applier{tx: t, now: now, fail: s.fail}
	out, err := a.turn(turn)
	if err == nil {
		out.Cursor, err = t.writeGathered()
	}
	if err == nil {
		_, err = t.exec("RELEASE t")
		return out, err
	}
	t.rows.drop()
	if !ofTurn(err) {
		return storage.Outcome{}, err
	}
	if _, e := t.exec("ROLLBACK TO t"); e != nil {
		return storage.Outcome{}, e
	}
	if _, e := t.exec("RELEASE t"); e != nil {
		return storage.Outcome{}, e
	}
	return t.answer(turn, err)
}

// again takes everything back and begins anew.
func (t *tx) again() error {
	t.rows.drop()
	if _, err := t.exec("ROLLBACK"); err != nil {
		return err
	}
	_, err := t.exec("BEGIN IMMEDIATE")
	return err
}

// ofTurn says whether a turn is at fault, not the environment.
func ofTurn(err error) bool {
	return err != nil && !environmental(err) && (constraint(err) || isAnswer(err))
}

func isAnswer(err error) bool {
	_, dup := errors.AsType[duplicate](err)
	_, ref := errors.AsType[refusal](err)
	return dup || ref || errors.Is(err, errStale)
}

// answer turns the reason into an Outcome, after everything of the turn was
// taken back. A turn that is there already is our own commit whose answer was
// lost: it is Applied.
func (t *tx) answer(turn *storage.Turn, why error) (storage.Outcome, error) {
	dup, isDup := errors.AsType[duplicate](why)
	if !isDup && !errors.Is(why, errStale) {
		if ref, ok := errors.AsType[refusal](why); ok {
			why = ref.err
		}
		return storage.Outcome{Status: storage.Refused, Err: fmt.Errorf("conversation %d: turn on version %d: %w", convOf(turn), turn.Expect, why)}, nil
	}
	key := turn.Key
	if key.ID == 0 && turn.Conv != nil {
		key.ID = turn.Conv.ID
	}
	if key.Seen == nil {
		key.Seen = turn.Seen
	}
	now, err := t.snapshot(key)
	if err != nil {
		return storage.Outcome{}, err
	}
	out := storage.Outcome{Conversation: now.Conv.ID, UID: now.Conv.UID, Contact: now.Contact.ID, Version: now.Conv.Version}
	if own, err := t.committed(turn, now.Conv); own || err != nil {
		out.Status = storage.Applied
		return out, err
	}
	if isDup {
		out.Status, out.Dup = storage.Duplicate, dup.keys
		return out, nil
	}
	out.Status, out.Now = storage.Stale, &now
	return out, nil
}

// committed says whether conv stands exactly where turn left it.
func (t *tx) committed(turn *storage.Turn, conv storage.Conversation) (bool, error) {
	if turn.ID == 0 || conv.ID == 0 || conv.Version != turn.Expect+1 {
		return false, nil
	}
	var id int64
	found, err := t.one("SELECT turn_id FROM conversations WHERE id = ?", []any{conv.ID}, &id)
	return found && uint64(id) == turn.ID, err
}

func convOf(turn *storage.Turn) int64 {
	if turn.Conv != nil && turn.Conv.ID != 0 {
		return turn.Conv.ID
	}
	return turn.Key.ID
}

// validate refuses what no caller may ask for, before anything is written.
func validate(t *storage.Turn, opened bool) error {
	touches := t.Conv != nil || t.Key.ID != 0
	rows := len(t.Messages) + len(t.Changes) + len(t.Outbox) + len(t.Timers) + len(t.Drop) + len(t.Cancel) + len(t.Intervals) +
		len(t.Handoffs) + len(t.Desk) + len(t.Media)
	others := len(t.Parked) + len(t.Unpark) + len(t.Seen) + len(t.Records) + len(t.Audit) + len(t.Events) + len(t.Identities) + len(t.Lookups) + len(t.Receipts)
	switch {
	case !touches && rows+others == 0 && t.Contact == nil && t.Outcome == nil:
		return errors.New("empty turn")
	case !touches && (rows > 0 || t.Settle != storage.SettleNone || t.Opens != nil):
		return errors.New("turn with rows of a conversation but without Conv")
	case t.Conv != nil && t.Conv.ID == 0 && t.Expect != 0:
		return fmt.Errorf("new conversation expects version %d", t.Expect)
	case t.Conv != nil && t.Conv.ID != 0 && t.Key.ID != 0 && t.Conv.ID != t.Key.ID:
		return fmt.Errorf("key names conversation %d, Conv is %d", t.Key.ID, t.Conv.ID)
	case opened && (t.Conv == nil || t.Conv.ID != 0 || t.Opens != nil):
		return errors.New("the turn in Opens needs one new conversation")
	}
	if err := validSeqs(t); err != nil {
		return err
	}
	seen := make(map[storage.SeenKey]struct{}, len(t.Seen))
	for _, k := range allSeen(t) {
		if _, twice := seen[k]; twice {
			return errors.New("the same event twice in one turn")
		}
		seen[k] = struct{}{}
	}
	if t.Opens != nil {
		return validate(t.Opens, true)
	}
	return nil
}

func validSeqs(t *storage.Turn) error {
	for i := 1; i < len(t.Messages); i++ {
		if t.Messages[i].Seq != t.Messages[i-1].Seq+1 {
			return fmt.Errorf("message seq %d after %d", t.Messages[i].Seq, t.Messages[i-1].Seq)
		}
	}
	if t.Conv != nil && t.Conv.ID == 0 && len(t.Messages) > 0 && t.Messages[0].Seq != t.Conv.FirstSeq+1 {
		return fmt.Errorf("first message has seq %d, the conversation begins after %d", t.Messages[0].Seq, t.Conv.FirstSeq)
	}
	return nil
}

// allSeen is every event a turn consumes, those it parks included.
func allSeen(t *storage.Turn) []storage.SeenKey {
	keys := t.Seen
	for _, p := range t.Parked {
		keys = append(keys[:len(keys):len(keys)], p.Seen...)
	}
	return keys
}
