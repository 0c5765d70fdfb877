package inbox

import "testing"

// TestAFormWithoutAPageTakesItsFallback: where nobody outside can reach us a
// link leads nowhere; the fields are asked for in the chat.
func TestAFormWithoutAPageTakesItsFallback(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, `flow: welcome
slots:
  order_number: {type: text, pattern: "[0-9]{5}", example: "12345", ask: "Which order?"}
states:
  start:
    form: {ask: "Please fill this in: {{ form.url }}", fields: [order_number]}
    goto: done
  done:
    say: "Order {{ slots.order_number }}."
    handoff: orders
`)
	r.accept(text("ann", "hi"))
	r.want("Which order?")
	r.accept(text("ann", "12345"))
	r.want("Order 12345.")
}
