package main

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"
)

// childPrefix marks the command line of the floors that have a process of
// their own, like the server they are compared with.
const childPrefix = "child:"

// runChild is such a process; it ends when its parent does.
func runChild(name string) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	e := echo.New()
	e.POST("/hook", echoFloor)
	bare := &bareLoop{}
	e.GET("/events", bare.join)
	e.POST("/events", bare.write)
	fmt.Println(l.Addr())
	srv := &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second}
	_ = srv.Serve(l)
	return 0
}

// echoFloor is the least an honest webhook does: read, verify, parse, answer.
func echoFloor(c echo.Context) error {
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, 1<<20))
	if err != nil {
		return err
	}
	head := c.Request().Header
	mac := hmac.New(sha256.New, secret)
	io.WriteString(mac, head.Get("Webhook-Id")+"."+head.Get("Webhook-Timestamp")+".")
	mac.Write(body)
	sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(head.Get("Webhook-Signature"), "v1,"))
	if err != nil || !hmac.Equal(sum, mac.Sum(nil)) {
		return c.NoContent(http.StatusUnauthorized)
	}
	var event struct {
		Type, Timestamp string
		Data            struct {
			ID, Text string
			Contact  struct{ ID, Name, Locale string }
		}
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return c.NoContent(http.StatusBadRequest)
	}
	return c.NoContent(http.StatusOK)
}

// bareLoop holds open connections and writes what it is given to each.
type bareLoop struct {
	mu    sync.Mutex
	conns []net.Conn
}

func (l *bareLoop) join(c echo.Context) error {
	conn, _, err := c.Response().Hijack()
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, conn)
	_, err = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid: 0\n\n")
	return err
}

func (l *bareLoop) write(c echo.Context) error {
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		_, _ = conn.Write(body) // a reader that left is no reader
	}
	return c.NoContent(http.StatusOK)
}

// child is a running floor.
type child struct {
	cmd  *exec.Cmd
	addr string
}

func (b *bench) newChild() (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, childPrefix+"floors")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd}
	b.running = append(b.running, c)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("floor process: %w", err)
	}
	c.addr = strings.TrimSpace(line)
	return c, nil
}

func (c *child) close() {
	if c.cmd != nil {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
		c.cmd = nil
	}
}

// echoes has the clients of the full path talk to the echo floor.
func (c *child) echoes() (work, func(), error) {
	conns := make([]*conn, clients)
	for i := range conns {
		var err error
		if conns[i], err = dial(c.addr, "/hook"); err != nil {
			return nil, nil, err
		}
	}
	end := func() {
		for _, conn := range conns {
			conn.Close()
		}
	}
	names := make([]string, clients)
	for i := range names {
		names[i] = "c-" + strconv.Itoa(100000+i)
	}
	return func(who int) error { return conns[who].say(names[who], "1") }, end, nil
}
