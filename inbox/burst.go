package inbox

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

// Figures of language.md 2.15.
const (
	timerBurst   = "burst"
	burstFactor  = 4  // at most so many windows after the first message
	burstMost    = 20 // messages of one burst
	threadRows   = 200
	classifiedCh = 10000 // what the engine reads of one text
)

// part is one stored message of a burst.
type part struct {
	seq   int64
	at    time.Time
	text  string
	media []string
}

func partOf(a *arrival, seq int64) part {
	p := part{seq: seq, at: a.at, text: readable(a.in.Text)}
	for _, m := range a.in.Media {
		p.media = append(p.media, m.Kind)
	}
	return p
}

// readable is the part of a text that is classified; all of it is stored.
func readable(text string) string {
	if len(text) <= classifiedCh {
		return text
	}
	runes := []rune(text)
	return string(runes[:min(len(runes), classifiedCh)])
}

// window is how long this channel waits for more of the same contact.
func (a *Account) window() time.Duration {
	if a.Common.Burst >= 0 {
		return a.Common.Burst
	}
	return a.Caps.Burst
}

// waits says whether the message waits for more, and until when.
func (x *decision) waits(a *arrival, tap *tapped, opening bool) (wait bool, until time.Time, err error) {
	if a.flood == merging {
		return true, x.s.floods.nextMinute(a.key, x.v.Now), nil
	}
	window := a.acct.window()
	if window <= 0 || opening || verifying(x.d.state) || asksSecret(x.s.setsFor(x.v.Project, x.d.state), x.d.state) || a.in.Kind != dm.KindText || a.in.Tap != nil || tap != nil || a.in.Entry != nil && a.in.Entry.Ref != "" {
		return false, time.Time{}, nil
	}
	if err := x.load(); err != nil {
		return false, time.Time{}, err
	}
	if len(x.waiting)+1 >= burstMost || engine.EndsBurst(x.s.setsFor(x.v.Project, x.d.state), x.d.state, readable(a.in.Text)) {
		return false, time.Time{}, nil
	}
	first := x.v.Now
	if len(x.waiting) > 0 {
		first = x.waiting[0].at
	}
	until = x.v.Now.Add(window)
	if last := first.Add(burstFactor * window); until.After(last) {
		until = last
	}
	x.waiting = append(x.waiting, partOf(a, x.d.conv.LastSeq+1))
	return true, until, nil
}

// together gives the parts of the event that this message ends. A tap is an
// event of its own: what waits is run before it.
func (x *decision) together(a *arrival, tap *tapped) ([]part, error) {
	if err := x.load(); err != nil {
		return nil, err
	}
	own := partOf(a, x.d.conv.LastSeq+1)
	if len(x.waiting) == 0 {
		return []part{own}, nil
	}
	if tap == nil || tap.engine == nil {
		return append(slices.Clone(x.waiting), own), nil
	}
	if err := x.s.stepWaiting(x.d, x.waiting); err != nil {
		return nil, err
	}
	x.waiting = nil
	own.seq = x.d.conv.LastSeq + 1
	return []part{own}, nil
}

// load reads the messages that wait, once per decision.
func (x *decision) load() error {
	if x.loaded {
		return nil
	}
	x.loaded = true
	burst := slices.ContainsFunc(x.v.Snap.Timers, func(t storage.Timer) bool { return t.Name == timerBurst })
	if !burst || x.d.conv.ID != x.v.Snap.Conv.ID {
		return nil
	}
	var err error
	x.waiting, err = x.s.unhandled(x.d)
	return err
}

// unhandled reads the customer's messages that no step has seen.
func (s *Service) unhandled(d *Draft) ([]part, error) {
	var parts []part
	last := d.View.Snap.Conv.LastSeq
	for after := d.conv.HandledSeq; after < last; {
		page, err := s.store.Thread(s.ctx, storage.ThreadQuery{Conversation: d.conv.ID, After: after, N: threadRows})
		if err != nil {
			return nil, fmt.Errorf("inbox: read what waits: %w", err)
		}
		if len(page.Items) == 0 {
			break
		}
		for _, m := range page.Items {
			after = m.Seq
			if m.Author != storage.AuthorCustomer || m.Removed {
				continue
			}
			body, err := d.keys.Body(d.conv.UID, m)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errKeyUnreadable, err)
			}
			p := part{seq: m.Seq, at: time.UnixMilli(m.At), text: readable(body.Text)}
			for _, media := range body.Media {
				p.media = append(p.media, media.Kind)
			}
			parts = append(parts, p)
		}
	}
	return parts, nil
}

// stepWaiting runs what waits as one event, without any message beside it.
func (s *Service) stepWaiting(d *Draft, parts []part) error {
	if len(parts) == 0 {
		return nil
	}
	ev := eventOf(dm.Inbound{Kind: dm.KindText}, parts)
	d.Handled(ev.Seq)
	d.CancelTimers(timerBurst)
	ev.World = s.world(d, engine.EntryNow{})
	res, err := s.stepEngine(d, ev)
	if err != nil {
		return err
	}
	if hides(s.setsFor(d.View.Project, d.state), d.state, res, ev.Seq) {
		if err := s.hideParts(s.ctx, d, parts); err != nil {
			return err
		}
	}
	return s.effects(d, ev, res)
}

// burstDue is the end of a burst. Nothing waits any more when people took the
// conversation meanwhile.
func (s *Service) burstDue(d *Draft) error {
	if d.conv.Owner != storage.OwnerBot {
		return nil
	}
	parts, err := s.unhandled(d)
	if err != nil {
		return err
	}
	return s.stepWaiting(d, parts)
}

// pushBurst lets a customer who is typing finish: what waits, waits longer.
func (s *Service) pushBurst(k laneKey, acct *Account) {
	window := acct.window()
	snap, ok := s.cache.get(k)
	if window <= 0 || !ok || !slices.ContainsFunc(snap.Timers, func(t storage.Timer) bool { return t.Name == timerBurst }) {
		return
	}
	s.lanes.push(k, job{run: func() {
		_, err := s.doInLane(s.ctx, k, k.storage(), func(v *View) (*Draft, error) {
			i := slices.IndexFunc(v.Snap.Timers, func(t storage.Timer) bool { return t.Name == timerBurst })
			if i < 0 || v.Snap.Conv.Owner != storage.OwnerBot || v.Snap.Conv.Status != storage.Open {
				return nil, nil
			}
			d := v.Draft()
			parts, err := s.unhandled(d)
			if err != nil || len(parts) == 0 {
				return nil, err
			}
			until := v.Now.Add(window)
			if last := parts[0].at.Add(burstFactor * window); until.After(last) {
				until = last
			}
			if until.UnixMilli() <= v.Snap.Timers[i].DueAt {
				return nil, nil
			}
			d.Timer(timerBurst, until)
			return d, nil
		})
		s.wrote(err)
	}})
}

// isBurst says whether a timer is the end of a burst.
func isBurst(name string) bool { return name == timerBurst || strings.HasPrefix(name, timerBurst+":") }
