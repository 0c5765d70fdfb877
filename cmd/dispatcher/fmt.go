package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"dispatcher/flows"
	"dispatcher/internal/source"
)

// stdinName stands for a file that is read from standard input.
const stdinName = "-"

// formatting is one run of fmt.
type formatting struct {
	m      *Main
	check  bool
	diff   bool
	format string

	seen     map[string]bool // files by what their links lead to
	files    int
	changed  []string
	problems []source.Diagnostic
	sources  map[string][]byte // of the files with problems
}

func (m *Main) format() *cobra.Command {
	f := &formatting{m: m, seen: map[string]bool{}, sources: map[string][]byte{}}
	cmd := &cobra.Command{
		Use: "fmt [PROJECT|FILE…]", Short: "Put flow files into one order of keys and one indentation",
		Long: `Brings the keys of states, slots, options and every other map of the language
into the order in which the manual lists them, and indents by two spaces. What
a file means never changes: comments, blank lines and texts stay as they are
written, a comment moves with its key, and lists and maps with names of your own
(states, options, slots, translations) keep their order.

A file that is not readable (E00x) is left alone and said so. - reads one file
from standard input and writes it to standard output.

Exit code: 0 done, 1 a file is not readable, or --check found files that would
change, 2 could not run.`,
		Example: `  dispatcher fmt shop
  dispatcher fmt --check shop          lists files that would change, for CI
  dispatcher fmt --diff shop           shows what would change
  dispatcher fmt shop/flows/menu.yaml
  dispatcher fmt - < draft.yaml`,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := oneOf("format", f.format, "text", "json"); err != nil {
				return err
			}
			if f.diff && f.format == "json" {
				return errors.New("--diff is text; leave out --format json, or use --check --format json")
			}
			if len(args) == 0 {
				args = []string{"."}
			}
			return f.run(args)
		},
	}
	cmd.Flags().BoolVar(&f.check, "check", false, "write nothing; list the files that would change, exit 1 when there are any")
	cmd.Flags().BoolVar(&f.diff, "diff", false, "write nothing; show what would change")
	cmd.Flags().StringVar(&f.format, "format", "text", "text or json")
	return cmd
}

func (f *formatting) run(args []string) error {
	if slices.Contains(args, stdinName) {
		if len(args) > 1 {
			return errors.New("- reads standard input and stands alone; name files or -, not both")
		}
		return f.stdin()
	}
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case err == nil && !info.IsDir():
			err = f.file(arg)
		case errors.Is(err, fs.ErrNotExist) && isYAML(arg):
			err = fmt.Errorf("there is no file %s", arg)
		default:
			err = f.project(arg, len(args) > 1)
		}
		if err != nil {
			return err
		}
	}
	return f.report()
}

func isYAML(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// project formats every file of a project.
func (f *formatting) project(dir string, several bool) error {
	root, files, err := openFiles(dir)
	if err != nil {
		return err
	}
	paths := make([]string, 0, len(files.Data))
	for path := range files.Data {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		name := path
		if several {
			name = filepath.ToSlash(filepath.Join(dir, path))
		}
		if err := f.one(name, filepath.Join(root, filepath.FromSlash(path)), files.Data[path]); err != nil {
			return err
		}
	}
	return nil
}

func (f *formatting) file(path string) error {
	if !isYAML(path) {
		return fmt.Errorf("%s is not a .yaml file; name a project's folder or files of one", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return f.one(filepath.ToSlash(path), path, data)
}

// one formats one file; name is what it is called in what is printed.
func (f *formatting) one(name, path string, data []byte) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("format %s: %w", name, err)
	}
	if target, err = filepath.Abs(target); err != nil || f.seen[target] {
		return err
	}
	f.seen[target] = true
	f.files++
	after, err := flows.Format(name, data)
	if f.unreadable(name, data, err) || string(after) == string(data) {
		return nil
	}
	f.changed = append(f.changed, name)
	f.show(name, data, after)
	if f.check || f.diff {
		return nil
	}
	if err := replaceFile(target, after); err != nil {
		return fmt.Errorf("format %s: %w", name, err)
	}
	return nil
}

// unreadable notes why a file is left alone.
func (f *formatting) unreadable(name string, data []byte, err error) bool {
	var bad *flows.FormatError
	if !errors.As(err, &bad) {
		return false
	}
	f.problems = append(f.problems, bad.Diagnostics...)
	f.sources[name] = data
	return true
}

// show prints a file that changes: its name, or how.
func (f *formatting) show(name string, before, after []byte) {
	switch {
	case f.diff:
		fmt.Fprint(f.m.Out, painted(flows.TextDiff(name, before, after), f.m.color()))
	case f.format == "text":
		fmt.Fprintln(f.m.Out, name)
	}
}

// painted colours the lines that go red and those that come green.
func painted(diff string, color bool) string {
	if !color {
		return diff
	}
	var b strings.Builder
	for line := range strings.Lines(diff) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "---"), strings.HasPrefix(line, "+++"):
			line = "\x1b[1m" + line + "\x1b[0m"
		case strings.HasPrefix(line, "@@"):
			line = "\x1b[36m" + line + "\x1b[0m"
		case strings.HasPrefix(line, "-"):
			line = "\x1b[31m" + line + "\x1b[0m"
		case strings.HasPrefix(line, "+"):
			line = "\x1b[32m" + line + "\x1b[0m"
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// report says how it went: what is listed goes to standard output, what is said
// about it beside it.
func (f *formatting) report() error {
	if f.format == "json" {
		if err := json.NewEncoder(f.m.Out).Encode(struct {
			Version  int             `json:"version"`
			Files    int             `json:"files"`
			Changed  []string        `json:"changed"`
			Problems json.RawMessage `json:"problems"`
		}{1, f.files, append([]string{}, f.changed...), source.JSON(f.problems, f.sources)}); err != nil {
			return err
		}
	} else {
		if len(f.problems) > 0 {
			source.Text(f.m.Err, f.problems, f.sources, f.m.color())
			fmt.Fprintln(f.m.Err)
		}
		fmt.Fprintln(f.m.Err, f.summary())
	}
	if len(f.problems) > 0 || f.check && len(f.changed) > 0 {
		return errFindings
	}
	return nil
}

func (f *formatting) summary() string {
	n, would := len(f.changed), "formatted"
	if f.check || f.diff {
		would = "would change"
	}
	said := "all formatted"
	switch {
	case n > 0:
		said = fmt.Sprintf("%d %s", n, would)
	case len(f.sources) > 0:
		said = "nothing to format"
	}
	said = fmt.Sprintf("%s: %s", count(f.files, "file"), said)
	if n := len(f.sources); n > 0 {
		said += fmt.Sprintf(", %d left alone", n)
	}
	return said
}

// stdin formats what comes in and writes it out.
func (f *formatting) stdin() error {
	data, err := io.ReadAll(io.LimitReader(f.m.In, 2<<20))
	if err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	f.files = 1
	const name = "stdin"
	after, err := flows.Format(name, data)
	switch {
	case f.unreadable(name, data, err):
		return f.report()
	case !f.check && !f.diff && f.format == "text":
		_, err := f.m.Out.Write(after)
		return err
	case string(after) != string(data):
		f.changed = append(f.changed, name)
		f.show(name, data, after)
	}
	return f.report()
}
