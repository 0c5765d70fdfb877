package inbox

import (
	"slices"
	"strings"
	"testing"
	"time"

	"dispatcher/dm"
	"dispatcher/storage"
)

var midday = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestHeldOutContactsGetPeopleFromTheFirstWord(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, shopFlow, withProject(shopProject+"holdout: 100%\n"))
	r.accept(text("ann", "hi"))
	r.want("Thanks for your message. Our team will reply here.")
	got := r.view("ann")
	if !got.Snap.Conv.Holdout || got.Phase() != dm.PhaseQueue || got.Snap.Interval.SinceCause != string(EdgeOpenQueue) {
		t.Fatalf("%+v %+v", got.Snap.Conv, got.Snap.Interval)
	}
	p, err := got.Packet()
	if err != nil || p.Arm != "holdout" || p.Cause != dm.CauseHoldout || p.Queue != "general" {
		t.Fatalf("%+v %v", p, err)
	}
}

func TestAShadowFlowIsShownAndNotSaid(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, strings.Replace(shopFlow, "flow: welcome\n", "flow: welcome\nshadow: true\n", 1))
	r.accept(text("ann", "hi"))
	r.want("Thanks for your message. Our team will reply here.")
	p, err := r.view("ann").Packet()
	if err != nil || p.Arm != "shadow" || p.Shadow == nil || p.Shadow.Flow != "welcome" || !slices.Contains(p.Shadow.Said, "Hello, this is the assistant.") {
		t.Fatalf("%+v %v", p, err)
	}
	if n := len(r.plat.texts("ann")); n != 1 {
		t.Fatalf("%d messages", n)
	}
}

const resumeFlow = `flow: welcome
states:
  start:
    when: conversation.unfinished
    else: fresh
    ask: Go on?
    options: {"Go on": {goto: resume}, "No": fresh}
  fresh:
    ask: Colour?
    options: {Red: number, Blue: number}
    save: colour
  number:
    collect: {slot: size, ask: Size?}
    goto: done
  done:
    say: "{{ slots.colour }} {{ slots.size }}"
    resolve: done
`

func TestAnUnfinishedConversationCanBeGoneOnWith(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		away time.Duration
		asks string
	}{"in time": {23 * time.Hour, "Go on?"}, "too late": {26 * time.Hour, "Colour?"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := newClock(midday)
			dir, v := newFolder(t)
			r := startRig(t, dir, v, resumeFlow, withClock(now), withProject(shopProject+"idle_close: 1h\nresume_within: 24h\n"))
			r.accept(text("ann", "hi"))
			r.want("Colour?")
			r.accept(text("ann", "Red"))
			r.want("Size?")
			r.later(now, "ann", time.Hour+time.Second)
			r.alarm.ring()
			r.until("closed", func() bool { return r.view("ann").Snap.Conv.Status == storage.Resolved })
			r.later(now, "ann", c.away)
			r.accept(text("ann", "hello again"))
			r.want(c.asks)
			if name == "too late" {
				return
			}
			r.accept(text("ann", "Go on"))
			r.want("Size?")
			r.accept(text("ann", "XL"))
			r.want("red XL")
		})
	}
}

const lentFlows = shopFlow + `---
flow: ask_size
delegate: Ask for the size
states:
  start:
    collect: {slot: size, ask: What size?}
    return: done
`

// claimed brings a conversation to an agent.
func (r *rig) claimed(thread string) {
	r.t.Helper()
	r.accept(text(thread, "hi"))
	r.want("Hello, this is the assistant.", "What is it about?")
	r.accept(text(thread, "agent"))
	r.next()
	acct, _ := r.Account("fake")
	if _, err := r.Do(r.t.Context(), r.AddressKey(acct, thread), func(v *View) (*Draft, error) {
		d := v.Draft()
		return d, d.Fire(Shift{Edge: EdgeClaim, By: "bo", OwnerID: "bo"})
	}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) lend(thread string) {
	r.t.Helper()
	acct, _ := r.Account("fake")
	if _, err := r.Do(r.t.Context(), r.AddressKey(acct, thread), func(v *View) (*Draft, error) {
		d := v.Draft()
		return d, r.Lend(d, Shift{By: "bo"}, "ask_size")
	}); err != nil {
		r.t.Fatal(err)
	}
}

func TestAnAgentLendsAConversationAndGetsItBack(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, lentFlows)
	r.claimed("ann")
	r.lend("ann")
	r.want("What size?")
	got := r.view("ann")
	if got.Phase() != dm.PhaseLent || got.Snap.Interval.LentBy != "bo" || got.Snap.Interval.LentFlow != "ask_size" || got.State.Lent == nil {
		t.Fatalf("%s %+v", got.Phase(), got.Snap.Interval)
	}
	r.accept(text("ann", "XL"))
	got = r.view("ann")
	if got.Phase() != dm.PhaseAgent || got.Snap.Conv.OwnerID != "bo" || got.State.Slots["size"].Value != "XL" || got.State.Owner != dm.OwnerAgent {
		t.Fatalf("%s %+v", got.Phase(), got.State)
	}
	if line := r.lastLine("ann"); line.Edge != string(EdgeLendDone) || line.Reason != "done" {
		t.Fatalf("%+v", line)
	}
	if slices.ContainsFunc(got.Snap.Timers, func(x storage.Timer) bool { return x.Name == timerLend }) {
		t.Fatal("the deadline is still there")
	}
}

// lastLine is the newest line of the timeline.
func (r *rig) lastLine(thread string) Line {
	r.t.Helper()
	rows, _ := r.rows(thread)
	v := r.view(thread)
	for _, m := range slices.Backward(rows) {
		if b, err := v.Reader().Body(v.Snap.Conv.UID, m); err == nil && b.Line != nil {
			return *b.Line
		}
	}
	return Line{}
}

func TestALentConversationComesBackAtItsDeadlineAndWhenItIsTaken(t *testing.T) {
	t.Parallel()
	now := newClock(midday)
	dir, v := newFolder(t)
	r := startRig(t, dir, v, lentFlows, withClock(now))
	r.claimed("ann")
	r.lend("ann")
	r.want("What size?")
	r.later(now, "ann", 14*time.Minute)
	r.accept(text("ann", "why?"))
	r.next()
	r.later(now, "ann", 14*time.Minute) // of a silence of 15
	r.alarm.ring()
	r.accept(text("ann", "why?"))
	r.next()
	if r.view("ann").Phase() != dm.PhaseLent {
		t.Fatal("given back while the customer answers")
	}
	r.later(now, "ann", 15*time.Minute)
	r.alarm.ring()
	r.until("given back", func() bool { return r.view("ann").Phase() == dm.PhaseAgent })
	if line := r.lastLine("ann"); line.Reason != "no_reply" {
		t.Fatalf("%+v", line)
	}
	r.lend("ann")
	r.want("What size?")
	acct, _ := r.Account("fake")
	if _, err := r.Do(t.Context(), r.AddressKey(acct, "ann"), func(v *View) (*Draft, error) {
		d := v.Draft()
		return d, d.Fire(Shift{Edge: EdgeLendRecall, By: "bo"})
	}); err != nil {
		t.Fatal(err)
	}
	if got := r.view("ann"); got.Phase() != dm.PhaseAgent || got.State.Lent != nil || got.State.Owner != dm.OwnerAgent {
		t.Fatalf("%s %+v", got.Phase(), got.State)
	}
}

const surveyFlows = shopFlow + `---
flow: survey
slots:
  score: {type: number, min: 1, max: 5}
states:
  start:
    collect: {slot: score, ask: How was it?}
    goto: thanks
  thanks:
    csat: {score: slots.score}
    say: Thank you.
    resolve: done
`

func TestTheAnswerToTheSurveyIsInTheOutcome(t *testing.T) {
	t.Parallel()
	now := newClock(midday)
	dir, v := newFolder(t)
	r := startRig(t, dir, v, surveyFlows, withClock(now), withProject(shopProject+"after_resolve: survey\n"))
	r.claimed("ann")
	r.later(now, "ann", time.Second)
	acct, _ := r.Account("fake")
	if _, err := r.Do(t.Context(), r.AddressKey(acct, "ann"), func(v *View) (*Draft, error) {
		d := v.Draft()
		if err := d.Fire(Shift{Edge: EdgeResolve, By: "bo"}); err != nil {
			return nil, err
		}
		return d, r.StepResolved(d, ResolvedEvent())
	}); err != nil {
		t.Fatal(err)
	}
	now.add(UndoWithin + time.Second) // the survey waits until then
	r.want("How was it?")
	r.accept(text("ann", "4"))
	r.want("Thank you.")
	var csat any
	err := r.db.Walk(t.Context(), storage.WalkQuery{Tables: []string{"outcomes"}}, func(row storage.Row) error {
		csat = row.Vals[slices.Index(row.Cols, "csat")]
		return nil
	})
	if err != nil || csat != int64(4) {
		t.Fatalf("csat %v, %v", csat, err)
	}
	got := r.view("ann")
	card, err := got.Reader().Card(got.Snap.Conv)
	if err != nil || card.Episode.CSAT != 4 || got.Profile.LastSurvey != now.now().UnixMilli() {
		t.Fatalf("%+v %v", card.Episode, err)
	}
}

func TestOnePublicReplyADay(t *testing.T) {
	t.Parallel()
	now := newClock(midday)
	dir, v := newFolder(t)
	flow := "flow: welcome\non: public\nstates:\n  start:\n    say: Please write to us.\n    resolve: done\n---\nflow: private\nstates:\n  start: {say: Hello., resolve: done}\n"
	project := strings.Replace(shopProject, "start: welcome\n", "start:\n  - if: entry.public\n    flow: welcome\n  - else: private\n", 1)
	r := startRig(t, dir, v, flow, withClock(now), withProject(project))
	mention := func() {
		in := text("ann", "@shop hello")
		in.Kind, in.Visibility = dm.KindMention, dm.Public
		r.accept(in)
	}
	mention()
	r.want("Please write to us.")
	r.later(now, "ann", 23*time.Hour)
	mention()
	rows, words := r.rows("ann")
	i := slices.Index(words, "Please write to us.")
	if i < 0 || rows[i].Delivery != storage.DeliveryCancelled || rows[i].Reason != ReasonMuted {
		t.Fatalf("%v %+v", words, rows)
	}
	r.later(now, "ann", time.Hour)
	mention()
	r.want("Please write to us.")
}

func TestAPinnedConversationKeepsItsSetOverEditsAndStarts(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	pinned := strings.Replace(shopFlow, "flow: welcome\n", "flow: welcome\nversions: pin\n", 1)
	edited := strings.ReplaceAll(pinned, "What is your order number?", "Which number?")
	r := startRig(t, dir, v, pinned)
	r.accept(text("ann", "hi"))
	r.want("Hello, this is the assistant.", "What is it about?")
	if err := r.SetLive(t.Context(), loadShop(t, edited)); err != nil {
		t.Fatal(err)
	}
	r.close()
	again := startRig(t, dir, v, edited, func(_ *rig, cfg *Config) { cfg.Load = compileFiles })
	again.accept(text("ann", "My order"))
	again.want("What is your order number?")
	again.accept(text("bob", "hi"))
	again.want("Hello, this is the assistant.", "What is it about?")
	again.accept(text("bob", "My order"))
	again.want("Which number?")
}

func TestVerifiedEnds(t *testing.T) {
	t.Parallel()
	p := Profile{Verified: true, VerifiedBy: "code", VerifiedUntil: midday.UnixMilli()}
	if !p.isVerified(midday.Add(-time.Second)) || p.isVerified(midday) || p.provedBy(midday) != "" {
		t.Fatal("not until its time")
	}
	d := Draft{View: &View{Now: midday}, profile: p}
	if i := d.identityNow(); i.Status != "none" || i.Method != "code" || !i.ExpiresAt.Equal(midday) {
		t.Fatalf("%+v", i)
	}
}
