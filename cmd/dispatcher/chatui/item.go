package chatui

import (
	"fmt"
	"strings"

	"dispatcher/engine"
	"dispatcher/flows/rehearse"
)

// item is one thing on the screen of the talk.
type item struct {
	who     string // bot, you, reload …; "" = belongs to the one above
	whoTone tone
	text    string
	tone    tone
	mark    string   // part of text that is an error's code
	place   string   // file:line at the right edge
	options []string // buttons
	wait    bool     // the buttons can be pressed now
	stays   bool     // told about the files: going back in the talk does not take it away

	lines []string // as drawn for a width
	drawn int      // that width
}

// columns is how a width is shared: the speaker right-aligned, a gap, the text.
func columns(w int) (who, gap int) {
	switch {
	case w >= 60:
		return 9, 2
	case w >= 32:
		return 8, 1
	case w >= 14:
		return 3, 1
	}
	return 0, 0
}

// draw is the item in lines of at most w columns.
func (it *item) draw(p *palette, w int) []string {
	if it.drawn == w && it.lines != nil {
		return it.lines
	}
	it.drawn, it.lines = w, nil
	col, gap := columns(w)
	room := max(w-col-gap, 1)
	left := p.paint(it.whoTone, it.who)
	switch n := width(it.who); {
	case n <= col:
		left = spaces(col-n) + left + spaces(gap)
	default:
		it.lines = append(it.lines, p.paint(it.whoTone, cut(it.who, w)))
		left = spaces(col + gap)
	}
	for _, line := range it.body(p, room) {
		it.lines = append(it.lines, strings.TrimRight(left+line, " "))
		left = spaces(col + gap)
	}
	return it.lines
}

// body is the text, its place and the buttons.
func (it *item) body(p *palette, room int) []string {
	var out []string
	if it.text != "" || it.place != "" {
		lines := wrap(it.text, room)
		for _, l := range lines {
			out = append(out, it.painted(p, l))
		}
		if it.place != "" {
			out = placed(p, out, lines[len(lines)-1], it.place, room)
		}
	}
	return append(out, it.buttons(p, room)...)
}

// painted is a line of the text in its tone.
func (it *item) painted(p *palette, line string) string {
	before, after, ok := strings.Cut(line, it.mark)
	if !ok || it.mark == "" {
		return p.paint(it.tone, line)
	}
	return p.paint(it.tone, before) + p.paint(toneErr, it.mark) + p.paint(it.tone, after)
}

// placed puts a place at the right edge: behind the last line if both fit,
// else below.
func placed(p *palette, out []string, last, place string, room int) []string {
	n, at := width(last), width(place)
	if n+2+at <= room {
		out[len(out)-1] += spaces(room-n-at) + p.paint(toneDim, place)
		return out
	}
	place = cut(place, room)
	return append(out, spaces(room-width(place))+p.paint(toneDim, place))
}

// buttons are the options with the keys that press them, in columns where more
// than one fits.
func (it *item) buttons(p *palette, room int) []string {
	if len(it.options) == 0 {
		return nil
	}
	keys, widest := make([]string, len(it.options)), make([]int, len(it.options))
	for i, o := range it.options {
		keys[i] = fmt.Sprintf("[%d] ", i+1)
		widest[i] = len(keys[i]) + width(o)
	}
	per, cols := grid(widest, room)
	if per == 0 {
		return it.stacked(p, keys, room)
	}
	var out []string
	line := ""
	for i, o := range it.options {
		line += p.paint(it.keyTone(), strings.TrimSuffix(keys[i], " ")) + " " + o
		if i%per == per-1 || i == len(it.options)-1 {
			out = append(out, line)
			line = ""
			continue
		}
		line += spaces(cols[i%per] - widest[i] + 3)
	}
	return out
}

// stacked is one button per line.
func (it *item) stacked(p *palette, keys []string, room int) []string {
	var out []string
	for i, o := range it.options {
		left := p.paint(it.keyTone(), strings.TrimSuffix(keys[i], " ")) + " "
		if room < len(keys[i])+4 {
			out = append(out, wrap(keys[i]+o, room)...)
			continue
		}
		for _, l := range wrap(o, max(room-len(keys[i]), 1)) {
			out = append(out, left+l)
			left = spaces(len(keys[i]))
		}
	}
	return out
}

func (it *item) keyTone() tone {
	if it.wait {
		return toneAccent
	}
	return toneDim
}

// grid is how many buttons stand in a row and how wide the columns are: as
// many as fit; 0 = not even one.
func grid(widest []int, room int) (per int, cols []int) {
	for per = len(widest); per > 0; per-- {
		cols = make([]int, per)
		for i, w := range widest {
			cols[i%per] = max(cols[i%per], w)
		}
		sum := 3 * (per - 1)
		for _, c := range cols {
			sum += c
		}
		if sum <= room {
			return per, cols
		}
	}
	return 0, nil
}

// items are the lines of a talk as they are shown.
func items(lines []rehearse.Line) []*item {
	var out []*item
	for _, l := range lines {
		out = append(out, itemsOf(l)...)
	}
	return out
}

func itemsOf(l rehearse.Line) []*item {
	switch l.Kind {
	case rehearse.LineBot:
		return []*item{{who: speaker(l), whoTone: toneBot, text: Clean(said(l)), options: labels(l.Options)}}
	case rehearse.LineHandoff:
		out := []*item{{who: "handoff", whoTone: toneWarn, text: Clean(l.Handoff.Queue + " (" + l.Handoff.Reason + ")"), tone: toneBold, place: Clean(l.Handoff.Rule)}}
		if l.Handoff.Summary != "" {
			out = append(out, &item{text: Clean(l.Handoff.Summary), tone: toneDim})
		}
		return out
	case rehearse.LineResolved:
		return []*item{{who: "resolved", whoTone: toneWarn, text: Clean(l.Reason), tone: toneBold}}
	}
	return []*item{note(strings.TrimPrefix(l.Text, "-- "))}
}

// speaker is who says a line: a message that everybody can read is marked.
func speaker(l rehearse.Line) string {
	if l.Public {
		return "public"
	}
	return "bot"
}

// said is a message in words, a picture by its path and what it shows.
func said(l rehearse.Line) string {
	if l.Media == nil {
		return l.Text
	}
	picture := "[" + l.Media.Kind + " " + l.Media.Path + "]"
	if l.Alt != "" && l.Alt != l.Text {
		picture += " " + l.Alt
	}
	return strings.TrimSpace(picture + "\n" + l.Text)
}

func labels(options []engine.SayOption) []string {
	out := make([]string, len(options))
	for i, o := range options {
		out[i] = oneLine(o.Label)
	}
	return out
}

// note is what a command tells; a place at its end goes to the right edge.
func note(text string) *item {
	text = Clean(text)
	it := &item{text: text, tone: toneDim}
	if i := strings.LastIndex(text, " ("); i > 0 && strings.HasSuffix(text, ")") {
		if at := text[i+2 : len(text)-1]; isPlace(at) {
			it.text, it.place = text[:i], at
		}
	}
	return it
}

// isPlace says that a text is file:line or flow.state:line.
func isPlace(s string) bool {
	i := strings.LastIndexByte(s, ':')
	return i > 0 && i < len(s)-1 && strings.Trim(s[i+1:], "0123456789") == "" && !strings.ContainsAny(s[:i], " ()")
}
