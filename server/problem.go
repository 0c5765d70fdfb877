package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"dispatcher/channels"
	"dispatcher/desk"
	"dispatcher/storage"
)

// Problem is every refusal of the API as RFC 9457 application/problem+json.
// It never holds a message text, a name or a secret.
type Problem struct {
	Type     string       `json:"type"`
	Title    string       `json:"title"`
	Status   int          `json:"status"`
	Detail   string       `json:"detail,omitempty"`
	Instance string       `json:"instance"`
	Code     string       `json:"code"`
	Errors   []FieldError `json:"errors,omitempty"`

	facts      map[string]any // of the case, flattened into the object
	retryAfter int            // seconds; 0 = no header
	cause      error          // for the log only
}

// FieldError is one field that was refused.
type FieldError struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// code is one row of the table of problem codes (desk.md 6.3).
type code struct {
	status int
	title  string
	help   string // shown at /problems/{code}
}

// problemCodes is the closed list; the pages /problems/{code} are made from it.
var problemCodes = map[string]code{
	"already_claimed": {409, "Somebody else has this conversation", "Another agent took it first. The facts name the owner and since when; reading the conversation again shows its present epoch."},
	"not_owner":       {409, "You do not own this conversation", "Only the owner's messages leave. Take the conversation over first, then send again; the text was not sent."},
	"stale_epoch":     {409, "The conversation has moved on", "If-Epoch names an earlier state of ownership. Read the conversation again and decide on what it shows now."},
	"epoch_required":  {428, "If-Epoch is missing", "Commands from a browser session say which state they were decided on: send the epoch of the conversation in the header If-Epoch."},
	"new_message":     {409, "The customer wrote meanwhile", "There is a message that last_seen_seq does not cover. Read it, or repeat the command with force."},
	"too_late":        {409, "Too late to undo", "The time for undoing is over, or something has left already. Reopen the conversation instead."},
	"window_closed":   {409, "The platform's reply window is closed", "The platform takes no reply now. The window opens again when the customer writes."},
	"guard_blocked":   {422, "Personal data in a public message", "The text holds something personal that we know of this customer. It cannot be sent in public."},
	"guard_confirm":   {409, "A public message needs a second look", "The findings are listed. Repeat the request with them in confirm to send all the same."},
	"blank_open":      {422, "A blank is still open", "The text holds a blank in double square brackets. Fill or remove it."},
	"too_long":        {422, "The text is too long", "The channel cannot carry this much, even in parts."},
	"media_refused":   {422, "The channel does not take this file", "The type or the size is not one the channel carries."},
	"no_return_point": {409, "There is nothing to return to", "The flow names no state to come back to, or the assistant may not run in this conversation."},
	"cannot_lend":     {409, "This flow cannot be delegated here", "The flow has no delegate part, or the conversation is not private."},
	"bot_paused":      {409, "The assistant is paused", "Resume it first, or answer by hand."},
	"capacity_full":   {409, "No free capacity", "The agent holds as much as they can. A lead may exceed it."},
	"not_member":      {403, "Not a member of this queue", "The conversation waits in a queue you do not work."},
	"invalid":         {422, "The request is not valid", "The list of errors names each field and what is wrong with it. Unknown fields are refused."},
	"not_found":       {404, "Not found", "There is no such thing, or it is not yours to see."},
	"forbidden":       {403, "Not allowed", "The role or the scopes of the caller do not include this."},
	"login_required":  {401, "Log in first", "The request has no session and no token, or they are over."},
	"second_factor":   {401, "The second factor is missing", "The password was right; enter the code of the authenticator at /login/second."},
	"key_reused":      {422, "Idempotency-Key was used for another request", "The same key came with another body. Use a new key for a new request."},
	"in_progress":     {409, "The first request with this key still runs", "Wait a moment and repeat it with the same key."},
	"rate_limited":    {429, "Too many requests", "Wait as long as Retry-After says."},
	"too_large":       {413, "The request is too large", "A body may have 1 MiB."},
	"overloaded":      {503, "Not now", "Nothing was accepted. Repeat the request after Retry-After."},
	"erased":          {410, "This person's data was erased", "The contact asked to be forgotten; there is nothing left to work on."},
	"internal":        {500, "Something went wrong here", "The log holds the cause under the error id that this answer names as its instance."},
}

// problem makes the answer for a code; detail adds the case in plain words.
func problem(name, detail string) *Problem {
	c, ok := problemCodes[name]
	if !ok {
		name, c = "internal", problemCodes["internal"]
	}
	return &Problem{
		Type: "/problems/" + name, Title: c.title, Status: c.status, Detail: detail,
		Instance: "urn:uuid:" + uuid.NewString(), Code: name,
	}
}

// with sets another HTTP status than the code's own.
func (p *Problem) with(status int) *Problem { p.Status = status; return p }

// after sets Retry-After in seconds.
func (p *Problem) after(seconds int) *Problem { p.retryAfter = max(1, seconds); return p }

// Error implements error.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", itoa(p.retryAfter))
	}
	return h
}

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// MarshalJSON flattens the facts of the case into the object.
func (p *Problem) MarshalJSON() ([]byte, error) {
	out := map[string]any{}
	maps.Copy(out, p.facts)
	out["type"], out["title"], out["status"], out["instance"], out["code"] = p.Type, p.Title, p.Status, p.Instance, p.Code
	if p.Detail != "" {
		out["detail"] = p.Detail
	}
	if len(p.Errors) > 0 {
		out["errors"] = p.Errors
	}
	return json.Marshal(out)
}

// asProblem turns any error of the packages below into an answer. What it
// does not know is "internal"; the caller logs the cause.
func asProblem(err error) *Problem {
	var p *Problem
	var d *desk.Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &d):
		return deskProblem(d)
	case errors.Is(err, storage.ErrNotFound):
		return problem("not_found", "")
	case errors.Is(err, storage.ErrConflict):
		return problem("stale_epoch", "It was changed meanwhile; read it again.")
	case errors.Is(err, storage.ErrDegraded), errors.Is(err, storage.ErrClosed),
		errors.Is(err, channels.ErrOverloaded), errors.Is(err, channels.ErrNotReady),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		p = problem("overloaded", "Nothing was changed.").after(5)
	default:
		p = problem("internal", "")
	}
	p.cause = err
	return p
}

func deskProblem(d *desk.Problem) *Problem {
	p := problem(d.Code, d.Detail)
	if d.Status != 0 {
		p.Status = d.Status
	}
	p.facts = d.Facts
	if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests {
		p.after(5)
	}
	if p.Status >= http.StatusInternalServerError {
		p.cause = d
	}
	return p
}

// fromHuma takes huma's own errors over: its model repeats the submitted
// value, which may be a customer's words, and has no code.
func fromHuma(m *huma.ErrorModel) *Problem {
	name := "invalid"
	switch {
	case m.Status == http.StatusRequestEntityTooLarge:
		name = "too_large"
	case m.Status >= http.StatusInternalServerError:
		name = "internal"
	}
	p := problem(name, "").with(m.Status)
	for _, e := range m.Errors {
		if e != nil && name == "invalid" {
			p.Errors = append(p.Errors, FieldError{Location: e.Location, Message: e.Message})
		}
	}
	if len(p.Errors) == 0 && name == "invalid" {
		p.Detail = m.Detail
	}
	return p
}

// transform is the API's only transformer (runtime.md ruling 25).
func transform(_ huma.Context, _ string, v any) (any, error) {
	if m, ok := v.(*huma.ErrorModel); ok {
		return fromHuma(m), nil
	}
	return v, nil
}

// writeProblem answers with problem+json, or with a page where a browser asks for one.
func (s *Server) writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := asProblem(err)
	s.logProblem(r, p)
	maps.Copy(w.Header(), p.GetHeaders())
	if wantsPage(r) {
		s.problemPage(w, r, p)
		return
	}
	body, _ := json.Marshal(p)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(body)
}

func (s *Server) logProblem(r *http.Request, p *Problem) {
	if p.cause == nil || p.Status < http.StatusInternalServerError {
		return
	}
	s.log.LogAttrs(r.Context(), slog.LevelError, "request failed",
		slog.String("error_id", p.Instance), slog.String("route", routeOf(r)), slog.String("cause", p.cause.Error()))
}

// wantsPage says whether the answer goes to a person's browser.
func wantsPage(r *http.Request) bool {
	return !strings.HasPrefix(r.URL.Path, "/api/") && !strings.HasPrefix(r.URL.Path, "/channels/") &&
		strings.Contains(r.Header.Get("Accept"), "text/html")
}
