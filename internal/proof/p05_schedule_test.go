package proof

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"dispatcher/channels"
)

// TestPromise_P5_Schedule: on a clock that only the test moves, nothing is
// sent before the platform allows it, also over a restart; retries keep their
// schedule, end, and are visible when they do.
func TestPromise_P5_Schedule(t *testing.T) {
	scale(t)
	began := time.Now()
	early, requests, problems := paused(t, false)
	for _, p := range problems {
		t.Error(p)
	}
	if early != 0 {
		t.Errorf("%d requests before the end of a pause", early)
	}
	gaps := retried(t)
	dead := expired(t)
	report(t, "P5 schedule: %d requests before Retry-After of %d, two restarts within a pause; %d retries in one hour, each within its jitter, then a dead letter and a person; a wait beyond the time to live is one %d ms later; %.1f s",
		early, requests, gaps, dead.Milliseconds(), time.Since(began).Seconds())
	t.Run("mutant", func(t *testing.T) {
		early, _, _ := paused(t, true)
		if early == 0 {
			t.Fatal("a channel that does not hear Retry-After passes for one that does")
		}
		report(t, "P5 mutant deaf to Retry-After: caught, %d requests too early", early)
	})
}

// paused throttles an account for 90 s, four times, once over a restart.
func paused(t *testing.T, deaf bool) (early, requests int, problems []string) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var told, until time.Time // the platform said wait, and until when
		times, restarts := 0, 0
		a := &tape{now: time.Now, deaf: deaf}
		a.answer = func(n int, d taped) (int, http.Header) {
			if d.at.After(told) && d.at.Before(until) {
				early++
				return 200, nil
			}
			if times < 4 && n%3 == 2 && !d.at.Before(until) {
				times++
				told = time.Now()
				until = told.Add(90 * time.Second)
				return 429, http.Header{"Retry-After": {"90"}}
			}
			return 200, nil
		}
		s := openInside(t, dir, insideSetup{project: insideProject(repeatFlow, ""), now: time.Now, openers: map[string]channels.Opener{"webhook": a.opener}})
		for i := range 40 {
			s.says(fmt.Sprintf("c-%d", i), fmt.Sprintf("m-%d", i), fmt.Sprintf("m-%d", i))
			time.Sleep(5 * time.Second)
			a.mu.Lock()
			within := time.Now().Add(30 * time.Second).Before(until)
			a.mu.Unlock()
			if within && restarts < 2 {
				restarts++
				s.stop()
				time.Sleep(10 * time.Second)
				s.start()
			}
		}
		time.Sleep(10 * time.Minute)
		if restarts != 2 {
			problems = append(problems, fmt.Sprintf("%d restarts fell into a pause, want two", restarts))
		}
		shown := map[string]int{}
		for _, d := range a.all() {
			if requests++; d.status == 200 {
				shown[d.text]++
			}
		}
		for i := range 40 {
			if n := shown[fmt.Sprintf("Heard m-%d", i)]; n != 1 {
				problems = append(problems, fmt.Sprintf("message %d was taken by the platform %d times", i, n))
			}
		}
		if spent := s.ask("SELECT count(*) FROM messages WHERE delivery = 7"); spent != 0 {
			problems = append(problems, fmt.Sprintf("%d messages failed for a pause that was not theirs", spent))
		}
		s.stop()
	})
	return early, requests, problems
}

// retried answers 500 for ever: the schedule of channels.md 4.3, one hour long.
func retried(t *testing.T) (tries int) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a := &tape{now: time.Now, answer: func(int, taped) (int, http.Header) { return 500, nil }}
		s := openInside(t, dir, insideSetup{project: insideProject(repeatFlow, ""), now: time.Now, openers: map[string]channels.Opener{"webhook": a.opener}})
		start := time.Now()
		conv := s.says("c-1", "m-1", "m-1")
		time.Sleep(61 * time.Minute)
		list := a.all()
		tries = len(list)
		for n := 1; n < len(list); n++ {
			gap := list[n].at.Sub(list[n-1].at)
			most := 900 * time.Second
			if n < 11 {
				most = min(most, time.Second<<(n-1))
			}
			if most = max(most, time.Second) + time.Second; gap < time.Second || gap > most { // it looks once a second
				t.Errorf("attempt %d came %s after the one before, not within 1 s … %s", n+1, gap, most)
			}
			if list[n].key != list[0].key {
				t.Error("a retry has another key")
			}
		}
		if tries < 5 {
			t.Errorf("only %d tries in an hour", tries)
		}
		if last := list[len(list)-1].at.Sub(start); last >= time.Hour {
			t.Errorf("the last try was %s after the message, its time to live is an hour", last)
		}
		if n := s.ask("SELECT count(*) FROM messages WHERE delivery = 7"); n != 1 {
			t.Errorf("%d messages are failed, want the one", n)
		}
		if n := s.ask("SELECT count(*) FROM outbox WHERE status = 4"); n != 1 {
			t.Errorf("%d dead letters, want one", n)
		}
		if n := s.ask("SELECT count(*) FROM conversations WHERE owner = 2 AND owner_id = 'general'"); n != 1 {
			t.Errorf("the customer of %s has no person", conv)
		}
		s.stop()
	})
	return tries
}

// expired asks to wait for longer than the message may live: it fails now.
func expired(t *testing.T) (took time.Duration) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a := &tape{now: time.Now, answer: func(n int, _ taped) (int, http.Header) {
			if n == 0 {
				return 429, http.Header{"Retry-After": {"1800"}}
			}
			return 200, nil
		}}
		s := openInside(t, dir, insideSetup{project: insideProject(repeatFlow, ", bot_ttl: 10m"), now: time.Now, openers: map[string]channels.Opener{"webhook": a.opener}})
		start := time.Now()
		s.says("c-1", "m-1", "m-1")
		for s.ask("SELECT count(*) FROM messages WHERE delivery = 7") == 0 && time.Since(start) < time.Hour {
			time.Sleep(time.Millisecond)
			synctest.Wait()
		}
		if took = time.Since(start); took > 2*time.Second {
			t.Errorf("it failed %s later, not now", took)
		}
		if n := s.ask("SELECT count(*) FROM outbox WHERE status = 4"); n != 1 {
			t.Errorf("%d dead letters, want one", n)
		}
		s.stop()
	})
	return took
}
