package rehearse

import (
	"strings"
	"testing"
	"time"

	"dispatcher/engine"
)

func text(s string) *engine.Text {
	return &engine.Text{Lang: map[string]*engine.Template{"en": {Source: s, Parts: []engine.Part{{Lit: s}}}}}
}

func to(flow, state string) *engine.Exit {
	return &engine.Exit{Kind: engine.ExitGoto, Flow: flow, State: state}
}

// hello is the minimal flow of language.md 10.
func hello(t testing.TB) *engine.Set {
	t.Helper()
	state := func(name string, s *engine.StateDef) *engine.StateDef {
		s.Flow, s.Name, s.Match.Fuzzy = "hello", name, -1
		return s
	}
	f := &engine.Flow{Name: "hello", FirstUse: true, StateOrder: []string{"start", "track", "person"}, States: map[string]*engine.StateDef{
		"start": state("start", &engine.StateDef{Say: []engine.SayItem{{Text: text("Hi! How can we help?")}}, Options: []*engine.Option{
			{ID: "track_my_order", Label: text("Track my order"), Exit: to("hello", "track")},
			{ID: "something_else", Label: text("Something else"), Exit: to("hello", "person")},
		}}),
		"track":  state("track", &engine.StateDef{Collect: &engine.Collect{Slot: "order_number", Ask: text("What's your order number?")}, Exit: to("hello", "person")}),
		"person": state("person", &engine.StateDef{Exit: &engine.Exit{Kind: engine.ExitHandoff, Hand: &engine.Hand{Queue: []engine.Pick{{Use: "general"}}}}}),
	}}
	set := &engine.Set{
		ID: "hello", Languages: []string{"en"}, Timezone: time.UTC, Queues: map[string]*engine.Queue{"general": {Alias: "general", Name: "General"}}, QueueOrder: []string{"general"}, DefaultQueue: "general",
		Channels: map[string]*engine.Channel{"web": {Alias: "web", Kind: "web"}}, ChannelOrder: []string{"web"},
		Slots: map[string]*engine.Slot{"order_number": {Name: "order_number"}}, SlotOrder: []string{"order_number"},
		Flows: map[string]*engine.Flow{"hello": f}, FlowOrder: []string{"hello"}, Start: []engine.StartRule{{Flow: "hello"}},
		Defaults: engine.Defaults{MaxTries: 3, Fuzzy: 0.82, OldTaps: "jump"}, IdleClose: 24 * time.Hour,
	}
	if err := set.Link(); err != nil {
		t.Fatal(err)
	}
	return set
}

func script(t *testing.T, input string) string {
	t.Helper()
	var out strings.Builder
	if err := Script(strings.NewReader(input), &out, New(hello(t), Options{})); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestScriptOfTheManual(t *testing.T) {
	t.Parallel()
	want := `bot: Hi! How can we help?
  [1] Track my order
  [2] Something else
bot: What's your order number?
bot: Thanks. Someone from our team will reply here.
-- handoff general (person)
`
	if got := script(t, "hello\n1\nAB123456\n"); got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

func TestScriptCommands(t *testing.T) {
	t.Parallel()
	got := script(t, strings.Join([]string{
		"hello", "/tap 1", "/state", "/back", "/state", "/tap track_my_order", "/set order_number=AB1", "/slots", "/why", "/goto hello.person", "/agent claim", "are you there", "/agent resolve",
		"hello again", "/wait 1d", "/nonsense", "/tap nothing", "/quit", "never",
	}, "\n"))
	for _, want := range []string{
		"-- hello.track (bot)\n-- hello.start (bot)\n", "-- order_number = AB1 (set)\n", "-- stage tap\n", "-- handoff general (person)\n", "-- resolved agent\nbot: Hi! How can we help?\n", "-- resolved idle\n",
		"-- there is no /nonsense", "no such button on screen",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "never") {
		t.Error("/quit goes on")
	}
}

func TestStartAndTimers(t *testing.T) {
	t.Parallel()
	talk := New(hello(t), Options{Start: "hello"})
	lines, err := talk.Tap("Something else")
	if err != nil || len(lines) != 2 || lines[1].Kind != LineHandoff || lines[1].Handoff.Reason != "person" {
		t.Fatalf("%+v %v", lines, err)
	}
	if _, err := talk.Agent("claim"); err != nil {
		t.Fatal(err)
	}
	if lines, err = talk.Agent("return"); err != nil || len(lines) != 0 {
		t.Fatalf("%+v %v", lines, err)
	}
	if lines, err = talk.Wait(25 * time.Hour); err != nil || len(lines) != 1 || lines[0].Reason != "idle" {
		t.Fatalf("%+v %v", lines, err)
	}
	if got := talk.Now(); !got.Equal(firstMoment.Add(25 * time.Hour)) {
		t.Fatal(got)
	}
	if !talk.Back(1) == talk.Back(1) && talk.State().Owner == "none" {
		t.Fatal("back does not go back")
	}
}

func TestMediaAndBursts(t *testing.T) {
	t.Parallel()
	talk := New(hello(t), Options{Queues: map[string]QueueFigures{"general": {Length: 2}}})
	if _, err := talk.Say("hi", "something else"); err != nil {
		t.Fatal(err)
	}
	if got := talk.State().Owner; got != "queue" {
		t.Fatal(got)
	}
	talk = New(hello(t), Options{})
	_, _ = talk.Say("hi")
	lines, err := talk.Media("image", "")
	if err != nil || len(lines) != 1 || len(lines[0].Options) != 2 {
		t.Fatalf("%+v %v", lines, err)
	}
}
