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
