package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"dispatcher/flows"
	"dispatcher/flows/rehearse"
	"dispatcher/flows/watch"
)

// testFlags is the command line of test.
type testFlags struct {
	run, cover, out, format string
	coverMin                float64
	verbose, update, watch  bool
}

func (m *Main) test() *cobra.Command {
	f := &testFlags{}
	cmd := &cobra.Command{
		Use: "test [PROJECT]", Short: "Run the project's transcripts, flows/tests/*.test.yaml", Args: words(0, 1),
		Long: `Plays every conversation of flows/tests/*.test.yaml against the flows: the same
engine as the service, a frozen clock, no network and no waiting. A failure is
shown as a diff with the reason. The project is checked first.

Exit code: 0 all passed, 1 something failed or the project has errors, 2 could
not run.`,
		Example: `  dispatcher test shop
  dispatcher test shop --run "late parcel" -v
  dispatcher test shop --cover
  dispatcher test shop --cover=html -o coverage.html
  dispatcher test shop --watch`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return m.runTest(cmd.Context(), projectArg(args), f)
		},
	}
	cmd.Flags().StringVar(&f.run, "run", "", "run only tests whose name matches this regular expression")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "print every test with its whole conversation")
	cmd.Flags().StringVar(&f.cover, "cover", "", "say what the tests go through; =html writes the painted flows to -o FILE")
	cmd.Flags().Lookup("cover").NoOptDefVal = "text"
	cmd.Flags().StringVarP(&f.out, "output", "o", "", "file that --cover=html writes; - is standard output")
	cmd.Flags().Float64Var(&f.coverMin, "cover-min", 0, "fail when fewer transitions are covered, in percent")
	cmd.Flags().BoolVar(&f.update, "update", false, "rewrite the bot: texts of failing tests to what was said")
	cmd.Flags().BoolVar(&f.watch, "watch", false, "run again whenever a file changes")
	cmd.Flags().StringVar(&f.format, "format", "text", "text or json")
	return cmd
}

// check refuses what does not go together, before anything is read.
func (f *testFlags) check() (*regexp.Regexp, error) {
	if err := oneOf("format", f.format, "text", "json"); err != nil {
		return nil, err
	}
	if f.cover != "" {
		if err := oneOf("cover", f.cover, "text", "html"); err != nil {
			return nil, err
		}
	}
	switch {
	case f.cover == "html" && f.out == "":
		return nil, errors.New("--cover=html needs -o FILE")
	case f.out != "" && f.cover != "html":
		return nil, errors.New("-o goes with --cover=html")
	case f.watch && f.format == "json":
		return nil, errors.New("--watch is for people and never ends; leave out --format json")
	case f.coverMin < 0 || f.coverMin > 100:
		return nil, fmt.Errorf("--cover-min is %g; it takes a percentage from 0 to 100", f.coverMin)
	}
	if f.run == "" {
		return nil, nil
	}
	only, err := regexp.Compile(f.run)
	if err != nil {
		return nil, fmt.Errorf("--run %q is not a regular expression: %w", f.run, err)
	}
	return only, nil
}

func (m *Main) runTest(ctx context.Context, dir string, f *testFlags) error {
	only, err := f.check()
	if err != nil {
		return err
	}
	t := &tester{main: m, dir: dir, flags: f, only: only, out: m.Out}
	if f.watch {
		return t.watch(ctx)
	}
	root, files, err := openFiles(dir)
	if err != nil {
		return err
	}
	return t.once(root, files)
}

// tester is one run of the verb.
type tester struct {
	main  *Main
	dir   string
	flags *testFlags
	only  *regexp.Regexp
	out   io.Writer
}

// once checks the project and runs its tests; it says everything itself.
func (t *tester) once(root string, files *flows.Files) error {
	opts := t.main.options(root, nil)
	project, tests := flows.LoadTests(files, opts)
	if !project.OK() || !tests.OK() {
		t.problems(project, tests)
		return errFindings
	}
	suite := t.suite(root, project, tests)
	report := suite.Run()
	if len(tests.Files) == 0 {
		fmt.Fprintln(t.main.Err, "there are no tests yet; write them into flows/tests/NAME.test.yaml, or keep a talk with: dispatcher chat, /save NAME")
	}
	if t.only != nil && len(report.Outcomes) == 0 {
		return fmt.Errorf("no test has a name that matches --run %q", t.flags.run)
	}
	if t.flags.update && !report.OK() {
		updated, err := t.rewrite(root, suite, report)
		if err != nil {
			return err
		}
		report = updated
	}
	if err := t.show(report, project); err != nil {
		return err
	}
	if !report.OK() || t.short(report) {
		return errFindings
	}
	return nil
}

func (t *tester) suite(root string, project *flows.Project, tests *flows.Tests) *rehearse.Suite {
	return &rehearse.Suite{
		Project: project, Tests: tests, Only: t.only,
		Window: func(alias string) time.Duration {
			c, ok := project.Channels[alias]
			if !ok {
				return 0
			}
			limits, _, _ := t.main.limits(root, alias, c.Kind, c.Node)
			return limits.Window
		},
		Open: func(folder string) (*flows.Project, error) { return t.main.edit(root, folder, project) },
	}
}

// edit loads the project in a folder of this one. Where it has no
// dispatcher.yaml of its own, this project's goes with it.
func (m *Main) edit(root, folder string, project *flows.Project) (*flows.Project, error) {
	if !filepath.IsLocal(folder) {
		return nil, fmt.Errorf("%s does not lie in the project", folder)
	}
	dir := filepath.Join(root, folder)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("there is no folder %s in the project", folder)
	}
	files, err := flows.Read(watch.Dir(dir), filepath.Base(dir))
	if err != nil {
		return nil, err
	}
	load := m.loader(dir, nil)
	if own := project.Files.Data["dispatcher.yaml"]; own != nil && files.Data["dispatcher.yaml"] == nil {
		files.Data["dispatcher.yaml"] = own
		if p := load(files); p.OK() {
			return p, nil
		}
		delete(files.Data, "dispatcher.yaml")
	}
	return load(files), nil
}

// problems reports what check would, and what is wrong with the tests.
func (t *tester) problems(project *flows.Project, tests *flows.Tests) {
	if t.flags.format != "json" {
		if !project.OK() {
			project.WriteText(t.out, t.main.color())
		}
		tests.WriteText(t.out, t.main.color())
		return
	}
	var checked struct {
		Problems []json.RawMessage `json:"problems"`
	}
	var own []json.RawMessage
	_ = json.Unmarshal(project.JSON(), &checked) // both were made here
	_ = json.Unmarshal(tests.Problems(), &own)
	raw, err := json.Marshal(map[string]any{"version": 1, "ok": false, "passed": 0, "failed": 0, "tests": []any{}, "problems": append(checked.Problems, own...)})
	if err == nil {
		fmt.Fprintf(t.out, "%s\n", raw)
	}
}

// show writes the report in the format that was asked for.
func (t *tester) show(report *rehearse.Report, project *flows.Project) error {
	if t.flags.cover == "html" {
		if err := t.html(report, project); err != nil {
			return err
		}
	}
	if t.flags.format == "json" {
		fmt.Fprintf(t.out, "%s\n", report.JSON())
		return nil
	}
	command := "dispatcher test"
	if t.dir != "." {
		command += " " + t.dir
	}
	style := rehearse.Style{Verbose: t.flags.verbose, Cover: t.flags.cover != "" || t.flags.coverMin > 0, Color: t.main.color(), Command: command}
	if t.main.Terminal {
		report.WriteScreen(t.out, style, t.main.columns())
	} else {
		report.WriteText(t.out, style)
	}
	if t.short(report) {
		fmt.Fprintf(t.out, "transitions %.1f%% covered, %g%% wanted\n", report.Coverage.Transitions.Percent(), t.flags.coverMin)
	}
	return nil
}

// short says that too little is covered.
func (t *tester) short(report *rehearse.Report) bool {
	return report.Coverage.Transitions.Percent() < t.flags.coverMin
}

func (t *tester) html(report *rehearse.Report, project *flows.Project) error {
	if t.flags.out == "-" {
		return report.Coverage.WriteHTML(t.out, project)
	}
	var page bytes.Buffer
	if err := report.Coverage.WriteHTML(&page, project); err != nil {
		return err
	}
	if err := writeShared(t.flags.out, page.Bytes()); err != nil {
		return fmt.Errorf("write the coverage: %w", err)
	}
	return nil
}

// rewrite puts what was said into the bot: texts of failing tests, runs them
// again and goes on until nothing more can be mended that way.
func (t *tester) rewrite(root string, suite *rehearse.Suite, report *rehearse.Report) (*rehearse.Report, error) {
	files := suite.Project.Files
	total := 0
	for range maxRewrites {
		list := report.Rewrites()
		if len(list) == 0 {
			break
		}
		byFile := map[string][]rehearse.Rewrite{}
		for _, r := range list {
			byFile[r.File] = append(byFile[r.File], r)
			fmt.Fprintf(t.main.Err, "%s:%d: %q becomes %q\n", r.File, r.Line, r.Old, r.New)
		}
		for path, changes := range byFile {
			files.Data[path] = rehearse.Apply(files.Data[path], changes)
			if err := replaceFile(filepath.Join(root, path), files.Data[path]); err != nil {
				return nil, fmt.Errorf("rewrite the test file: %w", err)
			}
		}
		total += len(list)
		project, tests := flows.LoadTests(files, t.main.options(root, nil))
		if !project.OK() || !tests.OK() {
			return nil, fmt.Errorf("a rewritten test file does not read any more; please report it")
		}
		suite = t.suite(root, project, tests)
		report = suite.Run()
	}
	fmt.Fprintln(t.main.Err, count(total, "text")+" rewritten")
	return report, nil
}

// maxRewrites bounds how often tests are run again: a chat has so many
// messages at most that need another text.
const maxRewrites = 500

// replaceFile writes beside a file and moves it over, so that nobody ever
// reads half of it; the permissions stay.
func replaceFile(path string, data []byte) error {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".test-*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err = tmp.Write(data); err == nil {
		err = tmp.Chmod(mode)
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
