package flows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"time"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// Standing is where one open conversation is, as far as an edit can matter to it.
type Standing struct {
	Flow, State string // where it waits; "" = in no flow
	Pinned      bool   // its flow is kept on the set it was entered with
	Slots       map[string]engine.SlotValue
}

// Tally counts what a change does to open conversations.
type Tally struct {
	delta                    *Delta
	now                      time.Time
	open, unaffected, choice int
	waiting                  map[string]int // flow.state that is gone → how many wait there
	unfit                    map[string]int // slot → how many values fit no more
}

// NewTally begins to count what is open now; nothing is counted yet.
func NewTally(d *Delta, now time.Time) *Tally {
	return &Tally{delta: d, now: now, waiting: map[string]int{}, unfit: map[string]int{}}
}

// Add counts one open conversation.
func (t *Tally) Add(s Standing) {
	t.open++
	at := s.Flow + "." + s.State
	moved := t.delta.touched[at] || t.delta.renamed[at] != ""
	for _, name := range t.delta.slots {
		have, ok := s.Slots[name]
		if def := t.delta.new.Set.Slots[name]; ok && def != nil && !s.Pinned && !engine.Keeps(t.delta.new.Set, def, have, t.now) {
			t.unfit[name]++
			moved = true
		}
	}
	switch {
	case s.Pinned:
		t.unaffected++
	case t.delta.gone[at]:
		t.choice++
		t.waiting[at]++
	case !moved:
		t.unaffected++
	}
}

// Plan is what `dispatcher plan` shows.
type Plan struct {
	From       string
	To         string
	Changes    []Difference
	Open       int
	Unaffected int // stand where nothing changes
	Continue   int // go on in a state that is worded or called differently
	Choice     int // stand in a state that is gone
	Problems   []source.Diagnostic
	data       map[string][]byte
}

// Plan is the change with what was counted so far.
func (t *Tally) Plan() *Plan {
	p := &Plan{From: t.delta.From(), To: t.delta.To(), Changes: t.delta.Changes, Open: t.open, Unaffected: t.unaffected,
		Choice: t.choice, Continue: t.open - t.unaffected - t.choice, Problems: []source.Diagnostic{}, data: t.delta.new.Files.Data}
	gone := keysOf(t.waiting)
	sort.Strings(gone)
	for _, at := range gone {
		p.Problems = append(p.Problems, t.delta.vanishing(at, t.waiting[at]))
	}
	slots := keysOf(t.unfit)
	sort.Strings(slots)
	for _, name := range slots {
		p.Problems = append(p.Problems, t.delta.unfitting(name, t.unfit[name]))
	}
	source.Sort(p.Problems)
	return p
}

// vanishing is W501: at the states of the flow, which lack it.
func (d *Delta) vanishing(at string, n int) source.Diagnostic {
	flow, state, _ := strings.Cut(at, ".")
	out := source.Diagnostic{Code: "W501", Severity: source.Warning, Flow: flow, State: state,
		Message: fmt.Sprintf("%s in %s, which this change removes", wait(n), at)}
	f := d.new.Set.Flows[flow]
	if f == nil {
		out.Range = placeOf(d.new.Files, d.somewhere())
		out.Hint = "the whole flow is gone: they go to a person; keep the flow until they are through, or accept it"
		return out
	}
	out.Range = placeOf(d.new.Files, f.At.File, "states")
	name := "NEW_NAME"
	if meant, ok := source.DidYouMean(state, d.arrived(flow)); ok {
		name = meant
	} else if fresh := d.arrived(flow); len(fresh) == 1 {
		name = fresh[0]
	}
	out.Hint = fmt.Sprintf("write renamed: {%s: %s} in flow %s; as it is, they go %s", state, name, flow, whither(f.Vanished, flow))
	return out
}

// arrived are the states of a flow that the older set has not.
func (d *Delta) arrived(flow string) []string {
	var out []string
	for _, name := range d.new.Set.Flows[flow].StateOrder {
		if was := d.old.Set.Flows[flow]; was == nil || was.States[name] == nil {
			out = append(out, name)
		}
	}
	return out
}

// somewhere is a file for what no file says any more.
func (d *Delta) somewhere() string {
	if _, ok := d.new.Files.Data[projectFile]; ok {
		return projectFile
	}
	return d.new.Set.Flows[d.new.Set.FlowOrder[0]].At.File
}

// unfitting is W502: at the slot.
func (d *Delta) unfitting(name string, n int) source.Diagnostic {
	def := d.new.Set.Slots[name]
	verb := "conversations hold"
	if n == 1 {
		verb = "conversation holds"
	}
	path := def.At.File
	if path == "" {
		path = d.somewhere()
	}
	return source.Diagnostic{Code: "W502", Severity: source.Warning, Flow: def.Flow,
		Message: fmt.Sprintf("%d %s a value of %s that no longer fits", n, verb, name),
		Hint:    "when it is next used, it is emptied and asked for again",
		Range:   placeOf(d.new.Files, path, "slots", name)}
}

func wait(n int) string {
	if n == 1 {
		return "1 conversation waits"
	}
	return fmt.Sprintf("%d conversations wait", n)
}

// NeedsChoice says that people wait where nothing will be left (W501): such a
// change must be accepted.
func (p *Plan) NeedsChoice() bool { return p.Choice > 0 }

// Summary is the line about open conversations.
func (p *Plan) Summary() string {
	need := "need"
	if p.Choice == 1 {
		need = "needs"
	}
	return fmt.Sprintf("%d open: %d unaffected, %d continue, %d %s a choice", p.Open, p.Unaffected, p.Continue, p.Choice, need)
}

// WriteText writes the change in words, the problems as check does, and the
// line about open conversations.
func (p *Plan) WriteText(w io.Writer, color bool) {
	for _, c := range p.Changes {
		fmt.Fprintln(w, c.Text)
	}
	if len(p.Changes) == 0 {
		fmt.Fprintln(w, "nothing would change")
	}
	p.WriteProblems(w, color)
	fmt.Fprintf(w, "\n%s\n", p.Summary())
}

// WriteProblems writes the problems alone, after an empty line.
func (p *Plan) WriteProblems(w io.Writer, color bool) {
	if len(p.Problems) > 0 {
		fmt.Fprintln(w)
		source.Text(w, p.Problems, p.data, color)
	}
}

// planJSON is the object of plan --format json and of the API.
type planJSON struct {
	Version    int             `json:"version"`
	From       string          `json:"from"`
	To         string          `json:"to"`
	Changes    []Difference    `json:"changes"`
	Open       int             `json:"open"`
	Unaffected int             `json:"unaffected"`
	Continue   int             `json:"continue"`
	Choice     int             `json:"choice"`
	Summary    string          `json:"summary"`
	Problems   json.RawMessage `json:"problems"`
}

// JSON is the plan as one object.
func (p *Plan) JSON() json.RawMessage {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(planJSON{1, p.From, p.To, p.Changes, p.Open, p.Unaffected, p.Continue, p.Choice, p.Summary(),
		source.JSON(p.Problems, p.data)}); err != nil {
		return json.RawMessage("{}") // cannot happen: strings and numbers only
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}

// Texts is the difference of the files themselves, as unified text: three
// lines around each change, files by path, tests left out.
func Texts(old, new *Files) string {
	paths := map[string]bool{}
	for p := range old.Data {
		paths[p] = true
	}
	for p := range new.Data {
		paths[p] = true
	}
	list := slices.DeleteFunc(keysOf(paths), isTest)
	sort.Strings(list)
	var b strings.Builder
	for _, p := range list {
		if !bytes.Equal(old.Data[p], new.Data[p]) {
			unified(&b, p, lines(old.Data[p]), lines(new.Data[p]))
		}
	}
	return b.String()
}

// With is the project with what a plan found out about open conversations
// among its problems.
func (p *Project) With(plan *Plan) *Project {
	if plan == nil || len(plan.Problems) == 0 {
		return p
	}
	seen := *p
	seen.Diagnostics = slices.Concat(p.Diagnostics, plan.Problems)
	source.Sort(seen.Diagnostics)
	return &seen
}

// ReadPlan is a plan that JSON made, elsewhere perhaps; files are those of the
// newer set, for the lines it is about.
func ReadPlan(data []byte, files *Files) (*Plan, error) {
	var in struct {
		planJSON
		Problems []struct {
			Code, Severity, Message, Hint, File, Flow, State string
			Line, Column                                     int
			EndLine                                          int `json:"end_line"`
			EndColumn                                        int `json:"end_column"`
		} `json:"problems"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	p := &Plan{From: in.From, To: in.To, Changes: in.Changes, Open: in.Open, Unaffected: in.Unaffected, Continue: in.Continue,
		Choice: in.Choice, data: files.Data}
	for _, d := range in.Problems {
		p.Problems = append(p.Problems, source.Diagnostic{Code: d.Code, Severity: d.Severity, Message: d.Message, Hint: d.Hint, Flow: d.Flow, State: d.State,
			Range: source.Range{File: d.File, Line: d.Line, Column: d.Column, EndLine: d.EndLine, EndColumn: d.EndColumn}})
	}
	return p, nil
}
