package inbox

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

// customer is a message, a tap, or a form that was sent.
func (w *replayWalk) customer(row *storyRow, at time.Time) {
	if row.trace == nil {
		w.unread(row, at)
		return
	}
	if !w.until(at, "") {
		return
	}
	if row.trace.Event == engine.EvForm {
		w.form(row, at)
		return
	}
	own, ok := w.spoken(row)
	if !ok {
		w.lose(LostWords)
		return
	}
	tap := w.tapOf(row)
	if len(w.parts) > 0 && tap != nil && tap.record != nil {
		w.burst(row, nil, at)
		if w.over() {
			return
		}
	}
	parts := append(w.parts, own)
	w.parts = nil
	ev := eventOf(dm.Inbound{Kind: kindOf(row), Tap: nil}, parts)
	ev.Opening = w.turns == 0
	ev.World.Entry = w.entry(row)
	w.turn(at, row.trace, row.Seq, func(r *replayRun) (engine.Event, bool) {
		ev := ev
		if tap != nil && tap.record != nil {
			ev.Tap = &engine.Tap{Record: tap.record, Index: tap.index, Label: tap.label, Closed: tap.closed}
			if r == w.now && !tap.closed {
				ev.Tap.Record, ev.Tap.Index = r.button(tap.record, tap.index)
			}
			ev.Text = tap.label
		}
		return ev, true
	})
}

// unread is a message that no step has seen by itself: one of several that
// were read together, or one that people have.
func (w *replayWalk) unread(row *storyRow, at time.Time) {
	if owner := w.then.state.Owner; owner != dm.OwnerBot || w.then.closed || row.Kind == storage.MsgMention || row.Removed {
		return
	}
	if p, ok := w.spoken(row); ok {
		w.parts = append(w.parts, p)
		return
	}
	w.lose(LostWords)
}

// spoken is a message as the engine was given it; false: its words are gone.
func (w *replayWalk) spoken(row *storyRow) (part, bool) {
	text := row.body.Text
	if n := len(row.body.History); n > 0 {
		text = row.body.History[0] // as it was when it came
	}
	if text == hidden {
		for _, raw := range w.s.valuesAt(w.ctx, w.st, func(v engine.SlotValue) bool { return v.Seq == row.Seq }) {
			text = raw
		}
		if text == hidden {
			return part{}, false
		}
	}
	p := part{seq: row.Seq, at: time.UnixMilli(row.At), text: readable(text)}
	for _, m := range row.body.Media {
		p.media = append(p.media, m.Kind)
	}
	return p, true
}

// kindOf is the kind of event that a stored row was.
func kindOf(row *storyRow) string {
	switch {
	case row.Kind == storage.MsgMention:
		return dm.KindMention
	case row.Kind == storage.MsgTap:
		return dm.KindTap
	case row.Kind == storage.MsgEvent, row.trace != nil && row.trace.Event == engine.EvStart:
		return dm.KindStart
	}
	return dm.KindText
}

// entry is how the customer came, as far as the message says.
func (w *replayWalk) entry(row *storyRow) engine.EntryNow {
	e := entryOf(dm.Inbound{Entry: row.body.Entry}, w.st.alias)
	if row.Kind == storage.MsgMention {
		e.Public, e.Source = true, "public"
	}
	return e
}

// pressedButton is a stored tap.
type pressedButton struct {
	record json.RawMessage // nil: a label that stands for nothing
	index  int
	label  string
	closed bool // it was on a message of an earlier conversation
}

func (w *replayWalk) tapOf(row *storyRow) *pressedButton {
	t := row.body.Tap
	if t == nil {
		return nil
	}
	out := &pressedButton{label: t.Label, closed: t.Old || t.Seq <= w.st.conv.FirstSeq}
	if t.Seq == 0 || t.Option == "" {
		return out
	}
	body, ok := w.s.bodyOf(w.ctx, w.st, t.Seq)
	if !ok {
		return out
	}
	out.index = slices.IndexFunc(body.Options, func(o BodyOption) bool { return o.ID == t.Option && o.Label == t.Label })
	if out.index >= 0 && len(body.Question) > 0 {
		out.record = body.Question
	}
	return out
}

// burst reads what waited as one event. row is what was said to it, or the tap
// before which it was read.
func (w *replayWalk) burst(row *storyRow, t *engine.Trace, at time.Time) {
	parts := w.parts
	w.parts = nil
	if !w.until(at, "") {
		return
	}
	ev := eventOf(dm.Inbound{Kind: dm.KindText}, parts)
	w.turn(at, t, parts[len(parts)-1].seq, func(*replayRun) (engine.Event, bool) { return ev, true })
}

// form is the page of a form that was sent: what was typed is known by the
// slots it has filled.
func (w *replayWalk) form(row *storyRow, at time.Time) {
	values := w.s.valuesAt(w.ctx, w.st, func(v engine.SlotValue) bool { return v.Seq == row.Seq })
	var kinds []string
	for _, m := range row.body.Media {
		kinds = append(kinds, m.Kind)
	}
	isForm := func(q *engine.Question) bool { return q.Kind == "form" || q.Field != "" }
	if w.then.page(isForm) == "" {
		w.lose(LostMoment)
		return
	}
	w.turn(at, row.trace, row.Seq, func(r *replayRun) (engine.Event, bool) {
		typed := map[string]string{}
		for name, v := range values {
			typed[name] = v
		}
		for _, name := range r.mediaFields(w.setsOf(r)) {
			typed[name] = strings.Join(kinds, ",")
		}
		return engine.Event{Kind: engine.EvForm, Seq: row.Seq, Form: &engine.FormResult{ID: r.page(isForm), Values: typed}}, true
	})
}

// mediaFields are the fields of the open form that hold files.
func (r *replayRun) mediaFields(sets engine.Sets) (out []string) {
	page, ok := engine.FormOf(sets, r.state)
	if !ok {
		return nil
	}
	for _, f := range page.Fields {
		if f.Type == engine.SlotMedia {
			out = append(out, f.Slot)
		}
	}
	return out
}

// lookup is the answer of a service. The edited run gets it for the same
// request; another request has made the walk end before.
func (w *replayWalk) lookup(row *storyRow, at time.Time) {
	res, state, ok := w.answer(row)
	if res.ID == lateAnswer {
		return // nobody waited for it any more
	}
	if !ok {
		w.lose(LostAnswer)
		return
	}
	if !w.until(at, "") {
		return
	}
	w.turn(at, row.trace, row.Seq, func(r *replayRun) (engine.Event, bool) {
		got := res
		if state != "" {
			flow, name, _ := strings.Cut(state, ".")
			flow, name = renamedIn(r.set, flow, name)
			if got.ID = r.waiting(flow + "." + name); got.ID == "" {
				got.ID = r.waiting("")
			}
		}
		return engine.Event{Kind: engine.EvLookup, Seq: row.Seq, Lookup: &got}, true
	})
}

// lateAnswer marks one that was recorded and ignored.
const lateAnswer = "late"

// unfit is a shape that nothing fits.
const unfit = `[{"Name":"\u0000"}]`

// answer is what a service answered, from the trace of the turn and from what
// the conversation kept of it; state is where it was waited for, "" = nowhere
// any more.
func (w *replayWalk) answer(row *storyRow) (res engine.LookupResult, state string, ok bool) {
	i := slices.IndexFunc(row.trace.Steps, func(s engine.TraceStep) bool { return s.What == "lookup" && s.Value != "" })
	if i < 0 {
		return res, w.then.state.Position(), false
	}
	step := row.trace.Steps[i]
	if step.Value == "late" {
		return engine.LookupResult{ID: lateAnswer}, "", true
	}
	status, err := strconv.Atoi(step.Value)
	switch {
	case step.Value == "invalid":
		return engine.LookupResult{Status: 200, Returns: json.RawMessage(unfit)}, step.State, true
	case err != nil:
		return engine.LookupResult{Fail: step.Value}, step.State, true
	case status < 200 || status >= 300:
		return engine.LookupResult{Status: status}, step.State, true
	case step.Option == "": // nothing of it was kept, and nothing is wanted
		return engine.LookupResult{Status: status, Returns: json.RawMessage("[]")}, step.State, true
	}
	for _, kept := range w.kept(step.Option) {
		if kept.At != row.At {
			continue
		}
		body, err := json.Marshal(kept.Value)
		returns := kept.Returns
		if len(returns) == 0 {
			returns = json.RawMessage("[]")
		}
		return engine.LookupResult{Status: status, Body: body, Returns: returns}, step.State, err == nil
	}
	return res, "", false
}

// kept are the answers under a name that the conversation has left.
func (w *replayWalk) kept(name string) (out []engine.Looked) {
	st := w.s.left(w.ctx, w.st)
	if l, ok := st.Lookups[name]; ok {
		out = append(out, l)
	}
	if st.Left != nil {
		if l, ok := st.Left.Lookups[name]; ok {
			out = append(out, l)
		}
	}
	return out
}

// verify is what became of a verification.
func (w *replayWalk) verify(row *storyRow, at time.Time) {
	outcome := ""
	for _, s := range row.trace.Steps {
		if s.What == "verify" && s.Value != "" && s.Value != "check" && outcome == "" {
			outcome = s.Value
		}
	}
	if l := row.body.Line; l != nil && outcome == "aside" {
		outcome = l.Note
	}
	if outcome == lateAnswer || !w.until(at, "") {
		return
	}
	w.turn(at, row.trace, row.Seq, func(r *replayRun) (engine.Event, bool) {
		id := r.page(func(q *engine.Question) bool { return q.Kind == "verify" })
		return engine.Event{Kind: engine.EvVerify, Seq: row.Seq, Verify: &engine.VerifyResult{ID: id, Outcome: outcome}}, true
	})
}

// world is what the engine knew beside the conversation, as far as it is
// stored. How long a queue was is not: it is empty, in both runs.
func (w *replayWalk) world(r *replayRun, at time.Time) engine.World {
	st := w.st
	uid := UIDText(st.conv.UID)
	out := engine.World{
		Now: at.UTC(), ID: uid, Queues: make(map[string]engine.QueueNow, len(r.set.QueueOrder)),
		Entry:   engine.EntryNow{},
		Channel: engine.ChannelNow{Name: st.alias, Kind: st.place.Kind, WindowOpen: true, Locale: st.profile.Locale},
	}
	out.Channel.Limits = st.limits
	if st.noPages {
		out.FormURL = func(string) string { return "" }
	}
	first, _, _ := strings.Cut(st.profile.Name, " ")
	out.Contact = engine.ContactNow{
		ID: UIDText(st.contact.UID), FirstName: first, Name: st.profile.Name, Handle: st.profile.Handle, Language: r.language,
		VIP: st.profile.VIP, Tags: st.contact.Tags, New: st.contact.CreatedAt == at.UnixMilli(), Slots: r.slots,
	}
	out.Contact.Verified, out.Contact.VerifiedBy = w.proof(r, at)
	out.Conversation = engine.ConversationNow{Messages: max(w.spoke, 1), Opened: time.UnixMilli(st.conv.OpenedAt), HandedOff: r.handed, Holdout: st.conv.Holdout}
	out.Conversation.Unfinished = r.state.Left != nil
	if st.prev != nil {
		out.Conversation.Returning = true
		hours := at.Sub(time.UnixMilli(st.prev.UpdatedAt)).Hours()
		out.Conversation.HoursSinceLast = &hours
	}
	if ms := st.profile.LastSurvey; ms > 0 && ms < at.UnixMilli() {
		out.LastSurvey = time.UnixMilli(ms)
	}
	for _, alias := range r.set.QueueOrder {
		q := engine.QueueNow{Open: true, Staffed: true}
		if s := r.set.Queues[alias].Schedule; s != nil {
			q.Open = s.Open(at)
			if opens, ok := s.Opens(at); ok && !q.Open {
				q.OpensAt = opens
			}
		}
		out.Queues[alias] = q
	}
	return out
}

// proof is whether the person had shown who they are.
func (w *replayWalk) proof(r *replayRun, at time.Time) (bool, string) {
	if r.verifiedBy != "" {
		return at.Before(r.verified), r.verifiedBy
	}
	p := w.st.profile
	if p.Verified && p.VerifiedAt < w.st.conv.OpenedAt && (p.VerifiedUntil == 0 || at.UnixMilli() < p.VerifiedUntil) {
		return true, p.VerifiedBy
	}
	return false, ""
}
