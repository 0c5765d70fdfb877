package engine

import (
	"sync"
	"testing"
)

// The traps of looplab/fsm, language.md 5.

func machine(t *testing.T, edges ...[3]string) *machines {
	t.Helper()
	tb := &table{seen: map[[2]string]string{}}
	for _, e := range edges {
		if err := tb.add(e[0], e[1], e[2]); err != nil {
			t.Fatal(err)
		}
	}
	return newMachines(tb)
}

func TestFireMoves(t *testing.T) {
	t.Parallel()
	m := machine(t, [3]string{"next", "f.a", "f.b"}, [3]string{"next", "f.b", "f.c"})
	if got, err := m.fire("f.a", "next"); got != "f.b" || err != nil {
		t.Fatal(got, err)
	}
	if got, err := m.fire("f.b", "next"); got != "f.c" || err != nil {
		t.Fatal(got, err)
	}
}

func TestSourceThatIsTheDestinationIsASuccess(t *testing.T) {
	t.Parallel()
	m := machine(t, [3]string{"again", "f.a", "f.a"})
	for range 3 {
		if got, err := m.fire("f.a", "again"); got != "f.a" || err != nil {
			t.Fatal(got, err)
		}
	}
}

func TestUnknownAndIllegalEdgesAreErrorsAndDoNotPoisonThePool(t *testing.T) {
	t.Parallel()
	m := machine(t, [3]string{"next", "f.a", "f.b"})
	for range 50 {
		if _, err := m.fire("f.a", "nothing"); err == nil {
			t.Fatal("an unknown event passes")
		}
		if _, err := m.fire("f.b", "next"); err == nil {
			t.Fatal("an illegal event passes")
		}
		if got, err := m.fire("f.a", "next"); got != "f.b" || err != nil {
			t.Fatal(got, err)
		}
	}
}

func TestTwoTargetsForOneEdgeAreRefused(t *testing.T) {
	t.Parallel()
	tb := &table{seen: map[[2]string]string{}}
	for range 2 {
		if err := tb.add("next", "f.a", "f.b"); err != nil {
			t.Fatal(err)
		}
	}
	if tb.add("next", "f.a", "f.c") == nil {
		t.Fatal("the last target would win silently")
	}
	two := newSet(t, []*Flow{flow("a", states{"start": {Ask: tx("Q"), Options: []*Option{opt("x", "X", to("a.b")), opt("x", "Y", to("a.start"))}}, "b": {Exit: closes("done")}})})
	if two.Link() == nil {
		t.Fatal("Link takes two options with one id")
	}
}

func TestPooledMachinesKeepNothing(t *testing.T) {
	t.Parallel()
	m := machine(t, [3]string{"next", "f.a", "f.b"}, [3]string{"back", "f.b", "f.a"}, [3]string{"escape", atAny, atQueue})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if got, _ := m.fire("f.a", "next"); got != "f.b" {
					t.Error(got)
				}
				if got, _ := m.fire(atAny, "escape"); got != atQueue {
					t.Error(got)
				}
			}
		})
	}
	wg.Wait()
}

func TestEveryEdgeOfASetIsInItsTable(t *testing.T) {
	t.Parallel()
	set := shop(t)
	for _, f := range set.Flows {
		for _, st := range f.States {
			for key, x := range st.exits {
				to := set.destination(x)
				if to == "" {
					continue
				}
				if got, err := f.machines.fire(st.full, key); err != nil || got != to {
					t.Errorf("%s %s: %s %v, want %s", st.full, key, got, err, to)
				}
			}
		}
	}
}
