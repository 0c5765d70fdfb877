package x

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/wire"
	"dispatcher/dm"
)

// floor is the shortest wait after a refusal for rate: X sends no Retry-After.
const floor = 60 * time.Second

// Codes of v1.1 error bodies; v2 puts them into problem titles only.
const (
	codeRate       = 88
	codeBlocked    = 349
	codeNotFollows = 150 // [unverified]
	codeAutomated  = 226 // [unverified]
	codePlan       = 453
	codeAnyone     = 214 // the account must allow messages from anyone
)

// Classify reads X's answer by the table of channels.md 2.4.
func (a *Adapter) Classify(call channels.Call, res channels.Result) channels.Outcome {
	out := classify(call, res)
	switch call.Kind {
	case "typing", "read":
		if out.Verdict != channels.Sent {
			return channels.Outcome{Verdict: channels.Ignored, Code: out.Code}
		}
	case "check", "poll":
		if out.Verdict == channels.Ambiguous { // reading twice harms nobody
			out.Verdict = channels.Retry
		}
	}
	return out
}

func classify(call channels.Call, res channels.Result) channels.Outcome {
	body, err := wire.ReadJSON(res.Body)
	if err != nil {
		body = wire.Value{}
	}
	code := errorCode(body)
	name := strconv.Itoa(res.Status)
	if code != 0 {
		name += "/" + strconv.FormatInt(code, 10)
	}
	failed := func(r dm.Reason) channels.Outcome {
		return channels.Outcome{Verdict: channels.Failed, Reason: r, Code: name}
	}
	switch s := res.Status; {
	case res.Err != nil || s == 0:
		if res.Written {
			return channels.Outcome{Verdict: channels.Ambiguous, Reason: dm.ReasonTransient, Code: "transport"}
		}
		return channels.Outcome{Verdict: channels.Retry, Reason: dm.ReasonTransient, Code: "transport"}
	case s == http.StatusTooManyRequests || code == codeRate:
		return channels.Outcome{Verdict: channels.Retry, Reason: dm.ReasonThrottled, RetryAt: reset(res), PauseFor: "account", Code: name}
	case s >= 200 && s < 300:
		return accepted(call, body, name)
	case s == http.StatusUnauthorized:
		return failed(dm.ReasonAuthBroken)
	case s == http.StatusForbidden:
		return failed(forbidden(code, strings.ToLower(string(res.Body))))
	case s == http.StatusBadRequest:
		return failed(dm.ReasonBadContent)
	case s == http.StatusNotFound:
		return failed(dm.ReasonNoRecipient)
	case s >= 500:
		return channels.Outcome{Verdict: channels.Ambiguous, Reason: dm.ReasonTransient, Code: name}
	}
	return failed(dm.ReasonUnknown)
}

// accepted finds the id in the answer of v2 or v1.1. A send whose answer is
// not X's may or may not have arrived.
func accepted(call channels.Call, body wire.Value, name string) channels.Outcome {
	if call.Kind != "send" {
		return channels.Outcome{Verdict: channels.Sent, Code: name}
	}
	prefix := "dm:"
	id := body.Get("data", "dm_event_id").ID()
	if id == "" {
		id = body.Get("event", "id").ID()
	}
	if id == "" {
		if id = body.Get("data", "id").ID(); strings.HasSuffix(call.URL, "/2/tweets") {
			prefix = "post:"
		}
	}
	if id == "" {
		return channels.Outcome{Verdict: channels.Ambiguous, Reason: dm.ReasonTransient, Code: name + "/no_id"}
	}
	return channels.Outcome{Verdict: channels.Sent, IDs: []string{prefix + id}, Code: name}
}

func errorCode(body wire.Value) (code int64) {
	body.Get("errors").Items(func(e wire.Value) bool {
		code, _ = e.Get("code").Int()
		return code == 0
	})
	if code == 0 {
		code, _ = body.Get("code").Int()
	}
	return code
}

// forbidden tells why X said 403; v2 says it in words.
func forbidden(code int64, words string) dm.Reason {
	switch code {
	case codeBlocked, codeNotFollows:
		return dm.ReasonBlocked
	case codeAutomated:
		return dm.ReasonPolicy
	case codePlan, codeAnyone:
		return dm.ReasonNotPermitted
	}
	switch {
	case strings.Contains(words, "unsupported-authentication"), strings.Contains(words, "client-forbidden"),
		strings.Contains(words, "access level"), strings.Contains(words, "not permitted to access"):
		return dm.ReasonNotPermitted
	case strings.Contains(words, "automated"):
		return dm.ReasonPolicy
	}
	return dm.ReasonBlocked // settings of the customer: does not follow, does not take messages
}

// reset is when the rate window opens again, not before a minute.
func reset(res channels.Result) time.Time {
	earliest := res.At.Add(floor)
	n, err := strconv.ParseInt(res.Header.Get("X-Rate-Limit-Reset"), 10, 64)
	if err != nil || n <= 0 {
		return earliest
	}
	at := time.Unix(n, 0).UTC()
	if at.Before(earliest) || at.After(res.At.Add(24*time.Hour)) {
		return earliest
	}
	return at
}
