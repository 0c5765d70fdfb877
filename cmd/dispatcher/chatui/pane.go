package chatui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// A terminal this wide shows state, slots and why beside the talk, which has
// the larger part as far as it reads well.
const (
	wideFrom  = 116
	talkLeast = 80
	talkMost  = 110
)

// talkWidth is how wide the talk itself is.
func (m *Model) talkWidth() int {
	if m.w < wideFrom {
		return m.w
	}
	return min(max(m.w*11/20, talkLeast), talkMost)
}

// paneWidth is how wide the part beside the talk is; 0 = there is none.
func (m *Model) paneWidth() int { return max(m.w-m.talkWidth()-3, 0) }

// beside puts the pane right of the rows of the talk.
func (m *Model) beside(rows []string) []string {
	w := m.paneWidth()
	if w == 0 {
		return rows
	}
	pane, room := m.pane(w), m.talkWidth()
	if len(pane) > len(rows) {
		pane = append(pane[:max(len(rows)-1, 0)], m.palette.paint(toneDim, "… /why and /slots show all"))
	}
	edge := " " + m.palette.paint(toneDim, "│") + " "
	out := make([]string, len(rows))
	for i, row := range rows {
		out[i] = row + spaces(room-width(ansi.Strip(row))) + edge
		if i < len(pane) {
			out[i] += pane[i]
		}
	}
	return out
}

// pane is where the conversation stands, what it has learnt and why it did
// what it did, in lines of at most w columns.
func (m *Model) pane(w int) []string {
	p := &m.palette
	var all []*item
	title := func(text string) { all = append(all, &item{text: text, tone: toneDim}) }
	title("state")
	st := m.cfg.Talk.State()
	for _, s := range m.standing() {
		all = append(all, &item{text: s.text, tone: s.tone})
	}
	if f := m.project.Set.Flows[st.Flow]; f != nil && f.States[st.Name] != nil {
		all[1].place = Clean(f.States[st.Name].At.String())
	}
	all = append(all, &item{})
	title("slots")
	slots := m.cfg.Talk.ShownSlots()
	if len(slots) == 0 {
		title("none yet")
	}
	for _, s := range slots {
		all = append(all, &item{text: Clean(s[0] + " = " + s[1]), place: st.Slots[s[0]].How})
	}
	if why := m.cfg.Talk.Why(); len(why) > 0 {
		all = append(all, &item{})
		title("why")
		for _, line := range why {
			it := note(line)
			it.tone, it.place = toneText, m.file(it.place)
			all = append(all, it)
		}
	}
	var out []string
	for _, it := range all {
		if it.text == "" {
			out = append(out, "")
			continue
		}
		out = append(out, it.body(p, w)...)
	}
	for i := range out {
		out[i] = strings.TrimRight(out[i], " ")
	}
	return out
}
