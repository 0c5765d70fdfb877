//go:build browser

package browser

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"

	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/internal/proof/kill"
)

// dialogue is what one person writes, a line at a time.
type dialogue struct {
	id, name, handle string
	lines            []string
	photo            string // name of a picture with the last line
}

// morning is a busy one.
func morning() []dialogue {
	return []dialogue{
		{id: "tom", name: "Tom Aldridge", lines: []string{"it arived brokn", "The shade is cracked and two screws are missing. I wanted it for tonight."}, photo: "lamp-box.jpg"},
		{id: "mia", name: "Mia Kovač", handle: "@mia.kovac", lines: []string{"Hi, where is my parcel ab 123456? It should have come on Wednesday", "BS1 4QT", "it’s a birthday present for sunday"}},
		{id: "leo", name: "Leo Brandt", handle: "@leobrandt", lines: []string{"I want to return something", "The kettle, order EX481920. Wrong colour, never used."}},
		{id: "ale", name: "Alexandrina Papadopoulou-Westerhagen", lines: []string{"My account", "I was charged twice for the same chair, and every time somebody else answers"}},
		{id: "ines", name: "Inês Duarte", handle: "@inesduarte", lines: []string{"can I talk to a person?"}},
		{id: "jonas", name: "Jonas Weiß", lines: []string{"where is my order?", "KD880213", "N1 9GU"}},
		{id: "priya", name: "Priya Nair", handle: "@priyanair", lines: []string{"refund please", "LM551902 went back two weeks ago and nothing has arrived"}},
		{id: "noor", name: "نور حداد", lines: []string{"where is my parcel AB120888"}},
		{id: "sam", name: "Sam O’Connell", lines: []string{"hi", "tracking", "I don't have it"}},
		{id: "wen", name: "Wen Li", handle: "@wenli", lines: []string{"the throw has a hole", "HN219980, a hole near the label"}},
	}
}

// TestPictures writes every page in four looks where SHOTS names a folder; it
// is how the pictures of the README are made.
func TestPictures(t *testing.T) {
	if os.Getenv("SHOTS") == "" {
		t.Skip("pictures are taken where SHOTS names a folder")
	}
	platform := fakeplatform.Start(fakeplatform.Options{WebhookSecret: shopSecret})
	t.Cleanup(platform.Close)
	svc := kill.Start(t, kill.Options{Env: []string{"SHOP_SECRET=" + shopSecret}, Project: shop(t, func(files map[string]string) {
		swap(t, files, "dispatcher.yaml", "  web: {}", "  instagram: {kind: webhook, secret: \"${env:SHOP_SECRET}\", insecure: true, outbound: {mode: push, url: \""+platform.URL+"/webhook\"}}\n  web: {}")
	})})
	p := open(t, desk)
	p.goTo(svc.URL + "/")
	p.looks("landing-first")
	p.goTo(svc.SetupLink())
	p.looks("setup")
	a := setUp(t, svc, desk, "Ana Sousa")
	a.click("Hide")
	a.looks("inbox-empty")
	a.colleague("Ben Kaya", benMail, "agent")
	c := logIn(t, svc, desk, benMail)
	p.goTo(svc.URL + "/")
	p.looks("landing")
	p.goTo(svc.URL + "/login")
	p.looks("login")
	fill(t, svc, a)
	b := visit(t, svc, desk)
	b.looks("chat-greeting")
	b.taps("Where's my order?")
	b.hears("What's your order number?")
	b.says("it's hn 220417 thanks")
	b.hears("And the postcode")
	b.says("can I talk to a person")
	b.hears("passed this to Orders")
	b.looks("chat-line")
	work(t, svc, a, c)
	a.looks("console")
	a.pageOn("side", "console-case")
	a.pageOn("list", "console-list")
	answered(a, b)
	b.looks("chat-agent")
	a.keys("\x1b")
	a.keys("e")
	a.until("resolved", "document.querySelector('.facts').innerText.includes('Resolved')")
	a.looks("console-resolved")
	for _, who := range []*tab{a, b, c, p} {
		who.clean()
	}
}

// looks takes a picture on a desk and a phone, by day and by night.
func (b *tab) looks(name string) {
	b.t.Helper()
	for _, s := range []screen{desk, phone, {1440, 900, true}, {390, 844, true}} {
		scheme, where := "light", "desk"
		if s.dark {
			scheme = "dark"
		}
		if s.width < 720 {
			where = "phone"
		}
		b.size(s, scheme)
		b.shot(name + "-" + where + "-" + scheme)
	}
	b.size(desk, "light")
}

func (b *tab) size(s screen, scheme string) {
	do(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: s.width, Height: s.height, DeviceScaleFactor: 1, Mobile: s.width < 720})
	do(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	b.eval("new Promise(r => setTimeout(r, 250))")
}

// pageOn is one of the console's pages on a phone.
func (b *tab) pageOn(name, picture string) {
	b.size(phone, "light")
	was := b.text("document.querySelector('#app').dataset.page")
	b.eval("document.querySelector('#app').dataset.page = " + quote(name))
	b.shot(picture + "-phone-light")
	b.eval("document.querySelector('#app').dataset.page = " + quote(was))
	b.size(desk, "light")
}

// fill lets the morning's people write, each after an answer.
func fill(t *testing.T, svc *kill.Service, a *tab) {
	t.Helper()
	people := morning()
	sender := fakeplatform.WebhookSender(svc.URL+"/channels/instagram/webhook", shopSecret)
	for round := range 3 {
		for _, p := range people {
			if round >= len(p.lines) {
				continue
			}
			data := map[string]any{"id": fmt.Sprintf("%s-%d", p.id, round), "text": p.lines[round], "contact": map[string]any{"id": p.id, "name": p.name, "handle": p.handle}}
			if p.photo != "" && round == len(p.lines)-1 {
				data["media"] = []map[string]any{{"kind": "image", "url": "https://files.example/" + p.photo, "name": p.photo}}
			}
			if _, err := sender.Send(context.Background(), data["id"].(string), fakeplatform.WebhookEvent("message.created", time.Now(), data)); err != nil {
				t.Fatal(err)
			}
		}
		want := len(people)
		a.until("answers", fmt.Sprintf("document.querySelectorAll('.card[data-id]').length===%d && [...document.querySelectorAll('.card-words')].filter(w=>w.textContent.startsWith('Assistant:')).length>=%d", want, want-round/2))
	}
}

// work is what Ana and Ben do with it.
func work(t *testing.T, svc *kill.Service, a, c *tab) {
	t.Helper()
	openCard(c, "Wen Li")
	c.keys("c")
	c.until("the claim", "Boolean(find('Send'))")
	c.keys("r")
	c.until("the composer", "document.activeElement.getAttribute('aria-label')==='Write a reply'")
	c.keys("Hi Wen, Ben here. Could you send a photo of the label?\r")
	c.until("sent", said("photo of the label"))
	openCard(a, "Mia Kovač")
	a.keys("c")
	a.until("the claim", "Boolean(find('Send'))")
	a.keys("r")
	a.until("the composer", "document.activeElement.getAttribute('aria-label')==='Write a reply'")
	a.keys("Hi Mia, Ana here, and yes, a person. I’m looking for your parcel now.\r")
	a.until("sent", said("looking for your parcel now")+" && [...document.querySelectorAll('.row-us')].pop().innerText.match(/sent|delivered|read/)")
	openCard(c, "Mia Kovač")
	c.keys("n")
	c.until("the note box", "field('Write a note')")
	c.keys("Bristol depot since Wednesday, no scan after that. They can still put it on tomorrow’s van.\r")
	a.until("the note", "document.querySelector('.row-note')")
	sender := fakeplatform.WebhookSender(svc.URL+"/channels/instagram/webhook", shopSecret)
	data := map[string]any{"id": "mia-last", "text": "sorry, was just so worried. sunday is the party", "contact": map[string]any{"id": "mia", "name": "Mia Kovač", "handle": "@mia.kovac"}}
	if _, err := sender.Send(context.Background(), "mia-last", fakeplatform.WebhookEvent("message.created", time.Now(), data)); err != nil {
		t.Fatal(err)
	}
	a.until("her answer", said("sunday is the party"))
	a.eval("field('Write a reply').focus()")
	a.keys("Good news, Mia: AB123456 left Bristol this morning and reaches you tomorrow. If it doesn’t, write here and I’ll send a new one.")
	a.until("the list", "document.querySelectorAll('.card[data-id]').length>=10 && !document.querySelector('.toast')")
}

// answered lets Ana answer the visitor of the chat.
func answered(a, b *tab) {
	openCard(a, "Visitor")
	a.until("the visitor", said("hn 220417"))
	a.keys("c")
	a.until("the claim", "Boolean(find('Send'))")
	a.keys("r")
	a.until("the composer", "document.activeElement.getAttribute('aria-label')==='Write a reply'")
	a.keys("Hello, Ana here. HN220417 left our warehouse this morning; you should have it tomorrow before noon.\r")
	b.hears("tomorrow before noon")
	b.says("Brilliant, thank you!")
	a.until("the thanks", said("Brilliant"))
}

// openCard opens the conversation of this name.
func openCard(b *tab, name string) {
	b.t.Helper()
	card := "[...document.querySelectorAll('.card[data-id]')].find(c=>c.querySelector('.card-name').textContent.includes(" + quote(name) + "))"
	b.eval("document.querySelector('#newer').hidden || document.querySelector('#newer').click()")
	b.until("the card of "+name, card)
	b.eval("(c => { c.click(); document.activeElement.blur(); })(" + card + ")")
	b.until("the conversation of "+name, "document.querySelector('#conversation h2').textContent.includes("+quote(name)+") && document.querySelector('.log .row')")
}
