package webhook

import (
	"errors"
	"net/http"

	"dispatcher/channels"
	"dispatcher/channels/wire"
)

// Respond answers a webhook in this channel's own words (channels.md 2.1):
// the accepted events, a pong, or an error with its code. A repeated
// webhook-id with another body is a conflict.
func (a *Adapter) Respond(r channels.Request, results []channels.Accepted, err error) channels.Response {
	if err != nil && !errors.Is(err, channels.ErrTooOld) {
		return Failure(err)
	}
	type accepted struct {
		ID        string `json:"id"`
		Duplicate bool   `json:"duplicate"`
	}
	list := make([]accepted, 0, len(results))
	for _, got := range results {
		if got.Status == "conflict" {
			return Failure(channels.ErrConflict)
		}
		list = append(list, accepted{ID: got.ID, Duplicate: got.Status == "duplicate"})
	}
	if len(results) == 0 && isPing(r.Body) {
		return answer(http.StatusOK, map[string]bool{"pong": true})
	}
	return answer(http.StatusOK, struct {
		Accepted []accepted `json:"accepted"`
	}{list})
}

func isPing(body []byte) bool {
	v, err := wire.ReadJSON(body)
	return err == nil && v.Get("type").Text() == "ping"
}

// Failure is an error in the channel's shape.
func Failure(err error) channels.Response {
	status, code := channels.StatusOf(err)
	resp := answer(status, map[string]any{"error": map[string]string{"code": code, "message": channels.MessageOf(err)}})
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		resp.Header.Set("Retry-After", "5")
	}
	return resp
}

func answer(status int, body any) channels.Response {
	raw, err := encode(body)
	if err != nil { // maps of strings and bools always marshal
		status, raw = http.StatusInternalServerError, []byte(`{}`)
	}
	return channels.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: raw}
}
