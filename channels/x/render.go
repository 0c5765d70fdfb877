package x

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"dispatcher/channels"
	"dispatcher/channels/wire"
	"dispatcher/dm"
)

// Content types. Form fields are part of what OAuth 1.0a signs, JSON is not.
const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// composePage is where a link into our direct messages points.
const composePage = "https://x.com/messages/compose"

// Render writes a message as calls: v2 with options as numbered text, v1.1
// with quick replies, a public reply as a post.
func (a *Adapter) Render(out dm.Outbound) (channels.Plan, error) {
	if out.Visibility == dm.Public {
		return a.publicReply(out)
	}
	if !digits.MatchString(out.Thread) {
		return channels.Plan{}, fmt.Errorf("%q is not a user id of X", wire.PlainRef(out.Thread))
	}
	switch out.Kind {
	case dm.OutMessage, dm.OutGreeting, "":
		return a.direct(out)
	case dm.OutTyping:
		return a.form(out, "typing", "typing.none", "/1.1/direct_messages/indicate_typing.json", url.Values{"recipient_id": {out.Thread}})
	case dm.OutRead:
		last := strings.TrimPrefix(out.Target, "dm:")
		return a.form(out, "read", "read.none", "/1.1/direct_messages/mark_read.json", url.Values{"last_read_event_id": {last}, "recipient_id": {out.Thread}})
	case dm.OutEdit:
		return gaveUp("edit.none"), nil
	case dm.OutAckTap, dm.OutControl, dm.OutOwner, dm.OutResolved:
		return channels.Plan{}, nil // nothing to say to this platform
	}
	return channels.Plan{}, fmt.Errorf("x cannot render an outbound of kind %q", out.Kind)
}

func gaveUp(code string) channels.Plan {
	return channels.Plan{Degradations: []channels.Degradation{{Code: code}}}
}

// form is a mark that only v1.1 has.
func (a *Adapter) form(_ dm.Outbound, kind, none, path string, fields url.Values) (channels.Plan, error) {
	if a.transport != v11 {
		return gaveUp(none), nil
	}
	call := channels.Call{
		Kind: kind, Method: http.MethodPost, URL: a.base + path,
		Header: http.Header{"Content-Type": {formType}}, Body: []byte(fields.Encode()), Bucket: kind,
	}
	return channels.Plan{Calls: []channels.Call{call}}, nil
}

// direct is a private message. An attachment takes a part of its own when
// there are more than one, since a message carries one.
func (a *Adapter) direct(out dm.Outbound) (channels.Plan, error) {
	if out.OptionsAs == "" {
		out.OptionsAs = a.Settings.OptionsAs
	}
	parts, report := wire.Layout(out, a.Limits)
	if out.AuthorName != "" {
		report = append(report, channels.Degradation{Code: "name.none", Path: "author_name"})
	}
	plan := channels.Plan{Degradations: report}
	for i, p := range onePerMessage(parts) {
		to, body := "/2/dm_conversations/with/"+out.Thread+"/messages", any(v2Message(p))
		if a.transport == v11 {
			to, body = "/1.1/direct_messages/events/new.json", v11Message(out.Thread, p)
		}
		call, err := a.post(i, to, "dm", p.Text, body)
		if err != nil {
			return channels.Plan{}, err
		}
		plan.Calls = append(plan.Calls, call)
	}
	return plan, nil
}

func (a *Adapter) post(part int, to, bucket, text string, body any) (channels.Call, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return channels.Call{}, fmt.Errorf("encode a message for x: %w", err)
	}
	return channels.Call{
		Part: part, Kind: "send", Method: http.MethodPost, URL: a.base + to, Header: http.Header{"Content-Type": {jsonType}},
		Body: bytes.TrimRight(b.Bytes(), "\n"), Bucket: bucket, Text: text,
	}, nil
}

type mediaID struct {
	ID string `json:"media_id"`
}

type v2Body struct {
	Text        string    `json:"text,omitempty"`
	Attachments []mediaID `json:"attachments,omitempty"`
}

func v2Message(p wire.Part) v2Body {
	body := v2Body{Text: p.Text}
	for _, m := range p.Media {
		body.Attachments = append(body.Attachments, mediaID{m.Handle})
	}
	return body
}

type v11Option struct {
	Label       string `json:"label"`
	Description string `json:"description,omitempty"`
	Metadata    string `json:"metadata,omitempty"`
}

type v11Link struct {
	Type  string `json:"type"`
	Label string `json:"label"`
	URL   string `json:"url"`
}

type v11Replies struct {
	Type    string      `json:"type"`
	Options []v11Option `json:"options"`
}

type v11Attachment struct {
	Type  string `json:"type"`
	Media struct {
		ID string `json:"id"`
	} `json:"media"`
}

type v11Data struct {
	Text       string         `json:"text"`
	QuickReply *v11Replies    `json:"quick_reply,omitempty"`
	CTAs       []v11Link      `json:"ctas,omitempty"`
	Attachment *v11Attachment `json:"attachment,omitempty"`
}

// v11Message is the body of direct_messages/events/new.json.
func v11Message(to string, p wire.Part) any {
	data := v11Data{Text: p.Text}
	if len(p.Options) > 0 {
		data.QuickReply = &v11Replies{Type: "options"}
		for _, o := range p.Options {
			data.QuickReply.Options = append(data.QuickReply.Options, v11Option{Label: o.Label, Description: o.Description, Metadata: o.Payload})
		}
	}
	for _, l := range p.Links {
		data.CTAs = append(data.CTAs, v11Link{Type: "web_url", Label: l.Label, URL: l.URL})
	}
	for _, m := range p.Media {
		data.Attachment = &v11Attachment{Type: "media"}
		data.Attachment.Media.ID = m.Handle
	}
	type target struct {
		Recipient string `json:"recipient_id"`
	}
	type create struct {
		Target target  `json:"target"`
		Data   v11Data `json:"message_data"`
	}
	type event struct {
		Type   string `json:"type"`
		Create create `json:"message_create"`
	}
	return struct {
		Event event `json:"event"`
	}{event{"message_create", create{target{to}, data}}}
}

type reply struct {
	To string `json:"in_reply_to_tweet_id"`
}

type postBody struct {
	Text  string `json:"text"`
	Reply *reply `json:"reply,omitempty"`
	Link  string `json:"direct_message_deep_link,omitempty"`
}

// publicReply answers a post in public. A link into our direct messages goes
// into its own field; how that is shown is [unverified], so with public_link:
// text it also stays in the words.
func (a *Adapter) publicReply(out dm.Outbound) (channels.Plan, error) {
	if out.Kind != dm.OutMessage && out.Kind != "" {
		return channels.Plan{}, nil // no marks in public
	}
	if a.Settings.Public != "reply" {
		return channels.Plan{}, fmt.Errorf("channel %s does not reply in public (public: %s)", a.Name, a.Settings.Public)
	}
	private := ""
	var links []dm.Link
	for _, l := range out.Links {
		if strings.HasPrefix(l.URL, composePage) && private == "" {
			private = l.URL
			if a.card {
				continue
			}
		}
		links = append(links, l)
	}
	out.Links, out.OptionsAs = links, "text"
	limits := a.Limits
	limits.Forms, limits.Links, limits.Media = nil, nil, nil
	limits.Text = postRoom(out)
	parts, report := wire.Layout(out, limits)
	plan := channels.Plan{Degradations: report}
	for i, p := range parts {
		body := postBody{Text: p.Text}
		if id := strings.TrimPrefix(out.Target, "post:"); id != "" {
			body.Reply = &reply{id}
		}
		if i == len(parts)-1 {
			body.Link = private
		}
		call, err := a.post(i, "/2/tweets", "post", p.Text, body)
		if err != nil {
			return channels.Plan{}, err
		}
		plan.Calls = append(plan.Calls, call)
	}
	return plan, nil
}

// postRoom is the limit of a post in runes. Letters outside Latin, Greek,
// Cyrillic and their neighbours count twice on X; a link counts 23, which is
// less than it measures, so counting its runes is on the safe side.
func postRoom(out dm.Outbound) dm.Limit {
	words := out.Text
	for _, o := range out.Options {
		words += o.Label + o.Description
	}
	for _, l := range out.Links {
		words += l.Label
	}
	for _, r := range words {
		single := r <= 4351 || r >= 8192 && r <= 8205 || r >= 8208 && r <= 8223 || r >= 8242 && r <= 8247
		if !single {
			return dm.Limit{N: postLimit / 2, Unit: wire.Runes}
		}
	}
	return dm.Limit{N: postLimit, Unit: wire.Runes}
}

// onePerMessage spreads the attachments: all but the last leave before the text.
func onePerMessage(parts []wire.Part) []wire.Part {
	last := &parts[len(parts)-1]
	if len(last.Media) < 2 {
		return parts
	}
	var out []wire.Part
	for _, m := range last.Media[:len(last.Media)-1] {
		out = append(out, wire.Part{Media: []dm.Media{m}})
	}
	last.Media = last.Media[len(last.Media)-1:]
	return append(out, parts...)
}
