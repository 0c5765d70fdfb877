package engine

// firstStage: match.first rules, in order, the first true one. A rule that
// names a hidden option is passed over.
func (t *turn) firstStage(st *StateDef) bool {
	q := t.st.Question
	if len(st.Match.First) == 0 || q.Sub != "" {
		return false
	}
	return t.each(func(*spoken) bool {
		for _, rule := range st.Match.First {
			t.apart = true
			holds := t.softCond(rule.If)
			if t.apart = false; !holds {
				continue
			}
			for _, b := range t.buttons(st) {
				if b.opt != nil && b.id == rule.Option {
					t.by = rule.If.Source
					t.press(st, &b)
					return true
				}
			}
		}
		return false
	})
}
