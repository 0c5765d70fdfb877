package main

import (
	"time"

	"dispatcher/channels"
	"dispatcher/channels/sim"
	"dispatcher/channels/web"
	"dispatcher/channels/webhook"
	"dispatcher/channels/x"
	"dispatcher/dm"
)

// channelKinds is the wiring table: one line per kind of channel.
var channelKinds = map[string]channels.Opener{
	"webhook": webhook.Open, "web": web.Open, "x": x.Open, "sim": sim.Open,
}

// plannedKinds are kinds that flows may be written for before this program can
// run them: `check` applies their limits (channels.md 2), `serve` says that it
// leaves them out.
var plannedKinds = map[string]dm.Limits{
	"telegram":  {Kind: "telegram", Options: 20, Label: runes(36), Text: dm.Limit{N: 4096, Unit: "utf16"}},
	"messenger": {Kind: "messenger", Options: 13, Label: runes(20), Text: runes(1900), Window: 24 * time.Hour},
	"instagram": {Kind: "instagram", Options: 13, Label: runes(20), Text: dm.Limit{N: 1000, Unit: "bytes"}, Window: 24 * time.Hour},
	"whatsapp": {Kind: "whatsapp", Options: 10, Label: runes(20), Few: 3, RowLabel: runes(24), Description: runes(72), Text: runes(4096),
		TextOptions: runes(1024), Window: 24 * time.Hour},
}

func runes(n int) dm.Limit { return dm.Limit{N: n, Unit: "runes"} }

// capsOf gives a kind's abilities without an account, for sim's `like:` and for
// a channel whose configuration does not open.
func capsOf(kind string) (channels.Caps, bool) {
	open := channelKinds[kind]
	if open == nil || kind == "sim" {
		return channels.Caps{}, false
	}
	adapter, _ := open(kind, nil, channels.Env{LimitsOnly: true})
	return adapter.Caps(), true
}
