package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

func native(c *channels.Caps, _ *channels.Common) { c.Native = true }

func pulled(c *channels.Caps, _ *channels.Common) { c.Pull = true }

func TestSinceShowsEveryConversationOfTheThread(t *testing.T) {
	t.Parallel()
	r := newRig(t, withCaps(native))
	h := r.Host()
	none, more, err := h.Since(t.Context(), "fake", "ada", 0)
	if err != nil || len(none) != 0 || more == nil {
		t.Fatalf("%v %v", none, err)
	}
	m := text("ada", "hello")
	r.accept(m)
	<-more
	shown, more, err := h.Since(t.Context(), "fake", "ada", 0)
	if err != nil || len(shown) != 3 {
		t.Fatalf("%d shown, %v", len(shown), err)
	}
	var q shownMessage
	if err := json.Unmarshal(shown[2].Data, &q); err != nil || q.Author.Role != "bot" || len(q.Options) != 2 || q.Seq != 3 || q.ID != r.view("ada").UID()+"-3" {
		t.Fatalf("%+v %v", q, err)
	}
	var own shownMessage
	if err := json.Unmarshal(shown[0].Data, &own); err != nil || own.Author.Role != "customer" || own.ClientID != m.MessageID {
		t.Fatalf("%+v %v", own, err)
	}
	r.accept(tapOn("ada", dm.Option{Payload: q.Options[1].Payload, Label: q.Options[1].Label}))
	<-more
	r.accept(text("ada", "me again"))
	shown, _, err = h.Since(t.Context(), "fake", "ada", 1)
	if err != nil {
		t.Fatal(err)
	}
	last := int64(1)
	for _, s := range shown {
		if s.Seq != last+1 {
			t.Fatalf("seq %d after %d", s.Seq, last)
		}
		last = s.Seq
	}
	if last != r.view("ada").Snap.Conv.LastSeq {
		t.Fatalf("shown up to %d of %d", last, r.view("ada").Snap.Conv.LastSeq)
	}
}

func TestSessionsAreKeptHashed(t *testing.T) {
	t.Parallel()
	r := newRig(t, withCaps(native))
	h := r.Host()
	token, err := h.NewSession(t.Context(), "fake", channels.Session{Thread: "anon:1", Name: "Ada"})
	if err != nil || len(token) != 43 {
		t.Fatalf("token of %d, %v", len(token), err)
	}
	s, err := h.Session(t.Context(), "fake", token)
	if err != nil || s.Thread != "anon:1" {
		t.Fatalf("%+v %v", s, err)
	}
	s.Opened = true
	if err := h.PutSession(t.Context(), "fake", token, s); err != nil {
		t.Fatal(err)
	}
	if s, err := h.Session(t.Context(), "fake", token); err != nil || !s.Opened {
		t.Fatalf("%+v %v", s, err)
	}
	for _, c := range []struct{ channel, token string }{{"other", token}, {"fake", token + "x"}, {"fake", ""}} {
		if _, err := h.Session(t.Context(), c.channel, c.token); !errors.Is(err, channels.ErrNoSession) {
			t.Errorf("%v: %v", c, err)
		}
	}
	if err := h.EndSession(t.Context(), "fake", token); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Session(t.Context(), "fake", token); !errors.Is(err, channels.ErrNoSession) {
		t.Fatalf("after its end: %v", err)
	}
	grep(t, r.dir, token, "Ada")
}

// grep fails when one of the words is in a file of the folder.
func grep(t *testing.T, dir string, words ...string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, w := range words {
			if strings.Contains(string(b), w) {
				t.Errorf("%q is in %s", w, filepath.Base(path))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNothingPersonalOnDisk(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := text("canary-thread", "canary-text")
	m.Sender = dm.Party{ID: "canary-thread", Name: "canary-name", Handle: "canary-handle"}
	m.ExternalID, m.MessageID, m.Raw = "canary-id", "canary-message", json.RawMessage(`{"x":"canary-raw"}`)
	m.Entry = &dm.Entry{Ref: "canary-ref", Text: "canary-entry"}
	r.accept(m)
	r.want(greeting, "What is it about?")
	lost := text("canary-thread", "canary-parked")
	lost.Kind, lost.Target = dm.KindEdited, "canary-target"
	r.accept(lost)
	grep(t, r.dir, "canary")
}

func TestMediaBelongsToItsThread(t *testing.T) {
	t.Parallel()
	r := newRig(t, withCaps(native))
	h := r.Host()
	m, err := h.SaveMedia(t.Context(), "fake", "ada", "box.png", "image/png", strings.NewReader("canary-picture"))
	if err != nil || m.Kind != "image" || m.Bytes != 14 {
		t.Fatalf("%+v %v", m, err)
	}
	got, file, err := h.OpenMedia(t.Context(), "fake", "ada", m.ID)
	if err != nil || got != m {
		t.Fatalf("%+v %v", got, err)
	}
	if b, _ := io.ReadAll(file); string(b) != "canary-picture" {
		t.Fatalf("content %q", b)
	}
	for _, id := range []string{m.ID, "med_x", "../" + m.ID, "", "med_" + strings.Repeat("A", 22)} {
		thread := "ada"
		if id == m.ID {
			thread = "bo"
		}
		if _, _, err := h.OpenMedia(t.Context(), "fake", thread, id); !errors.Is(err, channels.ErrNotFound) {
			t.Errorf("%q of %s: %v", id, thread, err)
		}
	}
	in := text("ada", "")
	in.Media = []dm.Media{m}
	r.accept(in)
	if rows, _ := r.rows("ada"); rows[0].Kind != storage.MsgMedia {
		t.Fatalf("kind %d", rows[0].Kind)
	}
	grep(t, r.dir, "canary-picture", "box.png")
}

func TestReadMarks(t *testing.T) {
	t.Parallel()
	r := newRig(t, withCaps(native))
	r.accept(text("ada", "hello"))
	if err := r.Host().Read(t.Context(), "fake", "ada", 2); err != nil {
		t.Fatal(err)
	}
	if a, b := r.delivery("ada", greeting), r.delivery("ada", "What is it about?"); a != storage.DeliveryRead || b != storage.DeliverySent {
		t.Fatalf("delivery %d, %d", a, b)
	}
}

// Pulling: rows come in order, again until they are acknowledged, and after a
// restart too.
func TestPull(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, shopFlow, withCaps(pulled))
	h := r.Host()
	empty, cursor, more, err := h.Pull(t.Context(), "fake", "", 100)
	if err != nil || len(empty) != 0 || cursor != "c-0" {
		t.Fatalf("%v %q %v", empty, cursor, err)
	}
	r.accept(text("ada", "hello"))
	<-more
	out, cursor, _, err := h.Pull(t.Context(), "fake", "", 100)
	if err != nil || len(out) != 2 || out[0].Text != greeting || out[1].Text != "What is it about?" || len(out[1].Options) != 2 {
		t.Fatalf("%+v %v", out, err)
	}
	again, _, _, err := h.Pull(t.Context(), "fake", "", 100)
	if err != nil || len(again) != 2 || again[0].Key != out[0].Key {
		t.Fatalf("not acknowledged: %+v %v", again, err)
	}
	if after, same, _, _ := h.Pull(t.Context(), "fake", cursor, 100); len(after) != 0 || same != cursor {
		t.Fatalf("after the cursor: %+v, %s", after, same)
	}
	for _, unknown := range []string{"", "c-", "c-1000", "c-x", "c--1", "c-01", "9", "nothing"} {
		var wrong *channels.FieldError
		if err := h.Pulled(t.Context(), "fake", unknown); !errors.As(err, &wrong) || wrong.Field != "cursor" {
			t.Errorf("%q acknowledged: %v", unknown, err)
		}
	}
	r.kill()
	r2 := startRig(t, dir, v, shopFlow, withCaps(pulled))
	h2 := r2.Host()
	r2.until("handed out again", func() bool {
		out2, _, _, err := h2.Pull(t.Context(), "fake", "", 100)
		return err == nil && len(out2) == 2 && out2[0].Key == out[0].Key
	})
	if err := h2.Pulled(t.Context(), "fake", cursor); err != nil {
		t.Fatal(err)
	}
	if left, _, _, _ := h2.Pull(t.Context(), "fake", "", 100); len(left) != 0 {
		t.Fatalf("after the acknowledgement: %+v", left)
	}
	if d := r2.delivery("ada", greeting); d != storage.DeliverySent {
		t.Fatalf("delivery %d", d)
	}
	r2.close()
	r3 := startRig(t, dir, v, shopFlow, withCaps(pulled))
	if err := r3.Host().Pulled(t.Context(), "fake", cursor); err != nil {
		t.Fatalf("acknowledged again after a restart: %v", err)
	}
}

func TestLastIsWhatTheCustomerMaySee(t *testing.T) {
	t.Parallel()
	r := newRig(t, withCaps(native))
	h := r.Host()
	if last, err := h.Last(t.Context(), "fake", "ada"); err != nil || last != 0 {
		t.Fatalf("nobody: %d %v", last, err)
	}
	r.accept(text("ada", "hello"))
	acct, _ := r.Account("fake")
	for range 40 { // more than one look back
		_, err := r.Do(t.Context(), r.AddressKey(acct, "ada"), func(v *View) (*Draft, error) {
			d := v.Draft()
			d.Append(NewMessage{Kind: storage.MsgNote, Dir: storage.DirNone, Author: storage.AuthorAgent, Body: Body{Text: "a note"}})
			return d, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	shown, _, err := h.Since(t.Context(), "fake", "ada", 0)
	if err != nil {
		t.Fatal(err)
	}
	if last, err := h.Last(t.Context(), "fake", "ada"); err != nil || last != shown[len(shown)-1].Seq || last == r.view("ada").Snap.Conv.LastSeq {
		t.Fatalf("last %d of %d, %v", last, r.view("ada").Snap.Conv.LastSeq, err)
	}
}

func TestIdentifyIsSeenWithoutAnotherMessage(t *testing.T) {
	t.Parallel()
	r := newRig(t, withCaps(native))
	h, who := r.Host(), dm.Party{ID: "anon:1", Name: "Ada", Verified: true, AltIDs: []string{"sub:cust-77"}}
	if err := h.Identify(t.Context(), "fake", "anon:1", who); err != nil {
		t.Fatalf("before any message: %v", err)
	}
	r.accept(text("anon:1", "hello"))
	before := r.view("anon:1")
	news := r.Bus().Subscribe(t.Context(), Topic("conversation:"+before.UID()))
	if err := h.Identify(t.Context(), "fake", "anon:1", who); err != nil {
		t.Fatal(err)
	}
	v := r.view("anon:1")
	if v.Profile.Name != "Ada" || !v.Profile.Verified || v.Identity().Status != "verified" || v.Address.Party.AltIDs[0] != "sub:cust-77" {
		t.Fatalf("%+v %+v %+v", v.Profile, v.Identity(), v.Address)
	}
	if v.UID() != before.UID() || v.Snap.Conv.LastSeq != before.Snap.Conv.LastSeq {
		t.Fatal("another conversation, or another message")
	}
	if card, err := v.Reader().Card(v.Snap.Conv); err != nil || card.Name != "Ada" || !card.Verified {
		t.Fatalf("%+v %v", card, err)
	}
	if hint := <-news; hint.Kind != EventConversation {
		t.Fatalf("%+v", hint)
	}
}

// fullDisk fails every write while it is on.
type fullDisk struct {
	storage.Store
	on atomic.Bool
}

func (f *fullDisk) Apply(ctx context.Context, turns []storage.Turn) ([]storage.Outcome, error) {
	if f.on.Load() {
		return nil, storage.ErrDegraded
	}
	return f.Store.Apply(ctx, turns)
}

func (f *fullDisk) Put(ctx context.Context, r []storage.Record, a []storage.AuditEntry) error {
	if f.on.Load() {
		return storage.ErrDegraded
	}
	return f.Store.Put(ctx, r, a)
}

func TestDegradedModeEndsByItself(t *testing.T) {
	t.Parallel()
	full := &fullDisk{}
	r := newRig(t, withStore(func(db storage.Store) storage.Store { full.Store = db; return full }))
	full.on.Store(true)
	if _, err := r.Accept(t.Context(), "fake", []dm.Inbound{text("ada", "hello")}); !errors.Is(err, channels.ErrNotReady) {
		t.Fatalf("full: %v", err)
	}
	if h := r.Health(t.Context()); h.Ready || h.Why != "degraded" {
		t.Fatalf("%+v", h)
	}
	full.on.Store(false)
	r.until("ready again", func() bool { return r.Health(t.Context()).Ready })
	r.accept(text("ada", "hello"))
	r.want(greeting, "What is it about?")
}

// A disk counts as full below 5 %, but never above 2 GiB and always below 256
// MiB; the log says in words that intake stops, and the limit.
func TestAFullDiskStopsIntakeAndSaysSo(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for total, want := range map[int64]int64{1 << 30: 256 * mib, 10 << 30: 512 * mib, 100 << 30: 2048 * mib, 4 << 40: 2048 * mib} {
		if got := diskLimit(total); got != want {
			t.Errorf("of %d MiB: the limit is %d MiB, want %d", total/mib, got/mib, want/mib)
		}
	}
	disk := &smallDisk{}
	disk.free.Store(3 << 30)
	r := newRig(t, withStore(func(db storage.Store) storage.Store { disk.Store = db; return disk }))
	r.accept(text("ada", "hello"))
	disk.free.Store(2047 * mib)
	r.until("full", func() bool { return r.Health(t.Context()).Why == "disk" })
	if _, err := r.Accept(t.Context(), "fake", []dm.Inbound{text("ada", "more")}); !errors.Is(err, channels.ErrNotReady) {
		t.Errorf("accepted on a full disk: %v", err)
	}
	disk.free.Store(2049 * mib)
	r.until("room again", func() bool { return r.Health(t.Context()).Ready })
	for _, want := range []string{"intake is stopped", `free="2047 MiB"`, `limit="2048 MiB"`, "give it a larger disk", "room again"} {
		if !strings.Contains(r.logs.String(), want) {
			t.Errorf("the log does not say %s", want)
		}
	}
}

// smallDisk is a store on a disk of 100 GiB with so much free.
type smallDisk struct {
	storage.Store
	free atomic.Int64
}

func (d *smallDisk) Health(ctx context.Context) (storage.Health, error) {
	h, err := d.Store.Health(ctx)
	h.DiskFree, h.DiskTotal = d.free.Load(), 100<<30
	return h, err
}

func TestLiveSetSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, shopFlow)
	changed := loadShop(t, strings.Replace(shopFlow, "Hello, this", "Good day, this", 1))
	if err := r.SetLiveBy(t.Context(), changed, "ana"); err != nil {
		t.Fatal(err)
	}
	r.accept(text("ada", "hello"))
	r.want("Good day, this is the assistant.", "What is it about?")
	files, err := r.LastGood(t.Context())
	if err != nil || files.SetID() != changed.SetID {
		t.Fatalf("%v %v", files, err)
	}
	if l, err := r.LiveSince(t.Context()); err != nil || l.By != "ana" || l.Set != changed.SetID {
		t.Fatalf("%+v %v", l, err)
	}
	broken := *changed
	broken.Set = nil
	if err := r.SetLive(t.Context(), &broken); err == nil || r.Live() != changed {
		t.Fatalf("a set with errors went live: %v", err)
	}
	number := r.Accounts()[0].Number
	r.close()
	again := startRig(t, dir, v, shopFlow)
	if n := again.Accounts()[0].Number; n != number {
		t.Fatalf("number %d, was %d", n, number)
	}
	if again.Accounts()[0].Number == again.Accounts()[1].Number {
		t.Fatal("two channels with one number")
	}
}

// Turns of customers and of people on one conversation never lose each other.
func TestDoAndEventsOnOneConversation(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.accept(text("ada", "hello"))
	acct, _ := r.Account("fake")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { r.accept(text("ada", "more")) })
		wg.Go(func() {
			_, err := r.Do(t.Context(), r.AddressKey(acct, "ada"), func(v *View) (*Draft, error) {
				d := v.Draft()
				d.Append(NewMessage{Kind: storage.MsgNote, Author: storage.AuthorAgent, Body: Body{Text: "note"}})
				return d, nil
			})
			if err != nil {
				t.Errorf("do: %v", err)
			}
		})
	}
	wg.Wait()
	_, words := r.rows("ada")
	all := "|" + strings.Join(words, "|") + "|"
	if n, m := strings.Count(all, "|note"), strings.Count(all, "more"); n != 20 || m != 20 {
		t.Fatalf("%d notes, %d messages", n, m)
	}
}

// A step that burns the processor is taken from the flow.
func TestSlowStepIsRescued(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.engineStep = func(sets engine.Sets, st engine.State, ev engine.Event) engine.Result {
		for end := time.Now().Add(400 * time.Millisecond); time.Now().Before(end); {
			continue
		}
		return engine.Step(sets, st, ev)
	}
	r.accept(text("ada", "hello"))
	if v := r.view("ada"); v.Snap.Handoff == nil || v.Snap.Handoff.Cause != dm.CauseEngineError {
		t.Fatalf("%+v", v.Snap.Handoff)
	}
}

func TestStopRefusesAndDrains(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.accept(text("ada", "hello"))
	r.close()
	if _, err := r.Accept(t.Context(), "fake", []dm.Inbound{text("ada", "too late")}); err == nil {
		t.Fatal("accepted after the stop")
	}
}
