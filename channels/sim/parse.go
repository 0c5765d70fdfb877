package sim

import (
	"dispatcher/channels"
	"dispatcher/channels/wire"
	"dispatcher/dm"
)

// Parse reads one played event: as customer, own_app or delivery.
func (a *Adapter) Parse(r channels.Request) ([]dm.Inbound, error) {
	v, err := wire.ReadJSON(r.Body)
	if err != nil {
		return nil, err
	}
	if !v.IsObject() {
		return nil, &channels.FieldError{Field: "body", Problem: "is not an object"}
	}
	person := v.Get("person").ID()
	if person == "" {
		return nil, &channels.FieldError{Field: "person", Problem: "is missing"}
	}
	in := dm.Inbound{Thread: person, Account: a.Name, Visibility: dm.Private, Raw: v.Raw(), Text: wire.Clean(v.Get("text").Text())}
	in.Sender = dm.Party{ID: person, Name: wire.Clean(v.Get("name").Text()), Handle: wire.Clean(v.Get("handle").Text()), Bot: v.Get("bot").Bool()}
	in.Locale = v.Get("locale").Text()
	if id := v.Get("id").ID(); id != "" {
		in.ExternalID, in.MessageID = id, id
	}
	switch as := v.Get("as").Text(); as {
	case "customer":
		a.customer(&in, v)
	case "own_app":
		in.Kind, in.Sender = dm.KindEcho, dm.Party{ID: a.Name}
		in.Echo = &dm.EchoData{App: "other", Author: "human"}
	case "delivery":
		in.Kind, in.Sender, in.MessageID, in.Text = dm.KindDelivery, dm.Party{}, "", ""
		in.Status = &dm.Status{State: v.Get("state").Text(), Key: v.Get("key").ID(), Code: v.Get("code").ID()}
		in.Target = in.Status.Key + ".0"
		in.ExternalID = wire.ShortID(in.Status.Key + ":0:" + in.Status.State)
		if in.Status.Key == "" || in.Status.State == "" {
			return nil, &channels.FieldError{Field: "key", Problem: "or state is missing"}
		}
	default:
		return nil, &channels.FieldError{Field: "as", Problem: "is not customer, own_app or delivery"}
	}
	if in.ExternalID == "" {
		return nil, &channels.FieldError{Field: "id", Problem: "is missing"}
	}
	return []dm.Inbound{in}, nil
}

func (a *Adapter) customer(in *dm.Inbound, v wire.Value) {
	in.Kind = dm.KindText
	option, entry := v.Get("option"), v.Get("entry")
	if payload := option.Get("payload").Text(); wire.IsPayload(payload) {
		in.Kind = dm.KindTap
		in.Tap = &dm.TapData{Payload: payload, Label: wire.Clean(option.Get("label").Text()), Type: "reply"}
		in.Text = in.Tap.Label
	} else if option.IsObject() && in.Text == "" {
		in.Text = wire.Clean(option.Get("label").Text())
	}
	if entry.IsObject() {
		in.Entry = &dm.Entry{Ref: entry.Get("ref").Text(), Source: "link", Text: wire.Clean(entry.Get("text").Text())}
		if in.Text == "" && in.Tap == nil {
			in.Kind = dm.KindStart
		}
	}
	if v.Get("visibility").Text() == dm.Public {
		in.Kind, in.Visibility, in.Tap = dm.KindMention, dm.Public, nil
		in.Entry = &dm.Entry{Source: "public", PostID: in.MessageID, Public: true}
	}
	v.Get("media").Items(func(m wire.Value) bool {
		in.Media = append(in.Media, dm.Media{Kind: m.Get("kind").Text(), URL: m.Get("url").Text(), MIME: m.Get("mime").Text(), Name: wire.Clean(m.Get("name").Text())})
		return len(in.Media) < 20
	})
}
