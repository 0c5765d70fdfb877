package flows

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// measure computes what only some runs of check ask for.
func (l *loader) measure(g *graph) {
	l.in("", "", func() {
		if l.opts.Proof {
			l.p.Proof = l.prove(g)
		}
		if !l.opts.Costs && l.opts.MaxCost == nil {
			return
		}
		costs := l.costs(g)
		if l.opts.Costs {
			l.p.Costs = costs
		}
		if l.opts.MaxCost != nil {
			l.checkCost(costs, *l.opts.MaxCost)
		}
	})
}

// WriteText writes the table of check --proof and what is not proved.
func (p *Proof) WriteText(w io.Writer) {
	rows := [][]string{{"state", "asks", "to a person", "to an end", "tries", "silence", "escape"}}
	for _, s := range p.States {
		asks, tries := "no", "-"
		if s.Asks {
			asks = "yes"
		}
		switch {
		case s.Tries > 0:
			tries = strconv.Itoa(s.Tries)
		case s.Tries < 0:
			tries = "endless"
		}
		rows = append(rows, []string{s.State, asks, turns(s.ToPerson), turns(s.ToEnd), tries, s.Silence, strings.Join(s.Escape, " ")})
	}
	columns(w, rows)
	for _, s := range p.States {
		if s.Why != "" {
			fmt.Fprintf(w, "not proved: %s: %s\n", s.State, s.Why)
		}
	}
	fmt.Fprintf(w, "proved: %d of %s\n", p.Proved, some(len(p.States), "waiting state"))
}

func turns(n int) string {
	if n < 0 {
		return "never"
	}
	return some(n, "turn")
}

// WriteCosts writes the table of check --costs.
func WriteCosts(w io.Writer, costs []Cost) {
	if len(costs) == 0 {
		fmt.Fprintln(w, "no channel has a price; give one price: {in: 0.01, out: 0.01} in dispatcher.yaml")
		return
	}
	rows := [][]string{{"flow", "channel", "in", "out", "cost"}}
	for _, c := range costs {
		rows = append(rows, []string{c.Flow, c.Channel, strconv.Itoa(c.In), strconv.Itoa(c.Out), amount(c.Cost) + " " + c.Currency})
	}
	columns(w, rows)
}

// columns lines texts up, two blanks between them.
func columns(w io.Writer, rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", width[i]-len([]rune(cell))+2))
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}
