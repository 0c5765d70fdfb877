package inbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"dispatcher/engine"
	"dispatcher/storage"
)

// Clocks of desk.md 2.1 that are rows.
const (
	ClockFirst   = "first_reply"
	ClockNext    = "next_reply"
	ClockResolve = "resolve"
)

// ClockBody is what a clock's row holds beside its columns. Times are ms UTC.
type ClockBody struct {
	Clock      string `json:"clock"`
	Started    int64  `json:"started_at"`
	Due        int64  `json:"due_at,omitempty"`
	Target     int64  `json:"target_ms,omitempty"` // of open time
	Stopped    int64  `json:"stopped_at,omitempty"`
	Open       int64  `json:"open_seconds,omitempty"`
	Wall       int64  `json:"wall_seconds,omitempty"`
	Breached   bool   `json:"breached,omitempty"`
	BreachedAt int64  `json:"breached_at,omitempty"`
	By         string `json:"by,omitempty"`
	PausedAt   int64  `json:"paused_at,omitempty"`
	Paused     int64  `json:"paused_ms,omitempty"` // open time of pauses that are over
}

// keepRow takes an open row of the snapshot over.
func (d *Draft) keepRow(row storage.DeskRow) {
	if d.rows == nil {
		d.rows = map[deskKey]*storage.DeskRow{}
	}
	d.rows[deskKey{row.Table, row.ID}] = &row
}

// putRow writes a row of the desk's tables with the turn, once.
func (d *Draft) putRow(row storage.DeskRow) {
	d.keepRow(row)
	for n := range d.turn.Desk {
		if d.turn.Desk[n].Table == row.Table && d.turn.Desk[n].ID == row.ID {
			d.turn.Desk[n] = row
			return
		}
	}
	d.turn.Desk = append(d.turn.Desk, row)
}

// lastRow is the open row of a table with the greatest id.
func (d *Draft) lastRow(table string) *storage.DeskRow {
	var last *storage.DeskRow
	for k, row := range d.rows {
		if k.table == table && row.End == 0 && (last == nil || row.ID > last.ID) {
			last = row
		}
	}
	if last == nil {
		return nil
	}
	row := *last
	return &row
}

// openClock is the running clock of a kind.
func (d *Draft) openClock(kind string) (row storage.DeskRow, body ClockBody, ok bool) {
	for k, r := range d.rows {
		if k.table == "clock" && r.End == 0 && strings.HasPrefix(k.id, kind+".") && json.Unmarshal(r.Body, &body) == nil {
			return *r, body, true
		}
	}
	return row, body, false
}

func (d *Draft) putClock(row storage.DeskRow, body ClockBody) {
	var err error
	row.Body, err = json.Marshal(body)
	d.fail("clock", err)
	row.Due = body.Due
	d.putRow(row)
	switch body.Clock {
	case ClockFirst:
		d.conv.FirstReplyDue = dueWhileOpen(row)
	case ClockNext:
		d.conv.NextReplyDue = dueWhileOpen(row)
	}
}

func dueWhileOpen(row storage.DeskRow) int64 {
	if row.End != 0 {
		return 0
	}
	return row.Due
}

// queue is what the flows say of a queue; an unknown one has no targets.
func (d *Draft) queue(alias string) *engine.Queue {
	if set := d.set(); set != nil {
		if q := set.Queues[alias]; q != nil {
			return q
		}
	}
	return &engine.Queue{Alias: alias}
}

func (d *Draft) clockQueue() *engine.Queue {
	if d.handoff != nil {
		return d.queue(d.handoff.Queue)
	}
	return d.queue(d.card.Episode.QueueLast)
}

// startClock starts a clock at a moment, or at opening when that is closed.
func (d *Draft) startClock(kind string, q *engine.Queue, at time.Time, target time.Duration) {
	start := at
	if opens, ok := q.Schedule.Opens(at); ok {
		start = opens
	}
	body := ClockBody{Clock: kind, Started: start.UnixMilli(), Target: target.Milliseconds()}
	if target > 0 {
		body.Due = q.Schedule.Add(start, target).UnixMilli()
	}
	row := storage.DeskRow{Table: "clock", ID: fmt.Sprintf("%s.%d", kind, d.conv.LastSeq), At: body.Started, Queue: q.Alias, State: "running"}
	d.putClock(row, body)
	d.armClock(kind, q, body)
}

// armClock sets the timer that warns at three quarters of the target.
func (d *Draft) armClock(kind string, q *engine.Queue, body ClockBody) {
	name := timerOfClock(kind)
	if name == "" || body.Due == 0 {
		return
	}
	warn := q.Schedule.Add(time.UnixMilli(body.Started), time.Duration(body.Target)*time.Millisecond*3/4)
	if !warn.After(d.View.Now) {
		warn = time.UnixMilli(body.Due)
	}
	d.Timer(name, warn)
}

func timerOfClock(kind string) string {
	switch kind {
	case ClockFirst:
		return timerFirst
	case ClockNext:
		return timerNext
	}
	return ""
}

// armClocks sets the timers of all running clocks again.
func (d *Draft) armClocks() {
	for _, kind := range []string{ClockFirst, ClockNext} {
		if row, body, ok := d.openClock(kind); ok {
			d.putClock(row, body)
			d.armClock(kind, d.queue(row.Queue), body)
		}
	}
}

// startClocks begins what a new handoff begins: the first-response clock
// before any human message of the episode, the next-response clock after it.
// A conversation that we began owes no first response.
func (d *Draft) startClocks() {
	q, now := d.clockQueue(), d.View.Now
	if d.lastIn[0] != 0 && len(d.card.Episode.Waiting) == 0 {
		d.card.Episode.Waiting = [][2]int64{d.lastIn}
	}
	d.waitingSince()
	if !d.resumeResolve() {
		d.startClock(ClockResolve, q, now, q.Resolve)
	}
	switch {
	case d.card.Episode.Proactive:
	case !d.card.Episode.Answered:
		if _, _, ok := d.openClock(ClockFirst); !ok {
			d.startClock(ClockFirst, q, now, q.FirstReply)
		}
	case len(d.card.Episode.Waiting) > 0:
		if _, _, ok := d.openClock(ClockNext); !ok {
			d.startClock(ClockNext, q, now, q.Next)
		}
	}
}

// waitingSince is the oldest customer message that a person still has to answer.
func (d *Draft) waitingSince() {
	d.conv.WaitingSince = 0
	if w := d.card.Episode.Waiting; len(w) > 0 {
		d.conv.WaitingSince = w[0][1]
	}
}

// tightenClocks moves running clocks to another queue: the tighter due time
// of the two counts.
func (d *Draft) tightenClocks() {
	q := d.clockQueue()
	for kind, target := range map[string]time.Duration{ClockFirst: q.FirstReply, ClockNext: q.Next} {
		row, body, ok := d.openClock(kind)
		if !ok {
			continue
		}
		row.Queue = q.Alias
		if due := q.Schedule.Add(d.View.Now, target).UnixMilli(); target > 0 && (body.Due == 0 || due < body.Due) {
			body.Due = due
		}
		d.putClock(row, body)
		if body.Due > d.View.Now.UnixMilli() {
			d.Timer(timerOfClock(kind), time.UnixMilli(body.Due))
		}
	}
}

// customerWrote notes a customer's message that a person has to answer.
func (d *Draft) customerWrote(seq int64, at time.Time) {
	d.lastIn = [2]int64{seq, at.UnixMilli()}
	if d.conv.Owner != storage.OwnerQueue && d.conv.Owner != storage.OwnerAgent {
		return
	}
	e := &d.card.Episode
	if len(e.Waiting) < maxWaiting {
		e.Waiting = append(e.Waiting, d.lastIn)
	}
	d.waitingSince()
	d.resumeResolve()
	q := d.clockQueue()
	if _, _, running := d.openClock(ClockNext); e.Answered && !running {
		d.startClock(ClockNext, q, at, q.Next)
	}
	if d.conv.OwnerID == OwnerOutside {
		d.Timer(timerOutside, d.View.Now.Add(outsideIdle))
	}
}

// Sent says that a person's message reached sent at that time: it answers
// every customer message before it, in either visibility.
func (d *Draft) Sent(seq int64, at time.Time) {
	e := &d.card.Episode
	first := !e.Answered
	e.Answered = true
	left := e.Waiting[:0:0]
	for _, w := range e.Waiting {
		if w[0] > seq {
			left = append(left, w)
		}
	}
	e.Waiting = left
	d.waitingSince()
	if first {
		d.stopClock(ClockFirst, at, "stopped")
	}
	d.stopClock(ClockNext, at, "stopped")
	d.keepPromises(at)
	if len(left) == 0 {
		d.pauseResolve()
		return
	}
	q := d.clockQueue()
	d.startClock(ClockNext, q, time.UnixMilli(left[0][1]), q.Next)
}

// stopClock ends a running clock and books what it took.
func (d *Draft) stopClock(kind string, at time.Time, state string) {
	row, body, ok := d.openClock(kind)
	if !ok {
		return
	}
	start, sched := time.UnixMilli(body.Started), d.queue(row.Queue).Schedule
	body.Stopped, body.By = at.UnixMilli(), d.conv.OwnerID
	body.Open = int64(sched.Between(start, at)/time.Second) - body.Paused/1000
	body.Wall = max(int64(at.Sub(start)/time.Second), 0)
	if body.Due > 0 && body.Stopped > body.Due && !body.Breached {
		body.Breached, body.BreachedAt = true, body.Due
		d.figure(figure{of: figureBreach, name: kind, queue: row.Queue})
	}
	if state == "stopped" || kind == ClockResolve { // what a resolve or a hand-back ends was not answered
		d.figure(figure{of: figureClock, name: kind, queue: row.Queue, seconds: float64(body.Open)})
	}
	row.End, row.State = max(body.Stopped, 1), state
	d.putClock(row, body)
	if name := timerOfClock(kind); name != "" {
		d.CancelTimers(name)
	}
}

// stopClocks ends all clocks at a resolve and gives them as they were.
func (d *Draft) stopClocks() (were []storage.DeskRow) {
	for _, kind := range []string{ClockFirst, ClockNext, ClockResolve} {
		if row, _, ok := d.openClock(kind); ok {
			were = append(were, row)
			d.stopClock(kind, d.View.Now, "ended")
		}
	}
	return were
}

// voidClocks drops what a handed-back conversation no longer owes; the
// resolution clock only pauses.
func (d *Draft) voidClocks() {
	d.stopClock(ClockFirst, d.View.Now, "voided")
	d.stopClock(ClockNext, d.View.Now, "voided")
	d.card.Episode.Waiting = nil
	d.conv.WaitingSince = 0
}

// pauseResolve stops counting while nothing is for us to do.
func (d *Draft) pauseResolve() {
	if row, body, ok := d.openClock(ClockResolve); ok && body.PausedAt == 0 {
		body.PausedAt = d.View.Now.UnixMilli()
		d.putClock(row, body)
	}
}

// resumeResolve goes on counting; false when there is no such clock. Its due
// time moves by what the pause took of open time.
func (d *Draft) resumeResolve() bool {
	row, body, ok := d.openClock(ClockResolve)
	if !ok || body.PausedAt == 0 {
		return ok
	}
	sched := d.queue(row.Queue).Schedule
	took := sched.Between(time.UnixMilli(body.PausedAt), d.View.Now)
	body.Paused, body.PausedAt = body.Paused+took.Milliseconds(), 0
	if body.Due > 0 {
		body.Due = sched.Add(time.UnixMilli(body.Due), took).UnixMilli()
	}
	d.putClock(row, body)
	return true
}

// Due handles the timers of ownership, clocks, promises and held messages on
// a draft that has dropped the row already; false: the name is not one of
// them. quote is the desk's estimate in minutes, nil or a nil result = unknown.
func (d *Draft) Due(t storage.Timer, quote func(queue string) *int) (handled bool, err error) {
	switch {
	case t.Name == timerFirst:
		d.clockDue(ClockFirst)
	case t.Name == timerNext:
		d.clockDue(ClockNext)
	case t.Name == timerPromise:
		d.promiseDue(quote)
	case t.Name == timerOutside:
		return true, d.outsideDue()
	case t.Name == timerSnooze:
		if d.conv.Phase == storage.PhaseParked {
			return true, d.Fire(Shift{Edge: EdgeWake, By: "timer"})
		}
	case strings.HasPrefix(t.Name, timerRelease):
		return true, d.Release(t)
	default:
		return false, nil
	}
	return true, d.err
}

// clockDue warns at three quarters and breaches at the target.
func (d *Draft) clockDue(kind string) {
	row, body, ok := d.openClock(kind)
	if !ok || body.Due == 0 || body.Breached {
		return
	}
	if now := d.View.Now.UnixMilli(); now < body.Due {
		d.turn.Events = append(d.turn.Events, storage.Event{Type: EventWarning, Ref: kind, Seq: d.conv.LastSeq})
		d.Timer(timerOfClock(kind), time.UnixMilli(body.Due))
		return
	}
	body.Breached, body.BreachedAt = true, body.Due
	d.figure(figure{of: figureBreach, name: kind, queue: row.Queue})
	d.putClock(row, body)
	d.turn.Events = append(d.turn.Events, storage.Event{Type: EventDue, Ref: kind, Seq: d.conv.LastSeq})
}

// outsideDue takes a conversation back whose owner answers in the platform's
// own app, once the customer has waited long enough.
func (d *Draft) outsideDue() error {
	if d.conv.Phase != storage.PhaseAgent || d.conv.OwnerID != OwnerOutside || d.conv.WaitingSince == 0 {
		return nil
	}
	if since := time.UnixMilli(d.conv.WaitingSince); d.View.Now.Sub(since) < outsideIdle {
		d.Timer(timerOutside, since.Add(outsideIdle))
		return nil
	}
	return d.Fire(Shift{Edge: EdgeOutsideIdle, By: "timer"})
}
