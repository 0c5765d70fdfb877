package main

import (
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"dispatcher/flows"
	"dispatcher/flows/lsp"
	"dispatcher/flows/watch"
)

func (m *Main) lsp() *cobra.Command {
	var stdio bool
	cmd := &cobra.Command{
		Use: "lsp", Short: "Help an editor with flow files while you type", Args: noArgs,
		Long: `Speaks the Language Server Protocol 3.17 on standard input and output. An
editor starts it by itself; there is nothing to see when you start it by hand.
While you type, before anything is saved, it shows in every file of the project
what dispatcher check would say, and it offers:

  completion   keys with what they mean, states, flows, slots, queues,
               functions, fields after a dot, also inside {{ }}
  hover        what a key, state, slot, queue or function is; the long help
               of a problem
  definition, references, outline, and rename across flows, tests and
  translations
  quick fixes  the repairs of dispatcher check --fix
  formatting   as dispatcher fmt

Tell the editor to run "dispatcher lsp" for YAML files in a folder that holds
dispatcher.yaml or flows/. How, for VS Code, Neovim and Helix:
docs/designers/editors.md.

Exit code: 0 when the editor said shutdown and exit, 1 when it went away
without, 2 for a flag that there is not.`,
		Example: `  # Neovim, in init.lua:
  #   vim.lsp.start({name = "dispatcher", cmd = {"dispatcher", "lsp"}})
  # Helix, in languages.toml:
  #   [language-server.dispatcher]
  #   command = "dispatcher"
  #   args = ["lsp"]
  dispatcher lsp < /dev/null`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			code := lsp.Serve(cmd.Context(), m.In, unclosed{m.Out}, lsp.Config{
				Version: version,
				Open:    func(root string) fs.FS { return watch.Dir(root) },
				Options: func(root string) flows.Options { return m.options(root, nil) },
			})
			if code != exitOK {
				return errFindings
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&stdio, "stdio", false, "on standard input and output, which it always is; editors like to say so")
	return cmd
}

// unclosed is a stream that belongs to somebody else.
type unclosed struct{ io.Writer }

// Close leaves it open.
func (unclosed) Close() error { return nil }
