package inbox

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/storage"
)

// shownMessage is a message as a widget shows it (channels.md 2.2.2).
type shownMessage struct {
	ID         string        `json:"id"`
	Seq        int64         `json:"seq"`
	Author     shownAuthor   `json:"author"`
	At         time.Time     `json:"at"`
	Text       string        `json:"text"`
	Options    []shownOption `json:"options"`
	Links      []dm.Link     `json:"links"`
	Media      []dm.Media    `json:"media"`
	ClientID   string        `json:"client_id,omitempty"`
	Tapped     bool          `json:"tapped,omitempty"`
	OptionsOff bool          `json:"options_off,omitempty"`
	Edited     bool          `json:"edited,omitempty"`
	Removed    bool          `json:"removed,omitempty"`
	Visibility string        `json:"visibility,omitempty"`
	Person     string        `json:"person,omitempty"`
	Key        string        `json:"key,omitempty"`
}

type shownAuthor struct {
	Role string `json:"role"`
	Name string `json:"name,omitempty"`
}

type shownOption struct {
	Payload     string `json:"payload"`
	Label       string `json:"label"`
	Description string `json:"description,omitempty"`
}

// Since gives what the customer of a thread may see after seq, and a channel
// that is closed when there is more.
func (h *host) Since(ctx context.Context, channel, thread string, after int64) ([]channels.Shown, <-chan struct{}, error) {
	acct, ok := h.s.Account(channel)
	if !ok {
		return nil, nil, channels.ErrNotFound
	}
	k := keyOf(acct.Number, h.s.addrHash(acct.Number, thread))
	more := h.s.signals.of(k) // before reading: what comes in between closes it
	snaps, err := h.s.store.Load(ctx, []storage.Key{k.storage()})
	if err != nil {
		return nil, nil, h.s.refusal(err)
	}
	if snaps[0].Conv.ID == 0 {
		return nil, more, nil
	}
	keys, err := NewReader(h.s.vault, snaps[0].Contact)
	if err != nil {
		return nil, nil, h.s.refusal(err)
	}
	convs, err := h.after(ctx, snaps[0], acct.Number, after)
	if err != nil {
		return nil, nil, h.s.refusal(err)
	}
	var list shownList
	for _, c := range convs {
		err := h.s.eachMessage(ctx, c.ID, max(after, c.FirstSeq), func(m storage.Message) error {
			return list.add(keys, c, m)
		})
		if err != nil {
			return nil, nil, h.s.refusal(err)
		}
	}
	h.placed(ctx, snaps[0].Conv, list.items)
	return list.items, more, nil
}

// after lists the conversations of a contact on one channel that reach beyond seq, oldest first.
func (h *host) after(ctx context.Context, snap storage.Snapshot, channel, seq int64) ([]storage.Conversation, error) {
	if snap.Conv.FirstSeq <= seq || snap.Conv.FirstSeq == 0 {
		return []storage.Conversation{snap.Conv}, nil
	}
	var out []storage.Conversation
	q := storage.ListQuery{View: "contact", Contact: snap.Contact.ID, Order: "newest", N: 200}
	for {
		page, err := h.s.store.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			if item.Conv.Channel == channel && item.Conv.LastSeq > seq {
				out = append(out, item.Conv)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	slices.SortFunc(out, func(a, b storage.Conversation) int { return cmp.Compare(a.FirstSeq, b.FirstSeq) })
	return out, nil
}

// eachMessage reads a thread in pages.
func (s *Service) eachMessage(ctx context.Context, conversation, after int64, f func(storage.Message) error) error {
	for {
		page, err := s.store.Thread(ctx, storage.ThreadQuery{Conversation: conversation, After: after, N: threadRows})
		if err != nil {
			return fmt.Errorf("inbox: read thread: %w", err)
		}
		for _, m := range page.Items {
			if err := f(m); err != nil {
				return err
			}
			after = m.Seq
		}
		if len(page.Items) < threadRows {
			return nil
		}
	}
}

// shownMessageOf is a row with words as its customer may see it.
func shownMessageOf(c storage.Conversation, m storage.Message, body Body) shownMessage {
	out := shownMessage{ID: messageID(c.UID, m.Seq), Seq: m.Seq, Author: shownAuthor{Role: roleOf(m.Author)}, At: time.UnixMilli(m.At).UTC(),
		Text: body.Text, Options: []shownOption{}, Links: []dm.Link{}, Media: []dm.Media{}, Edited: m.Edited, Removed: m.Removed}
	if m.Public {
		out.Visibility = dm.Public
	}
	switch {
	case m.Removed:
		out.Text = ""
	case m.Dir == storage.DirIn:
		out.ClientID, out.Tapped = body.MessageID, body.Tap != nil && !body.Tap.Forged
		out.Media = append(out.Media, body.Media...)
	default:
		out.Media = append(out.Media, body.Media...)
		if m.Author == storage.AuthorAgent || m.Author == storage.AuthorAgentNative {
			out.Author.Name = body.AuthorName
		}
		for _, o := range body.Options {
			out.Options = append(out.Options, shownOption{Payload: o.Payload, Label: o.Label, Description: o.Description})
		}
	}
	return out
}

// messageID is how a message is named outside: CONVERSATION-SEQ.
func messageID(conv storage.UID, seq int64) string {
	return UIDText(conv) + "-" + strconv.FormatInt(seq, 10)
}

func roleOf(author int16) string {
	switch author {
	case storage.AuthorCustomer:
		return dm.AuthorCustomer
	case storage.AuthorBot, storage.AuthorNotice: // a notice is the assistant's word to those who wait
		return dm.AuthorBot
	case storage.AuthorAgent, storage.AuthorAgentNative:
		return dm.AuthorAgent
	}
	return dm.AuthorSystem
}

// shownOwner tells the customer who answers from now on: the new owner, who is
// not always who made the change.
func shownOwner(m storage.Message, body Body) (channels.Shown, bool, error) {
	if body.Line == nil {
		return channels.Shown{}, false, nil
	}
	owner := shownOwnership{Owner: body.Line.Owner, Name: body.Line.OwnerName}
	if owner.Owner == "" {
		owner = ownerByEdge(body.Line)
	}
	data, err := json.Marshal(owner)
	return channels.Shown{Seq: m.Seq, Event: eventOwner, Data: data}, owner.Owner != "", err
}

// ownerByEdge reads a line of an earlier version, which does not name the
// owner; "" where its edge has none to tell.
func ownerByEdge(l *Line) shownOwnership {
	for _, r := range rules() {
		if r.edge != Edge(l.Edge) || r.to == "" {
			continue
		}
		owner := shownOwnership{Owner: OwnerWord(ownerOf(r.to))}
		if owner.Owner == dm.OwnerAgent && l.Agent == l.By {
			owner.Name = l.Name
		}
		return owner
	}
	return shownOwnership{}
}

// SentLog lists what a development channel said, over all its threads, in
// order; the numbers are its own.
func (h *host) SentLog(ctx context.Context, channel string, after int64) ([]channels.Shown, error) {
	acct, ok := h.s.Account(channel)
	if !ok {
		return nil, channels.ErrNotFound
	}
	var all []shownMessage
	q := storage.ListQuery{View: "all", Channel: acct.Number, Order: "newest", N: 200}
	for {
		page, err := h.s.store.List(ctx, q)
		if err != nil {
			return nil, h.s.refusal(err)
		}
		for _, item := range page.Items {
			if all, err = h.sentIn(ctx, item, all); err != nil {
				return nil, h.s.refusal(err)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	slices.SortFunc(all, func(a, b shownMessage) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	var out []channels.Shown
	for i, m := range all {
		if n := int64(i) + 1; n > after {
			data, err := json.Marshal(m)
			if err != nil {
				return nil, err
			}
			out = append(out, channels.Shown{Seq: n, Event: "message", Data: data})
		}
	}
	return out, nil
}

func (h *host) sentIn(ctx context.Context, item storage.Summary, all []shownMessage) ([]shownMessage, error) {
	v, err := h.s.View(ctx, storage.Key{ID: item.Conv.ID})
	if err != nil {
		return all, err
	}
	keys := v.Reader()
	err = h.s.eachMessage(ctx, item.Conv.ID, item.Conv.FirstSeq, func(m storage.Message) error {
		if m.Dir != storage.DirOut || m.Delivery < storage.DeliverySent || m.Delivery > storage.DeliveryRead {
			return nil
		}
		body, err := keys.Body(item.Conv.UID, m)
		if err != nil || m.Kind == storage.MsgNote || m.Kind == storage.MsgEvent {
			return err
		}
		one := shownMessageOf(item.Conv, m, body)
		one.Visibility, one.Person, one.Key = visibility(m.Public), v.Address.Thread, one.ID
		all = append(all, one)
		return nil
	})
	return all, err
}
