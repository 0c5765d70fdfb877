package flows

import (
	"strconv"
	"strings"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

const (
	maxOptions = 30
	maxLabel   = 80 // characters
)

// options compiles a list or a map of options; into tells those of a collect.
func (l *loader) options(s *stateSrc, n *source.Node, into string) []*engine.Option {
	var out []*engine.Option
	seen := map[string]source.Range{}
	add := func(label, v *source.Node, at source.Range) {
		o := l.option(s, label, v, at, len(out)+1)
		if o == nil {
			s.bad = true // where it leads is not known
			return
		}
		l.twice(o, seen)
		o.def.Exit = l.optionExit(o, v, into)
		out = append(out, o.def)
		s.opts = append(s.opts, o)
	}
	switch n.Kind {
	case source.List:
		for _, item := range n.Items {
			if item.Kind == source.Map {
				add(item.Get("label"), item, item.Words())
			}
		}
	case source.Map:
		for _, p := range n.Pairs {
			add(p.Key, p.Value, p.Key.Words())
		}
	}
	if len(out) > maxOptions {
		l.err("E105", l.thirtyFirst(n), "a question has at most %d options, this has %d", maxOptions, len(out))
	}
	return out
}

// option compiles everything of an option but its way out.
func (l *loader) option(s *stateSrc, label, v *source.Node, at source.Range, position int) *optionSrc {
	d := &engine.Option{At: l.place(at)}
	o := &optionSrc{at: at, def: d}
	if v.Kind == source.Map && v.Get("label") != nil && label != v.Get("label") {
		label = v.Get("label")
	}
	if label == nil || label.Kind == source.Null || label.Kind == source.Scalar && strings.TrimSpace(label.Text) == "" {
		if id := v.Pair("id"); id != nil {
			at = id.Value.Words()
		}
		l.missing(v, "option", "label", at, "an option needs a label")
		return nil
	}
	o.at = label.Words()
	d.Label = l.text(label, scope{})
	plain, _ := literal(d.Label, l.set.Languages[0])
	if count := len([]rune(plain)); count > maxLabel {
		l.err("E105", label.Words(), "a label has at most %d characters, this has %d", maxLabel, count)
	}
	d.ID = slug(plain, position)
	if v.Kind != source.Map {
		return o
	}
	if id := v.Get("id"); id != nil && id.Kind == source.Scalar {
		d.ID = id.Text
		o.idAt = id.Words()
		l.name(id, "option")
	}
	d.Short, d.Description = l.text(v.Get("short"), scope{}), l.text(v.Get("description"), scope{})
	d.Match = l.matchWords(v.Get("match"))
	o.words = words(v.Get("match"))
	if when := v.Get("when"); when != nil {
		d.When = l.condition(when, scope{})
	}
	d.Set, d.Tag = l.sets(v.Get("set")), l.tags(v.Get("tag"))
	return o
}

func (l *loader) optionExit(o *optionSrc, v *source.Node, into string) *engine.Exit {
	name := "opt:" + o.def.ID
	switch v.Kind {
	case source.Scalar:
		o.written = true
		return l.target(v, name, name)
	case source.Map:
		o.written = hasExit(v) || l.nearExit(v, "option")
		return l.exitIn(v, name, name, false)
	case source.List:
		o.written = true // E104 says what is wrong with it
	}
	return nil
}

// twice finds ids and labels that two options share (E114).
func (l *loader) twice(o *optionSrc, seen map[string]source.Range) {
	report := func(key, format, what string, at source.Range) bool {
		if first, known := seen[key]; known {
			d := l.err("E114", at, format, what)
			d.Related = []source.Related{{Range: first, Message: "the first one is here"}}
			return true
		}
		seen[key] = at
		return false
	}
	label, _ := literal(o.def.Label, l.set.Languages[0])
	same := false
	if norm := l.normal(label); norm != "" {
		same = report("label "+norm, "two options have the label %q", label, o.at)
	}
	at := o.at
	if o.idAt.File != "" {
		at = o.idAt
	}
	if !same || o.idAt.File != "" {
		report("id "+o.def.ID, "two options have the id %q", o.def.ID, at)
	}
}

// normal is engine.Normalise, remembered.
func (l *loader) normal(s string) string {
	if n, ok := l.phrases[s]; ok {
		return n
	}
	n := engine.Normalise(s)
	l.phrases[s] = n
	return n
}

// slug makes an option's id from its label (language.md 2.5).
func slug(label string, position int) string {
	var b strings.Builder
	for _, word := range strings.Fields(engine.Normalise(label)) {
		var w strings.Builder
		for _, r := range strings.ToLower(word) {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				w.WriteRune(r)
			}
		}
		if w.Len() == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('_')
		}
		b.WriteString(w.String())
	}
	id := b.String()
	switch {
	case id == "":
		return "option_" + strconv.Itoa(position)
	case id[0] < 'a':
		id = "o_" + id
	}
	return strings.TrimRight(id[:min(len(id), 40)], "_")
}

// noMatch compiles the ladder of answers to messages that fit nothing.
func (l *loader) noMatch(n *source.Node, prefix string) []engine.Answer {
	if n == nil || n.Kind != source.List {
		return nil
	}
	out := make([]engine.Answer, 0, len(n.Items)) // an empty list is one of its own: a person at once
	for i, item := range n.Items {
		if item.Kind != source.Map {
			continue
		}
		name := "no_match:" + strconv.Itoa(i+1)
		step := engine.Answer{Say: l.said(item.Get("say"), scope{}, true), At: l.place(item.Range)}
		before := len(l.diags)
		step.Exit = l.exitIn(item, name, prefix+name, false)
		if step.Say == nil && step.Exit == nil && len(l.diags) == before && !l.nearExit(item, "no_match") {
			l.missing(item, "no_match", "say", item.Words(), "a no_match step needs say or a way out")
		}
		out = append(out, step)
	}
	return out
}

// ladder compiles no_reply and unanswered: steps in rising order of after.
func (l *loader) ladder(n *source.Node, construct, prefix string) []engine.Wait {
	if n == nil || n.Kind != source.List {
		return nil
	}
	out := make([]engine.Wait, 0, len(n.Items)) // an empty list is a ladder of its own: none
	var last *engine.Delay
	for i, item := range n.Items {
		if item.Kind != source.Map {
			continue
		}
		name := construct + ":" + strconv.Itoa(i+1)
		if construct == "unanswered" {
			name = "handoff:" + name
		}
		w := engine.Wait{Say: l.said(item.Get("say"), scope{queue: construct == "unanswered"}, construct == "no_reply"),
			Tag: l.tags(item.Get("tag")), At: l.place(item.Range)}
		w.Exit = l.exitIn(item, name, prefix+name, false)
		if w.Exit != nil && i != len(n.Items)-1 {
			l.err("E119", exitKey(item), "%s steps must come later and later; only the last may leave", construct)
		}
		w.After, last = l.stepAfter(item, construct, i, last)
		if p := item.Get("priority"); p != nil && p.Kind == source.Scalar {
			l.priority(p)
			w.Priority = p.Text
		}
		if q := item.Get("queue"); q != nil && q.Kind == source.Scalar {
			l.wantQueue(q.Text, q.Words())
			w.Queue = q.Text
		}
		out = append(out, w)
	}
	return out
}

func exitKey(m *source.Node) source.Range {
	for _, p := range m.Pairs {
		if isExit(p.Key.Text) {
			return p.Key.Words()
		}
	}
	return m.Words()
}

// stepName names a step of a ladder with its article.
func stepName(construct string) string {
	if construct == "unanswered" {
		return "an unanswered step"
	}
	return "a " + construct + " step"
}

// stepAfter reads after and compares it with the step before, where both count alike.
func (l *loader) stepAfter(item *source.Node, construct string, i int, last *engine.Delay) (engine.Delay, *engine.Delay) {
	after := item.Get("after")
	if after == nil || after.Kind == source.Null {
		if construct == "no_reply" || i > 0 {
			l.missing(item, construct, "after", item.Words(), "%s needs after", stepName(construct))
		}
		return engine.Delay{}, last
	}
	d, ok := l.delay(after)
	if !ok {
		return d, last
	}
	if last != nil && last.Business == d.Business && last.OpenDays == 0 && d.OpenDays == 0 && d.For <= last.For {
		l.err("E119", after.Words(), "%s steps must come later and later; %s is not after %s", construct, after.Text, last.Source)
	}
	return d, &d
}

// thirtyFirst is where an option too many stands.
func (l *loader) thirtyFirst(n *source.Node) source.Range {
	if n.Kind == source.Map {
		return n.Pairs[maxOptions].Key.Words()
	}
	return n.Items[min(maxOptions, len(n.Items)-1)].Words()
}
