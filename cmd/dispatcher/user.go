package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"dispatcher/server"
	"dispatcher/storage"
)

func (m *Main) user() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "People and their accounts, without a browser", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(m.userAdd())
	return cmd
}

func (m *Main) userAdd() *cobra.Command {
	var project, data, email, name, role string
	cmd := &cobra.Command{
		Use: "add", Short: "Make an account", Args: cobra.NoArgs,
		Long: `Makes an account in the project's data folder while the service is stopped. The
password is read from the first line of standard input, so that it is in no
history and no list of processes. While the service runs, people are added in
the console.`,
		Example: "  dispatcher user add --project shop --email ana@acme.example --name Ana --role admin < password.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			line, err := bufio.NewReader(m.In).ReadString('\n')
			if err != nil && line == "" {
				return errors.New("no password came on standard input")
			}
			o, err := m.openStore(cmd.Context(), storeOptions{dir: dataDir(project, data), durability: "full"})
			if errors.Is(err, storage.ErrLocked) {
				return fmt.Errorf("the service runs on this data: add people in the console, or stop it first")
			} else if err != nil {
				return err
			}
			u, err := server.AddUser(cmd.Context(), o.store, o.vault, m.Now, server.NewUser{Name: name, Email: email, Role: role, Password: strings.TrimRight(line, "\r\n")})
			var refused *server.Problem
			if errors.As(err, &refused) {
				err = errors.New(refusal(refused))
			}
			if err = errors.Join(err, o.store.Close()); err != nil {
				return err
			}
			fmt.Fprintf(m.Out, "%s can sign in as %s\n", u.Email, u.Role)
			return nil
		},
	}
	cmd.Flags().StringVar(&project, "project", ".", "project folder")
	cmd.Flags().StringVar(&data, "data", "", "data folder (default PROJECT/data)")
	cmd.Flags().StringVar(&email, "email", "", "e-mail to sign in with")
	cmd.Flags().StringVar(&name, "name", "", "name that customers and colleagues see")
	cmd.Flags().StringVar(&role, "role", "agent", "agent, lead, designer or admin")
	return cmd
}

// refusal is a problem as one line: each field with what is wrong with it.
func refusal(p *server.Problem) string {
	parts := make([]string, 0, len(p.Errors))
	for _, e := range p.Errors {
		parts = append(parts, strings.TrimPrefix(e.Location, "body.")+": "+e.Message)
	}
	if len(parts) == 0 {
		return p.Error()
	}
	return strings.Join(parts, "; ")
}
