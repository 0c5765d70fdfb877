package engine

import "time"

// Keeps says whether a value that a conversation holds is still one under a
// slot's rules, as the next step would find (language.md 9.6, slot rules
// changed): as it is, or read again from what was typed. now is the time of the
// question.
func Keeps(set *Set, sl *Slot, have SlotValue, now time.Time) (ok bool) {
	if have.Value == nil || have.Rules == sl.rules {
		return true
	}
	t := &turn{set: set, st: NewState(set), ev: &Event{World: World{Now: now}}, now: now, lang: set.first()}
	t.eval = evaluator{t: t, env: map[string]any{}}
	t.eval.env[hidden] = &t.eval
	defer func() {
		if recover() != nil { // a rule that cannot be run holds nothing against the value
			ok = true
		}
	}()
	return t.reread(sl, &have) != nil
}
