// Package enginetest writes down what the engine decides, for tests that keep
// such records. It promises the same text for the same decision, and knows
// nothing of the engine but the shape of its values.
package enginetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Keys is a state as it was recorded last, by key.
type Keys map[string]string

// WriteStep writes one step: its trace, its effects, and what it changes in the
// state, which is JSON. It gives what the next step is compared with.
func WriteStep(b *bytes.Buffer, trace any, effects []any, state []byte, last Keys) Keys {
	writeTrace(b, reflect.ValueOf(trace))
	for _, e := range effects {
		fmt.Fprintf(b, "  > %s %s\n", reflect.TypeOf(e).Name(), Short(e))
	}
	var now map[string]json.RawMessage
	if err := json.Unmarshal(state, &now); err != nil {
		fmt.Fprintf(b, "  %v\n", err)
		return nil
	}
	is := Keys{}
	for key, v := range now {
		is[key] = string(v)
	}
	for _, key := range slices.Sorted(maps.Keys(is)) {
		switch before, list := strings.CutSuffix(last[key], "]"); {
		case is[key] == last[key]:
		case list && strings.HasPrefix(is[key], before+","):
			fmt.Fprintf(b, "  + %s %s\n", key, strings.TrimSuffix(is[key][len(before)+1:], "]"))
		default:
			fmt.Fprintf(b, "  = %s %s\n", key, is[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(last)) {
		if _, ok := is[key]; !ok {
			fmt.Fprintf(b, "  = no %s\n", key)
		}
	}
	return is
}

// writeTrace writes a line for the step and one for each decision; the set is
// left out, the state has it.
func writeTrace(b *bytes.Buffer, trace reflect.Value) {
	var head, steps []string
	for i := range trace.NumField() {
		switch name, v := trace.Type().Field(i).Name, trace.Field(i); {
		case name == "Set" || v.IsZero():
		case name == "Steps":
			for j := range v.Len() {
				steps = append(steps, "  "+Short(v.Index(j).Interface())+"\n")
			}
		default:
			head = append(head, name+" "+Short(v.Interface()))
		}
	}
	b.WriteString(strings.Join(head, ", ") + "\n" + strings.Join(steps, ""))
}

// Difference shows the first line that is not as recorded, with what is around
// it; "" = none.
func Difference(recorded, now string) string {
	if recorded == now {
		return ""
	}
	was, is := strings.Split(recorded, "\n"), strings.Split(now, "\n")
	at := 0
	for at < min(len(was), len(is)) && was[at] == is[at] {
		at++
	}
	from := max(at-8, 0)
	return fmt.Sprintf("line %d is not what happens.\nrecorded:\n%s\nnow:\n%s", at+1,
		strings.Join(was[from:min(at+4, len(was))], "\n"), strings.Join(is[from:min(at+4, len(is))], "\n"))
}
