package proof

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/internal/proof/kill"
	"dispatcher/internal/proof/ledger"
)

// instrumented are the build tags of the program with its failpoints and its
// planted faults; one build serves all proofs.
const instrumented = "failpoints mutants"

const (
	rigSecret   = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY"
	rigChannels = 8 // each may send 40 answers a second
	rigEvents   = 6 // of one contact: fewer than the bot's own ceiling
)

// rigFlow answers every message with one message. Words leave its circle.
const rigFlow = `flow: talk
states:
  start:
    collect:
      slot: words
      ask: "Heard {{ slots.words ?? 'nothing' }}."
      always: true
      options:
        - {id: order, label: My order, goto: order}
        - {id: person, label: A person, goto: person}
        - {id: bye, label: Goodbye, goto: bye}
    goto: start
  order:
    collect: {slot: words, ask: "Which order?", always: true}
    goto: start
  person:
    handoff: general
  bye:
    say: "Bye."
    resolve: done
`

// rigProject is rigFlow behind several webhook channels that push to url.
func rigProject(url string) map[string]string {
	var b strings.Builder
	b.WriteString("dispatcher: 1\nproject: proof\nstart: talk\nqueues: {general: {name: General}}\ndefault_queue: general\nchannels:\n")
	for n := range rigChannels {
		fmt.Fprintf(&b, "  shop%d: {kind: webhook, secret: \"${env:PROOF_SECRET}\", insecure: true, outbound: {mode: push, url: \"%s/webhook\"}}\n", n, url)
	}
	return map[string]string{"dispatcher.yaml": b.String(), "flows/talk.yaml": rigFlow}
}

// rig is the real program under load: senders that retry as platforms do, and
// the platform its answers go to. It keeps the sender's side of the ledger.
type rig struct {
	t       testing.TB
	svc     *kill.Service
	fake    *fakeplatform.Server
	senders []*fakeplatform.Sender
	acks    atomic.Int64 // 2xx so far
	resent  atomic.Int64 // deliveries of what was acknowledged already
	again   float64      // odds of each of the two kinds of redelivery

	mu     sync.Mutex
	offers []*ledger.Offer
}

// newRig starts the program on rigProject.
func newRig(t testing.TB, opt kill.Options) *rig {
	t.Helper()
	r := &rig{t: t, fake: fakeplatform.Start(fakeplatform.Options{WebhookSecret: rigSecret}), again: 0.05}
	t.Cleanup(r.fake.Close)
	if opt.Project == nil {
		opt.Project = rigProject(r.fake.URL)
	}
	opt.Env = append(opt.Env, "PROOF_SECRET="+rigSecret)
	if opt.Listen == "" {
		opt.Listen = lowPort(t)
	}
	r.svc = kill.Start(t, opt)
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256, MaxConnsPerHost: 1024}}
	t.Cleanup(client.CloseIdleConnections)
	for n := range rigChannels {
		s := fakeplatform.WebhookSender(fmt.Sprintf("%s/channels/shop%d/webhook", r.svc.URL, n), rigSecret)
		s.Client = client
		r.senders = append(r.senders, s)
	}
	return r
}

// lowPort finds a free port outside of the range from which the kernel takes
// the near end of connections: a sender that calls a dead service can
// otherwise connect to itself and keep the port from it.
func lowPort(t testing.TB) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(15000))
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

// event is one message of a customer, ready to be delivered.
type event struct {
	offer   *ledger.Offer
	channel int
	id      string
	body    []byte
}

// offer makes the n-th event of a contact and enters it into the ledger.
func (r *rig) offer(contact string, channel, n int, text string) event {
	o := &ledger.Offer{Contact: contact, Text: text, N: n}
	r.mu.Lock()
	r.offers = append(r.offers, o)
	r.mu.Unlock()
	id := fmt.Sprintf("%s-%d", contact, n)
	if channel%2 == 1 { // these carry their time
		id = uuid.Must(uuid.NewV7()).String()
	}
	return event{offer: o, channel: channel, id: id, body: fakeplatform.WebhookMessage(id, contact, text, time.Now())}
}

// deliver sends an event until it is acknowledged, as a platform does: what
// got no answer goes again, under the same request id or another.
func (r *rig) deliver(ctx context.Context, rng *rand.Rand, e event) bool {
	for try := 0; ctx.Err() == nil; try++ {
		if status := r.once(ctx, e, requestID(rng, e, try)); status >= 200 && status < 300 {
			r.mu.Lock()
			e.offer.Acked = time.Now()
			r.mu.Unlock()
			r.acks.Add(1)
			return true
		} else if status >= 400 && status < 500 && status != http.StatusTooManyRequests {
			r.t.Errorf("event %s was refused with %d", e.id, status)
			return false
		}
		pause(ctx, time.Duration(10+rng.IntN(30))*time.Millisecond)
	}
	return false
}

func requestID(rng *rand.Rand, e event, try int) string {
	if try > 0 && rng.IntN(2) == 0 {
		return fmt.Sprintf("evt-%s-%d", e.id, try)
	}
	return "evt-" + e.id
}

// once makes one attempt; 0 = no answer.
func (r *rig) once(ctx context.Context, e event, id string) int {
	status, _, _ := r.senders[e.channel].Once(ctx, id, e.body, 0)
	return status
}

// repeat delivers what was acknowledged again: under its request id, or another.
func (r *rig) repeat(ctx context.Context, rng *rand.Rand, e event) {
	if rng.Float64() < r.again {
		r.resent.Add(1)
		r.once(ctx, e, "evt-"+e.id)
	}
	if rng.Float64() < r.again {
		r.resent.Add(1)
		r.once(ctx, e, fmt.Sprintf("other-%s-%d", e.id, rng.Uint32()))
	}
}

// load runs customers until ctx ends; each finishes what it has begun.
func (r *rig) load(ctx context.Context, seed uint64, workers int, think time.Duration) (wait func()) {
	finish, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	var wg sync.WaitGroup
	for w := range workers {
		rng := rand.New(rand.NewPCG(seed, uint64(w)))
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				r.customer(finish, rng, fmt.Sprintf("c%d-%d", w, n), (w+n)%rigChannels, think)
			}
		})
	}
	return func() {
		stop := time.AfterFunc(time.Minute, cancel)
		wg.Wait()
		stop.Stop()
		cancel()
	}
}

// customer writes one message after the other, each once the one before is acknowledged.
func (r *rig) customer(ctx context.Context, rng *rand.Rand, name string, channel int, think time.Duration) {
	for n := range rigEvents {
		e := r.offer(name, channel, n, fmt.Sprintf("%s says %d", name, n))
		if !r.deliver(ctx, rng, e) {
			return
		}
		r.repeat(ctx, rng, e)
		if think > 0 {
			pause(ctx, think/2+rand.N(think))
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// ackAfter waits until more than so many events were acknowledged.
func (r *rig) ackAfter(was int64, limit time.Duration) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); pause(context.Background(), time.Millisecond) {
		if r.acks.Load() > was {
			return true
		}
	}
	return false
}

// settle waits until nothing is left to send.
func (r *rig) settle(limit time.Duration) {
	r.t.Helper()
	var left int
	var err error
	for end := time.Now().Add(limit); time.Now().Before(end); pause(context.Background(), 10*time.Millisecond) {
		if left, err = ledger.Unsettled(r.svc.Data); err == nil && left == 0 {
			return
		}
	}
	r.t.Errorf("after %s %d rows still wait to be sent (%v)", limit, left, err)
}

// book closes the run: it stops the program and compares the accounts.
func (r *rig) book() *ledger.Findings {
	r.t.Helper()
	r.svc.Term()
	return r.compare()
}

// compare reads the folder of a stopped program.
func (r *rig) compare() *ledger.Findings {
	r.t.Helper()
	store, err := ledger.Read(r.svc.Data, kill.Key)
	if err != nil {
		r.t.Fatal(err)
	}
	b := &ledger.Book{Store: store, Shown: []ledger.Delivery{}, Answers: answersOf}
	r.mu.Lock()
	for _, o := range r.offers {
		b.Offers = append(b.Offers, *o)
	}
	r.mu.Unlock()
	for _, d := range r.fake.Shown() {
		b.Shown = append(b.Shown, ledger.Delivery{Contact: d.Thread, Key: d.Key, Part: d.Part, Text: d.Text})
	}
	return b.Check()
}

// answersOf is what rigFlow says: one message to each event.
func answersOf(string) int { return 1 }

// clean demands that a run had no findings.
func clean(t testing.TB, f *ledger.Findings) {
	t.Helper()
	for i, bad := range f.Bad() {
		if i == 20 {
			t.Errorf("… and %d more", len(f.Bad())-i)
			break
		}
		t.Error(bad)
	}
}
