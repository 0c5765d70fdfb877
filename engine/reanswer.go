package engine

import "slices"

// reanswer answers a question in a replay as it was answered before. It says no
// where the answer is missing: then it is asked.
func (t *turn) reanswer(st *StateDef) bool {
	t.skipTrips(st)
	p := t.here(st)
	switch {
	case p == nil && t.arrived(st):
		return t.reopen(st)
	case p == nil || !t.answersAgain(st, p):
		t.re = nil
		return false
	}
	return true
}

// skipTrips passes over side trips from a question: they came back to it.
func (t *turn) skipTrips(st *StateDef) {
	for {
		p := t.here(st)
		if p == nil || p.Call == "" || !isEscape(p.key()) {
			return
		}
		steps, depth := t.re.Steps[1:], p.Stack
		for len(steps) > 0 && steps[0].Stack > depth {
			steps = steps[1:]
		}
		t.re.Steps = steps
	}
}

// answersAgain takes an earlier answer, by the kind of question.
func (t *turn) answersAgain(st *StateDef, p *PathStep) bool {
	key := p.key()
	t.reply = answered{q: p.Q, opt: p.Opt, slot: p.Slot}
	switch {
	case isEscape(key):
		return t.escapesAgain(p)
	case st.Collect != nil && p.Slot == st.Collect.Slot:
		if !t.known(p.Slot) {
			return false
		}
		t.leave(st, key)
		return true
	case st.Collect != nil && key == "missing" && st.Collect.Missing != nil:
		t.follow(st.Collect.Missing, st.full)
		return true
	case st.Collect != nil && key == idSkip && st.Collect.Skip != nil:
		t.leave(st, idSkip)
		return true
	case st.Form != nil:
		return t.submitsAgain(st)
	case st.Verify != nil:
		if !t.answeredAlready(st) || key != edgeVerified && key != "known" {
			return false
		}
		t.leave(st, key)
		return true
	}
	return t.choosesAgain(st, p)
}

// escapesAgain goes where an entry of everywhere led.
func (t *turn) escapesAgain(p *PathStep) bool {
	x := t.exitAt(p.Flow, p.Name, p.key())
	if x == nil {
		return false
	}
	t.st.Stack = nil
	t.follow(x, atAny)
	return true
}

// choosesAgain chooses the option that was chosen, or the one that the
// corrected value of the saved slot stands for.
func (t *turn) choosesAgain(st *StateDef, p *PathStep) bool {
	id := p.Opt
	if st.Save != "" && slices.Contains(t.re.Changed, slotName(st.Save)) && t.re.Slot == st.Save {
		if v, ok := t.st.Slots[st.Save].Value.(string); ok {
			id = v
		}
	}
	at := slices.IndexFunc(st.allOptions(), func(o *Option) bool { return o.ID == id })
	if at < 0 {
		return false
	}
	o := st.allOptions()[at]
	if o.When != nil && (t.dependsOn(o.When) || id != p.Opt) && !t.softCond(o.When) {
		return false
	}
	t.reply.opt = id
	if id != p.Opt {
		t.rechoose(st, o)
		return true
	}
	if v, ok := t.st.Slots[st.Save]; st.Save != "" && (!ok || v.Value != any(id)) {
		t.setSlot(st.Save, SlotValue{Value: id, Raw: v.Raw, How: "asked"})
	}
	t.assignAgain(o.Set)
	t.tagAgain(o.Tag, t.tag)
	t.leaveBy(st, o)
	return true
}

// rechoose chooses another option than before: the way goes on as if it had
// been chosen the first time.
func (t *turn) rechoose(st *StateDef, o *Option) {
	t.assign(o.Set)
	t.tag(o.Tag)
	t.leaveBy(st, o)
}

// submitsAgain leaves a form as before, when everything it needs is known.
func (t *turn) submitsAgain(st *StateDef) bool {
	if slices.ContainsFunc(st.Form.Fields, func(f FormField) bool { return !f.Optional && !t.known(f.Slot) }) {
		return false
	}
	for {
		p := t.here(st)
		if p == nil {
			return false
		}
		switch key := p.key(); key {
		case edgeExpired, edgeField:
			t.re.Steps = t.re.Steps[1:]
		case edgeFallback:
			if x := st.Form.FallbackExit; x != nil || st.Form.Fallback == fallbackNone {
				t.leaveForm(st, x)
				return true
			}
			t.re.Steps = t.re.Steps[1:]
		default:
			if isEscape(key) {
				return false
			}
			t.leave(st, key)
			return true
		}
	}
}

func (t *turn) leaveForm(st *StateDef, x *Exit) {
	if x != nil {
		t.follow(x, st.full)
		return
	}
	t.leave(st, edgeFallback)
}

// reopen asks the question that was open when the correction came, its counts
// at 0.
func (t *turn) reopen(st *StateDef) bool {
	re := t.re
	t.re = nil
	if re.Question == nil {
		t.over = true
		return true
	}
	if st.Collect != nil && re.Question.Field == "" && t.answeredAlready(st) {
		return false
	}
	q := *re.Question
	q.restart()
	t.st.Question = &q
	if st.kind() == kindOptions && len(t.buttons(st)) == 0 {
		return false
	}
	if slices.EqualFunc(re.Stack, t.st.Stack, sameFrame) {
		t.st.Stack = re.Stack
	}
	t.repeat(st)
	return true
}

// restart puts the counts of a question at 0.
func (q *Question) restart() {
	q.Tries, q.Misses, q.Helps, q.Media, q.Reads = 0, 0, 0, 0, 0
	q.Sub, q.Choices, q.Value = "", nil, nil
}

func sameFrame(a, b Frame) bool {
	return a.Flow == b.Flow && a.Name == b.Name && a.Edge == b.Edge && a.Side == b.Side
}
