//go:build browser

package web

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
)

// tree reads what a screen reader is told: role and name of every element of a
// document, in the browser's own computation.
func (b *tab) tree(frame cdp.FrameID) map[string]int {
	b.t.Helper()
	got := do(b, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{FrameID: frame})
	all := map[string]int{}
	for _, n := range got.Nodes {
		if n.Ignored || n.Role == nil {
			continue
		}
		name := ""
		if n.Name != nil {
			name = strings.Trim(string(n.Name.Value), `"`)
		}
		all[strings.Trim(string(n.Role.Value), `"`)+" "+name]++
	}
	return all
}

func (b *tab) wants(what string, tree map[string]int, names ...string) {
	b.t.Helper()
	for _, n := range names {
		if tree[n] == 0 {
			b.t.Errorf("%s: a screen reader finds no %q", what, n)
		}
	}
	for n := range tree {
		role, name, _ := strings.Cut(n, " ")
		switch role {
		case "button", "textbox", "link", "combobox", "radio", "menuitem", "tab", "dialog", "alertdialog":
			if strings.TrimSpace(name) == "" {
				b.t.Errorf("%s: a %s has no name", what, role)
			}
		}
	}
}

// TestNamesForReaders: everything is found by role and name, on the console in
// each state of ownership, and in the chat.
func TestNamesForReaders(t *testing.T) {
	t.Parallel()
	f, b := console(t, "/console/c/c1")
	b.until("the conversation", "find('Claim') && document.querySelector('.log .row')")
	b.wants("unclaimed", b.tree(""), "button Claim", "navigation Views", "main Conversation pane", "complementary Case", "list Conversations", "log Conversation", "tab Case", "heading Tom Aldridge")
	b.click("Claim")
	b.until("claimed", "find('Send') && find('Hand back')")
	b.wants("mine", b.tree(""), "button Resolve", "button Hand back", "button Put back", "button Send", "textbox Write a reply", "radio Private", "radio Note")
	b.click("Hand back")
	b.until("the menu", "document.querySelector('[role=menu]')")
	b.wants("menu", b.tree(""), "menu Hand back to")
	b.keys("\x1b")
	b.keys("n")
	b.until("the note box", "find('Add note')")
	b.wants("note", b.tree(""), "button Add note", "textbox Write a note")
	b.keys("\x1b")
	b.goTo(f.URL + "/console/c/c4")
	b.help()
	b.until("Ben's conversation", "find('Take over')")
	if got := b.tree(""); got["button Send"] != 0 {
		t.Error("Send is offered to somebody who does not own the conversation")
	}
	b.click("Take over")
	b.until("the dialog", "document.querySelector('[role=alertdialog]')")
	got := b.tree("")
	b.wants("dialog", got, "alertdialog Take over from Ben?", "button Take over", "button Leave it with Ben")
	if got["list Conversations"] != 0 {
		t.Error("the page below a dialog can still be reached")
	}
	b.clean()
}

func TestNamesInTheChat(t *testing.T) {
	t.Parallel()
	b := chat(t, newFake(t))
	frames := do(b, page.GetFrameTree, cdp.Empty{}).FrameTree.ChildFrames
	if len(frames) != 1 {
		t.Fatalf("the page has %d frames", len(frames))
	}
	b.wants("chat", b.tree(frames[0].Frame.ID), "textbox Write a message", "button Send", "group Quick replies", "button Talk to a person", "log Conversation", "button Close chat (Esc)", "main Chat with Acme support", "button Something else")
	b.clean()
}
