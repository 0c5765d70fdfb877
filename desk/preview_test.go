package desk

import (
	"strings"
	"testing"
)

const previewFlow = `
flow: welcome
slots:
  order_number: {type: text, pattern: "[A-Z]{2}[0-9]{6}", clean: [upper], example: AB123456}
states:
  start:
    ask: "Hi {{ contact.first_name }} 👋, what is it?"
    options:
      - {id: order, label: My order, goto: number}
  number:
    collect: {slot: order_number, ask: "Which order is it?"}
    goto: sure
  sure:
    resume: Ask whether it arrived
    ask: "Did {{ slots.order_number }} arrive?"
    options:
      - {id: no, label: "No", handoff: orders}
`

// A preview is what the customer would read: with the value in it, or none.
func TestHandBack_PreviewsHaveNoHoles(t *testing.T) {
	t.Parallel()
	o := openWith(t, "", map[string]string{"flows/welcome.yaml": previewFlow})
	o.says(t, "web", "mia", "hello")
	o.says(t, "web", "mia", "My order")
	id := o.says(t, "web", "mia", "ab123456")
	must[Moved](t)(o.TakeOver(t.Context(), ana(), id, Command{}))
	d := must[Detail](t)(o.Get(t.Context(), ana(), id))
	got := map[string]ReturnPoint{}
	for _, r := range d.Returns {
		got[r.ResumeAt] = r
		if strings.Contains(r.Preview, "  ") || strings.Contains(r.Preview, "Did  arrive") {
			t.Errorf("a hole: %+v", r)
		}
	}
	if p := got["welcome.start"]; p.Preview != "Hi Mia 👋, what is it?" {
		t.Errorf("start: %+v", p)
	}
	if p := got["welcome.sure"]; p.Preview != "Did AB123456 arrive?" || p.Label != "Ask whether it arrived" {
		t.Errorf("resume: %+v", p)
	}
	rows := must[Page[Msg]](t)(o.Messages(t.Context(), ana(), id, d.Seq, 0, 0)).Items
	if len(rows) != 0 {
		t.Errorf("a preview was said: %+v", rows)
	}
	must[Moved](t)(o.HandBack(t.Context(), ana(), id, Command{ResumeAt: "welcome.start"}))
	rows = must[Page[Msg]](t)(o.Messages(t.Context(), ana(), id, d.Seq, 0, 0)).Items
	if last := rows[len(rows)-1]; last.Text != got["welcome.start"].Preview {
		t.Errorf("said %q, previewed %q", last.Text, got["welcome.start"].Preview)
	}
}
