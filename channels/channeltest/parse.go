package channeltest

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
)

// request is a corpus body as it comes: signed when the kind signs.
func (s *suite) request(body []byte) channels.Request {
	if s.Sign == nil {
		return Post(body)
	}
	return s.signed(body, 0)
}

// corpus: Parse gives the golden events, the same ones twice and in eight goroutines (C5).
func (s *suite) corpus(t *testing.T) {
	if s.Corpus == "" {
		t.Skip("this kind has no webhook")
	}
	var got bytes.Buffer
	for i, body := range Lines(t, s.Corpus) {
		r := s.request(body)
		events, err := s.adapter.Parse(r)
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		s.parsesAlike(t, r, events)
		for _, in := range events {
			if !json.Valid(in.Raw) {
				t.Errorf("line %d: raw is not JSON", i+1)
			}
			in.Raw = nil // the corpus has it
			line, err := json.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			got.Write(append(line, '\n'))
		}
		if len(events) == 0 {
			got.WriteString("none\n")
		}
	}
	Golden(t, s.Golden, got.Bytes())
}

// Golden compares with a file; UPDATE_GOLDEN=1 in the environment writes it.
func Golden(t *testing.T, path string, got []byte) {
	t.Helper()
	want, err := os.ReadFile(path)
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		g, w := "", ""
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if g != w {
			t.Errorf("%s line %d:\ngot  %s\nwant %s", path, i+1, g, w)
		}
	}
}

func (s *suite) parsesAlike(t *testing.T, r channels.Request, want []dm.Inbound) {
	t.Helper()
	var wg sync.WaitGroup
	results := make([][]dm.Inbound, 8)
	for i := range results {
		wg.Go(func() { results[i], _ = s.adapter.Parse(r) })
	}
	wg.Wait()
	for _, got := range results {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("parsed twice, differently:\n%+v\n%+v", got, want)
		}
	}
}

// shape: every event can be stored (C6).
func (s *suite) shape(t *testing.T) {
	if s.Corpus == "" {
		t.Skip("this kind has no webhook")
	}
	for i, body := range Lines(t, s.Corpus) {
		events, err := s.adapter.Parse(s.request(body))
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		seen := map[string]bool{}
		for _, in := range events {
			if problem := misshapen(in); problem != "" {
				t.Errorf("line %d: %s: %+v", i+1, problem, in)
			}
			if seen[in.ExternalID] {
				t.Errorf("line %d: %s is there twice", i+1, in.ExternalID)
			}
			seen[in.ExternalID] = true
		}
	}
}

// misshapen says what keeps an event from being stored.
func misshapen(in dm.Inbound) string {
	threadless := in.Kind == dm.KindAccount || in.Kind == dm.KindIgnored || in.Kind == dm.KindDelivery
	switch {
	case in.Kind == "":
		return "no kind"
	case in.ExternalID == "":
		return "no external id"
	case len(in.ExternalID) > 600 || len(in.MessageID) > 600 || len(in.Thread) > 600:
		return "an id is too long"
	case in.Thread == "" && !threadless:
		return "no thread"
	case !in.At.IsZero() && in.At.Location() != time.UTC:
		return "time is not UTC"
	case strings.ContainsRune(in.Text, 0):
		return "NUL in the text"
	case in.Kind == dm.KindTap && in.Tap == nil:
		return "tap without data"
	case in.Kind == dm.KindEcho && in.Echo == nil:
		return "echo without data"
	case in.Visibility != dm.Private && in.Visibility != dm.Public:
		return "no visibility"
	}
	return ""
}

// mutations: a strange value in any field harms nobody (C7).
func (s *suite) mutations(t *testing.T) {
	if s.Corpus == "" {
		t.Skip("this kind has no webhook")
	}
	for i, body := range Lines(t, s.Corpus) {
		var doc any
		if err := json.Unmarshal(body, &doc); err != nil {
			t.Fatal(err)
		}
		n := 0
		mutate(doc, func(v any) { doc = v }, func() {
			n++
			changed, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			events, err := s.adapter.Parse(s.request(changed))
			if err != nil {
				return // refused as a whole: the server answers 400, or parks
			}
			for _, in := range events {
				if problem := misshapen(in); problem != "" {
					t.Errorf("line %d: %s after mutation %s", i+1, problem, changed)
				}
			}
		})
		if n < 10 {
			t.Errorf("line %d: only %d mutations", i+1, n)
		}
	}
}

// strangers are what every value is replaced by.
func strangers() []any {
	return []any{nil, true, -1.5, 1e300, "", "x", "\x00\uFFFD", strings.Repeat("9", 600), []any{}, []any{nil, 1.0, "a"}, map[string]any{}, map[string]any{"id": nil}}
}

// mutate replaces every value below v in turn, removes every field, adds an
// unknown one, and calls try each time. set puts a value into v's place.
func mutate(v any, set func(any), try func()) {
	for _, s := range strangers() {
		set(s)
		try()
	}
	set(v)
	switch v := v.(type) {
	case map[string]any:
		v["unknown_field"] = map[string]any{"x": 1.0}
		try()
		delete(v, "unknown_field")
		for _, key := range keysOf(v) {
			old := v[key]
			delete(v, key)
			try()
			v[key] = old
			mutate(old, func(x any) { v[key] = x }, try)
		}
	case []any:
		for i := range v {
			mutate(v[i], func(x any) { v[i] = x }, try)
		}
	}
}

func keysOf(m map[string]any) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// echo: what the platform echoes of our own messages is known as ours (C13).
func (s *suite) echo(t *testing.T) {
	if s.Echo == nil {
		t.Skip("this platform has no echoes")
	}
	events, err := s.adapter.Parse(s.request(s.Echo))
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != 1 || events[0].Kind != dm.KindEcho || events[0].Echo.App != "us" {
		t.Errorf("%+v", events)
	}
}

// allocations: a body costs at most 64 times its size (C14). Other tests run
// beside this one, so the least of several measurements counts.
func (s *suite) allocations(t *testing.T) {
	if s.Corpus == "" {
		t.Skip("this kind has no webhook")
	}
	bodies := append(Lines(t, s.Corpus),
		[]byte(`{"a":[`+strings.Repeat("1,", 50000)+`1]}`),
		[]byte(`{`+strings.Repeat(`"",`, 2)+`"a":1}`),
		[]byte(strings.Repeat(`{"a":`, 31)+`"`+strings.Repeat(`\u0041`, 20000)+`"`+strings.Repeat(`}`, 31)))
	for i, body := range bodies {
		most := uint64(64 * max(len(body), 256))
		if got := s.parseBytes(body, most); got > most {
			t.Errorf("body %d of %d bytes: %d bytes allocated, at most %d", i+1, len(body), got, most)
		}
	}
}

// parseBytes measures until one run is within the limit, or a hundred are not.
func (s *suite) parseBytes(body []byte, most uint64) uint64 {
	r := s.request(body)
	least := uint64(1 << 62)
	for n := 0; n < 100 && least > most; n++ {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = s.adapter.Parse(r)
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// FuzzParse feeds a kind's Parse with its corpus and whatever grows from it.
func FuzzParse(f *testing.F, spec Spec) {
	if spec.Name == "" {
		spec.Name = "shop"
	}
	s := &suite{Spec: spec}
	s.adapter = s.open(f, spec.GoodConfig)
	for _, body := range Lines(f, spec.Corpus) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := s.adapter.Parse(Post(body))
		if err != nil {
			return
		}
		for _, in := range events {
			if problem := misshapen(in); problem != "" {
				t.Fatalf("%s: %q", problem, body)
			}
		}
	})
}

// FuzzVerify feeds a kind's Verify: nothing but the signature of the very body passes.
func FuzzVerify(f *testing.F, spec Spec) {
	if spec.Name == "" {
		spec.Name = "shop"
	}
	s := &suite{Spec: spec}
	s.adapter = s.open(f, spec.GoodConfig)
	good := s.signed([]byte(`{"a":1}`), 0)
	want := good.Header.Get(spec.SignatureHeader)
	f.Add(good.Body, want)
	f.Add([]byte(`{}`), want)
	f.Add(good.Body, "")
	f.Fuzz(func(t *testing.T, body []byte, signature string) {
		r := s.signed([]byte(`{"a":1}`), 0)
		r.Body = body
		r.Header.Set(spec.SignatureHeader, signature)
		passed := s.adapter.Verify(r, Now) == nil
		if passed && !(bytes.Equal(body, good.Body) && strings.Contains(signature, want)) {
			t.Fatalf("verified %q with %q", body, signature)
		}
	})
}
