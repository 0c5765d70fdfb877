package desk

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"dispatcher/dm"
	"dispatcher/inbox"
	"dispatcher/storage"
)

// Sizes of pages.
const (
	defaultLimit = 50
	maxLimit     = 200
	maxScan      = 2000 // rows looked at for one page of a filtered list
)

func limitOf(n int) int {
	if n <= 0 {
		return defaultLimit
	}
	return min(n, maxLimit)
}

// List reads conversations that an actor may see.
func (s *Service) List(ctx context.Context, a Actor, q ListQuery) (Page[Item], error) {
	page := Page[Item]{Items: []Item{}}
	if !a.reads() {
		return page, forbidden("You may not read conversations.")
	}
	sq, none, err := s.listQuery(a, q)
	if err != nil || none {
		return page, err
	}
	names, want := s.names(ctx), limitOf(q.Limit)
	for seen := 0; len(page.Items) < want && seen < maxScan; {
		sq.N = want - len(page.Items)
		got, err := s.store.List(ctx, sq)
		if errors.Is(err, storage.ErrNotFound) {
			return page, invalid("The cursor belongs to another list.")
		}
		if err != nil {
			return page, err
		}
		for _, row := range got.Items {
			it, card := s.item(ctx, row, names)
			if s.mayList(a, row, card) && fits(q, it) {
				page.Items = append(page.Items, it)
			}
		}
		seen += len(got.Items)
		page.NextCursor, sq.Cursor = got.Next, got.Next
		if got.Next == "" {
			break
		}
	}
	return page, nil
}

// listQuery turns a query into one of storage; none = nothing can match.
func (s *Service) listQuery(a Actor, q ListQuery) (sq storage.ListQuery, none bool, err error) {
	views := []string{"", "all", "mine", "unassigned", "queue", "waiting", "snoozed", "assistant", "public", "closed"}
	if !slices.Contains(views, q.View) {
		return sq, false, invalid("There is no view called " + q.View + ".")
	}
	sq = storage.ListQuery{View: q.View, Owner: a.ID, Order: q.Order, Cursor: q.Cursor}
	if !slices.Contains([]string{"", "queue", "newest", "due"}, q.Order) {
		return sq, false, invalid("There is no order called " + q.Order + ".")
	}
	switch q.State {
	case "open":
		sq.Status = storage.Open
	case "resolved", "closed":
		sq.Status = storage.Resolved
	}
	if q.Channel != "" {
		acct, ok := s.inbox.Account(q.Channel)
		if !ok {
			return sq, true, nil
		}
		sq.Channel = acct.Number
	}
	if q.Queue != "" {
		if !s.mayQueue(a, q.Queue) {
			return sq, true, nil
		}
		sq.Queues = []string{q.Queue}
	}
	return sq, false, nil
}

// mayList is mayRead for a row of a list.
func (s *Service) mayList(a Actor, row storage.Summary, card inbox.Card) bool {
	if row.Conv.Owner == storage.OwnerAgent && row.Conv.OwnerID == a.ID {
		return true
	}
	return s.mayQueue(a, s.queueOf(row.Conv, row.Handoff, card.Episode.QueueLast))
}

// fits are the filters that look at what is sealed.
func fits(q ListQuery, it Item) bool {
	if q.State != "" && !slices.Contains([]string{"open", "resolved", "closed"}, q.State) && it.Phase != q.State {
		return false
	}
	if q.Owner != "" && it.Owner.ID != q.Owner && it.Owner.Kind != q.Owner {
		return false
	}
	if q.Topic != "" && fold(it.Topic) != fold(q.Topic) {
		return false
	}
	if q.Label != "" && !slices.Contains(it.Labels, q.Label) {
		return false
	}
	if q.Q == "" {
		return true
	}
	for _, text := range []string{it.Contact.Name, it.Contact.Handle, it.HeadlineSlot, it.Topic, it.Last.Preview, it.ID} {
		if strings.Contains(fold(text), fold(q.Q)) {
			return true
		}
	}
	return false
}

// Get reads one conversation with everything the case panel shows.
func (s *Service) Get(ctx context.Context, a Actor, id string) (Detail, error) {
	v, err := s.view(ctx, a, id)
	if err != nil {
		return Detail{}, err
	}
	it, card := s.item(ctx, summaryOf(v), s.names(ctx))
	d := Detail{Item: it, Slots: masked(v.Slots()), Promises: []inbox.Promise{}, Clocks: []Clock{}, Window: v.Window(),
		Flow: inbox.PacketFlow{Flow: v.State.Flow, State: v.State.Name, Revision: v.State.Set}, Tags: orEmpty(v.State.Tags),
		Sending: v.Snap.Held > 0, Can: s.can(a, v), Returns: []ReturnPoint{}, Delegates: s.delegates(a, v), Identity: v.Identity()}
	if d.Packet, err = s.packet(v, card); err != nil {
		return Detail{}, err
	}
	rows, err := s.deskRows(ctx, v.Snap.Conv)
	if err != nil {
		return Detail{}, err
	}
	d.Clocks, d.Promises = s.clocks(rows), v.Reader().PromisesOf(v.Snap.Conv.UID, rows)
	if d.Packet != nil && len(d.Promises) > 0 {
		d.Packet.Promises = d.Promises // what became of them is news to a packet
	}
	for _, r := range s.inbox.Returns(v) {
		d.Returns = append(d.Returns, ReturnPoint{ResumeAt: r.At, Label: r.Label, Preview: r.Preview})
	}
	if v.Account != nil {
		d.SendsLeft = s.inbox.Sending(v.Account.Alias).Left
		d.ChannelKind = v.Account.Kind
	}
	if d.Earlier, err = s.earlier(ctx, a, v); err != nil {
		return Detail{}, err
	}
	if v.Snap.Conv.Continues != 0 {
		d.Continues = s.continues(ctx, v.Snap.Conv.Continues)
	}
	return d, nil
}

// packet is the packet of the open handoff, or of the last one of a closed
// conversation, with personal values masked and what is unanswered as of now.
func (s *Service) packet(v *inbox.View, card inbox.Card) (*inbox.Packet, error) {
	h := v.Snap.Handoff
	if h == nil {
		h = v.ClosedHandoff()
	}
	if h == nil {
		return nil, nil
	}
	p, err := v.Reader().Packet(v.Snap.Conv.UID, *h)
	if err != nil || p == nil {
		return nil, err
	}
	p.Slots = masked(p.Slots)
	p.Unanswered = nil
	if w := card.Episode.Waiting; len(w) > 0 {
		p.Unanswered = &inbox.Unanswered{Seq: w[0][0], Since: ms(w[0][1]), Count: len(w)}
	}
	return p, nil
}

// continues is the public id of the conversation before.
func (s *Service) continues(ctx context.Context, id int64) string {
	snaps, err := s.store.Load(ctx, []storage.Key{{ID: id}})
	if err != nil || snaps[0].Conv.ID == 0 {
		return ""
	}
	return inbox.UIDText(snaps[0].Conv.UID)
}

// earlier lists the other conversations of the person, newest first.
func (s *Service) earlier(ctx context.Context, a Actor, v *inbox.View) ([]Earlier, error) {
	out := []Earlier{}
	got, err := s.store.List(ctx, storage.ListQuery{View: "contact", Contact: v.Snap.Conv.Contact, N: 20})
	if err != nil {
		return out, err
	}
	for _, row := range got.Items {
		card, err := v.Reader().Card(row.Conv)
		if err != nil || row.Conv.ID == v.Snap.Conv.ID || !s.mayList(a, row, card) {
			continue
		}
		out = append(out, Earlier{ID: inbox.UIDText(row.Conv.UID), OpenedAt: ms(row.Conv.OpenedAt), ClosedAt: msOrNil(row.Conv.ResolvedAt),
			Topic: card.Topic, Outcome: card.Episode.Outcome})
	}
	return out, nil
}

// Messages reads the timeline: rows after one seq, or the newest before another.
func (s *Service) Messages(ctx context.Context, a Actor, id string, after, before int64, limit int) (Page[Msg], error) {
	page := Page[Msg]{Items: []Msg{}}
	v, err := s.view(ctx, a, id)
	if err != nil {
		return page, err
	}
	q := storage.ThreadQuery{Conversation: v.Snap.Conv.ID, After: after, Before: before, N: limitOf(limit)}
	got, err := s.store.Thread(ctx, q)
	if err != nil {
		return page, err
	}
	names := s.names(ctx)
	for _, m := range got.Items {
		page.Items = append(page.Items, s.msg(ctx, v, m, names))
	}
	page.NextCursor = got.Next
	return page, nil
}

// message reads one row of a conversation.
func (s *Service) message(ctx context.Context, v *inbox.View, seq int64) (Msg, error) {
	got, err := s.store.Thread(ctx, storage.ThreadQuery{Conversation: v.Snap.Conv.ID, After: seq - 1, N: 1})
	if err != nil {
		return Msg{}, err
	}
	if len(got.Items) == 0 || got.Items[0].Seq != seq {
		return Msg{}, notFound()
	}
	return s.msg(ctx, v, got.Items[0], s.names(ctx)), nil
}

// msg makes one row of the timeline.
func (s *Service) msg(ctx context.Context, v *inbox.View, m storage.Message, names map[string]string) Msg {
	b, err := v.Reader().Body(v.Snap.Conv.UID, m)
	if err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "message shown without words", slog.Int64("conversation", m.Conversation), slog.Int64("seq", m.Seq), slog.Any("error", err))
	}
	out := Msg{Seq: m.Seq, ID: messageID(v.UID(), m.Seq), At: ms(m.At), Author: s.author(v, m, b, names), Visibility: visibilityWord(m.Public),
		Kind: inbox.KindWord(m.Kind), Text: b.Text, Media: b.Media, Options: b.Options, Tap: b.Tap, Event: b.Line, State: inbox.DeliveryWord(m.Delivery),
		StateReason: m.Reason, Edited: m.Edited, Removed: m.Removed, History: b.History, Rule: m.Rule}
	if out.Media == nil {
		out.Media = []dm.Media{}
	}
	if m.Removed {
		out.Text, out.Media = "", []dm.Media{}
	}
	if out.Text == "" && b.Tap != nil {
		out.Text = b.Tap.Label
	}
	if e := out.Event; e != nil {
		line := *e
		if line.Name == "" {
			line.Name = names[line.By]
		}
		out.Event = &line
	}
	return out
}

// author says who wrote a row.
func (s *Service) author(v *inbox.View, m storage.Message, b inbox.Body, names map[string]string) Author {
	out := Author{Kind: inbox.AuthorWord(m.Author), ID: m.AuthorID, Name: b.AuthorName}
	switch m.Author {
	case storage.AuthorCustomer:
		out.ID, out.Name = inbox.UIDText(v.Snap.Contact.UID), v.Profile.Name
	case storage.AuthorBot, storage.AuthorNotice:
		out.Name = "Assistant"
	case storage.AuthorAgentNative:
		out.Kind = dm.AuthorAgent
	}
	if out.Name == "" {
		out.Name = names[m.AuthorID]
	}
	return out
}
