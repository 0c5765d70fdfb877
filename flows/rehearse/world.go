package rehearse

import (
	"math"
	"strings"

	"dispatcher/dm"
	"dispatcher/engine"
)

// world is everything outside the conversation.
func (t *Talk) world(st engine.State) engine.World {
	set := t.live()
	alias := t.channel(set)
	w := engine.World{
		Now: t.now, Contact: t.contact, Entry: t.entry, Sample: &t.opt.Sample, ID: "rehearsal",
		Rehearsal: true, Explain: true, LastSurvey: t.survey,
	}
	w.Channel = engine.ChannelNow{Name: alias, Kind: alias, WindowOpen: t.opt.Window == 0 || t.now.Sub(t.heard) < t.opt.Window}
	if c := set.Channels[alias]; c != nil {
		w.Channel.Kind = c.Kind
	}
	if w.Contact.ID != "" {
		w.ID = w.Contact.ID
	}
	if !t.verified.IsZero() && !t.now.Before(t.verified) {
		w.Contact.Verified, w.Contact.VerifiedBy = false, ""
	}
	t.publicly(&w)
	w.DMLink = func(ref string) string { return "https://dm.example/" + alias + "?ref=" + ref }
	w.FormURL = func(id string) string { return "https://forms.example/" + id }
	w.VerifyURL = func(service, id string) string { return t.address(service) + "/verification?token=" + id }
	w.Conversation = t.before
	w.Conversation.Messages += t.said
	w.Conversation.Opened = t.opened
	w.Conversation.HandedOff = w.Conversation.HandedOff || st.Hand != nil || st.Owner == dm.OwnerAgent
	w.Queues = t.queues(set)
	return w
}

// address is where a service lives, as the project writes it; a reference has
// no value here.
func (t *Talk) address(service string) string {
	url := strings.TrimSuffix(t.opt.Services[service].URL, "/")
	if url == "" || strings.Contains(url, "${") {
		return "https://" + service + ".example"
	}
	return url
}

func (t *Talk) channel(set *engine.Set) string {
	if t.opt.Channel == "" && len(set.ChannelOrder) > 0 {
		return set.ChannelOrder[0]
	}
	return t.opt.Channel
}

// publicly tells the mention that opened the talk from what follows in private.
func (t *Talk) publicly(w *engine.World) {
	if !t.public {
		return
	}
	w.Entry.Source = "public"
	mention := t.posted == 0 || t.said <= t.posted
	w.Channel.Public, w.Entry.Public = mention, mention
}

func (t *Talk) queues(set *engine.Set) map[string]engine.QueueNow {
	out := make(map[string]engine.QueueNow, len(set.Queues))
	for alias, q := range set.Queues {
		now := engine.QueueNow{Open: q.Schedule.Open(t.now), Staffed: true}
		if at, ok := q.Schedule.Opens(t.now); ok {
			now.OpensAt = at
		}
		if f, ok := t.opt.Queues[alias]; ok {
			now.Waiting = f.Length
			if f.Wait != nil {
				minutes := int(math.Ceil(f.Wait.Minutes()))
				now.WaitMinutes = &minutes
			}
		}
		out[alias] = now
	}
	return out
}

// Value is what an expression comes out as now.
func (t *Talk) Value(x *engine.Expr) (any, error) {
	st := t.State()
	return engine.Evaluate(t.live(), st, t.world(st), x)
}
