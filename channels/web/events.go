package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"dispatcher/channels"
)

// Times of the event stream (channels.md 2.2.2).
const (
	heartbeat  = 15 * time.Second
	streamLife = 10 * time.Minute
	pollMost   = 25 * time.Second
)

// events streams what the customer may see, or answers a long poll.
func (s *service) events(w http.ResponseWriter, r *http.Request) {
	v, err := s.visitor(r)
	if err != nil {
		fail(w, err)
		return
	}
	after, err := position(r)
	if err != nil {
		fail(w, err)
		return
	}
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		s.stream(w, r, v, after)
		return
	}
	s.poll(w, r, v, after)
}

// position is the last number the browser has; Last-Event-ID is newer than the address.
func position(r *http.Request) (int64, error) {
	from := r.Header.Get("Last-Event-ID")
	if from == "" {
		from = r.URL.Query().Get("after")
	}
	if from == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(from, 10, 64)
	if err != nil || n < 0 {
		return 0, &channels.FieldError{Field: "after", Problem: "is not a number"}
	}
	return n, nil
}

// stream writes server-sent events for ten minutes at most; the browser comes
// back with the last number it saw.
func (s *service) stream(w http.ResponseWriter, r *http.Request, v visitor, after int64) {
	ctx, stop := context.WithTimeout(r.Context(), streamLife)
	defer stop()
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	var owner, typing string // as they were told last
	for {
		shown, more, err := s.host.Since(ctx, s.a.Name, v.session.Thread, after)
		if err != nil {
			return // the browser reconnects and is told then
		}
		for _, e := range shown {
			if _, err := w.Write(frame(e)); err != nil {
				return
			}
			after = max(after, e.Seq)
			if e.Event == "owner" {
				owner = string(e.Data)
			}
		}
		if e, typed := s.typed(v, typing); typed {
			typing = string(e.Data)
			if _, err := w.Write(frame(e)); err != nil {
				return
			}
		}
		if out.Flush() != nil {
			return
		}
		select {
		case <-more:
		case <-beat.C:
			sign := []byte(": \n\n")
			if e, moved := s.moved(ctx, v, owner); moved {
				owner, sign = string(e.Data), frame(e)
			}
			if _, err := w.Write(sign); err != nil || out.Flush() != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// typed says whether the bot is typing and the visitor has not been told.
func (s *service) typed(v visitor, told string) (channels.Shown, bool) {
	t, ok := s.host.(channels.Typist)
	if !ok {
		return channels.Shown{}, false
	}
	e, ok := t.Typed(s.a.Name, v.session.Thread)
	return e, ok && string(e.Data) != told
}

// moved says whether the place of a visitor who waits is another than the one
// told last; it is looked up with the heartbeat, so the line costs nothing while
// it stands still.
func (s *service) moved(ctx context.Context, v visitor, told string) (channels.Shown, bool) {
	line, ok := s.host.(channels.Placer)
	if !ok {
		return channels.Shown{}, false
	}
	e, waits := line.Place(ctx, s.a.Name, v.session.Thread)
	return e, waits && string(e.Data) != told
}

// frame is one event on the wire. What has no number is not remembered.
func frame(e channels.Shown) []byte {
	var b strings.Builder
	if e.Seq > 0 {
		fmt.Fprintf(&b, "id: %d\n", e.Seq)
	}
	fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", e.Event, strings.ReplaceAll(string(e.Data), "\n", " "))
	return []byte(b.String())
}

// polled is one event of a long poll.
type polled struct {
	Seq   int64           `json:"seq,omitempty"`
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data"`
}

// poll waits up to wait seconds for the first event.
func (s *service) poll(w http.ResponseWriter, r *http.Request, v visitor, after int64) {
	wait, err := strconv.Atoi(r.URL.Query().Get("wait"))
	if err != nil || wait < 0 {
		wait = 0
	}
	timer := time.NewTimer(min(time.Duration(wait)*time.Second, pollMost))
	defer timer.Stop()
	for {
		shown, more, err := s.host.Since(r.Context(), s.a.Name, v.session.Thread, after)
		if err != nil {
			fail(w, fmt.Errorf("read the conversation: %w", err))
			return
		}
		if len(shown) > 0 || wait == 0 {
			s.answerPoll(w, shown, after)
			return
		}
		select {
		case <-more:
		case <-timer.C:
			wait = 0
		case <-r.Context().Done(): // nobody is there any more, or the server leaves
			s.answerPoll(w, nil, after)
			return
		}
	}
}

func (s *service) answerPoll(w http.ResponseWriter, shown []channels.Shown, after int64) {
	list := []polled{}
	for _, e := range shown {
		list = append(list, polled(e))
		after = max(after, e.Seq)
	}
	reply(w, http.StatusOK, map[string]any{"events": list, "seq": after})
}
