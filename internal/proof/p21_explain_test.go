package proof

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver that changes rows behind the store's back

	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/internal/proof/kill"
	"dispatcher/storage"
	"dispatcher/storage/sqlite"
)

// talk is what customers of a random run say: words that fit, words that do
// not, answers to questions that were not asked.
var talk = []string{
	"hi", "hello there", "where is my parcel?", "track my order AB123456", "AB 123456", "ab-654321", "XX000000", "my order number is CD 222222, thanks",
	"SW1A 1AA", "m1 1ae", "it arrived broken", "refund", "I want to send it back", "1", "2", "3", "5", "9", "yes", "no", "no thanks", "password",
	"asdf qwer", "??", "🙂🙂", "opening hours", "are you open", "start over", "I don't have it", "help", "why", "The lid is cracked and one mug is missing.",
	"agent please", "talk to a person", "back", "what", "wehre is my oder", "rücksendung", "a\nb", "{{ contact.name }}", "somthing else",
}

// customers play n people with a few messages each on the channel shop, in
// order each, several at a time, and wait until every reply has arrived.
func customers(t testing.TB, s *kill.Service, p *fakeplatform.Server, seed uint64, n int) (offered int) {
	t.Helper()
	sender := fakeplatform.WebhookSender(s.URL+"/channels/shop/webhook", shopSecret)
	var wg sync.WaitGroup
	var mu sync.Mutex
	gate := make(chan struct{}, 8)
	for c := range n {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			r := rand.New(rand.NewPCG(seed, uint64(c)))
			who := fmt.Sprintf("p-%d", c)
			for i := range 2 + r.IntN(5) {
				id := fmt.Sprintf("m-%d-%d", c, i)
				if _, err := sender.Send(t.Context(), id, sayOrTap(r, p, id, who, i)); err != nil {
					t.Error(err)
				}
				mu.Lock()
				offered++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	settled(t, p)
	return offered
}

// sayOrTap is one thing to say: a tap on a button that was shown, or words.
func sayOrTap(r *rand.Rand, p *fakeplatform.Server, id, who string, i int) []byte {
	if i > 0 && r.IntN(3) == 0 {
		for _, d := range slices.Backward(p.Shown()) {
			var got struct {
				Data struct {
					Options []struct{ Payload, Label string }
				}
			}
			if d.Thread != who || json.Unmarshal(d.Body, &got) != nil || len(got.Data.Options) == 0 {
				continue
			}
			o := got.Data.Options[r.IntN(len(got.Data.Options))]
			return fakeplatform.WebhookTap(id, who, o.Payload, o.Label, time.Now())
		}
	}
	return fakeplatform.WebhookMessage(id, who, talk[r.IntN(len(talk))], time.Now())
}

// settled waits until the platform has had nothing new for half a second.
func settled(t testing.TB, p *fakeplatform.Server) {
	t.Helper()
	for have := -1; ; {
		now := len(p.Ledger())
		if now == have {
			return
		}
		have = now
		ctx, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
		_, _ = p.Wait(ctx, func(d []fakeplatform.Delivery) bool { return len(d) > have })
		stop()
	}
}

// TestPromise_P21_Explain: whatever the bot said in a random run names the
// event that caused it, its rule and its revision, and the stored events,
// decided again on the stored sources, give the same words, traces and states.
func TestPromise_P21_Explain(t *testing.T) {
	size := scale(t)
	p := fakeplatform.Start(fakeplatform.Options{WebhookSecret: shopSecret})
	defer p.Close()
	files := starterShop(t, p.URL)
	s := kill.Start(t, kill.Options{Project: files})
	begun := time.Now()
	events := customers(t, s, p, 21, of(size, 50, 2000, 20000))
	s.Term()

	b := openBook(t, s.Data)
	said, turns := 0, 0
	chats := b.chats()
	for _, c := range chats {
		for i, m := range c.messages {
			if m.Dir == storage.DirOut {
				said++
			} else if m.Dir == storage.DirIn && len(c.traces[i]) > 0 {
				turns++
			}
		}
		if err := b.explain(c); err != nil {
			t.Error(err)
		}
	}
	if said < events || turns == 0 || len(p.Shown()) != said {
		t.Errorf("%d events, %d turns, %d outbound rows, %d arrived", events, turns, said, len(p.Shown()))
	}
	t.Run("mutant", func(t *testing.T) { explainMutants(t, b, chats) })
	t.Run("replay", func(t *testing.T) { b.replays(t, files, len(chats)) })
	report(t, "P21 explain: %d conversations, %d events, %d turns decided again, %d outbound: all have cause, rule and revision, all come out the same; %.1f s", len(chats), events, turns, said, time.Since(begun).Seconds())
}

// explainMutants plants what a liar would store: each must be found.
func explainMutants(t *testing.T, b *book, chats []chat) {
	i := slices.IndexFunc(chats, func(c chat) bool { return len(c.messages) > 3 })
	if i < 0 {
		t.Fatal("no conversation is long enough")
	}
	for name, spoil := range map[string]func(*chat, int){
		"another text":     func(c *chat, i int) { c.bodies[i].Text += "!" },
		"no cause":         func(c *chat, i int) { c.messages[i].CauseSeq = 0 },
		"no rule":          func(c *chat, i int) { c.messages[i].Rule = "" },
		"another rule":     func(c *chat, i int) { c.messages[i].Rule += "9" },
		"no revision":      func(c *chat, i int) { c.messages[i].Revision = nil },
		"another customer": func(c *chat, _ int) { c.bodies[firstIn(c.messages)].Text = "it arrived broken" },
		"no trace":         func(c *chat, _ int) { c.traces[firstIn(c.messages)] = nil },
	} {
		c := chats[i]
		c.messages, c.bodies, c.traces = slices.Clone(c.messages), slices.Clone(c.bodies), slices.Clone(c.traces)
		if name == "another customer" && c.bodies[firstIn(c.messages)].Text == "it arrived broken" {
			c.bodies[firstIn(c.messages)].Text = "password"
		}
		spoil(&c, slices.IndexFunc(c.messages, func(m storage.Message) bool { return m.Dir == storage.DirOut }))
		if b.explain(c) == nil {
			t.Errorf("%s is not noticed", name)
		}
	}
}

// TestPromise_P21_Tamper: any row of the audit trail that is changed, taken
// out, added or moved behind the store's back breaks the chain.
func TestPromise_P21_Tamper(t *testing.T) {
	size := scale(t)
	dir, rows := auditTrail(t, of(size, 60, 1000, 1000))
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.Join(dir, sqlite.File)}).EscapedPath())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	found := 0
	for n := range rows {
		no := strconv.Itoa(n + 1)
		for what, change := range map[string]string{
			"actor": "UPDATE audit SET actor = actor || 'x' WHERE chain_no = " + no, "verb": "UPDATE audit SET verb = 'looked' WHERE chain_no = " + no,
			"object": "UPDATE audit SET object = object || 'x' WHERE chain_no = " + no, "time": "UPDATE audit SET at = at + 1 WHERE chain_no = " + no,
			"detail": "UPDATE audit SET detail = x'00' WHERE chain_no = " + no, "hash": "UPDATE audit SET hash = randomblob(32) WHERE chain_no = " + no,
			"delete": "DELETE FROM audit WHERE chain_no = " + no, "number": "UPDATE audit SET chain_no = 100000 + chain_no WHERE chain_no = " + no,
		} {
			if (what == "delete") && n == rows-1 {
				continue // the end of a chain is held by the head that is logged
			}
			if tampered(t, db, change, what) {
				found++
			} else {
				t.Errorf("row %d: a changed %s is not found", n+1, what)
			}
		}
	}
	report(t, "P21 tamper: %d audit rows, %d changes behind the store's back, %d found", rows, found, found)
}

// auditTrail writes n rows through a store and returns its folder.
func auditTrail(t *testing.T, n int) (dir string, rows int) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	store, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir, AuditKey: chainKey, AuditEvery: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		e := storage.AuditEntry{At: int64(1000 + i), Actor: "ana", Verb: "revealed", Object: fmt.Sprintf("cv-%d", i), Detail: []byte{byte(i), 1}}
		if err := store.Put(t.Context(), nil, []storage.AuditEntry{e}); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		page, err := store.Trail(t.Context(), storage.TrailQuery{N: 5000})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) == n && page.Items[0].ChainNo == int64(n) {
			if err := storage.VerifyChain(chainKey, nil, oldestFirst(page.Items)); err != nil {
				t.Fatal(err)
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			return dir, n
		}
	}
	t.Fatal("the rows were not chained")
	return "", 0
}

var chainKey = []byte("a key of thirty-two bytes, no more")

func oldestFirst(list []storage.AuditEntry) []storage.AuditEntry {
	out := slices.Clone(list)
	slices.SortFunc(out, func(a, b storage.AuditEntry) int { return int(a.ChainNo - b.ChainNo) })
	return out
}

// tampered makes one change in a transaction that is taken back, reads the
// trail as the checker does, and says whether the chain breaks.
func tampered(t *testing.T, db *sql.DB, change, what string) bool {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	got, err := tx.Exec(change)
	if err != nil {
		t.Fatal(what, err)
	}
	if n, _ := got.RowsAffected(); n != 1 {
		t.Fatalf("%s changed %d rows", what, n)
	}
	rows, err := tx.Query("SELECT at, actor, verb, object, detail, chain_no, hash FROM audit ORDER BY chain_no")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var list []storage.AuditEntry
	for rows.Next() {
		var e storage.AuditEntry
		if err := rows.Scan(&e.At, &e.Actor, &e.Verb, &e.Object, &e.Detail, &e.ChainNo, &e.Hash); err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return storage.VerifyChain(chainKey, nil, list) != nil
}
