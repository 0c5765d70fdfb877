//go:build browser

package web

import (
	"fmt"
	"time"
)

// fill gives the fake the inbox of a busy morning.
func (f *fake) fill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now().UTC()
	at := func(min int) string { return now.Add(time.Duration(min) * time.Minute).Format(time.RFC3339) }
	add := func(id, name, topic, slot, last, owner string, due, unread int, more obj) {
		c := obj{"id": id, "contact": obj{"id": "p" + id, "name": name, "verified": false}, "channel": "web", "owner": obj{"kind": "queue", "id": "orders", "name": "Orders"}, "phase": "queue", "epoch": 3, "seq": 0, "queue": "orders", "topic": topic, "headline_slot": slot,
			"last": obj{"at": at(-1), "author": "customer", "preview": last}, "unread": unread, "priority": "normal", "labels": []any{}, "flags": []any{}, "opened_at": at(-20), "waiting_since": at(-10), "status": "open"}
		switch owner {
		case "bot":
			c["owner"], c["queue"] = obj{"kind": "bot"}, ""
			delete(c, "waiting_since")
		case "me":
			c["owner"] = obj{"kind": "agent", "id": "u1", "name": "Ana Sousa"}
		case "ben":
			c["owner"] = obj{"kind": "agent", "id": "u2", "name": "Ben Kaya"}
		}
		if due != 0 {
			c["due"] = obj{"clock": "next_reply", "at": at(due)}
		}
		for k, v := range more {
			c[k] = v
		}
		f.convs = append(f.convs, c)
	}
	verified := func(name, handle string) obj {
		return obj{"contact": obj{"id": "p" + name, "name": name, "handle": handle, "verified": true}}
	}
	add("c1", "Tom Aldridge", "Damaged", "HN220417", "Hello?? Is anyone there", "queue", -12, 3, obj{"flags": []string{"media"}})
	mia := verified("Mia Kovač", "@mia.kovac")
	mia["channel"], mia["flags"], mia["priority"] = "Instagram", []string{"public"}, "high"
	add("c2", "Mia Kovač", "Where’s my order?", "AB123456", "sorry, was just so worried. sunday is the party", "me", 4, 0, mia)
	add("c3", "Leo Brandt", "Damaged", "", "@fennelandoak the lamp arrived in three pieces", "queue", 7, 1, obj{"flags": []string{"public", "media"}})
	add("c4", "Alexandrina Papadopoulou-Westerhagen", "Complaint", "CH009127", "I have now written four times about the same chair and every time somebody else answers", "ben", 9, 0, verified("Alexandrina Papadopoulou-Westerhagen", ""))
	add("c5", "Inês Duarte", "Exchange", "EX481920", "Can I swap it for the 40 cm one?", "me", 18, 1, verified("Inês Duarte", ""))
	add("c6", "Jonas Weiß", "Refund", "KD880213", "Your refund of €42.00 is on its way.", "me", 26, 0, obj{"flags": []string{"sending_problem"}, "last": obj{"at": at(-3), "author": "agent", "preview": "Your refund of €42.00 is on its way."}})
	add("c7", "Priya Nair", "Voucher", "SPRING15", "the code says invalid at checkout", "queue", 34, 2, nil)
	add("c8", "نور حداد", "Where’s my order?", "AB120888", "شكرا، متى يصل الطلب؟", "queue", 41, 1, nil)
	add("c9", "Sam O’Connell", "Return", "LM551902", "LM 551902 I think", "bot", 0, 0, nil)
	add("c10", "Wen Li", "Damaged", "HN219980", "Could you send a photo of the label?", "ben", 0, 0, obj{"contact": verified("Wen Li", "")["contact"], "last": obj{"at": at(-3), "author": "agent", "preview": "Could you send a photo of the label?"}})
	f.talk("c2", at)
	f.talk("c1", at)
	f.talk("c4", at)
	f.talk("c9", at)
}

// talk writes the conversation that the pictures of the design show.
func (f *fake) talk(id string, at func(int) string) {
	n := 0
	say := func(min int, kind, author, text string, more obj) {
		m := f.say(id, kind, author, text, obj{"at": at(min)})
		n++
		for k, v := range more {
			m[k] = v
		}
	}
	c := f.conv(id)
	last := c["last"]
	say(-24, "text", "bot", "Hi, this is the automatic assistant of Fennel & Oak. What can I do for you?", obj{"options": []obj{{"id": "order", "label": "Where’s my order?"}, {"id": "return", "label": "Return something"}, {"id": "else", "label": "Something else"}}})
	say(-23, "tap", "customer", "Where’s my order?", obj{"tap": obj{"label": "Where’s my order?", "option": "order", "seq": 1}})
	say(-23, "text", "customer", "it’s ab 123456 thanks, see https://shop.example/o/AB123456?x=1.", nil)
	say(-22, "text", "bot", "Found it, thank you. Which day suits you for delivery?", nil)
	say(-21, "text", "customer", "can i talk to a person? it’s a birthday present for sunday", nil)
	if id != "c9" {
		say(-21, "text", "notice", "Of course. Someone from Orders will write to you here in about 5 minutes.", obj{"state": "sent"})
		say(-21, "event", "system", "", obj{"event": obj{"edge": "hand_off", "queue": "orders", "cause": "asked_for_person"}})
	}
	if id == "c2" || id == "c4" {
		who := obj{"u1": "Ana Sousa"}
		by, name := "u1", fmt.Sprint(who["u1"])
		if id == "c4" {
			by, name = "u2", "Ben Kaya"
		}
		say(-18, "event", "system", "", obj{"event": obj{"edge": "claim", "by": by, "by_name": name}})
		say(-18, "text", "bot", "This takes longer than I said: now about 10 minutes. Sorry.", obj{"state": "cancelled"})
		say(-17, "text", "agent", "Hi Mia, Ana here, and yes, a person. I’m looking for your parcel now.", obj{"state": "read", "author": obj{"kind": "agent", "id": by, "name": name}})
		say(-16, "note", "agent", "Bristol depot since Wednesday, no scan after that. They can still put it on tomorrow’s van.", obj{"author": obj{"kind": "agent", "id": "u2", "name": "Ben Kaya"}, "state": "none"})
	}
	if id == "c2" {
		say(-15, "mention", "customer", "@fennelandoak nine days. NINE. and now i’m waiting in DMs as well", obj{"visibility": "public"})
		say(-14, "text", "customer", "sorry, was just so worried. sunday is the party", nil)
		say(-13, "text", "agent", "No need to be sorry. The depot is putting it on tomorrow’s van.", obj{"state": "unknown"})
	}
	c["last"] = last
	if id == "c9" {
		return
	}
	slots := []obj{
		{"name": "order_number", "label": "Order", "type": "text", "raw": "ab 123456", "value": "AB123456", "how": "found", "status": "verified", "tries": 1, "at": at(-23)},
		{"name": "postcode", "label": "Postcode", "type": "text", "raw": "bs1 4qt", "value": "BS1 4QT", "how": "asked", "status": "claimed", "tries": 2, "at": at(-22), "pii": true},
		{"name": "parcel", "label": "Parcel", "type": "text", "value": "Bristol depot since Wed", "how": "asked", "status": "claimed", "at": at(-22)},
	}
	f.packets[id] = obj{"id": "h1", "conversation": id, "epoch": 2, "created_at": at(-21), "arm": "treated", "queue": "orders", "priority": "high", "why_queue": "flows/welcome.yaml:88", "cause": "asked_for_person", "why": "Mia asked for a person.", "topic": obj{"id": "order", "label": "Where’s my order?", "how": "tap"},
		"slots": slots, "attempts": []obj{{"state": "code", "kind": "invalid", "message_seq": 3}}, "path": []obj{{"flow": "welcome", "state": "menu", "edge": "order", "at": at(-24)}, {"flow": "track_order", "state": "track_order", "edge": "next", "at": at(-23)}, {"flow": "track_order", "state": "confirm", "edge": "next", "at": at(-22)}, {"flow": "track_order", "state": "delivery_day", "edge": "escape", "at": at(-21)}},
		"bot_would_ask": obj{"flow": "track_order", "state": "delivery_day", "text": "Which day suits you for delivery?"}, "unanswered": obj{"seq": 5, "since": at(-21), "count": 1},
		"promises": []obj{{"kind": "eta", "said": "about 5 minutes", "due_at": at(-16), "kept": true}}, "identity": obj{"status": "verified", "method": "link"}, "channel": obj{"name": "web", "visibility": "private"}, "language": obj{"code": "en", "how": "detected"}, "history": obj{"count": 2, "topic": "Return, resolved", "closed_at": "2026-10-03T10:00:00Z", "csat": 4}, "entry": obj{"ref": "returns", "source": "link", "signed": true}}
}
