package proof

import (
	"strings"
	"testing"
	"time"

	"dispatcher/flows"
	"dispatcher/inbox"
)

// replays runs the conversations of the random run through the project that
// they ran on, in which nothing may differ and every turn must be followed to
// its end, and through edits, each of which must be seen.
func (b *book) replays(t *testing.T, files map[string]string, chats int) {
	t.Helper()
	in, err := inbox.New(inbox.Config{Store: b.store, Vault: b.vault, Now: time.Now, Load: loadAs})
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Recall(t.Context()); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	out := b.replay(t, in, files, "", "")
	if out.Same != chats || out.Differ != 0 || len(out.Part)+len(out.Skip) > 0 {
		t.Errorf("unchanged, %d of %d conversations are as before: %d differ, in part %v, skipped %v; %+v", out.Same, chats, out.Differ, out.Part, out.Skip, out.Differences)
	}
	took := time.Since(begun)
	for _, edit := range []struct{ kind, old, now string }{
		{inbox.DiffWording, "What can we help you with?", "What is it about?"},
		{inbox.DiffQueue, "use: orders", "use: general"},
		{inbox.DiffOutcome, "exchange, wrong size], goto: details}", "exchange, wrong size], goto: person}"},
		{inbox.DiffQuestion, "        goto: damage_photo", "        goto: details"},
		{inbox.DiffTags, `tag: "topic:`, `tag: "about:`},
	} {
		if found := b.replay(t, in, files, edit.old, edit.now); found.Kinds[edit.kind] == 0 {
			t.Errorf("%q in place of %q is not seen: %v", edit.now, edit.old, found.Kinds)
		}
	}
	report(t, "P21 replay: %d conversations, %d turns, none differs from itself; %.2f s", out.Done, out.Turns, took.Seconds())
}

func (b *book) replay(t *testing.T, in *inbox.Service, files map[string]string, old, now string) *inbox.Replay {
	t.Helper()
	set := &flows.Files{Name: "shop", Data: map[string][]byte{}}
	changed := old == ""
	for name, text := range files {
		if old != "" && strings.Contains(text, old) {
			text, changed = strings.ReplaceAll(text, old, now), true
		}
		set.Data[name] = []byte(text)
	}
	p := loadAs(set)
	if !p.OK() || !changed {
		t.Fatalf("the starter with %q in place of %q does not load", now, old)
	}
	out, err := in.Replay(t.Context(), p, inbox.ReplayQuery{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
