package inbox

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"dispatcher/storage"
)

const secretFlow = `flow: welcome
slots:
  card: {type: text, secret: true, pattern: "[0-9]{4}", example: "4242", keep: 30d}
  city: {type: text}
states:
  start:
    collect: {slot: card, ask: "Which card?"}
    goto: where
  where:
    collect: {slot: city, ask: "Which city?"}
    goto: done
  done:
    handoff: orders
`

// TestASecretThatWasTypedIsReadByNobody: neither the value, nor one with a
// slip of the finger, nor what an edit makes of it; other words stay.
func TestASecretThatWasTypedIsReadByNobody(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, secretFlow)
	r.accept(text("ann", "hi"))
	r.want("Which card?")
	r.accept(text("ann", "42420"))
	r.next()
	r.accept(text("ann", "4242"))
	r.want("Which city?")
	r.accept(text("ann", "Leeds"))
	r.next()
	rows, words := r.rows("ann")
	var said []string
	for i, w := range words {
		if strings.Contains(w, "4242") {
			t.Errorf("row %d: %q", i, w)
		}
		if rows[i].Author == storage.AuthorCustomer {
			said = append(said, w)
		}
	}
	if got := strings.Join(said, "|"); got != "hi|"+hidden+"|"+hidden+"|Leeds" {
		t.Errorf("said %q", got)
	}
}

const secretChoice = `flow: welcome
slots:
  plan: {type: choice, values: {gold: Gold plan, iron: Iron plan}, secret: true, keep: 30d}
  city: {type: text}
states:
  start:
    collect: {slot: plan, ask: "Which plan?"}
    goto: where
  where:
    collect: {slot: city, ask: "Which city?"}
    goto: done
  done:
    handoff: orders
`

// TestASecretThatWasTappedIsReadByNobody: neither words that fit no button, nor
// the button, nor what the trace understood.
func TestASecretThatWasTappedIsReadByNobody(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, secretChoice)
	r.accept(text("ann", "hi"))
	q := r.want("Which plan?")
	r.accept(text("ann", "silver"))
	r.next()
	r.accept(tapOn("ann", q.Options[0]))
	r.want("Which city?")
	rows, words := r.rows("ann")
	view, read := r.view("ann"), 0
	for i, m := range rows {
		if m.Author != storage.AuthorCustomer || words[i] == "hi" {
			continue
		}
		read++
		body, err := view.Reader().Body(view.Snap.Conv.UID, m)
		if err != nil {
			t.Fatal(err)
		}
		all, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		trace, err := view.Reader().Trace(view.Snap.Conv.UID, m)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := json.Marshal(trace)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"silver", "gold", "Gold"} {
			if strings.Contains(string(all), word) || strings.Contains(string(kept), `"`+word) {
				t.Errorf("row %d: %s %s", i, all, kept)
			}
		}
	}
	if got := view.State.Slots["plan"].Value; read != 2 || got != "gold" {
		t.Errorf("%d rows read, plan %v", read, got)
	}
}

func TestAProbeThatWasNotMadeIsGivenBack(t *testing.T) {
	t.Parallel()
	var b breaker
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	for range breakAfter {
		b.heard(false, now)
	}
	if now = now.Add(breakFor); !b.allow(now) {
		t.Fatal("no probe")
	}
	b.release()
	if !b.allow(now) {
		t.Fatal("a probe that nobody made keeps everybody away")
	}
}
