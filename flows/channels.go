package flows

import (
	"strconv"
	"strings"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/internal/source"
)

// channelLimits is one channel of the project with what its adapter says.
type channelLimits struct {
	dm.Limits
	at source.Range
}

func (l *loader) readChannels(n *source.Node) {
	if n == nil || n.Kind != source.Map || len(n.Pairs) == 0 {
		at := source.Range{File: projectFile, Line: 1, Column: 1, EndLine: 1, EndColumn: 1}
		l.channel("web", &source.Node{Kind: source.Map}, at)
		l.onlyKinds()
		return
	}
	for _, p := range n.Pairs {
		if !channelPattern.MatchString(p.Key.Text) {
			l.err("E102", p.Key.Words(), "%q is not a usable channel name: small letters, digits and -, at most 32", p.Key.Text)
			continue
		}
		l.channel(p.Key.Text, p.Value, p.Key.Words())
	}
	l.onlyKinds()
}

// onlyKinds applies the limits of the kinds that were asked for, whether the
// project has such a channel or not.
func (l *loader) onlyKinds() {
	if l.opts.Only == nil || l.opts.Limits == nil {
		return
	}
	kept := l.limits[:0]
	have := map[string]bool{}
	for _, c := range l.limits {
		if contains(l.opts.Only, c.Kind) {
			kept = append(kept, c)
			have[c.Kind] = true
		}
	}
	l.limits = kept
	for _, kind := range l.opts.Only {
		if have[kind] {
			continue
		}
		if limits, known, _ := l.opts.Limits(kind, kind, nil); known {
			limits.Kind = kind
			l.limits = append(l.limits, channelLimits{limits, start(projectFile)})
			have[kind] = true
		}
	}
}

func (l *loader) channel(alias string, n *source.Node, at source.Range) {
	c := &engine.Channel{Alias: alias, Kind: alias, Burst: -1, Enabled: true, At: l.place(at)}
	kindAt := at
	if s, ok := scalar(n.Get("kind")); ok {
		c.Kind, kindAt = s, n.Get("kind").Words()
	}
	c.Enabled = l.boolean(n.Get("enabled"), true)
	for _, w := range words(n.Get("languages")) {
		if l.isLanguage(w.Text) {
			c.Languages = append(c.Languages, w.Text)
			continue
		}
		l.suggest(l.err("E105", w.Words(), "%q is not one of the project's languages: %s", w.Text, strings.Join(l.set.Languages, ", ")), w.Text, l.set.Languages)
	}
	l.price(n.Get("price"))
	if s, ok := scalar(n.Get("burst")); ok {
		c.Burst = l.burst(n.Get("burst"), s)
	}
	l.set.Channels[alias] = c
	l.set.ChannelOrder = append(l.set.ChannelOrder, alias)
	l.p.ChannelOrder = append(l.p.ChannelOrder, alias)
	l.p.Channels[alias] = ChannelConfig{Alias: alias, Kind: c.Kind, Enabled: c.Enabled, Node: n}
	if l.opts.Limits == nil {
		return
	}
	limits, known, diags := l.opts.Limits(alias, c.Kind, n)
	for _, d := range diags {
		if d.Range.File == "" {
			d.Range = at
		}
		l.diags = append(l.diags, d)
	}
	if !known {
		if len(diags) == 0 {
			l.err("E105", kindAt, "%q is not a kind of channel this program knows", c.Kind)
		}
		return
	}
	limits.Channel, limits.Kind = alias, c.Kind
	l.limits = append(l.limits, channelLimits{limits, at})
}

// price checks what a message costs: numbers, and a currency.
func (l *loader) price(n *source.Node) {
	for _, name := range []string{"in", "out", "public"} {
		if s, ok := scalar(n.Get(name)); ok {
			if v, err := strconv.ParseFloat(s, 64); err != nil || !(v >= 0 && v < 1e6) {
				l.err("E105", n.Get(name).Words(), "%q is not a price; write a number such as 0.015", s)
			}
		}
	}
	if s, ok := scalar(n.Get("currency")); ok && !isCurrency(s) {
		l.err("E105", n.Get("currency").Words(), "%q is not a currency; write a code like GBP", s)
	}
}

func (l *loader) burst(n *source.Node, s string) time.Duration {
	if s == "0" || s == "0s" {
		return 0
	}
	d, ok := parseDuration(s)
	if !ok {
		l.err("E105", n.Words(), "%q is not a burst; write 1500ms, 3s, or 0", s)
		return -1
	}
	return d
}
