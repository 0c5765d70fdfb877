package flows

import (
	"strings"
	"testing"
)

// Extract adds what is missing in whatever way a section is written, keeps the
// rest byte for byte, and has nothing to add the second time.
func TestExtract(t *testing.T) {
	t.Parallel()
	for have, want := range map[string]string{
		"": "language: fr\nproject:\n  canned.sorry: {from: \"Sorry.\", to: \"\"}\nflow.a:\n  start.say: {from: \"Hi \\\"you\\\"\", to: \"\"}\n",
		"language: fr\nflow.a:\n   start.say: {from: x, to: y} # z\n\nproject:":    "language: fr\nflow.a:\n   start.say: {from: x, to: y} # z\n\nproject:\n  canned.sorry: {from: \"Sorry.\", to: \"\"}",
		"\xef\xbb\xbflanguage: fr\nproject: {queues.general: {from: a, to: b}}":    "\xef\xbb\xbflanguage: fr\nproject: {canned.sorry: {from: \"Sorry.\", to: \"\"}, queues.general: {from: a, to: b}}\nflow.a:\n  start.say: {from: \"Hi \\\"you\\\"\", to: \"\"}\n",
		"language: fr\nflow.a: {}\nproject:\n  canned.sorry: {from: Sorry., to: }": "language: fr\nflow.a: {start.say: {from: \"Hi \\\"you\\\"\", to: \"\"}}\nproject:\n  canned.sorry: {from: Sorry., to: }",
	} {
		files := &Files{Name: "t", Data: map[string][]byte{
			"dispatcher.yaml": []byte("dispatcher: 1\nlanguages: [en, fr]\ncanned: {sorry: Sorry.}\n"),
			"flows/a.yaml":    []byte("flow: a\nstates:\n  start: {say: 'Hi \"you\"', resolve: done}\n"),
		}}
		if have != "" {
			files.Data["flows/locales/fr.yaml"] = []byte(have)
		}
		opts := testOptions()
		opts.Texts = true
		path, data, added := Extract(Load(files, opts), "fr")
		if path != "flows/locales/fr.yaml" || string(data) != want || added == 0 {
			t.Errorf("%q\ngot  %q\nwant %q", have, data, want)
		}
		files.Data[path] = data
		again := Load(files, opts)
		if _, more, n := Extract(again, "fr"); n != 0 || string(more) != string(data) {
			t.Errorf("%q: %d more", have, n)
		}
		if len(again.Texts) == 0 || strings.Contains(strings.Join(errorsOf(again), " "), "E0") {
			t.Errorf("%q: %v", have, errorsOf(again))
		}
	}
}
