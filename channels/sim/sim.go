// Package sim is the development channel (channels.md 2.8): it plays a
// platform for designers' trials, with the limits of a real one and faults on
// demand. It promises never to leave this process, and never to run where
// anybody but this machine can reach it.
//
// Its routes are not signed. server guards them: a session of the console, or
// an API token with the scope sim.
package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/wire"
	"dispatcher/dm"
)

// Kind is the name of this kind of channel in dispatcher.yaml.
const Kind = "sim"

// Adapter is one simulated account.
type Adapter struct {
	wire.Base
	faults faults
	sends  atomic.Int64 // for ids only
}

// faults is what the next sends get.
type faults struct {
	timeout    bool // after accepting
	status     int
	retryAfter time.Duration
}

// Open reads the channel's settings.
func Open(name string, cfg channels.ConfigNode, env channels.Env) (channels.Adapter, []channels.Diagnostic) {
	c := wire.NewConfig(Kind, cfg, env)
	like := c.Text("like", "web")
	limits, ok := borrowed(like, env)
	if !ok {
		c.Problem(c.Node("like"), "E105", fmt.Sprintf("%q is not a kind of channel", like), "")
	}
	if !env.Loopback && !env.LimitsOnly {
		c.Problem(nil, "E105", "sim runs only while the server listens on this machine alone", "take the channel out, or listen on 127.0.0.1")
	}
	a := &Adapter{faults: readFaults(c.Map("faults"))}
	a.Base = wire.NewBase(name, c, limits)
	a.Limits.Native = a.faults == faults{}
	diags := c.Done()
	if !wire.OK(diags) {
		return nil, diags
	}
	return a, diags
}

// borrowed is the limits of another kind, without its rates and prices.
func borrowed(like string, env channels.Env) (channels.Caps, bool) {
	if like == Kind || env.CapsOf == nil {
		return channels.Caps{Kind: Kind, MaxInbound: wire.MaxInbound, Send: channels.Reconcilable}, false
	}
	caps, ok := env.CapsOf(like)
	caps.Kind, caps.Send, caps.Reconcile = Kind, channels.Reconcilable, 60*time.Second
	caps.MaxInbound, caps.Echoes, caps.Public = wire.MaxInbound, true, true
	caps.Buckets, caps.Cost, caps.Pull = nil, nil, false
	return caps, ok
}

func readFaults(c *wire.Config) faults {
	return faults{
		timeout:    c.Choice("after_accept", "", "timeout") == "timeout",
		status:     int(c.Int("status", 0, 400, 599)),
		retryAfter: time.Duration(c.Int("retry_after", 0, 0, 3600)) * time.Second,
	}
}

// Handshake: there is none.
func (a *Adapter) Handshake(channels.Request) (channels.Response, bool) {
	return channels.Response{}, false
}

// Verify refuses everything: sim has no webhook, its events come by its own route.
func (a *Adapter) Verify(channels.Request, time.Time) error {
	return fmt.Errorf("channel %s has no webhook: %w", a.Name, channels.ErrNotFound)
}

// Render fits a message into the borrowed limits. The calls stay in this process.
func (a *Adapter) Render(out dm.Outbound) (channels.Plan, error) {
	if out.Kind != dm.OutMessage && out.Kind != dm.OutGreeting && out.Kind != "" {
		return channels.Plan{}, nil
	}
	if out.OptionsAs == "" {
		out.OptionsAs = a.Settings.OptionsAs
	}
	parts, report := wire.Layout(out, a.Limits)
	plan := channels.Plan{Degradations: report}
	for i, p := range parts {
		body, err := json.Marshal(p)
		if err != nil {
			return channels.Plan{}, fmt.Errorf("encode a message for sim: %w", err)
		}
		plan.Calls = append(plan.Calls, channels.Call{Part: i, Kind: "send", Body: body, Text: p.Text})
	}
	return plan, nil
}

// errTimeout is the fault "accepted, but the answer never came".
var errTimeout = errors.New("sim: no answer in time")

// Do is the platform's answer to a call: channels.Local.
func (a *Adapter) Do(_ context.Context, _ channels.Call) channels.Result {
	h := http.Header{}
	if a.faults.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(a.faults.retryAfter/time.Second)))
	}
	switch {
	case a.faults.timeout:
		return channels.Result{Err: errTimeout, Written: true, Header: h}
	case a.faults.status != 0:
		return channels.Result{Status: a.faults.status, Written: true, Header: h}
	}
	id := strconv.FormatInt(a.sends.Add(1), 10)
	return channels.Result{Status: http.StatusOK, Written: true, Header: h, Body: []byte(`{"id":"sim-` + id + `"}`)}
}

// Classify reads the answer as a platform with echoes would be read.
func (a *Adapter) Classify(_ channels.Call, res channels.Result) channels.Outcome {
	code := strconv.Itoa(res.Status)
	switch s := res.Status; {
	case res.Err != nil && res.Written:
		return channels.Outcome{Verdict: channels.Ambiguous, Reason: dm.ReasonTransient, Code: "transport"}
	case res.Err != nil || s == 0:
		return channels.Outcome{Verdict: channels.Retry, Reason: dm.ReasonTransient, Code: "transport"}
	case s < 300:
		v, err := wire.ReadJSON(res.Body)
		if err != nil {
			return channels.Outcome{Verdict: channels.Sent, Code: code}
		}
		return channels.Outcome{Verdict: channels.Sent, IDs: []string{v.Get("id").ID()}, Code: code}
	case s == http.StatusTooManyRequests:
		return channels.Outcome{Verdict: channels.Retry, Reason: dm.ReasonThrottled, Code: code, PauseFor: "account",
			RetryAt: wire.RetryAfter(res.Header, res.At, time.Hour)}
	case s == http.StatusUnauthorized:
		return channels.Outcome{Verdict: channels.Failed, Reason: dm.ReasonAuthBroken, Code: code}
	case s == http.StatusForbidden:
		return channels.Outcome{Verdict: channels.Failed, Reason: dm.ReasonBlocked, Code: code}
	case s < 500:
		return channels.Outcome{Verdict: channels.Failed, Reason: dm.ReasonBadContent, Code: code}
	}
	return channels.Outcome{Verdict: channels.Ambiguous, Reason: dm.ReasonTransient, Code: code}
}

// RenderReconcile asks nobody: with after_accept everything did arrive.
func (a *Adapter) RenderReconcile(dm.Outbound, time.Time) (channels.Call, error) {
	return channels.Call{Kind: "check"}, nil
}

// ParseReconcile finds what was accepted before its answer was lost.
func (a *Adapter) ParseReconcile(_ channels.Result, out dm.Outbound) (found bool, messageID string, err error) {
	if a.faults.timeout {
		return true, "sim-" + out.Key, nil
	}
	return false, "", nil
}

// Routes let a caller play the customer and read what was sent. server guards them.
func (a *Adapter) Routes(h channels.Host) []channels.Route {
	return []channels.Route{
		{Method: http.MethodPost, Path: "/sim/events", Handler: a.serve(h, a.post)},
		{Method: http.MethodGet, Path: "/sim/sent", Handler: a.serve(h, a.sent)},
	}
}

// maxBody is the largest event.
const maxBody = 1 << 20

func (a *Adapter) serve(h channels.Host, do func(channels.Host, *http.Request, []byte) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		var got any
		if err != nil {
			err = fmt.Errorf("the body is over 1 MiB: %w", channels.ErrTooLarge)
		} else {
			got, err = do(h, r, body)
		}
		status, code := channels.StatusOf(err)
		if err != nil {
			got = map[string]any{"error": map[string]string{"code": code, "message": channels.MessageOf(err)}}
		}
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "5")
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(got) // the caller went away
	})
}

// post plays one event and answers after its commit.
func (a *Adapter) post(h channels.Host, r *http.Request, body []byte) (any, error) {
	events, err := a.Parse(channels.Request{Method: r.Method, Path: r.URL.Path, Header: r.Header, Body: body})
	if err != nil {
		return nil, err
	}
	for i := range events {
		if e := events[i].Entry; e != nil && e.Ref != "" {
			e.Ref, e.Signed = wire.ReadEntry(a.Entry, a.Name, e.Ref, h.Now())
		}
	}
	got, err := h.Accept(r.Context(), a.Name, events)
	if err != nil {
		return nil, fmt.Errorf("accept: %w", err)
	}
	type accepted struct {
		ID        string `json:"id"`
		Duplicate bool   `json:"duplicate"`
	}
	list := []accepted{}
	for _, g := range got {
		list = append(list, accepted{g.ID, g.Status == "duplicate"})
	}
	return map[string]any{"accepted": list}, nil
}

// sent lists what the channel said, public and private, in order.
func (a *Adapter) sent(h channels.Host, r *http.Request, _ []byte) (any, error) {
	after := int64(0)
	if s := r.URL.Query().Get("after"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 0 {
			return nil, &channels.FieldError{Field: "after", Problem: "is not a number"}
		}
		after = n
	}
	shown, err := h.SentLog(r.Context(), a.Name, after)
	if err != nil {
		return nil, fmt.Errorf("list what was sent: %w", err)
	}
	type item struct {
		Seq   int64           `json:"seq"`
		Event string          `json:"event"`
		Data  json.RawMessage `json:"data"`
	}
	list := []item{}
	for _, s := range shown {
		list = append(list, item(s))
		after = max(after, s.Seq)
	}
	return map[string]any{"events": list, "seq": after}, nil
}
