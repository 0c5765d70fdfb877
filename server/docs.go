package server

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
	"github.com/swaggest/swgui/v5emb"
)

const (
	openAPIPath = "/api/openapi.json"
	docsPath    = "/api/docs"
)

// docRoutes serve the description of the API and the page that shows it.
func (s *Server) docRoutes(e *echo.Echo, api huma.API) {
	spec := sync.OnceValues(func() ([]byte, error) { return json.MarshalIndent(api.OpenAPI(), "", "  ") })
	e.GET(openAPIPath, func(c echo.Context) error {
		raw, err := spec()
		if err != nil {
			return err
		}
		return c.Blob(http.StatusOK, "application/vnd.oai.openapi+json;version=3.1", raw)
	})
	ui := v5emb.New("Dispatcher API", openAPIPath, docsPath+"/")
	policy := docsPolicy(ui)
	page := func(c echo.Context) error {
		c.Response().Header().Set("Content-Security-Policy", policy)
		ui.ServeHTTP(c.Response(), c.Request())
		return nil
	}
	e.GET(docsPath, page)
	e.GET(docsPath+"/*", page)
}

var inlineScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

// docsPolicy is the one policy that is wider than web.Policy: inline styles,
// no Trusted Types, and the two inline scripts of the page by their hash. The
// page renders nothing but our own OpenAPI document.
func docsPolicy(ui http.Handler) string {
	rec := &recorder{header: http.Header{}}
	ui.ServeHTTP(rec, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: docsPath + "/"}, Header: http.Header{}})
	scripts := []string{"'self'"}
	for _, m := range inlineScript.FindAllSubmatch(rec.body.Bytes(), -1) {
		sum := sha256.Sum256(m[1])
		scripts = append(scripts, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	return "default-src 'none'; script-src " + strings.Join(scripts, " ") + "; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
		"connect-src 'self'; font-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// describeEvents adds the live stream, which is no ordinary operation, to the
// description and to the table of what each route asks for.
func (s *Server) describeEvents(api huma.API) {
	op := operation{method: "GET", path: "/events", id: "events", summary: "Live updates as server-sent events", tag: "live", perm: permEventsStream}
	s.register(op)
	text := &huma.Schema{Type: "string"}
	api.OpenAPI().AddOperation(&huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Summary: op.summary, Tags: []string{op.tag},
		Description: "id is the cursor of the project, event the type, data a JSON object {cursor, conv, conv_seq, type, …}. A reader at a cursor is never later given an event at or before it. Event reset: read everything again.",
		Parameters: []*huma.Param{
			{Name: "topics", In: "query", Schema: text, Description: "Comma-separated: queue:ALIAS, agent:ID, conversation:ID, flows. Empty: all that you may see."},
			{Name: "Last-Event-ID", In: "header", Schema: text},
		},
		Security:  []map[string][]string{{"session": {}}, {"token": {scopeOf(op.perm)}}},
		Responses: map[string]*huma.Response{"200": {Description: "The stream.", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: text}}}},
	})
}
