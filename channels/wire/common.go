package wire

import (
	"fmt"
	"math"
	"time"

	"dispatcher/channels"
)

// Common reads the settings that every kind has (channels.md 1.7). burst is
// the kind's own default.
func (c *Config) Common(burst time.Duration) channels.Common {
	c.Node("kind") // chosen by cmd before the adapter is opened
	amb, price, media := c.Map("ambiguous"), c.Map("price"), c.Map("media")
	out := channels.Common{
		Enabled:  c.Bool("enabled", true),
		Insecure: c.Bool("insecure", false),
		BurstSet: c.Has("burst"),
		Burst:    c.Duration("burst", burst),

		PriceIn: price.Number("in", 0), PriceOut: price.Number("out", 0), PricePublic: price.Number("public", 0),
		Currency: price.Text("currency", "USD"),

		Languages:   c.List("languages"),
		BotPolicy:   amb.Choice("bot", "auto", "auto", "resend", "hold"),
		AgentPolicy: amb.Choice("agent", "auto", "auto", "resend", "hold"),
		BotTTL:      c.Duration("bot_ttl", time.Hour),
		AgentTTL:    c.Duration("agent_ttl", 24*time.Hour),
		OptionsAs:   c.Choice("options_as", "auto", "auto", "buttons", "list", "text"),
		Public:      c.Choice("public", "reply", "off", "listen", "reply"),
		MediaFetch:  media.Bool("fetch", false),
		MediaMax:    media.Int("max_bytes", 25<<20, 1, 1<<30),
		IgnoreApps:  c.List("ignore_apps"),
	}
	out.BaseURL = c.BaseURL("base_url", "", out.Insecure)
	return out
}

// Buckets gives the kind's rate limits with what the project overrides: buckets: {dm: {n: 15, per: 15m}}.
func (c *Config) Buckets(defaults []channels.Bucket) []channels.Bucket {
	out := append([]channels.Bucket(nil), defaults...)
	c.Each("buckets", func(name channels.ConfigNode, entry *Config) {
		n := int(entry.Int("n", 0, 1, math.MaxInt32))
		per := entry.Duration("per", 0)
		if n == 0 || per <= 0 {
			c.Problem(name, "E110", "a bucket needs n and per", "write {n: 15, per: 15m}")
			return
		}
		names := make([]string, len(out))
		for i := range out {
			if names[i] = out[i].Name; out[i].Name == name.Text {
				out[i].N, out[i].Per = n, per
				return
			}
		}
		hint := ""
		if w, ok := channels.DidYouMean(name.Text, names); ok {
			hint = "did you mean " + w + "?"
		}
		c.Problem(name, "E103", fmt.Sprintf("%s has no bucket called %q", c.where, name.Text), hint)
	})
	return out
}

// Base is what every adapter knows of itself; adapters embed it.
type Base struct {
	Name     string // alias in dispatcher.yaml
	Settings channels.Common
	Limits   channels.Caps
	Entry    []byte // secret of entry tokens and text tags; nil = nothing is signed
}

// NewBase reads what is common.
func NewBase(name string, c *Config, caps channels.Caps) Base {
	b := Base{Name: name, Settings: c.Common(caps.Burst), Limits: caps}
	b.Limits.Burst = b.Settings.Burst
	b.Limits.Buckets = c.Buckets(caps.Buckets)
	if b.Settings.PriceIn > 0 || b.Settings.PriceOut > 0 {
		b.Limits.Cost = &channels.Cost{PerSend: b.Settings.PriceOut, PerReceive: b.Settings.PriceIn, Currency: b.Settings.Currency}
	}
	if c.env.Derive != nil {
		b.Entry = c.env.Derive(channels.DeriveEntry)
	}
	return b
}

// Caps is what the channel can carry.
func (b *Base) Caps() channels.Caps { return b.Limits }

// Common is the settings that every kind has.
func (b *Base) Common() channels.Common { return b.Settings }
