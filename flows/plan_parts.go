package flows

import (
	"slices"

	"dispatcher/engine"
)

// What plan says of a state it says once: a question, an option and an edge
// have lines of their own, so the parts below are compared without them. A
// question of another kind was told as that, whatever it is made of.

// says is the answers of no_match without where they lead.
func says(list []engine.Answer) []engine.Answer {
	out := slices.Clone(list)
	for i := range out {
		out[i].Exit = nil
	}
	return out
}

// bare is the answers to silence without where they lead.
func bare(list []engine.Wait) []engine.Wait {
	out := slices.Clone(list)
	for i := range out {
		out[i].Exit = nil
	}
	return out
}

// collecting is what a collect does beside its question, options and edges,
// where both states have one.
func collecting(c *engine.Collect, other *engine.StateDef) *engine.Collect {
	if c == nil || other.Collect == nil {
		return nil
	}
	rest := *c
	rest.Slot, rest.Ask, rest.Options, rest.GiveUp, rest.Missing = "", nil, nil, nil, nil
	return &rest
}

// filling is what a form does beside its question and edges, where both states
// have one.
func filling(f *engine.Form, other *engine.StateDef) *engine.Form {
	if f == nil || other.Form == nil {
		return nil
	}
	rest := *f
	if f.FallbackExit != nil || other.Form.FallbackExit != nil {
		rest.Fallback = "" // that it leads somewhere now, or no more, is an edge
	}
	rest.Ask, rest.FallbackExit = nil, nil
	return &rest
}

// verifying is what a verification does beside its question and edges, where
// both states have one.
func verifying(v *engine.Verify, other *engine.StateDef) *engine.Verify {
	if v == nil || other.Verify == nil {
		return nil
	}
	rest := *v
	rest.Ask, rest.Failed = nil, nil
	return &rest
}

// looking is what a look-up does, without where its results lead.
func looking(l *engine.Lookup) *engine.Lookup {
	if l == nil {
		return nil
	}
	rest := *l
	rest.On, rest.OnElse = nil, nil
	return &rest
}
