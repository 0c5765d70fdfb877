package inbox

import (
	"slices"
	"sync"

	"dispatcher/storage"
)

// drainEvents is how many queued events of a lane become one turn at most.
const drainEvents = 16

// laneKey is the address a conversation was opened on.
type laneKey struct {
	channel int64
	addr    [16]byte
}

func keyOf(channel int64, addr []byte) (k laneKey) {
	k.channel = channel
	copy(k.addr[:], addr)
	return k
}

func (k laneKey) storage() storage.Key {
	return storage.Key{Channel: k.channel, Addr: append([]byte(nil), k.addr[:]...)}
}

// job is one entry of a lane: an inbound event, or anything else that must not
// run beside another turn of the same conversation.
type job struct {
	event *arrival
	run   func()
}

// lanes hold one FIFO per address. A lane exists while something is in it; it
// keeps arrival order and holds no truth.
type lanes struct {
	mu     sync.Mutex
	byKey  map[laneKey][]job
	busy   map[laneKey]bool
	events func(laneKey, []*arrival)
	idle   *sync.Cond // no lane is left

	ready   chan laneKey // a lane for a worker that rests
	resting int
	closed  bool
	quit    chan struct{}
}

// restMost is how many workers wait for another lane: their stacks have grown
// already, which costs as much as what is done on them.
const restMost = 64

func newLanes(events func(laneKey, []*arrival)) *lanes {
	l := &lanes{byKey: map[laneKey][]job{}, busy: map[laneKey]bool{}, events: events, ready: make(chan laneKey), quit: make(chan struct{})}
	l.idle = sync.NewCond(&l.mu)
	return l
}

// push appends jobs in one piece: nothing of another caller comes between.
func (l *lanes) push(k laneKey, jobs ...job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byKey[k] = append(l.byKey[k], jobs...)
	if !l.busy[k] {
		l.busy[k] = true
		select {
		case l.ready <- k:
		default:
			go l.worker(k)
		}
	}
}

// worker empties one lane after another, as long as others rest with it.
func (l *lanes) worker(k laneKey) {
	for more := true; more; k, more = l.rest() {
		l.work(k)
	}
}

// rest waits for another lane; false: there are enough who do, or no more come.
func (l *lanes) rest() (k laneKey, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.resting == restMost {
		return k, false
	}
	l.resting++
	l.mu.Unlock()
	select {
	case k = <-l.ready:
		more = true
	case <-l.quit:
	}
	l.mu.Lock()
	l.resting--
	return k, more
}

// close sends the workers who rest away; a lane that begins later still runs.
func (l *lanes) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.quit)
	}
}

func (l *lanes) work(k laneKey) {
	for {
		batch := l.next(k)
		if batch == nil {
			return
		}
		if batch[0].run != nil {
			batch[0].run()
			continue
		}
		events := make([]*arrival, len(batch))
		for i, j := range batch {
			events[i] = j.event
		}
		leave := oneLane(len(events))
		l.events(k, events)
		leave()
	}
}

// next takes one other job, or up to drainEvents events; nil ends the lane.
func (l *lanes) next(k laneKey) []job {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.byKey[k]
	if len(queue) == 0 {
		delete(l.byKey, k)
		delete(l.busy, k)
		if len(l.busy) == 0 {
			l.idle.Broadcast()
		}
		return nil
	}
	n := 1
	for queue[0].run == nil && n < len(queue) && n < drainEvents && queue[n].run == nil {
		n++
	}
	batch := queue[:n:n]
	l.byKey[k] = queue[n:]
	if lastFirst() {
		slices.Reverse(batch)
	}
	return batch
}

// wait returns when every lane is empty.
func (l *lanes) wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.busy) > 0 {
		l.idle.Wait()
	}
}

// len is how many lanes exist now.
func (l *lanes) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.busy)
}
