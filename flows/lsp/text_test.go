package lsp

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// piece draws some text: line breaks of every kind, wide and odd characters.
func piece(t *rapid.T, name string) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "flow: ", "é", "👋", "\n", "\r\n", "\r", "\t", "\ufeff", "\u2028", "日本"}), 0, 8).Draw(t, name), "")
}

// TestEditsKeepTheTextsEqual: after any edits by ranges the server's text is
// the client's, in every encoding.
func TestEditsKeepTheTextsEqual(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.SampledFrom([]encoding{utf8Units, utf16Units, utf32Units}).Draw(t, "units")
		client := []rune(piece(t, "text"))
		server := newText(string(client))
		for range rapid.IntRange(1, 10).Draw(t, "edits") {
			from := rapid.IntRange(0, len(client)).Draw(t, "from")
			to := rapid.IntRange(from, len(client)).Draw(t, "to")
			if within(client, from) || within(client, to) {
				continue // no editor has a place between CR and LF
			}
			with := piece(t, "with")
			r := lspRange{place(client, from, e), place(client, to, e)}
			server = server.edited(contentChange{Range: &r, Text: with}, e)
			client = append(append(append([]rune{}, client[:from]...), []rune(with)...), client[to:]...)
			if server.data != string(client) {
				t.Fatalf("%q is %q", server.data, string(client))
			}
		}
	})
}

func within(s []rune, at int) bool {
	return at > 0 && at < len(s) && s[at-1] == '\r' && s[at] == '\n'
}

// place is the position of a character as an editor counts it: line by line,
// unit by unit, in another way than the server.
func place(s []rune, at int, e encoding) position {
	p := position{}
	for i, r := range s[:at] {
		switch {
		case r == '\n', r == '\r' && (i+1 == len(s) || s[i+1] != '\n'):
			p.Line, p.Character = p.Line+1, 0
		case r == '\r':
		case e == utf8Units:
			p.Character += len(string(r))
		case e == utf16Units:
			p.Character += len(utf16.Encode([]rune{r}))
		default:
			p.Character++
		}
	}
	return p
}

// FuzzPositions: a byte has a position that leads back to it, and any position
// leads into the text.
func FuzzPositions(f *testing.F) {
	for _, s := range []string{"", "a\nb", "é\r\n👋x\r", "\ufeffa", "a\xffb\n\xf0\x9f"} {
		f.Add(s, 1, 1, 3)
	}
	f.Fuzz(func(t *testing.T, data string, line, character, at int) {
		text := newText(data)
		for _, e := range []encoding{utf8Units, utf16Units, utf32Units} {
			got := text.offset(position{line, character}, e)
			if got < 0 || got > len(data) || utf8.ValidString(data) && got < len(data) && !utf8.RuneStart(data[got]) {
				t.Fatalf("%q at %d:%d in %s is byte %d", data, line, character, e, got)
			}
			if at < 0 || at > len(data) || at < len(data) && !utf8.RuneStart(data[at]) || at > 0 && at < len(data) && data[at-1] == '\r' && data[at] == '\n' || !utf8.ValidString(data) {
				continue
			}
			if back := text.offset(text.position(at, e), e); back != at {
				t.Fatalf("%q: byte %d is byte %d in %s", data, at, back, e)
			}
		}
	})
}

// FuzzOutline: the shape of any text, however broken, leads somewhere.
func FuzzOutline(f *testing.F) {
	for path, s := range files(testProject) {
		f.Add(s, len(path))
	}
	for _, s := range []string{"a: {b: [c, \"", "- - x: |\n   {{", "a:\n- b\n-", "\"a\" : 'x", "{", "a: >\n\n b\r\n c: d"} {
		f.Add(s, len(s))
	}
	f.Fuzz(func(t *testing.T, data string, at int) {
		o := newOutline(newText(data))
		if at < 0 || at > len(data) {
			at = len(data)
		}
		c := o.at(at)
		if c.word < 0 || c.word > len(data) || (c.key || c.open) && c.word > at {
			t.Fatalf("%q at %d: %+v", data, at, c)
		}
		tree := &symbolTree{outline: o, units: utf16Units, kind: "flow"}
		tree.all()
	})
}
