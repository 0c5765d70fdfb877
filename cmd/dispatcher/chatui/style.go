package chatui

import (
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// tone is what a piece of text means; palette says how it looks.
type tone int

const (
	toneText   tone = iota
	toneDim         // what stands beside the talk
	toneBold        // names, and the customer's own words
	toneBot         // the assistant
	toneAccent      // what can be pressed
	toneOK
	toneWarn
	toneErr
	toneInfo // reloads
	tones
)

// palette is the look of every tone; nothing is said by colour alone. The
// colours are those of the terminal's own sixteen, so that they can be read on
// light and dark.
type palette [tones]lipgloss.Style

// colours is the palette of a terminal; without colour every tone is plain.
func colours(color bool) palette {
	var p palette
	for i := range p {
		p[i] = lipgloss.NewStyle().Inline(true)
	}
	if !color {
		return p
	}
	for t, c := range map[tone]ansi.BasicColor{
		toneBot: ansi.Magenta, toneAccent: ansi.Cyan, toneOK: ansi.Green, toneWarn: ansi.Yellow, toneErr: ansi.Red, toneInfo: ansi.Blue,
	} {
		p[t] = p[t].Foreground(c)
	}
	p[toneDim] = p[toneDim].Faint(true)
	for _, t := range []tone{toneBold, toneBot, toneErr, toneWarn} {
		p[t] = p[t].Bold(true)
	}
	return p
}

// paint writes a text in a tone.
func (p *palette) paint(t tone, s string) string {
	if s == "" {
		return ""
	}
	return p[t].Render(s)
}
