package inbox

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"dispatcher/engine"
)

// steps sorts what a trace holds into conditions, edges and effects.
func (x *explaining) steps(e *ExplainedTurn, set *engine.Set, t *engine.Trace) {
	for _, s := range t.Steps {
		at := fileAt(set, s.At)
		switch s.What {
		case "condition":
			e.Conditions = append(e.Conditions, ExplainedCondition{Condition: s.Cond, Result: s.Value, Values: x.values(e, s.Seen), At: at})
		case "edge", "replay":
			e.Edges = append(e.Edges, ExplainedEdge{State: s.State, Edge: s.Edge, Option: s.Option, By: x.mask.text(s.By), Score: s.Score, Again: s.What == "replay", At: at})
		case "stage":
		case "slot":
			e.Effects = append(e.Effects, x.slotFilled(s, at))
		case "migrate":
			e.Effects = append(e.Effects, ExplainedEffect{Kind: "migrate", Name: s.State + s.Option, Value: s.Value, At: at})
		default: // tag lookup form verify skip
			e.Effects = append(e.Effects, ExplainedEffect{Kind: s.What, Name: x.mask.text(s.Option), How: s.By, Value: x.mask.text(s.Value), At: at})
		}
	}
	for _, name := range t.Found {
		if !filledIn(e.Effects, name) {
			e.Effects = append(e.Effects, ExplainedEffect{Kind: "slot", Name: name, How: "found"})
		}
	}
}

func filledIn(effects []ExplainedEffect, slot string) bool {
	for _, e := range effects {
		if e.Kind == "slot" && e.Name == slot {
			return true
		}
	}
	return false
}

func (x *explaining) slotFilled(s engine.TraceStep, at string) ExplainedEffect {
	value := x.mask.text(s.Value)
	if pii, secret := x.personal(s.Option); secret && value != "emptied" {
		value = engine.Dots
	} else if pii && value != "emptied" && !strings.Contains(value, "•") {
		value = maskRange(value, false) // its rules became stricter since
	}
	if s.Option == "" {
		value = engine.Dots // of a secret: not even which option it was
	}
	return ExplainedEffect{Kind: "slot", Name: s.Option, Value: value, How: s.By, At: at}
}

// values takes what a condition read apart: a = 1, b = "x, y". The words of
// the customer stand in the event.
func (x *explaining) values(e *ExplainedTurn, seen string) []ExplainedValue {
	out := []ExplainedValue{}
	for _, part := range splitSeen(seen) {
		name, value, ok := strings.Cut(part, " = ")
		if !ok {
			continue
		}
		if value = x.mask.text(value); strings.Contains(name, "(") {
			name = x.mask.text(name) // what a function was asked about may be a value of the customer's
		}
		if slot, isSlot := strings.CutPrefix(name, "slots."); isSlot && value != "empty" && !strings.Contains(value, "•") {
			if pii, secret := x.personal(slot); pii || secret {
				value = maskRange(value, secret)
			}
		}
		if name == "message.text" && value == engine.Dots && e.Event.Text != "" {
			value = "“" + e.Event.Text + "”"
		}
		out = append(out, ExplainedValue{Name: name, Value: value})
	}
	return out
}

// splitSeen cuts at the commas that stand before another name.
func splitSeen(seen string) []string {
	var out []string
	from, depth, quoted := 0, 0, false
	for i := 0; i < len(seen); i++ {
		switch c := seen[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == ',' && depth <= 0 && strings.Contains(seen[i:], " = "):
			out, from = append(out, strings.TrimSpace(seen[from:i])), i+1
		}
	}
	if rest := strings.TrimSpace(seen[from:]); rest != "" {
		out = append(out, rest)
	}
	return out
}

// stageOrder is language.md 2.6.
var stageOrder = [...]string{"tap", "exact", "everywhere", "first", "side", "correction", "value", "words", "fuzzy", "none"}

// stages lists what was tried, in order, up to the stage that decided.
func (x *explaining) stages(e *ExplainedTurn, set *engine.Set, t *engine.Trace, said string) {
	if t.Stage == "" {
		return
	}
	def := stateOf(set, t.From)
	var scores []engine.OptionScore
	if def != nil && said != "" && e.Event.Kind == engine.EvMessage {
		scores = engine.Scores(set, def, said)
	}
	for _, name := range stageOrder {
		var s ExplainedStage
		switch {
		case name == t.Stage:
			s = x.decidedBy(e, set, t)
		case stageApplies(name, e.Event.Kind, t.From, def, set != nil):
			s = x.tried(name, set, def, t)
		default:
			continue
		}
		s.Candidates = x.candidates(name, scores)
		if e.Stages = append(e.Stages, s); s.Decided {
			return
		}
	}
}

// candidates is how well each option fitted in a stage that compares.
func (x *explaining) candidates(stage string, scores []engine.OptionScore) []ExplainedCandidate {
	var out []ExplainedCandidate
	for _, s := range scores {
		switch {
		case stage == "words" && s.Words > 0:
			out = append(out, ExplainedCandidate{Option: s.ID, Score: s.Words, By: x.mask.text(s.Said), At: s.At.String()})
		case stage == "fuzzy" && s.Likest > 0:
			out = append(out, ExplainedCandidate{Option: s.ID, Score: math.Round(s.Likest*100) / 100, By: s.Like, At: s.At.String()})
		}
	}
	if stage == "fuzzy" {
		slices.SortStableFunc(out, func(a, b ExplainedCandidate) int { return cmp.Compare(b.Score, a.Score) })
	}
	return out
}

// stageApplies says whether a stage had anything to look at.
func stageApplies(name, event, from string, def *engine.StateDef, known bool) bool {
	switch {
	case name == "tap":
		return event == "tap"
	case from == "" || event != engine.EvMessage && event != "tap":
		return false
	case !known || def == nil:
		return true
	case name == "first":
		return len(def.Match.First) > 0
	case name == "value":
		return def.Collect != nil || def.Form != nil || def.Verify != nil
	case name == "words" || name == "fuzzy":
		return len(optionsOf(def)) > 0
	}
	return true
}

func optionsOf(def *engine.StateDef) []*engine.Option {
	if def.Collect != nil {
		return def.Collect.Options
	}
	return def.Options
}

// decidedBy is the stage that ended the search, with what hit.
func (x *explaining) decidedBy(e *ExplainedTurn, set *engine.Set, t *engine.Trace) ExplainedStage {
	out := ExplainedStage{Stage: t.Stage, Decided: true}
	for _, s := range t.Steps {
		if s.What == "stage" && s.Edge != "closest" {
			out.Note, out.By, out.At = s.Edge, x.mask.text(s.By), fileAt(set, s.At)
			return out
		}
		if s.What == "edge" && (s.Option != "" || s.By != "" || s.Score > 0) {
			out.Option, out.By, out.Score, out.At = s.Option, x.mask.text(s.By), s.Score, fileAt(set, s.At)
			return out
		}
	}
	for _, f := range e.Effects {
		if t.Stage == "value" && f.Kind == "slot" {
			out.Note = f.Name
			return out
		}
	}
	return out
}

// tried is a stage that did not decide.
func (x *explaining) tried(name string, set *engine.Set, def *engine.StateDef, t *engine.Trace) ExplainedStage {
	out := ExplainedStage{Stage: name}
	if name != "fuzzy" {
		return out
	}
	if set != nil && def != nil {
		out.Needed = set.Defaults.Fuzzy
		if def.Match.Fuzzy >= 0 {
			out.Needed = def.Match.Fuzzy
		}
	}
	for _, s := range t.Steps {
		if s.What == "stage" && s.Edge == "closest" {
			out.Option, out.By, out.Score, out.Note = s.Option, s.By, s.Score, "closest"
		}
	}
	if def != nil && out.Option != "" {
		for _, o := range optionsOf(def) {
			if o.ID == out.Option {
				out.At = o.At.String()
			}
		}
	}
	return out
}
