// Package chatui is the full-screen terminal of `dispatcher chat`: the talk
// with what decided every answer, the state and the slots under it, buttons as
// keys, and edits of the flows told while the talk goes on. It promises that
// whatever a flow or a person writes, nothing but its own drawing reaches the
// terminal, that the terminal is given back as it was, and that a secret is
// never on the screen. What it shows comes from flows/rehearse, as in line
// mode.
package chatui

import (
	"context"
	"errors"
	"fmt"
	"io"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"dispatcher/flows"
	"dispatcher/flows/rehearse"
)

// Config is one talk at a terminal.
type Config struct {
	Project  *flows.Project // good
	Talk     *rehearse.Talk // on the set of Project
	Channel  string         // alias
	Language string         // of the customer at the start
	Played   []Turn         // what happened before the first input
	Color    bool

	// Save keeps the talk as a test of this name in the project that is live.
	Save func(live *flows.Project, name string) error
}

// Turn is an input that was played with what came of it.
type Turn struct {
	Input string // "" = none
	Lines []rehearse.Line
}

// Edit is what became of the folder: a message for the running screen.
type Edit struct {
	Live    *flows.Project // good, and to be talked to from here on
	Problem *flows.Project // the folder with its errors while Live goes on; nil = none
	Missing string         // why the folder cannot be read; "" = it can
}

// Run shows the screen until the person leaves or ctx ends. follow is run
// beside it with a context that ends with the screen; it tells edits.
func Run(ctx context.Context, cfg Config, in io.Reader, out io.Writer, environ []string, follow func(ctx context.Context, tell func(Edit))) error {
	ctx, stop := context.WithCancel(ctx)
	profile := colorprofile.Ascii
	if cfg.Color {
		profile = colorprofile.ANSI // the terminal's own sixteen are all that is used
	}
	program := tea.NewProgram(New(cfg), tea.WithInput(in), tea.WithOutput(out), tea.WithEnvironment(environ),
		tea.WithColorProfile(profile), tea.WithoutSignalHandler())
	ended := make(chan struct{}, 2)
	go func() {
		follow(ctx, func(e Edit) { program.Send(e) })
		ended <- struct{}{}
	}()
	go func() {
		<-ctx.Done()
		program.Quit()
		ended <- struct{}{}
	}()
	_, err := program.Run()
	stop()
	<-ended
	<-ended
	if errors.Is(err, tea.ErrProgramPanic) {
		return fmt.Errorf("the screen of chat broke: %w", err)
	}
	return nil // a terminal that went away has nobody to tell
}
