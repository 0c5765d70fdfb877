package flows

import (
	"sort"
	"strconv"
	"strings"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// Cost is what the worst path through a flow costs on one channel with a
// price: every question asked as often as it may be, every answer a message of
// its own (language.md 6.4).
type Cost struct {
	Flow     string  `json:"flow"`
	Channel  string  `json:"channel"`
	Kind     string  `json:"kind"`
	In       int     `json:"in"`  // messages of the customer
	Out      int     `json:"out"` // messages of the bot
	Cost     float64 `json:"cost"`
	Currency string  `json:"currency"`
}

// price is what one message costs on a channel.
type price struct {
	alias, kind     string
	in, out, public float64
	currency        string
}

// prices are the channels of the project that have a price.
func (l *loader) prices() []price {
	var out []price
	for _, alias := range l.p.ChannelOrder {
		c := l.p.Channels[alias]
		n := c.Node.Get("price")
		if n == nil || n.Kind != source.Map || l.opts.Only != nil && !contains(l.opts.Only, c.Kind) {
			continue
		}
		p := price{alias: alias, kind: c.Kind, currency: l.set.Currency}
		for name, to := range map[string]*float64{"in": &p.in, "out": &p.out, "public": &p.public} {
			if s, ok := scalar(n.Get(name)); ok {
				*to, _ = strconv.ParseFloat(s, 64) // what is no number is an error of its own
			}
		}
		if s, ok := scalar(n.Get("currency")); ok {
			p.currency = s
		}
		out = append(out, p)
	}
	return out
}

// costs is the table: a line per flow and channel.
func (l *loader) costs(g *graph) []Cost {
	out := []Cost{}
	prices := l.prices()
	for _, f := range l.flows {
		start := f.states["start"]
		if start == nil || l.byName[f.name] != f {
			continue
		}
		for _, p := range prices {
			w := &worst{g: g, price: p, memo: map[*stateSrc]*bills{}, busy: map[*stateSrc]bool{}}
			b := w.of(start)
			out = append(out, Cost{Flow: f.name, Channel: p.alias, Kind: p.kind, In: b.in, Out: b.out, Cost: round(w.value(b)), Currency: p.currency})
		}
	}
	return out
}

// round drops what adding up fractions has left behind.
func round(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', 6, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// checkCost is W410: a flow that a conversation starts with may cost too much.
func (l *loader) checkCost(costs []Cost, limit float64) {
	said := map[string]bool{}
	for _, r := range l.set.Start {
		worst := Cost{Cost: limit}
		for _, c := range costs {
			if c.Flow == r.Flow && c.Cost > worst.Cost {
				worst = c
			}
		}
		s := l.stateAt(r.Flow, "start")
		if worst.Flow == "" || s == nil || said[r.Flow] {
			continue
		}
		said[r.Flow] = true
		l.in(r.Flow, "start", func() {
			l.warn("W410", s.key.Words(), "worst path costs %s %s on %s (%d in, %d out); limit %s",
				amount(worst.Cost), worst.Currency, worst.Channel, worst.In, worst.Out, amount(limit))
		})
	}
}

// amount writes money with two digits, with more where there are more.
func amount(v float64) string {
	s := strings.TrimRight(strconv.FormatFloat(v, 'f', 6, 64), "0")
	whole, rest, _ := strings.Cut(s, ".")
	for len(rest) < 2 {
		rest += "0"
	}
	return whole + "." + rest
}

// bill is a number of messages.
type bill struct{ in, out int }

func (b bill) plus(o bill) bill { return bill{b.in + o.in, b.out + o.out} }

// bills are the dearest ways from a state: to an end, and to each return.
type bills struct {
	end     *bill
	results map[string]bill
}

// worst finds the dearest path, depth first, back edges dropped, calls inlined
// with their results, as the count of questions does (ruling 49).
type worst struct {
	g      *graph
	price  price
	public bool // only for mentions: there the built-in sentence is not said
	memo   map[*stateSrc]*bills
	busy   map[*stateSrc]bool
}

func (w *worst) value(b bill) float64 {
	return float64(b.in)*w.price.in + float64(b.out)*w.price.out
}

func (w *worst) dearer(a, b bill) bool {
	if x, y := w.value(a), w.value(b); x != y {
		return x > y
	}
	return a.in+a.out > b.in+b.out
}

// of is the bill of a flow: of what it costs to its end or return.
func (w *worst) of(start *stateSrc) bill {
	if on := start.flow.def.On; len(on) == 1 && on[0] == "public" {
		w.price.out, w.public = w.price.public, true
	}
	got := w.from(start)
	var b bill
	if got.end != nil {
		b = *got.end
	}
	for _, name := range inOrder(got.results) {
		if r := got.results[name]; w.dearer(r, b) {
			b = r
		}
	}
	return b
}

func (w *worst) from(s *stateSrc) *bills {
	if b, ok := w.memo[s]; ok {
		return b
	}
	w.busy[s] = true
	b := &bills{results: map[string]bill{}}
	for _, f := range s.out {
		if f.by != byLater {
			w.leaf(b, s, f.exit, w.own(s, f), 0)
		}
	}
	delete(w.busy, s)
	w.memo[s] = b
	return b
}

// own is what a state itself sends and receives on one way through it.
func (w *worst) own(s *stateSrc, f leaf) bill {
	if f.by == bySkip {
		return bill{}
	}
	b := bill{out: messages(s.def)}
	if s.def.Asks() && f.by != byFailing && f.by != byKnown {
		tries := max(w.g.l.triesOf(s), 1)
		b.in += tries
		b.out += tries
		if s.def.Ask == nil && s.def.Collect == nil && s.def.Form == nil && s.def.Verify == nil && b.out > tries {
			b.out-- // the last thing said is the question
		}
	}
	return b
}

func (w *worst) keep(b *bills, got bill) {
	if b.end == nil || w.dearer(got, *b.end) {
		b.end = &got
	}
}

func (w *worst) leaf(b *bills, s *stateSrc, e *engine.Exit, so bill, depth int) {
	switch {
	case e == nil:
		w.keep(b, so.plus(bill{out: w.words(nil)}))
	case e.Kind == engine.ExitHandoff:
		w.keep(b, so.plus(bill{out: w.words(e.Hand)}))
	case e.Kind == engine.ExitResolve, e.Kind == engine.ExitResume:
		w.keep(b, so)
	case e.Kind == engine.ExitReturn:
		if r, ok := b.results[e.Result]; !ok || w.dearer(so, r) {
			b.results[e.Result] = so
		}
	case e.Kind == engine.ExitGoto:
		w.to(b, s, w.g.l.stateAt(e.Flow, e.State), so)
	case e.Kind == engine.ExitCall && depth < 8:
		w.call(b, s, e, so, depth)
	}
}

// inOrder are the keys of a map, sorted, so that the same project gives the same bill.
func inOrder[V any](m map[string]V) []string {
	names := keysOf(m)
	sort.Strings(names)
	return names
}

// words is how many messages a handoff says; nil = the person exit.
func (w *worst) words(h *engine.Hand) int {
	switch {
	case h != nil && h.SayNothing:
		return 0
	case h != nil && len(h.Say) > 0:
		return messages(&engine.StateDef{Say: h.Say})
	case w.public:
		return 0
	}
	return 1
}

func (w *worst) to(b *bills, s, next *stateSrc, so bill) {
	if next == nil || w.busy[next] {
		return
	}
	in := w.from(next)
	if in.end != nil {
		w.keep(b, so.plus(*in.end))
	}
	for _, result := range inOrder(in.results) {
		got := so.plus(in.results[result])
		if next.flow != s.flow {
			w.keep(b, got) // the stack is emptied: it closes
		} else if have, ok := b.results[result]; !ok || w.dearer(got, have) {
			b.results[result] = got
		}
	}
}

func (w *worst) call(b *bills, s *stateSrc, e *engine.Exit, so bill, depth int) {
	called := w.g.l.stateAt(e.Flow, "start")
	if called == nil || w.busy[called] {
		return
	}
	in := w.from(called)
	if in.end != nil {
		w.keep(b, so.plus(*in.end))
	}
	for _, result := range inOrder(in.results) {
		to := e.On[result]
		if to == nil {
			to = e.OnElse
		}
		if to == nil {
			to = e.Then
		}
		if to == nil {
			continue
		}
		for _, f := range leaves(way{exit: to}) {
			w.leaf(b, s, f.exit, so.plus(in.results[result]), depth+1)
		}
	}
}
