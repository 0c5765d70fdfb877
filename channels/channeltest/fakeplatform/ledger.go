package fakeplatform

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Delivery is one request that arrived, whatever became of it.
type Delivery struct {
	N        int       // order of arrival, from 0
	At       time.Time // first byte
	Platform string    // webhook, x
	Method   string
	Path     string
	Header   http.Header
	Body     []byte

	Kind       string // message.send, typing.start, …; send, post, typing, read, dm_events
	Key        string // webhook: outbox key; "" on X, which has none
	Part       int
	Thread     string // contact or recipient
	Visibility string // private, public
	Author     string // bot, agent, system where the channel tells
	Text       string
	Options    []string // labels

	Refused  string // why it broke the platform's rules; "" = good
	Repeat   bool   // the platform knew it already (same webhook-id)
	Accepted bool   // the customer has it
	Fault    FaultKind
	Status   int // what was answered; 0 = nothing
}

// Ledger lists everything that arrived, in order.
func (s *Server) Ledger() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ledger)
}

// Shown lists what customers have: accepted messages without repeats, in order.
func (s *Server) Shown() []Delivery {
	var out []Delivery
	for _, d := range s.Ledger() {
		switch d.Kind {
		case "message.send", "send", "post":
			if d.Accepted && !d.Repeat {
				out = append(out, d)
			}
		}
	}
	return out
}

// Problems lists every request that broke the platform's rules: it must be empty at the end of a test.
func (s *Server) Problems() []string {
	var out []string
	for _, d := range s.Ledger() {
		if d.Refused != "" {
			out = append(out, fmt.Sprintf("request %d to %s: %s", d.N, d.Path, d.Refused))
		}
	}
	return out
}

// Wait blocks until good says that the ledger is as wanted, and gives it.
func (s *Server) Wait(ctx context.Context, good func([]Delivery) bool) ([]Delivery, error) {
	for {
		s.mu.Lock()
		now, changed := slices.Clone(s.ledger), s.changed
		s.mu.Unlock()
		if good(now) {
			return now, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return now, fmt.Errorf("wait for the ledger, %d requests so far: %w", len(now), ctx.Err())
		}
	}
}

func (s *Server) record(d Delivery) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.N = len(s.ledger)
	s.ledger = append(s.ledger, d)
	s.wake()
	return d.N
}

func (s *Server) finish(n, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger[n].Status = status
	s.wake()
}

func (s *Server) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}
