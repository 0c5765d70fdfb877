package proof

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/internal/proof/kill"
)

// queueFlow has people only.
const queueFlow = `flow: line
states:
  start:
    handoff: {queue: general, say: "A person will be with you."}
`

func queueProject(url string) map[string]string { return standProject(url, queueFlow) }

// ask is one operation on the ownership of one conversation; told is what came of it.
type (
	ask  struct{ conv, do, agent string }
	told struct {
		ok    bool
		owner string // "" = the queue
		known bool   // false: no answer came
	}
)

// claims is what ownership promises: claim takes what waits, release gives
// back what one has, take-over takes from whoever has it, everybody else is
// told who has it.
func claims() porcupine.Model {
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			by := map[string][]porcupine.Operation{}
			for _, op := range history {
				conv := op.Input.(ask).conv
				by[conv] = append(by[conv], op)
			}
			var out [][]porcupine.Operation
			for _, ops := range by {
				out = append(out, ops)
			}
			return out
		},
		Init: func() any { return "" },
		Step: func(state, input, output any) (bool, any) {
			owner, in, out := state.(string), input.(ask), output.(told)
			switch in.do {
			case "claim":
				switch owner {
				case "":
					return out.ok && out.owner == in.agent, in.agent
				case in.agent:
					return out.ok && out.owner == in.agent, owner
				}
				return !out.ok && out.owner == owner, owner
			case "release":
				if owner == in.agent {
					return out.ok && out.owner == "", ""
				}
				return !out.ok && out.owner == owner, owner
			case "take-over":
				return out.ok && out.owner == in.agent, in.agent
			}
			return out.owner == owner, owner
		},
		Equal: func(a, b any) bool { return a == b },
	}
}

// TestPromise_P7_Linearizable: people claim, release, take over and read the
// same conversations at once, through the API of the real program. What each
// was told must be the story of one owner at a time.
func TestPromise_P7_Linearizable(t *testing.T) {
	n := of(scale(t), 5000, 1_000_000, 1_000_000)
	began := time.Now()
	history, refused := tugOfWar(t, kill.Options{}, n, 40)
	res := porcupine.CheckOperationsTimeout(claims(), history, time.Minute)
	if res != porcupine.Ok {
		t.Errorf("the history of %d operations: %v", len(history), res)
	}
	wins := 0
	for _, op := range history {
		if op.Output.(told).ok && op.Input.(ask).do != "read" {
			wins++
		}
	}
	if wins < n/20 || wins > n*19/20 {
		t.Errorf("%d of %d operations changed something: nobody raced", wins, n)
	}
	report(t, "P7 linearizable: %d operations of 9 people on 40 conversations, %d moves, %d refusals that named the owner: %v; %.1f s", len(history), wins, refused, res, time.Since(began).Seconds())
	t.Run("mutant", func(t *testing.T) {
		history, _ := tugOfWar(t, kill.Options{Binary: kill.Build(t, "failpoints mutants"), Env: []string{"DISPATCHER_MUTANT=read_then_write_claim"}}, 900, 10)
		res := porcupine.CheckOperationsTimeout(claims(), history, time.Minute)
		if res != porcupine.Illegal {
			t.Fatalf("a claim that reads first and writes later passes: %v", res)
		}
		report(t, "P7 mutant read_then_write_claim: caught in %d operations", len(history))
	})
}

// tugOfWar lets nine people press n buttons on a few conversations.
func tugOfWar(t *testing.T, opt kill.Options, n, conversations int) (history []porcupine.Operation, refused int) {
	const people = 9
	if opt.Binary == "" {
		opt.Binary = kill.Build(t, "")
	}
	s := openStand(t, queueProject, opt)
	s.svc.Term()
	for p := range people {
		addPerson(t, opt.Binary, s.svc.Dir, s.svc.Data, fmt.Sprintf("p%d@acme.example", p), "lead")
	}
	s.restart()
	convs := s.queued(conversations)
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := time.Now()
	for p := range people {
		c := s.svc.Login(fmt.Sprintf("p%d@acme.example", p), personPassword)
		var me struct {
			ID string `json:"id"`
		}
		if status := c.Get("/api/v1/me", &me); status != 200 || me.ID == "" {
			t.Fatalf("GET /me answered %d", status)
		}
		wg.Go(func() {
			for k := range (n + people - 1) / people {
				in := ask{conv: convs[k/8%len(convs)], do: []string{"claim", "release", "claim", "read", "take-over", "claim", "release", "claim", "release"}[(k*5+p*2)%9], agent: me.ID}
				call := time.Since(start)
				out := operate(t, c, in)
				back := time.Since(start)
				if !out.known {
					t.Errorf("%s of %s: no answer", in.do, in.conv)
					continue
				}
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: p, Input: in, Call: int64(call), Output: out, Return: int64(back)})
				if !out.ok {
					refused++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return history, refused
}

// operate presses one button and reads who has the conversation then.
func operate(t *testing.T, c *kill.Client, in ask) told {
	var got struct {
		Owner struct {
			Kind string `json:"kind"`
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"owner"`
		Code string `json:"code"`
	}
	path := "/api/v1/conversations/" + in.conv
	var status int
	for range 200 { // the budget of a session is 600 a minute
		if in.do == "read" {
			status = c.Get(path, &got)
		} else {
			status = c.Post(path+"/"+in.do, map[string]any{}, map[string]string{"If-Epoch": "0"}, &got)
		}
		if status != 429 {
			break
		}
		pause(context.Background(), 100*time.Millisecond)
	}
	owner := ""
	if got.Owner.Kind == "agent" {
		owner = got.Owner.ID
		if got.Owner.Name == "" {
			t.Errorf("%s: the owner has no name", in.do)
		}
	}
	switch {
	case status == 200:
		return told{ok: true, owner: owner, known: true}
	case status == 409 && (got.Code == "already_claimed" || got.Code == "not_owner"):
		return told{owner: owner, known: true}
	case status != 0:
		t.Errorf("%s answered %d %s", in.do, status, got.Code)
	}
	return told{}
}

// queued lets n customers ask for a person and gives their conversations.
func (s *stand) queued(n int) (convs []string) {
	s.t.Helper()
	sender := s.sender("shop")
	for i := range n {
		id := fmt.Sprintf("q-%d", i)
		if _, err := sender.Send(context.Background(), "e-"+id, fakeplatform.WebhookMessage(id, "c-"+id, "hello", time.Now())); err != nil {
			s.t.Fatal(err)
		}
	}
	s.settled(time.Minute)
	for _, d := range s.fake.Ledger() {
		if conv := convOf(d); d.Kind == "message.send" && indexOf(convs, conv) < 0 {
			convs = append(convs, conv)
		}
	}
	if len(convs) != n {
		s.t.Fatalf("%d conversations wait, want %d", len(convs), n)
	}
	return convs
}
