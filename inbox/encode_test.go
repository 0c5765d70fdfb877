package inbox

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dispatcher/dm"
	"dispatcher/engine"
)

// What is written by hand is, member for member, what encoding/json writes.
func TestEncodingAgreesWithStandardLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for _, v := range []any{&Body{}, &dm.Outbound{}, &engine.Trace{}, &Card{}} {
			fill(t, reflect.ValueOf(v).Elem())
			got, err := encode(nil, v)
			if err != nil {
				t.Fatal(err)
			}
			want, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			var a, b any
			if err := json.Unmarshal(got, &a); err != nil {
				t.Fatalf("%v: %s", err, got)
			}
			if err := json.Unmarshal(want, &b); err != nil || !reflect.DeepEqual(a, b) {
				t.Fatalf("\n%s\nis not\n%s", got, want)
			}
		}
	})
}

// fill gives every field a value, or none, at random.
func fill(t *rapid.T, v reflect.Value) {
	words := rapid.SampledFrom([]string{"", "plain words", `"quoted"`, "line\nline", "né 😀", "<b>&amp;\u2028", "back\\slash", "bad \xff byte", "\x7f"})
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(0, rapid.Int64Range(0, 1<<60).Draw(t, "time")).UTC()))
	case v.Type() == reflect.TypeFor[json.RawMessage]():
		v.SetBytes([]byte(rapid.SampledFrom([]string{"", `{}`, `{"a": [1, "<b>"]}`, "null"}).Draw(t, "raw")))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(t, v.Field(i))
			}
		}
	case v.Kind() == reflect.Pointer:
		if rapid.Bool().Draw(t, "there") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem())
		}
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 3).Draw(t, "len"), 3))
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case v.Kind() == reflect.String:
		v.SetString(words.Draw(t, "text"))
	case v.Kind() == reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "flag"))
	case v.CanInt():
		v.SetInt(int64(rapid.IntRange(-1, 100).Draw(t, "number")))
	case v.CanFloat():
		v.SetFloat(rapid.SampledFrom([]float64{0, 0.5, 1e21, -3}).Draw(t, "float"))
	}
}
