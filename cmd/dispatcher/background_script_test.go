package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// leash in the environment of a background program: it ends when its standard
// input does, so it outlives neither its script nor a test binary that is killed.
const leash = "DISPATCHER_TEST_LEASH"

// onLeash is the standard input of a program of the scripts.
func onLeash() io.Reader {
	if os.Getenv(leash) == "" {
		return os.Stdin
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(90)
	}()
	return strings.NewReader("")
}

// patience is how long a script waits for what surely comes.
const patience = 3 * time.Minute

// background is the program that a script has running.
type background struct {
	names []string // variables of the script's environment
	cmd   *exec.Cmd
	in    io.Closer
	log   string
	ended chan struct{}
}

type backgroundKey struct{}

// newBackground belongs to one script and ends with it.
func newBackground(e *testscript.Env) {
	b := &background{}
	for _, v := range e.Vars {
		name, _, _ := strings.Cut(v, "=")
		b.names = append(b.names, name)
	}
	e.Values[backgroundKey{}] = b
	e.Defer(b.kill)
}

func backgroundOf(ts *testscript.TestScript) *background {
	return ts.Value(backgroundKey{}).(*background)
}

func (b *background) kill() {
	if b.cmd != nil {
		_ = b.cmd.Process.Kill()
		<-b.ended
		b.in.Close()
		b.cmd = nil
	}
}

// said is what the program has written so far.
func (b *background) said() string {
	data, _ := os.ReadFile(b.log)
	return string(data)
}

// start LOG VERB ARGS...: runs dispatcher in the background, with what it says
// in LOG, until stop or the end of the script.
func scriptStart(ts *testscript.TestScript, neg bool, args []string) {
	b := backgroundOf(ts)
	if neg || len(args) < 2 || b.cmd != nil {
		ts.Fatalf("usage: start LOG VERB ARGS... with nothing running")
	}
	b.log = ts.MkAbs(args[0])
	out, err := os.Create(b.log)
	ts.Check(err)
	defer out.Close()
	cmd := exec.Command("dispatcher", args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), out, out
	for _, name := range b.names {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Env = append(cmd.Env, leash+"=1")
	in, err := cmd.StdinPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	b.cmd, b.in, b.ended = cmd, in, make(chan struct{})
	go func(ended chan struct{}) {
		_, _ = cmd.Process.Wait()
		close(ended)
	}(b.ended)
}

// stop: asks the background program to end, and returns when it has.
func scriptStop(ts *testscript.TestScript, neg bool, args []string) {
	b := backgroundOf(ts)
	if neg || len(args) > 0 || b.cmd == nil {
		ts.Fatalf("usage: stop, with something running")
	}
	ts.Check(b.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-b.ended:
	case <-time.After(patience):
		ts.Fatalf("it does not stop:\n%s", b.said())
	}
	b.in.Close()
	b.cmd = nil
}

// await FILE PATTERN [VAR]: waits until a background program's output file
// matches; the first group goes into VAR.
func scriptAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await FILE PATTERN [VAR]")
	}
	re := regexp.MustCompile(args[1])
	b := backgroundOf(ts)
	var data []byte
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		over := b.cmd == nil
		if !over {
			select {
			case <-b.ended:
				over = true
			default:
			}
		}
		data, _ = os.ReadFile(ts.MkAbs(args[0]))
		if m := re.FindSubmatch(data); m != nil {
			if len(args) > 2 {
				ts.Setenv(args[2], string(m[1]))
			}
			return
		}
		if over { // it says nothing more
			break
		}
	}
	ts.Fatalf("%s never matched %s:\n%s", args[0], args[1], data)
}

// eventually PATTERN VERB ARGS...: runs dispatcher until its output matches.
func scriptEventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually PATTERN VERB ARGS...")
	}
	re := regexp.MustCompile(args[0])
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := ts.Exec("dispatcher", args[1:]...)
		out := ts.ReadFile("stdout")
		if err == nil && re.MatchString(out) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("dispatcher %s never matched %s: %v\n%s", strings.Join(args[1:], " "), args[0], err, out)
		}
	}
}

// ask sends a request on a connection of its own and reads the whole answer. A
// service that has no time to read in 5 s hangs up without a word; it is asked
// again, as a browser would.
func ask(ts *testscript.TestScript, method, url, body string, header map[string]string) (*http.Response, string) {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for try := 0; ; try++ {
		req, err := http.NewRequest(method, url, strings.NewReader(body))
		ts.Check(err)
		for name, value := range header {
			req.Header.Set(name, value)
		}
		res, err := client.Do(req)
		if err != nil {
			if try < 3 && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)) {
				continue
			}
			ts.Fatalf("%s %s: %v\n%s", method, url, err, backgroundOf(ts).said())
		}
		var data bytes.Buffer
		_, err = data.ReadFrom(res.Body)
		res.Body.Close()
		ts.Check(err)
		return res, data.String()
	}
}
