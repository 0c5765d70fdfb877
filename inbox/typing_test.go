package inbox

import (
	"strings"
	"testing"
	"time"

	"dispatcher/channels"
	"dispatcher/storage"
)

const typingFlow = `flow: welcome
states:
  start: {say: One., typing: true, goto: two}
  two: {say: Two., ask: "Which?", options: {A: done}}
  done: {handoff: orders}
`

func withTyping(r *rig, _ *Config) {
	r.adapter.news = true
	r.adapter.caps.Typing = &channels.TypingCap{}
}

// TestTypingIsShownBeforeTheNextMessage: once, and after
// the words that come before it.
func TestTypingIsShownBeforeTheNextMessage(t *testing.T) {
	t.Parallel()
	now := newClock(midday)
	dir, v := newFolder(t)
	r := startRig(t, dir, v, typingFlow, withClock(now), withTyping)
	r.accept(text("ann", "hi"))
	r.want("One.", "typing", "Two.", "Which?")
}

// TestTypingFillsADelay: nothing else is due, and the bot still has the
// conversation.
func TestTypingFillsADelay(t *testing.T) {
	t.Parallel()
	now := newClock(midday)
	dir, v := newFolder(t)
	r := startRig(t, dir, v, `flow: welcome
states:
  start: {say: One., typing: true, goto: two}
  two: {say: [{delay: 5s}, Two.], ask: "Which?", options: {A: done}}
  done: {handoff: orders}
`, withClock(now), withTyping)
	r.accept(text("ann", "hi"))
	r.want("One.", "typing")
	now.add(5 * time.Second)
	r.want("Two.")
}

// TestTypingOfAWidgetEnds with its time, and with the next message.
func TestTypingOfAWidgetEnds(t *testing.T) {
	t.Parallel()
	var line typists
	k := laneKey{channel: 1}
	line.show(k, time.Second, midday)
	if until, ok := line.now(k, midday); !ok || !until.Equal(midday.Add(time.Second)) {
		t.Errorf("until %v, %v", until, ok)
	}
	if _, ok := line.now(k, midday.Add(time.Second)); ok {
		t.Error("it is still shown after its time")
	}
	line.show(k, time.Second, midday)
	if line.stop(k); len(line.until) != 0 {
		t.Error("it is still shown after the message")
	}
}

// TestTypingThatComesTooLateIsNotShown: neither once its time is over, nor
// after words that were waited for.
func TestTypingThatComesTooLateIsNotShown(t *testing.T) {
	t.Parallel()
	var line typings
	what := typing{until: midday.Add(time.Second)}
	for _, now := range []bool{false, true} {
		shows := func(at time.Time) bool {
			_, after := line.afterWords(7, at, 0)
			return after || len(line.due(at, 0, 9)) > 0
		}
		line.keep(7, what, now)
		if !shows(midday) || shows(midday) {
			t.Errorf("now %v: it is not shown once", now)
		}
		line.keep(7, what, now)
		if shows(what.until) {
			t.Errorf("now %v: it is shown after its time", now)
		}
		line.keep(7, what, now)
		if line.drop(7); shows(midday) {
			t.Errorf("now %v: it is shown after what it was for", now)
		}
	}
}

// TestTypingIsShownSomeAtATime: whoever finds no place is shown the next time.
func TestTypingIsShownSomeAtATime(t *testing.T) {
	t.Parallel()
	var line typings
	for conversation := range int64(5) {
		line.keep(conversation, typing{until: midday.Add(time.Second)}, true)
	}
	seen := map[int64]bool{}
	for _, want := range []int{2, 0, 2, 1, 0} {
		most := 2
		if want == 0 {
			most = 0
		}
		due := line.due(midday, 0, most)
		for conversation := range due {
			seen[conversation] = true
		}
		if len(due) != want {
			t.Fatalf("%d are shown, want %d", len(due), want)
		}
	}
	if len(seen) != 5 {
		t.Errorf("shown: %v", seen)
	}
}

// TestTypingEndsWithTheWordsItWasFor: a look-up that is answered before
// anything could be shown.
func TestTypingEndsWithTheWordsItWasFor(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, shopFlow, withTyping)
	r.accept(text("ann", "hi"))
	r.want("Hello, this is the assistant.", "What is it about?")
	view := r.view("ann")
	r.outbox.mu.Lock()
	line := &r.outbox.senders[view.Account.Number].typing
	r.outbox.mu.Unlock()
	for _, words := range []bool{false, true} {
		line.keep(view.Snap.Conv.ID, typing{until: view.Now.Add(time.Hour)}, false)
		var turn storage.Turn
		if words {
			turn.Outbox = []storage.OutboxRow{{Kind: storage.RowSend}}
		}
		r.shows(laneKey{}, turn, view.Draft(), view.Snap.Conv.ID)
		if _, waits := line.afterWords(view.Snap.Conv.ID, view.Now, 0); waits == words {
			t.Errorf("a turn with words %v: typing still waits: %v", words, waits)
		}
	}
}

// TestTypingIsShownAgain while a look-up is open, as often as the platform
// wants it, and not after the next words.
func TestTypingIsShownAgain(t *testing.T) {
	t.Parallel()
	var line typings
	const resend = 4 * time.Second
	shows := func(at time.Duration) bool { return len(line.due(midday.Add(at), resend, 9)) == 1 }
	line.keep(7, typing{until: midday.Add(10 * time.Second)}, true)
	for _, step := range []struct {
		at   time.Duration
		want bool
	}{{0, true}, {time.Second, false}, {4 * time.Second, true}, {7 * time.Second, false}, {8 * time.Second, true}, {12 * time.Second, false}} {
		if got := shows(step.at); got != step.want {
			t.Errorf("after %s: shown %v", step.at, got)
		}
	}
	line.keep(7, typing{until: midday.Add(time.Minute)}, true)
	if !shows(0) {
		t.Error("it is not shown")
	}
	if line.drop(7); shows(5 * time.Second) {
		t.Error("it is shown after the next words")
	}
	line.keep(7, typing{until: midday.Add(time.Minute)}, false)
	if _, ok := line.afterWords(7, midday, resend); !ok || shows(3*time.Second) || !shows(4*time.Second) {
		t.Error("it is not shown again after the words it follows")
	}
}

// TestTypingLastsAsLongAsTheLookUp: it is told again until the answer, which
// takes longer than the platform shows it.
func TestTypingLastsAsLongAsTheLookUp(t *testing.T) {
	t.Parallel()
	answer := make(chan struct{})
	api := newShopAPI(t, func(int, asked) (int, string) { <-answer; return 200, `{"status": "on its way"}` })
	now := newClock(midday)
	dir, v := newFolder(t)
	r := startRig(t, dir, v, strings.Replace(orderFlow, "    http:", "    typing: true\n    http:", 1), api.project(""), withClock(now), func(r *rig, c *Config) {
		withSecret("Bearer s3cret")(r, c)
		withTyping(r, c)
		r.adapter.caps.Typing = &channels.TypingCap{Resend: 4 * time.Second, Max: 20 * time.Second}
	})
	r.accept(text("ann", "hi"))
	r.want("Which order?")
	r.accept(text("ann", "12345"))
	r.want("typing")
	now.add(4 * time.Second)
	r.want("typing")
	now.add(4 * time.Second)
	r.want("typing")
	close(answer)
	r.want("Found. It is on its way.")
}
