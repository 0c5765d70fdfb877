package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

// cells is desk.md 6.5 and the last column of 6.2, written out by hand: what
// each role is answered on each route, in the order agent, lead, designer,
// admin: y = let in, n = 403. Scope is what a token needs; "-" = none can.
const cells = `
GET /me                                   yyyy  -any
PUT /me                                   yyyy  -any
GET /me/sessions                          yyyy  -any
DELETE /me/sessions/{id}                  yyyy  -any
GET /me/presence                          yyyy  -any
PUT /me/presence                          yyyy  -any
GET /conversations                        yyny  conversations:read
GET /conversations/{id}                   yyny  conversations:read
PATCH /conversations/{id}                 yyny  conversations:write
GET /conversations/{id}/messages          yyny  conversations:read
POST /conversations/{id}/messages         yyny  messages:send
POST /conversations/{id}/notes            yyny  conversations:write
POST /conversations/{id}/slots/{name}/reveal yyny pii:read
GET /conversations/{id}/trace             yyyy  conversations:read
POST /conversations/{id}/claim            yyny  conversations:write
POST /conversations/{id}/take-over        yyny  conversations:write
POST /conversations/{id}/release          yyny  conversations:write
POST /conversations/{id}/hand-back        yyny  conversations:write
POST /conversations/{id}/lend             yyny  conversations:write
POST /conversations/{id}/lend-recall      yyny  conversations:write
POST /conversations/{id}/resolve          yyny  conversations:write
POST /conversations/{id}/undo             yyny  conversations:write
POST /conversations/{id}/reopen           yyny  conversations:write
POST /conversations/{id}/transfer         yyny  conversations:write
POST /messages/{id}/retry                 yyny  messages:send
POST /messages/{id}/discard               yyny  messages:send
POST /messages/{id}/check                 yyny  messages:send
GET /contacts/{id}                        yyny  contacts:read
POST /verifications/{token}               nnnn  verify
POST /presence-beats                      yyny  -
GET /queues                               yyyy  queues:read
GET /queues/{alias}                       yyyy  queues:read
POST /queues/{alias}/take-next            yyny  conversations:write
GET /handoffs                             yyny  conversations:read
GET /handoffs/{id}                        yyny  conversations:read
GET /users                                nnny  users:manage
POST /users                               nnny  users:manage
GET /users/{id}                           nnny  users:manage
PATCH /users/{id}                         nnny  users:manage
GET /tokens                               nnny  users:manage
POST /tokens                              nnny  users:manage
GET /tokens/{id}                          nnny  users:manage
PATCH /tokens/{id}                        nnny  users:manage
DELETE /tokens/{id}                       nnny  users:manage
GET /flows                                nyyy  flows:read
GET /flows/problems                       nyyy  flows:read
POST /flows/reload                        nyyy  flows:activate
GET /flows/{name}                         nyyy  flows:read
GET /flows/{name}/graph                   nyyy  flows:read
GET /revisions                            nyyy  flows:read
GET /revisions/{id}                       nyyy  flows:read
GET /revisions/{id}/diff                  nyyy  flows:read
POST /revisions/{id}/plan                 nyyy  flows:read
POST /revisions/{id}/replay               nyyy  flows:read
POST /revisions/{id}/activate             nyyy  flows:activate
POST /revisions/{id}/rollback             nyyy  flows:activate
POST /revisions/{id}/discard              nyyy  flows:activate
GET /kill-switch                          nyny  kill
PUT /kill-switch                          nyny  kill
GET /channels                             nnny  channels:manage
POST /channels/{name}/pause               nnny  channels:manage
POST /channels/{name}/resume              nnny  channels:manage
GET /parked                               nnny  channels:manage
POST /parked/{id}/retry                   nnny  channels:manage
POST /parked/{id}/discard                 nnny  channels:manage
GET /audit                                yyyy  audit:read
GET /events                               yyyy  conversations:read
`

type cell struct{ method, path, roles, scope string }

func parseCells(t *testing.T) []cell {
	t.Helper()
	var out []cell
	for line := range strings.Lines(cells) {
		f := strings.Fields(line)
		if len(f) == 4 {
			out = append(out, cell{f[0], f[1], f[2], f[3]})
		}
	}
	return out
}

// R89: role × route, every cell, and no route without a row.
func TestRolesByRoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	clients := map[string]*client{}
	for _, role := range roleNames {
		w.user(role, role+"@acme.example")
		clients[role] = w.as(role + "@acme.example")
	}
	table := parseCells(t)
	for _, op := range w.s.ops {
		if !slices.ContainsFunc(table, func(c cell) bool { return c.method == op.method && c.path == op.path }) {
			t.Errorf("%s %s has no row in the table of the test", op.method, op.path)
		}
	}
	for _, c := range table {
		path := apiBase + strings.NewReplacer("{id}", "019a0000-0000-7000-8000-000000000000", "{name}", "order", "{alias}", "nobody", "{token}", "x").Replace(c.path)
		call := func(cl *client) int { return w.probe(cl, c, path) }
		if got := call(w.browser()); got != 401 {
			t.Errorf("%s %s without log-in: %d, want 401", c.method, c.path, got)
		}
		for i, role := range roleNames {
			got := call(clients[role])
			if let := got != 401 && got != 403; let != (c.roles[i] == 'y') {
				t.Errorf("%s %s as %s: %d, want let in = %v", c.method, c.path, role, got, c.roles[i] == 'y')
			}
		}
		w.checkScopes(t, c, path)
	}
}

// probe asks once; a stream is cut as soon as its status is known.
func (w *world) probe(cl *client, c cell, path string) int {
	w.t.Helper()
	var body *strings.Reader
	if c.method != http.MethodGet && c.method != http.MethodDelete {
		body = strings.NewReader("{}")
	} else {
		body = strings.NewReader("")
	}
	req, err := http.NewRequest(c.method, w.http.URL+path, body)
	must(w.t, err)
	for k, v := range cl.header {
		req.Header[k] = v
	}
	if body.Len() > 0 {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("If-Epoch", "1")
	}
	resp, err := cl.http.Do(req)
	must(w.t, err)
	_ = resp.Body.Close()
	return resp.StatusCode
}

func (w *world) checkScopes(t *testing.T, c cell, path string) {
	t.Helper()
	if c.scope == "-any" {
		return
	}
	without := slices.DeleteFunc(slices.Clone(allScopes), func(s string) bool { return s == c.scope })
	if got := w.probe(w.program(w.token(without...)), c, path); got != 403 {
		t.Errorf("%s %s with every scope but %s: %d, want 403", c.method, c.path, c.scope, got)
	}
	if c.scope == "-" {
		return
	}
	if got := w.probe(w.program(w.token(c.scope)), c, path); got == 401 || got == 403 {
		t.Errorf("%s %s with scope %s: %d", c.method, c.path, c.scope, got)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	admin := w.as("ana@acme.example")
	made := admin.post("/api/v1/tokens", map[string]any{"name": "ci", "scopes": []string{"users:manage"}}).want(t, 201).json(t)
	token := made["token"].(string)
	if !strings.HasPrefix(token, "dsp_") || len(token) != 4+43 {
		t.Errorf("token %q", token)
	}
	p := w.program(token)
	p.get("/api/v1/users").want(t, 200)
	list := admin.get("/api/v1/tokens").want(t, 200)
	if strings.Contains(string(list.body), token) {
		t.Error("the token is shown again (R90)")
	}
	if one := list.json(t)["items"].([]any)[0].(map[string]any); one["last_use"] == nil {
		t.Error("last use is not noted")
	}
	admin.post("/api/v1/tokens", map[string]any{"name": "x", "scopes": []string{"users:manage"}, "expires_at": "2028-01-01T00:00:00Z"}).wantProblem(t, 422, "invalid")
	admin.do(http.MethodDelete, "/api/v1/tokens/"+made["id"].(string), nil).want(t, 204)
	p.get("/api/v1/users").wantProblem(t, 401, "login_required")
	w.program("dsp_nonsense").get("/api/v1/users").wantProblem(t, 401, "login_required")
	short := w.program(w.token("users:manage"))
	w.clock.move(tokenDefaultLife)
	short.get("/api/v1/users").wantProblem(t, 401, "login_required")
}

func TestUnknownFieldsAndSubmittedValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	c := w.as("ana@acme.example")
	got := c.post("/api/v1/users", map[string]any{"name": "Ben", "email": "secret-words", "password": "short secret", "role": "agent", "extra": 1}).wantProblem(t, 422, "invalid")
	if got.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("content type %q", got.Header.Get("Content-Type"))
	}
	if strings.Contains(string(got.body), "secret") {
		t.Errorf("the answer repeats what was sent: %s", got.body)
	}
	if !strings.Contains(string(got.body), `"location":"body`) {
		t.Errorf("no location: %s", got.body)
	}
	c.do("POST", "/api/v1/users", strings.NewReader("{"), "Content-Type", "application/json").want(t, 400)
	c.do("POST", "/api/v1/users", strings.NewReader(`{"name":"`+strings.Repeat("x", maxBody)+`"}`), "Content-Type", "application/json").wantProblem(t, 413, "too_large")
	for name := range problemCodes {
		w.browser().get("/problems/"+name).want(t, 200)
	}
	w.browser().get("/problems/nothing").want(t, 404)
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	p := w.program(w.token("queues:read"))
	for range tokenPerMinute {
		p.get("/api/v1/queues").want(t, 200)
	}
	if got := p.get("/api/v1/queues").wantProblem(t, 429, "rate_limited"); got.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", got.Header.Get("Retry-After"))
	}
	w.clock.move(1e9)
	p.get("/api/v1/queues").want(t, 200)
}

// The description of the API changes only on purpose: UPDATE=1 writes it anew.
func TestOpenAPISnapshot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	got := w.browser().get("/api/openapi.json").want(t, 200)
	var spec map[string]any
	must(t, json.Unmarshal(got.body, &spec))
	if spec["openapi"] != "3.1.0" {
		t.Errorf("openapi %v", spec["openapi"])
	}
	var lines []string
	for path, ops := range spec["paths"].(map[string]any) {
		for method, op := range ops.(map[string]any) {
			var params []string
			list, _ := op.(map[string]any)["parameters"].([]any)
			for _, p := range list {
				params = append(params, p.(map[string]any)["name"].(string))
			}
			lines = append(lines, strings.ToUpper(method)+" "+path+" ("+strings.Join(params, " ")+")"+bodiesOf(op.(map[string]any)))
		}
	}
	slices.Sort(lines)
	lines = append(lines, schemaLines(spec["components"].(map[string]any)["schemas"].(map[string]any))...)
	const file = "testdata/openapi.txt"
	text := strings.Join(lines, "\n") + "\n"
	if os.Getenv("UPDATE") != "" {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(file, []byte(text), 0o644))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if string(want) != text {
		t.Errorf("the routes of the description changed; UPDATE=1 writes %s anew.\n%s", file, text)
	}
}

// Answers may grow in version 1, requests refuse what they do not know: no
// schema is both, and none is there that nothing uses.
func TestOpenAPIAnswersMayGrow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("admin", "ana@acme.example")
	var spec map[string]any
	must(t, json.Unmarshal(w.browser().get("/api/openapi.json").want(t, 200).body, &spec))
	schemas := asMap(asMap(spec["components"])["schemas"])
	asked, answered := map[string]bool{}, map[string]bool{}
	var collect func(v any, into map[string]bool)
	collect = func(v any, into map[string]bool) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				collect(item, into)
			}
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				name := ref[strings.LastIndexByte(ref, '/')+1:]
				if !into[name] {
					into[name] = true
					collect(schemas[name], into)
				}
			}
			for _, item := range v {
				collect(item, into)
			}
		}
	}
	for _, ops := range asMap(spec["paths"]) {
		for _, op := range asMap(ops) {
			collect(asMap(op)["requestBody"], asked)
			collect(asMap(op)["responses"], answered)
		}
	}
	if len(asked) < 10 || len(answered) < 20 {
		t.Fatalf("%d request and %d answer schemas", len(asked), len(answered))
	}
	for name, schema := range schemas {
		switch more := asMap(schema)["additionalProperties"]; {
		case asked[name] && answered[name]:
			t.Errorf("%s is a request and an answer", name)
		case asked[name] && more != false:
			t.Errorf("%s: a request takes unknown fields", name)
		case answered[name] && more == false:
			t.Errorf("%s: an answer cannot grow", name)
		case !asked[name] && !answered[name]:
			t.Errorf("nothing uses %s", name)
		}
	}
	w.as("ana@acme.example").send("PUT", "/api/v1/me/presence", map[string]any{"presence": "away", "until": "noon"}).wantProblem(t, 422, "invalid")
}

// bodiesOf names the schemas of a request and of each answer.
func bodiesOf(op map[string]any) string {
	var out []string
	if in, ok := op["requestBody"].(map[string]any); ok {
		out = append(out, "body "+contentOf(in))
	}
	answers, _ := op["responses"].(map[string]any)
	for _, status := range slices.Sorted(maps.Keys(answers)) {
		if status != "default" {
			out = append(out, status+" "+contentOf(answers[status].(map[string]any)))
		}
	}
	return " → " + strings.TrimSpace(strings.Join(out, " → "))
}

func contentOf(part map[string]any) string {
	for _, c := range asMap(part["content"]) {
		return typeOf(asMap(asMap(c)["schema"]))
	}
	return "-"
}

func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// typeOf writes a schema as one word.
func typeOf(schema map[string]any) string {
	if ref, ok := schema["$ref"].(string); ok {
		return ref[strings.LastIndexByte(ref, '/')+1:]
	}
	switch t := schema["type"].(type) {
	case string:
		switch {
		case t == "array":
			return "[" + typeOf(asMap(schema["items"])) + "]"
		case schema["enum"] != nil:
			return fmt.Sprint(schema["enum"])
		}
		return t
	case []any: // a type that may be null
		if slices.Contains(t, any("array")) {
			return "[" + typeOf(asMap(schema["items"])) + "]?"
		}
		return fmt.Sprint(t)
	}
	return "any"
}

// schemaLines writes each schema with its fields; a star marks what is always there.
func schemaLines(schemas map[string]any) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		schema := asMap(schemas[name])
		required, _ := schema["required"].([]any)
		var fields []string
		for _, f := range slices.Sorted(maps.Keys(asMap(schema["properties"]))) {
			star := ""
			if slices.Contains(required, any(f)) {
				star = "*"
			}
			fields = append(fields, f+star+" "+typeOf(asMap(asMap(schema["properties"])[f])))
		}
		lines = append(lines, "schema "+name+": "+strings.Join(fields, ", "))
	}
	return lines
}
