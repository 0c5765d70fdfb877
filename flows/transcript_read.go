package flows

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// testMoment is when a test takes place that does not say.
var testMoment = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)

// mergedKeys are the circumstances whose maps are merged key by key with the
// defaults of the file; of the others the test's own value wins.
var mergedKeys = []string{"contact", "conversation", "entry", "queues", "slots", "http"}

// testFile reads one file of tests.
func (l *loader) testFile(path string, root *source.Node) *TestFile {
	l.shape(root, "test_file")
	f := &TestFile{Path: path, Flows: l.testFlows(root.Get("flows"))}
	list := root.Pair("tests")
	switch {
	case list == nil:
		l.missing(root, "test_file", "tests", start(path), "tests is missing")
		return f
	case list.Value.Kind == source.Null:
		return f
	}
	names := map[string]bool{}
	for _, item := range list.Value.Items {
		if item.Kind == source.Map {
			f.Tests = append(f.Tests, l.test(path, item, root.Get("defaults"), names))
		}
	}
	return f
}

func (l *loader) testFlows(n *source.Node) []string {
	if s, ok := scalar(n); ok && s == "all" {
		return nil
	}
	var out []string
	for _, w := range words(n) {
		if l.knownFlow(w) {
			out = append(out, w.Text)
		}
	}
	return out
}

// knownFlow complains about a flow that does not exist (E302).
func (l *loader) knownFlow(n *source.Node) bool { return l.wantFlow(n.Text, n.Words()) }

// wantState reads flow or flow.state (E301, E302) and gives flow.state.
func (l *loader) wantState(n *source.Node) string {
	flow, state, dotted := strings.Cut(n.Text, ".")
	f := l.set.Flows[flow]
	if f == nil {
		if !l.unreadable {
			l.suggest(l.err("E302", n.At(0, len(flow)), "there is no flow called %q", flow), flow, keysOf(l.set.Flows))
		}
		return ""
	}
	if !dotted {
		return flow + ".start"
	}
	if f.States[state] == nil {
		d := l.err("E301", n.At(len(flow)+1, len(n.Text)), "there is no state called %q in flow %s", state, flow)
		l.suggest(d, state, keysOf(f.States))
		return ""
	}
	return n.Text
}

// test reads one test with the defaults of its file under it.
func (l *loader) test(path string, own, defaults *source.Node, names map[string]bool) *Test {
	t := &Test{File: path, Line: own.Range.Line, Now: testMoment}
	l.testName(t, own, names)
	n := withDefaults(own, defaults)
	l.testPlace(t, n)
	l.testPeople(t, n)
	t.Slots = l.testValues(n.Get("slots"), false)
	t.Mocks = l.mocks(n.Get("http"))
	t.Sample = l.boolean(n.Get("sample"), false)
	t.Public = l.boolean(n.Get("public"), false)
	chat := own.Get("chat")
	if chat == nil || chat.Kind == source.Null {
		l.missing(own, "test", "chat", l.holder(own), "chat is missing: a test needs steps")
	} else {
		for _, item := range chat.Items {
			if item.Kind == source.Map {
				t.Steps = append(t.Steps, l.testStep(item)...)
			}
		}
	}
	if t.Start != "" && len(t.Each) > 0 {
		l.err("E111", own.Pair("each").Key.Words(), "two beginnings: start and each")
	}
	return t
}

// holder is where something missing from an item of a list is reported.
func (l *loader) holder(n *source.Node) source.Range {
	if len(n.Pairs) > 0 {
		return n.Pairs[0].Key.Words()
	}
	return n.Range
}

func (l *loader) testName(t *Test, own *source.Node, names map[string]bool) {
	name, ok := scalar(own.Get("name"))
	if !ok || strings.TrimSpace(name) == "" {
		l.missing(own, "test", "name", l.holder(own), "name is missing: a test needs one")
		return
	}
	t.Name, t.Line = name, own.Pair("name").Key.Range.Line
	if names[name] {
		l.err("E108", own.Get("name").Words(), "test %q is written twice", name)
	}
	names[name] = true
}

// withDefaults is a test with what the file's defaults give beside it.
func withDefaults(own, defaults *source.Node) *source.Node {
	return merged(own, defaults, func(key string) bool { return slices.Contains(mergedKeys, key) })
}

// merged is a map with the keys of another that it does not have; the maps of
// keys that are deep are merged likewise, those of queues one level further.
func merged(own, defaults *source.Node, deep func(key string) bool) *source.Node {
	if defaults == nil || defaults.Kind != source.Map {
		return own
	}
	out := *own
	out.Pairs = slices.Clone(own.Pairs)
	for _, d := range defaults.Pairs {
		i := slices.IndexFunc(out.Pairs, func(p source.Pair) bool { return p.Key.Text == d.Key.Text })
		switch {
		case i < 0:
			out.Pairs = append(out.Pairs, d)
		case deep(d.Key.Text) && out.Pairs[i].Value.Kind == source.Map && d.Value.Kind == source.Map:
			below := d.Key.Text == "queues"
			out.Pairs[i].Value = merged(out.Pairs[i].Value, d.Value, func(string) bool { return below })
		}
	}
	return &out
}

// testPlace reads where and when: channel, languages, now, start, each.
func (l *loader) testPlace(t *Test, n *source.Node) {
	if c := n.Get("channel"); c != nil && c.Kind == source.Scalar {
		t.Channel = c.Text
		if l.set.Channels[c.Text] == nil && !l.projectUnread() {
			l.suggest(l.err("E105", c.Words(), "there is no channel called %q", c.Text), c.Text, keysOf(l.set.Channels))
		}
	}
	if lang := n.Get("language"); lang != nil && lang.Kind == source.Scalar {
		t.Language = lang.Text
	}
	t.Languages = l.testLanguages(n.Get("languages"))
	if now := n.Get("now"); now != nil && now.Kind == source.Scalar {
		t.Now = l.moment(now, testMoment)
	}
	if s := n.Get("start"); s != nil && s.Kind == source.Scalar {
		t.Start = l.wantState(s)
	}
	t.Each = l.eachState(n.Get("each"))
}

func (l *loader) moment(n *source.Node, def time.Time) time.Time {
	at, err := time.Parse(time.RFC3339, n.Text)
	if err != nil {
		l.err("E105", n.Words(), "%q is not a moment; write 2026-01-05T10:00:00Z", n.Text)
		return def
	}
	return at
}

func (l *loader) testLanguages(n *source.Node) []string {
	if s, ok := scalar(n); ok && s == "all" {
		return slices.Clone(l.set.Languages)
	}
	var out []string
	for _, w := range words(n) {
		if !l.isLanguage(w.Text) {
			l.suggest(l.err("E105", w.Words(), "%q is not one of the project's languages: %s", w.Text, strings.Join(l.set.Languages, ", ")), w.Text, l.set.Languages)
			continue
		}
		out = append(out, w.Text)
	}
	return out
}

// eachState is a list of states, or all that ask.
func (l *loader) eachState(n *source.Node) []string {
	var out []string
	if s, ok := scalar(n); ok && s == "all" {
		for _, name := range l.set.FlowOrder {
			f := l.set.Flows[name]
			if !slices.Contains(f.On, "private") && len(f.On) > 0 {
				continue
			}
			for _, state := range f.StateOrder {
				if f.States[state].Asks() {
					out = append(out, name+"."+state)
				}
			}
		}
		return out
	}
	for _, w := range words(n) {
		if s := l.wantState(w); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// testPeople reads contact, conversation, entry and queues.
func (l *loader) testPeople(t *Test, n *source.Node) {
	t.Contact = l.testContact(n.Get("contact"))
	t.Conversation = l.testConversation(n.Get("conversation"))
	t.Entry = l.testEntry(n.Get("entry"))
	qs := n.Get("queues")
	if qs == nil || qs.Kind != source.Map {
		return
	}
	t.Queues = map[string]TestQueue{}
	for _, p := range qs.Pairs {
		l.wantQueue(p.Key.Text, p.Key.Words())
		q := TestQueue{Length: l.integer(p.Value.Get("length"), 0, 0, 1_000_000)}
		if w := p.Value.Get("wait"); w != nil && w.Kind == source.Scalar {
			d := time.Duration(0)
			if w.Text != "0" && w.Text != "0m" && w.Text != "0s" {
				d = l.duration(w, 0)
			}
			q.Wait = &d
		}
		t.Queues[p.Key.Text] = q
	}
}

func textOf(n *source.Node, name string) string {
	s, _ := scalar(n.Get(name))
	return s
}

func (l *loader) testContact(n *source.Node) engine.ContactNow {
	if n == nil || n.Kind != source.Map {
		return engine.ContactNow{}
	}
	return engine.ContactNow{
		ID: textOf(n, "id"), FirstName: textOf(n, "first_name"), Name: textOf(n, "name"), Language: textOf(n, "language"),
		Verified: l.boolean(n.Get("verified"), false), VerifiedBy: textOf(n, "verified_by"), VIP: l.boolean(n.Get("vip"), false),
		Tags: wordTexts(n.Get("tags")), Handle: textOf(n, "channel_handle"), New: l.boolean(n.Get("new"), false),
		Unreachable: l.boolean(n.Get("unreachable"), false),
	}
}

func (l *loader) testConversation(n *source.Node) TestConversation {
	if n == nil || n.Kind != source.Map {
		return TestConversation{}
	}
	c := TestConversation{Tags: wordTexts(n.Get("tags"))}
	c.Now = engine.ConversationNow{
		Returning: l.boolean(n.Get("returning"), false), HandedOff: l.boolean(n.Get("handed_off"), false),
		Holdout: l.boolean(n.Get("holdout"), false), Messages: l.integer(n.Get("messages"), 0, 0, 1_000_000),
	}
	if h := n.Get("hours_since_last"); h != nil && h.Kind == source.Scalar {
		f, err := strconv.ParseFloat(h.Text, 64)
		if err != nil || f < 0 {
			l.err("E105", h.Words(), "%q is not a number of hours", h.Text)
		} else {
			c.Now.HoursSinceLast = &f
		}
	}
	if o := n.Get("opened"); o != nil && o.Kind == source.Scalar {
		c.Now.Opened = l.moment(o, time.Time{})
	}
	if u := n.Get("unfinished"); u != nil && u.Kind == source.Scalar {
		c.Unfinished = l.wantState(u)
		c.Now.Unfinished = true
	}
	return c
}

func (l *loader) testEntry(n *source.Node) engine.EntryNow {
	e := engine.EntryNow{Source: "direct"}
	if n == nil || n.Kind != source.Map {
		return e
	}
	e.Source = l.oneOf(n.Get("source"), "direct", entrySources...)
	e.Ref, e.Text, e.Channel, e.Option = textOf(n, "ref"), textOf(n, "text"), textOf(n, "channel"), textOf(n, "option")
	e.Signed, e.Public = l.boolean(n.Get("signed"), false), l.boolean(n.Get("public"), false)
	return e
}

// testValues reads what slots, set and submit fill. With contacts, contact.FIELD
// may be filled too.
func (l *loader) testValues(n *source.Node, contacts bool) []TestValue {
	if n == nil || n.Kind != source.Map {
		return nil
	}
	var out []TestValue
	for _, p := range n.Pairs {
		v := TestValue{Name: p.Key.Text, Line: p.Key.Range.Line}
		switch p.Value.Kind {
		case source.Null:
			v.Empty = true
		case source.List:
			v.List = wordTexts(p.Value)
		case source.Scalar:
			v.Text = p.Value.Text
		}
		if field, ok := strings.CutPrefix(v.Name, "contact."); ok && contacts {
			l.contactField(p.Key, field)
		} else if l.testSlot(p.Key) {
			l.testLiteral(v, p.Value)
		}
		out = append(out, v)
	}
	return out
}

// contactField complains about a field of contact that does not exist (E210).
func (l *loader) contactField(key *source.Node, field string) {
	c := l.grammar["test_contact"]
	if _, ok := c.key(field); ok && field != "id" {
		return
	}
	names := make([]string, 0, len(c.keys))
	for _, k := range c.keys {
		names = append(names, k.name)
	}
	l.suggest(l.err("E210", key.At(len("contact."), len(key.Text)), "contact has no %q", field), field, names)
}

// testSlot complains about a slot that does not exist (E103).
func (l *loader) testSlot(key *source.Node) bool {
	name := strings.TrimPrefix(key.Text, "slots.")
	if l.set.Slots[name] != nil {
		return true
	}
	if !l.unreadable {
		at := key.At(len(key.Text)-len(name), len(key.Text))
		l.suggest(l.err("E103", at, "there is no slot called %q", name), name, keysOf(l.set.Slots))
	}
	return false
}

// testLiteral complains about a value that the slot's type cannot hold.
func (l *loader) testLiteral(v TestValue, n *source.Node) {
	sl := l.set.Slots[strings.TrimPrefix(v.Name, "slots.")]
	if n.Kind != source.Scalar || sl.Type == engine.SlotMedia || sl.Type == engine.SlotText || sl.Type == "" {
		return
	}
	if _, ok := engine.ReadLiteral(sl, n.Text); !ok {
		l.err("E105", n.Words(), "%q is no value of slot %s, which is %s", n.Text, sl.Name, sl.Type)
	}
}
