// Package webhook is our own signed JSON channel (channels.md 2.1): any system
// that can send and receive HTTPS speaks it, an app, an SMS gateway, another
// desk. It promises that nothing unsigned is read, that a repeat is known by
// its id, and that what we send carries one constant id per message and part,
// so that the receiver can drop repeats. Signing follows Standard Webhooks.
package webhook

import (
	"fmt"
	"math"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/wire"
	"dispatcher/dm"
)

// Kind is the name of this kind of channel in dispatcher.yaml.
const Kind = "webhook"

// Adapter is one configured webhook channel.
type Adapter struct {
	wire.Base
	secrets  [][]byte // the first signs, all verify
	url      string   // "" = replies wait to be pulled
	timeout  time.Duration
	verified bool // the system may vouch for its contacts
	template string
}

// Open reads the channel's settings.
func Open(name string, cfg channels.ConfigNode, env channels.Env) (channels.Adapter, []channels.Diagnostic) {
	c := wire.NewConfig(Kind, cfg, env)
	a := &Adapter{Base: wire.NewBase(name, c, caps(c.Map("caps")))}
	a.secrets = c.WebhookSecrets("secret")
	a.verified = c.Choice("identity", "verified", "verified", "claimed") == "verified"
	a.template = c.Text("link_template", "")
	a.outbound(c)
	a.Limits.Pull = a.url == ""
	diags := c.Done()
	if !wire.OK(diags) {
		return nil, diags
	}
	return a, diags
}

func (a *Adapter) outbound(c *wire.Config) {
	if !c.Has("outbound") {
		return
	}
	out := c.Map("outbound")
	mode := out.Choice("mode", "push", "push", "pull")
	a.url = out.URL("url", "", a.Settings.Insecure)
	a.timeout = out.Duration("timeout", 15*time.Second)
	switch {
	case mode == "pull" && out.Has("url"):
		c.Problem(out.Node("url"), "E111", "outbound.url has no use with mode: pull", "take one of them out")
	case mode == "push" && !out.Has("url"):
		c.Problem(out.Node("mode"), "E110", "outbound needs url", "write url: \"https://…\", or mode: pull")
	}
}

// caps is what the system behind the webhook says that it can show.
func caps(c *wire.Config) channels.Caps {
	runes := func(n int) dm.Limit { return dm.Limit{N: n, Unit: wire.Runes} }
	out := channels.Caps{
		Kind: Kind, MaxInbound: wire.MaxInbound,
		Text:  runes(int(c.Int("text", 4000, 1, 1_000_000))),
		Links: &channels.LinkCap{Max: 13, Label: 36},
		Media: map[string]channels.MediaCap{},
		Edit:  c.Bool("edit", true), Echoes: c.Bool("echoes", true),
		Ordered: true, Public: true, Replies: true,
		Window: c.Duration("window", 0),
		Send:   channels.Idempotent, AckWithin: 10 * time.Second,
		Buckets: []channels.Bucket{{Name: "sends", Scope: "account", N: 50, Per: time.Second}},
	}
	options, label := int(c.Int("options", 13, 0, 1000)), int(c.Int("label", 36, 1, 10000))
	if options > 0 {
		out.Forms = append(out.Forms, channels.Form{Name: channels.FormButtons, Max: options, Label: runes(label), Description: runes(72)})
	}
	out.Forms = append(out.Forms, channels.Form{Name: channels.FormText, Max: math.MaxInt32})
	kinds := []string{"image", "gif", "video", "audio", "voice", "file", "sticker", "contact"}
	for _, k := range c.Words("media", []string{"image", "file"}, kinds...) {
		out.Media[k] = channels.MediaCap{ByURL: true}
	}
	if c.Bool("typing", true) {
		out.Typing = &channels.TypingCap{Resend: 4 * time.Second, Max: 20 * time.Second}
	}
	return out
}

// Handshake: there is none; the signature is all.
func (a *Adapter) Handshake(channels.Request) (channels.Response, bool) {
	return channels.Response{}, false
}

// RequestID is the transport's id of a verified request, by which a replay with another body is known.
func (a *Adapter) RequestID(r channels.Request) string { return r.Header.Get(headerID) }

// Link is an entry link that the system behind the webhook understands (link_template).
func (a *Adapter) Link(token string) (string, error) {
	if a.template == "" {
		return "", fmt.Errorf("channel %s has no link_template", a.Name)
	}
	return expandTemplate(a.template, token), nil
}
