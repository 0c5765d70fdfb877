package main

import (
	"encoding/json"
	"net/http"

	"github.com/google/uuid"
	"github.com/rogpeppe/go-internal/testscript"
)

// visit ADDR WORDS...: somebody opens the chat and writes each of the words,
// one after the other.
func scriptVisit(ts *testscript.TestScript, neg bool, args []string) {
	base, token := "http://"+args[0], ""
	post := func(path, body string) map[string]any {
		header := map[string]string{"Content-Type": "application/json", "Origin": base}
		if token != "" {
			header["Authorization"] = "Bearer " + token
		}
		res, data := ask(ts, http.MethodPost, base+"/channels/web/web/v1"+path, body, header)
		if res.StatusCode >= 300 {
			ts.Fatalf("POST %s: %d %s", path, res.StatusCode, data)
		}
		out := map[string]any{}
		_ = json.Unmarshal([]byte(data), &out)
		return out
	}
	token, _ = post("/session", `{"open":true}`)["token"].(string)
	for _, words := range args[1:] {
		body, _ := json.Marshal(map[string]string{"text": words, "client_id": uuid.NewString()})
		post("/messages", string(body))
	}
}
