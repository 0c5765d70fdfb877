package main

import (
	"fmt"
	"runtime"
	"testing/fstest"
	"time"

	"dispatcher/engine"
	"dispatcher/flows"
	"dispatcher/flows/starter"
)

// jobProject is the standard job as a designer writes it.
var jobProject = map[string]string{
	"dispatcher.yaml": "dispatcher: 1\nproject: job\nstart: job\nqueues:\n  orders: {name: Orders}\ndefault_queue: orders\n",
	"flows/job.yaml": `flow: job
slots:
  topic: {type: choice, values: [order, return, other]}
  order_number: {type: text, example: AB123456, clean: [upper, remove_spaces], pattern: '[A-Z]{2}\d{6}', find: '\b[a-z]{2} ?\d{6}\b'}
states:
  start: {say: "Hi! How can we help?", goto: menu}
  menu:
    ask: What can we help you with?
    options:
      - {id: order, label: Track my order, match: [track, parcel], goto: ask}
      - {id: return, label: Return something, match: [refund], goto: person}
      - {id: other, label: Something else, goto: person}
    save: topic
  ask:
    collect:
      slot: order_number
      ask: What's your order number?
      invalid: [That isn't an order number.]
    goto: person
  person: {handoff: orders}
`,
}

// starterTalk goes through the starter's longest way.
var starterTalk = []string{"hello", "1", "not a number", "AB123456", "SW1A 1AA"}

// loadProject compiles a project from memory.
func loadProject(name string, files map[string]string) (*flows.Project, error) {
	fsys := fstest.MapFS{}
	for path, text := range files {
		fsys[path] = &fstest.MapFile{Data: []byte(text)}
	}
	read, err := flows.Read(fsys, name)
	if err != nil {
		return nil, err
	}
	p := flows.Load(read, flows.Options{})
	if !p.OK() {
		return nil, fmt.Errorf("project %s: %s: %s", name, p.Summary(), p.Diagnostics[0].Message)
	}
	return p, nil
}

// talk is a conversation on a set, ready to be held again and again.
type talk struct {
	set    *engine.Set
	events []engine.Event
}

func newTalk(set *engine.Set, lines []string) talk {
	t := talk{set: set}
	for i, text := range lines {
		t.events = append(t.events, engine.Event{Kind: engine.EvMessage, Text: text, Seq: int64(i + 1), Opening: i == 0, World: engine.World{
			Now: time.Date(2026, 11, 20, 10, 0, i, 0, time.UTC), ID: "c", Channel: engine.ChannelNow{Kind: "web", WindowOpen: true}, Rehearsal: true}})
	}
	return t
}

// memory holds the conversation in variables.
func (t talk) memory() engine.State {
	st := engine.NewState(t.set)
	for i := range t.events {
		st = engine.Step(engine.Sets{Live: t.set}, st, t.events[i]).State
	}
	return st
}

// stateless writes and reads the state around every message.
func (t talk) stateless() {
	b, _ := engine.EncodeState(engine.NewState(t.set))
	for i := range t.events {
		st, err := engine.DecodeState(b)
		if err != nil {
			return
		}
		b, _ = engine.EncodeState(engine.Step(engine.Sets{Live: t.set}, st, t.events[i]).State)
	}
}

// engineRows are B1 to B4.
func (b *bench) engineRows() error {
	f, err := newFloor()
	if err != nil {
		return err
	}
	job, err := loadProject("job", jobProject)
	if err != nil {
		return err
	}
	files, err := flows.Read(starter.FS, "starter")
	if err != nil {
		return err
	}
	shop := flows.Load(files, flows.Options{})
	if !shop.OK() {
		return fmt.Errorf("starter: %s", shop.Summary())
	}
	step, long := newTalk(job.Set, standardJob), newTalk(shop.Set, starterTalk)
	for name, end := range map[string]engine.State{"job": step.memory(), "starter": long.memory()} {
		if end.Owner != "queue" {
			return fmt.Errorf("%s: the conversation ended with %s, not in a queue", name, end.Owner)
		}
	}
	works := []func(){f.memory, func() { step.memory() }, func() { f.stateless(900) }, step.stateless, func() { long.memory() }}
	per := make([][]float64, len(works)) // µs per message, by work and round
	messages := []int{len(standardJob), len(standardJob), len(standardJob), len(standardJob), len(starterTalk)}
	for range b.rounds {
		for i, took := range interleaved(size(b, 2, 60, 60), works) {
			per[i] = append(per[i], took/float64(messages[i]))
		}
	}
	b.set("B1", ratios(per[1], per[0]))
	b.set("B2", ratios(per[3], per[2]))
	b.set("B1 starter", ratios(per[4], per[0]))
	b.note("floor %.2f µs, step %.2f µs, starter %.2f µs a message; with state as JSON: floor 1 KB %.1f µs, step %.1f µs",
		median(per[0]), median(per[1]), median(per[4]), median(per[2]), median(per[3]))
	b.reAsks(job.Set)
	b.set("B4", []float64{allocations(func() { step.memory() }) / float64(len(standardJob))})
	return nil
}

// interleaved runs the works in turn, blocks times a block of 2 ms or more
// each, and gives microseconds per call.
func interleaved(blocks int, works []func()) []float64 {
	total, calls := make([]time.Duration, len(works)), make([]int, len(works))
	for range blocks {
		for i, work := range works {
			begun := time.Now()
			for n := 0; n < 10 || time.Since(begun) < 2*time.Millisecond; n++ {
				work()
				calls[i]++
			}
			total[i] += time.Since(begun)
		}
	}
	out := make([]float64, len(works))
	for i := range works {
		out[i] = us(total[i]) / float64(calls[i])
	}
	return out
}

// reAsks is B3: one more wrong answer after a hundred, against after one.
func (b *bench) reAsks(set *engine.Set) {
	collect := set.Flows["job"].States["ask"].Collect
	collect.MaxTries = 1 << 30
	defer func() { collect.MaxTries = 0 }()
	after := func(n int) func() {
		t := newTalk(set, append([]string{"hello", "1"}, make([]string, n)...))
		for i := 2; i < len(t.events); i++ {
			t.events[i].Text = "not a number"
		}
		st, bad := t.memory(), t.events[len(t.events)-1]
		return func() { _ = engine.Step(engine.Sets{Live: set}, st, bad) }
	}
	works := []func(){after(1), after(100)}
	var out []float64
	for range b.rounds {
		took := interleaved(size(b, 2, 40, 40), works)
		out = append(out, took[1]/took[0])
	}
	b.set("B3", out)
}

// allocations is how many objects one call makes.
func allocations(f func()) float64 {
	f()
	const calls = 500
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / calls
}
