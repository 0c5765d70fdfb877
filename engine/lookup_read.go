package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Ceilings of what look-ups leave behind, language.md 2.16.
const (
	maxLookups    = 20       // results kept in one conversation
	maxLookup     = 32 << 10 // bytes of one as JSON
	maxLookupsAll = 64 << 10 // bytes of all together
)

// typeMap is the type of a field that has fields of its own.
const typeMap = "map"

// keepResult reads a result by the shape that was asked for and keeps it under
// the look-up's name. False: it does not fit, or is too large.
func (t *turn) keepResult(h *Lookup, r *LookupResult) bool {
	fields, shape := h.Returns, h.shape
	if len(r.Returns) > 0 {
		var asked []LookupField
		if json.Unmarshal(r.Returns, &asked) != nil {
			return false
		}
		fields, shape = asked, r.Returns
	}
	value, ok := t.readResult(fields, r.Body)
	if !ok {
		return false
	}
	size := jsonSize(value)
	if size > maxLookup {
		return false
	}
	if h.Save == "" {
		return true
	}
	kept := maps.Clone(t.st.Lookups)
	if kept == nil {
		kept = map[string]Looked{}
	}
	t.st.Visit++
	kept[h.Save] = Looked{Value: value, Returns: shape, At: t.now.UnixMilli(), Visit: t.st.Visit}
	dropOldest(kept)
	t.st.Lookups = kept
	return true
}

// dropOldest keeps results within their number and size, the newest always.
func dropOldest(kept map[string]Looked) {
	names := slices.SortedFunc(maps.Keys(kept), func(a, b string) int { return int(kept[b].Visit - kept[a].Visit) })
	sum := 0
	for i, name := range names {
		sum += jsonSize(kept[name].Value)
		if i > 0 && (i >= maxLookups || sum > maxLookupsAll) {
			delete(kept, name)
		}
	}
}

func jsonSize(v any) int {
	raw, err := json.Marshal(v)
	if err != nil {
		return maxLookupsAll + 1
	}
	return len(raw)
}

// readResult reads the body of an answer. Where nothing is wanted of it,
// anything fits; else it is a JSON object.
func (t *turn) readResult(fields []LookupField, body json.RawMessage) (map[string]any, bool) {
	if len(fields) == 0 {
		return map[string]any{}, true
	}
	var object map[string]any
	if json.Unmarshal(body, &object) != nil || object == nil {
		return nil, false
	}
	return t.readFields(fields, object)
}

// readFields reads the declared fields; others are dropped, and a missing one
// is nil where it may be.
func (t *turn) readFields(fields []LookupField, object map[string]any) (map[string]any, bool) {
	out := make(map[string]any, len(fields))
	for i := range fields {
		f := &fields[i]
		raw := object[f.Name]
		if raw == nil {
			if !f.Optional {
				return nil, false
			}
			continue
		}
		v, ok := t.readField(f, raw)
		if !ok {
			return nil, false
		}
		out[f.Name] = v
	}
	return out, true
}

func (t *turn) readField(f *LookupField, raw any) (any, bool) {
	switch f.Type {
	case SlotNumber:
		n, ok := raw.(float64)
		return n, ok
	case SlotYesNo:
		b, ok := raw.(bool)
		return b, ok
	case SlotList:
		return readTexts(raw)
	case typeMap:
		object, ok := raw.(map[string]any)
		if !ok {
			return nil, false
		}
		return t.readFields(f.Fields, object)
	}
	s, ok := raw.(string)
	if !ok {
		return nil, false
	}
	switch f.Type {
	case SlotDate:
		return readISO(s, t.set.Timezone)
	case SlotChoice:
		return s, slices.Contains(f.Values, s)
	}
	return withoutNUL(s), true
}

// readTexts reads a list of texts.
func readTexts(raw any) (any, bool) {
	items, ok := raw.([]any)
	if !ok {
		return nil, false
	}
	list := make([]string, len(items))
	for i, item := range items {
		s, ok := item.(string)
		if !ok {
			return nil, false
		}
		list[i] = withoutNUL(s)
	}
	return list, true
}

// withoutNUL takes out what no value of a conversation may hold.
func withoutNUL(s string) string { return strings.ReplaceAll(s, "\x00", "") }

// readISO reads a date of ISO 8601: a day, or a moment with or without its
// distance from UTC. Without one it is local time of the project.
func readISO(s string, loc *time.Location) (any, bool) {
	if loc == nil {
		loc = time.UTC
	}
	for _, layout := range [...]string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if at, err := time.ParseInLocation(layout, s, loc); err == nil {
			return at, true
		}
	}
	return nil, false
}

// link writes down the shape that a call carries.
func (h *Lookup) link() error {
	if h == nil {
		return nil
	}
	if len(h.Returns) == 0 {
		h.shape = json.RawMessage("[]")
		return nil
	}
	raw, err := json.Marshal(h.Returns)
	if err != nil {
		return fmt.Errorf("returns: %w", err)
	}
	h.shape = raw
	return nil
}
