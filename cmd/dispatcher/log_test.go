package main

import (
	"log/slog"
	"regexp"
	"strings"
	"testing"
)

// TestLogOfATerminal: what a designer waits for after saving is a sentence;
// everything else is a message and what belongs to it.
func TestLogOfATerminal(t *testing.T) {
	t.Parallel()
	clock := regexp.MustCompile(`(?m)^(\x1b\[2m)?\d\d:\d\d:\d\d(\x1b\[0m)?  `)
	for _, c := range []struct {
		color bool
		log   func(l *slog.Logger)
		want  string
	}{
		{false, func(l *slog.Logger) { l.Info("flows live", "set", "9c1d40be", "by", "file change", "took", "112ms") }, "flows live 9c1d40be in 112 ms\n"},
		{false, func(l *slog.Logger) { l.Info("flows live", "set", "9c1d40be", "by", "reload", "took", "1.2s") }, "flows live 9c1d40be in 1.2s, by reload\n"},
		{true, func(l *slog.Logger) { l.Info("flows live", "set", "9c1d40be", "by", "file change", "took", "112ms") }, "\x1b[32mflows live\x1b[0m 9c1d40be in 112 ms\n"},
		{false, func(l *slog.Logger) {
			l.Warn("flows rejected, 3f2a91c7 stays live", "set", "00aa", "problems", "a.yaml:1:1: error[E301]: x\n\n")
		}, "flows rejected, 3f2a91c7 stays live\na.yaml:1:1: error[E301]: x\n"},
		{false, func(l *slog.Logger) { l.Warn("low on disk", "left", "3 MiB") }, "warn: low on disk  left=3 MiB\n"},
		{true, func(l *slog.Logger) { l.Warn("low on disk", "left", "3 MiB") }, "\x1b[33mwarn:\x1b[0m low on disk  left=3 MiB\n"},
	} {
		var b strings.Builder
		c.log(slog.New(newTerminalLog(&b, slog.LevelInfo, c.color)))
		if got := clock.ReplaceAllString(b.String(), ""); got != c.want || got == b.String() {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
