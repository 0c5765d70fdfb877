package inbox

import (
	"container/list"
	"sync"
	"time"
)

// Bounds of one sender (runtime.md 1.7).
const (
	floodPerMinute = 30
	floodPerHour   = 300
	floodSenders   = 20000 // how many are counted at once
)

type floodLevel int8

const (
	calm    floodLevel = iota
	merging            // one turn a minute
	flooding
)

// floods counts the messages of senders in memory: forgetting one costs a
// flood some more turns, never a message.
type floods struct {
	mu    sync.Mutex
	byKey map[laneKey]*list.Element
	order *list.List // of *flood, newest first
}

type flood struct {
	key          laneKey
	minute, hour time.Time // when each count began
	inMinute     int
	inHour       int
}

func newFloods() *floods {
	return &floods{byKey: map[laneKey]*list.Element{}, order: list.New()}
}

// count notes one message and says how its sender behaves.
func (f *floods) count(k laneKey, now time.Time) floodLevel {
	f.mu.Lock()
	defer f.mu.Unlock()
	el, ok := f.byKey[k]
	if !ok {
		el = f.order.PushFront(&flood{key: k, minute: now, hour: now})
		f.byKey[k] = el
		if f.order.Len() > floodSenders {
			delete(f.byKey, f.order.Remove(f.order.Back()).(*flood).key)
		}
	}
	f.order.MoveToFront(el)
	c := el.Value.(*flood)
	if now.Sub(c.minute) >= time.Minute {
		c.minute, c.inMinute = now, 0
	}
	if now.Sub(c.hour) >= time.Hour {
		c.hour, c.inHour = now, 0
	}
	c.inMinute++
	c.inHour++
	switch {
	case c.inHour > floodPerHour:
		return flooding
	case c.inMinute > floodPerMinute:
		return merging
	}
	return calm
}

// nextMinute is when the messages of a flood are looked at together.
func (f *floods) nextMinute(k laneKey, now time.Time) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	if el, ok := f.byKey[k]; ok {
		return el.Value.(*flood).minute.Add(time.Minute)
	}
	return now.Add(time.Minute)
}
