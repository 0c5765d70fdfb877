package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// requestPath renders path and query, every value escaped for where it stands.
// It says no where a value would name another folder than the one it stands in.
func (t *turn) requestPath(h *Lookup) (path string, ok bool) {
	var b strings.Builder
	plain, valued := "", false // the path before it is escaped; it holds a value
	ok = true
	t.eachPart(h.Path, func(lit string) {
		if !strings.Contains(b.String(), "?") {
			before, _, _ := strings.Cut(lit, "?")
			plain += before
		}
		b.WriteString(escapeWritten(lit))
	}, func(value string) {
		if strings.Contains(b.String(), "?") {
			b.WriteString(url.QueryEscape(value))
			return
		}
		plain, valued, ok = plain+value, true, ok && !climbs(value)
		b.WriteString(url.PathEscape(value))
	})
	ok = ok && !(valued && climbs(plain))
	join := byte('?')
	if strings.Contains(b.String(), "?") {
		join = '&'
	}
	for i := range h.Query {
		value := t.machineText(h.Query[i].Text)
		if strings.TrimSpace(value) == "" {
			continue
		}
		b.WriteByte(join)
		b.WriteString(url.QueryEscape(h.Query[i].Name) + "=" + url.QueryEscape(value))
		join = '&'
	}
	if b.Len() > maxRendered {
		t.fail(h.At.String(), errLongText)
	}
	return b.String(), ok
}

// climbs says that a part of a path names this folder or the one above. Servers
// undo escapes before they look, so escaping it would not help.
func climbs(path string) bool {
	for part := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

// escapeWritten lets what a designer wrote stand and escapes what no address
// may hold.
func escapeWritten(lit string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(lit); i++ {
		c := lit[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"#<>\\^`{|}", c) >= 0 {
			b.WriteString("%" + hex[c>>4:c>>4+1] + hex[c&15:c&15+1])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// eachPart gives the parts of a text in order: what is written, and values in
// the form that services read.
func (t *turn) eachPart(tx *Text, written, value func(string)) {
	if tx == nil {
		return
	}
	tpl := tx.in(t.lang, t.set.first())
	if tpl == nil {
		return
	}
	for _, p := range tpl.Parts {
		if p.Expr == nil {
			written(p.Lit)
			continue
		}
		value(t.machineValue(t.must(p.Expr)))
	}
}

// must is the value of an expression of a request.
func (t *turn) must(x *Expr) any {
	v, err := t.eval.eval(x)
	if err != nil {
		t.fail(x.Rule, err)
	}
	return v
}

// machineText renders a text with its values in the form that services read.
func (t *turn) machineText(tx *Text) string {
	var b strings.Builder
	add := func(s string) { b.WriteString(s) }
	t.eachPart(tx, add, add)
	return b.String()
}

// machineValue is a value in an address: no language, no thousands, ISO dates.
func (t *turn) machineValue(v any) string {
	switch x := t.plain(v).(type) {
	case nil:
		return ""
	case string:
		return x
	case bool:
		return strconv.FormatBool(x)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case []any:
		items := make([]string, len(x))
		for i := range x {
			items[i] = t.machineValue(x[i])
		}
		return strings.Join(items, ",")
	case map[string]any: // media
		kind, _ := x["kind"].(string)
		return kind
	}
	return ""
}

// plain is a value of the language as JSON holds it: dates are ISO texts.
func (t *turn) plain(v any) any {
	switch x := v.(type) {
	case time.Time:
		return t.isoDate(x)
	case []string:
		list := make([]any, len(x))
		for i := range x {
			list[i] = x[i]
		}
		return list
	case []any:
		list := make([]any, len(x))
		for i := range x {
			list[i] = t.plain(x[i])
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(x))
		for name := range x {
			m[name] = t.plain(x[name])
		}
		return m
	}
	if n, ok := number(v); ok {
		return n
	}
	return v
}

// isoDate writes a moment as services read it: a day alone where it is one.
func (t *turn) isoDate(at time.Time) string {
	if l := t.local(at); l.Hour() == 0 && l.Minute() == 0 && l.Second() == 0 && l.Nanosecond() == 0 {
		return l.Format(time.DateOnly)
	}
	return at.UTC().Format(time.RFC3339)
}

// requestBody renders the body, nil when the look-up has none. Its maps keep
// the order they are written in.
func (t *turn) requestBody(h *Lookup) json.RawMessage {
	if h.JSON == nil {
		return nil
	}
	var b bytes.Buffer
	if err := t.writeJSON(&b, h.JSON); err != nil {
		t.fail(h.At.String(), err)
	}
	return b.Bytes()
}

func (t *turn) writeJSON(b *bytes.Buffer, v *JSONValue) error {
	switch {
	case v.IsMap || len(v.Map) > 0:
		return t.writeMap(b, v.Map)
	case v.IsList || len(v.List) > 0:
		return t.writeList(b, v.List)
	case v.Expr != nil:
		return writeValue(b, t.plain(t.must(v.Expr)))
	case v.Text != nil:
		return writeValue(b, t.text(v.Text))
	}
	return writeValue(b, nil)
}

func (t *turn) writeMap(b *bytes.Buffer, entries []JSONEntry) error {
	b.WriteByte('{')
	for i := range entries {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := writeValue(b, entries[i].Name); err != nil {
			return err
		}
		b.WriteByte(':')
		if err := t.writeJSON(b, entries[i].Value); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

func (t *turn) writeList(b *bytes.Buffer, items []*JSONValue) error {
	b.WriteByte('[')
	for i, item := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := t.writeJSON(b, item); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	return nil
}

func writeValue(b *bytes.Buffer, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("request body: %w", err)
	}
	b.Write(raw)
	return nil
}
