package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"

	"dispatcher/storage"
)

// Every goal of runtime.md 7.2 has a line, and every line somebody who measures it.
func TestEveryGoalHasALine(t *testing.T) {
	t.Parallel()
	measured := map[string]string{}
	for _, g := range groups() {
		for _, key := range g.keys {
			if other, twice := measured[key]; twice {
				t.Errorf("%s is measured by %s and by %s", key, other, g.name)
			}
			measured[key] = g.name
		}
	}
	lines := map[string]bool{}
	for _, g := range goals() {
		lines[g.id()] = true
		if _, ok := measured[g.key]; !ok && g.id() != "B17" {
			t.Errorf("nobody measures %s", g.key)
		}
		delete(measured, g.key)
	}
	for key, group := range measured {
		t.Errorf("%s measures %s, which has no line", group, key)
	}
	for n := 1; n <= 18; n++ {
		if !lines[fmt.Sprintf("B%d", n)] {
			t.Errorf("B%d has no line", n)
		}
	}
}

func TestTheTable(t *testing.T) {
	t.Parallel()
	b := &bench{rounds: 5, start: time.Now(), results: map[string]result{}}
	b.set("B1", []float64{4.5, 6, 5.5})
	b.set("B5", []float64{0.25})
	b.set("B7", []float64{3.5})
	b.skip("B13", "failed: no streams")
	b.note("floor %d µs", 1)
	var out bytes.Buffer
	quiet := machine{alone: 100, both: 99}
	render(&out, b, quiet, quiet)
	text := out.String()
	for _, g := range goals() {
		if !strings.Contains(text, "\n"+g.key+" ") {
			t.Errorf("no line for %s", g.key)
		}
	}
	for _, want := range []string{"5.50 x", "[4.50 … 6]", "1.10x over", "1.83x over", "2.00x under", "met", "1.14x under",
		"not run: failed: no streams", "not run: no PostgreSQL store yet", "not run: BENCH=full", "  floor 1 µs"} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "NOT QUIET") {
		t.Error("a quiet machine is called noisy")
	}
	if noisy := (machine{alone: 100, both: 60}).compare(quiet); !strings.Contains(noisy, "NOT QUIET") {
		t.Errorf("a noisy machine is not told: %s", noisy)
	}
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	if got := median([]float64{9, 1, 3, 2}); got != 2.5 {
		t.Errorf("median %v", got)
	}
	var list []time.Duration
	for i := range 100 {
		list = append(list, time.Duration(100-i))
	}
	if p50, p99 := quantile(list, 0.5), quantile(list, 0.99); p50 != 50 || p99 != 99 {
		t.Errorf("p50 %d, p99 %d", p50, p99)
	}
	if got := ratios([]float64{4, 1, 1}, []float64{2, 0}); len(got) != 1 || got[0] != 2 {
		t.Errorf("ratios %v", got)
	}
}

// A stall is counted against everything that should have begun meanwhile.
func TestAnOpenLoopForgivesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		o, err := openLoop(t.Context(), 1, 10, 2*time.Second, func(int) error {
			if n++; n == 5 {
				time.Sleep(time.Second)
			}
			return nil
		})
		if err != nil || o.done != 20 {
			t.Fatalf("%d done, %v", o.done, err)
		}
		if late := quantile(o.waits, 1); late != time.Second {
			t.Errorf("the longest wait is %v", late)
		}
		if p75 := quantile(o.waits, 0.75); p75 < 400*time.Millisecond {
			t.Errorf("a quarter waited %v or longer behind the stall", p75)
		}
	})
}

func TestAClosedLoopTellsRefusalsFromFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, err := closedLoop(t.Context(), 2, time.Second, func(who int) error {
			time.Sleep(100 * time.Millisecond)
			if who == 1 {
				return refused{503, "busy"}
			}
			return nil
		})
		if err != nil || o.done != 10 || o.refused != 10 || o.why == nil {
			t.Errorf("%+v, %v", o, err)
		}
		broken := errors.New("broken")
		if _, err := closedLoop(t.Context(), 1, time.Second, func(int) error { return broken }); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	})
}

// The projects of the bench are ones the program accepts.
func TestProjects(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{"job": jobProject, "large": largeProject(5)} {
		if _, err := loadProject(name, files); err != nil {
			t.Error(err)
		}
	}
	job, err := loadProject("job", jobProject)
	if err != nil {
		t.Fatal(err)
	}
	if end := newTalk(job.Set, standardJob).memory(); end.Owner != "queue" || end.Slots["order_number"].Value != "AB123456" || len(end.Attempts) != 1 {
		t.Errorf("the standard job ends with %+v", end)
	}
	f, err := newFloor()
	if err != nil {
		t.Fatal(err)
	}
	st := floorState{State: "new"}
	for _, text := range standardJob {
		st, _ = f.step(st, text)
	}
	if st.State != "person" || st.Order != "AB123456" || st.Tries != 1 {
		t.Errorf("the floor ends with %+v", st)
	}
}

// Copies of sampled turns are applied, one by one and in groups, and a stored
// conversation as well.
func TestRawWritesWhatInboxWrites(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "bench-test") // a data folder must be 0700 all the way
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	b := &bench{ctx: context.Background(), dir: dir, talk: io.Discard, start: time.Now(), results: map[string]result{}, tiny: true}
	t.Cleanup(b.endChildren)
	r, err := b.newRaw("raw", 128)
	if err != nil {
		t.Fatal(err)
	}
	for who := range 3 {
		for range 5 {
			if err := errors.Join(r.grouped(who), r.alone(who)); err != nil {
				t.Fatal(err)
			}
		}
	}
	m := &r.sample.middle
	if len(m.Messages) != 3 || len(m.Outbox) != 2 || len(m.Seen) == 0 || len(m.Conv.State) == 0 || payload(m) < 900 {
		t.Errorf("a turn in the middle has %d messages, %d rows, %d bytes", len(m.Messages), len(m.Outbox), payload(m))
	}
	full := r.sample.stored()
	out, err := r.store.Apply(t.Context(), []storage.Turn{full})
	if err != nil || out[0].Status != storage.Applied {
		t.Fatalf("%+v, %v", out, err)
	}
}

// What the client signs the floor accepts, and nothing else.
func TestClientAndEchoFloor(t *testing.T) {
	t.Parallel()
	e := echo.New()
	e.POST("/hook", echoFloor)
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	c, err := dial(strings.TrimPrefix(srv.URL, "http://"), "/hook")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	for range 3 {
		if err := c.say("c-1", "1"); err != nil {
			t.Fatal(err)
		}
	}
	res, err := http.Post(srv.URL+"/hook", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("unsigned: %d", res.StatusCode)
	}
	c.path = "/nowhere"
	if err := c.say("c-1", "1"); !isRefused(err) {
		t.Errorf("got %v", err)
	}
}

// The flags are read before anything is measured.
func TestFlags(t *testing.T) {
	t.Parallel()
	if err := run(t.Context(), []string{"-only", "B99"}, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "B1 to B18") {
		t.Errorf("got %v", err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-only", "b17", "-rounds", "1"}, &out, io.Discard); err != nil || !strings.Contains(out.String(), "no PostgreSQL store yet") {
		t.Errorf("%v: %s", err, out.String())
	}
}
