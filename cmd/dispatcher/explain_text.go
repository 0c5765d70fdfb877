package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dispatcher/cmd/dispatcher/chatui"
	"dispatcher/inbox"
)

// explainWriter writes an explanation for people.
type explainWriter struct {
	*page
	e       *inbox.Explanation
	command string // asks for the same conversation again
}

// write tells the chosen turns in full, or all of them in short with those in
// full that somebody would ask for next.
func (w *explainWriter) write(overview bool) {
	defer func() { _ = w.w.Flush() }() // whoever has closed the pipe has read enough
	w.head()
	for _, n := range w.e.Notes {
		w.row("note", n, "", shadeStrong)
	}
	if !overview {
		for i := range w.e.Turns {
			w.rule()
			w.turn(&w.e.Turns[i])
		}
		return
	}
	w.rule()
	for i := range w.e.Turns {
		w.short(&w.e.Turns[i])
	}
	for _, i := range w.inFull() {
		w.rule()
		w.turn(&w.e.Turns[i])
	}
	if len(w.e.Turns) > 1 {
		w.rule()
		w.row("more", w.command, "", "")
	}
}

// inFull are the turns that are told in full after the overview: engine
// errors, the last that handed over, and the last in which anything was decided.
func (w *explainWriter) inFull() []int {
	var out []int
	handed, last := -1, len(w.e.Turns)-1
	for i := range w.e.Turns {
		t := &w.e.Turns[i]
		if !idle(t) || i == 0 {
			last = i
		}
		if t.Error != nil && len(out) < 2 {
			out = append(out, i)
		}
		if slices.ContainsFunc(t.Effects, func(f inbox.ExplainedEffect) bool { return f.Kind == "handoff" }) {
			handed = i
		}
	}
	for _, i := range []int{handed, last} {
		if i >= 0 && !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return out
}

func (w *explainWriter) head() {
	e := w.e
	w.ends("conversation "+e.Conversation, strings.TrimSpace(e.Channel+"  "+e.OpenedAt.Local().Format("Mon 2 Jan 15:04")), shadeStrong)
	now := e.Status
	switch {
	case e.Status == "resolved":
	case e.Owner == "agent":
		now = "in the hands of a person"
	case e.Owner == "queue":
		now = "waits in queue " + e.OwnerID
	case e.Owner == "bot":
		now = "open, at " + e.Position
	}
	w.ends(now, fmt.Sprintf("%s  live set %s", count(e.TurnCount, "turn"), short(e.LiveSet)), "")
}

// clock is a time of the conversation, with the day where it is another one.
func (w *explainWriter) clock(at time.Time, layout string) string {
	at, opened := at.Local(), w.e.OpenedAt.Local()
	if at.YearDay() != opened.YearDay() || at.Year() != opened.Year() {
		return at.Format("2 Jan " + layout)
	}
	return at.Format(layout)
}

// short tells a turn in a few lines.
func (w *explainWriter) short(t *inbox.ExplainedTurn) {
	w.row(fmt.Sprintf("%d", t.Turn), eventWords(t), w.clock(t.At, "15:04"), shadeStrong)
	why, at := decision(t)
	w.row("", why, at, "")
	said := 0
	for _, f := range t.Effects {
		switch f.Kind {
		case "say", "notice":
			if said++; said > 1 {
				continue
			}
			w.row("bot", firstLine(f.Text, w.width-pageLabel-10), "", "")
		case "handoff", "resolve":
			w.row("", effectWords(f), f.At, "")
		}
	}
	if said > 1 {
		w.row("", fmt.Sprintf("and %s more", count(said-1, "message")), "", shadeFaint)
	}
	w.later(t)
}

// silent is what a turn came to in which the bot had nothing to decide: a
// person has the conversation, or is waited for.
const silent = "the bot stays silent"

func idle(t *inbox.ExplainedTurn) bool {
	return t.Set != "" && t.Error == nil && t.From == t.To && len(t.Stages)+len(t.Edges)+len(t.Conditions)+len(t.Effects) == 0
}

// decision is in one line how a turn came about.
func decision(t *inbox.ExplainedTurn) (words, at string) {
	switch {
	case t.Error != nil:
		return "engine error: " + t.Error.Error, t.Error.At
	case len(t.Missing) > 0 && t.Set == "":
		return t.Missing[0], ""
	case idle(t):
		return silent, ""
	}
	for _, s := range t.Stages {
		if !s.Decided {
			continue
		}
		words, at = s.Stage, s.At
		switch {
		case s.Stage == "none":
			words = "nothing matched" + closest(t)
		case s.Note != "":
			words += ": " + strings.TrimPrefix(s.Note, "everywhere:")
		case s.Option != "":
			words += ": " + s.Option
		}
		if s.By != "" {
			words += fmt.Sprintf(", by %q", s.By)
		}
		if s.Score > 0 {
			words += ", " + score(s.Stage, s.Score)
		}
		return words + moves(t), at
	}
	if len(t.Edges) > 0 {
		at = t.Edges[0].At
	}
	return strings.TrimPrefix(moves(t), ", "), at
}

// closest is the option that came nearest when nothing matched.
func closest(t *inbox.ExplainedTurn) string {
	for _, s := range t.Stages {
		if s.Note == "closest" {
			return fmt.Sprintf("; closest %s, %s", s.Option, score(s.Stage, s.Score))
		}
	}
	return ""
}

// moves is where a turn went.
func moves(t *inbox.ExplainedTurn) string {
	edges := make([]string, 0, len(t.Edges))
	for _, e := range t.Edges {
		if e.Option == "" && !e.Again && !strings.HasPrefix(e.Edge, "everywhere:") { // those are told already
			edges = append(edges, e.Edge)
		}
	}
	out := ""
	if len(edges) > 0 {
		out = ", " + strings.Join(edges, ", ")
	}
	if t.To != "" && t.To != t.From {
		out += ", to " + t.To
	}
	return out
}

func score(stage string, n float64) string {
	if stage == "words" {
		return count(int(n), "word")
	}
	return fmt.Sprintf("%.2f", n)
}

// eventWords is what a turn was about.
func eventWords(t *inbox.ExplainedTurn) string {
	e := t.Event
	text := e.Text
	switch e.Kind {
	case "message", "mention":
		return quoted(text)
	case "tap":
		if e.Old {
			return "tapped " + quoted(text) + " of an earlier question"
		}
		return "tapped " + quoted(text)
	case "media":
		return "sent " + strings.Join(e.Media, ", ")
	case "start":
		return "opened the conversation"
	case "timer":
		return "silence: a timer was due"
	case "lookup":
		return strings.TrimSpace("a look-up came back " + e.Result)
	case "form":
		return "sent the form\n" + text
	case "verify":
		return strings.TrimSpace("a verification came back " + e.Result)
	case "returned":
		return "a person gave it back"
	case "resolved":
		return "a person resolved it"
	case "delegate":
		return "a person lent it a flow"
	}
	return e.Kind
}

func quoted(s string) string {
	if s == "" {
		return "(no words)"
	}
	return "“" + s + "”"
}

// firstLine is the beginning of a text that fits a line.
func firstLine(s string, width int) string {
	line, rest, cut := strings.Cut(strings.TrimSpace(chatui.Clean(s)), "\n")
	if head, more := cutWidth(line, width-1); more != "" || cut && strings.TrimSpace(rest) != "" {
		return strings.TrimRight(head, " ") + "…"
	}
	return line
}

// later tells what people did before the next turn.
func (w *explainWriter) later(t *inbox.ExplainedTurn) {
	for _, l := range t.Later {
		var words string
		switch l.Kind {
		case "message":
			words = "the customer wrote " + quoted(l.Text) + ", no turn of the bot"
		case "reply":
			words = strings.TrimSpace(l.By + " answered")
		case "note":
			words = "a note was left"
		default:
			words = strings.ReplaceAll(l.Kind, "_", " ")
			if l.Text != "" {
				words += " " + l.Text
			}
			if l.By != "" {
				words += ", by " + l.By
			}
		}
		w.row("", words, w.clock(l.At, "15:04"), shadeFaint)
	}
}
