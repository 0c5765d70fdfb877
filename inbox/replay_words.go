package inbox

import (
	"slices"
	"strings"

	"dispatcher/engine"
)

// What is told of a difference comes from the files of the two sets, never
// from what was said: a value put into a text is a gap, a name is a name of
// the project. So there is nothing personal in it to be masked.

// wordRunes is the longest text that is told.
const wordRunes = 80

// goesOn tells what an event led to.
func (w *replayWalk) goesOn(h heard, r *replayRun) string {
	switch {
	case len(h.queues) > 0:
		return "to people: queue " + last(h.queues)
	case len(h.reasons) > 0:
		return "ends: " + last(h.reasons)
	case h.question.state != "":
		return "asks " + askWords(w.sourceOf(r, h.question), h.question)
	case len(h.calls) > 0:
		return callWords(h.calls)
	}
	return "goes on without a question"
}

// sourceOf is the set that a question comes from: a flow may be kept on its own.
func (w *replayWalk) sourceOf(r *replayRun, q openQuestion) *engine.Set {
	if p := r.state.Pin; p != nil && p.Flow == q.flow {
		if all := w.setsOf(r); all.Pinned != nil {
			return all.Pinned
		}
	}
	return r.set
}

// askWords is a question as it is written, with its state.
func askWords(set *engine.Set, q openQuestion) string {
	name := q.flow + "." + q.state
	switch q.sub {
	case "confirm":
		return name + ", reading the value back"
	case "which":
		return name + ", which of several values"
	case "did_you_mean":
		return name + ", which option was meant"
	}
	if q.slot != "" {
		return name + ", field " + q.slot
	}
	if f := set.Flows[q.flow]; f != nil && f.States[q.state] != nil {
		if words := written(set, f.States[q.state]); words != "" {
			return name + " “" + words + "”"
		}
	}
	return name
}

// written is the question of a state as its file has it, with its buttons.
func written(set *engine.Set, st *engine.StateDef) string {
	lang := ""
	if len(set.Languages) > 0 {
		lang = set.Languages[0]
	}
	texts := []*engine.Text{st.Ask}
	if st.Collect != nil {
		texts = append(texts, st.Collect.Ask)
	}
	said := wordsOf(st.Say)
	slices.Reverse(said)
	words := ""
	for _, t := range append(texts, said...) {
		if words = gapped(lang, t); words != "" {
			break
		}
	}
	words = clip(words, wordRunes)
	var labels []string
	for _, o := range st.Options {
		if label := gapped(lang, o.Label); label != "" {
			labels = append(labels, label)
		}
	}
	if len(labels) > 0 {
		words += " [" + clip(strings.Join(labels, " | "), wordRunes) + "]"
	}
	return words
}

// edgeWords are the edges from the first one on that the other way has not.
func edgeWords(way, other []wentBy) string {
	from := 0
	for from < len(way) && from < len(other) && sameWay(way[from], other[from]) {
		from++
	}
	if from == len(way) {
		return "stops there"
	}
	return way[from].flow + "." + way[from].state + " " + way[from].edge
}

// callWords are look-ups without what is asked.
func callWords(calls []engine.Call) string {
	if len(calls) == 0 {
		return "no look-up"
	}
	c := calls[len(calls)-1]
	state, _, _ := strings.Cut(c.Rule, ":")
	return "looks up " + strings.ToUpper(c.Method) + " " + c.Service + " in " + state
}

// tagWords are tags as a file writes them: the value that one is made of is a
// gap.
func (w *replayWalk) tagWords(tags []string) string {
	if len(tags) == 0 {
		return "none"
	}
	named := map[string]bool{}
	for _, set := range []*engine.Set{w.then.set, w.now.set} {
		namesTags(set, named)
	}
	out := make([]string, len(tags))
	for i, tag := range tags {
		out[i] = namedTag(tag, named)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), ", ")
}

// namedTag finds the longest writing that a tag fits.
func namedTag(tag string, named map[string]bool) string {
	best := "…"
	for name := range named {
		before, after, gap := strings.Cut(name, "…")
		fits := name == tag || gap && len(tag) >= len(before)+len(after) && strings.HasPrefix(tag, before) && strings.HasSuffix(tag, after)
		if fits && (!gap || len(name) > len(best) || len(name) == len(best) && name < best) {
			if best = name; !gap {
				return best
			}
		}
	}
	return best
}

// namesTags collects the tags of a set as they are written.
func namesTags(set *engine.Set, into map[string]bool) {
	add := func(texts []*engine.Text) {
		for _, t := range texts {
			for lang := range t.Lang {
				into[strings.ToLower(strings.TrimSpace(gapped(lang, t)))] = true
			}
		}
	}
	for _, f := range set.Flows {
		for _, st := range f.States {
			add(st.Tag)
			for _, o := range st.Options {
				add(o.Tag)
			}
		}
	}
}
