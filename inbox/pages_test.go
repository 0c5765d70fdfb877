package inbox

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"dispatcher/dm"
	"dispatcher/flows"
	"dispatcher/storage"
)

const formFlow = `flow: welcome
slots:
  order_number: {type: text, pattern: "[0-9]{5}", example: "12345"}
  card: {type: text, secret: true, pattern: "[0-9]{4}", keep: 30d}
  postcode: {type: text, pii: true, keep: 30d}
  photo: {type: media}
states:
  start:
    form:
      ask: "Please fill this in: {{ form.url }}"
      title: Your order
      fields: [order_number, card, postcode, {slot: photo, required: false}]
      expires: 20m
    goto: done
  done:
    say: "Order {{ slots.order_number }}."
    handoff: orders
`

func withPublic(_ *rig, cfg *Config) { cfg.PublicURL = "https://shop.example" }

var formLink = regexp.MustCompile(`https://shop\.example/forms/(\S+)`)

// formToken reads the link out of the bot's message.
func (r *rig) formToken() string {
	r.t.Helper()
	m := formLink.FindStringSubmatch(r.next().Text)
	if m == nil {
		r.t.Fatal("no link")
	}
	return m[1]
}

func TestAFormIsFilledInOnItsPage(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, formFlow, withPublic)
	r.accept(text("ann", "hi"))
	token := r.formToken()
	page, err := r.Form(t.Context(), token)
	if err != nil || page.Title != "Your order" || len(page.Fields) != 4 || !page.Fields[1].Secret || page.Fields[3].Required {
		t.Fatalf("%+v %v", page, err)
	}
	before, _ := r.rows("ann")
	wrong, err := r.SubmitForm(t.Context(), token, map[string]string{"order_number": "12", "card": "4242", "postcode": "N1 9GU"}, nil)
	if err != nil || len(wrong) != 1 || wrong["order_number"] == "" {
		t.Fatalf("%v %v", wrong, err)
	}
	if rows, _ := r.rows("ann"); len(rows) != len(before) {
		t.Fatal("something of a form that was wrong is stored")
	}
	file := FormFile{Name: "a.png", MIME: "image/png", Content: []byte("\x89PNG")}
	wrong, err = r.SubmitForm(t.Context(), token, map[string]string{"order_number": "12345", "card": "4242", "postcode": "N1 9GU"}, map[string][]FormFile{"photo": {file}})
	if err != nil || len(wrong) != 0 {
		t.Fatalf("%v %v", wrong, err)
	}
	r.want("Order 12345.")
	rows, words := r.rows("ann")
	i := len(before)
	if rows[i].Kind != storage.MsgForm || rows[i].Author != storage.AuthorCustomer || rows[i].Trace == nil ||
		strings.Contains(words[i], "4242") || strings.Contains(words[i], "N1 9GU") || !strings.Contains(words[i], "12345") {
		t.Fatalf("%+v %q", rows[i], words[i])
	}
	if kept, _ := filepath.Glob(filepath.Join(dir, "media", "med_*")); len(kept) != 1 {
		t.Fatalf("files %v", kept)
	}
	p, err := r.view("ann").Packet()
	if err != nil || strings.Contains(mustJSON(t, p), "4242") || p.Slots[0].How != "form" {
		t.Fatalf("%+v %v", p, err)
	}
	for name, again := range map[string]error{"looked at": second(r.Form(t.Context(), token)), "sent": second(r.SubmitForm(t.Context(), token, map[string]string{"order_number": "99999"}, nil))} {
		if !errors.Is(again, ErrPageClosed) {
			t.Errorf("%s again: %v", name, again)
		}
	}
	forged := []byte(token)
	forged[len(forged)-1] ^= 1 // always another character: the link's last may be any
	if _, err := r.Form(t.Context(), string(forged)); !errors.Is(err, ErrNoPage) {
		t.Errorf("a forged link: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestAFormExpires(t *testing.T) {
	t.Parallel()
	now := newClock(midday)
	dir, v := newFolder(t)
	r := startRig(t, dir, v, formFlow, withPublic, withClock(now))
	r.accept(text("ann", "hi"))
	token := r.formToken()
	r.later(now, "ann", 20*time.Minute)
	if _, err := r.Form(t.Context(), token); !errors.Is(err, ErrPageClosed) {
		t.Fatalf("%v", err)
	}
	r.alarm.ring()
	r.want("That link has expired.")
	if s := r.next(); s.Text == "" { // the first field, in the chat
		t.Fatal("nothing is asked")
	}
}

func verifyFlow(by, ask string) string {
	return `flow: welcome
states:
  start:
    verify: {by: ` + by + `, service: shop, ask: "` + ask + `"}
    goto: done
  done:
    say: "{{ contact.verified_by ?? 'nobody' }}"
    handoff: orders
`
}

func TestACodeIsCheckedByItsServiceAndKeptNowhere(t *testing.T) {
	t.Parallel()
	api := newShopAPI(t, func(_ int, a asked) (int, string) {
		var body struct{ Code string }
		_ = json.Unmarshal([]byte(a.Body), &body)
		if strings.HasSuffix(a.Path, "/check") && body.Code != "482913" {
			return 200, `{"ok": false}`
		}
		return 200, `{"ok": true}`
	})
	dir, v := newFolder(t)
	r := startRig(t, dir, v, verifyFlow("code", "Which code did you get?"), api.project(""))
	r.accept(text("ann", "hi"))
	r.want("Which code did you get?")
	if a := <-api.got; a.Path != "/api/verification/start" || a.Method != "POST" || !strings.Contains(a.Body, `"contact":"`) || !strings.Contains(a.Body, `"slots":{}`) {
		t.Fatalf("%+v", a)
	}
	r.accept(text("ann", "111111"))
	r.want("Sorry, that doesn't look right. Please try again.")
	r.accept(text("ann", "my code is 482913"))
	r.want("code")
	rows, words := r.rows("ann")
	for i, w := range words {
		if strings.Contains(w, "482913") || strings.Contains(w, "111111") || rows[i].Author == storage.AuthorCustomer && i > 0 && w != hidden {
			t.Errorf("row %d: %q", i, w)
		}
	}
	if log := r.logs.String(); strings.Contains(log, "482913") {
		t.Error("the code is in the log")
	}
	got := r.view("ann")
	if !got.Profile.Verified || got.Profile.VerifiedUntil == 0 || got.Snap.Identity.Verified != 2 || got.Identity().Status != "verified" {
		t.Fatalf("%+v %+v", got.Profile, got.Snap.Identity)
	}
	if p, err := got.Packet(); err != nil || p.Identity.Status != "verified" || p.Identity.Method != "code" || p.Identity.ExpiresAt.IsZero() {
		t.Fatalf("%+v %v", p.Identity, err)
	}
}

func TestAServiceThatSendsNoCodeEndsTheVerification(t *testing.T) {
	t.Parallel()
	api := newShopAPI(t, func(int, asked) (int, string) { return 500, "" })
	dir, v := newFolder(t)
	r := startRig(t, dir, v, verifyFlow("code", "Which code did you get?"), api.project(""))
	r.accept(text("ann", "hi"))
	r.want("Which code did you get?")
	r.next() // the sentence of the person exit
	if p, err := r.view("ann").Packet(); err != nil || p.Cause != dm.CauseVerifyFailed {
		t.Fatalf("%+v %v", p, err)
	}
}

func TestALinkIsConfirmedOnce(t *testing.T) {
	t.Parallel()
	api := newShopAPI(t, func(int, asked) (int, string) { return 200, "" })
	dir, v := newFolder(t)
	r := startRig(t, dir, v, verifyFlow("link", "Log in: {{ verify.url }}"), api.project(""))
	r.accept(text("ann", "hi"))
	ask := r.next().Text
	prefix := "Log in: " + api.srv.URL + "/api/verification?token="
	token, ok := strings.CutPrefix(ask, prefix)
	if !ok {
		t.Fatalf("%q", ask)
	}
	if err := r.ConfirmVerification(t.Context(), "x"+token, true); !errors.Is(err, ErrNoPage) {
		t.Errorf("a forged token: %v", err)
	}
	if err := r.ConfirmVerification(t.Context(), token, true); err != nil {
		t.Fatal(err)
	}
	r.want("link")
	if err := r.ConfirmVerification(t.Context(), token, true); !errors.Is(err, ErrPageClosed) {
		t.Errorf("used twice: %v", err)
	}
}

// TestOnlyMediaFieldsTakeFiles: a file under another name is neither kept nor
// a value, and the word "image" is no picture.
func TestOnlyMediaFieldsTakeFiles(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, formFlow, withPublic)
	r.accept(text("ann", "hi"))
	token := r.formToken()
	file := []FormFile{{Name: "a.png", MIME: "image/png", Content: []byte("\x89PNG")}}
	values := map[string]string{"order_number": "12345", "card": "4242", "postcode": "N1 9GU", "photo": "image"}
	wrong, err := r.SubmitForm(t.Context(), token, values, map[string][]FormFile{"order_number": file, "other": file})
	if err != nil || len(wrong) != 0 {
		t.Fatalf("%v %v", wrong, err)
	}
	r.want("Order 12345.")
	if kept, _ := filepath.Glob(filepath.Join(dir, "media", "med_*")); len(kept) != 0 {
		t.Errorf("files %v", kept)
	}
	if slots := r.view("ann").State.Slots; slots["photo"].Value != nil || slots["order_number"].Value != "12345" {
		t.Errorf("%+v", slots)
	}
}

func TestAServiceHasNoPasswordInItsAddress(t *testing.T) {
	t.Parallel()
	_, err := newService(flows.Service{Alias: "shop", URL: "https://ann:hunter2@shop.example"}, nil)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("%v", err)
	}
}

func TestALabelThatIsAQuestionHasNoColon(t *testing.T) {
	t.Parallel()
	for label, want := range map[string]string{"Order number": "Order number: 1", "Which order?": "Which order? 1", "Your number:": "Your number: 1", "رقم الطلب؟": "رقم الطلب؟ 1"} {
		if got := labelled(label, "1"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
