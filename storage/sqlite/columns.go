package sqlite

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"dispatcher/storage"
)

// jsonList reads and writes a list of words as JSON.
type jsonList struct{ to *[]string }

// Scan implements sql.Scanner.
func (l jsonList) Scan(v any) error {
	*l.to = nil
	s, ok := v.(string)
	if !ok || s == "[]" || s == "" {
		return nil
	}
	return json.Unmarshal([]byte(s), l.to)
}

func listText(words []string) string {
	if len(words) == 0 {
		return "[]"
	}
	b, err := json.Marshal(words)
	if err != nil {
		return "[]" // strings always marshal
	}
	return string(b)
}

// uidScan reads 16 bytes.
type uidScan struct{ to *storage.UID }

// Scan implements sql.Scanner.
func (u uidScan) Scan(v any) error {
	*u.to = storage.UID{}
	if b, ok := v.([]byte); ok {
		copy(u.to[:], b)
	}
	return nil
}

// orZero reads NULL as 0.
type orZero struct{ to *int64 }

// Scan implements sql.Scanner.
func (z orZero) Scan(v any) error {
	*z.to = 0
	if n, ok := v.(int64); ok {
		*z.to = n
	}
	return nil
}

// orNull writes 0 as NULL.
func orNull(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

const contactCols = `c.id, c.uid, c.created_at, c.updated_at, c.merged_into, c.profile, c.tags, c.version, k.kid, k.wrapped`

func contactInto(c *storage.Contact) []any {
	return []any{&c.ID, uidScan{&c.UID}, &c.CreatedAt, &c.UpdatedAt, orZero{&c.Merged}, &c.Profile, jsonList{&c.Tags}, &c.Version,
		orZero{(*int64)(&c.KeyID)}, &c.Wrapped}
}

const identityCols = `channel_id, addr, contact_id, address, display, verified, verified_until, last_in_at, blocked`

func identityInto(i *storage.Identity) []any {
	return []any{&i.Channel, &i.Addr, &i.Contact, &i.Address, &i.Display, &i.Verified, &i.VerifiedUntil, &i.LastInAt, &i.Blocked}
}

const convCols = `id, uid, contact_id, channel_id, identity, status, owner, phase, owner_id, epoch, version, last_seq, handled_seq, first_seq,
 priority, continues, revision, position, state, card, opened_at, updated_at, first_reply_due, next_reply_due, snoozed_until, resolved_at,
 resolved_why, unread, waiting_since, last_author, sim, escalated, holdout, labels`

func convInto(c *storage.Conversation) []any {
	return []any{&c.ID, uidScan{&c.UID}, &c.Contact, &c.Channel, &c.Addr, &c.Status, &c.Owner, &c.Phase, &c.OwnerID, &c.Epoch, &c.Version,
		&c.LastSeq, &c.HandledSeq, &c.FirstSeq, &c.Priority, &c.Continues, &c.Revision, &c.Position, &c.State, &c.Card, &c.OpenedAt,
		&c.UpdatedAt, &c.FirstReplyDue, &c.NextReplyDue, &c.SnoozedUntil, &c.ResolvedAt, &c.ResolvedWhy, &c.Unread, &c.WaitingSince,
		&c.LastAuthor, &c.Sim, &c.Escalated, &c.Holdout, jsonList{&c.Labels}}
}

const messageCols = `conversation_id, seq, kind, dir, visibility, author, author_id, at, platform_at, body, trace, cause_seq, revision, rule,
 delivery, reason, external, edited, removed`

func messageInto(m *storage.Message) []any {
	return []any{&m.Conversation, &m.Seq, &m.Kind, &m.Dir, &m.Public, &m.Author, &m.AuthorID, &m.At, &m.PlatformAt, &m.Body, &m.Trace,
		&m.CauseSeq, &m.Revision, &m.Rule, &m.Delivery, &m.Reason, &m.External, &m.Edited, &m.Removed}
}

const intervalCols = `conversation_id, epoch, owner, phase, owner_id, lent_by, lent_flow, since, since_cause, since_by, until, until_cause, until_by, handoff_id`

func intervalInto(i *storage.Interval) []any {
	return []any{&i.Conversation, &i.Epoch, &i.Owner, &i.Phase, &i.OwnerID, &i.LentBy, &i.LentFlow, &i.Since, &i.SinceCause, &i.SinceBy,
		&i.Until, &i.UntilCause, &i.UntilBy, &i.Handoff}
}

const handoffCols = `id, conversation_id, parent, queue, cause, reason, priority, skills, packet, created_at, promised_at, claimed_at, claimed_by, ended_at, ended`

func handoffInto(h *storage.Handoff) []any {
	return []any{&h.ID, &h.Conversation, &h.Parent, &h.Queue, causeScan{&h.Cause}, &h.Reason, &h.Priority, jsonList{&h.Skills}, &h.Packet,
		&h.CreatedAt, &h.PromisedAt, &h.ClaimedAt, &h.ClaimedBy, &h.EndedAt, &h.Ended}
}

// rowPutCols are those of a new row; it is leased to nobody.
const rowPutCols = `uid, conversation_id, seq, part, kind, channel_id, origin, epoch, status, attempt, due_at, expires_at, lease_node, lease_until,
 marked_at, priority, request, error`

// rowInto are the places of what selectRows reads of a row.
func rowInto(r *storage.OutboxRow) []any {
	return []any{&r.ID, uidScan{&r.UID}, &r.Conversation, &r.Seq, &r.Part, &r.Kind, &r.Channel, &r.Origin, &r.Epoch, &r.Status, &r.Attempt,
		&r.DueAt, &r.ExpiresAt, &r.LeaseNode, &r.LeaseUntil, &r.MarkedAt, &r.Priority, &r.Request, &r.Error}
}

const recordCols = `kind, id, version, lookup, expires_at, body`

func recordInto(r *storage.Record) []any {
	return []any{&r.Kind, &r.ID, &r.Version, &r.Lookup, orZero{&r.Expires}, &r.Body}
}

// packSeen writes dedupe keys as 28 bytes each: channel, time, key.
func packSeen(keys []storage.SeenKey) []byte {
	if len(keys) == 0 {
		return nil
	}
	b := make([]byte, 0, len(keys)*28)
	for _, k := range keys {
		b = binary.BigEndian.AppendUint64(b, uint64(k.Channel))
		b = binary.BigEndian.AppendUint64(b, uint64(k.AtS))
		b = append(b, k.Key[:]...)
	}
	return b
}

func unpackSeen(b []byte) ([]storage.SeenKey, error) {
	if len(b)%28 != 0 {
		return nil, fmt.Errorf("seen keys of %d bytes", len(b))
	}
	var keys []storage.SeenKey
	for ; len(b) > 0; b = b[28:] {
		k := storage.SeenKey{Channel: int64(binary.BigEndian.Uint64(b)), AtS: int64(binary.BigEndian.Uint64(b[8:]))}
		copy(k.Key[:], b[16:28])
		keys = append(keys, k)
	}
	return keys, nil
}
