//go:build browser

package browser

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"dispatcher/internal/proof/kill"
)

// TestPromise_W2_Handoff: a customer taps and types, asks for a person, and an
// agent answers with the keyboard alone.
func TestPromise_W2_Handoff(t *testing.T) {
	t.Parallel()
	svc := kill.Start(t, kill.Options{Project: shop(t)})
	a := setUp(t, svc, desk, "Ana Sousa")
	b := visit(t, svc, desk)
	b.taps("Where's my order?")
	b.hears("What's your order number?")
	b.until("the tap as an own message", "inFrame().querySelector('.w-me').innerText.includes('tapped')")
	b.says("it's ab 123456 thanks")
	b.hears("And the postcode it's going to?")
	b.says("can I talk to a person")
	b.until("the quote, as the last word", lastBot+".includes(\"passed this to Orders\") || inFrame().querySelector('.w-sys:last-of-type')?.innerText.includes('passed this to Orders')")
	asked := time.Now()
	a.until("the card, without reload", "[...document.querySelectorAll('.card')].some(c=>c.innerText.includes('AB123456') && /order/i.test(c.querySelector('.card-meta').innerText) && /left|now/.test(c.querySelector('.due').innerText))")
	t.Logf("PROOF W2 card %d ms after the customer saw the quote", time.Since(asked).Milliseconds())
	if n := strings.Count(b.text(chatLog), "order number?"); n != 1 {
		t.Errorf("the order number was asked for %d times", n)
	}
	b.until("the line in the head", "/In line for a person/.test(inFrame().querySelector('#owner').textContent)")
	agentAnswers(t, a, b)
	resolveAndUndo(t, a, b)
	a.clean()
	b.clean()
}

// agentAnswers walks steps 3 to 5: the packet, the claim, the reply.
func agentAnswers(t *testing.T, a, b *tab) {
	t.Helper()
	a.keys("j")
	a.until("the packet", "document.querySelector('#side dl') && "+said("can I talk to a person"))
	a.keys("\r")
	side := a.text("document.querySelector('#side').innerText")
	for _, want := range []string{"AB123456", "typed", "ab 123456", "sked for a person", "Where's my order?", "tapped"} {
		if !strings.Contains(side, want) {
			t.Errorf("the packet does not show %q:\n%s", want, side)
		}
	}
	if !strings.Contains(side, "Start") && !strings.Contains(side, "Verify") {
		t.Errorf("the packet shows no path:\n%s", side)
	}
	a.shot("w2-queued")
	before := a.text("document.querySelector('[data-epoch]').dataset.epoch")
	a.keys("c")
	a.until("the claim and its epoch", said("You claimed")+" && Number(document.querySelector('[data-epoch]').dataset.epoch)==="+before+"+1 && document.querySelector('.facts').innerText.includes('You')")
	a.until("the keys still keys", "!document.activeElement.matches('textarea')")
	a.keys("r")
	a.until("the composer", "document.activeElement.getAttribute('aria-label')==='Write a reply' && document.activeElement.value===''")
	a.keys("Hi, Ana here. I have your order before me.\r")
	a.until("the reply with its tick", said("I have your order before me.")+" && [...document.querySelectorAll('.row-us')].pop().innerText.match(/sent|delivered|read/)")
	b.until("her full name", "inFrame().querySelector('.w-agent')?.innerText.includes('Ana Sousa') && inFrame().querySelector('.w-agent').innerText.includes('I have your order before me.') && inFrame().querySelector('#owner').textContent==='Ana Sousa answers you'")
	b.shot("w2-chat")
	a.until("that she has read it", "!document.querySelector('.card .card-count')")
	a.until("no first reply due any more", "!document.querySelector('.facts').innerText.includes('First reply')")
}

// resolveAndUndo walks step 5: e, u within ten seconds, e again.
func resolveAndUndo(t *testing.T, a, b *tab) {
	t.Helper()
	rows := b.text("inFrame().querySelectorAll('#log li').length")
	a.keys("\x1b")
	a.keys("e")
	a.until("resolved, with undo", "find('Undo') && document.querySelector('.facts').innerText.includes('Resolved')")
	a.keys("u")
	a.until("open again", "find('Resolve') && !find('Undo') && "+said("You opened it again"))
	if got := b.text("inFrame().querySelectorAll('.w-bot,.w-agent').length + '/' + inFrame().querySelectorAll('#log li').length"); !strings.HasSuffix(got, "/"+rows) && strings.Contains(b.text(chatLog), "closed") {
		t.Errorf("the undone resolve reached the customer: %s rows, %s before\n%s", got, rows, b.text(chatLog))
	}
	a.keys("e")
	a.until("resolved", "document.querySelector('.facts').innerText.includes('Resolved')")
	a.shot("w2-resolved")
	a.keys("k", chromedp.KeyModifiers(chromedp.ModifierCtrl))
	a.until("the command bar", "document.activeElement.getAttribute('role')==='combobox'")
	a.keys("\x1b")
}

// TestPromise_W14_Phone walks the same on two phones.
func TestPromise_W14_Phone(t *testing.T) {
	t.Parallel()
	svc := kill.Start(t, kill.Options{Project: shop(t)})
	a := setUp(t, svc, phone, "Ana Sousa")
	b := visit(t, svc, phone)
	b.until("the whole screen", "document.querySelector('iframe').offsetWidth===innerWidth && innerWidth===390")
	b.says("Hi, where is my parcel AB123456?")
	b.until("no question for what is known", chatLog+".includes('postcode') || "+chatLog+".includes('passed this to')")
	if strings.Contains(b.text(chatLog), "What's your order number?") {
		t.Error("the order number of the first message is asked for")
	}
	b.eval("find('Talk to a person', inFrame()).click()")
	b.hears("passed this to Orders")
	atEnd := "(s => s.scrollHeight - s.scrollTop - s.clientHeight < 2)(inFrame().querySelector('#scroll'))"
	b.until("the last words in view", atEnd)
	b.size(screen{width: 390, height: 480}, "light") // the keyboard comes up
	b.until("the last words in view above the keyboard", "inFrame().defaultView.innerHeight===480 && "+atEnd)
	b.size(phone, "light")
	b.shot("w14-chat")
	a.until("the card", "document.querySelector('.card[data-id]')?.innerText.includes('AB123456')")
	a.eval("document.querySelector('.card[data-id]').click()")
	a.until("the conversation alone", "document.querySelector('#conversation').offsetWidth===390 && document.querySelector('.list').offsetWidth===0 && find('Claim')")
	a.click("Claim")
	a.until("claimed", said("You claimed"))
	a.click("More about the case")
	a.until("the case alone", "document.querySelector('#side').offsetWidth===390 && document.querySelector('#side').innerText.includes('Handoff')")
	a.shot("w14-case")
	a.click("Back to the conversation")
	a.until("the composer", "field('Write a reply')")
	a.fill("Write a reply", "Hello from the phone.")
	a.click("Send")
	b.hears("Hello from the phone.")
	b.until("her name", "inFrame().querySelector('.w-agent').innerText.includes('Ana Sousa')")
	a.shot("w14-console")
	a.click("Resolve")
	a.until("resolved", "document.querySelector('.log').innerText.includes('You resolved')")
	a.click("Undo")
	a.until("open again", said("You opened it again"))
	for _, p := range []*tab{a, b} {
		if p.eval("document.documentElement.scrollWidth<=innerWidth") != true {
			t.Error("a page scrolls sideways on the phone")
		}
		p.clean()
	}
}
