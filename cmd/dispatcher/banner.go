package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"dispatcher/flows"
)

// banner says what runs and where to go, in the layout of a page: names left,
// what matters right, nothing wider than 80 columns but addresses.
func (r *running) banner() {
	base := r.flags.url(r.listener.Addr())
	w := r.m.Out
	left := "Dispatcher " + version
	fmt.Fprintf(w, "%s%*s\n\n", left, 80-len(left), "project "+r.live.Name)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "  %-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	errs, warns := tally(r.live)
	row("flows", "%s  set %s", pad(fmt.Sprintf("%s, %s: %s, %s", count(r.live.Counts.Flows, "flow"), count(r.live.Counts.States, "state"),
		count(errs, "error"), count(warns, "warning")), 53), short(r.live.SetID))
	row("start", "%s/", base)
	row("chat", "%s/chat", base)
	row("console", "%s/console", base)
	if r.flags.metrics != "off" && r.flags.metrics != "" {
		row("metrics", "http://%s/metrics", r.flags.metrics)
	}
	kept := retention(r.live, r.m.Now())
	row("data", "%s    messages kept %s, facts %s", r.shown(r.data.dir), days(kept.Now-kept.Messages), days(kept.Now-kept.Facts))
	row("key", "%s", r.data.key.Where)
	if r.data.key.Created {
		row("", "new: back it up, nobody can read the messages without it")
	}
	for _, p := range r.inbox.ChannelProblems() {
		for _, d := range p.Diagnostics {
			row("channel", "%s does not start: %s", p.Alias, d.Message)
		}
	}
	if w := r.unreachable(r.live); w != "" {
		row("pages", "%s", w)
		r.log.Warn(w)
	}
	if r.setup != "" {
		fmt.Fprintln(w)
		row("set up", "%s", r.setup)
		row("", "works once, until %s", r.setupEnd.Local().Format("Mon 2 Jan 15:04"))
	}
	fmt.Fprintln(w)
	for _, weak := range r.weak() {
		r.log.Warn(weak)
	}
	reach := ""
	if r.flags.loopback {
		reach = ", this machine only"
	}
	r.log.Info("listening on " + r.listener.Addr().String() + reach)
}

// weak lists settings that an operator should know are weaker than the default.
func (r *running) weak() []string {
	var out []string
	if d, _ := durability(r.folder); d == "normal" {
		out = append(out, "durability: normal — a power cut may lose the last moments; a crash does not")
	}
	if r.data.key.Wide {
		out = append(out, "the key file can be read by other users; close it with: chmod 600 "+r.data.key.Where)
	}
	return out
}

// shown is a path as a person would type it.
func (r *running) shown(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(here, path); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return path
}

// days shows milliseconds as days.
func days(ms int64) string { return fmt.Sprintf("%dd", ms/(24*60*60*1000)) }

func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func pad(s string, n int) string {
	if len(s) >= n {
		return s
	}
	return s + strings.Repeat(" ", n-len(s))
}

func tally(p *flows.Project) (errs, warns int) {
	warns = warnings(p)
	return len(p.Diagnostics) - warns, warns
}

func problemText(p *flows.Project) string {
	var b strings.Builder
	p.WriteText(&b, false)
	return b.String()
}
