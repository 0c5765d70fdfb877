package server

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"
)

// apiBase is where version 1 lives; a removal of anything needs another base.
const apiBase = "/api/v1"

// operation is one route of the API with what it asks of the caller.
type operation struct {
	method, path string // path below apiBase, parameters in braces
	id, summary  string
	tag          string
	perm         permission
	epoch        bool // a browser session must send If-Epoch
	send         bool // counts as a send of the agent
	status       int  // of success; 0 = 200, or 204 without body
	large        bool // its body may be a whole project
}

// most is how long the body of a request may be, in bytes.
func (o operation) most() int64 {
	if o.large {
		return MaxProject
	}
	return maxBody
}

// tooLarge refuses a longer body.
func (o operation) tooLarge() *Problem {
	if o.large {
		return problem("too_large", "The files of this project are larger than "+itoa(MaxProject>>20)+" MiB together.")
	}
	return problem("too_large", "")
}

// route is the operation's echo path.
func (o operation) route() string {
	return apiBase + strings.NewReplacer("{", ":", "}", "").Replace(o.path)
}

// apiRoutes builds the API and everything that describes it.
func (s *Server) apiRoutes(e *echo.Echo) {
	e.Use(s.gate)
	config := huma.DefaultConfig("Dispatcher", "1")
	config.OpenAPI.Info.Description = "Everything the console can do, a token can do. Errors are problem+json with a stable code."
	config.OpenAPI.Servers = []*huma.Server{{URL: apiBase}}
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil
	config.Transformers = []huma.Transformer{transform}
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: cookieSecure},
		"token":   {Type: "http", Scheme: "bearer", BearerFormat: tokenPrefix + "…"},
	}
	api := humaecho.NewWithGroup(e, e.Group(apiBase), config)
	s.conversationRoutes(api)
	s.queueRoutes(api)
	s.peopleRoutes(api)
	s.verifyRoutes(api)
	s.flowRoutes(api)
	s.opsRoutes(api)
	e.GET(apiBase+"/events", func(c echo.Context) error { s.events(c); return nil })
	s.describeEvents(api)
	openAnswers(api.OpenAPI())
	s.docRoutes(e, api)
}

// schemaName keeps equal names of different packages apart: the package's own
// name goes in front unless it is this one.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	pkg := t.PkgPath()
	if i := strings.LastIndexByte(pkg, '/'); i >= 0 {
		pkg = pkg[i+1:]
	}
	if pkg == "" || pkg == "server" {
		return name
	}
	return strings.ToUpper(pkg[:1]) + pkg[1:] + name
}

// gate checks who calls, whether they may, and how often; then it runs the
// request once per Idempotency-Key.
func (s *Server) gate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		op, ok := s.operation(c.Request().Method, c.Path())
		if !ok {
			return next(c)
		}
		r, who := c.Request(), caller(c.Request().Context())
		if p := s.checkCall(r, who, op); p != nil {
			s.writeProblem(c.Response(), r, p)
			return nil
		}
		if op.perm == permPresenceBeats { // repeats are what they are; nothing is worth keeping
			return next(c)
		}
		s.idempotent(c.Response(), r, who, op, func(w http.ResponseWriter, r *http.Request) {
			before := c.Response()
			c.SetRequest(r)
			if w != http.ResponseWriter(before) {
				c.SetResponse(echo.NewResponse(w, s.echo))
				defer c.SetResponse(before)
			}
			if err := next(c); err != nil {
				s.echoError(c, err)
			}
		})
		return nil
	}
}

// operation finds the operation of a route; what is not below apiBase, as
// every platform's events, has none.
func (s *Server) operation(method, route string) (operation, bool) {
	if !strings.HasPrefix(route, apiBase) {
		return operation{}, false
	}
	op, ok := s.byRoute[method+" "+route]
	return op, ok
}

// register notes an operation for the gate and for the matrix of roles.
func (s *Server) register(op operation) {
	s.ops = append(s.ops, op)
	if s.byRoute == nil {
		s.byRoute = map[string]operation{}
	}
	s.byRoute[op.method+" "+op.route()] = op
}

func (s *Server) checkCall(r *http.Request, who *identity, op operation) *Problem {
	switch {
	case who == nil:
		return problem("login_required", "")
	case who.Half:
		return problem("second_factor", "")
	case allowed(who, op.perm) == no:
		return problem("forbidden", "")
	}
	if p := s.limitCaller(who); p != nil {
		return p
	}
	if p := checkJSON(r, who, op); p != nil {
		return p
	}
	if op.epoch && !who.Token && r.Header.Get("If-Epoch") == "" {
		return problem("epoch_required", "")
	}
	if op.send {
		if wait, ok := s.limits.take("sends "+who.ID, sendsPerMinute); !ok {
			return problem("rate_limited", "").after(seconds(wait))
		}
	}
	return nil
}

// checkJSON: what changes something comes as JSON, which a foreign page cannot
// send without asking first. A token is no cookie: it may leave an empty body
// without a type.
func checkJSON(r *http.Request, who *identity, op operation) *Problem {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodDelete {
		return nil
	}
	if r.ContentLength > op.most() {
		return op.tooLarge()
	}
	if who.Token && r.ContentLength == 0 {
		return nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return problem("invalid", "Send application/json.").with(http.StatusUnsupportedMediaType)
	}
	return nil
}

// handle registers one operation. The handler gets the caller and gives the
// body of the answer; its error becomes a problem.
func handle[I, O any](s *Server, api huma.API, op operation, h func(ctx context.Context, who *identity, in *I) (*O, error)) {
	s.register(op)
	scopes := []string{}
	if scope := scopeOf(op.perm); op.perm != permSession && scope != "" {
		scopes = append(scopes, scope)
	}
	spec := huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Summary: op.summary, Tags: []string{op.tag},
		DefaultStatus: op.status, MaxBodyBytes: op.most(),
		Security: []map[string][]string{{"session": {}}, {"token": scopes}},
	}
	if op.large {
		spec.BodyReadTimeout = time.Minute
	}
	spec.Responses = map[string]*huma.Response{"default": {
		Description: "A problem with its code.",
		Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: problemSchema(api)}},
	}}
	huma.Register(api, spec, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, caller(ctx), in)
		if err != nil {
			return nil, s.apiError(ctx, err)
		}
		return out, nil
	})
	describeKey(api, op)
}

// describeKey adds the header that every POST takes, whether or not its
// handler looks at it.
func describeKey(api huma.API, op operation) {
	item := api.OpenAPI().Paths[op.path]
	if op.method != http.MethodPost || op.perm == permPresenceBeats || item == nil || item.Post == nil {
		return
	}
	for _, p := range item.Post.Parameters {
		if p.Name == "Idempotency-Key" {
			return
		}
	}
	limit := 255
	item.Post.Parameters = append(item.Post.Parameters, &huma.Param{
		Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: "string", MaxLength: &limit},
		Description: "A repetition under the same key gets the first answer again.",
	})
}

func problemSchema(api huma.API) *huma.Schema {
	return huma.SchemaFromType(api.OpenAPI().Components.Schemas, reflect.TypeFor[Problem]())
}

// Schema implements huma.SchemaProvider: facts of the case may stand beside
// the fixed fields.
func (Problem) Schema(huma.Registry) *huma.Schema {
	text := &huma.Schema{Type: "string"}
	field := &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{"location": text, "message": text}}
	return &huma.Schema{
		Type: "object", Required: []string{"type", "title", "status", "instance", "code"}, AdditionalProperties: true,
		Properties: map[string]*huma.Schema{
			"type": text, "title": text, "status": {Type: "integer"}, "detail": text, "instance": text, "code": text,
			"errors": {Type: "array", Items: field},
		},
	}
}

// apiError makes a problem of an error and logs what is our fault.
func (s *Server) apiError(ctx context.Context, err error) error {
	p := asProblem(err)
	s.logProblem((&http.Request{}).WithContext(ctx), p)
	return p
}

// body is an answer with nothing but a body.
type body[T any] struct{ Body T }

func answer[T any](v T, err error) (*body[T], error) {
	if err != nil {
		return nil, err
	}
	return &body[T]{Body: v}, nil
}

// none is an answer without a body.
type none struct{}

// noInput is a request without parameters.
type noInput struct{}

// ListInput are the parameters of every list. Exported because huma looks into
// embedded fields only when they are.
type ListInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items."`
	Cursor string `query:"cursor" maxLength:"4096" doc:"next_cursor of the page before."`
}

// items is one page of a list of the API.
type items[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor,omitempty"`
}

// jsonObject decodes raw JSON for a body whose shape belongs to another package.
func jsonObject(raw json.RawMessage) (map[string]any, error) {
	out := map[string]any{}
	if len(raw) == 0 {
		return out, nil
	}
	return out, json.Unmarshal(raw, &out)
}
