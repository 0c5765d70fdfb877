package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// Exit codes of every verb.
const (
	exitOK       = 0
	exitFindings = 1
	exitFailed   = 2
)

// findings ends a verb with exit code 1 after it has said everything itself.
var errFindings = errors.New("findings")

// Run runs one command line and returns its exit code.
func (m *Main) Run(ctx context.Context, args []string) int {
	out := &sink{to: m.Out}
	if !m.Terminal {
		on := *m
		on.Out = out
		m = &on
	}
	root := m.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case out.err != nil && (err == nil || errors.Is(err, errFindings)):
		err = out.err
	case err == nil:
		return exitOK
	case errors.Is(err, errFindings):
		return exitFindings
	}
	fmt.Fprintf(m.Err, "dispatcher: %s\n", err)
	return exitFailed
}

func (m *Main) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "dispatcher",
		Short: "The first reply to your customers' direct messages",
		Long: `Dispatcher answers direct messages first: it greets, offers quick replies, works
out what the matter is, collects the order number and hands over to a person
with everything on one card. A conversation is a state machine in a small file;
saving the file changes the running service.`,
		Example: `  dispatcher init shop          a complete example project in ./shop
  dispatcher check shop         every problem, with file, line and remedy
  dispatcher chat shop          talk to it here
  dispatcher serve shop         run it, with chat and agent console`,
		SilenceErrors: true, SilenceUsage: true,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(m.In)
	root.SetOut(m.Out)
	root.SetErr(m.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		said, _, _ := strings.Cut(err.Error(), ": strconv.")
		return fmt.Errorf("%s; see %s --help", said, cmd.CommandPath())
	})
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 80"))
	root.CompletionOptions.HiddenDefaultCmd = false
	for _, verb := range []*cobra.Command{m.serve(), m.check(), m.test(), m.schema(), m.plan(), m.explain(), m.replay(), m.graph(), m.format(), m.chat(), m.i18n(), m.lsp(), m.init(), m.user(), m.version(), m.healthcheck()} {
		documentEnv(verb)
		root.AddCommand(verb)
	}
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return m.fromEnv(cmd) }
	return root
}

// noArgs refuses words that are no verb, with the one that was perhaps meant.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !cmd.HasSubCommands() {
		return fmt.Errorf("%s takes no %q; see %[1]s --help", cmd.CommandPath(), args[0])
	}
	var near []string
	for cmd.SuggestionsMinimumDistance = 1; len(near) == 0 && cmd.SuggestionsMinimumDistance <= 2; cmd.SuggestionsMinimumDistance++ {
		near = cmd.SuggestionsFor(args[0])
	}
	meant := ""
	if len(near) > 0 {
		meant = fmt.Sprintf("did you mean %s? ", strings.Join(near, " or "))
	}
	return fmt.Errorf("unknown command %q; %ssee %s --help", args[0], meant, cmd.CommandPath())
}

// words lets a command have as many words as its usage shows.
func words(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return fmt.Errorf("%s needs %s; see %[1]s --help", cmd.CommandPath(), strings.Fields(cmd.Use)[1+len(args)])
		case len(args) > most:
			return fmt.Errorf("%s takes no %q after %q; see %[1]s --help", cmd.CommandPath(), args[most], args[most-1])
		}
		return nil
	}
}

// envName is the environment variable of a flag: --tls-cert is DISPATCHER_TLS_CERT.
func envName(flag string) string {
	return "DISPATCHER_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// documentEnv names the variable of every flag in its help.
func documentEnv(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) { f.Usage += " [$" + envName(f.Name) + "]" })
	for _, sub := range cmd.Commands() {
		documentEnv(sub)
	}
}

// fromEnv fills every flag that was not given from its environment variable.
func (m *Main) fromEnv(cmd *cobra.Command) error {
	var bad error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		value := m.Getenv(envName(f.Name))
		if bad != nil || f.Changed || value == "" || f.Name == "help" {
			return
		}
		if err := cmd.Flags().Set(f.Name, value); err != nil {
			bad = fmt.Errorf("%s: %w", envName(f.Name), err)
		}
	})
	return bad
}

// projectArg is the one optional argument of most verbs.
func projectArg(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

func oneOf(name, value string, allowed ...string) error {
	for _, a := range allowed {
		if a == value {
			return nil
		}
	}
	return fmt.Errorf("--%s is %q; it takes %s", name, value, strings.Join(allowed, " or "))
}

// color says whether terminal colours are welcome.
func (m *Main) color() bool { return m.Terminal && m.Getenv("NO_COLOR") == "" }

// columns is how wide the terminal is, else what COLUMNS says; 80 where nobody
// can tell.
func (m *Main) columns() int {
	if f, ok := m.Out.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	if width, err := strconv.Atoi(m.Getenv("COLUMNS")); err == nil && width > 0 {
		return width
	}
	return 80
}
