package rehearse_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dispatcher/flows"
	"dispatcher/flows/rehearse"
)

// edited is a project whose parts are chosen one by one: each field is a choice
// among a few, some of them mistakes, some of them felt by other flows.
type edited struct {
	project [6]int
	flow    [4][12]int
}

func pick(n int, from ...string) string { return from[n%len(from)] }

func (e *edited) files() *flows.Files {
	f := &flows.Files{Name: "p", Data: map[string][]byte{}}
	p := e.project
	f.Data["dispatcher.yaml"] = []byte("dispatcher: 1\n" + pick(p[0], "", "# moved\n", "languages: [en, fr]\n") +
		"start:\n  - {if: message.text contains \"two\", flow: f2}\n  - else: " + pick(p[1], "f0", "f1", "f0", "gone") + "\n" +
		pick(p[2], "", "queues: {general: {}, other: {}}\ndefault_queue: general\n") +
		pick(p[3], "", "defaults: {no_match: [{say: Pardon?}, {handoff: general}]}\n", "defaults: {no_match: [{say: \"{{ slots.s1 ?? 'What' }}?\"}, {branch: [{if: slots.s1 == nil, goto: f1.more}, {else: f1.start}]}]}\n", "defaults: {max_tries: 9999}\n") +
		pick(p[4], "", "everywhere: {prices: {match: [price], goto: f3}}\n", "everywhere: {prices: {match: [cost], say: Soon., goto: f2.more}}\n") +
		pick(p[5], "", "canned: {hello: Good day}\n", "canned: {hello: \"Good [[day]]\"}\n"))
	for i, c := range e.flow {
		if c[0]%7 == 6 {
			continue // this file is not there
		}
		f.Data[fmt.Sprintf("flows/%sf%d.yaml", pick(c[0], "", "more/", "z"), i)] = []byte(e.text(i, c))
	}
	return f
}

func (e *edited) text(i int, c [12]int) string {
	more := pick(c[1], "more", "more", "most")
	next := fmt.Sprintf("f%d", (i+1)%4)
	return strings.Repeat("# a line\n", c[0]%3) + "flow: " + pick(c[2], fmt.Sprintf("f%d", i), fmt.Sprintf("f%d", i), fmt.Sprintf("f%d", i), "f0") + "\n" +
		fmt.Sprintf("slots:\n  s%d: {type: %s%s}\n", i, pick(c[3], "text", "text", "number", "yes_no", "text, pattern: '[A-Z]+'", "text, ask: Which?", "text, pii: true"), pick(c[4], "", "", ", default: 7", ", find: '\\b\\d{4}\\b'")) +
		"states:\n  start:\n    say: [\"" + pick(c[5], "Hello", "Welcome {{ slots.s1 }}", "Hi {{ slots.s2 ?? 'you' }}", "{{ nothing }}", strings.Repeat("word ", 90), "{{ canned.hello }}") + "\"]\n" +
		"    ask: Go on?\n    options:\n      - {id: a, label: " + pick(c[6], "Yes", "Sure", "price") + ", goto: " + more + "}\n" +
		"      - {id: b, label: No, when: \"" + pick(c[7], "true", "slots.s0 != nil", "message.words > 1", "message.words >") + "\", goto: " + pick(c[8], "ask", "ask", next+".more", "ask.me") + "}\n" +
		"  " + more + ":\n" + pick(c[9], "    say: Fine.\n    resolve: done\n", fmt.Sprintf("    call: {flow: f%d, on: {ok: ask, else: ask}}\n", (i+2)%4), "    return: ok\n", "    return: never\n", "    goto: "+more+"\n", "    handoff: other\n") +
		fmt.Sprintf("  ask:\n    collect: {slot: s%d, ask: \"What{{ slots.s%d ?? '' }}?\"}\n", pick2(c[10], i, (i+1)%4, 9), (i+3)%4) +
		"    " + pick(c[11], "handoff: general", "return: ok", "return:", "goto: start", "goto: \"f1.more\"", "oops: [") + "\n"
}

func pick2(n int, from ...int) int { return from[n%len(from)] }

// edit changes one choice and gives what it was before.
func (e *edited) edit(t *rapid.T) edited {
	was := *e
	n := rapid.IntRange(0, 6).Draw(t, "choice")
	if file := rapid.IntRange(-1, 3).Draw(t, "file"); file >= 0 {
		e.flow[file][rapid.IntRange(0, 11).Draw(t, "field")] = n
	} else {
		e.project[rapid.IntRange(0, 5).Draw(t, "field")] = n
	}
	return was
}

// talk is how a set behaves, and all of it that can be written out.
func talk(t rapid.TB, p *flows.Project) string {
	var out strings.Builder
	for _, lines := range [][]string{{"hello", "yes", "ABC", "what", "no", "price", "1234", "agent"}, {"two", "no", "what", "what", "what", "12", "start over", "sure", "x"}, {"hello", "word", "yes", "yes", "x"}} {
		talk := rehearse.New(p.Set, rehearse.Options{})
		for _, line := range lines {
			said, err := talk.Say(line)
			fmt.Fprintln(&out, err, talk.StateJSON(), talk.Why())
			if printed := rehearse.Print(&out, said); printed != nil {
				t.Fatal(printed)
			}
		}
	}
	set, err := json.Marshal([]any{p.Set.Flows, p.Set.FlowOrder, p.Set.Slots, p.Set.SlotOrder, p.Set.Everywhere, p.Set.Defaults, p.Set.Start, p.Set.Canned})
	if err != nil {
		t.Fatal(err)
	}
	return out.String() + string(set)
}

// TestReuseIsTheSame: whatever is edited in whatever order, a load that takes
// flows from the last one gives the words, the set and the talks of one that
// takes nothing; and the set that ran goes on as it did.
func TestReuseIsTheSame(t *testing.T) {
	t.Parallel()
	good := 0
	rapid.Check(t, func(t *rapid.T) {
		e, warm := &edited{}, flows.Options{Warm: new(flows.Warm)}
		var ran *flows.Project // the last good one
		var said string
		var undo edited
		for range rapid.IntRange(2, 5).Draw(t, "edits") {
			got, want := flows.Load(e.files(), warm), flows.Load(e.files(), flows.Options{})
			if got.SetID != want.SetID || got.Summary() != want.Summary() || !reflect.DeepEqual(got.Diagnostics, want.Diagnostics) || got.OK() != want.OK() {
				t.Fatalf("%s\nwant %s\n%v\nwant %v", got.Summary(), want.Summary(), got.Diagnostics, want.Diagnostics)
			}
			if got.OK() {
				good++
				now := talk(t, got)
				if cold := talk(t, want); now != cold {
					t.Fatalf("the set behaves so:\n%s\nwant:\n%s", now, cold)
				}
				ran, said = got, now
			} else if rapid.IntRange(0, 3).Draw(t, "undo") > 0 { // most mistakes are mended at once
				*e = undo
				continue
			}
			undo = e.edit(t)
		}
		if ran != nil && talk(t, ran) != said {
			t.Fatalf("a set that ran before behaves so now:\n%s\nbefore:\n%s", talk(t, ran), said)
		}
	})
	if good == 0 {
		t.Error("no project was good: nothing was compared")
	}
	t.Log(good, "good sets")
}

// TestReuseFeelsOtherFlows: flow a is as it was, and what another flow declares
// changes what is true of it.
func TestReuseFeelsOtherFlows(t *testing.T) {
	t.Parallel()
	const a = "flow: a\nstates:\n  start:\n    say: \"You said {{ slots.n ?? 'nothing' }}.\"\n    goto: fill\n  fill: {collect: {slot: n}, goto: over}\n" +
		"  over:\n    call: b\n    goto: over2\n  over2:\n    branch:\n      - {if: slots.n == nil, goto: b.more}\n      - {else: done}\n  done: {resolve: done}\n"
	const b = "flow: b\nslots: {n: {type: text, ask: Which?}}\nstates:\n  start: {goto: more}\n  more:\n    ask: Sure?\n    options:\n      - {id: yes, label: Yes, goto: back}\n  back: {return: odd}\n"
	for _, c := range []struct{ name, old, new string }{
		{"a slot becomes secret", "type: text,", "type: text, secret: true, keep: 1d,"},
		{"a slot has no question any more", ", ask: Which?", ""},
		{"a slot asks something else", "Which?", "Which one?"},
		{"a slot is a number", "type: text", "type: number"},
		{"a slot has another name", "n: {", "m: {"},
		{"a state has another name", "more", "most"},
		{"a result has another name", "return: odd", "return: even"},
		{"a result is done", "return: odd", "return:"},
		{"a flow has another name", "flow: b", "flow: c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			warm := flows.Options{Warm: new(flows.Warm)}
			files := func(b string) *flows.Files {
				return &flows.Files{Name: "p", Data: map[string][]byte{"dispatcher.yaml": []byte("dispatcher: 1\nstart: a\n"), "flows/a.yaml": []byte(a), "flows/b.yaml": []byte(b)}}
			}
			if p := flows.Load(files(b), warm); !p.OK() {
				t.Fatal(p.Diagnostics)
			}
			after := strings.ReplaceAll(b, c.old, c.new)
			got, want := flows.Load(files(after), warm), flows.Load(files(after), flows.Options{})
			if !reflect.DeepEqual(got.Diagnostics, want.Diagnostics) || got.OK() != want.OK() || got.SetID != want.SetID {
				t.Fatalf("%v\nwant %v", got.Diagnostics, want.Diagnostics)
			}
			if got.OK() && talk(t, got) != talk(t, want) {
				t.Errorf("the set behaves so:\n%s\nwant:\n%s", talk(t, got), talk(t, want))
			}
		})
	}
}

// TestReuseWritesNothing: a set that runs is only read while others are loaded
// from its flows; the race detector tells.
func TestReuseWritesNothing(t *testing.T) {
	t.Parallel()
	e, warm := &edited{}, flows.Options{Warm: new(flows.Warm)}
	e.project[3], e.project[4] = 2, 1
	live := flows.Load(e.files(), warm)
	if !live.OK() {
		t.Fatal(live.Diagnostics)
	}
	want := talk(t, live)
	ended := make(chan string)
	go func() {
		now := want
		for range 20 {
			if now == want {
				now = talk(t, live)
			}
		}
		ended <- now
	}()
	for n := range 20 {
		e.flow[n%4][6], e.flow[(n+1)%4][0] = n, n%3
		if p := flows.Load(e.files(), warm); p.OK() {
			talk(t, p)
		}
	}
	if now := <-ended; now != want {
		t.Errorf("the set that runs behaves so:\n%s\nbefore:\n%s", now, want)
	}
}
