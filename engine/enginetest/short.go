package enginetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Short is a value in one line: fields that are empty are left out.
func Short(v any) string {
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
		if v.Elem().Kind() == reflect.Struct && v.Kind() == reflect.Interface {
			b.WriteString(v.Elem().Type().Name())
		}
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

// writeWord writes what has a short form of its own: an expression or a text as
// it was written, whatever knows how it is called.
func writeWord(b *strings.Builder, v any) bool {
	switch x := v.(type) {
	case string:
		fmt.Fprintf(b, "%q", x)
		return true
	case json.RawMessage:
		b.Write(x)
		return true
	case time.Time:
		b.WriteString(x.Format(time.RFC3339Nano))
		return true
	case fmt.Stringer:
		if p := reflect.ValueOf(v); p.Kind() != reflect.Pointer || !p.IsNil() {
			b.WriteString(x.String())
		}
		return true
	}
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && !p.IsNil() && p.Elem().Kind() == reflect.Struct {
		if source := p.Elem().FieldByName("Source"); source.IsValid() && source.Kind() == reflect.String {
			b.WriteString("`" + source.String() + "`")
			return true
		}
	}
	return false
}
