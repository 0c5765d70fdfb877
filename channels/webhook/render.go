package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/wire"
	"dispatcher/dm"
)

// envelope is what leaves; the field order is that of channels.md 2.1.
type envelope struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      any       `json:"data"`
}

type contact struct {
	ID string `json:"id"`
}

type option struct {
	Payload     string `json:"payload"`
	Label       string `json:"label"`
	Description string `json:"description,omitempty"`
}

type media struct {
	Kind string `json:"kind"`
	URL  string `json:"url,omitempty"`
	MIME string `json:"mime,omitempty"`
	Name string `json:"name,omitempty"`
	Alt  string `json:"alt,omitempty"`
}

type sendData struct {
	Key          string    `json:"key"`
	Part         int       `json:"part"`
	Conversation string    `json:"conversation,omitempty"`
	Contact      contact   `json:"contact"`
	Author       string    `json:"author"`
	AuthorName   string    `json:"author_name,omitempty"`
	Visibility   string    `json:"visibility"`
	PostID       string    `json:"post_id,omitempty"`
	Text         string    `json:"text"`
	Options      []option  `json:"options,omitempty"`
	Links        []dm.Link `json:"links,omitempty"`
	Media        []media   `json:"media,omitempty"`
	ReplyTo      string    `json:"reply_to,omitempty"`
	Locale       string    `json:"locale,omitempty"`
}

type editData struct {
	Key     string  `json:"key"`
	Target  string  `json:"target"`
	Contact contact `json:"contact"`
	Text    string  `json:"text"`
}

type stateData struct {
	Conversation string  `json:"conversation"`
	Contact      contact `json:"contact"`
	Owner        string  `json:"owner,omitempty"`
	Queue        string  `json:"queue,omitempty"`
	Epoch        int64   `json:"epoch,omitempty"`
}

// Render writes a message as envelopes, one call a part. For dm.OutOwner the
// new owner is Control.Owner and its queue Control.Metadata. The body is the
// same for push and pull, and for every retry.
func (a *Adapter) Render(out dm.Outbound) (channels.Plan, error) {
	switch out.Kind {
	case dm.OutMessage, dm.OutGreeting, "":
		return a.send(out)
	case dm.OutTyping:
		if a.Limits.Typing == nil {
			return gaveUp("typing.none"), nil
		}
		return a.single(out, "typing", "typing.start", "", stateData{Conversation: out.Conversation, Contact: contact{out.Thread}})
	case dm.OutEdit:
		return a.edit(out)
	case dm.OutOwner:
		d := stateData{Conversation: out.Conversation, Contact: contact{out.Thread}, Epoch: out.Epoch}
		if out.Control != nil {
			d.Owner, d.Queue = out.Control.Owner, out.Control.Metadata
		}
		return a.single(out, "control", "conversation.owner", out.Key, d)
	case dm.OutResolved:
		return a.single(out, "control", "conversation.resolved", out.Key, stateData{Conversation: out.Conversation, Contact: contact{out.Thread}})
	case dm.OutRead:
		return gaveUp("read.none"), nil
	case dm.OutAckTap, dm.OutControl:
		return channels.Plan{}, nil // nothing to say to this platform
	}
	return channels.Plan{}, fmt.Errorf("webhook cannot render an outbound of kind %q", out.Kind)
}

func gaveUp(code string) channels.Plan {
	return channels.Plan{Degradations: []channels.Degradation{{Code: code}}}
}

// Layout implements channels.Layouter.
func (a *Adapter) Layout(out dm.Outbound) (int, []channels.Degradation) {
	parts, report := a.layout(out)
	return len(parts), report
}

func (a *Adapter) layout(out dm.Outbound) ([]wire.Part, []channels.Degradation) {
	if out.OptionsAs == "" {
		out.OptionsAs = a.Settings.OptionsAs
	}
	return wire.Layout(out, a.Limits)
}

func (a *Adapter) send(out dm.Outbound) (channels.Plan, error) {
	parts, report := a.layout(out)
	plan := channels.Plan{Degradations: report}
	for i, p := range parts {
		d := sendData{
			Key: out.Key, Part: i, Conversation: out.Conversation, Contact: contact{out.Thread},
			Author: out.Author, AuthorName: out.AuthorName, Visibility: visibility(out), Text: p.Text,
			Options: options(p.Options), Links: p.Links, Media: files(p.Media), ReplyTo: out.ReplyTo, Locale: out.Locale,
		}
		if d.Visibility == dm.Public {
			d.PostID = out.Target
		}
		call, err := a.call(out, i, "send", "message.send", out.Key+"."+strconv.Itoa(i), d)
		if err != nil {
			return channels.Plan{}, err
		}
		call.Text = p.Text
		plan.Calls = append(plan.Calls, call)
	}
	return plan, nil
}

func visibility(out dm.Outbound) string {
	if out.Visibility == dm.Public {
		return dm.Public
	}
	return dm.Private
}

func options(in []dm.Option) []option {
	var list []option
	for _, o := range in {
		list = append(list, option{Payload: o.Payload, Label: o.Label, Description: o.Description})
	}
	return list
}

func files(in []dm.Media) []media {
	var list []media
	for _, m := range in {
		list = append(list, media{Kind: m.Kind, URL: m.URL, MIME: m.MIME, Name: m.Name, Alt: m.Alt})
	}
	return list
}

func (a *Adapter) edit(out dm.Outbound) (channels.Plan, error) {
	if !a.Limits.Edit {
		return gaveUp("edit.none"), nil
	}
	text, cut := wire.Cut(out.Text, a.Limits.Text)
	plan, err := a.single(out, "edit", "message.edit", out.Key, editData{Key: out.Key, Target: out.Target, Contact: contact{out.Thread}, Text: text})
	if cut {
		plan.Degradations = append(plan.Degradations, channels.Degradation{Code: "label.cut", Path: "text", Limit: a.Limits.Text.N, Got: wire.Length(out.Text, a.Limits.Text.Unit), Loss: true})
	}
	if err == nil {
		plan.Calls[0].Text = text
	}
	return plan, err
}

// single is a plan of one call; without a key it gets its id when it is signed.
func (a *Adapter) single(out dm.Outbound, kind, typ, key string, data any) (channels.Plan, error) {
	if key != "" {
		key += ".0"
	}
	call, err := a.call(out, 0, kind, typ, key, data)
	if err != nil {
		return channels.Plan{}, err
	}
	return channels.Plan{Calls: []channels.Call{call}}, nil
}

func (a *Adapter) call(out dm.Outbound, part int, kind, typ, id string, data any) (channels.Call, error) {
	body, err := encode(envelope{Type: typ, Timestamp: out.At.UTC().Truncate(time.Millisecond), Data: data})
	if err != nil {
		return channels.Call{}, fmt.Errorf("encode %s: %w", typ, err)
	}
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	if id != "" {
		h.Set(headerID, id)
	}
	return channels.Call{
		Part: part, Kind: kind, Method: http.MethodPost, URL: a.url, Header: h, Body: body, Bucket: "sends", Timeout: a.timeout,
	}, nil
}

// encode writes JSON without turning < and & into escapes: the receiver signs and compares bytes.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
