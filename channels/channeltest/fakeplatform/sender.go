package fakeplatform

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Sender delivers signed events to one channel as a platform does: a time-out
// of five seconds, then again with a longer pause each time, until it is told
// 2xx or a final refusal. Safe for concurrent use.
type Sender struct {
	URL    string                                                   // …/channels/{name}/webhook
	Sign   func(h http.Header, id string, body []byte, n int) error // writes the headers of attempt n (from 0)
	Now    func() time.Time                                         // default time.Now
	Sleep  func(ctx context.Context, d time.Duration) error         // default a timer
	Pauses []time.Duration                                          // before attempt 2, 3 …; the last repeats
	Tries  int                                                      // default 100
	Client *http.Client

	mu     sync.Mutex
	offers []Offer
}

// Offer is one event that was sent, with what is known of its fate.
type Offer struct {
	ID       string
	Body     []byte
	First    time.Time // begin of the first attempt
	Acked    time.Time // zero: never told 2xx
	Attempts int
	Status   int // of the last answer; 0 = none
	Answer   []byte
}

// ErrRefused is a final refusal: the platform would not send the event again.
var ErrRefused = errors.New("fakeplatform: refused for good")

// timeout is how long a platform waits for its 2xx.
const timeout = 5 * time.Second

// NewSender makes one with the defaults.
func NewSender(url string, sign func(h http.Header, id string, body []byte, n int) error) *Sender {
	return &Sender{
		URL: url, Sign: sign, Now: time.Now, Sleep: sleep, Tries: 100, Client: &http.Client{Timeout: timeout},
		Pauses: []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 5 * time.Second},
	}
}

// WebhookSender speaks to a webhook channel. The id is constant over retries,
// as Standard Webhooks wants it; the timestamp is that of the attempt.
func WebhookSender(url, secret string) *Sender {
	s := NewSender(url, nil)
	s.Sign = func(h http.Header, id string, body []byte, _ int) error {
		at := strconv.FormatInt(s.Now().Unix(), 10)
		sig, err := webhookSignature(secret, id, at, body)
		h.Set("Webhook-Id", id)
		h.Set("Webhook-Timestamp", at)
		h.Set("Webhook-Signature", sig)
		return err
	}
	return s
}

// XSender speaks to an X channel. Every attempt has another request id, as the
// real one's redeliveries have.
func XSender(url, consumerSecret string) *Sender {
	return NewSender(url, func(h http.Header, id string, body []byte, n int) error {
		mac := hmac.New(sha256.New, []byte(consumerSecret))
		mac.Write(body)
		h.Set("X-Twitter-Webhooks-Signature", "sha256="+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		h.Set("X-Request-Id", id+"-"+strconv.Itoa(n))
		return nil
	})
}

// EchoTo makes the server echo every direct message that it accepts through s, as dm.sent does.
func (p *Server) EchoTo(s *Sender) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.echo = func(body []byte) {
		_, _ = s.Send(context.Background(), "echo", body) // its Offer says what became of it
	}
}

// Offers lists everything that was sent, in order of the first attempts.
func (s *Sender) Offers() []Offer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Offer(nil), s.offers...)
}

// Send delivers one event until it is acknowledged, refused for good, or out
// of tries. id is the transport's id where the channel has one.
func (s *Sender) Send(ctx context.Context, id string, body []byte) (Offer, error) {
	s.mu.Lock()
	n := len(s.offers)
	s.offers = append(s.offers, Offer{ID: id, Body: body, First: s.Now()})
	s.mu.Unlock()
	for try := 0; ; try++ {
		status, got, err := s.Once(ctx, id, body, try)
		o := s.note(n, status, got)
		switch {
		case status >= 200 && status < 300:
			return o, nil
		case status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout:
			return o, fmt.Errorf("%w: %d %s", ErrRefused, status, got)
		case try+1 >= s.Tries:
			return o, fmt.Errorf("event %s: no answer after %d tries, last status %d: %w", id, try+1, status, err)
		}
		if err := s.Sleep(ctx, s.Pauses[min(try, len(s.Pauses)-1)]); err != nil {
			return o, fmt.Errorf("event %s: %w", id, err)
		}
	}
}

func (s *Sender) note(n, status int, got []byte) Offer {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.offers[n]
	o.Attempts++
	o.Status, o.Answer = status, got
	if status >= 200 && status < 300 {
		o.Acked = s.Now()
	}
	return *o
}

// Once makes one attempt; status 0 is no complete answer.
func (s *Sender) Once(ctx context.Context, id string, body []byte, try int) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("make a request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if err := s.Sign(req.Header, id, body, try); err != nil {
		return 0, nil, fmt.Errorf("sign: %w", err)
	}
	resp, err := s.Client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("deliver: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	answer, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return 0, nil, fmt.Errorf("read the answer: %w", err)
	}
	return resp.StatusCode, answer, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// WebhookEvent is one envelope of the webhook channel.
func WebhookEvent(kind string, at time.Time, data map[string]any) []byte {
	return encode(map[string]any{"type": kind, "timestamp": at.UTC().Format(time.RFC3339Nano), "data": data})
}

// WebhookMessage is a message.created with words.
func WebhookMessage(id, contact, text string, at time.Time) []byte {
	return WebhookEvent("message.created", at, map[string]any{"id": id, "contact": map[string]any{"id": contact}, "text": text})
}

// WebhookTap is a message.created by a button.
func WebhookTap(id, contact, payload, label string, at time.Time) []byte {
	return WebhookEvent("message.created", at, map[string]any{
		"id": id, "contact": map[string]any{"id": contact}, "text": label, "option": map[string]any{"payload": payload, "label": label},
	})
}

// XMessage is a direct message through the Account Activity API; payload is
// that of a quick reply, "" for typed words.
func XMessage(account, sender, id, text, payload string, at time.Time) []byte {
	data := map[string]any{"text": escape(text), "entities": map[string]any{"urls": []any{}}}
	if payload != "" {
		data["quick_reply_response"] = map[string]any{"type": "options", "metadata": payload}
	}
	return xEvent(account, account, sender, id, "", data, at)
}

// XEcho is a message that left from the account, sent by app.
func XEcho(account, to, id, app, text string, at time.Time) []byte {
	return xEvent(account, to, account, id, app, map[string]any{"text": escape(text), "entities": map[string]any{"urls": []any{}}}, at)
}

func xEvent(account, to, sender, id, app string, data map[string]any, at time.Time) []byte {
	create := map[string]any{"target": map[string]any{"recipient_id": to}, "sender_id": sender, "message_data": data}
	if app != "" {
		create["source_app_id"] = app
	}
	return encode(map[string]any{"for_user_id": account, "direct_message_events": []any{map[string]any{
		"type": "message_create", "id": id, "created_timestamp": strconv.FormatInt(at.UnixMilli(), 10), "message_create": create,
	}}})
}

// encode writes JSON as platforms do, without HTML escapes.
func encode(v any) []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil { // maps of words always encode
		return nil
	}
	return []byte(strings.TrimSpace(b.String()))
}
