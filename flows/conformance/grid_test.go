package conformance

import (
	"fmt"
	"strings"
	"testing"

	"dispatcher/engine/enginetest"
	"dispatcher/flows"
)

// TestExpressionGrid checks every operator and rule over a list with values of
// every type on both sides, as a condition and as what a slot is set to. The
// record says what is found, and where; whoever means a change writes it anew:
//
//	go test ./flows/conformance -run TestExpressionGrid -update
func TestExpressionGrid(t *testing.T) {
	t.Parallel()
	if raced {
		t.Skip("nothing here runs at once")
	}
	values := []string{"slots.t", "slots.n", "slots.y", "slots.d", "slots.c", "slots.l", "nil", "true", `"a"`, "2", `["a", "b"]`, "contact.tags", "now()"}
	var exprs []string
	for _, a := range values {
		for _, op := range []string{"==", "!=", "<", ">=", "+", "-", "in", "contains", "startsWith", "matches", "and", "or", "??"} {
			for _, b := range values {
				exprs = append(exprs, a+" "+op+" "+b)
			}
		}
		for _, form := range []string{"not %s", "-%s", "%s ? 1 : 2", "any(%s, # == \"a\")", "all(%s, #)", "count(%s, # > 1)", "filter(%s, not #)", "map(%s, #)", "len(%s)", "%s[0]", "%s | upper()", "empty(%s)", "days_since(%s)", "max(1, %s)"} {
			exprs = append(exprs, fmt.Sprintf(form, a))
		}
	}
	for _, n := range []int{63, 64, 65} {
		exprs = append(exprs, strings.Repeat("(", n)+"true"+strings.Repeat(")", n), strings.Repeat("not ", n)+"true", strings.Repeat("!", n)+"true", strings.Repeat("(-1 == 2) or ", n)+"true")
	}
	for _, n := range []int{248, 249, 250, 251} {
		exprs = append(exprs, strings.Repeat("1+", n)+"1 > 0", `"`+strings.Repeat("é", n*8-7)+`" == "a"`)
	}
	now := map[string]string{}
	for _, use := range []string{"if", "set"} {
		var lines []string
		for _, e := range exprs {
			if found := expressionIn(use, e); found != "" {
				lines = append(lines, fmt.Sprintf("%.60s: %s", e, found))
			}
		}
		now[use] = strings.Join(lines, "\n") + "\n"
	}
	const path = "testdata/records/expressions.grid"
	if d, err := enginetest.Compare(path, now, *update); err != nil || d != "" {
		t.Error(err, d)
	}
}

// expressionIn is what check finds in one expression.
func expressionIn(use, expr string) string {
	quoted := "'" + strings.ReplaceAll(expr, "'", "''") + "'"
	state := "branch: [{if: " + quoted + ", goto: bye}, {else: bye}]"
	if use == "set" {
		state = "set: {t: '{{ " + strings.ReplaceAll(expr, "'", "''") + " }}'}\n    goto: bye"
	}
	p := flows.Load(&flows.Files{Name: "shop", Data: map[string][]byte{
		"dispatcher.yaml": []byte("dispatcher: 1\nproject: shop\nstart: a\nlanguages: [en]\nqueues: {general: {}}\ndefault_queue: general\n"),
		"flows/a.yaml": []byte("flow: a\nslots: {t: text, n: number, y: yes_no, d: date, l: list, c: {type: choice, values: [a, b]}}\nstates:\n  start:\n    " +
			state + "\n  bye: {say: Bye., resolve: done}\n"),
	}}, options(""))
	var out []string
	for _, d := range p.Diagnostics {
		if d.Range.File == "flows/a.yaml" && d.Range.Line > 3 && d.Range.Line < 7 && d.Code != "W331" {
			out = append(out, fmt.Sprintf("%s %d-%d %s", d.Code, d.Range.Column, d.Range.EndColumn, d.Message))
		}
	}
	return strings.Join(out, "; ")
}
