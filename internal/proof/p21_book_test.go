package proof

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/flows"
	"dispatcher/flows/starter"
	"dispatcher/inbox"
	"dispatcher/internal/proof/kill"
	"dispatcher/internal/source"
	"dispatcher/storage"
	"dispatcher/storage/sqlite"
	"dispatcher/vault"
)

// shopSecret signs the webhook channel of every project here.
const shopSecret = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY"

// starterShop is the starter with a signed webhook channel that pushes to url,
// and without its two sentences that tell how long a queue is: a figure of the
// moment cannot be decided again.
func starterShop(t testing.TB, url string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"dispatcher.yaml", "flows/welcome.yaml", "flows/track_order.yaml", "flows/hours.yaml", "flows/public_reply.yaml"} {
		data, err := starter.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(data)
	}
	change := func(name, old, now string) {
		if !strings.Contains(files[name], old) {
			t.Fatalf("the starter's %s has no %q", name, old)
		}
		files[name] = strings.Replace(files[name], old, now, 1)
	}
	change("dispatcher.yaml", "  web: {}", fmt.Sprintf("  web: {new_sessions: {n: 1000000, per: 1h}}\n"+
		"  shop: {kind: webhook, secret: %q, insecure: true, outbound: {mode: push, url: %q}}", shopSecret, url+"/webhook"))
	change("flows/welcome.yaml", ` and wait_minutes("general") != nil`, "")
	change("flows/welcome.yaml", " The wait is about {{ wait_minutes('general') }} min.", "")
	change("flows/welcome.yaml", " You're number {{ queue.position }} in line.", "")
	return files
}

// book is all that a stopped service has stored, opened with its key.
type book struct {
	t     testing.TB
	store *sqlite.Store
	vault *vault.Vault
	sets  map[string]*engine.Set
}

// openBook opens a data folder as the service does.
func openBook(t testing.TB, dir string) *book {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir, AuditEvery: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	keys, err := vault.ParseKeys([]byte(kill.Key))
	if err != nil {
		t.Fatal(err)
	}
	root, err := store.Get(t.Context(), storage.KindSetting, []byte("root_salt"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(keys, root.Body)
	if err != nil {
		t.Fatal(err)
	}
	store.SetAuditKey(v.AuditKey())
	return &book{t: t, store: store, vault: v, sets: map[string]*engine.Set{}}
}

// chat is one conversation with everything in it.
type chat struct {
	storage.Snapshot
	uid      string
	messages []storage.Message
	bodies   []inbox.Body
	traces   []json.RawMessage
	profile  inbox.Profile
	key      *vault.Sealer
}

// chats reads every conversation there is.
func (b *book) chats() (out []chat) {
	b.t.Helper()
	var keys []storage.Key
	for at := ""; ; {
		page, err := b.store.List(b.t.Context(), storage.ListQuery{View: "all", Cursor: at, N: 200})
		if err != nil {
			b.t.Fatal(err)
		}
		for _, item := range page.Items {
			keys = append(keys, storage.Key{ID: item.Conv.ID})
		}
		if at = page.Next; at == "" {
			break
		}
	}
	snaps, err := b.store.Load(b.t.Context(), keys)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, snap := range snaps {
		out = append(out, b.chat(snap))
	}
	return out
}

func (b *book) chat(snap storage.Snapshot) chat {
	b.t.Helper()
	c := chat{Snapshot: snap, uid: inbox.UIDText(snap.Conv.UID)}
	r, err := inbox.NewReader(b.vault, snap.Contact)
	if err != nil {
		b.t.Fatal(err)
	}
	if c.key, err = b.vault.OpenContactKey(snap.Contact.Wrapped, int64(snap.Contact.KeyID)); err != nil {
		b.t.Fatal(err)
	}
	if c.profile, err = r.Profile(snap.Contact); err != nil {
		b.t.Fatal(err)
	}
	for after := int64(0); ; {
		page, err := b.store.Thread(b.t.Context(), storage.ThreadQuery{Conversation: snap.Conv.ID, After: after, N: 200})
		if err != nil {
			b.t.Fatal(err)
		}
		for _, m := range page.Items {
			body, err := r.Body(snap.Conv.UID, m)
			if err != nil {
				b.t.Fatal(err)
			}
			trace, err := r.Trace(snap.Conv.UID, m)
			if err != nil {
				b.t.Fatal(err)
			}
			c.messages, c.bodies, c.traces = append(c.messages, m), append(c.bodies, body), append(c.traces, trace)
			after = m.Seq
		}
		if page.Next == "" {
			return c
		}
	}
}

// set compiles a flow set from the sources that are stored under its id.
func (b *book) set(rev []byte) (*engine.Set, error) {
	if s := b.sets[string(rev)]; s != nil {
		return s, nil
	}
	files, err := inbox.ReadSources(b.t.Context(), b.store, rev)
	if err != nil {
		return nil, fmt.Errorf("revision %x: %w", rev, err)
	}
	p := loadAs(files)
	if !p.OK() {
		return nil, fmt.Errorf("revision %x does not load", rev)
	}
	b.sets[string(rev)] = p.Set
	return p.Set, nil
}

// loadAs is the load of the service, for the kinds of channels used here.
func loadAs(f *flows.Files) *flows.Project {
	return flows.Load(f, flows.Options{Limits: func(_, kind string, _ *source.Node) (dm.Limits, bool, []channels.Diagnostic) {
		runes := func(n int) dm.Limit { return dm.Limit{N: n, Unit: "runes"} }
		return dm.Limits{Kind: kind, Options: 13, Label: runes(36), Text: runes(4000)}, true, nil
	}})
}

// lost is one reason why a conversation cannot be explained.
type lost struct{ errs []error }

func (l *lost) add(format string, args ...any) { l.errs = append(l.errs, fmt.Errorf(format, args...)) }

// explain decides every stored event of a conversation again, on the revision
// it was decided on, and says what does not come out as it was stored.
func (b *book) explain(c chat) error {
	l := &lost{}
	said := b.causes(c, l)
	var st engine.State
	var set *engine.Set
	for i, m := range c.messages {
		if m.Dir != storage.DirIn || len(c.traces[i]) == 0 {
			continue
		}
		var err error
		if set, err = b.set(c.decidedOn(i)); err != nil {
			l.add("%s-%d: %w", c.uid, m.Seq, err)
			return errors.Join(l.errs...)
		}
		if st.Version == 0 {
			st = engine.NewState(set)
		}
		res := engine.Step(engine.Sets{Live: set}, st, c.event(i, set, st))
		st = res.State
		b.compare(c, i, res, said[m.Seq], l)
	}
	if set != nil {
		b.ending(c, st, l)
	}
	return errors.Join(l.errs...)
}

// decidedOn is the revision that the trace of message i names.
func (c chat) decidedOn(i int) []byte {
	var trace engine.Trace
	if json.Unmarshal(c.traces[i], &trace) != nil {
		return nil
	}
	id, err := hex.DecodeString(trace.Set)
	if err != nil || len(id) < 16 {
		return nil
	}
	return id[:16]
}

// causes checks that every outbound names what caused it, the rule and the
// revision, and sorts them by their cause.
func (b *book) causes(c chat, l *lost) map[int64][]int {
	said := map[int64][]int{}
	bySeq := map[int64]int{}
	for i, m := range c.messages {
		bySeq[m.Seq] = i
		if m.Dir != storage.DirOut || m.Author == storage.AuthorAgent {
			continue
		}
		cause, ok := bySeq[m.CauseSeq]
		switch {
		case m.CauseSeq == 0 || !ok || m.CauseSeq >= m.Seq:
			l.add("%s-%d has no cause", c.uid, m.Seq)
		case m.Rule == "":
			l.add("%s-%d has no rule", c.uid, m.Seq)
		case len(m.Revision) != 16:
			l.add("%s-%d has no revision", c.uid, m.Seq)
		case len(c.traces[cause]) == 0:
			l.add("%s-%d: its cause %d has no trace", c.uid, m.Seq, m.CauseSeq)
		default:
			said[m.CauseSeq] = append(said[m.CauseSeq], i)
		}
	}
	return said
}

// event is the stored message i as the engine was given it.
func (c chat) event(i int, set *engine.Set, st engine.State) engine.Event {
	m, body := c.messages[i], c.bodies[i]
	now := time.UnixMilli(m.At).UTC()
	ev := engine.Event{Kind: engine.EvMessage, Seq: m.Seq, Text: body.Text, Opening: i == firstIn(c.messages)}
	for _, file := range body.Media {
		ev.Media = append(ev.Media, file.Kind)
	}
	if t := body.Tap; t != nil && t.Seq != 0 {
		for j, sent := range c.messages {
			if sent.Seq != t.Seq {
				continue
			}
			for k, o := range c.bodies[j].Options {
				if o.ID == t.Option && o.Label == t.Label {
					ev.Tap = &engine.Tap{Record: c.bodies[j].Question, Index: k, Label: o.Label}
				}
			}
		}
	}
	if m.Kind == storage.MsgEvent || m.Kind != storage.MsgTap && body.Text == "" && len(ev.Media) == 0 {
		ev.Kind = engine.EvStart
	}
	first, _, _ := strings.Cut(c.profile.Name, " ")
	ev.World = engine.World{
		Now: now, ID: c.uid, Explain: true, Masked: true, Queues: map[string]engine.QueueNow{},
		Entry: engine.EntryNow{Channel: "shop"}, Channel: engine.ChannelNow{Name: "shop", Kind: "webhook", WindowOpen: true},
		Contact:      engine.ContactNow{ID: inbox.UIDText(c.Contact.UID), FirstName: first, Name: c.profile.Name, Handle: c.profile.Handle, Tags: c.Contact.Tags},
		Conversation: engine.ConversationNow{Opened: time.UnixMilli(c.Conv.OpenedAt)},
	}
	for _, alias := range set.QueueOrder {
		q := engine.QueueNow{Open: true, Staffed: true}
		if s := set.Queues[alias].Schedule; s != nil {
			q.Open = s.Open(now)
			if at, ok := s.Opens(now); ok && !q.Open {
				q.OpensAt = at
			}
		}
		ev.World.Queues[alias] = q
	}
	return ev
}

func firstIn(list []storage.Message) int {
	for i, m := range list {
		if m.Dir == storage.DirIn {
			return i
		}
	}
	return -1
}

// compare holds what was decided again against what is stored.
func (b *book) compare(c chat, i int, res engine.Result, said []int, l *lost) {
	m := c.messages[i]
	var again engine.Trace
	if err := json.Unmarshal(c.traces[i], &again); err != nil {
		l.add("%s-%d: trace: %w", c.uid, m.Seq, err)
	}
	if got, want := mustJSON(res.Trace), mustJSON(again); !bytes.Equal(got, want) {
		l.add("%s-%d is decided otherwise now:\n then %s\n now  %s", c.uid, m.Seq, want, got)
	}
	var now, then []string
	for _, e := range res.Effects {
		if say, ok := e.(engine.Say); ok {
			now = append(now, say.Rule+" "+say.Text)
		}
	}
	for _, j := range said {
		if out := c.messages[j]; out.Author == storage.AuthorBot || out.Author == storage.AuthorNotice {
			then = append(then, out.Rule+" "+c.bodies[j].Text)
			if !bytes.Equal(out.Revision, c.decidedOn(i)) {
				l.add("%s-%d names another revision than its cause", c.uid, out.Seq)
			}
		}
	}
	if !reflect.DeepEqual(now, then) {
		l.add("%s-%d says something else now:\n then %q\n now  %q", c.uid, m.Seq, then, now)
	}
}

// ending holds the state at the end against the stored one.
func (b *book) ending(c chat, st engine.State, l *lost) {
	plain, err := c.key.Open(c.Conv.State, vault.AAD("conversations", c.Contact.UID, c.Conv.UID, 0, "state"))
	if err != nil {
		l.add("%s: state: %w", c.uid, err)
		return
	}
	if got, err := engine.EncodeState(st); err != nil || !bytes.Equal(got, plain) {
		l.add("%s ends in another state (%v):\n then %s\n now  %s", c.uid, err, plain, got)
	}
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte(err.Error())
	}
	return b
}
