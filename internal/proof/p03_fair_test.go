package proof

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/internal/proof/kill"
)

// TestPromise_P3_Fair: one address that sends a thousand messages a second
// does not make the others wait.
func TestPromise_P3_Fair(t *testing.T) {
	s := scale(t)
	t.Parallel()
	rounds := of(s, 5, 120, 120)
	quiet, loud, hot := fairness(t, kill.Options{}, rounds, 10*time.Millisecond)
	ratio := float64(loud) / float64(quiet)
	for again := 0; again < 2 && ratio > 2 && loud > unfelt; again++ { // other proofs run beside this one
		quiet, loud, hot = fairness(t, kill.Options{}, rounds, 10*time.Millisecond)
		ratio = float64(loud) / float64(quiet)
	}
	if ratio > 2 && loud > unfelt {
		t.Errorf("others wait %s beside a hot address, %s without: %.1fx", loud, quiet, ratio)
	}
	report(t, "P3_Fair: a hot address tried %.0f messages a second; p99 of the others %s beside as many pings, %s beside it: %.2fx", hot, quiet, loud, ratio)
	t.Run("mutant/one_lane", func(t *testing.T) {
		t.Parallel()
		var quiet, loud time.Duration
		for range 8 { // beside other proofs even a good measure misses now and then
			quiet, loud, _ = fairness(t, kill.Options{Binary: kill.Build(t, instrumented), Env: []string{"DISPATCHER_MUTANT=one_lane"}}, 3, 40*time.Millisecond)
			if float64(loud) > 2*float64(quiet) {
				return
			}
		}
		t.Errorf("a lane shared by all was not noticed: %s without, %s beside a hot address", quiet, loud)
	})
}

// unfelt is a wait in which the machine's own unrest drowns the difference.
const unfelt = 50 * time.Millisecond

// fairness measures what strangers wait for their 2xx beside a hot address,
// and beside as many signed pings, which cost the same machine and the same
// senders as much but are nobody's messages. Both in turn; the median over the
// rounds of each round's p99.
func fairness(t *testing.T, opt kill.Options, rounds int, every time.Duration) (quiet, loud time.Duration, hotRate float64) {
	t.Helper()
	const span = 800 * time.Millisecond
	project := func(url string) map[string]string {
		p := standProject(url, rigFlow)
		p["dispatcher.yaml"] = strings.Replace(p["dispatcher.yaml"], "sends: {n: 100000, per: 1s}", "sends: {n: 1, per: 24h}", 1)
		return p
	}
	f := &fair{st: openStand(t, project, opt), every: every}
	f.sender = f.st.sender("shop")
	f.others(span) // everything is warm
	var alone, beside []time.Duration
	var tried int64
	for range rounds {
		alone = append(alone, f.beside(span, func(n int64) (string, []byte) {
			return fmt.Sprintf("ping-%d", n), fakeplatform.WebhookEvent("ping", time.Now(), map[string]any{})
		}))
		f.tried.Store(0)
		beside = append(beside, f.beside(span, func(n int64) (string, []byte) {
			id := fmt.Sprintf("hot-%d", n)
			return id, fakeplatform.WebhookMessage(id, "hot", "again", time.Now())
		}))
		tried += f.tried.Load()
	}
	return median(alone), median(beside), float64(tried) / (span.Seconds() * float64(rounds))
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

type fair struct {
	st     *stand
	sender *fakeplatform.Sender
	every  time.Duration // between two strangers
	n      atomic.Int64
	tried  atomic.Int64
}

// others lets strangers write one by one, for so long, and gives the p99 of what they waited.
func (f *fair) others(d time.Duration) time.Duration {
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	every := time.NewTicker(f.every)
	defer every.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); <-every.C {
		n := f.n.Add(1)
		wg.Go(func() {
			who := fmt.Sprintf("calm-%d", n)
			body := fakeplatform.WebhookMessage(who, who, "hello", time.Now())
			start := time.Now()
			status, _, _ := f.sender.Once(context.Background(), who, body, 0)
			if status < 200 || status > 299 {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(start))
		})
	}
	wg.Wait()
	slices.Sort(took)
	if len(took) == 0 {
		return time.Hour
	}
	return took[len(took)*99/100]
}

// beside is what the others wait while somebody writes every millisecond,
// whatever the answer.
func (f *fair) beside(d time.Duration, write func(n int64) (id string, body []byte)) time.Duration {
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	slots := make(chan struct{}, 128)
	wg.Go(func() {
		every := time.NewTicker(time.Millisecond)
		defer every.Stop()
		for ctx.Err() == nil {
			<-every.C
			select {
			case slots <- struct{}{}:
			default:
				continue
			}
			id, body := write(f.n.Add(1))
			f.tried.Add(1)
			wg.Go(func() {
				defer func() { <-slots }()
				_, _, _ = f.sender.Once(context.Background(), id, body, 0)
			})
		}
	})
	got := f.others(d)
	stop()
	wg.Wait()
	return got
}
