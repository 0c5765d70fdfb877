package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts run this very program as `dispatcher`.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"dispatcher": func() {
		syscall.Umask(0o077)
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		code := (&Main{In: onLeash(), Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Now: time.Now, Terminal: isTerminal(os.Stdout)}).Run(ctx, os.Args[1:])
		stop()
		os.Exit(code)
	}})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("DISPATCHER_KEY", strings.Repeat("ab", 32))
			e.Setenv("DISPATCHER_METRICS_LISTEN", "off")
			e.Setenv("DISPATCHER_LISTEN", "127.0.0.1:0")
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			e.Setenv("HOME", e.WorkDir)
			newBackground(e)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": scriptExits, "await": scriptAwait, "get": scriptGet, "sqlite": scriptSQLite, "takeport": scriptTakePort, "mode": scriptMode,
			"login": scriptLogin, "stays": scriptStays, "visit": scriptVisit, "start": scriptStart, "stop": scriptStop, "eventually": scriptEventually, "newest": scriptNewest, "local": scriptLocal,
		},
	})
}

// exits CODE ARGS...: runs dispatcher and wants exactly that exit code.
func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE VERB ARGS...")
	}
	err := ts.Exec("dispatcher", args[1:]...)
	code := 0
	if err != nil {
		if _, e := fmt.Sscanf(err.Error(), "exit status %d", &code); e != nil {
			ts.Fatalf("%v", err)
		}
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("dispatcher %s: exit code %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// get STATUS URL: wants that status.
func scriptGet(ts *testscript.TestScript, neg bool, args []string) {
	res, body := ask(ts, http.MethodGet, args[1], "", nil)
	if fmt.Sprint(res.StatusCode) != args[0] {
		ts.Fatalf("GET %s: %d, want %s\n%s", args[1], res.StatusCode, args[0], body)
	}
}

// login STATUS ADDR EMAIL FILE: logs in with the password in FILE and wants that
// status; the session of the last one that succeeded is kept for stays.
func scriptLogin(ts *testscript.TestScript, neg bool, args []string) {
	password := strings.TrimSpace(ts.ReadFile(args[3]))
	body, err := json.Marshal(map[string]string{"email": args[2], "password": password})
	ts.Check(err)
	res, answer := ask(ts, http.MethodPost, args[1]+"/login", string(body), map[string]string{"Content-Type": "application/json"})
	if fmt.Sprint(res.StatusCode) != args[0] {
		ts.Fatalf("log in: %d, want %s\n%s", res.StatusCode, args[0], answer)
	}
	for _, c := range res.Cookies() {
		ts.Setenv("SESSION", c.Name+"="+c.Value)
	}
}

// stays STATUS URL: wants that status for the kept session.
func scriptStays(ts *testscript.TestScript, neg bool, args []string) {
	res, answer := ask(ts, http.MethodGet, args[1], "", map[string]string{"Cookie": ts.Getenv("SESSION")})
	if fmt.Sprint(res.StatusCode) != args[0] {
		ts.Fatalf("GET %s with the session: %d, want %s\n%s", args[1], res.StatusCode, args[0], answer)
	}
}

// sqlite FILE STATEMENT: changes a database that nobody has open.
func scriptSQLite(ts *testscript.TestScript, neg bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	_, err = db.Exec(args[1])
	ts.Check(err)
}

// takeport VAR: listens on a port until the script ends.
func scriptTakePort(ts *testscript.TestScript, neg bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

// mode MODE FILE: wants those permission bits.
func scriptMode(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}
