package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"dispatcher/flows"
	"dispatcher/flows/starter"
)

func (m *Main) init() *cobra.Command {
	var minimal, force bool
	cmd := &cobra.Command{
		Use: "init DIR", Short: "Start a project: a complete example shop, or twelve lines", Args: words(1, 1),
		Long: `Copies the starter project into DIR: a retailer's assistant that greets, sorts
the matter, collects the order number and hands over. It serves at once and is
meant to be changed. --minimal writes the twelve-line flow instead. The folder
.schema and the first line of each file tell an editor which keys there are.

A folder that is not empty is left alone unless --force is given; files with
other names in it stay.`,
		Example: "  dispatcher init shop && dispatcher serve shop",
		RunE: func(_ *cobra.Command, args []string) error {
			dir := args[0]
			if err := emptyDir(dir, force); err != nil {
				return err
			}
			n, err := m.copyProject(dir, minimal)
			if err != nil {
				return fmt.Errorf("write the project: %w", err)
			}
			fmt.Fprintf(m.Out, "%s in %s\n\n  dispatcher check %s    every problem, with its line\n  dispatcher chat %s     talk to it here\n  dispatcher serve %s    run it\n", count(n, "file"), dir, dir, dir, dir)
			return nil
		},
	}
	cmd.Flags().BoolVar(&minimal, "minimal", false, "the twelve-line flow only")
	cmd.Flags().BoolVar(&force, "force", false, "write into a folder that is not empty, over files of the same name")
	return cmd
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

// copyProject writes the starter project and returns how many files it wrote.
func (m *Main) copyProject(dir string, minimal bool) (int, error) {
	for _, kind := range flows.SchemaKinds() {
		if err := writeFile(filepath.Join(dir, schemaFolder, kind+".json"), flows.Schema(kind)); err != nil {
			return 0, err
		}
	}
	if minimal {
		return 1, writeFile(filepath.Join(dir, "flows", "hello.yaml"), withSchema("flows/hello.yaml", []byte(starter.Minimal)))
	}
	n := 0
	err := fs.WalkDir(starter.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(starter.FS, path)
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

// writeFile makes files that an editor and a repository may share; the
// program's umask is for data, not for sources.
func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.Chmod(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return err
	}
	return os.Chmod(path, 0o644)
}
