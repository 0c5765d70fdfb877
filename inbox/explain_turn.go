package inbox

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"dispatcher/engine"
	"dispatcher/flows"
	"dispatcher/storage"
)

// explaining is one explanation in the making.
type explaining struct {
	s       *Service
	snap    storage.Snapshot
	rows    []storage.Message
	opened  []explainedRow
	reader  *Reader // nil: nothing sealed can be read
	sets    map[string]*explainedSet
	byCause map[int64]int // the turn that a row caused, as index of out.Turns
	mask    masker
	slots   map[string]engine.SlotValue // as they are at the end
	out     *Explanation
	purged  bool
}

// explainedRow is a row with its seals open.
type explainedRow struct {
	body  Body
	trace *engine.Trace
	bad   bool // a seal does not open
}

// explainedSet is a set that ran; without a project nobody has its files.
type explainedSet struct {
	project *flows.Project
	turns   int
}

func (x *explaining) trace(m storage.Message) (*engine.Trace, error) {
	raw, err := x.reader.Trace(x.snap.Conv.UID, m)
	if err != nil || raw == nil {
		return nil, err
	}
	var t engine.Trace
	if err := json.Unmarshal(raw, &t); err != nil {
		return nil, fmt.Errorf("inbox: decode trace: %w", err)
	}
	return &t, nil
}

// learnSets fetches every set that a turn ran on, once.
func (x *explaining) learnSets(ctx context.Context) {
	for i := range x.opened {
		t := x.opened[i].trace
		if t == nil || t.Set == "" {
			continue
		}
		set := x.sets[t.Set]
		if set == nil {
			set = &explainedSet{project: x.s.SetOf(ctx, t.Set)}
			if p := set.project; p != nil && p.Set == nil {
				set.project = nil
			}
			x.sets[t.Set] = set
		}
		set.turns++
	}
}

// set is what a turn ran on; nil where its files are gone.
func (x *explaining) set(id string) *engine.Set {
	if s := x.sets[id]; s != nil && s.project != nil {
		return s.project.Set
	}
	return nil
}

// personal says whether a slot's values are masked, and whether nothing of
// them may be shown. A slot that no set at hand declares might be personal.
func (x *explaining) personal(name string) (pii, secret bool) {
	known := false
	look := func(set *engine.Set) {
		if def := slotOf(set, name); def != nil {
			known, pii, secret = true, pii || def.PII || def.Secret, secret || def.Secret
		}
	}
	for id := range x.sets {
		look(x.set(id))
	}
	if live := x.s.Live(); live != nil {
		look(live.Set)
	}
	if !known && name != "topic" {
		return true, false
	}
	return pii, secret
}

// learnPersonal gathers what must not be read: who writes, and the values of
// personal slots.
func (x *explaining) learnPersonal() {
	if p, err := x.reader.Profile(x.snap.Contact); err == nil {
		for _, name := range append(strings.Fields(p.Name), p.Name, p.Handle) {
			x.mask.add(name, true, true)
		}
		x.learnSlots(p.Slots)
	}
	if st, err := x.reader.state(x.snap.Conv); err == nil {
		x.slots = st.Slots
		x.learnSlots(st.Slots)
	}
	if h := x.snap.Handoff; h != nil {
		if p, err := x.reader.Packet(x.snap.Conv.UID, *h); err == nil && p != nil {
			for _, sl := range p.Slots {
				if pii, secret := x.personal(sl.Name); pii {
					x.mask.learn(nil, "", engine.SlotValue{Value: sl.Value, Raw: sl.Raw}, secret)
				}
			}
		}
	}
}

func (x *explaining) learnSlots(slots map[string]engine.SlotValue) {
	for name, v := range slots {
		if pii, secret := x.personal(name); pii {
			live := x.s.Live()
			if live == nil {
				x.mask.learn(nil, "", v, secret)
				continue
			}
			x.mask.learn(live.Set, "", v, secret)
		}
	}
}

// turns walks the rows once: whoever has a trace is a turn, unless it is the
// same turn's trace again; the others belong to a turn, or stand between two.
func (x *explaining) turns() {
	for i, m := range x.rows {
		row := &x.opened[i]
		switch {
		case row.trace != nil && !x.again(i):
			x.turn(i)
		case x.reader == nil || m.Body == nil && m.Trace == nil && m.Kind != storage.MsgEvent:
			x.sealed(i)
		}
		x.belongs(i)
	}
}

// again says that the trace of a row is that of the turn before it: a line of
// the timeline repeats what the message holds.
func (x *explaining) again(i int) bool {
	if len(x.out.Turns) == 0 || x.rows[i].Dir == storage.DirIn {
		return false
	}
	last := x.byCause[-1]
	return x.rows[i].At == x.rows[last].At && sameTrace(x.opened[last].trace, x.opened[i].trace)
}

func sameTrace(a, b *engine.Trace) bool {
	one, err1 := json.Marshal(a)
	other, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(one, other)
}

// turn tells the turn that row i caused, or stands for.
func (x *explaining) turn(i int) {
	m, t := x.rows[i], x.opened[i].trace
	e := x.newTurn(i)
	e.Set, e.From, e.To, e.Stage = t.Set, t.From, t.To, t.Stage
	e.Live = t.Set != "" && t.Set == x.out.LiveSet
	e.Event = x.event(i)
	set := x.set(t.Set)
	if set == nil {
		e.Missing = append(e.Missing, fmt.Sprintf("the files of set %s are gone: places are told as flow.state:line, and options are not compared again", short(t.Set)))
	}
	if t.Error != "" {
		e.Error = &ExplainedError{Error: x.mask.text(t.Error), At: fileAt(set, t.ErrorAt)}
	}
	x.steps(e, set, t)
	said := ""
	if m.Dir == storage.DirIn {
		said = x.opened[i].body.Text
	}
	x.stages(e, set, t, said)
	if m.Dir == storage.DirOut {
		x.byCause[m.CauseSeq] = len(x.out.Turns) - 1 // of a timer or a result: its other messages name the same cause
	}
}

// newTurn begins the next turn with what stands in clear on its row.
func (x *explaining) newTurn(i int) *ExplainedTurn {
	m := x.rows[i]
	x.out.Turns = append(x.out.Turns, ExplainedTurn{
		Turn: len(x.out.Turns) + 1, Seq: m.Seq, At: time.UnixMilli(m.At).UTC(), Kind: KindWord(m.Kind), Revision: hex.EncodeToString(m.Revision),
		Stages: []ExplainedStage{}, Conditions: []ExplainedCondition{}, Edges: []ExplainedEdge{}, Effects: []ExplainedEffect{},
	})
	x.byCause[m.Seq], x.byCause[-1] = len(x.out.Turns)-1, i
	return &x.out.Turns[len(x.out.Turns)-1]
}

// sealed tells what is left of a row whose words are gone.
func (x *explaining) sealed(i int) {
	m := x.rows[i]
	x.purged = x.purged || x.reader != nil
	if m.Dir != storage.DirIn || m.Author != storage.AuthorCustomer {
		return
	}
	e := x.newTurn(i)
	e.Event.Kind = rowEvent(m)
	e.Missing = append(e.Missing, "words, conditions and scores are gone; what was said is told by its rule")
}

func rowEvent(m storage.Message) string {
	switch m.Kind {
	case storage.MsgTap, storage.MsgMedia, storage.MsgForm, storage.MsgMention:
		return KindWord(m.Kind)
	case storage.MsgEvent:
		return engine.EvStart
	}
	return engine.EvMessage
}

// finish says once what many turns lack.
func (x *explaining) finish() {
	x.out.TurnCount = len(x.out.Turns)
	if x.purged {
		x.note("Messages of this conversation are past their retention: their words, conditions and scores are deleted.")
	}
	var gone []string
	for id, s := range x.sets {
		if s.project == nil {
			gone = append(gone, fmt.Sprintf("%s (%d of %d turns)", short(id), s.turns, x.out.TurnCount))
		}
	}
	slices.Sort(gone)
	if len(gone) > 0 {
		x.note("The files of these sets are gone, or compile no more: " + strings.Join(gone, ", ") + ".")
	}
	if slices.ContainsFunc(x.opened, func(r explainedRow) bool { return r.bad }) {
		x.note("Some rows do not open with this person's key.")
	}
	if x.out.TurnCount == 0 && len(x.out.Notes) == 0 {
		x.note("The assistant has decided nothing here.")
	}
}

// fileAt is where a rule stands that is named as flow.state:line.
func fileAt(set *engine.Set, rule string) string {
	where, line, ok := strings.Cut(rule, ":")
	flow, _, dotted := strings.Cut(where, ".")
	if set == nil || !ok || !dotted || set.Flows[flow] == nil || set.Flows[flow].At.File == "" {
		return rule
	}
	return set.Flows[flow].At.File + ":" + line
}
