package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"testing"

	"github.com/google/uuid"
)

// serviceOfWalk is the service that a page has started, and what it has said
// since somebody looked.
type serviceOfWalk struct {
	cmd  *exec.Cmd
	mu   sync.Mutex
	said bytes.Buffer
	more chan struct{}
	done chan struct{}
	base string // its address
}

func startOfWalk(t *testing.T, cmd *exec.Cmd) *serviceOfWalk {
	t.Helper()
	s := &serviceOfWalk{cmd: cmd, more: make(chan struct{}, 1), done: make(chan struct{})}
	out, in := terminalOfWalk(t)
	cmd.Stdout, cmd.Stderr, cmd.Stdin = in, in, nil
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	go func() {
		defer close(s.done)
		_, _ = io.Copy(s, out) // ends with the service
		out.Close()
	}()
	return s
}

// Write is part of io.Writer.
func (s *serviceOfWalk) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said.Write(bytes.ReplaceAll(p, []byte("\r"), nil))
	select {
	case s.more <- struct{}{}:
	default:
	}
	return len(p), nil
}

// wants waits until the service has said what the page shows.
func (s *serviceOfWalk) wants(t *testing.T, page, want string) {
	t.Helper()
	if s == nil {
		t.Fatalf("%s: nothing runs that could say:\n%s", page, want)
	}
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	for {
		s.mu.Lock()
		said := s.said.String()
		if fitsPage(want, said) {
			if at := walkAddress.FindString(said); at != "" {
				s.base = "http://" + at
			}
			s.said.Reset()
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		select {
		case <-s.more:
		case <-s.done:
			t.Fatalf("%s: the service ended; the page says:\n%s\nit said:\n%s", page, want, said)
		case <-ctx.Done():
			t.Fatalf("%s: the page says:\n%s\nit says:\n%s", page, want, said)
		}
	}
}

func (s *serviceOfWalk) end(t *testing.T) {
	t.Helper()
	if s == nil {
		return
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	<-s.done
	if err := s.cmd.Wait(); err != nil {
		t.Error(fmt.Errorf("the service of a walk: %w", err))
	}
}

// visit is a customer who opens the chat and writes what stands between the
// backquotes, message by message.
func (s *serviceOfWalk) visit(t *testing.T, quoted string) {
	t.Helper()
	if s == nil {
		t.Fatal("somebody writes in the chat, and no service runs")
	}
	token, _ := s.post(t, "", "/session", map[string]any{"open": true})["token"].(string)
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(quoted, -1) {
		s.post(t, token, "/messages", map[string]any{"text": m[1], "client_id": uuid.NewString()})
	}
}

func (s *serviceOfWalk) post(t *testing.T, token, path string, body map[string]any) map[string]any {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.base+"/channels/web/web/v1"+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", s.base)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	out := map[string]any{}
	if err := json.NewDecoder(res.Body).Decode(&out); res.StatusCode >= 300 {
		t.Fatalf("POST %s: %d %v %v", path, res.StatusCode, out, err)
	}
	return out
}

// newestOfWalk is the id of the conversation that was opened last.
func newestOfWalk(t *testing.T, data string) string {
	t.Helper()
	client, ok := dialLocal(data)
	if !ok {
		t.Fatalf("no service answers on %s", data)
	}
	res, err := client.Get("http://localhost/api/v1/conversations?limit=1")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var list struct{ Items []struct{ ID string } }
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil || len(list.Items) == 0 {
		t.Fatalf("no conversation: %v", err)
	}
	return list.Items[0].ID
}
