// Package channels is the contract between Dispatcher and the platforms it
// answers on. An Adapter is one configured account on one platform; Caps,
// Handshake, Verify, Parse, Render and Classify are pure, and everything that
// touches the world (HTTP, retries, buckets, storage) belongs to inbox.
package channels

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"dispatcher/dm"
	"dispatcher/internal/source"
)

// ConfigNode is the channel's own part of dispatcher.yaml; the channel decodes it itself.
type ConfigNode = *source.Node

// Diagnostic is one problem in it, with file, line and column.
type Diagnostic = source.Diagnostic

// Opener makes an adapter out of its configuration. No adapter and at least
// one error diagnostic, or an adapter.
type Opener func(name string, cfg ConfigNode, env Env) (Adapter, []Diagnostic)

// Env is what an Opener may know of the process. No clock, no client, no store.
type Env struct {
	PublicURL string                                     // "" = unknown
	Secret    func(ref string) (value string, err error) // resolves ${env:NAME}, ${file:PATH} and literals
	Logger    *slog.Logger
	CapsOf    func(kind string) (Caps, bool) // for sim's like:
	Loopback  bool                           // the server listens on loopback only
	Derive    func(label string) []byte      // secret for one purpose (DeriveEntry): 32 bytes from the deployment's root salt, or what dispatcher.yaml says

	// LimitsOnly: only Caps will be asked (check, chat). A missing secret, a
	// reference without value or a server that is not on loopback is then no
	// error; the adapter refuses every request, since it holds no secret.
	LimitsOnly bool
}

// DeriveEntry is the label under which Derive gives the secret of entry
// tokens: links.secret of dispatcher.yaml where there is one.
const DeriveEntry = "entry"

// Adapter is one configured account on one platform. Safe for concurrent use; pure.
type Adapter interface {
	Caps() Caps
	// Handshake answers the platform's ownership check; ok is false when r is not one.
	Handshake(r Request) (resp Response, ok bool)
	// Verify refuses what the platform did not sign.
	Verify(r Request, now time.Time) error
	// Parse turns a verified request into events.
	Parse(r Request) ([]dm.Inbound, error)
	// Render turns a message into calls, and says what had to be given up.
	Render(out dm.Outbound) (Plan, error)
	// Classify says what one call's result means.
	Classify(call Call, res Result) Outcome
}

// Layouter says of a message (dm.OutMessage) how many parts Render makes of
// it and what of it cannot be shown, without writing the calls.
type Layouter interface {
	Layout(out dm.Outbound) (parts int, report []Degradation)
}

// Authorizer adds credentials just before writing: Render, goldens and dead
// letters hold no secret. It may have to sign the body: req.GetBody should give
// it again, else req.Body is read and replaced.
type Authorizer interface {
	Authorize(req *http.Request, now time.Time, nonce string) error
}

// Reconciler finds out whether an ambiguous send arrived. For a message of
// several parts inbox asks part by part: out.Text is then that part's
// Call.Text, and out.Options, Links and Media are empty.
type Reconciler interface {
	RenderReconcile(out dm.Outbound, sentAt time.Time) (Call, error)
	ParseReconcile(res Result, out dm.Outbound) (found bool, messageID string, err error)
}

// Responder gives a kind its own answers to a webhook (runtime.md ruling 3).
// results has one entry per event of the request; err is what stopped acceptance.
type Responder interface {
	Respond(r Request, results []Accepted, err error) Response
}

// Transporter names the transport's own id of a request, known as long as its events are, to tell
// a replay with another body (runtime.md ruling 24).
type Transporter interface {
	RequestID(r Request) string
}

// Originer lists the sites whose pages may embed a web channel; server needs them for frame-ancestors and CORS.
type Originer interface {
	Origins() []string
}

// Server adds routes below /channels/{channel}/ (web, webhook pull, sim).
type Server interface {
	Routes(h Host) []Route
}

// Request is an HTTP request as an adapter sees it: raw and complete.
type Request struct {
	Method, Path string
	Query        url.Values
	Header       http.Header
	Body         []byte
}

// Response is an answer to write.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Caps is what a channel can carry; the one table behind renderer, checker and console.
type Caps struct {
	Kind                                          string
	Text                                          dm.Limit
	MaxInbound                                    int    // runes kept in Inbound.Text, ≥ 10000
	Forms                                         []Form // degrade ladder of options, best first
	Links                                         *LinkCap
	Media                                         map[string]MediaCap
	Typing                                        *TypingCap
	Read, Edit, Echoes, Ordered, Coalesce, Public bool
	Replies                                       bool          // can quote a message (Outbound.ReplyTo)
	Native                                        bool          // no outbox: a message is sent when committed (web)
	Pull                                          bool          // rows wait to be pulled (webhook without outbound)
	Window, Human                                 time.Duration // reply window; longer one for people; 0 = none
	Send                                          string        // idempotent windowed reconcilable blind
	Reconcile                                     time.Duration // how long proof of an ambiguous send is awaited
	Burst                                         time.Duration // default inbound burst timer
	Buckets                                       []Bucket
	AckWithin                                     time.Duration
	Cost                                          *Cost
	InARow                                        int // bot messages in a row; 0 = no limit
}

// Send capabilities.
const (
	Idempotent   = "idempotent"
	Windowed     = "windowed"
	Reconcilable = "reconcilable"
	Blind        = "blind"
)

// Form is one way to show options.
type Form struct {
	Name                              string // buttons list text
	Max                               int
	Label, Description, Payload, Body dm.Limit
	UniqueLabels, NoURLs, AllOrNone   bool // AllOrNone: a description on every option or on none
}

// LinkCap is how many link buttons fit.
type LinkCap struct{ Max, Label int }

// MediaCap is what one kind of attachment may be.
type MediaCap struct {
	Bytes      int64
	MIME       []string
	PerMessage int
	Caption    dm.Limit
	ByURL      bool
}

// TypingCap is how typing is shown.
type TypingCap struct {
	Resend, Max  time.Duration
	NeedsInbound bool
}

// Bucket is one rate limit: N calls in Per. A Call draws from every bucket
// that lists its Call.Bucket in Kinds; a bucket without Kinds is drawn from by
// the calls that carry its Name.
type Bucket struct {
	Name, Scope string // scope app account contact
	N           int
	Per         time.Duration
	Inbound     bool // counts anew with every message of the contact
	Kinds       []string
}

// Cost is a price per message.
type Cost struct {
	PerSend, PerReceive float64
	Currency            string
}

// Plan is one message as calls; they run in order, each after the one before is sent.
type Plan struct {
	Calls        []Call
	Degradations []Degradation
}

// Call is one HTTP request without any credential in it.
type Call struct {
	Part   int    // with Outbound.Key the idempotency key
	Kind   string // send typing read edit ack_tap control upload poll sync check
	Method string
	URL    string
	Header http.Header
	Body   []byte
	Bucket string
	Text   string // the words of this part, for transcript and reconcile

	Timeout time.Duration // of the whole call; 0 = the client's own
}

// Result is what came of a Call.
type Result struct {
	Status  int
	Header  http.Header
	Body    []byte
	Err     error
	Written bool // a byte left this process
	At      time.Time
}

// Verdicts of Classify.
const (
	Sent      = "sent"
	Retry     = "retry"
	Ambiguous = "ambiguous"
	Failed    = "failed"
	Ignored   = "ignored"
)

// Outcome is what a Result means.
type Outcome struct {
	Verdict  string
	Reason   dm.Reason
	IDs      []string // platform's message ids
	RetryAt  time.Time
	PauseFor string // "", contact or account waits until RetryAt
	Handle   string // upload handle
	Code     string // platform's code for the log
}

// Degradation says what a rendering gave up. Path names the place
// ("options[3].label"); never customer text.
type Degradation struct {
	Code, Path string
	Limit, Got int
	Detail     string
	Loss       bool
}

// Route is one extra route of a channel, Path below /channels/{channel}.
type Route struct {
	Method, Path string
	Handler      http.Handler
	Stream       bool // long-lived: no write deadline
}

// Accepted is what became of one event.
type Accepted struct {
	ID     string // ExternalID
	Status string // applied duplicate conflict ignored parked
	Seq    int64
	Conv   string // public id of the conversation
}

// Placer is a Host that knows the place in line of a customer who waits: an
// owner event as it is now, without a number. ok is false when they do not wait.
type Placer interface {
	Place(ctx context.Context, channel, thread string) (event Shown, ok bool)
}

// Typist is a Host that knows whether the bot is typing in a thread: a typing
// event without a number, never stored. ok is false when it is not.
type Typist interface {
	Typed(channel, thread string) (event Shown, ok bool)
}

// Host is what inbox gives to a Server.
type Host interface {
	// Accept returns after the durable commit of every event.
	Accept(ctx context.Context, channel string, events []dm.Inbound) ([]Accepted, error)
	// Since gives what the customer of a thread may see after seq, and a
	// channel that is closed when there is more.
	Since(ctx context.Context, channel, thread string, after int64) (events []Shown, more <-chan struct{}, err error)
	// Last is the number of the latest thing the customer of a thread may see; 0 = none.
	Last(ctx context.Context, channel, thread string) (seq int64, err error)
	// Identify keeps at once whom the customer of a thread has proved to be; a
	// thread without a conversation has nothing to keep it with.
	Identify(ctx context.Context, channel, thread string, who dm.Party) error
	// Live is the state of the channel (open closed paused) and the sentence for its button.
	Live(ctx context.Context, channel string) (state, buttonText string)
	// Now is the process's clock.
	Now() time.Time

	// Sessions of a widget: the token is 256-bit random and stored hashed.
	NewSession(ctx context.Context, channel string, s Session) (token string, err error)
	Session(ctx context.Context, channel, token string) (Session, error) // ErrNoSession
	PutSession(ctx context.Context, channel, token string, s Session) error
	EndSession(ctx context.Context, channel, token string) error

	// Marks that are not events of a conversation.
	Typing(channel, thread string)
	Read(ctx context.Context, channel, thread string, seq int64) error

	// Media of a widget visitor.
	SaveMedia(ctx context.Context, channel, thread, name, mime string, r io.Reader) (dm.Media, error)
	OpenMedia(ctx context.Context, channel, thread, id string) (dm.Media, io.ReadCloser, error)

	// Pull hands out waiting rows of a channel in order; Pulled settles them up to cursor.
	Pull(ctx context.Context, channel, after string, n int) (out []dm.Outbound, cursor string, more <-chan struct{}, err error)
	Pulled(ctx context.Context, channel, cursor string) error
	// SentLog lists what a sim channel sent, in order, after seq.
	SentLog(ctx context.Context, channel string, after int64) ([]Shown, error)
}

// Session is one visitor of a widget.
type Session struct {
	Thread   string    `json:"thread"` // "anon:…" or "sub:…"
	Name     string    `json:"name,omitempty"`
	Locale   string    `json:"locale,omitempty"`
	Verified bool      `json:"verified,omitempty"`
	Sub      string    `json:"sub,omitempty"` // proved subject ("sub:…"); it differs from Thread when the visitor was anonymous first
	Entry    *dm.Entry `json:"entry,omitempty"`
	Prefill  string    `json:"prefill,omitempty"`
	Opened   bool      `json:"opened,omitempty"` // the start event was accepted
	Expires  time.Time `json:"expires"`
}

// Shown is one thing the customer may see.
type Shown struct {
	Seq   int64
	Event string // message update typing owner receipt form resync
	Data  json.RawMessage
}
