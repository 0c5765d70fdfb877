// Package ledger compares three accounts of one run: what a sender offered and
// was told, what the store holds, what the platform showed to customers. It
// promises that every event that was lost, doubled or put out of order is in
// its findings, by name.
package ledger

import (
	"fmt"
	"slices"
	"time"
)

// Offer is one event of a customer, as its sender remembers it.
type Offer struct {
	Contact string
	Text    string // names the event: no two offers share it
	N       int    // place among the events of its contact, from 0
	Acked   time.Time
}

// Message is one stored message.
type Message struct {
	Seq, Cause int64
	Customer   bool
	Out        bool // the bot's, sent or to be sent
	Text       string
	Traced     bool
	Delivery   string
}

// Conversation is one stored conversation with its messages by seq.
type Conversation struct {
	ID                int64
	Contact           string
	FirstSeq, LastSeq int64
	Handled           int64
	Version           int64
	Status, Owner     string
	Messages          []Message
}

// Store is everything a run left behind.
type Store struct {
	Conversations []Conversation // by id
	Unsettled     int            // outbox rows that are in no final state
	Parked        int
	Integrity     string // what integrity_check and foreign_key_check said; "ok"
}

// Delivery is one message that a customer has, repeats left out.
type Delivery struct {
	Contact, Key, Text string
	Part               int
}

// Book is one run.
type Book struct {
	Offers []Offer
	Store  *Store
	Shown  []Delivery // in order of arrival; nil: the platform is not looked at
	// Answers says how many messages the flow answers an event with, -1 = any
	// number; nil: answers are not counted.
	Answers func(text string) int
}

// Findings is what the comparison came to. A good run has nothing in the four lists.
type Findings struct {
	Offered, Acked, Stored, Answers, Shown int
	Unacked                                int // stored although the sender was not told: allowed

	Lost, Doubled, Disordered, Broken []string
}

// Bad is every finding, the count of each kind first.
func (f *Findings) Bad() []string {
	return slices.Concat(f.Lost, f.Doubled, f.Disordered, f.Broken)
}

// String is the figures in one line.
func (f *Findings) String() string {
	return fmt.Sprintf("%d offered, %d acked, %d stored, %d answers, %d shown; %d lost, %d doubled, %d out of order, %d broken",
		f.Offered, f.Acked, f.Stored, f.Answers, f.Shown, len(f.Lost), len(f.Doubled), len(f.Disordered), len(f.Broken))
}

// Check compares the three accounts.
func (b *Book) Check() *Findings {
	c := &checking{Findings: &Findings{Offered: len(b.Offers)}, book: b, offers: map[string]*Offer{}, stored: map[string]int{}, said: map[string][]string{}}
	for i := range b.Offers {
		o := &b.Offers[i]
		c.offers[o.Contact+"\x00"+o.Text] = o
		if !o.Acked.IsZero() {
			c.Acked++
		}
	}
	c.last = map[string]int{}
	for i := range b.Store.Conversations {
		c.conversation(&b.Store.Conversations[i])
	}
	c.against()
	c.platform()
	c.whole()
	return c.Findings
}

type checking struct {
	*Findings
	book   *Book
	offers map[string]*Offer
	stored map[string]int      // offer → times stored
	last   map[string]int      // contact → N of the last event stored
	said   map[string][]string // contact → texts that left, in order
}

func (c *checking) conversation(v *Conversation) {
	seq := v.FirstSeq
	answers := map[int64]int{}
	for i := range v.Messages {
		m := &v.Messages[i]
		if seq++; m.Seq != seq {
			c.Broken = append(c.Broken, fmt.Sprintf("conversation %d: seq %d where %d is next", v.ID, m.Seq, seq))
			seq = m.Seq
		}
		switch {
		case m.Customer:
			c.inbound(v, m)
		case m.Out:
			c.Answers++
			answers[m.Cause]++
			if m.Delivery != "cancelled" && m.Delivery != "failed" {
				c.said[v.Contact] = append(c.said[v.Contact], m.Text)
			}
		}
	}
	if seq != v.LastSeq {
		c.Broken = append(c.Broken, fmt.Sprintf("conversation %d: last seq %d, messages up to %d", v.ID, v.LastSeq, seq))
	}
	if c.book.Answers != nil {
		c.answered(v, answers)
	}
}

// inbound checks one event of a customer: offered, stored once, stepped, in order.
func (c *checking) inbound(v *Conversation, m *Message) {
	c.Stored++
	key := v.Contact + "\x00" + m.Text
	o := c.offers[key]
	if o == nil {
		c.Broken = append(c.Broken, fmt.Sprintf("conversation %d seq %d: %q was never offered by %q", v.ID, m.Seq, m.Text, v.Contact))
		return
	}
	if c.stored[key]++; c.stored[key] > 1 {
		c.Doubled = append(c.Doubled, fmt.Sprintf("%s: %q is stored %d times", v.Contact, m.Text, c.stored[key]))
		return
	}
	if !m.Traced && v.Handled < m.Seq {
		c.Broken = append(c.Broken, fmt.Sprintf("%s: %q was stored and not stepped", v.Contact, m.Text))
	}
	if last, ok := c.last[v.Contact]; ok && o.N < last {
		c.Disordered = append(c.Disordered, fmt.Sprintf("%s: %q (%d) is stored after event %d", v.Contact, m.Text, o.N, last))
	}
	c.last[v.Contact] = o.N
}

// answered checks that each event has its answers, once.
func (c *checking) answered(v *Conversation, answers map[int64]int) {
	for _, m := range v.Messages {
		if !m.Customer {
			continue
		}
		switch n, want := answers[m.Seq], c.book.Answers(m.Text); {
		case want < 0:
		case n < want:
			c.Broken = append(c.Broken, fmt.Sprintf("%s: %q has %d answers of %d", v.Contact, m.Text, n, want))
		case n > want:
			c.Doubled = append(c.Doubled, fmt.Sprintf("%s: %q was answered %d times", v.Contact, m.Text, n))
		}
	}
}

// against looks from the sender's side: what was acknowledged must be stored.
func (c *checking) against() {
	for key, o := range c.offers {
		switch n := c.stored[key]; {
		case n == 0 && !o.Acked.IsZero():
			c.Lost = append(c.Lost, fmt.Sprintf("%s: %q was acknowledged and is not stored", o.Contact, o.Text))
		case n > 0 && o.Acked.IsZero():
			c.Unacked++
		}
	}
}

// platform compares what customers have with what the store says was sent.
func (c *checking) platform() {
	if c.book.Shown == nil {
		return
	}
	keys, shown := map[string]int{}, map[string][]string{}
	for _, d := range c.book.Shown {
		c.Shown++
		key := fmt.Sprintf("%s.%d", d.Key, d.Part)
		if keys[key]++; keys[key] > 1 {
			c.Doubled = append(c.Doubled, fmt.Sprintf("%s was shown message %s %d times", d.Contact, key, keys[key]))
		}
		shown[d.Contact] = append(shown[d.Contact], d.Text)
	}
	contacts := map[string]bool{}
	for who := range c.said {
		contacts[who] = true
	}
	for who := range shown {
		contacts[who] = true
	}
	for who := range contacts {
		c.sameWords(who, c.said[who], shown[who])
	}
}

func (c *checking) sameWords(who string, said, shown []string) {
	if slices.Equal(said, shown) {
		return
	}
	a, b := slices.Sorted(slices.Values(said)), slices.Sorted(slices.Values(shown))
	switch {
	case slices.Equal(a, b):
		c.Disordered = append(c.Disordered, fmt.Sprintf("%s was shown %q, said was %q", who, shown, said))
	case len(shown) < len(said):
		c.Lost = append(c.Lost, fmt.Sprintf("%s was shown %q of %q", who, shown, said))
	default:
		c.Doubled = append(c.Doubled, fmt.Sprintf("%s was shown %q, said was only %q", who, shown, said))
	}
}

// whole checks what concerns the store as such.
func (c *checking) whole() {
	if c.book.Store.Integrity != "ok" {
		c.Broken = append(c.Broken, "integrity: "+c.book.Store.Integrity)
	}
	if n := c.book.Store.Unsettled; n > 0 {
		c.Broken = append(c.Broken, fmt.Sprintf("%d outbox rows are in no final state", n))
	}
	if n := c.book.Store.Parked; n > 0 {
		c.Broken = append(c.Broken, fmt.Sprintf("%d events are parked", n))
	}
}
