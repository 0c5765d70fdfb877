package inbox

import (
	"encoding/json"
	"strconv"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
)

// encoder writes JSON objects member by member. It is for the few types that
// every turn seals several values of; what is rare in them, and everything
// else, goes through encoding/json, which reads all of them back.
type encoder struct {
	b   []byte
	err error
}

// encode writes v at the end of b.
func encode(b []byte, v any) ([]byte, error) {
	e := encoder{b: b}
	switch v := v.(type) {
	case *Body:
		e.body(v)
	case *dm.Outbound:
		e.outbound(v)
	case *engine.Trace:
		e.trace(v)
	default:
		e.value(v)
	}
	return e.b, e.err
}

// value is any value by encoding/json.
func (e *encoder) value(v any) {
	plain, err := json.Marshal(v)
	if err != nil && e.err == nil {
		e.err = err
	}
	e.b = append(e.b, plain...)
}

// name begins a member.
func (e *encoder) name(s string) {
	if e.b[len(e.b)-1] != '{' {
		e.b = append(e.b, ',')
	}
	e.b = append(append(append(e.b, '"'), s...), '"', ':')
}

// string writes words; those that need no escape, which is nearly all, as they are.
func (e *encoder) string(s string) {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			e.value(s)
			return
		}
	}
	e.b = append(append(append(e.b, '"'), s...), '"')
}

// text is a member that is left out when it is empty, like those below.
func (e *encoder) text(name, s string) {
	if s != "" {
		e.always(name, s)
	}
}

func (e *encoder) always(name, s string) {
	e.name(name)
	e.string(s)
}

func (e *encoder) number(name string, n int64) {
	if n != 0 {
		e.name(name)
		e.b = strconv.AppendInt(e.b, n, 10)
	}
}

func (e *encoder) flag(name string, yes bool) {
	if yes {
		e.name(name)
		e.b = append(e.b, "true"...)
	}
}

// raw is JSON already.
func (e *encoder) raw(name string, v json.RawMessage) {
	if len(v) > 0 {
		e.name(name)
		e.b = append(e.b, v...)
	}
}

// rare is a member that few values have.
func (e *encoder) rare(name string, has bool, v any) {
	if has {
		e.name(name)
		e.value(v)
	}
}

// objects is a member that is a list of objects.
func objects[T any](e *encoder, name string, items []T, item func(*T)) {
	if len(items) == 0 {
		return
	}
	e.name(name)
	for n := range items {
		e.b = append(e.b, "[,"[min(n, 1)], '{')
		item(&items[n])
		e.b = append(e.b, '}')
	}
	e.b = append(e.b, ']')
}

func (e *encoder) body(b *Body) {
	e.b = append(e.b, '{')
	e.text("text", b.Text)
	e.rare("media", len(b.Media) > 0, b.Media)
	objects(e, "options", b.Options, func(o *BodyOption) {
		e.always("id", o.ID)
		e.always("label", o.Label)
		e.text("short", o.Short)
		e.text("description", o.Description)
		e.text("payload", o.Payload)
	})
	e.raw("question", b.Question)
	e.rare("tap", b.Tap != nil, b.Tap)
	e.rare("entry", b.Entry != nil, b.Entry)
	e.text("author_name", b.AuthorName)
	e.rare("line", b.Line != nil, b.Line)
	e.rare("history", len(b.History) > 0, b.History)
	e.text("message_id", b.MessageID)
	e.text("reply_to", b.ReplyTo)
	e.rare("degraded", len(b.Degraded) > 0, b.Degraded)
	e.raw("raw", b.Raw)
	e.text("language", b.Language)
	e.b = append(e.b, '}')
}

func (e *encoder) outbound(o *dm.Outbound) {
	e.b = append(e.b, '{')
	e.always("key", o.Key)
	e.always("kind", o.Kind)
	e.text("account", o.Account)
	e.always("thread", o.Thread)
	e.text("conversation", o.Conversation)
	e.name("to")
	e.party(&o.To)
	e.text("visibility", o.Visibility)
	e.always("author", o.Author)
	e.text("author_name", o.AuthorName)
	e.text("text", o.Text)
	objects(e, "options", o.Options, func(p *dm.Option) {
		e.always("payload", p.Payload)
		e.always("label", p.Label)
		e.text("short", p.Short)
		e.text("description", p.Description)
	})
	e.text("options_as", o.OptionsAs)
	e.rare("links", len(o.Links) > 0, o.Links)
	e.rare("media", len(o.Media) > 0, o.Media)
	e.text("reply_to", o.ReplyTo)
	e.text("target", o.Target)
	e.text("locale", o.Locale)
	e.number("epoch", o.Epoch)
	e.name("at")
	e.b = append(o.At.AppendFormat(append(e.b, '"'), time.RFC3339Nano), '"')
	e.rare("window", o.Window != nil, o.Window)
	e.rare("control", o.Control != nil, o.Control)
	e.flag("typing", o.Typing)
	e.b = append(e.b, '}')
}

func (e *encoder) party(p *dm.Party) {
	e.b = append(e.b, '{')
	e.always("id", p.ID)
	e.rare("alt_ids", len(p.AltIDs) > 0, p.AltIDs)
	e.text("name", p.Name)
	e.text("handle", p.Handle)
	e.text("avatar", p.Avatar)
	e.flag("bot", p.Bot)
	e.flag("verified", p.Verified)
	e.b = append(e.b, '}')
}

func (e *encoder) trace(t *engine.Trace) {
	e.b = append(e.b, '{')
	e.always("event", t.Event)
	e.always("set", t.Set)
	e.text("from", t.From)
	e.text("to", t.To)
	e.text("stage", t.Stage)
	objects(e, "steps", t.Steps, func(s *engine.TraceStep) {
		e.always("what", s.What)
		e.text("state", s.State)
		e.text("edge", s.Edge)
		e.text("option", s.Option)
		e.text("by", s.By)
		e.rare("score", s.Score != 0, s.Score)
		e.text("cond", s.Cond)
		e.text("value", s.Value)
		e.text("seen", s.Seen)
		e.text("at", s.At)
	})
	e.rare("found", len(t.Found) > 0, t.Found)
	e.text("error", t.Error)
	e.text("error_at", t.ErrorAt)
	e.b = append(e.b, '}')
}
