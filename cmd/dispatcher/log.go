package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"dispatcher/flows/watch"
)

// terminalLog writes one line a person can read per record: the clock, the
// message, then what belongs to it. A text of several lines (the problems of a
// rejected set) follows below, as `check` prints it.
type terminalLog struct {
	mu    *sync.Mutex
	out   io.Writer
	level slog.Level
	color bool
	attrs []slog.Attr
}

func newTerminalLog(out io.Writer, level slog.Level, color bool) *terminalLog {
	return &terminalLog{mu: new(sync.Mutex), out: out, level: level, color: color}
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
	line.WriteString(t.paint("2", r.Time.Format("15:04:05")) + "  ")
	if news, ok := t.news(r); ok {
		line.WriteString(news)
	} else {
		if r.Level >= slog.LevelWarn {
			line.WriteString(t.paint("33", strings.ToLower(r.Level.String())+":") + " ")
		}
		line.WriteString(r.Message)
	}
	show := func(a slog.Attr) bool {
		text := a.Value.Resolve().String()
		if strings.Contains(text, "\n") {
			below.WriteString(strings.TrimRight(text, "\n") + "\n")
		} else if text != "" && !said(r.Message, a.Key) {
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

// The two lines that a designer waits for after saving are a sentence here;
// what it says is not said again as key=value.
const (
	newsLive     = "flows live"
	newsRejected = "flows rejected,"
)

func said(message, key string) bool {
	switch {
	case message == newsLive:
		return key == "set" || key == "by" || key == "took"
	case strings.HasPrefix(message, newsRejected):
		return key == "set"
	}
	return false
}

// news is such a line in words.
func (t *terminalLog) news(r slog.Record) (string, bool) {
	if rest, ok := strings.CutPrefix(r.Message, newsRejected); ok {
		return t.paint("31", strings.TrimSuffix(newsRejected, ",")) + "," + rest, true
	}
	if r.Message != newsLive {
		return "", false
	}
	of := map[string]string{}
	r.Attrs(func(a slog.Attr) bool {
		of[a.Key] = a.Value.Resolve().String()
		return true
	})
	line := t.paint("32", newsLive) + " " + of["set"] + " in " + strings.Replace(of["took"], "ms", " ms", 1)
	if by := of["by"]; by != watch.ByFile && by != "" {
		line += ", by " + by
	}
	return line, true
}

func (t *terminalLog) paint(code, s string) string {
	if !t.color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
