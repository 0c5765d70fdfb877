package engine

import "unicode/utf8"

// wordsStage: a match phrase, a label as a phrase, or a regex is in the message.
func (t *turn) wordsStage(st *StateDef) bool {
	if !t.takesOptions() {
		return false
	}
	return t.each(func(m *spoken) bool {
		best, tied := t.bestByWords(st, m)
		return t.settle(st, best, tied)
	})
}

// takesOptions says that options are looked for in sentences now.
func (t *turn) takesOptions() bool {
	switch t.st.Question.Sub {
	case "", subMean:
		return true
	}
	return false
}

// bestByWords are the buttons with the most words in their longest hit.
func (t *turn) bestByWords(st *StateDef, m *spoken) (best []*button, score float64) {
	text := m.norm()
	buttons := t.buttons(st)
	for i := range buttons {
		b := &buttons[i]
		n, by := t.wordScore(b, m, text)
		if n == 0 {
			continue
		}
		if float64(n) > score {
			best, score = best[:0], float64(n)
			t.by, t.score = by, score
		}
		if float64(n) == score {
			best = append(best, b)
		}
	}
	return best, score
}

// wordScore is the number of words of a button's longest hit.
func (t *turn) wordScore(b *button, m *spoken, text string) (score int, by string) {
	take := func(n int, phrase string) {
		if n > score {
			score, by = n, phrase
		}
	}
	if b.opt == nil || b.opt.index.dynamic {
		for _, f := range labelForms(t.buttonLabel(b)) {
			if PhraseIn(text, f) {
				take(countWords(f), f)
			}
		}
	}
	if b.opt == nil {
		return score, by
	}
	for i := range b.opt.index.phrases {
		if p := &b.opt.index.phrases[i]; p.words > score && PhraseIn(text, p.text) {
			take(p.words, p.text)
		}
	}
	for _, re := range b.opt.index.regexes {
		if hit := re.FindString(m.nfkc()); hit != "" {
			take(max(1, countWords(Normalise(hit))), hit)
		}
	}
	return score, by
}

// settle takes the one candidate, or does what two_or_more says.
func (t *turn) settle(st *StateDef, best []*button, _ float64) bool {
	switch {
	case len(best) == 0:
		return false
	case len(best) == 1:
		t.press(st, best[0])
		return true
	case t.first || t.st.Question.Sub == subMean:
		return false // asked once which of them was meant: that is no match there
	}
	switch st.Match.TwoOrMore {
	case "first":
		t.press(st, best[0])
		return true
	case "no_match":
		return false
	}
	t.didYouMean(st, best)
	return true
}

// didYouMean asks which of at most three options was meant.
func (t *turn) didYouMean(st *StateDef, best []*button) {
	q := t.st.Question
	choices := make([]string, 0, maxWhich)
	for _, b := range best {
		if len(choices) < maxWhich {
			choices = append(choices, b.id)
		}
	}
	q.Sub, q.Choices = subMean, choices
	t.by, t.score = "", 0
	t.shown = nil
	t.note(TraceStep{What: "stage", State: st.full, Edge: subMean, At: st.place})
	t.sayQuestion(st, "")
	t.over = true
}

// fuzzyTie is how close to the best another option counts as equal.
const fuzzyTie = 0.02

// fuzzyStage: some run of words is very like a phrase.
func (t *turn) fuzzyStage(st *StateDef) bool {
	floor := st.Match.Fuzzy
	if floor < 0 {
		floor = t.set.Defaults.Fuzzy
	}
	if floor == 0 || !t.takesOptions() {
		return false
	}
	return t.each(func(m *spoken) bool {
		best := t.bestByLikeness(st, m, floor)
		return t.settle(st, best, 0)
	})
}

func (t *turn) bestByLikeness(st *StateDef, m *spoken, floor float64) []*button {
	buttons := t.buttons(st)
	scores := make([]float64, len(buttons))
	top := 0.0
	for i := range buttons {
		s, by := t.likest(&buttons[i], m, floor)
		if s > top {
			top = s
			t.by, t.score = by, s
		}
		scores[i] = s
	}
	if top == 0 {
		return nil
	}
	var best []*button
	for i, s := range scores {
		if s > 0 && s >= top-fuzzyTie-1e-9 {
			best = append(best, &buttons[i])
		}
	}
	return best
}

// likest is a button's best likeness at or above floor.
func (t *turn) likest(b *button, m *spoken, floor float64) (best float64, by string) {
	text, words := m.norm(), m.spans()
	try := func(p phrase) {
		if s := slide(text, words, p, floor); s > best {
			best, by = s, p.text
		}
	}
	if b.opt == nil {
		for _, f := range labelForms(t.buttonLabel(b)) {
			try(newPhrase(f))
		}
		return best, by
	}
	for _, p := range b.opt.index.phrases {
		if p.runes >= fuzzyRunes {
			try(p)
		}
	}
	if b.opt.index.dynamic {
		for _, f := range labelForms(t.buttonLabel(b)) {
			if utf8.RuneCountInString(f) >= fuzzyRunes {
				try(newPhrase(f))
			}
		}
	}
	return best, by
}
