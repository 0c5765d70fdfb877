//go:build browser

package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// chat opens the demo page and waits for the greeting.
func chat(t *testing.T, f *fake) *tab {
	t.Helper()
	b := open(t, 1440, 900, false)
	b.goTo(f.URL + "/chat")
	b.help()
	b.until("the greeting", "inFrame().querySelectorAll('#replies button').length===5")
	return b
}

const (
	chatLog = "inFrame().querySelector('#log').innerText"
	chatBox = "inFrame().querySelector('#text')"
)

// TestChatFromGreetingToPerson: tap, typed answer, a person, the agent's name.
func TestChatFromGreetingToPerson(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	b := chat(t, f)
	if v := b.eval("inFrame().querySelector('#replies').getAttribute('aria-label')"); v != "Quick replies" {
		t.Errorf("the replies are called %v", v)
	}
	b.eval("find('Where’s my order?Find a parcel with its number', inFrame()).click()")
	b.until("the tap as an own message", "inFrame().querySelector('.w-me').innerText.includes('Where’s my order?') && inFrame().querySelector('.w-me').innerText.includes('tapped') && inFrame().querySelector('#replies').hidden")
	b.until("the next question", chatLog+".includes('What’s your order number?')")
	if got := f.taken; len(got) != 1 {
		t.Errorf("%d messages arrived", len(got))
	}
	b.eval(chatBox + ".focus()")
	b.keys("its ab 123456 thanks\r")
	b.until("the typed answer", "[...inFrame().querySelectorAll('.w-me')].pop().innerText.includes('its ab 123456 thanks') && "+chatBox+".value===''")
	b.until("the new replies", "inFrame().querySelectorAll('#replies button').length===2")
	b.shot("chat-answered")
	b.eval("inFrame().querySelector('#replies button').focus()")
	b.keys("\u0302") // arrow down
	b.until("the second reply", "inFrame().activeElement.textContent.startsWith('No')")
	b.eval("find('Talk to a person', inFrame()).click()")
	b.until("the place in line", "inFrame().querySelector('#owner').textContent.includes('number 2') && inFrame().querySelector('#person').hidden && "+chatLog+".includes('Waiting for a person')")
	b.shot("chat-waiting")
	f.with(func() {
		f.push("owner", obj{"owner": "agent", "name": "Ana Sousa"})
		f.push("typing", obj{"role": "agent", "name": "Ana", "until": "2099-01-01T00:00:00Z"})
	})
	b.until("the agent", "inFrame().querySelector('#owner').textContent==='Ana Sousa answers you' && inFrame().querySelector('#typing').innerText.includes('Ana is typing') && "+chatLog+".includes('Ana Sousa is here')")
	f.with(func() {
		f.push("message", obj{"id": "a1", "author": obj{"role": "agent", "name": "Ana Sousa"}, "at": "2026-11-20T10:45:00Z", "text": "Hi Mia, Ana here.", "options": []any{}})
	})
	b.until("the answer", "inFrame().querySelector('.w-agent').innerText.includes('Hi Mia, Ana here.') && inFrame().querySelector('#typing').hidden")
	b.shot("chat-agent")
	if n := b.eval("inFrame().querySelectorAll('.w-me').length"); n != float64(3) {
		t.Errorf("%v own messages are shown, 3 were sent", n)
	}
	b.clean()
}

// TestChatResumes: the session outlives a reload, and what was said is there.
func TestChatResumes(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	b := chat(t, f)
	b.eval(chatBox + ".focus()")
	b.keys("hello again\r")
	b.until("an answer", chatLog+".includes('Anything else?')")
	b.goTo(f.URL + "/chat")
	b.help()
	b.until("everything again, once", "inFrame().querySelectorAll('.w-bot').length===2 && inFrame().querySelectorAll('.w-me').length===1 && inFrame().querySelectorAll('#replies button').length===2")
	b.clean()
}

// TestChatKeepsWhatCouldNotBeSent: the words return to the box and go out under
// the same id.
func TestChatKeepsWhatCouldNotBeSent(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	b := chat(t, f)
	b.ok = []string{"422"}
	var ids []string
	f.with(func() {
		f.refuse = func(r *http.Request) (int, obj) {
			if strings.HasSuffix(r.URL.Path, "/messages") {
				return 422, obj{"code": "too_long", "detail": "That is too long."}
			}
			return 0, nil
		}
	})
	b.eval(chatBox + ".focus()")
	b.keys("the handle came off\r")
	b.until("the words in the box", chatBox+".value==='the handle came off' && inFrame().querySelector('#trouble').innerText.includes('That is too long')")
	b.shot("chat-failed")
	f.with(func() { f.refuse = nil })
	b.eval("find('Try again', inFrame()).click()")
	b.until("sent after all", "inFrame().querySelector('.w-me').innerText.includes('the handle came off') && "+chatLog+".includes('Anything else?') && inFrame().querySelector('#trouble').hidden")
	f.with(func() {
		for id := range f.taken {
			ids = append(ids, id)
		}
	})
	if len(ids) != 1 || len(ids[0]) != 36 || ids[0][14] != '7' {
		t.Errorf("client ids are %q, want one UUID version 7", ids)
	}
	b.clean()
}

// TestChatWithoutStreams: where streams do not pass, long polling does.
func TestChatWithoutStreams(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.noSSE = true
	b := chat(t, f)
	b.eval(chatBox + ".focus()")
	b.keys("anybody?\r")
	b.until("an answer by polling", chatLog+".includes('Anything else?')")
	b.clean()
}

// TestChatOpensAndCloses: Esc closes and gives the focus back; the page hears
// no word of the conversation; messages of strangers are not listened to.
func TestChatOpensAndCloses(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	b := chat(t, f)
	b.eval("(window.heard=[], addEventListener('message', e => heard.push(JSON.stringify(e.data))))")
	b.eval(chatBox + ".focus()")
	b.keys("\x1b")
	b.until("closed", "document.querySelector('iframe').offsetWidth===0 && document.activeElement.textContent.includes('Chat with us – about 4 min')")
	f.with(func() {
		f.push("message", obj{"id": "a1", "author": obj{"role": "agent", "name": "Ana"}, "at": "2026-11-20T10:45:00Z", "text": "secret words"})
	})
	b.until("the count on the button", "document.activeElement.textContent.includes('New answer')")
	if v := fmt.Sprint(b.eval("heard.join()")); strings.Contains(v, "secret") {
		t.Errorf("the page heard %s", v)
	}
	b.eval("window.postMessage({dispatcher:'close'}, location.origin)")
	b.eval("Dispatcher.open()")
	b.until("open again", "document.querySelector('iframe').offsetWidth===360")
	b.eval("window.postMessage({dispatcher:'close'}, location.origin)")
	if v := b.eval("new Promise(r => setTimeout(() => r(document.querySelector('iframe').offsetWidth), 100))"); v != float64(360) {
		t.Error("a message that did not come from the frame closed it")
	}
	if f.opens != 1 {
		t.Errorf("the session was opened %d times", f.opens)
	}
	b.clean()
}
