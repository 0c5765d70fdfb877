package inbox

import (
	"slices"
	"strings"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

// maxPath is how many path steps a packet shows.
const maxPath = 50

// buildPacket writes down everything the next person should not have to ask
// (desk.md 1.4). It uses no flow code, so it works after an engine error too.
func (d *Draft) buildPacket(h engine.Handoff) Packet {
	st, set, now := d.state, d.set(), d.View.Now
	p := Packet{ID: UIDText(newUID()), Conversation: d.UID(), Epoch: d.conv.Epoch, CreatedAt: now.UTC(), Arm: "treated",
		Queue: d.handoff.Queue, Priority: PriorityWord(d.handoff.Priority), Skills: orEmpty(h.Skills), WhyQueue: h.Rule, Cause: h.Cause,
		Reason: h.Reason, Why: whySentence(d.firstName(), h.Cause, d.queueName(d.handoff.Queue)), Topic: st.Topic, Slots: packetSlots(set, st),
		Attempts: []PacketAttempt{}, Summary: dropEmptyLines(h.Summary), Unanswered: d.unanswered(), Media: d.card.Episode.Media,
		Promises: d.keys.PromisesOf(d.conv.UID, d.openPromises()), Identity: d.identityNow(), Channel: d.packetChannel(),
		Language: d.packetLanguage(), History: d.history(), Flow: PacketFlow{Flow: st.Flow, State: st.Name, Revision: st.Set},
		Suggested: suggested(set, st.Topic), Tags: orEmpty(st.Tags),
		Effort: Effort{Turns: int(d.card.Episode.Turns), Typed: d.card.Episode.Typed, Repeats: len(st.Attempts)}}
	if d.conv.Holdout {
		p.Arm = "holdout"
	}
	if h.Cause == dm.CauseShadow {
		p.Arm = "shadow"
	}
	if x := h.Shadow; x != nil {
		p.Shadow = &PacketShadow{Flow: x.Flow, State: x.State, Queue: x.Queue, Topic: x.Topic, Said: orEmpty(x.Said)}
	}
	if st.Entry != nil {
		p.Entry = &dm.Entry{Ref: st.Entry.Ref, Signed: st.Entry.Signed, Text: st.Entry.Text, Source: st.Entry.Source, Public: st.Entry.Public, Option: st.Entry.Option}
	}
	for _, a := range st.Attempts {
		p.Attempts = append(p.Attempts, PacketAttempt{State: a.State, Kind: a.Kind, Seq: a.Seq})
	}
	p.Path, p.PathDropped = packetPath(st)
	p.BotWouldAsk = wouldAsk(set, st)
	return p
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (d *Draft) firstName() string {
	name, _, _ := strings.Cut(strings.TrimSpace(d.profile.Name), " ")
	return name
}

func (d *Draft) queueName(alias string) string {
	if q := d.queue(alias); q.Name != "" {
		return q.Name
	}
	return alias
}

func packetSlots(set *engine.Set, st engine.State) []PacketSlot {
	out := []PacketSlot{}
	for _, name := range st.Order {
		if v, ok := st.Slots[name]; ok && v.Value != nil {
			out = append(out, packetSlot(slotOf(set, name), name, v))
		}
	}
	return out
}

// packetSlot is one filled slot. The value of a secret one stays out: only
// when it was given is kept.
func packetSlot(def *engine.Slot, name string, v engine.SlotValue) PacketSlot {
	s := PacketSlot{Name: name, Label: slotLabel(def, name), Type: engine.SlotText, Raw: v.Raw, Value: v.Value, How: v.How,
		Status: "claimed", Tries: v.Tries, State: v.State, At: time.UnixMilli(v.At).UTC()}
	if v.How == "verified" {
		s.Status = "verified"
	}
	if def == nil {
		return s
	}
	s.Type, s.PII, s.Secret = def.Type, def.PII, def.Secret
	if def.Secret {
		s.Raw, s.Value = "", nil
	}
	return s
}

// slotLabel is what people call a slot.
func slotLabel(def *engine.Slot, name string) string {
	label := strings.ReplaceAll(name, "_", " ")
	if def != nil && len(def.Called) > 0 {
		label = def.Called[0]
	}
	if label == "" {
		return name
	}
	r := []rune(label)
	return strings.ToUpper(string(r[:1])) + string(r[1:])
}

func packetPath(st engine.State) ([]PacketStep, int) {
	steps, dropped := st.Path, st.Dropped
	if over := len(steps) - maxPath; over > 0 {
		steps, dropped = steps[over:], dropped+over
	}
	out := make([]PacketStep, 0, len(steps))
	for _, s := range steps {
		out = append(out, PacketStep{Flow: s.Flow, State: s.Name, Edge: s.Edge, At: time.UnixMilli(s.At).UTC()})
	}
	return out, dropped
}

// wouldAsk is the question at which the flow was cut short.
func wouldAsk(set *engine.Set, st engine.State) *WouldAsk {
	if set == nil || set.Flows[st.Flow] == nil {
		return nil
	}
	def := set.Flows[st.Flow].States[st.Name]
	if !def.Asks() {
		return nil
	}
	w := &WouldAsk{Flow: st.Flow, State: st.Name}
	ask := def.Ask
	if c := def.Collect; c != nil {
		if v, ok := st.Slots[c.Slot]; ok && v.Value != nil {
			return nil
		}
		w.Slot = c.Slot
		if c.Ask != nil {
			ask = c.Ask
		} else if s := set.Slots[c.Slot]; ask == nil && s != nil {
			ask = s.Ask
		}
	}
	w.Text = plainText(set, st.Language, ask)
	return w
}

// plainText is a text in a language, else in the project's first.
func plainText(set *engine.Set, lang string, t *engine.Text) string {
	if t == nil {
		return ""
	}
	if len(t.Any) > 0 {
		return plainText(set, lang, t.Any[0])
	}
	if tpl := t.Lang[lang]; tpl != nil {
		return literal(tpl)
	}
	if len(set.Languages) > 0 && t.Lang[set.Languages[0]] != nil {
		return literal(t.Lang[set.Languages[0]])
	}
	return ""
}

// unanswered is the first customer message nobody has answered.
func (d *Draft) unanswered() *Unanswered {
	w := d.card.Episode.Waiting
	if len(w) == 0 {
		return nil
	}
	return &Unanswered{Seq: w[0][0], Since: time.UnixMilli(w[0][1]).UTC(), Count: len(w)}
}

func (d *Draft) identityNow() Identity {
	i := Identity{Status: "none", Method: d.profile.VerifiedBy}
	until := max(d.identity.VerifiedUntil, d.profile.VerifiedUntil)
	if at := d.profile.VerifiedAt; at != 0 {
		i.At = time.UnixMilli(at).UTC()
	}
	switch {
	case d.profile.isVerified(d.View.Now), d.identity.Verified == 2 && (until == 0 || until > d.View.Now.UnixMilli()):
		i.Status = "verified"
	case d.identity.Verified == 1:
		i.Status = "claimed"
	case until == 0: // else: was verified, until then
		i.Method = ""
	}
	if until != 0 {
		i.ExpiresAt = time.UnixMilli(until).UTC()
	}
	return i
}

// window is the time in which the platform lets us answer; nil = no limit.
func (d *Draft) window() *dm.Window {
	a := d.View.Account
	if a == nil || a.Caps.Window == 0 || d.identity.LastInAt == 0 {
		return nil
	}
	last := time.UnixMilli(d.identity.LastInAt).UTC()
	return &dm.Window{ReplyUntil: last.Add(a.Caps.Window), HumanUntil: last.Add(max(a.Caps.Human, a.Caps.Window))}
}

func (d *Draft) packetChannel() PacketChannel {
	c := PacketChannel{Visibility: dm.Private}
	if a := d.View.Account; a != nil {
		c.Name = a.Alias
	}
	if d.card.Episode.Public && !d.card.Episode.Private {
		c.Visibility = dm.Public
	}
	if w := d.window(); w != nil {
		c.WindowClosesAt = w.ReplyUntil
	}
	return c
}

func (d *Draft) packetLanguage() PacketLanguage {
	l := PacketLanguage{Code: d.language(), How: "default"}
	switch {
	case d.profile.Language == l.Code:
		l.How = "contact"
	case d.profile.Locale != "" && strings.HasPrefix(d.profile.Locale, l.Code):
		l.How = "channel"
	}
	return l
}

func (d *Draft) history() PacketHistory {
	h := PacketHistory{Count: d.card.Earlier}
	prev := d.View.Snap.Prev
	if prev == nil && d.conv.ID == 0 && d.View.Snap.Conv.ID != 0 {
		prev = &d.View.Snap.Conv
	}
	if prev == nil {
		return h
	}
	h.Count = max(h.Count, 1)
	if prev.ResolvedAt != 0 {
		h.ClosedAt = time.UnixMilli(prev.ResolvedAt).UTC()
	}
	if c, err := d.keys.Card(*prev); err == nil {
		h.Topic, h.CSAT = c.Topic, int(c.Episode.CSAT)
	}
	return h
}

// suggested are the canned replies of a topic, in the order of the playbook.
func suggested(set *engine.Set, topic *engine.Topic) []string {
	if set == nil || topic == nil {
		return nil
	}
	var out []string
	for _, name := range set.CannedOrder {
		if c := set.Canned[name]; c != nil && slices.Contains(c.For, topic.ID) {
			out = append(out, name)
		}
	}
	return out
}

func dropEmptyLines(s string) string {
	lines := strings.Split(s, "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return strings.TrimSpace(l) == "" })
	return strings.Join(lines, "\n")
}

// Packet opens the packet of the view's open handoff; nil = none.
func (v *View) Packet() (*Packet, error) {
	if v.Snap.Handoff == nil {
		return nil, nil
	}
	return v.vault.Packet(v.Snap.Conv.UID, *v.Snap.Handoff)
}

// ClosedHandoff is the handoff that a closed conversation had, with its
// packet still sealed; nil = it never had one.
func (v *View) ClosedHandoff() *storage.Handoff {
	d := v.Draft()
	if r, ok := d.resolution(); ok {
		return r.Handoff
	}
	return nil
}
