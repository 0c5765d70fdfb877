package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dispatcher/dm"
	"dispatcher/storage"
)

// explainsAll explains whatever a test of this package has stored: every kind
// of conversation there is passes here. Each message of the bot belongs to one
// turn, and who writes is named nowhere.
func (r *rig) explainsAll() {
	r.t.Helper()
	page, err := r.db.List(context.Background(), storage.ListQuery{View: "all", N: 50})
	if err != nil {
		return // a store that a test has broken
	}
	for _, item := range page.Items {
		e, err := r.Explain(context.Background(), item.Conv.UID)
		if err != nil {
			r.t.Errorf("explain: %v", err)
			continue
		}
		rows, err := r.allRows(context.Background(), item.Conv.ID)
		if err != nil {
			r.t.Errorf("explain: %v", err)
			continue
		}
		said, told := 0, 0
		for _, m := range rows {
			if m.Dir == storage.DirOut && m.Author == storage.AuthorBot && m.CauseSeq > 0 && m.Body != nil {
				said++
			}
		}
		for i, t := range e.Turns {
			if t.Turn != i+1 {
				r.t.Errorf("turn %d is number %d", i+1, t.Turn)
			}
			for _, f := range t.Effects {
				if f.Kind == "say" {
					told++
				}
			}
		}
		if told < said && len(e.Turns) > 0 {
			r.t.Errorf("%d of %d messages of the bot are explained in %+v", told, said, e)
		}
		out, err := json.Marshal(e)
		if err != nil || adaInIt.Match(out) {
			r.t.Errorf("%v: the person's name is told: %s", err, out)
		}
	}
}

// adaInIt finds the name of whoever writes in tests.
var adaInIt = regexp.MustCompile(`\bAda\b`)

// explained is the explanation of a thread's conversation.
func (r *rig) explained(thread string) *Explanation {
	r.t.Helper()
	e, err := r.Explain(r.t.Context(), r.view(thread).Snap.Conv.UID)
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

const explainFlow = `flow: welcome
slots:
  topic: {type: choice, values: [order, return, other]}
  order_number: {type: text, find: '\b[a-z]{2} ?\d{6}\b', clean: [upper, remove_spaces], pattern: '[A-Z]{2}\d{6}', called: [order number]}
  postcode: {type: text, clean: [upper], pattern: '[A-Z0-9 ]{5,8}', pii: true, keep: 30d}
states:
  start:
    say: "Hello {{ contact.first_name }}."
    ask: What is it about?
    options:
      - {id: order, label: Where is it?, match: [parcel, tracking], goto: number}
      - {id: return, label: Send back, match: [refund], goto: number}
      - {id: other, label: Another thing, goto: person}
    save: topic
    match:
      first:
        - if: message.text matches "^ticket"
          choose: order
    help: It decides who answers.
    no_reply:
      - {after: 10m, say: Still there?}
  number:
    collect: {order_number: Which number?}
    goto: postcode
  postcode:
    collect: {slot: postcode, ask: Which postcode?}
    goto: sort
  sort:
    tag: sorted
    branch:
      - if: slots.topic == "return" or slots.postcode == "nowhere"
        goto: start
      - if: slots.order_number == "AB000001" and open("general")
        goto: start
      - else: person
  person:
    handoff: orders
    returns: start
`

// stageOf is the stage that decided a turn, and what it chose.
func stageOf(t ExplainedTurn) (stage, option string) {
	for _, s := range t.Stages {
		if s.Decided {
			return s.Stage, s.Option
		}
	}
	return "", ""
}

// TestExplainTellsTheStageOfEveryTurn: each way of understanding a message is
// named with what it chose, by what, and where that is written.
func TestExplainTellsTheStageOfEveryTurn(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, explainFlow)
	for _, c := range []struct {
		says, stage, option, tried string
		at                         string
	}{
		{"2", "exact", "return", "", "flows/welcome.yaml:12"},
		{"agent", "everywhere", "", "exact", ""},
		{"ticket 77", "first", "order", "exact everywhere", "flows/welcome.yaml:11"},
		{"why do you ask", "side", "", "exact everywhere first", ""},
		{"my parcel", "words", "order", "exact everywhere first side correction", "flows/welcome.yaml:11"},
		{"trackin", "fuzzy", "order", "exact everywhere first side correction words", "flows/welcome.yaml:11"},
		{"bananas", "none", "", "exact everywhere first side correction words fuzzy", ""},
	} {
		r.accept(text(c.says, "hi"))
		r.want("Hello Ada.", "What is it about?")
		r.accept(text(c.says, c.says))
		r.next()
		turn := r.explained(c.says).Turns[1]
		stage, option := stageOf(turn)
		last := turn.Stages[len(turn.Stages)-1]
		var tried []string
		for _, s := range turn.Stages[:len(turn.Stages)-1] {
			tried = append(tried, s.Stage)
		}
		if stage != c.stage || option != c.option || strings.Join(tried, " ") != c.tried || c.at != "" && last.At != c.at || turn.Event.Text != c.says {
			t.Errorf("%q: %s %q after %v at %s: %+v", c.says, stage, option, tried, last.At, turn)
		}
		if (stage == "fuzzy" || stage == "words") && (last.Score == 0 || last.By == "" || len(last.Candidates) != 1) {
			t.Errorf("%q: no score: %+v", c.says, last)
		}
	}
	near := r.explained("trackin").Turns[1]
	if c := near.Stages[len(near.Stages)-1].Candidates[0]; c.Option != "order" || c.Score < 0.8 || c.By != "tracking" || c.At != "flows/welcome.yaml:11" {
		t.Errorf("candidate %+v", c)
	}
}

// TestExplainTellsAWholeConversation: conditions with what they read, edges,
// effects and places; a tap, an invalid answer, a correction, a handoff, and
// what people did.
func TestExplainTellsAWholeConversation(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, explainFlow)
	r.accept(text("ann", "hi"))
	r.next()
	menu := r.next()
	r.accept(tapOn("ann", menu.Options[0]))
	r.want("Which number?")
	r.accept(text("ann", "AB 123456"))
	r.want("Which postcode?")
	r.accept(text("ann", "sorry, wrong order number, it is AB654321"))
	r.want("Which postcode?")
	r.accept(text("ann", "SW1A 1AA"))
	r.next()
	r.accept(text("ann", "are you there, SW1A1AA?"))
	e := r.explained("ann")
	if len(e.Turns) < 5 || e.TurnCount != len(e.Turns) || e.Owner != "queue" || e.OwnerID != "orders" || e.Channel != "fake" || len(e.Notes) != 0 {
		t.Fatalf("%+v", e)
	}
	if s, o := stageOf(e.Turns[1]); s != "tap" || o != "order" || e.Turns[1].Event.Kind != "tap" || e.Turns[1].Event.Option != "order" {
		t.Errorf("tap: %+v", e.Turns[1])
	}
	if s, _ := stageOf(e.Turns[3]); s != "correction" || e.Turns[3].Edges[0].Edge != "correct:order_number" {
		t.Errorf("correction: %+v", e.Turns[3])
	}
	last := e.Turns[4]
	if last.From != "welcome.postcode" || last.To != "welcome.person" || !last.Live || last.Event.Text != "SW•• •AA" {
		t.Errorf("last %+v", last)
	}
	wantConditions := []ExplainedCondition{
		{`slots.topic == "return" or slots.postcode == "nowhere"`, "false", []ExplainedValue{{"slots.topic", `"order"`}, {"slots.postcode", `"SW••••AA"`}}, "flows/welcome.yaml:31"},
		{`slots.order_number == "AB000001" and open("general")`, "false", []ExplainedValue{{"slots.order_number", `"AB654321"`}}, "flows/welcome.yaml:33"},
	}
	if got, want := mustJSON(t, last.Conditions), mustJSON(t, wantConditions); got != want {
		t.Errorf("conditions\n%s, want\n%s", got, want)
	}
	var edges []string
	for _, x := range last.Edges {
		edges = append(edges, x.State+" "+x.Edge+" "+x.At)
	}
	if got := strings.Join(edges, "|"); got != "welcome.postcode collected flows/welcome.yaml:27|welcome.sort branch:else flows/welcome.yaml:35|welcome.person handoff flows/welcome.yaml:37" {
		t.Errorf("edges %s", got)
	}
	var effects []string
	for _, x := range last.Effects {
		effects = append(effects, x.Kind+" "+x.Name+" "+x.Value+" "+x.At)
	}
	if got := strings.Join(effects, "|"); got != `slot postcode "SW••••AA" flows/welcome.yaml:25|tag sorted added flows/welcome.yaml:28|notice   flows/welcome.yaml:36|handoff orders  flows/welcome.yaml:37` {
		t.Errorf("effects %s", got)
	}
	if n := len(e.Turns); n > 5 || len(last.Later) > 0 {
		all := mustJSON(t, e)
		if !strings.Contains(all, "are you there, SW") || strings.Contains(all, "1A1AA") {
			t.Errorf("what came later: %s", all)
		}
	} else {
		t.Errorf("what came later is not told: %+v", last)
	}
}

// TestExplainTellsSilenceAndPeople: a timer, a person who takes over, answers
// and gives back.
func TestExplainTellsSilenceAndPeople(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	now := newClock(midday)
	r := startRig(t, dir, v, explainFlow, withClock(now), withProject(shopProject+"idle_close: 10h\n"))
	r.accept(text("ann", "hi"))
	r.want("Hello Ada.", "What is it about?")
	r.later(now, "ann", 10*time.Minute+time.Second)
	r.alarm.ring()
	r.want("Still there?")
	r.later(now, "ann", 10*time.Hour)
	r.alarm.ring()
	r.until("closed", func() bool { return r.view("ann").Snap.Conv.Status == storage.Resolved })
	e := r.explained("ann")
	if len(e.Turns) != 3 || e.Status != "resolved" {
		t.Fatalf("%+v", e)
	}
	nudge, idle := e.Turns[1], e.Turns[2]
	if nudge.Event.Kind != "timer" || len(nudge.Edges) != 1 || nudge.Edges[0].Edge != "no_reply:1" || nudge.Effects[0].Text != "Still there?" {
		t.Errorf("nudge %+v", nudge)
	}
	if idle.Event.Kind != "timer" || idle.Edges[0].Edge != "idle" || idle.Effects[len(idle.Effects)-1].Kind != "resolve" || idle.Effects[len(idle.Effects)-1].Reason != "idle" {
		t.Errorf("idle %+v", idle)
	}

	acct, _ := r.Account("fake")
	r.accept(text("bob", "hi"))
	r.want("Hello Ada.", "What is it about?")
	r.accept(text("bob", "agent"))
	r.next()
	if _, err := r.Do(t.Context(), r.AddressKey(acct, "bob"), func(v *View) (*Draft, error) {
		d := v.Draft()
		return d, d.Fire(Shift{Edge: EdgeClaim, By: "bo", ByName: "Bo", OwnerID: "bo"})
	}); err != nil {
		t.Fatal(err)
	}
	r.accept(text("bob", "my mail is bob@shop.example, phone +44 20 7946 0958"))
	e = r.explained("bob")
	if e.Owner != "agent" || len(e.Turns) != 2 {
		t.Fatalf("%+v", e)
	}
	later := mustJSON(t, e.Turns[1].Later)
	if !strings.Contains(later, `"claim"`) || !strings.Contains(later, "my mail is bo") || strings.Contains(later, "shop.example") || strings.Contains(later, "7946") {
		t.Errorf("later %s", later)
	}
}

// TestExplainTellsALookUp: what was asked and what came back, without its values.
func TestExplainTellsALookUp(t *testing.T) {
	t.Parallel()
	api := newShopAPI(t, func(int, asked) (int, string) { return 404, "" })
	dir, v := newFolder(t)
	r := startRig(t, dir, v, orderFlow, api.project(""), withSecret("Bearer s3cret"))
	r.accept(text("ann", "hi"))
	r.want("Which order?")
	r.accept(text("ann", "12345"))
	r.want("No such order.")
	e := r.explained("ann")
	asked, came := e.Turns[1], e.Turns[2]
	i := slices.IndexFunc(asked.Effects, func(f ExplainedEffect) bool { return f.Kind == "lookup" })
	if i < 0 || asked.Effects[i].Name != "order" || asked.Effects[i].How != "get shop" || asked.Effects[i].At == "" {
		t.Errorf("asked %+v", asked.Effects)
	}
	if came.Event.Kind != "lookup" || len(came.Edges) == 0 || came.Edges[0].Edge != "http:404" || came.To == "" {
		t.Errorf("came %+v", came)
	}
	if strings.Contains(mustJSON(t, e), "s3cret") {
		t.Error("a secret of the service is told")
	}
}

const personalFlow = `flow: welcome
slots:
  name: {type: text, pii: true, keep: 30d}
  mail: {type: text, pattern: "[^@ ]+@[^@ ]+", find: "[a-z.]+@[a-z.]+", pii: true, keep: 30d, called: [mail]}
  card: {type: text, secret: true, pattern: "[0-9]{4}", example: "4242", keep: 30d}
  born: {type: date, pii: true, keep: 30d}
  city: {type: text}
states:
  start:
    collect: {name: Your name?}
    goto: mail
  mail:
    collect: {slot: mail, ask: "Your mail, {{ slots.name }}?", invalid: "“{{ message.text }}” is no address."}
    goto: card
  card:
    collect: {slot: card, ask: "I have {{ slots.mail }}. Card?"}
    goto: born
  born:
    collect: {slot: born, ask: "Born?"}
    goto: city
  city:
    collect: {slot: city, ask: "You are {{ slots.name }}, {{ slots.mail }}, {{ slots.born | date() }}. City?"}
    goto: sort
  sort:
    branch:
      - if: slots.name == "x" or slots.mail == "y" or slots.card == "z" or slots.born == nil or contact.name == "q" or days_since(slots.born) < 3
        goto: start
      - if: message.text == "Leeds"
        goto: done
      - else: done
  done:
    say: "Bye {{ contact.name }}, {{ slots.name }}."
    tag: "of {{ slots.name }}"
    handoff: orders
`

// TestExplainHidesWhatIsPersonal: no value of a personal or secret slot, no
// name and no address is in the record, however and wherever it was said; what
// is not personal is.
func TestExplainHidesWhatIsPersonal(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, personalFlow)
	say := func(words string) {
		in := text("ann", words)
		in.Sender = dm.Party{ID: "ann", Name: "Zarathustra Quill", Handle: "zquill"}
		r.accept(in)
		r.next()
	}
	say("hi")
	say("Wilhelmina Pfefferkorn")
	say("wilhelmina.pfefferkorn(at)shop.example")
	say("wp@shop.example")
	say("sorry, wrong mail, it is w.pfeffer@home.example")
	say("42420")
	say("4242")
	say("3 May 1987")
	say("Leeds")
	e := r.explained("ann")
	out := mustJSON(t, e)
	for _, word := range []string{"Wilhelmina", "Pfefferkorn", "pfeffer", "wp@shop", "shop.example", "home.example", "4242", "1987", "May", "Zarathustra", "Quill", "zquill"} {
		if strings.Contains(strings.ToLower(out), strings.ToLower(word)) {
			t.Errorf("%q is told in %s", word, out)
		}
	}
	for _, word := range []string{"Leeds", "Your mail, Wi", `"name":"slots.name"`, `"name":"message.text","value":"“Leeds”"`} {
		if !strings.Contains(out, word) {
			t.Errorf("%q is not told in %s", word, out)
		}
	}
	if !strings.Contains(out, "correct:mail") {
		t.Errorf("nothing was corrected: %s", out)
	}
}

// TestExplainSaysWhatIsMissing: files of a set that are gone, words past their
// retention, and a key that does not open leave gaps that are named; the rest
// is told.
func TestExplainSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	now := newClock(midday)
	r := startRig(t, dir, v, explainFlow, withClock(now))
	r.accept(text("ann", "hi"))
	r.want("Hello Ada.", "What is it about?")
	r.accept(text("ann", "stop"))
	r.next()
	uid := r.view("ann").Snap.Conv.UID
	first := r.Live().SetID
	if err := r.SetLive(t.Context(), loadShop(t, shopFlow)); err != nil {
		t.Fatal(err)
	}
	tell := func() *Explanation {
		t.Helper()
		e, err := r.Explain(t.Context(), uid)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if e := tell(); e.Turns[0].Live || e.Turns[0].Set != first || len(e.Notes) != 0 || e.Turns[0].Effects[0].At != "flows/welcome.yaml:7" {
		t.Errorf("not live any more: %+v", e)
	}

	if err := r.db.Put(t.Context(), []storage.Record{{Kind: storage.KindRevision, ID: setIDBytes(first), Delete: true}}, nil); err != nil {
		t.Fatal(err)
	}
	r.sets.held = nil
	e := tell()
	if len(e.Notes) != 1 || !strings.Contains(e.Notes[0], first[:8]) || len(e.Turns) != 2 || !strings.Contains(e.Turns[0].Missing[0], "are gone") || e.Turns[0].Effects[0].At != "welcome.start:7" {
		t.Errorf("without the files: %+v", e)
	}
	if s, _ := stageOf(e.Turns[1]); s != "everywhere" {
		t.Errorf("without the files: %+v", e.Turns[1])
	}

	now.add(200 * 24 * time.Hour)
	if _, err := r.db.Purge(t.Context(), storage.Retention{Messages: now.now().UnixMilli(), Now: now.now().UnixMilli()}, time.Minute); err != nil {
		t.Fatal(err)
	}
	e = tell()
	if len(e.Notes) == 0 || !strings.Contains(e.Notes[0], "retention") || len(e.Turns) != 2 || len(e.Turns[0].Effects) != 2 || e.Turns[0].Effects[0].Rule != "welcome.start:7" {
		t.Errorf("past retention: %+v", e)
	}
}

// TestExplainWithoutTheKeyTellsWhatIsInClear: who has another key learns when
// what was said by which rule, and no word.
func TestExplainWithoutTheKeyTellsWhatIsInClear(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, explainFlow)
	r.accept(text("ann", "hi"))
	r.want("Hello Ada.", "What is it about?")
	r.accept(text("ann", "agent"))
	r.next()
	_, other := newFolder(t)
	blind, err := New(Config{Store: r.db, Vault: other})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = blind.Stop(context.Background()) })
	e, err := blind.Explain(t.Context(), r.view("ann").Snap.Conv.UID)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Notes) != 1 || !strings.Contains(e.Notes[0], "key") || len(e.Turns) != 2 || e.Turns[0].Effects[1].Rule != "welcome.start:7" || len(e.Turns[1].Missing) != 1 {
		t.Errorf("%+v", e)
	}
	if out := mustJSON(t, e); strings.Contains(out, "Hello") || strings.Contains(out, `"hi"`) {
		t.Errorf("words without a key: %s", out)
	}
	if _, err := blind.Explain(t.Context(), storage.UID{1}); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("nobody's: %v", err)
	}
}
