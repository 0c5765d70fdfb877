package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

// TestLSPOverStandardStreams: the verb talks on its streams and leaves with the
// code of the protocol.
func TestLSPOverStandardStreams(t *testing.T) {
	t.Parallel()
	in, say := io.Pipe()
	heard, out := io.Pipe()
	m := &Main{In: in, Out: out, Err: &bytes.Buffer{}, Getenv: func(string) string { return "" }}
	code := make(chan int, 1)
	go func() { code <- m.Run(t.Context(), []string{"lsp", "--stdio"}) }()
	answers := bufio.NewReader(heard)
	ask := func(message, want string) {
		t.Helper()
		fmt.Fprintf(say, "Content-Length: %d\r\n\r\n%s", len(message), message)
		var length int
		head, err := answers.ReadString('\n')
		if _, scanned := fmt.Sscanf(head, "Content-Length: %d", &length); err != nil || scanned != nil {
			t.Fatalf("%v: got %q", err, head)
		}
		_, _ = answers.ReadString('\n') // the empty line
		answer := make([]byte, length)
		if _, err := io.ReadFull(answers, answer); err != nil || !strings.Contains(string(answer), want) {
			t.Fatalf("%v: got %s", err, answer)
		}
	}
	ask(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}`, `"serverInfo":{"name":"dispatcher"`)
	ask(`{"jsonrpc":"2.0","id":2,"method":"shutdown"}`, `"result":null`)
	message := `{"jsonrpc":"2.0","method":"exit"}`
	fmt.Fprintf(say, "Content-Length: %d\r\n\r\n%s", len(message), message)
	if got := <-code; got != exitOK {
		t.Errorf("code %d", got)
	}
}
