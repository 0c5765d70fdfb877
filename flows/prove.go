package flows

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatcher/engine"
)

// Proof says of every state that asks or waits how it is left: by an answer,
// by silence, by asking for a person (language.md 6.4).
type Proof struct {
	States []ProofState `json:"states"` // flows by path, states as written
	Proved int          `json:"proved"`
}

// ProofState is one line of the table.
type ProofState struct {
	State    string   `json:"state"`     // flow.state
	Asks     bool     `json:"asks"`      // false: it waits for a look-up or for people
	ToPerson int      `json:"to_person"` // messages of the customer until a person; -1 = never
	ToEnd    int      `json:"to_end"`    // answers until a handoff, resolve or return; -1 = never
	Tries    int      `json:"tries"`     // messages that fit nothing until it gives up; 0 = it is no question, -1 = without end
	Silence  string   `json:"silence"`   // when and how silence ends
	Escape   []string `json:"escape"`    // languages in which "a person, please" is understood
	Why      string   `json:"why,omitempty"`
}

// far is more turns than any path has.
const far = 1 << 20

// prove fills the table.
func (l *loader) prove(g *graph) *Proof {
	p := &Proof{States: []ProofState{}}
	d := g.distances()
	endless, spins := g.endlessTries(), g.spins()
	escape := l.escapeLanguages()
	person := l.personReached(g)
	for _, s := range g.states {
		if !g.waits(s) {
			continue
		}
		row := ProofState{State: s.flow.name + "." + s.name, Asks: s.def.Asks(), ToPerson: 1, ToEnd: d.end(s), Tries: l.triesOf(s), Silence: l.silenceOf(s), Escape: escape}
		if !row.Asks && s.def.HTTP == nil {
			row.ToPerson = 0 // it is with people
		} else if !person {
			row.ToPerson = -1
		}
		if endless[s] != nil {
			row.Tries = -1
		}
		row.Why = l.unproved(s, row, endless[s])
		if round := spins[s]; row.Why == "" && round != nil {
			row.Why = "it goes round without waiting: " + g.roundNames(round, s)
		}
		if row.Why == "" {
			p.Proved++
		}
		p.States = append(p.States, row)
	}
	return p
}

// unproved names what is missing of a proof; "" = nothing.
func (l *loader) unproved(s *stateSrc, row ProofState, loop []string) string {
	switch {
	case s.bad:
		return "it has errors"
	case row.Tries < 0:
		return "tries are not bounded: " + strings.Join(loop, " → ")
	case row.ToEnd < 0:
		return "no path from it ends"
	case l.loops[s]:
		return "it goes round without waiting"
	case row.ToPerson < 0:
		return "talk_to_person leads to no handoff"
	case len(row.Escape) == 0:
		return "no words for a person are known"
	}
	return ""
}

// waits says that a conversation can stand in a state: at a question, a
// look-up, or a handoff.
func (g *graph) waits(s *stateSrc) bool {
	if s.def.Asks() || s.def.HTTP != nil {
		return true
	}
	for _, f := range s.out {
		if f.by <= byFailing && f.exit != nil && f.exit.Kind == engine.ExitHandoff {
			return true
		}
	}
	return false
}

// triesOf is how many messages that fit nothing a question takes.
func (l *loader) triesOf(s *stateSrc) int {
	d := s.def
	switch {
	case d.Collect != nil:
		if d.Collect.MaxTries > 0 {
			return d.Collect.MaxTries
		}
		return l.set.Defaults.MaxTries
	case d.Verify != nil:
		if d.Verify.MaxTries > 0 {
			return d.Verify.MaxTries
		}
		return 3
	case d.Form != nil:
		return 1 // what is typed takes the fallback
	case len(d.Options) == 0:
		return 0
	}
	ladder := d.NoMatch
	if ladder == nil {
		ladder = l.set.Defaults.NoMatch
	}
	if ladder == nil {
		return 3 // the two built-in sentences, then a person
	}
	for i, step := range ladder {
		if step.Exit != nil {
			return i + 1
		}
	}
	return len(ladder) + 1
}

// silenceOf says when and how silence ends.
func (l *loader) silenceOf(s *stateSrc) string {
	if !s.def.Asks() {
		return l.othersSilent(s)
	}
	ladder := s.def.NoReply
	if ladder == nil {
		ladder = l.set.Defaults.NoReply
	}
	if n := len(ladder); n > 0 && ladder[n-1].Exit != nil {
		return ladder[n-1].After.Source + " " + ladder[n-1].Exit.Kind
	}
	return shortTime(l.set.IdleClose) + " idle_close"
}

// othersSilent is the end of waiting for a look-up or for people.
func (l *loader) othersSilent(s *stateSrc) string {
	if h := s.def.HTTP; h != nil {
		one := h.Timeout
		if one == 0 {
			if one = l.p.Config.Service[h.Service].Timeout; one == 0 {
				one = 3 * time.Second
			}
		}
		total := one
		for i := range h.Retry {
			total += one + time.Second<<i
		}
		return "look-up within " + shortTime(min(total, 30*time.Second))
	}
	if e := s.def.Exit; e != nil && e.Hand != nil {
		if n := len(e.Hand.Unanswered); n > 0 && e.Hand.Unanswered[n-1].Exit != nil {
			last := e.Hand.Unanswered[n-1]
			return strings.TrimSpace(last.After.Source + " " + last.Exit.Kind)
		}
	}
	return "the desk"
}

// shortTime writes a duration as flows do: 90m is 1h30m, 48h is 2d.
func shortTime(d time.Duration) string {
	if d >= 48*time.Hour && d%(24*time.Hour) == 0 {
		return strconv.Itoa(int(d/(24*time.Hour))) + "d"
	}
	var b strings.Builder
	for _, u := range []struct {
		size time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / u.size; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d -= n * u.size
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

// escapeLanguages are the languages whose words for a person are understood in
// every state: the project's and English, as far as there are such words.
func (l *loader) escapeLanguages() []string {
	var out []string
	for _, lang := range append(slices.Clone(l.set.Languages), "en") {
		if slices.Contains(out, lang) {
			continue
		}
		known := engine.PackOf(lang) != nil
		for _, e := range l.escapes {
			known = known || e.def.Name == "talk_to_person" && e.flow == "" && len(e.def.Match[lang]) > 0
		}
		if known {
			out = append(out, lang)
		}
	}
	return out
}

// personReached says that every form of talk_to_person ends with people.
func (l *loader) personReached(g *graph) bool {
	for _, e := range l.escapes {
		if e.def.Name == "talk_to_person" && e.def.Exit != nil && !g.always(e.def.Exit, engine.ExitHandoff, map[*stateSrc]bool{}) {
			return false
		}
	}
	return true
}
