package chatui_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"dispatcher/cmd/dispatcher/chatui"
	"dispatcher/flows"
)

// Whatever is pressed, pasted, saved and resized in whatever order, the frame
// fits, holds nothing but its own drawing, and never shows the secret.
func TestAnythingInAnyOrder(t *testing.T) {
	t.Parallel()
	sets := []*flows.Project{load(t, shop), load(t, strings.Replace(shop, "How many?", "How much?", 1)), load(t, strings.ReplaceAll(shop, "track", "find"))}
	bad := load(t, strings.Replace(shop, "goto: checked", "goto: chekced", 1))
	keys := []string{
		"hello<enter>", "1", "2", "4", "3<enter>", "ab123456<enter>", "S3CRET<enter>", "/back<enter>", "/back 3<enter>", "/why<enter>", "/slots<enter>", "/set pin=S3CRET<enter>",
		"/goto shop.secret<enter>", "/goto shop.start<enter>", "/wait 1d<enter>", "/tap 1<enter>", "/send image<enter>", "/agent claim<enter>", "/agent return<enter>",
		"/agent resolve<enter>", "/lang en<enter>", "/http 404<enter>", "/save x<enter>", "/help<enter>", "<up>", "<down>", "<pgup>", "<pgdown>", "<tab>", "<shift+tab>", "<esc>",
		"/", "g", "<left>", "<right>", "<backspace>", "<delete>", "<ctrl+w>", "<ctrl+u>", "<ctrl+k>", "<ctrl+home>", "<ctrl+end>", "<alt+1>", "漢", "é", "<enter>", "/submit pin=S3CRET; n=2",
	}
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := open(t, sets[0], 80, 24, seed%2 == 0)
		live := sets[0]
		for range 120 {
			switch n := r.IntN(20); n {
			case 0:
				s.send(tea.WindowSizeMsg{Width: 1 + r.IntN(160), Height: 1 + r.IntN(40)})
			case 1:
				live = sets[r.IntN(len(sets))]
				s.send(chatui.Edit{Live: live})
			case 2:
				s.send(chatui.Edit{Live: live, Problem: bad})
			case 3:
				s.send(tea.PasteMsg{Content: "\x1b[2Jpasted\u202e"})
			default:
				k := keys[r.IntN(len(keys))]
				if strings.Contains(k, "S3CRET") {
					s.keys("<esc>") // it is the whole line
				}
				if strings.HasPrefix(k, "S3CRET") && !s.talk.AsksSecret() {
					continue // nothing makes these words a secret
				}
				s.keys(k)
			}
			s.lacks("S3CRET")
		}
	}
}
