package main

import (
	"fmt"
	"strings"
)

// bound is one limit of a goal; the zero bound sets none.
type bound struct {
	op    string // ≤ or ≥
	value float64
}

func atMost(v float64) bound  { return bound{"≤", v} }
func atLeast(v float64) bound { return bound{"≥", v} }

// goal is one line of the table (runtime.md 7.2). A goal of two parts has two
// lines, whose keys begin with the same number.
type goal struct {
	key   string // B8, B8 ms
	what  string
	unit  string // behind the figure: x, ms, s, %, MiB
	first bound  // of the first milestone
	later bound
}

// id is the number of the goal.
func (g goal) id() string {
	id, _, _ := strings.Cut(g.key, " ")
	return id
}

// goals is the table of runtime.md 7.2, in its order.
func goals() []goal {
	return []goal{
		{key: "B1", what: "step in memory / floor, the standard job on both sides", unit: "x", first: atMost(5), later: atMost(3)},
		{key: "B1 starter", what: "  the same for the starter's own conversation", unit: "x"},
		{key: "B2", what: "step, stateless / floor with 1 KB", unit: "x", first: atMost(3), later: atMost(2)},
		{key: "B3", what: "step after 100 re-asks / first", unit: "x", first: atMost(1.2), later: atMost(1.2)},
		{key: "B4", what: "allocations per step in memory", first: atMost(40), later: atMost(20)},
		{key: "B5", what: "full path / raw ceiling, 64 clients", unit: "x", first: atLeast(0.5), later: atLeast(0.7)},
		{key: "B6", what: "full path / echo floor, 64 clients", unit: "x", first: atLeast(0.25), later: atLeast(0.35)},
		{key: "B7", what: "group commit / one transaction each, 64 waiters", unit: "x", first: atLeast(3), later: atLeast(4)},
		{key: "B8", what: "p99 at fixed load / raw commit p50", unit: "x", first: atMost(10), later: atMost(5)},
		{key: "B8 ms", what: "  p99 at fixed load (25 % of the raw ceiling)", unit: "ms", first: atMost(25), later: atMost(25)},
		{key: "B9", what: "throughput with 1 M / 10 k stored messages", unit: "x", first: atLeast(0.65), later: atLeast(0.85)},
		{key: "B9 10M", what: "  10 M / 10 k (≥ 0.65), 10 M / 1 M (≥ 0.85)", unit: "x", first: atLeast(0.65), later: atLeast(0.85)},
		{key: "B10", what: "p99 at fixed load, 1 M / 10 k", unit: "x", first: atMost(2), later: atMost(1.5)},
		{key: "B10 10M", what: "  10 M / 10 k", unit: "x", first: atMost(2), later: atMost(1.5)},
		{key: "B11", what: "bytes written per turn, 1 M / 10 k", unit: "x", first: atMost(1.5)},
		{key: "B11 10M", what: "  10 M / 10 k", unit: "x", first: atMost(1.5)},
		{key: "B12", what: "reload 500 flows / (expressions x one compile / cores)", unit: "x", first: atMost(1.5), later: atMost(1.5)},
		{key: "B12 p99", what: "  traffic p99 meanwhile / without", unit: "x", first: atMost(1.5), later: atMost(1.2)},
		{key: "B13", what: "fan-out to 1,000: CPU per client / bare loop", unit: "x", first: atMost(3), later: atMost(2)},
		{key: "B13 ms", what: "  time to the last of 1,000, p99", unit: "ms", first: atMost(100), later: atMost(100)},
		{key: "B14", what: "accept p99, 1,000 consoles watching / none", unit: "x", first: atMost(1.3), later: atMost(1.2)},
		{key: "B15", what: "memory of a large store minus a small one", unit: "MiB", first: atMost(64), later: atMost(32)},
		{key: "B16", what: "start of a large store / (1.2 x empty + 0.2 s)", unit: "x", first: atMost(1)},
		{key: "B16 kill", what: "  start after a kill under load", unit: "s", first: atMost(2)},
		{key: "B17", what: "PostgreSQL full path / its raw ceiling", unit: "x", later: atLeast(0.5)},
		{key: "B18", what: "sealing share of a turn's CPU", unit: "%", first: atMost(15), later: atMost(10)},
	}
}

// result is what a run found for one goal.
type result struct {
	rounds []float64
	done   bool
	why    string // not measured: the reason
}

func (r bound) String() string {
	if r.op == "" {
		return "-"
	}
	return r.op + " " + figure(r.value)
}

// met says whether a figure keeps the bound.
func (r bound) met(v float64) bool {
	return r.op == "" || r.op == "≤" && v <= r.value || r.op == "≥" && v >= r.value
}

// off says in words how far a figure is from the bound.
func (r bound) off(v float64) string {
	switch {
	case r.op == "":
		return "-"
	case r.met(v):
		return "met"
	case r.op == "≤":
		return fmt.Sprintf("%.2fx over", v/r.value)
	case v <= 0:
		return "missed"
	}
	return fmt.Sprintf("%.2fx under", r.value/v)
}

// figure is a number with as many digits as anybody reads.
func figure(v float64) string {
	switch {
	case v >= 100 || v == float64(int64(v)):
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
