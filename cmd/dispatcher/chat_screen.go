package main

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"time"

	"dispatcher/cmd/dispatcher/chatui"
	"dispatcher/flows"
	"dispatcher/flows/rehearse"
	"dispatcher/flows/watch"
)

// fullScreen says that a person sits at a terminal which can draw.
func (m *Main) fullScreen() bool {
	in, isFile := m.In.(*os.File)
	out, isFileToo := m.Out.(*os.File)
	name := m.Getenv("TERM")
	return isFile && isFileToo && name != "" && name != "dumb" && isTerminal(in) && isTerminal(out)
}

// screen is the talk on a full screen, which follows every edit at once.
func (c *chatting) screen(ctx context.Context, f *chatFlags, opt rehearse.Options) error {
	var played []chatui.Turn
	said := func(input string, lines []rehearse.Line) {
		played = append(played, chatui.Turn{Input: input, Lines: lines})
	}
	if f.replay != "" {
		if err := c.replayTest(f.replay, said); err != nil {
			return err
		}
	} else {
		c.talk = rehearse.New(c.project.Set, opt)
		lines, err := c.talk.Begin()
		if err != nil {
			return err
		}
		said("", lines)
	}
	cfg := chatui.Config{
		Project: c.project, Talk: c.talk, Played: played, Color: c.main.color(), Language: opt.Language,
		Channel: cmp.Or(opt.Channel, c.project.Set.ChannelOrder[0]),
		Save: func(live *flows.Project, name string) error {
			c.project = live
			return c.save(name)
		},
	}
	return chatui.Run(ctx, cfg, c.main.In, c.main.Out, os.Environ(), c.edits(c.project))
}

// edits tells what becomes of the folder until ctx ends.
func (c *chatting) edits(project *flows.Project) func(ctx context.Context, tell func(chatui.Edit)) {
	return func(ctx context.Context, tell func(chatui.Edit)) { c.watch(ctx, project, tell) }
}

func (c *chatting) watch(ctx context.Context, project *flows.Project, tell func(chatui.Edit)) {
	changed := make(chan struct{}, 1)
	w := watch.New(watch.Config{
		Root: c.root, Name: filepath.Base(c.root), Load: c.main.loader(c.root, nil), Now: c.main.Now,
		Live: func(context.Context, *flows.Project, string) error { return nil },
		Reloaded: func(string, time.Duration) {
			select {
			case changed <- struct{}{}:
			default:
			}
		},
	}, project, project)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = w.Run(ctx) // without file events it looks every two seconds
	}()
	defer func() { <-ended }()
	look := time.NewTicker(500 * time.Millisecond) // a folder that is as it was, or gone, is told to nobody
	defer look.Stop()
	last := w.Status()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-look.C:
		}
		now := w.Status()
		if now.Live.Set == last.Live.Set && now.Problem == last.Problem && now.Folder == last.Folder {
			continue
		}
		last = now
		e := chatui.Edit{Live: now.LiveProject, Problem: now.Problem}
		if now.Folder.State == watch.Missing {
			e.Missing = now.Folder.Detail
		}
		tell(e)
	}
}
