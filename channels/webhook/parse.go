package webhook

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/wire"
	"dispatcher/dm"
)

// event is one envelope while it is read.
type event struct {
	a    *Adapter
	r    channels.Request
	kind string
	data wire.Object
	in   dm.Inbound
}

// Parse reads one envelope {type, timestamp, data}. A ping and an unknown type
// are no events of a conversation. What is missing or of the wrong type is a
// channels.FieldError that names the field.
func (a *Adapter) Parse(r channels.Request) ([]dm.Inbound, error) {
	v, err := wire.ReadJSON(r.Body)
	if err != nil {
		return nil, err
	}
	if !v.IsObject() {
		return nil, &channels.FieldError{Field: "body", Problem: "is not an object"}
	}
	if !v.Get("type").IsString() {
		return nil, &channels.FieldError{Field: "type", Problem: "is missing or not text"}
	}
	e := &event{a: a, r: r, kind: v.Get("type").Text(), data: v.Get("data").Object()}
	if e.kind == "ping" {
		return []dm.Inbound{}, nil
	}
	e.in = dm.Inbound{Account: a.Name, At: timeOf(v.Get("timestamp")), Visibility: dm.Private, Raw: v.Raw()}
	if err := e.read(); err != nil {
		return nil, err
	}
	e.identify()
	return []dm.Inbound{e.in}, nil
}

// timeOf is an RFC 3339 time between 2000 and 2200, else zero: inbox then uses its arrival.
func timeOf(v wire.Value) time.Time {
	t, err := time.Parse(time.RFC3339Nano, v.Text())
	if err != nil || t.Year() < 2000 || t.Year() > 2200 {
		return time.Time{}
	}
	return t.UTC()
}

// read fills the event by its type. The list of types is closed.
func (e *event) read() error {
	switch e.kind {
	case "message.created", "message.updated", "message.deleted", "message.sent",
		"conversation.started", "typing.started", "message.read", "control.changed":
		if err := e.contact(); err != nil {
			return err
		}
	case "delivery.updated":
		return e.delivery()
	default:
		e.in.Kind, e.in.Note = dm.KindIgnored, "unknown type"
		e.in.Thread = e.data.Get("contact", "id").ID()
		return nil
	}
	switch e.kind {
	case "message.created":
		return e.message()
	case "message.updated":
		return e.updated()
	case "message.deleted":
		return e.deleted()
	case "message.sent":
		return e.sent()
	case "conversation.started":
		e.started()
	case "typing.started":
		e.in.Kind = dm.KindTyping
	case "message.read":
		e.in.Kind, e.in.Target = dm.KindRead, e.data.Get("up_to").ID()
	case "control.changed":
		return e.control()
	}
	return nil
}

// contact reads who it is about; a thread needs an id.
func (e *event) contact() error {
	if !e.data.IsObject() {
		return &channels.FieldError{Field: "data", Problem: "is not an object"}
	}
	c := e.data.Get("contact").Object()
	e.in.Thread = c.Get("id").ID()
	if e.in.Thread == "" {
		return &channels.FieldError{Field: "data.contact.id", Problem: "is missing or not text"}
	}
	e.in.Sender = dm.Party{
		ID:       e.in.Thread,
		Name:     wire.Clean(c.Get("name").Text()),
		Handle:   wire.Clean(c.Get("handle").Text()),
		Avatar:   c.Get("avatar").Text(),
		Bot:      c.Get("bot").Bool(),
		Verified: e.a.verified && c.Get("verified").Bool(),
	}
	e.in.Locale = c.Get("locale").Text()
	return nil
}

func (e *event) message() error {
	e.in.Kind = dm.KindText
	e.in.Text = wire.Clean(e.data.Get("text").Text())
	e.in.ReplyTo = e.data.Get("reply_to").ID()
	e.in.Order = e.data.Get("order").ID()
	e.in.MessageID = e.data.Get("id").ID()
	e.media()
	e.tap()
	if e.data.Get("visibility").Text() == dm.Public {
		e.mention()
	}
	if e.in.Kind == dm.KindText && len(e.in.Media) == 0 && !e.data.Get("text").IsString() {
		return &channels.FieldError{Field: "data.text", Problem: "is missing or not text, and there is neither media nor option"}
	}
	return nil
}

func (e *event) tap() {
	o := e.data.Get("option")
	if !o.IsObject() {
		return
	}
	label := wire.Clean(o.Get("label").Text())
	if label == "" {
		label = e.in.Text
	}
	e.in.Text = label
	if payload := o.Get("payload").Text(); wire.IsPayload(payload) {
		e.in.Kind = dm.KindTap
		e.in.Tap = &dm.TapData{Payload: payload, Label: label, Type: "reply"}
	}
}

func (e *event) mention() {
	e.in.Kind, e.in.Visibility, e.in.Tap = dm.KindMention, dm.Public, nil
	post := e.data.Get("post_id").ID()
	if post == "" {
		post = e.in.MessageID
	}
	e.in.Entry = &dm.Entry{Source: "public", PostID: post, Public: true}
}

func (e *event) media() {
	e.data.Get("media").Items(func(m wire.Value) bool {
		if !m.IsObject() {
			return true
		}
		size, _ := m.Get("bytes").Int()
		kind := m.Get("kind").Text()
		if kind == "" {
			kind = "file"
		}
		e.in.Media = append(e.in.Media, dm.Media{
			Kind: kind, ID: m.Get("id").ID(), URL: m.Get("url").Text(), MIME: m.Get("mime").Text(),
			Name: wire.Clean(m.Get("name").Text()), Alt: wire.Clean(m.Get("alt").Text()), Bytes: max(0, size),
		})
		return len(e.in.Media) < 20
	})
}

func (e *event) updated() error {
	e.in.Kind, e.in.Target = dm.KindEdited, e.data.Get("id").ID()
	if e.in.Target == "" {
		return &channels.FieldError{Field: "data.id", Problem: "is missing"}
	}
	if !e.data.Get("text").IsString() {
		return &channels.FieldError{Field: "data.text", Problem: "is missing or not text"}
	}
	e.in.Text = wire.Clean(e.data.Get("text").Text())
	e.in.MessageID = e.in.Target
	revision, ok := e.data.Get("revision").Int()
	if !ok {
		return &channels.FieldError{Field: "data.revision", Problem: "is missing or not a whole number"}
	}
	e.in.ExternalID = e.in.Target + ":r" + strconv.FormatInt(revision, 10)
	return nil
}

func (e *event) deleted() error {
	e.in.Kind, e.in.Target = dm.KindRemoved, e.data.Get("id").ID()
	if e.in.Target == "" {
		return &channels.FieldError{Field: "data.id", Problem: "is missing"}
	}
	e.in.ExternalID = e.in.Target + ":deleted"
	return nil
}

// sent is a message that left from our account: a person wrote it in the other
// system, or it is a robot's.
func (e *event) sent() error {
	e.in.Kind = dm.KindEcho
	e.in.MessageID = e.data.Get("id").ID()
	e.in.Text = wire.Clean(e.data.Get("text").Text())
	e.in.Sender = dm.Party{ID: e.a.Name, Name: wire.Clean(e.data.Get("author_name").Text())}
	e.in.Echo = &dm.EchoData{App: "other", Author: "human", Key: e.data.Get("key").ID()}
	switch author := e.data.Get("author").Text(); author {
	case "human":
	case "bot":
		e.in.Echo.Author = "bot"
	default:
		e.in.Echo.Author, e.in.Echo.App = "unknown", "unknown"
	}
	if e.in.Echo.Key != "" {
		e.in.Echo.App = "us"
	}
	return nil
}

func (e *event) started() {
	e.in.Kind = dm.KindStart
	entry := e.data.Get("entry")
	e.in.Entry = &dm.Entry{
		Source: entry.Get("source").Text(),
		Text:   wire.Clean(entry.Get("text").Text()),
		URL:    entry.Get("url").Text(),
		AdID:   entry.Get("ad_id").ID(),
		PostID: entry.Get("post_id").ID(),
	}
	if !knownSource(e.in.Entry.Source) {
		e.in.Entry.Source = "direct"
		if entry.Get("ref").Text() != "" {
			e.in.Entry.Source = "link"
		}
	}
	e.in.Entry.Ref, e.in.Entry.Signed = wire.ReadEntry(e.a.Entry, e.a.Name, entry.Get("ref").Text(), signedTime(e.r.Header))
}

func knownSource(s string) bool {
	switch s {
	case "link", "widget", "ad", "public", "button", "menu", "greeting", "direct":
		return true
	}
	return false
}

// signedTime is the transport's own time, which Verify found to be within five
// minutes of now: an entry token expires by it, since Parse has no clock. A
// time that cannot be read expires everything.
func signedTime(h http.Header) time.Time {
	seconds, err := strconv.ParseInt(h.Get(headerTimestamp), 10, 64)
	if err != nil {
		seconds = 1 << 40
	}
	return time.Unix(seconds, 0).UTC()
}

func (e *event) control() error {
	owner := e.data.Get("owner").Text()
	switch owner {
	case "us", "other", "none":
	default:
		return &channels.FieldError{Field: "data.owner", Problem: "is not us, other or none"}
	}
	e.in.Kind = dm.KindControl
	e.in.Control = &dm.ControlData{Owner: owner, App: e.data.Get("app").ID(), Metadata: wire.Clean(e.data.Get("note").Text())}
	return nil
}

// delivery is what became of a message of ours.
func (e *event) delivery() error {
	key, state := e.data.Get("key").ID(), e.data.Get("state").Text()
	if key == "" {
		return &channels.FieldError{Field: "data.key", Problem: "is missing"}
	}
	switch state {
	case "sent", "delivered", "read", "failed":
	default:
		return &channels.FieldError{Field: "data.state", Problem: "is not sent, delivered, read or failed"}
	}
	part, _ := e.data.Get("part").Int()
	e.in.Kind = dm.KindDelivery
	e.in.Thread = e.data.Get("contact", "id").ID()
	e.in.Target = key + "." + strconv.FormatInt(part, 10)
	e.in.Status = &dm.Status{State: state, Code: e.data.Get("code").ID(), Key: key}
	if state == "failed" {
		e.in.Status.Reason = reasonOf(e.data.Get("reason").Text())
	}
	e.in.ExternalID = wire.ShortID(key + ":" + strconv.FormatInt(part, 10) + ":" + state)
	return nil
}

func reasonOf(word string) dm.Reason {
	switch r := dm.Reason(word); r {
	case dm.ReasonThrottled, dm.ReasonWindowClosed, dm.ReasonBlocked, dm.ReasonNoRecipient, dm.ReasonAuthBroken,
		dm.ReasonNotPermitted, dm.ReasonBadContent, dm.ReasonBadMedia, dm.ReasonPolicy, dm.ReasonTransient, dm.ReasonGone:
		return r
	}
	return dm.ReasonUnknown
}

// identify sets the dedupe key: the id of the thing, else that of the request.
func (e *event) identify() {
	if e.in.ExternalID == "" {
		switch e.kind {
		case "typing.started", "message.read":
		default:
			e.in.ExternalID = e.data.Get("id").ID()
		}
	}
	if e.in.ExternalID == "" {
		e.in.ExternalID = wire.ShortID(e.r.Header.Get(headerID))
	}
	if e.in.ExternalID == "" {
		e.in.ExternalID = wire.SyntheticID(e.in.Thread, "", e.kind, e.in.Raw)
	}
	switch e.in.Kind {
	case dm.KindText, dm.KindTap, dm.KindMention, dm.KindEcho:
		if e.in.MessageID == "" {
			e.in.MessageID = e.in.ExternalID
		}
	}
	e.in.Locale = plainLocale(e.in.Locale)
}

// plainLocale keeps a hint that looks like a language tag.
func plainLocale(s string) string {
	if len(s) > 35 || strings.IndexFunc(s, func(r rune) bool {
		return !(r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}) >= 0 {
		return ""
	}
	return s
}
