package inbox

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/storage"
)

// Names of what a widget is shown (channels.md 2.2.2).
const (
	eventMessage = "message"
	eventUpdate  = "update"
	eventOwner   = "owner"
)

// shownOwnership is who answers, and for one who waits the place in line.
type shownOwnership struct {
	Owner       string `json:"owner"`
	Name        string `json:"name,omitempty"`
	Position    int    `json:"position,omitempty"`
	WaitMinutes int    `json:"wait_minutes,omitempty"`
}

// shownUpdate is news of a message that was shown before.
type shownUpdate struct {
	ID         string `json:"id"`
	Seq        int64  `json:"seq"`
	OptionsOff bool   `json:"options_off,omitempty"`
}

// shownList collects what a customer sees, in order. A button that was
// answered takes the buttons of its message away: in the message itself where
// that is part of the list, else by an update of its own. Such an update has
// no number, so that numbers stay growing; it comes before the tap that caused
// it, and who missed the one missed the other.
type shownList struct {
	items    []channels.Shown
	question map[int64]askedAt
}

// askedAt is a message with buttons and its place in the list.
type askedAt struct {
	at  int
	msg shownMessage
}

// add shows one row; notes and what was never sent are not for the customer.
func (l *shownList) add(keys *Reader, c storage.Conversation, m storage.Message) error {
	if m.Kind == storage.MsgNote || m.Delivery == storage.DeliveryCancelled || m.Delivery == storage.DeliveryFailed {
		return nil
	}
	body, err := keys.Body(c.UID, m)
	if err != nil {
		return err
	}
	if m.Kind == storage.MsgEvent {
		shown, ok, err := shownOwner(m, body)
		if ok && err == nil {
			l.items = append(l.items, shown)
		}
		return err
	}
	if t := body.Tap; t != nil && t.Seq != 0 && !t.Forged {
		if err := l.answered(c, m, t); err != nil {
			return err
		}
	}
	one := shownMessageOf(c, m, body)
	if len(one.Options) > 0 {
		if l.question == nil {
			l.question = map[int64]askedAt{}
		}
		l.question[m.Seq] = askedAt{at: len(l.items), msg: one}
	}
	return l.put(len(l.items), m.Seq, eventMessage, one)
}

// put writes one event at a place of the list.
func (l *shownList) put(at int, seq int64, event string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	shown := channels.Shown{Seq: seq, Event: event, Data: data}
	if at < len(l.items) {
		l.items[at] = shown
		return nil
	}
	l.items = append(l.items, shown)
	return nil
}

// answered takes the buttons of the message away that a tap was on.
func (l *shownList) answered(c storage.Conversation, m storage.Message, t *BodyTap) error {
	if q, ok := l.question[t.Seq]; ok {
		q.msg.OptionsOff = true
		return l.put(q.at, t.Seq, eventMessage, q.msg)
	}
	if t.Old {
		return nil // of a conversation that ended: its buttons went with it
	}
	return l.put(len(l.items), 0, eventUpdate, shownUpdate{ID: messageID(c.UID, t.Seq), Seq: m.Seq, OptionsOff: true})
}

// placed puts the place in line on the last word about the owner, while that
// word is "queue" and still true.
func (h *host) placed(ctx context.Context, c storage.Conversation, items []channels.Shown) {
	if c.Owner != storage.OwnerQueue || c.Status != storage.Open {
		return
	}
	for i := range slices.Backward(items) {
		if items[i].Event == eventOwner {
			if data, ok := h.place(ctx, c); ok {
				items[i].Data = data
			}
			return
		}
	}
}

// place is the owner event of a conversation that waits.
func (h *host) place(ctx context.Context, c storage.Conversation) (json.RawMessage, bool) {
	owner := shownOwnership{Owner: dm.OwnerQueue, Position: h.s.inLine(ctx, c)}
	if h.s.cfg.Quote != nil {
		ahead := owner.Position - 1
		if ahead < 0 {
			ahead = h.s.waiting(h.s.now())[c.OwnerID]
		}
		if n := h.s.cfg.Quote(c.OwnerID, ahead); n != nil {
			owner.WaitMinutes = *n
		}
	}
	data, err := json.Marshal(owner)
	return data, err == nil
}

// Place is the owner event of the customer of a thread who waits in a queue,
// as it is now; false: they do not wait. It has no number: it repeats what an
// earlier event said, for whoever watches while the queue moves.
func (h *host) Place(ctx context.Context, channel, thread string) (channels.Shown, bool) {
	acct, ok := h.s.Account(channel)
	if !ok {
		return channels.Shown{}, false
	}
	snaps, err := h.s.store.Load(ctx, []storage.Key{keyOf(acct.Number, h.s.addrHash(acct.Number, thread)).storage()})
	if err != nil || snaps[0].Conv.ID == 0 || snaps[0].Conv.Owner != storage.OwnerQueue || snaps[0].Conv.Status != storage.Open {
		return channels.Shown{}, false
	}
	data, ok := h.place(ctx, snaps[0].Conv)
	return channels.Shown{Event: eventOwner, Data: data}, ok
}

// Bounds of the places that are kept per queue.
const (
	placesFor  = 2 * time.Second
	placesMost = 200
)

// places keeps who waits where, for a moment: every visitor of a queue asks.
type places struct {
	mu     sync.Mutex
	queues map[string]placesOf
}

type placesOf struct {
	at   time.Time
	rows []int64 // conversations, the first in line first
}

// inLine is the place of a waiting conversation in its queue, from 1; 0 = too
// far back to count.
func (s *Service) inLine(ctx context.Context, c storage.Conversation) int {
	p := &s.places
	p.mu.Lock()
	defer p.mu.Unlock()
	now := s.now()
	of, known := p.queues[c.OwnerID]
	if age := now.Sub(of.at); !known || age < 0 || age >= placesFor || !slices.Contains(of.rows, c.ID) {
		page, err := s.store.List(ctx, storage.ListQuery{View: "queue", Queues: []string{c.OwnerID}, N: placesMost})
		if err != nil {
			return 0
		}
		of = placesOf{at: now}
		for _, item := range page.Items {
			of.rows = append(of.rows, item.Conv.ID)
		}
		if p.queues == nil {
			p.queues = map[string]placesOf{}
		}
		p.queues[c.OwnerID] = of
	}
	return slices.Index(of.rows, c.ID) + 1
}
