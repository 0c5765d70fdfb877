// Package kill runs the real binary for the proofs: it builds it once, starts
// it on a project and a data folder of its own, kills it by process id and
// starts it again. It promises that nothing it started outlives the test.
package kill

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Key is a master key for tests: 32 bytes of base64.
const Key = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="

var builds sync.Map // tags → func() (string, error)

// Build compiles the program once per test run and set of build tags.
func Build(t testing.TB, tags string) string {
	t.Helper()
	once, _ := builds.LoadOrStore(tags, sync.OnceValues(func() (string, error) {
		dir, err := os.MkdirTemp("", "dispatcher-proof")
		if err != nil {
			return "", err
		}
		out := filepath.Join(dir, "dispatcher")
		cmd := exec.Command("go", "build", "-tags", tags, "-o", out, "dispatcher/cmd/dispatcher")
		if text, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("go build: %w\n%s", err, text)
		}
		return out, nil
	}))
	path, err := once.(func() (string, error))()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Cleanup removes what Build made; TestMain calls it.
func Cleanup() {
	builds.Range(func(_, once any) bool {
		if path, err := once.(func() (string, error))(); err == nil {
			os.RemoveAll(filepath.Dir(path))
		}
		return true
	})
}

// Options describe one service.
type Options struct {
	Binary  string            // "" = Build with no tags
	Project map[string]string // files of the project; nil = none are written
	Dir     string            // project folder; "" = a fresh one
	Data    string            // data folder; "" = beside the project
	Env     []string
	Args    []string
	Wrap    []string // a command to run it under (strace …)
	Listen  string   // "" = a free port, kept over restarts
}

// Service is one running program.
type Service struct {
	Dir, Data string
	URL       string
	opt       Options
	t         testing.TB

	mu    sync.Mutex
	cmd   *exec.Cmd
	done  chan struct{}
	state *os.ProcessState
	log   bytes.Buffer
	setup string
}

// Start writes the project, starts the program and waits until it listens.
func Start(t testing.TB, opt Options) *Service {
	t.Helper()
	if opt.Binary == "" {
		opt.Binary = Build(t, "")
	}
	if opt.Dir == "" {
		opt.Dir = filepath.Join(t.TempDir(), "project")
	}
	if opt.Data == "" {
		opt.Data = filepath.Join(filepath.Dir(opt.Dir), "data-of-"+filepath.Base(opt.Dir))
	}
	s := &Service{Dir: opt.Dir, Data: opt.Data, opt: opt, t: t}
	s.Write(opt.Project)
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("last words of the service:\n%s", tail(s.Log(), 4000))
		}
	})
	if err := s.Restart(); err != nil {
		t.Fatalf("start: %v\n%s", err, s.Log())
	}
	return s
}

// Write writes files of the project.
func (s *Service) Write(files map[string]string) {
	s.t.Helper()
	for name, text := range files {
		path := filepath.Join(s.Dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
}

var (
	listening = regexp.MustCompile(`listening on ([0-9.]+:[0-9]+)`)
	setupLine = regexp.MustCompile(`(http://\S+/setup/\S+)`)
)

// Restart starts the program again on the same folders and the same port.
func (s *Service) Restart() error {
	s.mu.Lock()
	listen := s.opt.Listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	argv := append(append([]string{}, s.opt.Wrap...), s.opt.Binary, "serve", s.Dir, "--data", s.Data, "--listen", listen, "--metrics-listen", "off")
	argv = append(argv, s.opt.Args...)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(append(os.Environ(), "DISPATCHER_KEY="+Key, "NO_COLOR=1"), s.opt.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.mu.Unlock()
		return err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		s.mu.Unlock()
		return err
	}
	done, ready := make(chan struct{}), make(chan string, 1)
	s.cmd, s.done, s.state = cmd, done, nil
	s.mu.Unlock()
	go s.read(out, cmd, ready, done)
	select {
	case addr := <-ready:
		s.mu.Lock()
		s.URL, s.opt.Listen = "http://"+addr, addr
		s.mu.Unlock()
		return nil
	case <-done:
		return fmt.Errorf("it ended at once: %v", s.State())
	case <-time.After(30 * time.Second):
		s.Kill()
		return errors.New("it did not listen within 30 s")
	}
}

// read keeps the output and notices the address; it ends with the process.
func (s *Service) read(out io.Reader, cmd *exec.Cmd, ready chan<- string, done chan<- struct{}) {
	lines := bufio.NewScanner(out)
	lines.Buffer(make([]byte, 64<<10), 4<<20)
	for lines.Scan() {
		line := lines.Text()
		s.mu.Lock()
		s.log.WriteString(line + "\n")
		if m := setupLine.FindStringSubmatch(line); m != nil {
			s.setup = m[1]
		}
		s.mu.Unlock()
		if m := listening.FindStringSubmatch(line); m != nil {
			select {
			case ready <- m[1]:
			default:
			}
		}
	}
	_ = cmd.Wait()
	s.mu.Lock()
	s.state = cmd.ProcessState
	s.mu.Unlock()
	close(done)
}

// Kill ends it as a crash would, and waits.
func (s *Service) Kill() { s.end(syscall.SIGKILL, 10*time.Second) }

// Term asks it to drain and waits; the time is how long it took.
func (s *Service) Term() time.Duration {
	start := time.Now()
	s.end(syscall.SIGTERM, 30*time.Second)
	return time.Since(start)
}

func (s *Service) end(sig syscall.Signal, limit time.Duration) {
	s.mu.Lock()
	cmd, done := s.cmd, s.done
	s.mu.Unlock()
	if cmd == nil || cmd.Process == nil {
		return
	}
	_ = cmd.Process.Signal(sig)
	select {
	case <-done:
	case <-time.After(limit):
		_ = cmd.Process.Kill()
		<-done
	}
}

// Pid is the process id of the running program.
func (s *Service) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.Process.Pid
}

// Exited is closed when the present run has ended.
func (s *Service) Exited() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

// State is how the last run ended; nil while it runs.
func (s *Service) State() *os.ProcessState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Log is everything it printed so far.
func (s *Service) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// SetupLink is the one-time link it printed last; "" once an account exists.
func (s *Service) SetupLink() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.setup
}

func tail(text string, n int) string {
	if len(text) > n {
		return "…" + text[len(text)-n:]
	}
	return text
}

// Client is a signed-in person's browser, or a token's.
type Client struct {
	Base  string
	Token string
	http  *http.Client
	t     testing.TB
}

// Get reads JSON into out.
func (c *Client) Get(path string, out any) int { return c.Do(http.MethodGet, path, nil, nil, out) }

// Post sends JSON and reads the answer into out.
func (c *Client) Post(path string, body any, header map[string]string, out any) int {
	return c.Do(http.MethodPost, path, body, header, out)
}

// Do sends one request and returns its status; 0 = no answer.
func (c *Client) Do(method, path string, body any, header map[string]string, out any) int {
	var reader io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		reader = bytes.NewReader(data)
	}
	req, err := http.NewRequest(method, c.Base+path, reader)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 32<<20))
	if err == nil && out != nil && len(data) > 0 {
		if err := json.Unmarshal(data, out); err != nil && res.StatusCode < 300 {
			c.t.Errorf("%s %s: %v in %s", method, path, err, tail(string(data), 300))
		}
	}
	return res.StatusCode
}

// Admin makes the first account through the set-up link and returns a client
// with an API token that may do everything a token may.
func (s *Service) Admin() *Client {
	s.t.Helper()
	return s.Tokens(1)[0]
}

// Tokens makes the first account and n clients, each with a token of its own
// that may do everything a token may.
func (s *Service) Tokens(n int) []*Client {
	s.t.Helper()
	c := s.setUp()
	out := make([]*Client, n)
	for i := range out {
		var made struct {
			Token string `json:"token"`
		}
		status := c.Post("/api/v1/tokens", map[string]any{"name": fmt.Sprintf("proof %d", i), "scopes": AllScopes}, nil, &made)
		if made.Token == "" {
			s.t.Fatalf("POST /tokens answered %d without a token", status)
		}
		out[i] = &Client{Base: s.URL, Token: made.Token, t: s.t, http: &http.Client{Timeout: 20 * time.Second}}
	}
	return out
}

// Login signs somebody in with a password and returns their browser.
func (s *Service) Login(email, password string) *Client {
	s.t.Helper()
	c := &Client{Base: s.URL, t: s.t, http: &http.Client{Jar: &jar{}, Timeout: 20 * time.Second}}
	if status := c.Post("/login", map[string]string{"email": email, "password": password}, nil, nil); status >= 400 || status == 0 {
		s.t.Fatalf("log-in of %s answered %d", email, status)
	}
	return c
}

// setUp makes the first account through the set-up link; it is the admin's browser.
func (s *Service) setUp() *Client {
	s.t.Helper()
	link := s.SetupLink()
	if link == "" {
		s.t.Fatalf("no set-up link was printed:\n%s", s.Log())
	}
	jar := &jar{}
	c := &Client{Base: s.URL, t: s.t, http: &http.Client{Jar: jar, Timeout: 20 * time.Second}}
	path := strings.TrimPrefix(link, s.URL)
	status := c.Post(path, map[string]string{"name": "Ana", "email": "ana@acme.example",
		"password": "correct horse battery staple 7", "second_factor": "later"}, nil, nil)
	if status >= 400 || status == 0 {
		s.t.Fatalf("set-up answered %d", status)
	}
	return c
}

// AllScopes is every scope a token can have.
var AllScopes = []string{"conversations:read", "conversations:write", "messages:send", "contacts:read", "queues:read",
	"flows:read", "flows:activate", "kill", "channels:manage", "audit:read", "pii:read", "sim"}
