package hostile

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"time"

	"dispatcher/engine"
)

// Killers are expressions that exhaust processor, memory or stack of an
// engine without limits (runtime.md 5.8).
func Killers() []string {
	deep := func(open, inner, end string, n int) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	return []string{
		deep("any(slots.l, ", "false", ")", 18), deep("len(map(slots.l, ", "1", "))", 8), deep("map(slots.l, ", "message.text + message.text", ")", 6),
		deep("filter(slots.l, ", "message.text == #", ")", 5), deep("count(slots.l, ", "fuzzy(message.text, #) > 0.5", " > 0)", 4), deep("all(slots.l, ", "mentions(message.text, \"zzz\")", ")", 4),
		deep("(", "1", ")", 600_000), strings.Repeat("[", 600_000), strings.Repeat("!", 600_000), deep("not ", "true", "", 100_000), deep("-", "1", "", 500_000), deep("[", "1", "]", 300_000),
		deep("sum(", "1", ")", 100), deep("x?1:", "1", "", 2000), deep("slots.a[", "0", "]", 2000), strings.Repeat("a.", 5000) + "b", strings.Repeat("a?.", 600) + "b",
		strings.Repeat("message.text + ", 100) + `"x"`, deep("upper(", "message.text", ")", 60), deep("trim(message.text + ", "message.text", ")", 60),
		`message.text matches "(a*)*(a*)*(a*)*b"`, `message.text matches "((a{30}){30}){30}"`, `message.text matches "(x+x+)+y"`, `message.text matches "` + strings.Repeat("(a?){9}", 30) + `"`, `message.text matches "(?i)` + strings.Repeat("\\\\pL*", 40) + `"`,
		`message.text matches message.text`, `fuzzy(message.text, message.text)`, `luhn(message.text) or mod97(message.text) or mod11(message.text)`, `number(message.text)`, `string(slots.l)`,
		`1..999999999`, `map(1..1e9, #)`, `repeat("a", 1e9)`, `"a" * 1e9`, `[1][9e99]`, `9223372036854775807 + 1`, `1e308 * 1e308`, `-9223372036854775808 / -1`, `5 % 0`, `round(1e999)`,
		`$env`, `__event`, `let a = 1; a`, `{"a": 1}`, `fromJSON("[" * 99)`, `get(slots, "a")`, `#`, `"`, "`", `{{`, `1?1:1?1:1`, `order?.a?.b`, "\x00", "\xff\xfe", `"\u0000"`, `slots["l"][slots.n]`, `money(1e300)`, `plural(1e300, "a", "b")`, `mask(message.text)`, `canned.sorry`,
	}
}

// Cost is what one run took.
type Cost struct {
	CPU   time.Duration
	Bytes uint64 // allocated, freed or not
}

// Limits of P9: no run over 100 ms, no allocation over 16 MiB.
const (
	MaxCPU   = 100 * time.Millisecond
	MaxBytes = 16 << 20
)

// Over says what a run went over; "" = nothing.
func (c Cost) Over() string {
	switch {
	case c.CPU > slow*MaxCPU:
		return fmt.Sprintf("%v of processor", c.CPU)
	case c.Bytes > MaxBytes:
		return fmt.Sprintf("%d KiB", c.Bytes>>10)
	}
	return ""
}

// Measure takes the processor time of f's thread and all that was allocated
// meanwhile; on a busy machine a neighbour does not count as a slow run.
func Measure(f func()) Cost {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := threadTime()
	f()
	took := threadTime() - start
	runtime.ReadMemStats(&after)
	return Cost{CPU: took, Bytes: after.TotalAlloc - before.TotalAlloc}
}

func threadTime() time.Duration {
	const threadUsage = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if syscall.Getrusage(threadUsage, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// RunExpr compiles src and decides one event with it in every place an
// expression can stand: a slot, a condition of a text, a text, a branch. text
// is what the customer wrote. The cost is that of the dearer half.
func RunExpr(src, text string) (compile, run Cost) {
	var x *engine.Expr
	var err error
	compile = Measure(func() { x, err = engine.CompileExpr(src, "here") })
	if err != nil {
		return compile, run
	}
	set := oneExpr(x)
	if err := set.Link(); err != nil {
		return compile, run
	}
	st := engine.NewState(set)
	list := make([]string, 100)
	for i := range list {
		list[i] = fmt.Sprint("item ", i)
	}
	st.Slots = map[string]engine.SlotValue{"l": {Value: list}, "n": {Value: 7.0}, "s": {Value: "abc"}}
	ev := engine.Event{Kind: engine.EvMessage, Seq: 1, Text: text, Opening: true, World: engine.World{Now: time.Unix(1795161600, 0).UTC(), ID: "c", Rehearsal: true}}
	run = Measure(func() { engine.Step(engine.Sets{Live: set}, st, ev) })
	return compile, run
}

// oneExpr is a project with one state that evaluates x once in each place. The
// four evaluations belong to one event, as in a real state.
func oneExpr(x *engine.Expr) *engine.Set {
	said := &engine.Text{Lang: map[string]*engine.Template{"en": {Source: "t", Parts: []engine.Part{{Lit: "a "}, {Expr: x}}}}}
	end := &engine.Exit{Kind: "resolve", Reason: "done", Edge: "next", Key: "next"}
	state := &engine.StateDef{
		Flow: "a", Name: "start", Set: []engine.SetSlot{{Slot: "out", Expr: x}},
		Say: []engine.SayItem{{Group: []engine.SayArm{{If: x, Text: said}, {Text: said}}}}, Exit: end,
	}
	return &engine.Set{
		ID: "p9", Languages: []string{"en"}, Timezone: time.UTC, Start: []engine.StartRule{{Flow: "a"}},
		Queues: map[string]*engine.Queue{"general": {Alias: "general", Name: "General"}}, QueueOrder: []string{"general"}, DefaultQueue: "general",
		Slots: map[string]*engine.Slot{"out": {Name: "out", Type: engine.SlotText}, "l": {Name: "l", Type: engine.SlotList}}, SlotOrder: []string{"l", "out"},
		Flows: map[string]*engine.Flow{"a": {Name: "a", States: map[string]*engine.StateDef{"start": state}, StateOrder: []string{"start"}}}, FlowOrder: []string{"a"},
	}
}
