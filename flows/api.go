// Package flows is the flow language: it parses, checks and compiles a project.
package flows

import (
	"encoding/json"
	"io"
	"io/fs"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/internal/source"
)

// Files is the sources of a project: paths relative to it, with /.
type Files struct {
	Name string
	Data map[string][]byte
}

// Read collects the files of a project.
func Read(fsys fs.FS, name string) (*Files, error) { return nil, nil }

// SetID is the id of the set.
func (f *Files) SetID() string { return "" }

// Options are what the checker cannot know from the files.
type Options struct {
	Limits   func(alias, kind string, cfg *source.Node) (dm.Limits, bool, []source.Diagnostic)
	Env      func(name string) (string, bool)
	ReadFile func(path string) ([]byte, error)
}

// Counts are the figures of the summary line.
type Counts struct{ Flows, States, Expressions, Slots int }

// ChannelConfig is one entry of channels as written.
type ChannelConfig struct {
	Alias, Kind string
	Enabled     bool
	Node        *source.Node
}

// Project is the outcome of Load.
type Project struct {
	Name                         string
	Set                          *engine.Set
	SetID                        string
	Files                        *Files
	Diagnostics                  []source.Diagnostic
	Counts                       Counts
	Channels                     map[string]ChannelConfig
	ChannelOrder                 []string
	Server, Storage, Auth, Links *source.Node
}

// Load parses, checks and compiles a project.
func Load(files *Files, opts Options) *Project { return &Project{} }

// OK says that there are no errors.
func (p *Project) OK() bool { return p.Set != nil }

// Summary is the last line of a check.
func (p *Project) Summary() string { return "" }

// WriteText writes the diagnostics and the summary.
func (p *Project) WriteText(w io.Writer, color bool) {}

// JSON is the object of check --format json.
func (p *Project) JSON() json.RawMessage { return nil }

// Resolve replaces ${env:} and ${file:} references.
func Resolve(ref string, env func(string) (string, bool), readFile func(string) ([]byte, error)) (string, error) {
	return ref, nil
}
