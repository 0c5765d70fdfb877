//go:build browser

package browser

import (
	"testing"

	"dispatcher/internal/proof/kill"
)

// TestTypingIsSeen: words that take their time are announced by dots, and the
// dots go when they come.
func TestTypingIsSeen(t *testing.T) {
	t.Parallel()
	svc := kill.Start(t, kill.Options{Project: map[string]string{
		"dispatcher.yaml": "dispatcher: 1\nproject: acme-shop\n",
		"flows/hello.yaml": `flow: hello
states:
  start:
    say: "One moment, I am looking."
    typing: true
    goto: found
  found:
    say:
      - delay: 10s
      - "Here it is."
    ask: "Anything else?"
    options:
      "Yes": start
      "No": bye
  bye: {say: "Bye.", resolve: done}
`,
	}})
	const dots = "inFrame().querySelector('#typing')"
	b := open(t, desk)
	b.goTo(svc.URL + "/chat")
	b.until("dots", dots+" && !"+dots+".hidden && "+dots+".getClientRects().length")
	b.shot("typing")
	b.hears("Here it is.")
	b.until("no dots", dots+".hidden")
	b.clean()
}
