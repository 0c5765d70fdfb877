package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"dispatcher/flows"
	"dispatcher/inbox"
)

// replayFlags is the command line of replay.
type replayFlags struct {
	planFlags
	given string // the project as it was typed
	since string
	limit int
	fail  bool
}

func (m *Main) replay() *cobra.Command {
	f := &replayFlags{}
	cmd := &cobra.Command{
		Use: "replay [PROJECT]", Short: "What the edit would have done with yesterday's conversations", Args: words(0, 1),
		Long: `Runs stored conversations through the project in a folder: the same messages,
taps, answers of services, agents' actions and silences, at the same times, from
the first message on. Lists those that would have gone otherwise: another
question, another queue, another outcome, another way or other tags, with the
first thing that differs in each, sorted by the line that decides it. Personal
data is not shown.

What a customer would have answered to another question nobody knows, so each
conversation is followed up to its first difference. A look-up that the edit
makes anew has no answer and ends the way too. A question in other words is
listed last, and only where nothing else differs.

The conversations are those of the service on the project's data folder, running
or not, or of any other with --server and a token in DISPATCHER_TOKEN.
Nothing is written, sent or asked.

Exit code: 0 done, 1 something differs and --fail-on-diff is given, or the
project has errors, 2 could not run.`,
		Example: `  dispatcher replay shop
  dispatcher replay shop --since 7d --limit 5000
  dispatcher replay shop --server https://bot.acme.example --fail-on-diff
  dispatcher replay shop --format json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.project = projectArg(args)
			f.given = f.project
			if f.server != "" && cmd.Flags().Changed("data") {
				return errors.New("--server is another service than the one on a data folder; give one of --server and --data")
			}
			since, err := f.read(m.Now())
			if err != nil {
				return err
			}
			return m.withAPI(cmd.Context(), &f.planFlags, func(ctx context.Context, a *api) error { return m.runReplay(ctx, f, since, a) })
		},
	}
	f.service(cmd)
	cmd.Flags().StringVar(&f.since, "since", "24h", "how far back: 90m, 24h, 7d or a date")
	cmd.Flags().IntVar(&f.limit, "limit", 1000, "the newest so many conversations")
	cmd.Flags().BoolVar(&f.fail, "fail-on-diff", false, "exit 1 when a conversation differs")
	return cmd
}

// read checks what was given.
func (f *replayFlags) read(now time.Time) (time.Time, error) {
	since, err := inbox.ReadSince(f.since, now)
	switch {
	case err != nil:
		return since, fmt.Errorf("--since: %w", err)
	case since.After(now):
		return since, fmt.Errorf("--since %s lies ahead; nothing has been said there yet", f.since)
	case f.limit < 1:
		return since, fmt.Errorf("--limit is %d; it takes a number from 1 on", f.limit)
	}
	return since, nil
}

func (m *Main) runReplay(ctx context.Context, f *replayFlags, since time.Time, a *api) error {
	root, files, err := openFiles(f.project)
	if err != nil {
		return err
	}
	project := m.loader(root, nil)(files)
	if !project.OK() {
		m.problems(project, f.format)
		return errFindings
	}
	out, err := m.replayed(ctx, f, since, a, project)
	if err != nil && (out == nil || out.Done == 0) {
		return err
	}
	if f.format == "json" {
		data, jerr := json.Marshal(out)
		if jerr != nil {
			return jerr
		}
		fmt.Fprintln(m.Out, string(data))
	} else {
		(&replayText{main: m, flags: f, out: out, since: since}).write()
	}
	if err != nil {
		return fmt.Errorf("stopped after %s of %s: %w", grouped(out.Done), howMany(out.Total, "conversation"), err)
	}
	if f.fail && out.Differ > 0 {
		return errFindings
	}
	return nil
}

// errInterrupted is a person who has seen enough.
var errInterrupted = errors.New("interrupted")

// replayed asks for page after page. With an error come the pages before it.
func (m *Main) replayed(ctx context.Context, f *replayFlags, since time.Time, a *api, p *flows.Project) (*inbox.Replay, error) {
	out := inbox.NewReplay(p.SetID, since)
	bar := m.progress()
	defer bar.done()
	for {
		page, err := a.replayPage(ctx, p, map[string]any{"since": since.UTC().Format(time.RFC3339), "limit": f.limit, "cursor": out.Next})
		if ctx.Err() != nil {
			return out, errInterrupted
		}
		if err != nil {
			return out, err
		}
		out.Add(page)
		bar.at(out.Done, out.Total)
		if out.Next == "" {
			return out, nil
		}
	}
}

// replayPage asks for one page; the files of the project go along where the
// service has not seen it.
func (a *api) replayPage(ctx context.Context, p *flows.Project, query map[string]any) (*inbox.Replay, error) {
	page := &inbox.Replay{}
	path := "/revisions/" + p.SetID + "/replay"
	err := a.call(ctx, http.MethodPost, path, query, page)
	if refused, ok := errors.AsType[*refusedCall](err); !ok || refused.Status != http.StatusNotFound {
		return page, err
	}
	files, err := sent(p)
	if err != nil {
		return nil, err
	}
	body := map[string]any{}
	if err := json.Unmarshal(files, &body); err != nil {
		return nil, err
	}
	for name, v := range query {
		body[name] = v
	}
	return page, a.call(ctx, http.MethodPost, path, body, page)
}

// replayBar is a bar on a terminal, nothing elsewhere.
type replayBar struct{ bar *progressbar.ProgressBar }

func (m *Main) progress() *replayBar {
	f, ok := m.Err.(*os.File)
	if !ok || !isTerminal(f) {
		return &replayBar{}
	}
	return &replayBar{progressbar.NewOptions(1, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription("replay"), progressbar.OptionSetWidth(8),
		progressbar.OptionShowCount(), progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false), progressbar.OptionClearOnFinish())}
}

func (p *replayBar) at(n, of int) {
	if p.bar != nil && of > 0 && n < of {
		p.bar.ChangeMax(of)
		_ = p.bar.Set(n) // a terminal that went away is no reason to stop
	}
}

func (p *replayBar) done() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

// explainArgs names the same service for explain.
func (f *replayFlags) explainArgs() string {
	switch {
	case f.server != "":
		return " --server " + f.server
	case f.data != "":
		return " --data " + shellWord(f.data)
	case f.given != ".":
		return " --data " + shellWord(filepath.Join(f.given, "data"))
	}
	return ""
}
