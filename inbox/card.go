package inbox

import (
	"slices"
	"unicode/utf8"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

// Episode counts what the outcome row, the effort score and the clocks need
// of one conversation. It rides on the sealed card.
type Episode struct {
	Turns      int32      `json:"turns,omitempty"` // messages of the customer
	Typed      int        `json:"typed,omitempty"` // runes
	Taps       int        `json:"taps,omitempty"`
	Repeats    int        `json:"repeats,omitempty"`
	Human      int        `json:"human,omitempty"` // messages of people of ours
	BotSpoke   bool       `json:"bot_spoke,omitempty"`
	Answered   bool       `json:"answered,omitempty"` // a message of a person reached sent
	HandedOff  bool       `json:"handed_off,omitempty"`
	Proactive  bool       `json:"proactive,omitempty"`
	Public     bool       `json:"public,omitempty"`  // the customer wrote in public
	Private    bool       `json:"private,omitempty"` // … in private
	Waiting    [][2]int64 `json:"waiting,omitempty"` // seq and ms of customer messages no person has answered
	Causes     []string   `json:"causes,omitempty"`
	QueueFirst string     `json:"queue_first,omitempty"`
	QueueLast  string     `json:"queue_last,omitempty"`
	Entry      string     `json:"entry,omitempty"`
	BotMS      int64      `json:"bot_ms,omitempty"`
	WaitMS     int64      `json:"wait_ms,omitempty"`
	HumanMS    int64      `json:"human_ms,omitempty"`
	Outcome    string     `json:"outcome,omitempty"`
	Reopened   bool       `json:"reopened,omitempty"`
	CSAT       int16      `json:"csat,omitempty"`
	Comment    string     `json:"csat_comment,omitempty"`
	Late       int        `json:"late,omitempty"` // notices that corrected a promise
	Media      []dm.Media `json:"media,omitempty"`
}

// maxMedia bounds Episode.Media.
const maxMedia = 20

// maxWaiting bounds Episode.Waiting; the oldest decides, the newest end it.
const maxWaiting = 64

func (e *Episode) countCustomer(seq int64, m NewMessage) {
	e.Turns++
	if m.Body.Tap != nil {
		e.Taps++
	} else {
		e.Typed += utf8.RuneCountInString(m.Body.Text)
	}
	for _, f := range m.Body.Media {
		if len(e.Media) < maxMedia {
			e.Media = append(e.Media, dm.Media{Kind: f.Kind, ID: f.ID, MIME: f.MIME, Name: f.Name, Bytes: f.Bytes})
		}
	}
	if m.Public {
		e.Public = true
	} else {
		e.Private = true
	}
	if e.Entry == "" && m.Body.Entry != nil {
		e.Entry = m.Body.Entry.Ref
	}
}

func (e *Episode) handedOff(cause string) {
	e.HandedOff = true
	if !slices.Contains(e.Causes, cause) {
		e.Causes = append(e.Causes, cause)
	}
}

func (e *Episode) enterQueue(queue string) {
	if e.QueueFirst == "" {
		e.QueueFirst = queue
	}
	e.QueueLast = queue
}

// spend books the time of an interval that ends now.
func (e *Episode) spend(i storage.Interval, now int64) {
	took := max(now-i.Since, 0)
	switch i.Owner {
	case storage.OwnerBot:
		e.BotMS += took
	case storage.OwnerQueue:
		e.WaitMS += took
	case storage.OwnerAgent:
		e.HumanMS += took
	}
}

// previewRunes is the length of a card's preview.
const previewRunes = 120

// preview keeps the last words on the card.
func (d *Draft) preview(m NewMessage) {
	c := &d.card
	if m.Author == storage.AuthorNotice && c.Preview != "" {
		return // "you are in line" is no news to those who look at the line
	}
	c.At, c.Author = m.At.UnixMilli(), AuthorWord(m.Author)
	if m.Author == storage.AuthorAgentNative {
		c.Author = dm.AuthorAgent
	}
	c.Public = c.Public || m.Public
	c.Media = c.Media || len(m.Body.Media) > 0
	switch {
	case m.Body.Tap != nil && m.Body.Text == "":
		c.Preview = clip(m.Body.Tap.Label, previewRunes)
	case m.Body.Text == "" && len(m.Body.Media) > 0:
		c.Preview = "[" + m.Body.Media[0].Kind + "]"
	default:
		c.Preview = clip(m.Body.Text, previewRunes)
	}
}

// topicOnCard keeps topic and most useful slot on the card.
func (d *Draft) topicOnCard() {
	if d.state.Topic != nil {
		d.card.Topic = d.state.Topic.Label
	}
	d.card.Slot = ""
	set := d.set()
	for _, name := range slices.Backward(d.state.Order) {
		v, ok := d.state.Slots[name]
		if !ok || name == "topic" {
			continue
		}
		def := slotOf(set, name)
		if def == nil || def.Secret || def.Type == engine.SlotYesNo {
			continue
		}
		text := slotText(set, d.state.Language, v.Value)
		if text == "" {
			continue
		}
		if def.PII {
			text = Mask(text)
		}
		if d.card.Slot == "" || def.Find != "" { // one that identifies something beats the latest
			d.card.Slot = clip(text, 40)
		}
		if def.Find != "" {
			return
		}
	}
}

func (d *Draft) set() *engine.Set {
	if d.View.Project == nil {
		return nil
	}
	return d.View.Project.Set
}

func slotOf(set *engine.Set, name string) *engine.Slot {
	if set == nil {
		return nil
	}
	return set.Slots[name]
}

func slotText(set *engine.Set, lang string, value any) string {
	if set == nil || value == nil {
		return ""
	}
	return engine.FormatValue(set, lang, value)
}

// Mask hides the middle of a personal value: AB••••56. Short values are
// hidden whole.
func Mask(s string) string {
	return engine.MaskMiddle(s)
}
