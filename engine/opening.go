package engine

import "dispatcher/dm"

// enrolled says whether a contact is among the share that a flow in rollout is
// for. The hash is the contact's and the flow's, so that it sticks, and growing
// the share keeps those who are in.
func (t *turn) enrolled(f *Flow) bool {
	return f.Rollout == nil || share(t.ev.World.Contact.ID, f.Name) < *f.Rollout
}

// HeldOut says whether a contact is of the share who skip the bot.
func HeldOut(set *Set, contact string) bool {
	return set.Holdout > 0 && share(contact, "") < set.Holdout
}

// holdOut gives an opening message to people at once, to measure what the bot
// saves. A word that stops the bot stops it here too.
func (t *turn) holdOut() {
	if e, by := t.set.linked.lobby.escapes.find(&t.joined, true, t.set.linked.filler); e != nil && e.Name == escStop {
		t.trace.Stage, t.by = "everywhere", by
		t.escape(e)
		return
	}
	t.st.Holdout = true
	t.acknowledge(dm.CauseHoldout)
}

// acknowledge is a handoff with the words of a bot that does not take part.
func (t *turn) acknowledge(cause string) {
	words := t.sentence("ack")
	t.cause, t.instead = cause, &words
	t.systemHandoff(cause, true)
}

// shadow computes the first turn of a flow beside the real conversation, which
// goes to people: of what it would have said nothing is sent.
func (t *turn) shadow(f *Flow) {
	before, sent := t.st, len(t.out)
	t.shadowing = true
	t.next = target{f.Name, "start"}
	t.run()
	seen := &Shadow{Flow: t.st.Flow, State: t.st.Name}
	for _, e := range t.out[sent:] {
		switch e := e.(type) {
		case Say:
			if e.Text != "" {
				seen.Said = append(seen.Said, e.Text)
			}
		case Handoff:
			seen.Queue = e.Queue
		}
	}
	if t.st.Topic != nil {
		seen.Topic = t.st.Topic.ID
	}
	before.Slots, before.Order, before.Topic = t.st.Slots, t.st.Order, t.st.Topic
	t.startOver(before, sent)
	t.acknowledge(dm.CauseShadow)
	for i, e := range t.out {
		if h, ok := e.(Handoff); ok {
			h.Shadow = seen
			t.out[i] = h
		}
	}
}

// startOver makes a turn forget what it has done since a state, but for its
// trace and the first effects.
func (t *turn) startOver(before State, effects int) {
	clear(t.out[effects:])
	fresh := turn{
		set: t.set, ev: t.ev, now: t.now, lang: t.lang, room: t.room, trace: t.trace, eval: t.eval,
		joined: t.joined, parts: t.parts, ownSlots: t.ownSlots, shadowing: t.shadowing, told: t.told,
	}
	event := t.event
	fresh.st, fresh.out = before, t.out[:effects]
	*t = fresh
	t.event, t.current, t.eval.t = event, &t.joined, t
	if t.ev != nil {
		t.ev = &t.event
	}
	t.lang = pickLanguage(t.set.Languages, t.ev.World.Contact.Language, t.ev.World.Channel.Locale)
}
