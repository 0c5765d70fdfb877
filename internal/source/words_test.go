package source

import (
	"fmt"
	"strings"
	"testing"
)

// The words of a scalar are found without what encloses them, in every style.
func TestWordsStandInsideWhatEnclosesThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"a: go on\n", "1:4-1:9"},
		{"a: 'go on'\n", "1:5-1:10"},
		{"a: \"go on\"\n", "1:5-1:10"},
		{"é: {b: \"go\"}\n", "1:9-1:11"},
		{"a: \"\\u0067o\"\n", "1:5-1:12"},
		{"a: 'it''s'\n", "1:5-1:10"},
		{"a: |\n  go on\n", "2:3-2:8"},
		{"a: >-\n  go\n  on\n", "2:3-3:5"},
		{"a: \"\"\n", "1:4-1:6"},
		{"a: [b, \"c\"]\n", "1:4-1:12"},
	} {
		doc, diags := Parse("f.yaml", []byte(c.in))
		if len(diags) > 0 {
			t.Fatal(c.in, diags)
		}
		n := doc.Root.Pairs[0].Value
		if n.Kind == Map {
			n = n.Pairs[0].Value
		}
		r := n.Words()
		if got := fmt.Sprintf("%d:%d-%d:%d", r.Line, r.Column, r.EndLine, r.EndColumn); got != c.want {
			t.Errorf("%q: the words stand at %s, want %s", c.in, got, c.want)
		}
	}
}

// What is written twice is called what it is.
func TestWrittenTwiceNamesWhatItIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"states:\n  menu: {}\n  \"menu\": {}\n", `3:4 state "menu" is written twice`},
		{"slots:\n  n: text\n  n: text\n", `3:3 slot "n" is written twice`},
		{"states:\n  a:\n    options:\n      Yes: b\n      Yes: c\n", `5:7 option "Yes" is written twice`},
		{"states:\n  a:\n    collect:\n      options: {Yes: b, Yes: c}\n", `4:25 option "Yes" is written twice`},
		{"states:\n  a:\n    options: [{id: x, id: y}]\n", `3:23 key "id" is written twice`},
		{"states:\n  slots: {goto: a, goto: b}\n", `2:20 key "goto" is written twice`},
		{"states:\n  a:\n    set:\n      options: x\n      options: y\n", `5:7 key "options" is written twice`},
		{"a: b\na: c\n", `2:1 key "a" is written twice`},
	} {
		_, diags := Parse("f.yaml", []byte(c.in))
		var got []string
		for _, d := range diags {
			got = append(got, fmt.Sprintf("%d:%d %s", d.Range.Line, d.Range.Column, d.Message))
			if d.Code != "E108" || len(d.Related) != 1 {
				t.Errorf("%q: %+v", c.in, d)
			}
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%q: got %s, want %s", c.in, strings.Join(got, "; "), c.want)
		}
	}
}
