package channels

import (
	"context"
	"time"

	"dispatcher/dm"
	"dispatcher/internal/source"
)

// What adapters need of internal/source, which they do not import themselves.
const (
	NodeNull   = source.Null
	NodeScalar = source.Scalar
	NodeList   = source.List
	NodeMap    = source.Map

	SeverityError   = source.Error
	SeverityWarning = source.Warning
)

// Range is a place in a file.
type Range = source.Range

// ParseConfig reads a channel's settings from YAML text; cmd hands adapters
// their part of dispatcher.yaml, tests and tools start from text.
func ParseConfig(file string, yaml []byte) (ConfigNode, []Diagnostic) {
	doc, diags := source.Parse(file, yaml)
	return doc.Root, diags
}

// DidYouMean picks the candidate that word was probably meant to be.
func DidYouMean(word string, candidates []string) (string, bool) {
	return source.DidYouMean(word, candidates)
}

// SortDiagnostics orders problems as they stand in the file.
func SortDiagnostics(d []Diagnostic) { source.Sort(d) }

// Common holds the settings that every kind of channel has (channels.md 1.7),
// as inbox and cmd need them.
type Common struct {
	Enabled     bool
	BaseURL     string // "" = the platform's
	Insecure    bool   // http, loopback only
	Burst       time.Duration
	BurstSet    bool // burst was written; else Caps.Burst holds the kind's default
	PriceIn     float64
	PriceOut    float64
	PricePublic float64
	Currency    string
	Languages   []string
	BotPolicy   string // ambiguous.bot: auto resend hold
	AgentPolicy string // ambiguous.agent: auto resend hold
	BotTTL      time.Duration
	AgentTTL    time.Duration
	OptionsAs   string // auto buttons list text
	Public      string // off listen reply
	MediaFetch  bool
	MediaMax    int64
	IgnoreApps  []string // other apps whose echoes are robots
}

// Commoner is an adapter that tells its common settings. Every adapter of this module is one.
type Commoner interface {
	Common() Common
}

// Local is a kind whose calls never leave this process (sim with faults):
// inbox asks Do where it would write an HTTP request, and hands the Result to
// Classify as always.
type Local interface {
	Do(ctx context.Context, call Call) Result
}

// LimitsOf is what the flow checker has to know of a channel: alias is its
// name in dispatcher.yaml.
func LimitsOf(alias string, c Caps) dm.Limits {
	l := dm.Limits{Channel: alias, Kind: c.Kind, Text: c.Text, Window: c.Window, InARow: c.InARow}
	for _, f := range c.Forms {
		if f.Name == FormText {
			continue
		}
		if l.Options > 0 && f.Max > l.Options {
			l.Few, l.RowLabel = l.Options, f.Label
		}
		l.Options = max(l.Options, f.Max)
		if l.Label.N == 0 {
			l.Label, l.Description, l.TextOptions = f.Label, f.Description, f.Body
			l.AllOrNone, l.NoURLs = f.AllOrNone, f.NoURLs
		}
	}
	return l
}

// Names of forms.
const (
	FormButtons = "buttons"
	FormList    = "list"
	FormText    = "text" // numbered lines in the message itself
)
