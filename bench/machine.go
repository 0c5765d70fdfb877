package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// machine is what a run should know of the machine it ran on: how fast a core
// is alone and beside another, and how long a sync takes.
type machine struct {
	alone, both float64 // loops per microsecond
	p50, p99    time.Duration
}

// checkMachine runs two busy loops and two hundred small syncs.
func checkMachine(dir string) (machine, error) {
	var m machine
	m.alone = busy()
	var pair [2]float64
	var wg sync.WaitGroup
	for i := range pair {
		wg.Go(func() { pair[i] = busy() })
	}
	wg.Wait()
	m.both = (pair[0] + pair[1]) / 2
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return m, err
	}
	defer f.Close()
	page := make([]byte, 4096)
	var took []time.Duration
	for i := range 200 {
		page[0] = byte(i)
		begun := time.Now()
		if _, err := f.WriteAt(page, int64(i%16)*4096); err != nil {
			return m, err
		}
		if err := f.Sync(); err != nil {
			return m, err
		}
		took = append(took, time.Since(begun))
	}
	m.p50, m.p99 = quantile(took, 0.5), quantile(took, 0.99)
	return m, nil
}

// busy is how many steps of a small generator a core does per microsecond.
func busy() float64 {
	const steps = 1 << 20
	begun, x, n := time.Now(), uint64(88172645463325252), 0
	for time.Since(begun) < 150*time.Millisecond {
		for range steps {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
		n += steps
	}
	if x == 0 {
		return 0
	}
	return float64(n) / us(time.Since(begun))
}

// compare says whether the run can be trusted.
func (m machine) compare(after machine) string {
	text := fmt.Sprintf("busy loop %.0f/µs alone, %.0f/µs two at once; sync p50 %.2f ms, p99 %.2f ms; afterwards %.0f and %.0f/µs, %.2f and %.2f ms",
		m.alone, m.both, ms(m.p50), ms(m.p99), after.alone, after.both, ms(after.p50), ms(after.p99))
	if m.both < 0.85*m.alone || after.both < 0.85*after.alone || after.alone < 0.85*m.alone {
		text += "\n         NOT QUIET: the two loops did not get a core each; run it again on an idle machine"
	}
	return text
}

// usage is what a process has used up to now.
type usage struct {
	cpu     time.Duration
	written int64 // bytes it caused to be written to a disk
	rss     int64 // bytes resident
}

// usageOf reads /proc.
func usageOf(pid int) (usage, error) {
	var u usage
	dir := fmt.Sprintf("/proc/%d/", pid)
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return u, err
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) > 12 {
		user, _ := strconv.ParseInt(fields[11], 10, 64)
		system, _ := strconv.ParseInt(fields[12], 10, 64)
		u.cpu = time.Duration(user+system) * (time.Second / ticks)
	}
	u.written = lineOf(dir+"io", "write_bytes:")
	u.rss = lineOf(dir+"status", "VmRSS:") << 10
	return u, nil
}

// ticks is USER_HZ, 100 on every Linux that Go runs on.
const ticks = 100

func lineOf(path, name string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n
		}
	}
	return 0
}
