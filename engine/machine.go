package engine

import (
	"regexp"
	"time"

	"dispatcher/dm/schedule"
)

// Set is one immutable version of a project, compiled by package flows and
// finished by Link. Steps share it; nothing in it changes after Link.
type Set struct {
	ID           string // hex SHA-256 of its sources, language.md 9.3
	Project      string
	Languages    []string // first = the language the flows are written in
	Timezone     *time.Location
	Currency     string
	DateOrder    string // dmy mdy ymd
	Start        []StartRule
	Schedules    map[string]*schedule.Schedule
	Queues       map[string]*Queue
	QueueOrder   []string
	DefaultQueue string
	Channels     map[string]*Channel
	ChannelOrder []string
	Everywhere   []*Escape // the project's own, in written order; built-ins are added by Link
	Canned       map[string]*Canned
	CannedOrder  []string
	Defaults     Defaults
	IdleClose    time.Duration
	ResumeWithin time.Duration
	LendBy       time.Duration    // how long a lent conversation waits for an answer; 0 = 15 min
	AfterResolve string           // flow, "" = none
	Holdout      float64          // share of contacts who skip the bot, 0–1
	Sentences    map[string]*Text // built-in sentences in the project's own words, by name
	Slots        map[string]*Slot
	SlotOrder    []string
	Flows        map[string]*Flow
	FlowOrder    []string

	linked *linked // machines, escapes with built-ins, indexes; see link.go
}

// Place is where something stands in the sources.
type Place struct {
	File string
	Line int
}

// StartRule chooses the flow of a new conversation; the last has no If.
type StartRule struct {
	If   *Expr
	Flow string
	At   Place
}

// Queue is what flows and customers may know of a queue; the desk keeps its own keys.
type Queue struct {
	Alias      string
	Name       string             // shown
	Names      map[string]string  // shown, by language; Name where there is none
	Schedule   *schedule.Schedule // nil = always open
	FirstReply time.Duration
	Members    []string // e-mails or team:NAME; empty = every agent
	Skills     []string
	Next       time.Duration // next_reply, 0 = none
	Resolve    time.Duration // 0 = none
	At         Place
}

// shown is the queue's name in a language, else the one it was written with.
func (q *Queue) shown(lang string) string {
	if name := q.Names[lang]; name != "" {
		return name
	}
	return q.Name
}

// Channel is what a flow may know of an account.
type Channel struct {
	Alias     string
	Kind      string
	Languages []string
	Burst     time.Duration // < 0: the adapter's default
	Enabled   bool
	At        Place
}

// Defaults are used by states that do not say.
type Defaults struct {
	MaxTries int
	NoMatch  []Answer // nil = built-in
	NoReply  []Wait
	OldTaps  string  // jump explain ignore
	Fuzzy    float64 // 0 = off
}

// Canned is one canned response.
type Canned struct {
	Name      string
	Text      *Text
	For       []string
	Good, Bad []string
	Blanks    bool // has [[…]]: agents only
	Media     *MediaRef
	Options   []*Text // labels of quick replies
	At        Place
}

// Slot types.
const (
	SlotText   = "text"
	SlotNumber = "number"
	SlotYesNo  = "yes_no"
	SlotDate   = "date"
	SlotChoice = "choice"
	SlotList   = "list"
	SlotMedia  = "media"
)

// Slot is one thing to know of a conversation.
type Slot struct {
	Name     string
	Type     string
	Values   []SlotValueName // choice
	Example  string
	Clean    []string // as written
	Pattern  string   // RE2, whole cleaned value
	Find     string   // RE2, case-insensitive
	Check    *Expr    // over value
	Min, Max *float64 // number: value; text and list: length
	Default  any
	Ask      *Text
	Called   []string // nil = name with spaces
	Contact  bool     // scope: contact
	PII      bool
	Secret   bool
	Keep     time.Duration
	Declared bool
	Flow     string // where declared
	At       Place

	// set by Link
	rules         uint32 // of everything that decides whether a value is valid
	pattern, find *regexp.Regexp
	fits, finds   shape      // of pattern and find
	values        [][]string // normalised ids and labels of a choice
	called        []string   // normalised
}

// SlotValueName is one id of a choice slot with its label.
type SlotValueName struct {
	ID    string
	Label *Text
}

// Flow is one flow file.
type Flow struct {
	Name        string
	Description string
	Owner       string
	On          []string // private public
	States      map[string]*StateDef
	StateOrder  []string
	Everywhere  []*Escape
	FirstUse    bool     // first_message: use
	Delegate    *Text    // button for agents; nil = not theirs to run
	Rollout     *float64 // share of contacts a start rule applies to, 0–1; nil = everybody
	Shadow      bool     // the first turn is computed and shown to people, not said
	Pin         bool     // versions: pin
	Renamed     map[string]string
	Vanished    *Exit // nil = person exit
	At          Place

	machines *machines        // set by Link
	any      map[string]*Exit // by key, set by Link: exits that may be taken from any state
	surveys  bool             // set by Link: it records a survey
	escapes  *escapeIndex     // set by Link: its own entries, the project's and the built-in ones
	results  map[string]bool  // set by Link: what it can return
}

// StateDef is one state of a flow as written; its phases run in the order of language.md 2.3.
type StateDef struct {
	Flow, Name string
	At         Place

	When *Expr
	Else *Exit

	Set    []SetSlot
	Tag    []*Text
	Untag  []*Text
	CSAT   *Survey
	Say    []SayItem
	Media  *MediaRef
	Forget []string
	Typing bool
	HTTP   *Lookup

	Ask      *Text // the question; nil: the last message of Say is it
	Options  []*Option
	Save     string
	Match    Match
	Collect  *Collect
	Form     *Form
	Verify   *Verify
	Help     *Text
	NoMatch  []Answer // nil = defaults
	NoReply  []Wait   // nil = defaults
	Optional bool
	Resume   *Text
	Deaf     bool   // listen: false
	OldTaps  string // "" = defaults

	Exit *Exit // the state's own way out; nil where its options leave

	// set by Link
	full  string           // flow.state
	where string           // flow.state:line, the rule of what it says
	place string           // file:line, for traces
	hash  string           // of the question's first-language text and option ids
	exits map[string]*Exit // by Key
	clash string           // a key that two exits have

	fields map[string]*StateDef // of a form: the states that ask for one field each in the chat, by slot
}

// Asks says whether the state waits for the customer.
func (s *StateDef) Asks() bool {
	return s != nil && (len(s.Options) > 0 || s.Collect != nil || s.Form != nil || s.Verify != nil)
}

// SetSlot writes one slot: a literal, nil, or an expression that keeps its type.
type SetSlot struct {
	Slot  string // or "language"
	Value any    // literal; nil empties
	Expr  *Expr  // wins over Value and Text
	Text  *Text  // a text with {{ }} that is not one expression alone
	At    Place
}

// SayItem is one item of a say list: exactly one of its fields but At is used.
type SayItem struct {
	Text  *Text
	Group []SayArm // first true is said; the last may have no If
	Delay time.Duration
	Media *MediaRef
	At    Place
}

// SayArm is one conditional text.
type SayArm struct {
	If   *Expr
	Text *Text
}

// MediaRef is one file of flows/media.
type MediaRef struct {
	Kind string // image video file
	Path string // in the project: flows/media/photo.jpg
	Alt  *Text
}

// Text is a text in every language it was written in; the first language is always there.
type Text struct {
	Lang map[string]*Template
	Any  []*Text // variants, chosen by hash; Lang is nil then
	At   Place
}

// Template is literal text with expressions in it. Values are rendered once.
type Template struct {
	Parts  []Part
	Source string
}

// Part is a literal or an expression.
type Part struct {
	Lit  string
	Expr *Expr
}

// Match is how free text finds an option.
type Match struct {
	Fuzzy     float64 // < 0: defaults; 0: off
	First     []ChooseRule
	TwoOrMore string // ask first no_match
}

// ChooseRule chooses an option when its condition holds.
type ChooseRule struct {
	If     *Expr
	Option string
	At     Place
}

// Option is one quick reply.
type Option struct {
	ID          string
	Label       *Text
	Short       *Text
	Description *Text
	Match       map[string][]string // by language; phrases and /regex/
	When        *Expr
	Set         []SetSlot
	Tag         []*Text
	Exit        *Exit // nil = the state's
	At          Place

	index *optionIndex // set by Link
}

// Collect fills one slot.
type Collect struct {
	Slot        string
	Ask         *Text
	Invalid     []*Text // ladder; nil = built-in
	MaxTries    int     // 0 = defaults
	GiveUp      *Exit   // nil = person exit
	Missing     *Exit   // nil = skip or GiveUp
	Skip        *Text   // nil = no such button
	Options     []*Option
	Confirm     bool
	ConfirmText *Text // nil = built-in
	Always      bool
	Accept      []string
	At          Place
}

// Answer is one answer to a message that fits nothing.
type Answer struct {
	Say  *Text
	Exit *Exit
	At   Place
}

// Wait is one answer to silence.
type Wait struct {
	After Delay
	Say   *Text
	Tag   []*Text
	Exit  *Exit
	// only in unanswered:
	Priority string
	Queue    string
	At       Place
}

// Delay is elapsed time, or open time of a schedule.
type Delay struct {
	For      time.Duration
	OpenDays int                // business days
	Schedule *schedule.Schedule // nil = elapsed time
	Business bool
	Source   string
}

// Escape is one entry of everywhere.
type Escape struct {
	Name    string
	Match   map[string][]string // by language
	Where   string              // short whole anywhere
	Say     *Text
	Exit    *Exit
	BuiltIn bool
	At      Place
}

// Kinds of Exit.
const (
	ExitGoto    = "goto"
	ExitBranch  = "branch"
	ExitCall    = "call"
	ExitReturn  = "return"
	ExitHandoff = "handoff"
	ExitResolve = "resolve"
	ExitResume  = "resume" // goto: resume
)

// Exit is where the conversation goes.
type Exit struct {
	Kind   string
	Flow   string           // goto, call: target flow
	State  string           // goto: target state
	AtMost int              // 0 = no limit
	Else   *Exit            // with AtMost
	Arms   []Arm            // branch; the last may have no If
	On     map[string]*Exit // call: by result
	OnElse *Exit
	Then   *Exit  // call: the sibling goto
	Result string // return; "" = done
	Reason string // resolve
	Hand   *Hand  // handoff
	Edge   string // the documented name of language.md 2.22: opt:ID, branch:N, next …; set by flows
	Key    string // unique among the edges of its state: as Edge, with /at_most, /result:NAME … for derived ones
	At     Place

	where string // file:line, set by Link
}

// Arm is one arm of a branch.
type Arm struct {
	If   *Expr
	Exit *Exit
}

// Hand is a handoff with everything it may say.
type Hand struct {
	Queue      []Pick // "" = default queue
	Priority   []Pick
	Skills     []string
	Reason     string
	Summary    *Text
	Say        []SayItem
	SayNothing bool // say: ""
	Returns    *Answer
	Resolved   *Exit
	Unanswered []Wait
}

// Pick chooses a name; the last has no If.
type Pick struct {
	If  *Expr
	Use string
}
