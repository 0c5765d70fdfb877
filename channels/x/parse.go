package x

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/wire"
	"dispatcher/dm"
)

// batch is one body while it is read, whichever wrapper it came in.
type batch struct {
	a       *Adapter
	account string     // for_user_id or filter.user_id
	uuid    string     // XAA only
	users   wire.Value // flat (AAA) or with everything under data (XAA)
	out     []dm.Inbound
}

// Parse reads a webhook of either wrapper. An error means that the bytes are
// not X's envelope; one strange event among good ones becomes an ignored one.
func (a *Adapter) Parse(r channels.Request) ([]dm.Inbound, error) {
	v, err := wire.ReadJSON(r.Body)
	if err != nil {
		return nil, err
	}
	if !v.IsObject() {
		return nil, &channels.FieldError{Field: "body", Problem: "is not an object"}
	}
	b := &batch{a: a, out: []dm.Inbound{}}
	if data := v.Get("data"); data.IsObject() {
		b.activity(data, v)
	} else {
		b.account = v.Get("for_user_id").ID()
		b.users = v.Get("users")
		v.Fields(func(key string, val wire.Value) bool {
			b.field(key, val)
			return len(b.out) <= wire.MaxEvents
		})
	}
	if len(b.out) > wire.MaxEvents {
		return nil, wire.ErrTooMany
	}
	return b.out, nil
}

// field reads one top-level field of the AAA wrapper.
func (b *batch) field(key string, val wire.Value) {
	switch key {
	case "for_user_id", "users", "apps", "user_has_blocked", "is_blocked_by":
	case "user_event":
		b.revoked(val.Get("revoke"))
	default:
		if !val.IsArray() {
			if strings.HasSuffix(key, "_event") || strings.HasSuffix(key, "_events") {
				b.ignore(val, key)
			}
			return
		}
		val.Items(func(item wire.Value) bool {
			b.event(key, item)
			return len(b.out) <= wire.MaxEvents
		})
	}
}

// event reads one item of an array; the arrays are the same in both wrappers.
func (b *batch) event(key string, item wire.Value) {
	switch key {
	case "direct_message_events":
		b.message(item)
	case "direct_message_indicate_typing_events":
		b.mark(item, dm.KindTyping)
	case "direct_message_mark_read_events":
		b.mark(item, dm.KindRead)
	case "tweet_create_events":
		b.tweet(item)
	case "tweet_delete_events":
		b.deleted(item)
	default:
		b.ignore(item, key)
	}
}

// add appends an event after the rules that hold for all of them.
func (b *batch) add(in dm.Inbound, raw wire.Value) {
	in.Raw, in.Account = raw.Raw(), b.a.account
	if in.Visibility == "" {
		in.Visibility = dm.Private
	}
	if b.account != "" && b.account != b.a.account {
		b.ignore(raw, "other account")
		return
	}
	if in.Thread == "" && in.Kind != dm.KindAccount && in.Kind != dm.KindIgnored {
		b.ignore(raw, "no user")
		return
	}
	if in.ExternalID == "" {
		in.ExternalID = wire.SyntheticID(in.Thread, in.At.String(), in.Kind, in.Raw)
	}
	in.Stable = !in.At.IsZero()
	b.out = append(b.out, in)
}

func (b *batch) ignore(raw wire.Value, note string) {
	id := "ignored:" + wire.SyntheticID("", "", note, raw.Raw())
	b.out = append(b.out, dm.Inbound{
		Kind: dm.KindIgnored, ExternalID: id, Account: b.a.account, Visibility: dm.Private, Note: wire.PlainRef(note), Raw: raw.Raw(),
	})
}

// activity reads the XAA wrapper.
func (b *batch) activity(data, whole wire.Value) {
	b.account = data.Get("filter", "user_id").ID()
	b.uuid = data.Get("event_uuid").ID()
	payload := data.Get("payload")
	b.users = payload.Get("users")
	switch kind := data.Get("event_type").Text(); {
	case strings.HasPrefix(kind, "dm."):
		payload.Fields(func(key string, val wire.Value) bool {
			b.field(key, val)
			return len(b.out) <= wire.MaxEvents
		})
	case kind == "chat.received":
		b.encrypted(payload)
	case kind == "post.mention.create", kind == "post.reply.create":
		includes := data.Get("includes")
		if !includes.IsObject() {
			includes = whole.Get("includes") // beside data, as in the REST answers
		}
		b.post(payload, includes)
	case kind == "post.delete":
		b.deleted(payload)
	case kind == "oauth.revoke":
		b.account = payload.Get("user_id").ID()
		b.accountEvent(payload, "access was revoked", "xaa:"+b.uuid)
	default:
		b.ignore(data, kind)
	}
}

func (b *batch) revoked(revoke wire.Value) {
	if !revoke.IsObject() {
		return
	}
	b.account = revoke.Get("source", "user_id").ID()
	b.accountEvent(revoke, "access was revoked", "revoke:"+revoke.Get("date_time").ID())
}

func (b *batch) accountEvent(v wire.Value, note, id string) {
	at, err := time.Parse(time.RFC3339, v.Get("date_time").Text())
	if err != nil {
		at = time.Time{}
	}
	b.add(dm.Inbound{Kind: dm.KindAccount, ExternalID: id, At: at.UTC(), Note: note,
		Status: &dm.Status{State: "failed", Reason: dm.ReasonAuthBroken}}, v)
}

func (b *batch) encrypted(p wire.Value) {
	at, note := millis(p.Get("created_at_msec"))
	b.add(dm.Inbound{
		Kind: dm.KindEncrypted, ExternalID: "xaa:" + b.uuid, Thread: p.Get("sender_id").ID(),
		Sender: b.party(p.Get("sender_id").ID()), At: at, Note: note,
	}, p)
}

// mark is typing or read: neither has an id of its own.
func (b *batch) mark(v wire.Value, kind string) {
	sender, stamp := v.Get("sender_id").ID(), v.Get("created_timestamp").ID()
	if sender == b.a.account {
		b.ignore(v, "own "+kind)
		return
	}
	in := dm.Inbound{Kind: kind, ExternalID: wire.ShortID(kind + ":" + sender + ":" + stamp), Thread: sender, Sender: b.party(sender)}
	in.At, in.Note = millis(v.Get("created_timestamp"))
	if last := v.Get("last_read_event_id").ID(); kind == dm.KindRead && last != "" {
		in.Target = "dm:" + last
	}
	b.add(in, v)
}

// party is what the body says of a user.
func (b *batch) party(id string) dm.Party {
	u := b.users.Get(id)
	if d := u.Get("data"); d.IsObject() {
		u = d
	}
	return person(id, u)
}

func person(id string, u wire.Value) dm.Party {
	return dm.Party{
		ID:     id,
		Name:   wire.Clean(u.Get("name").Text()),
		Handle: wire.Clean(cmp.Or(u.Get("screen_name").Text(), u.Get("username").Text())),
		Avatar: cmp.Or(u.Get("profile_image_url_https").Text(), u.Get("profile_image_url").Text()),
	}
}

// millis is a time in milliseconds; one outside 2006 to 2100 is seconds, or nonsense.
func millis(v wire.Value) (at time.Time, note string) {
	n, ok := v.Int()
	if !ok {
		return time.Time{}, "no usable timestamp"
	}
	at = time.UnixMilli(n).UTC()
	if y := at.Year(); y < 2006 || y > 2100 {
		return time.Time{}, "no usable timestamp"
	}
	return at, ""
}

// order makes ids sortable as text: snowflakes grow with time.
func order(id string) string {
	if !digits.MatchString(id) {
		return ""
	}
	return strings.Repeat("0", 20-len(id)) + id
}

// unescape undoes the only three escapes that X makes, once.
var unescape = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")

var trailingLink = regexp.MustCompile(`\s*https://t\.co/\S+\s*$`)

// words is a text as the customer wrote it: unescaped, short links expanded,
// and without the short link that stands for an attachment.
func words(text string, urls wire.Value, attached bool) string {
	text = unescape.Replace(text)
	var pairs [][2]string
	urls.Items(func(u wire.Value) bool {
		short, long := u.Get("url").Text(), u.Get("expanded_url").Text()
		if short != "" && long != "" {
			pairs = append(pairs, [2]string{short, long})
		}
		return len(pairs) < 100
	})
	if loc := trailingLink.FindStringIndex(text); attached && loc != nil && !isListed(pairs, strings.TrimSpace(text[loc[0]:])) {
		text = text[:loc[0]]
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return cmp.Compare(len(b[0]), len(a[0])) }) // longest first: t.co/ab before t.co/a
	var flat []string
	for _, p := range pairs {
		flat = append(flat, p[0], p[1])
	}
	return wire.Clean(strings.NewReplacer(flat...).Replace(text))
}

// isListed says whether a trailing link is one that the customer wrote. The
// list also names the attachment's own link, whose long form is on X itself.
func isListed(pairs [][2]string, short string) bool {
	for _, p := range pairs {
		if p[0] == short {
			return !strings.Contains(p[1], "/messages/media/") && !strings.Contains(p[1], "/photo/") && !strings.Contains(p[1], "/video/")
		}
	}
	return false
}
