package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/wire"
)

// Limits of the pull routes.
const (
	maxPull = 100 // rows of one answer
	maxWait = 25 * time.Second
	maxBody = 1 << 20
)

// Routes are the two of pull mode, both signed like an inbound request; with
// push there are none. What was handed out and not acknowledged is handed out
// again: receivers drop repeats by key and part.
func (a *Adapter) Routes(h channels.Host) []channels.Route {
	if !a.Limits.Pull {
		return nil
	}
	p := puller{a: a, host: h}
	return []channels.Route{
		{Method: http.MethodGet, Path: "/outbox", Handler: p.signed(p.outbox), Stream: true},
		{Method: http.MethodPost, Path: "/outbox/ack", Handler: p.signed(p.ack)},
	}
}

type puller struct {
	a    *Adapter
	host channels.Host
}

// signed verifies the request before anything of it is used.
func (p puller) signed(serve func(ctx context.Context, r channels.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			write(w, Failure(fmt.Errorf("the body is over 1 MiB: %w", channels.ErrTooLarge)))
			return
		}
		req := channels.Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header, Body: body}
		if err := p.a.Verify(req, p.host.Now()); err != nil {
			write(w, Failure(err))
			return
		}
		got, err := serve(r.Context(), req)
		if err != nil {
			write(w, Failure(err))
			return
		}
		write(w, answer(http.StatusOK, got))
	})
}

func write(w http.ResponseWriter, resp channels.Response) {
	for k, v := range resp.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(resp.Status)
	_, _ = w.Write(resp.Body) // the caller went away
}

type pulled struct {
	Events []json.RawMessage `json:"events"`
	Cursor string            `json:"cursor"`
}

// outbox waits up to wait seconds for the first message.
func (p puller) outbox(ctx context.Context, r channels.Request) (any, error) {
	after := r.Query.Get("after")
	ctx, stop := context.WithTimeout(ctx, waitOf(r.Query.Get("wait")))
	defer stop()
	for {
		got, more, err := p.next(ctx, after)
		if err != nil || len(got.Events) > 0 || more == nil {
			return got, err
		}
		select {
		case <-more:
		case <-ctx.Done():
			return got, nil
		}
	}
}

func waitOf(s string) time.Duration {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, maxWait)
}

func (p puller) next(ctx context.Context, after string) (pulled, <-chan struct{}, error) {
	// The wait only bounds the sleep: rows already being handed out are not cut off by it.
	rows, cursor, more, err := p.host.Pull(context.WithoutCancel(ctx), p.a.Name, after, maxPull)
	if err != nil {
		return pulled{}, nil, fmt.Errorf("pull the outbox: %w", err)
	}
	out := pulled{Events: []json.RawMessage{}, Cursor: cursor}
	for _, row := range rows {
		plan, err := p.a.Render(row)
		if err != nil {
			return pulled{}, nil, fmt.Errorf("render %s: %w", row.Key, err)
		}
		for _, call := range plan.Calls {
			out.Events = append(out.Events, call.Body)
		}
	}
	return out, more, nil
}

func (p puller) ack(ctx context.Context, r channels.Request) (any, error) {
	v, err := wire.ReadJSON(r.Body)
	if err != nil {
		return nil, err
	}
	cursor := v.Get("cursor").Text()
	if cursor == "" {
		return nil, &channels.FieldError{Field: "cursor", Problem: "is missing or not text"}
	}
	if err := p.host.Pulled(ctx, p.a.Name, cursor); err != nil {
		return nil, fmt.Errorf("acknowledge: %w", err)
	}
	return map[string]string{"cursor": cursor}, nil
}
