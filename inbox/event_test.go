package inbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/storage"
)

func TestForgedTapIsItsLabel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.accept(text("ada", "hello"))
	q := r.want(greeting, "What is it about?")
	forged := q.Options[0]
	forged.Payload = forged.Payload[:len(forged.Payload)-1] + "!"
	r.accept(tapOn("ada", forged))
	r.want("What is your order number?") // the words of the label, not the button
	rows, _ := r.rows("ada")
	body, err := r.view("ada").Reader().Body(r.view("ada").Snap.Conv.UID, rows[len(rows)-2])
	if err != nil || body.Tap == nil || !body.Tap.Forged {
		t.Fatalf("%+v, %v", body.Tap, err)
	}
	r.accept(text("bo", "hello"))
	r.want(greeting, "What is it about?")
	r.accept(tapOn("bo", q.Options[0])) // a button of somebody else
	r.want("What is your order number?")
	rows, _ = r.rows("bo")
	v := r.view("bo")
	body, err = v.Reader().Body(v.Snap.Conv.UID, rows[len(rows)-2])
	if err != nil || body.Tap == nil || !body.Tap.Forged {
		t.Fatalf("foreign button: %+v, %v", body.Tap, err)
	}
}

func TestTapOnAButtonOfAClosedConversation(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.accept(text("ada", "hello"))
	q := r.want(greeting, "What is it about?")
	r.accept(tapOn("ada", q.Options[1]))
	r.want("Goodbye.")
	first := r.view("ada").Snap.Conv
	if first.Status != storage.Resolved {
		t.Fatalf("status %d", first.Status)
	}
	got := r.accept(tapOn("ada", q.Options[0]))
	second := r.view("ada")
	if second.Snap.Conv.ID == first.ID || second.Snap.Conv.Continues != first.ID || got[0].Seq != first.LastSeq+1 {
		t.Fatalf("conversation %d continues %d, seq %d", second.Snap.Conv.ID, second.Snap.Conv.Continues, got[0].Seq)
	}
	rows, _ := r.rows("ada")
	body, err := second.Reader().Body(second.Snap.Conv.UID, rows[0])
	if err != nil || body.Tap == nil || !body.Tap.Old || body.Tap.Option != "order" {
		t.Fatalf("%+v, %v", body.Tap, err)
	}
}

func echo(thread, words string, e dm.EchoData) dm.Inbound {
	in := text(thread, words)
	in.Kind, in.Sender, in.Echo = dm.KindEcho, dm.Party{ID: "shop"}, &e
	return in
}

func TestReplyFromThePlatformsOwnAppSilencesTheBot(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.accept(text("ada", "hello"))
	r.want(greeting, "What is it about?")
	r.accept(echo("ada", "Hello, Bo here", dm.EchoData{App: "other", Author: "human"}))
	v := r.view("ada")
	if v.Snap.Conv.Owner != storage.OwnerAgent || v.Snap.Conv.OwnerID != OwnerOutside || v.Snap.Handoff.Cause != dm.CauseNativeReply {
		t.Fatalf("owner %d %q", v.Snap.Conv.Owner, v.Snap.Conv.OwnerID)
	}
	r.accept(text("ada", "My order"))
	<-time.After(30 * time.Millisecond)
	if n := len(r.plat.all()); n != 2 {
		t.Fatalf("the bot said %q", r.plat.texts("ada"))
	}
	rows, words := r.rows("ada")
	for i, m := range rows {
		if words[i] == "Hello, Bo here" && m.Author != storage.AuthorAgentNative {
			t.Fatalf("author %d", m.Author)
		}
	}
}

func TestOwnEchoChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.accept(text("ada", "hello"))
	s := r.want(greeting, "What is it about?")
	r.until("settled", func() bool { return r.delivery("ada", s.Text) == storage.DeliverySent })
	for _, e := range []dm.EchoData{{App: "us", Key: s.Key}, {App: "unknown", Author: "unknown"}} {
		r.accept(echo("ada", s.Text, e))
		if v := r.view("ada"); v.Snap.Conv.Owner != storage.OwnerBot {
			t.Fatalf("%+v took the conversation", e)
		}
	}
	r.accept(echo("ada", "something a robot says", dm.EchoData{App: "other", Author: "bot"}))
	if v := r.view("ada"); v.Snap.Conv.Owner != storage.OwnerBot {
		t.Fatal("a robot took the conversation")
	}
}

// An echo that names no app is ours when it shows what the channel was sent:
// here one part of a message that was split.
func TestOwnEchoAsTheChannelWasSentIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig, _ *Config) { r.adapter.caps.Text = dm.Limit{N: 10, Unit: "runes"} })
	r.accept(text("ada", "hello"))
	r.until("sent", func() bool { return slices.Contains(r.plat.texts("ada"), " about?") })
	r.until("settled", func() bool { return r.delivery("ada", "What is it about?") == storage.DeliverySent })
	r.accept(echo("ada", "What is it", dm.EchoData{App: "unknown", Author: "unknown"}))
	if v := r.view("ada"); v.Snap.Conv.Owner != storage.OwnerBot {
		t.Fatal("our own words took the conversation from the bot")
	}
	r.accept(echo("ada", "What is", dm.EchoData{App: "unknown", Author: "unknown"}))
	if v := r.view("ada"); v.Snap.Conv.OwnerID != OwnerOutside {
		t.Fatal("other words are a person's")
	}
}

func TestEditsAndRemovals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := text("ada", "helo")
	r.accept(m)
	r.want(greeting, "What is it about?")
	edit := text("ada", "hello")
	edit.Kind, edit.Target, edit.MessageID = dm.KindEdited, m.MessageID, ""
	r.accept(edit)
	rows, words := r.rows("ada")
	v := r.view("ada")
	body, err := v.Reader().Body(v.Snap.Conv.UID, rows[0])
	if err != nil || words[0] != "hello" || !rows[0].Edited || len(body.History) != 1 || body.History[0] != "helo" {
		t.Fatalf("%q %+v %v", words, body, err)
	}
	gone := text("ada", "")
	gone.Kind, gone.Target, gone.MessageID = dm.KindRemoved, m.MessageID, ""
	r.accept(gone)
	if rows, _ := r.rows("ada"); !rows[0].Removed {
		t.Fatal("not removed")
	}
}

// An edit that comes before its message waits for it; one whose message never
// comes is a message of its own.
func TestEditBeforeItsMessage(t *testing.T) {
	t.Parallel()
	c := newClock(noon)
	r := newRig(t, withClock(c))
	m := text("ada", "helo")
	edit := text("ada", "hello")
	edit.Kind, edit.Target, edit.MessageID = dm.KindEdited, m.MessageID, ""
	if got := r.accept(edit); got[0].Status != "parked" {
		t.Fatalf("%+v", got)
	}
	r.accept(m)
	r.until("applied to its message", func() bool {
		r.tick(c, 5*time.Second)
		_, words := r.rows("ada")
		return words[0] == "hello"
	})
	lost := text("bo", "never seen")
	lost.Kind, lost.Target, lost.MessageID = dm.KindEdited, "nowhere", ""
	r.accept(lost)
	acct, _ := r.Account("fake")
	r.until("a message of its own", func() bool {
		r.tick(c, 30*time.Second)
		v, err := r.View(t.Context(), r.AddressKey(acct, "bo"))
		return err == nil && v.Snap.Conv.LastSeq > 0
	})
}

func TestDeliveryStatesNeverGoDown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.accept(text("ada", "hello"))
	s := r.want(greeting, "What is it about?")
	r.until("settled", func() bool { return r.delivery("ada", s.Text) == storage.DeliverySent })
	say := func(state string) {
		in := dm.Inbound{Kind: dm.KindDelivery, ExternalID: s.Key + state, Target: s.Key + ".0", Status: &dm.Status{State: state, Key: s.Key}}
		r.accept(in)
	}
	say("read")
	say("delivered")
	say("sent")
	if d := r.delivery("ada", s.Text); d != storage.DeliveryRead {
		t.Fatalf("delivery %d", d)
	}
	if d := r.delivery("ada", greeting); d != storage.DeliveryRead {
		t.Fatalf("the one before: %d", d)
	}
}

func TestLateFailureOfABotMessageGetsAPerson(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.accept(text("ada", "hello"))
	s := r.want(greeting, "What is it about?")
	r.until("settled", func() bool { return r.delivery("ada", s.Text) == storage.DeliverySent })
	r.accept(dm.Inbound{Kind: dm.KindDelivery, ExternalID: "f", Target: s.Key + ".0", Status: &dm.Status{State: "failed", Key: s.Key, Reason: dm.ReasonPolicy}})
	if v := r.view("ada"); v.Snap.Handoff == nil || v.Snap.Handoff.Cause != dm.CauseDeliveryFailed || r.delivery("ada", s.Text) != storage.DeliveryFailed {
		t.Fatalf("handoff %+v, delivery %d", v.Snap.Handoff, r.delivery("ada", s.Text))
	}
}

func TestUnreadableMessageGoesToAPerson(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := text("ada", "")
	m.Kind = dm.KindEncrypted
	r.accept(m)
	if v := r.view("ada"); v.Snap.Handoff == nil || v.Snap.Handoff.Cause != dm.CauseUnreadable {
		t.Fatalf("%+v", v.Snap.Handoff)
	}
	r.want("Thanks for your message. Our team will reply here.") // no handoff is silent
}

// A private message for which no start rule is left is handed over in the
// words of any handoff, as it is in a test of flows.
func TestAPrivateMessageWithoutARule(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, `flow: welcome
on: public
states:
  start: {say: Write to us., return: }
`)
	r.accept(text("ada", "hello"))
	r.want("Thanks. Someone from our team will reply here.")
	if v := r.view("ada"); v.Snap.Handoff == nil || v.Snap.Handoff.Cause != dm.CauseNoFlow || v.Snap.Conv.Owner != storage.OwnerQueue {
		t.Fatalf("%+v", v.Snap.Handoff)
	}
}

func TestRobotsAreStoredAndNotAnswered(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := text("robot", "beep")
	m.Sender.Bot = true
	r.accept(m, text("ada", "hello"))
	r.want(greeting, "What is it about?")
	if got := r.plat.texts("robot"); len(got) != 0 {
		t.Fatalf("answered a robot: %q", got)
	}
	if _, words := r.rows("robot"); words[0] != "beep" {
		t.Fatalf("stored %q", words)
	}
}

func TestBurstIsOneEvent(t *testing.T) {
	t.Parallel()
	c := newClock(noon)
	r := newRig(t, withClock(c), withCaps(func(_ *channels.Caps, common *channels.Common) { common.Burst = 2 * time.Second }))
	r.accept(text("ada", "hello")) // the message that opens never waits
	r.want(greeting, "What is it about?")
	r.accept(text("ada", "well"))
	r.tick(c, time.Second)
	r.accept(text("ada", "it is about"))
	r.tick(c, time.Second)
	r.accept(text("ada", "my order"))
	<-time.After(20 * time.Millisecond)
	if n := len(r.plat.all()); n != 2 {
		t.Fatalf("answered inside the burst: %q", r.plat.texts("ada"))
	}
	if v := r.view("ada"); v.Snap.Conv.HandledSeq >= v.Snap.Conv.LastSeq || !strings.Contains(timerNames(v), timerBurst) {
		t.Fatalf("handled %d of %d, timers %s", v.Snap.Conv.HandledSeq, v.Snap.Conv.LastSeq, timerNames(v))
	}
	r.tick(c, 2100*time.Millisecond)
	r.want("What is your order number?")
	if n := len(r.plat.all()); n != 3 {
		t.Fatalf("three parts gave %q", r.plat.texts("ada"))
	}
}

func TestTapEndsABurst(t *testing.T) {
	t.Parallel()
	c := newClock(noon)
	r := newRig(t, withClock(c), withCaps(func(_ *channels.Caps, common *channels.Common) { common.Burst = 2 * time.Second }))
	r.accept(text("ada", "hello"))
	q := r.want(greeting, "What is it about?")
	r.accept(text("ada", "my"))
	r.accept(tapOn("ada", q.Options[0]))
	r.until("asked at once", func() bool {
		got := r.plat.texts("ada")
		return got[len(got)-1] == "What is your order number?"
	})
	if v := r.view("ada"); strings.Contains(timerNames(v), timerBurst) {
		t.Fatalf("timers %s", timerNames(v))
	}
}

func TestFloodIsMergedThenHandedOff(t *testing.T) {
	t.Parallel()
	c := newClock(noon)
	r := newRig(t, withClock(c))
	for i := range 35 {
		r.accept(text("ada", fmt.Sprint("x", i)))
	}
	v := r.view("ada")
	if v.Snap.Conv.Owner == storage.OwnerBot && !strings.Contains(timerNames(v), timerBurst) {
		t.Fatalf("not merged: timers %s", timerNames(v))
	}
	n := 0
	rows, _ := r.rows("ada")
	for _, m := range rows {
		if m.Author == storage.AuthorCustomer {
			n++
		}
	}
	if n != 35 {
		t.Fatalf("%d of 35 stored", n)
	}
	f := newFloods()
	level := calm
	for i := range floodPerHour + 1 {
		level = f.count(laneKey{channel: 1}, noon.Add(time.Duration(i)*10*time.Second))
	}
	if level != flooding {
		t.Fatalf("301 in an hour is %d", level)
	}
}

// Nothing a customer writes, is called or is known by reaches the log.
func TestNothingPersonalInLogs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var n atomic.Int32
	r.plat.answer = func(int, fakeSend) (int, http.Header) {
		if n.Add(1)%3 == 0 {
			return 400, nil
		}
		return 200, nil
	}
	m := text("canary-thread", "canary-text")
	m.Sender = dm.Party{ID: "canary-thread", Name: "canary-name", Handle: "canary-handle"}
	m.ExternalID, m.MessageID = "canary-id", "canary-message"
	r.accept(m)
	r.accept(m)
	r.accept(text("canary-thread", "canary-more"))
	bad := text("canary-thread", "canary-edit")
	bad.Kind, bad.Target = dm.KindEdited, "canary-target"
	r.accept(bad)
	r.until("something failed", func() bool { return n.Load() >= 3 })
	r.close()
	if log := r.logs.String(); strings.Contains(log, "canary") || log == "" {
		t.Fatalf("log:\n%s", log)
	}
}
