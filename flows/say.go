package flows

import (
	"time"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

const maxDelay = 10 * time.Second

// say compiles a text or a list of items (language.md 4.2).
func (l *loader) say(n *source.Node, sc scope) []engine.SayItem {
	if n.Kind != source.List {
		if t := l.said(n, sc, false); t != nil {
			return []engine.SayItem{{Text: t, At: l.place(n.Range)}}
		}
		return nil
	}
	g := &sayGroup{l: l, scope: sc}
	for _, item := range n.Items {
		g.item(item)
	}
	return g.out
}

// sayGroup builds the items; neighbours with if, closed by else, are one group.
type sayGroup struct {
	l     *loader
	scope scope
	out   []engine.SayItem
	open  bool // the last item is a group that may go on
	above bool // a condition of it is always true
}

func (g *sayGroup) item(n *source.Node) {
	l := g.l
	if n.Kind == source.Scalar || n.Kind == source.Map && (l.inlineLanguages(n) || n.Get("any") != nil && n.Get("if") == nil) {
		if t := l.said(n, g.scope, false); t != nil {
			g.out = append(g.out, engine.SayItem{Text: t, At: l.place(n.Range)})
		}
		g.open = false
		return
	}
	if n.Kind != source.Map {
		return
	}
	cond, other, delay := n.Pair("if"), n.Pair("else"), n.Get("delay")
	switch {
	case cond != nil:
		g.arm(n, cond)
	case other != nil:
		g.last(other)
	case delay != nil:
		g.open = false
		d := l.duration(delay, 0)
		if d > maxDelay {
			l.err("E105", delay.Words(), "a delay is at most 10s")
		}
		g.out = append(g.out, engine.SayItem{Delay: d, At: l.place(n.Range)})
	case n.Pair("image") != nil, n.Pair("video") != nil, n.Pair("file") != nil:
		g.open = false
		if m := l.media(n, n.Words()); m != nil {
			g.out = append(g.out, engine.SayItem{Media: m, At: l.place(n.Range)})
		}
	case n.Get("text") != nil:
		g.open = false
		if t := l.said(n.Get("text"), g.scope, false); t != nil {
			g.out = append(g.out, engine.SayItem{Text: t, At: l.place(n.Range)})
		}
	}
}

func (g *sayGroup) arm(n *source.Node, cond *source.Pair) {
	l := g.l
	if !g.open {
		g.out = append(g.out, engine.SayItem{At: l.place(n.Range)})
		g.open, g.above = true, false
	}
	arm := engine.SayArm{If: l.condition(cond.Value, g.scope)}
	g.above = l.constant(cond.Value, g.above)
	if text := n.Get("text"); text != nil {
		arm.Text = l.said(text, g.scope, false)
	} else if any := n.Get("any"); any != nil {
		arm.Text = l.said(&source.Node{Kind: source.Map, Pairs: anyPair(n), Range: n.Range}, g.scope, false)
	} else {
		l.missing(n, "say_item", "text", cond.Key.Words(), "nothing says what to say when this is true; add text")
	}
	group := &g.out[len(g.out)-1]
	group.Group = append(group.Group, arm)
}

func anyPair(n *source.Node) []source.Pair { return []source.Pair{*n.Pair("any")} }

func (g *sayGroup) last(other *source.Pair) {
	l := g.l
	if !g.open {
		l.err("E117", other.Key.Words(), "else has no if before it")
		return
	}
	if g.above {
		l.warn("W317", other.Key.Words(), "this condition is never reached: the one above is always true")
	}
	group := &g.out[len(g.out)-1]
	group.Group = append(group.Group, engine.SayArm{Text: l.said(other.Value, g.scope, false)})
	g.open = false
}
