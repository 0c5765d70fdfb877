package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	lib "modernc.org/sqlite"

	"dispatcher/storage"
)

// applier writes one turn. The order of its statements is fixed: what may
// refuse the turn comes first, then the rows that hang on it.
type applier struct {
	*tx
	now  int64
	fail func(string) error

	together bool // with the others of its batch: its events are written already

	conv    int64 // the conversation the turn is about; 0 = none
	uid     storage.UID
	contact int64
	handoff int64 // the handoff inserted by this turn
	version int64
	fenced  int64 // rows with words that were taken back
}

// turn leaves the rows that are only added to whoever writes what was gathered.
func (a *applier) turn(t *storage.Turn) (storage.Outcome, error) {
	steps := []func(*storage.Turn) error{
		a.seen, a.failSeen, a.unpark, a.person, a.conversation, a.drops, a.identities, a.messages, a.changes, a.settle, a.outbox, a.timers,
		a.handoffs, a.intervals, a.desk, a.outcome, a.receipts, a.records, a.media, a.lookups, a.parked, a.audit, a.events,
	}
	for _, step := range steps {
		if err := step(t); err != nil {
			return storage.Outcome{}, err
		}
	}
	out := storage.Outcome{Status: storage.Applied, Conversation: a.conv, UID: a.uid, Contact: a.contact, Version: a.version, Fenced: int(a.fenced)}
	if t.Opens == nil {
		return out, nil
	}
	if err := a.writeWaiting(); err != nil {
		return storage.Outcome{}, err
	}
	next := applier{tx: a.tx, now: a.now, fail: a.fail, contact: a.contact, together: a.together}
	opened, err := next.turn(t.Opens)
	if err != nil {
		return storage.Outcome{}, err
	}
	out.Opened, out.OpenedUID = opened.Conversation, opened.UID
	return out, nil
}

func (a *applier) failSeen(*storage.Turn) error { return a.fail("apply.after_seen") }

// seen asks before anything else of the turn is written.
func (a *applier) seen(t *storage.Turn) error {
	if a.together {
		return nil
	}
	keys := allSeen(t)
	a.rows.addSeen(keys, a.now)
	n, _, err := a.writeRows(&a.rows.seen)
	if err != nil || n == int64(len(keys)) {
		return err
	}
	return a.known(keys)
}

func (g *gathered) addSeen(keys []storage.SeenKey, now int64) {
	day := now / 86_400_000
	for i := range keys {
		g.seen.add(keys[i].Channel, keys[i].AtS, keys[i].Key[:], day)
	}
}

// known finds which keys were there before this turn: they are asked for
// after the turn's own insert is taken back.
func (a *applier) known(keys []storage.SeenKey) error {
	if _, err := a.exec("ROLLBACK TO t"); err != nil {
		return err
	}
	dup, err := a.knownOf(keys)
	if err != nil {
		return err
	}
	return duplicate{dup}
}

func (t *tx) knownOf(keys []storage.SeenKey) ([]storage.SeenKey, error) {
	var known []storage.SeenKey
	for i, k := range keys {
		var one int64
		found, err := t.one("SELECT 1 FROM seen WHERE channel_id = ? AND at_s = ? AND key = ?", []any{k.Channel, k.AtS, keys[i].Key[:]}, &one)
		if err != nil {
			return nil, err
		}
		if found {
			known = append(known, k)
		}
	}
	return known, nil
}

func (a *applier) unpark(t *storage.Turn) error {
	for _, id := range t.Unpark {
		if n, err := a.change("DELETE FROM parked WHERE id = ?", id); err != nil {
			return err
		} else if n == 0 {
			return errStale
		}
	}
	return nil
}

func (a *applier) person(t *storage.Turn) error {
	c := t.Contact
	switch {
	case c == nil && t.Conv != nil && t.Conv.Contact != 0:
		a.contact = t.Conv.Contact
		return nil
	case c == nil:
		return nil
	case c.ID == 0:
		return a.newContact(t)
	}
	a.contact = c.ID
	n, err := a.change("UPDATE contacts SET profile = ?, tags = ?, merged_into = ?, updated_at = ?, version = version + 1 WHERE id = ?",
		c.Profile, listText(c.Tags), orNull(c.Merged), orNow(c.UpdatedAt, a.now), c.ID)
	if err == nil && n == 0 {
		return errStale // erased meanwhile
	}
	return err
}

func (a *applier) newContact(t *storage.Turn) error {
	c := t.Contact
	uid := orNewUID(c.UID)
	created := orNow(c.CreatedAt, a.now)
	res, err := a.exec("INSERT INTO contacts(uid, created_at, updated_at, shard, merged_into, profile, tags, version) VALUES (?,?,?,?,?,?,?,1)",
		uid[:], created, orNow(c.UpdatedAt, created), shardOf(t), orNull(c.Merged), c.Profile, listText(c.Tags))
	if err != nil {
		return fmt.Errorf("contact: %w", err)
	}
	if a.contact, err = res.LastInsertId(); err != nil || c.Wrapped == nil {
		return err
	}
	_, err = a.exec("INSERT INTO contact_keys(contact_id, kid, wrapped, created_at) VALUES (?,?,?,?)", a.contact, int64(c.KeyID), c.Wrapped, created)
	return err
}

// shardOf is the contact's place among 4,096: its first identity is a keyed
// hash already.
func shardOf(t *storage.Turn) int64 {
	addr := t.Key.Addr
	if len(t.Identities) > 0 {
		addr = t.Identities[0].Addr
	}
	if len(addr) < 2 {
		return 0
	}
	return int64(binary.BigEndian.Uint16(addr) % 4096)
}

// identities are upserted; an address that belongs to somebody else by now
// makes the turn stale: two first messages raced. The address of a merged
// contact may pass to the one it was merged into.
func (a *applier) identities(t *storage.Turn) error {
	for _, i := range t.Identities {
		contact := i.Contact
		if contact == 0 {
			contact = a.contact
		}
		if contact == 0 {
			return refuse("identity without a contact")
		}
		n, err := a.change(`INSERT INTO identities(`+identityCols+`) VALUES (?,?,?,?,?,?,?,?,?)
 ON CONFLICT(channel_id, addr) DO UPDATE SET address = excluded.address, display = excluded.display, verified = excluded.verified,
  verified_until = excluded.verified_until, last_in_at = max(last_in_at, excluded.last_in_at), blocked = excluded.blocked, contact_id = excluded.contact_id
 WHERE contact_id = excluded.contact_id OR EXISTS (SELECT 1 FROM contacts c WHERE c.id = identities.contact_id AND c.merged_into = excluded.contact_id)`,
			i.Channel, i.Addr, contact, i.Address, i.Display, i.Verified, i.VerifiedUntil, i.LastInAt, i.Blocked)
		if err != nil {
			return raced("identity", err)
		}
		if n == 0 {
			return errStale
		}
	}
	return nil
}

func (a *applier) conversation(t *storage.Turn) error {
	switch {
	case t.Conv == nil && t.Key.ID == 0:
		return nil
	case t.Conv == nil:
		return a.touchConversation(t)
	case t.Conv.ID == 0:
		return a.newConversation(t)
	}
	return a.changeConversation(t)
}

func (a *applier) newConversation(t *storage.Turn) error {
	c := t.Conv
	contact := c.Contact
	if contact == 0 {
		contact = a.contact
	}
	if contact == 0 {
		return refuse("new conversation without a contact")
	}
	a.contact = contact
	var open int64
	if found, err := a.one("SELECT id FROM conversations WHERE contact_id = ? AND status <> 2", []any{contact}, &open); err != nil {
		return err
	} else if found && c.Status != storage.Resolved {
		return errStale // one open conversation per contact: two firsts raced
	}
	last := c.FirstSeq + int64(len(t.Messages))
	a.uid = orNewUID(c.UID)
	opened := orNow(c.OpenedAt, a.now)
	addr, channel := c.Addr, c.Channel
	if addr == nil && len(t.Identities) > 0 {
		addr, channel = t.Identities[0].Addr, t.Identities[0].Channel
	}
	res, err := a.exec(`INSERT INTO conversations(uid, contact_id, shard, channel_id, identity, status, owner, phase, owner_id, epoch, version, turn_id,
  last_seq, handled_seq, first_seq, priority, continues, revision, position, state, card, opened_at, updated_at, first_reply_due, next_reply_due,
  snoozed_until, resolved_at, resolved_why, unread, waiting_since, last_author, sim, escalated, holdout, labels)
 SELECT ?1, ?2, coalesce((SELECT shard FROM contacts WHERE id = ?2), 0), ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
  ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33`,
		a.uid[:], contact, channel, addr, c.Status, c.Owner, c.Phase, c.OwnerID, c.Epoch, int64(t.ID), last, c.HandledSeq, c.FirstSeq,
		c.Priority, c.Continues, c.Revision, c.Position, c.State, c.Card, opened, orNow(c.UpdatedAt, opened), c.FirstReplyDue, c.NextReplyDue,
		c.SnoozedUntil, c.ResolvedAt, c.ResolvedWhy, c.Unread, c.WaitingSince, c.LastAuthor, bit(c.Sim), bit(c.Escalated), bit(c.Holdout), listText(c.Labels))
	if err != nil {
		return raced("conversation", err)
	}
	a.version = 1
	a.conv, err = res.LastInsertId()
	return err
}

// changeConversations are the statements that change a conversation's row, the
// cheapest first; the columns count in the order of changeConversation. Who
// owns a conversation, how far it is and where its flow stands is in indexes,
// each of which SQLite takes out and puts in again when one of its columns is
// set, to the same value too. So the first statement changes what stays with
// its owner and in its state, the second what stays with its owner, and the
// last the rest: a conversation that was changed has another version.
var changeConversations = []string{
	setConversation + whereStands + " AND position = c15 AND " + sameOwner,
	setConversation + ", position = c15" + whereStands + " AND " + sameOwner,
	setConversation + ", position = c15, status = c4, owner = c5, owner_id = c7, priority = c12" + whereStands,
}

const (
	setConversation = `UPDATE OR FAIL conversations SET channel_id = c2, identity = c3, phase = c6, epoch = c8, version = version + 1, turn_id = c9,
  last_seq = last_seq + c10, handled_seq = c11, continues = c13, revision = c14, state = c16, card = c17, updated_at = c18, first_reply_due = c19,
  next_reply_due = c20, snoozed_until = c21, resolved_at = c22, resolved_why = c23, unread = c24, waiting_since = c25, last_author = c26, sim = c27,
  escalated = c28, holdout = c29, labels = c30`
	whereStands = " FROM temp.fed WHERE id = c0 AND version = c1 AND (c10 = 0 OR last_seq = c31)"
	sameOwner   = "status = c4 AND owner = c5 AND owner_id = c7 AND priority = c12"
)

func (a *applier) changeConversation(t *storage.Turn) error {
	c := t.Conv
	a.conv, a.uid, a.contact, a.version = c.ID, c.UID, c.Contact, t.Expect+1
	before, count := int64(0), int64(len(t.Messages))
	if count > 0 {
		before = t.Messages[0].Seq - 1
	}
	a.rows.conversations.add(c.ID, t.Expect, c.Channel, blob(c.Addr), int64(c.Status), int64(c.Owner), int64(c.Phase), c.OwnerID, c.Epoch,
		int64(t.ID), count, c.HandledSeq, int64(c.Priority), c.Continues, blob(c.Revision), c.Position,
		blob(c.State), blob(c.Card), orNow(c.UpdatedAt, a.now), c.FirstReplyDue, c.NextReplyDue, c.SnoozedUntil, c.ResolvedAt, c.ResolvedWhy,
		int64(c.Unread), c.WaitingSince, int64(c.LastAuthor), bit(c.Sim), bit(c.Escalated), bit(c.Holdout), listText(c.Labels), before)
	if !a.together {
		if all, err := a.writeConversations(); err != nil {
			return err
		} else if !all {
			return a.whyNot(c.ID, t.Expect, before)
		}
	}
	return a.whose(c.ID)
}

// whose fills in what the caller left out.
func (a *applier) whose(conv int64) error {
	if a.contact != 0 && a.uid != (storage.UID{}) {
		return nil
	}
	_, err := a.one("SELECT uid, contact_id FROM conversations WHERE id = ?", []any{conv}, uidScan{&a.uid}, &a.contact)
	return err
}

// touchConversation is a turn that leaves the conversation's own row as it
// was: it still takes a version, so that nobody decides past it.
func (a *applier) touchConversation(t *storage.Turn) error {
	before, count := int64(0), int64(len(t.Messages))
	if count > 0 {
		before = t.Messages[0].Seq - 1
	}
	a.conv, a.version = t.Key.ID, t.Expect+1
	n, err := a.change(`UPDATE conversations SET version = version + 1, turn_id = ?, last_seq = last_seq + ?, updated_at = ?
 WHERE id = ? AND version = ? AND (? = 0 OR last_seq = ?)`, int64(t.ID), count, a.now, t.Key.ID, t.Expect, count, before)
	if err != nil {
		return fmt.Errorf("conversation: %w", err)
	}
	if n == 0 {
		return a.whyNot(t.Key.ID, t.Expect, before)
	}
	return a.whose(t.Key.ID)
}

// whyNot tells a stale turn from one whose seq is wrong.
func (a *applier) whyNot(id, expect, before int64) error {
	var version, last int64
	found, err := a.one("SELECT version, last_seq FROM conversations WHERE id = ?", []any{id}, &version, &last)
	switch {
	case err != nil:
		return err
	case !found || version != expect:
		return errStale
	}
	return refuse("message seq %d where %d is next", before+1, last+1)
}

// raced turns the constraints that only a race can break into a stale turn:
// the contact was erased, or has another open conversation by now.
func raced(noun string, err error) error {
	const foreignKey = 787 // SQLITE_CONSTRAINT_FOREIGNKEY
	if e, ok := errors.AsType[*lib.Error](err); ok && (e.Code() == foreignKey || strings.Contains(e.Error(), "conversations.contact_id")) {
		return errStale
	}
	return fmt.Errorf("%s: %w", noun, err)
}

func orNow(at, now int64) int64 {
	if at == 0 {
		return now
	}
	return at
}

func orNewUID(u storage.UID) storage.UID {
	if u == (storage.UID{}) {
		return storage.UID(uuid.Must(uuid.NewV7()))
	}
	return u
}
