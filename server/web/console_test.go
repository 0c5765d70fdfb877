//go:build browser

package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// sent gives the calls that changed something, newest last.
func (f *fake) sent(part string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, c := range f.calls {
		if strings.Contains(c, part) {
			out = append(out, c)
		}
	}
	return out
}

func (f *fake) with(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

const has = `document.querySelector('.log').innerText.includes(%q)`

func said(s string) string { return fmt.Sprintf(has, s) }

func console(t *testing.T, path string) (*fake, *tab) {
	t.Helper()
	f := newFake(t)
	f.fill()
	b := open(t, 1440, 900, false)
	b.goTo(f.URL + path)
	b.help()
	b.until("the list", "document.querySelectorAll('.card[data-id]').length===10 && document.querySelector('#live-word').textContent==='Live'")
	return f, b
}

// TestAgentHandlesAHandoff walks W2 with the keyboard: next, claim, reply,
// note, resolve, undo. Every step is read off the page and off the calls.
func TestAgentHandlesAHandoff(t *testing.T) {
	t.Parallel()
	f, b := console(t, "/console")
	b.keys("j")
	b.until("the first conversation", "document.querySelector('#conversation h2').textContent==='Tom Aldridge' && document.querySelector('#side dl') && "+said("can i talk to a person"))
	side := fmt.Sprint(b.eval("document.querySelector('#side').innerText"))
	for _, want := range []string{"Mia asked for a person.", "flows/welcome.yaml:88", "AB123456", "ab 123456", "about 5 minutes", "Delivery day", "Which day suits you for delivery?", "1 not valid", "link · returns"} {
		if !strings.Contains(side, want) {
			t.Errorf("the packet does not show %q:\n%s", want, side)
		}
	}
	if strings.Contains(side, "BS1 4QT") {
		t.Error("a personal value is shown without being asked for")
	}
	if got := b.eval("document.querySelector('#side .path').textContent"); got != "Welcome:Menu· Track order:Track orderConfirmDelivery day" {
		t.Errorf("the path reads %q", got)
	}
	b.keys("c")
	b.until("the claim", said("You claimed")+" && find('Resolve')")
	if got := f.sent("/claim"); len(got) != 1 || !strings.Contains(got[0], "epoch=3") {
		t.Errorf("claim was sent as %q", got)
	}
	b.until("the keys still keys", "!document.activeElement.matches('textarea')")
	b.keys("r")
	b.until("the composer", "document.activeElement.getAttribute('aria-label')==='Write a reply' && document.activeElement.value===''")
	b.keys("Hi Tom, Ana here.\r")
	b.until("the reply with its tick", said("Hi Tom, Ana here.")+" && [...document.querySelectorAll('.row-us')].pop().innerText.includes('sent')")
	if got := f.sent("c1/messages"); len(got) != 1 || !strings.Contains(got[0], "epoch=4") || strings.Contains(got[0], "key= ") {
		t.Errorf("the reply was sent as %q", got)
	}
	b.keys("\x1b")
	b.keys("n")
	b.until("the note box", "document.activeElement.getAttribute('aria-label')==='Write a note' && find('Add note')")
	b.keys("third time broken\r")
	b.until("the note", "document.querySelector('.row-note').innerText.includes('third time broken')")
	b.keys("\x1b")
	b.keys("e")
	b.until("resolved with undo", "find('Undo') && document.querySelector('.facts').innerText.includes('Resolved')")
	b.keys("u")
	b.until("open again", "find('Resolve') && !find('Undo')")
	if got := f.sent("/undo"); len(got) != 1 {
		t.Errorf("undo was sent %d times", len(got))
	}
	b.clean()
}

// TestKeysFollowAClaim: what is pressed before the server has answered the claim
// is still a key, and waits for it.
func TestKeysFollowAClaim(t *testing.T) {
	t.Parallel()
	f, b := console(t, "/console/c/c1")
	b.until("the conversation", "find('Claim')")
	b.keys("ce")
	b.until("resolved", "find('Undo') && document.querySelector('.facts').innerText.includes('Resolved')")
	if claims, ends := f.sent("/claim"), f.sent("/resolve"); len(claims) != 1 || len(ends) != 1 || !strings.Contains(ends[0], "epoch=4") {
		t.Errorf("sent %q and %q", claims, ends)
	}
	if b.eval("document.activeElement.matches('textarea')") == true {
		t.Error("the focus is in the composer after a key")
	}
	b.clean()
}

// TestAClickOnClaimLeadsIntoTheComposer: after a click the next thing is words,
// and they wait for the claim.
func TestAClickOnClaimLeadsIntoTheComposer(t *testing.T) {
	t.Parallel()
	f, b := console(t, "/console/c/c1")
	b.until("the conversation", "find('Claim')")
	b.click("Claim")
	b.until("the composer", "document.activeElement.getAttribute('aria-label')==='Write a reply'")
	b.keys("Hi Tom.\r")
	b.until("the reply with its tick", said("Hi Tom.")+" && [...document.querySelectorAll('.row-us')].pop().innerText.includes('sent')")
	if got := f.sent("c1/messages"); len(got) != 1 || !strings.Contains(got[0], "epoch=4") {
		t.Errorf("the reply was sent as %q", got)
	}
	b.clean()
}

// TestTwoAgents: the loser of a claim keeps the draft and learns who and when;
// a sender who lost ownership keeps the text.
func TestTwoAgents(t *testing.T) {
	t.Parallel()
	f, b := console(t, "/console/c/c1")
	b.ok = []string{"409"}
	b.until("the conversation", "find('Claim')")
	f.with(func() {
		c := f.conv("c1")
		c["owner"], c["epoch"] = obj{"kind": "agent", "id": "u2", "name": "Ben Kaya"}, 4
	})
	b.click("Claim")
	b.until("who was faster", "document.querySelector('.talk-notice').innerText.includes('Ben Kaya claimed this') && document.querySelector('.readonly').innerText.includes('Ben Kaya has this conversation')")
	if b.eval("Boolean(find('Send'))") == true {
		t.Error("Send is there although Ben has the conversation")
	}
	b.click("Take over")
	b.until("the dialog", "document.querySelector('[role=alertdialog] h2').textContent==='Take over from Ben?' && document.querySelector('#page').inert")
	b.shot("takeover")
	b.keys("\x1b")
	b.until("no dialog", "!document.querySelector('[role=alertdialog]') && !document.querySelector('#page').inert && nameOf(document.activeElement).startsWith('Take over')")
	b.click("Take over")
	b.until("the dialog", "document.querySelector('[role=alertdialog] .button-main')===document.activeElement")
	b.keys("\r")
	b.until("taken over", said("You took over")+" && find('Send')")
	f.with(func() {
		f.refuse = func(r *http.Request) (int, obj) {
			if r.Method == "POST" && strings.HasSuffix(r.URL.Path, "/messages") {
				c := f.conv("c1")
				c["owner"], c["epoch"] = obj{"kind": "agent", "id": "u2", "name": "Ben Kaya"}, 9
				return 409, obj{"code": "not_owner", "detail": "Ben Kaya has this conversation.", "owner": c["owner"]}
			}
			return 0, nil
		}
	})
	b.eval("document.querySelector('textarea').focus()")
	b.keys("Sorry about the wait.\r")
	b.until("the words kept", "document.querySelector('.talk-notice').innerText.includes('Ben Kaya has this conversation now') && find('Take over and send')")
	f.with(func() { f.refuse = nil })
	b.click("Take over and send")
	b.until("sent after all", said("Sorry about the wait."))
	b.clean()
}

// TestResolveDoesNotOverlookAMessage: a message that came meanwhile stops the
// resolve until it is pressed again.
func TestResolveDoesNotOverlookAMessage(t *testing.T) {
	t.Parallel()
	f, b := console(t, "/console/c/c2")
	b.ok = []string{"409"}
	b.until("the conversation", "find('Resolve')")
	f.with(func() { f.unseen = 1000 })
	b.click("Resolve")
	b.until("the warning", "document.querySelector('.talk-notice').innerText.includes('They wrote')")
	b.click("Resolve anyway")
	b.until("resolved", "document.querySelector('.facts').innerText.includes('Resolved')")
	b.clean()
}

// TestSendingIsHonest: an error is repeated under the same key by itself; a
// refusal says why, keeps the text, and is a new request when tried again.
func TestSendingIsHonest(t *testing.T) {
	t.Parallel()
	f, b := console(t, "/console/c/c2")
	b.ok = []string{"422", "500"}
	b.until("the composer", "find('Send')")
	tries := 0
	f.with(func() {
		f.refuse = func(r *http.Request) (int, obj) {
			if r.Method != "POST" || !strings.HasSuffix(r.URL.Path, "/messages") {
				return 0, nil
			}
			if tries++; tries == 1 {
				return 500, obj{"code": "internal", "detail": "Something broke."}
			}
			return 422, obj{"code": "too_long", "detail": "The text is longer than the channel allows."}
		}
	})
	b.eval("document.querySelector('textarea').focus()")
	b.keys("It is on the van.\r")
	b.until("at once on the page", said("It is on the van."))
	b.until("the refusal in words", said("Not sent: The text is longer than the channel allows"))
	f.with(func() { f.refuse = nil })
	b.click("Retry")
	b.until("sent", "[...document.querySelectorAll('.row-us')].pop().innerText.includes('sent') && !document.querySelector('.bubble-failed')")
	var keys []string
	for _, c := range f.sent("c2/messages") {
		keys = append(keys, c[strings.Index(c, "key="):strings.Index(c, " {")])
	}
	if len(keys) != 3 || keys[0] != keys[1] || keys[1] == keys[2] {
		t.Errorf("repeat after an error and retry after a refusal were sent as %q", keys)
	}
	b.clean()
}

// TestLiveWithoutMoving: news arrives without reload; under the focus it waits.
func TestLiveWithoutMoving(t *testing.T) {
	t.Parallel()
	f, b := console(t, "/console/c/c2")
	b.until("the conversation", said("sunday is the party"))
	f.with(func() { f.say("c2", "text", "customer", "are you still there?", nil) })
	b.until("the new message", said("are you still there?"))
	b.eval("document.querySelector('.card[data-id=c3]').focus()")
	f.with(func() {
		n := obj{}
		for k, v := range f.convs[6] {
			n[k] = v
		}
		n["id"], n["contact"] = "c99", obj{"id": "p99", "name": "Nora New", "verified": false}
		f.convs = append([]obj{n}, f.convs...)
		f.messages["c99"] = nil
		f.hint("c99", 1, "conversation.changed")
	})
	b.until("the news behind a button", "document.querySelector('#newer').innerText.includes('1 new') && document.querySelectorAll('.card[data-id]').length===10")
	if v := b.eval("document.activeElement.dataset.id"); v != "c3" {
		t.Errorf("the focus moved to %v", v)
	}
	b.click("1 new")
	b.until("the news", "document.querySelector('.card[data-id]').innerText.includes('Nora New')")
	if v := fmt.Sprint(b.eval("document.title")); !strings.HasPrefix(v, "(10) Mia") {
		t.Errorf("the title counts %q", v)
	}
	f.with(func() { f.CloseClientConnections() })
	f.with(func() { f.say("c2", "text", "customer", "after the cut", nil) })
	b.ok = append(b.ok, "ERR_", "Failed to load")
	b.until("what was missed", said("after the cut"))
	b.clean()
}

// TestBannersSayWhatIsWrong: a rejected folder with file and line, and the
// return to calm.
func TestBannersSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	f, b := console(t, "/console")
	f.with(func() {
		f.flows = obj{"live": obj{"set": "3f2a"}, "folder": obj{"state": "rejected"}, "problems": []obj{{"file": "flows/welcome.yaml", "line": 42, "column": 16, "severity": "error", "message": "no state menuu", "hint": "did you mean menu?"}}}
		f.hint("", 0, "flows.changed")
	})
	b.until("the banner", "document.querySelector('#banner').innerText.includes('flows/welcome.yaml:42:16') && document.querySelector('#banner').innerText.includes('did you mean menu?')")
	b.shot("banner")
	f.with(func() {
		f.flows = obj{"folder": obj{"state": "same"}, "problems": []any{}}
		f.hint("", 0, "flows.changed")
	})
	b.until("calm", "!document.querySelector('.banner')")
	b.clean()
}

// TestKeysBarAndTheme: the key table, the command bar and the theme switch.
func TestKeysBarAndTheme(t *testing.T) {
	t.Parallel()
	f, b := console(t, "/console")
	b.keys("?")
	b.until("the keys", "document.querySelector('[role=dialog]').innerText.includes('resolve and next')")
	b.shot("keys")
	b.keys("\x1b")
	b.keys("gu")
	b.until("Unassigned", "document.querySelector('#view-title').textContent==='Unassigned' && document.querySelectorAll('.card[data-id]').length===4 && document.querySelector('a.rail-item[aria-current]').dataset.view==='unassigned'")
	b.keys("/")
	b.until("the bar", "document.activeElement.getAttribute('role')==='combobox'")
	b.keys("xyz")
	b.until("nothing", "document.querySelector('#commands').innerText.includes('Nothing by that name')")
	b.keys("\b\b\bmia")
	b.until("Mia", "document.querySelector('[role=option][aria-selected=true]').innerText.includes('Mia')")
	b.shot("bar")
	b.keys("\r")
	b.until("her conversation", "document.querySelector('#conversation h2').textContent==='Mia Kovač' && location.pathname==='/console/c/c2'")
	b.keys("h")
	b.until("the hand-back menu", "document.activeElement.getAttribute('role')==='menuitem' && document.querySelector('[role=menu]').innerText.includes('Which day suits you')")
	b.shot("handback")
	b.keys("\r")
	b.until("handed back", said("You handed back"))
	if got := f.sent("/hand-back"); len(got) != 1 {
		t.Errorf("hand back was sent as %q", got)
	}
	b.eval("document.querySelector('#me').click()")
	b.until("the menu", "find('Dark')")
	b.click("Dark")
	b.until("dark", "document.documentElement.dataset.theme==='dark' && getComputedStyle(document.body).backgroundColor==='rgb(17, 22, 28)'")
	b.goTo(f.URL + "/console")
	b.until("still dark", "document.documentElement.dataset.theme==='dark'")
	b.clean()
}

// TestPhone: list, conversation and side are pages with a real way back.
func TestPhone(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.fill()
	b := open(t, 390, 844, false)
	b.goTo(f.URL + "/console")
	b.help()
	b.until("the list", "document.querySelectorAll('.card[data-id]').length===10")
	b.eval("document.querySelector('.card[data-id=c1]').click()")
	b.until("the conversation alone", "document.querySelector('#conversation').offsetWidth===390 && document.querySelector('.list').offsetWidth===0 && find('Claim')")
	b.click("Claim")
	b.until("claimed", said("You claimed"))
	b.click("More")
	b.shot("phone-menu")
	b.keys("\x1b")
	b.eval("document.querySelector('.facts button').click()")
	b.until("the case alone", "document.querySelector('#side').offsetWidth===390 && document.querySelector('#conversation').offsetWidth===0 && document.querySelector('#side').innerText.includes('Handoff')")
	b.shot("phone-side")
	b.eval("history.back()")
	b.until("the conversation again", "document.querySelector('#conversation').offsetWidth===390")
	b.click("Back to the list")
	b.until("the list again", "document.querySelector('.list').offsetWidth===390")
	b.clean()
}

// TestEmptyInboxLeadsToTheChat: the first day shows the way on.
func TestEmptyInboxLeadsToTheChat(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	b := open(t, 1440, 900, false)
	b.goTo(f.URL + "/console?view=mine")
	b.until("the way on", "document.querySelector('#cards').innerText.includes('Nothing waits on you') && document.querySelector('#cards a').textContent==='Try the chat'")
	b.shot("empty")
	f.with(func() {
		f.refuse = func(r *http.Request) (int, obj) { return 500, obj{"code": "internal", "detail": "Something broke."} }
	})
	b.ok = []string{"500"}
	b.goTo(f.URL + "/console")
	b.until("the error in words", "document.querySelector('#cards').innerText.includes('What you typed is kept')")
	b.clean()
}
