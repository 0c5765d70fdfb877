package engine

import "slices"

// rootSlots is the environment name that slots stand under.
const rootSlots = "slots"

// dependsOn says whether an expression names a slot or a look-up that a
// correction has changed. Changed holds slots.NAME and names of look-ups.
func (t *turn) dependsOn(x *Expr) bool {
	if x == nil || t.re == nil {
		return false
	}
	for _, r := range x.reads {
		switch {
		case r.root != rootSlots:
			if slices.Contains(t.re.Changed, r.root) {
				return true
			}
		case r.field == "" || slices.Contains(t.re.Changed, slotName(r.field)):
			return true
		}
	}
	for _, name := range x.canned {
		if c := t.set.Canned[name]; c != nil && t.textDepends(c.Text) {
			return true
		}
	}
	return false
}

// slotName is how a changed slot is written down.
func slotName(slot string) string { return rootSlots + "." + slot }

// changed notes that what names a slot or look-up has to be done again.
func (t *turn) changed(name string) {
	if !slices.Contains(t.re.Changed, name) {
		t.re.Changed = append(slices.Clip(t.re.Changed), name)
	}
}

func (t *turn) textDepends(tx *Text) bool {
	if tx == nil {
		return false
	}
	for _, tpl := range tx.Lang {
		if slices.ContainsFunc(tpl.Parts, func(p Part) bool { return t.dependsOn(p.Expr) }) {
			return true
		}
	}
	return slices.ContainsFunc(tx.Any, t.textDepends)
}

func (t *turn) itemDepends(it *SayItem) bool {
	return t.textDepends(it.Text) ||
		slices.ContainsFunc(it.Group, func(a SayArm) bool { return t.dependsOn(a.If) || t.textDepends(a.Text) })
}

// lookupDepends says whether a request would be another one now.
func (t *turn) lookupDepends(h *Lookup) bool {
	return t.textDepends(h.Path) || t.jsonDepends(h.JSON) ||
		slices.ContainsFunc(h.Query, func(p LookupParam) bool { return t.textDepends(p.Text) })
}

func (t *turn) jsonDepends(v *JSONValue) bool {
	if v == nil {
		return false
	}
	return t.textDepends(v.Text) || t.dependsOn(v.Expr) || slices.ContainsFunc(v.List, t.jsonDepends) ||
		slices.ContainsFunc(v.Map, func(e JSONEntry) bool { return t.jsonDepends(e.Value) })
}

// assignAgain does those of a list of set that depend on what was corrected;
// what they fill has changed too.
func (t *turn) assignAgain(list []SetSlot) {
	for i := range list {
		if s := &list[i]; t.dependsOn(s.Expr) || t.textDepends(s.Text) {
			t.assign(list[i : i+1])
			t.changed(slotName(s.Slot))
		}
	}
}

// tagAgain does so for tags.
func (t *turn) tagAgain(texts []*Text, do func([]*Text)) {
	for i := range texts {
		if t.textDepends(texts[i]) {
			do(texts[i : i+1])
		}
	}
}
