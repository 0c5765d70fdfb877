package engine

import (
	"strings"
	"unicode"

	"dispatcher/dm"
)

// stage is one way to understand a message; run says whether it decided.
type stage struct {
	name string
	run  func(*turn, *StateDef) bool
}

// stages are language.md 2.6 in order; the first that decides ends the search.
// Value, words and fuzzy look at what the open question takes.
func stages() [8]stage {
	return [8]stage{
		{"exact", (*turn).exactStage},
		{"everywhere", func(t *turn, _ *StateDef) bool { return t.everywhereStage() }},
		{"first", (*turn).firstStage},
		{"side", (*turn).sideStage},
		{"correction", (*turn).correctionStage},
		{"value", (*turn).valueStage},
		{"words", (*turn).wordsStage},
		{"fuzzy", (*turn).fuzzyStage},
	}
}

// classify understands a message while a question is open.
func (t *turn) classify() {
	st := t.state()
	if t.ev.Tap != nil {
		t.trace.Stage = "tap" // before it fires: what is saved says how it was found
		if t.tapStage(st) {
			return
		}
		t.trace.Stage = ""
	}
	if t.blank() {
		if len(t.ev.Media) > 0 {
			t.mediaOnly(st)
			return
		}
		t.trace.Stage, t.waits = "none", false // nothing was said
		return
	}
	if st.Verify != nil && t.st.Question.Sub == "" {
		t.verifying(st)
		return
	}
	t.fillAhead()
	for _, s := range stages() {
		t.trace.Stage = s.name
		if s.run(t, st) {
			return
		}
	}
	t.trace.Stage = "none"
	t.current = &t.joined
	t.noteClosest(st)
	t.by, t.score = "", 0
	t.none(st)
}

// blank says that a message holds no words: nothing typed, or only signs that
// carry none.
func (t *turn) blank() bool {
	return strings.IndexFunc(t.joined.raw, func(r rune) bool {
		return !unicode.IsSpace(r) && unicode.IsPrint(r)
	}) < 0
}

// each tries the joined text, then the parts of a burst, newest first.
func (t *turn) each(try func(*spoken) bool) bool {
	t.current = &t.joined
	if try(&t.joined) {
		return true
	}
	for i := range t.parts {
		t.current = &t.parts[i]
		if try(t.current) {
			return true
		}
	}
	t.current = &t.joined
	return false
}

// none is stage 10.
func (t *turn) none(st *StateDef) {
	if t.st.After {
		t.openNew()
		return
	}
	q := t.st.Question
	if q.Hash != st.hash {
		// The wording changed since it was asked: ask once more, uncounted.
		q.Sub, q.Choices, q.Value = "", nil, nil
		t.repeat(st)
		return
	}
	if q.Sub == subMean {
		t.backFromSub()
	}
	t.miss(st)
}

// Bounds of the near miss that a trace shows.
const (
	closestFloor = 0.5
	closestWords = 40
)

// noteClosest tells the trace which option came nearest, for whoever asks why
// nothing matched.
func (t *turn) noteClosest(st *StateDef) {
	if !t.takesOptions() || t.joined.wordCount() > closestWords {
		return
	}
	if best := t.bestByLikeness(st, &t.joined, closestFloor); len(best) > 0 {
		t.note(TraceStep{What: "stage", State: st.full, Edge: "closest", Option: best[0].id, By: t.by, Score: t.score})
	}
}

// backFromSub drops a sub-question.
func (t *turn) backFromSub() {
	q := t.st.Question
	q.Sub, q.Choices, q.Value = "", nil, nil
	t.shown = nil
}

// miss counts a message that fits nothing.
func (t *turn) miss(st *StateDef) { t.missed(st, "") }

// missed counts it; words stand in for those of the question's own ladder.
func (t *turn) missed(st *StateDef, words string) {
	q := t.st.Question
	switch {
	case len(t.ev.Media) > 0 && t.wantsMedia(st):
		t.wrongMedia(st)
	case q.Kind == kindCollect || q.Sub == subCorrect:
		t.wrongTry(st, words)
	case q.Kind == kindForm || q.Kind == kindVerify:
		t.besideThePage(st)
	default:
		t.noMatch(st, words)
	}
}

// wrongMedia is attachments of kinds that were not asked for: the first message
// of a visit is no try.
func (t *turn) wrongMedia(st *StateDef) {
	q := t.st.Question
	if q.Media++; q.Media == 1 {
		t.sayWithButtons(st, t.invalidText(st), 2)
		return
	}
	t.wrongTry(st, "")
}

// noMatch takes the next no_match step; words stand in for its own.
func (t *turn) noMatch(st *StateDef, words string) {
	q := t.st.Question
	t.attempt(st, "no_match")
	q.Misses++
	steps := st.NoMatch
	if steps == nil {
		steps = t.set.Defaults.NoMatch
	}
	if steps == nil {
		t.builtInNoMatch(st, words)
		return
	}
	if q.Misses > len(steps) {
		t.personExit("no_match", dm.CauseNoMatch)
		return
	}
	step := &steps[q.Misses-1]
	if words == "" || step.Exit != nil {
		words = t.optional(step.Say)
	}
	if step.Exit == nil {
		t.note(TraceStep{What: "edge", State: st.full, Edge: numbered("no_match:", q.Misses-1), At: step.At.String()})
		t.sayWithButtons(st, words, 2)
		return
	}
	t.emit(Say{Text: words, Priority: 2, Rule: st.where})
	t.cause = dm.CauseNoMatch
	t.hang()
	t.st.Question = nil
	t.follow(step.Exit, st.full)
}

func (t *turn) builtInNoMatch(st *StateDef, words string) {
	n := t.st.Question.Misses
	if n > 2 {
		t.personExit("no_match", dm.CauseNoMatch)
		return
	}
	if words == "" {
		words = t.sentence([...]string{"no_match_1", "no_match_2"}[n-1])
	}
	t.note(TraceStep{What: "edge", State: st.full, Edge: numbered("no_match:", n-1), At: st.place})
	t.sayWithButtons(st, words, 2)
}

// attempt keeps one miss for the handoff packet.
func (t *turn) attempt(st *StateDef, kind string) {
	drop := max(len(t.st.Attempts)+1-maxAttempts, 0)
	kept := make([]Attempt, 0, len(t.st.Attempts)-drop+1)
	t.st.Attempts = append(append(kept, t.st.Attempts[drop:]...), Attempt{State: st.full, Kind: kind, Seq: t.ev.Seq})
}

// mediaOnly is a message without words: what was asked for, or not.
func (t *turn) mediaOnly(st *StateDef) {
	t.trace.Stage = "value"
	if t.takesMedia(st) {
		return
	}
	t.trace.Stage = "none"
	q := t.st.Question
	switch {
	case t.st.After:
		t.openNew()
		return
	case t.wantsMedia(st):
		t.wrongMedia(st)
		return
	}
	words := t.sentence("text_please")
	if q.Media++; q.Media == 1 {
		t.sayWithButtons(st, words, 2)
		return
	}
	t.missed(st, words)
}
