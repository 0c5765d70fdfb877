package rehearse

import (
	"fmt"
	"slices"
	"strings"

	"dispatcher/engine"
)

// Why tells the last input in words: stage, edges, conditions with what they
// came out as and what they read, each with its place.
func (t *Talk) Why() []string {
	var out []string
	for _, tr := range t.traces {
		out = append(out, told(tr)...)
	}
	return out
}

func told(tr engine.Trace) []string {
	var out []string
	if tr.Stage != "" {
		out = append(out, "stage "+tr.Stage)
	}
	for _, s := range tr.Steps {
		line := s.What
		for _, part := range [...]string{s.State, s.Edge, s.Option} {
			if part != "" {
				line += " " + part
			}
		}
		if s.By != "" {
			line += fmt.Sprintf(" by %q", s.By)
		}
		if s.Score > 0 {
			line += fmt.Sprintf(" score %.2f", s.Score)
		}
		if s.Cond != "" {
			line += " " + s.Cond + " = " + s.Value
		}
		if s.Seen != "" {
			line += ": " + s.Seen
		}
		if s.At != "" {
			line += " (" + s.At + ")"
		}
		out = append(out, line)
	}
	if tr.Error != "" {
		out = append(out, "error "+tr.Error+" at "+tr.ErrorAt)
	}
	return out
}

// reason is why a failing test's last input did what it did: how the message
// was understood, what came nearest, which conditions were false, what was
// looked up in vain. Lines after the first of a thing stand further in.
func (t *Talk) reason(input string) []string {
	var out []string
	for i, tr := range t.traces {
		if i > 0 {
			input = ""
		}
		out = append(out, t.reasonOf(tr, input)...)
	}
	for _, name := range t.Unmocked {
		out = append(out, "no mock answers "+name)
	}
	for _, name := range sortedNames(t.refused) {
		out = append(out, "the form was not taken: "+name+": "+t.refused[name])
	}
	return out
}

func sortedNames(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (t *Talk) reasonOf(tr engine.Trace, input string) []string {
	var out []string
	if tr.Error != "" {
		return []string{fmt.Sprintf("engine error at %s: %s", orNowhere(tr.ErrorAt), tr.Error)}
	}
	if line := t.understood(tr, input); line != "" {
		out = append(out, line)
	}
	for _, s := range tr.Steps {
		switch {
		case s.What == "stage" && s.Edge == "closest":
			out = append(out, "  "+t.closest(s))
		case s.What == "condition" && s.Value != "true":
			line := "condition " + s.Cond + " is " + s.Value
			if s.Seen != "" {
				line += ": " + s.Seen
			}
			out = append(out, line+t.rulePlace(s.At))
		case s.What == "lookup" && s.Value != "":
			out = append(out, oneLine("look-up "+s.Option+" came back: "+s.Value))
		case s.What == "migrate":
			out = append(out, moved(s))
		}
	}
	return out
}

// moved is what an edit did to the conversation.
func moved(s engine.TraceStep) string {
	if s.Option != "" {
		return "changed by the edit: slot " + s.Option + " " + s.Value
	}
	return "moved by the edit: " + s.State
}

func orNowhere(at string) string {
	if at == "" {
		return "an unknown place"
	}
	return at
}

func place(at string) string {
	if at == "" {
		return ""
	}
	return " (" + at + ")"
}

// rulePlace is where a rule stands that a trace names as flow.state:line.
func (t *Talk) rulePlace(rule string) string {
	where, line, ok := strings.Cut(rule, ":")
	flow, _, dotted := strings.Cut(where, ".")
	f := t.live().Flows[flow]
	if !ok || !dotted || f == nil || f.At.File == "" {
		return place(rule)
	}
	return place(f.At.File + ":" + line)
}

// understood is how a message was read, in one line.
func (t *Talk) understood(tr engine.Trace, input string) string {
	from := tr.From
	if from == "" {
		from = "the start"
	}
	switch tr.Event {
	case engine.EvTimer:
		return from + ": a timer was due, then " + stood(tr)
	case engine.EvLookup:
		return from + ": the result of a look-up came, then " + stood(tr)
	case engine.EvMessage, engine.EvStart, engine.EvMention:
	case engine.EvReturned:
		if tr.From == "" {
			return "entered at " + stood(tr)
		}
		return from + ": given back, then " + stood(tr)
	default:
		return from + ": " + tr.Event + ", then " + stood(tr)
	}
	said := ""
	if input != "" {
		said = fmt.Sprintf(" %q", input)
	}
	switch tr.Stage {
	case "none":
		return from + ": nothing matched" + said
	case "":
		if said == "" {
			said = " a message"
		}
		return from + ":" + said + " opened the conversation, then " + stood(tr)
	}
	if said == "" {
		said = " the answer"
	}
	line := from + ":" + said + " was understood by stage " + tr.Stage
	for _, s := range tr.Steps {
		if s.What == "edge" && s.Edge != "" {
			line += ", edge " + s.Edge
			if s.By != "" {
				line += fmt.Sprintf(" by %q", s.By)
			}
			if s.Score > 0 {
				line += fmt.Sprintf(" score %.2f", s.Score)
			}
			return line + place(s.At)
		}
		if s.What == "stage" && strings.HasPrefix(s.Edge, "everywhere:") {
			return line + ", " + s.Edge + place(s.At)
		}
	}
	return line
}

func stood(tr engine.Trace) string {
	if tr.To == "" {
		return "nowhere"
	}
	return tr.To
}

// closest is the option that came nearest, the likeness it would have needed,
// and the words as they are written.
func (t *Talk) closest(s engine.TraceStep) string {
	set := t.live()
	need := set.Defaults.Fuzzy
	flow, name := flowState(s.State)
	words, at := s.By, ""
	if f := set.Flows[flow]; f != nil && f.States[name] != nil {
		def := f.States[name]
		if def.Match.Fuzzy >= 0 {
			need = def.Match.Fuzzy
		}
		words, at = written(set, def, s.Option, s.By)
	}
	return fmt.Sprintf("closest: %s %.2f of %.2f by %q%s", s.Option, s.Score, need, words, place(at))
}

// written finds the phrase of an option that was compared in normalised form.
func written(set *engine.Set, def *engine.StateDef, option, phrase string) (words, at string) {
	for _, o := range optionsOf(def) {
		if o.ID != option {
			continue
		}
		at = o.At.String()
		for _, lang := range set.Languages {
			for _, m := range o.Match[lang] {
				if engine.Normalise(m) == phrase {
					return m, at
				}
			}
			if o.Label != nil && o.Label.Lang[lang] != nil && engine.Normalise(o.Label.Lang[lang].Source) == phrase {
				return o.Label.Lang[lang].Source, at
			}
		}
	}
	return phrase, at
}

func optionsOf(def *engine.StateDef) []*engine.Option {
	if def.Collect != nil {
		return def.Collect.Options
	}
	return def.Options
}
