package fakeplatform

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// xMessage is one direct message or post that X has.
type xMessage struct {
	id, to, text string
	at           time.Time
}

var userID = regexp.MustCompile(`^[0-9]{1,20}$`)

// authorized says what is missing from an Authorization header.
func authorized(h http.Header) string {
	got := h.Get("Authorization")
	if token, ok := strings.CutPrefix(got, "Bearer "); ok && token != "" {
		return ""
	}
	rest, ok := strings.CutPrefix(got, "OAuth ")
	if !ok {
		return "Authorization is neither OAuth 1.0a nor Bearer"
	}
	for _, field := range []string{"oauth_consumer_key", "oauth_nonce", "oauth_signature", "oauth_signature_method", "oauth_timestamp", "oauth_token", "oauth_version"} {
		if !strings.Contains(rest, field+`="`) {
			return "Authorization lacks " + field
		}
	}
	return ""
}

// refuse is X's answer to what it does not take.
func refuse(d *Delivery, status int, why string) answer {
	d.Refused = why
	body, err := json.Marshal(map[string]any{"title": http.StatusText(status), "detail": why, "status": status, "errors": []map[string]any{{"message": why}}})
	if err != nil { // a map of words always marshals
		body = []byte(`{}`)
	}
	return answer{status: status, body: string(body)}
}

// open checks what holds for every call of X.
func (s *Server) open(r *http.Request, contentType string) string {
	if why := authorized(r.Header); why != "" {
		return why
	}
	if got := r.Header.Get("Content-Type"); contentType != "" && got != contentType {
		return fmt.Sprintf("Content-Type is %q", got)
	}
	return ""
}

func (s *Server) readV2(r *http.Request, body []byte, d *Delivery) answer {
	d.Kind, d.Thread, d.Visibility = "send", r.PathValue("id"), "private"
	if why := s.open(r, "application/json"); why != "" {
		return refuse(d, http.StatusUnauthorized, why)
	}
	var m struct {
		Text        string `json:"text"`
		Attachments []struct {
			ID string `json:"media_id"`
		} `json:"attachments"`
	}
	if why := strict(body, &m); why != "" {
		return refuse(d, http.StatusBadRequest, why)
	}
	d.Text = m.Text
	switch {
	case !userID.MatchString(d.Thread):
		return refuse(d, http.StatusNotFound, "no such participant")
	case m.Text == "" && len(m.Attachments) == 0:
		return refuse(d, http.StatusBadRequest, "text or attachments are needed")
	case utf8.RuneCountInString(m.Text) > 10000, len(m.Attachments) > 1:
		return refuse(d, http.StatusBadRequest, "too long, or more than one attachment")
	}
	id := s.newID()
	return answer{
		status: http.StatusCreated,
		body:   fmt.Sprintf(`{"data":{"dm_conversation_id":"%s-%s","dm_event_id":"%s"}}`, s.opt.Account, d.Thread, id),
		accept: func() { s.keep(xMessage{id, d.Thread, m.Text, s.opt.Now()}) },
	}
}

func (s *Server) readV11(r *http.Request, body []byte, d *Delivery) answer {
	d.Kind, d.Visibility = "send", "private"
	if why := s.open(r, "application/json"); why != "" {
		return refuse(d, http.StatusUnauthorized, why)
	}
	var m v11Event
	if why := strict(body, &m); why != "" {
		return refuse(d, http.StatusBadRequest, why)
	}
	c := m.Event.Create
	d.Thread, d.Text = c.Target.Recipient, c.Data.Text
	if why := c.Data.problem(); why != "" || !userID.MatchString(d.Thread) || m.Event.Type != "message_create" {
		return refuse(d, http.StatusBadRequest, firstOf(why, "no recipient, or another type"))
	}
	if c.Data.QuickReply != nil {
		for _, o := range c.Data.QuickReply.Options {
			d.Options = append(d.Options, o.Label)
		}
	}
	id := s.newID()
	said, err := json.Marshal(map[string]any{"event": map[string]any{
		"type": "message_create", "id": id, "created_timestamp": fmt.Sprint(s.opt.Now().UnixMilli()),
		"message_create": map[string]any{"target": map[string]string{"recipient_id": d.Thread}, "sender_id": s.opt.Account, "message_data": map[string]string{"text": c.Data.Text}},
	}})
	if err != nil { // maps of words always marshal
		return answer{status: http.StatusInternalServerError}
	}
	return answer{status: http.StatusOK, body: string(said), accept: func() { s.keep(xMessage{id, d.Thread, c.Data.Text, s.opt.Now()}) }}
}

type v11Event struct {
	Event struct {
		Type   string `json:"type"`
		Create struct {
			Target struct {
				Recipient string `json:"recipient_id"`
			} `json:"target"`
			Data v11Data `json:"message_data"`
		} `json:"message_create"`
	} `json:"event"`
}

type v11Data struct {
	Text       string `json:"text"`
	QuickReply *struct {
		Type    string `json:"type"`
		Options []struct {
			Label       string `json:"label"`
			Description string `json:"description"`
			Metadata    string `json:"metadata"`
		} `json:"options"`
	} `json:"quick_reply"`
	CTAs []struct {
		Type  string `json:"type"`
		Label string `json:"label"`
		URL   string `json:"url"`
	} `json:"ctas"`
	Attachment *struct {
		Type  string `json:"type"`
		Media struct {
			ID string `json:"id"`
		} `json:"media"`
	} `json:"attachment"`
}

// problem is the documented rule that a message breaks.
func (d v11Data) problem() string {
	if len(d.CTAs) > 3 || utf8.RuneCountInString(d.Text) > 10000 {
		return "too many ctas, or too long"
	}
	if d.QuickReply == nil {
		return ""
	}
	described := 0
	for _, o := range d.QuickReply.Options {
		if o.Description != "" {
			described++
		}
		if n := utf8.RuneCountInString(o.Label); n == 0 || n > 36 || utf8.RuneCountInString(o.Description) > 72 || len(o.Metadata) > 1000 {
			return "an option is too long or empty"
		}
		if strings.Contains(o.Label, "://") {
			return "a URL in a label"
		}
	}
	switch n := len(d.QuickReply.Options); {
	case d.QuickReply.Type != "options" || n == 0 || n > 20:
		return "1 to 20 options are needed"
	case described != 0 && described != n:
		return "descriptions on all options or on none"
	}
	return ""
}

func (s *Server) readPost(r *http.Request, body []byte, d *Delivery) answer {
	d.Kind, d.Visibility = "post", "public"
	if why := s.open(r, "application/json"); why != "" {
		return refuse(d, http.StatusUnauthorized, why)
	}
	var m struct {
		Text  string `json:"text"`
		Reply *struct {
			To string `json:"in_reply_to_tweet_id"`
		} `json:"reply"`
		Link string `json:"direct_message_deep_link"`
	}
	if why := strict(body, &m); why != "" {
		return refuse(d, http.StatusBadRequest, why)
	}
	d.Text = m.Text
	if m.Text == "" || utf8.RuneCountInString(m.Text) > 280 {
		return refuse(d, http.StatusForbidden, "the text is empty or too long")
	}
	if m.Reply != nil {
		d.Thread = m.Reply.To
	}
	id := s.newID()
	said, err := json.Marshal(map[string]any{"data": map[string]string{"id": id, "text": m.Text}})
	if err != nil { // maps of words always marshal
		return answer{status: http.StatusInternalServerError}
	}
	return answer{status: http.StatusCreated, body: string(said), accept: func() {}}
}

// readMark takes typing and read: forms with exactly the documented fields.
func (s *Server) readMark(kind string, fields ...string) func(*http.Request, []byte, *Delivery) answer {
	return func(r *http.Request, body []byte, d *Delivery) answer {
		d.Kind = kind
		if why := s.open(r, "application/x-www-form-urlencoded"); why != "" {
			return refuse(d, http.StatusUnauthorized, why)
		}
		form, err := url.ParseQuery(string(body))
		if err != nil || len(form) != len(fields) {
			return refuse(d, http.StatusBadRequest, "other fields than "+strings.Join(fields, ", "))
		}
		for _, f := range fields {
			if form.Get(f) == "" {
				return refuse(d, http.StatusBadRequest, f+" is missing")
			}
		}
		d.Thread = form.Get("recipient_id")
		return answer{status: http.StatusNoContent, accept: func() {}}
	}
}

// readBack lists the messages of a conversation, newest first, text escaped as X escapes it.
func (s *Server) readBack(r *http.Request, _ []byte, d *Delivery) answer {
	d.Kind, d.Thread = "dm_events", r.PathValue("id")
	if why := s.open(r, ""); why != "" {
		return refuse(d, http.StatusUnauthorized, why)
	}
	type event struct {
		ID      string `json:"id"`
		Text    string `json:"text"`
		Sender  string `json:"sender_id"`
		Type    string `json:"event_type"`
		Created string `json:"created_at"`
	}
	list := []event{}
	s.mu.Lock()
	for _, m := range s.accepted {
		if m.to == d.Thread {
			list = append(list, event{m.id, escape(m.text), s.opt.Account, "MessageCreate", m.at.UTC().Format("2006-01-02T15:04:05.000Z")})
		}
	}
	s.mu.Unlock()
	slices.Reverse(list)
	said, err := json.Marshal(map[string]any{"data": list, "meta": map[string]int{"result_count": len(list)}})
	if err != nil { // words always marshal
		return answer{status: http.StatusInternalServerError}
	}
	return answer{status: http.StatusOK, body: string(said)}
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// keep makes a message exist, and echoes it when a Sender asked for echoes.
func (s *Server) keep(m xMessage) {
	s.mu.Lock()
	s.accepted = append(s.accepted, m)
	echo := s.echo
	s.mu.Unlock()
	if echo != nil {
		go echo(XEcho(s.opt.Account, m.to, m.id, s.opt.AppID, m.text, m.at))
	}
}
