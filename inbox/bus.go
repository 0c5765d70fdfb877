package inbox

import (
	"context"
	"sync"
)

// Topic is what somebody may watch: "queue:ALIAS", "agent:ID",
// "conversation:UID", "thread:CHANNEL:HASH", "flows", "all".
type Topic string

// Hint says that something of a topic changed; the truth is in the store.
type Hint struct {
	Topic        Topic
	Conversation string // public id; "" = none
	Seq          int64
	Kind         string // event type, or typing: not stored, lives in the hint only
	Name         string // typing: who
}

// Bus is lossy by contract: a subscriber re-reads the store from its cursor,
// and polls every 2 s anyway.
type Bus interface {
	// Publish never blocks and never fails.
	Publish(topic Topic, hint Hint)
	// Subscribe ends with its context, which closes the channel. A slow
	// reader loses its oldest hints.
	Subscribe(ctx context.Context, topic Topic) <-chan Hint
}

// hintBuffer is how many hints wait for one reader before the oldest is dropped.
const hintBuffer = 64

// busmem is the Bus of one process.
type busmem struct {
	mu   sync.Mutex
	subs map[Topic]map[chan Hint]struct{}
}

// NewBus gives the Bus of one process.
func NewBus() Bus { return &busmem{subs: map[Topic]map[chan Hint]struct{}{}} }

func (b *busmem) Publish(topic Topic, hint Hint) {
	hint.Topic = topic
	b.mu.Lock()
	defer b.mu.Unlock()
	for ch := range b.subs[topic] {
		offer(ch, hint)
	}
}

// offer puts a hint into a full channel in place of its oldest one. Only the
// holder of the bus's lock writes, so the second try finds room.
func offer(ch chan Hint, hint Hint) {
	select {
	case ch <- hint:
		return
	default:
	}
	select {
	case <-ch:
	default:
	}
	select {
	case ch <- hint:
	default:
	}
}

func (b *busmem) Subscribe(ctx context.Context, topic Topic) <-chan Hint {
	ch := make(chan Hint, hintBuffer)
	b.mu.Lock()
	if b.subs[topic] == nil {
		b.subs[topic] = map[chan Hint]struct{}{}
	}
	b.subs[topic][ch] = struct{}{}
	b.mu.Unlock()
	context.AfterFunc(ctx, func() { b.drop(topic, ch) })
	return ch
}

func (b *busmem) drop(topic Topic, ch chan Hint) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.subs[topic], ch)
	if len(b.subs[topic]) == 0 {
		delete(b.subs, topic)
	}
	close(ch)
}
