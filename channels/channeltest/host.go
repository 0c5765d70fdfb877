package channeltest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
)

// Host is what inbox is to a Server, in memory: it dedupes, numbers, wakes
// waiting readers and keeps sessions and files. Its fields say what happened.
type Host struct {
	mu       sync.Mutex
	now      time.Time
	err      error // what Accept answers
	accepted []dm.Inbound
	seen     map[string]seen
	seq      int64
	sessions map[string]channels.Session
	shown    map[string][]channels.Shown
	more     chan struct{}
	typed    []string
	proved   map[string]dm.Party
	reads    map[string]int64
	files    map[string]file
	rows     []dm.Outbound
	settled  int
	sent     []channels.Shown
	places   map[string]channels.Shown
}

type seen struct {
	result channels.Accepted
	raw    string
}

type file struct {
	thread string
	media  dm.Media
	data   []byte
}

// NewHost is an empty host at a fixed time.
func NewHost(now time.Time) *Host {
	return &Host{
		now: now, seen: map[string]seen{}, sessions: map[string]channels.Session{}, shown: map[string][]channels.Shown{},
		more: make(chan struct{}), places: map[string]channels.Shown{}, reads: map[string]int64{}, proved: map[string]dm.Party{}, files: map[string]file{},
	}
}

// Advance moves the clock.
func (h *Host) Advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// Fail makes every Accept answer err; nil ends it.
func (h *Host) Fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = err
}

// Accepted lists every event that was applied.
func (h *Host) Accepted() []dm.Inbound {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]dm.Inbound(nil), h.accepted...)
}

// Show gives the customer of a thread one more event and wakes its readers.
func (h *Host) Show(thread string, s channels.Shown) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shown[thread] = append(h.shown[thread], s)
	h.wake()
}

// Stand puts the customer of a thread somewhere in a line.
func (h *Host) Stand(thread string, s channels.Shown) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.places[thread] = s
}

// Place is where Stand put the customer.
func (h *Host) Place(_ context.Context, _, thread string) (channels.Shown, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.places[thread]
	return s, ok
}

// Queue adds rows that wait to be pulled.
func (h *Host) Queue(rows ...dm.Outbound) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rows = append(h.rows, rows...)
	h.wake()
}

// LogSent adds to what a sim channel has sent.
func (h *Host) LogSent(s channels.Shown) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = append(h.sent, s)
}

// Typed counts the typing marks that arrived.
func (h *Host) Typed() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.typed)
}

// ReadUpTo is the last read mark of a thread.
func (h *Host) ReadUpTo(thread string) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reads[thread]
}

// Settled is how many rows were acknowledged.
func (h *Host) Settled() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.settled
}

func (h *Host) wake() {
	close(h.more)
	h.more = make(chan struct{})
}

// Accept applies what is new; a known id with another body is a conflict.
func (h *Host) Accept(_ context.Context, channel string, events []dm.Inbound) ([]channels.Accepted, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return nil, h.err
	}
	var out []channels.Accepted
	for _, in := range events {
		key := channel + "|" + in.ExternalID
		if old, ok := h.seen[key]; ok {
			got := old.result
			got.Status = "duplicate"
			if old.raw != string(in.Raw) {
				got.Status = "conflict"
			}
			out = append(out, got)
			continue
		}
		h.seq++
		got := channels.Accepted{ID: in.ExternalID, Status: "applied", Seq: h.seq, Conv: "cv-" + in.Thread}
		h.seen[key] = seen{got, string(in.Raw)}
		h.accepted = append(h.accepted, in)
		out = append(out, got)
	}
	return out, nil
}

// Since gives what was shown after a number.
func (h *Host) Since(_ context.Context, _, thread string, after int64) ([]channels.Shown, <-chan struct{}, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []channels.Shown
	for _, s := range h.shown[thread] {
		if s.Seq > after {
			out = append(out, s)
		}
	}
	return out, h.more, nil
}

// Live says that the channel is open.
func (h *Host) Live(context.Context, string) (state, buttonText string) {
	return "open", "Chat with us – about 4 min"
}

// Now is the fixed time.
func (h *Host) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// NewSession keeps a session under a fresh token.
func (h *Host) NewSession(_ context.Context, channel string, s channels.Session) (string, error) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	token := hex.EncodeToString(b[:])
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sessions[channel+"|"+token] = s
	return token, nil
}

// Session finds a session.
func (h *Host) Session(_ context.Context, channel, token string) (channels.Session, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.sessions[channel+"|"+token]
	if !ok {
		return channels.Session{}, channels.ErrNoSession
	}
	return s, nil
}

// PutSession changes a session.
func (h *Host) PutSession(_ context.Context, channel, token string, s channels.Session) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sessions[channel+"|"+token] = s
	return nil
}

// EndSession forgets a session.
func (h *Host) EndSession(_ context.Context, channel, token string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, channel+"|"+token)
	return nil
}

// Last is the highest number shown in a thread.
func (h *Host) Last(_ context.Context, _, thread string) (seq int64, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.shown[thread] {
		seq = max(seq, s.Seq)
	}
	return seq, nil
}

// Identify keeps who a thread has proved to be.
func (h *Host) Identify(_ context.Context, _, thread string, who dm.Party) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.proved[thread] = who
	return h.err
}

// Proved is whom a thread has proved to be.
func (h *Host) Proved(thread string) dm.Party {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.proved[thread]
}

// Typing counts a mark.
func (h *Host) Typing(_, thread string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.typed = append(h.typed, thread)
}

// Read keeps a mark.
func (h *Host) Read(_ context.Context, _, thread string, seq int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reads[thread] = seq
	return nil
}

// SaveMedia keeps a file of a thread.
func (h *Host) SaveMedia(_ context.Context, _, thread, name, mime string, r io.Reader) (dm.Media, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return dm.Media{}, fmt.Errorf("read the file: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	m := dm.Media{ID: "med_" + strconv.Itoa(len(h.files)+1), Kind: "image", Name: name, MIME: mime, Bytes: int64(len(data))}
	h.files[m.ID] = file{thread, m, data}
	return m, nil
}

// OpenMedia finds a file of the same thread only.
func (h *Host) OpenMedia(_ context.Context, _, thread, id string) (dm.Media, io.ReadCloser, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, ok := h.files[id]
	if !ok || f.thread != thread {
		return dm.Media{}, nil, channels.ErrNotFound
	}
	return f.media, io.NopCloser(bytes.NewReader(f.data)), nil
}

// Pull hands out the rows that are not settled.
func (h *Host) Pull(_ context.Context, _, after string, n int) ([]dm.Outbound, string, <-chan struct{}, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	from := max(h.settled, position(after))
	to := min(from+n, len(h.rows))
	if from > to {
		from = to
	}
	return h.rows[from:to], "c-" + strconv.Itoa(to), h.more, nil
}

// position reads a cursor: c- and how many rows were handed out with it.
func position(cursor string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(cursor, "c-"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// Pulled settles the rows up to a cursor; one that was never answered is refused.
func (h *Host) Pulled(_ context.Context, _, cursor string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := position(cursor)
	if cursor != "c-"+strconv.Itoa(n) || n > len(h.rows) {
		return &channels.FieldError{Field: "cursor", Problem: "is none that GET /outbox answered"}
	}
	h.settled = max(h.settled, n)
	return nil
}

// SentLog lists what LogSent added.
func (h *Host) SentLog(_ context.Context, _ string, after int64) ([]channels.Shown, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []channels.Shown
	for _, s := range h.sent {
		if s.Seq > after {
			out = append(out, s)
		}
	}
	return out, nil
}
