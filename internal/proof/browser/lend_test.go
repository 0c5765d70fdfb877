//go:build browser

package browser

import (
	"testing"

	"dispatcher/internal/proof/kill"
)

// TestLendAndTakeBack: an agent lets a flow ask for a number, sees that the
// assistant asks for them, and has the conversation back with one key.
func TestLendAndTakeBack(t *testing.T) {
	t.Parallel()
	svc := kill.Start(t, kill.Options{Project: shop(t, func(files map[string]string) {
		files["flows/ask_number.yaml"] = "flow: ask_number\ndelegate: Ask for the slip\nslots:\n  slip: {type: text, pattern: \"[A-Z]{2}[0-9]{6}\", example: AB123456}\nstates:\n  start:\n    collect:\n      slip: What is the number on the slip?\n    return: done\n"
	})})
	a := setUp(t, svc, desk, "Ana Sousa")
	b := visit(t, svc, desk)
	b.says("can I talk to a person")
	openCard(a, "Visitor")
	a.keys("c")
	a.until("the claim", "Boolean(find('Send'))")
	a.until("what may be done now", "Boolean(find('Hand back'))")
	a.click("More actions")
	a.click("Let the assistant ask")
	a.until("the flows, below the button that was pressed", "(m => m && m.innerText.includes('Ask for the slip') && m.getBoundingClientRect().left > innerWidth / 2)(document.querySelector('.menu'))")
	a.click("Ask for the slip")
	b.hears("What is the number on the slip?")
	a.until("who asks", "document.body.innerText.includes('The assistant asks for you') && Boolean(find('Take back')) && !find('Take over')")
	a.shot("lent")
	a.keys("c")
	a.until("it is back", "Boolean(find('Send')) && "+said("What is the number on the slip?"))
	a.until("the line in the log", "document.querySelector('.talk').innerText.includes('You took it back')")
	a.clean()
	b.clean()
}
