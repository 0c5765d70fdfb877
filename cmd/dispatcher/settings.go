package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"dispatcher/flows"
	"dispatcher/internal/source"
)

// settings fills what the command line left open from `server:` and
// `storage:` of dispatcher.yaml. A flag wins over its environment variable,
// that over the file, the file over the default.
func (m *Main) settings(p *flows.Project, f *serveFlags, cmd *cobra.Command) error {
	if p == nil {
		return nil
	}
	take := func(flag string, to *string, n *source.Node, key string) {
		if v := n.Pair(key); v != nil && v.Value.Kind == source.Scalar && !cmd.Flags().Changed(flag) {
			*to = v.Value.Text
		}
	}
	take("listen", &f.listen, p.Server, "listen")
	take("public-url", &f.publicURL, p.Server, "public_url")
	if tls := p.Server.Pair("tls"); tls != nil {
		take("tls-cert", &f.tlsCert, tls.Value, "cert")
		take("tls-key", &f.tlsKey, tls.Value, "key")
	}
	if dsn := p.Storage.Pair("dsn"); dsn != nil && dsn.Value.Text != "" {
		return fmt.Errorf("dispatcher.yaml:%d: this version keeps its data in SQLite only; take storage.dsn out", dsn.Value.Range.Line)
	}
	return nil
}

// durability is what the operator chose: full unless said otherwise.
func durability(p *flows.Project) (string, error) {
	if p == nil {
		return "full", nil
	}
	d := p.Storage.Pair("durability")
	if d == nil || d.Value.Text == "" {
		return "full", nil
	}
	switch d.Value.Text {
	case "full", "normal":
		return d.Value.Text, nil
	}
	return "", fmt.Errorf("dispatcher.yaml:%d: durability is full or normal, not %q", d.Value.Range.Line, d.Value.Text)
}

// shortenPath shows a folder as it was typed.
func shortenPath(text, full, typed string) string { return strings.ReplaceAll(text, full, typed) }
