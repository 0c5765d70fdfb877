package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// TestHelpFitsATerminal: no line of our help is longer than 80 characters.
func TestHelpFitsATerminal(t *testing.T) {
	t.Parallel()
	var each func(cmd *cobra.Command)
	each = func(cmd *cobra.Command) {
		var out bytes.Buffer
		m := &Main{In: strings.NewReader(""), Out: &out, Err: &out, Getenv: func(string) string { return "" }, Now: time.Now}
		path := strings.Fields(cmd.CommandPath())[1:]
		if code := m.Run(t.Context(), append(path, "--help")); code != exitOK || !strings.Contains(out.String(), "Usage:") {
			t.Errorf("%s --help: exit code %d\n%s", cmd.CommandPath(), code, out.String())
		}
		for line := range strings.SplitSeq(out.String(), "\n") {
			if utf8.RuneCountInString(line) > 80 {
				t.Errorf("%s --help: %q", cmd.CommandPath(), line)
			}
		}
		for _, sub := range cmd.Commands() {
			each(sub)
		}
	}
	each((&Main{Getenv: func(string) string { return "" }}).root())
}

// TestUnknownFlagNamesTheWholeCommand, so that its help is found.
func TestUnknownFlagNamesTheWholeCommand(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	m := &Main{Out: &out, Err: &out, Getenv: func(string) string { return "" }, Now: time.Now}
	if code := m.Run(t.Context(), []string{"plan", "publish", "--nope"}); code != exitFailed || !strings.Contains(out.String(), "see dispatcher plan publish --help") {
		t.Errorf("exit code %d: %s", code, out.String())
	}
}
