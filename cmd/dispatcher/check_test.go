package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Colour is for a terminal, and for none whose owner does not want it.
func TestColourOfCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "flows"), 0o700); err != nil {
		t.Fatal(err)
	}
	flow := "flow: a\nstates:\n  start: {goto: by}\n  bye: {resolve: done}\n  lost: {resolve: done}\n"
	if err := os.WriteFile(filepath.Join(dir, "flows", "a.yaml"), []byte(flow), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		terminal bool
		noColor  string
		want     bool
	}{{true, "", true}, {true, "1", false}, {false, "", false}} {
		m, out := quiet("")
		m.Terminal = c.terminal
		getenv := m.Getenv
		m.Getenv = func(name string) string {
			if name == "NO_COLOR" {
				return c.noColor
			}
			return getenv(name)
		}
		if code := m.Run(context.Background(), []string{"check", dir}); code != exitFindings {
			t.Errorf("exit code %d", code)
		}
		if got := strings.Contains(out.String(), "\x1b["); got != c.want {
			t.Errorf("%+v:\n%q", c, out.String())
		}
		if c.want && (!strings.Contains(out.String(), "\x1b[31;1merror[E301]\x1b[0m") || !strings.Contains(out.String(), "\x1b[31;1m^^\x1b[0m")) {
			t.Errorf("%q", out.String())
		}
	}
}

// A link to a file stays a link when the file is repaired.
func TestFixFollowsLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "flows"), 0o700); err != nil {
		t.Fatal(err)
	}
	real, link := filepath.Join(dir, "real.txt"), filepath.Join(dir, "flows", "a.yaml")
	if err := os.WriteFile(real, []byte("flow: a\nstates:\n  start: {goto: by}\n  bye: {resolve: done}\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	m, out := quiet("")
	if code := m.Run(context.Background(), []string{"check", dir, "--fix"}); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	data, err := os.ReadFile(real)
	if err != nil || !strings.Contains(string(data), "goto: bye") {
		t.Errorf("%s %v", data, err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("%v %v", info, err)
	}
	if info, err := os.Stat(real); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v %v", info, err)
	}
}
