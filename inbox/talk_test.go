package inbox

import (
	"testing"

	"dispatcher/storage"
)

func TestTalkFromGreetingToQueue(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	got := r.accept(text("ada", "hello"))
	if len(got) != 1 || got[0].Status != "applied" || got[0].Seq != 1 || got[0].Conv == "" {
		t.Fatalf("accepted %+v", got)
	}
	q := r.want("Hello, this is the assistant.", "What is it about?")
	if len(q.Options) != 2 || q.Options[0].Payload == "" {
		t.Fatalf("options %+v", q.Options)
	}
	r.accept(tapOn("ada", q.Options[0]))
	r.want("What is your order number?")
	r.accept(text("ada", "12345"))
	r.want("I have passed this on.")
	v := r.view("ada")
	if c := v.Snap.Conv; c.Owner != storage.OwnerQueue || c.OwnerID != "orders" || v.Snap.Handoff == nil {
		t.Fatalf("owner %d %q, handoff %v", c.Owner, c.OwnerID, v.Snap.Handoff)
	}
	r.until("every row settled", func() bool {
		rows, _ := r.rows("ada")
		for _, m := range rows {
			if m.Dir == storage.DirOut && m.Delivery != storage.DeliverySent {
				return false
			}
		}
		return true
	})
}
