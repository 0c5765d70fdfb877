package lsp

import (
	"bytes"
	"encoding/json"
	"errors"
	"sync"

	"github.com/creachadair/jrpc2/channel"
)

// stream keeps the order that the protocol asks for, also for a client that
// sends everything at once: nothing is begun before initialize and shutdown
// are answered, and shutdown, exit and the end of the stream come after the answers to
// all that was asked before. It takes any content type: clients write it in
// many ways, and there is only one that it can be.
type stream struct {
	channel.Channel

	mu     sync.Mutex
	change *sync.Cond
	open   map[string]bool // by id: asked and not answered
	first  string          // id of what has to be answered before more is read; "" = none
	closed bool
}

func newStream(c channel.Channel) *stream {
	s := &stream{Channel: c, open: map[string]bool{}}
	s.change = sync.NewCond(&s.mu)
	return s
}

// envelope is what is looked at of a message.
type envelope struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
}

// envelopes are those of one message, or of a batch of them. What is not
// readable has none; the server answers it.
func envelopes(data []byte) []envelope {
	if bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("[")) {
		var batch []envelope
		_ = json.Unmarshal(data, &batch)
		return batch
	}
	var e envelope
	if json.Unmarshal(data, &e) != nil {
		return nil
	}
	return []envelope{e}
}

func (e envelope) named() bool { return len(e.ID) > 0 && string(e.ID) != "null" }

// Recv receives one message.
func (s *stream) Recv() ([]byte, error) {
	s.mu.Lock()
	for s.first != "" && s.open[s.first] && !s.closed {
		s.change.Wait()
	}
	s.first = ""
	s.mu.Unlock()
	data, err := s.Channel.Recv()
	var other *channel.ContentTypeMismatchError
	if errors.As(err, &other) {
		err = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := err != nil
	list := envelopes(data)
	for _, e := range list {
		last = last || e.Method == "shutdown" || e.Method == "exit"
	}
	for last && len(s.open) > 0 && !s.closed {
		s.change.Wait()
	}
	for _, e := range list {
		if !e.named() || e.Method == "" {
			continue
		}
		s.open[string(e.ID)] = true
		if e.Method == "initialize" || e.Method == "shutdown" {
			s.first = string(e.ID)
		}
	}
	return data, err
}

// Send sends one message.
func (s *stream) Send(data []byte) error {
	err := s.Channel.Send(data)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range envelopes(data) {
		if e.Method == "" {
			delete(s.open, string(e.ID))
		}
	}
	s.change.Broadcast()
	return err
}

// Close ends all waiting.
func (s *stream) Close() error {
	s.mu.Lock()
	s.closed = true
	s.change.Broadcast()
	s.mu.Unlock()
	return s.Channel.Close()
}
