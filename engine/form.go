package engine

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatcher/dm"
)

// Ways out of a form without its page.
const (
	fallbackChat = "chat"
	fallbackNone = "none"
)

// Edges of a form.
const (
	edgeSubmitted = "form:submitted"
	edgeFallback  = "form:fallback"
	edgeExpired   = "form:expired"
)

// How long a page is open where the flow does not say.
const (
	formExpires   = 30 * time.Minute
	verifyExpires = 10 * time.Minute
	verifyKeep    = 30 * time.Minute
)

func orDefault(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// answeredAlready says that a state's question has its answer: every field of
// a form is known, or who writes is verified.
func (t *turn) answeredAlready(st *StateDef) bool {
	switch {
	case st.Collect != nil:
		if st.Collect.Always || !t.known(st.Collect.Slot) {
			return false
		}
		t.reply.slot = st.Collect.Slot
		return true
	case st.Form != nil:
		return !slices.ContainsFunc(st.Form.Fields, func(f FormField) bool { return !t.known(f.Slot) })
	case st.Verify != nil:
		return t.ev.World.Contact.Verified || t.proved != ""
	}
	return false
}

// openPage opens the page of a form or begins a verification: at its question,
// and again when that question is repeated after the time is over.
func (t *turn) openPage(st *StateDef) {
	q := t.st.Question
	if st.Form == nil && st.Verify == nil || q.ID != "" && t.now.UnixMilli() < q.Expires {
		return
	}
	if q.ID != "" {
		t.st.Visit++
	}
	n := strconv.FormatInt(t.st.Visit, 10)
	if st.Verify != nil {
		t.startVerify(st.Verify, "v"+n)
		return
	}
	q.Fields = nil
	for _, f := range st.Form.Fields {
		if !t.known(f.Slot) {
			q.Fields = append(q.Fields, f.Slot)
		}
	}
	until := t.now.Add(orDefault(st.Form.Expires, formExpires))
	q.ID, q.Expires = "f"+n, until.UnixMilli()
	t.out = append(t.out, OpenForm{ID: q.ID, Expires: until}, SetTimer{Name: timerForm, At: until})
}

// pageless says that a form has no page here, because nobody outside can reach
// the service: it takes its fallback at once.
func (t *turn) pageless(st *StateDef) bool {
	w := &t.ev.World
	return st.Form != nil && w.FormURL != nil && w.FormURL("f0") == ""
}

// pageURL is form.url or verify.url, only while their question is open.
func (t *turn) pageURL(root string) any {
	w, q, st := &t.ev.World, t.st.Question, t.state()
	if q == nil || q.ID == "" || st == nil {
		return nil
	}
	switch {
	case root == "form" && st.Form != nil && w.FormURL != nil:
		return w.FormURL(q.ID)
	case root == "verify" && st.Verify != nil && w.VerifyURL != nil:
		return w.VerifyURL(st.Verify.Service, q.ID)
	}
	return ""
}

// typedFields takes values of fields that were typed, or sent as files, beside
// the link: the form goes on in the chat.
func (t *turn) typedFields(st *StateDef) bool {
	got := false
	for i := range st.Form.Fields {
		name := st.Form.Fields[i].Slot
		if slices.Contains(t.trace.Found, name) {
			got = true
			continue
		}
		sl := t.slotDef(name)
		if sl == nil || t.known(name) {
			continue
		}
		if v, ok := t.typedField(sl); ok && t.roomFor(name, v.Value) {
			t.setSlot(name, v)
			got = true
		}
	}
	if got {
		t.fallback(st, "")
	}
	return got
}

func (t *turn) typedField(sl *Slot) (SlotValue, bool) {
	if sl.Type == SlotMedia {
		v, ok := attachments(t.ev.Media, mediaOfForm)
		return SlotValue{Value: v, Raw: t.joined.raw, How: "asked"}, ok
	}
	if !sl.telling() {
		return SlotValue{}, false
	}
	var v SlotValue
	ok := t.each(func(m *spoken) bool {
		found := t.findValues(sl, m.raw, true)
		if len(found) == 1 {
			v = found[0]
		}
		return len(found) == 1
	})
	return v, ok
}

// telling says that a value of the slot is told from other words: any sentence
// is a text, and "ok" is no answer to a yes or no nobody asked.
func (sl *Slot) telling() bool {
	switch sl.Type {
	case SlotNumber, SlotDate, SlotChoice:
		return true
	}
	return sl.find != nil || sl.pattern != nil
}

// fallback is what a form does without its page: its fields one by one in the
// chat, the way out it names, or a person. opt is the button that asked for it.
func (t *turn) fallback(st *StateDef, opt string) {
	f, q := st.Form, t.st.Question
	t.reply = answered{q: q.Number, opt: opt}
	t.out = append(t.out, CancelTimers{Prefix: timerForm})
	t.shown = nil
	switch {
	case f.FallbackExit != nil:
		t.st.Question = nil
		t.follow(f.FallbackExit, st.full)
	case f.Fallback == fallbackNone && t.emptyField(st) != nil:
		t.personExit(edgeFallback, dm.CauseGaveUp)
	default:
		if f.Fallback != fallbackNone {
			t.fire(st.full, edgeFallback, edgeFallback, st.place)
		}
		t.nextField(st, q)
	}
}

// emptyField is the first required field that is not known, nil when all are.
func (t *turn) emptyField(st *StateDef) *StateDef {
	for i := range st.Form.Fields {
		if f := &st.Form.Fields[i]; !f.Optional && !t.known(f.Slot) {
			return st.fields[f.Slot]
		}
	}
	return nil
}

// nextField asks for the next required field that is still empty; after the
// last the form is answered.
func (t *turn) nextField(st *StateDef, q *Question) {
	t.shown = nil
	field := t.emptyField(st)
	if field == nil {
		t.st.Question = nil
		t.leave(st, "collected")
		return
	}
	t.st.Visit++
	t.st.Question = &Question{
		Number: t.st.Visit, Kind: kindCollect, Field: field.Collect.Slot, Hash: field.hash,
		Asked: t.now.UnixMilli(), ID: q.ID, Expires: q.Expires, Fields: q.Fields,
	}
	t.sayQuestion(field, "")
	t.over, t.waits = true, true
}

// fieldDone goes on after a field that was asked in the chat.
func (t *turn) fieldDone(q *Question) {
	t.st.Question, t.shown = nil, nil
	st := t.state()
	if st == nil || st.Form == nil {
		t.vanished()
		return
	}
	t.fire(st.full, edgeField, "collected", st.place)
	t.nextField(st, q)
}

// edgeField is the key of the edge of a field that was asked in the chat: back
// to the same state.
const edgeField = "form:field"

// formDue is the end of a form's time.
func (t *turn) formDue() {
	q := t.st.Question
	if q == nil || q.Kind != kindForm || !t.place() {
		return
	}
	st := t.state()
	if st.Form == nil {
		return
	}
	if at := time.UnixMilli(q.Expires); t.now.Before(at) {
		t.out = append(t.out, SetTimer{Name: timerForm, At: at})
		return
	}
	t.formExpired(st)
}

// formExpired says so; then the form goes on without its page.
func (t *turn) formExpired(st *StateDef) {
	t.fire(st.full, edgeExpired, edgeExpired, st.place)
	t.emit(Say{Text: t.sentence("form_expired"), Priority: 2, Rule: st.where})
	t.fallback(st, "")
}

// submitted is the page of the open form, sent: all of it is stored, or none
// of it and what is wrong is said there.
func (t *turn) submitted() {
	r := t.ev.Form
	if r == nil {
		return
	}
	q, flow, name := t.st.page(func(q *Question) bool { return q.ofForm() && q.ID == r.ID })
	switch {
	case q == nil:
		t.late("form")
		return
	case q != t.st.Question || t.st.Owner != dm.OwnerBot:
		t.submittedAside(t.askedAt(q, flow, name), r)
		return
	case !t.place():
		return
	}
	st := t.written()
	if st.Form == nil { // an edit made another question of it
		t.repeat(st)
		return
	}
	if t.now.UnixMilli() >= q.Expires && q.Kind == kindForm {
		t.formExpired(st)
		return
	}
	if !t.storeForm(st, r.Values) {
		t.over = true
		return
	}
	t.out = append(t.out, CancelTimers{Prefix: timerForm})
	t.reply = answered{q: q.Number}
	t.st.Question, t.shown = nil, nil
	t.leave(st, edgeSubmitted)
}

// storeForm stores every field of a form, or none and says what is wrong.
func (t *turn) storeForm(st *StateDef, raw map[string]string) bool {
	values, wrong := t.readForm(st.Form, raw)
	if len(wrong) > 0 {
		t.note(TraceStep{What: "form", State: st.full, Value: "invalid"})
		t.out = append(t.out, FormErrors{Fields: wrong})
		return false
	}
	for i := range st.Form.Fields {
		name := st.Form.Fields[i].Slot
		if v, ok := values[name]; ok {
			v.State = st.full
			t.setSlot(name, v)
		}
	}
	return true
}

// readForm reads every field by its slot's rules: what is valid, and in words
// what is not. A field that is left empty keeps what is known.
func (t *turn) readForm(f *Form, raw map[string]string) (map[string]SlotValue, map[string]string) {
	values, wrong := map[string]SlotValue{}, map[string]string{}
	room := 0
	for i := range f.Fields {
		field := &f.Fields[i]
		text := raw[field.Slot]
		if strings.TrimSpace(text) == "" {
			if !field.Optional && !t.known(field.Slot) {
				wrong[field.Slot] = t.sentence("form_empty")
			}
			continue
		}
		v, ok := t.readEntry(field.Slot, text)
		if ok {
			room += valueSize(v)
			ok = t.roomFor(field.Slot, v) && room <= maxSlots
		}
		if !ok {
			wrong[field.Slot] = t.sentence("invalid")
			continue
		}
		values[field.Slot] = SlotValue{Value: v, Raw: text, How: "form"}
	}
	return values, wrong
}

// readEntry reads one field as typed; a media field holds the kinds of its
// files.
func (t *turn) readEntry(name, text string) (any, bool) {
	sl := t.slotDef(name)
	if sl == nil {
		sl = &Slot{Name: name, Type: SlotText}
	}
	if sl.Type == SlotMedia {
		return attachments(strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }), mediaOfForm)
	}
	return t.reader().value(sl, withoutNUL(text))
}
