package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dispatcher/desk"
	"dispatcher/engine"
	"dispatcher/flows"
	"dispatcher/flows/watch"
	"dispatcher/inbox"
	"dispatcher/internal/source"
	"dispatcher/server"
	"dispatcher/storage"
)

// running is one service from its first lock to its last sync. Fields are in
// the order in which they come to life; close undoes them backwards.
type running struct {
	m         *Main
	flags     *serveFlags
	root      string
	log       *slog.Logger
	load      func(*flows.Files) *flows.Project
	folder    *flows.Project // what the folder held at start; nil: unreadable
	folderErr error

	listener  net.Listener
	data      *opened
	live      *flows.Project
	metrics   *prometheus.Registry
	inbox     *inbox.Service
	publisher *publisher
	desk      *desk.Service
	watch     *watch.Watcher
	server    *server.Server
	setup     string
	setupEnd  time.Time
}

// open does everything that can fail before anything is answered.
func (r *running) open(ctx context.Context) (err error) {
	noCore()
	enoughThreads(r.m.Getenv)
	if r.listener, err = r.flags.open(); err != nil {
		return err
	}
	durable, err := durability(r.folder)
	if err != nil {
		return err
	}
	r.data, err = r.m.openStore(ctx, storeOptions{dir: dataDir(r.root, r.flags.data), durability: durable, backup: !r.flags.noBackup, log: r.log})
	if err != nil {
		return err
	}
	r.metrics = prometheus.NewRegistry()
	r.inbox, err = inbox.New(inbox.Config{
		Store: r.data.store, Vault: r.data.vault, Logger: r.log, Registerer: r.metrics, Now: r.m.Now,
		MediaDir: filepath.Join(r.data.dir, "media"), PublicURL: r.publicURL(), Loopback: r.flags.loopback,
		Openers: channelKinds, Secret: r.m.secrets(r.root, false), CapsOf: capsOf, Failpoint: r.m.failpoint(),
		Load: r.m.loader(r.root, nil),
	})
	if err != nil {
		return err
	}
	r.publisher = &publisher{m: r.m, root: r.root, inbox: r.inbox, swap: r.inbox.SwitchLive}
	if err := r.chooseSet(ctx); err != nil {
		return err
	}
	return r.assemble(ctx)
}

// chooseSet makes the folder's set live, the stored one where the folder's has
// to wait, or the last good one when the folder's is broken.
func (r *running) chooseSet(ctx context.Context) (err error) {
	if r.live = r.folder; r.folder != nil && r.folder.OK() {
		if r.live, err = r.publisher.chosen(ctx, r.folder); err != nil {
			return err
		}
	}
	if r.folder == nil || !r.folder.OK() {
		files, err := r.inbox.LastGood(ctx)
		if errors.Is(err, storage.ErrNotFound) && r.folder != nil {
			return r.m.refuseSet(r.folder)
		} else if err != nil {
			return errors.Join(r.folderErr, err)
		}
		if r.live = r.load(files); !r.live.OK() {
			return r.m.refuseSet(r.live)
		}
		r.sayLastGood()
	}
	if err := r.inbox.SetLiveBy(ctx, r.live, watch.ByStart); err != nil {
		return fmt.Errorf("make the flows live: %w", err)
	}
	return nil
}

func (r *running) sayLastGood() {
	if r.folder == nil {
		r.log.Error("the flow folder cannot be read; running the last good set instead", "set", short(r.live.SetID), "error", r.folderErr.Error())
		return
	}
	r.log.Error("the flow folder has errors; running the last good set instead", "set", short(r.live.SetID), "problems", problemText(r.folder))
}

// assemble joins desk, watcher and server to the inbox.
func (r *running) assemble(ctx context.Context) (err error) {
	r.desk = desk.New(desk.Config{
		Inbox: r.inbox, Store: r.data.store, Vault: r.data.vault, Logger: r.log, Registerer: r.metrics, Now: r.m.Now,
		People: func(ctx context.Context) ([]desk.Person, error) { return r.server.People(ctx) },
	})
	publishing, err := r.publisher.publishing(ctx)
	if err != nil {
		return err
	}
	r.watch = watch.New(watch.Config{
		Root: r.root, Name: filepath.Base(r.root), Load: r.loadWithReferences, Live: r.inbox.SetLiveBy, Logger: r.log, Now: r.m.Now,
		Publishing: publishing,
		Reloaded: func(result string, took time.Duration) {
			r.server.FlowsReloaded(result, took)
			r.warnOfPages(result)
			st := r.watch.Status()
			r.server.FlowsLive(st.LastGood, st.OK)
			r.inbox.Bus().Publish("flows", inbox.Hint{Kind: "flows.changed"})
		},
	}, r.live, r.folder)
	r.server, err = server.New(server.Config{
		Inbox: r.inbox, Desk: r.desk, Store: r.data.store, Vault: r.data.vault, Watch: r.watch, Project: r.inbox.Live,
		Logger: r.log, Registerer: r.metrics, Gatherer: r.metrics, Listen: r.listener.Addr().String(), Loopback: r.flags.loopback,
		TLS: r.flags.tls != nil, PublicURL: r.publicURL(), TrustedProxies: r.flags.trusted, Version: version, Now: r.m.Now,
		DataDir: r.data.dir, KeyPlace: r.data.key.Where,
	})
	if err != nil {
		return err
	}
	if r.watch.Status().Folder.State == watch.Good {
		r.watch.Reload(ctx) // what waits is known before anything is answered
	}
	st := r.watch.Status()
	r.server.FlowsLive(st.LastGood, st.OK)
	r.setup, r.setupEnd, err = r.server.SetupLink(ctx)
	return err
}

// loadWithReferences is the load of a running service: a set that names a
// value this machine lacks is refused like any other mistake.
func (r *running) loadWithReferences(f *flows.Files) *flows.Project {
	p := r.load(f)
	if p.OK() {
		if missing := unset(p); len(missing) > 0 {
			p.Set = nil // refused like any other mistake; the sources stay for the excerpt
			p.Diagnostics = append(missing, p.Diagnostics...)
			source.Sort(p.Diagnostics)
		}
	}
	return p
}

// warnOfPages says in the log that a set which has just gone live sends
// customers to pages they cannot reach.
func (r *running) warnOfPages(result string) {
	if w := r.unreachable(r.inbox.Live()); result == "ok" && w != "" {
		r.log.Warn(w)
	}
}

// unreachable says, where flows send customers to pages of this server, that
// nobody outside knows its address; "" where all is well.
func (r *running) unreachable(p *flows.Project) string {
	if r.flags.publicURL != "" || r.flags.loopback && len(r.flags.trusted) == 0 || p == nil || p.Set == nil {
		return ""
	}
	for _, flow := range p.Set.FlowOrder {
		f := p.Set.Flows[flow]
		for _, name := range f.StateOrder {
			switch st := f.States[name]; {
			case st.Form != nil:
				return flow + "." + name + " has a form, and its link leads nowhere for customers: say how they reach this server with --public-url https://…"
			case st.Verify != nil && st.Verify.By != engine.VerifyCode:
				return flow + "." + name + " verifies by link, and nobody outside knows this server's address: say it with --public-url https://…"
			}
		}
	}
	return ""
}

func (r *running) publicURL() string {
	if r.flags.publicURL != "" {
		return r.flags.publicURL
	}
	if r.flags.loopback {
		return r.flags.url(r.listener.Addr())
	}
	return ""
}

// run answers until ctx ends, then drains.
func (r *running) run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	if err := r.inbox.Start(work); err != nil {
		stop()
		return errors.Join(err, r.close())
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.watch.Run(work) })
	wg.Go(func() { r.server.Start(work) })
	wg.Go(func() { onHangup(work, r.watch.Kick) })
	wg.Go(func() { r.upkeep(work) })
	metrics := r.serveMetrics()
	local := r.serveLocal()
	web := r.server.NewHTTPServer(r.listener.Addr().String())
	web.TLSConfig = r.flags.tls
	failed := make(chan error, 1)
	wg.Go(func() {
		var err error
		if r.flags.tls != nil {
			err = web.ServeTLS(r.listener, "", "")
		} else {
			err = web.Serve(r.listener)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	})
	r.banner()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	return errors.Join(err, r.drain(web, stop, &wg, metrics, local))
}

// drain stops in the order of runtime.md 3.7. A watchdog ends the process
// when something hangs: what was accepted is on disk either way.
func (r *running) drain(web *http.Server, stop context.CancelFunc, wg *sync.WaitGroup, others ...*http.Server) error {
	r.log.Info("stopping: nothing new is taken, what was taken is finished")
	watchdog := time.AfterFunc(25*time.Second, func() {
		r.log.Error("still not stopped after 25 s; leaving, everything accepted is stored")
		os.Exit(exitFailed)
	})
	defer watchdog.Stop()
	r.server.Drain()
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	err := r.inbox.Stop(ctx)
	stop() // ends live updates, so that their connections do not hold the web server
	_ = web.Shutdown(ctx)
	_ = web.Close()
	for _, other := range others {
		if other != nil {
			_ = other.Close()
		}
	}
	wg.Wait()
	err = errors.Join(err, r.close())
	r.log.Info("stopped")
	return err
}

// onHangup calls for another look at the flow files whenever SIGHUP comes.
func onHangup(ctx context.Context, kick func()) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP) // for good: by default it would end a process that is finishing its work
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			kick()
		}
	}
}

// serveMetrics answers /metrics on its own address. A taken port is a warning:
// numbers are no reason to leave customers without an answer.
func (r *running) serveMetrics() *http.Server {
	if r.flags.metrics == "off" || r.flags.metrics == "" {
		return nil
	}
	l, err := net.Listen("tcp", r.flags.metrics)
	if err != nil {
		r.log.Warn("no /metrics: "+r.flags.metrics+" is not to be had; choose another with --metrics-listen, or off", "error", err.Error())
		r.flags.metrics = "off"
		return nil
	}
	r.flags.metrics = l.Addr().String()
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", r.server.Metrics())
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second}
	go func() { _ = srv.Serve(l) }()
	return srv
}

// close gives back what open took, in the other order.
func (r *running) close() error {
	var err error
	if r.data != nil {
		err = r.data.store.Close()
	}
	if r.listener != nil {
		_ = r.listener.Close()
	}
	return err
}

func short(set string) string {
	if len(set) > 8 {
		return set[:8]
	}
	return set
}
