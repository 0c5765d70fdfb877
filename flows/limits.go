package flows

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf16"

	"dispatcher/dm"
	"dispatcher/internal/source"
)

var linkInLabel = regexp.MustCompile(`(?i)\b(https?://|www\.)\S+|\b[a-z0-9-]+\.(com|net|org|io|co|uk|de|fr|es|eu|app|shop)\b`)

// flowLimits compares questions of a flow with what the project's channels can
// carry (W401, W403 to W405) and reminders with their windows (W332).
func (l *loader) flowLimits(f *flowSrc) {
	if len(l.limits) == 0 {
		return
	}
	for _, name := range f.def.StateOrder {
		s := f.states[name]
		l.in(f.name, name, func() {
			for _, o := range s.opts {
				l.labelLimits(o, shownOptions(s))
			}
			l.optionLimits(s)
			l.reminders(s.node.Get("no_reply"))
		})
	}
}

// checkLimits is the same for what the project says by itself, and for all
// texts (W402).
func (l *loader) checkLimits() {
	if len(l.limits) == 0 {
		return
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

// shownOptions is how many buttons a question has, those of a collect's skip included.
func shownOptions(s *stateSrc) int {
	if c := s.def.Collect; c != nil && c.Skip != nil {
		return len(s.opts) + 1
	}
	return len(s.opts)
}

// labelLimits compares the label of one of so many options with every channel.
func (l *loader) labelLimits(o *optionSrc, options int) {
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
		limit, form := c.Label, "on a button"
		if c.Few > 0 && options > c.Few {
			limit, form = c.RowLabel, "in a list"
		}
		if seen[c.Kind] || !tooLong(label, limit) || short != "" && !tooLong(short, limit) {
			continue
		}
		seen[c.Kind] = true
		if len(shown) == 0 {
			shown = append(shown, fmt.Sprintf("%s shows %d %s", c.Kind, limit.N, form))
		} else {
			shown = append(shown, fmt.Sprintf("%s %d", c.Kind, limit.N))
		}
	}
	if len(shown) > 0 {
		l.warn("W401", o.at, "%d characters; %s; add short:", len([]rune(label)), strings.Join(shown, ", "))
	}
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
		if n := shownOptions(s); c.Options > 0 && n > c.Options {
			at := s.key.Words()
			for _, p := range []*source.Pair{s.node.Get("collect").Pair("options"), s.node.Pair("options")} {
				if p != nil {
					at = p.Key.Words()
				}
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
	if l.shortEnough(t) {
		return
	}
	for _, n := range variants(t.node) {
		words := strings.TrimSpace(withoutBraces(n.Text, ""))
		for _, c := range l.limits {
			limit := c.Text
			if t.opts && c.TextOptions.N > 0 {
				limit = c.TextOptions
			}
			if tooLong(words, limit) {
				long := size(words, limit)
				l.warn("W402", n.Words(), "%s characters; %s sends it as %d messages", thousands(long), c.Kind, (long+limit.N-1)/limit.N)
				return
			}
		}
	}
}

// shortEnough says that a text fits every channel in whatever unit it counts:
// no unit counts more than bytes.
func (l *loader) shortEnough(t textSrc) bool {
	for _, c := range l.limits {
		if c.Text.N > 0 && t.bytes > c.Text.N || t.opts && c.TextOptions.N > 0 && t.bytes > c.TextOptions.N {
			return false
		}
	}
	return true
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
