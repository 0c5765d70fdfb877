package proof

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/internal/proof/canary"
	"dispatcher/internal/proof/kill"
	"dispatcher/storage"
)

// TestPromise_P17_Canaries: what people write is on disk for those who hold
// the key and for nobody else, and is gone when it is erased.
func TestPromise_P17_Canaries(t *testing.T) {
	size := scale(t)
	people := of(size, 200, 10_000, 10_000)
	p := fakeplatform.Start(fakeplatform.Options{WebhookSecret: shopSecret})
	defer p.Close()
	s := kill.Start(t, kill.Options{Project: crowdProject(t, p.URL), Args: loud})
	begun := time.Now()
	c := newCrowd(t, s, p)
	admin := s.Admin()
	c.come(people)
	served := c.serve(admin, 10)
	numbers := c.metrics()
	s.Kill() // as a thief finds it: the log of the database is not yet folded in

	for where, data := range map[string][]byte{"log": []byte(s.Log()), "metrics": numbers} {
		if found := canary.Find(data); len(found) > 0 {
			t.Errorf("in the %s: %s", where, strings.Join(found, "\n"))
		}
	}
	bytesRead := nowhere(t, s.Data, "before")
	wrongKey(t, s, false) // the log of the killed one is folded in by whoever opens it
	wrongKey(t, s, true)
	b := openBook(t, s.Data)
	chats := b.chats()
	if kept := holders(chats); kept < people {
		t.Errorf("%d of %d people are in what was stored: the canaries do not prove anything", kept, people)
	}
	gone := erased(t, b, s.Data, chats)
	known := map[string]bool{}
	for _, c := range b.chats() {
		known[c.profile.Name] = true
	}
	for _, name := range sessionsOf(t, b) {
		if !known[name] {
			t.Errorf("the widget still knows an erased visitor: %s", name)
		}
	}
	if err := b.store.Close(); err != nil {
		t.Error(err)
	}
	nowhere(t, s.Data, "after")
	if err := s.Restart(); err != nil {
		t.Errorf("it does not start on the erased data: %v", err)
	}
	t.Run("mutant", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "dispatcher.db-wal"), []byte("\x00\x01name "+strings.ToUpper(canary.Word(3, "name"))+"\x00"), 0o600); err != nil {
			t.Fatal(err)
		}
		if found, _, err := canary.Files(dir); err != nil || len(found) == 0 {
			t.Errorf("a name in the clear is not found: %v", err)
		}
	})
	report(t, "P17: %d people on 3 channels, %d served by an agent, %d conversations; 0 of their words in %d KiB of database, log, media, %d KiB of log and %d KiB of metrics; %s; a wrong key refuses; %.1f s",
		people, served, len(chats), bytesRead>>10, len(s.Log())>>10, len(numbers)>>10, gone, time.Since(begun).Seconds())
}

// nowhere wants no canary in any file of a data folder.
func nowhere(t *testing.T, dir, when string) int64 {
	t.Helper()
	found, size, err := canary.Files(dir)
	if err != nil || len(found) > 0 || size == 0 {
		t.Errorf("%s erasing, in %d bytes: %v %s", when, size, err, strings.Join(found[:min(len(found), 20)], "\n"))
	}
	return size
}

// holders counts the people whose own words are in a conversation, opened.
func holders(chats []chat) (n int) {
	for _, c := range chats {
		for _, body := range c.bodies {
			if strings.Contains(body.Text, "The lid is cracked, "+canary.Mark) {
				n++
				break
			}
		}
	}
	return n
}

// erased forgets every second person and proves that neither their keys nor
// their sealed words are anywhere, that nothing of the others went, and that
// the counts are what they were.
func erased(t *testing.T, b *book, dir string, chats []chat) string {
	t.Helper()
	keys, words := [2][][]byte{}, [2][][]byte{}
	people := [2][]storage.Contact{}
	for _, c := range chats {
		half := int(c.Contact.ID % 2)
		if !slices.ContainsFunc(people[half], func(o storage.Contact) bool { return o.ID == c.Contact.ID }) {
			people[half] = append(people[half], c.Contact)
			keys[half] = append(keys[half], c.Contact.Wrapped)
		}
		for _, m := range c.messages {
			if len(m.Body) > 40 {
				words[half] = append(words[half], m.Body)
			}
		}
	}
	before := outcomes(t, b.store)
	for _, p := range people[0] {
		got, err := b.store.Erase(t.Context(), storage.Erasure{Contact: p.ID, Tag: b.vault.Index("erased", string(p.UID[:])), At: time.Now().UnixMilli(), By: "ana",
			Audit: []storage.AuditEntry{{At: time.Now().UnixMilli(), Actor: "ana", Verb: "erased", Object: fmt.Sprint("contact ", p.ID)}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range got.Media {
			if !filepath.IsAbs(path) {
				path = filepath.Join(dir, "media", path)
			}
			if err := os.Remove(path); err != nil {
				t.Errorf("media of an erased person: %v", err)
			}
		}
		if _, err := b.store.Contact(t.Context(), storage.ContactQuery{ID: p.ID}); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("contact %d is still there: %v", p.ID, err)
		}
	}
	for name, blobs := range map[string][][]byte{"keys": keys[0], "words": words[0]} {
		if still, err := canary.Holds(dir, blobs); err != nil || still != 0 || len(blobs) == 0 {
			t.Errorf("%d of %d sealed %s of erased people are still on disk (%v)", still, len(blobs), name, err)
		}
	}
	left := b.chats()
	if still, err := canary.Holds(dir, keys[1]); err != nil || still != len(keys[1]) {
		t.Errorf("%d of %d keys of the others are on disk (%v): the search finds nothing", still, len(keys[1]), err)
	}
	if kept := holders(left); kept < len(people[1]) {
		t.Errorf("of %d people that were not erased %d can be read", len(people[1]), kept)
	}
	if after := outcomes(t, b.store); after != before || before == 0 {
		t.Errorf("%d outcomes before, %d after", before, after)
	}
	return fmt.Sprintf("%d erased: 0 of %d keys, 0 of %d sealed texts on disk, %d outcomes as before", len(people[0]), len(keys[0]), len(words[0]), before)
}

func outcomes(t *testing.T, s storage.Store) (n int) {
	t.Helper()
	if err := s.Walk(t.Context(), storage.WalkQuery{Tables: []string{"outcomes"}}, func(storage.Row) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// wrongKey starts the program with another key: it refuses with exit code 2
// and, where the last one ended cleanly, changes no byte.
func wrongKey(t *testing.T, s *kill.Service, clean bool) {
	t.Helper()
	before := sums(t, s.Data)
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	cmd := exec.CommandContext(ctx, kill.Build(t, ""), "serve", s.Dir, "--data", s.Data, "--listen", "127.0.0.1:0", "--metrics-listen", "off")
	cmd.Env = append(os.Environ(), "DISPATCHER_KEY=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !bytes.Contains(out, []byte("does not open this data")) {
		t.Errorf("a wrong key: %v\n%s", err, tailOf(out, 500))
	}
	for name, sum := range sums(t, s.Data) {
		if clean && before[name] != sum && filepath.Ext(name) != ".lock" {
			t.Errorf("a start with a wrong key changed %s", name)
		}
	}
}

func sums(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	out := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		out[strings.TrimPrefix(path, dir)] = sha256.Sum256(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// sessionsOf opens the names that are in what widgets keep under the system key.
func sessionsOf(t *testing.T, b *book) (names []string) {
	t.Helper()
	for at := ""; ; {
		page, err := b.store.Find(t.Context(), storage.RecordQuery{Kind: storage.KindWidget, Cursor: at, N: 200})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Items {
			plain, err := b.vault.OpenSystem(r.Body, []byte("widget session"))
			var kept struct{ Session struct{ Name string } }
			if err == nil && json.Unmarshal(plain, &kept) == nil && strings.Contains(kept.Session.Name, canary.Mark) {
				names = append(names, kept.Session.Name)
			}
		}
		if at = page.Next; at == "" {
			return names
		}
	}
}
