package inbox

import (
	"context"
	"dispatcher/dm"
	"dispatcher/storage"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// replaysAsBefore runs whatever a test of this package has stored through the
// set that is live: every kind of conversation there is passes here, and none
// may differ from itself.
func (r *rig) replaysAsBefore() {
	r.t.Helper()
	live := r.Live()
	if live == nil || r.wrap != nil {
		return
	}
	out, err := r.Replay(context.Background(), live, ReplayQuery{})
	if err != nil {
		r.t.Errorf("replay: %v", err)
		return
	}
	history, err := r.History(context.Background())
	if err != nil || slices.ContainsFunc(history, func(l LiveSet) bool { return l.Set != live.SetID }) {
		return // edited meanwhile: what ran is another project
	}
	if n := out.Part[LostMoment] + out.Part[LostSources] + out.Skip[SkipBroken]; n > 0 && !strings.Contains(r.logs.String(), "taken from its flow") {
		r.t.Errorf("%d of %d conversations come out another way now, with the same project", n, out.Done)
	}
	for _, d := range out.Differences {
		r.t.Errorf("an unchanged project differs: %+v", d)
	}
}

// replay runs everything that is stored through other flows.
func (r *rig) replay(flow string) *Replay {
	r.t.Helper()
	out, err := r.Replay(r.t.Context(), loadProject(r.t, r.project, flow), ReplayQuery{})
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// TestReplay_EachKindOfDifference plants one edit after the other into the
// flow of a talk that is stored.
func TestReplay_EachKindOfDifference(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.accept(text("ann", "hello"))
	first := r.want("Hello, this is the assistant.", "What is it about?")
	r.accept(tapOn("ann", first.Options[0]))
	r.want("What is your order number?")
	r.accept(text("ann", "AB-123456"))
	r.want("I have passed this on.")

	if out := r.replay(shopFlow); out.Same != 1 || out.Differ != 0 || len(out.Part)+len(out.Skip) != 0 || out.Turns != 3 {
		t.Fatalf("unchanged: %+v", out)
	}
	for _, c := range []struct{ old, now, kind, place, then, is string }{
		{"goto: number}", "goto: done}", DiffOutcome, "flows/welcome.yaml:7", "asks welcome.number “What is your order number?”", "ends: done"},
		{"label: My order, goto: number}", "label: My order, goto: hand}", DiffOutcome, "flows/welcome.yaml:7", "asks welcome.number", "to people: queue orders"},
		{"queue: orders", "queue: general", DiffQueue, "flows/welcome.yaml:16", "orders", "general"},
		{"    goto: hand", "    tag: [numbered]\n    goto: hand", DiffTags, "flows/welcome.yaml:7", "none", "numbered"},
		{"What is your order number?", "Which order?", DiffWording, "flows/welcome.yaml:9", "welcome.number “What is your order number?”", "welcome.number “Which order?”"},
		{"label: Nothing", "label: Never mind", DiffWording, "flows/welcome.yaml:3", "[My order | Nothing]", "[My order | Never mind]"},
		{"Hello, this is the assistant.", "Good day.", "", "", "", ""},
		{"I have passed this on.", "Somebody will look at it.", "", "", "", ""},
	} {
		edited := strings.Replace(shopFlow, c.old, c.now, 1)
		if edited == shopFlow {
			t.Fatalf("the flow has no %q", c.old)
		}
		out := r.replay(edited)
		if c.kind == "" {
			if out.Differ != 0 {
				t.Errorf("%s: %+v", c.now, out.Differences)
			}
			continue
		}
		if len(out.Differences) != 1 {
			t.Errorf("%s: %+v", c.now, out.Differences)
			continue
		}
		if d := out.Differences[0]; d.Kind != c.kind || d.Place != c.place || !strings.Contains(d.Then, c.then) || !strings.Contains(d.Now, c.is) {
			t.Errorf("%s: %+v", c.now, d)
		}
	}
}

// differs runs what is stored through the flow with one thing changed.
func (r *rig) differs(flow, old, now string) *Replay {
	r.t.Helper()
	edited := strings.Replace(flow, old, now, 1)
	if edited == flow {
		r.t.Fatalf("the flow has no %q", old)
	}
	return r.replay(edited)
}

func (r *rig) wantKind(out *Replay, kind, place string) {
	r.t.Helper()
	if kind == "" {
		if out.Differ != 0 || out.Same != 1 {
			r.t.Errorf("%+v", out)
		}
		return
	}
	if len(out.Differences) != 1 || out.Differences[0].Kind != kind || out.Differences[0].Place != place {
		r.t.Errorf("want %s by %s: %+v", kind, place, out.Differences)
	}
}

// TestReplay_ALookUpThatNeverRan: the stored answer goes to the same request;
// another request, or a new one, has none.
func TestReplay_ALookUpThatNeverRan(t *testing.T) {
	t.Parallel()
	api := newShopAPI(t, func(int, asked) (int, string) { return 200, `{"status": "on its way"}` })
	dir, v := newFolder(t)
	r := startRig(t, dir, v, orderFlow, api.project(""), withSecret("x"))
	r.accept(text("ann", "hi"))
	r.want("Which order?")
	r.accept(text("ann", "12345"))
	r.want("Found. It is on its way.")
	r.wantKind(r.replay(orderFlow), "", "")
	r.wantKind(r.differs(orderFlow, "goto: found\n", "branch: [{if: order.status == \"on its way\", goto: found}, {else: unknown}]\n"), DiffEdge, "flows/welcome.yaml:17")
	r.wantKind(r.differs(orderFlow, "    goto: found\n", "    goto: unknown\n"), DiffEdge, "flows/welcome.yaml:17")
	r.wantKind(r.differs(orderFlow, "/orders/{{", "/v2/orders/{{"), DiffUnknown, "flows/welcome.yaml:7")
	r.wantKind(r.differs(orderFlow, "query: {lang: en}", "query: {lang: de}"), DiffUnknown, "flows/welcome.yaml:7")
	if n := len(api.all()); n != 1 {
		t.Errorf("the service was asked %d times", n)
	}
}

// TestReplay_SilenceAtItsOwnTime: a step of the ladder that only comes later is
// the same; one that comes before an answer, or leads elsewhere, is not.
func TestReplay_SilenceAtItsOwnTime(t *testing.T) {
	t.Parallel()
	c := newClock(noon)
	dir, v := newFolder(t)
	flow := strings.Replace(shopFlow, "    options:\n      - {id: order", "    no_reply:\n      - {after: 10m, goto: number}\n    options:\n      - {id: order", 1)
	r := startRig(t, dir, v, flow, withClock(c))
	r.accept(text("ada", "hello"))
	r.want(greeting, "What is it about?")
	r.later(c, "ada", 0)
	r.tick(c, 10*time.Minute+time.Second)
	r.want("What is your order number?")
	r.later(c, "ada", 5*time.Minute)
	r.accept(text("ada", "AB-123456"))
	r.want("I have passed this on.")
	r.wantKind(r.replay(flow), "", "")
	r.wantKind(r.differs(flow, "after: 10m", "after: 12m"), "", "")
	r.wantKind(r.differs(flow, "after: 10m", "after: 8m"), "", "")
	r.wantKind(r.differs(flow, "after: 10m", "after: 20m"), DiffQuestion, "flows/welcome.yaml:3")
	r.wantKind(r.differs(flow, "after: 10m, goto: number", "after: 10m, goto: done"), DiffOutcome, "flows/welcome.yaml:7")
	r.wantKind(r.differs(flow, "      ask: What is your order number?\n", "      ask: What is your order number?\n    no_reply: [{after: 2m, goto: hand}]\n"), DiffOutcome, "flows/welcome.yaml:15")
}

// TestReplay_RenamedAndGone: a state under renamed is the same state; a start
// flow that is gone differs from the first turn on.
func TestReplay_RenamedAndGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.accept(text("ann", "hello"))
	first := r.want(greeting, "What is it about?")
	r.accept(tapOn("ann", first.Options[0]))
	r.want("What is your order number?")
	renamed := strings.ReplaceAll(strings.Replace(shopFlow, "states:\n", "renamed: {number: order_no}\nstates:\n", 1), "goto: number", "goto: order_no")
	r.wantKind(r.replay(strings.Replace(renamed, "  number:\n", "  order_no:\n", 1)), "", "")
	r.wantKind(r.replay(strings.Replace(strings.ReplaceAll(shopFlow, "goto: number", "goto: order_no"), "  number:\n", "  order_no:\n", 1)), DiffQuestion, "flows/welcome.yaml:7")

	project := strings.Replace(shopProject, "start: welcome", "start: hello", 1)
	out, err := r.Replay(t.Context(), loadProject(t, project, strings.Replace(shopFlow, "flow: welcome", "flow: hello", 1)), ReplayQuery{})
	if err != nil {
		t.Fatal(err)
	}
	r.wantKind(out, DiffQuestion, "flows/hello.yaml:3")
	if out.Differences[0].Turn != 1 {
		t.Errorf("%+v", out.Differences[0])
	}
}

// TestReplay_TellsNothingPersonal seeds every place that holds something
// personal and makes everything differ.
func TestReplay_TellsNothingPersonal(t *testing.T) {
	t.Parallel()
	flow := `flow: welcome
slots:
  email: {type: text, pii: true}
states:
  start:
    ask: "Hello {{ contact.name }}, what is your address?"
    collect: {slot: email}
    goto: number
  number:
    tag: "from-{{ slots.email }}"
    ask: "Is {{ slots.email }} right?"
    options: [{id: a, label: "It is {{ slots.email }}", goto: hand}, {id: b, label: No, goto: hand}]
  hand:
    handoff: orders
`
	flow = strings.Replace(flow, "    ask: \"Hello {{ contact.name }}, what is your address?\"\n    collect: {slot: email}\n", "    collect: {slot: email, ask: \"Hello {{ contact.name }}, what is your address?\"}\n", 1)
	dir, v := newFolder(t)
	r := startRig(t, dir, v, flow)
	r.accept(text("ann", "hello secret-word"))
	r.next()
	r.accept(text("ann", "grace.hopper@navy.example"))
	r.next()
	r.accept(text("ann", "No"))
	for _, edit := range [][2]string{
		{"what is your address?", "which address?"}, {"tag: \"from-", "tag: \"by-"}, {"Is {{", "So {{"}, {"It is {{", "Yes, {{"},
		{"handoff: orders", "handoff: general"}, {"goto: number\n", "goto: hand\n"}, {"    tag: \"from-{{ slots.email }}\"\n", ""},
	} {
		out := r.differs(flow, edit[0], edit[1])
		if out.Differ != 1 {
			t.Errorf("%s: %+v", edit[1], out)
		}
		told := mustJSON(t, out)
		for _, word := range []string{"grace", "hopper", "navy", "Ada", "secret-word", "ann"} {
			if strings.Contains(told, word) {
				t.Errorf("%s: %q is told: %s", edit[1], word, told)
			}
		}
	}
}

// TestReplay_WhatIsLeftOut: erased people, words past retention and
// conversations that no flow has seen are counted, and nothing else stops.
func TestReplay_WhatIsLeftOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, who := range []string{"ann", "ben", "cid"} {
		r.accept(text(who, "hello"))
		first := r.want(greeting, "What is it about?")
		r.accept(tapOn(who, first.Options[1]))
		r.want("Goodbye.")
	}
	enc := text("dan", "")
	enc.Kind = dm.KindEncrypted
	r.accept(enc)
	r.next()
	if _, err := r.db.Purge(t.Context(), storage.Retention{Messages: r.now().UnixMilli() + 1}, 0); err != nil {
		t.Fatal(err)
	}
	r.accept(text("eve", "hello"))
	r.want(greeting, "What is it about?")
	out := r.replay(shopFlow)
	if out.Done != 5 || out.Same != 1 || out.Skip[SkipPurged] != 3 || out.Skip[SkipSilent] != 1 {
		t.Errorf("%+v", out)
	}
	page, err := r.Replay(t.Context(), r.Live(), ReplayQuery{Since: r.now().Add(time.Hour)})
	if err != nil || page.Done != 0 || page.Newest.IsZero() {
		t.Errorf("an empty window: %+v %v", page, err)
	}
}

// TestReplay_PagesAddUp: page by page is the same as at once, and no more than
// the limit.
func TestReplay_PagesAddUp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range 12 {
		r.accept(text(fmt.Sprintf("p%d", i), "hello"))
	}
	whole := r.differs(shopFlow, "What is it about?", "What can we do?")
	for _, limit := range []int{0, 5, 12, 100} {
		sum := NewReplay(whole.Set, time.Time{})
		edit := loadProject(t, shopProject, strings.Replace(shopFlow, "What is it about?", "What can we do?", 1))
		for {
			page, err := r.Replay(t.Context(), edit, ReplayQuery{Limit: limit, Cursor: sum.Next, Within: 1})
			if err != nil {
				t.Fatal(err)
			}
			if sum.Add(page); sum.Next == "" {
				break
			}
		}
		want := 12
		if limit > 0 {
			want = min(12, limit)
		}
		if sum.Done != want || sum.Differ != want || sum.Total != want || sum.Kinds[DiffWording] != want || len(sum.Groups()) != 1 {
			t.Errorf("limit %d: %+v", limit, sum)
		}
	}
	var back Replay
	if err := json.Unmarshal([]byte(mustJSON(t, whole)), &back); err != nil || len(back.Differences) != 12 || back.Version != 1 {
		t.Errorf("%v %+v", err, back)
	}
}

func TestReadSince(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"24h": now.AddDate(0, 0, -1), "90m": now.Add(-90 * time.Minute), "7d": now.AddDate(0, 0, -7), "2w": now.AddDate(0, 0, -14),
		"2026-11-19": time.Date(2026, 11, 19, 0, 0, 0, 0, time.UTC), "2026-11-19T10:00:00Z": time.Date(2026, 11, 19, 10, 0, 0, 0, time.UTC),
	} {
		if got, err := ReadSince(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "yesterday", "-1h", "0d", "d", "24", "1y", "99999999d", "2026-13-01"} {
		if got, err := ReadSince(text, now); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

// TestReplay_SourcesGone: a conversation whose set has no files any more is
// counted and named, and stops nobody: not the replay of the others, not the
// figures of a picture.
func TestReplay_SourcesGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.accept(text("ann", "hello"))
	asked := r.want("Hello, this is the assistant.", "What is it about?")
	r.accept(tapOn("ann", asked.Options[0]))
	r.want("What is your order number?")
	first := r.Live().SetID
	edit := loadProject(t, r.project, strings.Replace(shopFlow, "What is it about?", "What is this about?", 1))
	if err := r.SetLive(t.Context(), edit); err != nil {
		t.Fatal(err)
	}
	r.accept(text("bob", "hello"))
	r.next()
	if err := r.db.Put(t.Context(), []storage.Record{{Kind: storage.KindRevision, ID: setIDBytes(first), Delete: true}}, nil); err != nil {
		t.Fatal(err)
	}
	r.sets.held = nil
	out, err := r.Replay(t.Context(), edit, ReplayQuery{})
	if err != nil || out.Done != 2 || out.Same != 1 || out.Differ != 0 || out.Skip[SkipNoSet] != 1 {
		t.Errorf("%+v %v", out, err)
	}
	traffic, err := r.Traffic(t.Context(), r.now().Add(-time.Hour))
	if err != nil || traffic.Conversations != 2 || len(traffic.Edges) == 0 {
		t.Errorf("%+v %v", traffic, err)
	}
}
