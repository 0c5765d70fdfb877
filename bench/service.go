package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// loopProject has one question that leads to itself: every answer is one
// inbound message, two outbound ones and two outbox rows, for as long as one
// likes. Its replies wait to be pulled, so nothing but accepting is measured.
var loopProject = map[string]string{
	"dispatcher.yaml": `dispatcher: 1
project: bench
start: loop
queues:
  general: {name: General}
default_queue: general
channels:
  hook:
    kind: webhook
    secret: ${env:BENCH_SECRET}
`,
	"flows/loop.yaml": `flow: loop
states:
  start:
    say: Thanks, I have noted that for the team.
    ask: What else can we help you with today?
    options:
      - {id: order, label: Track my order, goto: start}
      - {id: return, label: Return something, goto: start}
      - {id: other, label: Something else, goto: person}
  person: {handoff: general}
`,
}

// masterKey is the key of every store of the bench; it guards nothing.
const masterKey = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="

// service is the real program on a project and a data folder of the bench.
type service struct {
	b         *bench
	dir, data string
	addr      string
	cmd       *exec.Cmd
	ended     chan struct{}
	setup     string // one-time link, while there is no account
	took      time.Duration
	contacts  []string // open conversations that may be talked to
	mu        sync.Mutex
	last      string // of what it printed
	conns     []*conn
	turnsOf   []int    // next contact of each connection
	readers   int      // tokens to make with the first account
	tokens    []string // for live updates
}

// program builds the binary once.
func (b *bench) program() (string, error) {
	if b.binary != "" {
		return b.binary, nil
	}
	b.say("building the program")
	out := filepath.Join(b.dir, "dispatcher")
	cmd := exec.CommandContext(b.ctx, "go", "build", "-o", out, "dispatcher/cmd/dispatcher")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w: %s", err, bytes.TrimSpace(text))
	}
	b.binary = out
	return out, nil
}

// service is a place for the program that nothing runs in yet.
func (b *bench) service(name string) *service {
	return &service{b: b, dir: filepath.Join(b.dir, name, "project"), data: filepath.Join(b.dir, name, "data")}
}

// newService writes a project and starts the program on it.
func (b *bench) newService(name string, project map[string]string) (*service, error) {
	s := b.service(name)
	return s, s.begin(project)
}

func (s *service) begin(project map[string]string) error {
	for path, text := range project {
		if err := s.write(path, text); err != nil {
			return err
		}
	}
	if err := s.start(); err != nil {
		return err
	}
	return s.firstAccount()
}

func (s *service) write(path, text string) error {
	full := filepath.Join(s.dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	return os.WriteFile(full, []byte(text), 0o644)
}

var (
	listening = regexp.MustCompile(`listening on ([0-9.]+:[0-9]+)`)
	setupLink = regexp.MustCompile(`http://[^/\s]+(/setup/\S+)`)
)

// start runs the program until it is ready; took is from exec to ready.
func (s *service) start() error {
	binary, err := s.b.program()
	if err != nil {
		return err
	}
	cmd := exec.Command(binary, "serve", s.dir, "--data", s.data, "--listen", "127.0.0.1:0", "--metrics-listen", "off")
	cmd.Env = append(os.Environ(), "DISPATCHER_KEY="+masterKey, "BENCH_SECRET="+secretText(), "NO_COLOR=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = cmd.Stdout
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd, s.ended = cmd, make(chan struct{})
	s.b.running = append(s.b.running, s)
	address := make(chan string, 1)
	go s.read(out, address)
	select {
	case s.addr = <-address:
	case <-s.ended:
		return fmt.Errorf("the program ended at once: %s", s.words())
	case <-time.After(60 * time.Second):
		return fmt.Errorf("the program did not listen within a minute: %s", s.words())
	}
	if err := s.ready(); err != nil {
		return err
	}
	s.took = time.Since(begun)
	return nil
}

// read keeps the last words and finds the address; it ends with the process.
func (s *service) read(out io.Reader, address chan<- string) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		s.mu.Lock()
		s.last = line
		if m := setupLink.FindStringSubmatch(line); m != nil {
			s.setup = m[1]
		}
		s.mu.Unlock()
		if m := listening.FindStringSubmatch(line); m != nil {
			address <- m[1]
		}
	}
	_ = s.cmd.Wait()
	close(s.ended)
}

func (s *service) words() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// ready waits for /readyz to say so.
func (s *service) ready() error {
	for limit := time.Now().Add(60 * time.Second); time.Now().Before(limit); time.Sleep(2 * time.Millisecond) {
		res, err := http.Get("http://" + s.addr + "/readyz")
		if err != nil {
			continue
		}
		res.Body.Close()
		if res.StatusCode == http.StatusOK || s.link() != "" { // a fresh store waits for its first account
			return nil
		}
	}
	return fmt.Errorf("not ready within a minute: %s", s.words())
}

func (s *service) link() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.setup
}

func (s *service) pid() int { return s.cmd.Process.Pid }

// stop drains; kill does not.
func (s *service) stop() { s.signal(syscall.SIGTERM) }
func (s *service) kill() { s.signal(syscall.SIGKILL) }

func (s *service) signal(sig syscall.Signal) {
	for _, c := range s.conns {
		c.Close()
	}
	s.conns = nil
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(sig)
	select {
	case <-s.ended:
	case <-time.After(30 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
	s.cmd = nil
}

func (s *service) close() { s.kill() }

// firstAccount goes through the set-up link: before it, channels are closed.
func (s *service) firstAccount() error {
	for limit := time.Now().Add(2 * time.Second); s.link() == "" && time.Now().Before(limit); {
		time.Sleep(time.Millisecond)
	}
	link := s.link()
	if link == "" {
		return nil // the data folder has accounts
	}
	client, err := s.browser(link)
	if err != nil {
		return err
	}
	client.CloseIdleConnections()
	s.mu.Lock()
	s.setup = ""
	s.mu.Unlock()
	return s.ready()
}

// browser makes the first account and stays signed in.
func (s *service) browser(link string) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Jar: jar, Timeout: 20 * time.Second}
	err = s.postJSON(client, link, map[string]any{"name": "Ana", "email": "ana@acme.example",
		"password": "correct horse battery staple 7", "second_factor": "later"}, nil)
	if err != nil {
		return nil, fmt.Errorf("set-up: %w", err)
	}
	if s.tokens, err = s.makeTokens(client); err != nil {
		return nil, err
	}
	return client, nil
}

// postJSON posts and reads the answer into out.
func (s *service) postJSON(client *http.Client, path string, body, out any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(s.b.ctx, http.MethodPost, "http://"+s.addr+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return err
	case res.StatusCode >= 400:
		return fmt.Errorf("POST %s answered %d: %s", strings.SplitN(path, "/", 3)[1], res.StatusCode, text)
	case out != nil:
		return json.Unmarshal(text, out)
	}
	return nil
}

// hookPath is where messages are posted.
const hookPath = "/channels/hook/webhook"

// say sends one message of the next
// contact of a connection's own share.
func (s *service) say(who int) error {
	n := len(s.contacts) / len(s.conns)
	contact := s.contacts[who*n+s.turnsOf[who]%n]
	s.turnsOf[who]++
	return s.conns[who].say(contact, "1")
}

// connect opens n connections.
func (s *service) connect(n int) error {
	for len(s.conns) < n {
		c, err := dial(s.addr, hookPath)
		if err != nil {
			return err
		}
		s.conns, s.turnsOf = append(s.conns, c), append(s.turnsOf, 0)
	}
	return nil
}

// flood has n clients send as fast as they are answered.
func (s *service) flood(ctx context.Context, n int, d time.Duration) (outcome, error) {
	if err := s.connect(n); err != nil {
		return outcome{}, err
	}
	return closedLoop(ctx, n, d, s.say)
}

// steady sends at a rate.
func (s *service) steady(ctx context.Context, n int, perSecond float64, d time.Duration) (outcome, error) {
	if err := s.connect(n); err != nil {
		return outcome{}, err
	}
	return openLoop(ctx, n, perSecond, d, s.say)
}

// greet opens one conversation for each of these contacts.
func (s *service) greet(prefix string, count int) ([]string, error) {
	if err := s.connect(clients); err != nil {
		return nil, err
	}
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%06d", prefix, i)
	}
	var wg sync.WaitGroup
	var fails failures
	for who, c := range s.conns {
		wg.Go(func() {
			for i := who; i < count && s.b.ctx.Err() == nil; i += len(s.conns) {
				if err := c.say(names[i], "hello"); err != nil {
					fails.add(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return names, fails.err()
}

// startLoop is a fresh service with so many open conversations.
func (b *bench) startLoop(name string, open int) (*service, error) {
	s, err := b.newService(name, loopProject)
	if err != nil {
		return nil, err
	}
	b.say("%s: opening %d conversations", name, open)
	s.contacts, err = s.greet("c", open)
	return s, err
}
