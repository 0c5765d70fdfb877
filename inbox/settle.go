package inbox

import (
	"errors"
	"time"

	"dispatcher/storage"
)

// writableLook is how often somebody who has to write looks whether it works again.
const writableLook = 100 * time.Millisecond

// settleSurely brings what became of a row into the store. That the disk
// refuses does not undo what the platform has, so it waits until writing works
// again, and gives up only when the process stops: the row is found at the
// next start then. Without it the row's conversation would stand still until
// its lease runs out.
func (s *Service) settleSurely(set storage.Settlement) ([]storage.Settled, error) {
	for {
		got, err := s.batcher.Settle(set)
		s.wrote(err)
		if !errors.Is(err, storage.ErrDegraded) || !s.untilWritable() {
			return got, err
		}
	}
}

// untilWritable waits for the end of degraded mode; false: the process stops.
func (s *Service) untilWritable() bool {
	look := time.NewTicker(writableLook)
	defer look.Stop()
	for !s.writable() {
		select {
		case <-look.C:
		case <-s.outbox.calls.Done():
			return false
		}
	}
	return s.outbox.calls.Err() == nil
}
