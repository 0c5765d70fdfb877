package proof

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/internal/proof/kill"
	"dispatcher/internal/proof/ledger"
)

// repeatFlow says one thing to each message, in one conversation.
const repeatFlow = `flow: repeat
slots:
  words: {type: text}
states:
  start:
    collect:
      slot: words
      ask: "Heard {{ message.text }}"
      always: true
      options:
        - {id: bye, label: Goodbye, goto: bye}
    goto: start
  bye: {say: "Bye.", resolve: done}
`

func repeatProject(url string) map[string]string { return standProject(url, repeatFlow) }

// TestPromise_P4_Ledger: every reply goes out, and once, on a platform that
// knows our key: through kills and through everything the platform gets wrong.
func TestPromise_P4_Ledger(t *testing.T) {
	sends, kills := of(scale(t), 5000, 1_000_000, 1_000_000), of(scale(t), 20, 200, 200)
	began := time.Now()
	s := openStand(t, repeatProject, kill.Options{})
	const each = 8 // of one contact, in order
	contacts := sends / each
	seed := rand.Uint64()
	s.fake.Chance(seed, 0.05, fakeplatform.ServerError, fakeplatform.BadGateway, fakeplatform.ResetBefore, fakeplatform.ResetMidBody,
		fakeplatform.SlowDrip, fakeplatform.DuplicateAck, fakeplatform.WrongJSON)
	for i := range of(scale(t), 10, 100, 100) {
		kind := []fakeplatform.FaultKind{fakeplatform.TimeoutAfter, fakeplatform.TimeoutBefore, fakeplatform.BadGateway, fakeplatform.ResetMidBody, fakeplatform.Throttle}[i%5]
		want := fmt.Sprintf("Heard m-%d-%d", i*contacts/100, each/2)
		s.fake.Script(fakeplatform.Fault{Kind: kind, Match: func(d fakeplatform.Delivery) bool { return d.Text == want }})
	}
	wait := s.speak(contacts, each)
	r := rand.New(rand.NewPCG(seed, 4))
	done := 0
	for range kills {
		target := len(s.fake.Shown()) + sends/(kills+2)
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && len(s.fake.Shown()) < min(target, sends-each); pause(context.Background(), 5*time.Millisecond) {
		}
		pause(context.Background(), time.Duration(r.IntN(50))*time.Millisecond)
		s.svc.Kill()
		s.restart()
		done++
	}
	wait()
	s.fake.Chance(seed, 0)
	// A row that several kills and faults have hit waits as channels.md 4.3
	// says, up to 15 minutes; whatever is due must leave.
	s.until(2*time.Minute, "nothing due is left", func() bool {
		return s.count(`SELECT count(*) FROM outbox o WHERE status = 2 OR status = 1 AND due_at <= ? AND NOT EXISTS
			(SELECT 1 FROM outbox e WHERE e.conversation_id = o.conversation_id AND e.id < o.id)`, time.Now().UnixMilli()) == 0
	})
	s.svc.Term()
	f := s.accounts(contacts, each)
	for i, bad := range f.bad {
		if i == 20 {
			break
		}
		t.Errorf("seed %d: %s", seed, bad)
	}
	if problems := s.fake.Problems(); len(problems) > 0 {
		t.Errorf("%d requests broke the platform's rules, the first: %s", len(problems), problems[0])
	}
	requests := len(s.fake.Ledger())
	if f.waiting > sends/100+5*done { // each kill may have met a few for the second time
		t.Errorf("%d messages still wait", f.waiting)
	}
	report(t, "P4 ledger, idempotent: %d sends, %d kills, %d requests, %d repeats the platform knew; %d lost, %d waiting for their next try, %d double, %d out of order; %.1f s",
		sends, done, requests, f.repeats, f.lost, f.waiting, f.double, f.disordered, time.Since(began).Seconds())
}

// speak lets contacts write, each one message after the other.
func (s *stand) speak(contacts, each int) (wait func()) {
	senders := make([]*fakeplatform.Sender, standShops)
	for n := range senders {
		senders[n] = s.sender(shopName(n))
	}
	gate := make(chan struct{}, 48)
	var wg sync.WaitGroup
	wg.Go(func() {
		for c := range contacts {
			gate <- struct{}{}
			wg.Go(func() {
				defer func() { <-gate }()
				for n := range each {
					id := fmt.Sprintf("m-%d-%d", c, n)
					body := fakeplatform.WebhookMessage(id, fmt.Sprintf("c-%d", c), id, time.Now())
					if _, err := senders[c%standShops].Send(context.Background(), "e-"+id, body); err != nil {
						s.t.Errorf("event %s: %v", id, err)
					}
				}
			})
		}
	})
	return wg.Wait
}

// account is what became of the answers on a platform that knows our keys.
type account struct {
	bad                                        []string
	lost, waiting, double, disordered, repeats int
}

// accounts compares what was asked with what the customers have.
func (s *stand) accounts(contacts, each int) (f account) {
	store, err := ledger.Read(s.svc.Data, kill.Key)
	if err != nil {
		s.t.Fatal(err)
	}
	pending := map[string]bool{}
	for _, c := range store.Conversations {
		for _, m := range c.Messages {
			pending[m.Text] = pending[m.Text] || m.Out && m.Delivery == "pending"
		}
	}
	shown := map[string]int{}
	byKey := map[string]int{}
	order := map[string][]string{}
	for _, d := range s.fake.Ledger() {
		if d.Kind != "message.send" {
			continue
		}
		if d.Repeat {
			f.repeats++
			continue
		}
		if !d.Accepted {
			continue
		}
		shown[d.Text]++
		byKey[fmt.Sprintf("%s.%d", d.Key, d.Part)]++
		order[d.Thread] = append(order[d.Thread], d.Text)
	}
	for c := range contacts {
		last := -1
		for n := range each {
			text := fmt.Sprintf("Heard m-%d-%d", c, n)
			switch shown[text] {
			case 0:
				if pending[text] {
					f.waiting++
					break
				}
				f.lost++
				f.bad = append(f.bad, text+" was never shown")
			case 1:
			default:
				f.double++
				f.bad = append(f.bad, fmt.Sprintf("%s was shown %d times", text, shown[text]))
			}
			at := indexOf(order[fmt.Sprintf("c-%d", c)], text)
			if at >= 0 && at < last {
				f.disordered++
				f.bad = append(f.bad, text+" was shown before an earlier one")
			}
			last = max(last, at)
		}
	}
	for key, n := range byKey {
		if n > 1 {
			f.double++
			f.bad = append(f.bad, fmt.Sprintf("key %s was shown %d times", key, n))
		}
	}
	return f
}

func indexOf(list []string, want string) int {
	for i, s := range list {
		if s == want {
			return i
		}
	}
	return -1
}

// TestPromise_P4_Ambiguous: on X nothing recognises a repeat. A program that
// dies after it has written a message, and before it knows what became of it,
// says so: the row is unknown on record before anything else happens to it,
// and no message is shown more often than that allows.
func TestPromise_P4_Ambiguous(t *testing.T) {
	rounds := of(scale(t), 5, 100, 100)
	binary := kill.Build(t, "failpoints mutants")
	began := time.Now()
	a := ambiguous(t, binary, nil, rounds)
	for _, bad := range a.bad {
		t.Error(bad)
	}
	if a.recorded == 0 {
		t.Error("no window was recorded: the proof proves nothing")
	}
	report(t, "P4 ambiguous, x: %d messages, %d kills after the write, %d windows on record, %d doubles, %d lost; %.1f s",
		a.sent, rounds, a.recorded, a.doubles, a.lost, time.Since(began).Seconds())
	t.Run("mutant", func(t *testing.T) {
		a := ambiguous(t, binary, []string{"DISPATCHER_MUTANT=send_without_mark"}, 2)
		if len(a.bad) == 0 {
			t.Fatal("rows that are sent without a mark pass for good ones")
		}
		report(t, "P4 mutant send_without_mark: caught, %d findings, e.g. %s", len(a.bad), a.bad[0])
	})
}

// windows is what a run on X came to.
type windows struct {
	sent, recorded, doubles, lost int
	bad                           []string
}

// ambiguous kills the program right behind the k-th write of each round.
func ambiguous(t *testing.T, binary string, env []string, rounds int) (w windows) {
	s := openStand(t, repeatProject, kill.Options{Binary: binary, Env: env})
	sender := s.sender("x")
	for round := range rounds {
		s.order(fmt.Sprintf("send.after_write@%d=kill", 1+round%4))
		var wg sync.WaitGroup
		for c := range 6 {
			wg.Go(func() {
				id := fmt.Sprintf("%d", 1_600_000_000+round*100+c)
				body := fakeplatform.XMessage(standAccount, fmt.Sprintf("5%05d", round*100+c), id, "m-"+id, "", time.Now())
				if _, err := sender.Send(context.Background(), id, body); err != nil {
					t.Error(err)
				}
			})
			w.sent++
		}
		select {
		case <-s.svc.Exited():
		case <-time.After(30 * time.Second):
			t.Fatal("the failpoint was not reached")
		}
		s.order("")
		s.restart()
		wg.Wait()
		if !s.settled(30 * time.Second) {
			break
		}
	}
	s.svc.Term()
	w.judge(s)
	return w
}

// judge compares shown messages with the windows on record.
func (w *windows) judge(s *stand) {
	store, err := ledger.Read(s.svc.Data, kill.Key)
	if err != nil {
		s.t.Fatal(err)
	}
	recorded := s.unknowns()
	w.recorded = len(recorded)
	shown := map[string]int{}
	for _, d := range s.fake.Shown() {
		words, _, _ := strings.Cut(d.Text, "\n") // the options stand below
		shown[words]++
	}
	for _, c := range store.Conversations {
		for _, m := range c.Messages {
			if !m.Out || !strings.HasPrefix(m.Text, "Heard ") {
				continue
			}
			windows, n := recorded[[2]int64{c.ID, m.Seq}], shown[m.Text]
			if n > 1 {
				w.doubles += n - 1
			}
			if n > 1+windows {
				w.bad = append(w.bad, fmt.Sprintf("%q was shown %d times with %d windows on record", m.Text, n, windows))
			}
			if n == 0 && m.Delivery != "unknown" && m.Delivery != "failed" {
				w.lost++
				w.bad = append(w.bad, fmt.Sprintf("%q was never shown and is recorded as %s", m.Text, m.Delivery))
			}
			if n > 0 && m.Delivery != "sent" && windows == 0 {
				w.bad = append(w.bad, fmt.Sprintf("%q was shown and is recorded as %s", m.Text, m.Delivery))
			}
		}
	}
}

// unknowns counts by message how often it was on record that nobody knows whether it arrived.
func (s *stand) unknowns() map[[2]int64]int {
	db := s.db()
	defer db.Close()
	rows, err := db.Query("SELECT conversation_id, seq FROM events WHERE ref = 'unknown'")
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	out := map[[2]int64]int{}
	for rows.Next() {
		var k [2]int64
		if err := rows.Scan(&k[0], &k[1]); err != nil {
			s.t.Fatal(err)
		}
		out[k]++
	}
	return out
}
