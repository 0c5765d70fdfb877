package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dispatcher/dm"
	"dispatcher/inbox"
	"dispatcher/storage"
)

func TestDesk_TheMainJob(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.waiting(t, "web", "mia")
	list := must[Page[Item]](t)(o.List(ctx, ana(), ListQuery{View: "unassigned"}))
	if len(list.Items) != 1 || list.Items[0].ID != id {
		t.Fatalf("list %+v", list.Items)
	}
	it := list.Items[0]
	if it.Owner.Kind != "queue" || it.Owner.ID != "orders" || it.Owner.Name != "Orders" || it.Contact.Name != "Mia Kovač" || it.Priority != "high" ||
		it.HeadlineSlot != "AB••••56" || it.Due == nil || it.Due.Clock != "first_reply" || it.WaitingSince == nil || it.Why == "" || it.Channel != "web" || it.Queue != "orders" {
		t.Errorf("item %+v", it)
	}
	d := must[Detail](t)(o.Get(ctx, ana(), id))
	if d.Packet == nil || d.Packet.Summary != "Order AB123456" || len(d.Packet.Slots) != 1 || d.Packet.Slots[0].Value != "AB••••56" ||
		d.Packet.Unanswered == nil || len(d.Clocks) != 2 || !slices.Contains(d.Can, "claim") || slices.Contains(d.Can, "reply") {
		t.Errorf("detail %+v packet %+v", d, d.Packet)
	}
	m := must[Moved](t)(o.Claim(ctx, ana(), id, Command{IfEpoch: it.Epoch}))
	if m.Epoch != it.Epoch+1 || m.Phase != "agent" || m.Owner.Name != "Ana Sousa" || m.Handoff != d.Packet.ID {
		t.Errorf("claim %+v", m)
	}
	msg := must[Msg](t)(o.Reply(ctx, ana(), id, Reply{Text: "Hi Mia, Ana here.", ClientID: "k-1"}, Command{IfEpoch: m.Epoch}))
	if msg.State != "sent" || msg.Author.Kind != "agent" || msg.Author.Name != "Ana Sousa" || msg.ID != fmt.Sprintf("%s-%d", id, msg.Seq) || msg.ClientID != "k-1" {
		t.Errorf("reply %+v", msg)
	}
	d = must[Detail](t)(o.Get(ctx, ana(), id))
	if d.Due != nil || d.Unread != 0 || d.WaitingSince != nil || d.Clocks[0].StoppedAt == nil && d.Clocks[1].StoppedAt == nil {
		t.Errorf("after the reply %+v", d)
	}
	m = must[Moved](t)(o.Resolve(ctx, ana(), id, Command{IfEpoch: d.Epoch, LastSeenSeq: d.Seq}))
	if m.Phase != "closed" || m.Owner.Kind != "none" {
		t.Errorf("resolve %+v", m)
	}
	d = must[Detail](t)(o.Get(ctx, ana(), id))
	if d.Status != "resolved" || d.Packet == nil || !slices.Contains(d.Can, "undo") || !slices.Contains(d.Can, "reopen") {
		t.Errorf("after resolve %+v", d)
	}
	rows := must[Page[Msg]](t)(o.Messages(ctx, ana(), id, 0, 0, 0))
	var lines []string
	for _, r := range rows.Items {
		if r.Event != nil {
			lines = append(lines, r.Event.Edge+" "+r.Event.Name)
		}
	}
	if got := strings.Join(lines, ", "); got != "hand_off , claim Ana Sousa, resolve_plain Ana Sousa" {
		t.Errorf("lines %q", got)
	}
}

func TestDesk_ReplyIsIdempotent(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.waiting(t, "shop", "mia")
	must[Moved](t)(o.Claim(ctx, ana(), id, Command{}))
	first := must[Msg](t)(o.Reply(ctx, ana(), id, Reply{Text: "hi", ClientID: "k"}, Command{}))
	if first.State != "pending" {
		t.Errorf("state %q on a channel that has to be pulled", first.State)
	}
	again := must[Msg](t)(o.Reply(ctx, ana(), id, Reply{Text: "hi", ClientID: "k"}, Command{}))
	if again.Seq != first.Seq {
		t.Errorf("the same key gave seq %d and %d", first.Seq, again.Seq)
	}
	if _, err := o.Reply(ctx, ana(), id, Reply{Text: "ho", ClientID: "k"}, Command{}); code(t, err) != CodeKeyReused {
		t.Errorf("other words under the same key: %v", err)
	}
	other := must[Msg](t)(o.Reply(ctx, ana(), id, Reply{Text: "hi", ClientID: "k2"}, Command{}))
	if other.Seq == first.Seq {
		t.Error("two keys, one row")
	}
}

func TestDesk_TakeOverFromBotAndFromAnAgent(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.says(t, "web", "mia", "hello")
	m := must[Moved](t)(o.TakeOver(ctx, ana(), id, Command{IfEpoch: 1}))
	if m.Phase != "agent" || m.Owner.ID != ana().ID || m.Handoff == "" {
		t.Fatalf("take over %+v", m)
	}
	d := must[Detail](t)(o.Get(ctx, ana(), id))
	if d.Packet.Cause != dm.CauseTakenOver || d.Packet.BotWouldAsk == nil {
		t.Errorf("packet %+v", d.Packet)
	}
	seq := d.Seq
	o.says(t, "web", "mia", "My order")
	for _, r := range must[Page[Msg]](t)(o.Messages(ctx, ana(), id, seq, 0, 0)).Items {
		if r.Author.Kind == "bot" {
			t.Errorf("the bot spoke after the take-over: %q", r.Text)
		}
	}
	m = must[Moved](t)(o.TakeOver(ctx, ben(), id, Command{}))
	if m.Owner.ID != ben().ID {
		t.Errorf("take over from an agent %+v", m)
	}
	if _, err := o.Reply(ctx, ana(), id, Reply{Text: "still me"}, Command{IfEpoch: m.Epoch - 1}); code(t, err) != CodeNotOwner {
		t.Errorf("the one who lost it could send: %v", err)
	}
}

func TestDesk_HandBackGoesOn(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	o.says(t, "web", "mia", "hello")
	id := o.says(t, "web", "mia", "My order")
	must[Moved](t)(o.TakeOver(ctx, ana(), id, Command{}))
	d := must[Detail](t)(o.Get(ctx, ana(), id))
	if len(d.Returns) == 0 || !slices.Contains(d.Can, "hand_back") {
		t.Fatalf("return points %+v, can %v", d.Returns, d.Can)
	}
	m := must[Moved](t)(o.HandBack(ctx, ana(), id, Command{ResumeAt: d.Returns[len(d.Returns)-1].ResumeAt}))
	if m.Owner.Kind != "bot" {
		t.Fatalf("hand back %+v", m)
	}
	rows := must[Page[Msg]](t)(o.Messages(ctx, ana(), id, d.Seq, 0, 0)).Items
	if last := rows[len(rows)-1]; last.Author.Kind != "bot" || last.Text == "" {
		t.Errorf("after hand back %+v", rows)
	}
}

func TestDesk_TransferUndoReopen(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.waiting(t, "web", "mia")
	must[Moved](t)(o.Claim(ctx, ana(), id, Command{}))
	m := must[Moved](t)(o.Transfer(ctx, ana(), id, Command{Queue: "general", Note: "not ours"}))
	if m.Phase != "queue" || m.Owner.ID != "general" {
		t.Fatalf("transfer %+v", m)
	}
	must[Moved](t)(o.Claim(ctx, outsider(), id, Command{}))
	m = must[Moved](t)(o.Resolve(ctx, outsider(), id, Command{}))
	if m.Phase != "closed" {
		t.Fatalf("resolve %+v", m)
	}
	o.clock.add(5 * time.Second)
	if m = must[Moved](t)(o.Undo(ctx, outsider(), id, Command{})); m.Phase != "agent" {
		t.Errorf("undo %+v", m)
	}
	must[Moved](t)(o.Resolve(ctx, outsider(), id, Command{}))
	o.clock.add(11 * time.Second)
	if _, err := o.Undo(ctx, outsider(), id, Command{}); code(t, err) != CodeTooLate {
		t.Errorf("undo after 11 s: %v", err)
	}
	if m = must[Moved](t)(o.Reopen(ctx, lea(), id, Command{})); m.Owner.ID != lea().ID {
		t.Errorf("reopen %+v", m)
	}
	must[Moved](t)(o.Resolve(ctx, lea(), id, Command{}))
	o.says(t, "web", "mia", "hello again")
	_, err := o.Reopen(ctx, lea(), id, Command{})
	var p *Problem
	if !errors.As(err, &p) || p.Code != CodeTooLate || p.Facts["conversation"] == nil {
		t.Errorf("reopened beside a newer conversation: %v", err)
	}
}

func TestDesk_NotesPatchReveal(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.waiting(t, "web", "mia")
	note := must[Msg](t)(o.Note(ctx, ben(), id, "depot says tomorrow", "n-1"))
	if note.Kind != "note" || note.State != "none" || note.Author.Name != "Ben Kaya" {
		t.Errorf("note %+v", note)
	}
	d := must[Detail](t)(o.Patch(ctx, lea(), id, Patch{Priority: "urgent", Add: []string{"late", "vip"}, Slots: map[string]string{"order_number": "CD654321"}}))
	if d.Priority != "urgent" || !slices.Equal(d.Labels, []string{"late", "vip"}) || d.Slots[0].How != "agent" || d.Slots[0].Status != "claimed" {
		t.Errorf("patched %+v %+v", d.Item, d.Slots)
	}
	if _, err := o.Patch(ctx, ben(), id, Patch{Slots: map[string]string{"order_number": "CD654321"}}); code(t, err) != CodeNotOwner {
		t.Errorf("slots edited without owning: %v", err)
	}
	if _, err := o.Patch(ctx, lea(), id, Patch{Slots: map[string]string{"nope": "1"}}); code(t, err) != CodeInvalid {
		t.Errorf("unknown slot: %v", err)
	}
	got := must[Revealed](t)(o.Reveal(ctx, ana(), id, "order_number", "look up"))
	if got.Value != "CD654321" || !got.HidesAt.Equal(o.clock.Now().Add(5*time.Minute).UTC()) {
		t.Errorf("revealed %+v", got)
	}
	trail, err := o.store.Trail(ctx, storage.TrailQuery{Actor: ana().ID, Verb: "reveal", N: 5})
	if err != nil || len(trail.Items) != 1 || strings.Contains(string(trail.Items[0].Detail), "look up") {
		t.Errorf("audit of the reveal %+v, %v", trail.Items, err)
	}
	if _, err := o.Reveal(ctx, Actor{ID: "t", Role: RoleAPI, Token: true, Scopes: []string{ScopeRead, ScopeWrite}}, id, "order_number", ""); code(t, err) != CodeForbidden {
		t.Errorf("a token without pii:read: %v", err)
	}
}

func TestDesk_QueuesAndTakeNext(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	first := o.waiting(t, "web", "p1")
	o.clock.add(time.Second)
	o.waiting(t, "web", "p2")
	o.clock.add(2 * time.Second)
	qs := must[[]QueueInfo](t)(o.Queues(ctx, ana()))
	i := slices.IndexFunc(qs, func(q QueueInfo) bool { return q.Alias == "orders" })
	if i < 0 || qs[i].Waiting != 2 || qs[i].Oldest == nil || qs[i].Staffed != 2 || qs[i].Quote == nil || !qs[i].Schedule.Open || !qs[i].Mine {
		t.Errorf("queues %+v", qs)
	}
	if own := must[[]QueueInfo](t)(o.Queues(ctx, outsider())); len(own) != 1 || own[0].Alias != "general" {
		t.Errorf("queues of somebody else %+v", own)
	}
	id, _, err := o.TakeNext(ctx, ana(), "orders")
	if err != nil || id != first {
		t.Errorf("take next gave %q, %v; want the oldest %q", id, err, first)
	}
	if _, _, err := o.TakeNext(ctx, ana(), "orders"); err != nil {
		t.Error(err)
	}
	if id, _, err := o.TakeNext(ctx, ana(), "orders"); err != nil || id != "" {
		t.Errorf("an empty queue gave %q, %v", id, err)
	}
	mine := must[Page[Item]](t)(o.List(ctx, ana(), ListQuery{View: "mine", Limit: 1}))
	if len(mine.Items) != 1 || mine.NextCursor == "" {
		t.Fatalf("first page %+v", mine)
	}
	rest := must[Page[Item]](t)(o.List(ctx, ana(), ListQuery{View: "mine", Limit: 1, Cursor: mine.NextCursor}))
	if len(rest.Items) != 1 || rest.Items[0].ID == mine.Items[0].ID || rest.NextCursor != "" {
		t.Errorf("second page %+v", rest)
	}
	if hs := must[Page[Handoff]](t)(o.Handoffs(ctx, ana(), HandoffQuery{State: "claimed"})); len(hs.Items) != 2 || hs.Items[0].ClaimedBy.Name != "Ana Sousa" {
		t.Errorf("handoffs %+v", hs.Items)
	}
}

// A stay in the queue is kept when it has ended, with what became of it.
func TestDesk_HandoffsThatEnded(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.waiting(t, "web", "mia")
	must[Moved](t)(o.Claim(ctx, ana(), id, Command{}))
	must[Moved](t)(o.Resolve(ctx, ana(), id, Command{}))
	hs := must[Page[Handoff]](t)(o.Handoffs(ctx, ana(), HandoffQuery{State: "ended"}))
	if len(hs.Items) != 1 || hs.Items[0].EndedAt == nil || hs.Items[0].Ended != "resolved" || hs.Items[0].Packet == nil {
		t.Fatalf("ended handoffs %+v", hs.Items)
	}
	if h := must[Handoff](t)(o.HandoffByID(ctx, ana(), hs.Items[0].ID)); h.Conversation != id {
		t.Errorf("by id: %+v", h)
	}
	if hs := must[Page[Handoff]](t)(o.Handoffs(ctx, outsider(), HandoffQuery{})); len(hs.Items) != 0 {
		t.Errorf("another queue's: %+v", hs.Items)
	}
	d := must[Detail](t)(o.Get(ctx, ana(), id))
	if c := d.Clocks[0]; c.StoppedAt == nil || c.Wall == nil || c.Open == nil || c.By != "" && c.By != ana().ID {
		t.Errorf("a stopped clock says what it took: %+v", c)
	}
}

func TestDesk_WatchShowsOnlyWhatOneMaySee(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	id := o.waiting(t, "web", "mia")
	collect := func(a Actor) []Watched {
		var got []Watched
		enough := errors.New("enough")
		err := o.Watch(ctx, a, 0, nil, func(w Watched) error {
			if len(got) > 0 && w.Cursor <= got[len(got)-1].Cursor {
				t.Errorf("cursor %d after %d", w.Cursor, got[len(got)-1].Cursor)
			}
			got = append(got, w)
			if w.Type == inbox.EventQueue || w.Conv != id {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		return got
	}
	got := collect(ana())
	if len(got) == 0 || got[0].Conv != id || got[len(got)-1].ConvSeq == 0 || got[0].Type == "" {
		t.Errorf("events %+v", got)
	}
	other := o.says(t, "web", "otto", "hello")
	seen := collect(outsider())
	for _, w := range seen {
		if w.Conv == id && w.Type == inbox.EventQueue {
			t.Errorf("an event of another queue was shown: %+v", w)
		}
	}
	if len(seen) == 0 || seen[len(seen)-1].Conv != other {
		t.Errorf("events of the default queue were not shown: %+v", seen)
	}
	if err := o.Watch(ctx, ana(), 1<<40, nil, func(Watched) error { return nil }); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a cursor from the future: %v", err)
	}
}

// A system line says the cause of the handoff that begins, from the closed
// list, and beside it the flow's reason or a person's words.
func TestDesk_LinesOfTheTimeline(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.waiting(t, "web", "mia")
	must[Moved](t)(o.Claim(ctx, ana(), id, Command{}))
	must[Moved](t)(o.Release(ctx, ana(), id, Command{Reason: "lunch"}))
	lines := map[string]*inbox.Line{}
	for _, m := range must[Page[Msg]](t)(o.Messages(ctx, ana(), id, 0, 0, 0)).Items {
		if m.Event != nil {
			lines[m.Event.Edge] = m.Event
		}
	}
	if l := lines["hand_off"]; l == nil || l.Cause != dm.CauseFlow || l.Reason == "" || l.Reason == l.Cause {
		t.Errorf("hand_off line %+v", l)
	}
	if l := lines["release"]; l == nil || l.Cause != "" || l.Note != "lunch" || l.Reason != "lunch" {
		t.Errorf("release line %+v", l)
	}
}
