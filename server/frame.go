package server

import (
	"encoding/json"
	"fmt"
	"time"

	"dispatcher/inbox"
	"dispatcher/storage"
)

// rendered is one event, encoded once for everybody who reads it.
type rendered struct {
	storage.Event
	frame []byte // as it is written to a stream
	among []byte // the frames of all events that were read together
	at    int    // where this one is in there
}

// bunch joins frames for one write. Neighbours that were read together stand
// side by side already, and what a whole bunch of them is written as is shared
// by everybody who gets it.
type bunch struct {
	out   []byte
	among []byte // out is a part of it; nil: out is its own
	end   int    // in among
}

func (b *bunch) add(ev *rendered) {
	switch {
	case len(b.out) == 0 && ev.among != nil:
		b.among, b.end = ev.among, ev.at+len(ev.frame)
		b.out = ev.among[ev.at:b.end:b.end]
	case b.among != nil && ev.among != nil && &b.among[0] == &ev.among[0] && ev.at == b.end:
		from := b.end - len(b.out)
		b.end += len(ev.frame)
		b.out = b.among[from:b.end:b.end]
	default: // a copy, out having no room of its own to grow into
		b.out, b.among = append(b.out, ev.frame...), nil
	}
}

// renderAll encodes events that were read together, those after a cursor.
func renderAll(events []storage.Event, after storage.Cursor) []rendered {
	out := make([]rendered, 0, len(events))
	var among []byte
	for _, ev := range events {
		if ev.Cursor > after {
			r := render(ev)
			r.at = len(among)
			among = append(among, r.frame...)
			out = append(out, r)
			after = ev.Cursor
		}
	}
	for i := range out {
		end := out[i].at + len(out[i].frame)
		out[i].among, out[i].frame = among, among[out[i].at:end:end]
	}
	return out
}

// eventData is the data of one event.
type eventData struct {
	At     time.Time      `json:"at"`
	Conv   string         `json:"conv,omitempty"`
	Seq    *int64         `json:"conv_seq,omitempty"`
	Cursor storage.Cursor `json:"cursor"`
	Ref    string         `json:"ref,omitempty"`
	Topics []string       `json:"topics"`
	Type   string         `json:"type"`
}

func render(ev storage.Event) rendered {
	data := eventData{At: ms(ev.At), Cursor: ev.Cursor, Ref: ev.Ref, Topics: orEmpty(ev.Topics), Type: ev.Type}
	if ev.UID != (storage.UID{}) {
		data.Conv, data.Seq = inbox.UIDText(ev.UID), &ev.Seq
	}
	raw, _ := json.Marshal(data)
	return rendered{Event: ev, frame: fmt.Appendf(nil, "id: %d\nevent: %s\ndata: %s\n\n", ev.Cursor, ev.Type, raw)}
}
