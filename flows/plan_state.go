package flows

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"dispatcher/engine"
)

// state compares a state with what it was, perhaps under another name.
func (d *Delta) state(a, b *engine.StateDef) {
	if a == b {
		return
	}
	was, is := *a, *b
	was.Name, is.Name = "", ""
	if canon(was) == canon(is) {
		return
	}
	d.touched[a.Flow+"."+a.Name] = true
	before := len(d.Changes)
	d.question(a, b)
	d.messages(a, b)
	d.options(a, b)
	d.edges(a, b)
	d.otherKeys(a, b)
	if len(d.Changes) == before {
		d.say(Difference{Kind: "state", Flow: b.Flow, State: b.Name}, "changed in its details")
	}
}

// asks is the words and the kind of a state's question.
func asks(s *engine.StateDef) (kind string, text *engine.Text) {
	text = s.Ask
	switch {
	case s.Collect != nil:
		kind = "asks for " + s.Collect.Slot
		if text == nil {
			text = s.Collect.Ask
		}
	case s.Form != nil:
		kind, text = "opens a form", orText(text, s.Form.Ask)
	case s.Verify != nil:
		kind, text = "verifies who is writing", orText(text, s.Verify.Ask)
	case len(s.Options) > 0:
		kind = "offers options"
	default:
		return "asks nothing", nil
	}
	if text == nil && len(s.Say) > 0 { // the last message is the question
		text = s.Say[len(s.Say)-1].Text
	}
	return kind, text
}

func orText(a, b *engine.Text) *engine.Text {
	if a != nil {
		return a
	}
	return b
}

func (d *Delta) question(a, b *engine.StateDef) {
	at := Difference{Kind: "question", Flow: b.Flow, State: b.Name}
	oldKind, oldText := asks(a)
	newKind, newText := asks(b)
	if oldKind != newKind {
		d.say(at, "now %s (it %s before)", newKind, past(oldKind))
	}
	if oldText != nil && newText != nil && canon(oldText) != canon(newText) {
		d.say(at, "question reworded%s", d.reworded(oldText, newText))
	}
}

// past is what a state did, from what it does.
func past(kind string) string {
	verb, rest, _ := strings.Cut(kind, " ")
	return map[string]string{"asks": "asked", "opens": "opened", "verifies": "verified", "offers": "offered"}[verb] + " " + rest
}

// reworded shows both wordings in the first language, or names the languages
// whose words alone changed.
func (d *Delta) reworded(a, b *engine.Text) string {
	first := d.new.Set.Languages[0]
	was, is := a.Lang[first], b.Lang[first]
	if was != nil && is != nil && was.Source != is.Source {
		return fmt.Sprintf(": “%s” → “%s”", clipped(was.Source), clipped(is.Source))
	}
	var langs []string
	for _, l := range d.new.Set.Languages[1:] {
		if canon(a.Lang[l]) != canon(b.Lang[l]) {
			langs = append(langs, l)
		}
	}
	if len(langs) > 0 {
		return " in " + strings.Join(langs, ", ")
	}
	return ""
}

// messages compares what a state says beside its question.
func (d *Delta) messages(a, b *engine.StateDef) {
	at := Difference{Kind: "message", Flow: b.Flow, State: b.Name}
	before, after := said(a), said(b)
	if canon(before) == canon(after) {
		return
	}
	if len(before) == 1 && len(after) == 1 && before[0].Text != nil && after[0].Text != nil {
		d.say(at, "message reworded%s", d.reworded(before[0].Text, after[0].Text))
		return
	}
	switch {
	case len(before) < len(after) && len(before) == 0:
		d.say(at, "now says something first")
	case len(after) == 0:
		d.say(at, "says nothing any more")
	default:
		d.say(at, "messages reworded")
	}
}

// said is the messages of a state without the one that is its question.
func said(s *engine.StateDef) []engine.SayItem {
	asked := s.Ask != nil || s.Collect != nil && s.Collect.Ask != nil || s.Form != nil || s.Verify != nil
	if s.Asks() && !asked && len(s.Say) > 0 {
		return s.Say[:len(s.Say)-1]
	}
	return s.Say
}

// options compares the quick replies of a state.
func (d *Delta) options(a, b *engine.StateDef) {
	at := Difference{Kind: "option", Flow: b.Flow, State: b.Name}
	was := map[string]*engine.Option{}
	for _, o := range choices(a) {
		was[o.ID] = o
	}
	for _, o := range choices(b) {
		if was[o.ID] == nil {
			leads := ""
			if o.Exit != nil {
				leads = " and leads " + whither(o.Exit, b.Flow)
			}
			d.say(at, "option “%s” is new%s", d.label(o.Label), leads)
			continue
		}
		d.option(at, was[o.ID], o)
	}
	for _, o := range choices(a) {
		if !slices.ContainsFunc(choices(b), func(x *engine.Option) bool { return x.ID == o.ID }) {
			d.say(at, "option “%s” is removed", d.label(o.Label))
		}
	}
}

func choices(s *engine.StateDef) []*engine.Option {
	if s.Collect != nil {
		return append(slices.Clip(s.Options), s.Collect.Options...)
	}
	return s.Options
}

func (d *Delta) label(t *engine.Text) string {
	if t != nil {
		if first := t.Lang[d.new.Set.Languages[0]]; first != nil {
			return clipped(first.Source)
		}
	}
	return "…"
}

func (d *Delta) option(at Difference, a, b *engine.Option) {
	x, y := *a, *b
	x.Exit, y.Exit = nil, nil // edges have lines of their own
	if canon(x) == canon(y) {
		return
	}
	name := d.label(b.Label)
	told := false
	if canon(a.Label) != canon(b.Label) {
		d.say(at, "option %s reworded%s", b.ID, d.reworded(a.Label, b.Label))
		told = true
	}
	more, fewer := phrases(b.Match, a.Match), phrases(a.Match, b.Match)
	if len(more) > 0 {
		d.say(at, "option “%s” now also matches %s", name, strings.Join(more, ", "))
	}
	if len(fewer) > 0 {
		d.say(at, "option “%s” no longer matches %s", name, strings.Join(fewer, ", "))
	}
	if !told && len(more)+len(fewer) == 0 {
		d.say(at, "option “%s” changed", name)
	}
}

// phrases are those of a that b has not.
func phrases(a, b map[string][]string) []string {
	var out []string
	langs := keysOf(a)
	sort.Strings(langs)
	for _, l := range langs {
		for _, p := range a[l] {
			if !slices.Contains(b[l], p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// edges compares where a state leads.
func (d *Delta) edges(a, b *engine.StateDef) {
	at := Difference{Kind: "edge", Flow: b.Flow, State: b.Name}
	was, is := ways(a, b), ways(b, a)
	keys := map[string]bool{}
	for k := range was {
		keys[k] = true
	}
	for k := range is {
		keys[k] = true
	}
	list := keysOf(keys)
	sort.Strings(list)
	for _, k := range list {
		o, n := was[k], is[k]
		switch {
		case o == n:
		case o == "":
			d.say(at, "%s now leads %s", edgeWords(k), n)
		case n == "":
			d.say(at, "%s no longer leads %s", edgeWords(k), o)
		default:
			d.say(at, "%s now leads %s (was %s)", edgeWords(k), n, o)
		}
	}
}

// ways are the edges of a state by key, each with where it leads. Options that
// are not on both sides are left out: that they came or went says it all.
func ways(s, other *engine.StateDef) map[string]string {
	out := map[string]string{}
	for _, e := range exitsOf(*s) {
		key, _, _ := strings.Cut(e.Key, "/")
		id, option := strings.CutPrefix(key, "opt:")
		switch {
		case e.Kind == engine.ExitBranch, e.Key == "", e.Key == "branch":
		case option && !slices.ContainsFunc(choices(other), func(o *engine.Option) bool { return o.ID == id }):
		default:
			out[e.Key] = whither(e, s.Flow)
		}
	}
	return out
}

// edgeWords is the name of an edge (language.md 2.22) as a designer says it.
func edgeWords(key string) string {
	key, more, _ := strings.Cut(key, "/")
	kind, name, _ := strings.Cut(key, ":")
	words := map[string]string{
		"opt": "option " + name, "branch": "branch " + name, "no_match": "no match " + name, "no_reply": "silence " + name,
		"http": "look-up " + name, "result": "result " + name, "give_up": "giving up", "next": "the way on", "else": "else",
		"collected": "the answer", "skip": "skipping", "missing": "having none",
	}[kind]
	if words == "" {
		words = key
	}
	if more != "" {
		words += " (" + strings.ReplaceAll(more, "_", " ") + ")"
	}
	return words
}

// whither says where an exit leads.
func whither(e *engine.Exit, flow string) string {
	if e == nil {
		return "to a person"
	}
	switch e.Kind {
	case engine.ExitGoto:
		if e.Flow == flow || e.Flow == "" {
			return "to " + e.State
		}
		return "to " + e.Flow + "." + e.State
	case engine.ExitCall:
		return "through " + e.Flow
	case engine.ExitReturn:
		if e.Result == "" {
			return "back with done"
		}
		return "back with " + e.Result
	case engine.ExitHandoff:
		return "to a person" + queueWords(e.Hand)
	case engine.ExitResolve:
		return "to the end (" + e.Reason + ")"
	case engine.ExitResume:
		return "back to the open question"
	}
	return "one of several ways"
}

func queueWords(h *engine.Hand) string {
	if h == nil {
		return ""
	}
	var names []string
	for _, p := range h.Queue {
		if p.Use != "" {
			names = append(names, p.Use)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " in " + strings.Join(names, " or ")
}

// otherKeys names the keys of a state that differ and have no words of their own.
func (d *Delta) otherKeys(a, b *engine.StateDef) {
	at := Difference{Kind: "state", Flow: b.Flow, State: b.Name}
	for _, k := range []struct {
		name     string
		old, new any
	}{
		{"when", a.When, b.When}, {"set", a.Set, b.Set}, {"tag", a.Tag, b.Tag}, {"untag", a.Untag, b.Untag}, {"csat", a.CSAT, b.CSAT},
		{"media", a.Media, b.Media}, {"forget", a.Forget, b.Forget}, {"typing", a.Typing, b.Typing}, {"http", looking(a.HTTP), looking(b.HTTP)},
		{"save", a.Save, b.Save}, {"match", a.Match, b.Match}, {"form", filling(a.Form, b), filling(b.Form, a)}, {"verify", verifying(a.Verify, b), verifying(b.Verify, a)},
		{"help", a.Help, b.Help}, {"optional", a.Optional, b.Optional}, {"resume", a.Resume, b.Resume}, {"listen", a.Deaf, b.Deaf},
		{"old_taps", a.OldTaps, b.OldTaps}, {"no_match", says(a.NoMatch), says(b.NoMatch)}, {"no_reply", bare(a.NoReply), bare(b.NoReply)},
		{"collect", collecting(a.Collect, b), collecting(b.Collect, a)},
		{"conditions", arms(a), arms(b)}, {"what is handed over", hands(a), hands(b)},
	} {
		if canon(k.old) != canon(k.new) {
			d.say(at, "%s changed", k.name)
		}
	}
}

// arms are the conditions of every branch of a state.
func arms(s *engine.StateDef) []string {
	var out []string
	for _, e := range exitsOf(*s) {
		for _, arm := range e.Arms {
			if arm.If != nil {
				out = append(out, arm.If.Source)
			}
		}
	}
	return out
}

// hands are what the handoffs of a state say and carry, without the queue.
func hands(s *engine.StateDef) []string {
	var out []string
	for _, e := range exitsOf(*s) {
		if e.Hand != nil {
			rest := *e.Hand
			rest.Queue = nil
			out = append(out, canon(rest))
		}
	}
	sort.Strings(out)
	return out
}

// slotRules compares slots: what is a rule of theirs, and what is only words.
func (d *Delta) slotRules() {
	for _, name := range d.new.Set.SlotOrder {
		a, b := d.old.Set.Slots[name], d.new.Set.Slots[name]
		at := Difference{Kind: "slot", Slot: name}
		if a == nil {
			d.say(at, "slot %s is new", name)
			continue
		}
		if a != b {
			d.slot(at, a, b)
		}
	}
	for _, name := range d.old.Set.SlotOrder {
		if d.new.Set.Slots[name] == nil {
			d.say(Difference{Kind: "slot", Slot: name}, "slot %s is removed; what is known stays, hidden", name)
		}
	}
}

func (d *Delta) slot(at Difference, a, b *engine.Slot) {
	rules := false
	for _, k := range []struct {
		name     string
		old, new any
		rule     bool
	}{
		{"type", a.Type, b.Type, true}, {"values", ids(a), ids(b), true}, {"pattern", a.Pattern, b.Pattern, true},
		{"find", a.Find, b.Find, true}, {"check", written(a.Check), written(b.Check), true}, {"clean", a.Clean, b.Clean, true},
		{"min", bound(a.Min), bound(b.Min), true}, {"max", bound(a.Max), bound(b.Max), true},
		{"labels", a.Values, b.Values, false}, {"example", a.Example, b.Example, false}, {"ask", a.Ask, b.Ask, false},
		{"called", a.Called, b.Called, false}, {"default", a.Default, b.Default, false}, {"scope", a.Contact, b.Contact, false},
		{"pii", a.PII, b.PII, false}, {"secret", a.Secret, b.Secret, false}, {"keep", a.Keep, b.Keep, false},
	} {
		if canon(k.old) == canon(k.new) || k.name == "labels" && canon(ids(a)) != canon(ids(b)) {
			continue
		}
		rules = rules || k.rule
		o, was := k.old.(string)
		n, is := k.new.(string)
		if was && is { // a default may be of any type, or none
			d.say(at, "slot %s: %s %s → %s", at.Slot, k.name, orNone(o), orNone(n))
			continue
		}
		d.say(at, "slot %s: %s changed", at.Slot, k.name)
	}
	if rules {
		d.slots = append(d.slots, at.Slot)
	}
}

func ids(s *engine.Slot) string {
	out := make([]string, len(s.Values))
	for i, v := range s.Values {
		out[i] = v.ID
	}
	return strings.Join(out, ", ")
}

func written(e *engine.Expr) string {
	if e == nil {
		return ""
	}
	return e.Source
}

func bound(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(*v)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return clipped(s)
}

// Way is one edge of a state: its documented name (language.md 2.22) and
// where it leads, in words.
type Way struct{ Edge, To string }

// Ways are the written edges of a state, in written order.
func Ways(s *engine.StateDef) []Way {
	var out []Way
	for _, e := range exitsOf(*s) {
		if e.Kind != engine.ExitBranch && e.Key != "" {
			out = append(out, Way{Edge: e.Edge, To: whither(e, s.Flow)})
		}
	}
	return out
}
