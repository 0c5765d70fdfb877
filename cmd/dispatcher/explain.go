package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"dispatcher/inbox"
)

// explainFlags is the command line of explain.
type explainFlags struct {
	planFlags
	conversation string
	from, to     int // turns; 0, 0 = the overview
	last, all    bool
	where        string // the project as it was named
}

func (m *Main) explain() *cobra.Command {
	f := &explainFlags{}
	cmd := &cobra.Command{
		Use: "explain CONVERSATION [TURN]", Short: "Why the bot did what it did, turn by turn", Args: words(1, 2),
		Long: `Tells of every turn of a stored conversation what it was about, which ways of
understanding it were tried and how well each option fitted, every condition
with the values it read, the edges taken and what came of it, each with the
file and line of the set that ran then. Personal data is masked.

CONVERSATION is its id, the beginning of it where no other begins so, the id
of one of its messages, or the address of its page in the console.

TURN is a number, a range such as 2-4, last, or all. Without it every turn is
told in a few lines, and in full the last that decided anything, the last that
handed over, and the first two that ended in an engine error.

The service is the one on the data folder, running or not, or any other with
--server and a token (scope conversations:read) in DISPATCHER_TOKEN.

Exit code: 0 told, 2 could not run.`,
		Example: `  dispatcher explain 019a4c11 --project shop
  dispatcher explain 019a4c11 4 --project shop
  dispatcher explain 019a4c11-70aa-7c31-9f0e-2b9d5f0c1a77-12 --data shop/data
  dispatcher explain 019a4c11 last --server https://bot.acme.example
  dispatcher explain 019a4c11 --format json | jq '.turns[].edges'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.read(args); err != nil {
				return err
			}
			f.where = f.project
			if f.server != "" && (cmd.Flags().Changed("data") || cmd.Flags().Changed("project")) {
				return errors.New("--server is another service than the one on a data folder; give one of --server and --data")
			}
			return m.withAPI(cmd.Context(), &f.planFlags, func(ctx context.Context, a *api) error { return m.runExplain(ctx, f, a) })
		},
	}
	f.service(cmd)
	cmd.Flags().StringVar(&f.project, "project", ".", "project folder")
	return cmd
}

// read takes the arguments apart.
func (f *explainFlags) read(args []string) error {
	f.conversation = args[0]
	if i := strings.LastIndexByte(f.conversation, '/'); i >= 0 { // an address of the console
		f.conversation, _, _ = strings.Cut(f.conversation[i+1:], "?")
	}
	if f.conversation == "" {
		return fmt.Errorf("%q names no conversation; give its id", args[0])
	}
	if len(args) < 2 {
		return nil
	}
	turn := args[1]
	switch turn {
	case "last":
		f.last = true
		return nil
	case "all":
		f.all = true
		return nil
	}
	first, last, isRange := strings.Cut(turn, "-")
	from, err := strconv.Atoi(first)
	to := from
	if isRange && err == nil {
		to, err = strconv.Atoi(last)
	}
	if err != nil || from < 1 || to < from {
		return fmt.Errorf("%q is no turn; turns are numbers from 1, ranges such as 2-4, last, or all", turn)
	}
	f.from, f.to = from, to
	return nil
}

// runExplain asks the service and writes what it says.
func (m *Main) runExplain(ctx context.Context, f *explainFlags, a *api) error {
	path := "/conversations/" + url.PathEscape(f.conversation) + "/trace"
	if f.from > 0 && f.from == f.to {
		path += "?turn=" + strconv.Itoa(f.from)
	}
	var raw json.RawMessage
	if err := a.call(ctx, http.MethodGet, path, nil, &raw); err != nil {
		return m.explainRefused(f, err)
	}
	var e inbox.Explanation
	if err := json.Unmarshal(raw, &e); err != nil {
		return fmt.Errorf("the answer of %s is no explanation: %w", a.name, err)
	}
	cut, err := f.choose(&e)
	if err != nil {
		return err
	}
	if f.format == "json" {
		if cut {
			if raw, err = json.Marshal(&e); err != nil {
				return err
			}
		}
		fmt.Fprintln(m.Out, trimmed(raw))
		return nil
	}
	w := &explainWriter{page: newPage(m.Out, m.columns(), m.color()), e: &e, command: f.again()}
	w.write(f.from == 0 && !f.last && !f.all && inboxID(f.conversation))
	return nil
}

// inboxID says whether an argument names a whole conversation, not a message.
func inboxID(id string) bool {
	_, seq := inbox.ParseMessageID(id)
	return seq == 0
}

// choose keeps the turns that were asked for, and says whether any went.
func (f *explainFlags) choose(e *inbox.Explanation) (cut bool, err error) {
	n := len(e.Turns)
	switch {
	case f.last && n > 0:
		e.Turns = e.Turns[n-1:]
	case f.last:
		return false, errors.New(e.Has())
	case f.to > f.from:
		if f.from > n {
			return false, fmt.Errorf("there is no turn %d; %s", f.from, e.Has())
		}
		e.Turns = e.Turns[f.from-1 : min(f.to, n)]
	}
	return len(e.Turns) < n, nil
}

// again is how the same conversation is asked for once more.
func (f *explainFlags) again() string {
	out := "dispatcher explain " + f.conversation + " TURN"
	for _, part := range [][2]string{{"server", f.server}, {"data", f.data}, {"project", f.where}} {
		if part[1] != "" && part[1] != "." {
			out += " --" + part[0] + " " + part[1]
		}
	}
	return out
}

// explainRefused adds what a person can do about a refusal.
func (m *Main) explainRefused(f *explainFlags, err error) error {
	p, ok := errors.AsType[*refusedCall](err)
	if !ok || p.Code != "not_found" || p.Detail == "" {
		return err
	}
	said := inLine(strings.TrimSuffix(p.Detail, "."))
	if f.server == "" && strings.Contains(said, "there are none yet") {
		said += "; is " + filepath.Base(f.project) + " the right project? --data names another folder"
	}
	return errors.New(said)
}
