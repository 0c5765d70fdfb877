// Command mutants says how much the tests of engine and flows notice: it
// plants small mistakes into a copy of their sources (a negated condition, a
// bound off by one, and for or, a statement left out, true for false), runs
// the tests with each, and prints the share that some test noticed and the
// ones that none did. All mistakes are compiled in at once behind a switch, so
// that a mistake costs a run of the tests and not a build; and each test is run
// alone once to learn which places it reaches, so that a mistake costs only the
// tests that can notice it, the quick ones first. It promises never to write
// into the folder it reads.
//
//	go run ./internal/house/mutants -n 100 -seed 1
//	go run ./internal/house/mutants -unreached      lists what no test reaches
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	d := driver{}
	flag.StringVar(&d.root, "root", ".", "folder of the module")
	flag.IntVar(&d.n, "n", 100, "how many mistakes are tried")
	flag.Uint64Var(&d.seed, "seed", 1, "which ones")
	flag.DurationVar(&d.limit, "limit", time.Minute, "time for the tests of one package; a mistake that takes longer is noticed")
	packages := flag.String("packages", "engine,flows", "where mistakes are planted")
	tests := flag.String("tests", "engine,flows/rehearse,flows/conformance,flows,flows/starter", "whose tests must notice them")
	only := flag.String("only", "", "only the mistakes of these files, such as engine/turn.go,engine/step.go")
	flag.BoolVar(&d.unreached, "unreached", false, "run none; list the mistakes that no test can notice, because none comes there")
	flag.StringVar(&d.without, "without", "", "tests that are not run, as go test -skip: those that measure time")
	flag.Parse()
	d.packages, d.tests, d.only = strings.Split(*packages, ","), strings.Split(*tests, ","), *only
	if err := d.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	}
}

// driver is one run.
type driver struct {
	root, dir, only string
	without         string
	packages, tests []string
	n               int
	seed            uint64
	limit           time.Duration
	unreached       bool

	all  []mutant
	skip map[string]bool // file:line whose mistakes do not compile
	runs []run           // the tests, the quickest first
}

// mutant is one mistake.
type mutant struct {
	id         int
	file, kind string
	line       int
	text       string // of the line
}

func (m mutant) at() string { return m.file + ":" + strconv.Itoa(m.line) }

func (d *driver) run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what stays behind is a temporary folder
	d.dir, d.skip = filepath.Join(dir, "src"), map[string]bool{}
	if err := copyTree(d.root, d.dir); err != nil {
		return fmt.Errorf("copy the sources: %w", err)
	}
	if err := d.build(ctx); err != nil {
		return err
	}
	fmt.Printf("%d mistakes can be planted\n", len(d.all))
	if err := d.survey(ctx); err != nil {
		return err
	}
	files := strings.Split(d.only, ",")
	chosen := slices.DeleteFunc(slices.Clone(d.all), func(m mutant) bool { return d.only != "" && !slices.Contains(files, m.file) })
	if d.unreached {
		for _, m := range chosen {
			if len(d.noticing(m)) == 0 {
				fmt.Printf("unreached %s %s: %s\n", m.at(), m.kind, m.text)
			}
		}
		return nil
	}
	r := rand.New(rand.NewPCG(d.seed, 3))
	r.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
	d.report(ctx, chosen[:min(d.n, len(chosen))])
	return nil
}

// report tries the chosen mistakes and prints what became of them.
func (d *driver) report(ctx context.Context, chosen []mutant) {
	killed, by := 0, map[string]int{}
	var survivors []mutant
	for i, m := range chosen {
		began, noticed := time.Now(), ""
		for _, group := range d.noticing(m) {
			if out, err := d.test(ctx, group, m.id); err != nil {
				noticed = group.pkg
				fmt.Printf("%3d killed by %s in %.1fs: %s %s\n", i+1, culprit(group, out), time.Since(began).Seconds(), m.at(), m.kind)
				break
			}
		}
		if noticed == "" {
			survivors = append(survivors, m)
			fmt.Printf("%3d survived %s %s: %s\n", i+1, m.at(), m.kind, m.text)
			continue
		}
		killed++
		by[noticed]++
	}
	fmt.Printf("\n%d mistakes tried (seed %d), %d noticed: %.1f %%; by %v\n", len(chosen), d.seed, killed, 100*float64(killed)/float64(max(len(chosen), 1)), by)
	for _, m := range survivors {
		fmt.Printf("survivor %s %s: %s\n", m.at(), m.kind, m.text)
	}
}

var failed = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

// culprit names the test that noticed.
func culprit(group run, out string) string {
	switch m := failed.FindStringSubmatch(out); {
	case m != nil:
		return group.pkg + "." + m[1]
	case strings.Contains(out, "test timed out"):
		return group.pkg + " (time)"
	case strings.Contains(out, "out of memory"):
		return group.pkg + " (memory)"
	}
	return group.pkg + " (crash)"
}

var place = regexp.MustCompile(`(?m)^(?:\./)?([\w/.]+\.go):(\d+):`)

// build plants every mistake and compiles the tests; lines on which a mistake
// does not compile are left alone the next time.
func (d *driver) build(ctx context.Context) error {
	for range 12 {
		if err := d.plant(); err != nil {
			return err
		}
		failed := ""
		for _, pkg := range d.tests {
			cmd := exec.CommandContext(ctx, "go", "test", "-c", "-gcflags=-e", "-o", d.binary(pkg), "./"+pkg)
			cmd.Dir = d.dir
			if out, err := cmd.CombinedOutput(); err != nil {
				failed = string(out)
				break
			}
		}
		if failed == "" {
			return nil
		}
		known := len(d.skip)
		for _, m := range place.FindAllStringSubmatch(failed, -1) {
			d.skip[m[1]+":"+m[2]] = true
		}
		if len(d.skip) == known {
			return fmt.Errorf("the sources with mistakes do not compile:\n%s", failed)
		}
	}
	return errors.New("the sources with mistakes do not compile, however many lines are left out")
}

func (d *driver) binary(pkg string) string {
	return filepath.Join(filepath.Dir(d.dir), strings.ReplaceAll(pkg, "/", "_")+".test")
}

// plant writes the packages with every mistake in them.
func (d *driver) plant() error {
	d.all = nil
	for _, pkg := range d.packages {
		paths, err := filepath.Glob(filepath.Join(d.root, pkg, "*.go"))
		if err != nil {
			return err
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			name := pkg + "/" + filepath.Base(path)
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			p := &planter{file: name, src: data, first: len(d.all) + 1, skip: d.skip}
			out, err := p.plant()
			if err != nil {
				return err
			}
			d.all = append(d.all, p.made...)
			if err := os.WriteFile(filepath.Join(d.dir, filepath.FromSlash(name)), out, 0o644); err != nil {
				return err
			}
		}
		helper := strings.Replace(switches, "package x", "package "+filepath.Base(pkg), 1)
		if err := os.WriteFile(filepath.Join(d.dir, filepath.FromSlash(pkg), "zz_mutants.go"), []byte(helper), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// copyTree copies what go test needs; data and hidden folders stay.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			if rel != "." && (strings.HasPrefix(e.Name(), ".") || e.Name() == "data") {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		if !e.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o644)
	})
}
