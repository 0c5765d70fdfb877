package flows

import (
	"bytes"
	"fmt"
	"sort"
	"strings"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// Difference is one thing that another version of a project changes, in the words
// of whoever writes flows.
type Difference struct {
	Kind  string `json:"kind"` // flow state question message option edge slot entry project channel media setting
	Flow  string `json:"flow,omitempty"`
	State string `json:"state,omitempty"`
	Slot  string `json:"slot,omitempty"`
	Text  string `json:"text"` // the whole line: where, then what
}

// Delta is what one set changes of another, and what that means for
// conversations that are under way (language.md 9.6). Nothing of it changes
// after Diff.
type Delta struct {
	Changes []Difference
	old     *Project
	new     *Project
	touched map[string]bool   // flow.state that is written differently
	renamed map[string]string // flow.state → its new name
	gone    map[string]bool   // flow.state that has no successor
	slots   []string          // whose rules changed
}

// Diff compares two good sets. It is a pure function of the two: the same
// sets give the same lines in the same order, flows by name, states as
// written. What became of each conversation is counted with a Tally.
func Diff(old, new *Project) *Delta {
	d := &Delta{Changes: []Difference{}, old: old, new: new, touched: map[string]bool{}, renamed: map[string]string{}, gone: map[string]bool{}}
	if old == nil || new == nil || old.Set == nil || new.Set == nil || old.SetID == new.SetID {
		return d
	}
	d.projectFile()
	d.flows()
	d.entries("", old.Set.Everywhere, new.Set.Everywhere)
	d.slotRules()
	d.canned()
	d.files()
	return d
}

// From and To are the two set ids.
func (d *Delta) From() string { return d.old.SetID }

// To is the id of the newer set.
func (d *Delta) To() string { return d.new.SetID }

// Concerns says whether a conversation can be moved by the change at all:
// a state or a slot's rules are not what they were.
func (d *Delta) Concerns() bool { return len(d.gone)+len(d.renamed)+len(d.slots) > 0 }

// Reaches says whether the change may mean something to a conversation at a
// position, so that its state has to be looked at.
func (d *Delta) Reaches(position string) bool {
	return len(d.slots) > 0 || d.gone[position] || d.touched[position] || d.renamed[position] != ""
}

// Slots are the slots whose rules changed.
func (d *Delta) Slots() []string { return d.slots }

func (d *Delta) say(c Difference, format string, args ...any) {
	where := c.Flow
	if c.State != "" {
		where += "." + c.State
	}
	if where != "" {
		where += ": "
	}
	c.Text = where + fmt.Sprintf(format, args...)
	d.Changes = append(d.Changes, c)
}

// flows compares the flows of both, by name.
func (d *Delta) flows() {
	names := map[string]bool{}
	for n := range d.old.Set.Flows {
		names[n] = true
	}
	for n := range d.new.Set.Flows {
		names[n] = true
	}
	list := keysOf(names)
	sort.Strings(list)
	for _, name := range list {
		a, b := d.old.Set.Flows[name], d.new.Set.Flows[name]
		switch {
		case a == nil:
			d.say(Difference{Kind: "flow"}, "flow %s is new (%s)", name, some(len(b.States), "state"))
		case b == nil:
			d.say(Difference{Kind: "flow"}, "flow %s is removed (%s)", name, some(len(a.States), "state"))
			for s := range a.States {
				d.gone[name+"."+s] = true
			}
		case a != b:
			d.flow(a, b)
		}
	}
}

func (d *Delta) flow(a, b *engine.Flow) {
	d.flowSettings(a, b)
	d.entries(a.Name, a.Everywhere, b.Everywhere)
	arrived := map[string]bool{}
	for _, name := range a.StateOrder {
		if b.States[name] != nil {
			continue
		}
		at := Difference{Kind: "state", Flow: a.Name, State: name}
		if to := successor(b, name); to != "" {
			d.renamed[a.Name+"."+name], arrived[to] = to, true
			d.say(at, "renamed to %s", to)
			d.state(a.States[name], b.States[to])
			continue
		}
		d.gone[a.Name+"."+name] = true
		d.say(at, "removed")
	}
	for _, name := range b.StateOrder {
		switch was := a.States[name]; {
		case was != nil:
			d.state(was, b.States[name])
		case !arrived[name]:
			d.say(Difference{Kind: "state", Flow: b.Name, State: name}, "is new")
		}
	}
}

// successor follows renamed from a state that is gone to one that is there.
func successor(f *engine.Flow, name string) string {
	for range 8 {
		to, ok := f.Renamed[name]
		if !ok {
			return ""
		}
		if f.States[to] != nil {
			return to
		}
		name = to
	}
	return ""
}

// flowSettings compares what a flow says of itself.
func (d *Delta) flowSettings(a, b *engine.Flow) {
	at := Difference{Kind: "flow", Flow: a.Name}
	for _, s := range []struct {
		name     string
		old, new any
	}{
		{"on", a.On, b.On}, {"first_message", a.FirstUse, b.FirstUse}, {"delegate", a.Delegate, b.Delegate},
		{"rollout", a.Rollout, b.Rollout}, {"shadow", a.Shadow, b.Shadow}, {"versions", a.Pin, b.Pin},
		{"renamed", a.Renamed, b.Renamed}, {"owner", a.Owner, b.Owner}, {"description", a.Description, b.Description},
	} {
		if canon(s.old) != canon(s.new) {
			d.say(at, "%s changed", s.name)
		}
	}
	if canon(a.Vanished) != canon(b.Vanished) {
		d.say(at, "people whose state is gone go %s (was %s)", whither(b.Vanished, b.Name), whither(a.Vanished, a.Name))
	}
}

// entries compares the entries of an everywhere.
func (d *Delta) entries(flow string, a, b []*engine.Escape) {
	was := map[string]*engine.Escape{}
	for _, e := range a {
		was[e.Name] = e
	}
	at := Difference{Kind: "entry", Flow: flow}
	for _, e := range b {
		switch o := was[e.Name]; {
		case o == nil:
			d.say(at, "everywhere.%s is new", e.Name)
		case canon(o) != canon(e):
			d.say(at, "everywhere.%s changed", e.Name)
		}
		delete(was, e.Name)
	}
	for _, e := range a {
		if was[e.Name] != nil {
			d.say(at, "everywhere.%s is removed", e.Name)
		}
	}
}

// canned compares canned responses.
func (d *Delta) canned() {
	for _, name := range d.new.Set.CannedOrder {
		switch was := d.old.Set.Canned[name]; {
		case was == nil:
			d.say(Difference{Kind: "canned"}, "canned.%s is new", name)
		case canon(was) != canon(d.new.Set.Canned[name]):
			d.say(Difference{Kind: "canned"}, "canned.%s reworded", name)
		}
	}
	for _, name := range d.old.Set.CannedOrder {
		if d.new.Set.Canned[name] == nil {
			d.say(Difference{Kind: "canned"}, "canned.%s is removed", name)
		}
	}
}

// files compares what is compared as files: translations and media.
func (d *Delta) files() {
	paths := map[string]bool{}
	for p := range d.old.Files.Data {
		paths[p] = true
	}
	for p := range d.new.Files.Data {
		paths[p] = true
	}
	list := keysOf(paths)
	sort.Strings(list)
	for _, p := range list {
		if isLocale(p) && !bytes.Equal(d.old.Files.Data[p], d.new.Files.Data[p]) {
			d.say(Difference{Kind: "locale"}, "translations in %s changed", p)
		}
	}
	var media []string
	for p, sum := range d.new.Files.Media {
		switch was, ok := d.old.Files.Media[p]; {
		case !ok:
			media = append(media, p+" is new")
		case was != sum:
			media = append(media, p+" changed")
		}
	}
	for p := range d.old.Files.Media {
		if _, ok := d.new.Files.Media[p]; !ok {
			media = append(media, p+" is removed")
		}
	}
	sort.Strings(media)
	for _, line := range media {
		d.say(Difference{Kind: "media"}, "%s", line)
	}
}

// restartKeys are read once, at the start (language.md 9.2).
var restartKeys = map[string]bool{"server": true, "storage": true, "auth": true}

// NeedRestart lists the keys of dispatcher.yaml that differ and that a running
// service reads only when it starts.
func NeedRestart(old, new *Project) []string {
	var out []string
	for _, k := range []struct {
		name     string
		old, new *source.Node
	}{{"server", old.Server, new.Server}, {"storage", old.Storage, new.Storage}, {"auth", old.Auth, new.Auth}} {
		if !bytes.Equal(appendNode(nil, k.old), appendNode(nil, k.new)) {
			out = append(out, k.name)
		}
	}
	return out
}

// projectFile compares dispatcher.yaml key by key.
func (d *Delta) projectFile() {
	a, b := d.old.Files.Data[projectFile], d.new.Files.Data[projectFile]
	if bytes.Equal(a, b) {
		return
	}
	before, after := topLevel(a), topLevel(b)
	keys := map[string]bool{}
	for _, n := range []*source.Node{before, after} {
		if n != nil {
			for _, p := range n.Pairs {
				keys[p.Key.Text] = true
			}
		}
	}
	list := keysOf(keys)
	sort.Strings(list)
	for _, key := range list {
		if key == "everywhere" || key == "canned" || key == "slots" {
			continue // compared by what they mean
		}
		d.setting(key, before.Get(key), after.Get(key))
	}
}

func topLevel(data []byte) *source.Node {
	doc, _ := source.Parse(projectFile, data)
	return doc.Root
}

// setting compares one key of dispatcher.yaml, a map entry by entry.
func (d *Delta) setting(key string, a, b *source.Node) {
	if bytes.Equal(appendNode(nil, a), appendNode(nil, b)) {
		return
	}
	at, restart := Difference{Kind: "project"}, ""
	if restartKeys[key] {
		restart = " (takes effect after a restart)"
	}
	switch {
	case a == nil:
		d.say(at, "%s is new%s", key, restart)
	case b == nil:
		d.say(at, "%s is removed%s", key, restart)
	case a.Kind == source.Scalar && b.Kind == source.Scalar:
		d.say(at, "%s: %s → %s%s", key, clipped(a.Text), clipped(b.Text), restart)
	case key == "start":
		d.say(at, "which flow a new conversation starts with changed")
	case a.Kind == source.Map && b.Kind == source.Map && restart == "":
		d.settings(key, a, b)
	default:
		d.say(at, "%s changed%s", key, restart)
	}
}

func (d *Delta) settings(key string, a, b *source.Node) {
	at := Difference{Kind: "project"}
	for _, p := range b.Pairs {
		switch was := a.Get(p.Key.Text); {
		case was == nil:
			d.say(at, "%s.%s is new", key, p.Key.Text)
		case !bytes.Equal(appendNode(nil, was), appendNode(nil, p.Value)):
			if was.Kind == source.Scalar && p.Value.Kind == source.Scalar {
				d.say(at, "%s.%s: %s → %s", key, p.Key.Text, clipped(was.Text), clipped(p.Value.Text))
				continue
			}
			d.say(at, "%s.%s changed", key, p.Key.Text)
		}
	}
	for _, p := range a.Pairs {
		if b.Get(p.Key.Text) == nil {
			d.say(at, "%s.%s is removed", key, p.Key.Text)
		}
	}
}

// clipped is a text short enough to stand in a line.
func clipped(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}
