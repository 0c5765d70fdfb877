//go:build browser

package browser

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"dispatcher/internal/proof/kill"
)

// TestPromise_W8_EditUnderACustomer: a broken save changes nothing but a
// banner; the repaired one is what the customer hears next.
func TestPromise_W8_EditUnderACustomer(t *testing.T) {
	t.Parallel()
	files := shop(t)
	svc := kill.Start(t, kill.Options{Project: files})
	a := setUp(t, svc, desk, "Ana Sousa")
	b := visit(t, svc, desk)
	b.taps("Where's my order?")
	b.hears("What's your order number?")

	broken := map[string]string{"flows/welcome.yaml": files["flows/welcome.yaml"]}
	swap(t, broken, "flows/welcome.yaml", "    goto: menu\n", "    goto: menuu\n")
	line := 1 + strings.Count(broken["flows/welcome.yaml"][:strings.Index(broken["flows/welcome.yaml"], "menuu")], "\n")
	saved := time.Now()
	svc.Write(broken)
	a.until("the banner with file, line and remedy", "document.querySelector('#banner').innerText.includes('flows/welcome.yaml:"+strconv.Itoa(line)+":') && /did you mean .?menu/.test(document.querySelector('#banner').innerText)")
	t.Logf("PROOF W8 banner %d ms after the broken save", time.Since(saved).Milliseconds())
	a.shot("w8-banner")
	if got := status(t, svc, "/healthz"); got != 200 {
		t.Errorf("/healthz answers %d while a save is refused", got)
	}
	b.says("nonsense")
	b.hears("isn't an order number")

	mended := map[string]string{"flows/track_order.yaml": files["flows/track_order.yaml"], "flows/welcome.yaml": files["flows/welcome.yaml"]}
	swap(t, mended, "flows/track_order.yaml", "Hmm, still not it. It's in your confirmation email", "Not quite. Look into the confirmation email")
	saved = time.Now()
	svc.Write(mended)
	a.until("the banner gone", "!/welcome.yaml/.test(document.querySelector('#banner').innerText)")
	t.Logf("PROOF W8 banner gone %d ms after the repair", time.Since(saved).Milliseconds())
	b.says("12")
	b.hears("Not quite. Look into the confirmation email")
	b.says("AB 123456")
	b.hears("And the postcode it's going to?")
	if n := strings.Count(b.text(chatLog), "What's your order number?"); n != 1 {
		t.Errorf("the question was put %d times after two wrong answers and two saves, want once\n%s", n, b.text(chatLog))
	}
	a.clean()
	b.clean()
}
