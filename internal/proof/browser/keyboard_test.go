//go:build browser

package browser

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp/kb"

	"dispatcher/internal/proof/kill"
)

// TestPromise_W15_Keyboard: both sides without a pointer, and what a reader is
// told: every control has a name, the focus walks the page in reading order and
// can always be seen.
func TestPromise_W15_Keyboard(t *testing.T) {
	t.Parallel()
	svc := kill.Start(t, kill.Options{Project: shop(t)})
	a := setUp(t, svc, desk, "Ana Sousa")
	b := open(t, desk)
	b.goTo(svc.URL + "/channels/web/web/frame")
	b.until("the greeting", "document.querySelectorAll('#replies button').length===5")
	b.named("the chat", "button", "Where's my order?", "button", "Talk to a person", "textbox", "Write a message", "log", "Conversation", "group", "Quick replies")
	b.walks("the chat", "#replies", "#form", "#person")
	b.eval("document.querySelector('#replies button').focus()")
	b.keys(kb.ArrowDown + kb.ArrowUp)
	b.until("the first reply", "document.activeElement===document.querySelector('#replies button')")
	b.keys("\r")
	b.until("the next question", "document.querySelector('#log').innerText.includes(\"What's your order number?\")")
	b.keys("AB123456\r")
	b.until("the next one", "document.querySelector('#log').innerText.includes('postcode')")
	b.keys("can I talk to a person\r")
	b.until("the line", "document.querySelector('#owner').textContent.startsWith('In line')")

	a.until("the card", "document.querySelector('.card[data-id]')?.innerText.includes('AB123456')")
	a.keys("j")
	a.until("the case", "document.querySelector('#side dl.pairs') && find('Claim')")
	a.named("the console", "navigation", "Views", "heading", "All", "list", "Conversations", "log", "Conversation", "tab", "Case", "tabpanel", "Case", "button", "Claim", "button", "More actions", "complementary", "Case")
	a.walks("the console", ".rail", ".list", "#conversation", "#side")
	a.keys("cr") // the second key does not wait for the server
	a.until("the composer", "document.activeElement.getAttribute('aria-label')==='Write a reply' && document.activeElement.value===''")
	a.named("the composer", "radiogroup", "Who can read it", "radio", "Private", "textbox", "Write a reply", "button", "Send")
	a.keys("Good morning.\r")
	b.until("the answer", "document.querySelector('.w-agent')?.innerText.includes('Good morning.')")
	a.clean()
	b.clean()
}

// named checks the tree that readers get: pairs of role and name that must be
// in it, and no control without a name.
func (b *tab) named(page string, pairs ...string) {
	b.t.Helper()
	tree := do(b, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	var have []string
	for _, n := range tree.Nodes {
		if n.Ignored || n.Role == nil {
			continue
		}
		role, name := axText(n.Role), ""
		if n.Name != nil {
			name = axText(n.Name)
		}
		have = append(have, role+" "+name)
		if name == "" && slices.Contains([]string{"button", "link", "textbox", "combobox", "tab", "radio", "menuitem", "checkbox"}, role) {
			b.t.Errorf("%s has a %s without a name", page, role)
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		if want := pairs[i] + " " + pairs[i+1]; !slices.Contains(have, want) {
			b.t.Errorf("%s has no %s: %q", page, want, have)
		}
	}
}

func axText(v *accessibility.Value) string {
	return strings.Trim(string(v.Value), `"`)
}

// walks presses Tab through a page: the focus passes its parts in this order,
// once, and every stop can be seen.
func (b *tab) walks(page string, parts ...string) {
	b.t.Helper()
	where := "(e => " + fmt.Sprintf("%q.split(' ')", strings.Join(parts, " ")) + ".findIndex(p => e.closest(p)))(document.activeElement)"
	b.eval("(d => { d.tabIndex = -1; d.focus(); d.removeAttribute('tabindex') })(document.body)") // from the top
	last, seen := -1, map[int]bool{}
	for range 60 {
		b.keys("\t")
		if b.eval("document.activeElement === document.body || !document.activeElement") == true {
			break
		}
		at := int(b.eval(where).(float64))
		if at >= 0 && at < last {
			if seen[len(parts)-1] {
				break // round again
			}
			b.t.Errorf("%s: the focus goes back from %s to %s", page, parts[last], parts[at])
		}
		if at >= 0 {
			last, seen[at] = at, true
		}
		if b.eval("(e => { const s = getComputedStyle(e); return (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== 'none' || (p => p && getComputedStyle(p).boxShadow !== 'none' || p && getComputedStyle(p).outlineStyle !== 'none')(e.closest('.box,.pickbox')) })(document.activeElement)") != true {
			b.t.Errorf("%s: the focus cannot be seen on %v", page, b.eval("document.activeElement.outerHTML.slice(0, 120)"))
		}
	}
	for i, p := range parts {
		if !seen[i] {
			b.t.Errorf("%s: Tab never reaches %s", page, p)
		}
	}
}
