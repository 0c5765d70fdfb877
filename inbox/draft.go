package inbox

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

// Edge is the name of one change of ownership (desk.md 1.2).
type Edge string

// The edges. The table of who may fire which from where is in owner.go.
const (
	EdgeOpenBot       Edge = "open_bot"
	EdgeOpenQueue     Edge = "open_queue"
	EdgeOpenAgent     Edge = "open_agent"
	EdgeOpenBlocked   Edge = "open_blocked"
	EdgeHandOff       Edge = "hand_off"
	EdgeBotResolve    Edge = "bot_resolve"
	EdgeTakeOver      Edge = "take_over"
	EdgeClaim         Edge = "claim"
	EdgeNativeReply   Edge = "native_reply"
	EdgeRelease       Edge = "release"
	EdgeTransferQueue Edge = "transfer_queue"
	EdgeTransferAgent Edge = "transfer_agent"
	EdgeTakeoverAgent Edge = "takeover_agent"
	EdgeAgentGone     Edge = "agent_gone"
	EdgeOutsideIdle   Edge = "outside_idle"
	EdgeHandBack      Edge = "hand_back"
	EdgeLend          Edge = "lend"
	EdgeLendDone      Edge = "lend_done"
	EdgeLendRecall    Edge = "lend_recall"
	EdgeLendOrphan    Edge = "lend_orphan"
	EdgeSnooze        Edge = "snooze"
	EdgeWake          Edge = "wake"
	EdgeWakeOrphan    Edge = "wake_orphan"
	EdgeResolve       Edge = "resolve"
	EdgeResolvePlain  Edge = "resolve_plain"
	EdgeUndoResolve   Edge = "undo_resolve"
	EdgeAfterDone     Edge = "after_done"
	EdgeAfterNewIssue Edge = "after_new_issue"
	EdgeReopen        Edge = "reopen"
	EdgeReopenQueue   Edge = "reopen_queue"
	EdgeSpam          Edge = "spam"
	EdgeKill          Edge = "kill"
	EdgeErase         Edge = "erase"
)

// Shift is one edge to fire.
type Shift struct {
	Edge     Edge
	By       string // customer, engine, timer, agent id, token id
	ByName   string // shown in the timeline
	OwnerID  string // queue alias or agent id the edge leads to; "" where it has none
	Owner    string // name of the agent OwnerID, where that is not who does it
	To       string // phase where the edge has two targets (kill, hand_back, undo); "" else
	Note     string
	Reason   string    // why: of a release, a resolve, a spam mark; a word of the project, no sentence
	Cause    string    // dm.Cause… of the handoff the edge makes; "" = the edge's own
	Priority string    // of the handoff the edge makes; "" = normal
	Until    time.Time // snooze: when it wakes; zero = until they reply
}

// NewMessage is one row to append.
type NewMessage struct {
	Kind       int16 // storage.Msg…
	Dir        int16
	Public     bool
	Author     int16
	AuthorID   string
	At         time.Time // zero = now
	PlatformAt time.Time
	Body       Body
	Trace      any // JSON, sealed; nil = none
	CauseSeq   int64
	Rule       string
	Delivery   int16
	External   []byte
}

// Outgoing is one message to send beside its row.
type Outgoing struct {
	NewMessage
	Kind     int16 // storage.RowSend or RowNotice
	Origin   int16
	Priority int16
	DueAt    time.Time // zero = now
	Expires  time.Time // zero = by the channel's ttl
	Options  []BodyOption
	Links    []dm.Link
	Target   string         // platform's id of the post or message answered
	Quotes   []engine.Quote // waits and opening times that were rendered into the text
	Typing   bool           // typing is shown before it
}

// Draft is a turn being written. Every change of a conversation is made
// through one: it numbers and seals rows, keeps epoch, interval and settling
// together, and updates card, clocks and counters. Build gives the Turn.
// The first error sticks and Build returns it. A Draft belongs to one
// goroutine and one decision.
type Draft struct {
	View *View

	turn storage.Turn
	conv storage.Conversation
	err  error

	uid   string // text of uidOf, once somebody asked
	uidOf storage.UID

	keys     *Reader
	contact  storage.Contact
	person   bool // contact row is written
	profile  Profile
	address  Address
	identity storage.Identity
	reached  bool // identity row is written
	state    engine.State
	stated   bool // state was set or moved by an edge
	card     Card
	interval storage.Interval
	handoff  *storage.Handoff // the open one
	fresh    bool             // handoff is inserted by this turn
	packet   *Packet          // of the open handoff, once opened or built
	rows     map[deskKey]*storage.DeskRow
	timers   []storage.Timer // by name
	engine   bool            // what happens now is the engine's own step
	ladder   bool            // this turn is a step of the unanswered ladder
	silence  bool            // this turn answers silence
	optional bool            // the state that resolves was optional
	quotes   []engine.Quote  // of the last message that had any
	quoted   int64           // its seq
	fenced   int             // messages that a new owner kept from being said
	said     string
	last     time.Time       // latest due time of a message that waits
	next     *Draft          // opened in the same transaction
	typing   *typing         // shown after what this turn says
	checks   []callRequest   // codes to be checked once the turn is stored
	hand     *engine.Handoff // what the engine said of the handoff about to be made
	trace    any             // why, for the line of the edge about to be fired
	lastIn   [2]int64        // seq and ms of the last customer message of this turn
	oldQueue string          // queue of the handoff before a reopen
	figures  []figure        // of clocks and promises, counted once the turn is applied
	unmoved  bool            // nothing has happened that anybody may see
	written  *rows           // where the lists of the turn begin; nil: nowhere yet
	sealing  plainRow
}

// deskKey names one row of the desk's tables.
type deskKey struct{ table, id string }

// Draft starts a turn on the view's conversation; on a new one when there is none.
func (v *View) Draft() *Draft {
	if v.Snap.Conv.ID == 0 {
		return v.Fresh()
	}
	d := v.blank()
	d.View, d.keys, d.contact, d.profile, d.address = v, v.vault.Reader, v.Snap.Contact, v.Profile, v.Address
	d.identity, d.conv, d.state, d.interval = v.Snap.Identity, v.Snap.Conv, v.State, v.Snap.Interval
	d.conv.Labels = slices.Clone(d.conv.Labels)
	d.profile.Slots = maps.Clone(d.profile.Slots)
	if h := v.Snap.Handoff; h != nil {
		kept := *h
		d.handoff = &kept
	}
	for _, row := range v.Snap.Desk {
		d.keepRow(row)
	}
	d.card, d.err = v.card(d.conv)
	return d
}

// Fresh starts a turn that opens a new conversation of the same person,
// whatever the view holds.
func (v *View) Fresh() *Draft {
	d := v.blank()
	d.View, d.keys, d.contact, d.profile, d.address, d.identity = v, v.vault.Reader, v.Snap.Contact, v.Profile, v.Address, v.Snap.Identity
	if d.contact.ID == 0 {
		d.makeContact()
	}
	d.profile.Slots = maps.Clone(d.profile.Slots)
	d.begin(v.Snap.Conv)
	d.goOn(v.Snap.Conv)
	return d
}

// goOn begins a conversation where the one before fell silent, for a flow that
// offers to go on with it (language.md 2.14).
func (d *Draft) goOn(prev storage.Conversation) {
	set := d.set()
	if set == nil || d.keys == nil || prev.ResolvedWhy != reasonIdle && prev.ResolvedWhy != reasonNoReply {
		return
	}
	st, err := d.keys.state(prev)
	if err != nil || !engine.Resumable(set, st, d.View.Now) {
		return // what cannot be read is not gone on with
	}
	d.SetState(engine.Continue(set, st))
}

// Next starts the draft of the conversation that follows this one; give it to
// Opens once it is written.
func (d *Draft) Next() *Draft {
	next := &Draft{View: d.View, keys: d.keys, contact: d.contact, profile: d.profile, address: d.address, identity: d.identity}
	next.profile.Slots = maps.Clone(d.profile.Slots)
	next.begin(d.conv)
	return next
}

// begin makes the conversation row; prev is the one before it, if any.
func (d *Draft) begin(prev storage.Conversation) {
	now := d.View.Now.UnixMilli()
	d.conv = storage.Conversation{UID: newUID(), Contact: d.contact.ID, Channel: d.identity.Channel, Addr: d.identity.Addr,
		Status: storage.Open, Phase: storage.PhaseNew, Priority: 1, OpenedAt: now, UpdatedAt: now, Continues: prev.ID}
	if a := d.View.Account; a != nil {
		d.conv.Channel = a.Number
		d.conv.Sim = a.Kind == "sim"
	}
	if prev.ID != 0 && prev.Channel == d.conv.Channel {
		d.conv.FirstSeq, d.conv.LastSeq, d.conv.HandledSeq = prev.LastSeq, prev.LastSeq, prev.LastSeq
	}
	d.card = Card{Name: d.profile.Name, Handle: d.profile.Handle, Verified: d.profile.isVerified(d.View.Now)}
	if prev.ID != 0 {
		before, err := d.keys.Card(prev)
		d.fail("card of the conversation before", err)
		d.card.Earlier = before.Earlier + 1
	}
}

// makeContact makes a person with a key of their own.
func (d *Draft) makeContact() {
	key, wrapped, kid, err := d.View.vault.vault.NewContactKey()
	if err != nil {
		d.fail("make contact key", err)
		return
	}
	now := d.View.Now.UnixMilli()
	d.contact = storage.Contact{UID: newUID(), CreatedAt: now, UpdatedAt: now, Wrapped: wrapped, KeyID: storage.KeyID(kid)}
	d.keys = &Reader{key: key, contact: d.contact.UID}
	d.person = true
}

// fail keeps the first error.
func (d *Draft) fail(what string, err error) {
	if err != nil && d.err == nil {
		d.err = fmt.Errorf("inbox: conversation %s: %s: %w", UIDText(d.conv.UID), what, err)
	}
}

// Conv is the conversation as the draft leaves it so far.
func (d *Draft) Conv() storage.Conversation { return d.conv }

// Phase is the word of the phase the draft is in.
func (d *Draft) Phase() string { return PhaseWord(d.conv.Phase) }

// State is the engine's state as the draft leaves it so far.
func (d *Draft) State() engine.State { return d.state }

// Profile is what is known of the person as the draft leaves it so far.
func (d *Draft) Profile() Profile { return d.profile }

// OpenHandoff is the open handoff as the draft leaves it so far; nil = none.
func (d *Draft) OpenHandoff() *storage.Handoff { return d.handoff }

// UID is the public id of the conversation.
func (d *Draft) UID() string {
	if d.uid == "" || d.uidOf != d.conv.UID {
		d.uid, d.uidOf = UIDText(d.conv.UID), d.conv.UID
	}
	return d.uid
}
