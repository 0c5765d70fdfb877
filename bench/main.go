// Command bench measures Dispatcher against what it is built from and prints
// one table: every performance goal with its figure of this run. It promises
// that every goal is a ratio of two things measured side by side in the same
// run, in interleaved rounds, and that what was not measured says so. It runs
// the real program as a child process on a temporary folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bench is one run: where it works, how much it does and what it has found.
type bench struct {
	ctx    context.Context
	dir    string // everything is written below it, and removed
	rounds int
	full   bool // the sizes of a release: 10 M messages, 1 M conversations
	tiny   bool // sizes of the bench's own test
	only   []string
	talk   io.Writer // progress
	start  time.Time

	results map[string]result // by key of the goal
	notes   []string
	binary  string   // the program, once built
	ceiling float64  // turns/s of the raw ceiling, once known
	tmpl    *sample  // turns as inbox writes them, once recorded
	grown   *growth  // the stores of the growth rows, for the size rows
	running []closer // children to end
}

type closer interface{ close() }

// group is goals that are measured together.
type group struct {
	name string
	keys []string
	run  func(*bench) error
}

// groups in the order in which they run: the quick and quiet ones first.
func groups() []group {
	return []group{
		{"engine", []string{"B1", "B1 starter", "B2", "B3", "B4"}, (*bench).engineRows},
		{"seal", []string{"B18"}, (*bench).sealRow},
		{"path", []string{"B5", "B6", "B7", "B8", "B8 ms"}, (*bench).pathRows},
		{"reload", []string{"B12", "B12 p99"}, (*bench).reloadRows},
		{"fan-out", []string{"B13", "B13 ms", "B14"}, (*bench).fanRows},
		{"growth", []string{"B9", "B9 10M", "B10", "B10 10M", "B11", "B11 10M"}, (*bench).growthRows},
		{"size", []string{"B15", "B16", "B16 kill"}, (*bench).sizeRows},
	}
}

func main() {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], childPrefix) {
		os.Exit(runChild(os.Args[1]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures what the flags name and prints the table.
func run(ctx context.Context, args []string, out, talk io.Writer) error {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := fs.String("only", "", "goals to measure, comma separated: B5,B6; empty: all")
	rounds := fs.Int("rounds", 5, "interleaved rounds of every figure")
	where := fs.String("dir", os.TempDir(), "a folder on the disk to be measured")
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	b := &bench{ctx: ctx, rounds: max(*rounds, 1), full: os.Getenv("BENCH") == "full", talk: talk, start: time.Now(), results: map[string]result{}}
	for _, id := range strings.FieldsFunc(*only, func(r rune) bool { return r == ',' || r == ' ' }) {
		if !slices.ContainsFunc(goals(), func(g goal) bool { return g.id() == strings.ToUpper(id) }) {
			return fmt.Errorf("-only %s: there is no such goal; they are B1 to B18", id)
		}
		b.only = append(b.only, strings.ToUpper(id))
	}
	dir, err := os.MkdirTemp(*where, "dispatcher-bench")
	if err != nil {
		return err
	}
	b.dir = dir
	defer os.RemoveAll(dir)
	defer b.endChildren()
	before, err := checkMachine(dir)
	if err != nil {
		return err
	}
	b.measure(groups())
	after, err := checkMachine(dir)
	if err != nil {
		return err
	}
	render(out, b, before, after)
	return ctx.Err()
}

// measure runs the groups that hold a wanted goal. A group that fails leaves
// its reason in its rows; the others go on.
func (b *bench) measure(list []group) {
	for _, g := range list {
		if !slices.ContainsFunc(g.keys, b.wants) {
			continue
		}
		if b.ctx.Err() != nil {
			return
		}
		b.say("%s", g.name)
		err := guarded(g.run, b)
		b.endChildren()
		for _, key := range g.keys {
			if _, done := b.results[key]; !done && err != nil {
				b.results[key] = result{why: "failed: " + oneLine(err)}
			}
		}
		if err != nil {
			b.say("%s: %v", g.name, err)
		}
	}
}

// guarded keeps one group's mistake from taking the others' rows away.
func guarded(f func(*bench) error, b *bench) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return f(b)
}

// oneLine fits an error into a cell of the table.
func oneLine(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	if len(text) > 120 {
		text = strings.ToValidUTF8(text[:120], "") + "…"
	}
	return text
}

// wants says whether a goal is to be measured.
func (b *bench) wants(key string) bool {
	id, _, _ := strings.Cut(key, " ")
	return len(b.only) == 0 || slices.Contains(b.only, id)
}

// say writes one line of progress.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.talk, "%4.0fs %s\n", time.Since(b.start).Seconds(), fmt.Sprintf(format, args...))
}

// note keeps an absolute figure for the small print.
func (b *bench) note(format string, args ...any) {
	b.notes = append(b.notes, fmt.Sprintf(format, args...))
}

// set stores a row of the table: the median of the rounds.
func (b *bench) set(key string, rounds []float64) {
	if len(rounds) > 0 {
		b.results[key] = result{rounds: rounds, done: true}
	}
}

// skip says why a row has no figure.
func (b *bench) skip(key, why string) { b.results[key] = result{why: why} }

// folder is a fresh folder that only this user can read, as a data folder must be.
func (b *bench) folder(name string) (string, error) {
	dir := filepath.Join(b.dir, name)
	return dir, os.MkdirAll(dir, 0o700)
}

func (b *bench) endChildren() {
	for _, c := range b.running {
		c.close()
	}
	b.running = nil
}

// size picks a figure for the bench's own test, a usual run and a release.
func size[T any](b *bench, tiny, usual, full T) T {
	switch {
	case b.tiny:
		return tiny
	case b.full:
		return full
	}
	return usual
}

// millis is a size in milliseconds.
func (b *bench) millis(tiny, usual, full int) time.Duration {
	return time.Duration(size(b, tiny, usual, full)) * time.Millisecond
}
