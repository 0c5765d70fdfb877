package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"
)

// render prints the table, the check of the machine and the small print.
func render(out io.Writer, b *bench, before, after machine) {
	fmt.Fprintf(out, "Dispatcher, goals of the first milestone: ratios of one run, median of %d interleaved rounds [least … most]\n\n", b.rounds)
	rows := [][]string{{"goal", "what", "measured", "spread", "first", "", "later", ""}}
	for _, g := range goals() {
		if b.wants(g.key) {
			rows = append(rows, b.row(g))
		}
	}
	writeColumns(out, rows)
	fmt.Fprintf(out, "\nmachine: %s\n", before.compare(after))
	if len(b.notes) > 0 {
		fmt.Fprintln(out, "absolute figures of this machine, promised by nobody:")
	}
	for _, n := range b.notes {
		fmt.Fprintln(out, "  "+n)
	}
	fmt.Fprintf(out, "%s, %d cores, took %s\n", runtime.Version(), runtime.NumCPU(), time.Since(b.start).Round(time.Second))
}

// row is one line of the table.
func (b *bench) row(g goal) []string {
	r := b.results[g.key]
	if !r.done {
		return []string{g.key, g.what, b.reason(g), "", g.first.String(), "", g.later.String(), ""}
	}
	v := median(r.rounds)
	low, high := extremes(r.rounds)
	return []string{g.key, g.what, strings.TrimSpace(figure(v) + " " + g.unit), "[" + figure(low) + " … " + figure(high) + "]",
		g.first.String(), g.first.off(v), g.later.String(), g.later.off(v)}
}

// reason says why a line has no figure.
func (b *bench) reason(g goal) string {
	r := b.results[g.key]
	switch {
	case r.why != "":
		return "not run: " + r.why
	case g.id() == "B17":
		return "not run: no PostgreSQL store yet"
	case strings.HasSuffix(g.key, "10M") && !b.full:
		return "not run: BENCH=full"
	}
	return "not run"
}

// writeColumns pads every column but the last to its widest cell.
func writeColumns(out io.Writer, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			if i == 2 && strings.HasPrefix(cell, "not run") {
				continue // may run on into the empty cells behind it
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			room := widths[i]
			if i == 3 { // what the cell before took of this one
				room = max(0, room-max(0, utf8.RuneCountInString(row[2])-widths[2]))
			}
			line.WriteString(cell + strings.Repeat(" ", max(0, room-utf8.RuneCountInString(cell))+2))
		}
		fmt.Fprintln(out, strings.TrimRight(line.String(), " "))
	}
}
