package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"dispatcher/flows"
	"dispatcher/internal/source"
)

// checking is one run of check.
type checking struct {
	m       *Main
	dir     string
	format  string
	strict  bool
	kinds   []string
	proof   bool
	costs   bool
	maxCost float64
	limited bool // --max-cost was given
	fix     bool
}

func (m *Main) check() *cobra.Command {
	c := &checking{m: m}
	var code string
	cmd := &cobra.Command{
		Use: "check [PROJECT]", Short: "Find every problem in a project, with file, line and remedy", Args: words(0, 1),
		Long: `Reads the whole project and reports everything that is wrong at once, each with
its file, line and column, the words it is about and how to mend it. The running
service uses the same check before it takes an edit.

--fix writes the repairs that nobody needs to be asked about: a spelling where
one word alone can be meant, = for ==, tabs, missing quotes. --explain CODE
tells more about one code, with an example before and after; it needs no
project.

Exit code: 0 no errors (warnings allowed), 1 errors, 2 could not run.`,
		Example: `  dispatcher check shop
  dispatcher check shop --format json
  dispatcher check shop --warnings-as-errors
  dispatcher check shop --channel whatsapp
  dispatcher check shop --proof
  dispatcher check shop --costs --max-cost 0.20
  dispatcher check shop --fix
  dispatcher check --explain E301`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c.dir, c.limited = projectArg(args), cmd.Flags().Changed("max-cost")
			if err := c.valid(); err != nil {
				return err
			}
			if cmd.Flags().Changed("explain") {
				return c.explain(code)
			}
			return c.run()
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.format, "format", "text", "text, json, sarif or github")
	f.BoolVar(&c.strict, "warnings-as-errors", false, "exit 1 when there are warnings")
	f.StringArrayVar(&c.kinds, "channel", nil, "check only the limits of this kind of channel; repeatable")
	f.BoolVar(&c.proof, "proof", false, "prove for every state that it ends, with a person one message away")
	f.BoolVar(&c.costs, "costs", false, "print what the worst path of each flow costs on each channel with a price")
	f.Float64Var(&c.maxCost, "max-cost", 0, "warn (W410) when the worst path of a conversation costs more")
	f.BoolVar(&c.fix, "fix", false, "write the repairs that are safe, then check")
	f.StringVar(&code, "explain", "", "long help for one code, with before and after")
	return cmd
}

// valid refuses flags that make no sense before anything is read.
func (c *checking) valid() error {
	if err := oneOf("format", c.format, "text", "json", "sarif", "github"); err != nil {
		return err
	}
	if c.limited && (c.maxCost < 0 || math.IsNaN(c.maxCost) || math.IsInf(c.maxCost, 0)) {
		return fmt.Errorf("--max-cost is %v; it takes an amount such as 0.20", c.maxCost)
	}
	known := slices.Sorted(maps.Keys(channelKinds))
	known = append(known, slices.Sorted(maps.Keys(plannedKinds))...)
	for _, kind := range c.kinds {
		if slices.Contains(known, kind) {
			continue
		}
		meant := "."
		if best, ok := source.DidYouMean(kind, known); ok {
			meant = "; did you mean " + best + "?"
		}
		return fmt.Errorf("--channel is %q, which is not a kind of channel%s It takes %s", kind, meant, strings.Join(known, ", "))
	}
	return nil
}

func (c *checking) run() error {
	root, files, err := openFiles(c.dir)
	if err != nil {
		return err
	}
	opts := c.m.options(root, c.kinds)
	opts.Proof, opts.Costs = c.proof, c.costs
	if c.limited {
		opts.MaxCost = &c.maxCost
	}
	load := func(f *flows.Files) *flows.Project { return flows.Load(f, opts) }
	var fixed []flows.Repair
	var project *flows.Project
	if c.fix {
		project, fixed = flows.Fix(files, load)
		if err := writeFixed(root, files, project.Files); err != nil {
			return err
		}
	} else {
		project = load(files)
	}
	c.print(project, fixed)
	if !project.OK() || c.strict && warnings(project) > 0 {
		return errFindings
	}
	return nil
}

// print writes the outcome in the format that was asked for.
func (c *checking) print(p *flows.Project, fixed []flows.Repair) {
	out := c.m.Out
	switch c.format {
	case "json":
		fmt.Fprintf(out, "%s\n", p.JSONAfter(fixed))
		return
	case "sarif":
		fmt.Fprintf(out, "%s\n", p.SARIF(version))
		return
	case "github":
		p.WriteGitHub(out)
		return
	}
	if c.fix {
		for _, change := range fixed {
			fmt.Fprintln(out, change)
		}
		fmt.Fprintf(out, "%s\n\n", fixedSummary(fixed))
	}
	p.WriteProblems(out, c.m.color())
	if p.Proof != nil {
		p.Proof.WriteText(out)
		fmt.Fprintln(out)
	}
	if c.costs {
		flows.WriteCosts(out, p.Costs)
		fmt.Fprintln(out)
	}
	fmt.Fprintln(out, p.Summary())
}

func fixedSummary(fixed []flows.Repair) string {
	if len(fixed) == 0 {
		return "nothing to fix"
	}
	files := map[string]bool{}
	for _, change := range fixed {
		files[change.File] = true
	}
	plural := func(n int, word string) string {
		if n != 1 {
			word += "s"
		}
		return fmt.Sprintf("%d %s", n, word)
	}
	return "fixed " + plural(len(fixed), "problem") + " in " + plural(len(files), "file")
}

// writeFixed replaces the files that were repaired, each in one step, so that
// whoever watches them never sees half of one.
func writeFixed(root string, before, after *flows.Files) error {
	for path, data := range after.Data {
		if string(before.Data[path]) == string(data) {
			continue
		}
		target, err := filepath.EvalSymlinks(filepath.Join(root, filepath.FromSlash(path)))
		if err != nil {
			return fmt.Errorf("fix %s: %w", path, err)
		}
		if err := replaceFile(target, data); err != nil {
			return fmt.Errorf("fix %s: %w", path, err)
		}
	}
	return nil
}

// explain prints the long help of one code.
func (c *checking) explain(code string) error {
	if c.format != "text" && c.format != "json" {
		return fmt.Errorf("--explain is text or json; leave out --format %s", c.format)
	}
	code = strings.ToUpper(strings.TrimSpace(code))
	e, ok := flows.Explain(code)
	if !ok {
		if best, near := flows.SimilarCode(code); near {
			return fmt.Errorf("there is no code %s; did you mean %s?", code, best)
		}
		return fmt.Errorf("there is no code %s; codes look like E301 or W326", code)
	}
	if c.format == "json" {
		return json.NewEncoder(c.m.Out).Encode(struct {
			Version int `json:"version"`
			flows.Entry
		}{1, e})
	}
	opts := c.m.options(os.DevNull, nil)
	limit := 0.05
	opts.MaxCost = &limit
	opts.Env = func(string) (string, bool) { return "", false }
	e.WriteText(c.m.Out, opts, c.m.color())
	return nil
}

func warnings(p *flows.Project) int {
	n := 0
	for _, d := range p.Diagnostics {
		if d.Severity == source.Warning {
			n++
		}
	}
	return n
}
