package fakeplatform

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// envelope is what our side may send, with the documented fields only.
type envelope struct {
	Type      string          `json:"type"`
	Timestamp time.Time       `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
}

type contact struct {
	ID string `json:"id"`
}

type webhookData struct {
	Key          string   `json:"key"`
	Part         int      `json:"part"`
	Conversation string   `json:"conversation"`
	Contact      *contact `json:"contact"`
	Author       string   `json:"author"`
	AuthorName   string   `json:"author_name"`
	Visibility   string   `json:"visibility"`
	PostID       string   `json:"post_id"`
	Text         string   `json:"text"`
	Options      []struct {
		Payload     string `json:"payload"`
		Label       string `json:"label"`
		Description string `json:"description"`
	} `json:"options"`
	Links []struct {
		Label string `json:"label"`
		URL   string `json:"url"`
	} `json:"links"`
	Media []struct {
		Kind string `json:"kind"`
		URL  string `json:"url"`
		MIME string `json:"mime"`
		Name string `json:"name"`
		Alt  string `json:"alt"`
	} `json:"media"`
	ReplyTo string `json:"reply_to"`
	Locale  string `json:"locale"`
	Target  string `json:"target"`
	Owner   string `json:"owner"`
	Queue   string `json:"queue"`
	Epoch   int64  `json:"epoch"`
}

// readWebhook checks one request of ours as a careful receiver would: the
// signature over the raw body, the time, the documented fields, the id.
func (s *Server) readWebhook(r *http.Request, body []byte, d *Delivery) answer {
	if why := s.signedWell(r.Header, body); why != "" {
		d.Refused = why
		return answer{status: http.StatusUnauthorized, body: `{"error":{"code":"bad_signature"}}`}
	}
	var e envelope
	var data webhookData
	if why := firstOf(strict(body, &e), strict(e.Data, &data)); why != "" {
		d.Refused = why
		return answer{status: http.StatusBadRequest, body: `{"error":{"code":"bad_request"}}`}
	}
	d.Kind, d.Key, d.Part, d.Author, d.Visibility, d.Text = e.Type, data.Key, data.Part, data.Author, data.Visibility, data.Text
	for _, o := range data.Options {
		d.Options = append(d.Options, o.Label)
	}
	if data.Contact == nil || data.Contact.ID == "" {
		d.Refused = "data.contact.id is missing"
		return answer{status: http.StatusBadRequest, body: `{}`}
	}
	d.Thread = data.Contact.ID
	id := r.Header.Get("Webhook-Id")
	if want := data.Key + "." + strconv.Itoa(data.Part); e.Type == "message.send" && id != want {
		d.Refused = fmt.Sprintf("webhook-id %q is not key and part %q", id, want)
	}
	s.mu.Lock()
	known, ok := s.known[id]
	s.mu.Unlock()
	if ok {
		d.Repeat = true
		return answer{status: http.StatusOK, body: known, accept: func() {}}
	}
	said := `{"id":"m-` + s.newID() + `"}`
	return answer{status: http.StatusOK, body: said, accept: func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.known[id] = said
	}}
}

// signedWell says what is wrong with a signature, "" when nothing is.
func (s *Server) signedWell(h http.Header, body []byte) string {
	id, at := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if id == "" || err != nil {
		return "webhook-id or webhook-timestamp is missing"
	}
	if off := s.opt.Now().Sub(time.Unix(seconds, 0)); off > 5*time.Minute || off < -5*time.Minute {
		return "webhook-timestamp is more than five minutes off"
	}
	want, err := webhookSignature(s.opt.WebhookSecret, id, at, body)
	if err != nil {
		return err.Error()
	}
	for _, v := range strings.Fields(h.Get("Webhook-Signature")) {
		if hmac.Equal([]byte(v), []byte(want)) {
			return ""
		}
	}
	return "webhook-signature does not match"
}

func webhookSignature(secret, id, timestamp string, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 {
		return "", fmt.Errorf("the fake platform has no webhook secret")
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// strict decodes JSON with no field that is not documented.
func strict(raw []byte, into any) string {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return "body: " + err.Error()
	}
	if _, err := dec.Token(); err != io.EOF {
		return "body: something behind the JSON"
	}
	return ""
}

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}
