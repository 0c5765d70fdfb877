package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"dispatcher/server"
	"dispatcher/storage"
)

func (m *Main) user() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "People and their accounts, without a browser", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(m.userAdd(), m.userList(), m.userPassword())
	return cmd
}

func (m *Main) userAdd() *cobra.Command {
	var at accounts
	var email, name, role string
	cmd := &cobra.Command{
		Use: "add", Short: "Make an account", Args: noArgs,
		Long: `Makes an account in the project's data folder while the service is stopped. The
password is read from the first line of standard input, so that it is in no
history and no list of processes. While the service runs, people are added in
the console.`,
		Example: "  dispatcher user add --project shop --email ana@acme.example \\\n    --name Ana --role admin < password.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			password, err := m.password()
			if err != nil {
				return err
			}
			return m.onAccounts(cmd.Context(), at, "add people in the console, or stop it first", func(o *opened) error {
				u, err := server.AddUser(cmd.Context(), o.store, o.vault, m.Now, server.NewUser{Name: name, Email: email, Role: role, Password: password})
				if err != nil {
					return err
				}
				fmt.Fprintf(m.Out, "%s can sign in as %s\n", u.Email, u.Role)
				return nil
			})
		},
	}
	at.flags(cmd)
	cmd.Flags().StringVar(&email, "email", "", "e-mail to sign in with")
	cmd.Flags().StringVar(&name, "name", "", "name that customers and colleagues see")
	cmd.Flags().StringVar(&role, "role", "agent", "agent, lead, designer or admin")
	return cmd
}

func (m *Main) userPassword() *cobra.Command {
	var at accounts
	var email string
	cmd := &cobra.Command{
		Use: "password", Short: "Set a new password", Args: noArgs,
		Long: `Sets a new password for an account while the service is stopped: the way back in
when a password is forgotten. It is read from the first line of standard input.
Every session of that person ends; a second factor stays as it is.`,
		Example: "  dispatcher user password --project shop --email ana@acme.example \\\n    < password.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			password, err := m.password()
			if err != nil {
				return err
			}
			return m.onAccounts(cmd.Context(), at, "stop it first", func(o *opened) error {
				u, err := server.SetPassword(cmd.Context(), o.store, o.vault, m.Now, email, password)
				if errors.Is(err, server.ErrNoAccount) {
					return fmt.Errorf("%w: %q; dispatcher user list shows who has one", err, email)
				} else if err != nil {
					return err
				}
				fmt.Fprintf(m.Out, "%s has a new password and is signed out everywhere\n", u.Email)
				return nil
			})
		},
	}
	at.flags(cmd)
	cmd.Flags().StringVar(&email, "email", "", "e-mail of the account")
	return cmd
}

func (m *Main) userList() *cobra.Command {
	var at accounts
	cmd := &cobra.Command{
		Use: "list", Short: "Who has an account", Args: noArgs,
		Long:    "Lists the accounts in the project's data folder while the service is stopped,\nthe oldest first.",
		Example: "  dispatcher user list --project shop",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return m.onAccounts(cmd.Context(), at, "see the people in the console, or stop it first", func(o *opened) error {
				list, err := server.ListUsers(cmd.Context(), o.store, o.vault)
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(m.Out, 0, 0, 2, ' ', 0)
				for _, u := range list {
					state := ""
					if u.Disabled {
						state = "disabled"
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", u.Email, u.Role, u.Name, state)
				}
				return w.Flush()
			})
		},
	}
	at.flags(cmd)
	return cmd
}

// accounts says whose data a verb on accounts works on.
type accounts struct{ project, data string }

func (a *accounts) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.project, "project", ".", "project folder")
	cmd.Flags().StringVar(&a.data, "data", "", "data folder (default PROJECT/data)")
}

// password reads the first line of standard input.
func (m *Main) password() (string, error) {
	line, err := bufio.NewReader(m.In).ReadString('\n')
	if err != nil && line == "" {
		return "", errors.New("no password came on standard input")
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// onAccounts does work on the accounts of a stopped service; instead says what
// to do while it runs.
func (m *Main) onAccounts(ctx context.Context, at accounts, instead string, work func(*opened) error) error {
	o, err := m.openStore(ctx, storeOptions{dir: dataDir(at.project, at.data), durability: "full"})
	if errors.Is(err, storage.ErrLocked) {
		return fmt.Errorf("the service runs on this data: %s", instead)
	} else if err != nil {
		return err
	}
	err = work(o)
	var refused *server.Problem
	if errors.As(err, &refused) {
		err = errors.New(refusal(refused))
	}
	return errors.Join(err, o.store.Close())
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
