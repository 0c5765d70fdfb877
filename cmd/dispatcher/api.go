package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dispatcher/desk"
	"dispatcher/flows"
	"dispatcher/flows/watch"
	"dispatcher/inbox"
	"dispatcher/server"
	"dispatcher/storage"
)

// whose says which service a verb is about: one elsewhere, or the one whose
// data folder this is, running or not.
type whose struct{ project, server, data string }

// api is the API of a service. Verbs speak nothing else, so that they do the
// same whether it runs elsewhere, here, or not at all.
type api struct {
	base  string
	name  string // the service in messages to people
	token string
	http  *http.Client
	close func() error
	// before runs ahead of a command on a stopped service.
	before func(ctx context.Context)
}

// apiOf finds the service: --server, else the socket file of the data folder,
// else the data itself.
func (m *Main) apiOf(ctx context.Context, at whose) (*api, error) {
	if at.server != "" {
		token := strings.TrimSpace(m.Getenv("DISPATCHER_TOKEN")) // a file may end in a line break
		if token == "" {
			return nil, errors.New("--server needs a token in DISPATCHER_TOKEN; " + tokenPlace)
		}
		base, err := serverURL(at.server)
		if err != nil {
			return nil, err
		}
		return &api{base: base, name: base, token: token, http: &http.Client{Timeout: time.Minute}, close: func() error { return nil }}, nil
	}
	data := dataDir(at.project, at.data)
	if !hasData(data) {
		if _, err := os.Stat(at.project); errors.Is(err, fs.ErrNotExist) && at.data == "" {
			return nil, fmt.Errorf("there is no folder %s; name the project's folder, the one that holds dispatcher.yaml and flows", at.project)
		}
		return nil, fmt.Errorf("no service has run on %s yet, so nothing is live there; start one with: dispatcher serve %s", data, at.project)
	}
	if client, ok := dialLocal(data); ok {
		return &api{base: "http://localhost", name: "the service on " + data, http: client, close: func() error { return nil }}, nil
	}
	return m.stopped(ctx, at, data)
}

// stopped is the API over the data of a service that does not run.
func (m *Main) stopped(ctx context.Context, at whose, data string) (*api, error) {
	o, err := m.openStore(ctx, storeOptions{dir: data, durability: "full"})
	if errors.Is(err, storage.ErrLocked) {
		return nil, fmt.Errorf("the service on %s runs, but its socket file does not answer; name it with --server", data)
	} else if err != nil {
		return nil, err
	}
	a := &api{base: "http://localhost", name: "the service on " + data, close: o.store.Close}
	if err := m.assembleStopped(ctx, at, o, a); err != nil {
		return nil, errors.Join(err, o.store.Close())
	}
	return a, nil
}

func (m *Main) assembleStopped(ctx context.Context, at whose, o *opened, a *api) error {
	in, err := inbox.New(inbox.Config{Store: o.store, Vault: o.vault, Now: m.Now, Openers: channelKinds, Secret: m.secrets(at.project, true),
		CapsOf: capsOf, Load: m.loader(at.project, nil)})
	if err != nil {
		return err
	}
	if err := in.Recall(ctx); errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("nothing was ever live on %s; start the service first", o.dir)
	} else if err != nil {
		return err
	}
	p := &publisher{m: m, root: at.project, inbox: in, swap: in.Appoint}
	publishing, err := p.publishing(ctx)
	if err != nil {
		return err
	}
	root, files, err := openFiles(at.project)
	folder := in.Live()
	if err == nil {
		folder = m.loader(root, nil)(files)
	}
	w := watch.New(watch.Config{Root: root, Name: folder.Files.Name, Load: m.loader(root, nil), Now: m.Now, Publishing: publishing,
		Live: func(ctx context.Context, p *flows.Project, by string) error {
			return in.Appoint(ctx, p, inbox.Switch{By: by, Result: inbox.ResultLive})
		}}, in.Live(), folder)
	a.before = func(ctx context.Context) {
		if live := in.Live(); publishing.Held || live.Config.Reload == "staged" || folder.Config.Reload == "staged" {
			w.Reload(ctx)
		}
	}
	d := desk.New(desk.Config{Inbox: in, Store: o.store, Vault: o.vault, Now: m.Now,
		People: func(context.Context) ([]desk.Person, error) { return nil, nil }})
	s, err := server.New(server.Config{Inbox: in, Desk: d, Store: o.store, Vault: o.vault, Watch: w, Project: in.Live, Loopback: true, Now: m.Now})
	if err != nil {
		return err
	}
	a.http = &http.Client{Transport: inside{s.LocalHandler()}}
	return nil
}

// inside sends requests to a handler of this process.
type inside struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (i inside) RoundTrip(r *http.Request) (*http.Response, error) {
	out := &kept{header: http.Header{}}
	i.handler.ServeHTTP(out, r)
	if out.status == 0 {
		out.status = http.StatusOK
	}
	return &http.Response{StatusCode: out.status, Header: out.header, Body: io.NopCloser(&out.body), Request: r}, nil
}

// kept is a whole answer in memory.
type kept struct {
	header http.Header
	body   bytes.Buffer
	status int
}

// Header implements http.ResponseWriter.
func (k *kept) Header() http.Header { return k.header }

// Write implements http.ResponseWriter.
func (k *kept) Write(b []byte) (int, error) { return k.body.Write(b) }

// WriteHeader implements http.ResponseWriter.
func (k *kept) WriteHeader(status int) {
	if k.status == 0 {
		k.status = status
	}
}

// refusedCall is a problem that the service answered with.
type refusedCall struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Errors []struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	} `json:"errors"`
	Plan json.RawMessage `json:"plan"`

	from string // the service in messages to people
	set  bool   // the request named a set that the service must have
}

// notFound words a 404: of a set, or of an address at which there is no API.
func (a *api) notFound(ctx context.Context, err error) error {
	p, ok := errors.AsType[*refusedCall](err)
	if !ok || p.Code != "not_found" {
		return err
	}
	var any json.RawMessage
	probe, ok := errors.AsType[*refusedCall](a.call(ctx, http.MethodGet, "/flows", nil, &any))
	switch {
	case ok && probe.Status == http.StatusNotFound:
		return fmt.Errorf("%s has no API at this address; --server takes it without a path, and a new service needs its first account before (the link that it prints at its start)", a.name)
	case p.set:
		return errors.New("there is no such set; plan history lists them")
	}
	return p
}

// tokenPlace says where a token comes from and what it must allow.
const tokenPlace = "an admin makes one with POST /api/v1/tokens: scope flows:read to plan and replay, flows:activate to publish, roll back or discard, conversations:read to explain"

// serverURL is the address of a service as the API's calls begin with it.
func serverURL(given string) (string, error) {
	u, err := url.Parse(given)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return "", fmt.Errorf("--server is %q; it takes an address such as https://bot.acme.example", given)
	}
	return strings.TrimSuffix(given, "/"), nil
}

// unreached words why a service did not answer, without the addresses and
// paths that the request was made of.
func unreached(name string, err error) error {
	cause := err
	if e, ok := errors.AsType[*url.Error](err); ok {
		cause = e.Err
	}
	_, unknown := errors.AsType[*net.DNSError](err)
	_, op := errors.AsType[*net.OpError](err)
	var timed interface{ Timeout() bool }
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing answers at %s: is the service running, and is the port right?", name)
	case unknown:
		return fmt.Errorf("%s cannot be found: there is no such host name", name)
	case errors.As(err, &timed) && timed.Timeout():
		return fmt.Errorf("%s did not answer in time", name)
	case op, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s broke the connection off", name)
	}
	return fmt.Errorf("%s cannot be reached: %w", name, cause)
}

func (p *refusedCall) Error() string {
	switch {
	case p.Code == "" && p.Status < 500:
		return p.from + " answers, but not as Dispatcher does (" + strconv.Itoa(p.Status) + "); --server is the address of the service, without a path"
	case p.Status == http.StatusUnauthorized:
		return p.from + " does not know the token in DISPATCHER_TOKEN, or it was revoked; " + tokenPlace
	case p.Status == http.StatusForbidden:
		return p.from + " does not allow this to the token in DISPATCHER_TOKEN; " + tokenPlace
	}
	if p.Detail != "" {
		return inLine(strings.TrimSuffix(p.Detail, "."))
	}
	if p.Title != "" {
		return inLine(p.Title)
	}
	return fmt.Sprintf("the service answered %d", p.Status)
}

// inLine is a sentence as it goes on behind "dispatcher: ".
func inLine(s string) string {
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'a' && s[1] <= 'z' {
		return string(s[0]+'a'-'A') + s[1:]
	}
	return s
}

// call makes one request below /api/v1; in is sent as JSON, the answer is read
// into out. What the service refuses is a *refusedCall.
func (a *api) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader = http.NoBody
	if method != http.MethodGet {
		if in == nil {
			in = struct{}{}
		}
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base+"/api/v1"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	res, err := a.http.Do(req)
	if err != nil {
		return unreached(a.name, err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end
	data, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return unreached(a.name, err)
	}
	if res.StatusCode >= 400 || !json.Valid(data) {
		p := &refusedCall{from: a.name, set: strings.HasPrefix(path, "/revisions/") && !strings.HasSuffix(path, "/plan")}
		_ = json.Unmarshal(data, p) // not every answer of a proxy is one of ours
		p.Status = res.StatusCode
		return p
	}
	if raw, ok := out.(*json.RawMessage); ok {
		*raw = data
		return nil
	}
	return json.Unmarshal(data, out)
}
