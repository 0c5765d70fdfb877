package flows

import (
	"strings"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// compile turns nodes into the engine's types; every name is known by now.
func (l *loader) compile() {
	l.compileSlots()
	l.checkTopics()
	l.overflows()
	l.readStart()
	l.projectParts()
	for _, f := range l.flows {
		if f.part != nil {
			l.compileAgain(f)
			continue
		}
		f.compiled = l.record(func() { l.in(f.name, "", func() { l.compileFlow(f) }) })
	}
}

func (l *loader) projectParts() {
	if l.root == nil {
		return
	}
	l.compileCanned()
	if l.reused {
		l.now.shared = l.before.shared
		l.set.Defaults, l.set.Everywhere = l.now.shared.defaults, l.now.shared.everywhere
		l.replay(l.now.shared.effect)
	} else {
		e := l.record(l.inherited)
		l.now.shared = shared{effect: e, defaults: l.set.Defaults, everywhere: l.set.Everywhere}
	}
	if n, ok := scalar(l.root.Get("after_resolve")); ok && l.wantFlow(n, l.root.Get("after_resolve").Words()) {
		l.set.AfterResolve = n
	}
}

// inherited compiles what every flow has of the project: defaults and everywhere.
func (l *loader) inherited() {
	if d := l.root.Get("defaults"); d != nil && d.Kind == source.Map {
		s := &l.set.Defaults
		s.MaxTries = l.count(d, "defaults", "max_tries", 3)
		s.OldTaps = l.choose(d, "defaults", "old_taps", "jump")
		s.Fuzzy = l.fuzzy(d.Get("fuzzy"), 0.82)
		s.NoMatch = l.noMatch(d.Get("no_match"), "defaults/")
		s.NoReply = l.ladder(d.Get("no_reply"), "no_reply", "defaults/")
	}
	l.set.Everywhere = l.everywhere(l.root.Get("everywhere"))
}

func (l *loader) compileFlow(f *flowSrc) {
	d := f.def
	d.Description, _ = scalar(f.root.Get("description"))
	d.Owner, _ = scalar(f.root.Get("owner"))
	d.On = []string{"private"}
	if on := words(f.root.Get("on")); len(on) > 0 {
		d.On = nil
		for _, w := range on {
			if v := l.oneOf(w, "", l.words("flow", "on")...); v != "" {
				d.On = append(d.On, v)
			}
		}
	}
	d.FirstUse = l.choose(f.root, "flow", "first_message", "use") == "use"
	d.Everywhere = l.everywhere(f.root.Get("everywhere"))
	d.Renamed = l.renamed(f)
	if v := f.root.Pair("vanished"); v != nil {
		d.Vanished = l.exit(v.Value, v.Key.Words(), "migrate", "vanished")
	}
	d.Delegate = l.text(f.root.Get("delegate"), scope{})
	if share, ok := l.percent(f.root.Get("rollout")); ok && share < 1 {
		d.Rollout = &share
	}
	d.Shadow = l.boolean(f.root.Get("shadow"), false)
	d.Pin = l.choose(f.root, "flow", "versions", l.versions) == "pin"
	if len(d.StateOrder) > maxProjectStates {
		return // E007 says that this is no flow; its states are not looked into
	}
	for _, name := range d.StateOrder {
		s := f.states[name]
		l.in(f.name, name, func() { l.compileState(s) })
	}
	if l.byName[f.name] == f {
		l.set.Flows[f.name] = d
		l.set.FlowOrder = append(l.set.FlowOrder, f.name)
	}
}

func (l *loader) renamed(f *flowSrc) map[string]string {
	out := map[string]string{}
	n := f.root.Get("renamed")
	if n == nil || n.Kind != source.Map {
		return out
	}
	for _, p := range n.Pairs {
		to, ok := scalar(p.Value)
		if !ok {
			continue
		}
		out[p.Key.Text] = to
	}
	for _, p := range n.Pairs {
		to := out[p.Key.Text]
		if _, chained := out[to]; chained || to == "" || f.states[to] != nil {
			continue
		}
		d := l.err("E301", p.Value.Words(), "there is no state called %q in flow %s", to, f.name)
		l.suggest(d, to, f.def.StateOrder)
		f.meant(d)
	}
	return out
}

// everywhere compiles the entries of the project or of a flow.
func (l *loader) everywhere(n *source.Node) []*engine.Escape {
	if n == nil || n.Kind != source.Map {
		return nil
	}
	var out []*engine.Escape
	for _, p := range n.Pairs {
		l.name(p.Key, "everywhere entry")
		e := &engine.Escape{Name: p.Key.Text, Where: "short", At: l.place(p.Key.Range)}
		if p.Value.Kind != source.Map {
			if p.Value.Kind == source.Null {
				l.err("E110", p.Key.Words(), "everywhere.%s needs a way out", e.Name)
			}
			continue
		}
		e.Match = l.matchWords(p.Value.Get("match"))
		e.Where = l.choose(p.Value, "everywhere", "where", "short")
		e.Say = l.said(p.Value.Get("say"), scope{}, false)
		before := len(l.diags)
		e.Exit = l.exitIn(p.Value, "everywhere:"+e.Name, engine.EscapeKey(e.Name, l.flow != ""), false)
		if e.Exit == nil && len(l.diags) == before && !l.nearExit(p.Value, "everywhere") {
			l.err("E110", p.Key.Words(), "everywhere.%s needs a way out: goto, call, handoff or resolve", e.Name)
		}
		out = append(out, e)
		l.escapes = append(l.escapes, escapeSrc{e, p, l.flow})
	}
	return out
}

// escapeSrc is one entry of everywhere as written.
type escapeSrc struct {
	def  *engine.Escape
	pair source.Pair
	flow string
}

// matchWords reads phrases and /regex/ in the first language.
func (l *loader) matchWords(n *source.Node) map[string][]string {
	var out []string
	for _, w := range words(n) {
		if re, ok := asRegex(w.Text); ok {
			if !l.regex(re, w.Words()) {
				continue
			}
		} else if strings.TrimSpace(w.Text) == "" {
			l.err("E105", w.Words(), "an empty phrase matches nothing")
			continue
		}
		out = append(out, w.Text)
	}
	if out == nil {
		return nil
	}
	return map[string][]string{l.set.Languages[0]: out}
}

func asRegex(s string) (string, bool) {
	if len(s) > 2 && s[0] == '/' && s[len(s)-1] == '/' {
		return s[1 : len(s)-1], true
	}
	return "", false
}
