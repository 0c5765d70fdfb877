//go:build browser

package browser

import (
	"strings"
	"testing"

	"dispatcher/internal/proof/kill"
)

// slowly says three things with a pause before each but the first.
const slowly = `flow: welcome
states:
  start:
    say: "Good day."
    goto: menu
  menu:
    ask: "What can we help you with?"
    options:
      - {id: story, label: A long story, goto: story}
      - {id: a, label: Nothing, goto: menu}
      - {id: b, label: Little, goto: menu}
      - {id: c, label: Less, goto: menu}
      - {id: d, label: Least, goto: menu}
    no_match:
      - say: "The assistant speaks again."
      - goto: person
  story:
    say:
      - "Part one of three."
      - delay: 3s
      - "Part two of three."
      - delay: 3s
      - "Part three of three."
    goto: menu
  person:
    handoff: {queue: general, say: "A person comes."}
`

// TestPromise_W4_SilentAfterTakeOver: what the assistant still had to say when
// a person took over is never said, and shown as such to the agent.
func TestPromise_W4_SilentAfterTakeOver(t *testing.T) {
	t.Parallel()
	svc := kill.Start(t, kill.Options{Project: map[string]string{
		"dispatcher.yaml":    "dispatcher: 1\nproject: slow\nstart: welcome\nqueues:\n  general: {name: General}\ndefault_queue: general\nchannels:\n  web: {}\n",
		"flows/welcome.yaml": slowly,
	}})
	a := setUp(t, svc, desk, "Ana Sousa")
	b := visit(t, svc, desk)
	a.keys("gb")
	a.until("the conversation with the assistant", "document.querySelector('#view-title').textContent==='With the assistant' && document.querySelectorAll('.card[data-id]').length===1")
	a.keys("j")
	a.until("the button", "find('Take over')")
	b.taps("A long story")
	b.hears("Part one of three.")
	a.keys("c")
	a.until("taken over", said("You took over")+" && find('Send')")
	b.until("a person is here", chatLog+".includes('Ana Sousa is here')")
	a.until("both parts struck through, with the reason", "[...document.querySelectorAll('.row-cancelled')].filter(r=>/Part (two|three) of three/.test(r.innerText) && /Not sent, (you|Ana)/.test(r.innerText) && getComputedStyle(r.querySelector('.words')).textDecorationLine.includes('line-through')).length===2")
	a.shot("w4-struck")
	b.says("hello?")
	b.says("anybody?")
	// The old button is gone from the page; a page that was left open still has it.
	tap := b.text(`(async () => { const s = JSON.parse(localStorage.getItem('dispatcher.web.session')); const base = '/channels/web/web/v1'; const h = {Authorization: 'Bearer ' + s.token, 'Content-Type': 'application/json', Accept: 'application/json'};
		const old = (await (await fetch(base + '/events?after=0', {headers: h})).json()).events.map(e => e.data).find(d => d.options?.length); const o = old.options[0];
		return (await fetch(base + '/messages', {method: 'POST', headers: h, body: JSON.stringify({client_id: crypto.randomUUID(), text: o.label, option: {message: old.seq, payload: o.payload}})})).status; })()`)
	if tap != "201" {
		t.Errorf("the old button's tap answers %s", tap)
	}
	a.until("all of it on the timeline", said("hello?")+" && "+said("anybody?")+" && document.querySelectorAll('.bubble-tap').length===2")
	a.keys("r")
	a.until("the composer", "document.activeElement.getAttribute('aria-label')==='Write a reply'")
	a.keys("One moment, I read.\r")
	b.hears("One moment, I read.")
	// What left after the claim came in order behind it: no assistant among it.
	for _, never := range []string{"Part two", "Part three", "speaks again", "Nothing, "} {
		if log := b.text(chatLog); strings.Contains(log, never) {
			t.Errorf("the customer saw %q after the take-over:\n%s", never, log)
		}
	}
	if n := b.text(bots); n != "3" {
		t.Errorf("the assistant said %s things, 3 before the take-over", n)
	}
	a.clean()
	b.clean()
}
