package inbox

import (
	"errors"
	"time"

	"dispatcher/engine"
	"dispatcher/storage"
)

var errNotYet = errors.New("inbox: draft is being built")

// QueueNow is a queue as flows and the desk see it.
type QueueNow = engine.QueueNow

// Draft starts a turn on the view's conversation; on a new one when there is none.
func (v *View) Draft() *Draft { return &Draft{View: v, conv: v.Snap.Conv} }

// Fresh starts a turn that opens a new conversation of the same person, whatever the view holds.
func (v *View) Fresh() *Draft { return &Draft{View: v} }

// Next starts the draft of a conversation that follows this one; give it to Opens.
func (d *Draft) Next() *Draft { return &Draft{View: d.View} }

// Conv is the conversation as the draft leaves it so far.
func (d *Draft) Conv() storage.Conversation { return d.conv }

// State is the engine's state as the draft leaves it so far.
func (d *Draft) State() engine.State { return d.View.State }

// Fire moves the ownership machine along one edge.
func (d *Draft) Fire(s Shift) error { return errNotYet }

// Append adds one row and gives its seq.
func (d *Draft) Append(m NewMessage) int64 { return 0 }

// Send adds a message row and the outbox row that carries it.
func (d *Draft) Send(o Outgoing) int64 { return 0 }

// Release appends a message that waited on a native channel: the timer release:… is due.
func (d *Draft) Release(t storage.Timer) error { return errNotYet }

// Change edits an earlier row: b nil = the words stay.
func (d *Draft) Change(c storage.MessageChange, b *Body) {}

// Handoff gives the conversation to a queue.
func (d *Draft) Handoff(h engine.Handoff, t engine.Trace) error { return errNotYet }

// Resolve ends the conversation as the engine says.
func (d *Draft) Resolve(reason string, optional bool) error { return errNotYet }

// SetState keeps the state a step left.
func (d *Draft) SetState(st engine.State) {}

// Timer sets a timer by name.
func (d *Draft) Timer(name string, at time.Time) {}

// CancelTimers drops timers whose name has the prefix.
func (d *Draft) CancelTimers(prefix string) {}

// Drop consumes a timer: gone makes the turn stale.
func (d *Draft) Drop(t storage.Timer) {}

// Due handles the timers of ownership, clocks and promises; false = not one of them.
func (d *Draft) Due(t storage.Timer) (handled bool, err error) { return false, nil }

// Sent says that an agent's message reached sent at that time: clocks stop, promises are kept.
func (d *Draft) Sent(seq int64, at time.Time) {}

// Contact changes what is known of the person.
func (d *Draft) Contact(f func(*Profile)) {}

// Reach upserts the address the customer wrote from. lastIn zero: no message.
func (d *Draft) Reach(addr []byte, a Address, lastIn time.Time) {}

// Promises makes a promise row per quote of the sentence said at seq.
func (d *Draft) Promises(seq int64, said string, quotes []engine.Quote) {}

// Event adds one line for whoever watches.
func (d *Draft) Event(typ string, topics ...string) {}

// Audit adds one line to the audit trail.
func (d *Draft) Audit(actor, verb, object string) {}

// Seen marks inbound ids as consumed.
func (d *Draft) Seen(keys ...storage.SeenKey) {}

// Handled says that messages up to seq were stepped.
func (d *Draft) Handled(seq int64) {}

// Labels adds and removes labels.
func (d *Draft) Labels(add, remove []string) {}

// Priority sets the priority of conversation and open handoff.
func (d *Draft) Priority(p string) {}

// Record writes a record in the same transaction.
func (d *Draft) Record(r storage.Record) {}

// Receipt finds the row seq by the platform's id.
func (d *Draft) Receipt(r storage.Receipt) {}

// Lookup adds to the blind index.
func (d *Draft) Lookup(kind int16, hash []byte) {}

// Opens makes next part of the same transaction.
func (d *Draft) Opens(next *Draft) {}

// Build gives the turn.
func (d *Draft) Build() (storage.Turn, error) { return d.turn, d.err }
