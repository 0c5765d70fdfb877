package sqlite

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"dispatcher/dm"
	"dispatcher/storage"
)

func (a *applier) drops(t *storage.Turn) error {
	for _, d := range t.Drop {
		n, err := a.change("DELETE FROM timers WHERE conversation_id = ? AND name = ? AND id = ?", a.conv, d.Name, d.ID)
		if err != nil {
			return err
		}
		if n == 0 {
			return errStale // fired already, replaced or cancelled
		}
	}
	for _, name := range t.Cancel {
		text, arg := "DELETE FROM timers WHERE conversation_id = ? AND name = ?", name
		if prefix, ok := strings.CutSuffix(name, "*"); ok {
			text, arg = "DELETE FROM timers WHERE conversation_id = ?1 AND substr(name, 1, length(?2)) = ?2", prefix
		}
		if _, err := a.exec(text, a.conv, arg); err != nil {
			return err
		}
	}
	return nil
}

func (a *applier) messages(t *storage.Turn) error {
	for i := range t.Messages {
		m := &t.Messages[i]
		a.rows.messages.add(a.conv, m.Seq, int64(m.Kind), int64(m.Dir), bit(m.Public), int64(m.Author), m.AuthorID, orNow(m.At, a.now), m.PlatformAt,
			blob(m.Body), blob(m.Trace), m.CauseSeq, blob(m.Revision), m.Rule, int64(m.Delivery), m.Reason, blob(m.External), bit(m.Edited), bit(m.Removed))
	}
	if len(t.Changes) == 0 && t.Settle == storage.SettleNone {
		return nil
	}
	return a.writeWaiting() // the next steps look at them
}

// rankSQL is the condition under which delivery ?1 may follow what is stored:
// the rank never goes down, failed only follows what was not yet delivered,
// cancelled only what was not yet sent (storage.Delivery…).
const rankSQL = `CASE ?1 WHEN 7 THEN delivery <= 4 WHEN 8 THEN delivery <= 3 ELSE delivery < ?1 AND delivery < 7 END`

func (a *applier) changes(t *storage.Turn) error {
	for _, c := range t.Changes {
		n, err := a.change(`UPDATE messages SET body = coalesce(?, body), edited = edited OR ?, removed = removed OR ? WHERE conversation_id = ? AND seq = ?`,
			c.Body, bit(c.Edited), bit(c.Removed), a.conv, c.Seq)
		if err != nil {
			return err
		}
		if n == 0 {
			return refuse("change of message %d, which is not there", c.Seq)
		}
		if c.Delivery == storage.DeliveryNone {
			continue
		}
		if err := a.deliver(a.conv, c.Seq, c.Delivery, c.Reason); err != nil {
			return err
		}
	}
	return nil
}

// deliver moves a message's delivery state if the rank allows it.
func (t *tx) deliver(conv, seq int64, delivery int16, reason string) error {
	if seq == 0 {
		return nil
	}
	_, err := t.exec(`UPDATE messages SET delivery = ?1, reason = ?2 WHERE conversation_id = ?3 AND seq = ?4 AND `+rankSQL, delivery, reason, conv, seq)
	return err
}

// ofBot is the condition for rows that the epoch fences: what the bot says
// and the queue's notices. An agent's own words are exempt.
const ofBot = `kind IN (1, 2) AND (origin = 1 OR kind = 2)`

// ReasonOwner is the reason of a message that was cancelled because somebody
// else owns the conversation now.
const ReasonOwner = "owner_changed"

func (a *applier) settle(t *storage.Turn) error {
	switch t.Settle {
	case storage.SettleRestamp:
		_, err := a.exec(`UPDATE outbox SET epoch = (SELECT epoch FROM conversations WHERE id = ?1) WHERE conversation_id = ?1
 AND (status = 1 OR status = 2 AND lease_until = ?2 AND epoch > 0) AND `+ofBot, a.conv, storage.Forever)
		return err
	case storage.SettleCancel:
		return a.cancelPending()
	}
	return nil
}

func (a *applier) cancelPending() error {
	// A message of several parts that has begun to leave keeps its state.
	_, err := a.exec(`UPDATE messages SET delivery = 8, reason = ?2
 WHERE conversation_id = ?1 AND delivery <= 1 AND seq IN (SELECT seq FROM outbox WHERE conversation_id = ?1 AND status = 1 AND `+ofBot+`)
  AND seq NOT IN (SELECT seq FROM outbox WHERE conversation_id = ?1 AND status IN (2, 3))`, a.conv, ReasonOwner)
	if err != nil {
		return err
	}
	if a.fenced, err = a.change(`DELETE FROM outbox WHERE conversation_id = ? AND status = 1 AND seq > 0 AND `+ofBot, a.conv); err != nil {
		return err
	}
	if _, err = a.exec(`DELETE FROM outbox WHERE conversation_id = ? AND status = 1 AND seq = 0 AND `+ofBot, a.conv); err != nil {
		return err
	}
	// What was handed out may have arrived: its acknowledgement settles it. No
	// epoch is 0, so it is not given again, and a later re-stamp leaves it.
	_, err = a.exec(`UPDATE outbox SET epoch = 0 WHERE conversation_id = ? AND status = 2 AND lease_until = ? AND `+ofBot, a.conv, storage.Forever)
	return err
}

func (a *applier) outbox(t *storage.Turn) error {
	for i := range t.Outbox {
		r := &t.Outbox[i]
		status, uid := r.Status, orNewUID(r.UID)
		if status == 0 {
			status = storage.RowPending
		}
		a.rows.outbox.add(uid[:], a.conv, r.Seq, int64(r.Part), int64(r.Kind), r.Channel, int64(r.Origin), r.Epoch, int64(status), int64(r.Attempt),
			r.DueAt, r.ExpiresAt, int64(0), int64(0), int64(0), int64(r.Priority), blob(r.Request), r.Error)
	}
	return nil
}

func (a *applier) timers(t *storage.Turn) error {
	for i := range t.Timers {
		m := &t.Timers[i]
		a.rows.timers.add(a.conv, m.Name, m.ID, m.DueAt, blob(m.Spec), int64(m.Attempt))
	}
	return nil
}

func (a *applier) handoffs(t *storage.Turn) error {
	for i := range t.Handoffs {
		h := &t.Handoffs[i]
		cause, err := causeNumber(h.Cause)
		if err != nil {
			return err
		}
		if h.ID != 0 {
			n, err := a.change(`UPDATE handoffs SET queue = ?, cause = ?, reason = ?, priority = ?, skills = ?, packet = ?, promised_at = ?, claimed_at = ?,
  claimed_by = ?, ended_at = ?, ended = ? WHERE id = ? AND conversation_id = ?`, h.Queue, cause, h.Reason, h.Priority, listText(h.Skills), h.Packet,
				h.PromisedAt, h.ClaimedAt, h.ClaimedBy, h.EndedAt, h.Ended, h.ID, a.conv)
			if err != nil {
				return wrap("handoff", err)
			}
			if n == 0 {
				return refuse("handoff %d is not of this conversation", h.ID)
			}
			continue
		}
		res, err := a.exec(`INSERT INTO handoffs(conversation_id, parent, queue, cause, reason, priority, skills, packet, created_at, promised_at,
  claimed_at, claimed_by, ended_at, ended) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`, a.conv, h.Parent, h.Queue, cause, h.Reason, h.Priority,
			listText(h.Skills), h.Packet, orNow(h.CreatedAt, a.now), h.PromisedAt, h.ClaimedAt, h.ClaimedBy, h.EndedAt, h.Ended)
		if err != nil {
			return wrap("handoff", err)
		}
		if a.handoff, err = res.LastInsertId(); err != nil {
			return err
		}
	}
	return nil
}

func causeNumber(word string) (int, error) {
	for n, c := range dm.Causes {
		if c == word {
			return n, nil
		}
	}
	return 0, refuse("cause %q is not in the list", word)
}

// causeScan reads the number of a cause as its word.
type causeScan struct{ to *string }

// Scan implements sql.Scanner.
func (c causeScan) Scan(v any) error {
	n, ok := v.(int64)
	if !ok || n < 0 || n >= int64(len(dm.Causes)) {
		return fmt.Errorf("cause %v is not in the list", v)
	}
	*c.to = dm.Causes[n]
	return nil
}

// intervals: a new one closes the open one at the moment it begins.
func (a *applier) intervals(t *storage.Turn) error {
	for _, i := range t.Intervals {
		if i.Handoff < 0 {
			i.Handoff = a.handoff
		}
		since := orNow(i.Since, a.now)
		_, err := a.exec("UPDATE ownership SET until = ?, until_cause = ?, until_by = ? WHERE conversation_id = ? AND until = 0 AND epoch <> ?",
			since, i.SinceCause, i.SinceBy, a.conv, i.Epoch)
		if err != nil {
			return wrap("interval", err)
		}
		_, err = a.exec(`INSERT INTO ownership(`+intervalCols+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)
 ON CONFLICT(conversation_id, epoch) DO UPDATE SET owner = excluded.owner, phase = excluded.phase, owner_id = excluded.owner_id,
  lent_by = excluded.lent_by, lent_flow = excluded.lent_flow, until = excluded.until, until_cause = excluded.until_cause,
  until_by = excluded.until_by, handoff_id = excluded.handoff_id`,
			a.conv, i.Epoch, i.Owner, i.Phase, i.OwnerID, i.LentBy, i.LentFlow, since, i.SinceCause, i.SinceBy, i.Until, i.UntilCause, i.UntilBy, i.Handoff)
		if err != nil {
			return wrap("interval", err)
		}
	}
	return nil
}

func (a *applier) desk(t *storage.Turn) error {
	for _, d := range t.Desk {
		var err error
		if d.Delete {
			_, err = a.exec("DELETE FROM desk WHERE conversation_id = ? AND tbl = ? AND id = ?", a.conv, d.Table, d.ID)
		} else {
			_, err = a.exec(`INSERT OR REPLACE INTO desk(conversation_id, tbl, id, at, due, ended, queue, state, body) VALUES (?,?,?,?,?,?,?,?,?)`,
				a.conv, d.Table, d.ID, d.At, d.Due, d.End, d.Queue, d.State, d.Body)
		}
		if err != nil {
			return wrap("desk row", err)
		}
	}
	return nil
}

func (a *applier) outcome(t *storage.Turn) error {
	o := t.Outcome
	if o == nil {
		return nil
	}
	conv := o.Conversation
	if conv == 0 {
		conv = a.conv
	}
	_, err := a.exec(`INSERT INTO outcomes(conversation_id, day, channel_id, revision, entry, outcome, reason, queue, turns, bot_ms, wait_ms, human_ms,
  reopened, csat, holdout, bot_spoke, person_spoke, handed_off, body) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
 ON CONFLICT(conversation_id) DO UPDATE SET day = excluded.day, channel_id = excluded.channel_id, revision = excluded.revision, entry = excluded.entry,
  outcome = excluded.outcome, reason = excluded.reason, queue = excluded.queue, turns = excluded.turns, bot_ms = excluded.bot_ms,
  wait_ms = excluded.wait_ms, human_ms = excluded.human_ms, reopened = excluded.reopened, csat = excluded.csat, holdout = excluded.holdout,
  bot_spoke = excluded.bot_spoke, person_spoke = excluded.person_spoke, handed_off = excluded.handed_off, body = excluded.body`,
		conv, o.Day, o.Channel, o.Revision, o.Entry, o.Outcome, o.Reason, o.Queue, o.Turns, o.BotMS, o.WaitMS, o.HumanMS,
		bit(o.Reopened), o.CSAT, bit(o.Holdout), bit(o.BotSpoke), bit(o.PersonSpoke), bit(o.HandedOff), o.Body)
	return wrap("outcome", err)
}

func (a *applier) receipts(t *storage.Turn) error {
	a.rows.addReceipts(t.Receipts, t.Messages, a.conv, a.now)
	return nil
}

// addReceipts keeps the first row a platform id was given for. made are the
// messages of conv that are written with them: a receipt whose hash its message
// keeps is found by way of it (theirReceipts).
func (g *gathered) addReceipts(receipts []storage.Receipt, made []storage.Message, conv, now int64) {
	for i := range receipts {
		r := &receipts[i]
		to := r.Conversation
		if to == 0 {
			to = conv
		}
		named := to == conv && slices.ContainsFunc(made, func(m storage.Message) bool { return m.Seq == r.Seq && bytes.Equal(m.External, r.Hash) })
		g.receipts.add(r.Channel, blob(r.Hash), to, r.Seq, orNow(r.At, now), bit(named))
	}
}

// records are compare-and-set; somebody else's version makes the turn stale.
func (a *applier) records(t *storage.Turn) error {
	for i := range t.Records {
		r := &t.Records[i]
		if r.Version == 0 && !r.Delete {
			a.rows.records.add(int64(r.Kind), blob(r.ID), int64(1), blob(r.Lookup), orNull(r.Expires), blob(r.Body))
			continue
		}
		if err := a.writeRecords(); err != nil {
			return err
		}
		if ok, err := a.putRecord(r); err != nil {
			return err
		} else if !ok {
			return errStale
		}
	}
	return nil
}

func (a *applier) media(t *storage.Turn) error {
	for i := range t.Media {
		m := &t.Media[i]
		_, err := a.exec(`INSERT INTO media(id, conversation_id, seq, type, size, sha, name, key, path) VALUES (?,?,?,?,?,?,?,?,?)
 ON CONFLICT(id) DO UPDATE SET type = excluded.type, size = excluded.size, sha = excluded.sha, name = excluded.name, key = excluded.key,
  path = excluded.path WHERE conversation_id = excluded.conversation_id`,
			orNull(m.ID), a.conv, m.Seq, m.Type, m.Size, m.SHA, m.Name, m.FileKey, m.Path)
		if err != nil {
			return wrap("media", err)
		}
	}
	return nil
}

func (a *applier) lookups(t *storage.Turn) error {
	for i := range t.Lookups {
		l := &t.Lookups[i]
		contact := l.Contact
		if contact == 0 {
			contact = a.contact
		}
		a.rows.lookups.add(int64(l.Kind), blob(l.Hash), contact)
	}
	return nil
}

func (a *applier) parked(t *storage.Turn) error {
	for i := range t.Parked {
		p := &t.Parked[i]
		_, err := a.exec("INSERT INTO parked(channel_id, event, error, attempt, next_at, created_at, seen) VALUES (?,?,?,?,?,?,?)",
			p.Channel, p.Event, p.Error, p.Attempt, p.NextAt, orNow(p.CreatedAt, a.now), packSeen(p.Seen))
		if err != nil {
			return wrap("parked event", err)
		}
	}
	return nil
}

func (a *applier) audit(t *storage.Turn) error {
	a.rows.addAudit(t.Audit, a.now)
	return nil
}

func (a *applier) events(t *storage.Turn) error {
	a.rows.addEvents(t.Events, a.conv, a.uid, a.now)
	return nil
}

// addEvents has events numbered in commit order: there is one writer, so the
// row id is the cursor.
func (g *gathered) addEvents(events []storage.Event, conv int64, uid storage.UID, now int64) {
	for i := range events {
		e := &events[i]
		about, public := e.Conversation, e.UID
		if about == 0 {
			about = conv
		}
		if public == (storage.UID{}) && about == conv {
			public = uid
		}
		g.events.add(orNow(e.At, now), about, public[:], e.Seq, e.Type, listText(e.Topics), e.Ref)
	}
}

func wrap(noun string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", noun, err)
}
