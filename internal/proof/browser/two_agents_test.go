//go:build browser

package browser

import (
	"sync"
	"testing"

	"dispatcher/internal/proof/kill"
)

// TestPromise_W3_TwoAgents: two people press c on the same conversation; one
// has it, the other learns who and when, and keeps every word.
func TestPromise_W3_TwoAgents(t *testing.T) {
	t.Parallel()
	svc := kill.Start(t, kill.Options{Project: shop(t)})
	a := setUp(t, svc, desk, "Ana Sousa")
	a.colleague("Ben Kaya", benMail, "agent")
	c := logIn(t, svc, desk, benMail)
	b := visit(t, svc, desk)
	b.says("can I talk to a person")
	b.hears("passed this to General")
	for _, p := range []*tab{a, c} {
		p.ok = []string{"409"} // the answer to the one who was slower
		p.until("the card", "document.querySelector('.card[data-id]')")
		p.keys("j")
		p.until("the conversation", "find('Claim') && "+said("can I talk to a person"))
	}
	a.until("that Ben looks too", "document.querySelector('.there').innerText==='Ben is viewing'")
	c.until("that Ana looks too", "document.querySelector('.there').innerText==='Ana is viewing'")
	var both sync.WaitGroup
	for _, p := range []*tab{a, c} {
		both.Go(func() { p.keys("c") })
	}
	both.Wait()
	const settled = "document.querySelector('.log').innerText.includes(' claimed') && Boolean(find('Send')) !== document.querySelector('.readonly')?.innerText.includes('has this conversation')"
	a.until("one owner, as Ana sees it", settled)
	c.until("one owner, as Ben sees it", settled)
	winner, loser, first := a, c, "Ana"
	if a.eval("Boolean(find('Send'))") != true {
		winner, loser, first = c, a, "Ben"
	}
	if loser.eval("Boolean(find('Send'))") == true {
		t.Fatal("both may send")
	}
	loser.until("who has it", "document.querySelector('.readonly').innerText.includes("+quote(first)+") && document.querySelector('.log').innerText.includes("+quote(first)+")")
	t.Logf("PROOF W3 %s was faster; the other composer is read-only", first)
	takenOver(t, winner, loser, first)
	winner.clean()
	loser.clean()
	b.clean()
}

// takenOver walks steps 3 and 4: a note by who lost, a take-over after a
// question, and a sender whose words outlive the loss.
func takenOver(t *testing.T, winner, loser *tab, first string) {
	t.Helper()
	loser.keys("n")
	loser.until("the note box", "field('Write a note') && !find('Send')")
	loser.keys("she wrote last week too\r")
	winner.until("the note", "document.querySelector('.row-note')?.innerText.includes('she wrote last week too')")
	winner.eval("field('Write a reply').focus()")
	winner.keys("I am writing this while it is tak")
	loser.click("Take over to answer")
	loser.until("the question that names the owner", "document.querySelector('[role=alertdialog] h2').textContent==='Take over from "+first+"?'")
	loser.shot("w3-question")
	loser.until("the answer that leads on, focused", "nameOf(document.activeElement)==='Take over' && document.activeElement.closest('[role=alertdialog]')")
	loser.keys("\r")
	loser.until("taken over", said("You took over")+" && find('Send')")
	winner.until("read-only, the draft kept", "document.querySelector('.readonly')?.innerText.includes('your draft is kept') && !find('Send')")
	winner.shot("w3-lost")
	for _, p := range []*tab{winner, loser} {
		p.until("claim and take-over with names", "/(Ana Sousa|Ben Kaya|You) claimed/.test(document.querySelector('.log').innerText) && /(Ana Sousa|Ben Kaya|You) took over/.test(document.querySelector('.log').innerText)")
	}
	// A stale tab still sends: the server refuses, the words stay.
	got := winner.text(`(async e => fetch('/api/v1/conversations/'+location.pathname.split('/').pop()+'/messages',{method:'POST',headers:{'Content-Type':'application/json','Idempotency-Key':crypto.randomUUID(),'If-Epoch':e},body:JSON.stringify({text:'too late',visibility:'private'})}).then(async r=>r.status+' '+(await r.json()).code))(document.querySelector('[data-epoch]').dataset.epoch)`)
	if got != "409 not_owner" {
		t.Errorf("a sender who is not the owner gets %s, want 409 not_owner", got)
	}
}
