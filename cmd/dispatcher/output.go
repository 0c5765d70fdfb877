package main

import (
	"errors"
	"io"
	"syscall"
)

// sink is standard output that remembers whether all of it was taken: a full
// disk must not look like success to a script that reads the file afterwards.
type sink struct {
	to  io.Writer
	err error
}

// Write implements io.Writer.
func (s *sink) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	if err != nil && s.err == nil && !errors.Is(err, syscall.EPIPE) { // a reader that has seen enough is no failure
		s.err = err
	}
	return n, err
}
