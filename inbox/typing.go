package inbox

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/storage"
)

// Bounds of typing: no durable row, one try, never a failure (channels.md 4.1).
const (
	typingWithin = 500 * time.Millisecond // longest a message waits for it
	typingFor    = 10 * time.Second       // longest a widget shows it
	typingMost   = 10_000                 // threads whose typing is kept
)

// typing is what one turn says about typing: shown while a message is held
// back or a look-up is open, once what was said before has left.
type typing struct {
	out   dm.Outbound
	until time.Time
	next  time.Time // not before it; zero: now
}

// Typing shows typing to the customer until a moment, after what this turn has
// said so far.
func (d *Draft) Typing(until time.Time) {
	if d.conv.Owner != storage.OwnerBot && d.conv.Phase != storage.PhaseNew {
		return
	}
	out := d.outbound(newUID(), Outgoing{})
	out.Kind, out.Author = dm.OutTyping, dm.AuthorBot
	d.typing = &typing{out: out, until: until}
}

// shows begins to show what a committed turn says about typing.
func (s *Service) shows(k laneKey, t storage.Turn, d *Draft, conversation int64) {
	if d == nil || d.View.Account == nil {
		return
	}
	switch native := d.View.Account.Caps.Native; {
	case native && d.typing == nil && len(t.Messages) > 0:
		s.typists.stop(k)
		return
	case native && d.typing == nil:
		return
	case native:
		s.typists.show(k, min(d.typing.until.Sub(s.now()), typingFor), s.now())
		s.signals.fire(k)
		return
	case d.View.Account.Caps.Typing == nil:
		return
	}
	s.outbox.mu.Lock()
	x := s.outbox.senders[d.View.Account.Number]
	s.outbox.mu.Unlock()
	if x == nil || x.acct.Caps.Typing == nil {
		return
	}
	words := slices.ContainsFunc(t.Outbox, func(row storage.OutboxRow) bool {
		return row.Kind != storage.RowCall && row.DueAt <= d.View.Now.UnixMilli()
	})
	switch {
	case d.typing != nil:
		what := *d.typing
		if most := x.acct.Caps.Typing.Max; most > 0 && s.now().Add(most).Before(what.until) {
			what.until = s.now().Add(most)
		}
		x.typing.keep(conversation, what, !words) // after those words, never before them
		x.nudge()
	case words:
		x.typing.drop(conversation) // it was for these
	}
}

// resend is how long the platform shows typing before it has to be told again;
// 0 = it shows it as long as it has to.
func (x *sender) resend() time.Duration {
	if x.acct.Caps.Typing == nil {
		return 0
	}
	return x.acct.Caps.Typing.Resend
}

// showTyping tells the platform that the bot is typing: while the bot owns the
// conversation, and as long as no claim has been committed.
func (x *sender) showTyping(ctx context.Context, out dm.Outbound, conversation int64) {
	if x.acct.Caps.Typing == nil || out.Visibility == dm.Public || ctx.Err() != nil {
		return
	}
	leave := x.s.fence.enter(conversation)
	defer leave()
	marked := time.Now()
	snaps, err := x.s.store.Load(ctx, []storage.Key{{ID: conversation}})
	if err != nil || snaps[0].Conv.Owner != storage.OwnerBot || snaps[0].Conv.Status != storage.Open {
		x.typing.drop(conversation)
		return
	}
	plan, err := x.acct.Adapter.Render(dm.Outbound{
		Key: out.Key, Kind: dm.OutTyping, Account: out.Account, Thread: out.Thread, Conversation: out.Conversation,
		To: out.To, Visibility: out.Visibility, Author: dm.AuthorBot, Locale: out.Locale, At: x.s.now().UTC(),
	})
	if err != nil || len(plan.Calls) == 0 || x.buckets.take(plan.Calls, string(snaps[0].Conv.Addr), true, x.s.now()) > 0 {
		return
	}
	for _, call := range plan.Calls {
		call.Timeout = typingWithin
		x.callThen(call, marked, leave)
	}
}

// typings are the conversations that are to show typing: now, or once their
// words have left, and again for as long as it lasts where the platform forgets
// it (TypingCap.Resend). What comes too late is not shown.
type typings struct {
	mu    sync.Mutex
	after map[int64]typing
	now   map[int64]typing
}

func (t *typings) keep(conversation int64, what typing, now bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.after == nil || len(t.after)+len(t.now) >= typingMost {
		t.after, t.now = map[int64]typing{}, map[int64]typing{}
	}
	if now {
		t.now[conversation] = what
		return
	}
	delete(t.now, conversation) // what was shown until these words
	t.after[conversation] = what
}

// drop forgets what a conversation was to show.
func (t *typings) drop(conversation int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.after, conversation)
	delete(t.now, conversation)
}

// afterWords is what a conversation shows whose words have just left; it is
// shown again after resend, 0 = never.
func (t *typings) afterWords(conversation int64, now time.Time, resend time.Duration) (dm.Outbound, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	what, ok := t.after[conversation]
	delete(t.after, conversation)
	if ok = ok && now.Before(what.until); ok {
		t.again(conversation, what, now, resend)
	}
	return what.out, ok
}

// due gives what is to be shown now, as many at most, the rest the next time;
// it is shown again after resend, 0 = never.
func (t *typings) due(now time.Time, resend time.Duration, most int) map[int64]dm.Outbound {
	t.mu.Lock()
	defer t.mu.Unlock()
	var due map[int64]dm.Outbound
	for conversation, what := range t.now {
		switch {
		case !now.Before(what.until):
			delete(t.now, conversation)
			continue
		case now.Before(what.next) || len(due) >= most:
			continue
		case due == nil:
			due = map[int64]dm.Outbound{}
		}
		due[conversation] = what.out
		t.again(conversation, what, now, resend)
	}
	return due
}

// again keeps what is shown now for its next time, while there is one.
func (t *typings) again(conversation int64, what typing, now time.Time, resend time.Duration) {
	if what.next = now.Add(resend); resend <= 0 || !what.next.Before(what.until) {
		delete(t.now, conversation)
		return
	}
	t.now[conversation] = what
}

// typists are the threads of native channels in which the bot is typing now.
type typists struct {
	mu    sync.Mutex
	until map[laneKey]time.Time
}

func (t *typists) show(k laneKey, d time.Duration, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.until == nil || len(t.until) >= typingMost {
		t.until = map[laneKey]time.Time{}
	}
	t.until[k] = now.Add(d)
}

func (t *typists) stop(k laneKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.until, k)
}

func (t *typists) now(k laneKey, now time.Time) (until time.Time, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if until, ok = t.until[k]; ok && !until.After(now) {
		delete(t.until, k)
		ok = false
	}
	return until, ok
}

// Typed is the bot's typing in a thread of a native channel, as an event
// without a number; ok is false when it is not typing.
func (h *host) Typed(channel, thread string) (channels.Shown, bool) {
	acct, found := h.s.Account(channel)
	if !found {
		return channels.Shown{}, false
	}
	until, ok := h.s.typists.now(keyOf(acct.Number, h.s.addrHash(acct.Number, thread)), h.s.now())
	if !ok {
		return channels.Shown{}, false
	}
	data, err := json.Marshal(struct {
		Role  string    `json:"role"`
		Until time.Time `json:"until"`
	}{"bot", until.UTC()})
	return channels.Shown{Event: "typing", Data: data}, err == nil
}
