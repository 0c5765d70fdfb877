package conformance

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dispatcher/engine"
	"dispatcher/engine/enginetest"
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
	var base *flows.Project
	for _, f := range fixtures(t) {
		if f.path == planned {
			base, _, _ = f.load()
		}
		sections[f.section] = append(sections[f.section], f)
	}
	for _, section := range slices.Sorted(maps.Keys(sections)) {
		t.Run(section, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("testdata", "records", section+".txt")
			recorded, err := enginetest.ReadParts(path)
			if err != nil {
				t.Fatal(err)
			}
			now := map[string]string{}
			for _, f := range sections[section] {
				now[f.path] = f.record(base)
				was, ok := recorded[f.path]
				if !ok || *update { // a new fixture is compared from its first record on
					continue
				}
				if d := enginetest.Difference(was, now[f.path]); d != "" {
					t.Errorf("%s: %s\nif it is meant: go test ./flows/conformance -run TestRecords -update", f.path, d)
				}
			}
			if *update {
				if err := enginetest.WriteParts(path, now); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// planned is the project that plans begin with: it has a state of every kind.
const planned = "6.4/costs.txtar"

// record writes what a fixture does, and in how far it is another project than
// base.
func (f *fixture) record(base *flows.Project) string {
	opt := options(f.ask)
	opt.Proof, opt.Costs, opt.Texts = true, true, true
	p, tests := flows.LoadTests(f.files, opt)
	var own bytes.Buffer
	fmt.Fprintf(&own, "counts %s\n", enginetest.Short(p.Counts))
	writeTables(&own, p)
	if p.OK() {
		writeSet(&own, p.Set)
		writePlan(&own, base, p)
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
	return text
}

// writeTables writes what check proves, reckons and lists.
func writeTables(b *bytes.Buffer, p *flows.Project) {
	for _, c := range p.Costs {
		fmt.Fprintf(b, "costs %s\n", enginetest.Short(c))
	}
	for _, t := range p.Texts {
		fmt.Fprintf(b, "text %s\n", enginetest.Short(t))
	}
	if p.Proof == nil {
		return
	}
	for _, s := range p.Proof.States {
		fmt.Fprintf(b, "proof %s\n", enginetest.Short(s))
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

// recordTalks writes every step of every transcript; of several that begin alike
// the beginning once.
func (f *fixture) recordTalks(b *bytes.Buffer, p *flows.Project, tests *flows.Tests) {
	if !tests.OK() {
		return
	}
	var last enginetest.Keys
	test, seen := "", map[string]bool{}
	f.suite(p, tests, func(name string, r engine.Result) {
		if name != test {
			test, last = name, nil
			fmt.Fprintf(b, "---- %s\n", name)
		}
		state, err := engine.EncodeState(r.State)
		if err != nil {
			fmt.Fprintf(b, "  %v\n", err)
		}
		effects := make([]any, len(r.Effects))
		for i, e := range r.Effects {
			effects[i] = e
		}
		var step bytes.Buffer
		last = enginetest.WriteStep(&step, r.Trace, effects, state, last)
		if text := step.String(); !seen[text] {
			seen[text] = true
			b.WriteString(text)
			return
		}
		fmt.Fprintf(b, "as before: %s → %s\n", r.Trace.Event, r.Trace.To)
	}).Run()
}

// writeSet writes a compiled set as its readers see it, a line for each state
// and slot.
func writeSet(b *bytes.Buffer, set *engine.Set) {
	whole := *set
	whole.ID, whole.Flows, whole.Slots = "", nil, nil
	fmt.Fprintf(b, "set %s\n", enginetest.Short(whole))
	for _, name := range set.FlowOrder {
		flow := *set.Flows[name]
		states := flow.States
		flow.States = nil
		fmt.Fprintf(b, "flow %s\n", enginetest.Short(flow))
		for _, state := range flow.StateOrder {
			fmt.Fprintf(b, "  state %s %s\n", state, enginetest.Short(states[state]))
		}
	}
	for _, name := range set.SlotOrder {
		fmt.Fprintf(b, "slot %s\n", enginetest.Short(set.Slots[name]))
	}
}
