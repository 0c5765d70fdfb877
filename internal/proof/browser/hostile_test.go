//go:build browser

package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/internal/proof/kill"
)

const shopSecret = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY"

// payloads are words that try to be more than words.
func payloads() []string {
	return []string{
		`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `<svg onload=alert(1)>`, `"><script>alert(1)</script>`, `'><img src=x onerror=alert(1)>`,
		`<iframe src="javascript:alert(1)"></iframe>`, `<a href="javascript:alert(1)">x</a>`, `javascript:alert(1)`, `JaVaScRiPt:alert(1)`, `data:text/html,<script>alert(1)</script>`,
		`<body onload=alert(1)>`, `<input autofocus onfocus=alert(1)>`, `<details open ontoggle=alert(1)>`, `<video><source onerror=alert(1)></video>`, `<math><mi xlink:href="javascript:alert(1)">x</mi></math>`,
		`<template><script>alert(1)</script></template>`, `<style>*{display:none}</style>`, `<link rel=stylesheet href=//evil.example>`, `<meta http-equiv=refresh content=0;url=//evil.example>`, `<base href=//evil.example>`,
		`<form action=//evil.example><button>go</button></form>`, `<object data=//evil.example></object>`, `<embed src=//evil.example>`, `<marquee onstart=alert(1)>x</marquee>`, `<isindex onfocus=alert(1)>`,
		`{{ 7*7 }}`, `${alert(1)}`, `[[blank]]`, `{{constructor.constructor('alert(1)')()}}`, `<%= 7*7 %>`, `{{ slots.story }}`, `{{ contact.email }}`,
		`&lt;b&gt;`, `&#60;script&#62;`, `\u003cscript\u003e`, `%3Cscript%3E`, `<!-- x`, `--> x`, `]]> x`, `</title><script>alert(1)</script>`, `</textarea><script>alert(1)</script>`, `</li></ol><script>alert(1)</script>`,
		"\u202egnirts desrever", "\u2066isolated\u2069 word", "a\u200bb\u200bc", "x\ufeffy", "null\x00byte", "line\nline two",
		"Z" + strings.Repeat("\u0335", 200), "families " + strings.Repeat("👩‍👩‍👧‍👦", 40), strings.Repeat("W", 3900), `=HYPERLINK("http://evil.example")`, "+1+1", "@SUM(1)",
		"https://evil.example@good.example/path", "http://xn--80ak6aa92e.com/", "https://аpple.com/", "http://evil.example/<script>", "ftp://files.example/", "vbscript:msgbox(1)", "http://[::1]/?q=<b>",
		"✓ verified", "constructor", "__proto__", `"; drop table users; --`, "<b>Ana Sousa</b>",
	}
}

// allowed are the elements that our own code makes. Anything else came out of
// somebody's text.
const allowed = `['A','ABBR','ASIDE','B','BDI','BODY','BR','BUTTON','CODE','DD','DIV','DL','DT','FOOTER','FORM','H1','H2','H3','HEADER','HEAD','HTML','I','IFRAME','INPUT','KBD','LABEL','LI','LINK','MAIN','META','NAV','NOSCRIPT','OL','OPTION','P','PATH','RECT','CIRCLE','SCRIPT','SECTION','SELECT','SMALL','SPAN','STRONG','SVG','SYMBOL','TEXTAREA','TIME','TITLE','UL','USE']`

// strangers lists what of a document is not ours: elements, handlers, links
// that do more than lead somewhere, scripts from elsewhere.
const strangers = `(d => { const ok = new Set(` + allowed + `); return [...d.querySelectorAll('*')].flatMap(e => [...(ok.has(e.tagName.toUpperCase()) ? [] : [e.tagName]), ...[...e.attributes].filter(a => a.name.startsWith('on')).map(a => e.tagName + ' ' + a.name), ...(e.tagName === 'SCRIPT' && !e.src.startsWith(location.origin) ? ['foreign script'] : []), ...(e.tagName === 'A' && e.hasAttribute('href') && !/^https?:$/.test(e.protocol) ? [e.href] : [])]).join() })`

// visible is what a page shows of a payload: a mark for the one character that
// no document can hold, and the line ends of documents.
func visible(p string) string {
	return strings.NewReplacer("\x00", "\uFFFD", "\r\n", "\n").Replace(p)
}

var turning = regexp.MustCompile(`[\x{061c}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]`)

// asName is a payload as a name: on one line, its turning characters told.
func asName(p string) string {
	p = turning.ReplaceAllStringFunc(visible(p), func(c string) string { return fmt.Sprintf("[U+%04X]", []rune(c)[0]) })
	return strings.ReplaceAll(p, "\n", " ")
}

// whole payloads are shown in full; of the others the pages say that they cut.
func whole(p string) bool { return len(p) <= 1000 && !strings.Contains(p, "\u0335") }

// open shop with a flow that repeats what it is told wherever words can go.
func hostileShop() map[string]string {
	return map[string]string{
		"dispatcher.yaml": "dispatcher: 1\nproject: hostile\nstart: welcome\nqueues:\n  general: {name: \"<u>General</u>\"}\ndefault_queue: general\nchannels:\n  web: {}\n" +
			"  shop: {kind: webhook, secret: \"${env:SHOP_SECRET}\", outbound: {mode: pull}}\n",
		"flows/welcome.yaml": `flow: welcome
slots:
  story: {type: text, max: 4000}
states:
  start:
    say: "<b>Hello</b> {{ contact.name ?? 'you' }}."
    goto: ask
  ask:
    collect:
      slot: story
      ask: "<img src=x onerror=alert(1)> Tell me."
      options:
        "<i onclick=alert(1)>Red parcel</i>": person
        "\"><s>Blue parcel</s>": person
    goto: person
  person:
    say: "You said: {{ slots.story ?? '' }}"
    handoff:
      queue: general
      summary: "Told: {{ slots.story ?? '' }}"
      say: "Passed on: {{ slots.story ?? '' }}"
`}
}

// TestPromise_P15_Browser puts every payload into every field that a stranger
// can fill, over the signed webhook and the chat, through flows, the packet and
// agents' names, and finds it again as what it is: text.
func TestPromise_P15_Browser(t *testing.T) {
	t.Parallel()
	list := payloads()
	svc := kill.Start(t, kill.Options{Project: hostileShop(), Env: []string{"SHOP_SECRET=" + shopSecret}})
	a := setUp(t, svc, desk, `<img src=x onerror=alert(1)> Ana`)
	post := writer(t, svc)
	for i, p := range list {
		post(i, "hello", p)
	}
	a.until("a conversation for each", fmt.Sprintf("Number(document.querySelector('#view-count').textContent)===%d && [...document.querySelectorAll('.card-words')].every(w=>w.textContent.includes('Tell me.'))", len(list)))
	for i, p := range list {
		post(i, p, p)
	}
	a.until("all of them in the queue", fmt.Sprintf("document.querySelector('a[data-view=unassigned] [data-count]').textContent==='%d'", len(list)))
	shownToAgents(t, a, list)
	shownToCustomers(t, svc, a, list)
	a.clean()
	t.Logf("PROOF P15 %d payloads in name, handle, file name, text, slot, summary, bot's words, agent's words and agent's name: each literal; 0 dialogs, 0 reports, 0 foreign elements", len(list))
}

// writer speaks for as many people as there are payloads.
func writer(t *testing.T, svc *kill.Service) func(i int, text, name string) {
	sender := fakeplatform.WebhookSender(svc.URL+"/channels/shop/webhook", shopSecret)
	n := 0
	return func(i int, text, name string) {
		t.Helper()
		n++
		id := fmt.Sprintf("h-%d-%d", i, n)
		body := fakeplatform.WebhookEvent("message.created", time.Now(), map[string]any{"id": id, "text": text,
			"contact": map[string]any{"id": fmt.Sprintf("c-%d", i), "name": name, "handle": name},
			"media":   []map[string]any{{"kind": "image", "url": "https://files.example/x.png", "name": name, "alt": name}}})
		if got, err := sender.Send(context.Background(), id, body); err != nil || got.Status != 200 {
			t.Fatalf("webhook message %q: %+v %v", text, got, err)
		}
	}
}

// shownToAgents opens every conversation and reads it off the page.
func shownToAgents(t *testing.T, a *tab, list []string) {
	t.Helper()
	got := a.eval(`(async () => {
		const wait = async (what, f) => { const end = Date.now() + 15000; for (;;) { try { const v = f(); if (v) return v; } catch {} if (Date.now() > end) throw new Error('waited for ' + what); await new Promise(r => setTimeout(r, 10)); } };
		const out = []; const bad = new Set(); const texts = (q) => [...document.querySelectorAll(q)].map(e => e.textContent);
		for (const id of [...document.querySelectorAll('.card[data-id]')].map(c => c.dataset.id)) {
			const card = document.querySelector('.card[data-id="' + id + '"]');
			card.click();
			await wait('conversation ' + id, () => location.pathname.endsWith(id) && document.querySelectorAll('.row-them .bubble').length >= 2 && document.querySelector('.row-bot') && document.querySelector('#side dl.pairs'));
			for (const b of document.querySelectorAll('.link-button')) b.click();
			out.push({card: card.textContent, name: document.querySelector('#conversation h2').textContent, title: document.title, said: texts('.row-them .bubble'), bot: texts('.row-bot .words'), files: texts('.row-them .file bdi'), side: texts('#side .summary, #side .pair-value'), height: card.offsetHeight, badge: Boolean(document.querySelector('.talk-name .badge-ok'))});
			for (const s of (` + strangers + `)(document).split(',')) if (s) bad.add(s);
			document.querySelector('#tab-person').click();
			await wait('the person', () => document.querySelector('#side').innerText.includes('Channel'));
			for (const s of (` + strangers + `)(document).split(',')) if (s) bad.add(s);
			document.querySelector('#tab-case').click();
		}
		return JSON.stringify({rows: out, bad: [...bad]});
	})()`)
	var page struct {
		Rows []struct {
			Card, Name, Title      string
			Said, Bot, Files, Side []string
			Height                 int
			Badge                  bool
		}
		Bad []string
	}
	if err := json.Unmarshal([]byte(fmt.Sprint(got)), &page); err != nil {
		t.Fatal(err)
	}
	if len(page.Bad) > 0 {
		t.Errorf("words became elements: %q", page.Bad)
	}
	if len(page.Rows) != len(list) {
		t.Errorf("%d conversations were read, want %d", len(page.Rows), len(list))
	}
	for i, p := range list {
		want, name, found := visible(p), asName(p), false
		for _, r := range page.Rows {
			if !whole(p) || r.Name != name {
				continue
			}
			found = true
			one := func(field string, texts []string, want string) {
				for _, s := range texts {
					if strings.Contains(s, want) {
						return
					}
				}
				t.Errorf("payload %d %q is not literal in %s: %q", i, p, field, texts)
			}
			one("the card", []string{r.Card}, name)
			one("the title", []string{r.Title}, strings.Join(strings.Fields(name), " "))
			one("what they said", r.Said, want)
			one("the assistant's words", r.Bot, "You said: "+want)
			one("the handoff's words", r.Bot, "Passed on: "+want)
			one("the file's name", r.Files, name)
			one("the packet's summary", r.Side, "Told: "+want)
			one("the packet's slot", r.Side, want)
			if r.Badge {
				t.Errorf("the name %q got a badge", p)
			}
		}
		if whole(p) && !found {
			t.Errorf("payload %d %q is nobody's name", i, p)
		}
	}
	for _, r := range page.Rows {
		if r.Height > 66 {
			t.Errorf("the card of %q grew to %d", head(r.Name, 40), r.Height)
		}
	}
}

// shownToCustomers lets a customer write the payloads and an agent answer with
// them, under a name that is one.
func shownToCustomers(t *testing.T, svc *kill.Service, a *tab, list []string) {
	t.Helper()
	b := open(t, desk)
	b.goTo(svc.URL + "/chat")
	b.until("the greeting", chatLog+".includes('Tell me.') && "+quickly+"===2")
	var mine []string
	for _, p := range list {
		if whole(p) && !strings.ContainsAny(p, "\n\x00") {
			mine = append(mine, p)
		}
	}
	long := strings.Join(mine, " ¦ ")
	data, _ := json.Marshal(long)
	b.eval("((f, w) => { f.value = w; f.dispatchEvent(new Event('input')); f.focus(); })(" + chatBox + ", " + string(data) + ")")
	b.keys("\r")
	b.until("the assistant's echo", lastBot+".length>0 && "+chatLog+".includes('You said: ')")
	a.until("the card", "[...document.querySelectorAll('.card[data-id]')].some(c=>c.innerText.includes('Visitor')) || document.querySelector('#newer').hidden===false")
	// One is refused, as it must be: a blank that nobody filled. The rate of one
	// person's requests bounds how many they can answer in one go.
	answers := slices.DeleteFunc(slices.Clone(list), func(p string) bool { return strings.HasPrefix(p, "[[") })
	answers = answers[:50]
	words, _ := json.Marshal(answers)
	sent := a.text(`(async list => { const json = {'Content-Type': 'application/json'};
		const all = (await (await fetch('/api/v1/conversations?limit=200')).json()).items; const id = all.find(i => i.channel === 'web').id;
		const claim = await fetch('/api/v1/conversations/' + id + '/claim', {method: 'POST', headers: {...json, 'If-Epoch': all.find(i => i.id === id).epoch}, body: '{}'});
		const epoch = (await claim.json()).epoch; const bad = [];
		for (const text of list) { const r = await fetch('/api/v1/conversations/' + id + '/messages', {method: 'POST', headers: {...json, 'If-Epoch': epoch, 'Idempotency-Key': crypto.randomUUID()}, body: JSON.stringify({text, visibility: 'private'})}); if (r.status >= 300) bad.push(r.status + ' ' + text.slice(0, 20) + (await r.text()).slice(0, 200)); }
		return bad.join('\n'); })(` + string(words) + `)`)
	if sent != "" {
		t.Errorf("replies were refused:\n%s", sent)
	}
	b.until("every answer", fmt.Sprintf("inFrame().querySelectorAll('.w-agent').length===%d", len(answers)))
	if bad := b.text(strangers + "(inFrame())"); bad != "" {
		t.Errorf("words became elements in the chat: %s", bad)
	}
	var said struct{ Own, Bot, Agent, Names []string }
	got := b.text(`JSON.stringify({own: [...inFrame().querySelectorAll('.w-me p')].map(e => e.textContent), bot: [...inFrame().querySelectorAll('.w-bot p, .w-sys')].map(e => e.textContent), agent: [...inFrame().querySelectorAll('.w-agent p.b')].map(e => e.textContent), names: [...inFrame().querySelectorAll('.w-agent bdi')].map(e => e.textContent).concat(inFrame().querySelector('#owner').textContent)})`)
	if err := json.Unmarshal([]byte(got), &said); err != nil {
		t.Fatal(err)
	}
	own, bot := strings.Join(said.Own, "\n"), strings.Join(said.Bot, "\n")
	for i, p := range answers {
		if !whole(p) {
			continue
		}
		if i < len(said.Agent) && said.Agent[i] != strings.ReplaceAll(p, "\x00", "") && said.Agent[i] != visible(p) && !strings.HasPrefix(said.Agent[i], visible(p)+" (") {
			t.Errorf("the agent's %q reached the customer as %q", p, said.Agent[i])
		}
	}
	for _, p := range mine {
		if !strings.Contains(own, p) || !strings.Contains(bot, p) {
			t.Errorf("%q is not literal in the customer's own words (%v) or the assistant's echo (%v)", p, strings.Contains(own, p), strings.Contains(bot, p))
		}
	}
	for _, n := range said.Names {
		if !strings.HasPrefix(n, "<img src=x onerror=alert(1)> Ana") {
			t.Errorf("the agent's name is shown as %q", n)
		}
	}
	b.shot("p15-chat")
	a.shot("p15-console")
	b.clean()
}
