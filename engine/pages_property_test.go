package engine

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// anyPages draws a set whose states look things up, open forms, verify and
// collect pictures. Only a state that waits for the customer may lead back.
func anyPages(t *rapid.T) *Set {
	n := rapid.IntRange(2, 7).Draw(t, "states")
	name := func(i int) string {
		if i == 0 {
			return "start"
		}
		return fmt.Sprintf("s%d", i)
	}
	st := states{}
	for i := range n {
		later := func() *Exit {
			if i+1 < n {
				return to("f." + name(rapid.IntRange(i+1, n-1).Draw(t, "later")))
			}
			return closes("end")
		}
		maybe := func(x *Exit) *Exit {
			if rapid.Bool().Draw(t, "written") {
				return x
			}
			return nil
		}
		back := to("f." + name(rapid.IntRange(0, n-1).Draw(t, "back")))
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			st[name(i)] = &StateDef{Say: says("{{ r?.a ?? 'none' }}"), HTTP: &Lookup{
				Service: "s", Method: "get", Path: tx("/{{ slots.code ?? 'x' }}"), Save: "r", Returns: []LookupField{{Name: "a", Type: SlotDate}, {Name: "b", Type: SlotList, Optional: true}},
				On: map[string]*Exit{"404": later(), "5xx": later()}, OnElse: maybe(later()),
			}, Exit: later()}
		case 1:
			f := &Form{Ask: tx("Here: {{ form.url }}"), Fields: []FormField{{Slot: "code"}, {Slot: "photo", Optional: rapid.Bool().Draw(t, "optional")}}, Fallback: rapid.SampledFrom([]string{"chat", "none"}).Draw(t, "fallback"), FallbackExit: maybe(later())}
			st[name(i)] = &StateDef{Form: f, Exit: later()}
		case 2:
			st[name(i)] = &StateDef{Verify: &Verify{By: rapid.SampledFrom([]string{"link", "code"}).Draw(t, "by"), Service: "s", Ask: tx("Who? {{ verify.url }}"), MaxTries: rapid.IntRange(1, 5).Draw(t, "tries"), Failed: maybe(later())}, Exit: later()}
		case 3:
			st[name(i)] = &StateDef{Collect: &Collect{Slot: "photo", Ask: tx("Photo?"), Always: true, Accept: []string{"image"}}, Exit: back}
		default:
			st[name(i)] = &StateDef{Ask: tx("Which?"), Options: []*Option{opt("one", "One thing", back), opt("two", "Two", later())}}
		}
	}
	set := newSetOf(flow("f", st), slot(&Slot{Name: "code", Type: SlotText, Pattern: `\d{3}`}))
	set.Slots["photo"], set.SlotOrder = slot(&Slot{Name: "photo", Type: SlotMedia}), append(set.SlotOrder, "photo")
	if err := set.Link(); err != nil {
		t.Fatal(err)
	}
	return set
}

// somethingHappens draws one event of any kind.
func somethingHappens(rt *rapid.T, c *chat) {
	id := "l99"
	if w := c.st.Waiting; w != nil && rapid.IntRange(0, 4).Draw(rt, "late") > 0 {
		id = w.ID
	}
	page := "f99"
	if q := c.st.Question; q != nil && q.ID != "" && rapid.IntRange(0, 4).Draw(rt, "stale") > 0 {
		page = q.ID
	}
	switch rapid.IntRange(0, 6).Draw(rt, "what") {
	case 0, 1:
		r := LookupResult{ID: id, Status: rapid.SampledFrom([]int{200, 204, 404, 418, 500}).Draw(rt, "status"), Body: json.RawMessage(rapid.SampledFrom([]string{`{"a":"2026-01-01"}`, `{"a":"2026-01-01","b":["x"]}`, `{}`, ``, `[`}).Draw(rt, "body"))}
		if rapid.IntRange(0, 5).Draw(rt, "fails") == 0 {
			r = LookupResult{ID: id, Fail: "timeout"}
		}
		c.event(Event{Kind: EvLookup, Lookup: &r})
	case 2:
		c.event(Event{Kind: EvForm, Form: &FormResult{ID: page, Values: map[string]string{"code": rapid.SampledFrom([]string{"123", "x", ""}).Draw(rt, "code"), "photo": rapid.SampledFrom([]string{"image", "", "x"}).Draw(rt, "photo")}}})
	case 3:
		c.event(Event{Kind: EvVerify, Verify: &VerifyResult{ID: page, Outcome: rapid.SampledFrom([]string{"ok", "failed", "expired"}).Draw(rt, "outcome")}})
	case 4:
		c.send(rapid.SampledFrom([]string{"", "look"}).Draw(rt, "caption"), rapid.SampledFrom([]string{"image", "audio"}).Draw(rt, "media"))
	default:
		c.user(rapid.SampledFrom([]string{"hi", "987654", "123", "one thing", "2", "here", "answer here instead", "i dont have it", "why", "agent", "wrong code", "nonsense", ""}).Draw(rt, "say"))
	}
}

// TestPagesAndLookupsEnd: whatever comes in whatever order, nothing fails, a
// bot wait has a timer or an open look-up that ends it, and a typed code of a
// verification is kept nowhere.
func TestPagesAndLookupsEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := talkForm(t, anyPages(rt)).unrecorded().user("hello")
		armed := map[string]time.Time{}
		keepTimers(armed, c.out)
		for range rapid.IntRange(1, 25).Draw(rt, "events") {
			if c.st.Owner != "bot" {
				return
			}
			if len(armed) == 0 && c.st.Waiting == nil {
				rt.Fatalf("waits for ever at %s after %v", c.st.Position(), c.transcript())
			}
			byCode := c.st.Question != nil && c.st.Question.Kind == kindVerify
			somethingHappens(rt, c)
			keepTimers(armed, c.out)
			if c.trace.Error != "" {
				rt.Fatalf("error %s at %s", c.trace.Error, c.trace.ErrorAt)
			}
			if raw, _ := json.Marshal(c.st.Slots); byCode && strings.Contains(string(raw), "987654") {
				rt.Fatalf("a code was kept: %s", raw)
			}
			if raw, err := EncodeState(c.st); err != nil || len(raw) > 16<<10 {
				rt.Fatalf("%d bytes, %v", len(raw), err)
			}
		}
		silence(rt, c, armed)
	})
}

// FuzzReadResult reads whatever a service answers: it ends, and what it lets
// through survives being saved.
func FuzzReadResult(f *testing.F) {
	for _, body := range []string{``, `{}`, `null`, `{"status":"packing"}`, `{"status":"packing","to":{"city":"x","since":"2026-01-01"}}`, `{"status":"packing","eta":"0000-01-01"}`, `{"status":"packing","total":1e400}`, `{"status":"packing","carrier":"\u0000date:2026"}`, strings.Repeat(`{"to":`, 500)} {
		f.Add([]byte(body))
	}
	fields := parcel(nil, nil).Returns
	f.Fuzz(func(t *testing.T, body []byte) {
		tn := &turn{set: &Set{Timezone: time.UTC}}
		v, ok := tn.readResult(fields, body)
		if !ok {
			return
		}
		raw, err := EncodeState(State{Lookups: map[string]Looked{"r": {Value: v}}})
		if err != nil {
			t.Fatal(err)
		}
		st, err := DecodeState(raw)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range v {
			got := st.Lookups["r"].Value[name]
			if at, isDate := want.(time.Time); isDate {
				if back, ok := got.(time.Time); !ok || !back.Equal(at) {
					t.Fatalf("%s: %v came back as %v", name, want, got)
				}
			} else if s, isText := want.(string); isText && got != s && strings.ToValidUTF8(s, "") == s {
				t.Fatalf("%s: %q came back as %v", name, want, got)
			}
		}
	})
}

// FuzzRequestPath escapes whatever a slot holds: the address stays one path
// with its query, and the value one segment of it.
func FuzzRequestPath(f *testing.F) {
	for _, v := range []string{"AB123456", "..", "a/b", "?x=1", "#", "%2e", "é", "\n", "@host", "//host"} {
		f.Add(v)
	}
	set := newSetOf(flow("a", states{"start": {HTTP: &Lookup{Service: "s", Method: "get", Path: tx("/o/{{ slots.v }}/end"), Query: []LookupParam{{"q", tx("{{ slots.v }}")}}}, Exit: closes("done")}}), slot(&Slot{Name: "v", Type: SlotText}))
	if err := set.Link(); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if len(v) > 200 {
			return
		}
		st := NewState(set)
		st.Slots = map[string]SlotValue{"v": {Value: v}}
		r := Step(Sets{Live: set}, st, Event{Kind: EvMessage, Text: "hi", World: World{Now: friday}})
		for _, e := range r.Effects {
			call, ok := e.(Call)
			if !ok {
				continue
			}
			path, query, _ := strings.Cut(call.Path, "?")
			if strings.Count(path, "/") != 3 || strings.ContainsAny(call.Path, "# \n\r\x00") || strings.Contains(path, "/../") || strings.Contains(query, "?") || !strings.HasPrefix(path, "/o/") {
				t.Fatalf("%q gives %q", v, call.Path)
			}
			return
		}
		if !climbs(v) {
			t.Fatalf("no call: %+v", r.Trace)
		}
	})
}
