package flows

import (
	"fmt"
	"reflect"
	"sort"
	"strings"
	"time"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// canon writes a part of a compiled set so that two parts that mean the same
// come out the same: without the places in the sources, expressions and texts
// as they were written.
func canon(v any) string {
	var b strings.Builder
	writeCanon(&b, reflect.ValueOf(v))
	return b.String()
}

func writeCanon(b *strings.Builder, v reflect.Value) {
	if !v.IsValid() {
		b.WriteByte('-')
		return
	}
	if v.CanInterface() && writeKnown(b, v.Interface()) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			b.WriteByte('-')
			return
		}
		writeCanon(b, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "At" && f.Name != "Rule" && !v.Field(i).IsZero() {
				b.WriteString(f.Name + "(")
				writeCanon(b, v.Field(i))
				b.WriteByte(')')
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			writeCanon(b, v.Index(i))
			b.WriteByte(',')
		}
	case reflect.Map:
		writeCanonMap(b, v)
	default:
		fmt.Fprintf(b, "%q", fmt.Sprint(v.Interface()))
	}
}

// writeKnown writes what has a short form of its own.
func writeKnown(b *strings.Builder, v any) bool {
	switch x := v.(type) {
	case *engine.Expr:
		if x == nil {
			b.WriteByte('-')
			return true
		}
		fmt.Fprintf(b, "%q", x.Source)
	case *engine.Template:
		if x == nil {
			b.WriteByte('-')
			return true
		}
		fmt.Fprintf(b, "%q", x.Source)
	case *time.Location:
		fmt.Fprintf(b, "%q", x.String())
	case time.Time:
		b.WriteString(x.Format(time.RFC3339Nano))
	default:
		return false
	}
	return true
}

func writeCanonMap(b *strings.Builder, v reflect.Value) {
	entries := make([]string, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		var e strings.Builder
		writeCanon(&e, it.Key())
		e.WriteByte(':')
		writeCanon(&e, it.Value())
		entries = append(entries, e.String())
	}
	sort.Strings(entries)
	b.WriteString(strings.Join(entries, ","))
}

// exitsOf collects every written way out of a part of a set.
func exitsOf(v any) []*engine.Exit {
	var out []*engine.Exit
	seen := map[*engine.Exit]bool{}
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if v.IsNil() {
				return
			}
			if e, ok := v.Interface().(*engine.Exit); ok {
				if seen[e] {
					return
				}
				seen[e] = true
				out = append(out, e)
			}
			switch v.Interface().(type) {
			case *engine.Expr, *engine.Text, *time.Location:
				return
			}
			walk(v.Elem())
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					walk(v.Field(i))
				}
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Map:
			for _, k := range v.MapKeys() {
				walk(v.MapIndex(k))
			}
		}
	}
	walk(reflect.ValueOf(v))
	return out
}

// place is the key of a file's map that a problem is about; the first line
// where there is none.
func placeOf(files *Files, path string, keys ...string) source.Range {
	first := source.Range{File: path, Line: 1, Column: 1, EndLine: 1, EndColumn: 1}
	doc, _ := source.Parse(path, files.Data[path])
	n, at := doc.Root, first
	for _, key := range keys {
		p := n.Pair(key)
		if p == nil {
			return at
		}
		at, n = p.Key.Words(), p.Value
	}
	return at
}
