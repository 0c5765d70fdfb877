package main

import (
	"math"
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
	if limits, planned := plannedKinds[kind]; planned {
		return plannedCaps(limits), true
	}
	open := channelKinds[kind]
	if open == nil || kind == "sim" {
		return channels.Caps{}, false
	}
	adapter, _ := open(kind, nil, channels.Env{LimitsOnly: true})
	return adapter.Caps(), true
}

// plannedCaps is what sim borrows of a kind that cannot run yet: its options,
// texts and window; the rest is as on web.
func plannedCaps(l dm.Limits) channels.Caps {
	caps, _ := capsOf("web")
	caps.Kind, caps.Text, caps.Window, caps.InARow = l.Kind, l.Text, l.Window, l.InARow
	buttons := channels.Form{Name: channels.FormButtons, Max: l.Options, Label: l.Label, Description: l.Description, Body: l.TextOptions}
	forms := []channels.Form{buttons}
	if l.Few > 0 {
		forms[0].Max, forms[0].Description = l.Few, dm.Limit{}
		forms = append(forms, channels.Form{Name: channels.FormList, Max: l.Options, Label: l.RowLabel, Description: l.Description, Body: l.TextOptions})
	}
	caps.Forms = append(forms, channels.Form{Name: channels.FormText, Max: math.MaxInt32})
	return caps
}
