package proof

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/flows"
	"dispatcher/flows/watch"
	"dispatcher/inbox"
	"dispatcher/internal/proof/kill"
	"dispatcher/internal/proof/mutate"
	"dispatcher/storage"
)

var editsFlag = flag.Int("proof.edits", 0, "mutations in TestPromise_P8_MutationStorm; 0: as the size says")

// stormFlow answers every message with one message that names its version.
const stormFlow = `flow: welcome
description: Version %[1]d of the same conversation.
states:
  start:
    say: "Version %[1]d greets."
    goto: talk
  talk:
    collect:
      slot: words
      ask: "Version %[1]d heard {{ slots.words ?? 'nothing' }}."
      always: true
      options:
        - {id: side, label: A side trip, call: side, goto: talk}
        - {id: person, label: A person, goto: person}
    goto: talk
  person:
    handoff: general
`

const stormSide = `flow: side
states:
  start:
    ask: "Version %[1]d, from the side?"
    options:
      "Yes": good
      "No": good
  good:
    say: "Version %[1]d goes back."
    return:
`

// stormProject is version n of the project.
func stormProject(url string, n int) map[string]string {
	return map[string]string{
		"dispatcher.yaml": fmt.Sprintf("dispatcher: 1\nproject: storm\nstart: welcome\nqueues: {general: {name: General}}\ndefault_queue: general\n"+
			"channels:\n  shop: {kind: webhook, secret: %q, insecure: true, outbound: {mode: push, url: %q}}\n", shopSecret, url+"/webhook"),
		"flows/welcome.yaml": fmt.Sprintf(stormFlow, n), "flows/side.yaml": fmt.Sprintf(stormSide, n),
	}
}

// TestPromise_P8_MutationStorm: whatever is done to the files under traffic,
// the service goes on, every reply is from a set that was live, nobody is
// lost or stuck, and what is wrong is told within a second with its line.
func TestPromise_P8_MutationStorm(t *testing.T) {
	size := scale(t)
	p := fakeplatform.Start(fakeplatform.Options{WebhookSecret: shopSecret})
	defer p.Close()
	s := kill.Start(t, kill.Options{Project: stormProject(p.URL, 0)})
	begun := time.Now()
	st := &mutStorm{t: t, s: s, p: p, pid: s.Pid(), admin: s.Admin(), mut: mutate.New(s.Dir, stormProject(p.URL, 0), 8),
		sender: fakeplatform.WebhookSender(s.URL+"/channels/shop/webhook", shopSecret)}
	traffic := st.traffic(of(size, 20, 200, 200))
	total := of(size, 300, 10_000, 10_000)
	if *editsFlag > 0 {
		total = *editsFlag
	}
	for done := 0; done < total; done += 6 {
		st.round()
		if done%60 == 0 {
			st.backAndForth()
		}
	}
	offered := traffic()
	st.stuck()
	settled(t, p)
	alive := s.Pid() == st.pid
	select {
	case <-s.Exited():
		alive = false
	default:
	}
	if !alive {
		t.Error("the service ended or was started again")
	}
	s.Term()
	replies, sets := st.judge(offered)
	slices.Sort(st.told)
	worst := time.Duration(0)
	if len(st.told) > 0 {
		worst = st.told[len(st.told)-1]
	}
	report(t, "P8: %d mutations, %d bad sets held and told (median %v, worst %v, %d with line), %d edits live, %d times rolled back and published; %d messages, %d replies of %d sets: 0 restarts, 0 lost, 0 stuck, 0 wrong; %.1f s",
		total, len(st.told), st.told[len(st.told)/2].Round(time.Millisecond), worst.Round(time.Millisecond), st.lines, st.version, st.published, offered, replies, sets, time.Since(begun).Seconds())
}

// mutStorm is one service under edits and traffic.
type mutStorm struct {
	t         *testing.T
	s         *kill.Service
	p         *fakeplatform.Server
	pid       int
	admin     *kill.Client
	mut       *mutate.Mutator
	sender    *fakeplatform.Sender
	version   int
	published int // times rolled back and published again
	told      []time.Duration
	lines     int
	sent      sync.Map // text → contact, of what was acknowledged
	people    atomic.Int64
}

// say sends one message and keeps it when it was acknowledged.
func (st *mutStorm) say(who, id string) {
	text := "words " + id
	if _, err := st.sender.Send(st.t.Context(), id, fakeplatform.WebhookMessage(id, who, text, time.Now())); err != nil {
		if !errors.Is(err, context.Canceled) {
			st.t.Errorf("%s: %v", id, err)
		}
		return
	}
	st.sent.Store(text, who)
}

// traffic lets people write, perSecond messages in all, until it is stopped;
// each writes four times, over several edits.
func (st *mutStorm) traffic(perSecond int) (stop func() int) {
	const hands = 8
	ended := make(chan struct{})
	var wg sync.WaitGroup
	var count atomic.Int64
	for hand := range hands {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(8, uint64(hand)))
			beat := time.NewTicker(time.Second * hands / time.Duration(perSecond))
			defer beat.Stop()
			var open []string
			for n := 0; ; n++ {
				select {
				case <-ended:
					return
				case <-beat.C:
				}
				if len(open) == 0 || r.IntN(4) == 0 && len(open) < 12 {
					open = append(open, fmt.Sprintf("c-%d", st.people.Add(1)))
				}
				i := r.IntN(len(open))
				st.say(open[i], fmt.Sprintf("%s-%d-%d", open[i], hand, n))
				count.Add(1)
				if r.IntN(4) == 0 {
					open = slices.Delete(open, i, i+1)
				}
			}
		})
	}
	return func() int { close(ended); wg.Wait(); return int(count.Load()) }
}

// round is five mutations in quick succession, a sixth that stays until it is
// told, and then the next good version, which must be live before the next.
func (st *mutStorm) round() {
	for range 5 {
		st.damage()
		time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond) // the pace of the editor is the input here
	}
	st.restore()
	what := st.damage()
	start := time.Now()
	st.verdict(what, start)
	st.version++
	for name, text := range stormProject(st.p.URL, st.version) {
		st.mut.Good(name, text)
	}
	st.restore()
	st.until(what.Kind+" mended", func() bool { return st.folder() == "live" && st.answers() })
}

// backAndForth rolls back to the set before under traffic, edits the folder
// while it is held, and publishes: what was rolled back to answers until then,
// and the edit afterwards.
func (st *mutStorm) backAndForth() {
	st.t.Helper()
	sets := st.ran()
	if len(sets) < 2 {
		return
	}
	path := "/api/v1/revisions/" + sets[1] + "/rollback"
	if status := st.admin.Post(path, map[string]bool{"yes": true}, nil, nil); status != http.StatusOK {
		st.t.Errorf("POST %s: %d", path, status)
		return
	}
	back := st.version - 1
	st.until("rolled back", func() bool { return st.folder() == "held" && st.answersAs(back) })
	st.version++
	for name, text := range stormProject(st.p.URL, st.version) {
		st.mut.Good(name, text)
	}
	st.restore()
	var view struct{ Staged struct{ Set, Result string } }
	st.until("staged while held", func() bool {
		st.admin.Get("/api/v1/flows", &view)
		return view.Staged.Result == watch.Staged && view.Staged.Set == st.folderSet()
	})
	if !st.answersAs(back) {
		st.t.Errorf("an edit went live over the set that was rolled back to")
	}
	path = "/api/v1/revisions/" + view.Staged.Set + "/activate"
	if status := st.admin.Post(path, map[string]bool{"yes": true}, nil, nil); status != http.StatusOK {
		st.t.Errorf("POST %s: %d", path, status)
	}
	st.until("published", func() bool { return st.folder() == "live" && st.answers() })
	st.published++
}

// folderSet is the id of the set that the folder holds.
func (st *mutStorm) folderSet() string {
	files, err := flows.Read(watch.Dir(st.s.Dir), "storm")
	if err != nil {
		return ""
	}
	return files.SetID()
}

// ran lists the sets that were live, newest first.
func (st *mutStorm) ran() (out []string) {
	var page struct {
		Items []struct{ Set, Result string }
	}
	if status := st.admin.Get("/api/v1/revisions?limit=200", &page); status != http.StatusOK {
		st.t.Errorf("GET /revisions: %d", status)
	}
	for _, r := range page.Items {
		if r.Result == inbox.ResultLive || r.Result == inbox.ResultPublished || r.Result == inbox.ResultRolledBack {
			out = append(out, r.Set)
		}
	}
	return out
}

func (st *mutStorm) damage() mutate.Mutation {
	st.t.Helper()
	m, err := st.mut.Next()
	if err != nil {
		st.t.Fatal(err)
	}
	return m
}

func (st *mutStorm) restore() {
	st.t.Helper()
	if err := st.mut.Restore(); err != nil {
		st.t.Fatal(err)
	}
}

// verdict decides for itself what the folder holds now, as check does, and
// wants the service to say the same.
func (st *mutStorm) verdict(what mutate.Mutation, start time.Time) {
	files, err := flows.Read(watch.Dir(st.s.Dir), "storm")
	var project *flows.Project
	if err == nil {
		project = loadAs(files)
	}
	if project != nil && project.OK() {
		return // good all the same: it goes live, and the replies will be held against it
	}
	told := st.untilTold(what, project)
	took := time.Since(start)
	st.told = append(st.told, took)
	if took > time.Second {
		st.t.Errorf("%s of %s was told after %v", what.Kind, what.File, took)
	}
	if told.Folder.State == watch.Missing {
		if told.Folder.Detail == "" {
			st.t.Errorf("%s of %s: the folder is missing and nobody says why", what.Kind, what.File)
		}
		return
	}
	for _, p := range told.Problems {
		if p.Severity == "error" && p.Line < 1 {
			st.t.Errorf("%s of %s: %s in %s without a line", what.Kind, what.File, p.Code, p.File)
		}
	}
	st.lines++
}

// flowsView is what GET /flows says of the folder.
type flowsView struct {
	Folder   watch.FolderInfo
	Problems []struct {
		File, Code, Severity string
		Line                 int
	}
}

// untilTold waits until the service tells every error of the project, and not
// only that an edit before it was bad too.
func (st *mutStorm) untilTold(what mutate.Mutation, project *flows.Project) (view flowsView) {
	st.t.Helper()
	var wanted map[string]bool
	defer func() {
		if len(wanted) > 0 {
			st.t.Errorf("%s of %s: not told: %v; told %+v", what.Kind, what.File, slices.Sorted(maps.Keys(wanted)), view.Problems)
		}
	}()
	st.until(fmt.Sprintf("%s of %s told", what.Kind, what.File), func() bool {
		if state := st.folder(); state != watch.Rejected && state != watch.Missing {
			return false
		}
		view, wanted = flowsView{}, map[string]bool{}
		if status := st.admin.Get("/api/v1/flows", &view); status != http.StatusOK {
			st.t.Errorf("GET /flows: %d", status)
		}
		if view.Folder.State == watch.Missing {
			return project == nil
		}
		if project != nil {
			for _, d := range project.Diagnostics {
				if d.Severity == "error" {
					wanted[fmt.Sprintf("%s:%d %s", d.Range.File, d.Range.Line, d.Code)] = true
				}
			}
		}
		for _, p := range view.Problems {
			if p.Severity == "error" {
				delete(wanted, fmt.Sprintf("%s:%d %s", p.File, p.Line, p.Code))
			}
		}
		return len(wanted) == 0
	})
	return view
}

// folder is what /readyz says of the flows.
func (st *mutStorm) folder() string {
	res, err := http.Get(st.s.URL + "/readyz")
	if err != nil {
		st.t.Fatalf("the service does not answer: %v", err)
	}
	defer res.Body.Close()
	var ready struct{ Flows string }
	data, err := io.ReadAll(res.Body)
	if err == nil {
		err = json.Unmarshal(data, &ready)
	}
	if err != nil || res.StatusCode != http.StatusOK {
		st.t.Errorf("/readyz: %d %s %v", res.StatusCode, data, err)
	}
	return ready.Flows
}

// answers lets a new person write and says whether the newest version answers.
func (st *mutStorm) answers() bool { return st.answersAs(st.version) }

// answersAs says whether a new person is answered by that version.
func (st *mutStorm) answersAs(version int) bool {
	who := fmt.Sprintf("c-%d", st.people.Add(1))
	st.say(who, who+"-probe")
	ctx, stop := context.WithTimeout(st.t.Context(), 5*time.Second)
	defer stop()
	good := false
	_, err := st.p.Wait(ctx, func(all []fakeplatform.Delivery) bool {
		for _, d := range slices.Backward(all) {
			if d.Thread == who && d.Kind == "message.send" {
				good = strings.Contains(d.Text, fmt.Sprintf("Version %d ", version))
				return true
			}
		}
		return false
	})
	if err != nil {
		st.t.Errorf("%s hears nothing: %v", who, err)
	}
	return good
}

func (st *mutStorm) until(what string, good func() bool) {
	st.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !good(); time.Sleep(15 * time.Millisecond) {
		if time.Now().After(deadline) {
			st.t.Fatalf("%s: not after 10 s, the folder is %s", what, st.folder())
		}
	}
}

// stuck writes to people who came during the storm: each is answered, unless
// it is a person's turn.
func (st *mutStorm) stuck() {
	settled(st.t, st.p)
	last := int(st.people.Load())
	var wg sync.WaitGroup
	for i := max(1, last-150); i <= last; i++ {
		who := fmt.Sprintf("c-%d", i)
		wg.Go(func() { st.say(who, who+"-end") })
	}
	wg.Wait()
	settled(st.t, st.p)
}

// judge opens the books: every message that was acknowledged is there once and
// was decided, every reply is what its set says, and that set was live then.
func (st *mutStorm) judge(offered int) (replies, sets int) {
	t := st.t
	b := openBook(t, st.s.Data)
	live := b.history()
	chats := b.chats()
	have, seen := map[string]int{}, map[string]bool{}
	for _, c := range chats {
		if err := b.explain(c); err != nil {
			t.Error(err)
		}
		if err := c.wasLive(live); err != nil {
			t.Error(err)
		}
		last := int64(0)
		for i, m := range c.messages {
			switch m.Dir {
			case storage.DirIn:
				have[c.bodies[i].Text]++
				last = m.Seq
			case storage.DirOut:
				replies++
				seen[string(m.Revision)] = true
				if m.Delivery != storage.DeliverySent {
					t.Errorf("%s-%d was never sent (delivery %d %s)", c.uid, m.Seq, m.Delivery, m.Reason)
				}
			}
		}
		if c.Conv.Owner == storage.OwnerBot && c.Conv.HandledSeq < last {
			t.Errorf("%s is stuck in %s: %d of %d handled", c.uid, c.Conv.Position, c.Conv.HandledSeq, last)
		}
		for i, m := range c.messages {
			if m.Dir == storage.DirIn && strings.HasSuffix(c.bodies[i].Text, "-end") && c.Conv.Owner == storage.OwnerBot &&
				!slices.ContainsFunc(c.messages, func(o storage.Message) bool { return o.Dir == storage.DirOut && o.CauseSeq == m.Seq }) {
				t.Errorf("%s in %s: the bot says nothing any more", c.uid, c.Conv.Position)
			}
		}
		if h := c.Handoff; h != nil && h.Cause == "engine_error" {
			t.Logf("%s was rescued at %s", c.uid, c.Conv.Position)
		}
	}
	acked := 0
	st.sent.Range(func(text, _ any) bool {
		acked++
		if have[text.(string)] != 1 {
			t.Errorf("%q is stored %d times", text, have[text.(string)])
		}
		return true
	})
	if acked < offered || replies < acked/2 {
		t.Errorf("%d offered, %d acknowledged, %d replies", offered, acked, replies)
	}
	t.Run("mutant", func(t *testing.T) { stormMutants(t, b, chats, live) })
	return replies, len(seen)
}

// era is one stretch in which a set was live.
type era struct {
	set         string // first 16 bytes of its id
	since, till time.Time
}

// history is which set was live when.
func (b *book) history() (out []era) {
	b.t.Helper()
	for at := ""; ; {
		page, err := b.store.Find(b.t.Context(), storage.RecordQuery{Kind: storage.KindHistory, Cursor: at, N: 200})
		if err != nil {
			b.t.Fatal(err)
		}
		for _, rec := range page.Items {
			var l inbox.LiveSet
			if err := json.Unmarshal(rec.Body, &l); err != nil {
				b.t.Fatal(err)
			}
			out = append(out, era{set: l.Set[:32], since: l.Since, till: time.Now()})
		}
		if at = page.Next; at == "" {
			break
		}
	}
	slices.SortFunc(out, func(a, b era) int { return a.since.Compare(b.since) })
	for i := range out[:len(out)-1] {
		out[i].till = out[i+1].since
	}
	return out
}

// overlap is how long a turn that began with a set may still speak for it.
const overlap = time.Second

// wasLive wants every reply to come from a set that was live at its time.
func (c chat) wasLive(live []era) error {
	l := &lost{}
	for _, m := range c.messages {
		at := time.UnixMilli(m.At)
		if m.Dir == storage.DirOut && !slices.ContainsFunc(live, func(e era) bool {
			return e.set == fmt.Sprintf("%x", m.Revision) && !at.Before(e.since.Truncate(time.Millisecond)) && at.Before(e.till.Add(overlap))
		}) {
			l.add("%s-%d is from %x, which was not live at %s", c.uid, m.Seq, m.Revision, at.Format(time.StampMilli))
		}
	}
	return errors.Join(l.errs...)
}

// stormMutants plants replies of sets that were not live, and words that no
// set says.
func stormMutants(t *testing.T, b *book, chats []chat, live []era) {
	i := slices.IndexFunc(chats, func(c chat) bool { return len(c.messages) > 2 })
	if i < 0 || len(live) < 5 {
		t.Fatalf("%d sets were live, %d conversations: too little to prove anything", len(live), len(chats))
	}
	spoilt := func() (chat, int) {
		c := chats[i]
		c.messages, c.bodies = slices.Clone(c.messages), slices.Clone(c.bodies)
		return c, slices.IndexFunc(c.messages, func(m storage.Message) bool { return m.Dir == storage.DirOut })
	}
	c, j := spoilt()
	c.messages[j].Revision = slices.Repeat([]byte{7}, 16)
	if c.wasLive(live) == nil {
		t.Error("a reply of a set that never ran is not noticed")
	}
	c, j = spoilt()
	c.messages[j].At += int64(time.Hour / time.Millisecond)
	if c.wasLive(live) == nil {
		t.Error("a reply of a set that no longer ran is not noticed")
	}
	c, j = spoilt()
	c.bodies[j].Text = "Version 9999 greets."
	if b.explain(c) == nil {
		t.Error("words of another version are not noticed")
	}
}
