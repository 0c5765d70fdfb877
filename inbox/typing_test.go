package inbox

import (
	"testing"
	"time"

	"dispatcher/channels"
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
