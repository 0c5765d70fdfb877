//go:build browser

package browser

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"dispatcher/internal/proof/kill"
)

// TestPromise_W1_FirstRun is a newcomer's first five minutes: init, serve, the
// chat before any account, the link that works once, the empty inbox.
func TestPromise_W1_FirstRun(t *testing.T) {
	t.Parallel()
	bin, dir := kill.Build(t, ""), filepath.Join(t.TempDir(), "acme")
	if out, err := exec.Command(bin, "init", dir).CombinedOutput(); err != nil {
		t.Fatalf("dispatcher init: %v\n%s", err, out)
	}
	svc := kill.Start(t, kill.Options{Dir: dir})
	if n := strings.Count(svc.Log(), "/setup/"); n != 1 {
		t.Errorf("the start printed %d set-up links:\n%s", n, svc.Log())
	}
	for _, path := range []string{"/console", "/studio", "/api/v1/me", "/setup", "/login"} {
		if got := status(t, svc, path); got != 404 {
			t.Errorf("GET %s before the first account answers %d, want 404", path, got)
		}
	}
	b := open(t, desk)
	b.goTo(svc.URL + "/")
	b.until("the start page", "document.querySelector('h1') && find('Chat')")
	b.shot("landing")
	b.click("Chat")
	b.until("the greeting", chatLog+".includes('What can we help you with?')")
	before := b.text(bots)
	begin := time.Now()
	b.says("hi")
	b.until("an answer with options", bots+">"+before+" && "+quickly+">0")
	t.Logf("PROOF W1 answer to the first hi after %d ms", time.Since(begin).Milliseconds())
	setUpPage(t, svc, b)
	b.clean()
}

// setUpPage walks steps 2 to 5 with the keyboard alone.
func setUpPage(t *testing.T, svc *kill.Service, customer *tab) {
	b := open(t, desk)
	b.goTo(svc.SetupLink())
	b.until("the project on the page", "document.body.innerText.includes('4 flows, 0 problems') && document.activeElement.id==='n'")
	b.shot("setup")
	b.keys("Ana Sousa\t" + anaMail + "\tfourteen chars")
	b.keys("\r")
	b.until("what is wrong, at the field", "document.activeElement.id==='p' && document.activeElement.getAttribute('aria-invalid')==='true' && document.querySelector('#ph').innerText.includes('15') && document.querySelector('#n').value==='Ana Sousa'")
	b.ok = append(b.ok, "422", "400") // the answer to the short password
	b.shot("setup-refused")
	b.keys(password + "\t\t\x1b")
	b.until("the second factor's choice", "document.activeElement.name==='second_factor'")
	b.keys(kb.ArrowDown)
	b.until("later", "document.activeElement.value==='later' && document.activeElement.checked")
	b.keys("\r")
	b.live()
	b.until("the way on", "find('Try the chat') && find('Try the chat').getAttribute('href')==='/chat'")
	b.shot("inbox-first")
	if got := status(t, svc, strings.TrimPrefix(svc.SetupLink(), svc.URL)); got != 404 {
		t.Errorf("the used set-up link answers %d, want 404", got)
	}
	b.keys("gb")
	b.until("the chat of step 1", "document.querySelectorAll('.card[data-id]').length===1 && document.querySelector('#view-title').textContent==='With the assistant'")
	customer.says("I want to return something")
	b.until("its last line, without reload", "document.querySelector('.card-words').innerText.includes('Tell us what happened')")
	b.keys("j")
	b.until("the conversation", said("I want to return something")+" && document.querySelector('.facts').innerText.includes('Assistant')")
	b.clean()
}
