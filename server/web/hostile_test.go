//go:build browser

package web

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// hostile are words that try to be more than words.
func hostile() []string {
	list := []string{
		`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `<svg onload=alert(1)>`, `"><script>alert(1)</script>`, `'><img src=x onerror=alert(1)>`,
		`<iframe src="javascript:alert(1)"></iframe>`, `<a href="javascript:alert(1)">x</a>`, `javascript:alert(1)`, `JaVaScRiPt:alert(1)`, `data:text/html,<script>alert(1)</script>`,
		`<body onload=alert(1)>`, `<input autofocus onfocus=alert(1)>`, `<details open ontoggle=alert(1)>`, `<video><source onerror=alert(1)></video>`, `<math><mi xlink:href="javascript:alert(1)">x</mi></math>`,
		`<template><script>alert(1)</script></template>`, `<style>*{display:none}</style>`, `<link rel=stylesheet href=//evil.example>`, `<meta http-equiv=refresh content=0;url=//evil.example>`, `<base href=//evil.example>`,
		`<form action=//evil.example><button>go</button></form>`, `<object data=//evil.example></object>`, `<embed src=//evil.example>`, `<marquee onstart=alert(1)>x</marquee>`, `<isindex onfocus=alert(1)>`,
		`{{ 7*7 }}`, `${alert(1)}`, `[[blank]]`, `{{constructor.constructor('alert(1)')()}}`, `<%= 7*7 %>`,
		`&lt;b&gt;`, `&#60;script&#62;`, `\u003cscript\u003e`, `%3Cscript%3E`, `<!--`, `-->`, `]]>`, `</title><script>alert(1)</script>`, `</textarea><script>alert(1)</script>`, `</li></ol><script>alert(1)</script>`,
		"\u202egnirts desrever", "\u2066isolated\u2069", "a\u200bb\u200bc", "x\ufeffy", "null\x00byte", "line\nline\r\nline",
		"Z" + strings.Repeat("\u0335", 200), strings.Repeat("👩‍👩‍👧‍👦", 40), strings.Repeat("W", 10000), "=HYPERLINK(\"http://evil.example\")", "+1+1", "@SUM(1)",
		"https://evil.example@good.example/path", "http://xn--80ak6aa92e.com/", "https://аpple.com/", "http://evil.example/<script>", "ftp://files.example/", "vbscript:msgbox(1)", "https://", "http://[::1]/?q=<b>",
		"✓ verified", `constructor`, `__proto__`, `"; drop table users; --`,
	}
	return list
}

// allowed are the elements that our own code makes. Anything else came out of
// somebody's text.
const allowed = `['A','ABBR','ASIDE','B','BDI','BODY','BR','BUTTON','CODE','DD','DIV','DL','DT','FOOTER','FORM','H1','H2','H3','HEADER','HEAD','HTML','I','IFRAME','INPUT','KBD','LABEL','LI','LINK','MAIN','META','NAV','NOSCRIPT','OL','OPTION','P','PATH','RECT','CIRCLE','SCRIPT','SECTION','SELECT','SMALL','SPAN','STRONG','SVG','SYMBOL','TEXTAREA','TIME','TITLE','UL','USE']`

const strangers = `(d => { const ok = new Set(` + allowed + `); const own = [...d.querySelectorAll('script')].every(s => s.src.startsWith(location.origin)); return [...d.querySelectorAll('*')].map(e => e.tagName.toUpperCase()).filter(n => !ok.has(n)).concat(own ? [] : ['foreign script']).concat([...d.querySelectorAll('a[href]')].filter(a => !/^https?:$/.test(a.protocol)).map(a => a.href)).concat([...d.querySelectorAll('*')].flatMap(e => [...e.attributes].filter(a => a.name.startsWith('on')).map(a => e.tagName + ' ' + a.name))).join() })`

// TestHostileWordsInTheConsole puts every payload into every field that a
// stranger can fill, and finds it again as what it is: text.
func TestHostileWordsInTheConsole(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.fill()
	list := hostile()
	if len(list) < 60 {
		t.Fatalf("only %d payloads", len(list))
	}
	f.with(func() {
		for i, p := range list {
			c := f.convs[i%len(f.convs)]
			if i < len(f.convs) {
				c["contact"] = obj{"id": "x", "name": p, "handle": p, "verified": false}
				c["topic"], c["headline_slot"], c["why"] = p, p, p
				c["last"].(obj)["preview"] = p
				c["labels"] = []string{p}
			}
			f.say("c2", "text", "customer", p, obj{"media": []obj{{"kind": "image", "name": p}}})
			f.say("c2", "tap", "customer", p, obj{"tap": obj{"label": p, "option": p, "seq": 1}})
			f.say("c2", "text", "bot", p, obj{"options": []obj{{"id": p, "label": p}}})
			f.say("c2", "note", "agent", p, nil)
			f.packets["c2"]["slots"] = append(f.packets["c2"]["slots"].([]obj), obj{"name": p, "label": p, "raw": p, "value": p, "how": p, "status": p})
		}
		pk := f.packets["c2"]
		pk["why"], pk["summary"], pk["cause"] = list[1], list[2], "asked_for_person"
		pk["entry"] = obj{"ref": list[0], "text": list[1], "source": "link"}
		pk["promises"] = []obj{{"said": list[3]}}
	})
	b := open(t, 1440, 900, false)
	b.goTo(f.URL + "/console/c/c2")
	b.help()
	b.until("everything", fmt.Sprintf("document.querySelectorAll('.row').length>=%d", 4*len(list)))
	want, _ := json.Marshal(list)
	// Each is found literally, but for what the page says it changes: very long
	// ones are cut, towers of marks too, and a NUL cannot be in a document.
	missing := b.eval(`(list => { const texts = [...document.querySelectorAll('.row-them .bubble:not(.bubble-tap)')].map(e => e.textContent); return list.filter(p => p.length <= 1200 && !/\u0335/.test(p) && !texts.some(t => t.includes(p.replace(/\r\n/g,'\n')) || t.includes(p) )).join(' ¦ ') })(` + string(want) + `)`)
	if missing != "" {
		t.Errorf("not shown as typed: %v", missing)
	}
	if bad := b.eval(strangers + "(document)"); bad != "" {
		t.Errorf("words became elements: %v", bad)
	}
	if v := b.eval(`[...document.querySelectorAll('.row-them .bubble')].some(e => e.textContent.length > 1400)`); v == true {
		t.Error("10,000 characters are not folded")
	}
	if v := b.eval(`[...document.querySelectorAll('.card')].some(e => Math.abs(e.offsetHeight - 64) > 1)`); v == true {
		t.Error("a card grew with its words")
	}
	if v := b.eval(`[...document.querySelectorAll('.badge-ok, .card-name .icon')].length`); v == float64(99) {
		t.Error("a name made a badge")
	}
	b.eval("find('Show all 10,000 characters').click()")
	b.until("the whole text", "[...document.querySelectorAll('.bubble')].some(e => e.textContent.length >= 10000)")
	// The best of five: what the page costs, not what else the machine does.
	best := 1e9
	for range 5 {
		ms := b.eval(`new Promise(done => { const t = document.querySelector('textarea'); t.focus(); const at = performance.now(); t.value = 'x'; t.dispatchEvent(new Event('input')); requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - at))) })`)
		best = min(best, ms.(float64))
	}
	if best > 100 {
		t.Errorf("typing beside 10,000 characters takes %.0f ms", best)
	}
	hosts := b.eval(`[...document.querySelectorAll('.row-them a.out')].map(a => a.rel + ' ' + a.parentElement.textContent.includes(new URL(a.href).host)).filter(s => s !== 'noopener noreferrer nofollow true').join()`)
	if hosts != "" {
		t.Errorf("links hide their host or leak: %v", hosts)
	}
	b.eval("document.querySelector('.row-them a.out').click()")
	b.until("the question before leaving", "document.querySelector('[role=alertdialog] h2').textContent.startsWith('Open ')")
	b.keys("\x1b")
	b.shot("hostile")
	b.clean()
}

// TestHostileWordsInTheChat does the same to the customer's side.
func TestHostileWordsInTheChat(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	b := chat(t, f)
	list := hostile()
	f.with(func() {
		for _, p := range list {
			f.push("message", obj{"id": "h" + fmt.Sprint(len(f.events)), "author": obj{"role": "agent", "name": p}, "text": p, "at": "2026-11-20T10:45:00Z", "links": []obj{{"label": p, "url": p}}, "media": []obj{{"kind": "file", "name": p}}})
			f.push("owner", obj{"owner": "agent", "name": p})
			f.push("typing", obj{"role": "agent", "name": p, "until": "2099-01-01T00:00:00Z"})
		}
		f.ask(list[1], list[1]+"|"+list[2], list[0]+"|"+list[4])
	})
	b.until("everything", fmt.Sprintf("inFrame().querySelectorAll('.w-agent').length===%d && inFrame().querySelectorAll('#replies button').length===2", len(list)))
	if bad := b.eval(strangers + "(inFrame())"); bad != "" {
		t.Errorf("words became elements: %v", bad)
	}
	b.shot("chat-hostile")
	b.clean()
}
