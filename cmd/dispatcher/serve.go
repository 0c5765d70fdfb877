package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"dispatcher/flows"
	"dispatcher/internal/source"
)

// serveFlags is the command line of serve.
type serveFlags struct {
	exposure
	metrics   string
	data      string
	log       string
	strict    bool
	noBackup  bool
	debug     bool
	publicURL string
}

func (m *Main) serve() *cobra.Command {
	f := &serveFlags{}
	cmd := &cobra.Command{
		Use: "serve [PROJECT]", Short: "Run a project: replies, queues, console", Args: words(0, 1),
		Long: `Runs the project in a folder: answers its channels, serves the chat, the agents'
console and the API, and takes every good edit of a flow file at once.

Data goes to PROJECT/data unless --data says otherwise. The first start prints a
one-time link that makes the first account. Others than this machine can reach
the service only with TLS, or behind a proxy that is named.

SIGTERM drains: nothing new is accepted, what was accepted is finished. SIGHUP
looks at the flow files again.`,
		Example: `  dispatcher serve shop
  dispatcher serve --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem
  dispatcher serve shop --listen 0.0.0.0:8080 --behind-proxy 10.0.0.0/8`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return m.runServe(cmd.Context(), projectArg(args), f, cmd)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address and port")
	fs.StringVar(&f.metrics, "metrics-listen", "127.0.0.1:9090", "address of /metrics; off switches it off")
	fs.StringVar(&f.metrics, "metrics", "127.0.0.1:9090", "the same as --metrics-listen")
	fs.StringVar(&f.tlsCert, "tls-cert", "", "certificate file, PEM")
	fs.StringVar(&f.tlsKey, "tls-key", "", "private key file, PEM")
	fs.StringSliceVar(&f.proxies, "behind-proxy", nil, "network of the proxy in front whose headers are believed; repeatable")
	fs.StringVar(&f.publicURL, "public-url", "", "how customers reach this server, https://…")
	fs.StringVar(&f.data, "data", "", "data folder (default PROJECT/data)")
	fs.BoolVar(&f.strict, "strict", false, "refuse to start on a set with errors, even when an older good one is stored")
	fs.BoolVar(&f.noBackup, "no-migration-backup", false, "do not copy the database before its schema changes")
	fs.StringVar(&f.log, "log", "text", "text or json")
	fs.BoolVar(&f.debug, "debug", false, "log more")
	return cmd
}

func (m *Main) runServe(ctx context.Context, dir string, f *serveFlags, cmd *cobra.Command) error {
	if err := oneOf("log", f.log, "text", "json"); err != nil {
		return err
	}
	logger := m.logger(f)
	root, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	load := m.loader(root, nil)
	folder, err := m.folderProject(root, dir, load)
	if err != nil && (f.strict || !hasData(dataDir(root, f.data))) {
		return err
	}
	if folder != nil && !folder.OK() && (f.strict || !hasData(dataDir(root, f.data))) {
		if hasData(dataDir(root, f.data)) {
			return m.refuseStrictly(folder)
		}
		return m.refuseSet(folder)
	}
	if err := m.settings(folder, f, cmd); err != nil {
		return err
	}
	if err := f.settle(); err != nil {
		return err
	}
	if folder != nil && folder.OK() {
		if err := m.references(folder); err != nil {
			return err
		}
	}
	r := &running{m: m, flags: f, root: root, log: logger, load: load, folder: folder, folderErr: err}
	if err := r.open(ctx); err != nil {
		return errors.Join(err, r.close())
	}
	return r.run(ctx)
}

// folderProject reads and loads what the folder holds now.
func (m *Main) folderProject(root, shown string, load func(*flows.Files) *flows.Project) (*flows.Project, error) {
	_, files, err := openFiles(root)
	if err != nil {
		return nil, errors.New(shortenPath(err.Error(), root, shown))
	}
	return load(files), nil
}

// hasData says whether a good set may be stored there.
func hasData(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "dispatcher.db"))
	return err == nil
}

// refuseStrictly is refuseSet where an earlier set may be there to run.
func (m *Main) refuseStrictly(p *flows.Project) error {
	p.WriteText(m.Err, false)
	return errors.New("this project has errors and --strict refuses to start on it; mend the lines above, or start without --strict: then the last good set runs, if one is stored")
}

// refuseSet prints the diagnostics of a set that cannot be run.
func (m *Main) refuseSet(p *flows.Project) error {
	p.WriteText(m.Err, false)
	return errors.New("this project has errors and no earlier good set is stored; mend the lines above, then start again")
}

func (m *Main) logger(f *serveFlags) *slog.Logger {
	level := slog.LevelInfo
	if f.debug {
		level = slog.LevelDebug
	}
	if f.log == "json" {
		return slog.New(slog.NewJSONHandler(m.Out, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(newTerminalLog(m.Out, level, m.color()))
}

// noCore keeps what the process holds out of core files.
func noCore() {
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
}

// leastThreads is how many threads run Go code at the same time at least,
// however few cores there are (docs/decisions/0010).
const leastThreads = 4

// enoughThreads sets it.
func enoughThreads(getenv func(string) string) {
	now := runtime.GOMAXPROCS(0)
	if n := threads(getenv("GOMAXPROCS"), now); n != now {
		runtime.GOMAXPROCS(n)
	}
}

// threads is how many threads run Go code at the same time: as many as Go
// chose, and leastThreads at least, unless the operator has said a number.
func threads(said string, now int) int {
	if said != "" {
		return now
	}
	return max(now, leastThreads)
}

// unset lists the references that have no value on this machine: what is a
// warning for check is an error for serve.
func unset(p *flows.Project) []source.Diagnostic {
	var out []source.Diagnostic
	for _, d := range p.Diagnostics {
		if d.Code == "W132" {
			d.Code, d.Severity = "E130", source.Error
			d.Message = strings.Replace(d.Message, " on this machine", "", 1)
			out = append(out, d)
		}
	}
	return out
}

// references refuses a set whose channels or services name a value that this
// machine does not have (E130): running without it would fail in the middle of
// a conversation.
func (m *Main) references(p *flows.Project) error {
	missing := unset(p)
	if len(missing) == 0 {
		return nil
	}
	bad := *p
	bad.Diagnostics = missing
	bad.WriteText(m.Err, false)
	if len(missing) == 1 {
		return errors.New("1 reference has no value here; set it and start again")
	}
	return fmt.Errorf("%d references have no value here; set them and start again", len(missing))
}
