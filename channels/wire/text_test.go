package wire_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"pgregory.net/rapid"

	"dispatcher/channels"
	"dispatcher/channels/wire"
	"dispatcher/dm"
)

func TestClean(t *testing.T) {
	t.Parallel()
	if got := wire.Clean("a\x00b\xffc\u202e"); got != "a\uFFFDb\uFFFDc\u202e" {
		t.Errorf("%q", got)
	}
	if got := wire.Clean(strings.Repeat("é", 10001)); utf8.RuneCountInString(got) != 10000 {
		t.Errorf("%d runes", utf8.RuneCountInString(got))
	}
}

func TestSplitPlaces(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		n    int
		want []string
	}{
		"fits":          {"short", 10, []string{"short"}},
		"blank line":    {"one two three\n\nfour five", 18, []string{"one two three", "four five"}},
		"line":          {"one two three\nfour five", 18, []string{"one two three", "four five"}},
		"sentence":      {"It is here. We look at it now", 20, []string{"It is here.", "We look at it now"}},
		"wide sentence": {"これは文です。次の文もあります。", 10, []string{"これは文です。", "次の文もあります。"}},
		"space":         {"aaa bbb ccc ddd", 8, []string{"aaa bbb", "ccc ddd"}},
		"url whole":     {"look https://shop.example/a/b/c/d/e/f/g", 35, []string{"look", "https://shop.example/a/b/c/d/e/f/g"}},
		"number whole":  {"n 123456789", 10, []string{"n", "123456789"}},
		"one word":      {"abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		"empty":         {"", 4, []string{""}},
	} {
		got := wire.Split(c.text, dm.Limit{N: c.n, Unit: wire.Runes})
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestSplitKeepsLimitAndText(t *testing.T) {
	t.Parallel()
	pieces := []string{"a", "bb ", "é", "👩‍👩‍👧 ", "السلام ", "e\u0301\u0301", ". ", "\n\n", "\n", "12345 ", "https://a.example/x ", "。"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom(pieces)).Draw(t, "text"), "")
		limit := dm.Limit{N: rapid.IntRange(25, 60).Draw(t, "n"), Unit: rapid.SampledFrom([]string{wire.Runes, wire.Bytes, wire.UTF16}).Draw(t, "unit")}
		parts := wire.Split(text, limit)
		for _, p := range parts {
			if !wire.Fits(p, limit) {
				t.Fatalf("%q is over %v", p, limit)
			}
		}
		squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if squeeze(strings.Join(parts, " ")) != squeeze(text) {
			t.Fatalf("words are lost: %q of %q", parts, text)
		}
		whole := clusters(text)
		for _, p := range parts {
			for _, c := range clusters(p) {
				if !slices.Contains(whole, c) {
					t.Fatalf("%q is half a character of %q", c, text)
				}
			}
		}
	})
}

func clusters(s string) (out []string) {
	g := uniseg.NewGraphemes(s)
	for g.Next() {
		out = append(out, g.Str())
	}
	return out
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"Delivery", "Delivery"},
		{"Delivery and returns", "Delivery…"},
		{"👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", "👩‍👩‍👧…"},
	} {
		if got, _ := wire.Cut(c.in, dm.Limit{N: 10, Unit: wire.Runes}); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
	if got, cut := wire.Cut("éééééé", dm.Limit{N: 8, Unit: wire.Bytes}); got != "éé…" || !cut {
		t.Errorf("%q %v", got, cut)
	}
}

func layoutCaps() channels.Caps {
	runes := func(n int) dm.Limit { return dm.Limit{N: n, Unit: wire.Runes} }
	return channels.Caps{
		Text:  runes(100),
		Forms: []channels.Form{{Name: "buttons", Max: 3, Label: runes(10)}, {Name: "list", Max: 5, Label: runes(12), Description: runes(8)}, {Name: "text"}},
	}
}

func TestLayoutReports(t *testing.T) {
	t.Parallel()
	opts := func(labels ...string) (out []dm.Option) {
		for _, l := range labels {
			out = append(out, dm.Option{Payload: "p", Label: l})
		}
		return out
	}
	for name, c := range map[string]struct {
		out  dm.Outbound
		want []string
		text string
	}{
		"buttons":     {dm.Outbound{Text: "Q", Options: opts("a", "b")}, nil, "Q"},
		"list":        {dm.Outbound{Text: "Q", Options: opts("a", "b", "c", "d")}, []string{"options.list"}, "Q"},
		"text":        {dm.Outbound{Text: "Q", Options: opts("a", "b", "c", "d", "e", "f")}, []string{"options.text"}, "Q\n\n1. a\n2. b\n3. c\n4. d\n5. e\n6. f\n\nReply with a number or in your own words."},
		"asked":       {dm.Outbound{Text: "Q", Options: opts("a"), OptionsAs: "text", Locale: "fr-FR"}, []string{"options.text"}, "Q\n\n1. a\n\nRépondez par un numéro ou avec vos propres mots."},
		"short":       {dm.Outbound{Options: []dm.Option{{Label: "Delivery and returns", Short: "Delivery"}}}, []string{"label.short"}, ""},
		"cut":         {dm.Outbound{Options: opts("Delivery and returns")}, []string{"label.cut!"}, ""},
		"description": {dm.Outbound{Options: []dm.Option{{Label: "a", Description: "money"}}}, []string{"description.dropped!"}, ""},
		"link":        {dm.Outbound{Text: "Q", Links: []dm.Link{{Label: "Track", URL: "https://a.example"}}}, []string{"link.text"}, "Q\n\nTrack: https://a.example"},
		"media":       {dm.Outbound{Media: []dm.Media{{Kind: "image", URL: "https://a.example/1", Alt: "map"}, {Kind: "image", Name: "x.png"}}}, []string{"media.link", "media.dropped!"}, "map: https://a.example/1\n\n(x.png)"},
		"reply":       {dm.Outbound{Text: "Q", ReplyTo: "m"}, []string{"reply_to.none"}, "Q"},
	} {
		parts, report := wire.Layout(c.out, layoutCaps())
		var got []string
		for _, d := range report {
			code := d.Code
			if d.Loss {
				code += "!"
			}
			got = append(got, code)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if parts[len(parts)-1].Text != c.text {
			t.Errorf("%s: text %q", name, parts[len(parts)-1].Text)
		}
	}
}

func TestLayoutTellsEqualLabelsApart(t *testing.T) {
	t.Parallel()
	parts, _ := wire.Layout(dm.Outbound{Options: []dm.Option{{Label: "Delivery one"}, {Label: "Delivery two"}, {Label: "Delivery three"}}}, layoutCaps())
	seen := map[string]bool{}
	for _, o := range parts[0].Options {
		if seen[o.Label] || !wire.Fits(o.Label, dm.Limit{N: 10, Unit: wire.Runes}) {
			t.Errorf("label %q", o.Label)
		}
		seen[o.Label] = true
	}
}

func TestLayoutSplitsWithOptionsLast(t *testing.T) {
	t.Parallel()
	parts, report := wire.Layout(dm.Outbound{Text: strings.Repeat("word ", 40), Options: []dm.Option{{Label: "a"}}}, layoutCaps())
	if len(parts) < 2 || len(parts[0].Options) != 0 || len(parts[len(parts)-1].Options) != 1 || report[0].Code != "text.split" {
		t.Errorf("%d parts, %v", len(parts), report)
	}
}
