package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dispatcher/engine"
	"dispatcher/engine/enginetest"
	"dispatcher/flows"
	"dispatcher/flows/rehearse"
)

// How much is walked of a fixture: inputs of a walk, and walks at most.
const (
	inputs    = 16
	mostWalks = 40
)

// TestWalks holds conversations that nobody would think of: it enters the states
// of every fixture, or goes part of the way of one of its transcripts, and then
// does, in an order that is drawn but always the same, whatever customers,
// agents, services and clocks can do. A line of the record
// is a walk: each input, where it leads, and a check sum of the whole step with
// its trace, effects and state. The record says nothing about what is right; it
// notices what changes, and the failure shows the walk in full. Whoever means
// the change reads that and writes the records anew:
//
//	go test ./flows/conformance -run TestWalks -update
func TestWalks(t *testing.T) { // its sections at once, but nothing beside it: others weigh what a check costs
	compareSections(t, "walks", func(f *fixture) (string, func(int) string) {
		p, tests, _ := f.load()
		if !p.OK() {
			return "", nil
		}
		edits := f.editedSets()
		var lines, whole []string
		for _, b := range beginningsOf(p.Set, tests) {
			w := newWalk(f.path, b, p, tests, edits)
			lines = append(lines, b.name+": "+w.run(b.way))
			whole = append(whole, w.whole.String())
		}
		return strings.Join(lines, "\n"), func(i int) string { return whole[min(i, len(whole)-1)] }
	})
}

// compareSections compares what is worked out for each fixture with its record;
// whole tells all about a line of it.
func compareSections(t *testing.T, kind string, of func(*fixture) (text string, whole func(line int) string)) {
	t.Helper()
	sections := map[string][]*fixture{}
	for i, f := range fixtures(t) {
		if !raced || i%8 == 0 {
			sections[f.section] = append(sections[f.section], f)
		}
	}
	for _, section := range slices.Sorted(maps.Keys(sections)) {
		t.Run(section, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("testdata", kind, section+".txt")
			recorded, err := enginetest.ReadParts(path)
			if err != nil {
				t.Fatal(err)
			}
			now := map[string]string{}
			for _, f := range sections[section] {
				text, whole := of(f)
				if text == "" {
					continue
				}
				now[f.path] = text + "\n"
				was, ok := recorded[f.path]
				if !ok || *update || was == now[f.path] { // a new fixture is compared from its first record on
					continue
				}
				before, after := strings.Split(was, "\n"), strings.Split(now[f.path], "\n")
				at := 0
				for at < min(len(before), len(after))-1 && before[at] == after[at] {
					at++
				}
				t.Errorf("%s: recorded\n%s\nnow\n%s\nwhich is\n%s\nif it is meant: go test ./flows/conformance -run '%s' -update", f.path, before[at], after[at], whole(at), t.Name())
			}
			if *update && len(now) > 0 && !raced {
				if err := enginetest.WriteParts(path, now); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// editedSets are the folders that a fixture's reload steps bring, as far as
// they can run.
func (f *fixture) editedSets() []*engine.Set {
	var out []*engine.Set
	for _, name := range slices.Sorted(maps.Keys(f.edits)) {
		if p := flows.Load(f.edits[name], options("")); p.OK() {
			out = append(out, p.Set)
		}
	}
	return out
}

// beginning is how a walk begins: in a state, or with the inputs of a transcript.
type beginning struct {
	name, start string
	way         []flows.TestStep
}

func beginningsOf(set *engine.Set, tests *flows.Tests) []beginning {
	var out []beginning
	for _, flow := range set.FlowOrder {
		for _, state := range set.Flows[flow].StateOrder {
			at := flow + "." + state
			out = append(out, beginning{name: at, start: at})
		}
	}
	if tests.OK() {
		for _, file := range tests.Files {
			for _, test := range file.Tests {
				out = append(out, beginning{name: test.Name, start: test.Start, way: test.Steps})
			}
		}
	}
	for len(out) > mostWalks {
		out = slices.Delete(out, len(out)/2, len(out)/2+1)
	}
	return out
}

// walk is one conversation by chance.
type walk struct {
	r      *rand.Rand
	set    *engine.Set
	talk   *rehearse.Talk
	edits  []*engine.Set
	words  []string
	bodies []string // of look-ups
	last   enginetest.Keys
	sum    uint32
	whole  bytes.Buffer
	reload int
}

func newWalk(path string, b beginning, p *flows.Project, tests *flows.Tests, edits []*engine.Set) *walk {
	seed := crc32.ChecksumIEEE([]byte(path + b.name))
	w := &walk{r: rand.New(rand.NewPCG(uint64(seed), 7)), set: p.Set, edits: edits, words: vocabulary(p.Set)}
	wait := 7 * time.Minute
	opt := rehearse.Options{Start: b.start, Services: p.Config.Service, Watch: w.step, Returning: seed%3 == 0, Sample: seed%2 == 0,
		Queues: map[string]rehearse.QueueFigures{p.Set.DefaultQueue: {Wait: &wait, Length: int(seed % 5)}}}
	if tests.OK() {
		for _, file := range tests.Files {
			for _, test := range file.Tests {
				w.hear(test)
				if seed%3 > 0 {
					opt.Mocks = append(opt.Mocks, test.Mocks...)
				}
			}
		}
	}
	slices.Sort(w.words)
	slices.Sort(w.bodies)
	w.words, w.bodies = slices.Compact(w.words), slices.Compact(w.bodies)
	w.talk = rehearse.New(p.Set, opt)
	return w
}

// hear takes up what customers and services say in a transcript.
func (w *walk) hear(test *flows.Test) {
	for _, s := range test.Steps {
		if s.Kind == flows.StepUser {
			w.words = append(w.words, s.Texts...)
		}
	}
	for _, m := range test.Mocks {
		for _, a := range m.Says {
			if a.Status >= 200 {
				w.bodies = append(w.bodies, strconv.Itoa(a.Status)+" "+string(a.Body))
			}
		}
	}
}

// vocabulary is what customers of a project could say: what its buttons, slots
// and entries of everywhere are for, and what people say anywhere.
func vocabulary(set *engine.Set) []string {
	out := []string{"hello", "yes", "no", "skip", "I don't have it", "why", "hmm", "42", "2", "AB12345", "3 March 2026", "cancel", "start over", "a person please",
		"the first one", "the second", "a@example.com", "thanks", "stop", "one moment", "opening hours", "what did you say", "€ 12.50", "0", "-1", "help"}
	for _, name := range set.SlotOrder {
		sl := set.Slots[name]
		called := strings.ReplaceAll(name, "_", " ")
		if len(sl.Called) > 0 {
			called = sl.Called[0]
		}
		var values []string
		if sl.Example != "" {
			values = append(values, sl.Example)
		}
		for _, v := range sl.Values {
			values = append(values, v.ID)
		}
		for _, v := range values {
			out = append(out, v, "wrong "+called+", "+v, "it is "+v+" I think")
		}
		out = append(out, "change the "+called, "wrong "+called, "wrong "+called+", AB12345", called+" is 42 not that")
	}
	entries := slices.Clone(set.Everywhere)
	for _, name := range set.FlowOrder {
		entries = append(entries, set.Flows[name].Everywhere...)
	}
	for _, e := range entries {
		for _, lang := range set.Languages {
			out = append(out, e.Match[lang]...)
		}
	}
	return out
}

func (w *walk) any(list ...string) string { return list[w.r.IntN(len(list))] }

// run goes part of a way and on by chance, and gives the line of the record.
func (w *walk) run(way []flows.TestStep) string {
	var line []string
	note := func(what string, err error) {
		if err != nil {
			what += " (not now)"
		}
		at := w.talk.State()
		fmt.Fprintf(&w.whole, "^^^ %s → %s\n", what, at.Position())
		line = append(line, fmt.Sprintf("%s → %s %04x", what, at.Position(), w.sum&0xffff))
		w.sum = 0
	}
	if len(way) > 0 {
		for i := range w.r.IntN(len(way)) {
			if what, err := w.follow(&way[i]); what != "" {
				note(what, err)
			}
		}
	}
	for range inputs {
		note(w.input())
	}
	return strings.Join(line, " | ")
}

// follow does what a step of a transcript does; "" = it only looks.
func (w *walk) follow(s *flows.TestStep) (what string, err error) {
	switch s.Kind {
	case flows.StepUser:
		what = strings.Join(s.Texts, " / ")
		_, err = w.talk.Say(s.Texts...)
	case flows.StepTap:
		what = "tap " + s.Text
		_, err = w.talk.Tap(s.Text)
	case flows.StepWait:
		what = s.Wait.String()
		_, err = w.talk.Wait(s.Wait)
	case flows.StepSend:
		what = "send " + s.Text
		_, err = w.talk.Media(s.Text, s.Caption)
	case flows.StepVerify:
		what = "verify " + s.Text
		_, err = w.talk.Verify(s.Text)
	case flows.StepAgent:
		what = "agent " + s.Text
		_, err = w.talk.Agent(s.Text)
	case flows.StepSubmit:
		values := map[string]string{}
		for _, v := range s.Values {
			values[v.Name] = v.Text
		}
		what = "submit"
		_, err = w.talk.Submit(values)
	}
	return oneLine(what), err
}

// step notes everything about a step.
func (w *walk) step(r engine.Result) {
	state, err := engine.EncodeState(r.State)
	if err != nil {
		fmt.Fprintf(&w.whole, "%v\n", err)
	}
	effects := make([]any, len(r.Effects))
	for i, e := range r.Effects {
		effects[i] = e
	}
	from := w.whole.Len()
	w.last = enginetest.WriteStep(&w.whole, r.Trace, effects, state, w.last)
	text := strings.ReplaceAll(w.whole.String()[from:], w.set.ID, "SET")
	for i, set := range w.edits {
		text = strings.ReplaceAll(text, set.ID, "SET of edit "+strconv.Itoa(i))
	}
	w.sum = crc32.Update(w.sum, crc32.IEEETable, []byte(text))
}

// input does one thing; its name is what stands in the record.
func (w *walk) input() (what string, err error) {
	st := w.talk.State()
	switch n := w.r.IntN(24); {
	case st.Waiting != nil && n < 16:
		what = w.any(append(slices.Clone(w.bodies), `200 {}`, `404`, `500`, `timeout`, `invalid`, `200 {"status":"open","name":"Ann","n":2,"items":[{"id":"a","name":"A"},{"id":"b","name":"B"}]}`)...)
		_, err = w.talk.Answer(what)
	case st.Question != nil && st.Question.Kind == "verify" && n < 6:
		what = w.any("ok", "failed", "expired")
		_, err = w.talk.Verify(what)
	case st.Question != nil && (st.Question.Kind == "form" || st.Question.Field != "") && n < 8:
		values := map[string]string{}
		for _, name := range w.set.SlotOrder {
			values[name] = w.any(w.set.Slots[name].Example, "42", "", "x")
		}
		what = "submit"
		_, err = w.talk.Submit(values)
	case (st.Owner == "queue" || st.Owner == "agent") && n < 10:
		what = w.any("claim", "return", "resolve", "return")
		_, err = w.talk.Agent(what)
	case n < 9 && len(w.talk.Buttons()) > 0:
		what = "tap " + strconv.Itoa(1+w.r.IntN(len(w.talk.Buttons())+n/8))
		_, err = w.talk.TapNumber(what[4:])
	case n == 9:
		what = w.any("1m", "6m", "31m", "5h", "25h", "170h")
		d, _ := time.ParseDuration(what)
		_, err = w.talk.Wait(d)
	case n == 10:
		what = "a picture"
		_, err = w.talk.Media("image", w.any("", "this", "42"))
	case n == 11 && len(w.edits) > 0:
		what = "reload"
		w.talk.Reload(w.edits[w.reload%len(w.edits)])
		w.reload++
	case n == 12 && w.r.IntN(3) == 0:
		what = "lend " + w.any(w.set.FlowOrder...)
		_, err = w.talk.Delegate(what[5:])
	case n == 13:
		texts := []string{w.any(w.words...), w.any(w.words...), w.any(w.words...)}
		what = strings.Join(texts, " / ")
		_, err = w.talk.Say(texts...)
	default:
		what = w.any(w.words...)
		_, err = w.talk.Say(what)
	}
	return oneLine(what), err
}

// oneLine keeps what was said on the line of its walk.
func oneLine(s string) string {
	data, err := json.Marshal(s)
	if err != nil {
		return s
	}
	return strings.Trim(string(data), `"`)
}
