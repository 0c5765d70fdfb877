package main

import (
	"bufio"
	"io"
	"strings"

	"github.com/rivo/uniseg"

	"dispatcher/cmd/dispatcher/chatui"
)

// Widths of a page of text: no wider than the layout is made for, and no
// narrower than words can be read in.
const (
	pageWide   = 80
	pageNarrow = 32
	pageLabel  = 9 // columns of the names on the left
)

// page writes rows of a name on the left, words, and a place on the right. What
// it is given cannot move the cursor or change colours.
type page struct {
	w     *bufio.Writer
	width int
	color bool
}

func newPage(w io.Writer, columns int, color bool) *page {
	return &page{w: bufio.NewWriter(w), width: max(min(columns, pageWide), pageNarrow), color: color}
}

func (p *page) paint(code, s string) string {
	if !p.color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// Shades of a page; nothing is said by them alone.
const (
	shadeStrong = "1"
	shadeFaint  = "2"
	shadeBad    = "31;1"
)

func (p *page) line(s string) { _, _ = p.w.WriteString(strings.TrimRight(s, " ") + "\n") }

// rule is a line across the page.
func (p *page) rule() { p.line(p.paint(shadeFaint, strings.Repeat("─", p.width))) }

// ends writes words at both ends of a line, or below each other.
func (p *page) ends(left, right, shade string) {
	left, right = chatui.Clean(left), chatui.Clean(right)
	gap := p.width - uniseg.StringWidth(left) - uniseg.StringWidth(right)
	if gap >= 2 || right == "" {
		p.line(p.paint(shade, left) + strings.Repeat(" ", max(gap, 0)) + p.paint(shadeFaint, right))
		return
	}
	for _, l := range folded(left, p.width) {
		p.line(p.paint(shade, l))
	}
	p.line(p.paint(shadeFaint, right))
}

// row writes one row; place stands behind the last line of the words where
// both fit, else below them. A place is never broken.
func (p *page) row(name, words, place, shade string) { p.cells(name, "", 0, words, place, shade) }

// cells is a row whose words have a key of some columns before them.
func (p *page) cells(name, key string, wide int, words, place, shade string) {
	words, place = chatui.Clean(words), chatui.Clean(place)
	if wide > 0 {
		wide++
	}
	left := pageLabel + 2 + wide
	label := strings.Repeat(" ", max(pageLabel-uniseg.StringWidth(name), 0)) + p.paint(shadeFaint, name) + "  " + p.paint(shade, pad(key, wide))
	lines := folded(words, p.width-left)
	for i, l := range lines {
		out := label + p.paint(shade, l)
		gap := p.width - left - uniseg.StringWidth(l) - uniseg.StringWidth(place)
		if i == len(lines)-1 && place != "" && gap >= 2 {
			out += strings.Repeat(" ", gap) + p.paint(shadeFaint, place)
			place = ""
		}
		p.line(out)
		label = strings.Repeat(" ", left)
	}
	if place != "" {
		p.line(strings.Repeat(" ", max(min(left, p.width-uniseg.StringWidth(place)), 0)) + p.paint(shadeFaint, place))
	}
}

// folded breaks a text at spaces; a word that is wider than a line is cut.
func folded(text string, width int) []string {
	var out []string
	for _, paragraph := range strings.Split(text, "\n") {
		indent := paragraph[:len(paragraph)-len(strings.TrimLeft(paragraph, " "))]
		line, used := indent, len(indent)
		fresh := true
		for _, word := range strings.FieldsFunc(paragraph, func(r rune) bool { return r == ' ' }) {
			word = strings.ReplaceAll(word, "\u00a0", " ")
			w := uniseg.StringWidth(word)
			if !fresh && used+1+w > width {
				out = append(out, line)
				line, used, fresh = indent, len(indent), true
			}
			if !fresh {
				line, used = line+" ", used+1
			}
			for used+w > width && used < width {
				head, rest := cutWidth(word, width-used)
				if head == "" {
					break
				}
				out = append(out, line+head)
				line, used, word, w = indent, len(indent), rest, uniseg.StringWidth(rest)
			}
			line, used, fresh = line+word, used+w, false
		}
		out = append(out, line)
	}
	return out
}

// cutWidth splits a word so that its head is at most width columns.
func cutWidth(word string, width int) (head, rest string) {
	g := uniseg.NewGraphemes(word)
	used := 0
	for g.Next() {
		if used += g.Width(); used > width {
			from, _ := g.Positions()
			return word[:from], word[from:]
		}
	}
	return word, ""
}
