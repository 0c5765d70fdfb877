package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
	"golang.org/x/term"
)

const screenFlow = `flow: hello
states:
  start:
    say: "Hi! How can we help?"
    options:
      Track my order: track
      Something else: person
  track:
    collect: {order_number: "What's your order number?"}
    goto: person
  person:
    handoff: general
`

// terminal is the program at a terminal of its own.
type terminal struct {
	t        *testing.T
	cmd      *exec.Cmd
	pty, tty *os.File
	before   *term.State
	ended    chan error

	mu   sync.Mutex
	out  []byte
	seen int // bytes of out that were looked at
}

// atTerminal runs dispatcher on a pty of 80 by 24.
func atTerminal(t *testing.T, env []string, args ...string) *terminal {
	t.Helper()
	p, tty, err := pty.Open()
	if err != nil {
		t.Skip("there are no terminals here: ", err)
	}
	if err := pty.Setsize(p, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, pty: p, tty: tty, ended: make(chan error, 1)}
	if x.before, err = term.GetState(int(tty.Fd())); err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("dispatcher")
	if err != nil {
		t.Fatal(err)
	}
	x.cmd = exec.Command(program, args...)
	x.cmd.Env = append(os.Environ(), env...)
	x.cmd.Stdin, x.cmd.Stdout, x.cmd.Stderr = tty, tty, tty
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // so that it hears of a new size
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go x.read()
	go func() { x.ended <- x.cmd.Wait() }()
	t.Cleanup(func() {
		_ = x.cmd.Process.Kill()
		_ = tty.Close()
		_ = p.Close()
	})
	return x
}

func (x *terminal) read() {
	buf := make([]byte, 4096)
	for {
		n, err := x.pty.Read(buf)
		x.mu.Lock()
		x.out = append(x.out, buf[:n]...)
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (x *terminal) output() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return string(x.out)
}

func (x *terminal) types(keys string) {
	x.t.Helper()
	if _, err := x.pty.WriteString(keys); err != nil {
		x.t.Fatal(err)
	}
}

// shows waits until every word has been drawn since the last call.
func (x *terminal) shows(words ...string) {
	x.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		all := x.output()
		fresh, missing := ansi.Strip(all[x.seen:]), ""
		for _, w := range words {
			if !strings.Contains(fresh, w) {
				missing = w
			}
		}
		if missing == "" {
			x.seen = len(all)
			return
		}
		if time.Now().After(deadline) {
			x.t.Fatalf("%q was not drawn:\n%q", missing, all[x.seen:])
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// ends waits for the end of the program, and wants the terminal as it was.
func (x *terminal) ends(code int) {
	x.t.Helper()
	select {
	case <-x.ended:
	case <-time.After(patience):
		x.t.Fatalf("it does not end:\n%q", x.output())
	}
	if got := x.cmd.ProcessState.ExitCode(); got != code {
		x.t.Errorf("exit code %d, want %d:\n%s", got, code, x.output())
	}
	after, err := term.GetState(int(x.tty.Fd()))
	if err != nil {
		x.t.Fatal(err)
	}
	if !reflect.DeepEqual(x.before, after) {
		x.t.Error("the terminal is not as it was")
	}
}

func screenProject(t *testing.T, flow string) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	file = filepath.Join(dir, "flows", "hello.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, file, flow)
	return dir, file
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A person types, presses a button, saves a file and sees it at once, breaks
// it and goes on, makes the window small, and leaves; the terminal is as it
// was.
func TestChatOnAScreen(t *testing.T) {
	t.Parallel()
	dir, file := screenProject(t, screenFlow)
	x := atTerminal(t, []string{"TERM=xterm-256color", "NO_COLOR="}, "chat", dir)
	x.shows("problems", "begun")
	x.types("hello\r")
	x.shows("help?", "[2]", "hello.start")
	x.types("1")
	x.shows("pressed", "number?", "1 of 3")
	write(t, file, strings.Replace(screenFlow, "What's your", "Please, what's your", 1))
	x.shows("reload", "reworded.")
	write(t, file, strings.Replace(screenFlow, "goto: person", "goto: nobody", 1))
	x.shows("rejected", "error[E301]", `"nobody"`)
	if err := pty.Setsize(x.pty, &pty.Winsize{Rows: 12, Cols: 40}); err != nil {
		t.Fatal(err)
	}
	x.shows("nobody")
	x.types("AB1\r")
	x.shows("handoff")
	x.types("\x03")
	x.ends(exitOK)
	out := x.output()
	for _, code := range []string{"\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h", "\x1b[35"} {
		if !strings.Contains(out, code) && !(code == "\x1b[35" && strings.Contains(out, ";35m")) {
			t.Errorf("%q was never sent", code)
		}
	}
	if strings.LastIndex(out, "\x1b[?1049l") < strings.LastIndex(out, "\x1b[?1049h") {
		t.Error("the screen of before is not back")
	}
}

// Every way out gives the terminal back, also a signal, and NO_COLOR sends no
// colour.
func TestChatLeavesTheScreen(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(x *terminal){
		"ctrl-d": func(x *terminal) { x.types("\x04") },
		"quit":   func(x *terminal) { x.types("/quit\r") },
		"signal": func(x *terminal) { _ = x.cmd.Process.Signal(os.Interrupt) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, _ := screenProject(t, screenFlow)
			x := atTerminal(t, []string{"TERM=xterm-256color", "NO_COLOR=1"}, "chat", dir)
			x.shows("begun")
			x.types("hello\r")
			x.shows("help?")
			leave(x)
			x.ends(exitOK)
			for n := range 8 {
				for _, code := range []string{fmt.Sprintf("\x1b[3%dm", n), fmt.Sprintf(";3%dm", n)} {
					if strings.Contains(x.output(), code) {
						t.Errorf("%q was sent in spite of NO_COLOR", code)
					}
				}
			}
		})
	}
}

// A terminal that cannot draw gets lines, and problems are lines as well.
func TestChatInLinesAtATerminal(t *testing.T) {
	t.Parallel()
	dir, _ := screenProject(t, screenFlow)
	x := atTerminal(t, []string{"TERM=dumb"}, "chat", dir)
	x.shows("Write as a customer would.")
	x.types("hello\n")
	x.shows("[1] Track my order")
	x.types("/quit\n")
	x.ends(exitOK)
	if strings.Contains(x.output(), "\x1b") {
		t.Errorf("escape sequences at a dumb terminal: %q", x.output())
	}

	broken, _ := screenProject(t, strings.Replace(screenFlow, "goto: person", "goto: nobody", 1))
	x = atTerminal(t, []string{"TERM=xterm-256color"}, "chat", broken)
	x.shows("error[E301]")
	x.ends(exitFindings)
	if strings.Contains(x.output(), "\x1b[?1049h") {
		t.Error("a project with errors must not open the screen")
	}
}
