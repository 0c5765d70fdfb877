package conformance

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dispatcher/engine"
	"dispatcher/flows"
)

var update = flag.Bool("update", false, "write the records anew, to be read before they are kept")

// TestRecords compares everything that the fixtures of a section do with its
// record: what check counts, proves and reckons, the compiled set, and of every
// step of every transcript the whole trace, every effect and what it changes in
// the state. The transcripts say what must be; the record notices every other
// difference, and whoever makes one reads it and writes the record anew:
//
//	go test ./flows/conformance -run TestRecords -update
func TestRecords(t *testing.T) {
	t.Parallel()
	sections := map[string][]*fixture{}
	for _, f := range fixtures(t) {
		sections[f.section] = append(sections[f.section], f)
	}
	for _, section := range slices.Sorted(maps.Keys(sections)) {
		t.Run(section, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			var last *flows.Project
			for _, f := range sections[section] {
				if p := f.record(&b, last); p.OK() {
					last = p
				}
			}
			compare(t, filepath.Join("testdata", "records", section+".txt"), b.Bytes())
		})
	}
}

// compare shows the first line that is not as recorded, with what is around it.
func compare(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(want, got) {
		return
	}
	was, is := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	at := 0
	for at < min(len(was), len(is)) && was[at] == is[at] {
		at++
	}
	from := max(at-8, 0)
	t.Errorf("line %d of %s is not what happens.\nrecorded:\n%s\nnow:\n%s", at+1, path,
		strings.Join(was[from:min(at+4, len(was))], "\n"), strings.Join(is[from:min(at+4, len(is))], "\n"))
}

// record writes what a fixture does, and in how far it is another project than
// the one before.
func (f *fixture) record(b *bytes.Buffer, last *flows.Project) *flows.Project {
	opt := options(f.ask)
	opt.Proof, opt.Costs, opt.Texts = true, true, true
	p, tests := flows.LoadTests(f.files, opt)
	fmt.Fprintf(b, "==== %s\n", f.path)
	var own bytes.Buffer
	fmt.Fprintf(&own, "counts %s\n", short(p.Counts))
	writeTables(&own, p)
	if p.OK() {
		writeSet(&own, p.Set)
		writePlan(&own, last, p)
		for _, name := range slices.Sorted(maps.Keys(f.edits)) {
			fmt.Fprintf(&own, "edit %s\n", name)
			writePlan(&own, p, flows.Load(f.edits[name], options("")))
		}
		f.recordTalks(&own, p, tests)
	}
	text := own.String()
	if p.SetID != "" { // it changes with every byte of a file
		text = strings.ReplaceAll(text, p.SetID, "SET")
	}
	for _, name := range slices.Sorted(maps.Keys(f.edits)) {
		if id := flows.Load(f.edits[name], options("")).SetID; id != "" {
			text = strings.ReplaceAll(text, id, "SET of "+name)
		}
	}
	b.WriteString(text)
	return p
}

// writeTables writes what check proves, reckons and lists.
func writeTables(b *bytes.Buffer, p *flows.Project) {
	for _, c := range p.Costs {
		fmt.Fprintf(b, "costs %s\n", short(c))
	}
	for _, t := range p.Texts {
		fmt.Fprintf(b, "text %s\n", short(t))
	}
	if p.Proof == nil {
		return
	}
	for _, s := range p.Proof.States {
		fmt.Fprintf(b, "proof %s\n", short(s))
	}
}

// writePlan writes what an edit changes, for one conversation in each state.
func writePlan(b *bytes.Buffer, old, new *flows.Project) {
	if old == nil || new.Set == nil {
		return
	}
	tally := flows.NewTally(flows.Diff(old, new), time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC))
	for _, name := range old.Set.FlowOrder {
		for _, state := range old.Set.Flows[name].StateOrder {
			tally.Add(flows.Standing{Flow: name, State: state})
		}
	}
	tally.Plan().WriteText(b, false)
}

// recordTalks writes every step of every transcript.
func (f *fixture) recordTalks(b *bytes.Buffer, p *flows.Project, tests *flows.Tests) {
	if !tests.OK() {
		return
	}
	last, test := map[string]string{}, ""
	f.suite(p, tests, func(name string, r engine.Result) {
		if name != test {
			test, last = name, map[string]string{}
			fmt.Fprintf(b, "---- %s\n", name)
		}
		writeTrace(b, r.Trace)
		for _, e := range r.Effects {
			fmt.Fprintf(b, "  > %T", e)
			if n, ok := e.(engine.OpenNew); ok {
				fmt.Fprintf(b, " %s %q\n", n.Event.Kind, n.Event.Text)
				continue
			}
			b.WriteByte(' ')
			b.WriteString(short(e))
			b.WriteByte('\n')
		}
		last = writeState(b, last, r.State)
	}).Run()
}

// writeTrace writes all of a trace but the set, which the state has too.
func writeTrace(b *bytes.Buffer, tr engine.Trace) {
	fmt.Fprintf(b, "%s %s → %s %s %s %s %s\n", tr.Event, tr.From, tr.To, tr.Stage, strings.Join(tr.Found, ","), tr.Error, tr.ErrorAt)
	for i := range tr.Steps {
		b.WriteString("  ")
		b.WriteString(short(tr.Steps[i]))
		b.WriteByte('\n')
	}
}

// writeState writes what a step has changed in the state.
func writeState(b *bytes.Buffer, last map[string]string, st engine.State) map[string]string {
	data, err := engine.EncodeState(st)
	var now map[string]json.RawMessage
	if err != nil || json.Unmarshal(data, &now) != nil {
		fmt.Fprintf(b, "  state cannot be written: %v\n", err)
		return nil
	}
	is := map[string]string{}
	for key, v := range now {
		is[key] = string(v)
	}
	for _, key := range slices.Sorted(maps.Keys(is)) {
		switch before, longer := strings.CutSuffix(last[key], "]"); {
		case is[key] == last[key]:
		case longer && strings.HasPrefix(is[key], before+","):
			fmt.Fprintf(b, "  + %s %s\n", key, is[key][len(before)+1:])
		default:
			fmt.Fprintf(b, "  = %s %s\n", key, is[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(last)) {
		if _, ok := is[key]; !ok {
			fmt.Fprintf(b, "  = no %s\n", key)
		}
	}
	return is
}
