package flows

import (
	"strconv"
	"strings"
	"time"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// slotSrc is one slot as declared.
type slotSrc struct {
	def      *engine.Slot
	at       source.Range
	node     *source.Node // nil when only collected or saved
	declared bool
	bad      bool // its rules have errors: its example proves nothing
	vague    bool // its type is not known: nothing is said about what is done with it
}

func (l *loader) declareSlots(f *flowSrc) {
	n := f.root.Get("slots")
	if n == nil || n.Kind != source.Map {
		return
	}
	for _, p := range n.Pairs {
		if other, twice := l.slots[p.Key.Text]; twice {
			d := l.err("E113", p.Key.Words(), "slot %q is also declared in flow %s", p.Key.Text, other.def.Flow)
			d.Related = []source.Related{{Range: other.at, Message: "the other one is here"}}
			continue
		}
		l.name(p.Key, "slot", "language")
		s := &slotSrc{def: &engine.Slot{Name: p.Key.Text, Type: engine.SlotText, Flow: f.name, Declared: true, At: l.place(p.Key.Range)},
			at: p.Key.Words(), node: p.Value, declared: true}
		before := len(l.diags)
		l.slotRules(s, p)
		s.bad = len(l.diags) > before
		l.addSlot(s)
	}
}

// slotRules reads what needs no other name; texts, check, default and example
// are compiled when every name is known.
func (l *loader) slotRules(s *slotSrc, p source.Pair) {
	d, n := s.def, p.Value
	known := len(l.diags)
	if n.Kind == source.Scalar {
		d.Type = l.oneOf(n, engine.SlotText, slotTypes...)
		n = &source.Node{Kind: source.Map}
	}
	s.vague = n.Kind == source.List
	if n.Kind == source.Map {
		d.Type = l.choose(n, "slot", "type", d.Type)
	}
	if t := n.Get("type"); len(l.diags) > known || t != nil && t.Kind != source.Scalar && t.Kind != source.Null {
		s.vague = true
	}
	l.choiceValues(s, n, p.Key)
	d.Contact = l.choose(n, "slot", "scope", "conversation") == "contact"
	d.Secret = l.boolean(n.Get("secret"), false)
	d.PII = l.boolean(n.Get("pii"), false) || d.Secret
	d.Keep = l.duration(n.Get("keep"), 0)
	d.Called = wordTexts(n.Get("called"))
	d.Clean = l.clean(n.Get("clean"))
	d.Example, _ = scalar(n.Get("example"))
	if src, ok := scalar(n.Get("pattern")); ok && l.regex(src, n.Get("pattern").Words()) {
		d.Pattern = src
	}
	if src, ok := scalar(n.Get("find")); ok && l.regex(src, n.Get("find").Words()) {
		d.Find = src
	}
	if !s.vague {
		d.Min, d.Max = l.bound(d, n.Get("min")), l.bound(d, n.Get("max"))
	}
	if d.Max == nil && d.Type == engine.SlotText {
		high := 2000.0
		d.Max = &high
	}
	if d.Min != nil && d.Max != nil && *d.Min > *d.Max {
		l.err("E105", n.Get("max").Words(), "max is smaller than min")
	}
	l.keep(s, n, p.Key)
}

// keep warns about personal data without an end (W433) and beyond retention (W434).
func (l *loader) keep(s *slotSrc, n *source.Node, key *source.Node) {
	retain := l.p.Config.RetainMessages
	if retain == 0 {
		retain = 180 * 24 * time.Hour
	}
	if s.def.PII && n.Get("keep") == nil {
		l.warn("W433", key.Words(), "%s is personal and has no keep", s.def.Name)
	}
	if s.def.Keep > retain {
		l.warn("W434", n.Get("keep").Words(), "keep %s is longer than messages %dd", n.Get("keep").Text, int(retain.Hours()/24))
	}
}

func (l *loader) choiceValues(s *slotSrc, n, key *source.Node) {
	v := n.Get("values")
	if s.def.Type != engine.SlotChoice {
		if v != nil && !s.vague {
			l.err("E110", n.Pair("values").Key.Words(), "values are for slots of type choice, this is %s", s.def.Type)
		}
		return
	}
	add := func(id *source.Node) {
		if !l.name(id, "value") {
			return
		}
		for _, known := range s.def.Values {
			if known.ID == id.Text {
				l.err("E114", id.Words(), "%q is written twice", id.Text)
				return
			}
		}
		s.def.Values = append(s.def.Values, engine.SlotValueName{ID: id.Text})
	}
	switch {
	case v != nil && v.Kind == source.List:
		for _, id := range words(v) {
			add(id)
		}
	case v != nil && v.Kind == source.Map:
		for _, p := range v.Pairs {
			add(p.Key)
			l.textForm(p.Value)
		}
	case v != nil && v.Kind == source.Scalar:
		l.kind(v, "a list of ids")
		return
	}
	if len(s.def.Values) == 0 {
		l.missing(n, "slot", "values", key.Words(), "choice needs values")
	}
}

func (l *loader) clean(n *source.Node) []string {
	known := []string{"trim", "upper", "lower", "remove_spaces", "digits", "letters_digits", "look_alikes"}
	var out []string
	for _, w := range words(n) {
		if strings.HasPrefix(w.Text, "remove:") && len(w.Text) > len("remove:") {
			out = append(out, w.Text)
			continue
		}
		if l.oneOf(w, "", known...) != "" {
			out = append(out, w.Text)
		}
	}
	return out
}

// bound reads min or max: a number, a date (as Unix seconds), or a length.
func (l *loader) bound(d *engine.Slot, n *source.Node) *float64 {
	s, ok := scalar(n)
	if !ok {
		return nil
	}
	if d.Type == engine.SlotDate {
		t, err := time.ParseInLocation("2006-01-02", s, l.set.Timezone)
		if err != nil {
			l.err("E105", n.Words(), "%q is not a date; write 2026-12-25", s)
			return nil
		}
		v := float64(t.Unix())
		return &v
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v != v || (d.Type != engine.SlotNumber && (v < 0 || v > 10_000)) {
		l.err("E105", n.Words(), "%q is not a number that fits here", s)
		return nil
	}
	return &v
}

// compileSlots finishes the slots: what may name other things.
func (l *loader) compileSlots() {
	for _, name := range l.slotOrder {
		s := l.slots[name]
		if s.node == nil || s.node.Kind != source.Map {
			continue
		}
		l.in(s.def.Flow, "", func() { l.compileSlot(s) })
	}
}

func (l *loader) compileSlot(s *slotSrc) {
	before := len(l.diags)
	if v := s.node.Get("values"); v != nil && v.Kind == source.Map {
		for i := range s.def.Values {
			s.def.Values[i].Label = l.text(v.Get(s.def.Values[i].ID), scope{})
		}
	}
	s.def.Ask = l.said(s.node.Get("ask"), scope{}, false)
	if c := s.node.Get("check"); c != nil {
		s.def.Check = l.condition(c, scope{value: s.def, secret: true})
	}
	if n := s.node.Get("default"); n != nil && n.Kind == source.List {
		s.def.Default = l.listLiteral(s.def, n)
	} else if n != nil && n.Kind == source.Scalar {
		if v, ok := l.slotLiteral(s.def, n); ok {
			s.def.Default = v
		}
	}
	if s.bad || len(l.diags) > before || s.def.Example == "" {
		return
	}
	if _, ok := engine.ReadValue(s.def, l.set.Languages[0], l.set.DateOrder, s.def.Example); !ok {
		what := "rules"
		if s.def.Pattern != "" {
			what = "pattern"
		}
		l.err("E321", s.node.Get("example").Words(), "the example %s does not match the slot's own %s", s.def.Example, what)
	}
}

// listLiteral is a list written as one; other types of slots have none (E104).
// Nil is no value, as everywhere.
func (l *loader) listLiteral(d *engine.Slot, n *source.Node) any {
	items := wordTexts(n)
	switch {
	case d.Type != engine.SlotList:
		l.kind(n, "text")
		return nil
	case len(items) == 0:
		return nil
	}
	return items
}

// slotLiteral reads a written value by the type of a slot.
func (l *loader) slotLiteral(d *engine.Slot, n *source.Node) (any, bool) {
	if d.Type == engine.SlotChoice {
		ids := slotType(d).values
		for _, id := range ids {
			if id == n.Text {
				return id, true
			}
		}
		if len(ids) > 0 { // E110 says that it has no values
			l.suggest(l.err("E216", n.Words(), "%q is not one of %s", n.Text, strings.Join(ids, ", ")), n.Text, ids)
		}
		return nil, false
	}
	v, ok := engine.ReadLiteral(d, n.Text)
	if !ok {
		l.err("E105", n.Words(), "%q is not a value of %s, which is %s", n.Text, d.Name, slotType(d))
	}
	return v, ok
}
