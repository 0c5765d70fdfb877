package webhook

import (
	"net/http"
	"strconv"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/wire"
	"dispatcher/dm"
)

// Classify reads the receiver's answer. The channel is idempotent, so nothing
// is ever ambiguous: what may have arrived is sent again under the same id.
func (a *Adapter) Classify(call channels.Call, res channels.Result) channels.Outcome {
	out := a.classify(res)
	if call.Kind == "typing" && out.Verdict != channels.Sent {
		return channels.Outcome{Verdict: channels.Ignored, Code: out.Code}
	}
	return out
}

func (a *Adapter) classify(res channels.Result) channels.Outcome {
	code := strconv.Itoa(res.Status)
	failed := func(r dm.Reason) channels.Outcome {
		return channels.Outcome{Verdict: channels.Failed, Reason: r, Code: code}
	}
	switch s := res.Status; {
	case res.Err != nil || s == 0:
		return channels.Outcome{Verdict: channels.Retry, Reason: dm.ReasonTransient, Code: "transport"}
	case s >= 200 && s < 300, s == http.StatusConflict:
		return channels.Outcome{Verdict: channels.Sent, IDs: ids(res.Body), Code: code}
	case s == http.StatusGone:
		return failed(dm.ReasonGone)
	case s == http.StatusRequestTimeout, s == http.StatusTooEarly, s == http.StatusTooManyRequests, s == http.StatusServiceUnavailable:
		o := channels.Outcome{Verdict: channels.Retry, Reason: dm.ReasonThrottled, Code: code, RetryAt: wire.RetryAfter(res.Header, res.At, time.Hour)}
		if !o.RetryAt.IsZero() {
			o.PauseFor = "account"
		}
		return o
	case s >= 500:
		return channels.Outcome{Verdict: channels.Retry, Reason: dm.ReasonTransient, Code: code}
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		return failed(dm.ReasonAuthBroken)
	case s >= 400:
		return failed(dm.ReasonBadContent)
	}
	return failed(dm.ReasonUnknown) // a redirect: nothing follows it
}

func ids(body []byte) []string {
	v, err := wire.ReadJSON(body)
	if err != nil {
		return nil
	}
	if id := v.Get("id").ID(); id != "" {
		return []string{id}
	}
	return nil
}
