package main

import (
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
	"dispatcher/flows/cookbook"
	"dispatcher/flows/starter"
	"dispatcher/internal/source"
)

func (m *Main) init() *cobra.Command {
	var template string
	var minimal, force bool
	cmd := &cobra.Command{
		Use: "init DIR", Short: "Start a project: a complete shop, or one of a dozen recipes", Args: words(0, 1),
		Long: `Copies a project into DIR that serves at once and is meant to be changed.
Without --template that is the starter: a retailer's assistant that greets,
sorts the matter, collects the order number and hands over. --minimal is short
for --template minimal. The folder .schema and the first line of each file tell
an editor which keys there are.

` + templateList() + `
Each comes with the conversations that test it; the first lines of its
dispatcher.yaml say what to change first.

A folder that is not empty is left alone unless --force is given; files with
other names in it stay.`,
		Example: `  dispatcher init shop && dispatcher serve shop
  dispatcher init parcels --template order-status && dispatcher test parcels
  dispatcher init --template list`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if template == "list" {
				_, err := io.WriteString(m.Out, templateList())
				return err
			}
			if len(args) == 0 {
				return words(1, 1)(cmd, args)
			}
			name, err := chosenTemplate(template, minimal)
			if err != nil {
				return err
			}
			return m.startProject(args[0], name, force)
		},
	}
	cmd.Flags().StringVar(&template, "template", "", "which project to copy, a `NAME` of the list above;\n\"list\" shows the list alone")
	cmd.Flags().BoolVar(&minimal, "minimal", false, "the twelve-line flow only")
	cmd.Flags().BoolVar(&force, "force", false, "write into a folder that is not empty, over files of the same name")
	_ = cmd.RegisterFlagCompletionFunc("template", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var out []string
		for _, t := range templates() {
			out = append(out, cobra.CompletionWithDesc(t.Name, t.What))
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}) // fails only for a flag that is not there
	return cmd
}

// starterTemplate is what init copies when it is told nothing.
const starterTemplate, minimalTemplate = "starter", "minimal"

// templates are all projects that init can copy, with a line each.
func templates() []cookbook.Recipe {
	return append([]cookbook.Recipe{
		{Name: starterTemplate, What: "a retailer's whole first reply: sorts, asks, hands over"},
		{Name: minimalTemplate, What: "the smallest project: one flow of twelve lines"},
	}, cookbook.Recipes()...)
}

func templateList() string {
	var out strings.Builder
	out.WriteString("Templates:\n")
	for _, t := range templates() {
		fmt.Fprintf(&out, "  %-16s %s\n", t.Name, t.What)
	}
	return out.String()
}

// chosenTemplate is the name that the flags of init mean.
func chosenTemplate(name string, minimal bool) (string, error) {
	switch {
	case minimal && name != "":
		return "", fmt.Errorf("--minimal and --template %s are two projects; leave one of them out", name)
	case minimal:
		return minimalTemplate, nil
	case name == "":
		return starterTemplate, nil
	}
	var names []string
	for _, t := range templates() {
		names = append(names, t.Name)
	}
	if slices.Contains(names, name) {
		return name, nil
	}
	meant := ""
	if best, ok := source.DidYouMean(name, names); ok {
		meant = "; did you mean " + best + "?"
	}
	return "", fmt.Errorf("there is no template %q%s\n%s", name, meant, strings.TrimRight(templateList(), "\n"))
}

// startProject copies a template and says how to go on.
func (m *Main) startProject(dir, template string, force bool) error {
	if dir == "" {
		return errors.New("DIR is empty; name a new folder, or . for this one")
	}
	if err := emptyDir(dir, force); err != nil {
		return err
	}
	n, err := copyProject(dir, template)
	if err != nil {
		return fmt.Errorf("write the project: %w", err)
	}
	fmt.Fprintf(m.Out, "%s in %s\n\n  dispatcher check %s    every problem, with its line\n  dispatcher chat %s     talk to it here\n  dispatcher serve %s    run it\n", count(n, "file"), dir, dir, dir, dir)
	return nil
}

func emptyDir(dir string, force bool) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0 && !force:
		return fmt.Errorf("%s is not empty; choose a new folder, or add --force to write into it", dir)
	}
	return nil
}

// copyProject writes a template and returns how many files it has.
func copyProject(dir, template string) (int, error) {
	for _, kind := range flows.SchemaKinds() {
		if err := writeFile(filepath.Join(dir, schemaFolder, kind+".json"), flows.Schema(kind)); err != nil {
			return 0, err
		}
	}
	var project fs.FS = starter.FS
	switch template {
	case starterTemplate:
	case minimalTemplate:
		return 1, writeFile(filepath.Join(dir, "flows", "hello.yaml"), withSchema("flows/hello.yaml", []byte(starter.Minimal)))
	default:
		var err error
		if project, err = cookbook.Project(template); err != nil {
			return 0, err
		}
	}
	n := 0
	err := fs.WalkDir(project, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(project, path)
		if err != nil {
			return err
		}
		n++
		return writeFile(filepath.Join(dir, filepath.FromSlash(path)), withSchema(path, data))
	})
	return n, err
}

// schemaFolder holds the JSON Schemas of a project for editors; no part of the
// program reads it.
const schemaFolder = ".schema"

// withSchema tells an editor, in the first line of a file, what may stand in it.
func withSchema(path string, data []byte) []byte {
	kind := "flow"
	switch {
	case path == "dispatcher.yaml":
		kind = "project"
	case strings.HasPrefix(path, "flows/tests/"):
		kind = "test"
	case strings.HasPrefix(path, "flows/locales/"):
		kind = "locale"
	}
	up := strings.Repeat("../", strings.Count(path, "/"))
	return append([]byte("# yaml-language-server: $schema="+up+schemaFolder+"/"+kind+".json\n"), data...)
}

// writeFile makes files that an editor and a repository may share, with the
// folders that are missing; the program's umask is for data, not for sources.
func writeFile(path string, data []byte) error {
	if err := sharedFolder(filepath.Dir(path)); err != nil {
		return err
	}
	return writeShared(path, data)
}

// sharedFolder makes a folder of sources.
func sharedFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}

// writeShared writes a file for others to read, such as a picture; one that is
// there keeps its permissions.
func writeShared(path string, data []byte) error {
	_, err := os.Stat(path)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return os.Chmod(path, 0o644)
	}
	return nil
}
