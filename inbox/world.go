package inbox

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

// figuresFor is how long queue figures are taken as they are.
const figuresFor = time.Second

// queueFigures is the last count of who waits where.
type queueFigures struct {
	mu      sync.Mutex
	at      time.Time
	waiting map[string]int
	asking  bool // somebody counts anew: the others go on with what there is

	meanwhile []string // queues that were joined since
}

// world is what the engine may know beside the conversation, for this event.
func (x *decision) world(a *arrival) engine.World { return x.s.world(x.d, worldOf(a)) }

func worldOf(a *arrival) engine.EntryNow {
	e := entryOf(a.in, a.acct.Alias)
	if a.in.Kind == dm.KindMention {
		e.Public, e.Source = true, "public"
	}
	return e
}

// world is what the engine may know beside the conversation.
func (s *Service) world(d *Draft, entry engine.EntryNow) engine.World {
	v := d.View
	w := engine.World{Now: v.Now, Entry: entry, ID: d.UID(), Queues: s.queuesFor(v), Conversation: conversationNow(d), Contact: contactNow(d), Explain: true, Masked: true}
	w.FormURL = func(id string) string { return s.formURL(d.conv.UID, id) }
	w.VerifyURL = func(service, id string) string { return s.verifyURL(d.conv.UID, service, id) }
	if d.profile.LastSurvey > 0 {
		w.LastSurvey = time.UnixMilli(d.profile.LastSurvey)
	}
	if a := v.Account; a != nil {
		w.Channel = engine.ChannelNow{Name: a.Alias, Kind: a.Kind, WindowOpen: true, Public: entry.Public, Locale: d.profile.Locale, Limits: a.limits()}
		if win := d.window(); win != nil {
			w.Channel.WindowOpen = v.Now.Before(win.ReplyUntil)
		}
		if w.Entry.Channel == "" && entry != (engine.EntryNow{}) {
			w.Entry.Channel = a.Alias
		}
	}
	return w
}

// limits is what fits one message, for flows; nobody writes into it.
func (a *Account) limits() map[string]int {
	if a.fits != nil {
		return a.fits
	}
	return limitsOf(a.Caps)
}

func limitsOf(caps channels.Caps) map[string]int {
	limits := map[string]int{"text": caps.Text.N}
	for _, f := range caps.Forms {
		if f.Name != "text" {
			limits["options"] = max(limits["options"], f.Max)
			if limits["label"] == 0 {
				limits["label"] = f.Label.N
			}
		}
	}
	return limits
}

func contactNow(d *Draft) engine.ContactNow {
	p := d.profile
	return engine.ContactNow{
		ID: UIDText(d.contact.UID), FirstName: d.firstName(), Name: p.Name, Language: p.Language, Verified: p.isVerified(d.View.Now), VerifiedBy: p.provedBy(d.View.Now),
		VIP: p.VIP, Tags: d.contact.Tags, Handle: p.Handle, New: d.View.Snap.Contact.ID == 0, Unreachable: d.identity.Blocked == cannotReach, Slots: p.Slots,
	}
}

func conversationNow(d *Draft) engine.ConversationNow {
	now := d.View.Now
	c := engine.ConversationNow{
		Messages: int(d.card.Episode.Turns) + 1, Opened: time.UnixMilli(d.conv.OpenedAt), HandedOff: d.card.Episode.HandedOff, Holdout: d.conv.Holdout,
	}
	prev := d.View.Snap.Prev
	if d.conv.ID != d.View.Snap.Conv.ID && d.View.Snap.Conv.ID != 0 {
		prev = &d.View.Snap.Conv
	}
	if prev != nil {
		c.Returning = true
		hours := now.Sub(time.UnixMilli(prev.UpdatedAt)).Hours()
		c.HoursSinceLast = &hours
	}
	c.Unfinished = d.state.Left != nil
	return c
}

// QueuesNow is every queue of the live set as flows and the desk see it;
// counts are at most a second old.
func (s *Service) QueuesNow(now time.Time) map[string]engine.QueueNow {
	p := s.live.Load()
	if p == nil || p.Set == nil {
		return nil
	}
	waiting := s.waiting(now)
	out := make(map[string]engine.QueueNow, len(p.Set.QueueOrder))
	for _, alias := range p.Set.QueueOrder {
		q := engine.QueueNow{Waiting: waiting[alias], Open: true, Staffed: true}
		if sched := p.Set.Queues[alias].Schedule; sched != nil {
			q.Open = sched.Open(now)
			if at, ok := sched.Opens(now); ok && !q.Open {
				q.OpensAt = at
			}
		}
		if s.cfg.Quote != nil {
			q.WaitMinutes = s.cfg.Quote(alias, q.Waiting)
		}
		if s.cfg.Staffed != nil {
			q.Staffed = s.cfg.Staffed(alias)
		}
		out[alias] = q
	}
	return out
}

// joined counts one more who waits, before the next look at the store: two who
// are handed off in the same second are not told the same place.
func (f *queueFigures) joined(queue string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.asking {
		f.meanwhile = append(f.meanwhile, queue)
	}
	if f.waiting == nil {
		return
	}
	counts := maps.Clone(f.waiting) // the old one is being read
	counts[queue]++
	f.waiting = counts
}

// queuesFor is QueuesNow as the customer of a conversation sees it: of those
// who wait in its own queue, only the ones before it are waiting.
func (s *Service) queuesFor(v *View) map[string]engine.QueueNow {
	out := s.QueuesNow(v.Now)
	queue, waits := waitsIn(v.Snap.Conv)
	q, known := out[queue]
	if !waits || !known {
		return out
	}
	if q.Waiting > aheadCheap { // a long line is not walked for every message of everybody in it
		q.Waiting--
	} else {
		q.Waiting = s.Ahead(v, queue)
	}
	if s.cfg.Quote != nil {
		q.WaitMinutes = s.cfg.Quote(queue, q.Waiting)
	}
	out[queue] = q
	return out
}

// waitsIn is the queue in which a conversation waits.
func waitsIn(c storage.Conversation) (queue string, ok bool) {
	return c.OwnerID, c.ID != 0 && c.Owner == storage.OwnerQueue && c.Status == storage.Open
}

// Bounds of the walk through a queue: whoever is further back than that is
// told about where the end is.
const (
	aheadPage  = 500
	aheadPages = 4
	aheadCheap = 20 // up to here the place is exact in what the bot says
)

// Ahead is how many wait in a queue before the conversation of a view: all of
// them when it does not wait there.
func (s *Service) Ahead(v *View, queue string) int {
	all := s.waiting(v.Now)[queue]
	if in, ok := waitsIn(v.Snap.Conv); !ok || in != queue {
		return all
	}
	q := storage.ListQuery{View: "queue", Queues: []string{queue}, Order: "queue", N: aheadPage}
	n := 0
	for range aheadPages {
		page, err := s.store.List(s.ctx, q)
		if err != nil {
			s.log.LogAttrs(s.ctx, slog.LevelWarn, "count who waits before", slog.Any("error", err))
			break
		}
		for _, item := range page.Items {
			if item.Conv.ID == v.Snap.Conv.ID {
				return n
			}
			if in, ok := waitsIn(item.Conv); ok && in == queue {
				n++
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	return max(n, all-1)
}

func (s *Service) waiting(now time.Time) map[string]int {
	f := &s.figures
	f.mu.Lock()
	defer f.mu.Unlock()
	age := now.Sub(f.at)
	if f.waiting != nil && age >= 0 && (age < figuresFor || f.asking && age < 2*figuresFor) {
		return f.waiting
	}
	return s.countWaiting(now)
}

// countWaiting asks the store, without the lock: only one message of all waits
// for the answer.
func (s *Service) countWaiting(now time.Time) map[string]int {
	f := &s.figures
	f.asking, f.meanwhile = true, nil
	f.mu.Unlock()
	defer func() { f.asking = false }()
	counts, err := func() (map[string]int, error) {
		defer f.mu.Lock()
		return s.askWaiting(now)
	}()
	if err != nil {
		s.log.LogAttrs(context.Background(), slog.LevelWarn, "count who waits", slog.Any("error", err))
		return f.waiting
	}
	for _, queue := range f.meanwhile {
		counts[queue]++
	}
	f.at, f.waiting = now, counts
	return counts
}

func (s *Service) askWaiting(now time.Time) (map[string]int, error) {
	table, err := s.store.Report(context.Background(), storage.ReportQuery{Name: "queues", Now: now.UnixMilli()})
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, row := range table.Rows {
		var queue string
		for i, col := range table.Cols {
			switch v := row[i].(type) {
			case string:
				if col == "queue" {
					queue = v
				}
			case int64:
				if col == "waiting" {
					counts[queue] += int(v)
				}
			}
		}
	}
	return counts, nil
}
