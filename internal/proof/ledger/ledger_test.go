package ledger

import (
	"strings"
	"testing"
	"time"
)

var told = time.Unix(1795161600, 0)

// good is a run in which nothing went wrong: two customers, an event that was
// stored though its sender was not told.
func good() *Book {
	conv := func(id int64, who string, texts ...string) Conversation {
		v := Conversation{ID: id, Contact: who}
		for _, text := range texts {
			v.Messages = append(v.Messages,
				Message{Seq: v.LastSeq + 1, Customer: true, Text: text, Traced: true},
				Message{Seq: v.LastSeq + 2, Cause: v.LastSeq + 1, Out: true, Text: "re " + text, Delivery: "sent"})
			v.LastSeq += 2
		}
		v.Handled = v.LastSeq
		return v
	}
	return &Book{
		Offers:  []Offer{{"ada", "a0", 0, told}, {"ada", "a1", 1, told}, {"bo", "b0", 0, told}, {"bo", "b1", 1, time.Time{}}, {"bo", "b2", 2, time.Time{}}},
		Store:   &Store{Integrity: "ok", Conversations: []Conversation{conv(1, "ada", "a0", "a1"), conv(2, "bo", "b0", "b1")}},
		Shown:   []Delivery{{"ada", "k1", "re a0", 0}, {"bo", "k3", "re b0", 0}, {"ada", "k2", "re a1", 0}, {"bo", "k4", "re b1", 0}},
		Answers: func(string) int { return 1 },
	}
}

func TestGoodRun(t *testing.T) {
	t.Parallel()
	f := good().Check()
	if len(f.Bad()) != 0 {
		t.Errorf("findings in a good run: %q", f.Bad())
	}
	if f.Offered != 5 || f.Acked != 3 || f.Stored != 4 || f.Unacked != 1 || f.Answers != 4 || f.Shown != 4 {
		t.Errorf("%s", f)
	}
}

// TestPlanted: each thing that can go wrong is found, and under its name.
func TestPlanted(t *testing.T) {
	t.Parallel()
	const lost, doubled, disordered, broken = "lost", "doubled", "disordered", "broken"
	for name, c := range map[string]struct {
		want string
		do   func(b *Book)
	}{
		"acked and not stored": {lost, func(b *Book) { b.Offers = append(b.Offers, Offer{"cy", "c0", 0, told}) }},
		"stored twice": {doubled, func(b *Book) {
			v := &b.Store.Conversations[0]
			v.Messages[2].Text, v.Messages[3].Text = "a0", "re a0"
		}},
		"in another conversation too": {doubled, func(b *Book) {
			v := b.Store.Conversations[0]
			v.ID, v.Messages = 3, v.Messages[:2]
			v.LastSeq = 2
			b.Store.Conversations = append(b.Store.Conversations, v)
		}},
		"swapped":      {disordered, func(b *Book) { m := b.Store.Conversations[0].Messages; m[0].Text, m[2].Text = m[2].Text, m[0].Text }},
		"never said":   {broken, func(b *Book) { b.Store.Conversations[0].Messages[0].Text = "x" }},
		"a gap":        {broken, func(b *Book) { v := &b.Store.Conversations[0]; v.Messages = append(v.Messages[:1], v.Messages[2:]...) }},
		"last seq":     {broken, func(b *Book) { b.Store.Conversations[0].LastSeq++ }},
		"not stepped":  {broken, func(b *Book) { v := &b.Store.Conversations[1]; v.Messages[2].Traced, v.Handled = false, 2 }},
		"no answer":    {broken, func(b *Book) { b.Store.Conversations[1].Messages[3].Cause = 0 }},
		"two answers":  {doubled, func(b *Book) { b.Store.Conversations[1].Messages[3].Cause = 1 }},
		"not shown":    {lost, func(b *Book) { b.Shown = b.Shown[:3] }},
		"nobody shown": {lost, func(b *Book) { b.Shown = []Delivery{} }},
		"shown twice":  {doubled, func(b *Book) { b.Shown = append(b.Shown, b.Shown[0]) }},
		"shown under another key": {doubled, func(b *Book) {
			b.Shown = append(b.Shown, Delivery{"ada", "k9", "re a1", 0})
		}},
		"shown out of order": {disordered, func(b *Book) { b.Shown[0], b.Shown[2] = b.Shown[2], b.Shown[0] }},
		"unsettled":          {broken, func(b *Book) { b.Store.Unsettled = 1 }},
		"parked":             {broken, func(b *Book) { b.Store.Parked = 1 }},
		"corrupt":            {broken, func(b *Book) { b.Store.Integrity = "row 3 missing from index" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := good()
			c.do(b)
			f := b.Check()
			got := map[string][]string{lost: f.Lost, doubled: f.Doubled, disordered: f.Disordered, broken: f.Broken}
			if len(got[c.want]) == 0 {
				t.Errorf("not found as %s; findings %q", c.want, strings.Join(f.Bad(), "; "))
			}
		})
	}
}
