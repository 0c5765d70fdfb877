package proof

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"dispatcher/channels"
	"dispatcher/inbox"
	"dispatcher/storage"
	"dispatcher/storage/sqlite"
)

// wall is the clock of the machine as the service sees it: it can be set.
type wall struct{ off atomic.Int64 }

func (w *wall) now() time.Time       { return time.Now().Add(time.Duration(w.off.Load())).UTC() }
func (w *wall) jump(d time.Duration) { w.off.Add(int64(d)) }

// spell is a stretch of time on one setting of the clock.
type spell struct {
	jump  time.Duration // the clock is set forward or back
	sleep bool          // the program is down over the jump
	runs  time.Duration // and then time passes
}

// spells draws a history of a clock: an hour forward or back, daylight saving,
// days asleep, seconds of correction.
func spells() *rapid.Generator[[]spell] {
	one := rapid.Custom(func(t *rapid.T) spell {
		s := spell{runs: rapid.SampledFrom([]time.Duration{4 * time.Second, 20 * time.Second, 3 * time.Minute}).Draw(t, "runs")}
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			s.jump = time.Hour
		case 1:
			s.jump = -time.Hour
		case 2:
			s.jump, s.sleep = 72*time.Hour, true
		case 3:
			s.jump = time.Duration(rapid.IntRange(-40, 40).Draw(t, "seconds")) * time.Second
		case 4:
			s.jump, s.sleep = time.Duration(rapid.IntRange(-3600, 20000).Draw(t, "off"))*time.Second, true
		}
		return s
	})
	return rapid.SliceOfN(one, 4, 14)
}

// ticks is what became of the timers of one history.
type ticks struct {
	timers, fired int
	early, twice  int
	never, slow   int
	worst         time.Duration // from the moment the clock had passed a timer to its turn
	bad           []string
}

const (
	p12Conversations = 6
	p12Timers        = 20
)

// TestPromise_P12_Clock: whatever is done to the clock, each timer fires once,
// in the turn that drops it, and not before the clock has passed it.
func TestPromise_P12_Clock(t *testing.T) {
	runs := of(scale(t), 12, 1000, 1000)
	began := time.Now()
	seed := rand.IntN(1 << 30)
	var sum ticks
	for i := range runs {
		history := spells().Example(seed + i)
		v := live(t, history, nil)
		for _, bad := range v.bad {
			t.Errorf("seed %d, history %+v: %s", seed+i, history, bad)
		}
		sum.add(v)
	}
	daylight(t)
	report(t, "P12 clock: %d histories of jumps, sleep and restarts, %d timers, %d fired; %d early, %d twice, %d never, %d late (worst %s behind the clock); due over both changes of summer time as the wall says; %.1f s",
		runs, sum.timers, sum.fired, sum.early, sum.twice, sum.never, sum.slow, sum.worst.Round(time.Millisecond), time.Since(began).Seconds())
	t.Run("mutant", func(t *testing.T) {
		history := []spell{{runs: 40 * time.Second}, {jump: time.Hour, runs: time.Minute}, {jump: -time.Hour, runs: time.Minute}, {jump: 72 * time.Hour, sleep: true, runs: time.Minute}}
		kept := live(t, history, func(s storage.Store) storage.Store { return keeper{s} })
		if kept.twice == 0 {
			t.Error("timers whose rows stay pass for ones that fire once")
		}
		hasty := live(t, history, func(s storage.Store) storage.Store { return hasty{s} })
		if hasty.early == 0 {
			t.Error("timers that fire ten minutes early pass for punctual ones")
		}
		report(t, "P12 mutants: row not dropped caught (%d twice), clock ten minutes fast caught (%d early)", kept.twice, hasty.early)
	})
}

func (v *ticks) add(o ticks) {
	v.timers, v.fired, v.early, v.twice = v.timers+o.timers, v.fired+o.fired, v.early+o.early, v.twice+o.twice
	v.never, v.slow, v.worst = v.never+o.never, v.slow+o.slow, max(v.worst, o.worst)
}

// keeper plants a fault: the turn that handles a timer leaves its row.
type keeper struct{ storage.Store }

func (k keeper) Apply(ctx context.Context, turns []storage.Turn) ([]storage.Outcome, error) {
	for i := range turns {
		turns[i].Drop = nil
	}
	return k.Store.Apply(ctx, turns)
}

// hasty plants a fault: it asks for what is due in ten minutes.
type hasty struct{ storage.Store }

func (h hasty) Lease(ctx context.Context, q storage.LeaseQuery) ([]storage.Work, time.Time, error) {
	if q.What == "timers" {
		q.Now += (10 * time.Minute).Milliseconds()
	}
	return h.Store.Lease(ctx, q)
}

// live runs one history over timers that are spread over five days.
func live(t *testing.T, history []spell, wrap func(storage.Store) storage.Store) (v ticks) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &wall{}
		var mu sync.Mutex
		fired := map[string]time.Time{} // by timer: the moment, on the test's own clock
		setup := insideSetup{project: insideProject(queueFlow, ""), now: w.now, wrap: wrap, openers: quietTape(),
			onTimer: func(d *inbox.Draft, tm storage.Timer) (bool, error) {
				if !strings.HasPrefix(tm.Name, "proof:") {
					return false, nil
				}
				d.Append(inbox.NewMessage{Kind: storage.MsgNote, Author: storage.AuthorSystem, Rule: tm.Name})
				mu.Lock()
				fired[tm.Name] = time.Now()
				mu.Unlock()
				return true, nil
			}}
		s := openInside(t, dir, setup)
		due := s.arm(w)
		track := []mark{{time.Now(), w.off.Load(), false}}
		for _, sp := range history {
			if sp.sleep {
				s.stop()
				track = append(track, mark{at: time.Now(), down: true})
				w.jump(sp.jump)
				s.start()
			} else {
				w.jump(sp.jump)
			}
			track = append(track, mark{time.Now(), w.off.Load(), false})
			time.Sleep(sp.runs + 3*time.Millisecond) // no clock is set in the very moment in which a timer is due
		}
		w.jump(20 * 24 * time.Hour)
		track = append(track, mark{time.Now(), w.off.Load(), false})
		time.Sleep(10 * time.Second)
		v.judge(s, due, fired, track)
		s.stop()
	})
	return v
}

// mark is a moment at which the clock was set, or the program ended.
type mark struct {
	at   time.Time // the test's own clock
	off  int64
	down bool
}

func quietTape() map[string]channels.Opener {
	return map[string]channels.Opener{"webhook": func(name string, cfg channels.ConfigNode, env channels.Env) (channels.Adapter, []channels.Diagnostic) {
		return tapeOf(name, cfg, env)
	}}
}

// arm sets the timers, each conversation its own.
func (s *inside) arm(w *wall) map[string]time.Time {
	due := map[string]time.Time{}
	for c := range p12Conversations {
		uid, _ := inbox.ParseUID(s.says(fmt.Sprintf("c-%d", c), fmt.Sprintf("m-%d", c), "hello"))
		_, err := s.Do(context.Background(), storage.Key{UID: uid}, func(v *inbox.View) (*inbox.Draft, error) {
			d := v.Draft()
			for k := range p12Timers {
				name := fmt.Sprintf("proof:%d-%d", c, k)
				due[name] = w.now().Add(time.Duration(c*7+1)*time.Second + time.Duration(k*k)*18*time.Minute).Truncate(time.Millisecond)
				d.Timer(name, due[name])
			}
			return d, nil
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return due
}

// judge counts the rows that the timers' turns have left.
func (v *ticks) judge(s *inside, due, fired map[string]time.Time, track []mark) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, sqlite.File)+"?_pragma=query_only(ON)")
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT rule, at FROM messages WHERE rule LIKE 'proof:%'")
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	count := map[string]int{}
	for rows.Next() {
		var name string
		var at int64
		if err := rows.Scan(&name, &at); err != nil {
			s.t.Fatal(err)
		}
		if count[name]++; count[name] == 2 {
			v.twice++
			v.bad = append(v.bad, name+" fired twice")
		}
		if by := due[name].Sub(time.UnixMilli(at)); by > 0 {
			v.early++
			v.bad = append(v.bad, fmt.Sprintf("%s fired %s early", name, by))
		}
	}
	for name, at := range due {
		v.timers++
		if count[name] == 0 {
			v.never++
			v.bad = append(v.bad, name+" never fired")
			continue
		}
		v.fired++
		passed, ok := passes(track, at)
		if late := fired[name].Sub(passed); ok && count[name] == 1 {
			if v.worst = max(v.worst, late); late > 3*time.Second {
				v.slow++
				v.bad = append(v.bad, fmt.Sprintf("%s fired %s after the clock had passed it", name, late))
			}
		}
	}
}

// passes gives the first moment at which the clock had passed a time and ran
// on for the three seconds in which a timer must have fired.
func passes(track []mark, due time.Time) (time.Time, bool) {
	for i, m := range track {
		if m.down {
			continue
		}
		end := m.at.Add(24 * time.Hour)
		if i+1 < len(track) {
			end = track[i+1].at
		}
		at := due.Add(-time.Duration(m.off))
		if at.Before(m.at) {
			at = m.at
		}
		if end.Sub(at) >= 3*time.Second {
			return at, true
		}
	}
	return time.Time{}, false
}

// daylight: a person is promised within 15 minutes of opening time, in the
// night in which the clocks change. The deadline is what the wall will say.
func daylight(t *testing.T) {
	for _, c := range []struct{ asked, due time.Time }{
		{time.Date(2027, 3, 27, 21, 0, 0, 0, time.UTC), time.Date(2027, 3, 28, 7, 15, 0, 0, time.UTC)},   // opens 08:00 BST
		{time.Date(2027, 10, 30, 20, 0, 0, 0, time.UTC), time.Date(2027, 10, 31, 8, 15, 0, 0, time.UTC)}, // opens 08:00 GMT
	} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			w := &wall{}
			w.jump(time.Until(c.asked))
			flow := strings.Replace(queueFlow, "queue: general", "queue: daytime", 1)
			s := openInside(t, dir, insideSetup{project: insideProject(flow, ""), now: w.now, openers: quietTape()})
			uid, _ := inbox.ParseUID(s.says("c-1", "m-1", "hello"))
			view, err := s.View(context.Background(), storage.Key{UID: uid})
			if err != nil {
				t.Fatal(err)
			}
			if got := time.UnixMilli(view.Snap.Conv.FirstReplyDue).UTC(); !got.Equal(c.due) {
				t.Errorf("asked at %s, due at %s, want %s", c.asked, got, c.due)
			}
			overdue := "SELECT count(*) FROM events WHERE type = 'handoff.overdue'"
			w.jump(c.due.Sub(w.now()) - 5*time.Second)
			time.Sleep(3 * time.Second)
			if n := s.ask(overdue); n != 0 {
				t.Errorf("overdue %d times before it was due", n)
			}
			time.Sleep(5 * time.Second)
			if n := s.ask(overdue); n != 1 {
				t.Errorf("overdue %d times, want once", n)
			}
			w.jump(-time.Hour)
			time.Sleep(5 * time.Second)
			w.jump(2 * time.Hour)
			time.Sleep(5 * time.Second)
			if n := s.ask(overdue); n != 1 {
				t.Errorf("overdue %d times after the clock was set, want once", n)
			}
			s.stop()
		})
	}
}
