package engine

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// run evaluates a source in the circumstances of a test.
func run(t testing.TB, src string) (any, error) {
	t.Helper()
	e, err := CompileExpr(src, "here")
	if err != nil {
		return nil, err
	}
	wait := 4
	tn := &turn{set: newSet(t, shopFlows(), orderSlot()), lang: "en", now: friday}
	tn.set.linked = &linked{}
	tn.ev = &Event{Text: "I want a refund", World: World{
		Now: friday, ID: "c", Contact: ContactNow{FirstName: "Ann", Tags: []string{"b2b", "x"}},
		Queues: map[string]QueueNow{"general": {WaitMinutes: &wait, Waiting: 3}}, LastSurvey: friday.Add(-48 * time.Hour),
	}}
	tn.joined.raw = tn.ev.Text
	tn.current = &tn.joined
	tn.st.Slots = map[string]SlotValue{"n": {Value: 7.0}, "s": {Value: "abc"}, "d": {Value: friday.AddDate(0, 0, -2)}, "l": {Value: []string{"a", "b"}}}
	tn.eval = evaluator{t: tn, env: map[string]any{}}
	tn.eval.env[hidden] = &tn.eval
	return tn.eval.eval(e)
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]any{
		`slots.n + 1`: 8.0, `slots.n / 2`: 3.5, `7 % 4`: 3.0, `-slots.n`: -7.0, `1 + 2 * 3`: 7.0, `"a" + "b"`: "ab",
		`slots.nope == "x"`: false, `slots.nope != "x"`: true, `slots.nope == nil`: true, `slots.nope in ["", "x"]`: false, `not (slots.nope in ["a"])`: true, `slots.s in ["abc"]`: true, `slots.nope not in ["a"]`: true,
		`slots.nope contains "x"`: false, `slots.nope matches "x"`: false, `slots.nope startsWith "x"`: false, `slots.s endsWith "c"`: true,
		`slots.nope ?? "z"`: "z", `order?.eta == nil`: true, `"b2b" in contact.tags`: true, `any(contact.tags, # == "b2b")`: true, `count(contact.tags, # startsWith "b")`: 1, `len(filter(slots.l, # != "a"))`: 1.0,
		`slots.n in [7]`: true, `slots.n > 6 and slots.n < 8`: true, `contact.first_name`: "Ann", `message.words`: 4.0, `message.text contains "refund"`: true,
		`mentions(message.text, "a refund")`: true, `mentions(slots.nope, "x")`: false, `fuzzy("colour", "color") > 0.8`: true, `empty(slots.nope)`: true, `empty(slots.s)`: false,
		`open("support")`: true, `wait_minutes("general")`: 4.0, `wait_minutes("orders") == nil`: true, `queue_length("general")`: 3.0, `opens_at("support") == now()`: true,
		`days_since(slots.d)`: 2.0, `hours_since(slots.d)`: 48.0, `slots.d < now()`: true, `slots.d | day()`: "Wednesday 18 November", `now() | day()`: "today", `slots.d | date()`: "18 November 2026", `now() | time()`: "10:00",
		`money(1234.5)`: "£1,234.50", `plural(1, "item", "items")`: "item", `plural(2, "item", "items")`: "items", `mask("AB123456")`: "••••56", `example("order_number")`: "AB123456",
		`luhn("4539 1488 0343 6467")`: true, `luhn("4539 1488 0343 6466")`: false, `mod97("GB82 WEST 1234 5698 7654 32")`: true, `mod11("0-306-40615-2")`: true,
		`len("añb")`: 3.0, `upper("a") + lower("B") + trim(" c ")`: "Abc", `round(2.5) + floor(1.9) + ceil(0.1) + abs(-1)`: 6.0, `min(3, 1, 2)`: 1.0, `max(1, 9)`: 9.0, `string(1.50)`: "1.5", `number("1,200")`: 1200.0,
		`surveyed_within("30d")`: true, `surveyed_within("1d")`: false, `sample(1.1)`: true, `sample(0)`: false, `slots.l[0]`: "a", `contact.vip ? 1 : 2`: 2.0, `canned.sorry`: "I'm sorry, Ann.", `false and slots.nope > 1`: false,
	} {
		got, err := run(t, src)
		if n, ok := number(got); ok {
			got = n
		}
		if w, ok := number(want); ok {
			want = w
		}
		if err != nil || got != want {
			t.Errorf("%s = %#v (%v), want %#v", src, got, err, want)
		}
	}
}

func TestExpressionsThatFailWhenRun(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		`slots.nope + 1`, `slots.nope > 1`, `1 / 0`, `1 % 0`, `len(slots.nope)`, `upper(slots.nope)`, `order.eta`, `"a" + 1`, `not slots.nope`, `slots.nope and true`, `open("nowhere")`,
		`1e308 * 1e308`, `luhn(slots.nope)`, `day(slots.nope)`, `number("x")`, `surveyed_within("soon")`,
	} {
		if got, err := run(t, src); err == nil {
			t.Errorf("%s = %#v", src, got)
		}
	}
}

func TestExpressionsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		`let a = 1; a`, `1..3`, `{"a": 1}`, `slots.l[0:1]`, `2 ** 3`, `$env`, `__event`, `sum([1])`, `slots.s.__x`, `get(slots, "a")`, `keys(slots)`, `repeat("a", 9)`, `fromJSON("1")`, `contact.tags.Len()`,
		`message.text matches slots.s`, `replace("a", "b", "c")`, `map(1..9, #)`, `slots[slots.s]`, `__add(1, 2)`, `if true { 1 } else { 2 }`, `any(slots.l, #index > 0)`, `reduce([1], #acc)`, `slots.n ^ 2`, `1; 2`, ``, `(`, `nothing()`,
		strings.Repeat("(", 65) + "1" + strings.Repeat(")", 65), strings.Repeat("not ", 65) + "true", strings.Repeat("a", 2001), strings.Repeat("1+", 300) + "1",
	} {
		if _, err := CompileExpr(src, "here"); err == nil {
			t.Errorf("%.40s compiles", src)
		}
	}
}

// killers are what brought expression libraries down (runtime.md 8.3, R60).
var killers = []string{
	`any(slots.l, any(slots.l, any(slots.l, any(slots.l, any(slots.l, any(slots.l, any(slots.l, any(slots.l, any(slots.l, any(slots.l, any(slots.l, any(slots.l, any(slots.l, any(slots.l, any(slots.l, any(slots.l, any(slots.l, any(slots.l, false))))))))))))))))))`,
	`len(map(slots.l, map(slots.l, map(slots.l, map(slots.l, map(slots.l, message.text + message.text)))))) > 0`,
	strings.Repeat("(", 600_000), strings.Repeat("[", 600_000), strings.Repeat("!", 600_000), strings.Repeat("sum(", 100) + "1" + strings.Repeat(")", 100),
	strings.Repeat("message.text + ", 100) + `"x"`, `fuzzy(message.text, message.text)`, `message.text matches "(a*)*(a*)*(a*)*b"`, `#`, `"`, "`", `map(slots.l, #)[0]`, `{{`, `1?1:1?1:1`, `order?.a?.b`,
}

func TestFuelEndsLoops(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	if _, err := run(t, killers[0]); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Fatal(err)
	}
	if d := time.Since(begun); d > time.Minute {
		t.Fatal(d)
	}
}

// TestDearFunctionsInLoopsEnd: what costs more than a tick pays more than one.
func TestDearFunctionsInLoopsEnd(t *testing.T) {
	t.Parallel()
	text, list := strings.Repeat("aé b", 2500), make([]string, 100)
	for i := range list {
		list[i] = "item"
	}
	for _, inner := range []string{
		`mentions(message.text, "zzz")`, `fuzzy(message.text, message.text) < 0`, `message.text matches "(a|b)*zz"`, `luhn(message.text)`,
		`len(upper(message.text)) == 0`, `len(map(slots.l, message.text + #)) == 0`, `any(slots.l, # == message.text)`, `canned.sorry == ""`,
	} {
		src := `any(slots.l, any(slots.l, any(slots.l, ` + inner + `)))`
		e, err := CompileExpr(src, "here")
		if err != nil {
			t.Fatal(src, err)
		}
		tn := &turn{set: newSet(t, shopFlows()), lang: "en", now: friday, ev: &Event{}}
		tn.joined.raw, tn.current = text, &tn.joined
		tn.st.Slots = map[string]SlotValue{"l": {Value: list}}
		tn.eval = evaluator{t: tn, env: map[string]any{}}
		tn.eval.env[hidden] = &tn.eval
		begun := time.Now()
		if _, err := tn.eval.eval(e); err == nil {
			t.Errorf("%s ends without running out", inner)
		}
		if d := time.Since(begun); d > time.Minute { // a net for a hang; the figure is in the log
			t.Errorf("%s takes %v", inner, d)
		} else {
			t.Logf("%v %s", d, inner)
		}
	}
}

func FuzzExprCompileRun(f *testing.F) {
	for _, k := range killers {
		f.Add(k)
	}
	f.Fuzz(func(t *testing.T, src string) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = run(t, src)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 64<<20 {
			t.Fatalf("%d MiB for %.80q", got>>20, src)
		}
	})
}

func FuzzTemplateRender(f *testing.F) {
	f.Add("{{ 1 / 0 }}")
	f.Add("plain")
	f.Add("{{ slots.s }} }} {{")
	set := linkedSet(f, []*Flow{flow("a", states{"start": {Collect: &Collect{Slot: "s", Ask: tx("?")}, Exit: to("a.end")}, "end": {Say: says("You said: {{ slots.s }}"), Exit: closes("done")}})}, slot(&Slot{Name: "s"}))
	f.Fuzz(func(t *testing.T, typed string) {
		st := Step(Sets{Live: set}, NewState(set), Event{Kind: EvStart, World: World{Now: friday}}).State
		r := Step(Sets{Live: set}, st, Event{Kind: EvMessage, Text: typed, World: World{Now: friday}})
		v, ok := r.State.Slots["s"].Value.(string)
		if !ok {
			return
		}
		for _, e := range r.Effects {
			if s, isSay := e.(Say); isSay && s.Text != strings.TrimRight("You said: "+v, " \t\r\n") {
				t.Fatalf("%q said as %q", v, s.Text)
			}
		}
	})
}

func FuzzNormalise(f *testing.F) {
	for _, s := range []string{"Où est-ce?", "2️⃣", "👩‍💻 ok", "DON'T", "Straße", "ｆｕｌｌ", "ℋ²", "हिन्दी", "\xff\xfe", "é", "ﷺ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 2000 {
			return
		}
		once := Normalise(s)
		if twice := Normalise(once); twice != once {
			t.Fatalf("%q → %q → %q", s, once, twice)
		}
		if once != strings.TrimSpace(once) || strings.Contains(once, "  ") {
			t.Fatalf("%q keeps spaces: %q", s, once)
		}
		if once != "" && !PhraseIn(once, firstWord(once)) {
			t.Fatalf("%q does not hold its first word", once)
		}
	})
}
