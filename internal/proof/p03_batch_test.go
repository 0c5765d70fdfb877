package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/internal/proof/kill"
	"dispatcher/internal/proof/ledger"
)

// utterance is one message inside a body of X.
type utterance struct{ who, id, text string }

// bodyOf packs messages into one body of X, in this order.
func bodyOf(t testing.TB, list []utterance) []byte {
	t.Helper()
	type body struct {
		For    string            `json:"for_user_id"`
		Events []json.RawMessage `json:"direct_message_events"`
	}
	all, at := body{}, time.Now()
	for i, m := range list {
		var one body
		text := fakeplatform.XMessage(standAccount, m.who, m.id, m.text, "", at.Add(time.Duration(i)*time.Millisecond))
		if err := json.Unmarshal(text, &one); err != nil {
			t.Fatal(err)
		}
		all.For, all.Events = one.For, append(all.Events, one.Events...)
	}
	out, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// silentX is rigFlow on a stand whose X is never written to: what is proven
// here is how messages come in.
func silentX(url string) map[string]string {
	p := standProject(url, rigFlow)
	p["dispatcher.yaml"] = strings.NewReplacer("{dm: {n: 100000, per: 1s}", "{dm: {n: 1, per: 24h}").Replace(p["dispatcher.yaml"])
	return p
}

// stored stops the program and reads what it kept.
func (s *stand) stored() *ledger.Store {
	s.t.Helper()
	s.svc.Term()
	store, err := ledger.Read(s.svc.Data, kill.Key)
	if err != nil {
		s.t.Fatal(err)
	}
	store.Unsettled = 0 // answers wait: see silentX
	return store
}

// TestPromise_P3_Order: what one person sends in one breath is stored and
// handled in the order in which it was sent.
func TestPromise_P3_Order(t *testing.T) {
	s := scale(t)
	t.Parallel()
	bodies := of(s, 40, 2000, 2000)
	f := breaths(t, kill.Options{}, bodies)
	clean(t, f)
	report(t, "P3_Order: %d bodies with five messages of one person and two of others: %s", bodies, f)
	t.Run("mutant/id_before_lock", func(t *testing.T) {
		t.Parallel()
		f := breaths(t, kill.Options{Binary: kill.Build(t, instrumented), Env: []string{"DISPATCHER_MUTANT=id_before_lock"}}, 3)
		if len(f.Disordered) == 0 {
			t.Errorf("a place given before the lane was not noticed: %s", f)
		}
	})
}

// breaths sends bodies in which a person writes five times, two others between.
func breaths(t *testing.T, opt kill.Options, bodies int) *ledger.Findings {
	t.Helper()
	st := openStand(t, silentX, opt)
	sender := st.sender("x")
	book := &ledger.Book{}
	for n := range bodies {
		var list []utterance
		for k := range 7 {
			who, place := fmt.Sprintf("7%05d", n), k
			if k == 2 || k == 5 {
				who, place = fmt.Sprintf("8%05d%d", n, k), 0
			} else if k > 2 {
				place--
			}
			m := utterance{who, fmt.Sprintf("%d%d", 1000+n, k), fmt.Sprintf("%d says %d", n, k)}
			list = append(list, m)
			book.Offers = append(book.Offers, ledger.Offer{Contact: who, Text: m.text, N: place})
		}
		got, err := sender.Send(t.Context(), strconv.Itoa(n), bodyOf(t, list))
		if err != nil {
			t.Fatal(err)
		}
		for i := range list {
			book.Offers[len(book.Offers)-1-i].Acked = got.Acked
		}
	}
	book.Store = st.stored()
	return book.Check()
}

// TestPromise_P3_PoisonBatch: an event on which nothing can be decided fails
// alone, wherever in a body it stands.
func TestPromise_P3_PoisonBatch(t *testing.T) {
	scale(t) // the same at every size: each position is tried
	t.Parallel()
	const events = 8
	run := func(t *testing.T, also string) poisoned {
		t.Helper()
		return openStand(t, silentX, kill.Options{Binary: kill.Build(t, instrumented), Env: []string{"DISPATCHER_MUTANT=step_panics" + also}}).poison(t, events)
	}
	got := run(t, "")
	if want := (poisoned{processed: 2 * events * (events - 1), rescued: 2 * events}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	report(t, "P3_PoisonBatch: a poison event at each of %d positions, among events of its own sender and of others: %d of %d others processed, %d of %d poison events stored and handed to people, %d bodies refused",
		events, got.processed, 2*events*(events-1), got.rescued, 2*events, got.refused)
	t.Run("mutant/poison_spreads", func(t *testing.T) {
		t.Parallel()
		if got := run(t, ",poison_spreads"); got.refused == 0 || got.processed == 2*events*(events-1) {
			t.Errorf("a poison event that failed its neighbours was not noticed: %+v", got)
		}
	})
}

// poisoned is what became of bodies with one poison event each.
type poisoned struct {
	processed int // other events that are stored and were stepped, or kept for the person who has the conversation
	rescued   int // poison events that are stored in a conversation which people have now
	refused   int // bodies without 2xx
	stuck     int // events that are stored and were not handled
}

// poison sends bodies of n events, the k-th of which is poison: one person's, and everybody another's.
func (s *stand) poison(t *testing.T, n int) (got poisoned) {
	t.Helper()
	sender := s.sender("x")
	for k := range n {
		for kind, same := range []bool{true, false} {
			var list []utterance
			for i := range n {
				who := fmt.Sprintf("6%02d%d%02d", k, kind, i)
				if same {
					who = fmt.Sprintf("6%02d%d99", k, kind)
				}
				m := utterance{who, fmt.Sprintf("5%02d%d%02d", k, kind, i), fmt.Sprintf("%s says %d", who, i)}
				if i == k {
					m.text = "poison " + m.text
				}
				list = append(list, m)
			}
			status, _, _ := sender.Once(context.Background(), fmt.Sprintf("%d-%d", k, kind), bodyOf(t, list), 0)
			if status < 200 || status > 299 {
				got.refused++
			}
		}
	}
	for _, v := range s.stored().Conversations {
		for _, m := range v.Messages {
			switch {
			case !m.Customer:
			case !m.Traced && v.Handled < m.Seq:
				got.stuck++
			case !strings.HasPrefix(m.Text, "poison"):
				got.processed++
			case v.Owner == "queue":
				got.rescued++
			}
		}
	}
	return got
}

// TestPromise_P3_Overload: at a multiple of what it can do the program refuses
// at the door, keeps what it let in, and is itself again at once.
func TestPromise_P3_Overload(t *testing.T) {
	s := scale(t)
	t.Parallel()
	const perBody = 100
	st := openStand(t, silentX, kill.Options{})
	storm := newStorm(t, st)
	other := newStorm(t, openStand(t, silentX, kill.Options{})) // no storm comes to it: what slows both is the machine
	calm := storm.run(time.Second, 4, 10)
	ceiling := float64(storm.accepted.Load()) / 1
	took := time.Duration(of(s, 2, 60, 60)) * time.Second
	storm.run(took, 64, perBody)
	storm.run(took, 64, perBody)
	before := st.memory(t) // with everything that a storm needs
	storm.offered.Store(0)
	storm.run(took, 64, perBody)
	peak := st.memory(t)
	over := float64(storm.offered.Load()) / took.Seconds() / ceiling
	start := time.Now()
	for again, still := time.Hour, calm; again > max(3*still, 50*time.Millisecond); {
		if time.Since(start) > 10*time.Second {
			t.Errorf("10 s after the end a body still takes %s, one of a program without a storm behind it %s", again, still)
			break
		}
		again, still = storm.run(200*time.Millisecond, 4, 10), max(calm, other.run(200*time.Millisecond, 4, 10))
	}
	back := time.Since(start)
	book := &ledger.Book{Offers: storm.offers, Store: st.stored()}
	f := book.Check()
	clean(t, f)
	if storm.refused.Load() == 0 {
		t.Error("nothing was refused: this was no overload")
	}
	if peak-before > max(64<<20, before/3) { // how much garbage it holds is the collector's to choose
		t.Errorf("memory grew from %d to %d MiB between one storm and the next", before>>20, peak>>20)
	}
	door := storm.atTheDoor()
	if door > doorTime {
		t.Errorf("a refusal took %s: it was not made at the door", door)
	}
	report(t, "P3_Overload: %s offered %.0fx of what 4 senders get through, %d bodies refused with 503 in %s, memory %d -> %d MiB, normal after %.1f s: %s",
		took, over, storm.refused.Load(), door.Round(time.Millisecond), before>>20, peak>>20, back.Seconds(), f)
	t.Run("mutant/admit_everything", everybodyIn)
}

// everybodyIn is the same storm on a program without budgets.
func everybodyIn(t *testing.T) {
	st := openStand(t, silentX, kill.Options{Binary: kill.Build(t, instrumented), Env: []string{"DISPATCHER_MUTANT=admit_everything"}})
	storm := newStorm(t, st)
	storm.run(2*time.Second, 64, 100)
	if door := storm.atTheDoor(); door > 0 && door <= doorTime {
		t.Errorf("without budgets bodies were still refused at the door, in %s", door)
	}
}

// doorTime is the most that the median refusal may take: it is decided before
// anything is done, whereas a body that was let in waits two seconds.
const doorTime = 700 * time.Millisecond

// storm sends bodies of many strangers without pause.
type storm struct {
	st       *stand
	t        testing.TB
	sender   *fakeplatform.Sender
	n        atomic.Int64
	offered  atomic.Int64 // events
	accepted atomic.Int64
	refused  atomic.Int64 // bodies

	mu     sync.Mutex
	offers []ledger.Offer
	doors  []time.Duration // how long each refusal took
}

func newStorm(t testing.TB, st *stand) *storm {
	s := &storm{st: st, sender: st.sender("x"), t: t}
	s.sender.Client = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	return s
}

// atTheDoor is the median time of a refusal; 0: there was none.
func (s *storm) atTheDoor() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.doors) == 0 {
		return 0
	}
	slices.Sort(s.doors)
	return s.doors[len(s.doors)/2]
}

// run lets so many senders go for so long; it gives the mean time of a body
// that was accepted.
func (s *storm) run(d time.Duration, senders, events int) time.Duration {
	var took, bodies atomic.Int64
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	for range senders {
		wg.Go(func() {
			for time.Now().Before(end) {
				if one, ok := s.body(events); ok {
					took.Add(int64(one))
					bodies.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return time.Duration(took.Load() / max(1, bodies.Load()))
}

// body sends one body until it is accepted, a few times at most; it gives the
// time of the attempt that was.
func (s *storm) body(events int) (time.Duration, bool) {
	n := s.n.Add(1)
	var list []utterance
	var offers []ledger.Offer
	for k := range events {
		who := fmt.Sprintf("5%07d%03d", n, k)
		list = append(list, utterance{who, "1" + who, who + " says 0"})
		offers = append(offers, ledger.Offer{Contact: who, Text: who + " says 0"})
	}
	took, ok := s.offer(bodyOf(s.t, list), n, events)
	if ok {
		s.accepted.Add(int64(events))
		for i := range offers {
			offers[i].Acked = time.Now()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offers = append(s.offers, offers...)
	return took, ok
}

func (s *storm) offer(body []byte, n int64, events int) (took time.Duration, ok bool) {
	for try := range 4 {
		start := time.Now()
		s.offered.Add(int64(events))
		status, _, _ := s.sender.Once(context.Background(), strconv.FormatInt(n, 10), body, try)
		switch took = time.Since(start); {
		case status >= 200 && status < 300:
			return took, true
		case status == http.StatusServiceUnavailable:
			s.refused.Add(1)
			s.mu.Lock()
			s.doors = append(s.doors, took)
			s.mu.Unlock()
		}
	}
	return took, false
}

// memory is what the program has in memory now, in bytes.
func (s *stand) memory(t testing.TB) int64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.svc.Pid()), "statm"))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
