// Command dispatcher answers a brand's direct messages first, and hands over
// to a person with everything on one card. One file per verb; channels.go and
// stores.go are the wiring tables. It promises three exit codes: 0 done,
// 1 findings, 2 could not run.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

// Main is one run of the program with everything it may touch; tests start it
// unchanged with their own.
type Main struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	Now      func() time.Time
	Terminal bool // Out is a terminal
}

func main() {
	syscall.Umask(0o077)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	m := &Main{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Now: time.Now, Terminal: isTerminal(os.Stdout)}
	os.Exit(m.Run(ctx, os.Args[1:]))
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
