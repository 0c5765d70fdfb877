package inbox

import (
	"testing"

	"dispatcher/storage"
)

func TestIsThanks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"thx!": true, "Thank you": true, "👍": true, "🙏🙏": true, "ok, thanks.": true, "Vielen Dank!": true, "merci beaucoup": true,
		"": false, "!!!": false, "thanks but it never came": false, "hello": false, "1": false, "no thanks": false,
	} {
		if got := isThanks(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// Thanks after the end is kept with the conversation that it thanks for; any
// other words begin a new one.
func TestThanksAfterTheEndOpenNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.accept(text("ada", "hello"))
	r.want(greeting, "What is it about?")
	r.accept(text("ada", "stop"))
	closed := r.view("ada").Snap.Conv
	if closed.Status != storage.Resolved {
		t.Fatalf("status %d", closed.Status)
	}
	r.accept(text("ada", "thx!"))
	if c := r.view("ada").Snap.Conv; c.ID != closed.ID || c.LastSeq != closed.LastSeq+1 || c.Status != storage.Resolved {
		t.Errorf("after thanks: conversation %d seq %d, want %d seq %d", c.ID, c.LastSeq, closed.ID, closed.LastSeq+1)
	}
	r.accept(text("ada", "my parcel is late"))
	if c := r.view("ada").Snap.Conv; c.ID == closed.ID || c.Continues != closed.ID {
		t.Errorf("a new matter: conversation %d continues %d", c.ID, c.Continues)
	}
}
