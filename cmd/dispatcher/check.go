package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"dispatcher/flows"
	"dispatcher/internal/source"
)

func (m *Main) check() *cobra.Command {
	var format string
	var strict bool
	var kinds []string
	cmd := &cobra.Command{
		Use: "check [PROJECT]", Short: "Find every problem in a project, with file, line and remedy", Args: cobra.MaximumNArgs(1),
		Long: `Reads the whole project and reports everything that is wrong at once, each with
its file, line and column, the words it is about and how to mend it. The running
service uses the same check before it takes an edit.

Exit code: 0 no errors (warnings allowed), 1 errors, 2 could not run.`,
		Example: `  dispatcher check shop
  dispatcher check shop --format json
  dispatcher check shop --warnings-as-errors`,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := oneOf("format", format, "text", "json"); err != nil {
				return err
			}
			root, files, err := openFiles(projectArg(args))
			if err != nil {
				return err
			}
			project := m.loader(root, kinds)(files)
			if format == "json" {
				fmt.Fprintf(m.Out, "%s\n", project.JSON())
			} else {
				project.WriteText(m.Out, m.color())
			}
			if !project.OK() || strict && warnings(project) > 0 {
				return errFindings
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	cmd.Flags().BoolVar(&strict, "warnings-as-errors", false, "exit 1 when there are warnings")
	cmd.Flags().StringArrayVar(&kinds, "channel", nil, "check only the limits of this kind of channel; repeatable")
	return cmd
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
