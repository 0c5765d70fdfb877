package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"dispatcher/engine"
	"dispatcher/flows"
	"dispatcher/flows/watch"
)

// largeProject is n flows of 20 states with three guards each, beside the loop
// that traffic runs in.
func largeProject(n int) map[string]string {
	files := map[string]string{"flows/loop.yaml": loopProject["flows/loop.yaml"]}
	var rules strings.Builder
	for i := range n {
		fmt.Fprintf(&rules, "  - {if: 'entry.ref == \"f%d\"', flow: f%d}\n", i, i)
		files[fmt.Sprintf("flows/f%03d.yaml", i)] = largeFlow(i, "")
	}
	files["dispatcher.yaml"] = strings.Replace(loopProject["dispatcher.yaml"], "start: loop\n", "budget: {questions: 99}\nstart:\n"+rules.String()+"  - else: loop\n", 1)
	return files
}

// largeFlow is one of them; word makes an edit.
func largeFlow(i int, word string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "flow: f%d\nstates:\n  start: {goto: s1}\n", i)
	for j := 1; j <= 18; j++ {
		next := fmt.Sprintf("s%d", j+1)
		if j == 18 {
			next = "bye"
		}
		fmt.Fprintf(&b, "  s%d:\n    ask: \"Question %d of flow %d%s, {{ contact.first_name ?? 'you' }}?\"\n    options:\n", j, j, i, word)
		fmt.Fprintf(&b, "      - {id: on, label: Go on, when: \"message.words < %d\", goto: %s}\n", 100+j, next)
		fmt.Fprintf(&b, "      - {id: end, label: That is all, when: \"not contact.vip or %d > message.words\", goto: bye}\n", j)
	}
	b.WriteString("  bye:\n    branch:\n      - if: contact.vip and message.words > 3\n        handoff: general\n      - else: start\n")
	return b.String()
}

// reloadRows are B12: loading 500 flows again after one was edited, as the
// service does, against compiling as many expressions one by one, and what
// traffic notices of a reload. What a load costs that begins anew is a note.
func (b *bench) reloadRows() error {
	count := size(b, 5, 499, 499) // and the loop: the language allows 500 flows and 10,000 states
	files := largeProject(count)
	opts := flows.Options{Env: func(string) (string, bool) { return secretText(), true }, Warm: new(flows.Warm)}
	load := func(f *flows.Files) *flows.Project { return flows.Load(f, opts) }
	dir, err := b.folder("large")
	if err != nil {
		return err
	}
	for path, text := range files {
		if err := writeFile(filepath.Join(dir, path), text); err != nil {
			return err
		}
	}
	read, err := flows.Read(os.DirFS(dir), "large")
	if err != nil {
		return err
	}
	begun := time.Now()
	first := load(read)
	cold := time.Since(begun)
	if !first.OK() {
		return fmt.Errorf("large project: %s: %s", first.Summary(), first.Diagnostics[0].Message)
	}
	var over, took []float64
	for round := range b.rounds {
		one, err := compileOne(size(b, 20, 1000, 1000))
		if err != nil {
			return err
		}
		read.Data["flows/f000.yaml"] = []byte(largeFlow(0, fmt.Sprintf(" round %d", round)))
		begun := time.Now()
		if p := load(read); !p.OK() {
			return fmt.Errorf("large project: %s", p.Summary())
		}
		spent := time.Since(begun)
		over = append(over, float64(spent)*float64(runtime.NumCPU())/(float64(one)*float64(first.Counts.Expressions)))
		took = append(took, ms(spent))
		b.say("reload: round %d of %d", round+1, b.rounds)
	}
	b.set("B12", over)
	live, err := b.saveToLive(dir, first, load)
	if err != nil {
		return err
	}
	b.note("500 flows, %d states, %d expressions: load %.0f ms, after an edit of one %.0f ms; save of one file to live %.0f ms",
		first.Counts.States, first.Counts.Expressions, ms(cold), median(took), median(live))
	return b.reloadUnderLoad(files)
}

func writeFile(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// compileOne is what compiling one guard costs alone.
func compileOne(n int) (time.Duration, error) {
	begun := time.Now()
	for i := range n {
		if _, err := engine.CompileExpr(fmt.Sprintf("not contact.vip or %d > message.words", i), "x"); err != nil {
			return 0, err
		}
	}
	return time.Since(begun) / time.Duration(n), nil
}

// saveToLive is from the write of one file to the new set, in milliseconds.
func (b *bench) saveToLive(dir string, first *flows.Project, load func(*flows.Files) *flows.Project) ([]float64, error) {
	ctx, stop := context.WithCancel(b.ctx)
	defer stop()
	lived := make(chan time.Time, 8)
	w := watch.New(watch.Config{Root: dir, Name: "large", Load: load, Now: time.Now,
		Live: func(context.Context, *flows.Project, string) error { lived <- time.Now(); return nil }}, first, first)
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	time.Sleep(300 * time.Millisecond) // let it look at the folder once
	var out []float64
	for round := range b.rounds {
		begun := time.Now()
		if err := writeFile(filepath.Join(dir, "flows/f000.yaml"), largeFlow(0, fmt.Sprintf(" edit %d", round))); err != nil {
			return nil, err
		}
		select {
		case at := <-lived:
			out = append(out, ms(at.Sub(begun)))
		case err := <-ended:
			return nil, fmt.Errorf("watcher ended: %w", err)
		case <-time.After(20 * time.Second):
			return nil, fmt.Errorf("an edit was not live after 20 s")
		}
	}
	stop()
	<-ended
	return out, nil
}

// reloadUnderLoad compares the waits of steady traffic with and without a save.
func (b *bench) reloadUnderLoad(files map[string]string) error {
	s, err := b.newService("reload", files)
	if err != nil {
		return err
	}
	if s.contacts, err = s.greet("c", size(b, 64, 1024, 1024)); err != nil {
		return err
	}
	const perSecond = 200
	d := b.millis(200, 3000, 3000)
	var quiet, busy []float64
	for round := range b.rounds {
		still, err := s.steady(b.ctx, clients, perSecond, d)
		if err != nil {
			return err
		}
		if err := s.write("flows/f001.yaml", largeFlow(1, fmt.Sprintf(" under load %d", round))); err != nil {
			return err
		}
		moved, err := s.steady(b.ctx, clients, perSecond, d)
		if err != nil {
			return err
		}
		quiet = append(quiet, ms(quantile(still.waits, 0.99)))
		busy = append(busy, ms(quantile(moved.waits, 0.99)))
	}
	b.set("B12 p99", ratios(busy, quiet))
	b.note("%d POST/s: p99 %.1f ms, while 500 flows are reloaded %.1f ms (%s after the save)", perSecond, median(quiet), median(busy), d)
	return nil
}
