package engine

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func verifySet(t testing.TB, v *Verify) *Set {
	t.Helper()
	v.Service = "shop"
	if v.Ask == nil {
		v.Ask = tx("Prove it: {{ verify.url }}")
		if v.By == VerifyCode {
			v.Ask = tx("We sent you a code. What is it?")
		}
	}
	pin := slot(&Slot{Name: "pin", Type: SlotText, Find: `\b\d{6}\b`, Called: []string{"pin"}})
	return linkedSet(t, []*Flow{flow("a", states{
		"start": {Verify: v, Help: tx("So that nobody else sees your order."), Exit: &Exit{Kind: ExitBranch, Arms: []Arm{{If: x("contact.verified"), Exit: to("a.in")}, {Exit: to("a.out")}}}},
		"in":    {Say: says("Welcome, {{ contact.verified_by }}."), Exit: closes("in")},
		"out":   {Say: says("Not today."), Exit: closes("out")},
		"no":    {Say: says("Someone will check. {{ message.text }}"), Exit: hand("")},
	})}, pin, orderSlot())
}

func (c *chat) outcome(outcome string) *chat {
	c.t.Helper()
	return c.event(Event{Kind: EvVerify, Verify: &VerifyResult{ID: c.st.Question.ID, Outcome: outcome}})
}

func checks(c *chat) []string {
	var out []string
	for _, e := range c.out {
		if e, ok := e.(CheckVerify); ok {
			out = append(out, e.ID+" "+e.Service+" "+e.Code)
		}
	}
	return out
}

func TestVerifyByLink(t *testing.T) {
	t.Parallel()
	c := talkForm(t, verifySet(t, &Verify{By: VerifyLink, Send: []string{"order_number", "pin"}})).user("AB123456")
	c.says("bot: Prove it: https://shop/verification?token=v1")
	start, ok := StartVerify{}, false
	for _, e := range c.out {
		if e, found := e.(StartVerify); found {
			start, ok = e, true
		}
	}
	if !ok || start.ID != "v1" || start.By != "link" || start.Service != "shop" || start.Slots["order_number"] != "AB123456" || start.Slots["pin"] != nil || !start.Expires.Equal(friday.Add(10*time.Minute)) || c.timers()["verify"] != 10*time.Minute {
		t.Fatalf("%+v %+v", start, c.timers())
	}
	c.user("ok").says("bot: Prove it: https://shop/verification?token=v1")
	c.outcome(VerifyOK).says("bot: Welcome, link.", "resolve in").tookEdge("verify:ok")
	who := SetContact{}
	for _, e := range c.out {
		if e, ok := e.(SetContact); ok {
			who = e
		}
	}
	if who.VerifiedBy != "link" || !who.VerifiedUntil.Equal(friday.Add(30*time.Minute)) {
		t.Fatalf("%+v", who)
	}
}

func TestVerifyByCode(t *testing.T) {
	t.Parallel()
	set := verifySet(t, &Verify{By: VerifyCode, Failed: to("a.no"), Keep: time.Hour, Expires: 5 * time.Minute})
	c := talkForm(t, set).user("hi").says("bot: We sent you a code. What is it?")
	if c.timers()["verify"] != 5*time.Minute {
		t.Fatalf("%+v", c.timers())
	}
	for _, say := range []string{"123456", " 123 456 ", "it's 123-456!", "my code is 123456", "１２３４５６"} {
		d := *c
		d.user(say)
		if got := checks(&d); len(got) != 1 || got[0] != "v1 shop 123456" {
			t.Fatalf("%q: %q", say, got)
		}
	}
	c.user("123456").says().at("a.start")
	raw, err := EncodeState(c.st)
	if err != nil {
		t.Fatal(err)
	}
	trace, _ := json.Marshal(c.trace)
	if strings.Contains(string(raw)+string(trace), "123456") || len(c.st.Slots) != 0 || len(c.trace.Found) != 0 {
		t.Fatalf("the code was kept:\n%s\n%s", raw, trace)
	}
	c.outcome(VerifyFailed).says("bot: Sorry, that doesn't look right. Please try again.")
	c.user("why do you ask").says("bot: So that nobody else sees your order.")
	c.user("654321").outcome(VerifyOK).says("bot: Welcome, code.", "resolve in").tookEdge("verify:ok")
}

// A correction is understood before a code is, whatever else it holds.
func TestACorrectionWhileACodeIsWaitedFor(t *testing.T) {
	t.Parallel()
	c := talkForm(t, linkedSet(t, []*Flow{flow("a", states{
		"start":  {Collect: &Collect{Slot: "order_number", Ask: tx("Order?")}, Exit: to("a.verify")},
		"verify": {Verify: &Verify{By: VerifyCode, Service: "shop", Ask: tx("Code?")}, Exit: to("a.in")},
		"in":     {Say: says("Order {{ slots.order_number }}."), Exit: closes("in")},
	})}, orderSlot())).user("AB123456").says("*Code?*")
	c.user("the order number is wrong, AB999999")
	if got := checks(c); len(got) != 0 || c.st.Slots["order_number"].Value != "AB999999" {
		t.Fatalf("checked %q, %+v", got, c.st.Slots)
	}
	c.user("the code is wrong, 123456") // names no slot
	if got := checks(c); len(got) != 1 {
		t.Fatalf("checked %q", got)
	}
}

func TestVerifyFails(t *testing.T) {
	t.Parallel()
	open := func(v *Verify) *chat { return talkForm(t, verifySet(t, v)).user("hi") }
	c := open(&Verify{By: VerifyCode, Failed: to("a.no")})
	c.user("111111").outcome(VerifyFailed).user("222222").outcome(VerifyFailed).user("333333").outcome(VerifyFailed)
	c.says("bot: Someone will check.", "bot: Thanks.*", "handoff general verify_failed no").took("verify:failed handoff")
	// Words that are no code are tries too, so that it ends.
	open(&Verify{By: VerifyCode, MaxTries: 2}).user("what code?").says("bot: Sorry, that*").user("none came").says("bot: Thanks. Someone*", "handoff general verify_failed verify_failed").took("verify:failed handoff")
	open(&Verify{By: VerifyCode}).user("i dont have it").says("bot: Thanks. Someone*", "handoff general verify_failed verify_failed")
	open(&Verify{By: VerifyLink, Failed: to("a.no")}).outcome(VerifyFailed).says("bot: Sorry, that*").outcome(VerifyFailed).outcome(VerifyFailed).says("bot: Someone will check.", "bot: Thanks*", "handoff general verify_failed no")
	open(&Verify{By: VerifyLink, Failed: to("a.no")}).user("hm").user("hmm").user("hmmm").says("bot: Someone will check. hmmm", "bot: Thanks*", "handoff general verify_failed no")
	open(&Verify{By: VerifyCode, Failed: to("a.no")}).outcome(VerifyExpired).says("bot: Someone will check.", "bot: Thanks*", "handoff general verify_failed no").took("verify:expired handoff")
	c = open(&Verify{By: VerifyLink})
	c.timer("verify", 9*time.Minute).says()
	if c.timers()["verify"] != time.Minute {
		t.Fatalf("%+v", c.timers())
	}
	c.timer("verify", time.Minute).says("bot: Thanks. Someone*", "handoff general verify_failed verify_failed").took("verify:expired handoff")
	c.event(Event{Kind: EvVerify, Verify: &VerifyResult{ID: "v1", Outcome: VerifyOK}}).says()
}

func TestCodesCannotBeGuessedFasterThanTheyAreAnswered(t *testing.T) {
	t.Parallel()
	c := talkForm(t, verifySet(t, &Verify{By: VerifyCode})).user("hi")
	asked := 0
	for range 10 {
		asked += len(checks(c.user("123456")))
	}
	if asked != 3 {
		t.Fatalf("%d codes were checked", asked)
	}
	c.outcome(VerifyFailed).says("bot: Sorry*").outcome(VerifyFailed).says("bot: Sorry*").outcome(VerifyFailed).says("bot: Thanks*", "handoff general verify_failed verify_failed")
}

func TestVerifiedAlreadyIsNotAsked(t *testing.T) {
	t.Parallel()
	c := talkForm(t, verifySet(t, &Verify{By: VerifyCode}))
	c.w.Contact.Verified, c.w.Contact.VerifiedBy = true, "web"
	c.user("hi").says("bot: Welcome, web.", "resolve in").tookEdge("known")
}

func TestEscapesFromAVerification(t *testing.T) {
	t.Parallel()
	c := talkForm(t, verifySet(t, &Verify{By: VerifyCode})).user("hi")
	c.user("agent please").says("bot: Thanks*", "handoff general asked_for_person asked_for_person")
	if len(checks(c)) != 0 {
		t.Fatal("a word of everywhere is no code")
	}
	c.event(Event{Kind: EvReturned}).says("bot: We sent you a code. What is it?")
	old := c.st.Question.ID
	c.user("agent")
	c.w.Now = c.w.Now.Add(time.Hour)
	c.event(Event{Kind: EvReturned}).says("bot: We sent you a code. What is it?")
	if c.st.Question.ID == old {
		t.Fatal("a code that has expired is sent anew")
	}
}

func TestWhatIsACode(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"123456": "123456", "12-34-56": "123456", "AB12": "AB12", "XKCD": "XKCD", "thanks": "", "what?": "", "123": "", "1234567890123": "", "": "", "12 or 34567": "34567", "its 1234": "1234", "AB 12 CD": "AB12CD", "ab12": "ab12",
		"the code is AB12CD.": "AB12CD", "either 123456 or 654321 i think": "", "i got nothing in 20 minutes": "",
	} {
		if got := codeIn(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
