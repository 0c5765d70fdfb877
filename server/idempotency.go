package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"dispatcher/storage"
)

const (
	idempotencyLife = 24 * time.Hour
	maxBody         = 1 << 20 // of every request but those of MaxProject, bytes
)

// MaxProject is how long a request may be that carries a whole project, bytes.
const MaxProject = 32 << 20

// answered is the body of a KindIdempotency record, sealed: the answer may
// hold a customer's words.
type answered struct {
	Body   []byte      `json:"body_hash"`
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Answer []byte      `json:"answer"`
}

// inFlight are the keys whose first request still runs in this process.
type inFlight struct {
	mu   sync.Mutex
	keys map[string][]byte // record id → body hash
}

// enter gives "" or the problem code of a key that is in use.
func (f *inFlight) enter(id string, body []byte) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	other, busy := f.keys[id]
	switch {
	case !busy:
		f.keys[id] = body
		return ""
	case !bytes.Equal(other, body):
		return "key_reused"
	}
	return "in_progress"
}

func (f *inFlight) leave(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.keys, id)
}

// idempotent runs next once per caller and Idempotency-Key: a repetition gets
// the stored answer, another body under the same key is refused, and a 5xx
// is never stored, so that it can be tried again.
func (s *Server) idempotent(w http.ResponseWriter, r *http.Request, who *identity, op operation, next func(http.ResponseWriter, *http.Request)) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" || r.Method != http.MethodPost || who == nil {
		next(w, r)
		return
	}
	if len([]rune(key)) > 255 {
		p := problem("invalid", "")
		p.Errors = []FieldError{{"header.Idempotency-Key", "is longer than 255 characters"}}
		s.writeProblem(w, r, p)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, op.most()))
	if err != nil {
		s.writeProblem(w, r, bodyProblem(err, op))
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	id := hashAll(who.ID, r.Method, r.URL.Path, key)
	sum := hashAll(string(body), r.Header.Get("If-Epoch"))
	if code := s.flying.enter(string(id), sum); code != "" {
		s.writeProblem(w, r, problem(code, "").after(1))
		return
	}
	defer s.flying.leave(string(id))
	done, err := s.replay(r.Context(), w, id, sum)
	if err != nil {
		s.writeProblem(w, r, err)
		return
	}
	if !done {
		s.runOnce(w, r, id, sum, next)
	}
}

func bodyProblem(err error, op operation) *Problem {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return op.tooLarge()
	}
	return problem("invalid", "The body ended early.").with(http.StatusBadRequest)
}

func hashAll(parts ...string) []byte {
	h := sha256.New()
	for _, p := range parts {
		_, _ = io.WriteString(h, itoa(len(p))+":"+p)
	}
	return h.Sum(nil)
}

// replay writes the stored answer of a key; done says that there was one.
func (s *Server) replay(ctx context.Context, w http.ResponseWriter, id, sum []byte) (done bool, err error) {
	rec, err := s.cfg.Store.Get(ctx, storage.KindIdempotency, id)
	if errors.Is(err, storage.ErrNotFound) || (err == nil && rec.Expires <= s.now().UnixMilli()) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	plain, err := s.cfg.Vault.OpenSystem(rec.Body, id)
	if err != nil {
		return false, err
	}
	var a answered
	if err := json.Unmarshal(plain, &a); err != nil {
		return false, err
	}
	if !bytes.Equal(a.Body, sum) {
		return false, problem("key_reused", "")
	}
	for k, v := range a.Header {
		w.Header()[k] = v
	}
	w.Header().Set("Idempotency-Replayed", "true")
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Answer)
	return true, nil
}

// runOnce runs the request, keeps its answer, and only then sends it.
func (s *Server) runOnce(w http.ResponseWriter, r *http.Request, id, sum []byte, next func(http.ResponseWriter, *http.Request)) {
	rec := &recorder{header: w.Header().Clone(), status: http.StatusOK}
	next(rec, r)
	if rec.status < http.StatusInternalServerError && rec.status != http.StatusTooManyRequests {
		if err := s.keepAnswer(context.WithoutCancel(r.Context()), id, sum, rec); err != nil {
			s.log.Warn("answer of an Idempotency-Key was not kept", slog.String("route", routeOf(r)), slog.String("cause", err.Error()))
		}
	}
	for k, v := range rec.header {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.status)
	_, _ = w.Write(rec.body.Bytes())
}

// keptHeaders are what a replayed answer needs of the first one's headers.
var keptHeaders = []string{"Content-Type", "Location", "Retry-After", "Etag"}

func (s *Server) keepAnswer(ctx context.Context, id, sum []byte, rec *recorder) error {
	a := answered{Body: sum, Status: rec.status, Header: http.Header{}, Answer: rec.body.Bytes()}
	for k, v := range rec.header {
		if slices.Contains(keptHeaders, k) {
			a.Header[k] = v
		}
	}
	plain, err := json.Marshal(a)
	if err != nil {
		return err
	}
	old, err := s.cfg.Store.Get(ctx, storage.KindIdempotency, id) // an expired one is replaced
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	return s.cfg.Store.Put(ctx, []storage.Record{{
		Kind: storage.KindIdempotency, ID: id, Version: old.Version,
		Expires: s.now().Add(idempotencyLife).UnixMilli(), Body: s.cfg.Vault.SealSystem(plain, id),
	}}, nil)
}

// recorder holds an answer back.
type recorder struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	r.wrote = true
	return r.body.Write(b)
}
