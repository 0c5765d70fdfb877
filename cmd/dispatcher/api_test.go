package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dispatcher/flows"
)

// planFrom runs a verb of plan against an address and gives what it says.
func planFrom(t *testing.T, token string, args ...string) string {
	t.Helper()
	var said bytes.Buffer
	m := &Main{In: strings.NewReader(""), Out: io.Discard, Err: &said, Now: time.Now, Getenv: func(name string) string {
		return map[string]string{"DISPATCHER_TOKEN": token}[name]
	}}
	if code := m.Run(t.Context(), append([]string{"plan"}, args...)); code != 2 {
		t.Errorf("plan %v: exit code %d, want 2", args, code)
	}
	return said.String()
}

// TestServiceElsewhereSaysWhatIsWrong: in plain words, and a set is missing
// only where there is a service that has none.
func TestServiceElsewhereSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	problem := func(status int, code string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"code":"`+code+`","detail":"There is no such thing, or it is not yours to see."}`)
		}
	}
	const closed = "http://127.0.0.1:1" // a port that no test is given; one just freed may go to another test
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"token unknown": {problem(401, "login_required"), "does not know the token in DISPATCHER_TOKEN"},
		"not allowed":   {problem(403, "forbidden"), "does not allow this to the token"},
		"no API below":  {problem(404, "not_found"), "has no API at this address"},
		"another site":  {http.NotFound, "not as Dispatcher does (404)"},
		"a page":        {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, "not as Dispatcher does (200)"},
		"breaks off":    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "broke the connection off"},
		"no such set": {func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/flows") {
				_, _ = io.WriteString(w, "{}")
				return
			}
			problem(404, "not_found")(w, r)
		}, "there is no such set; plan history lists them"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(c.handler)
			defer srv.Close()
			if said := planFrom(t, "t", "rollback", "abcd", "--server", srv.URL); !strings.Contains(said, c.want) {
				t.Errorf("said %q, want %q", said, c.want)
			}
		})
	}
	if said := planFrom(t, "t", "history", "--server", closed); !strings.Contains(said, "nothing answers at "+closed) || strings.Contains(said, "dial") {
		t.Errorf("connection refused: %q", said)
	}
	for _, bad := range []string{"bot.acme.example", "ftp://bot.acme.example", "https://", "http://[", "localhost:8080"} {
		if said := planFrom(t, "t", "history", "--server", bad); !strings.Contains(said, "it takes an address such as https://bot.acme.example") {
			t.Errorf("--server %s: %q", bad, said)
		}
	}
	if said := planFrom(t, "", "history", "--server", "http://127.0.0.1:1"); strings.Contains(said, "user token") || !strings.Contains(said, "POST /api/v1/tokens") {
		t.Errorf("no token: %q", said)
	}
}

// TestPlanOfTooLargeAProjectIsNotSent: it is told here, not by a broken pipe.
func TestPlanOfTooLargeAProjectIsNotSent(t *testing.T) {
	t.Parallel()
	text := bytes.Repeat([]byte("x"), 1<<20)
	p := &flows.Project{Files: &flows.Files{Data: map[string][]byte{}}}
	for i := range 31 {
		p.Files.Data[fmt.Sprintf("flows/%d.yaml", i)] = text
	}
	p.Files.Data["flows/tests/a.test.yaml"] = bytes.Repeat(text, 2) // tests stay here
	if _, err := sent(p); err != nil {
		t.Error(err)
	}
	p.Files.Data["flows/a.yaml"] = text
	if _, err := sent(p); err == nil || !strings.Contains(err.Error(), "32.0 MiB together, and a service takes 32 MiB") {
		t.Errorf("err %v", err)
	}
}
