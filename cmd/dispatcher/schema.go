package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"dispatcher/flows"
	"dispatcher/internal/source"
)

func (m *Main) schema() *cobra.Command {
	return &cobra.Command{
		Use: "schema [project|flow|locale|test]", Short: "Print the JSON Schema of a kind of file, for editors", Args: words(0, 1),
		Long: `Prints the JSON Schema (2020-12) of dispatcher.yaml (project), of a flow file
(flow, also without an argument), of a file of translations (locale) or of a
file of tests (test). It comes from the same table as dispatcher check, so an
editor completes exactly the keys that check knows.

Exit code: 0, or 2 for a kind of file that there is not.`,
		Example: `  dispatcher schema flow > flow.schema.json
  # then, as the first line of a flow file:
  # yaml-language-server: $schema=../flow.schema.json`,
		ValidArgs: flows.SchemaKinds(),
		RunE: func(_ *cobra.Command, args []string) error {
			kind := "flow"
			if len(args) == 1 {
				kind = args[0]
			}
			if !slices.Contains(flows.SchemaKinds(), kind) {
				meant := ""
				if best, near := source.DidYouMean(kind, flows.SchemaKinds()); near {
					meant = "; did you mean " + best + "?"
				}
				return fmt.Errorf("there is no schema of %q: %s%s", kind, strings.Join(flows.SchemaKinds(), ", "), meant)
			}
			_, err := m.Out.Write(flows.Schema(kind))
			return err
		},
	}
}
