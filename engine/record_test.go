package engine

import (
	"bytes"
	"flag"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"dispatcher/engine/enginetest"
)

var update = flag.Bool("update", false, "write the records of all conversations anew, to be read before they are kept")

// recorder keeps everything that the conversations of one test do and compares
// it with testdata/records when the test is over: what no line of the test asks
// about does not change unseen. Whoever changes it on purpose reads the
// difference and writes the records anew:
//
//	go test ./engine -update
type recorder struct {
	mu    sync.Mutex
	tests map[string][]*recording
}

// recording is one conversation.
type recording struct {
	text bytes.Buffer
	last enginetest.Keys
}

var recorders = recorder{tests: map[string][]*recording{}}

// What is recorded is bounded: longest is the bytes of one conversation, enough
// for all but those that go on for the sake of their length, and a test that
// holds more than most holds them to count something.
const (
	longest = 16 << 10
	most    = 32
)

// of begins the record of one more conversation of a test.
func (r *recorder) of(t testing.TB) *recording {
	test, ok := t.(*testing.T)
	if !ok {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.tests[test.Name()]; !ok {
		test.Cleanup(func() { r.compare(test) })
	}
	rec := &recording{}
	r.tests[test.Name()] = append(r.tests[test.Name()], rec)
	return rec
}

// step records one step.
func (rec *recording) step(r Result, state []byte) {
	if rec == nil || rec.text.Len() > longest {
		return
	}
	effects := make([]any, len(r.Effects))
	for i, e := range r.Effects {
		effects[i] = e
		if n, ok := e.(OpenNew); ok { // of its event, what the world does not say anyway
			effects[i] = OpenNew{Event{Kind: n.Event.Kind, Text: n.Event.Text, Tap: n.Event.Tap, Opening: n.Event.Opening}}
		}
	}
	rec.last = enginetest.WriteStep(&rec.text, r.Trace, effects, state, rec.last)
}

// compare compares the conversations of a test, in whatever order they were
// held, with their record: a file for a test, a part for each of its subtests.
func (r *recorder) compare(t *testing.T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var talks []string
	for _, rec := range r.tests[t.Name()] {
		if rec.text.Len() > 0 {
			talks = append(talks, rec.text.String())
		}
	}
	delete(r.tests, t.Name())
	if t.Failed() || len(talks) == 0 || len(talks) > most {
		return
	}
	slices.Sort(talks)
	now := strings.Join(talks, "----\n")
	top, _, _ := strings.Cut(t.Name(), "/")
	path := filepath.Join("testdata", "records", top+".txt")
	parts, err := enginetest.ReadParts(path)
	if err != nil {
		t.Error(err)
		return
	}
	if *update {
		parts[t.Name()] = now
		if err := enginetest.WriteParts(path, parts); err != nil {
			t.Error(err)
		}
		return
	}
	recorded, ok := parts[t.Name()]
	if !ok { // a new test: it is compared from its first record on
		return
	}
	if d := enginetest.Difference(recorded, now); d != "" {
		t.Errorf("%s: %s\nif it is meant: go test ./engine -update", path, d)
	}
}

// unrecorded is for conversations that are made up by chance.
func (c *chat) unrecorded() *chat {
	c.record = nil
	return c
}
