package desk

import (
	"testing"
)

// What an agent writes is made safe as what a customer writes is: nothing that
// is no character is kept or sent.
func TestDesk_WordsOfAgentsAreMadeReadable(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.waiting(t, "web", "mia")
	must[Moved](t)(o.Claim(ctx, ana(), id, Command{}))
	for _, c := range []struct{ in, want string }{{"a\x00b", "a\uFFFDb"}, {"a\xed\xa0\x80b", "a\uFFFDb"}, {"a\u202eb 👍", "a\u202eb 👍"}} {
		reply := must[Msg](t)(o.Reply(ctx, ana(), id, Reply{Text: c.in, Options: []string{"o" + c.in}}, Command{}))
		note := must[Msg](t)(o.Note(ctx, ana(), id, c.in, ""))
		if reply.Text != c.want || note.Text != c.want {
			t.Errorf("%q: reply %q, note %q", c.in, reply.Text, note.Text)
		}
		if len(reply.Options) != 1 || reply.Options[0].Label != "o"+c.want {
			t.Errorf("%q: options %+v", c.in, reply.Options)
		}
	}
}
