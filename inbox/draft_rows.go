package inbox

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"dispatcher/engine"
	"dispatcher/storage"
)

// Append adds one row and gives its seq. A customer's row starts the clocks
// that a person has to answer; a person's row that is already sent stops them.
func (d *Draft) Append(m NewMessage) int64 {
	d.conv.LastSeq++
	seq := d.conv.LastSeq
	if m.At.IsZero() {
		m.At = d.View.Now
	}
	row := storage.Message{Seq: seq, Kind: m.Kind, Dir: m.Dir, Public: m.Public, Author: m.Author, AuthorID: m.AuthorID,
		At: m.At.UnixMilli(), CauseSeq: m.CauseSeq, Rule: m.Rule, Delivery: m.Delivery, External: m.External}
	if !m.PlatformAt.IsZero() {
		row.PlatformAt = m.PlatformAt.UnixMilli()
	}
	if m.Author == storage.AuthorBot || m.Author == storage.AuthorNotice {
		row.Revision = setIDBytes(d.state.Set)
	}
	var err error
	d.sealing.body = m.Body
	row.Body, err = d.keys.seal("messages", d.conv.UID, seq, "body", &d.sealing.body)
	d.fail("message body", err)
	if m.Trace != nil {
		row.Trace, err = d.keys.seal("messages", d.conv.UID, seq, "trace", m.Trace)
		d.fail("message trace", err)
	}
	d.turn.Messages = append(d.turn.Messages, row)
	if m.Delivery != storage.DeliveryCancelled { // never said: nobody's last word
		d.count(seq, m)
	}
	d.turn.Events = append(d.turn.Events, storage.Event{Type: EventCreated, Seq: seq})
	return seq
}

// Types of events.
const (
	EventCreated      = "message.created"
	EventUpdated      = "message.updated"
	EventConversation = "conversation.changed"
	EventQueue        = "queue.changed"
	EventDue          = "handoff.overdue"
	EventWarning      = "handoff.warning"
	EventPromise      = "promise.changed"
	EventScored       = "csat.scored"
	EventVerified     = "contact.verified"
)

// count keeps card, unread mark and clocks in step with a new row.
func (d *Draft) count(seq int64, m NewMessage) {
	if m.Kind == storage.MsgNote || m.Kind == storage.MsgEvent {
		return
	}
	d.preview(m)
	d.conv.LastAuthor = m.Author
	e := &d.card.Episode
	switch m.Author {
	case storage.AuthorCustomer:
		d.conv.Unread++
		e.countCustomer(seq, m)
		d.customerWrote(seq, m.At)
	case storage.AuthorBot, storage.AuthorNotice:
		e.BotSpoke = true
	case storage.AuthorAgent, storage.AuthorAgentNative:
		d.conv.Unread = 0
		e.Human++
		if m.Delivery >= storage.DeliverySent && m.Delivery <= storage.DeliveryRead {
			d.Sent(seq, m.At)
		}
	}
}

// Change edits an earlier row: its words when b is not nil, and what c says.
func (d *Draft) Change(c storage.MessageChange, b *Body) {
	if b != nil {
		box, err := d.keys.seal("messages", d.conv.UID, c.Seq, "body", b)
		d.fail("message body", err)
		c.Body = box
	}
	d.turn.Changes = append(d.turn.Changes, c)
	d.turn.Events = append(d.turn.Events, storage.Event{Type: EventUpdated, Seq: c.Seq})
}

// SetState keeps the state a step left, and with it position and flow set.
func (d *Draft) SetState(st engine.State) {
	d.state, d.stated = st, true
	d.conv.Position = st.Position()
	if id := setIDBytes(st.Set); id != nil {
		d.conv.Revision = id
	}
	d.topicOnCard()
}

// Timer sets a timer by name, replacing one of that name.
func (d *Draft) Timer(name string, at time.Time) { d.timerSpec(name, at, nil) }

func (d *Draft) timerSpec(name string, at time.Time, spec any) {
	t := storage.Timer{Name: name, ID: randomID(), DueAt: at.UnixMilli()}
	if spec != nil {
		box, err := d.keys.seal("timers", d.conv.UID, 0, name, spec)
		d.fail("timer "+name, err)
		t.Spec = box
	}
	if i, set := slices.BinarySearchFunc(d.timers, name, timerName); set {
		d.timers[i] = t
	} else {
		d.timers = slices.Insert(d.timers, i, t)
	}
	d.turn.Cancel = slices.DeleteFunc(d.turn.Cancel, func(c string) bool { return c == name })
}

func timerName(t storage.Timer, name string) int { return strings.Compare(t.Name, name) }

// CancelTimers drops every timer whose name has the prefix.
func (d *Draft) CancelTimers(prefix string) {
	d.timers = slices.DeleteFunc(d.timers, func(t storage.Timer) bool { return strings.HasPrefix(t.Name, prefix) })
	for _, t := range d.View.Snap.Timers {
		if strings.HasPrefix(t.Name, prefix) && !d.dropped(t) && !slices.Contains(d.turn.Cancel, t.Name) && d.View.Snap.Conv.ID == d.conv.ID {
			d.turn.Cancel = append(d.turn.Cancel, t.Name)
		}
	}
}

func (d *Draft) dropped(t storage.Timer) bool {
	return slices.ContainsFunc(d.turn.Drop, func(x storage.TimerDrop) bool { return x.ID == t.ID })
}

// Drop consumes a timer that is due: one that is gone makes the turn stale.
func (d *Draft) Drop(t storage.Timer) {
	d.turn.Drop = append(d.turn.Drop, storage.TimerDrop{Name: t.Name, ID: t.ID})
	d.ladder = d.ladder || strings.HasPrefix(t.Name, timerUnclaimed)
	d.silence = d.silence || strings.HasPrefix(t.Name, "silence") || strings.HasPrefix(t.Name, "idle")
}

// Contact changes what is known of the person.
func (d *Draft) Contact(f func(*Profile)) {
	f(&d.profile)
	d.person = true
	d.card.Name, d.card.Handle, d.card.Verified = d.profile.Name, d.profile.Handle, d.profile.isVerified(d.View.Now)
}

// Reach keeps the address the customer wrote from. addr is the keyed hash of
// the thread; lastIn is the time of their message, zero for none.
func (d *Draft) Reach(addr []byte, a Address, lastIn time.Time) {
	d.address, d.reached = a, true
	if a := d.View.Account; a != nil {
		d.identity.Channel = a.Number
	}
	d.identity.Addr = addr
	if ms := lastIn.UnixMilli(); !lastIn.IsZero() && ms > d.identity.LastInAt {
		d.identity.LastInAt = ms
	}
	if d.conv.ID == 0 && d.conv.Addr == nil {
		d.conv.Addr = addr
	}
}

// Verified marks the address as proved, or claimed, until a time; zero = no end.
func (d *Draft) Verified(level int16, until time.Time) {
	d.identity.Verified, d.identity.VerifiedUntil, d.reached = level, 0, true
	if !until.IsZero() {
		d.identity.VerifiedUntil = until.UnixMilli()
	}
}

// Event adds one line for whoever watches. topics come on top of those every
// event of a conversation has.
func (d *Draft) Event(typ string, topics ...string) {
	d.turn.Events = append(d.turn.Events, storage.Event{Type: typ, Topics: topics, Seq: d.conv.LastSeq})
}

// Audit adds one line to the audit trail.
func (d *Draft) Audit(actor, verb, object string) {
	d.turn.Audit = append(d.turn.Audit, storage.AuditEntry{At: d.View.Now.UnixMilli(), Actor: actor, Verb: verb, Object: object})
}

// AuditDetail is Audit with facts that are sealed with the system key.
func (d *Draft) AuditDetail(actor, verb, object string, detail any) {
	d.Audit(actor, verb, object)
	plain, err := json.Marshal(detail)
	d.fail("audit detail", err)
	d.turn.Audit[len(d.turn.Audit)-1].Detail = d.View.vault.vault.SealSystem(plain, []byte("audit"))
}

// Seen marks inbound ids as consumed.
func (d *Draft) Seen(keys ...storage.SeenKey) { d.turn.Seen = append(d.turn.Seen, keys...) }

// Handled says that messages up to seq were stepped.
func (d *Draft) Handled(seq int64) { d.conv.HandledSeq = max(d.conv.HandledSeq, seq) }

// Labels adds and removes labels.
func (d *Draft) Labels(add, remove []string) {
	labels := append(slices.Clone(d.conv.Labels), add...)
	labels = slices.DeleteFunc(labels, func(l string) bool { return slices.Contains(remove, l) })
	slices.Sort(labels)
	d.conv.Labels = slices.Compact(labels)
}

// Tags replaces the person's tags.
func (d *Draft) Tags(tags []string) {
	d.contact.Tags, d.person = slices.Clone(tags), true
}

// Priority sets the priority of the conversation and of its open handoff.
func (d *Draft) Priority(p string) {
	d.conv.Priority = PriorityOf(p)
	if d.handoff != nil {
		d.handoff.Priority = d.conv.Priority
		d.putHandoff()
	}
}

// Escalate marks a conversation whose customer also wrote in public.
func (d *Draft) Escalate() { d.conv.Escalated = true }

// Holdout marks a conversation that only gets the acknowledgement.
func (d *Draft) Holdout() { d.conv.Holdout = true }

// Record writes a record in the same transaction.
func (d *Draft) Record(r storage.Record) { d.turn.Records = append(d.turn.Records, r) }

// Receipt lets a row be found by the platform's id of its message. The
// conversation is filled in by the store when it is new.
func (d *Draft) Receipt(channel int64, hash []byte, seq int64) {
	d.turn.Receipts = append(d.turn.Receipts, storage.Receipt{Channel: channel, Hash: hash, Conversation: d.conv.ID, Seq: seq, At: d.View.Now.UnixMilli()})
}

// Lookup adds to the blind index.
func (d *Draft) Lookup(kind int16, hash []byte) {
	d.turn.Lookups = append(d.turn.Lookups, storage.Lookup{Kind: kind, Hash: hash, Contact: d.contact.ID})
}

// Media keeps one attachment of the row seq.
func (d *Draft) Media(m storage.MediaRow) { d.turn.Media = append(d.turn.Media, m) }

// Park keeps an event that cannot be a message yet.
func (d *Draft) Park(p storage.ParkedRow) { d.turn.Parked = append(d.turn.Parked, p) }

// Unpark consumes a parked event: one that is gone makes the turn stale.
func (d *Draft) Unpark(id int64) { d.turn.Unpark = append(d.turn.Unpark, id) }

// Opens makes the new conversation that next describes part of the same
// transaction.
func (d *Draft) Opens(next *Draft) { d.next = next }

// clip cuts s to n runes.
func clip(s string, n int) string {
	if len(s) <= n && isOneLine(s) {
		return s
	}
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// isOneLine says that s is ASCII words with one space between them.
func isOneLine(s string) bool {
	for i, c := range []byte(s) {
		if c >= utf8.RuneSelf || c < ' ' || c == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			return false
		}
	}
	return true
}
