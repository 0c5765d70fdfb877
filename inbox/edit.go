package inbox

import (
	"fmt"
	"slices"

	"dispatcher/engine"
)

// SetSlots writes slots as an agent typed them: read by the slot's own rules,
// marked as set by an agent and claimed. An empty text empties the slot. A
// value its slot does not take changes nothing.
func (d *Draft) SetSlots(values map[string]string) error {
	if d.state.Version == 0 {
		return fmt.Errorf("inbox: this conversation has no slots")
	}
	set, st := d.set(), d.state
	if set == nil {
		return fmt.Errorf("inbox: no flow set is live")
	}
	slots := make(map[string]engine.SlotValue, len(st.Slots)+len(values))
	for name, v := range st.Slots {
		slots[name] = v
	}
	order := slices.Clone(st.Order)
	for _, name := range sortedKeys(values) {
		def, text := set.Slots[name], values[name]
		if def == nil {
			return fmt.Errorf("inbox: there is no slot called %q", name)
		}
		if text == "" {
			delete(slots, name)
			order = slices.DeleteFunc(order, func(n string) bool { return n == name })
			continue
		}
		value, ok := engine.ReadLiteral(def, text)
		if !ok {
			return fmt.Errorf("inbox: slot %q does not take that", name)
		}
		slots[name] = engine.SlotValue{Value: value, Raw: text, How: "agent", At: d.View.Now.UnixMilli(), Tries: slots[name].Tries}
		if !slices.Contains(order, name) {
			order = append(order, name)
		}
	}
	st.Slots, st.Order = slots, order
	d.state, d.stated = st, true
	d.topicOnCard()
	return nil
}

func sortedKeys(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Relabel changes what the conversation is about, by an agent's word.
func (d *Draft) Relabel(topic string) {
	d.state.Topic = &engine.Topic{ID: topic, Label: topic, How: "agent"}
	if def := slotOf(d.set(), "topic"); def != nil {
		for _, v := range def.Values {
			if v.ID == topic {
				d.state.Topic.Label = plainText(d.set(), d.state.Language, v.Label)
			}
		}
	}
	d.card.Topic = d.state.Topic.Label
	d.stated = d.stated || d.state.Version != 0
}

// Read says that the owner has seen everything.
func (d *Draft) Read() { d.conv.Unread = 0 }

// Secrets are the values that must never leave in public: every filled slot
// that is personal or secret, of the conversation and of the person.
func (v *View) Secrets() []string {
	if v.Project == nil || v.Project.Set == nil {
		return nil
	}
	set := v.Project.Set
	var out []string
	for _, slots := range []map[string]engine.SlotValue{v.State.Slots, v.Profile.Slots} {
		for name, sv := range slots {
			if def := set.Slots[name]; def == nil || !def.PII && !def.Secret {
				continue
			}
			out = append(out, sv.Raw)
			switch x := sv.Value.(type) {
			case string:
				out = append(out, x)
			case []string:
				out = append(out, x...)
			default:
				out = append(out, engine.FormatValue(set, v.State.Language, x))
			}
		}
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

// Asked names the slots that must not be asked for in public, with what they
// are called, and the patterns their values are found by.
func (v *View) Asked() (called []string, finds []string) {
	if v.Project == nil || v.Project.Set == nil {
		return nil, nil
	}
	set := v.Project.Set
	for _, name := range set.SlotOrder {
		def := set.Slots[name]
		if def == nil || !def.PII && !def.Secret && def.Find == "" {
			continue
		}
		called = append(called, slotLabel(def, name))
		if def.Find != "" {
			finds = append(finds, def.Find)
		}
	}
	return called, finds
}
