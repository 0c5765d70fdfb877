package chatui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"dispatcher/dm"
	"dispatcher/engine"
)

// piece is a text in a tone.
type piece struct {
	tone tone
	text string
}

// parts says which rows of the frame there is room for beside the talk; the
// line that is written is always there.
type parts struct{ status, header, below, above, hint bool }

// parts shares the height: the talk has two rows before anything else comes.
func (m *Model) parts() parts {
	left := m.h - 3
	take := func() bool { left--; return left >= 0 }
	return parts{status: take(), header: take(), hint: take() && m.h >= 8, below: take(), above: take()}
}

// rows is how many rows the talk has.
func (m *Model) rows() int {
	p := m.parts()
	n := m.h - 1
	for _, on := range []bool{p.status, p.header, p.below, p.above, p.hint} {
		if on {
			n--
		}
	}
	return max(n, 0)
}

// lines is the whole talk as drawn.
func (m *Model) lines() []string {
	var out []string
	for _, it := range m.items {
		out = append(out, it.draw(&m.palette, m.talkWidth())...)
	}
	return out
}

// View draws the screen.
func (m *Model) View() tea.View {
	if m.w == 0 || m.h == 0 {
		return tea.NewView("")
	}
	p, n := m.parts(), m.rows()
	var rows []string
	if p.header {
		rows = append(rows, m.header())
	}
	if p.above {
		rows = append(rows, m.rule(""))
	}
	talk, below := m.window(n)
	rows = append(rows, m.beside(talk)...)
	if p.below {
		text := ""
		if below > 0 {
			text = counted(below, "line") + " below, pgdn"
		}
		rows = append(rows, m.rule(text))
	}
	if p.status {
		rows = append(rows, m.status())
	}
	line, at := m.line()
	y := len(rows)
	rows = append(rows, line)
	if p.hint {
		rows = append(rows, m.hint())
	}
	for i, row := range rows {
		if ansi.StringWidth(row) > m.w { // a few columns have no room for the marks around a text
			rows[i] = ansi.Truncate(row, m.w, "")
		}
	}
	v := tea.NewView(strings.Join(rows, "\n"))
	v.AltScreen = true
	v.Cursor = tea.NewCursor(at, y)
	return v
}

// window is the part of the talk that is looked at, and how many lines lie
// below it.
func (m *Model) window(n int) (rows []string, below int) {
	all := m.lines()
	m.up = min(m.up, max(len(all)-n, 0))
	end := len(all) - m.up
	rows = append(rows, all[max(end-n, 0):end]...)
	for len(rows) < n {
		rows = append(rows, "")
	}
	return rows, m.up
}

// rule is a line across, with words at its right end if there are any.
func (m *Model) rule(text string) string {
	if text = cut(text, m.w-4); text == "" {
		return m.palette.paint(toneDim, strings.Repeat("─", m.w))
	}
	return m.palette.paint(toneDim, strings.Repeat("─", m.w-width(text)-3)+" ") + m.palette.paint(toneInfo, text) + m.palette.paint(toneDim, " ─")
}

// header is what the talk is with, and the state of the folder.
func (m *Model) header() string {
	n, t := m.problems()
	name := piece{toneBold, oneLine(m.project.Name)}
	channel, lang := piece{toneText, oneLine(m.cfg.Channel)}, piece{toneText, oneLine(m.lang)}
	clock := piece{toneText, m.clock()}
	set := piece{toneText, "set " + short(m.project.SetID)}
	problems := piece{t, counted(n, "problem")}
	for _, try := range [][2][]piece{
		{{name, channel, lang, clock}, {set, problems}},
		{{name, channel, lang, clock}, {problems}},
		{{name, channel, lang}, {problems}},
		{{name}, {problems}},
	} {
		if line, ok := m.spread(try[0], try[1]); ok {
			return line
		}
	}
	if n > 0 {
		return m.palette.paint(t, cut(problems.text, m.w))
	}
	return m.palette.paint(toneBold, cut(name.text, m.w))
}

// spread puts pieces at the left and at the right edge, two columns between
// any two; false when they do not fit.
func (m *Model) spread(left, right []piece) (string, bool) {
	l, ln := m.joined(left)
	r, rn := m.joined(right)
	if ln+rn+2 > m.w && (ln > 0 && rn > 0 || ln+rn > m.w) {
		return "", false
	}
	return strings.TrimRight(l+spaces(m.w-ln-rn)+r, " "), true
}

func (m *Model) joined(all []piece) (string, int) {
	var b strings.Builder
	n := 0
	for _, p := range all {
		if p.text == "" {
			continue
		}
		if n > 0 {
			b.WriteString("  ")
			n += 2
		}
		b.WriteString(m.palette.paint(p.tone, p.text))
		n += width(p.text)
	}
	return b.String(), n
}

// clock is the time of the talk, where the project is.
func (m *Model) clock() string {
	now := m.cfg.Talk.Now()
	if zone := m.project.Set.Timezone; zone != nil {
		now = now.In(zone)
	}
	return now.Format("Mon 2 Jan 15:04")
}

// status is where the conversation stands and what it has learnt; the newest
// slots stay when not all fit.
func (m *Model) status() string {
	left := m.standing()
	slots := m.cfg.Talk.ShownSlots()
	for from := range slots {
		var right []piece
		if from > 0 {
			right = append(right, piece{toneDim, "…"})
		}
		for _, s := range slots[from:] {
			right = append(right, piece{toneText, oneLine(s[0] + "=" + s[1])})
		}
		if line, ok := m.spread(left, right); ok {
			return line
		}
	}
	for n := len(left); n > 0; n-- {
		if line, ok := m.spread(left[:n], nil); ok {
			return line
		}
	}
	return m.palette.paint(left[0].tone, cut(left[0].text, m.w))
}

// standing is the state and who has the conversation.
func (m *Model) standing() []piece {
	st := m.cfg.Talk.State()
	at := piece{toneBold, oneLine(st.Position())}
	switch {
	case st.Position() != "":
	case st.Owner == dm.OwnerBot:
		at = piece{toneDim, "not begun"}
	default:
		at = piece{toneDim, "no state"}
	}
	switch {
	case st.Owner == dm.OwnerNone:
		return []piece{at, {toneWarn, "closed"}}
	case st.Owner == dm.OwnerAgent:
		return []piece{at, {toneWarn, "with an agent"}}
	case st.Owner == dm.OwnerQueue:
		queue := "waits for a person"
		if st.Hand != nil && st.Hand.Queue != "" {
			queue = "waits in " + oneLine(st.Hand.Queue)
		}
		return []piece{at, {toneWarn, queue}}
	case st.Waiting != nil:
		return []piece{at, {toneWarn, "waits for /http"}}
	}
	if tries := m.tries(st); tries != "" {
		return []piece{at, {toneText, tries}}
	}
	return []piece{at}
}

// tries is how often a value was asked for.
func (m *Model) tries(st engine.State) string {
	f := m.project.Set.Flows[st.Flow]
	if st.Question == nil || f == nil || f.States[st.Name] == nil || f.States[st.Name].Collect == nil {
		return ""
	}
	most := f.States[st.Name].Collect.MaxTries
	if most == 0 {
		most = m.project.Set.Defaults.MaxTries
	}
	return fmt.Sprintf("try %d of %d", st.Question.Tries+1, most)
}

// line is the line that is written, and the column of its cursor.
func (m *Model) line() (string, int) {
	prompt := "> "
	if m.w < 10 {
		prompt = ""
	}
	room := max(m.w-len(prompt)-1, 1)
	text, at := m.edit.view(room, m.hidden(m.edit.value()))
	return m.palette.paint(toneAccent, strings.TrimSpace(prompt)) + spaces(min(len(prompt), 1)) + text, len(prompt) + at
}

// hint is what could be done next: the commands, or what a begun one may
// become.
func (m *Model) hint() string {
	if all := m.fitting(); len(all) > 0 || m.cycle != nil {
		return m.offers(all)
	}
	if c, ok := m.begun(); ok {
		return m.palette.paint(toneDim, cut(strings.TrimSpace(c.name+" "+c.args)+"  "+c.about, m.w))
	}
	words := []string{"/why", "/slots", "/back", "/wait 10m", "/tap N", "/http 404", "/agent claim", "/save NAME", "/quit"}
	if m.cfg.Talk.State().Waiting != nil {
		words = []string{`/http 200 {"field": "value"}`, "/http 404", "/http timeout", "/why", "/back"}
	}
	if m.cfg.Talk.Pressable() != nil && m.asksNumber() {
		words = append([]string{"alt-1 presses"}, words...)
	}
	out := ""
	for _, w := range words {
		if width(out)+1+len(w) > m.w {
			break
		}
		out = strings.TrimSpace(out + " " + w)
	}
	return m.palette.paint(toneDim, out)
}

// begun is the command that the line begins with.
func (m *Model) begun() (command, bool) {
	verb, _, _ := strings.Cut(m.edit.value(), " ")
	for _, c := range commands() {
		if c.name == verb {
			return c, true
		}
	}
	return command{}, false
}

// offers are completions in a line, the chosen one marked.
func (m *Model) offers(all []string) string {
	at := -1
	if m.cycle != nil {
		all, at = m.cycle, m.turn
	}
	var b strings.Builder
	n := 0
	for i := max(at, 0); i < len(all); i++ {
		word := oneLine(strings.TrimSpace(all[i]))
		if _, last, ok := strings.Cut(word, " "); ok {
			word = strings.TrimSpace(last[strings.LastIndex(last, ";")+1:]) // what stands before was typed, and may be a secret
		}
		if n+2+width(word) > m.w-1 && n > 0 {
			b.WriteString(m.palette.paint(toneDim, "…"))
			break
		}
		t := toneDim
		if i == at {
			t = toneAccent
		}
		word = cut(word, m.w-1)
		b.WriteString(m.palette.paint(t, word) + "  ")
		n += width(word) + 2
	}
	return strings.TrimRight(b.String(), " ")
}

// Size is the width and height that the screen is drawn for.
func (m *Model) Size() (width, height int) { return m.w, m.h }
