package inbox

import (
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
