package engine

import "slices"

// walked is a step of the path that still counts, with its number in the whole
// path of the conversation, from 0.
type walked struct {
	PathStep
	at int
}

// key is the key of the edge in the table of its flow.
func (p *PathStep) key() string {
	if p.Key != "" {
		return p.Key
	}
	return p.Edge
}

// steps is how many steps the conversation has taken.
func (t *turn) steps() int { return t.st.Dropped + len(t.st.Path) }

// walk is the way that led here: the kept steps since the conversation was last
// begun anew, less what corrections and old buttons went back over.
func (t *turn) walk() []walked {
	out := make([]walked, 0, len(t.st.Path))
	for i := range t.st.Path {
		w := walked{t.st.Path[i], t.st.Dropped + i}
		switch {
		case w.at < t.st.Fresh || w.Aside:
		case w.Back > 0:
			for len(out) > 0 && out[len(out)-1].at >= w.Back-1 {
				out = out[:len(out)-1]
			}
		default:
			w.Flow, w.Name = t.renamed(w.Flow, w.Name)
			out = append(out, w)
		}
	}
	return out
}

// refresh begins the path anew: a correction does not walk behind this point.
func (t *turn) refresh() {
	t.st.Fresh = t.steps()
	t.st.Replay, t.re = nil, nil
}

// stackAt is the call stack as it was when step i was taken, false when the
// calls that made it are not kept any more.
func (t *turn) stackAt(way []walked, i int) ([]Frame, bool) {
	var stack []Frame // frames with an empty name were pushed before the kept path
	lowest := way[0].Stack
	for range way[0].Stack {
		stack = append(stack, Frame{})
	}
	for j := 0; j <= i; j++ {
		p := &way[j]
		lowest = min(lowest, p.Stack)
		if p.Stack > len(stack) {
			return nil, false
		}
		stack = stack[:p.Stack:p.Stack]
		if j < i && p.Call != "" {
			stack = append(stack, t.frameOf(&p.PathStep))
		}
	}
	for _, p := range way[i:] {
		lowest = min(lowest, p.Stack)
	}
	lowest = min(lowest, len(t.st.Stack))
	for level := range stack {
		switch {
		case level < lowest:
			stack[level] = t.st.Stack[level] // nothing has touched it since
		case stack[level].Edge == "":
			return nil, false
		}
	}
	return stack, true
}

// frameOf is the frame that a calling step pushed.
func (t *turn) frameOf(p *PathStep) Frame {
	fr := Frame{Flow: p.Flow, Name: p.Name, Edge: p.Call}
	if isEscape(p.key()) {
		fr.Side, fr.Question = true, &Question{}
	}
	return fr
}

// isEscape says whether an edge is one of everywhere.
func isEscape(key string) bool {
	const prefix = "everywhere:"
	return len(key) > len(prefix) && key[:len(prefix)] == prefix
}

// collectedAt is the step that filled a slot by an answer, -1 when there is none.
func collectedAt(way []walked, slot string) int {
	for i := len(way) - 1; i >= 0; i-- {
		if way[i].Slot == slot {
			return i
		}
	}
	return -1
}

// filledAt is the first step after a slot was filled without being asked for.
func filledAt(way []walked, v SlotValue) int {
	return slices.IndexFunc(way, func(w walked) bool { return w.at >= v.Step })
}
