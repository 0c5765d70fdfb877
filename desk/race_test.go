package desk

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"dispatcher/inbox"
	"dispatcher/storage"
)

// Two agents press C at the same moment: one has it, the other learns who.
func TestRace_ClaimAgainstClaimHasOneWinner(t *testing.T) {
	t.Parallel()
	o := open(t)
	for n := range 100 {
		id := o.says(t, "web", fmt.Sprintf("p%d", n), "agent") // waits in queue general at once
		var wg sync.WaitGroup
		start := make(chan struct{})
		won, lost := make(chan string, 2), make(chan *Problem, 2)
		for _, a := range []Actor{ana(), ben()} {
			wg.Go(func() {
				<-start
				m, err := o.Claim(t.Context(), a, id, Command{IfEpoch: 2})
				var p *Problem
				switch {
				case err == nil:
					won <- m.Owner.ID
				case errors.As(err, &p):
					lost <- p
				default:
					t.Error(err)
				}
			})
		}
		close(start)
		wg.Wait()
		close(won)
		close(lost)
		winner, loser := <-won, <-lost
		if winner == "" || loser == nil || loser.Code != CodeAlreadyClaimed || loser.Facts["owner"].(Owner).ID != winner {
			t.Fatalf("round %d: winner %q, loser %+v", n, winner, loser)
		}
	}
}

// ownership is what a conversation is to its agents: who has it, "" = the queue.
type ownership struct{ do, agent string }

type answer struct {
	ok    bool
	owner string
}

// ownershipModel is the specification: claim takes what waits, release gives
// back what one has, take-over takes from whoever has it.
func ownershipModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return "" },
		Step: func(state, input, output any) (bool, any) {
			owner, in, out := state.(string), input.(ownership), output.(answer)
			switch in.do {
			case "claim":
				switch owner {
				case "":
					return out.ok && out.owner == in.agent, in.agent
				case in.agent:
					return out.ok, owner
				}
				return !out.ok && out.owner == owner, owner
			case "release":
				if owner == in.agent {
					return out.ok, ""
				}
				return !out.ok && out.owner == owner, owner
			case "take_over":
				return out.ok && out.owner == in.agent, in.agent
			}
			return out.owner == owner, owner
		},
		Equal: func(a, b any) bool { return a == b },
	}
}

func (o *office) ask(t *testing.T, id string, in ownership, a Actor) answer {
	var m Moved
	var err error
	switch in.do {
	case "claim":
		m, err = o.Claim(t.Context(), a, id, Command{})
	case "release":
		m, err = o.Release(t.Context(), a, id, Command{})
	case "take_over":
		m, err = o.TakeOver(t.Context(), a, id, Command{})
	default:
		var d Detail
		d, err = o.Get(t.Context(), a, id)
		m.Owner = d.Owner
	}
	owner := func(w Owner) string {
		if w.Kind == "agent" {
			return w.ID
		}
		return ""
	}
	var p *Problem
	if errors.As(err, &p) {
		return answer{owner: owner(p.Facts["owner"].(Owner))}
	}
	if err != nil {
		t.Error(err)
	}
	return answer{ok: true, owner: owner(m.Owner)}
}

// The history of concurrent claims, releases, take-overs and reads is that of
// one owner changing one step at a time (P7).
func TestRace_HistoryIsLinearizable(t *testing.T) {
	t.Parallel()
	o := open(t)
	id := o.waiting(t, "web", "mia")
	verbs := []string{"claim", "read", "release", "take_over", "claim", "release"}
	var mu sync.Mutex
	var history []porcupine.Operation
	began := time.Now()
	var wg sync.WaitGroup
	for client, a := range []Actor{ana(), ben(), lea()} {
		wg.Go(func() {
			for n := range 60 {
				in := ownership{do: verbs[(n*7+client*3)%len(verbs)], agent: a.ID}
				call := time.Since(began)
				out := o.ask(t, id, in, a)
				op := porcupine.Operation{ClientId: client, Input: in, Call: int64(call), Output: out, Return: int64(time.Since(began))}
				mu.Lock()
				history = append(history, op)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if got := porcupine.CheckOperationsTimeout(ownershipModel(), history, 5*time.Minute); got != porcupine.Ok {
		t.Errorf("history of %d operations: %v", len(history), got)
	}
}

// What a claim that reads first and writes later would do must be found.
func TestRace_TwoWinnersAreFound(t *testing.T) {
	t.Parallel()
	claim := func(agent string, from, to int64) porcupine.Operation {
		return porcupine.Operation{Input: ownership{"claim", agent}, Output: answer{ok: true, owner: agent}, Call: from, Return: to}
	}
	both := []porcupine.Operation{claim("ana", 0, 10), claim("ben", 5, 15)}
	if porcupine.CheckOperations(ownershipModel(), both) {
		t.Error("two winners at once pass for one")
	}
}

// The bot and an agent at the same time: once the take-over is committed, no
// message of the bot is pending or has been sent after it.
func TestRace_TakeOverAgainstTheBot(t *testing.T) {
	t.Parallel()
	o := open(t)
	for n := range 30 {
		id := o.says(t, "shop", fmt.Sprintf("p%d", n), "hello")
		var wg sync.WaitGroup
		wg.Go(func() { o.saysAny(t, "shop", fmt.Sprintf("p%d", n), "My order", n) })
		wg.Go(func() {
			if _, err := o.TakeOver(t.Context(), ana(), id, Command{}); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		rows := must[Page[Msg]](t)(o.Messages(t.Context(), ana(), id, 0, 0, 0)).Items
		taken := int64(0)
		for _, r := range rows {
			if r.Event != nil && r.Event.Edge == string(inbox.EdgeTakeOver) {
				taken = r.Seq
			}
		}
		for _, r := range rows {
			if r.Author.Kind == "bot" && (r.Seq > taken || r.State != "cancelled") {
				t.Fatalf("round %d: bot row %d is %s, taken over at %d", n, r.Seq, r.State, taken)
			}
		}
	}
	left, _, err := o.store.Lease(t.Context(), storage.LeaseQuery{What: "outbox", Now: o.clock.Now().Add(time.Hour).UnixMilli(), Node: 9, For: time.Minute, N: 500, Pull: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, work := range left {
		if r := work.Row; r.Origin == storage.OriginBot || r.Kind == storage.RowNotice {
			t.Errorf("a row of the bot is left to send: origin %d kind %d epoch %d", r.Origin, r.Kind, r.Epoch)
		}
	}
}
