package desk

import (
	"context"
	"log/slog"
	"time"

	"dispatcher/dm"
	"dispatcher/inbox"
	"dispatcher/storage"
)

// owner says who may answer, by name.
func (s *Service) owner(c storage.Conversation, names map[string]string) Owner {
	o := Owner{Kind: inbox.OwnerWord(c.Owner), ID: c.OwnerID}
	switch c.Owner {
	case storage.OwnerQueue:
		o.Name = s.queueName(c.OwnerID)
	case storage.OwnerAgent:
		if o.Name = names[c.OwnerID]; o.Name == "" {
			o.Name = c.OwnerID
		}
	case storage.OwnerBot:
		o.Name = "Assistant"
	}
	return o
}

// queueName is the shown name of a queue.
func (s *Service) queueName(alias string) string {
	if p := s.inbox.Live(); p != nil && p.Set != nil {
		if q := p.Set.Queues[alias]; q != nil && q.Name != "" {
			return q.Name
		}
	}
	return alias
}

// summaryOf makes the row of a list out of a view.
func summaryOf(v *inbox.View) storage.Summary {
	return storage.Summary{Conv: v.Snap.Conv, Contact: v.Snap.Contact, Handoff: v.Snap.Handoff, Failed: v.Snap.Failed}
}

// item makes one row. A contact whose key does not open shows without words.
func (s *Service) item(ctx context.Context, row storage.Summary, names map[string]string) (Item, inbox.Card) {
	var card inbox.Card
	r, err := inbox.NewReader(s.vault, row.Contact)
	if err == nil {
		card, err = r.Card(row.Conv)
	}
	if err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "row shown without words", slog.Int64("conversation", row.Conv.ID), slog.Any("error", err))
	}
	c := row.Conv
	it := Item{ID: inbox.UIDText(c.UID), Channel: s.channel(c.Channel), Owner: s.owner(c, names), Phase: inbox.PhaseWord(c.Phase),
		Contact: ContactRef{ID: inbox.UIDText(row.Contact.UID), Name: shownName(card), Handle: card.Handle, Verified: card.Verified},
		Epoch:   c.Epoch, Seq: c.LastSeq, Topic: card.Topic, HeadlineSlot: card.Slot, Why: card.Why, Unread: int(c.Unread),
		Last:     Last{At: ms(card.At), Author: card.Author, Preview: card.Preview},
		Priority: inbox.PriorityWord(c.Priority), Due: due(c), Labels: orEmpty(c.Labels), Flags: flags(row, card), OpenedAt: ms(c.OpenedAt), Status: "open"}
	if c.Owner == storage.OwnerQueue || row.Handoff != nil || card.Episode.QueueLast != "" {
		it.Queue = s.queueOf(c, row.Handoff, card.Episode.QueueLast)
	}
	if card.At == 0 {
		it.Last.At = ms(c.UpdatedAt)
	}
	if c.Status == storage.Resolved {
		it.Status = "resolved"
	}
	if c.WaitingSince != 0 {
		at := ms(c.WaitingSince)
		it.WaitingSince = &at
	}
	return it, card
}

func shownName(c inbox.Card) string {
	switch {
	case c.Name != "":
		return c.Name
	case c.Handle != "":
		return c.Handle
	}
	return "Visitor"
}

func (s *Service) channel(number int64) string {
	if a, ok := s.inbox.AccountOf(number); ok {
		return a.Alias
	}
	return ""
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func ms(at int64) time.Time { return time.UnixMilli(at).UTC() }

// due is the next clock to fall due.
func due(c storage.Conversation) *Due {
	switch {
	case c.NextReplyDue != 0 && (c.FirstReplyDue == 0 || c.NextReplyDue < c.FirstReplyDue):
		return &Due{Clock: inbox.ClockNext, At: ms(c.NextReplyDue)}
	case c.FirstReplyDue != 0:
		return &Due{Clock: inbox.ClockFirst, At: ms(c.FirstReplyDue)}
	}
	return nil
}

// flags are the marks of a card.
func flags(row storage.Summary, card inbox.Card) []string {
	c, out := row.Conv, []string{}
	for _, f := range []struct {
		on   bool
		name string
	}{{card.Public, "public"}, {card.Media, "media"}, {c.Holdout, "holdout"}, {c.Escalated, "escalated"}, {row.Failed > 0, "sending_problem"}} {
		if f.on {
			out = append(out, f.name)
		}
	}
	return out
}

// masked hides personal values until they are revealed one by one.
func masked(slots []inbox.PacketSlot) []inbox.PacketSlot {
	out := make([]inbox.PacketSlot, len(slots))
	for n, sl := range slots {
		if sl.PII {
			if text, ok := sl.Value.(string); ok {
				sl.Value = inbox.Mask(text)
			} else if sl.Value != nil {
				sl.Value = "••••"
			}
			if sl.Raw != "" {
				sl.Raw = inbox.Mask(sl.Raw)
			}
		}
		out[n] = sl
	}
	return out
}

// visibilityWord is the word of a row's visibility.
func visibilityWord(public bool) string {
	if public {
		return dm.Public
	}
	return dm.Private
}
