package flows

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// States of a translation.
const (
	Translated = "translated"
	Missing    = "missing"
	Stale      = "stale" // the text has changed since
)

// Text is one text of a project that can be translated, with how far each of
// its languages but the first has come.
type Text struct {
	Section string // of a locale file: flow.NAME, or project
	Key     string
	Source  string            // in the first language
	State   map[string]string // by language
}

// translatable lists what people translate: what W420 would miss, and in languages
// without a pack also the built-in sentences.
func (l *loader) translatable(order []*section) []Text {
	var out []Text
	for _, s := range order {
		for _, e := range s.order {
			if e.words != nil || !hasWords(e.source) {
				continue
			}
			t := Text{Section: s.name, Key: e.key, Source: strings.TrimSpace(e.source), State: map[string]string{}}
			for _, lang := range l.set.Languages[1:] {
				if state := e.stateIn(lang); state != "" {
					t.State[lang] = state
				}
			}
			if len(t.State) > 0 {
				out = append(out, t)
			}
		}
	}
	return out
}

// stateIn is how far a translation is; "" where none is expected.
func (e *entry) stateIn(lang string) string {
	_, given := e.place[lang]
	switch {
	case e.stale[lang]:
		return Stale
	case given, e.node != nil && e.node.Kind == source.Map && e.node.Get(lang) != nil:
		return Translated
	case e.optional && !(e.sentence && engine.PackOf(lang) == nil):
		return ""
	}
	return Missing
}

// Extract is the locale file of a language with every text that has no
// translation yet added, its to: empty. What the file holds stays as it is,
// byte for byte: translations, comments, and a from: that is stale. added is
// how many texts are new. The project must have been loaded with Texts.
func Extract(p *Project, lang string) (path string, data []byte, added int) {
	path = "flows/locales/" + lang + ".yaml"
	data = p.Files.Data[path]
	if len(bytes.TrimSpace(data)) == 0 {
		data = []byte("language: " + lang + "\n")
	}
	doc, _ := source.Parse(path, data)
	if doc.Root == nil || doc.Root.Kind != source.Map {
		return path, p.Files.Data[path], 0 // check says what is wrong with it
	}
	x := &extraction{doc: doc, data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))}
	x.head = len(data) - len(x.data)
	var sections []string
	lines := map[string][]string{}
	for _, t := range p.Texts {
		if t.State[lang] != Missing || doc.Root.Get(t.Section).Pair(t.Key) != nil {
			continue
		}
		if lines[t.Section] == nil {
			sections = append(sections, t.Section)
		}
		lines[t.Section] = append(lines[t.Section], t.Key+": {from: "+quoteYAML(t.Source)+", to: \"\"}")
		added++
	}
	for _, s := range sections {
		x.section(s, lines[s])
	}
	return path, slices.Concat(data[:x.head], x.done()), added
}

// extraction adds lines to a file.
type extraction struct {
	doc  *source.Doc
	data []byte
	head int // bytes of the mark at the head of the file
	add  []insertion
	tail []string
}

// insertion is text that goes in front of a byte of the file.
type insertion struct {
	at   int
	text string
}

// section adds entries to a map of the file; one that is written between
// braces, or that is not there yet, is gone on with at the end.
func (x *extraction) section(name string, lines []string) {
	pair := x.doc.Root.Pair(name)
	switch {
	case pair == nil:
		x.tail = append(x.tail, name+":")
		for _, line := range lines {
			x.tail = append(x.tail, "  "+line)
		}
	case pair.Value.Kind == source.Map && len(pair.Value.Pairs) > 0 && pair.Value.Range.Line > pair.Key.Range.Line:
		last := pair.Value.Range
		indent := strings.Repeat(" ", pair.Value.Pairs[0].Key.Range.Column-1)
		x.add = append(x.add, insertion{x.endOfLine(last.Offset + last.Length), "\n" + indent + strings.Join(lines, "\n"+indent)})
	case pair.Value.Kind == source.Map && len(pair.Value.Pairs) > 0:
		first := pair.Value.Pairs[0].Key.Range.Offset
		x.add = append(x.add, insertion{first, strings.Join(lines, ", ") + ", "})
	default: // nothing, or {}
		if pair.Value.Kind == source.Map {
			x.add = append(x.add, insertion{pair.Value.Range.Offset + 1, strings.Join(lines, ", ")})
			return
		}
		x.add = append(x.add, insertion{x.endOfLine(pair.Key.Range.Offset + pair.Key.Range.Length), "\n  " + strings.Join(lines, "\n  ")})
	}
}

// endOfLine is where the line of a byte ends; a byte that starts a line belongs
// to the one before it.
func (x *extraction) endOfLine(at int) int {
	if at > 0 && at <= len(x.data) && x.data[at-1] == '\n' {
		at--
	}
	if i := bytes.IndexByte(x.data[min(at, len(x.data)):], '\n'); i >= 0 {
		return at + i
	}
	return len(x.data)
}

func (x *extraction) done() []byte {
	slices.SortStableFunc(x.add, func(a, b insertion) int { return a.at - b.at })
	var out []byte
	at := 0
	for _, in := range x.add {
		out = append(append(out, x.data[at:in.at]...), in.text...)
		at = in.at
	}
	out = append(out, x.data[at:]...)
	if len(x.tail) == 0 {
		return out
	}
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	return append(append(out, strings.Join(x.tail, "\n")...), '\n')
}

// quoteYAML writes a text between double quotes; what JSON escapes is escaped
// so in YAML too.
func quoteYAML(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""` // cannot happen: a text can always be written
	}
	return strings.TrimRight(b.String(), "\n")
}
