package engine

import (
	"slices"
	"time"
)

// OptionScore is how well one option of a state fits some words: by the words
// of its longest hit, and by likeness from 0 to 1 (language.md 2.6).
type OptionScore struct {
	ID     string
	Words  float64
	Said   string // the phrase that hit
	Likest float64
	Like   string // the phrase that is most like it
	At     Place
}

// Scores compares a text with every option of a state anew, hidden ones too,
// for whoever asks why none or another was chosen. Options that are not like
// it at all are left out; the best comes first.
func Scores(set *Set, st *StateDef, text string) (out []OptionScore) {
	defer func() {
		if recover() != nil {
			out = nil // a label that needs what only the turn knew
		}
	}()
	t := &turn{set: set, st: State{Flow: st.Flow, Name: st.Name, Question: &Question{}}, ev: &Event{World: World{Now: time.Unix(0, 0)}}}
	t.eval = evaluator{t: t, env: map[string]any{}}
	t.eval.env[hidden] = &t.eval
	t.lang = set.first()
	m := &spoken{raw: text}
	if m.wordCount() > closestWords {
		return nil
	}
	for _, o := range st.allOptions() {
		b := &button{id: o.ID, kind: buttonOption, opt: o, text: o.Label}
		s := OptionScore{ID: o.ID, At: o.At}
		n, said := t.wordScore(b, m, m.norm())
		s.Words, s.Said = float64(n), said
		if s.Likest, s.Like = t.likest(b, m, closestFloor); s.Words > 0 || s.Likest > 0 {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b OptionScore) int {
		switch {
		case a.Words != b.Words:
			return int(b.Words - a.Words)
		case a.Likest > b.Likest:
			return -1
		case a.Likest < b.Likest:
			return 1
		}
		return 0
	})
	return out
}
