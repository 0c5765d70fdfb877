package engine

import (
	"encoding/json"
	"time"
)

// Survey records how satisfied the customer was (csat). Score is a number from
// 1 to 5; Comment may be nil.
type Survey struct {
	Score, Comment *Expr
	At             Place
}

// Lookup is one HTTP request to a declared service. Path and Query are
// rendered value by value, each escaped for the place it stands in.
type Lookup struct {
	Service string
	Method  string // get post put patch delete
	Path    *Text
	Query   []LookupParam
	JSON    *JSONValue    // nil = no body
	Timeout time.Duration // of one attempt; 0 = the service's
	Retry   int
	Save    string // "" = the result is not kept
	Returns []LookupField
	On      map[string]*Exit // by status (404), class (4xx) or failure (timeout refused invalid)
	OnElse  *Exit
	At      Place

	shape json.RawMessage // Returns as a Call carries it, set by Link
}

// LookupParam is one entry of the query; one that renders empty is left out.
type LookupParam struct {
	Name string
	Text *Text
}

// LookupField is one field of the answer that expressions may see. Type is a
// slot type, or "map" with Fields.
type LookupField struct {
	Name     string        `json:"name"`
	Type     string        `json:"type"`
	Values   []string      `json:"values,omitempty"` // choice
	Optional bool          `json:"optional,omitempty"`
	Fields   []LookupField `json:"fields,omitempty"`
}

// JSONValue is a body with texts in it: exactly one of its fields is used. A
// text that is one expression alone keeps the type of its value.
type JSONValue struct {
	Text   *Text
	Expr   *Expr
	List   []*JSONValue
	Map    []JSONEntry
	IsList bool // an empty list
	IsMap  bool // an empty map
}

// JSONEntry is one entry of a map, in written order.
type JSONEntry struct {
	Name  string
	Value *JSONValue
}

// Form fills several slots on a page of its own.
type Form struct {
	Ask          *Text // holds form.url
	Title, Intro *Text // nil = as language.md 2.19
	Fields       []FormField
	Expires      time.Duration
	Fallback     string // chat none; "" = FallbackExit
	FallbackExit *Exit
	At           Place
}

// FormField is one slot of a form.
type FormField struct {
	Slot        string
	Label, Help *Text // nil = the slot's ask, else its name; nil = none
	Optional    bool
}

// Ways of a Verify.
const (
	VerifyLink = "link"
	VerifyCode = "code"
)

// Verify proves who is writing.
type Verify struct {
	By       string // link code
	Service  string
	Send     []string // slots given to the service
	Ask      *Text
	MaxTries int
	Expires  time.Duration
	Keep     time.Duration // how long verified lasts
	Failed   *Exit         // nil = person exit
	At       Place
}
