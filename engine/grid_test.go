package engine

import (
	"fmt"
	"strings"
	"testing"

	"dispatcher/engine/enginetest"
)

// TestExpressionValues works out every operator and function over values of
// every type, nothing among them. The record says what comes out; whoever means
// a change writes it anew:
//
//	go test ./engine -run TestExpressionValues -update
func TestExpressionValues(t *testing.T) {
	t.Parallel()
	values := []string{"slots.n", "slots.s", "slots.d", "slots.l", "slots.nope", "true", "7", "-2.5", `"abc"`, `""`, `[]`, "contact.tags"}
	var lines []string
	add := func(form string, args ...any) {
		src := fmt.Sprintf(form, args...)
		out, err := run(t, src)
		line := fmt.Sprintf("%s = %s", src, enginetest.Short(out))
		if err != nil {
			line, _, _ = strings.Cut(strings.TrimPrefix(err.Error(), "here: "), "\n")
			line = src + ": " + line
		}
		lines = append(lines, line)
	}
	for _, a := range values {
		for _, op := range []string{"==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "in", "not in", "contains", "startsWith", "endsWith", "matches", "and", "or", "??"} {
			for _, b := range values {
				add("%s %s %s", a, op, b)
			}
		}
		for _, form := range []string{"not %s", "-%s", "any(%s, # == \"a\")", "all(%s, # != \"a\")", "count(%s, # == \"a\")", "filter(%s, # == \"a\")", "map(%s, # + \"x\")", "len(%s)", "%s[0]", "%s[-1]", "%s[1]",
			"upper(%s)", "trim(%s)", "string(%s)", "number(%s)", "round(%s)", "floor(%s)", "ceil(%s)", "abs(%s)", "min(1, %s)", "max(1, %s)", "empty(%s)", "days_since(%s)", "hours_since(%s)", "%s | day()", "%s | date()",
			"%s | time()", "money(%s)", "mask(%s)", "plural(%s, \"a\", \"b\")", "luhn(%s)", "mod97(%s)", "mod11(%s)", "mentions(%s, \"abc\")", "fuzzy(%s, \"abd\")", "surveyed_within(%s)", "wait_minutes(%s)", "sample(%s)", "join(%s, \", \")"} {
			add(form, a)
		}
	}
	for _, s := range []string{"a", "ab", "abc", "abcd", "12", "123", "1s", "59m", "1h30m", "30d", "9d", "0d", "1 d", ":", "/1", "GB82WEST12345698765432", "1 234.50", "٣"} {
		for _, form := range []string{"mask(%q)", "number(%q)", "luhn(%q)", "mod97(%q)", "mod11(%q)", "surveyed_within(%q)", "len(%q)", "open(%q)", "upper(%q)"} {
			add(form, s)
		}
	}
	for _, n := range []string{"0", "0.5", "1", "1.5", "2", "999", "999.995", "1000", "1000000", "-1", "-0.4", "0.1 + 0.2"} {
		for _, form := range []string{"string(%s)", "money(%s)", "round(%s)", "plural(%s, \"item\", \"items\")", "sample(%s)"} {
			add(form, n)
		}
	}
	const path = "testdata/records/TestExpressionValues.txt"
	now := map[string]string{"values": strings.Join(lines, "\n") + "\n"}
	if d, err := enginetest.Compare(path, now, *update); err != nil || d != "" {
		t.Error(err, d)
	}
}
