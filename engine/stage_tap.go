package engine

import (
	"encoding/json"
	"strings"
)

// tapRecord is what a Say gave inbox to keep, read back.
type tapRecord struct {
	Number  int64   `json:"n"`
	Set     string  `json:"set"`
	Flow    string  `json:"flow"`
	State   string  `json:"state"`
	Sub     string  `json:"sub"`
	Stack   []Frame `json:"stack"`
	Options []struct {
		ID string `json:"id"`
		To string `json:"to"`
	} `json:"options"`
}

// tapStage understands a button of any age. A record that cannot be read
// leaves the label to be understood as text.
func (t *turn) tapStage(st *StateDef) bool {
	var r tapRecord
	tap := t.ev.Tap
	if tap.Closed || json.Unmarshal(tap.Record, &r) != nil || tap.Index < 0 || tap.Index >= len(r.Options) {
		return false // its numbers are another conversation's, or nobody's
	}
	t.exempt = true
	id := r.Options[tap.Index].ID
	t.by = id
	q := t.st.Question
	if q != nil && r.Number == q.Number {
		t.tapOpen(st, &r, id)
		return true
	}
	switch {
	case t.doubleTap(r.Number, id):
		t.waits = false
	case t.st.After:
		t.openNew() // no answer to the survey: another matter
	default:
		t.tapOld(&r, id)
	}
	return true
}

// closedOption is the id of the option that was tapped in a conversation that
// is closed by now, "" for anything else.
func (t *turn) closedOption() string {
	tap := t.ev.Tap
	if tap == nil || !tap.Closed {
		return ""
	}
	var r tapRecord
	if json.Unmarshal(tap.Record, &r) != nil || tap.Index < 0 || tap.Index >= len(r.Options) {
		return ""
	}
	return r.Options[tap.Index].ID
}

// tapOpen is a tap on the open question, of this set or an older one.
func (t *turn) tapOpen(st *StateDef, r *tapRecord, id string) {
	q := t.st.Question
	if r.Sub != q.Sub && r.Sub == "" {
		t.backFromSub()
	}
	if r.Sub != "" && r.Sub+"/"+id == q.Done && r.Sub != q.Sub {
		t.waits = false // "No" to a read-back, pressed twice
		return
	}
	if r.Sub == q.Sub {
		for _, b := range t.buttons(st) {
			if b.id == id {
				t.press(st, &b)
				return
			}
		}
	}
	if to := r.Options[t.ev.Tap.Index].To; to != "" {
		flow, name, _ := strings.Cut(to, ".")
		flow, name = t.renamed(flow, name)
		if f := t.flow(flow); f != nil && f.States[name] != nil {
			t.jump(flow, name, r.Stack)
			t.reply = answered{q: r.Number, opt: id}
			t.firePath("tap:jump")
			t.next = target{flow, name}
			return
		}
	}
	t.explain(st)
}

// doubleTap says that this option is the one chosen on that question. What is
// older than the kept path counts as another option.
func (t *turn) doubleTap(q int64, id string) bool {
	for i := len(t.st.Path) - 1; i >= 0; i-- {
		if p := &t.st.Path[i]; p.Q == q {
			return p.Opt == id
		}
	}
	return false
}

// tapOld is a button of an earlier question: old_taps of that state decides.
func (t *turn) tapOld(r *tapRecord, id string) {
	flow, name := t.renamed(r.Flow, r.State)
	f := t.flow(flow)
	var old *StateDef
	if f != nil {
		old = f.States[name]
	}
	how := t.set.Defaults.OldTaps
	if old != nil && old.OldTaps != "" {
		how = old.OldTaps
	}
	switch {
	case how == "ignore":
		t.waits = false
		return
	case how == "explain" || t.st.Lent != nil || r.Number <= t.st.Posted || !old.offers():
		t.explainOld()
		return
	}
	before := t.st
	t.jump(flow, name, r.Stack)
	t.st.Question = &Question{Number: r.Number, Kind: old.kind(), Hash: old.hash, Asked: t.now.UnixMilli()}
	for _, b := range t.buttons(old) {
		if b.id == id {
			t.goneBack(r.Number)
			t.firePath("tap:jump")
			t.press(old, &b)
			return
		}
	}
	t.st, t.shown = before, nil
	t.explainOld()
}

// offers says that a state has buttons which may be gone back to: a page or a
// verification is not begun by an old one.
func (s *StateDef) offers() bool { return s != nil && (s.Collect != nil || len(s.Options) > 0) }

// goneBack notes that the next step goes back to before an answer. Where that
// is not kept any more, the path begins anew.
func (t *turn) goneBack(q int64) {
	t.st.Replay = nil
	for i := len(t.st.Path) - 1; i >= 0; i-- {
		if t.st.Path[i].Q == q {
			t.backTo = t.st.Dropped + i + 1
			return
		}
	}
	t.refresh()
}

// firePath fires an edge that may start anywhere and keeps it in the path.
func (t *turn) firePath(edge string) { t.fire(atAny, edge, edge, "") }

// jump moves to a state with the stack of the time its button was sent.
func (t *turn) jump(flow, name string, stack []Frame) {
	kept := make([]Frame, 0, len(stack))
	for _, fr := range stack {
		fr.Flow, fr.Name = t.renamed(fr.Flow, fr.Name)
		if f := t.flow(fr.Flow); f != nil && f.States[fr.Name] != nil {
			kept = append(kept, fr)
		}
	}
	t.st.Flow, t.st.Name, t.st.Stack, t.st.Question = flow, name, kept, nil
	t.shown = nil
	t.pin(flow)
}

// explainOld explains on the question that is open now, if one is.
func (t *turn) explainOld() {
	st := t.state()
	if st == nil || t.st.Question == nil {
		t.emit(Say{Text: t.sentence("old_tap"), Priority: 2, Rule: t.rule()})
		t.over = true
		return
	}
	t.explain(st)
}

// explain is one message: the built-in sentence, an empty line, the question.
func (t *turn) explain(st *StateDef) {
	t.sayQuestion(st, t.sentence("old_tap"))
	t.over = true
}
