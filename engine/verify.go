package engine

import (
	"strings"
	"time"
	"unicode"

	"dispatcher/dm"
)

// Edges of a verification.
const (
	edgeVerified      = "verify:ok"
	edgeUnverified    = "verify:failed"
	edgeVerifyExpired = "verify:expired"
)

// verifyTries is how many failures end a verification where the flow does not
// say.
const verifyTries = 3

// startVerify begins a verification: the service sends a code, or the link in
// the question is waited for.
func (t *turn) startVerify(v *Verify, id string) {
	q := t.st.Question
	until := t.now.Add(orDefault(v.Expires, verifyExpires))
	q.ID, q.Expires = id, until.UnixMilli()
	slots := make(map[string]any, len(v.Send))
	for _, name := range v.Send {
		slots[name] = t.plain(t.slot(name))
	}
	t.out = append(t.out,
		StartVerify{ID: id, By: v.By, Service: v.Service, Slots: slots, Expires: until},
		SetTimer{Name: timerVerify, At: until})
}

// verifying understands a message while a verification is open. A typed code
// goes to the service and nowhere else: nothing is looked for in a message
// that holds one, and no trace names it.
func (t *turn) verifying(st *StateDef) {
	t.trace.Stage = "everywhere"
	if t.everywhereStage() {
		return
	}
	t.trace.Stage = "side"
	if t.sideStage(st) {
		return
	}
	t.trace.Stage = "correction"
	if t.correctionStage(st) {
		return
	}
	if code := t.code(); code != "" && st.Verify.By == VerifyCode {
		t.trace.Stage = "value"
		t.checkCode(st, code)
		return
	}
	t.fillAhead()
	t.trace.Stage = "none"
	t.current = &t.joined
	t.none(st)
}

// code is what a message holds of a code: the newest part of a burst first.
func (t *turn) code() string {
	for i := range t.parts {
		if code := codeIn(t.parts[i].raw); code != "" {
			return code
		}
	}
	return codeIn(t.joined.raw)
}

// Lengths of a code.
const (
	minCode = 4
	maxCode = 12
)

// codeIn finds a code: the whole message, spaces and hyphens taken out, when its
// words are digits and capitals alone; else the one word of a sentence that has
// a digit in it.
func codeIn(text string) string {
	words := strings.Fields(nfkc(text))
	whole := joined(words)
	if isCode(whole) && whole == strings.ToUpper(whole) && (hasDigit(whole) || len(words) == 1) {
		return whole
	}
	code := ""
	for _, w := range words {
		w = joined([]string{trimmed(w)})
		if !isCode(w) || !hasDigit(w) {
			continue
		}
		if code != "" && code != w {
			return ""
		}
		code = w
	}
	return code
}

// joined is words without what people group the characters of a code with.
func joined(words []string) string {
	return strings.ReplaceAll(asciiDigits(strings.Join(words, "")), "-", "")
}

func isCode(s string) bool {
	n := runeLen(s)
	return n >= minCode && n <= maxCode && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) < 0
}

func (v *Verify) tries() int {
	if v.MaxTries > 0 {
		return v.MaxTries
	}
	return verifyTries
}

// checkCode asks the service. Codes beyond the last try are not looked at
// while the answer to an earlier one is on its way.
func (t *turn) checkCode(st *StateDef, code string) {
	q := t.st.Question
	t.over = true
	if q.Reads+q.Misses >= st.Verify.tries() {
		return
	}
	q.Reads++
	t.out = append(t.out, CheckVerify{ID: q.ID, Service: st.Verify.Service, Code: code})
	t.note(TraceStep{What: "verify", State: st.full, Value: "check", At: st.place})
}

// verified is the outcome of a verification. One that is not open any more is
// recorded and ignored.
func (t *turn) verified() {
	r := t.ev.Verify
	if r == nil {
		return
	}
	q, flow, name := t.st.page(func(q *Question) bool { return q.Kind == kindVerify && q.ID == r.ID })
	switch {
	case q == nil || r.ID == "":
		t.late("verify")
		return
	case q != t.st.Question || t.st.Owner != dm.OwnerBot:
		t.verifiedAside(t.askedAt(q, flow, name), r)
		return
	case !t.place():
		return
	}
	st := t.state()
	if st.Verify == nil { // an edit made another question of it
		t.repeat(st)
		return
	}
	t.note(TraceStep{What: "verify", State: st.full, Value: r.Outcome, At: st.place})
	switch r.Outcome {
	case VerifyOK:
		t.proven(st)
	case VerifyExpired:
		t.unverified(st, edgeVerifyExpired)
	default:
		t.failedTry(st)
	}
}

// prove is the only way by which a flow makes a contact verified.
func (t *turn) prove(v *Verify) {
	t.proved = v.By
	t.out = append(t.out,
		SetContact{VerifiedBy: v.By, VerifiedUntil: t.now.Add(orDefault(v.Keep, verifyKeep))},
		CancelTimers{Prefix: timerVerify})
}

// proven goes on after a verification.
func (t *turn) proven(st *StateDef) {
	t.prove(st.Verify)
	t.reply = answered{q: t.st.Question.Number}
	t.st.Question, t.shown = nil, nil
	t.leave(st, edgeVerified)
}

// failedTry is one wrong code, or a link that failed.
func (t *turn) failedTry(st *StateDef) {
	q := t.st.Question
	t.attempt(st, "invalid")
	if q.Tries++; q.Tries >= st.Verify.tries() {
		t.unverified(st, edgeUnverified)
		return
	}
	t.sayWithButtons(st, t.sentence("invalid"), 2)
	t.waits = true
}

// unverified leaves a verification that came to nothing.
func (t *turn) unverified(st *StateDef, edge string) {
	t.out = append(t.out, CancelTimers{Prefix: timerVerify})
	if t.cause == "" {
		t.cause = dm.CauseVerifyFailed
	}
	x := st.Verify.Failed
	if x == nil {
		t.personExit(edge, dm.CauseVerifyFailed)
		return
	}
	t.hang()
	t.reply = answered{q: t.st.Question.Number}
	t.st.Question, t.shown = nil, nil
	t.followAs(x, st.full, chooser{edge, edge})
}

// verifyDue is the end of a verification's time.
func (t *turn) verifyDue() {
	q := t.st.Question
	if q == nil || q.Kind != kindVerify || !t.place() {
		return
	}
	st := t.state()
	if st.Verify == nil {
		return
	}
	if at := time.UnixMilli(q.Expires); t.now.Before(at) {
		t.out = append(t.out, SetTimer{Name: timerVerify, At: at})
		return
	}
	t.unverified(st, edgeVerifyExpired)
}

// besideThePage is a message that fits nothing while a page is open, or a code
// is waited for: the question is said again, a few times.
func (t *turn) besideThePage(st *StateDef) {
	q := t.st.Question
	if st.Verify != nil && st.Verify.By == VerifyCode {
		q.Misses++
		t.failedTry(st)
		return
	}
	t.attempt(st, "no_match")
	q.Misses++
	switch {
	case q.Misses < verifyTries:
		lead := ""
		if len(t.buttons(st)) > 0 {
			lead = t.sentence("no_match_1")
		}
		t.openPage(st)
		t.sayQuestion(st, lead)
		t.over = true
	case st.Verify != nil:
		t.unverified(st, edgeUnverified)
	default:
		t.personExit("no_match", dm.CauseNoMatch)
	}
}
