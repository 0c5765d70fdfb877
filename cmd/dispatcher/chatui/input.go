package chatui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// enter does the line that was written.
func (m *Model) enter() tea.Cmd {
	line := m.edit.value()
	if strings.TrimSpace(line) == "" {
		return nil
	}
	m.remember(line)
	m.edit.set("")
	m.written()
	return m.do(line)
}

// remember keeps a line for the history, unless it holds a secret.
func (m *Model) remember(line string) {
	hidden := m.hidden(line)
	for i := range clusters(line) {
		if hidden(i) {
			return
		}
	}
	if n := len(m.history); n > 0 && m.history[n-1] == line {
		return
	}
	m.history = append(m.history, line)
	if len(m.history) > maxHistory {
		m.history = m.history[1:]
	}
}

// do does one input and shows what came of it.
func (m *Model) do(line string) tea.Cmd {
	m.up = 0
	verb, rest := "", line
	if strings.HasPrefix(line, "/") {
		verb, rest, _ = strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimSpace(rest)
	}
	switch verb {
	case "/help":
		m.show(help()...)
		return nil
	case "/save":
		m.save(rest)
		return nil
	case "/back":
		m.back(line)
		return nil
	}
	from, steps := len(m.items), m.cfg.Talk.Steps()
	label := m.label(rest)
	lines, done, err := m.cfg.Talk.Input(line)
	if done {
		return tea.Quit
	}
	m.show(m.echo(verb, rest, label, line, err)...)
	more := items(lines)
	for _, it := range more {
		it.place = m.file(it.place)
	}
	m.show(more...)
	if err != nil {
		m.show(&item{text: Clean(err.Error()), tone: toneErr})
	} else if len(lines) == 0 {
		m.show(m.quietly(verb, rest)...)
	}
	if verb == "/lang" && err == nil {
		m.lang = rest
	}
	if m.cfg.Talk.Steps() > steps {
		m.marks = append(m.marks, min(from, len(m.items)))
	}
	m.light()
	return nil
}

// file is a place as file:line where it names a rule as flow.state:line.
func (m *Model) file(place string) string {
	rule, line, _ := strings.Cut(place, ":")
	flow, _, dotted := strings.Cut(rule, ".")
	if f := m.project.Set.Flows[flow]; dotted && f != nil && f.At.File != "" {
		return Clean(f.At.File) + ":" + line
	}
	return place
}

// show adds to the talk.
func (m *Model) show(more ...*item) {
	m.items = append(m.items, more...)
	if drop := maxItems / 4; len(m.items) > maxItems {
		m.items = slices.Clone(m.items[drop:])
		for i := range m.marks {
			m.marks[i] = max(m.marks[i]-drop, 0)
		}
	}
}

// label is the button that a tap names.
func (m *Model) label(which string) string {
	buttons := m.cfg.Talk.Buttons()
	if n, err := strconv.Atoi(which); err == nil && n > 0 && n <= len(buttons) {
		return buttons[n-1].Label
	}
	for _, b := range buttons {
		if b.ID == which {
			return b.Label
		}
	}
	return which
}

// echo is the input with what decided it: words of the customer as such, a
// command as it was typed.
func (m *Model) echo(verb, rest, label, line string, err error) []*item {
	talk := m.cfg.Talk
	var out *item
	switch {
	case verb == "":
		out = you(talk.Shown(line))
	case verb == "/tap" && err == nil:
		out = you(label)
	case verb == "/send" && err == nil:
		kind, caption, _ := strings.Cut(strings.TrimPrefix(talk.Shown(line), "/send "), " ")
		out = you(strings.TrimSpace("[" + strings.TrimSpace(kind) + "] " + caption))
	case strings.HasPrefix(rest, "say ") && verb == "/agent" && err == nil:
		return []*item{{who: "agent", whoTone: toneInfo, text: Clean(strings.TrimPrefix(rest, "say "))}}
	default:
		return []*item{{text: oneLine(talk.Shown(strings.TrimSpace(line))), tone: toneAccent}}
	}
	all := []*item{out}
	if err != nil {
		return all
	}
	for _, d := range talk.Decided() {
		all = append(all, &item{text: oneLine(d.Text), tone: toneDim, place: Clean(d.At)})
	}
	return all
}

// quietly tells what a command did that brought no line.
func (m *Model) quietly(verb, rest string) []*item {
	text := ""
	switch verb {
	case "/set":
		name, value, _ := strings.Cut(rest, "=")
		if name, value = strings.TrimSpace(name), strings.TrimSpace(value); value == "" || value == "null" {
			text = name + " is empty"
		}
	case "/wait":
		text = "nothing happens; it is " + m.clock() + " now"
	case "/lang":
		text = "the customer's language is " + rest + " from here on"
	case "/http":
		text = "the next look-up is answered like that"
	case "/agent":
		if rest == "claim" {
			text = "an agent has the conversation; /agent return or /agent resolve ends that"
		}
	}
	if text == "" {
		return nil
	}
	return []*item{{text: Clean(text), tone: toneDim}}
}

// back takes inputs back, on the screen too.
func (m *Model) back(line string) {
	talk := m.cfg.Talk
	before := talk.Steps()
	if _, _, err := talk.Input(line); err != nil {
		m.show(&item{text: oneLine(line), tone: toneAccent}, &item{text: Clean(err.Error()), tone: toneErr})
		return
	}
	n := before - talk.Steps()
	from := min(m.marks[talk.Steps()], len(m.items))
	gone := slices.Clone(m.items[from:])
	m.items, m.marks = m.items[:from], m.marks[:talk.Steps()]
	for _, it := range gone {
		if it.stays {
			m.items = append(m.items, it)
		}
	}
	text := "the last input is taken back"
	if n > 1 {
		text = fmt.Sprintf("the last %d inputs are taken back", n)
	}
	m.show(&item{who: "back", whoTone: toneInfo, text: text, tone: toneInfo})
	m.light()
}

// save keeps the talk as a test.
func (m *Model) save(name string) {
	it := &item{who: "saved", whoTone: toneOK, text: Clean("as test " + strconv.Quote(name) + " in " + SavedIn), tone: toneOK}
	if err := m.cfg.Save(m.project, name); err != nil {
		it = &item{who: "not saved", whoTone: toneErr, text: Clean(err.Error()), tone: toneErr}
	}
	m.show(it)
}

// SavedIn is the file of a project that keeps talks as tests.
const SavedIn = "flows/tests/chat.test.yaml"

// help lists the commands and keys.
func help() []*item {
	out := []*item{}
	for _, c := range commands() {
		out = append(out, &item{text: fmt.Sprintf("%-18s %s", strings.TrimSpace(c.name+" "+c.args), c.about), tone: toneText})
	}
	for _, line := range [...]string{
		"1-9                press a button on an empty line; alt with a digit always",
		"tab                complete a command, a state, a slot",
		"up down            lines typed before",
		"pgup pgdn          scroll; shift with up or down by a line",
		"ctrl-c             end; ctrl-d on an empty line too",
	} {
		out = append(out, &item{text: line, tone: toneDim})
	}
	return out
}

// hidden says which characters of a line must not be seen: what is typed for
// a secret slot.
func (m *Model) hidden(line string) func(int) bool {
	verb, rest, spaced := strings.Cut(line, " ")
	switch {
	case !strings.HasPrefix(line, "/"):
		asked := m.cfg.Talk.AsksSecret()
		return func(int) bool { return asked }
	case !spaced || verb != "/set" && verb != "/submit":
		return func(int) bool { return false }
	}
	covered := make([]bool, 0, len(rest))
	for range clusters(verb + " ") {
		covered = append(covered, false)
	}
	name, secret := "", false
	for _, c := range clusters(rest) {
		switch {
		case c == ";" && verb == "/submit":
			name, secret = "", false
		case c == "=" && !secret:
			secret = m.cfg.Talk.Secret(strings.TrimPrefix(strings.TrimSpace(name), "slots."))
			covered = append(covered, false)
			continue
		}
		name += c
		covered = append(covered, secret && c != " ")
	}
	return func(i int) bool { return i < len(covered) && covered[i] }
}
