package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// terminalLog writes one line a person can read per record: the clock, the
// message, then what belongs to it. A text of several lines (the problems of a
// rejected set) follows below, as `check` prints it.
type terminalLog struct {
	mu    *sync.Mutex
	out   io.Writer
	level slog.Level
	attrs []slog.Attr
}

func newTerminalLog(out io.Writer, level slog.Level) *terminalLog {
	return &terminalLog{mu: new(sync.Mutex), out: out, level: level}
}

// Enabled is part of slog.Handler.
func (t *terminalLog) Enabled(_ context.Context, l slog.Level) bool { return l >= t.level }

// WithAttrs is part of slog.Handler.
func (t *terminalLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *t
	next.attrs = append(append([]slog.Attr(nil), t.attrs...), attrs...)
	return &next
}

// WithGroup is part of slog.Handler; a terminal shows no groups.
func (t *terminalLog) WithGroup(string) slog.Handler { return t }

// Handle is part of slog.Handler.
func (t *terminalLog) Handle(_ context.Context, r slog.Record) error {
	var line, below strings.Builder
	fmt.Fprintf(&line, "%s  ", r.Time.Format("15:04:05"))
	if r.Level >= slog.LevelWarn {
		fmt.Fprintf(&line, "%s: ", strings.ToLower(r.Level.String()))
	}
	line.WriteString(r.Message)
	show := func(a slog.Attr) bool {
		text := a.Value.Resolve().String()
		if strings.Contains(text, "\n") {
			below.WriteString(strings.TrimRight(text, "\n") + "\n")
		} else if text != "" {
			fmt.Fprintf(&line, "  %s=%s", a.Key, text)
		}
		return true
	}
	for _, a := range t.attrs {
		show(a)
	}
	r.Attrs(show)
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err := fmt.Fprintf(t.out, "%s\n%s", line.String(), below.String())
	return err
}
