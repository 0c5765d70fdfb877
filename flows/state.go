package flows

import (
	"strings"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

func (l *loader) compileState(s *stateSrc) {
	n, d := s.node, s.def
	if n.Kind != source.Map {
		if n.Kind == source.Null {
			l.err("E310", s.key.Words(), "the conversation gets stuck in %q: nothing says what happens next", s.name)
		}
		s.bad = true
		return
	}
	before := len(l.diags)
	l.does(n, d)
	if p := n.Pair("http"); p != nil {
		d.HTTP = l.lookup(s, p)
	}
	l.asks(s)
	d.Exit = l.exitIn(n, "", "", true)
	if when := n.Pair("when"); when != nil {
		l.when(s, when)
	} else if other := n.Pair("else"); other != nil {
		l.err("E117", other.Key.Words(), "else has no when")
	}
	l.after(s)
	l.fits(s)
	for _, diag := range l.diags[before:] {
		s.bad = s.bad || blinds(diag)
	}
}

// blinds says that after this error the ways through a state are not known.
func blinds(d source.Diagnostic) bool {
	switch d.Code {
	case "E101", "E103", "E104", "E108", "E110", "E111", "E112", "E301", "E302", "E303", "E310", "E311":
		return true
	}
	return d.Severity == source.Error && strings.HasPrefix(d.Code, "E2")
}

// does compiles phase 1: what a state does before it asks.
func (l *loader) does(n *source.Node, d *engine.StateDef) {
	d.Set = l.sets(n.Get("set"))
	d.Tag, d.Untag = l.tags(n.Get("tag")), l.tags(n.Get("untag"))
	if p := n.Pair("media"); p != nil {
		d.Media = l.media(p.Value, p.Key.Words())
	}
	if p := n.Pair("csat"); p != nil {
		d.CSAT = l.survey(p)
	}
	asked := n.Get("ask") == nil && n.Get("options") != nil
	if say := n.Get("say"); say != nil {
		d.Say = l.say(say, scope{})
		if asked && len(l.saidTexts) > 0 {
			l.saidTexts[len(l.saidTexts)-1].opts = true
		}
	}
	for _, w := range words(n.Get("forget")) {
		if l.wantSlot(w) {
			d.Forget = append(d.Forget, w.Text)
		}
	}
	d.Typing = l.boolean(n.Get("typing"), false)
}

// wantSlot complains when there is no slot of that name (E103).
func (l *loader) wantSlot(n *source.Node) bool {
	l.used["slot "+n.Text] = true
	if _, ok := l.slots[n.Text]; ok {
		return true
	}
	if !l.unreadable {
		l.suggest(l.err("E103", n.Words(), "there is no slot called %q", n.Text), n.Text, l.slotOrder)
	}
	return false
}

func (l *loader) when(s *stateSrc, when *source.Pair) {
	n, d := s.node, s.def
	d.When = l.condition(when.Value, scope{})
	if other := n.Pair("else"); other != nil {
		d.Else = l.exit(other.Value, other.Key.Words(), "skip_state", "skip_state")
		return
	}
	if n.Get("goto") == nil && n.Pair("return") == nil && !l.nearExit(n, "state") {
		l.err("E118", s.key.Words(), "when is false here and nothing says where to go; add else")
	}
}

// sets compiles a set map: a literal, null, or one {{ expr }}.
func (l *loader) sets(n *source.Node) []engine.SetSlot {
	if n == nil || n.Kind != source.Map {
		return nil
	}
	var out []engine.SetSlot
	for _, p := range n.Pairs {
		set := engine.SetSlot{Slot: p.Key.Text, At: l.place(p.Key.Range)}
		if p.Key.Text == "language" {
			if s, ok := scalar(p.Value); ok && !strings.Contains(s, "{{") && !l.isLanguage(s) {
				l.err("E105", p.Value.Words(), "%q is not one of the project's languages: %s", s, strings.Join(l.set.Languages, ", "))
			}
		} else if !l.wantSlot(p.Key) {
			continue
		}
		l.setValue(&set, p.Value)
		out = append(out, set)
	}
	return out
}

func (l *loader) setValue(set *engine.SetSlot, n *source.Node) {
	if n.Kind == source.List {
		if slot := l.slots[set.Slot]; slot != nil && set.Slot != "language" {
			set.Value = l.listLiteral(slot.def, n)
		} else {
			l.kind(n, "text")
		}
		return
	}
	s, ok := scalar(n)
	if !ok {
		return
	}
	if !strings.Contains(s, "{{") {
		if slot := l.slots[set.Slot]; slot != nil && set.Slot != "language" {
			set.Value, _ = l.slotLiteral(slot.def, n)
		} else {
			set.Value = s
		}
		return
	}
	slot := l.slots[set.Slot]
	sc := scope{text: true, secret: slot != nil && slot.def.Secret}
	if slot != nil && loneExpr(s) { // it keeps its type; a text may show any value, an id is a text
		if t := slotType(slot.def).kind; t != kText {
			sc.want = t
		}
	}
	t := l.template(n, sc)
	if len(t.Parts) == 1 && t.Parts[0].Expr != nil {
		set.Expr = t.Parts[0].Expr
		return
	}
	set.Text = &engine.Text{At: l.place(n.Range), Lang: map[string]*engine.Template{l.set.Languages[0]: t}}
}

// loneExpr says that a text is one {{ expr }} and nothing else.
func loneExpr(s string) bool {
	inner, ok := strings.CutPrefix(s, "{{")
	return ok && closeBraces(inner) == len(inner)-len("}}")
}

// asks compiles phase 2.
func (l *loader) asks(s *stateSrc) {
	n, d := s.node, s.def
	d.Ask = l.said(n.Get("ask"), scope{}, true)
	if o := n.Get("options"); o != nil {
		d.Options = l.options(s, o, "")
	}
	if c := n.Pair("collect"); c != nil {
		d.Collect = l.collect(s, c)
	}
	if p := n.Pair("form"); p != nil {
		d.Form = l.compileForm(p)
	}
	if p := n.Pair("verify"); p != nil {
		d.Verify = l.verify(p)
	}
	if save := n.Get("save"); save != nil && save.Kind == source.Scalar {
		d.Save = save.Text
		l.save(s, save)
	}
	d.Match = l.match(s, n.Get("match"))
	d.Help = l.said(n.Get("help"), scope{}, true)
	d.NoMatch = l.noMatch(n.Get("no_match"), "")
	d.NoReply = l.ladder(n.Get("no_reply"), "no_reply", "")
	d.Optional = l.boolean(n.Get("optional"), false)
	d.Resume = l.text(n.Get("resume"), scope{})
	d.Deaf = !l.boolean(n.Get("listen"), true)
	d.OldTaps = l.choose(n, "state", "old_taps", "")
}

func (l *loader) save(s *stateSrc, n *source.Node) {
	slot, ok := l.slots[n.Text]
	if !ok {
		return // declareFilled said so
	}
	switch slot.def.Type {
	case engine.SlotText:
		return
	case engine.SlotChoice:
	default:
		l.err("E105", n.Words(), "save needs a slot of type choice or text, %s is %s", n.Text, slot.def.Type)
		return
	}
	ids := slotType(slot.def).values
	if len(ids) == 0 {
		return
	}
	for _, o := range s.opts {
		if !contains(ids, o.def.ID) && namePattern.MatchString(o.def.ID) {
			at := o.at
			if o.idAt.File != "" {
				at = o.idAt
			}
			diag := l.err("E216", at, "%q is not one of %s", o.def.ID, strings.Join(ids, ", "))
			l.suggest(diag, o.def.ID, ids)
			if o.idAt.File == "" {
				diag.Fix = nil // here stand the words of a button
			}
		}
	}
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

func (l *loader) match(s *stateSrc, n *source.Node) engine.Match {
	m := engine.Match{Fuzzy: -1, TwoOrMore: "ask"}
	if n == nil || n.Kind != source.Map {
		return m
	}
	m.Fuzzy = l.fuzzy(n.Get("fuzzy"), -1)
	m.TwoOrMore = l.choose(n, "match", "two_or_more", "ask")
	first := n.Get("first")
	if first == nil || first.Kind != source.List {
		return m
	}
	for _, item := range first.Items {
		cond, choose := item.Pair("if"), item.Get("choose")
		if item.Kind == source.Map && (cond == nil || choose == nil) {
			l.missing(item, "choose", "choose", item.Words(), "a first rule needs if and choose")
			continue
		}
		if item.Kind != source.Map {
			continue
		}
		rule := engine.ChooseRule{If: l.condition(cond.Value, scope{}), At: l.place(item.Range)}
		id, ok := scalar(choose)
		if !ok {
			continue
		}
		var ids []string
		for _, o := range s.opts {
			ids = append(ids, o.def.ID)
		}
		if !contains(ids, id) {
			l.suggest(l.err("E303", choose.Words(), "choose: there is no option called %q", id), id, ids)
			continue
		}
		rule.Option = id
		m.First = append(m.First, rule)
	}
	return m
}

// after compiles phase 4: what follows a handoff.
func (l *loader) after(s *stateSrc) {
	n := s.node
	h := &engine.Hand{}
	if e := s.def.Exit; e != nil && e.Kind == engine.ExitHandoff {
		h = e.Hand
	} else {
		for _, name := range []string{"returns", "resolved", "unanswered"} {
			if p := n.Pair(name); p != nil && n.Pair("handoff") == nil {
				l.err("E117", p.Key.Words(), "%s has no handoff beside it", name)
			}
		}
	}
	if p := n.Pair("returns"); p != nil {
		h.Returns = l.returns(p)
	}
	if p := n.Pair("resolved"); p != nil {
		h.Resolved = l.exit(p.Value, p.Key.Words(), "handoff:resolved", "handoff:resolved")
	}
	h.Unanswered = l.ladder(n.Get("unanswered"), "unanswered", "")
}

func (l *loader) returns(p *source.Pair) *engine.Answer {
	step := &engine.Answer{At: l.place(p.Key.Range)}
	switch p.Value.Kind {
	case source.Scalar:
		step.Exit = l.target(p.Value, "handoff:returned", "handoff:returned")
	case source.Map:
		step.Say = l.said(p.Value.Get("say"), scope{}, false)
		step.Exit = l.exitIn(p.Value, "handoff:returned", "handoff:returned", false)
	default:
		return nil
	}
	return step
}

// nothingIn says that a key is missing, or holds an empty map or list.
func nothingIn(p *source.Pair) bool {
	if p == nil {
		return true
	}
	v := p.Value
	return v.Kind == source.Null || v.Kind == source.List && len(v.Items) == 0 || v.Kind == source.Map && len(v.Pairs) == 0
}

// fits checks what belongs together in a state (E112, E117, E310, E311, E320).
func (l *loader) fits(s *stateSrc) {
	n, d := s.node, s.def
	options, collect, ask := n.Pair("options"), n.Pair("collect"), n.Pair("ask")
	two := l.questions(n)
	if ask != nil && nothingIn(options) && collect == nil && n.Pair("form") == nil && n.Pair("verify") == nil && !l.nearKey(n, "options", "collect", "form", "verify") {
		l.err("E320", ask.Key.Words(), "ask has nothing to answer with; add options or collect")
	}
	if options != nil && ask == nil && n.Pair("say") == nil && collect == nil && !l.nearKey(n, "ask", "say") {
		l.err("E320", options.Key.Words(), "these options have no question; add ask")
	}
	question := options != nil || collect != nil || n.Pair("form") != nil || n.Pair("verify") != nil
	for _, name := range []string{"help", "no_match", "no_reply", "match", "save", "listen", "optional", "old_taps"} {
		p := n.Pair(name)
		if p == nil || l.nearKey(n, "options", "collect", "form", "verify") {
			continue
		}
		needs := name == "save" || name == "match" || name == "no_match"
		if !question || needs && options == nil {
			what := "question"
			if needs {
				what = "options"
			}
			l.err("E117", p.Key.Words(), "%s has no %s", name, what)
		}
	}
	if !two && d.Exit == nil && !hasExit(n) && !l.nearExit(n, "state") {
		l.leads(s)
	}
}

// nearKey says that an unknown key of the map was probably meant to be one of these.
func (l *loader) nearKey(m *source.Node, names ...string) bool {
	if len(m.Pairs) > maxNear {
		return true
	}
	for _, p := range m.Pairs {
		if _, known := l.grammar["state"].key(p.Key.Text); known {
			continue
		}
		if _, near := source.DidYouMean(p.Key.Text, names); near {
			return true
		}
	}
	return false
}

func hasExit(n *source.Node) bool {
	for _, name := range exitNames {
		if n.Pair(name) != nil {
			return true
		}
	}
	return false
}

// questions reports a second question in a state (E112).
func (l *loader) questions(n *source.Node) bool {
	var first string
	for _, p := range n.Pairs {
		name := p.Key.Text
		switch name {
		case "collect", "form", "verify":
		case "ask":
			if n.Pair("collect") == nil && n.Pair("form") == nil && n.Pair("verify") == nil || n.Pair("options") != nil {
				continue
			}
		case "options":
		default:
			continue
		}
		if first != "" {
			l.err("E112", p.Key.Words(), "two questions in one state: %s and %s", first, name)
			return true
		}
		first = name
	}
	return false
}

// leads is for a state without a way out of its own: its options must leave.
func (l *loader) leads(s *stateSrc) {
	leaves := false
	for _, o := range s.opts {
		leaves = leaves || o.written
	}
	if !leaves || s.def.Collect != nil {
		if l.nearKey(s.node, "options", "collect") || s.bad {
			return
		}
		l.err("E310", s.key.Words(), "the conversation gets stuck in %q: nothing says what happens next", s.name)
		if s.def.Collect != nil {
			return
		}
	}
	for _, o := range s.opts {
		if !o.written {
			l.err("E311", o.at, "option %q leads nowhere", l.labelOf(o.def))
		}
	}
}

func (l *loader) labelOf(o *engine.Option) string {
	if s, ok := literal(o.Label, l.set.Languages[0]); ok {
		return s
	}
	return o.ID
}
