package inbox

import (
	"fmt"
	"slices"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

// stepBudget is what one step may cost. The engine's own fuel stops an
// expression long before; this net stands outside of it.
const stepBudget = 50 * time.Millisecond

// stepEngine runs the engine on the state the draft is in and changes nothing.
func (s *Service) stepEngine(d *Draft, ev engine.Event) (engine.Result, error) {
	st := d.state
	if st.Version == 0 {
		st = engine.NewState(d.View.Project.Set)
	}
	s.failpoint("step.before")
	stepPanics(ev.Text)
	var res engine.Result
	sets := s.setsFor(d.View.Project, st)
	if cost(func() { res = s.engineStep(sets, st, ev) }) > stepBudget {
		return engine.Result{}, fmt.Errorf("%w: %s at %s", errSlow, ev.Kind, st.Position())
	}
	if res.Trace.Error != "" {
		s.metrics.rescue.WithLabelValues(s.metrics.caps.of("code", res.Trace.Error)).Inc()
	}
	return res, nil
}

// step runs the engine inside a draft and turns its effects into rows.
func (s *Service) step(d *Draft, ev engine.Event) error {
	if ev.World.Now.IsZero() {
		ev.World = s.world(d, engine.EntryNow{})
	}
	res, err := s.stepEngine(d, ev)
	if err != nil {
		return err
	}
	return s.effects(d, ev, res)
}

// StepReturned runs the engine for a conversation that an agent gave back; the
// draft has fired the edge already.
func (s *Service) StepReturned(d *Draft, ev engine.Event) error {
	ev.Kind = engine.EvReturned
	return s.step(d, ev)
}

// StepResolved runs the engine's after-care for a conversation that an agent
// resolved; the draft has fired the edge already.
func (s *Service) StepResolved(d *Draft, ev engine.Event) error {
	ev.Kind = engine.EvResolved
	return s.step(d, ev)
}

// effects turns what a step decided into rows of the draft. A handoff or a
// resolve ends the turn: what would come after it is dropped and counted.
func (s *Service) effects(d *Draft, ev engine.Event, res engine.Result) error {
	d.SetState(res.State)
	e := &effecting{s: s, d: d, ev: ev, trace: res.Trace, due: d.View.Now, told: ev.Kind == engine.EvForm}
	e.hurry = d.View.Account != nil && d.View.Account.Caps.Native && slices.ContainsFunc(res.Effects, resolves)
	for i, effect := range s.coalesced(d, res.Effects) {
		if e.ended {
			if !harmless(effect) {
				s.metrics.dropped.Inc()
				continue
			}
		}
		if err := e.apply(effect); err != nil {
			return fmt.Errorf("inbox: effect %d: %w", i, err)
		}
	}
	if !e.told && (ev.Kind == engine.EvLookup || ev.Kind == engine.EvVerify) {
		s.record(d, ev, res.Trace)
	}
	return nil
}

// harmless says whether an effect may follow the end of a turn: it says nothing.
func harmless(e engine.Effect) bool {
	switch e.(type) {
	case engine.SetTimer, engine.CancelTimers, engine.SetContact, engine.CSAT:
		return true
	}
	return false
}

type effecting struct {
	s     *Service
	d     *Draft
	ev    engine.Event
	trace engine.Trace
	due   time.Time
	ended bool
	told  bool // the trace is on a row
	hurry bool // the conversation ends with this turn: nothing can wait in it
}

func resolves(e engine.Effect) bool { _, ok := e.(engine.Resolve); return ok }

func (e *effecting) apply(effect engine.Effect) error {
	switch v := effect.(type) {
	case engine.Say:
		e.say(v)
	case engine.Call:
		e.d.Call(callOf(v))
		if v.Typing {
			e.d.Typing(e.d.View.Now.Add(callTotal))
		}
	case engine.StartVerify:
		e.d.start(v)
	case engine.CheckVerify:
		e.d.check(v)
	case engine.Handoff:
		e.ended, e.told = true, true
		if v.Cause == dm.CauseHoldout {
			e.d.Holdout()
		}
		if cancelAtHandoff() {
			e.d.turn.Settle = storage.SettleCancel
			e.d.unsend()
		}
		return e.d.Handoff(v, e.trace)
	case engine.Resolve:
		if e.ended = true; !e.told && (e.ev.Kind == engine.EvTimer || e.ev.Kind == engine.EvLookup || e.ev.Kind == engine.EvVerify) {
			e.d.trace, e.told = e.trace, true // silence has no row of its own
		}
		return e.d.Resolve(v.Reason, v.Optional)
	case engine.SetTimer:
		if v.Name == timerIdle {
			e.d.idleAt(v.At)
			return nil
		}
		e.d.Timer(v.Name, v.At)
	case engine.CancelTimers:
		e.d.CancelTimers(v.Prefix)
	case engine.SetContact:
		e.contact(v)
	case engine.CSAT:
		e.d.scored(v)
	case engine.GiveBack:
		e.ended = true
		return e.d.giveBack(v)
	case engine.OpenNew:
		e.ended = true
		return e.open(v)
	}
	return nil
}

func (e *effecting) say(v engine.Say) {
	if !e.hurry {
		e.due = e.due.Add(v.Delay)
	}
	waits := v.Typing && e.due.After(e.d.View.Now)
	if waits {
		e.d.Typing(e.due)
	}
	o := Outgoing{
		NewMessage: NewMessage{
			Kind: storage.MsgText, Dir: storage.DirOut, Public: v.Public, Author: storage.AuthorBot, CauseSeq: e.ev.Seq, Rule: v.Rule,
			Body: Body{Text: v.Text, Question: v.Question, Language: v.Language},
		},
		Kind: storage.RowSend, Origin: storage.OriginBot, Priority: v.Priority, Quotes: v.Quotes, DueAt: e.due, Typing: v.Typing && !waits,
	}
	if o.Priority == 0 {
		o.Priority = 2
	}
	if v.Notice {
		o.Author, o.Kind, o.Priority = storage.AuthorNotice, storage.RowNotice, 1
	}
	o.Options = slices.Grow(o.Options, len(v.Options))
	for _, opt := range v.Options {
		o.Options = append(o.Options, BodyOption{ID: opt.ID, Label: opt.Label, Short: opt.Short, Description: opt.Description})
	}
	if v.Public && !v.Notice && e.d.muted() {
		o.Delivery = storage.DeliveryCancelled
		e.d.Append(o.NewMessage)
		e.d.turn.Messages[len(e.d.turn.Messages)-1].Reason = ReasonMuted
		return
	}
	if v.Media != nil {
		o.Body.Media = []dm.Media{e.s.flowMedia(e.d, v.Media)}
	}
	if e.ev.Kind != engine.EvMessage && e.ev.Kind != engine.EvStart && e.ev.Kind != engine.EvMention && !e.told {
		o.Trace, e.told = e.trace, true // no message of the customer holds it
	}
	if seq := e.d.Send(o); seq != 0 && e.d.View.Account != nil {
		author := dm.AuthorBot
		if v.Notice {
			author = dm.AuthorNotice
		}
		e.s.metrics.messages.WithLabelValues(e.d.View.Account.Alias, "out", visibility(v.Public), author).Inc()
	}
}

// contact keeps what was learnt of the person.
func (e *effecting) contact(v engine.SetContact) {
	e.d.Contact(func(p *Profile) {
		if v.Language != "" {
			p.Language = v.Language
		}
		for name, value := range v.Slots {
			if p.Slots == nil {
				p.Slots = map[string]engine.SlotValue{}
			}
			if value.Value == nil {
				delete(p.Slots, name)
				continue
			}
			p.Slots[name] = value
		}
	})
	if v.VerifiedBy != "" {
		e.d.proven(v.VerifiedBy, v.VerifiedUntil)
	}
}

// open starts a second step on an empty state, in a conversation of its own.
func (e *effecting) open(v engine.OpenNew) error {
	if e.d.conv.Phase == storage.PhaseAfter {
		if err := e.d.Fire(Shift{Edge: EdgeAfterNewIssue, By: "engine"}); err != nil {
			return err
		}
	}
	next := e.d.Next()
	if err := next.Fire(Shift{Edge: EdgeOpenBot, By: "customer"}); err != nil {
		return err
	}
	ev := v.Event
	ev.Opening, ev.World = true, e.s.world(next, engine.EntryNow{})
	if err := e.s.step(next, ev); err != nil {
		return err
	}
	e.d.Opens(next)
	return nil
}

// coalesced joins consecutive texts of one step where the channel is scarce
// (channels.md 4.4): a text without buttons, file or delay takes the next one
// in. The buttons of the last one stay.
func (s *Service) coalesced(d *Draft, effects []engine.Effect) []engine.Effect {
	if a := d.View.Account; a == nil || !a.Caps.Coalesce {
		return effects
	}
	var out []engine.Effect
	for _, effect := range effects {
		say, ok := effect.(engine.Say)
		if !ok || len(out) == 0 {
			out = append(out, effect)
			continue
		}
		before, ok := out[len(out)-1].(engine.Say)
		if !ok || len(before.Options) > 0 || before.Media != nil || say.Media != nil || say.Delay > 0 || before.Public != say.Public || before.Survey != say.Survey {
			out = append(out, effect)
			continue
		}
		s.metrics.degradations.WithLabelValues(d.View.Account.Alias, "coalesced").Inc()
		say.Text = before.Text + "\n\n" + say.Text
		say.Delay, say.Typing = before.Delay, before.Typing
		say.Quotes = append(before.Quotes, say.Quotes...)
		say.Priority = min(nonZero(before.Priority), nonZero(say.Priority))
		say.Notice = before.Notice && say.Notice
		out[len(out)-1] = say
	}
	return out
}

func nonZero(p int16) int16 {
	if p == 0 {
		return 2
	}
	return p
}

// flowMedia is a file of the project as it leaves: by a link where there is a
// public address, else by its words alone.
func (s *Service) flowMedia(d *Draft, m *engine.MediaRef) dm.Media {
	out := dm.Media{Kind: m.Kind, Name: m.Path, Alt: plainText(d.set(), d.language(), m.Alt)}
	if s.cfg.PublicURL != "" && d.View.Account != nil {
		out.URL = s.cfg.PublicURL + "/channels/" + d.View.Account.Alias + "/media/" + m.Path
	}
	return out
}
