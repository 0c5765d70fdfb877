package engine

import "time"

// field is one value of the environment of language.md 3.1.
func (t *turn) field(root, name string) any {
	w := &t.ev.World
	switch root {
	case "slots":
		return t.slot(name)
	case "contact":
		return t.contactField(name)
	case "conversation":
		return t.conversationField(name)
	case "message":
		return t.messageField(name)
	case "entry":
		return t.entryField(name)
	case "channel":
		switch name {
		case "name":
			return w.Channel.Name
		case "kind":
			return w.Channel.Kind
		case "window_open":
			return w.Channel.WindowOpen
		case "public":
			return w.Channel.Public
		}
	case "queue":
		return t.queueField(name)
	case "form", "verify":
		if name == "url" {
			return t.pageURL(root)
		}
	default:
		return t.st.Lookups[root].Value[name]
	}
	return nil
}

// root is a name without fields.
func (t *turn) root(name string) any {
	switch name {
	case "value":
		return t.value
	case "result":
		return orNil(t.st.Result)
	}
	if name == hidden {
		return &t.eval
	}
	if l := t.st.Lookups[name]; l.Value != nil {
		return l.Value
	}
	return nil
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (t *turn) contactField(name string) any {
	c := &t.ev.World.Contact
	switch name {
	case "first_name":
		return orNil(c.FirstName)
	case "name":
		return orNil(c.Name)
	case "language":
		if t.ev.World.InFirst {
			return pickLanguage(t.set.Languages, c.Language, t.ev.World.Channel.Locale)
		}
		return t.lang
	case "verified":
		return c.Verified || t.proved != ""
	case "verified_by":
		if t.proved != "" {
			return t.proved
		}
		return orNil(c.VerifiedBy)
	case "vip":
		return c.VIP
	case "tags":
		return texts(c.Tags)
	case "channel_handle":
		return orNil(c.Handle)
	case "new":
		return c.New
	case "unreachable":
		return c.Unreachable
	}
	return nil
}

// texts is a list that is never nil, so that `in` and any() take it.
func texts(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (t *turn) conversationField(name string) any {
	c := &t.ev.World.Conversation
	switch name {
	case "returning":
		return c.Returning
	case "hours_since_last":
		if c.HoursSinceLast == nil {
			return nil
		}
		return *c.HoursSinceLast
	case "unfinished":
		return c.Unfinished || t.st.Left != nil
	case "tags":
		return texts(t.st.Tags)
	case "messages":
		return float64(c.Messages)
	case "opened":
		return c.Opened
	case "tries":
		if t.st.Question == nil {
			return 0.0
		}
		return float64(t.st.Question.Tries + t.st.Question.Misses)
	case "handed_off":
		return c.HandedOff || t.st.Hand != nil
	case "holdout":
		return c.Holdout || t.st.Holdout
	}
	return nil
}

// whole is the message of this turn in expressions: all of a burst, but while
// a first rule is tried the part it is tried on.
func (t *turn) whole() *spoken {
	if t.current != nil && !t.apart {
		return &t.joined
	}
	return t.current
}

func (t *turn) messageField(name string) any {
	switch name {
	case "text":
		if m := t.whole(); m != nil {
			return m.raw
		}
		return ""
	case "words":
		if m := t.whole(); m != nil {
			return float64(m.wordCount())
		}
		return 0.0
	case "media":
		return texts(t.ev.Media)
	case "has_media":
		return len(t.ev.Media) > 0
	case "tapped":
		return t.ev.Tap != nil
	}
	return nil
}

func (t *turn) entryField(name string) any {
	e := &t.ev.World.Entry
	if e.Source == "" && e.Ref == "" && t.st.Entry != nil {
		e = t.st.Entry
	}
	switch name {
	case "ref":
		return orNil(e.Ref)
	case "signed":
		return e.Signed
	case "text":
		return orNil(e.Text)
	case "source":
		return orNil(e.Source)
	case "public":
		return e.Public
	case "channel":
		return orNil(e.Channel)
	case "option":
		return orNil(e.Option)
	}
	return nil
}

func (t *turn) queueField(name string) any {
	q := t.queue
	if q == nil {
		return nil
	}
	switch name {
	case "name":
		return q.name
	case "position":
		return float64(q.position)
	case "wait_minutes":
		if q.wait == nil {
			return nil
		}
		t.quote(Quote{Kind: "eta", Name: q.alias, Due: t.now.Add(time.Duration(*q.wait) * time.Minute)})
		return float64(*q.wait)
	case "open":
		return q.open
	}
	return nil
}

// quote notes that a text shows a queue's or schedule's figure.
func (t *turn) quote(q Quote) {
	for _, have := range t.quotes {
		if have.Kind == q.Kind && have.Name == q.Name {
			return
		}
	}
	t.quotes = append(t.quotes, q)
}
