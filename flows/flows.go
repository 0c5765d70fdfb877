// Package flows is the flow language: Load parses, checks and compiles a
// project in one call, the same for dispatcher check, serve, the reloader and
// the console. It promises every problem at once, each at the exact words it
// is about, and a compiled set only when there is no error. It does no I/O of
// its own, has no clock and no randomness: the same files give the same set
// and the same words.
package flows

import (
	"net/netip"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/internal/source"
)

// Options are what the checker cannot know from the files. Every field may be nil.
type Options struct {
	// Limits gives the limits of a channel kind, false when the kind is
	// unknown, and what is wrong with the adapter's own keys.
	Limits func(alias, kind string, cfg *source.Node) (dm.Limits, bool, []source.Diagnostic)
	// Env looks up an environment variable, for ${env:NAME}.
	Env func(name string) (string, bool)
	// ReadFile reads a file relative to the project, for ${file:PATH}.
	ReadFile func(path string) ([]byte, error)
	// Only limits costs to channels of these kinds; nil = all.
	Only []string
	// Texts asks for the list of what can be translated.
	Texts bool
	// Proof and Costs ask for the tables of language.md 6.4.
	Proof, Costs bool
	// MaxCost warns (W410) about flows whose worst path costs more; nil = no limit.
	MaxCost *float64
	// Warm keeps what was parsed and compiled between loads of one project;
	// nil: each load begins anew.
	Warm *Warm
}

// Counts are the figures of the summary line.
type Counts struct {
	Flows, States int
	Expressions   int // bare ones and every {{ }}, in flows and project
	Slots         int // declared or created by being filled
}

// ChannelConfig is one entry of channels as written; the adapter reads the rest.
type ChannelConfig struct {
	Alias, Kind string
	Enabled     bool
	Node        *source.Node // nil when the project does not write it
}

// Budget is the limits behind W326 to W328.
type Budget struct{ Questions, Words, Messages int }

// Service is one entry of services: an HTTP service that look-ups may call.
// URL and header values hold their references unresolved; see Resolve.
type Service struct {
	Alias        string
	URL          string
	Headers      map[string]string
	Timeout      time.Duration // of one attempt, at most 10 s
	Methods      []string      // get post put patch delete
	Insecure     bool          // http to this machine is allowed
	AllowPrivate []netip.Prefix
}

// Config is the parts of dispatcher.yaml that this package accepts and others read.
type Config struct {
	Server, Storage, Auth, Links *source.Node
	Services                     *source.Node
	Service                      map[string]Service // services by alias, as read
	Desk, Webhooks, Numbers      *source.Node
	Search, Studio, CSAT         *source.Node
	ReopenWithin, CloseAfter     *source.Node
	PublicReply                  *source.Node
	Queues                       map[string]*source.Node
	Budget                       Budget
	Reload                       string        // auto
	RetainMessages, RetainFacts  time.Duration // 0 = as the default of language.md 1.1
}

// Project is the outcome of Load.
type Project struct {
	Name         string
	Set          *engine.Set // nil when there are errors
	SetID        string      // empty when a file did not parse
	Files        *Files
	Diagnostics  []source.Diagnostic // sorted, at most one per position and code
	Counts       Counts
	Channels     map[string]ChannelConfig
	ChannelOrder []string
	Server       *source.Node
	Storage      *source.Node
	Auth         *source.Node
	Links        *source.Node
	Config       Config
	Proof        *Proof   // where Options asked for it
	Costs        []Cost   // where Options asked for it
	Texts        []Text   // where Options asked for it
	Languages    []string // first = the one flows are written in

	sound *engine.Set // what could be compiled of a project with errors, for Outline
}

// Load parses, checks and compiles a project. It never fails: what is wrong is
// in Diagnostics, and Set is nil exactly when one of them is an error.
func Load(files *Files, opts Options) *Project { return loaded(files, opts).finish() }

// loaded has everything but the sorted end of a load.
func loaded(files *Files, opts Options) *loader {
	l := newLoader(files, opts)
	l.parse()
	l.reuse()
	l.project()
	l.declare()
	l.compile()
	l.translate()
	l.check()
	return l
}

// OK says that there are no errors; warnings are allowed.
func (p *Project) OK() bool { return p.Set != nil }
