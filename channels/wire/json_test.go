package wire_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dispatcher/channels"
	"dispatcher/channels/wire"
)

func TestReadJSONRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", wire.MaxDepth+1) + strings.Repeat("]", wire.MaxDepth+1)
	for name, c := range map[string]struct {
		body string
		want error
	}{
		"empty":              {"", wire.ErrSyntax},
		"words":              {"hello", wire.ErrSyntax},
		"single quotes":      {"{'a':1}", wire.ErrSyntax},
		"trailing comma":     {`{"a":1,}`, wire.ErrSyntax},
		"array comma":        {`[1,]`, wire.ErrSyntax},
		"no colon":           {`{"a" 1}`, wire.ErrSyntax},
		"open string":        {`{"a":"b`, wire.ErrSyntax},
		"raw newline":        {"{\"a\":\"b\n\"}", wire.ErrSyntax},
		"bad escape":         {`{"a":"\x"}`, wire.ErrSyntax},
		"short escape":       {`{"a":"\u12"}`, wire.ErrSyntax},
		"leading zero":       {`{"a":01}`, wire.ErrSyntax},
		"plus":               {`{"a":+1}`, wire.ErrSyntax},
		"nan":                {`{"a":NaN}`, wire.ErrSyntax},
		"dot":                {`{"a":1.}`, wire.ErrSyntax},
		"exponent":           {`{"a":1e}`, wire.ErrSyntax},
		"cut word":           {`{"a":tru}`, wire.ErrSyntax},
		"two values":         {`{} {}`, wire.ErrTrailing},
		"trailing letter":    {`{}x`, wire.ErrTrailing},
		"duplicate":          {`{"a":1,"a":2}`, wire.ErrDuplicate},
		"duplicate, escaped": {`{"a":1,"\u0061":2}`, wire.ErrDuplicate},
		"duplicate, nested":  {`{"x":[{"a":1,"b":2,"a":3}]}`, wire.ErrDuplicate},
		"bytes":              {"{\"a\":\"\xff\"}", wire.ErrUTF8},
		"deep":               {deep, wire.ErrTooDeep},
	} {
		if _, err := wire.ReadJSON([]byte(c.body)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if _, err := wire.ReadJSON([]byte(deep)); !errors.Is(err, channels.ErrTooLarge) {
		t.Error("too deep is not answered 413")
	}
	if _, err := wire.ReadJSON([]byte("x")); !errors.Is(err, channels.ErrMalformed) {
		t.Error("no JSON is not answered 400")
	}
	if _, err := wire.ReadJSON([]byte(deep[1 : len(deep)-1])); err != nil {
		t.Errorf("depth %d is refused: %v", wire.MaxDepth, err)
	}
}

func TestManyKeysOneTwice(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 100 {
		b.WriteString(`"k` + strings.Repeat("x", i) + `":1,`)
	}
	if _, err := wire.ReadJSON([]byte("{" + b.String() + `"kx":2}`)); !errors.Is(err, wire.ErrDuplicate) {
		t.Errorf("got %v", err)
	}
	if _, err := wire.ReadJSON([]byte("{" + b.String() + `"other":2}`)); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestValueIsCaseSensitiveAndTolerant(t *testing.T) {
	t.Parallel()
	v, err := wire.ReadJSON([]byte(` {"Text":"a","text":"b\ud83d\ude00\ud800","n":12,"f":1.5,"neg":-7,"list":[1, "2" ,{"x":null}],"nil":null,"t":true} `))
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Get("text").Text(); got != "b😀\uFFFD" {
		t.Errorf("text %q", got)
	}
	if v.Get("TEXT").Exists() || v.Get("n", "deeper").Exists() || v.Get("nil").Exists() {
		t.Error("something is there that is not")
	}
	if n, ok := v.Get("n").Int(); n != 12 || !ok {
		t.Error("n")
	}
	if n, ok := v.Get("neg").Int(); n != -7 || !ok {
		t.Error("neg")
	}
	if f, ok := v.Get("f").Float(); f != 1.5 || !ok {
		t.Error("f")
	}
	if _, ok := v.Get("text").Int(); ok {
		t.Error("text is no number")
	}
	if v.Get("n").ID() != "12" || !v.Get("t").Bool() || v.Get("n").Bool() || v.Get("n").Text() != "" {
		t.Error("kinds are mixed up")
	}
	if v.Get("list").Len(10) != 3 || v.Get("list").Len(1) != 2 || v.Get("n").Len(5) != 0 {
		t.Error("length of a list")
	}
}

// An Object says the same as its Value, of what is there and of what is not.
func TestObjectAgreesWithValue(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `[1]`, `"text"`, `{"a":{"b":[1,{"c":2}]},"d":"e","\u0066":"escaped","g":null,"h":7}`} {
		v, err := wire.ReadJSON([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		o := v.Object()
		if o.IsObject() != v.IsObject() {
			t.Errorf("%s: is it an object?", body)
		}
		for _, path := range [][]string{{"a"}, {"a", "b"}, {"a", "x"}, {"d"}, {"d", "e"}, {"f"}, {"g"}, {"h"}, {"nothing"}} {
			if got, want := o.Get(path[0], path[1:]...), v.Get(path...); string(got.Raw()) != string(want.Raw()) {
				t.Errorf("%s: %v is %s, not %s", body, path, got.Raw(), want.Raw())
			}
		}
	}
}

// TestValueAgreesWithStandardLibrary reads what encoding/json wrote.
func TestValueAgreesWithStandardLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "m")
		clean := map[string]string{}
		raw, err := json.Marshal(m)
		if err != nil {
			t.Skip()
		}
		if json.Unmarshal(raw, &clean) != nil || len(clean) != len(m) {
			t.Skip("keys that differ in invalid bytes only")
		}
		v, err := wire.ReadJSON(raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		n := 0
		v.Fields(func(k string, val wire.Value) bool {
			n++
			if clean[k] != val.Text() {
				t.Fatalf("%q: %q, want %q", k, val.Text(), clean[k])
			}
			return true
		})
		if n != len(clean) {
			t.Fatalf("%d fields of %d", n, len(clean))
		}
	})
}

// FuzzReadJSON: what we take the standard library takes too, and no accessor panics.
func FuzzReadJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":"\u00e9"}]}`, `[[[]]]`, `{"a":-0.1e+9}`, ` null `, `"\ud83d"`, `{"":{"":0}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := wire.ReadJSON(body)
		if err != nil {
			return
		}
		if !json.Valid(body) {
			t.Fatalf("taken, but not JSON: %q", body)
		}
		walk(v)
	})
}

func walk(v wire.Value) {
	_, _, _ = v.Text(), v.ID(), v.Exists()
	v.Fields(func(_ string, x wire.Value) bool { walk(x); return true })
	v.Items(func(x wire.Value) bool { walk(x); return true })
}
