package flows

import (
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"dispatcher/dm/schedule"
	"dispatcher/engine"
	"dispatcher/internal/source"
)

var (
	hoursPattern = regexp.MustCompile(`^(\d{2}):(\d{2})-(\d{2}):(\d{2})$`)
	dayNames     = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

func (l *loader) readSchedules(n *source.Node) {
	if n == nil || n.Kind != source.Map {
		return
	}
	for _, p := range n.Pairs {
		l.name(p.Key, "schedule")
		l.schedules[p.Key.Text] = p.Key.Words()
		s := &schedule.Schedule{Name: p.Key.Text, Location: l.set.Timezone, Closed: map[string]bool{}, Except: map[string][]schedule.Period{}}
		l.set.Schedules[p.Key.Text] = s
		if p.Value.Kind == source.Map {
			l.schedule(s, p)
		}
	}
}

func (l *loader) schedule(s *schedule.Schedule, p source.Pair) {
	if n, ok := scalar(p.Value.Get("timezone")); ok {
		loc, err := time.LoadLocation(n)
		if err != nil || n == "Local" || n == "" {
			l.err("E105", p.Value.Get("timezone").Words(), "%q is not a time zone; write one like Europe/London", n)
		} else {
			s.Location = loc
		}
	}
	if open := p.Value.Get("open"); open != nil && open.Kind == source.Map {
		var owner [7]int
		for i, day := range open.Pairs {
			l.openDay(s, day, i, &owner)
		}
		l.overnight(s, open, owner)
	}
	for _, w := range words(p.Value.Get("closed")) {
		if l.date(w) {
			s.Closed[w.Text] = true
		}
	}
	if except := p.Value.Get("except"); except != nil && except.Kind == source.Map {
		for _, day := range except.Pairs {
			if l.date(day.Key) {
				s.Except[day.Key.Text] = l.periods(day.Value)
			}
		}
	}
}

func (l *loader) date(n *source.Node) bool {
	if _, err := time.Parse("2006-01-02", n.Text); err != nil {
		l.err("E105", n.Words(), "%q is not a date; write 2026-12-25", n.Text)
		return false
	}
	return true
}

// openDay reads the hours of one day or range of days; owner says afterwards
// which entry every day has its hours from.
func (l *loader) openDay(s *schedule.Schedule, p source.Pair, entry int, owner *[7]int) {
	from, to, isRange := strings.Cut(p.Key.Text, "-")
	first, ok := day(from)
	last, ok2 := first, ok
	if isRange {
		last, ok2 = day(to)
	}
	if !ok || !ok2 {
		l.err("E105", p.Key.Words(), "%q is not a day; write mon, tue, wed, thu, fri, sat, sun or a range like mon-fri", p.Key.Text)
		return
	}
	if p.Value.Kind == source.List && len(p.Value.Items) == 0 {
		l.err("E105", p.Value.Words(), "there are no hours here; leave the day out when it is closed")
		return
	}
	periods := l.periods(p.Value)
	for d := first; ; d = (d + 1) % 7 {
		if len(s.Hours[d]) > 0 {
			l.err("E105", p.Key.Words(), "%s has opening hours already", dayNames[d])
			return
		}
		s.Hours[d], owner[d] = periods, entry
		if d == last {
			return
		}
	}
}

// overnight finds hours that run past midnight into those of the next day
// (E105). The one written later is the wrong one.
func (l *loader) overnight(s *schedule.Schedule, open *source.Node, owner [7]int) {
	told := map[int]bool{}
	for d, periods := range s.Hours {
		next := (d + 1) % 7
		second := max(owner[d], owner[next])
		for _, p := range periods {
			if p.To > p.From || len(s.Hours[next]) == 0 || s.Hours[next][0].From >= p.To || told[second] {
				continue
			}
			told[second] = true
			l.err("E105", open.Pairs[second].Value.Words(), "the hours of %s run into those of %s", dayNames[d], dayNames[next])
		}
	}
}

func day(name string) (int, bool) {
	for i, d := range dayNames {
		if d == name {
			return i, true
		}
	}
	return 0, false
}

func (l *loader) periods(n *source.Node) []schedule.Period {
	var out []schedule.Period
	for _, w := range words(n) {
		p, ok := period(w.Text)
		if !ok {
			l.err("E105", w.Words(), "%q are not hours; write 08:00-20:00", w.Text)
			continue
		}
		for _, q := range out {
			if overlap(p, q) {
				l.err("E105", w.Words(), "%s overlaps other hours of that day", w.Text)
			}
		}
		out = append(out, p)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].From < out[j].From })
	return out
}

func period(s string) (schedule.Period, bool) {
	m := hoursPattern.FindStringSubmatch(s)
	if m == nil {
		return schedule.Period{}, false
	}
	clock := func(h, m string) (int, bool) {
		minutes := (int(h[0]-'0')*10+int(h[1]-'0'))*60 + int(m[0]-'0')*10 + int(m[1]-'0')
		return minutes, m < "60" && minutes <= 24*60
	}
	from, ok := clock(m[1], m[2])
	to, ok2 := clock(m[3], m[4])
	return schedule.Period{From: from, To: to}, ok && ok2 && from != to && from < 24*60
}

func overlap(a, b schedule.Period) bool {
	end := func(p schedule.Period) int {
		if p.To <= p.From {
			return p.To + 24*60
		}
		return p.To
	}
	return a.From < end(b) && b.From < end(a)
}

func (l *loader) readQueues(root *source.Node) {
	n := root.Get("queues")
	l.p.Config.Queues = map[string]*source.Node{}
	if n == nil || n.Kind != source.Map || len(n.Pairs) == 0 {
		l.queue("general", nil, source.Range{File: projectFile, Line: 1, Column: 1, EndLine: 1, EndColumn: 1})
		l.used["queue general"] = true
	} else {
		for _, p := range n.Pairs {
			l.name(p.Key, "queue")
			l.queue(p.Key.Text, p.Value, p.Key.Words())
		}
	}
	l.defaultQueue(root)
}

func (l *loader) defaultQueue(root *source.Node) {
	if n, ok := scalar(root.Get("default_queue")); ok {
		l.wantQueue(n, root.Get("default_queue").Words())
		l.set.DefaultQueue = n
		return
	}
	if len(l.set.QueueOrder) == 1 {
		l.set.DefaultQueue = l.set.QueueOrder[0]
		l.used["queue "+l.set.DefaultQueue] = true
		return
	}
	if !l.projectUnread() {
		l.fileProblem("E107", projectFile, "default_queue is missing: several queues exist and none is chosen")
	}
}

func (l *loader) queue(alias string, n *source.Node, at source.Range) {
	q := &engine.Queue{Alias: alias, Name: capital(alias), FirstReply: time.Hour, At: l.place(at)}
	l.queues[alias] = at
	l.set.Queues[alias] = q
	l.set.QueueOrder = append(l.set.QueueOrder, alias)
	l.p.Config.Queues[alias] = n
	if n == nil || n.Kind != source.Map {
		return
	}
	l.queueNames(q, n.Get("name"))
	if s, ok := scalar(n.Get("schedule")); ok {
		l.wantSchedule(s, n.Get("schedule").Words())
		q.Schedule = l.set.Schedules[s]
	}
	q.FirstReply = l.duration(n.Get("first_reply"), q.FirstReply)
	q.Next = l.duration(n.Get("next_reply"), 0)
	q.Resolve = l.duration(n.Get("resolve"), 0)
	q.Members, q.Skills = wordTexts(n.Get("members")), wordTexts(n.Get("skills"))
	l.choose(n, "queue", "offer", "pull")
	l.choose(n, "queue", "pick", "any")
	l.choose(n, "queue", "closed", "hold")
	l.duration(n.Get("reserve"), 0)
	l.duration(n.Get("agent_gone"), 0)
	l.count(n, "queue", "load", 1)
	l.promise(n.Get("promise"))
}

// overflows checks overflow.to once every queue is known, and that no chain of
// overflows comes back to where it started. csat.low_queue is a queue as well.
func (l *loader) overflows() {
	next := map[string]string{}
	if c := l.p.Config.CSAT; c != nil && c.Kind == source.Map {
		if low, ok := scalar(c.Get("low_queue")); ok {
			l.wantQueue(low, c.Get("low_queue").Words())
		}
	}
	for _, alias := range l.set.QueueOrder {
		n := l.p.Config.Queues[alias]
		if n == nil || n.Get("overflow") == nil || n.Get("overflow").Kind != source.Map {
			continue
		}
		o := n.Get("overflow")
		for _, name := range []string{"after", "to"} {
			if v := o.Get(name); v == nil || v.Kind == source.Null {
				l.missing(o, "overflow", name, n.Pair("overflow").Key.Words(), "overflow needs after and to")
				break
			}
		}
		l.delay(o.Get("after"))
		if to, ok := scalar(o.Get("to")); ok {
			l.wantQueue(to, o.Get("to").Words())
			next[alias] = to
			for at, steps := to, 0; at != "" && steps <= len(l.queues); at, steps = next[at], steps+1 {
				if at == alias {
					l.err("E105", o.Get("to").Words(), "overflow goes round: %s comes back to itself", alias)
					break
				}
			}
		}
	}
}

// promise checks the share of promises that a queue means to keep.
func (l *loader) promise(n *source.Node) {
	l.count(n, "promise", "updates", 2)
	if s, ok := scalar(n.Get("quantile")); ok {
		if v, err := strconv.ParseFloat(s, 64); err != nil || !(v > 0 && v < 1) {
			l.err("E105", n.Get("quantile").Words(), "%q is not a share; write a number between 0 and 1", s)
		}
	}
}

func capital(alias string) string {
	s := strings.ReplaceAll(alias, "_", " ")
	return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):]
}
