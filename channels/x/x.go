// Package x answers direct messages and mentions on X, formerly Twitter
// (channels.md 2.4). It reads both webhook wrappers (Account Activity and X
// Activity) with one parser, sends through v2 with numbered options or through
// v1.1 with quick replies, and promises that the CRC handshake never signs
// anything that could pass for an event.
package x

import (
	"math"
	"regexp"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/wire"
	"dispatcher/dm"
)

// Kind is the name of this kind of channel in dispatcher.yaml.
const Kind = "x"

// Transports. Whether v1.1 answers for an account depends on its plan.
const (
	v2  = "v2"
	v11 = "v1.1"
)

// textLimit of a direct message is documented for v1.1; for v2 it is [unverified].
const textLimit = 10000

// postLimit of a public post, in weighted characters.
const postLimit = 280

// Adapter is one account on X.
type Adapter struct {
	wire.Base
	account   string
	transport string
	secrets   [][]byte // consumer secrets: the first answers CRC and signs, all verify
	app       string   // our own source_app_id
	card      bool     // public_link: card
	base      string
	auth      credentials
}

var digits = regexp.MustCompile(`^[0-9]{1,20}$`)

// Open reads the channel's settings.
func Open(name string, cfg channels.ConfigNode, env channels.Env) (channels.Adapter, []channels.Diagnostic) {
	c := wire.NewConfig(Kind, cfg, env)
	a := &Adapter{transport: c.Choice("transport", v2, v2, v11)}
	a.Base = wire.NewBase(name, c, caps(a.transport, c.Bool("coalesce", true)))
	a.base = a.Settings.BaseURL
	if a.base == "" {
		a.base = "https://api.x.com"
	}
	a.account = accountID(c, env)
	a.app = c.Text("app_id", "")
	a.card = c.Choice("public_link", "text", "text", "card") == "card"
	c.Choice("receive", "webhook", "webhook")
	a.secrets = c.Secrets("consumer_secret", true, 0)
	a.auth = readCredentials(c)
	if len(a.secrets) > 0 {
		a.auth.consumerSecret = string(a.secrets[0])
	}
	a.Limits.Public = a.Settings.Public != "off"
	diags := c.Done()
	if !wire.OK(diags) {
		return nil, diags
	}
	return a, diags
}

func accountID(c *wire.Config, env channels.Env) string {
	id := c.Text("account_id", "")
	switch {
	case id == "" && !env.LimitsOnly:
		c.Problem(c.Node("account_id"), "E110", "x needs account_id; it does not start without", "write the numeric id of the account, in quotes")
	case id != "" && !digits.MatchString(id):
		c.Problem(c.Node("account_id"), "E105", "account_id is not a numeric user id", "the id, not the @name")
	}
	return id
}

func caps(transport string, coalesce bool) channels.Caps {
	runes := func(n int) dm.Limit { return dm.Limit{N: n, Unit: wire.Runes} }
	out := channels.Caps{
		Kind: Kind, Text: runes(textLimit), MaxInbound: wire.MaxInbound,
		Media:  map[string]channels.MediaCap{},
		Echoes: true, Ordered: true, Coalesce: coalesce, Public: true,
		Send: channels.Reconcilable, Reconcile: 60 * time.Second,
		Burst: 1500 * time.Millisecond, AckWithin: 10 * time.Second,
	}
	for _, kind := range []string{"image", "gif", "video"} { // by upload handle only
		out.Media[kind] = channels.MediaCap{Bytes: 512 << 20, PerMessage: 1}
	}
	numbered := channels.Form{Name: channels.FormText, Max: math.MaxInt32}
	post := channels.Bucket{Name: "post", Scope: "account", N: 100, Per: 24 * time.Hour} // [unverified]: differs by plan
	check := channels.Bucket{Name: "check", Scope: "account", N: 15, Per: 15 * time.Minute}
	if transport == v2 {
		out.Forms = []channels.Form{numbered}
		out.Buckets = []channels.Bucket{
			{Name: "dm", Scope: "account", N: 15, Per: 15 * time.Minute},
			{Name: "dm_day", Scope: "account", N: 1440, Per: 24 * time.Hour, Kinds: []string{"dm"}},
			{Name: "dm_app_day", Scope: "app", N: 1440, Per: 24 * time.Hour, Kinds: []string{"dm"}},
			post, check,
		}
		return out
	}
	out.Forms = []channels.Form{{
		Name: channels.FormButtons, Max: 20, Label: runes(36), Description: runes(72), Payload: runes(1000), NoURLs: true, AllOrNone: true,
	}, numbered}
	out.Links = &channels.LinkCap{Max: 3, Label: 36}
	out.Typing = &channels.TypingCap{Resend: 4 * time.Second, Max: 20 * time.Second}
	out.Read, out.InARow = true, 5
	out.Buckets = []channels.Bucket{
		{Name: "dm", Scope: "account", N: 1000, Per: 24 * time.Hour},
		{Name: "dm_app_day", Scope: "app", N: 15000, Per: 24 * time.Hour, Kinds: []string{"dm"}},
		post, check,
	}
	return out
}
