package engine

import (
	"slices"
	"strconv"
)

// show says a file of the project, with its alternative text for whom it does
// not reach.
func (t *turn) show(m *MediaRef, like Say) {
	like.Media, like.Text = m, ""
	if m.Alt != nil {
		like.Alt = t.text(m.Alt)
	}
	t.emit(like)
}

// Kinds of attachments that a media slot takes where its question does not say.
var (
	mediaAsked  = []string{"image"}
	mediaOfForm = []string{"image", "video", "audio", "file"}
)

// wantsMedia says that the open question collects attachments.
func (t *turn) wantsMedia(st *StateDef) bool {
	switch q := t.st.Question; q.Sub {
	case subCorrect:
		sl := t.slotDef(q.Choices[0])
		return sl != nil && sl.Type == SlotMedia
	case subMean, subWhichSlot:
		return false
	}
	return st.Collect != nil && t.slotOf(st).Type == SlotMedia
}

// mediaValue takes the attachments of a message that the question accepts.
func (t *turn) mediaValue(st *StateDef) (SlotValue, bool) {
	accept := mediaAsked
	if c := st.Collect; c != nil && len(c.Accept) > 0 {
		accept = c.Accept
	}
	v, ok := attachments(t.ev.Media, accept)
	return SlotValue{Value: v, Raw: t.joined.raw, How: "asked"}, ok
}

// attachments is the value of a media slot: the kind of the first file that is
// accepted, and how many are.
func attachments(kinds, accept []string) (value any, ok bool) {
	first, count := "", 0
	for _, kind := range kinds {
		if !slices.Contains(accept, kind) {
			continue
		}
		if count++; count == 1 {
			first = kind
		}
	}
	if count == 0 {
		return nil, false
	}
	return map[string]any{"kind": first, "count": float64(count)}, true
}

// takesMedia takes attachments as the value of what is asked.
func (t *turn) takesMedia(st *StateDef) bool {
	if st.Form != nil && t.st.Question.Sub == "" {
		return t.typedFields(st)
	}
	if !t.wantsMedia(st) {
		return false
	}
	v, ok := t.mediaValue(st)
	if !ok {
		return false
	}
	if t.st.Question.Sub == subCorrect {
		t.corrected(v, t.st.Question.Choices[0])
		return true
	}
	t.accept(st, v)
	return true
}

// mediaText is a media value in words: image, 2 × image.
func mediaText(v map[string]any) string {
	kind, _ := v["kind"].(string)
	if n, _ := number(v["count"]); n > 1 {
		return strconv.FormatFloat(n, 'f', -1, 64) + " × " + kind
	}
	return kind
}
