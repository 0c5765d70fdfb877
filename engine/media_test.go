package engine

import (
	"reflect"
	"testing"
)

func photoSlot() *Slot { return slot(&Slot{Name: "photo", Type: SlotMedia}) }

func (c *chat) send(caption string, kinds ...string) *chat {
	c.t.Helper()
	return c.event(Event{Kind: EvMessage, Text: caption, Media: kinds})
}

func media(kind string, n float64) map[string]any { return map[string]any{"kind": kind, "count": n} }

func TestPicturesOfTheProjectAreSaid(t *testing.T) {
	t.Parallel()
	pic := &MediaRef{Kind: "image", Path: "size.png", Alt: tx("Sizes for {{ contact.first_name }}")}
	set := linkedSet(t, []*Flow{flow("a", states{
		"start": {Say: []SayItem{{Text: tx("Look:")}, {Media: &MediaRef{Kind: "video", Path: "v.mp4"}}, {Text: tx("Well?")}}, Media: pic, Options: []*Option{opt("ok", "OK", nil)}, Exit: closes("done")},
	})})
	c := talk(t, set).user("hi")
	var got []string
	for _, e := range c.out {
		if s, ok := e.(Say); ok {
			line := s.Text
			if s.Media != nil {
				line = s.Media.Kind + " " + s.Media.Path + " " + s.Alt
			}
			got = append(got, line)
		}
	}
	if want := []string{"Look:", "video v.mp4 ", "image size.png Sizes for Ann", "Well?"}; !reflect.DeepEqual(got, want) {
		t.Fatalf("%q", got)
	}
}

func TestCollectOfMedia(t *testing.T) {
	t.Parallel()
	ask := func(c *Collect) *chat {
		set := asking(t, photoSlot(), c)
		return talk(t, set).user("hi")
	}
	ask(&Collect{}).send("", "image").says("resolve done").slot("photo", media("image", 1))
	ask(&Collect{}).send("here it is", "image", "video", "image").says("resolve done").slot("photo", media("image", 2))
	ask(&Collect{Accept: []string{"image", "video"}}).send("", "video", "image").says("resolve done").slot("photo", media("video", 2))
	ask(&Collect{Skip: tx("I can't")}).user("i can't").says("resolve done").slot("photo", nil)
	ask(&Collect{Missing: to("a.end")}).user("i dont have it").says("resolve done").slot("photo", nil)
	ask(&Collect{}).send("agent", "image").says("bot: Thanks.*", "handoff general asked_for_person asked_for_person")

	// Text is a wrong try from the first on.
	c := ask(&Collect{MaxTries: 2, Invalid: []*Text{tx("A photo, please.")}, GiveUp: to("a.end")})
	c.user("it is broken").says("bot: A photo, please.").user("really").says("resolve done").slot("photo", nil)
	if len(c.st.Attempts) != 2 {
		t.Fatalf("%+v", c.st.Attempts)
	}
	// The first message with another kind of file is none, captioned or not.
	for _, caption := range []string{"", "this one"} {
		c = ask(&Collect{MaxTries: 2, Invalid: []*Text{tx("A photo, please.")}, GiveUp: to("a.end")})
		c.send(caption, "audio").says("bot: A photo, please.")
		if len(c.st.Attempts) != 0 || c.st.Question.Tries != 0 {
			t.Fatalf("%+v", c.st.Question)
		}
		c.send(caption, "video").says("bot: A photo, please.").send(caption, "file").says("resolve done")
	}
	ask(&Collect{}).send("", "audio").says("bot: Sorry, that doesn't look right. Please try again.").send("", "image").slot("photo", media("image", 1))
}

func TestMediaInExpressions(t *testing.T) {
	t.Parallel()
	c := talk(t, asking(t, photoSlot(), &Collect{Accept: []string{"file"}})).user("hi").send("x", "file", "file")
	for src, want := range map[string]any{`slots.photo.kind`: "file", `slots.photo.count > 1`: true, `slots.photo != nil`: true, `slots.photo?.count`: 2.0} {
		if got, err := Evaluate(c.set, c.st, c.w, x(src)); err != nil || got != want {
			t.Errorf("%s = %v, %v", src, got, err)
		}
	}
	if s := FormatValue(c.set, "en", c.st.Slots["photo"].Value); s != "2 × file" {
		t.Error(s)
	}
	if s := FormatValue(c.set, "en", media("image", 1)); s != "image" {
		t.Error(s)
	}
}

// A file where words were asked is kept; the first is no try, later ones are.
func TestMediaWhereTextWasAsked(t *testing.T) {
	t.Parallel()
	sl := orderSlot()
	c := talk(t, asking(t, sl, &Collect{MaxTries: 2, GiveUp: to("a.end")})).user("hi")
	c.send("", "image").says("bot: Thanks, I've kept that. Please also type the answer.")
	c.send("", "image").says("bot: Thanks, I've kept that. Please also type the answer.")
	if c.st.Question.Tries != 1 {
		t.Fatalf("%+v", c.st.Question)
	}
	c.send("", "image").says("resolve done")
	talk(t, asking(t, sl, &Collect{})).user("hi").send("AB123456", "image").says("resolve done").slot("order_number", "AB123456")
}
