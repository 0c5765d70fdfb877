package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"dispatcher/flows"
	"dispatcher/server"
)

// planFlags is the command line of plan and its verbs.
type planFlags struct {
	whose
	format string
	yes    bool
}

func (m *Main) plan() *cobra.Command {
	f := &planFlags{}
	cmd := &cobra.Command{
		Use: "plan [PROJECT]", Short: "What the folder would change in the running service, and for whom", Args: words(0, 1),
		Long: `Compares the project in a folder with the set that is live: flows, questions,
options and edges, in words; then counts the open conversations that it leaves
alone, that go on in a changed state, and that need a choice because they wait
in a state that is gone (W501). Values that no longer fit are W502.

The service is the one on the project's data folder, running or not, or any
other with --server and a token in DISPATCHER_TOKEN.

Exit code: 0 nobody needs a choice, 1 somebody does or the project has errors,
2 could not run.`,
		Example: `  dispatcher plan shop
  dispatcher plan shop --server https://bot.acme.example
  dispatcher plan publish --project shop
  dispatcher plan rollback 9f2c1a07 --project shop
  dispatcher plan history --project shop`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.project = projectArg(args)
			return m.withAPI(cmd.Context(), f, func(ctx context.Context, a *api) error { return m.runPlan(ctx, f, a) })
		},
	}
	f.service(cmd)
	cmd.AddCommand(m.planHistory(), m.planPublish(), m.planDiscard(), m.planRollback())
	return cmd
}

// service adds the flags that say which service is meant.
func (f *planFlags) service(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.server, "server", "", "address of the service; its token is in DISPATCHER_TOKEN")
	cmd.Flags().StringVar(&f.data, "data", "", "data folder of the service (default PROJECT/data)")
	cmd.Flags().StringVar(&f.format, "format", "text", "text or json")
}

// verb makes one of plan's own verbs.
func (m *Main) planVerb(cmd *cobra.Command, accepts bool, run func(ctx context.Context, f *planFlags, a *api, args []string) error) *cobra.Command {
	f := &planFlags{}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return m.withAPI(cmd.Context(), f, func(ctx context.Context, a *api) error { return run(ctx, f, a, args) })
	}
	f.service(cmd)
	cmd.Flags().StringVar(&f.project, "project", ".", "project folder")
	if accepts {
		cmd.Flags().BoolVar(&f.yes, "yes", false, "accept W501: people wait in a state that goes away")
	}
	return cmd
}

func (m *Main) planHistory() *cobra.Command {
	return m.planVerb(&cobra.Command{Use: "history", Short: "Which set ran since when, by whom, and what became of the others", Args: noArgs}, false, m.runHistory)
}

func (m *Main) planPublish() *cobra.Command {
	return m.planVerb(&cobra.Command{Use: "publish [SET]", Short: "Make the staged set live", Args: words(0, 1),
		Long: `Makes the set that waits live: the newest good one of the folder whose tests
pass. After a rollback this is also what lets file changes through again. Where
people wait in a state that goes away, --yes accepts that. SET may name any
stored set whose tests pass; the folder does not hold it, so file changes wait
then until the next publish.`}, true,
		func(ctx context.Context, f *planFlags, a *api, args []string) error {
			set, err := a.staged(ctx, args)
			if err != nil {
				return err
			}
			return m.change(ctx, f, a, "activate", set, "published")
		})
}

func (m *Main) planRollback() *cobra.Command {
	return m.planVerb(&cobra.Command{Use: "rollback SET", Short: "Make an older set live again and hold file changes", Args: words(1, 1),
		Long: `Makes a set that ran before live again, named by its id or the beginning of it
as in plan history. File changes wait from then on until the next plan publish.`}, true,
		func(ctx context.Context, f *planFlags, a *api, args []string) error {
			return m.change(ctx, f, a, "rollback", args[0], "live again; file changes wait for the next publish")
		})
}

func (m *Main) planDiscard() *cobra.Command {
	return m.planVerb(&cobra.Command{Use: "discard", Short: "Give the staged set up", Args: noArgs}, false,
		func(ctx context.Context, f *planFlags, a *api, _ []string) error {
			set, err := a.staged(ctx, nil)
			if err != nil {
				return err
			}
			return m.change(ctx, f, a, "discard", set, "discarded")
		})
}

// withAPI runs a verb on the service that is meant.
func (m *Main) withAPI(ctx context.Context, f *planFlags, run func(ctx context.Context, a *api) error) error {
	if err := oneOf("format", f.format, "text", "json"); err != nil {
		return err
	}
	if root, err := filepath.Abs(f.project); err == nil {
		f.project = root
	}
	a, err := m.apiOf(ctx, f.whose)
	if err != nil {
		return err
	}
	err = a.notFound(ctx, run(ctx, a))
	if cerr := a.close(); err == nil {
		err = cerr
	}
	return err
}

// problems prints what is wrong with a project, as check does.
func (m *Main) problems(project *flows.Project, format string) {
	if format == "json" {
		fmt.Fprintf(m.Out, "%s\n", trimmed(project.JSON()))
		return
	}
	project.WriteText(m.Out, m.color())
}

// runPlan compares the folder with what is live.
func (m *Main) runPlan(ctx context.Context, f *planFlags, a *api) error {
	root, files, err := openFiles(f.project)
	if err != nil {
		return err
	}
	project := m.loader(root, nil)(files)
	if !project.OK() {
		m.problems(project, f.format)
		return errFindings
	}
	raw, err := a.planOf(ctx, project)
	if err != nil {
		return err
	}
	plan, err := flows.ReadPlan(raw, files)
	if err != nil {
		return err
	}
	if f.format == "json" {
		fmt.Fprintln(m.Out, string(trimmed(raw)))
	} else {
		plan.WriteText(m.Out, m.color())
	}
	if plan.NeedsChoice() {
		return errFindings
	}
	return nil
}

// planOf asks for the plan of a set; its files go along where the service has
// not seen it.
func (a *api) planOf(ctx context.Context, p *flows.Project) (json.RawMessage, error) {
	var raw json.RawMessage
	path := "/revisions/" + p.SetID + "/plan"
	err := a.call(ctx, http.MethodPost, path, nil, &raw)
	if refused, ok := errors.AsType[*refusedCall](err); !ok || refused.Status != http.StatusNotFound {
		return raw, err
	}
	files, err := sent(p)
	if err != nil {
		return nil, err
	}
	return raw, a.call(ctx, http.MethodPost, path, files, &raw)
}

// sent is what a service is told of a set that it has not seen.
func sent(p *flows.Project) (json.RawMessage, error) {
	body := struct {
		Files map[string]string `json:"files"`
		Media map[string]string `json:"media,omitempty"`
	}{map[string]string{}, map[string]string{}}
	for name, data := range p.Files.Data {
		if !strings.HasPrefix(name, "flows/tests/") {
			body.Files[name] = string(data)
		}
	}
	for name, sum := range p.Files.Media {
		body.Media[name] = hex.EncodeToString(sum[:])
	}
	data, err := json.Marshal(body)
	if err == nil && len(data) > server.MaxProject {
		err = fmt.Errorf("the files of this project are too large to be planned: %.1f MiB together, and a service takes %d MiB", float64(len(data))/(1<<20), server.MaxProject>>20)
	}
	return data, err
}

// staged is the set that a person means: the one named, else the one that waits.
func (a *api) staged(ctx context.Context, args []string) (string, error) {
	if a.before != nil {
		a.before(ctx)
	}
	if len(args) > 0 {
		return args[0], nil
	}
	var view struct {
		Staged *struct{ Set, Result string }
	}
	if err := a.call(ctx, http.MethodGet, "/flows", nil, &view); err != nil {
		return "", err
	}
	if view.Staged == nil || view.Staged.Result == "discarded" {
		return "", errors.New("nothing is staged")
	}
	return view.Staged.Set, nil
}

// change publishes, rolls back or discards a set and says what came of it.
func (m *Main) change(ctx context.Context, f *planFlags, a *api, verb, set, done string) error {
	var raw json.RawMessage
	var in any
	if verb != "discard" {
		in = map[string]bool{"yes": f.yes}
	}
	err := a.call(ctx, http.MethodPost, "/revisions/"+url.PathEscape(set)+"/"+verb, in, &raw)
	if refused, ok := errors.AsType[*refusedCall](err); ok && refused.Status == http.StatusConflict && len(refused.Errors) > 0 {
		m.sayRefused(refused)
		return errFindings
	}
	if err != nil {
		return err
	}
	if f.format == "json" {
		fmt.Fprintln(m.Out, string(trimmed(raw)))
		return nil
	}
	var view struct {
		Live struct {
			Set  string
			Held bool
		}
		Staged struct{ Set string }
	}
	if err := json.Unmarshal(raw, &view); err != nil {
		return err
	}
	shown := view.Live.Set
	if verb == "activate" && view.Live.Held {
		done += "; file changes wait until the next publish"
	}
	if verb == "discard" {
		shown = view.Staged.Set
	}
	fmt.Fprintf(m.Out, "%s %s\n", short(shown), done)
	return nil
}

// sayRefused says why a set is not live: W501 that nobody accepted, or tests.
func (m *Main) sayRefused(p *refusedCall) {
	if len(p.Plan) > 0 {
		if plan, err := flows.ReadPlan(p.Plan, &flows.Files{}); err == nil {
			plan.WriteText(m.Out, m.color())
			fmt.Fprintln(m.Out, "nothing was changed; accept it with --yes")
			return
		}
	}
	for _, e := range p.Errors {
		fmt.Fprintln(m.Out, strings.TrimRight(e.Message, "\n"))
	}
	fmt.Fprintln(m.Out, p.Error()+"; nothing was changed")
}

// historyLine is one thing that became of a set.
type historyLine struct {
	Set    string    `json:"set"`
	When   time.Time `json:"when"`
	By     string    `json:"by"`
	Result string    `json:"result"`
	Live   bool      `json:"live"`
}

func (m *Main) runHistory(ctx context.Context, f *planFlags, a *api, _ []string) error {
	lines, err := a.history(ctx)
	if err != nil {
		return err
	}
	if f.format == "json" {
		out, err := json.Marshal(struct {
			Version int           `json:"version"`
			History []historyLine `json:"history"`
		}{1, lines})
		fmt.Fprintln(m.Out, string(out))
		return err
	}
	w := tabwriter.NewWriter(m.Out, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		mark := ""
		if l.Live {
			mark = "\tlive now"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s%s\n", short(l.Set), l.When.Local().Format("2006-01-02 15:04:05"), l.By, strings.ReplaceAll(l.Result, "_", " "), mark)
	}
	return w.Flush()
}

// history is what became of every set, newest first.
func (a *api) history(ctx context.Context) ([]historyLine, error) {
	lines := []historyLine{}
	for cursor := ""; ; {
		var page struct {
			Items []struct {
				Set     string
				Live    bool
				History []struct {
					Since  time.Time
					By     string
					ByName string `json:"by_name"`
					Result string
				}
			}
			Next string `json:"next_cursor"`
		}
		if err := a.call(ctx, http.MethodGet, "/revisions?limit=200&cursor="+url.QueryEscape(cursor), nil, &page); err != nil {
			return nil, err
		}
		for _, r := range page.Items {
			ran := false
			for _, h := range r.History {
				went := h.Result == "live" || h.Result == "published" || h.Result == "rolled_back"
				lines = append(lines, historyLine{Set: r.Set, When: h.Since, By: h.ByName, Result: h.Result, Live: r.Live && went && !ran})
				ran = ran || went
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	slices.SortStableFunc(lines, func(a, b historyLine) int { return b.When.Compare(a.When) })
	return lines, nil
}

func trimmed(raw json.RawMessage) string { return strings.TrimSpace(string(raw)) }
