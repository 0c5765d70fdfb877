package engine

import (
	"context"
	"encoding/json"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	"github.com/looplab/fsm"
)

// standardJob is the conversation that floor and step both hold: greet with
// three options, ask, re-ask, match a pattern, hand off.
var standardJob = [...]string{"hello", "1", "not a number", "AB123456"}

// floor is the smallest honest program on looplab/fsm and expr doing it.
type floor struct {
	pool    sync.Pool
	guard   *vm.Program
	pattern *regexp.Regexp
}

type floorState struct {
	State string `json:"state"`
	Tries int    `json:"tries"`
	Order string `json:"order"`
	Topic string `json:"topic"`
	Pad   string `json:"pad,omitempty"`
}

func newFloor() *floor {
	f := &floor{pattern: regexp.MustCompile(`[A-Z]{2}\d{6}`)}
	events := fsm.Events{
		{Name: "greet", Src: []string{"new"}, Dst: "menu"},
		{Name: "order", Src: []string{"menu"}, Dst: "ask"},
		{Name: "other", Src: []string{"menu"}, Dst: "person"},
		{Name: "again", Src: []string{"ask"}, Dst: "ask"},
		{Name: "found", Src: []string{"ask"}, Dst: "person"},
	}
	f.pool.New = func() any { return fsm.NewFSM("new", events, nil) }
	program, err := expr.Compile(`text matches "[A-Z]{2}[0-9]{6}" and tries < 3`, expr.Env(map[string]any{"text": "", "tries": 0}))
	if err != nil {
		panic(err)
	}
	f.guard = program
	return f
}

func (f *floor) step(st floorState, text string) (floorState, string) {
	m := f.pool.Get().(*fsm.FSM)
	m.SetState(st.State)
	event, say := "greet", "Hi! 1. Track my order 2. Return 3. Something else"
	switch st.State {
	case "menu":
		event, say, st.Topic = "other", "Thanks.", "other"
		if text == "1" || text == "Track my order" {
			event, say, st.Topic = "order", "What's your order number?", "order"
		}
	case "ask":
		ok, err := expr.Run(f.guard, map[string]any{"text": text, "tries": st.Tries})
		event, say = "again", "That isn't an order number."
		if err == nil && ok == true {
			event, say, st.Order = "found", "Thanks.", f.pattern.FindString(text)
		} else {
			st.Tries++
		}
	}
	_ = m.Event(context.Background(), event)
	st.State = m.Current()
	f.pool.Put(m)
	return st, say
}

// benchSet is the standard job as a flow.
func benchSet(tb testing.TB) *Set {
	sl := orderSlot()
	return linkedSet(tb, []*Flow{flow("job", states{
		"start":  {Say: says("Hi! How can we help?"), Exit: to("job.menu")},
		"menu":   {Ask: tx("What can we help you with?"), Options: []*Option{opt("order", "Track my order", to("job.ask"), "track", "parcel"), opt("return", "Return something", to("job.person"), "refund"), opt("other", "Something else", to("job.person"))}, Save: "topic"},
		"ask":    {Collect: &Collect{Slot: "order_number", Ask: tx("What's your order number?"), Invalid: []*Text{tx("That isn't an order number.")}}, Exit: to("job.person")},
		"person": {Exit: hand("orders")},
	})}, sl, topicSlot())
}

func event(text string) Event {
	return Event{Kind: EvMessage, Text: text, Seq: 1, World: World{Now: friday, ID: "c", Channel: ChannelNow{Kind: "web", WindowOpen: true}, Rehearsal: true}}
}

func runFloor(f *floor) {
	st := floorState{State: "new"}
	for _, text := range standardJob {
		st, _ = f.step(st, text)
	}
}

func runFloorStateless(f *floor, pad string) {
	b, _ := json.Marshal(floorState{State: "new", Pad: pad})
	for _, text := range standardJob {
		var st floorState
		if json.Unmarshal(b, &st) != nil {
			panic("floor")
		}
		st, _ = f.step(st, text)
		b, _ = json.Marshal(st)
	}
}

func runMemory(set *Set, events []Event) {
	st := NewState(set)
	for i := range events {
		st = Step(Sets{Live: set}, st, events[i]).State
	}
}

func runStateless(set *Set, events []Event) {
	b, _ := EncodeState(NewState(set))
	for i := range events {
		st, err := DecodeState(b)
		if err != nil {
			panic(err)
		}
		b, _ = EncodeState(Step(Sets{Live: set}, st, events[i]).State)
	}
}

func jobEvents() []Event {
	var out []Event
	for _, text := range standardJob {
		out = append(out, event(text))
	}
	return out
}

// BenchmarkFloor prints B1, B2 and B3 of runtime.md 7.2 as ratios of one run.
func BenchmarkFloor(b *testing.B) {
	set, f, events := benchSet(b), newFloor(), jobEvents()
	pad := make([]byte, 900)
	for i := range pad {
		pad[i] = 'x'
	}
	var floorTime, floor1K, step, stateless time.Duration
	measure := func(sum *time.Duration, job func()) {
		begun := time.Now()
		for range 20 {
			job()
		}
		*sum += time.Since(begun)
	}
	for b.Loop() {
		measure(&floorTime, func() { runFloor(f) })
		measure(&step, func() { runMemory(set, events) })
		measure(&floor1K, func() { runFloorStateless(f, string(pad)) })
		measure(&stateless, func() { runStateless(set, events) })
	}
	b.ReportMetric(float64(step)/float64(floorTime), "B1:step/floor")
	b.ReportMetric(float64(stateless)/float64(floor1K), "B2:stateless/floor1K")
	b.ReportMetric(float64(reAsk(set, 100))/float64(reAsk(set, 1)), "B3:100th/first")
	b.ReportMetric(float64(floorTime.Nanoseconds())/float64(b.N*20*len(standardJob)), "floor-ns/msg")
	b.ReportMetric(float64(step.Nanoseconds())/float64(b.N*20*len(standardJob)), "step-ns/msg")
}

// reAsk is what a step costs after n re-asks of one question.
func reAsk(set *Set, n int) time.Duration {
	set.Flows["job"].States["ask"].Collect.MaxTries = 1 << 30
	defer func() { set.Flows["job"].States["ask"].Collect.MaxTries = 0 }()
	st := NewState(set)
	for _, text := range standardJob[:2] {
		st = Step(Sets{Live: set}, st, event(text)).State
	}
	bad := event("not a number")
	for range n {
		st = Step(Sets{Live: set}, st, bad).State
	}
	best := time.Hour
	for range 200 {
		begun := time.Now()
		for range 10 {
			_ = Step(Sets{Live: set}, st, bad)
		}
		best = min(best, time.Since(begun))
	}
	return best
}

func BenchmarkStepMemory(b *testing.B) {
	set, events := benchSet(b), jobEvents()
	b.ReportAllocs()
	for b.Loop() {
		runMemory(set, events)
	}
	b.ReportMetric(testing.AllocsPerRun(100, func() { runMemory(set, events) })/float64(len(events)), "allocs/msg")
}

func BenchmarkStepStateless(b *testing.B) {
	set, events := benchSet(b), jobEvents()
	b.ReportAllocs()
	for b.Loop() {
		runStateless(set, events)
	}
}

// TestAllocationsPerStep is B4: nothing is built or compiled in a step.
func TestAllocationsPerStep(t *testing.T) { // not parallel: AllocsPerRun counts the whole process
	if raced {
		t.Skip("pools forget under the detector")
	}
	set, events := benchSet(t), jobEvents()
	runMemory(set, events)
	if got := testing.AllocsPerRun(200, func() { runMemory(set, events) }) / float64(len(events)); got > 25 {
		t.Fatalf("%.1f allocations per step, goal 20 for a plain one", got)
	}
}
