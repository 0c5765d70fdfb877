package inbox

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"dispatcher/engine"
	"dispatcher/storage"
)

// States of a promise row.
const (
	PromiseOpen   = "open"
	PromiseKept   = "kept"
	PromiseBroken = "broken"
	PromiseEnded  = "ended" // the conversation ended first
)

// promiseBody is what a promise's row holds beside its columns. The words
// that were said are sealed: they may name the customer.
type promiseBody struct {
	Kind string `json:"kind"` // eta opening text
	Seq  int64  `json:"seq"`
	Name string `json:"name,omitempty"` // queue or schedule
	Said string `json:"said,omitempty"` // sealed, base64
}

// lookAhead is how long before its due time a promise is looked at again.
const lookAhead = time.Minute

// maxLate is how many notices correct what was promised.
const maxLate = 2

// Promises makes a promise row per quote of the sentence said at seq, and the
// timer that keeps or corrects the earliest.
func (d *Draft) Promises(seq int64, said string, quotes []engine.Quote) {
	for n, q := range quotes {
		if q.Due.IsZero() {
			continue
		}
		d.promise(fmt.Sprintf("%012d.%d", seq, n), seq, said, q)
	}
	d.armPromise()
}

func (d *Draft) promise(id string, seq int64, said string, q engine.Quote) {
	b := promiseBody{Kind: q.Kind, Seq: seq, Name: q.Name}
	box, err := d.keys.seal("promises", d.conv.UID, 0, id, said)
	d.fail("promise", err)
	b.Said = base64.StdEncoding.EncodeToString(box)
	body, err := json.Marshal(b)
	d.fail("promise", err)
	d.putRow(storage.DeskRow{Table: "promise", ID: id, At: d.View.Now.UnixMilli(), Due: q.Due.UnixMilli(), Queue: d.promisedFor(), State: PromiseOpen, Body: body})
	if d.handoff != nil && (d.handoff.PromisedAt == 0 || q.Due.UnixMilli() < d.handoff.PromisedAt) {
		d.handoff.PromisedAt = q.Due.UnixMilli()
		d.putHandoff()
	}
}

// promisedFor is the queue that a promise made now is about: that of the open
// handoff, which is made before the conversation is booked into its queue.
func (d *Draft) promisedFor() string {
	if d.handoff != nil {
		return d.handoff.Queue
	}
	return d.card.Episode.QueueLast
}

// openPromises are the promises not yet kept or broken, the earliest first.
func (d *Draft) openPromises() []storage.DeskRow {
	var open []storage.DeskRow
	for k, row := range d.rows {
		if k.table == "promise" && row.End == 0 {
			open = append(open, *row)
		}
	}
	slices.SortFunc(open, func(a, b storage.DeskRow) int {
		if a.Due != b.Due {
			return int(min(max(a.Due-b.Due, -1), 1))
		}
		return strings.Compare(a.ID, b.ID)
	})
	return open
}

func (d *Draft) armPromise() {
	open := d.openPromises()
	if len(open) == 0 {
		d.CancelTimers(timerPromise)
		return
	}
	due := time.UnixMilli(open[0].Due)
	if at := due.Add(-lookAhead); at.After(d.View.Now) {
		due = at
	}
	d.Timer(timerPromise, due)
}

// endPromise writes what became of a promise.
func (d *Draft) endPromise(row storage.DeskRow, state string, at int64) {
	row.State, row.End = state, max(at, 1)
	d.putRow(row)
	d.turn.Events = append(d.turn.Events, storage.Event{Type: EventPromise, Ref: state, Seq: d.conv.LastSeq})
	if state != PromiseEnded {
		d.figure(figure{of: figurePromise, name: state, queue: row.Queue})
	}
}

// keepPromises judges the open promises by a first human message sent at a time.
func (d *Draft) keepPromises(at time.Time) {
	for _, row := range d.openPromises() {
		state := PromiseKept
		if at.UnixMilli() > row.Due {
			state = PromiseBroken
		}
		d.endPromise(row, state, at.UnixMilli())
	}
	d.CancelTimers(timerPromise)
}

// endPromises closes what a resolve leaves open.
func (d *Draft) endPromises() {
	now := d.View.Now.UnixMilli()
	for _, row := range d.openPromises() {
		state := PromiseEnded
		if now > row.Due {
			state = PromiseBroken
		}
		d.endPromise(row, state, now)
	}
	d.CancelTimers(timerPromise)
}

// promiseDue looks at the earliest promise a minute before it falls due. While
// nobody has claimed it and a new estimate is later, the customer is told once,
// and once more at the second break; what is not corrected in time is broken.
func (d *Draft) promiseDue(quote func(queue string) *int) {
	open := d.openPromises()
	if len(open) == 0 {
		return
	}
	row, now := open[0], d.View.Now
	due := time.UnixMilli(row.Due)
	var est *int
	if d.conv.Phase == storage.PhaseQueue && quote != nil {
		est = quote(d.conv.OwnerID)
	}
	late := !now.Before(due)
	if !late && (d.conv.Phase != storage.PhaseQueue || est != nil && !now.Add(minutes(*est)).After(due)) {
		d.Timer(timerPromise, due)
		return
	}
	d.endPromise(row, PromiseBroken, now.UnixMilli())
	if d.conv.Phase == storage.PhaseQueue {
		told := d.card.Episode.Late
		d.correct(row, est)
		if !late && d.card.Episode.Late > told { // said before it was broken
			d.figures[len(d.figures)-1].name = promiseCorrected
		}
	}
	d.armPromise()
}

// correct tells the customer that it takes longer, at most twice.
func (d *Draft) correct(row storage.DeskRow, est *int) {
	e := &d.card.Episode
	if e.Late >= maxLate {
		return
	}
	e.Late++
	if d.handoff != nil {
		d.Priority(PriorityWord(min(d.handoff.Priority+1, 3)))
	}
	text := d.sentence("late")
	if text == "" {
		return
	}
	var quotes []engine.Quote
	if again := nowAbout(d.language()); est != nil && again != "" && e.Late < maxLate {
		text += " " + fmt.Sprintf(again, *est)
		quotes = []engine.Quote{{Kind: "eta", Name: row.Queue, Due: d.View.Now.Add(minutes(*est))}}
	}
	seq := d.Send(Outgoing{NewMessage: NewMessage{Kind: storage.MsgText, Author: storage.AuthorNotice, Body: Body{Text: text}, Rule: "promise"},
		Kind: storage.RowNotice, Origin: storage.OriginSystem, Priority: 1})
	d.Promises(seq, text, quotes)
}

func minutes(n int) time.Duration { return time.Duration(n) * time.Minute }

// nowAbout is the sentence that follows "late" when there is a new estimate.
func nowAbout(lang string) string {
	switch lang {
	case "en":
		return "It is now about %d minutes."
	case "fr":
		return "Comptez maintenant environ %d minutes."
	case "de":
		return "Es dauert jetzt etwa %d Minuten."
	case "es":
		return "Ahora serán unos %d minutos."
	}
	return ""
}

// language is the language of the conversation, else the project's first.
func (d *Draft) language() string {
	if d.state.Language != "" {
		return d.state.Language
	}
	if set := d.set(); set != nil && len(set.Languages) > 0 {
		return set.Languages[0]
	}
	return "en"
}

// sentence is a built-in sentence in the language of the conversation: the
// project's own words, else the pack's, else English.
func (d *Draft) sentence(name string) string {
	lang := d.language()
	if set := d.set(); set != nil {
		if c := set.Canned["builtin_"+name]; c != nil && c.Text != nil {
			if t := c.Text.Lang[lang]; t != nil {
				return literal(t)
			}
		}
	}
	for _, l := range []string{lang, "en"} {
		if p := engine.PackOf(l); p != nil && p.Sentences[name] != "" {
			return p.Sentences[name]
		}
	}
	return ""
}

// literal is the text of a template without its expressions.
func literal(t *engine.Template) string {
	var b strings.Builder
	for _, p := range t.Parts {
		b.WriteString(p.Lit)
	}
	return b.String()
}

// PromisesOf gives promise rows as the packet and the console show them.
func (r *Reader) PromisesOf(conv storage.UID, rows []storage.DeskRow) []Promise {
	out := []Promise{}
	for _, row := range rows {
		var b promiseBody
		if row.Table != "promise" || json.Unmarshal(row.Body, &b) != nil {
			continue
		}
		p := Promise{Kind: b.Kind, DueAt: time.UnixMilli(row.Due).UTC()}
		if box, err := base64.StdEncoding.DecodeString(b.Said); err == nil {
			if r.open(box, "promises", conv, 0, row.ID, &p.Said) != nil {
				p.Said = ""
			}
		}
		switch row.State {
		case PromiseKept, PromiseBroken:
			kept := row.State == PromiseKept
			p.Kept = &kept
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b Promise) int { return a.DueAt.Compare(b.DueAt) })
	return out
}
