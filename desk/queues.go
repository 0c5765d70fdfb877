package desk

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"dispatcher/dm/schedule"
	"dispatcher/inbox"
	"dispatcher/storage"
)

// Figures of desk.md 1.8 for a queue without history of its own.
const (
	defaultHold  = 8 * time.Minute // how long a slot is held per handoff
	defaultReply = time.Minute     // claim to first reply
	minSamples   = 30
	maxSamples   = 200
	boardFresh   = time.Second // how old the counts of a quote may be
)

// queueCount is what waits in a queue.
type queueCount struct {
	waiting int
	oldest  int64
}

// samples are measured times per queue, of this process: they make the
// estimate honest after thirty handoffs, and nobody has to keep them.
type samples struct {
	mu    sync.Mutex
	hold  map[string][]time.Duration
	reply map[string][]time.Duration
}

func (m *samples) add(to *map[string][]time.Duration, queue string, took time.Duration) {
	if took < 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if *to == nil {
		*to = map[string][]time.Duration{}
	}
	list := append((*to)[queue], took)
	if len(list) > maxSamples {
		list = list[len(list)-maxSamples:]
	}
	(*to)[queue] = list
}

// held books how long a claimed handoff took until it left its owner.
func (m *samples) held(v *inbox.View, now time.Time) {
	if h := v.Snap.Handoff; h != nil && h.ClaimedAt != 0 {
		m.add(&m.hold, h.Queue, now.Sub(time.UnixMilli(h.ClaimedAt)))
	}
}

// answered books the time from claim to the first reply.
func (m *samples) answered(v *inbox.View, now time.Time) {
	if h := v.Snap.Handoff; h != nil && h.ClaimedAt != 0 && v.Snap.Conv.FirstReplyDue != 0 {
		m.add(&m.reply, h.Queue, now.Sub(time.UnixMilli(h.ClaimedAt)))
	}
}

// medians are H and r of a queue.
func (m *samples) medians(queue string) (hold, reply time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return medianOr(m.hold[queue], defaultHold), medianOr(m.reply[queue], defaultReply)
}

func medianOr(list []time.Duration, none time.Duration) time.Duration {
	if len(list) < minSamples {
		return none
	}
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

// quoteSteps are what an estimate is rounded up to, in minutes.
func quoteSteps() []int { return []int{2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120} }

// roundQuote rounds up to a step; false: more than two hours, no minutes are told.
func roundQuote(d time.Duration) (int, bool) {
	for _, step := range quoteSteps() {
		if d <= time.Duration(step)*time.Minute {
			return step, true
		}
	}
	return 0, false
}

// estimate is the rule of desk.md 1.8 for less history: ahead conversations
// wait before this one, slots is what the people who are there can carry,
// free is what of it is free. false: nobody is there.
func estimate(ahead, slots, free int, hold, reply time.Duration) (time.Duration, bool) {
	if slots <= 0 {
		return 0, false
	}
	if ahead < free {
		return reply, true
	}
	return time.Duration(1.25*float64(ahead-free+1)*float64(hold)/float64(slots)) + reply, true
}

// Quote is the wait of the next one in a queue in minutes, with waiting ahead
// of it; nil = no minutes can be told: closed, closing before, or nobody there.
func (s *Service) Quote(queue string, waiting int) *int {
	var hours *schedule.Schedule
	if p := s.inbox.Live(); p != nil && p.Set != nil && p.Set.Queues[queue] != nil {
		hours = p.Set.Queues[queue].Schedule
	}
	now := s.now()
	closes, open := hours.Closes(now)
	if !open {
		return nil
	}
	slots, free := s.slots(queue)
	hold, reply := s.samples.medians(queue)
	wait, ok := estimate(waiting, slots, free, hold, reply)
	if !ok || !closes.IsZero() && now.Add(wait).After(closes) {
		return nil
	}
	n, ok := roundQuote(wait)
	if !ok {
		return nil
	}
	return &n
}

// Staffed says whether somebody of a queue is there.
func (s *Service) Staffed(queue string) bool {
	slots, _ := s.slots(queue)
	return slots > 0
}

// slots are the capacity of the members who are online, and what is free of it.
func (s *Service) slots(queue string) (slots, free int) {
	b := s.counts(context.Background())
	for _, p := range b.people {
		if p.Disabled || p.Presence != Online || !s.member(queue, p.Email, p.Teams) || !p.actor().works() {
			continue
		}
		capacity := p.Capacity
		if capacity == 0 {
			capacity = defaultCapacity
		}
		slots += capacity
		free += max(capacity-b.load[p.ID], 0)
	}
	return slots, free
}

// figures are one look at the queues.
type figures struct {
	counts map[string]queueCount
	load   map[string]int
	people []Person
}

// counts looks at the store at most once a second: a quote is asked for on
// every turn of the bot, and a wait is minutes.
func (s *Service) counts(ctx context.Context) figures {
	b := &s.board
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := s.now(); b.counts == nil || now.Sub(b.at) >= boardFresh || now.Before(b.at) {
		if err := s.look(ctx); err != nil {
			s.log.LogAttrs(ctx, slog.LevelWarn, "count queues", slog.Any("error", err))
		}
		b.at = now
	}
	return figures{counts: b.counts, load: b.load, people: b.people}
}

func (s *Service) look(ctx context.Context) error {
	people, err := s.people(ctx)
	if err != nil {
		return err
	}
	table, err := s.store.Report(ctx, storage.ReportQuery{Name: "queues", Now: s.now().UnixMilli()})
	if err != nil {
		return err
	}
	counts := map[string]queueCount{}
	for _, row := range table.Rows {
		v := values{}
		for n, col := range table.Cols {
			v[col] = row[n]
		}
		c := counts[v.text("queue")]
		c.waiting += int(v.int("waiting"))
		if oldest := v.int("oldest"); c.oldest == 0 || oldest < c.oldest {
			c.oldest = oldest
		}
		counts[v.text("queue")] = c
	}
	load := map[string]int{}
	for _, p := range people {
		if p.Presence != Online || p.Disabled {
			continue
		}
		got, err := s.store.List(ctx, storage.ListQuery{View: "mine", Owner: p.ID, N: maxLimit})
		if err != nil {
			return err
		}
		load[p.ID] = len(got.Items)
	}
	s.board.counts, s.board.load, s.board.people = counts, load, people
	return nil
}

// Queues lists the queues an actor may see, in the order of the project.
func (s *Service) Queues(ctx context.Context, a Actor) ([]QueueInfo, error) {
	if !a.reads() && !a.has(ScopeQueue) {
		return nil, forbidden("You may not read queues.")
	}
	out := []QueueInfo{}
	p := s.inbox.Live()
	if p == nil || p.Set == nil {
		return out, nil
	}
	b := s.counts(ctx)
	for _, alias := range p.Set.QueueOrder {
		if !s.mayQueue(a, alias) {
			continue
		}
		q := p.Set.Queues[alias]
		info := QueueInfo{Alias: alias, Name: s.queueName(alias), Waiting: b.counts[alias].waiting, Oldest: msOrNil(b.counts[alias].oldest),
			Quote: s.Quote(alias, b.counts[alias].waiting), Schedule: s.hours(q.Schedule), Mine: s.member(alias, a.Email, a.Teams)}
		_, info.Free = s.slots(alias)
		info.Staffed = s.staff(alias, b.people)
		out = append(out, info)
	}
	return out, nil
}

// Queue is one queue by its alias.
func (s *Service) Queue(ctx context.Context, a Actor, alias string) (QueueInfo, error) {
	all, err := s.Queues(ctx, a)
	if err != nil {
		return QueueInfo{}, err
	}
	for _, q := range all {
		if q.Alias == alias {
			return q, nil
		}
	}
	return QueueInfo{}, notFound()
}

// staff is how many members of a queue are online.
func (s *Service) staff(queue string, people []Person) (n int) {
	for _, p := range people {
		if !p.Disabled && p.Presence == Online && s.member(queue, p.Email, p.Teams) && p.actor().works() {
			n++
		}
	}
	return n
}

func (s *Service) hours(h *schedule.Schedule) Hours {
	now := s.now()
	out := Hours{Open: h.Open(now)}
	if at, ok := h.Opens(now); ok && !out.Open {
		at = at.UTC()
		out.OpensAt = &at
	}
	return out
}
