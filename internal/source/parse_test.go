package source

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseErrors(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, in, want string }{
		{"colon", "a: b: c\n", "1:5 E003"},
		{"deeper", "a: b\n  c: d\n", "2:3 E006"},
		{"quote to the end", "a: \"x\nb: c\n", "1:4 E005"},
		{"quote closed by the next", "say: \"Hello\ngoto: x\nother: \"foo\"\n", "1:6 E005"},
		{"braces", "a: {{ x }}\n", "1:4 E004"},
		{"braces and text", "a: {{ x }} foo\n", "1:4 E004"},
		{"braces in list", "a:\n  - {{ x }} foo\n", "2:5 E004"},
		{"alias", "a: *foo\n", "1:4 E008"},
		{"anchor", "a: &x b\n", "1:4 E008"},
		{"merge", "<<: {a: b}\n", "1:1 E008"},
		{"tag", "a: !foo b\n", "1:4 E008"},
		{"multi-byte", "a: é b: c\n", "1:7 E003"},
		{"tab", "a:\n\t- b\n", "2:1 E002"},
		{"outdented", "a:\n  b: 1\n c: 2\n", "3:2 E006"},
		{"list in map", "a:\n  - b\n  c: d\n", "3:3 E006"},
		{"bracket", "a: [1,2\nb: 3\n", "1:4 E001"},
		{"no colon", "a: b\nc\nd: e\n", "2:1 E001"},
		{"at sign", "a: @x\n", "1:4 E001"},
		{"escape", "a: \"\\q\"\n", "1:5 E001"},
		{"control", "a: \x01\n", "1:4 E001"},
		{"nul", "a: b\x00\n", "1:5 E007"},
		{"not utf-8", "a: é\xff\n", "1:5 E007"},
		{"utf-16", "\xff\xfea\x00", "1:1 E007"},
		{"empty", "# nothing\n\n", "1:1 E007"},
		{"nothing", "", "1:1 E007"},
		{"two documents", "a: b\n---\nc: d\n", "2:1 E007"},
		{"twice", "a: b\nc: d\na: e\n", "3:1 E108"},
		{"deep", strings.Repeat("[", 60), "1:51 E007"},
		{"600k brackets", strings.Repeat("[", 600_000), "1:51 E007"},
		{"1 MiB of braces", strings.Repeat("{{", 1<<19), "1:1 E004 or 1:51 E007"},
		{"too large", strings.Repeat("a", 1<<20+1), "1:1 E007"},
		{"crlf", "a:\r\n  b: 1\r\n c: 2\r\n", "3:2 E006"},
		{"bom", "\xef\xbb\xbfa: b: c\n", "1:5 E003"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			doc, diags := Parse("f.yaml", []byte(c.in))
			if len(diags) != 1 {
				t.Fatalf("want one problem, got %v", diags)
			}
			d := diags[0]
			got := fmt.Sprintf("%d:%d %s", d.Range.Line, d.Range.Column, d.Code)
			if !strings.Contains(c.want, got) {
				t.Errorf("got %s %s, want %s", got, d.Message, c.want)
			}
			if d.Code != "E108" && doc.Root != nil {
				t.Error("a file with an error must have no tree")
			}
			if time.Since(start) > time.Minute {
				t.Error("too slow")
			}
		})
	}
}

func TestHostileInputIsBounded(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x]\n"
	for i := 'b'; i < 'm'; i++ {
		bomb += fmt.Sprintf("%c: &%c [*%c, *%c, *%c, *%c]\n", i, i, i-1, i-1, i-1, i-1)
	}
	for name, in := range map[string]string{
		"alias bomb": bomb, "100k lines": strings.Repeat("- a\n", 100_000/scale), "one long list": "[" + strings.Repeat("é,", 300_000/scale) + "]",
		"question marks": strings.Repeat("? ", 500_000/scale), "dashes": strings.Repeat("- ", 500_000/scale), "quotes": strings.Repeat("\"", 1<<20/scale),
		"long broken line": strings.Repeat("x, \"y\" z ", 100_000/scale) + ": b: c", "colons": strings.Repeat("a:\n", 300_000/scale), "ampersands": strings.Repeat("&a ", 300_000/scale), "many keys": manyKeys(60_000 / scale),
	} {
		start := time.Now()
		Parse("f.yaml", []byte(in))
		if d := time.Since(start); d > time.Minute {
			t.Errorf("%s took %v", name, d)
		}
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: \"v\"\n", i)
	}
	return b.String()
}

func TestAtInsideEveryStyle(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, in, find, want string }{
		{"plain", "a: x BAD y\n", "BAD", "1:6-1:9"},
		{"plain over lines", "a: x\n  y BAD z\n", "BAD", "2:5-2:8"},
		{"plain with an empty line", "a: x\n\n  y BAD z\n", "BAD", "3:5-3:8"},
		{"single quoted", "a: 'it''s BAD'\n", "BAD", "1:11-1:14"},
		{"single over lines", "a: 'x\n   y\n\n   BAD'\n", "BAD", "4:4-4:7"},
		{"double with escapes", `a: "\u00e9\n\"BAD\""` + "\n", "BAD", "1:15-1:18"},
		{"double continued", "a: \"x \\\n    BAD\"\n", "BAD", "2:5-2:8"},
		{"double folded", "a: \"x\n   y BAD\"\n", "BAD", "2:6-2:9"},
		{"literal", "a: |\n  x\n\n    y BAD\n  z\n", "BAD", "4:7-4:10"},
		{"literal strip", "a: |-\n  BAD\n", "BAD", "2:3-2:6"},
		{"literal with indicator", "a: |2\n    BAD\n", "BAD", "2:5-2:8"},
		{"literal with leading blank line", "a: |\n\n  BAD\n", "BAD", "3:3-3:6"},
		{"folded", "a: >\n  x y\n  z BAD\n\n  w\n", "BAD", "3:5-3:8"},
		{"folded after paragraph", "a: >\n  x y\n\n\n  z BAD\n", "BAD", "5:5-5:8"},
		{"folded with deeper lines", "a: >\n  x\n    y\n    z\n  BAD\n", "BAD", "5:3-5:6"},
		{"multi-byte", "a: \"👋 né BAD\"\n", "BAD", "1:10-1:13"},
		{"crlf literal", "a: |\r\n  x\r\n  BAD\r\n", "BAD", "3:3-3:6"},
		{"crlf folded", "a: >\r\n  x\r\n  BAD\r\n", "BAD", "3:3-3:6"},
		{"crlf double", "a: \"x\r\n  BAD\"\r\n", "BAD", "2:3-2:6"},
		{"in a flow map", "a: {b: [x, 'BAD']}\n", "BAD", "1:13-1:16"},
		{"after a line separator", "a: \"x\u2028y BAD\"\n", "BAD", "1:9-1:12"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			doc, diags := Parse("f.yaml", []byte(c.in))
			if len(diags) > 0 {
				t.Fatal(diags)
			}
			n := findText(doc.Root, c.find)
			if n == nil {
				t.Fatal("not found")
			}
			i := strings.Index(n.Text, c.find)
			r := n.At(i, i+len(c.find))
			if got := fmt.Sprintf("%d:%d-%d:%d", r.Line, r.Column, r.EndLine, r.EndColumn); got != c.want {
				t.Errorf("got %s, want %s; value %q", got, c.want, n.Text)
			}
			if got := string(doc.Data[r.Offset : r.Offset+r.Length]); got != c.find {
				t.Errorf("offsets give %q", got)
			}
		})
	}
}

func findText(n *Node, part string) *Node {
	if n.Kind == Scalar && strings.Contains(n.Text, part) {
		return n
	}
	for _, p := range n.Pairs {
		if f := findText(p.Value, part); f != nil {
			return f
		}
	}
	for _, item := range n.Items {
		if f := findText(item, part); f != nil {
			return f
		}
	}
	return nil
}

// A marker put anywhere into words of any style is found at its own bytes.
func TestAtProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.StringMatching(`[a-zé👋 ]{0,6}[a-z]`), 1, 5).Draw(t, "lines")
		at := rapid.IntRange(0, len(lines)-1).Draw(t, "at")
		for i := range lines {
			lines[i] = strings.TrimSpace(lines[i])
		}
		lines[at] += " QQQ"
		eol := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "eol")
		gap := strings.Repeat(eol, rapid.IntRange(1, 3).Draw(t, "breaks")) + "   "
		body := strings.Join(lines, gap)
		head := rapid.SampledFrom([]string{"", `"`, "'", "|" + eol + "   ", ">-" + eol + "   "}).Draw(t, "head")
		tail := eol
		if head == `"` || head == "'" {
			tail = head + eol
		}
		in := "k: v" + eol + "a: " + head + body + tail + "z: w" + eol
		doc, diags := Parse("f.yaml", []byte(in))
		if len(diags) > 0 {
			t.Fatalf("%q: %v", in, diags)
		}
		n := doc.Root.Get("a")
		i := strings.Index(n.Text, "QQQ")
		r := n.At(i, i+3)
		if r.Offset != strings.Index(in, "QQQ") || r.Length != 3 {
			t.Fatalf("%q: got %d+%d", in, r.Offset, r.Length)
		}
		want := strings.Count(in[:r.Offset], "\n") + 1
		if r.Line != want {
			t.Fatalf("line %d, want %d", r.Line, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a: b", "a: |\n x\n", "a: \"\\x41\\\n b\"", "a: >\n  b\n\n   c\n", "- 'x''y\n z'", "\xef\xbb\xbfa: {b: c}", "a: &x *x", "{{", "a: \u2028 b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, diags := Parse("f.yaml", data)
		if doc.Root == nil && len(diags) == 0 {
			t.Fatal("no tree and no reason")
		}
		walk(t, doc, doc.Root)
		var out bytes.Buffer
		Text(&out, diags, map[string][]byte{"f.yaml": data}, false)
		JSON(diags, map[string][]byte{"f.yaml": data})
	})
}

func walk(t *testing.T, doc *Doc, n *Node) {
	if n == nil {
		return
	}
	if n.Range.Offset < 0 || n.Range.Offset+n.Range.Length > len(doc.Data) {
		t.Fatalf("range %+v outside of %d bytes", n.Range, len(doc.Data))
	}
	n.At(0, len(n.Text))
	for _, p := range n.Pairs {
		walk(t, doc, p.Key)
		walk(t, doc, p.Value)
	}
	for _, item := range n.Items {
		walk(t, doc, item)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	in := "say: \"👋 x\"\ngoto:\twelcom\n"
	doc, _ := Parse("a.yaml", []byte(in))
	n := doc.Root.Get("goto")
	diags := []Diagnostic{
		{Code: "E301", Severity: Error, Message: "there is no state", Hint: "did you mean welcome?", Range: n.Range, Related: []Related{{Range: doc.Root.Get("say").Range}, {Range: doc.Root.Get("goto").Range, Aside: true}}},
		{Code: "W402", Severity: Warning, Message: "wide", Range: doc.Root.Get("say").At(5, 6)},
	}
	Sort(diags)
	var out bytes.Buffer
	Text(&out, diags, map[string][]byte{"a.yaml": []byte(in)}, false)
	want := `a.yaml:1:9: warning[W402]: wide
   1 | say: "👋 x"
     |          ^

a.yaml:2:7: error[E301]: there is no state
   2 | goto: welcom
     |       ^^^^^^
     = hint: did you mean welcome?
     = see: a.yaml:1:6
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestJSONPositions(t *testing.T) {
	t.Parallel()
	in := "say: \"👋 x\"\n"
	doc, _ := Parse("a.yaml", []byte(in))
	raw := string(JSON([]Diagnostic{{Code: "W402", Severity: Warning, Message: "m", Range: doc.Root.Get("say").At(5, 6)}}, map[string][]byte{"a.yaml": []byte(in)}))
	want := `[{"code":"W402","severity":"warning","message":"m","file":"a.yaml","line":1,"column":9,"end_line":1,"end_column":10,"offset":11,"length":1,"utf16_column":10}]`
	if raw != want {
		t.Errorf("got %s", raw)
	}
}

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ word, want string }{
		{"welcom_back", "welcome_back"}, {"mneu", "menu"}, {"mn", ""}, {"xyz", ""}, {"welcmoe_bakc", "welcome_back"}, {"saw", "say"},
	} {
		got, ok := DidYouMean(c.word, []string{"welcome_back", "menu", "say"})
		if got != c.want && ok || ok != (c.want != "") {
			t.Errorf("%s: %q", c.word, got)
		}
	}
}

func TestDedup(t *testing.T) {
	t.Parallel()
	a := Diagnostic{Code: "E101", Range: Range{File: "a", Line: 1, Column: 2}}
	b := a
	b.Code = "E102"
	if got := Dedup([]Diagnostic{a, a, b}); len(got) != 2 {
		t.Errorf("%d left", len(got))
	}
}
