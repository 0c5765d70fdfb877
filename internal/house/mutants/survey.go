package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// run is some tests of one package, run in one process.
type run struct {
	pkg   string
	names []string
	took  time.Duration
	can   []byte // by mistake: not 0 = these tests could notice it
}

// quick is what a test may take to be run together with others.
const quick = 300 * time.Millisecond

// survey runs every test alone, without a mistake, and notes which mistakes it
// could notice: those it reaches with values that make a difference there.
func (d *driver) survey(ctx context.Context) error {
	d.runs = nil
	for _, pkg := range d.tests {
		list := exec.CommandContext(ctx, d.binary(pkg), "-test.list=.")
		list.Dir = filepath.Join(d.dir, filepath.FromSlash(pkg))
		out, err := list.Output()
		if err != nil {
			return fmt.Errorf("the tests of %s cannot be listed: %w", pkg, err)
		}
		for _, name := range strings.Fields(string(out)) {
			if strings.HasPrefix(name, "Benchmark") {
				continue
			}
			r := run{pkg: pkg, names: []string{name}}
			began := time.Now()
			if out, err := d.test(ctx, r, 0); err != nil {
				return fmt.Errorf("%s of %s fails without a mistake:\n%s", name, pkg, out)
			}
			r.took = time.Since(began)
			if r.can, err = os.ReadFile(d.marks()); err != nil {
				return fmt.Errorf("read what %s reaches: %w", name, err)
			}
			d.runs = append(d.runs, r)
		}
	}
	slices.SortStableFunc(d.runs, func(a, b run) int { return cmp.Compare(a.took, b.took) })
	return nil
}

// noticing are the tests that could notice a mistake: the quick ones in one
// run per package, those of its own package first, then the slow ones alone.
func (d *driver) noticing(m mutant) []run {
	own := filepath.ToSlash(filepath.Dir(m.file))
	var out, slow []run
	for _, r := range d.runs {
		if r.can[m.id] == 0 {
			continue
		}
		if r.took > quick {
			slow = append(slow, r)
			continue
		}
		at := slices.IndexFunc(out, func(o run) bool { return o.pkg == r.pkg })
		if at < 0 {
			at = len(out)
			out = append(out, run{pkg: r.pkg})
		}
		out[at].names = append(out[at].names, r.names...)
	}
	slices.SortStableFunc(out, func(a, b run) int {
		switch {
		case a.pkg == own && b.pkg != own:
			return -1
		case b.pkg == own && a.pkg != own:
			return 1
		}
		return slices.Index(d.tests, a.pkg) - slices.Index(d.tests, b.pkg)
	})
	return append(out, slow...)
}

// marks is the file in which a run without a mistake notes what it reaches.
func (d *driver) marks() string { return filepath.Join(filepath.Dir(d.dir), "marks") }

// test runs tests with one mistake; 0 = with none. Memory is bounded, because a
// mistake may well lead round for ever.
func (d *driver) test(ctx context.Context, r run, id int) (string, error) {
	ctx, stop := context.WithTimeout(ctx, d.limit+5*time.Second)
	defer stop()
	names := make([]string, len(r.names))
	for i, name := range r.names {
		names[i] = regexp.QuoteMeta(name)
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", "ulimit -v 6000000; exec \"$0\" \"$@\"", d.binary(r.pkg), "-test.failfast", "-test.short",
		"-test.timeout="+d.limit.String(), "-test.skip="+d.without, "-test.run=^("+strings.Join(names, "|")+")$")
	cmd.Dir = filepath.Join(d.dir, filepath.FromSlash(r.pkg))
	cmd.Env = append(os.Environ(), "MUTANT="+strconv.Itoa(id))
	if id == 0 {
		if err := os.WriteFile(d.marks(), make([]byte, len(d.all)+1), 0o600); err != nil {
			return "", err
		}
		cmd.Env = append(cmd.Env, "MUTANT_MARKS="+d.marks())
	}
	data, err := cmd.CombinedOutput()
	return string(data), err
}

// switches is what the planted mistakes call. A run without a mistake marks
// the ones it reaches in a file that it maps into memory, so that the marks
// are there however the process ends. Of two bounds it marks those that
// differ.
const switches = `package x

import (
	"os"
	"strconv"
	"syscall"
)

var (
	mutantNow, _ = strconv.Atoi(os.Getenv("MUTANT"))
	mutantMarks  = mutantMap(os.Getenv("MUTANT_MARKS"))
)

func mutantMap(path string) []byte {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	info, err := f.Stat()
	if err != nil {
		panic(err)
	}
	data, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	return data
}
func mutantMark(id int, differs bool) {
	if differs && mutantMarks != nil {
		mutantMarks[id] = 1
	}
}
func mutantOn(id int) bool {
	mutantMark(id, true)
	return id == mutantNow
}
func mutantNot(id int, v bool) bool {
	mutantMark(id, true)
	return v != (id == mutantNow)
}
func mutantOr(id int, a, b bool) bool {
	mutantMark(id, a != b)
	if id == mutantNow {
		return b
	}
	return a
}
func mutantAnd(id int, and, a bool, b func() bool) bool {
	mutantMark(id, true)
	if and != (id == mutantNow) {
		return a && b()
	}
	return a || b()
}
`
