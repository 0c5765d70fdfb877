package inbox

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dispatcher/dm"
	"dispatcher/storage"
)

// partsFlow says three parts with pauses, then gives the customer to people
// or, asked to, ends.
var partsFlow = strings.NewReplacer(
	"    say: Hello, this is the assistant.\n", "    say: [Part one., {delay: 3s}, Part two., {delay: 3s}, Part three.]\n",
	"    say: Goodbye.\n", "    say: [Bye., {delay: 3s}, For now.]\n",
	"  number:\n    collect:\n      slot: order_number\n      ask: What is your order number?\n    goto: hand\n", "  number: {say: [One., {delay: 3s}, Two., {delay: 3s}, Three.], goto: hand}\n",
).Replace(shopFlow)

// heldRig is a native channel under a clock, with a visitor who was greeted.
func heldRig(t *testing.T) (*rig, *clock) {
	t.Helper()
	c := newClock(noon)
	dir, v := newFolder(t)
	r := startRig(t, dir, v, partsFlow, withCaps(native), withClock(c))
	r.accept(text("ada", "hello"))
	return r, c
}

// said are the words of the bot that a visitor was shown, in order.
func (r *rig) said() (out []string) {
	rows, words := r.rows("ada")
	for i, m := range rows {
		if (m.Author == storage.AuthorBot || m.Author == storage.AuthorNotice) && m.Delivery != storage.DeliveryCancelled {
			out = append(out, words[i])
		}
	}
	return out
}

func (r *rig) untilSaid(c *clock, want string) {
	r.t.Helper()
	for range 20 {
		r.tick(c, time.Second)
	}
	r.until(want, func() bool { return strings.HasSuffix(strings.Join(r.said(), " "), want) })
}

// What waits on a native channel when the bot hands over is still said, in
// order, and the handoff's own words come last and as a notice.
func TestHeldPartsSurviveTheHandoffTheyPrecede(t *testing.T) {
	t.Parallel()
	r, c := heldRig(t)
	r.untilSaid(c, "Part one. Part two. Part three. What is it about?")
	r.accept(text("ada", "My order"))
	if v := r.view("ada"); v.Snap.Conv.Owner != storage.OwnerQueue {
		t.Fatalf("owner %d", v.Snap.Conv.Owner)
	}
	r.untilSaid(c, "One. Two. Three. I have passed this on.")
	rows, words := r.rows("ada")
	last := len(rows) - 1
	if words[last] != "I have passed this on." || rows[last].Author != storage.AuthorNotice || rows[last-1].Author != storage.AuthorBot {
		t.Errorf("last row %q by %s after %s", words[last], AuthorWord(rows[last].Author), AuthorWord(rows[last-1].Author))
	}
}

// Nothing can wait in a conversation that ends with the turn that says it.
func TestHeldPartsOfAGoodbyeAreSaidAtOnce(t *testing.T) {
	t.Parallel()
	r, c := heldRig(t)
	r.untilSaid(c, "What is it about?")
	r.accept(text("ada", "Nothing"))
	if got := strings.Join(r.said(), " "); !strings.HasSuffix(got, "Bye. For now.") {
		t.Errorf("said %q", got)
	}
}

// fencedCount reads dispatcher_bot_sends_fenced_total of the channel.
func (r *rig) fencedCount() float64 { return r.counted(r.metrics.fenced, "fake") }

// counted adds up what a counter has under a value of any label.
func (r *rig) counted(c prometheus.Collector, value string) (n float64) {
	r.t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(c)
	families, err := reg.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetValue() == value {
					n += m.GetCounter().GetValue()
				}
			}
		}
	}
	return n
}

// Every row that a take-over keeps from being said is counted: those in the
// outbox and those that waited without a row.
func TestTakeOverCountsWhatItKeepsBack(t *testing.T) {
	t.Parallel()
	for _, how := range []struct {
		name string
		opts []rigOption
	}{{"native", []rigOption{withCaps(native)}}, {"outbox", nil}} {
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			c := newClock(noon)
			dir, v := newFolder(t)
			r := startRig(t, dir, v, partsFlow, append(how.opts, withClock(c))...)
			r.accept(text("ada", "hello"))
			r.until("part one", func() bool { return r.delivery("ada", "Part one.") == storage.DeliverySent })
			acct, _ := r.Account("fake")
			_, err := r.Do(t.Context(), r.AddressKey(acct, "ada"), func(v *View) (*Draft, error) {
				d := v.Draft()
				return d, d.Fire(Shift{Edge: EdgeTakeOver, By: "ana"})
			})
			if err != nil {
				t.Fatal(err)
			}
			if n := r.fencedCount(); n != 3 { // two parts and the question
				t.Errorf("counted %v, want 3", n)
			}
		})
	}
}

// The card keeps the customer's words; the handoff's sentence is a notice.
func TestHandoffSentenceIsANotice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.accept(text("ada", "hello"))
	r.want(greeting, "What is it about?")
	r.accept(text("ada", "My order"))
	r.want("What is your order number?")
	r.accept(text("ada", "AB123456"))
	if s := r.want("I have passed this on."); s.Author != dm.AuthorBot {
		t.Errorf("the platform hears it from %s", s.Author)
	}
	rows, words := r.rows("ada")
	for i, m := range rows {
		if words[i] == "I have passed this on." && m.Author != storage.AuthorNotice {
			t.Errorf("author %s", AuthorWord(m.Author))
		}
	}
	if card := r.view("ada").Draft().card; card.Preview != "AB123456" || card.Author != dm.AuthorCustomer {
		t.Errorf("card says %q by %s", card.Preview, card.Author)
	}
}

// What a resolve says to the platform waits as long as it can be undone, and
// an undo takes it back.
func TestUndoTakesTheNewsOfAResolveBack(t *testing.T) {
	t.Parallel()
	for _, undone := range []bool{false, true} {
		t.Run(map[bool]string{false: "kept", true: "undone"}[undone], func(t *testing.T) {
			t.Parallel()
			c := newClock(noon)
			r := newRig(t, withClock(c))
			r.adapter.news = true
			r.accept(text("ada", "hello"))
			r.want(greeting, "What is it about?")
			acct, _ := r.Account("fake")
			fire := func(e Edge) {
				t.Helper()
				_, err := r.Do(t.Context(), r.AddressKey(acct, "ada"), func(v *View) (*Draft, error) {
					d := v.Draft()
					return d, d.Fire(Shift{Edge: e, By: "ana"})
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			fire(EdgeTakeOver)
			r.want(dm.OutOwner)
			fire(EdgeResolvePlain)
			r.tick(c, 5*time.Second)
			if undone {
				fire(EdgeUndoResolve)
				r.want(dm.OutOwner)
				r.tick(c, 6*time.Second)
				fire(EdgeSnooze) // whatever comes next is the next to arrive
				r.want(dm.OutOwner)
				return
			}
			r.tick(c, 6*time.Second)
			r.want(dm.OutResolved)
		})
	}
}
