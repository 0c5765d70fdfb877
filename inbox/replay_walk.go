package inbox

import (
	"context"
	"slices"
	"strings"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

// replayWalk takes one stored conversation through two sets side by side: the
// one that ran and the edited one. Both start from nothing and are given the
// same events at the same times. The walk ends with the first thing that
// differs, or where what is stored does not say how it went on.
type replayWalk struct {
	s   *Service
	ctx context.Context
	st  *story

	then, now *replayRun
	ran       string // id of the set that ran last

	i       int // row
	parts   []part
	spoke   int       // messages of the customer so far
	turns   int       // turns so far
	at      time.Time // of the last turn
	told    *engine.Trace
	found   *finding
	wording *finding // the first; it counts where nothing else differs
	foundAt place
	wordAt  place
	lost    string // why the walk ended early
}

// place is a turn of a conversation.
type place struct {
	turn int
	seq  int64
	at   time.Time
}

// Why a walk ends before its conversation does.
const (
	LostAnswer  = "answer"  // the answer of a service, or what a form held, is stored no more
	LostWords   = "words"   // what the customer said is a secret, or was taken back
	LostMoment  = "moment"  // it hung on something of the moment: how long a queue was, a switch, a person's hand
	LostSources = "sources" // the set of a later turn is not to be had
)

// walk is the whole way. errSkipped: there is no set to compare with.
func (s *Service) walk(ctx context.Context, st *story, to *engine.Set) (*replayWalk, error) {
	w := &replayWalk{s: s, ctx: ctx, st: st}
	switch first := st.firstSet(); {
	case first == "":
		return nil, errSkipped(SkipSilent)
	case !w.runsOn(first):
		return nil, errSkipped(SkipNoSet)
	}
	w.then, w.now = newReplayRun(w.then.set, st), newReplayRun(to, st)
	w.then.begin(st, time.UnixMilli(st.conv.OpenedAt))
	w.now.begin(st, time.UnixMilli(st.conv.OpenedAt))
	for w.i = range st.rows {
		w.row(&st.rows[w.i])
		if w.over() {
			return w, nil
		}
	}
	w.end()
	return w, nil
}

func (w *replayWalk) over() bool { return w.found != nil || w.lost != "" }

func (w *replayWalk) lose(why string) {
	if w.lost == "" {
		w.lost = why
	}
}

// firstSet is the set of the first turn.
func (st *story) firstSet() string {
	for i := range st.rows {
		if t := st.rows[i].trace; t != nil && t.Set != "" {
			return t.Set
		}
	}
	return ""
}

// runsOn makes the set of a turn the one that ran; false: it is not to be had.
func (w *replayWalk) runsOn(id string) bool {
	if id == "" || id == w.ran {
		return w.then != nil
	}
	p := w.s.SetOf(w.ctx, id)
	if p == nil || p.Set == nil {
		return false
	}
	if w.then == nil {
		w.then = &replayRun{}
	}
	w.then.set, w.ran = p.Set, id
	return true
}

// row is one row of the conversation: what came in, who took it, or words
// that were said because of something else.
func (w *replayWalk) row(row *storyRow) {
	at := time.UnixMilli(row.At)
	switch {
	case row.Author == storage.AuthorCustomer:
		w.spoke++
		w.customer(row, at)
	case row.Kind == storage.MsgEvent && row.body.Line != nil:
		w.line(row, at)
	case row.trace != nil:
		w.aside(row, at)
	case len(w.parts) > 0 && row.CauseSeq == w.parts[len(w.parts)-1].seq && (row.Author == storage.AuthorBot || row.Author == storage.AuthorNotice):
		w.burst(row, nil, at)
	}
}

// line is a change of owner, or the record of something that came back.
func (w *replayWalk) line(row *storyRow, at time.Time) {
	edge := Edge(row.body.Line.Edge)
	if row.trace != nil {
		w.aside(row, at)
	} else {
		w.silentEnd(row, edge, at)
	}
	if w.over() {
		return
	}
	switch edge {
	case EdgeHandBack:
		w.own(edge, row.body.Line.Owner)
		w.returned(row, at)
		return
	case EdgeResolve:
		w.own(edge, row.body.Line.Owner)
		w.turn(at, w.traceBeside(row, engine.EvResolved), row.Seq, func(*replayRun) (engine.Event, bool) {
			return engine.Event{Kind: engine.EvResolved}, true
		})
		return
	case EdgeLend:
		w.lent(row, at)
	}
	w.own(edge, row.body.Line.Owner)
}

// own gives both runs to whom the conversation went. What waited for more
// words is read by people.
func (w *replayWalk) own(edge Edge, owner string) {
	if owner != "" && owner != dm.OwnerBot {
		w.parts = nil
	}
	w.then.own(edge, owner)
	w.now.own(edge, owner)
}

// silentEnd is an end that no words and no message explain: a timer's.
func (w *replayWalk) silentEnd(row *storyRow, edge Edge, at time.Time) {
	if edge != EdgeBotResolve && edge != EdgeAfterDone || w.then.closed {
		return
	}
	if row.body.Line.Reason == "unreachable" { // the customer blocked us
		w.then.closed, w.now.closed = true, true
		return
	}
	w.timer(at, nil, row.Seq)
}

// aside is a row with the trace of an event that was no message.
func (w *replayWalk) aside(row *storyRow, at time.Time) {
	t := row.trace
	if w.told != nil && at.Equal(w.at) && agree(*w.told, *t) && w.told.Event == t.Event {
		return // the same turn, told once more
	}
	switch t.Event {
	case engine.EvTimer:
		w.timer(at, t, row.Seq)
	case engine.EvLookup:
		w.lookup(row, at)
	case engine.EvVerify:
		w.verify(row, at)
	case engine.EvMessage, engine.EvStart, engine.EvMention:
		if len(w.parts) > 0 {
			w.burst(row, t, at)
		}
	}
}

// timer lets the timer that had fired fire again: of those that are due in the
// run of then, the one that did what is stored.
func (w *replayWalk) timer(at time.Time, t *engine.Trace, seq int64) {
	name, due := w.fired(at, t)
	if name == "" {
		w.lose(LostMoment)
		return
	}
	if !w.until(at, name) {
		return
	}
	delete(w.then.timers, name)
	now, has := w.now.timers[name]
	if has && w.sooner(now) {
		delete(w.now.timers, name)
		later := at
		if now.After(at) {
			later = now
		}
		w.turn(at, t, seq, func(r *replayRun) (engine.Event, bool) {
			ev := engine.Event{Kind: engine.EvTimer, Timer: name, DueAt: due, Seq: seq}
			if r == w.now {
				ev.DueAt, ev.World.Now = now, later
			}
			return ev, true
		})
		return
	}
	w.turn(at, t, seq, func(r *replayRun) (engine.Event, bool) {
		return engine.Event{Kind: engine.EvTimer, Timer: name, DueAt: due, Seq: seq}, r == w.then
	})
}

// sooner says that a moment lies before the next thing that anybody did.
func (w *replayWalk) sooner(at time.Time) bool {
	for _, row := range w.st.rows[w.i+1:] {
		if row.Author == storage.AuthorCustomer || row.Author == storage.AuthorAgent {
			return !at.After(time.UnixMilli(row.At))
		}
	}
	return true
}

// fired finds the timer that did what is stored.
func (w *replayWalk) fired(at time.Time, t *engine.Trace) (string, time.Time) {
	tried := map[string]bool{}
	for {
		name, due := w.then.due(at, func(n string, _ time.Time) bool { return !tried[n] })
		if name == "" {
			return "", time.Time{}
		}
		tried[name] = true
		ev := engine.Event{Kind: engine.EvTimer, Timer: name, DueAt: due, World: w.world(w.then, at)}
		res := engine.Step(w.setsOf(w.then), w.then.state, ev)
		if t != nil && agree(res.Trace, *t) || t == nil && slices.ContainsFunc(res.Effects, resolves) {
			return name, due
		}
	}
}

// until lets every timer fire that was due before an event: in the run of then
// those that did nothing anybody could have seen, since the others are stored;
// in the edited run those that the other has not, or has at another time.
func (w *replayWalk) until(at time.Time, but string) bool {
	before := at.Add(-time.Nanosecond)
	for !w.over() {
		name, due := w.now.due(before, func(n string, t time.Time) bool {
			other, both := w.then.timers[n]
			return n != but && !(both && other.Equal(t))
		})
		quiet, quietDue := w.quiet(before, but)
		switch {
		case quiet != "" && (name == "" || !quietDue.After(due)):
			w.bothFire(quiet, quietDue)
		case name != "":
			delete(w.now.timers, name)
			w.turn(due, nil, 0, func(r *replayRun) (engine.Event, bool) {
				return engine.Event{Kind: engine.EvTimer, Timer: name, DueAt: due}, r == w.now
			})
		default:
			return true
		}
	}
	return false
}

// quiet is a timer of then that was due and of which nothing is to be seen.
func (w *replayWalk) quiet(by time.Time, but string) (string, time.Time) {
	return w.then.due(by, func(n string, t time.Time) bool {
		if n == but {
			return false
		}
		res := engine.Step(w.setsOf(w.then), w.then.state, engine.Event{Kind: engine.EvTimer, Timer: n, DueAt: t, World: w.world(w.then, t)})
		return !slices.ContainsFunc(res.Effects, func(e engine.Effect) bool { return !harmless(e) })
	})
}

func (w *replayWalk) bothFire(name string, due time.Time) {
	delete(w.then.timers, name)
	other, both := w.now.timers[name]
	if both = both && other.Equal(due); both {
		delete(w.now.timers, name)
	}
	w.turn(due, nil, 0, func(r *replayRun) (engine.Event, bool) {
		return engine.Event{Kind: engine.EvTimer, Timer: name, DueAt: due}, r == w.then || both
	})
}

// end lets the time pass until the last thing that is known of the
// conversation.
func (w *replayWalk) end() {
	c := w.st.conv
	if c.Status != storage.Resolved || w.then.closed {
		return
	}
	at := time.UnixMilli(c.ResolvedAt)
	if at.Before(w.at) {
		return
	}
	if name, _ := w.fired(at, nil); name != "" { // after-care ends without a line
		w.timer(at, nil, c.LastSeq)
	}
}

// turn gives both runs an event, unless an event is not for one of them, and
// compares what they make of it. t is how it was decided then; nil: it is not
// known.
func (w *replayWalk) turn(at time.Time, t *engine.Trace, seq int64, event func(*replayRun) (engine.Event, bool)) {
	if t != nil && !w.runsOn(t.Set) {
		w.lose(LostSources)
		return
	}
	w.turns++
	w.at, w.told = at, t
	then, now := w.then.still(), w.now.still()
	if ev, ok := event(w.then); ok {
		res, h := w.step(w.then, at, ev)
		if t != nil && !agree(res.Trace, *t) {
			w.lose(LostMoment)
			return
		}
		then = h
	}
	if ev, ok := event(w.now); ok {
		_, now = w.step(w.now, at, ev)
	}
	f := w.compare(then, now)
	switch {
	case f == nil:
	case f.kind != DiffWording:
		w.found, w.foundAt = f, w.place(seq, at)
	case w.wording == nil:
		w.wording, w.wordAt = f, w.place(seq, at)
	}
}

// place numbers a turn as explain does, by the stored rows that tell of one;
// what only the edited set does belongs to the turn before it.
func (w *replayWalk) place(seq int64, at time.Time) place {
	p := place{seq: seq, at: at}
	var before *storyRow
	for i := range w.st.rows[:min(w.i+1, len(w.st.rows))] {
		row := &w.st.rows[i]
		if row.trace == nil || seq == 0 && row.At > at.UnixMilli() {
			continue
		}
		if again := before != nil && row.Dir != storage.DirIn && row.At == before.At && row.trace.Event == before.trace.Event && agree(*row.trace, *before.trace); !again {
			p.turn++
			before = row
		}
	}
	return p
}

func (w *replayWalk) step(r *replayRun, at time.Time, ev engine.Event) (engine.Result, heard) {
	if !ev.World.Now.IsZero() {
		at = ev.World.Now
	}
	entry := ev.World.Entry
	ev.World = w.world(r, at)
	if entry != (engine.EntryNow{}) {
		ev.World.Entry = entry
		ev.World.Channel.Public = entry.Public
	}
	return r.step(w.setsOf(r), ev)
}

// still is a run to which nothing happens.
func (r *replayRun) still() heard { return heard{tags: r.state.Tags, question: r.openNow()} }

// setsOf is what a step resolves against: in the run of then a flow that was
// kept on its set is.
func (w *replayWalk) setsOf(r *replayRun) engine.Sets {
	all := engine.Sets{Live: r.set}
	if pin := r.state.Pin; pin != nil && pin.Set != r.set.ID {
		if old := w.s.SetOf(w.ctx, pin.Set); old != nil {
			all.Pinned = old.Set
		}
	}
	return all
}

// agree says that two traces tell of the same decision.
func agree(a, b engine.Trace) bool {
	if a.From != b.From || a.To != b.To || a.Stage != b.Stage || a.Error != b.Error {
		return false
	}
	return slices.Equal(edgesOf(a), edgesOf(b))
}

func edgesOf(t engine.Trace) (out []string) {
	for _, s := range t.Steps {
		if s.What == "edge" || s.What == "replay" {
			out = append(out, s.State+" "+s.Edge)
		}
	}
	return out
}

// traceBeside is the trace of an event that was decided with a row: on one of
// those that were written at the same moment.
func (w *replayWalk) traceBeside(row *storyRow, event string) *engine.Trace {
	for i := w.i; i < len(w.st.rows) && w.st.rows[i].At == row.At; i++ {
		if t := w.st.rows[i].trace; t != nil && t.Event == event {
			return t
		}
	}
	return nil
}

// returned is an agent giving the conversation back. Where to is not stored,
// but where it led.
func (w *replayWalk) returned(row *storyRow, at time.Time) {
	t := w.traceBeside(row, engine.EvReturned)
	slots := w.s.valuesAt(w.ctx, w.st, func(v engine.SlotValue) bool { return v.How == "agent" && v.At == row.At })
	ev := engine.Event{Kind: engine.EvReturned, Slots: slots, Seq: row.Seq}
	if t != nil {
		tries := []string{"", t.To}
		for _, s := range t.Steps {
			tries = append(tries, s.State)
		}
		for _, to := range tries {
			try := ev
			try.Resume, try.World = to, w.world(w.then, at)
			if res := engine.Step(w.setsOf(w.then), w.then.state, try); agree(res.Trace, *t) {
				ev.Resume = to
				break
			}
		}
	}
	w.turn(at, t, row.Seq, func(r *replayRun) (engine.Event, bool) {
		ev := ev
		if flow, state, ok := strings.Cut(ev.Resume, "."); ok {
			flow, state = renamedIn(r.set, flow, state)
			ev.Resume = flow + "." + state
		}
		return ev, true
	})
}

// lent is an agent letting a flow run.
func (w *replayWalk) lent(row *storyRow, at time.Time) {
	t := w.traceBeside(row, engine.EvDelegate)
	if t == nil {
		w.lose(LostMoment)
		return
	}
	flow := ""
	for _, s := range t.Steps {
		if name, ok := strings.CutPrefix(s.Edge, "call:"); ok && flow == "" {
			flow = name
		}
	}
	w.turn(at, t, row.Seq, func(r *replayRun) (engine.Event, bool) {
		return engine.Event{Kind: engine.EvDelegate, Flow: flow, Agent: row.AuthorID, Seq: row.Seq}, r.set.Flows[flow] != nil
	})
}
