// Package dm holds the nouns every other package speaks: what a channel hands
// in, what leaves through it, and the closed lists of words for who speaks,
// who owns and what went wrong. It imports the standard library only and
// does nothing by itself.
package dm

import (
	"encoding/json"
	"log/slog"
	"time"
)

// Kinds of Inbound. Every adapter maps a platform's events onto these.
const (
	KindText      = "text"      // words, with or without media
	KindTap       = "tap"       // quick reply, button, list row, menu item
	KindStart     = "start"     // opened by link, ad or start button; no words
	KindMention   = "mention"   // public post that names the brand
	KindEdited    = "edited"    // Target was changed by its author
	KindRemoved   = "removed"   // Target was unsent by its author
	KindEcho      = "echo"      // sent by our own account, by us or by somebody else
	KindDelivery  = "delivery"  // Status of Target
	KindRead      = "read"      // the customer read up to Target
	KindTyping    = "typing"    // the customer is typing
	KindControl   = "control"   // the platform moved the thread between apps
	KindReachable = "reachable" // the customer blocked or unblocked us
	KindEncrypted = "encrypted" // cannot be read here: goes to a person
	KindAccount   = "account"   // about our own account: token, webhook
	KindIgnored   = "ignored"   // understood, of no interest
)

// Visibility of a message.
const (
	Private = "private"
	Public  = "public"
)

// Inbound is one event. An adapter's Parse fills it, inbox stores it.
type Inbound struct {
	Kind       string          `json:"kind"`
	ExternalID string          `json:"external_id"`          // dedupe key of this event, never empty
	MessageID  string          `json:"message_id,omitempty"` // platform's id of the message this event carries
	Thread     string          `json:"thread"`               // platform's key of the contact, the same for public and private
	Account    string          `json:"account,omitempty"`    // our account that received it
	Sender     Party           `json:"sender"`               // who caused it; for an echo: our account
	At         time.Time       `json:"at"`                   // platform's clock, UTC; zero = unknown, inbox uses arrival
	Order      string          `json:"order,omitempty"`      // sortable within Thread where the platform has one
	Visibility string          `json:"visibility,omitempty"` // Private or Public; empty = Private
	Text       string          `json:"text,omitempty"`       // unescaped, at most Caps.MaxInbound runes; the rest is in Raw
	Tap        *TapData        `json:"tap,omitempty"`
	Entry      *Entry          `json:"entry,omitempty"` // how the customer came here
	Media      []Media         `json:"media,omitempty"`
	Location   *Location       `json:"location,omitempty"`
	Locale     string          `json:"locale,omitempty"`   // BCP 47 hint
	ReplyTo    string          `json:"reply_to,omitempty"` // MessageID the customer answered to
	Target     string          `json:"target,omitempty"`   // MessageID an edited, removed, read or delivery event is about
	Status     *Status         `json:"status,omitempty"`
	Control    *ControlData    `json:"control,omitempty"`
	Echo       *EchoData       `json:"echo,omitempty"`
	Window     *Window         `json:"window,omitempty"` // reply window, where the platform states it
	Stable     bool            `json:"stable,omitempty"` // the platform repeats At unchanged on redelivery, so the dedupe key may use it
	Note       string          `json:"note,omitempty"`   // why ignored, what account event; never customer text
	Raw        json.RawMessage `json:"raw,omitempty"`    // the event's own JSON, sealed at rest
}

// LogValue keeps everything a customer wrote out of logs.
func (in Inbound) LogValue() slog.Value {
	return slog.GroupValue(slog.String("kind", in.Kind), slog.Int("runes", len([]rune(in.Text))), slog.Int("media", len(in.Media)))
}

// Party is one side of a message.
type Party struct {
	ID       string   `json:"id"`
	AltIDs   []string `json:"alt_ids,omitempty"` // other ids of the same person (phone, scoped id)
	Name     string   `json:"name,omitempty"`
	Handle   string   `json:"handle,omitempty"`
	Avatar   string   `json:"avatar,omitempty"`
	Bot      bool     `json:"bot,omitempty"`      // flagged as automated by the platform
	Verified bool     `json:"verified,omitempty"` // identity proved by a token, not a platform's badge
}

// TapData says which button was pressed.
type TapData struct {
	Payload string `json:"payload"` // "" when the platform dropped it
	Label   string `json:"label"`
	Type    string `json:"type"` // reply button list menu form
}

// Entry says how the customer came here.
type Entry struct {
	Ref    string `json:"ref,omitempty"` // our reference, token removed
	Signed bool   `json:"signed,omitempty"`
	Source string `json:"source,omitempty"` // link widget ad public button menu greeting direct
	Text   string `json:"text,omitempty"`   // prefilled words sent unchanged
	AdID   string `json:"ad_id,omitempty"`
	PostID string `json:"post_id,omitempty"`
	URL    string `json:"url,omitempty"` // page the widget stood on, without its query
	Public bool   `json:"public,omitempty"`
	Option string `json:"option,omitempty"` // id of an option tapped on a closed conversation
}

// Media is one attachment.
type Media struct {
	Kind   string `json:"kind"` // image gif video audio voice file sticker contact link
	ID     string `json:"id,omitempty"`
	URL    string `json:"url,omitempty"` // may expire; fetched by the media worker, never by Parse
	MIME   string `json:"mime,omitempty"`
	Name   string `json:"name,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Alt    string `json:"alt,omitempty"`
	Bytes  int64  `json:"bytes,omitempty"`
	Handle string `json:"handle,omitempty"` // outbound: handle of an earlier upload on this channel
}

// Location is a shared place.
type Location struct {
	Lat     float64 `json:"lat"`
	Long    float64 `json:"long"`
	Name    string  `json:"name,omitempty"`
	Address string  `json:"address,omitempty"`
}

// Status is what a platform says of a message of ours.
type Status struct {
	State  string `json:"state"` // sent delivered read failed blocked unblocked
	Code   string `json:"code,omitempty"`
	Reason Reason `json:"reason,omitempty"`
	Key    string `json:"key,omitempty"` // outbox key, where the platform gives it back
}

// ControlData is a change of who may write in a thread.
type ControlData struct {
	Owner    string `json:"owner"` // us other none
	App      string `json:"app,omitempty"`
	Metadata string `json:"metadata,omitempty"`
	Standby  bool   `json:"standby,omitempty"` // only shown to us
}

// EchoData says who sent a message that left our account.
type EchoData struct {
	App    string `json:"app"` // us other unknown
	ID     string `json:"id,omitempty"`
	Key    string `json:"key,omitempty"`
	Author string `json:"author"` // human bot unknown
}

// Window is the time in which the platform lets us answer.
type Window struct {
	ReplyUntil time.Time `json:"reply_until"`
	HumanUntil time.Time `json:"human_until"`
}

// Kinds of Outbound.
const (
	OutMessage  = "message"
	OutTyping   = "typing"
	OutRead     = "read"
	OutEdit     = "edit"
	OutAckTap   = "ack_tap"
	OutControl  = "control"
	OutGreeting = "greeting"
	OutOwner    = "owner"    // webhook only: conversation.owner
	OutResolved = "resolved" // webhook only: conversation.resolved
)

// Outbound is one message to one contact; an adapter's Render turns it into calls.
type Outbound struct {
	Key          string       `json:"key"` // outbox id (UUIDv7), idempotency key everywhere
	Kind         string       `json:"kind"`
	Account      string       `json:"account,omitempty"`
	Thread       string       `json:"thread"`
	Conversation string       `json:"conversation,omitempty"` // public id
	To           Party        `json:"to"`
	Visibility   string       `json:"visibility,omitempty"`
	Author       string       `json:"author"`                // bot agent system
	AuthorName   string       `json:"author_name,omitempty"` // the agent's shown name
	Text         string       `json:"text,omitempty"`        // plain, rendered once, never parsed again
	Options      []Option     `json:"options,omitempty"`
	OptionsAs    string       `json:"options_as,omitempty"` // auto buttons list text
	Links        []Link       `json:"links,omitempty"`
	Media        []Media      `json:"media,omitempty"`
	ReplyTo      string       `json:"reply_to,omitempty"` // MessageID to quote
	Target       string       `json:"target,omitempty"`   // MessageID for edit, read, ack_tap; for a public reply the post
	Locale       string       `json:"locale,omitempty"`
	Epoch        int64        `json:"epoch,omitempty"` // owner epoch; checked by the outbox, not by the adapter
	At           time.Time    `json:"at"`              // when it was decided; adapters have no clock
	Window       *Window      `json:"window,omitempty"`
	Control      *ControlData `json:"control,omitempty"`
	Typing       bool         `json:"typing,omitempty"` // typing is shown before it; the outbox does so, no adapter
}

// LogValue keeps everything a message says out of logs.
func (out Outbound) LogValue() slog.Value {
	return slog.GroupValue(slog.String("key", out.Key), slog.String("kind", out.Kind), slog.String("author", out.Author), slog.Int("runes", len([]rune(out.Text))), slog.Int("options", len(out.Options)))
}

// Option is one quick reply as it leaves.
type Option struct {
	Payload     string `json:"payload"`
	Label       string `json:"label"`
	Short       string `json:"short,omitempty"` // where Label does not fit
	Description string `json:"description,omitempty"`
}

// Link is one link button as it leaves.
type Link struct {
	Label string `json:"label"`
	URL   string `json:"url"`
}

// Reason is why a send did not work, in our words.
type Reason string

// The reasons a send can fail for.
const (
	ReasonThrottled    Reason = "throttled"
	ReasonWindowClosed Reason = "window_closed"
	ReasonBlocked      Reason = "blocked"
	ReasonNoRecipient  Reason = "no_recipient"
	ReasonAuthBroken   Reason = "auth_broken"
	ReasonNotPermitted Reason = "not_permitted"
	ReasonBadContent   Reason = "bad_content"
	ReasonBadMedia     Reason = "bad_media"
	ReasonPolicy       Reason = "policy"
	ReasonTransient    Reason = "transient"
	ReasonNotOwner     Reason = "not_owner"
	ReasonGone         Reason = "gone"
	ReasonUnknown      Reason = "unknown"
)

// Limit is a length with its unit.
type Limit struct {
	N    int
	Unit string // runes bytes utf16; N == 0 means no limit
}

// Limits is what the flow checker knows of one channel: the part of an
// adapter's Caps that a flow can run into. cmd fills it from each adapter.
type Limits struct {
	Channel     string // alias in dispatcher.yaml
	Kind        string
	Options     int // native quick replies; 0 = numbered text only
	Label       Limit
	Few         int   // up to so many options are shown in the form that Label is about; 0 = any number
	RowLabel    Limit // of a label among more than Few options
	Description Limit // N == 0: the channel shows none
	AllOrNone   bool  // descriptions on all options or on none
	NoURLs      bool  // a link in a label is refused
	Text        Limit
	TextOptions Limit         // text beside options; N == 0: as Text
	Window      time.Duration // 0 = none
	InARow      int           // bot messages in a row; 0 = no limit
}
