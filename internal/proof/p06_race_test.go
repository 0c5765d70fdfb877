package proof

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/internal/proof/kill"
)

// chattyFlow says two things to each message, and hands over when asked to.
const chattyFlow = `flow: chatty
slots:
  words: {type: text}
states:
  start:
    say: "Well."
    collect:
      slot: words
      ask: "Heard {{ message.text }}"
      always: true
      options:
        - {id: person, label: A person, goto: person}
    goto: start
  person:
    handoff: {queue: general, say: "I have passed this on."}
`

func chattyProject(url string) map[string]string { return standProject(url, chattyFlow) }

// race is one conversation that a person takes while the bot speaks in it.
type race struct {
	who, conv string
	taken     time.Time // the take-over was answered; its commit lies before
}

// silence is what a run of races came to.
type silence struct {
	races, kills int
	early        int           // bot messages of the contested turns that left before the person had it
	cancelled    int           // and those that were taken back
	seenLate     int           // seen after the answer, within what the clocks of this process can tell
	late         int           // begun after the commit
	overHuman    int           // after the first message of a person
	unanswered   int           // the person's own message did not arrive
	blur         time.Duration // how late a clock was looked at, at worst
	bad          []string
}

// TestPromise_P6_Race: people take conversations over while the bot speaks in
// them, over slow sends and kills. Judged by what the platform saw.
func TestPromise_P6_Race(t *testing.T) {
	n := of(scale(t), 2000, 100_000, 100_000)
	began := time.Now()
	v := races(t, kill.Options{}, n, 8, 0.3, 5*time.Millisecond)
	for i, bad := range v.bad {
		if i < 20 {
			t.Error(bad)
		}
	}
	if v.cancelled == 0 || v.early == 0 {
		t.Errorf("%d bot messages were taken back and %d left first: there was no race", v.cancelled, v.early)
	}
	report(t, "P6 race: %d take-overs against bot turns, %d kills; %d bot messages left first, %d were taken back; %d begun after the commit, %d after the first human message (%d seen late within %s of clock blur); %.1f s",
		v.races, v.kills, v.early, v.cancelled, v.late, v.overHuman, v.seenLate, v.blur.Round(time.Millisecond), time.Since(began).Seconds())
	t.Run("mutant", func(t *testing.T) {
		v := races(t, kill.Options{Binary: kill.Build(t, "failpoints mutants"), Env: []string{"DISPATCHER_MUTANT=epoch_not_checked"}}, 60, 0, 1, 20*time.Millisecond)
		if v.late == 0 {
			t.Fatal("a bot whose epoch nobody checks passes for a silent one")
		}
		report(t, "P6 mutant epoch_not_checked: caught, %d begun after the commit", v.late)
	})
}

// races runs n take-overs; slow is the share of sends that take their time.
func races(t *testing.T, opt kill.Options, n, kills int, slow float64, drip time.Duration) (v silence) {
	s := openStandWith(t, chattyProject, opt, drip)
	people := s.svc.Tokens(max(4, n/45))
	list := s.greeted(n)
	s.fake.Chance(rand.Uint64(), slow, fakeplatform.SlowDrip)
	blur := watchClock(t)
	before := len(s.fake.Ledger())
	stop := s.killing(kills, n)
	gate := make(chan struct{}, 24)
	var wg sync.WaitGroup
	for i := range list {
		gate <- struct{}{}
		s.done.Add(1)
		wg.Go(func() {
			defer func() { <-gate }()
			s.contest(&list[i], i, people[i%len(people)])
		})
	}
	wg.Wait()
	v.kills = stop()
	s.fake.Chance(0, 0)
	s.settled(2 * time.Minute)
	v.races, v.blur = n, blur()
	v.judge(list, s.fake.Ledger()[before:])
	v.cancelled = s.count("SELECT count(*) FROM messages WHERE author IN (2, 6) AND delivery = 8")
	return v
}

// greeted lets n customers begin, and waits for what the bot says to them.
func (s *stand) greeted(n int) []race {
	s.t.Helper()
	list := make([]race, n)
	gate := make(chan struct{}, 32)
	var wg sync.WaitGroup
	for i := range list {
		list[i].who = fmt.Sprintf("c-%d", i)
		gate <- struct{}{}
		wg.Go(func() { defer func() { <-gate }(); s.say(i, list[i].who, "hello", "hello") })
	}
	wg.Wait()
	s.settled(2 * time.Minute)
	convs := map[string]string{}
	for _, d := range s.fake.Ledger() {
		if d.Kind == "message.send" {
			convs[d.Thread] = convOf(d)
		}
	}
	for i := range list {
		if list[i].conv = convs[list[i].who]; list[i].conv == "" {
			s.t.Fatalf("%s was not greeted", list[i].who)
		}
	}
	return list
}

// say delivers one message of a customer; name makes its id.
func (s *stand) say(i int, who, name, text string) {
	id := who + "-" + name
	if _, err := s.sender(shopName(i)).Send(context.Background(), "e-"+id, fakeplatform.WebhookMessage(id, who, text, time.Now())); err != nil {
		s.t.Errorf("event %s: %v", id, err)
	}
}

// contest is one race: the customer writes, and a person takes the
// conversation a moment later and answers at once.
func (s *stand) contest(r *race, i int, person *kill.Client) {
	rng := rand.New(rand.NewPCG(6, uint64(i)))
	words := []string{"one more thing", "A person"}[i%2]
	var wg sync.WaitGroup
	wg.Go(func() { s.say(i, r.who, "contested", words) })
	pause(context.Background(), time.Duration(rng.IntN(150_000))*time.Microsecond)
	var problem map[string]any
	status := s.press(person, "/api/v1/conversations/"+r.conv+"/take-over", nil, "", &problem)
	r.taken = time.Now()
	if status != 200 {
		s.t.Errorf("%s: take-over answered %d %v", r.who, status, problem)
		return
	}
	status = s.press(person, "/api/v1/conversations/"+r.conv+"/messages", map[string]any{"text": "A person here."}, "k-"+r.who, &problem)
	if status != 202 {
		s.t.Errorf("%s: reply answered %d %v", r.who, status, problem)
	}
	wg.Wait()
	if i%3 == 0 {
		s.say(i, r.who, "after", "are you there?")
	}
}

// press sends a command until it is answered, over kills and restarts.
func (s *stand) press(c *kill.Client, path string, body any, key string, out any) (status int) {
	if body == nil {
		body = map[string]any{}
	}
	if key == "" {
		key = path
	}
	for range 2000 {
		status = c.Post(path, body, map[string]string{"Idempotency-Key": key}, out)
		if status != 0 && status < 500 && status != 429 {
			return status
		}
		pause(context.Background(), 10*time.Millisecond)
	}
	return status
}

// killing kills the program so many times while races are run; stop ends it
// and says how many times it was.
func (s *stand) killing(kills, races int) (stop func() int) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	n := 0
	wg.Go(func() {
		for k := 1; k <= kills; k++ {
			for ctx.Err() == nil && s.done.Load() < int64(k*races/(kills+1)) {
				pause(ctx, 2*time.Millisecond)
			}
			if ctx.Err() != nil {
				return
			}
			s.svc.Kill()
			s.restart()
			n++
		}
	})
	return func() int { cancel(); wg.Wait(); return n }
}

// judge reads the platform's ledger of the contested part.
func (v *silence) judge(list []race, ledger []fakeplatform.Delivery) {
	by := map[string]*race{}
	for i := range list {
		by[list[i].who] = &list[i]
	}
	human := map[string]bool{}
	for _, d := range ledger {
		r := by[d.Thread]
		if r == nil || d.Kind != "message.send" {
			continue
		}
		if d.Author == "agent" {
			human[d.Thread] = human[d.Thread] || d.Accepted
			continue
		}
		after := d.At.Sub(r.taken)
		switch {
		case human[d.Thread]:
			v.overHuman++
			v.bad = append(v.bad, fmt.Sprintf("%s: the bot said %q after the person", d.Thread, d.Text))
		case after > v.blur:
			v.late++
			v.bad = append(v.bad, fmt.Sprintf("%s: the bot began to say %q %s after the take-over was answered", d.Thread, d.Text, after))
		case after > 0:
			v.seenLate++
		default:
			v.early++
		}
	}
	for _, r := range list {
		if !human[r.who] {
			v.unanswered++
			v.bad = append(v.bad, fmt.Sprintf("%s: the person's message did not arrive", r.who))
		}
	}
}

// watchClock measures how late this process looks at its clock; what is given
// is twice the worst, for the two clocks that are compared.
func watchClock(t testing.TB) (worst func() time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	var most atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			at := time.Now()
			time.Sleep(time.Millisecond)
			most.Store(max(most.Load(), int64(time.Since(at)-time.Millisecond)))
		}
	})
	return func() time.Duration {
		cancel()
		wg.Wait()
		return 2*time.Duration(most.Load()) + 5*time.Millisecond
	}
}

// TestPromise_P6_PhoneEcho: somebody answers in X's own app. From that echo on
// the bot is silent, also to what the customer writes later.
func TestPromise_P6_PhoneEcho(t *testing.T) {
	n := of(scale(t), 60, 1000, 1000)
	began := time.Now()
	late, later, bad := echoes(t, kill.Options{}, n, 0.3, 5*time.Millisecond)
	for _, b := range bad {
		t.Error(b)
	}
	report(t, "P6 phone echo, x: %d replies from the platform's own app against bot turns; %d begun after the echo was taken, %d bot messages to what came later; %.1f s", n, late, later, time.Since(began).Seconds())
	t.Run("mutant", func(t *testing.T) {
		late, _, _ := echoes(t, kill.Options{Binary: kill.Build(t, "failpoints mutants"), Env: []string{"DISPATCHER_MUTANT=epoch_not_checked"}}, 16, 1, 3*time.Millisecond)
		if late == 0 {
			t.Fatal("a bot whose epoch nobody checks passes for a silent one")
		}
		report(t, "P6 mutant epoch_not_checked on x: caught, %d begun after the echo", late)
	})
}

func echoes(t *testing.T, opt kill.Options, n int, slow float64, drip time.Duration) (late, later int, bad []string) {
	s := openStandWith(t, chattyProject, opt, drip)
	sender := s.sender("x")
	s.fake.Chance(7, slow, fakeplatform.SlowDrip)
	blur := watchClock(t)
	taken := make([]time.Time, n)
	send := func(id int, body []byte) {
		if _, err := sender.Send(context.Background(), fmt.Sprint(id), body); err != nil {
			t.Error(err)
		}
	}
	gate := make(chan struct{}, 12)
	var wg sync.WaitGroup
	for i := range n {
		gate <- struct{}{}
		wg.Go(func() {
			defer func() { <-gate }()
			who, id := fmt.Sprintf("5%05d", i), 1_600_000_000+i*10
			for k := range 3 { // three turns wait to be said, one after the other
				send(id+k, fakeplatform.XMessage(standAccount, who, fmt.Sprint(id+k), fmt.Sprintf("m-%d", k), "", time.Now()))
			}
			send(id+5, fakeplatform.XEcho(standAccount, who, fmt.Sprint(id+5), "9999", "Bo from the phone here.", time.Now()))
			taken[i] = time.Now()
			send(id+6, fakeplatform.XMessage(standAccount, who, fmt.Sprint(id+6), "later on", "", time.Now()))
		})
	}
	wg.Wait()
	s.settled(2 * time.Minute)
	most := blur()
	for _, d := range s.fake.Shown() {
		var i int
		if _, err := fmt.Sscanf(d.Thread, "5%05d", &i); err != nil {
			t.Fatal(err)
		}
		switch after := d.At.Sub(taken[i]); {
		case containsWords(d.Text, "later on"):
			later++
			bad = append(bad, fmt.Sprintf("%s: the bot answered what was written to a person: %q", d.Thread, d.Text))
		case after > most:
			late++
			bad = append(bad, fmt.Sprintf("%s: the bot began to say %q %s after the echo", d.Thread, d.Text, after))
		}
	}
	return late, later, bad
}

// TestPromise_P6_HandoffSentence: the fence takes back what a person overtook,
// and never the words with which the bot itself hands over.
func TestPromise_P6_HandoffSentence(t *testing.T) {
	scale(t)
	said, after := handoffs(t, nil)
	if said != 20 || after != 0 {
		t.Errorf("%d of 20 handoff sentences arrived, %d bot messages after one", said, after)
	}
	report(t, "P6 handoff: %d of 20 handoff sentences arrived, %d bot messages after one", said, after)
	t.Run("mutant", func(t *testing.T) {
		said, _ := handoffs(t, []string{"DISPATCHER_MUTANT=cancel_at_handoff"})
		if said == 20 {
			t.Fatal("a handoff that swallows its own words passes for a good one")
		}
		report(t, "P6 mutant cancel_at_handoff: caught, %d of 20 sentences arrived", said)
	})
}

func handoffs(t *testing.T, env []string) (said, after int) {
	opt := kill.Options{Env: env}
	if env != nil {
		opt.Binary = kill.Build(t, "failpoints mutants")
	}
	s := openStand(t, chattyProject, opt)
	list := s.greeted(20)
	for i := range list {
		s.say(i, list[i].who, "wants", "A person")
		s.say(i, list[i].who, "waits", "still here")
	}
	s.settled(time.Minute)
	over := map[string]bool{}
	for _, d := range s.fake.Shown() {
		switch {
		case containsWords(d.Text, "I have passed this on."):
			said, over[d.Thread] = said+1, true
		case over[d.Thread]:
			after++
		}
	}
	return said, after
}
