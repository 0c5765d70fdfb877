package wire

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"dispatcher/channels"
)

// MaxDepth is how deep JSON may nest, and MaxEvents how many events one body may carry (channels.md 5).
const (
	MaxDepth  = 32
	MaxEvents = 1000
)

// Problems of JSON. Each wraps channels.ErrMalformed, ErrTooDeep channels.ErrTooLarge.
var (
	ErrSyntax    = fmt.Errorf("not valid JSON: %w", channels.ErrMalformed)
	ErrUTF8      = fmt.Errorf("not valid UTF-8: %w", channels.ErrMalformed)
	ErrDuplicate = fmt.Errorf("a key is written twice: %w", channels.ErrMalformed)
	ErrTrailing  = fmt.Errorf("bytes after the JSON value: %w", channels.ErrMalformed)
	ErrTooDeep   = fmt.Errorf("JSON nests deeper than %d: %w", MaxDepth, channels.ErrTooLarge)
	ErrTooMany   = fmt.Errorf("more than %d events in one body: %w", MaxEvents, channels.ErrTooLarge)
)

// Value is one JSON value inside a checked body. The zero Value is a value
// that is not there; every accessor of a missing or differently typed value
// gives the zero of what was asked.
type Value struct{ raw []byte }

// ReadJSON checks a whole body, RFC 8259 to the letter, and gives its value.
// Keys are compared after unescaping, case by case.
func ReadJSON(body []byte) (Value, error) {
	if !utf8.Valid(body) {
		return Value{}, ErrUTF8
	}
	s := scanner{b: body}
	s.space()
	start := s.i
	if err := s.value(0); err != nil {
		return Value{}, err
	}
	end := s.i
	s.space()
	if s.i != len(body) {
		return Value{}, ErrTrailing
	}
	return Value{body[start:end]}, nil
}

// Raw is the value's own bytes.
func (v Value) Raw() []byte { return v.raw }

// Exists says that the value is there and not null.
func (v Value) Exists() bool { return len(v.raw) > 0 && v.raw[0] != 'n' }

// IsObject says whether the value is an object.
func (v Value) IsObject() bool { return len(v.raw) > 0 && v.raw[0] == '{' }

// IsArray says whether the value is an array.
func (v Value) IsArray() bool { return len(v.raw) > 0 && v.raw[0] == '[' }

// IsString says whether the value is a string.
func (v Value) IsString() bool { return len(v.raw) > 0 && v.raw[0] == '"' }

// Get walks into objects by keys.
func (v Value) Get(path ...string) Value {
	for _, key := range path {
		next := Value{}
		v.fields(func(quoted []byte, val Value) bool {
			if !isKey(quoted, key) {
				return true
			}
			next = val
			return false
		})
		v = next
	}
	return v
}

// Object is an object whose entries were found once, for whoever asks for many
// of them, and for those that are not there.
type Object struct {
	Value
	entries []entry
}

type entry struct {
	quoted []byte
	val    Value
}

// Object gives the value as an Object; one without entries when it is none.
func (v Value) Object() Object {
	o := Object{Value: v}
	if v.IsObject() {
		o.entries = make([]entry, 0, 4)
	}
	v.fields(func(quoted []byte, val Value) bool {
		o.entries = append(o.entries, entry{quoted, val})
		return true
	})
	return o
}

// Get walks into objects by keys; at least one.
func (o Object) Get(key string, path ...string) Value {
	for _, e := range o.entries {
		if isKey(e.quoted, key) {
			return e.val.Get(path...)
		}
	}
	return Value{}
}

// Fields visits the entries of an object in written order until yield says false.
func (v Value) Fields(yield func(key string, val Value) bool) {
	v.fields(func(quoted []byte, val Value) bool { return yield(unquote(quoted), val) })
}

// isKey says whether a key as it was written is this one.
func isKey(quoted []byte, key string) bool {
	in := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(in, '\\') < 0 {
		return string(in) == key
	}
	return unquote(quoted) == key
}

// fields is Fields with the keys as they were written.
func (v Value) fields(yield func(quoted []byte, val Value) bool) {
	if !v.IsObject() {
		return
	}
	s := scanner{b: v.raw, i: 1}
	for s.space(); s.i < len(s.b) && s.b[s.i] == '"'; s.space() {
		key := s.skip()
		s.space()
		s.i++ // the colon
		s.space()
		if !yield(key, Value{s.skip()}) {
			return
		}
		s.space()
		if s.b[s.i] == ',' {
			s.i++
		}
	}
}

// Items visits the items of an array in order until yield says false.
func (v Value) Items(yield func(item Value) bool) {
	if !v.IsArray() {
		return
	}
	s := scanner{b: v.raw, i: 1}
	for s.space(); s.i < len(s.b) && s.b[s.i] != ']'; s.space() {
		if !yield(Value{s.skip()}) {
			return
		}
		s.space()
		if s.b[s.i] == ',' {
			s.i++
		}
	}
}

// Len is the number of items of an array, counted up to limit + 1.
func (v Value) Len(limit int) int {
	n := 0
	v.Items(func(Value) bool { n++; return n <= limit })
	return n
}

// Text is a string's value; lone surrogates become U+FFFD.
func (v Value) Text() string {
	if !v.IsString() {
		return ""
	}
	return unquote(v.raw)
}

// ID is a string's value, or a number as it was written: ids are opaque, and
// some systems write them without quotes.
func (v Value) ID() string {
	if len(v.raw) > 0 && (v.raw[0] == '-' || v.raw[0] >= '0' && v.raw[0] <= '9') {
		return ShortID(string(v.raw))
	}
	return ShortID(v.Text())
}

// Int is a whole number, written as a number or inside a string.
func (v Value) Int() (n int64, ok bool) {
	n, err := strconv.ParseInt(v.ID(), 10, 64)
	return n, err == nil
}

// Float is a number.
func (v Value) Float() (f float64, ok bool) {
	if len(v.raw) == 0 || v.raw[0] == '"' {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v.raw), 64)
	return f, err == nil
}

// Bool is true for the literal true only.
func (v Value) Bool() bool { return string(v.raw) == "true" }

// scanner walks JSON bytes without building anything.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) space() {
	for s.i < len(s.b) && (s.b[s.i] == ' ' || s.b[s.i] == '\t' || s.b[s.i] == '\n' || s.b[s.i] == '\r') {
		s.i++
	}
}

// value checks one value and steps over it.
func (s *scanner) value(depth int) error {
	if s.i >= len(s.b) {
		return ErrSyntax
	}
	switch c := s.b[s.i]; {
	case c == '{' || c == '[':
		if depth == MaxDepth {
			return ErrTooDeep
		}
		s.i++
		if c == '{' {
			return s.object(depth + 1)
		}
		return s.array(depth + 1)
	case c == '"':
		return s.text()
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(s.b[s.i:], []byte(word)) {
			s.i += len(word)
			return nil
		}
	}
	return ErrSyntax
}

func (s *scanner) object(depth int) error {
	var room [8][]byte
	keys := keySet{few: room[:0]}
	s.space()
	if s.take('}') {
		return nil
	}
	for {
		s.space()
		start := s.i
		if s.i >= len(s.b) || s.b[s.i] != '"' {
			return ErrSyntax
		}
		if err := s.text(); err != nil {
			return err
		}
		if !keys.add(s.b[start:s.i]) {
			return ErrDuplicate
		}
		s.space()
		if !s.take(':') {
			return ErrSyntax
		}
		s.space()
		if err := s.value(depth); err != nil {
			return err
		}
		s.space()
		if s.take('}') {
			return nil
		}
		if !s.take(',') {
			return ErrSyntax
		}
	}
}

func (s *scanner) array(depth int) error {
	s.space()
	if s.take(']') {
		return nil
	}
	for {
		s.space()
		if err := s.value(depth); err != nil {
			return err
		}
		s.space()
		if s.take(']') {
			return nil
		}
		if !s.take(',') {
			return ErrSyntax
		}
	}
}

func (s *scanner) take(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

func (s *scanner) text() error {
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return nil
		case c < 0x20:
			return ErrSyntax
		case c == '\\':
			if !s.escape() {
				return ErrSyntax
			}
		}
	}
	return ErrSyntax
}

// escape checks the escape at i and stops at its last byte.
func (s *scanner) escape() bool {
	s.i++
	if s.i >= len(s.b) {
		return false
	}
	if s.b[s.i] != 'u' {
		return bytes.IndexByte([]byte(`"\/bfnrt`), s.b[s.i]) >= 0
	}
	if s.i+4 >= len(s.b) {
		return false
	}
	for _, c := range s.b[s.i+1 : s.i+5] {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	s.i += 4
	return true
}

func (s *scanner) number() error {
	s.take('-')
	if !s.take('0') && s.digits() == 0 {
		return ErrSyntax
	}
	if s.take('.') && s.digits() == 0 {
		return ErrSyntax
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		if s.digits() == 0 {
			return ErrSyntax
		}
	}
	return nil
}

func (s *scanner) digits() (n int) {
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
		n++
	}
	return n
}

// skip steps over a value that was checked before and returns its bytes.
func (s *scanner) skip() []byte {
	start, depth := s.i, 0
	for ; s.i < len(s.b); s.i++ {
		switch s.b[s.i] {
		case '"':
			_ = s.text() // was checked
			s.i--
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth < 0 {
				return s.b[start:s.i]
			}
		case ',', ' ', '\t', '\n', '\r', ':':
			if depth == 0 {
				return s.b[start:s.i]
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			s.i++
			return s.b[start:s.i]
		}
	}
	return s.b[start:]
}

// keySet finds a key that is written twice in one object. Few keys are
// compared one by one, many go to a map.
type keySet struct {
	few  [][]byte
	many map[string]bool
}

func (k *keySet) add(quoted []byte) bool {
	if bytes.IndexByte(quoted, '\\') >= 0 {
		quoted = []byte(`"` + unquote(quoted) + `"`)
	}
	if k.many != nil {
		if k.many[string(quoted)] {
			return false
		}
		k.many[string(quoted)] = true
		return true
	}
	for _, seen := range k.few {
		if bytes.Equal(seen, quoted) {
			return false
		}
	}
	k.few = append(k.few, quoted)
	if len(k.few) > 16 {
		k.many = make(map[string]bool, 2*len(k.few))
		for _, seen := range k.few {
			k.many[string(seen)] = true
		}
	}
	return true
}

// unquote gives the words of a checked JSON string.
func unquote(quoted []byte) string {
	in := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(in, '\\') < 0 {
		return string(in)
	}
	out := make([]byte, 0, len(in))
	for i := 0; i < len(in); i++ {
		if in[i] != '\\' {
			out = append(out, in[i])
			continue
		}
		i++
		if in[i] != 'u' {
			out = append(out, plainEscape(in[i]))
			continue
		}
		r := hex4(in[i+1:])
		i += 4
		if utf16.IsSurrogate(r) && i+6 < len(in) && in[i+1] == '\\' && in[i+2] == 'u' {
			if pair := utf16.DecodeRune(r, hex4(in[i+3:])); pair != utf8.RuneError {
				r = pair
				i += 6
			}
		}
		out = utf8.AppendRune(out, r) // a lone surrogate becomes U+FFFD
	}
	return string(out)
}

func plainEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

func hex4(b []byte) rune {
	n, _ := strconv.ParseUint(string(b[:4]), 16, 32) // the scanner has seen four hex digits
	return rune(n)
}
