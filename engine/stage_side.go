package engine

import (
	"time"

	"dispatcher/dm"
)

// helpLimit is the time "why?" is answered with a person.
const helpLimit = 3

// momentPause is how long "one moment" keeps the first reminder away.
const momentPause = 15 * time.Minute

// sideStage: "why do you ask", "one moment", "I don't have it".
func (t *turn) sideStage(st *StateDef) bool {
	return t.each(func(m *spoken) bool {
		for _, form := range m.forms(t.set.linked.filler) {
			row, ok := t.set.linked.side[form]
			if !ok || row == "missing" && (st.kind() == kindOptions || t.st.Question.Sub == subCorrect) {
				continue
			}
			t.by = form
			t.note(TraceStep{What: "stage", State: st.full, Edge: row, By: form})
			t.side(st, row)
			return true
		}
		return false
	})
}

func (t *turn) side(st *StateDef, row string) {
	q := t.st.Question
	switch row {
	case "help":
		if q.Helps++; q.Helps >= helpLimit {
			t.personExit("help", dm.CauseAskedForPerson)
			return
		}
		words := ""
		if st.Help != nil {
			words = t.text(st.Help)
		}
		if words == "" {
			words = t.sentence("help")
		}
		t.sayWithButtons(st, words, 2)
	case "moment":
		q.Shift = 0
		if ladder := t.ladder(st); len(ladder) > 0 {
			if first := t.due(ladder[0].After, t.now).Sub(t.now); first < momentPause {
				q.Shift = (momentPause - first).Milliseconds()
			}
		}
		t.keepShift = true
		t.emit(Say{Text: t.sentence("moment"), Priority: 2, Rule: st.where})
		t.over = true
	case "missing":
		t.missing(st)
	}
}

// missing leaves a collect for "I don't have it".
func (t *turn) missing(st *StateDef) {
	switch {
	case st.Form != nil:
		t.fallback(st, "")
		return
	case st.Verify != nil:
		t.unverified(st, edgeUnverified)
		return
	}
	c := st.Collect
	t.reply = answered{q: t.st.Question.Number}
	switch {
	case c.Missing != nil:
		t.st.Question = nil
		t.follow(c.Missing, st.full)
	case c.Skip != nil:
		t.st.Question = nil
		t.leave(st, idSkip)
	case c.GiveUp != nil:
		t.cause = dm.CauseGaveUp
		t.hang()
		t.st.Question = nil
		t.follow(c.GiveUp, st.full)
	default:
		t.personExit("missing", dm.CauseGaveUp)
	}
}
