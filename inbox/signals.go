package inbox

import "sync"

// signalsMost bounds how many threads are watched at once; beyond, every
// watcher is woken and looks again.
const signalsMost = 100_000

// signals wakes those who wait for more of one thread. A waiter holds no
// place of its own: all of a thread share one channel, closed when there is more.
type signals struct {
	mu    sync.Mutex
	byKey map[laneKey]chan struct{}
}

func newSignals() *signals { return &signals{byKey: map[laneKey]chan struct{}{}} }

// of gives the channel that is closed at the next change. Take it before
// reading: what changes in between closes it.
func (s *signals) of(k laneKey) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch, ok := s.byKey[k]; ok {
		return ch
	}
	if len(s.byKey) >= signalsMost {
		for key, ch := range s.byKey {
			close(ch)
			delete(s.byKey, key)
		}
	}
	ch := make(chan struct{})
	s.byKey[k] = ch
	return ch
}

func (s *signals) fire(k laneKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch, ok := s.byKey[k]; ok {
		close(ch)
		delete(s.byKey, k)
	}
}
