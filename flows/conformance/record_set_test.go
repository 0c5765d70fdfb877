package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"dispatcher/engine"
)

// writeSet writes a compiled set as its readers see it, a line for each state
// and slot.
func writeSet(b *bytes.Buffer, set *engine.Set) {
	whole := *set
	whole.ID, whole.Flows, whole.Slots = "", nil, nil
	fmt.Fprintf(b, "set %s\n", short(whole))
	for _, name := range set.FlowOrder {
		flow := *set.Flows[name]
		states := flow.States
		flow.States = nil
		fmt.Fprintf(b, "flow %s\n", short(flow))
		for _, state := range flow.StateOrder {
			fmt.Fprintf(b, "  state %s %s\n", state, short(states[state]))
		}
	}
	for _, name := range set.SlotOrder {
		fmt.Fprintf(b, "slot %s\n", short(set.Slots[name]))
	}
}

// short is a value in one line: fields that are empty are left out.
func short(v any) string {
	var b strings.Builder
	writeShort(&b, reflect.ValueOf(v))
	return b.String()
}

func writeShort(b *strings.Builder, v reflect.Value) {
	if !v.IsValid() {
		b.WriteByte('-')
		return
	}
	if v.CanInterface() && writeWord(b, v.Interface()) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		writeShort(b, v.Elem())
	case reflect.Struct:
		b.WriteByte('{')
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !v.Field(i).IsZero() {
				b.WriteString(f.Name + ":")
				writeShort(b, v.Field(i))
				b.WriteByte(' ')
			}
		}
		b.WriteByte('}')
	case reflect.Slice, reflect.Array:
		b.WriteByte('[')
		for i := range v.Len() {
			writeShort(b, v.Index(i))
			b.WriteByte(' ')
		}
		b.WriteByte(']')
	case reflect.Map:
		var entries []string
		for it := v.MapRange(); it.Next(); {
			var e strings.Builder
			writeShort(&e, it.Key())
			e.WriteByte('=')
			writeShort(&e, it.Value())
			entries = append(entries, e.String())
		}
		slices.Sort(entries)
		b.WriteString("{" + strings.Join(entries, " ") + "}")
	case reflect.Func, reflect.Chan:
		b.WriteString("func")
	default:
		fmt.Fprint(b, v.Interface())
	}
}

// writeWord writes what has a short form of its own.
func writeWord(b *strings.Builder, v any) bool {
	switch x := v.(type) {
	case string:
		fmt.Fprintf(b, "%q", x)
	case engine.Place:
		b.WriteString(x.String())
	case json.RawMessage:
		b.Write(x)
	case time.Time:
		b.WriteString(x.Format(time.RFC3339Nano))
	case time.Duration:
		b.WriteString(x.String())
	case *time.Location:
		if x != nil {
			b.WriteString(x.String())
		}
	case *engine.Expr:
		if x != nil {
			fmt.Fprintf(b, "`%s`", x.Source)
		}
	case *engine.Template:
		if x != nil {
			fmt.Fprintf(b, "`%s`", x.Source)
		}
	default:
		return false
	}
	return true
}
