package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dispatcher/inbox"
	"dispatcher/storage"
)

const (
	heartbeat     = 15 * time.Second
	streamsSimult = 4 // per session's user
	streamsToken  = 20
	deadline      = 25 * time.Second // of a write
	deadlineFresh = 5 * time.Second  // so old a deadline is not set anew
)

// stream is one reader.
type stream struct {
	s      *Server
	w      http.ResponseWriter
	rc     *http.ResponseController
	r      *http.Request
	who    *identity
	topics []string
	queues map[string]bool // that it may see
	cursor storage.Cursor
	told   storage.Cursor // id that the client knows
	seen   int64          // version of presence that was sent
	heard  int            // notices that were sent
	wake   chan struct{}  // there may be more
	until  time.Time      // deadline of writes, as it was set last
}

// events is GET /events: server-sent events with the project's cursor as id.
func (s *Server) events(c echo.Context) {
	w, r := c.Response(), c.Request()
	who := caller(r.Context())
	limit := streamsSimult
	if who.Token {
		limit = streamsToken
	}
	st := &stream{s: s, w: w, rc: http.NewResponseController(w), r: r, who: who, topics: splitList(r.URL.Query().Get("topics")), wake: make(chan struct{}, 1)}
	if !s.hub.enter(st, limit) {
		s.writeProblem(w, r, problem("rate_limited", "Too many live streams of one person.").after(5))
		return
	}
	defer s.there.alive(who.ID) // the minute to away starts when the line is cut
	defer s.hub.leave(st)
	s.met.sseClients.Inc()
	defer s.met.sseClients.Dec()
	var err error
	if st.queues, err = s.myQueues(r.Context(), who); err != nil {
		s.writeProblem(w, r, err)
		return
	}
	_ = st.rc.SetReadDeadline(time.Time{}) // else the server ends the stream with its request
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	_, st.heard = s.hub.told(0)
	if st.begin() {
		st.follow()
	}
}

func splitList(text string) []string {
	var out []string
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// begin finds the place to read on from: where the client stopped, else now.
func (st *stream) begin() bool {
	last := st.r.Header.Get("Last-Event-ID")
	if last == "" {
		last = st.r.URL.Query().Get("after")
	}
	if last != "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < 0 {
			return st.reset("bad_id")
		}
		st.cursor, st.told = storage.Cursor(n), storage.Cursor(n)
		return st.write("retry: 1000\n\n")
	}
	_, newest, err := st.s.cfg.Store.Changes(st.r.Context(), -1, 1)
	if err != nil {
		return st.reset("store")
	}
	st.cursor, st.told = newest, newest
	return st.write(fmt.Sprintf("retry: 1000\nid: %d\n\n", newest))
}

// follow writes until the client leaves or may no longer read.
func (st *stream) follow() {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		events, ok := st.s.hub.since(st.cursor)
		if !ok {
			if events, ok = st.fromStore(); !ok {
				return
			}
		}
		if !st.send(events) || !st.sendPresence() || !st.sendNotices() {
			return
		}
		if len(events) > 0 {
			continue
		}
		select {
		case <-st.r.Context().Done():
			return
		case <-st.wake:
			if st.s.draining.Load() {
				return
			}
		case <-beat.C:
			if !st.stillMay() || !st.beat() {
				return
			}
		}
	}
}

// fromStore reads what memory no longer holds; too old, and everything has to
// be read again.
func (st *stream) fromStore() ([]rendered, bool) {
	events, next, err := st.s.cfg.Store.Changes(st.r.Context(), st.cursor, changesPage)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, st.reset("too_old")
	}
	if err != nil {
		return nil, false
	}
	out := make([]rendered, len(events))
	for i, ev := range events {
		out[i] = render(ev)
	}
	if len(events) == 0 {
		st.cursor = max(st.cursor, next)
	}
	return out, true
}

// send writes the events this reader may see and asked for.
func (st *stream) send(events []rendered) bool {
	var b bunch
	var sees map[storage.UID]bool
	for i := range events {
		ev := &events[i]
		st.cursor = ev.Cursor
		if !st.wants(ev) {
			continue
		}
		if sees == nil && !readsAll(st.who) {
			sees = map[storage.UID]bool{}
		}
		if st.may(ev, sees) {
			b.add(ev)
			st.told = ev.Cursor
		}
	}
	return len(b.out) == 0 || st.push(b.out)
}

func (st *stream) sendNotices() bool {
	types, now := st.s.hub.told(st.heard)
	st.heard = now
	var b strings.Builder
	for _, typ := range types {
		fmt.Fprintf(&b, "event: %s\ndata: {\"type\":%q}\n\n", typ, typ)
	}
	return b.Len() == 0 || st.write(b.String())
}

func (st *stream) wants(ev *rendered) bool {
	if len(st.topics) == 0 {
		return true
	}
	if ev.UID != (storage.UID{}) && slices.Contains(st.topics, "conversation:"+inbox.UIDText(ev.UID)) {
		return true
	}
	return slices.ContainsFunc(ev.Topics, func(t string) bool { return slices.Contains(st.topics, t) })
}

// may is the permission of one event: its topics name the owners and queues of
// before and after. An event of a conversation without any of them is decided
// by the desk, once per conversation and bunch.
func (st *stream) may(ev *rendered, sees map[storage.UID]bool) bool {
	if ev.UID != (storage.UID{}) && allowed(st.who, permRead) == no {
		return false // a designer's stream is about flows
	}
	if readsAll(st.who) {
		return true
	}
	queues := 0
	for _, t := range ev.Topics {
		if alias, ok := strings.CutPrefix(t, "queue:"); ok {
			queues++
			if st.queues[alias] {
				return true
			}
		}
		if t == "agent:"+st.who.ID {
			return true
		}
	}
	if ev.UID == (storage.UID{}) || queues > 0 {
		return queues == 0
	}
	ok, known := sees[ev.UID]
	if !known {
		ok = st.s.sees(st.r.Context(), st.who, inbox.UIDText(ev.UID))
		sees[ev.UID] = ok
	}
	return ok
}

// readsAll: leads, admins and tokens that are not held to queues see every
// conversation, those of queues that the project has dropped as well.
func readsAll(who *identity) bool {
	how := allowed(who, permRead)
	return how == all || (how == scoped && who.Queues == nil)
}

// sees says whether somebody may read a conversation; the desk decides.
func (s *Server) sees(ctx context.Context, who *identity, conv string) bool {
	_, err := s.cfg.Desk.Get(ctx, who.Actor, conv)
	return err == nil
}

// myQueues are the queues whose events a reader may see.
func (s *Server) myQueues(ctx context.Context, who *identity) (map[string]bool, error) {
	out := map[string]bool{}
	if allowed(who, permQueues) == no && allowed(who, permRead) == no {
		return out, nil
	}
	list, err := s.cfg.Desk.Queues(ctx, who.Actor)
	for _, q := range list {
		out[q.Alias] = true
	}
	return out, err
}

// stillMay looks again at who this is: a session that ended, another role,
// other teams or queues end the stream.
func (st *stream) stillMay() bool {
	now, err := st.s.known(st.r, false) // an open page is no use of a session
	if err != nil {
		return true // the store is down: the reader keeps what it has
	}
	if now == nil || now.Half || now.Role != st.who.Role || !slices.Equal(now.Teams, st.who.Teams) || !slices.Equal(now.Queues, st.who.Queues) || !slices.Equal(now.Scopes, st.who.Scopes) {
		st.reset("permissions")
		return false
	}
	queues, err := st.s.myQueues(st.r.Context(), st.who)
	if err == nil && !maps.Equal(queues, st.queues) {
		st.reset("permissions")
		return false
	}
	return true
}

// beat keeps the connection alive and tells the client how far it has come.
func (st *stream) beat() bool {
	if st.told == st.cursor {
		return st.write(": beat\n\n")
	}
	st.told = st.cursor
	return st.write(fmt.Sprintf(": beat\nid: %d\n\n", st.cursor))
}

// reset tells the client to read everything again; it always returns false.
func (st *stream) reset(reason string) bool {
	st.s.met.sseResets.WithLabelValues(reason).Inc()
	st.write(fmt.Sprintf("event: reset\ndata: {\"type\":\"reset\",\"reason\":%q}\n\n", reason))
	return false
}

func (st *stream) write(text string) bool { return st.push([]byte(text)) }

func (st *stream) push(out []byte) bool {
	if now := time.Now(); st.until.Sub(now) < deadline-deadlineFresh {
		st.until = now.Add(deadline)
		_ = st.rc.SetWriteDeadline(st.until)
	}
	if _, err := st.w.Write(out); err != nil {
		return false
	}
	return st.rc.Flush() == nil
}
