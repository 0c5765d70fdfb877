package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dispatcher/flows/graph"
	"dispatcher/inbox"
)

// graphFlags is the command line of graph.
type graphFlags struct {
	out, traffic string
	cover        bool
	whose
}

func (m *Main) graph() *cobra.Command {
	f := &graphFlags{}
	cmd := &cobra.Command{
		Use: "graph [PROJECT] [FLOW]", Short: "Draw a flow, or the whole project, as a picture or as text", Args: words(0, 2),
		Long: `Draws states as boxes and the ways between them as edges with labels: of one
flow, or without FLOW of every flow of the project, each in a frame. What asks
a question is marked, a handoff, an end and a return have a sign of their own,
and edges into other flows are dashed. Built-in edges (a person at any time,
silence without a rule of yours) are left out. The same files give the same
bytes, so a picture may be kept beside them.

Without -o the graph is printed as Mermaid, which code hosts and wikis draw.
With -o the ending of the file says what is written: .svg is a picture, light
or dark as the reader's screen, .dot is for Graphviz, .mmd is Mermaid.

--cover runs flows/tests/*.test.yaml and paints states and edges: green is gone
through, red and dotted is not; the number at an edge says how often.
--traffic paints how often customers took each way: the more, the wider. Fewer
than 5 times is shown as few.

Exit code: 0 drawn, 1 the project has errors and what is sound was drawn,
2 could not run.`,
		Example: `  dispatcher graph shop
  dispatcher graph shop welcome
  dispatcher graph shop welcome -o welcome.svg
  dispatcher graph shop welcome --cover -o cover.svg
  dispatcher graph shop --traffic 7d --server https://acme.example -o busy.svg
  dispatcher graph shop -o shop.dot`,
		RunE: func(cmd *cobra.Command, args []string) error { return m.runGraph(cmd.Context(), args, f) },
	}
	cmd.Flags().BoolVar(&f.cover, "cover", false, "run the project's tests and paint what they went through, and how often")
	cmd.Flags().StringVar(&f.traffic, "traffic", "", "paint how often customers took each way since then: 24h, 7d or a date")
	cmd.Flags().StringVar(&f.server, "server", "", "with --traffic: address of the service; its token is in DISPATCHER_TOKEN")
	cmd.Flags().StringVar(&f.data, "data", "", "with --traffic: data folder of the service (default PROJECT/data)")
	cmd.Flags().StringVarP(&f.out, "output", "o", "", "file to write; its ending .svg, .dot or .mmd says what")
	return cmd
}

// check refuses what does not go together.
func (f *graphFlags) check(now time.Time) error {
	switch {
	case f.cover && f.traffic != "":
		return errors.New("--cover and --traffic are two pictures; ask for one of them")
	case f.traffic == "" && f.server != "":
		return errors.New("--server says whose traffic is painted; write --traffic 7d --server " + f.server)
	case f.traffic == "" && f.data != "":
		return errors.New("--data says whose traffic is painted; write --traffic 7d --data " + f.data)
	case f.traffic == "":
		return nil
	}
	since, err := inbox.ReadSince(f.traffic, now)
	if err != nil {
		return fmt.Errorf("--traffic: %w", err)
	}
	if since.After(now) {
		return fmt.Errorf("--traffic %s lies ahead; nothing has been said there yet", f.traffic)
	}
	return nil
}

// format is what -o asks for.
func (f *graphFlags) format() (string, error) {
	if f.out == "" {
		return ".mmd", nil
	}
	switch ext := strings.ToLower(filepath.Ext(f.out)); ext {
	case ".svg", ".dot", ".mmd":
		return ext, nil
	case "":
		return "", fmt.Errorf("-o %s has no ending that says what to write; end it in .svg, .dot or .mmd", f.out)
	default:
		return "", fmt.Errorf("-o %s: graph does not write %s; end it in .svg, .dot or .mmd", f.out, ext)
	}
}

func (m *Main) runGraph(ctx context.Context, args []string, f *graphFlags) error {
	format, err := f.format()
	if err == nil {
		err = f.check(m.Now())
	}
	if err != nil {
		return err
	}
	dir, flow := projectArg(args), ""
	if len(args) > 1 {
		if flow = args[1]; flow == "" {
			return fmt.Errorf("the name of the flow is empty; leave it out to draw the whole project")
		}
	}
	root, files, err := openFiles(dir)
	if err != nil {
		return m.orFlow(err, args)
	}
	project := m.loader(root, nil)(files)
	g, err := graph.New(project, flow)
	if err != nil {
		if !project.OK() {
			project.WriteText(m.Err, false)
		}
		return err
	}
	said := ""
	switch {
	case f.cover:
		var o *graph.Overlay
		o, said = m.covered(root, files)
		g.Paint(o)
	case f.traffic != "":
		f.project = root
		o, err := m.trafficOf(ctx, f, g.Flows())
		if err != nil {
			return err
		}
		g.Paint(o)
	}
	if err := m.writeGraph(g, f.out, format); err != nil {
		return err
	}
	if said != "" {
		fmt.Fprintln(m.Err, said)
	}
	if g.Errors() > 0 {
		project.WriteText(m.Err, false)
		fmt.Fprintln(m.Err, "what is sound was drawn")
		return errFindings
	}
	return nil
}

// orFlow says what was perhaps meant when the only word names no folder but a
// flow of this one.
func (m *Main) orFlow(err error, args []string) error {
	if len(args) != 1 {
		return err
	}
	root, files, here := openFiles(".")
	if here != nil {
		return err
	}
	if f, _ := m.loader(root, nil)(files).Outline().Find(args[0]); f != nil {
		return fmt.Errorf("there is no folder %s; the flow of that name is drawn by: dispatcher graph . %[1]s", args[0])
	}
	return err
}

func (m *Main) writeGraph(g *graph.Graph, path, format string) error {
	var data []byte
	switch format {
	case ".svg":
		data = g.SVG()
	case ".dot":
		data = g.DOT()
	default:
		data = g.Mermaid()
	}
	if path == "" {
		_, err := m.Out.Write(data)
		return err
	}
	if err := writeShared(path, data); err != nil {
		return fmt.Errorf("write the graph: %w", err)
	}
	return nil
}
