//go:build browser

package web

import (
	"fmt"
	"testing"
)

// TestPicturesOfEveryPage opens every page in both themes, on a desk and on a
// phone, and lets none of them complain, scroll sideways or hide a small target.
func TestPicturesOfEveryPage(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.fill()
	pages := []struct{ name, path, ready string }{
		{"landing", "/", "document.querySelector('.doors')"},
		{"setup", "/setup/tok", "document.activeElement.id==='p'"},
		{"login", "/login", "document.activeElement.id==='p'"},
		{"login-second", "/login/second", "document.activeElement.id==='c'"},
		{"problem", "/oops", "document.querySelector('h1')"},
		{"form", "/form/ok", "document.querySelectorAll('.field').length===6"},
		{"form-wrong", "/form/wrong", "document.querySelector('[role=alert]') && document.querySelectorAll('.hint.bad').length===2"},
		{"form-sent", "/form/sent", "document.querySelector('h1').innerText==='Thank you'"},
		{"form-late", "/form/late", "document.querySelector('h1').innerText.includes('expired')"},
		{"chat", "/chat", "inFrame().querySelectorAll('.w-opt').length===5"},
		{"console", "/console", "document.querySelectorAll('.card[data-id]').length===10"},
		{"console-talk", "/console/c/c2", "document.querySelectorAll('.row').length>8 && document.querySelector('.sheet dl')"},
	}
	for _, dark := range []bool{false, true} {
		for _, width := range []int64{1440, 390} {
			height := int64(900)
			if width == 390 {
				height = 844
			}
			name := fmt.Sprintf("%d-%v", width, dark)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := open(t, width, height, dark)
				for _, p := range pages {
					b.goTo(f.URL + p.path)
					b.help()
					b.until(p.name, p.ready)
					b.shot(fmt.Sprintf("%s-%s", p.name, name))
					if v := b.eval("document.documentElement.scrollWidth<=innerWidth"); v != true {
						t.Errorf("%s scrolls sideways at %d: %v", p.name, width, b.eval("document.documentElement.scrollWidth"))
					}
					if width == 390 {
						small := b.eval(`[...document.querySelectorAll('button,a[href],select')].filter(e=>{const r=e.getBoundingClientRect();return r.width>0&&r.height>0&&getComputedStyle(e).visibility!=='hidden'&&r.height<44&&!e.closest('p,code,h2,.bubble,.bar,.foot,.scan,.with,.keyline,.demo,.pair-how,.pair-line')}).map(e=>e.outerHTML.slice(0,120)).join('\n')`)
						if small != "" {
							t.Errorf("%s has small targets on a phone:\n%s", p.name, small)
						}
					}
				}
				b.clean()
			})
		}
	}
}

// TestPicturesBetween opens the console at the widths between: the side over
// the conversation, and the rail with words.
func TestPicturesBetween(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.fill()
	for _, width := range []int64{1024, 1680} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			t.Parallel()
			b := open(t, width, 900, false)
			b.goTo(f.URL + "/console/c/c2")
			b.help()
			b.until("the conversation", "document.querySelectorAll('.row').length>8")
			b.shot(fmt.Sprintf("between-%d", width))
			if width == 1024 {
				b.click("Case (I)")
				b.until("the side", "document.querySelector('#side').offsetWidth>300 && find('Close the case')")
				b.shot("between-side")
				b.click("Close the case")
			}
			b.keys("i")
			b.until("the side turned", fmt.Sprintf("(document.querySelector('#side').offsetWidth>0)===%v", width == 1024))
			if v := b.eval("document.documentElement.scrollWidth<=innerWidth"); v != true {
				t.Errorf("the console scrolls sideways at %d", width)
			}
			b.clean()
		})
	}
}

// formOf is a form as it comes, with mistakes, sent, and too late.
func formOf(path string) Form {
	form := Form{Action: path, Language: "en", Brand: "Fennel & Oak", Words: WordsOfForm("en")}
	switch path {
	case "/form/sent":
		form.Done = true
		return form
	case "/form/late":
		form.Expired = true
		return form
	}
	form.Title, form.Intro, form.Files = "Your return", "Two minutes, and the label is on its way.", true
	form.Fields = []FormField{
		{Name: "order_number", Label: "Order number", Type: "text", Required: true, Example: "For example EX481920"},
		{Name: "reason", Label: "What is wrong?", Type: "choice", Required: true, Values: []FormValue{{"damaged", "It arrived damaged"}, {"wrong_size", "Wrong size"}, {"other", "Something else"}}},
		{Name: "bought_on", Label: "Bought on", Type: "date"},
		{Name: "what_happened", Label: "What happened?", Type: "text", Long: true, Help: "A sentence is enough."},
		{Name: "photo", Label: "A photo", Type: "media", Accept: "image/*"},
		{Name: "pin", Label: "Your pin", Type: "text", Secret: true, Required: true},
	}
	if path == "/form/wrong" {
		form.Fields[0].Value, form.Fields[0].Error = "12", "That isn't an order number. It has two letters and six digits."
		form.Fields[1].Error = "Please choose one."
	}
	return form
}
