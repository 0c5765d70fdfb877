//go:build browser

package browser

import (
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"dispatcher/flows/starter"
	"dispatcher/internal/proof/kill"
)

const (
	anaMail  = "ana@acme.example"
	benMail  = "ben@acme.example"
	password = "correct horse battery staple 7"
)

// shop is the starter project, open at every hour so that a walk says the same
// at night; change may alter its files.
func shop(t *testing.T, change ...func(files map[string]string)) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(starter.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := starter.FS.ReadFile(path)
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	swap(t, files, "dispatcher.yaml", "    open: {mon-fri: 08:00-20:00, sat: 09:00-17:00}\n    closed: [2026-12-25, 2027-01-01]\n    except: {2026-12-24: 08:00-13:00}\n", "    open: {mon-sun: 00:00-24:00}\n")
	for _, f := range change {
		f(files)
	}
	return files
}

// swap replaces a passage that must be there.
func swap(t *testing.T, files map[string]string, name, from, to string) {
	t.Helper()
	if !strings.Contains(files[name], from) {
		t.Fatalf("%s holds no %q any more", name, from)
	}
	files[name] = strings.Replace(files[name], from, to, 1)
}

// setUp makes the first account, an admin, through the page that the printed
// link leads to, and ends in the inbox.
func setUp(t *testing.T, svc *kill.Service, s screen, name string) *tab {
	t.Helper()
	b := open(t, s)
	link := svc.SetupLink()
	if link == "" {
		t.Fatalf("no set-up link was printed:\n%s", svc.Log())
	}
	b.goTo(link)
	b.fill("Your name", name)
	b.fill("E-mail", anaMail)
	b.fill("Password", password)
	b.eval("document.querySelector('input[value=later]').click()")
	b.click("Create account")
	b.live()
	return b
}

// live waits until the console shows its list and hears the server.
func (b *tab) live() {
	b.t.Helper()
	b.until("the console, live", "location.pathname.startsWith('/console') && document.querySelector('#live-word').textContent==='Live' && document.querySelector('#view-count').textContent!==''")
}

// logIn opens the console of somebody who has an account.
func logIn(t *testing.T, svc *kill.Service, s screen, mail string) *tab {
	t.Helper()
	b := open(t, s)
	b.goTo(svc.URL + "/console")
	b.until("the log-in page", "location.pathname==='/login'")
	b.fill("E-mail", mail)
	b.fill("Password", password)
	b.keys("\r")
	b.live()
	return b
}

// colleague adds an account as the admin's own console would: by the API.
func (b *tab) colleague(name, mail, role string) {
	b.t.Helper()
	status := b.eval(fmt.Sprintf("fetch('/api/v1/users',{method:'POST',headers:{'Content-Type':'application/json'},body:JSON.stringify({name:%q,email:%q,password:%q,role:%q})}).then(r=>r.status)", name, mail, password, role))
	if status != float64(http.StatusCreated) {
		b.t.Fatalf("POST /api/v1/users answered %v", status)
	}
}

// Facts of the chat's frame.
const (
	chatLog  = "inFrame().querySelector('#log').innerText"
	chatBox  = "inFrame().querySelector('#text')"
	lastBot  = "[...inFrame().querySelectorAll('.w-bot')].pop().innerText"
	quickly  = "inFrame().querySelectorAll('#replies button').length"
	bots     = "inFrame().querySelectorAll('.w-bot').length"
	delivery = "[...inFrame().querySelectorAll('.w-me')].pop().querySelector('.w-meta svg')"
)

// visit opens the chat as a customer and waits for the greeting.
func visit(t *testing.T, svc *kill.Service, s screen) *tab {
	t.Helper()
	b := open(t, s)
	b.goTo(svc.URL + "/chat")
	b.until("the greeting with its options", chatLog+".includes('What can we help you with?') && "+quickly+"===5")
	return b
}

// says types a message into the chat and waits until the server has it.
func (b *tab) says(words string) {
	b.t.Helper()
	b.eval(chatBox + ".focus()")
	b.keys(words + "\r")
	b.until("the tick of "+words, "[...inFrame().querySelectorAll('.w-me')].pop().innerText.includes("+quote(words)+") && "+delivery)
}

// taps presses a quick reply.
func (b *tab) taps(label string) {
	b.t.Helper()
	b.until("quick reply "+label, "find("+quote(label)+", inFrame())")
	b.eval("find(" + quote(label) + ", inFrame()).click()")
}

// hears waits for words in the chat.
func (b *tab) hears(words string) {
	b.t.Helper()
	b.until("hearing "+words, chatLog+".includes("+quote(words)+")")
}

// said is true while the open conversation's timeline shows the words.
func said(words string) string {
	return "document.querySelector('.log').innerText.includes(" + quote(words) + ")"
}

// status asks the service without a browser.
func status(t *testing.T, svc *kill.Service, path string) int {
	t.Helper()
	res, err := http.Get(svc.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}
