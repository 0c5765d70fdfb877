package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/rogpeppe/go-internal/testscript"
)

// visit ADDR WORDS...: somebody opens the chat and writes each of the words,
// one after the other.
func scriptVisit(ts *testscript.TestScript, neg bool, args []string) {
	base, token := "http://"+args[0], ""
	post := func(path, body string) map[string]any {
		req, err := http.NewRequest(http.MethodPost, base+"/channels/web/web/v1"+path, strings.NewReader(body))
		ts.Check(err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Origin", base)
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
		ts.Check(err)
		defer res.Body.Close()
		var data bytes.Buffer
		_, _ = data.ReadFrom(res.Body)
		if res.StatusCode >= 300 {
			ts.Fatalf("POST %s: %d %s", path, res.StatusCode, data.String())
		}
		out := map[string]any{}
		_ = json.Unmarshal(data.Bytes(), &out)
		return out
	}
	token, _ = post("/session", `{"open":true}`)["token"].(string)
	for _, words := range args[1:] {
		body, _ := json.Marshal(map[string]string{"text": words, "client_id": uuid.NewString()})
		post("/messages", string(body))
	}
}

// atend FILE: when the script ends, however it does, the process whose number
// is in the file ends too.
func scriptAtEnd(ts *testscript.TestScript, neg bool, args []string) {
	path := ts.MkAbs(args[0])
	ts.Defer(func() {
		data, _ := os.ReadFile(path)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
}
