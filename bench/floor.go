package main

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"sync"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	"github.com/looplab/fsm"
)

// standardJob is the conversation that floor and engine both hold: greet with
// three options, ask, re-ask, match a pattern, hand off.
var standardJob = []string{"hello", "1", "not a number", "AB123456"}

// floor is the smallest honest program on looplab/fsm, pooled, and expr that
// does the standard job.
type floor struct {
	pool    sync.Pool
	guard   *vm.Program
	pattern *regexp.Regexp
}

// floorState is what it remembers between two messages.
type floorState struct {
	State string `json:"state"`
	Tries int    `json:"tries"`
	Order string `json:"order"`
	Topic string `json:"topic"`
	Pad   string `json:"pad,omitempty"`
}

func newFloor() (*floor, error) {
	f := &floor{pattern: regexp.MustCompile(`[A-Z]{2}\d{6}`)}
	events := fsm.Events{
		{Name: "greet", Src: []string{"new"}, Dst: "menu"},
		{Name: "order", Src: []string{"menu"}, Dst: "ask"},
		{Name: "other", Src: []string{"menu"}, Dst: "person"},
		{Name: "again", Src: []string{"ask"}, Dst: "ask"},
		{Name: "found", Src: []string{"ask"}, Dst: "person"},
	}
	f.pool.New = func() any { return fsm.NewFSM("new", events, nil) }
	var err error
	f.guard, err = expr.Compile(`text matches "[A-Z]{2}[0-9]{6}" and tries < 3`, expr.Env(map[string]any{"text": "", "tries": 0}))
	return f, err
}

// step answers one message.
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
	_ = m.Event(context.Background(), event) // a self-transition is reported as an error
	st.State = m.Current()
	f.pool.Put(m)
	return st, say
}

// memory holds the conversation in variables.
func (f *floor) memory() {
	st := floorState{State: "new"}
	for _, text := range standardJob {
		st, _ = f.step(st, text)
	}
}

// stateless writes and reads the state around every message.
func (f *floor) stateless(pad int) {
	b, _ := json.Marshal(floorState{State: "new", Pad: strings.Repeat("x", pad)})
	for _, text := range standardJob {
		var st floorState
		if json.Unmarshal(b, &st) != nil {
			return
		}
		st, _ = f.step(st, text)
		b, _ = json.Marshal(st)
	}
}
