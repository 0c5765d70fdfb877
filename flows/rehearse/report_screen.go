package rehearse

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/rivo/uniseg"
)

// Columns of the report on a screen: where words stand under their kind, and
// how much of a line is kept free for what is said about it.
const (
	margin    = 12
	noteRoom  = 24
	fewFirst  = 3  // gaps that are listed without -v
	barLabel  = 21 // before a bar of coverage
	barFigure = 7  // behind it
)

// WriteScreen writes a report for a person at a terminal that is width columns
// wide: nothing is longer than a line, and coverage is drawn as bars. Pipes and
// files get WriteText.
func (r *Report) WriteScreen(w io.Writer, s Style, width int) {
	r = r.forTerminal()
	p := &screenWriter{reportWriter{w: w, style: s, report: r}, max(width, 36)}
	for i := range r.Outcomes {
		switch o := &r.Outcomes[i]; {
		case !o.OK:
			p.failed(o)
		case s.Verbose:
			p.head("PASS", "32;1", o)
			p.entries(o.Log)
			fmt.Fprintln(w)
		}
	}
	fmt.Fprint(w, p.paint("32", fmt.Sprintf("%d passed", r.Passed)))
	if r.Failed > 0 {
		fmt.Fprint(w, ", "+p.paint("31", fmt.Sprintf("%d failed", r.Failed)))
	}
	fmt.Fprintf(w, " in %.2fs\n", r.Took.Seconds())
	if s.Cover {
		p.bars()
		p.gaps()
	}
}

// screenWriter is a reportWriter that knows how wide a line may be.
type screenWriter struct {
	reportWriter
	width int
}

func (p *screenWriter) head(word, shade string, o *Outcome) {
	for i, line := range wrapped(o.Name, p.width-6) {
		if i > 0 {
			word = "    "
		}
		fmt.Fprintf(p.w, "%s  %s\n", p.paint(shade, word), p.paint("1", line))
	}
	for _, line := range wrapped(fmt.Sprintf("%s:%d", o.File, o.Line), p.width-6) {
		fmt.Fprintf(p.w, "      %s\n", p.paint("2", line))
	}
	fmt.Fprintln(p.w)
}

func (p *screenWriter) entries(log []Entry) {
	for _, e := range log {
		p.under("      ", e.Kind, e.Text)
		if len(e.Options) > 0 && p.style.Verbose {
			p.under("      ", "", "["+strings.Join(e.Options, "] [")+"]")
		}
	}
}

// under writes a text beside its kind, further lines below the first.
func (p *screenWriter) under(indent, kind, text string) {
	for _, line := range wrapped(text, p.width-margin) {
		fmt.Fprintf(p.w, "%s%-5s %s\n", indent, kind, line)
		kind = ""
	}
}

func (p *screenWriter) failed(o *Outcome) {
	p.head("FAIL", "31;1", o)
	f := o.Failure
	before := f.Before
	if p.style.Verbose {
		before = o.Log
	}
	p.entries(before)
	switch {
	case f.Note != "":
		p.side("+", "31", f.ExpectedKind, f.Note, fmt.Sprintf("line %d", f.Line))
	case f.Expected != "" || f.ExpectedKind != "":
		p.side("-", "32", f.ExpectedKind, f.Expected, fmt.Sprintf("expected, line %d", f.Line))
		p.side("+", "31", f.GotKind, f.Got, "got")
	default:
		p.side("+", "31", f.GotKind, f.Got, fmt.Sprintf("got, line %d", f.Line))
	}
	fmt.Fprintln(p.w)
	p.why(f)
	command := p.style.Command
	if command == "" {
		command = "dispatcher test"
	}
	fmt.Fprintf(p.w, "      rerun %s --run %s -v\n\n", command, quoted(strings.ReplaceAll(p.report.rerun(o.Name), "\ufffd", ".")))
}

// side is one of the two sides of a difference, with what is said about it at
// the end of its first line, or below where the screen is too narrow for both.
func (p *screenWriter) side(sign, shade, kind, text, note string) {
	room, beside := p.width-margin-noteRoom, true
	if room < 24 {
		room, beside = p.width-margin, false
	}
	for i, line := range wrapped(text, room) {
		if i > 0 {
			sign, kind = " ", ""
		}
		out := p.paint(shade, fmt.Sprintf("    %s %-5s %s", sign, kind, line))
		if i == 0 && beside {
			out += strings.Repeat(" ", room-uniseg.StringWidth(line)+2) + p.paint("2", note)
		}
		fmt.Fprintln(p.w, out)
	}
	if !beside {
		fmt.Fprintf(p.w, "%s%s\n", strings.Repeat(" ", margin), p.paint("2", note))
	}
}

// placeAtEnd is where a reason comes from, at the end of its line.
var placeAtEnd = regexp.MustCompile(`^(.*) \(([^() ]+:\d+)\)$`)

func (p *screenWriter) why(f *Failure) {
	why, rest := f.Why, 0
	if p.style.Verbose {
		why = append(append([]string{}, why...), f.Trace...)
	} else if len(why) > maxWhy {
		why, rest = why[:maxWhy], len(why)-maxWhy
	}
	word := "why"
	for _, reason := range why {
		at := placeAtEnd.FindStringSubmatch(reason)
		if at != nil {
			reason = at[1]
		}
		p.under("      ", word, strings.TrimSpace(reason))
		if word = ""; at != nil {
			fmt.Fprintf(p.w, "%s%s\n", strings.Repeat(" ", margin), p.paint("2", at[2]))
		}
	}
	if rest > 0 {
		p.under("      ", word, fmt.Sprintf("%d lines more with -v", rest))
	}
}

// bars draws how much of each kind is covered.
func (p *screenWriter) bars() {
	fmt.Fprintln(p.w)
	c, room := p.report.Coverage, p.width-barLabel-barFigure
	for _, kind := range []struct {
		name  string
		share Share
	}{{"states", c.States}, {"transitions", c.Transitions}, {"options", c.Options}, {"conditions", c.Conditions}} {
		percent := int(kind.share.Percent()) // never 100 before all is covered
		bar := ""
		if full := room * percent / 100; room >= 8 {
			bar = strings.Repeat("=", full) + p.paint("2", strings.Repeat(".", room-full))
		}
		fmt.Fprintf(p.w, "%-12s %-8s%s%5d %%\n", kind.name, fmt.Sprintf("%d/%d", kind.share.Covered, kind.share.Total), bar, percent)
	}
}

// gaps lists what no test walks, the first few without -v.
func (p *screenWriter) gaps() {
	gaps := p.report.Coverage.Missing()
	if len(gaps) == 0 {
		return
	}
	fmt.Fprintln(p.w)
	shown := gaps
	if !p.style.Verbose && len(gaps) > fewFirst+1 {
		shown = gaps[:fewFirst]
	}
	head := "not covered: "
	indent := strings.Repeat(" ", len(head))
	if p.width < 60 {
		fmt.Fprintln(p.w, "not covered:")
		head, indent = "  ", "  "
	}
	for _, gap := range shown {
		for i, line := range wrapped(fmt.Sprintf("%s (%s:%d)", gap.Name(), gap.File, gap.Line), p.width-len(indent)-2) {
			if i > 0 {
				line = "  " + line
			}
			fmt.Fprintln(p.w, head+line)
			head = indent
		}
	}
	if rest := len(gaps) - len(shown); rest > 0 {
		fmt.Fprintln(p.w, indent+p.paint("2", fmt.Sprintf("%d more with -v", rest)))
	}
}

// wrapped breaks a text into lines of at most width columns, between words
// where it can; its own line breaks stay.
func wrapped(text string, width int) (lines []string) {
	width = max(width, 8)
	for paragraph := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		line, used := "", 0
		for _, word := range strings.Split(paragraph, " ") {
			wide := uniseg.StringWidth(word)
			if line != "" && used+1+wide > width {
				lines, line, used = append(lines, line), "", 0
			}
			for wide > width { // a word longer than a line
				head, tail := cut(word, width)
				lines, word, wide = append(lines, head), tail, uniseg.StringWidth(tail)
			}
			if line != "" {
				line, used = line+" ", used+1
			}
			line, used = line+word, used+wide
		}
		lines = append(lines, line)
	}
	return lines
}

// cut splits a word after as many columns, between two characters.
func cut(word string, width int) (head, tail string) {
	used, g := 0, uniseg.NewGraphemes(word)
	for g.Next() {
		from, _ := g.Positions()
		if used += g.Width(); used > width && from > 0 {
			return word[:from], word[from:]
		}
	}
	return word, ""
}
