package main

import (
	"encoding/json"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"dispatcher/storage/sqlite"
)

// version of this build; a release sets it with -ldflags.
var version = "0.1.0"

// languageVersion is the version of the flow language this program reads.
const languageVersion = 1

func (m *Main) version() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "version", Short: "Print what this program is", Args: noArgs,
		Long: `Prints the build, the version of the database schema and the version of the
flow language.`,
		RunE: func(*cobra.Command, []string) error {
			if err := oneOf("format", format, "text", "json"); err != nil {
				return err
			}
			revision := buildRevision()
			if format == "json" {
				return json.NewEncoder(m.Out).Encode(map[string]any{"version": 1, "dispatcher": version,
					"revision": revision, "schema": sqlite.SchemaVersion(), "language": languageVersion})
			}
			fmt.Fprintf(m.Out, "dispatcher %s  schema %d  language %d", version, sqlite.SchemaVersion(), languageVersion)
			if revision != "" {
				fmt.Fprintf(m.Out, "  revision %.12s", revision)
			}
			fmt.Fprintln(m.Out)
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

func buildRevision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}
