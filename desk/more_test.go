package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dispatcher/dm"
	"dispatcher/dm/schedule"
	"dispatcher/inbox"
	"dispatcher/storage"
)

func TestGuard_StopsWhatWouldBePublic(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.waiting(t, "shop", "mia")
	must[Moved](t)(o.Claim(ctx, ana(), id, Command{}))
	_, err := o.inbox.Accept(ctx, "shop", []dm.Inbound{{Kind: dm.KindMention, ExternalID: "post-1", MessageID: "post-1", Thread: "mia", Visibility: dm.Public,
		Sender: dm.Party{ID: "mia"}, At: o.clock.Now(), Text: "nine days!", Entry: &dm.Entry{PostID: "post-1", Public: true}}})
	if err != nil {
		t.Fatal(err)
	}
	say := func(text string, confirm ...string) error {
		_, err := o.Reply(ctx, ana(), id, Reply{Text: text, Visibility: dm.Public, Confirm: confirm}, Command{})
		return err
	}
	if err := say("Order ab-123456 is on its way"); code(t, err) != CodeGuardBlocked {
		t.Errorf("a known value in public: %v", err)
	}
	if err := say("Order ab 123456", findingKnown, findingSlot); code(t, err) != CodeGuardBlocked {
		t.Errorf("the fixed block was confirmed away: %v", err)
	}
	err = say("Write to care@acme.example?")
	var p *Problem
	if !errors.As(err, &p) || p.Code != CodeGuardConfirm || !slices.Contains(p.Facts["findings"].([]string), findingMail) {
		t.Fatalf("an e-mail address in public: %v", err)
	}
	if err := say("Write to care@acme.example?", findingMail); err != nil {
		t.Errorf("after the second press: %v", err)
	}
	rows := must[Page[Msg]](t)(o.Messages(ctx, ana(), id, 0, 0, 0)).Items
	if last := rows[len(rows)-1]; last.Visibility != dm.Public || last.State != "pending" {
		t.Errorf("public reply %+v", last)
	}
	if d := must[Detail](t)(o.Get(ctx, ana(), id)); !slices.Contains(d.Flags, "public") {
		t.Errorf("flags %v", d.Flags)
	}
}

func TestDesk_LettersWaitForAPerson(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.waiting(t, "shop", "mia")
	must[Moved](t)(o.Claim(ctx, ana(), id, Command{}))
	msg := must[Msg](t)(o.Reply(ctx, ana(), id, Reply{Text: "hi"}, Command{}))
	if _, err := o.Retry(ctx, ana(), msg.ID); code(t, err) != CodeTooLate {
		t.Errorf("a pending message was retried: %v", err)
	}
	fail := func(do string) {
		t.Helper()
		work, _, err := o.store.Lease(ctx, storage.LeaseQuery{What: "outbox", Now: o.clock.Now().Add(time.Hour).UnixMilli(), Node: 9, For: time.Millisecond, N: 500, Pull: true})
		if err != nil {
			t.Fatal(err)
		}
		now := o.clock.Now().UnixMilli()
		for _, w := range work {
			if w.Row.Seq != msg.Seq {
				continue
			}
			for _, do := range []string{"pull", do} {
				got, err := o.store.Settle(ctx, []storage.Settlement{{Do: do, Row: w.Row.ID, Attempt: w.Row.Attempt, Now: now, Error: "blocked"}})
				if err != nil || !got[0].OK {
					t.Fatalf("%s: %+v %v", do, got, err)
				}
			}
			return
		}
		t.Fatal("no row of the message")
	}
	problem := func() bool {
		t.Helper()
		list := must[Page[Item]](t)(o.List(ctx, ana(), ListQuery{}))
		one := must[Detail](t)(o.Get(ctx, ana(), id))
		in := slices.Contains(list.Items[0].Flags, "sending_problem")
		if in != slices.Contains(one.Flags, "sending_problem") {
			t.Errorf("list says %v, one %v", list.Items[0].Flags, one.Flags)
		}
		return in
	}
	if problem() {
		t.Error("a problem before anything failed")
	}
	fail("failed")
	if !problem() {
		t.Error("a message that failed is not on the card")
	}
	if m := must[Page[Msg]](t)(o.Messages(ctx, ana(), id, msg.Seq-1, 0, 1)).Items[0]; m.State != "failed" || m.StateReason != "blocked" {
		t.Errorf("failed message %+v", m)
	}
	if _, err := o.Retry(ctx, outsider(), msg.ID); code(t, err) != CodeNotFound {
		t.Errorf("somebody of another queue retried: %v", err)
	}
	must[Msg](t)(o.Retry(ctx, ana(), msg.ID))
	if problem() {
		t.Error("a message that is tried again is still a problem")
	}
	fail("unknown")
	if _, err := o.Check(ctx, ana(), msg.ID); code(t, err) != CodeInvalid {
		t.Errorf("checked where nothing can be told: %v", err)
	}
	must[Msg](t)(o.Discard(ctx, ana(), msg.ID))
	if _, err := o.Discard(ctx, ana(), msg.ID); code(t, err) != CodeTooLate {
		t.Errorf("discarded twice: %v", err)
	}
	trail, err := o.store.Trail(ctx, storage.TrailQuery{Actor: ana().ID, Verb: "message_retry", N: 5})
	if err != nil || len(trail.Items) != 1 {
		t.Errorf("audit %+v %v", trail.Items, err)
	}
}

func TestDesk_LeadMovesWhatWaits(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.waiting(t, "web", "mia")
	if _, err := o.Transfer(ctx, ana(), id, Command{Queue: "general", Note: "n"}); code(t, err) != CodeNotOwner {
		t.Errorf("an agent moved what waits: %v", err)
	}
	if m := must[Moved](t)(o.Transfer(ctx, lea(), id, Command{Queue: "general", Note: "wrong team"})); m.Owner.ID != "general" || m.Phase != "queue" {
		t.Errorf("transfer by a lead %+v", m)
	}
	if pos, err := o.Position(ctx, lea(), id); err != nil || pos != 1 {
		t.Errorf("position %d, %v", pos, err)
	}
	if m := must[Moved](t)(o.HandBack(ctx, lea(), id, Command{ResumeAt: "welcome.start"})); m.Owner.Kind != "bot" {
		t.Errorf("hand back by a lead %+v", m)
	}
	seen := o.waiting(t, "web", "tom")
	must[Moved](t)(o.Claim(ctx, ana(), seen, Command{}))
	if err := o.Seen(ctx, ana(), seen); err != nil {
		t.Fatal(err)
	}
	if d := must[Detail](t)(o.Get(ctx, ana(), seen)); d.Unread != 0 || d.WaitingSince == nil {
		t.Errorf("after seen: unread %d, waiting %v: reading is not answering", d.Unread, d.WaitingSince)
	}
	if m := must[Moved](t)(o.Transfer(ctx, ana(), seen, Command{Agent: ben().ID})); m.Owner.ID != ben().ID || m.Phase != "agent" {
		t.Errorf("transfer to a person %+v", m)
	}
	if m := must[Moved](t)(o.Release(ctx, ben(), seen, Command{Reason: "break"})); m.Owner.ID != "orders" {
		t.Errorf("release %+v", m)
	}
	if m := must[Moved](t)(o.Resolve(ctx, lea(), seen, Command{})); m.Phase != "closed" {
		t.Errorf("resolve by a lead from the queue %+v", m)
	}
}

// What is committed reaches an open stream at once, in order, each once.
func TestWatch_Live(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	ready, got, done := make(chan struct{}), make(chan Watched, 100), make(chan error, 1)
	go func() {
		first := true
		done <- o.Watch(ctx, ana(), 0, nil, func(w Watched) error {
			if first {
				first = false
				close(ready)
			}
			got <- w
			return nil
		})
	}()
	id := o.waiting(t, "web", "mia")
	<-ready
	must[Moved](t)(o.Claim(ctx, ana(), id, Command{}))
	last := storage.Cursor(0)
	for {
		select {
		case w := <-got:
			if w.Cursor <= last {
				t.Fatalf("cursor %d after %d", w.Cursor, last)
			}
			last = w.Cursor
			if w.Ref == string(inbox.EdgeClaim) && w.Type == inbox.EventConversation {
				stop()
				if err := <-done; !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				return
			}
		case <-ctx.Done():
			t.Fatal("the claim never reached the stream")
		}
	}
}

func TestMetrics_Gauges(t *testing.T) {
	t.Parallel()
	o := open(t)
	for n := range 3 {
		o.waiting(t, "web", fmt.Sprintf("p%d", n))
	}
	o.says(t, "web", "bot", "hello")
	reg := prometheus.NewRegistry()
	reg.MustRegister(gauges{o.Service})
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			sum[f.GetName()] += m.GetGauge().GetValue()
		}
	}
	if sum["dispatcher_queue_waiting"] != 3 || sum["dispatcher_conversations_open"] != 4 || sum["dispatcher_agents"] != 6 || sum["dispatcher_agent_slots"] != 36 {
		t.Errorf("gauges %v", sum)
	}
}

const surveyFlow = `
flow: survey
states:
  start:
    ask: "How did we do?"
    options:
      - {id: good, label: Good, resolve: done}
      - {id: bad, label: Bad, resolve: done}
`

// A resolve with after-care: the survey waits until nobody can undo any more,
// and an undo takes it along.
func TestResolve_AfterCareAndUndo(t *testing.T) {
	t.Parallel()
	o := openWith(t, "after_resolve: survey\n", map[string]string{"flows/survey.yaml": surveyFlow})
	ctx := t.Context()
	id := o.waiting(t, "web", "mia")
	must[Moved](t)(o.Claim(ctx, ana(), id, Command{}))
	must[Msg](t)(o.Reply(ctx, ana(), id, Reply{Text: "hi"}, Command{}))
	before := must[Detail](t)(o.Get(ctx, ana(), id))
	if m := must[Moved](t)(o.Resolve(ctx, ana(), id, Command{LastSeenSeq: before.Seq})); m.Phase != dm.PhaseAfter || m.Owner.Kind != dm.OwnerBot {
		t.Fatalf("resolve %+v", m)
	}
	held := func() (n int) {
		uid, _ := inbox.ParseUID(id)
		snaps, err := o.store.Load(ctx, []storage.Key{{UID: uid}})
		if err != nil {
			t.Fatal(err)
		}
		for _, tm := range snaps[0].Timers {
			if at := time.UnixMilli(tm.DueAt); len(tm.Name) > 8 && tm.Name[:8] == "release:" && !at.Before(o.clock.Now().Add(inbox.UndoWithin-time.Millisecond)) {
				n++
			}
		}
		return n
	}
	if held() != 1 {
		t.Error("the survey does not wait for the undo")
	}
	if d := must[Detail](t)(o.Get(ctx, ana(), id)); !slices.Contains(d.Can, "undo") || d.Status != "open" {
		t.Errorf("in after-care: can %v, status %s", d.Can, d.Status)
	}
	if m := must[Moved](t)(o.Undo(ctx, ana(), id, Command{})); m.Owner.ID != ana().ID {
		t.Errorf("undo %+v", m)
	}
	if held() != 0 {
		t.Error("the survey survived the undo")
	}
	after := must[Detail](t)(o.Get(ctx, ana(), id))
	if after.Packet == nil || after.Packet.ID != before.Packet.ID {
		t.Error("the handoff did not come back")
	}
}

// A closed schedule and an empty room give no minutes.
func TestQuote_SaysNoMinutesItCannotKeep(t *testing.T) {
	t.Parallel()
	o := open(t)
	if q := o.Quote("orders", 0); q == nil || *q != 2 {
		t.Errorf("two people are free: %v", q)
	}
	if q := o.Quote("orders", 300); q != nil {
		t.Errorf("more than two hours were told as %d minutes", *q)
	}
	o.inbox.Live().Set.Queues["orders"].Schedule = &schedule.Schedule{Name: "never"}
	if q := o.Quote("orders", 0); q != nil {
		t.Errorf("it is closed: %v", q)
	}
	o.inbox.Live().Set.Queues["orders"].Schedule = nil
	o.people = func(context.Context) ([]Person, error) { return nil, nil }
	o.clock.add(2 * time.Second)
	if q := o.Quote("orders", 0); q != nil || o.Staffed("orders") {
		t.Errorf("nobody is there: %v", q)
	}
}
