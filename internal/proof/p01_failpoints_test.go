package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/internal/proof/kill"
)

// turns are the kinds of turn that the program is killed in: what is written
// before, and the words or the button that make the turn.
var turns = []struct {
	name, text string
	before     int
	tap        bool
}{
	{"opening", "", 0, false},
	{"answer", "", 1, false},
	{"tap", "My order", 1, true},
	{"handoff", "A person", 1, false},
	{"resolve", "Goodbye", 1, false},
}

// places are the named boundaries; @2 is the second time: a row is marked
// first and settled then.
var places = []string{
	"step.before", "turn.before_apply", "apply.after_seen", "apply.before_commit", "apply.after_commit", "turn.after_apply",
	"send.after_mark", "send.after_write", "settle.before", "settle.before_commit", "settle.after_commit", "settle.before_commit@2", "settle.after_commit@2",
}

// TestPromise_P1_Failpoints: the program dies at every named boundary of every
// kind of turn, and at every statement of a turn.
func TestPromise_P1_Failpoints(t *testing.T) {
	s := scale(t)
	t.Parallel()
	start := time.Now()
	var lanes [3]*failing
	t.Run("die", func(t *testing.T) {
		for lane := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				lanes[lane] = dying(t, lane, len(lanes), of(s, 16, 60, 60))
			})
		}
	})
	kills, hit := 0, map[string]bool{}
	for _, f := range lanes {
		if f == nil {
			return // it has said why
		}
		kills += f.kills
		maps.Copy(hit, f.hit)
	}
	everyName(t, hit)
	report(t, "P1_Failpoints: %d kills at %d named places x %d kinds of turn and at single statements: 0 lost, 0 doubled, 0 out of order; integrity ok; %.0f s",
		kills, len(places), len(turns), time.Since(start).Seconds())
}

// dying does one lane's share of the deaths, on a program of its own.
func dying(t *testing.T, lane, lanes, statements int) *failing {
	order := filepath.Join(t.TempDir(), "order")
	r := newRig(t, kill.Options{Binary: kill.Build(t, instrumented), Env: []string{"DISPATCHER_FAILPOINT_FILE=" + order}})
	f := &failing{rig: r, order: order, rng: rand.New(rand.NewPCG(1, uint64(lane))), hit: map[string]bool{}}
	n := 0
	for _, turn := range turns {
		for _, place := range places {
			if n++; n%lanes == lane && !f.die(turn.name, turn.text, turn.before, turn.tap, place) {
				t.Errorf("%s in %s turn was not reached", place, turn.name)
			}
		}
	}
	for n := range statements {
		if turn := turns[n%len(turns)]; n%lanes == lane {
			f.die(turn.name, turn.text, turn.before, turn.tap, fmt.Sprintf("statement@%d", n+1))
		}
	}
	f.die("opening", "", 0, false, "put.before_commit") // housekeeping comes within a second
	r.settle(time.Minute)
	found := r.book()
	clean(t, found)
	t.Logf("%d kills: %s", f.kills, found)
	return f
}

// failing is a rig whose program dies where it is told to.
type failing struct {
	*rig
	order string
	rng   *rand.Rand
	kills int
	n     int
	hit   map[string]bool
}

// die prepares a conversation, orders the death, makes the turn and lets the
// program start again. false: it did not die.
func (f *failing) die(kind, text string, before int, tap bool, place string) bool {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	f.n++
	who, channel := fmt.Sprintf("f%d", f.n), f.n%rigChannels
	for n := range before {
		f.deliver(ctx, f.rng, f.offer(who, channel, n, fmt.Sprintf("%s says %d", who, n)))
	}
	f.settle(20 * time.Second)
	if text == "" {
		text = fmt.Sprintf("%s says %d", who, before)
	}
	e := f.offer(who, channel, before, text)
	if tap {
		e.body = fakeplatform.WebhookTap(e.id, who, f.payload(who, text), text, time.Now())
	}
	f.command(place + "=kill")
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.deliver(ctx, f.rng, e)
	}()
	died := f.died(3 * time.Second)
	f.command("")
	if died {
		f.kills++
		name, _, _ := strings.Cut(place, "@")
		f.hit[name] = true
		if err := f.svc.Restart(); err != nil {
			f.t.Errorf("start after %s in %s turn: %v", place, kind, err)
		}
	}
	<-done
	return died
}

func (f *failing) command(text string) {
	f.t.Helper()
	if text == "" {
		_ = os.Remove(f.order)
		return
	}
	whole := f.order + ".new"
	if err := os.WriteFile(whole, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(whole, f.order); err != nil {
		f.t.Fatal(err)
	}
}

func (f *failing) died(limit time.Duration) bool {
	select {
	case <-f.svc.Exited():
		return true
	case <-time.After(limit):
		return false
	}
}

// payload is the button of that label in the last message a contact was shown.
func (f *failing) payload(who, label string) string {
	f.t.Helper()
	shown := f.fake.Shown()
	for _, d := range slices.Backward(shown) {
		if d.Thread != who {
			continue
		}
		var body struct {
			Data struct {
				Options []struct{ Payload, Label string }
			}
		}
		if err := json.Unmarshal(d.Body, &body); err != nil {
			f.t.Fatal(err)
		}
		for _, o := range body.Data.Options {
			if o.Label == label {
				return o.Payload
			}
		}
	}
	f.t.Fatalf("%s was shown no button %q", who, label)
	return ""
}

// namedPlace finds the failpoints of the sources.
var namedPlace = regexp.MustCompile(`\.(?:failpoint|fail)\("([a-z_]+\.[a-z_]+)"\)`)

// everyName demands that each failpoint of inbox and of the store's write path
// was a place of death.
func everyName(t *testing.T, hit map[string]bool) {
	t.Helper()
	names := map[string]bool{"apply.before_commit": true, "apply.after_commit": true, "settle.before_commit": true, "settle.after_commit": true}
	for _, dir := range []string{"../../inbox", "../../storage/sqlite"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range namedPlace.FindAllStringSubmatch(string(text), -1) {
				names[m[1]] = !strings.HasSuffix(file, "_test.go")
			}
		}
	}
	for name, real := range names {
		if real && !hit[name] {
			t.Errorf("nobody died at failpoint %s", name)
		}
	}
}
