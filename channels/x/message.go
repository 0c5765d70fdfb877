package x

import (
	"cmp"
	"slices"
	"time"

	"dispatcher/channels/wire"
	"dispatcher/dm"
)

// message reads one direct message: of a customer, or an echo of our own account.
func (b *batch) message(v wire.Value) {
	if kind := v.Get("type").Text(); kind != "message_create" {
		b.ignore(v, "dm "+kind)
		return
	}
	m := v.Get("message_create")
	data := m.Get("message_data")
	id, sender := v.Get("id").ID(), m.Get("sender_id").ID()
	if to := m.Get("target", "recipient_id").ID(); sender != b.a.account && to != "" && to != b.a.account {
		b.ignore(v, "other account")
		return
	}
	in := dm.Inbound{Kind: dm.KindText, Thread: sender, Sender: b.party(sender), Order: order(id)}
	if id != "" {
		in.ExternalID, in.MessageID = "dm:"+id, "dm:"+id
	}
	in.At, in.Note = millis(v.Get("created_timestamp"))
	in.Media, in.Location = attachment(data.Get("attachment"))
	in.Text = words(data.Get("text").Text(), data.Get("entities", "urls"), len(in.Media) > 0)
	if sender == b.a.account {
		b.echo(&in, m)
	} else {
		b.fromCustomer(&in, v, data)
	}
	b.add(in, v)
}

// echo is a message that left from our account; by which app says who wrote it.
func (b *batch) echo(in *dm.Inbound, m wire.Value) {
	in.Kind, in.Thread = dm.KindEcho, m.Get("target", "recipient_id").ID()
	app := m.Get("source_app_id").ID()
	in.Echo = &dm.EchoData{App: "other", ID: app, Author: "human"}
	switch {
	case app == "" || b.a.app == "":
		in.Echo.App, in.Echo.Author = "unknown", "unknown"
	case app == b.a.app:
		in.Echo.App, in.Echo.Author = "us", "unknown"
	}
	if app != "" && slices.Contains(b.a.Settings.IgnoreApps, app) {
		in.Echo.App, in.Echo.Author = "other", "bot"
	}
}

func (b *batch) fromCustomer(in *dm.Inbound, v, data wire.Value) {
	if reply := data.Get("quick_reply_response"); reply.IsObject() {
		// The metadata may be missing; the label then finds the option.
		in.Kind = dm.KindTap
		in.Tap = &dm.TapData{Payload: reply.Get("metadata").ID(), Label: in.Text, Type: "reply"}
	}
	in.ReplyTo = prefixed("dm:", v.Get("message_create", "message_data", "in_reply_to", "id").ID())
	if ref := ""; b.a.Entry != nil && in.Kind == dm.KindText {
		if in.Text, ref = wire.CutTag(b.a.Entry, b.a.Name, in.Text); ref != "" {
			in.Entry = &dm.Entry{Ref: ref, Source: "link", Text: in.Text}
		}
	}
	via := v.Get("initiated_via")
	if !via.IsObject() {
		return
	}
	if in.Entry == nil {
		in.Entry = &dm.Entry{}
	}
	if greeting := via.Get("welcome_message_id").ID(); greeting != "" {
		in.Entry.Ref, in.Entry.Source = greeting, "greeting"
	}
	if post := via.Get("tweet_id").ID(); post != "" {
		in.Entry.PostID, in.Entry.Source = post, cmp.Or(in.Entry.Source, "public")
	}
	in.Entry.Source = cmp.Or(in.Entry.Source, "direct")
}

func prefixed(prefix, id string) string {
	if id == "" {
		return ""
	}
	return prefix + id
}

// attachment is a picture, animation or film, or a place. Coordinates come as long, lat.
func attachment(v wire.Value) ([]dm.Media, *dm.Location) {
	switch v.Get("type").Text() {
	case "media":
		m := v.Get("media")
		kind := map[string]string{"photo": "image", "animated_gif": "gif", "video": "video"}[m.Get("type").Text()]
		return []dm.Media{{Kind: cmp.Or(kind, "file"), ID: m.Get("id").ID(), URL: mediaURL(m), Alt: wire.Clean(m.Get("ext_alt_text").Text())}}, nil
	case "location":
		var at []float64
		point := v.Get("location", "shared_coordinate", "coordinates", "coordinates")
		if !point.IsArray() {
			point = v.Get("location", "shared_place", "place", "centroid")
		}
		point.Items(func(n wire.Value) bool {
			f, _ := n.Float()
			at = append(at, f)
			return len(at) < 2
		})
		if len(at) == 2 {
			return nil, &dm.Location{Long: at[0], Lat: at[1], Name: wire.Clean(v.Get("location", "shared_place", "place", "full_name").Text())}
		}
	}
	return nil, nil
}

// mediaURL prefers the sharpest film over its still.
func mediaURL(m wire.Value) string {
	best, rate := "", int64(-1)
	m.Get("video_info", "variants").Items(func(v wire.Value) bool {
		n, _ := v.Get("bitrate").Int()
		if u := v.Get("url").Text(); v.Get("content_type").Text() == "video/mp4" && n > rate && u != "" {
			best, rate = u, n
		}
		return true
	})
	return cmp.Or(best, m.Get("media_url_https").Text())
}

// post reads a public post of the XAA wrapper.
func (b *batch) post(p, includes wire.Value) {
	author := p.Get("author_id").ID()
	sender := dm.Party{ID: author}
	includes.Get("users").Items(func(u wire.Value) bool {
		if u.Get("id").ID() == author {
			sender = person(author, u)
		}
		return sender.Handle == ""
	})
	at, err := time.Parse(time.RFC3339, p.Get("created_at").Text())
	if err != nil {
		at = time.Time{}
	}
	text := cmp.Or(p.Get("note_tweet", "text").Text(), p.Get("text").Text())
	b.mention(p, mention{
		id: p.Get("id").ID(), sender: sender, at: at.UTC(), replyTo: p.Get("in_reply_to_tweet_id").ID(),
		text: words(text, p.Get("entities", "urls"), false),
	})
}

// tweet reads a public post of the AAA wrapper; the extended text is the whole one.
func (b *batch) tweet(v wire.Value) {
	if v.Get("retweeted_status").IsObject() {
		b.ignore(v, "repost")
		return
	}
	user := v.Get("user")
	at, err := time.Parse("Mon Jan 02 15:04:05 -0700 2006", v.Get("created_at").Text())
	if err != nil {
		at = time.Time{}
	}
	text, urls := v.Get("text"), v.Get("entities", "urls")
	if long := v.Get("extended_tweet"); long.Get("full_text").IsString() {
		text, urls = long.Get("full_text"), long.Get("entities", "urls")
	}
	b.mention(v, mention{
		id: cmp.Or(v.Get("id_str").ID(), v.Get("id").ID()), sender: person(user.Get("id_str").ID(), user), at: at.UTC(),
		replyTo: v.Get("in_reply_to_status_id_str").ID(), text: words(text.Text(), urls, false),
	})
}

// mention is a public post of either wrapper: both copies have one id.
type mention struct {
	id, replyTo, text string
	sender            dm.Party
	at                time.Time
}

func (b *batch) mention(raw wire.Value, m mention) {
	if m.sender.ID == b.a.account {
		b.ignore(raw, "own post")
		return
	}
	if b.a.Settings.Public == "off" {
		b.ignore(raw, "public posts are off")
		return
	}
	b.add(dm.Inbound{
		Kind: dm.KindMention, ExternalID: prefixed("post:", m.id), MessageID: prefixed("post:", m.id), Thread: m.sender.ID,
		Sender: m.sender, At: m.at, Order: order(m.id), Visibility: dm.Public, Text: m.text, ReplyTo: prefixed("post:", m.replyTo),
		Entry: &dm.Entry{Source: "public", PostID: m.id, Public: true},
	}, raw)
}

// deleted is a post that its author took back.
func (b *batch) deleted(v wire.Value) {
	status := v.Get("status")
	id := cmp.Or(status.Get("id").ID(), v.Get("id").ID())
	author := cmp.Or(status.Get("user_id").ID(), v.Get("author_id").ID())
	if id == "" || author == b.a.account {
		b.ignore(v, "own post removed")
		return
	}
	at, _ := millis(v.Get("timestamp_ms"))
	b.add(dm.Inbound{
		Kind: dm.KindRemoved, ExternalID: "post:" + id + ":deleted", Target: "post:" + id, Thread: author,
		Sender: dm.Party{ID: author}, At: at, Visibility: dm.Public,
	}, v)
}
