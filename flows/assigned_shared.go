package flows

import (
	"slices"
	"sort"

	"dispatcher/engine"
)

// Texts and exits that stand outside of states are read with what is filled
// wherever they can be used.

// reportShared looks at everywhere, vanished, and the project's own versions
// of built-in sentences.
func (a *assignment) reportShared() {
	for _, e := range a.l.escapes {
		if b := a.within(e); b != nil {
			a.l.in(e.flow, "", func() {
				a.text(b, e.def.Say)
				a.exit(b, e.def.Exit)
			})
		}
	}
	for _, f := range a.l.flows {
		a.l.in(f.name, "", func() { a.exit(a.start(), f.def.Vanished) })
	}
	names := keysOf(a.l.set.Sentences)
	sort.Strings(names)
	for _, name := range names {
		a.text(a.start(), a.l.set.Sentences[name])
	}
}

// within is what is filled wherever an entry of everywhere can be meant: the
// project's also by the first message of a conversation. Nil = nowhere.
func (a *assignment) within(e escapeSrc) bits {
	if e.flow == "" {
		return a.start()
	}
	builtIn := slices.Contains(builtInEscapes(), e.def.Name)
	var out bits
	for _, s := range a.g.states {
		if s.flow.name != e.flow || a.in[s] == nil || !a.g.waits(s) || s.def.Deaf && !builtIn {
			continue
		}
		b := a.done(s)
		switch {
		case s.def.HTTP != nil:
		case !s.def.Asks() && !builtIn:
			continue // people have it: only the built-in entries are heard
		}
		if out == nil {
			out = b
		} else {
			out.meet(b)
		}
	}
	return out
}

// after looks at what a call takes on its return, by result.
func (a *assignment) after(b bits, e *engine.Exit) {
	results := keysOf(a.returns[e.Flow])
	sort.Strings(results)
	for _, result := range results {
		next, to := a.back(e, b, result)
		a.exit(next, to)
	}
}

// canned looks at a canned text where an expression shows it, unless it was
// looked at where no more was filled: then all was said.
func (a *assignment) canned(b bits, name string) {
	c := a.l.set.Canned[name]
	if c == nil || slices.ContainsFunc(a.shown[name], b.holds) {
		return
	}
	a.shown[name] = append(a.shown[name], b.copy())
	a.text(b, c.Text)
}
