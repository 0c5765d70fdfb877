package graph_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// invented makes the YAML of a flow of so many states as people write them:
// questions with options that lead on, jumps ahead, ways back, hubs, look-ups,
// calls, ends. The same seed gives the same flow.
func invented(seed uint64, states int) string {
	in := &inventor{rand: rand.New(rand.NewPCG(seed, 7)), states: states}
	in.out.WriteString("flow: made\ndescription: A flow made for a test.\nstates:\n")
	for i := range states {
		in.state(i)
	}
	return in.out.String()
}

type inventor struct {
	rand   *rand.Rand
	states int
	out    strings.Builder
}

func (in *inventor) name(i int) string {
	if i == 0 {
		return "start"
	}
	return fmt.Sprintf("%s_%d", []string{"menu", "ask_for_the_order", "address", "photo", "done", "check_it"}[i%6], i)
}

// next is mostly a state soon after, at times a hub, one far ahead or one
// before.
func (in *inventor) next(i int) string {
	switch n := in.rand.IntN(20); {
	case n < 13:
		return in.name(min(i+1+in.rand.IntN(5), in.states-1))
	case n < 15:
		return in.name(in.states - 1 - in.states/9)
	case n < 17:
		return in.name(in.rand.IntN(in.states))
	case n < 19 && i > 0:
		return in.name(max(0, i-1-in.rand.IntN(8)))
	}
	return in.name(in.states - 1)
}

var sayings = []string{"What can we help you with today?", "Is it about an order? We'll find it.", "注文番号を教えてください。", "Yes",
	"Thanks! 🎉 That is all we need for now, and somebody will be with you in a moment.", "We're sorry about that — really."}

var buttons = []string{"Where's my order?", "Yes", "No", "Return something that I bought and do not like any more", "Other 🤷", "返品したい", "Speak to a person", "Not now, thanks"}

func (in *inventor) state(i int) {
	w := func(format string, args ...any) { fmt.Fprintf(&in.out, format+"\n", args...) }
	w("  %s:", in.name(i))
	words := sayings[in.rand.IntN(len(sayings))]
	kind := in.rand.IntN(12)
	if i == in.states-1 {
		kind = 11
	}
	switch {
	case kind < 5:
		in.question(i, words)
	case kind < 7:
		w("    collect: {slot: slot_%d, ask: %q, skip: I can't, give_up: %s}\n    goto: %s", i, words, in.next(i), in.next(i))
	case kind < 8:
		w("    say: %q\n    branch:\n      - {if: entry.ref == \"campaign-%d\", goto: %s}\n      - else: %s", words, i, in.next(i), in.next(i))
	case kind < 10:
		w("    say: %q\n    goto: %s", words, in.next(i))
	case kind < 11:
		w("    say: %q\n    call: other\n    goto: %s", words, in.next(i))
	default:
		w("    say: %q\n    %s", words, []string{"handoff: general", "resolve: done", "return: found", "goto: other.start"}[in.rand.IntN(4)])
	}
}

func (in *inventor) question(i int, words string) {
	fmt.Fprintf(&in.out, "    ask: %q\n    options:\n", words)
	for o := range 2 + in.rand.IntN(4) {
		exit := "goto: " + in.next(i)
		switch in.rand.IntN(14) {
		case 0:
			exit = "goto: " + in.name(i) // asks again
		case 1:
			exit = "handoff: general"
		case 2:
			exit = "call: other, goto: " + in.next(i)
		}
		label := fmt.Sprintf("%s %d", buttons[in.rand.IntN(len(buttons))], o)
		fmt.Fprintf(&in.out, "      - {id: o%d, label: %q, %s}\n", o, label, exit)
	}
	if in.rand.IntN(4) == 0 {
		fmt.Fprintf(&in.out, "    no_match:\n      - say: Sorry?\n      - goto: %s\n", in.next(i))
	}
}

// otherFlow is what invented flows call and leave into.
const otherFlow = "flow: other\nstates:\n  start: {say: Hello, return: found}\n"
