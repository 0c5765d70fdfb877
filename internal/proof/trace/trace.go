// Package trace reads what strace saw of the program and judges the order of
// its writes and syncs. It promises that an acknowledgement that was written
// before its turn was on disk is found.
package trace

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Args is the strace command under which the program runs; the calls go to file.
func Args(file string) []string {
	return []string{"strace", "-f", "-qq", "--seccomp-bpf", "-y", "-s", "64", "-e", "signal=none", "-e", "trace=read,write,pwrite64,fsync,fdatasync,sendto,recvfrom", "-o", file, "--"}
}

// Call is one finished system call. Begin and End are places in the trace:
// the tracer sees the begin of a call before the kernel runs it and the end
// before the program goes on, so their order is the order of events.
type Call struct {
	Begin, End int
	Name       string
	On         string // what the descriptor is: a path, or socket:[n]
	Data       string // the first bytes, as strace prints them
	OK         bool   // it did not fail
}

var (
	whole   = regexp.MustCompile(`^(\d+) +(\w+)\((\d+)(?:<(.*?)>)?(?:, "(.*?)"(?:\.\.\.)?)?.*\) += (-?\d+)`)
	started = regexp.MustCompile(`^(\d+) +(\w+)\((\d+)(?:<(.*?)>)?(?:, "(.*?)"(?:\.\.\.)?)?.* <unfinished \.\.\.>`)
	resumed = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>(?:"(.*?)"(?:\.\.\.)?)?.*\) += (-?\d+)`)
)

// Read understands the output of strace -f -y.
func Read(r io.Reader) ([]Call, error) {
	var calls []Call
	open := map[string]Call{} // by thread
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if m := started.FindStringSubmatch(line); m != nil {
			open[m[1]] = Call{Begin: n, Name: m[2], On: m[4], Data: m[5]}
		} else if m := resumed.FindStringSubmatch(line); m != nil {
			c, ok := open[m[1]]
			delete(open, m[1])
			if !ok || c.Name != m[2] {
				continue
			}
			c.End, c.OK = n, !strings.HasPrefix(m[4], "-")
			if m[3] != "" {
				c.Data = m[3]
			}
			calls = append(calls, c)
		} else if m := whole.FindStringSubmatch(line); m != nil {
			calls = append(calls, Call{Begin: n, End: n, Name: m[2], On: m[4], Data: m[5], OK: !strings.HasPrefix(m[6], "-")})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	return calls, nil
}

// Verdict is what SyncBeforeAck saw.
type Verdict struct {
	Acks, Syncs int
	Violations  []string
}

// SyncBeforeAck judges each 2xx to a POST of path: between the reading of the
// request and the writing of the answer there must be a write to the
// write-ahead log, and after it a whole sync of that log.
func SyncBeforeAck(calls []Call, path string) Verdict {
	var v Verdict
	asked := map[string]int{} // socket → end of the read of its present request
	var writes, syncs []Call
	for _, c := range calls {
		wal := strings.HasSuffix(c.On, "-wal")
		switch {
		case !c.OK:
		case (c.Name == "read" || c.Name == "recvfrom") && asks(c.Data, path):
			asked[c.On] = c.End
		case (c.Name == "fsync" || c.Name == "fdatasync") && wal:
			v.Syncs++
			syncs = append(syncs, c)
		case c.Name == "pwrite64" && wal:
			writes = append(writes, c)
		case (c.Name == "write" || c.Name == "sendto") && strings.HasPrefix(c.Data, "HTTP/1.1 "):
			at, ok := asked[c.On]
			delete(asked, c.On)
			if !ok || !strings.HasPrefix(c.Data, "HTTP/1.1 2") {
				continue
			}
			v.Acks++
			if !durable(writes, syncs, at, c.Begin) {
				v.Violations = append(v.Violations, fmt.Sprintf("line %d: 2xx on %s to the request of line %d without a log write and a sync between them", c.Begin, c.On, at))
			}
		}
	}
	return v
}

// asks knows the begin of a request; net/http has often read its first byte
// alone, while it watched the connection.
func asks(data, path string) bool {
	return strings.HasPrefix(data, "POST "+path) || strings.HasPrefix(data, "OST "+path)
}

// durable looks for a log write that began after from and a sync that began
// after that write had ended and was over before to. Calls are in the order of
// their ends; the newest are looked at first.
func durable(writes, syncs []Call, from, to int) bool {
	for i := len(syncs) - 1; i >= 0 && syncs[i].End > from; i-- {
		s := syncs[i]
		if s.End >= to || s.Begin <= from {
			continue
		}
		for j := len(writes) - 1; j >= 0 && writes[j].End > from; j-- {
			if w := writes[j]; w.Begin > from && w.End < s.Begin {
				return true
			}
		}
	}
	return false
}
