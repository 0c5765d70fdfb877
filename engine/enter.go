package engine

import "errors"

var (
	errEntered = errors.New("more than 100 states in one turn")
	errSaid    = errors.New("more than 10 messages in one turn")
	errStack   = errors.New("more than 8 calls inside each other")
)

// enterState does a state's phases in the order of language.md 2.3.
func (t *turn) enterState(flow, name string) {
	if t.enter++; t.enter > maxEntered {
		t.fail(t.st.Position(), errEntered)
	}
	t.pin(flow)
	flow, name = t.renamed(flow, name)
	t.st.Flow, t.st.Name, t.st.Question = flow, name, nil
	t.abandon()
	st := t.state()
	if st == nil {
		t.vanished()
		return
	}
	if t.re != nil && t.retread(st) {
		return
	}
	if st.When != nil && !t.cond(st.When) {
		t.skipState(st)
		return
	}
	t.work(st)
	if st.HTTP != nil {
		t.call(st)
		return
	}
	t.ask(st)
}

// ask is phases 2 and 3: the question of a state, or its way out.
func (t *turn) ask(st *StateDef) {
	if !st.Asks() {
		t.follow(st.Exit, st.full)
		return
	}
	if t.re == nil || !t.reanswer(st) {
		t.question(st)
	}
}

// skipState leaves a state whose when is false.
func (t *turn) skipState(st *StateDef) {
	if st.Else != nil {
		t.follow(st.Else, st.full)
		return
	}
	t.leave(st, "skip_state")
}

// work is phase 1: set, tag, untag, csat, say, media, forget, typing.
func (t *turn) work(st *StateDef) {
	t.assign(st.Set)
	t.tag(st.Tag)
	t.untag(st.Untag)
	t.survey(st.CSAT)
	say := st.Say
	if st.spokenQuestion() >= 0 {
		say = say[:st.spokenQuestion()]
	}
	t.sayItems(say, Say{Priority: 2, Rule: st.where})
	if st.Media != nil {
		t.show(st.Media, Say{Priority: 2, Rule: st.where})
	}
	if st.spokenQuestion() < 0 {
		t.forget(st)
	}
	if st.Typing {
		t.typing = true
	}
}

func (t *turn) forget(st *StateDef) {
	for _, name := range st.Forget {
		t.dropSlot(name)
	}
}

// spokenQuestion is the item of say that is the question, -1 when ask or
// collect has it.
func (s *StateDef) spokenQuestion() int {
	if s.Ask != nil || len(s.Options) == 0 {
		return -1
	}
	for i := len(s.Say) - 1; i >= 0; i-- {
		if s.Say[i].Text != nil || len(s.Say[i].Group) > 0 {
			return i
		}
	}
	return -1
}

// sayItems says a list; like gives everything but the words.
func (t *turn) sayItems(items []SayItem, like Say) {
	for i := range items {
		t.sayItem(&items[i], like)
	}
}

func (t *turn) sayItem(it *SayItem, like Say) {
	if it.Delay > 0 {
		t.delay += it.Delay
		return
	}
	if it.Media != nil {
		t.show(it.Media, like)
		return
	}
	like.Text = t.itemText(it)
	t.emit(like)
}

// itemText is a text, or the first true one of a group.
func (t *turn) itemText(it *SayItem) string {
	if it.Text != nil {
		return t.text(it.Text)
	}
	for _, arm := range it.Group {
		if arm.If == nil || t.cond(arm.If) {
			return t.text(arm.Text)
		}
	}
	return ""
}

// emit says one message; an empty one is not said.
func (t *turn) emit(s Say) {
	if s.Text == "" && len(s.Options) == 0 && s.Media == nil {
		return
	}
	if t.said++; t.said > maxSaid {
		t.fail(s.Rule, errSaid)
	}
	s.Language = t.lang
	s.Public = t.public
	s.Typing, t.typing = t.typing, false
	s.Delay, t.delay = t.delay, 0
	s.Quotes, t.quotes = t.quotes, nil
	if s.Text != "" {
		t.last = s.Text
	}
	t.out = append(t.out, s)
}
