package webhook

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/wire"
)

// Headers of Standard Webhooks.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// tolerance is how far the signed time may be off, both ways.
const tolerance = 5 * time.Minute

// isID says whether s is 1 to 128 of A-Z a-z 0-9 _ . -.
func isID(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-') {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 128
}

// isTime says whether s is 1 to 12 digits.
func isTime(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 12
}

// Verify refuses what was not signed with one of our secrets within five
// minutes of now. Every error is channels.ErrSignature.
func (a *Adapter) Verify(r channels.Request, now time.Time) error {
	id, idErr := single(r.Header, headerID)
	at, atErr := single(r.Header, headerTimestamp)
	list, listErr := single(r.Header, headerSignature)
	switch {
	case idErr != nil || atErr != nil || listErr != nil:
		return fmt.Errorf("webhook headers are missing or repeated: %w", channels.ErrSignature)
	case !isID(id):
		return fmt.Errorf("webhook-id is not 1 to 128 of A-Z a-z 0-9 _ . -: %w", channels.ErrSignature)
	case !isTime(at):
		return fmt.Errorf("webhook-timestamp is not unix seconds: %w", channels.ErrSignature)
	}
	seconds, _ := strconv.ParseInt(at, 10, 64) // at most twelve digits
	if off := now.Sub(time.Unix(seconds, 0)); off > tolerance || off < -tolerance {
		return fmt.Errorf("webhook-timestamp is more than five minutes off: %w", channels.ErrSignature)
	}
	signed := make([]byte, 0, len(id)+len(at)+2+len(r.Body))
	signed = append(append(append(append(append(signed, id...), '.'), at...), '.'), r.Body...)
	good := false
	for s := range strings.SplitSeq(list, " ") {
		b64, ok := strings.CutPrefix(s, "v1,")
		if !ok {
			continue // another version
		}
		sum, err := base64.StdEncoding.Strict().DecodeString(b64)
		if err == nil && wire.AnyMAC(a.secrets, signed, sum) {
			good = true
		}
	}
	if !good {
		return fmt.Errorf("no v1 signature matches: %w", channels.ErrSignature)
	}
	return nil
}

// single gives the one value of a header.
func single(h http.Header, name string) (string, error) {
	v := h.Values(name)
	if len(v) != 1 || v[0] == "" {
		return "", channels.ErrSignature
	}
	return v[0], nil
}

// Authorize signs a rendered call with the first secret. The id of a call that
// is no message (typing) is the nonce.
func (a *Adapter) Authorize(req *http.Request, now time.Time, nonce string) error {
	if len(a.secrets) == 0 {
		return fmt.Errorf("channel %s has no secret to sign with", a.Name)
	}
	body, err := wire.PeekBody(req)
	if err != nil {
		return fmt.Errorf("read the body to sign: %w", err)
	}
	id := req.Header.Get(headerID)
	if id == "" {
		id = nonce
	}
	at := strconv.FormatInt(now.Unix(), 10)
	req.Header.Set(headerID, id)
	req.Header.Set(headerTimestamp, at)
	req.Header.Set(headerSignature, Signature(a.secrets[0], id, at, body))
	return nil
}

// Signature is the value of webhook-signature for one secret.
func Signature(secret []byte, id, timestamp string, body []byte) string {
	return "v1," + base64.StdEncoding.EncodeToString(wire.MAC(secret, id+"."+timestamp+"."+string(body)))
}

func expandTemplate(template, token string) string {
	return strings.ReplaceAll(template, "{token}", url.QueryEscape(token))
}
