package flows

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf16"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/internal/source"
)

var linkInLabel = regexp.MustCompile(`(?i)\b(https?://|www\.)\S+|\b[a-z0-9-]+\.(com|net|org|io|co|uk|de|fr|es|eu|app|shop)\b`)

// checkLimits compares texts with what the project's channels can carry
// (W401 to W405) and reminders with their windows (W332).
func (l *loader) checkLimits(g *graph) {
	if len(l.limits) == 0 {
		return
	}
	for _, s := range g.states {
		l.in(s.flow.name, s.name, func() {
			for _, o := range s.opts {
				l.labelLimits(o)
			}
			l.optionLimits(s)
			l.reminders(s.node.Get("no_reply"))
		})
	}
	for _, t := range l.saidTexts {
		l.in(t.flow, t.name, func() { l.textLimits(t) })
	}
	if l.root != nil && l.root.Get("defaults") != nil {
		l.in("", "", func() { l.reminders(l.root.Get("defaults").Get("no_reply")) })
	}
}

// size counts a text in the unit of a limit.
func size(s string, limit dm.Limit) int {
	switch limit.Unit {
	case "bytes":
		return len(s)
	case "utf16":
		return len(utf16.Encode([]rune(s)))
	}
	return len([]rune(s))
}

func tooLong(s string, limit dm.Limit) bool { return limit.N > 0 && size(s, limit) > limit.N }

func (l *loader) labelLimits(o *optionSrc) {
	label, ok := literal(o.def.Label, l.set.Languages[0])
	if !ok {
		return
	}
	short, _ := literal(o.def.Short, l.set.Languages[0])
	var shown []string
	seen := map[string]bool{}
	for _, c := range l.limits {
		if c.NoURLs && linkInLabel.MatchString(label) {
			l.warn("W405", o.at, "a link in a button label is refused by %s", c.Kind)
		}
		if tooLong(label, c.Label) && (short == "" || tooLong(short, c.Label)) && !seen[c.Kind] {
			seen[c.Kind] = true
			shown = append(shown, fmt.Sprintf("%s %d", c.Kind, c.Label.N))
		}
	}
	if len(shown) == 0 {
		return
	}
	kind, n, _ := strings.Cut(shown[0], " ")
	shown[0] = kind + " shows " + n + " on a button"
	l.warn("W401", o.at, "%d characters; %s; add short:", len([]rune(label)), strings.Join(shown, ", "))
}

func (l *loader) optionLimits(s *stateSrc) {
	described := 0
	for _, o := range s.opts {
		if o.def.Description != nil {
			described++
		}
	}
	seen := map[string]bool{}
	for _, c := range l.limits {
		if seen[c.Kind] {
			continue
		}
		seen[c.Kind] = true
		if n := len(s.opts); c.Options > 0 && n > c.Options {
			at := s.key.Words()
			if p := s.node.Pair("options"); p != nil {
				at = p.Key.Words()
			}
			l.warn("W403", at, "%d options; %s shows %d, they become a numbered list", n, c.Kind, c.Options)
		}
		if c.AllOrNone && described > 0 && described < len(s.opts) {
			for _, o := range s.opts {
				if o.def.Description == nil {
					l.warn("W404", o.at, "%s needs a description on all options or none", c.Kind)
					break
				}
			}
		}
	}
}

func (l *loader) textLimits(t textSrc) {
	words := literals(t.text, l.set.Languages[0])
	for _, c := range l.limits {
		limit := c.Text
		if t.opts && c.TextOptions.N > 0 {
			limit = c.TextOptions
		}
		if tooLong(words, limit) {
			n := size(words, limit)
			l.warn("W402", t.node.Range, "%s characters; %s sends it as %d messages", thousands(n), c.Kind, (n+limit.N-1)/limit.N)
			return
		}
	}
}

// literals is the longest variant of a text without its expressions.
func literals(t *engine.Text, lang string) string {
	best := ""
	for _, v := range t.Any {
		if s := literals(v, lang); len(s) > len(best) {
			best = s
		}
	}
	if tpl := t.Lang[lang]; tpl != nil {
		var b strings.Builder
		for _, p := range tpl.Parts {
			b.WriteString(p.Lit)
		}
		if b.Len() > len(best) {
			best = b.String()
		}
	}
	return best
}

// reminders warns about a step that says something when a window has closed.
func (l *loader) reminders(n *source.Node) {
	if n == nil || n.Kind != source.List {
		return
	}
	for _, item := range n.Items {
		after, ok := scalar(item.Get("after"))
		if !ok || item.Get("say") == nil {
			continue
		}
		d, ok := parseDuration(after)
		if !ok {
			continue
		}
		for _, c := range l.limits {
			if c.Window > 0 && d >= c.Window {
				l.warn("W332", item.Get("after").Words(), "this reminder comes after %s, when %s no longer lets us write", hours(c.Window), c.Kind)
				break
			}
		}
	}
}

func hours(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return d.String()
}
