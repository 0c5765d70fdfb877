package inbox

import (
	"encoding/json"
	"slices"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/flows"
	"dispatcher/storage"
)

// Account is one configured channel as inbox runs it.
type Account struct {
	Alias   string
	Number  int64 // of KindChannel; what tables hold
	Kind    string
	Adapter channels.Adapter
	Caps    channels.Caps
	Common  Common

	fits map[string]int // limitsOf its caps
}

// Common holds the keys that every channel has (channels.md 1.7).
type Common struct {
	Burst        time.Duration // < 0: Caps.Burst
	AmbiguousBot string        // auto resend hold
	AmbiguousMan string
	BotTTL       time.Duration
	AgentTTL     time.Duration
	OptionsAs    string
	Public       string // off listen reply
	IgnoreApps   []string
	Insecure     bool // plain http to a loopback address
}

// View is a Snapshot with everything unsealed: what a decision is made on.
// It belongs to one decision and is never shared.
type View struct {
	Snap    storage.Snapshot
	Now     time.Time
	Account *Account // of the conversation, else of the event
	Address Address
	Profile Profile
	State   engine.State // zero when there is no open conversation
	Project *flows.Project

	vault sealer
	kept  *opened // what was open already; nil: nothing
	spare *Draft  // place for its draft; nil: none
}

// Address is where the customer is reached.
type Address struct {
	Thread  string   `json:"thread"`
	Account string   `json:"account,omitempty"`
	Party   dm.Party `json:"party"`
	PostID  string   `json:"post_id,omitempty"` // last public post, for a public reply
}

// equal says that both lead to the same place and say the same of who is there.
func (a Address) equal(b Address) bool {
	p, q := a.Party, b.Party
	return a.Thread == b.Thread && a.Account == b.Account && a.PostID == b.PostID &&
		p.ID == q.ID && p.Name == q.Name && p.Handle == q.Handle && p.Avatar == q.Avatar &&
		p.Bot == q.Bot && p.Verified == q.Verified && slices.Equal(p.AltIDs, q.AltIDs)
}

// Profile is what is known of the person.
type Profile struct {
	Name       string                      `json:"name,omitempty"`
	Handle     string                      `json:"handle,omitempty"`
	Locale     string                      `json:"locale,omitempty"`
	Language   string                      `json:"language,omitempty"`
	VIP        bool                        `json:"vip,omitempty"`
	Verified   bool                        `json:"verified,omitempty"`
	VerifiedBy string                      `json:"verified_by,omitempty"`
	Slots      map[string]engine.SlotValue `json:"slots,omitempty"`
	LastSurvey int64                       `json:"last_survey,omitempty"`
	LastPublic int64                       `json:"last_public,omitempty"` // ms of the bot's last public reply

	VerifiedAt    int64 `json:"verified_at,omitempty"`    // ms
	VerifiedUntil int64 `json:"verified_until,omitempty"` // ms; 0 = no end
}

// Body is what a message row holds, sealed.
type Body struct {
	Text       string          `json:"text,omitempty"`
	Media      []dm.Media      `json:"media,omitempty"`
	Options    []BodyOption    `json:"options,omitempty"`
	Question   json.RawMessage `json:"question,omitempty"` // engine's record, given back with a tap
	Tap        *BodyTap        `json:"tap,omitempty"`
	Entry      *dm.Entry       `json:"entry,omitempty"`
	AuthorName string          `json:"author_name,omitempty"`
	Line       *Line           `json:"line,omitempty"`    // system line
	History    []string        `json:"history,omitempty"` // earlier texts of an edited message
	MessageID  string          `json:"message_id,omitempty"`
	ReplyTo    string          `json:"reply_to,omitempty"`
	Degraded   []string        `json:"degraded,omitempty"`
	Raw        json.RawMessage `json:"raw,omitempty"`
	Language   string          `json:"language,omitempty"`
}

// BodyOption is one button of a message, with the payload it was sent with.
type BodyOption struct {
	ID          string `json:"id"`
	Label       string `json:"label"`
	Short       string `json:"short,omitempty"`
	Description string `json:"description,omitempty"`
	Payload     string `json:"payload,omitempty"`
}

// BodyTap says which button a message pressed.
type BodyTap struct {
	Label  string `json:"label"`
	Option string `json:"option,omitempty"`
	Seq    int64  `json:"seq,omitempty"` // of the message it was on
	Old    bool   `json:"old,omitempty"` // of an earlier question
	Forged bool   `json:"forged,omitempty"`
}

// Line is a system line of the timeline: words are made from it when shown.
type Line struct {
	Edge   string `json:"edge"`
	By     string `json:"by,omitempty"`      // id
	Name   string `json:"by_name,omitempty"` // shown
	Queue  string `json:"queue,omitempty"`
	Cause  string `json:"cause,omitempty"`  // of the handoff that begins, of the closed list of desk.md 1.5
	Reason string `json:"reason,omitempty"` // the flow's, or a person's
	Note   string `json:"note,omitempty"`
	Agent  string `json:"agent,omitempty"`

	Owner     string `json:"owner,omitempty"`      // who has it from here on: dm.Owner…; "" in lines of earlier versions
	OwnerName string `json:"owner_name,omitempty"` // of a person, as customers may see it
}

// Card is what a list row shows, precomputed and sealed beside the conversation.
type Card struct {
	Name     string `json:"name,omitempty"`
	Handle   string `json:"handle,omitempty"`
	Verified bool   `json:"verified,omitempty"`
	Topic    string `json:"topic,omitempty"`   // label
	Slot     string `json:"slot,omitempty"`    // most useful value, masked where pii
	Why      string `json:"why,omitempty"`     // one sentence
	Preview  string `json:"preview,omitempty"` // last words, ≤ 120 runes
	Author   string `json:"author,omitempty"`  // of Preview
	At       int64  `json:"at,omitempty"`      // of Preview, ms
	Media    bool   `json:"media,omitempty"`
	Public   bool   `json:"public,omitempty"`

	Earlier int     `json:"earlier,omitempty"` // conversations before this one
	IdleAt  int64   `json:"idle,omitempty"`    // ms: when timer idle is due; its row may be due sooner, never later
	Episode Episode `json:"episode"`           // counters of the episode, kept with the card so that a turn writes one row less
}

// Packet is the handoff packet of desk.md 1.4, sealed and immutable.
type Packet struct {
	ID           string          `json:"id"`
	Conversation string          `json:"conversation"`
	Epoch        int64           `json:"epoch"`
	CreatedAt    time.Time       `json:"created_at"`
	Arm          string          `json:"arm"`
	Queue        string          `json:"queue"`
	Priority     string          `json:"priority"`
	Skills       []string        `json:"skills"`
	WhyQueue     string          `json:"why_queue,omitempty"` // file:line
	Cause        string          `json:"cause"`
	Reason       string          `json:"reason,omitempty"`
	Why          string          `json:"why"`
	Topic        *engine.Topic   `json:"topic,omitempty"`
	Slots        []PacketSlot    `json:"slots"`
	Attempts     []PacketAttempt `json:"attempts"`
	Path         []PacketStep    `json:"path"`
	PathDropped  int             `json:"path_dropped,omitempty"`
	BotWouldAsk  *WouldAsk       `json:"bot_would_ask,omitempty"`
	Entry        *dm.Entry       `json:"entry,omitempty"`
	Unanswered   *Unanswered     `json:"unanswered,omitempty"`
	Media        []dm.Media      `json:"media,omitempty"`
	Summary      string          `json:"summary,omitempty"`
	Promises     []Promise       `json:"promises"`
	Identity     Identity        `json:"identity"`
	Channel      PacketChannel   `json:"channel"`
	Language     PacketLanguage  `json:"language"`
	History      PacketHistory   `json:"history"`
	Flow         PacketFlow      `json:"flow"`
	Suggested    []string        `json:"suggested,omitempty"`
	Effort       Effort          `json:"effort"`
	Tags         []string        `json:"tags"`
	Shadow       *PacketShadow   `json:"shadow,omitempty"`
}

// PacketShadow is what a flow in shadow would have done.
type PacketShadow struct {
	Flow  string   `json:"flow"`
	State string   `json:"state"`
	Queue string   `json:"queue,omitempty"`
	Topic string   `json:"topic,omitempty"`
	Said  []string `json:"said"`
}

// PacketSlot is one filled slot as an agent sees it; the value of a secret slot is absent.
type PacketSlot struct {
	Name   string    `json:"name"`
	Label  string    `json:"label"`
	Type   string    `json:"type"`
	Raw    string    `json:"raw,omitempty"`
	Value  any       `json:"value,omitempty"`
	How    string    `json:"how"`
	Status string    `json:"status"` // verified claimed
	Tries  int       `json:"tries"`
	State  string    `json:"state,omitempty"`
	At     time.Time `json:"at"`
	PII    bool      `json:"pii"`
	Secret bool      `json:"secret"`
}

// PacketAttempt is one miss.
type PacketAttempt struct {
	State string `json:"state"`
	Kind  string `json:"kind"`
	Seq   int64  `json:"message_seq"`
}

// PacketStep is one edge taken.
type PacketStep struct {
	Flow  string    `json:"flow"`
	State string    `json:"state"`
	Edge  string    `json:"edge"`
	At    time.Time `json:"at"`
}

// WouldAsk is the question the bot did not get to.
type WouldAsk struct {
	Flow  string `json:"flow"`
	State string `json:"state"`
	Slot  string `json:"slot,omitempty"`
	Text  string `json:"text,omitempty"`
}

// Unanswered says what still waits for an answer.
type Unanswered struct {
	Seq   int64     `json:"seq"`
	Since time.Time `json:"since"`
	Count int       `json:"count"`
}

// Promise is what the customer was told about waiting.
type Promise struct {
	Kind  string    `json:"kind"` // eta opening text
	Said  string    `json:"said"`
	DueAt time.Time `json:"due_at,omitzero"`
	Kept  *bool     `json:"kept,omitempty"`
}

// Identity says how sure we are of who writes.
type Identity struct {
	Status    string    `json:"status"` // verified claimed none
	Method    string    `json:"method,omitempty"`
	At        time.Time `json:"at,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// PacketChannel is where they write.
type PacketChannel struct {
	Name           string    `json:"name"`
	Visibility     string    `json:"visibility"`
	WindowClosesAt time.Time `json:"window_closes_at,omitzero"`
	SendsLeft      *int      `json:"sends_left,omitempty"`
}

// PacketLanguage is what they speak.
type PacketLanguage struct {
	Code string `json:"code"`
	How  string `json:"how"`
}

// PacketHistory counts earlier conversations.
type PacketHistory struct {
	Count    int       `json:"count"`
	Topic    string    `json:"topic,omitempty"`
	ClosedAt time.Time `json:"closed_at,omitzero"`
	CSAT     int       `json:"csat,omitempty"`
}

// PacketFlow is where the bot stood.
type PacketFlow struct {
	Flow     string `json:"flow"`
	State    string `json:"state"`
	Revision string `json:"revision"`
}

// Effort is what the customer had to do so far (desk.md 5.4).
type Effort struct {
	Turns   int `json:"turns"`
	Typed   int `json:"typed"`
	Repeats int `json:"repeats"`
}
