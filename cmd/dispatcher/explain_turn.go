package main

import (
	"fmt"
	"strings"

	"dispatcher/inbox"
)

// turn tells one turn in full.
func (w *explainWriter) turn(t *inbox.ExplainedTurn) {
	ran := "set " + short(t.Set)
	switch {
	case t.Set == "":
		ran = "set " + t.Revision[:min(8, len(t.Revision))]
	case t.Live:
		ran += ", still live"
	default:
		ran += ", not live any more"
	}
	w.ends(fmt.Sprintf("turn %d of %d  %s", t.Turn, w.e.TurnCount, w.clock(t.At, "15:04:05")), ran, shadeStrong)
	w.row("event", eventWords(t), "", "")
	if t.Event.Kind == "message" && len(t.Event.Media) > 0 {
		w.row("", "with "+strings.Join(t.Event.Media, ", "), "", "")
	}
	if t.From != "" {
		w.row("from", t.From, "", "")
	} else if t.Set != "" {
		w.row("from", "the start rules", "", "")
	}
	if idle(t) {
		w.row("", silent, "", shadeFaint)
	}
	w.stages(t)
	w.conditions(t)
	w.edges(t)
	w.effects(t)
	if t.Error != nil {
		w.row("error", t.Error.Error, t.Error.At, shadeBad)
	}
	if t.To != "" {
		w.row("to", t.To, "", "")
	}
	for _, missing := range t.Missing {
		w.row("missing", missing, "", "")
	}
	w.later(t)
}

func (w *explainWriter) stages(t *inbox.ExplainedTurn) {
	name := "tried"
	for _, s := range t.Stages {
		shade, words := shadeFaint, "no"
		switch {
		case s.Decided && s.Stage == "none":
			shade, words = shadeStrong, "nothing matched"
		case s.Decided:
			shade, words = shadeStrong, decidedWords(s)
		case s.Note == "closest":
			words = fmt.Sprintf("no; closest %s, %.2f of %.2f, by %q", s.Option, s.Score, s.Needed, s.By)
		case s.Note != "":
			words = "no; " + s.Note
		}
		w.cells(name, s.Stage, stageWide, words, s.At, shade)
		name = ""
		for _, c := range s.Candidates {
			if c.Option == s.Option {
				continue // told in the line of the stage
			}
			by := ""
			if c.By != "" {
				by = fmt.Sprintf(", by %q", c.By)
			}
			w.cells("", "", stageWide, fmt.Sprintf("%s %s%s", c.Option, score(s.Stage, c.Score), by), c.At, shadeFaint)
		}
	}
}

func decidedWords(s inbox.ExplainedStage) string {
	words := "yes"
	switch {
	case s.Option != "":
		words = s.Option
	case s.Note != "":
		words = strings.TrimPrefix(s.Note, "everywhere:")
	}
	if s.By != "" {
		words += fmt.Sprintf(", by %q", s.By)
	}
	if s.Score > 0 {
		words += ", " + score(s.Stage, s.Score)
	}
	return words
}

// Columns of the keys before what is said of a stage and of a condition.
const (
	stageWide  = 10 // everywhere
	resultWide = 5  // false
)

func (w *explainWriter) conditions(t *inbox.ExplainedTurn) {
	name := "saw"
	for _, c := range t.Conditions {
		shade := ""
		if c.Result == "error" {
			shade = shadeBad
		}
		w.cells(name, c.Result, resultWide, c.Condition, c.At, shade)
		name = ""
		for _, v := range c.Values {
			if v.Name == c.Condition { // the condition is one value
				continue
			}
			w.cells("", "", resultWide, v.Name+" = "+v.Value, "", shadeFaint)
		}
	}
}

func (w *explainWriter) edges(t *inbox.ExplainedTurn) {
	name := "took"
	for _, e := range t.Edges {
		words := e.Edge
		if e.State != "" {
			words = e.State + " " + e.Edge
		}
		if e.Again {
			words += ", again"
		}
		w.row(name, words, e.At, "")
		name = ""
	}
}

func (w *explainWriter) effects(t *inbox.ExplainedTurn) {
	for _, f := range t.Effects {
		switch f.Kind {
		case "say", "notice":
			name := "bot"
			if f.Public {
				name = "in public"
			}
			w.row(name, f.Text, f.At, "")
			if len(f.Options) > 0 {
				w.row("", buttonWords(f.Options), "", "")
			}
			switch f.Delivery {
			case "failed", "unknown", "cancelled":
				w.row("", "delivery "+f.Delivery, "", shadeBad)
			}
		default:
			w.row(f.Kind, effectWords(f), f.At, "")
		}
	}
}

func buttonWords(labels []string) string {
	parts := make([]string, len(labels))
	for i, l := range labels {
		parts[i] = fmt.Sprintf("[%d] %s", i+1, strings.ReplaceAll(l, " ", "\u00a0"))
	}
	return strings.Join(parts, " \u00a0 ")
}

// effectWords is one effect in a line.
func effectWords(f inbox.ExplainedEffect) string {
	switch f.Kind {
	case "slot":
		words := f.Name
		if words == "" {
			words = "a secret"
		}
		switch {
		case f.Value == "emptied" || f.Value == "too large":
			words += " " + f.Value
		case f.Value != "":
			words += " = " + f.Value
		}
		if f.How != "" {
			words += ", " + f.How
		}
		return words
	case "tag":
		if f.Value == "removed" {
			return "removed " + f.Name
		}
		return f.Name
	case "handoff":
		words := "to " + f.Name
		if f.Priority != "" {
			words += ", " + f.Priority
		}
		if f.Cause != "" {
			words += ", cause " + f.Cause
		}
		if f.Reason != "" {
			words += ", reason " + f.Reason
		}
		return "handed over " + words
	case "resolve":
		return "resolved: " + f.Reason
	}
	return strings.Join(fieldsOf(f.How, f.Name, f.Value, f.Reason), " ")
}

func fieldsOf(parts ...string) []string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return out
}
