package chatui

import (
	"fmt"
	"strings"

	"dispatcher/flows"
	"dispatcher/internal/source"
)

// maxProblems is how many problems of a broken save are shown in the talk.
const maxProblems = 4

// edited takes what became of the folder over: a good edit is live at once and
// the conversation goes on in it; a broken one is told while the last good one
// goes on.
func (m *Model) edited(e Edit) {
	was := m.problem != nil || m.missing != ""
	changed := e.Live != nil && e.Live.SetID != m.project.SetID
	switch {
	case changed:
		m.reload(e.Live)
	case e.Problem != nil && e.Problem != m.problem:
		m.broken(e.Problem)
	case e.Missing != "" && e.Missing != m.missing:
		m.tell("missing", toneErr, "the flows cannot be read, "+short(m.project.SetID)+" goes on: "+e.Missing)
	case was && e.Problem == nil && e.Missing == "":
		m.tell("reload", toneInfo, short(m.project.SetID)+" again: the folder is as it was.")
	}
	if e.Live != nil && !changed {
		m.project = e.Live // the same flows, perhaps with other tests
	}
	m.problem, m.missing = e.Problem, e.Missing
}

// tell says something of the files, where the talk is.
func (m *Model) tell(who string, t tone, text string) {
	m.put(&item{who: who, whoTone: t, text: Clean(text), tone: t})
}

func (m *Model) put(it *item) {
	it.stays = true
	below := 0
	if m.up > 0 {
		below = len(it.draw(&m.palette, m.talkWidth()))
	}
	m.show(it)
	m.up += below // what is looked at stays where it is
}

// reload makes another set live, with one line.
func (m *Model) reload(live *flows.Project) {
	delta := flows.Diff(m.project, live)
	at := m.cfg.Talk.State()
	m.cfg.Talk.Reload(live.Set)
	m.project = live
	text := short(live.SetID) + " live: " + summary(delta.Changes)
	if at.Flow != "" && at.Name != "" {
		text += " " + m.fate(delta, at.Flow, at.Name)
	}
	m.tell("reload", toneInfo, text)
}

// summary is what an edit changed, in a line.
func summary(changes []flows.Difference) string {
	switch len(changes) {
	case 0:
		return "nothing that a conversation could notice."
	case 1:
		return inShort(changes[0]) + "."
	case 2:
		return inShort(changes[0]) + "; " + inShort(changes[1]) + "."
	}
	return fmt.Sprintf("%s; %s; %s.", inShort(changes[0]), inShort(changes[1]), counted(len(changes)-2, "more change"))
}

// inShort is a difference without the wordings.
func inShort(d flows.Difference) string {
	text, _, _ := strings.Cut(d.Text, ": “")
	if where, what, ok := strings.Cut(text, ": "); ok && strings.HasSuffix(what, "reworded") {
		return where + " " + strings.TrimPrefix(what, "question ")
	}
	return text
}

// fate is what the edit means for this conversation.
func (m *Model) fate(delta *flows.Delta, flow, name string) string {
	at := flow + "." + name
	f := m.project.Set.Flows[flow]
	switch {
	case f == nil || f.States[name] == nil && f.Renamed[name] == "":
		return "You were in " + at + ", which is gone: the next message goes its declared way out."
	case f.States[name] == nil:
		return "You are in " + flow + "." + f.Renamed[name] + " now."
	case delta.Reaches(at) && len(delta.Changes) == 1 && strings.HasPrefix(delta.Changes[0].Text, at+":"):
		return "You are still in it."
	}
	return "You are still in " + at + "."
}

// broken tells the problems of a save that did not go live.
func (m *Model) broken(p *flows.Project) {
	var errs []source.Diagnostic
	for _, d := range p.Diagnostics {
		if d.Severity == source.Error {
			errs = append(errs, d)
		}
	}
	m.tell("rejected", toneErr, counted(len(errs), "error")+" in the edit, "+short(m.project.SetID)+" goes on.")
	for i, d := range errs {
		if i == maxProblems {
			m.tell("", toneErr, fmt.Sprintf("and %d more: dispatcher check shows all", len(errs)-i))
			return
		}
		code := fmt.Sprintf("%s[%s]", d.Severity, d.Code)
		text := fmt.Sprintf("%s:%d:%d: %s: %s", d.Range.File, d.Range.Line, d.Range.Column, code, d.Message)
		if d.Hint != "" {
			text += "\n= hint: " + d.Hint
		}
		m.put(&item{text: Clean(text), mark: code})
	}
}

// problems is how many the folder has, for the header.
func (m *Model) problems() (n int, t tone) {
	p := m.project
	if m.problem != nil {
		p = m.problem
	}
	for _, d := range p.Diagnostics {
		if d.Severity == source.Error {
			t = toneErr
		}
		n++
	}
	switch {
	case m.missing != "":
		return max(n, 1), toneErr
	case n == 0:
		return 0, toneOK
	case t != toneErr:
		t = toneWarn
	}
	return n, t
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// short is how a set is shown to people.
func short(id string) string { return id[:min(len(id), 8)] }
