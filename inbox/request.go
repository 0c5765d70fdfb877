package inbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"dispatcher/channels"
)

// errTooLate says that a marked row had not begun to leave in time (runtime.md 3.4).
var errTooLate = errors.New("inbox: not begun within a second of the mark")

// call makes one request of a row that was marked at that moment of the
// monotonic clock. What comes of it says whether a byte has left.
func (x *sender) call(call channels.Call, marked time.Time) channels.Result {
	return x.callThen(call, marked, func() {})
}

// callThen calls begun as soon as the request is written.
func (x *sender) callThen(call channels.Call, marked time.Time, begun func()) channels.Result {
	ctx := x.s.outbox.calls
	if local, ok := x.acct.Adapter.(channels.Local); ok {
		res := local.Do(ctx, call)
		res.At = x.s.now()
		return res
	}
	timeout := call.Timeout
	if timeout <= 0 {
		timeout = callTimeout
		if call.Kind == "upload" {
			timeout = uploadTimeout
		}
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	res := x.do(ctx, call, marked, begun)
	res.At = x.s.now()
	return res
}

func (x *sender) do(ctx context.Context, call channels.Call, marked time.Time, begun func()) (res channels.Result) {
	var trace connTrace
	hooks := &httptrace.ClientTrace{GotConn: trace.got, WroteRequest: func(httptrace.WroteRequestInfo) { begun() }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, hooks), call.Method, call.URL, nil)
	if err != nil {
		return channels.Result{Err: err}
	}
	if req.Header = call.Header.Clone(); req.Header == nil {
		req.Header = http.Header{}
	}
	if len(call.Body) > 0 {
		req.Body = io.NopCloser(&gate{body: bytes.NewReader(call.Body), marked: marked})
		req.ContentLength = int64(len(call.Body))
	}
	if a, ok := x.acct.Adapter.(channels.Authorizer); ok {
		if err := a.Authorize(req, x.s.now(), uuid.NewString()); err != nil {
			return channels.Result{Err: err}
		}
	}
	if time.Since(marked) > beginWithin {
		return channels.Result{Err: errTooLate}
	}
	resp, err := x.client.Do(req)
	if err != nil {
		return channels.Result{Err: err, Written: trace.written()}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerBytes))
	return channels.Result{Status: resp.StatusCode, Header: resp.Header, Body: body, Err: err, Written: true}
}

// connTrace knows whether anything was written to the connection since this
// request got it.
type connTrace struct {
	conn   atomic.Pointer[countedConn]
	before atomic.Int64
}

func (t *connTrace) got(info httptrace.GotConnInfo) {
	if c := counted(info.Conn); c != nil {
		t.before.Store(c.written.Load())
		t.conn.Store(c)
	}
}

func (t *connTrace) written() bool {
	c := t.conn.Load()
	return c != nil && c.written.Load() > t.before.Load()
}

// gate is the body of a request that must begin within a second of its mark:
// the clock is looked at when the first byte is about to leave.
type gate struct {
	body   *bytes.Reader
	marked time.Time
	open   bool
}

func (g *gate) Read(p []byte) (int, error) {
	if !g.open && time.Since(g.marked) > beginWithin {
		return 0, errTooLate
	}
	g.open = true
	return g.body.Read(p)
}

// countedConn counts what has been written to a connection.
type countedConn struct {
	net.Conn
	written atomic.Int64
}

// Write implements net.Conn.
func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	return n, err
}

// counted finds the counting connection below TLS.
func counted(c net.Conn) *countedConn {
	for {
		switch v := c.(type) {
		case *countedConn:
			return v
		case interface{ NetConn() net.Conn }:
			c = v.NetConn()
		default:
			return nil
		}
	}
}
