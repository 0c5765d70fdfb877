package source

import (
	"bytes"
	"errors"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// explain words an error of the YAML library for somebody who never heard of
// it, and moves it to where the mistake is.
func (d *Doc) explain(err error) Diagnostic {
	if errors.Is(err, errDepth) {
		at := d.deep()
		return d.problem("E007", d.span(at, at+1), "this file is over 50 levels deep")
	}
	var le *yaml.LoadError
	if !errors.As(err, &le) {
		return d.problem("E001", d.span(0, 0), "this file is not valid YAML")
	}
	mark := d.lines.offset(le.Mark.Line, le.Mark.Column)
	context := d.lines.offset(le.ContextMark.Line, le.ContextMark.Column)
	if le.ContextMsg == "while scanning a quoted scalar" && strings.HasPrefix(le.Message, "found unexpected") {
		return d.openQuote(context)
	}
	if strings.Contains(le.Message, "max depth") || strings.Contains(le.Message, errDepth.Error()) {
		return d.problem("E007", d.span(mark, mark+1), "this file is over 50 levels deep")
	}
	if strings.HasPrefix(le.Message, "unknown anchor") {
		return d.problem("E008", d.span(mark, d.word(mark)), "anchors, aliases and tags (&, *, !) are not used in flow files; quote the text if it is one")
	}
	for _, rule := range []func(*yaml.LoadError, int, int) (Diagnostic, bool){d.tab, d.brace, d.quote, d.colon, d.indented} {
		if diag, ok := rule(le, mark, context); ok {
			return diag
		}
	}
	return d.plainReason(le, mark, context)
}

func (d *Doc) openQuote(at int) Diagnostic {
	diag := d.problem("E005", d.span(at, at+1), "this quote is never closed")
	start, end := d.line(at)
	text := bytes.TrimRight(d.Data[at:end], " \t")
	if head, block := d.blockValue(start, at); block && len(head) > 0 && len(text) > 1 && !bytes.Contains(text, []byte(" #")) && text[len(text)-1] != '\\' {
		diag.Hint = "add " + string(text[:1]) + " at the end of the text"
		diag.Fix = &Fix{Safe: true, Edits: []Edit{{Range: d.span(at+len(text), at+len(text)), Text: string(text[:1])}}}
	}
	return diag
}

// blockValue says whether what starts at i is the value of a key or item that
// has the rest of its line to itself; head is what stands before it.
func (d *Doc) blockValue(start, i int) (head []byte, ok bool) {
	head = d.Data[start:i]
	rest := bytes.TrimLeft(head, " ")
	for bytes.HasPrefix(rest, []byte("- ")) {
		rest = bytes.TrimLeft(rest[1:], " ")
	}
	if len(rest) == 0 {
		return head, len(bytes.TrimLeft(head, " ")) > 0
	}
	key := bytes.TrimRight(rest, " ")
	if !bytes.HasSuffix(key, []byte(":")) || bytes.ContainsAny(key[:1], "[{&*!|>%@`") || bytes.Contains(key, []byte(": ")) {
		return head, false
	}
	return head, true
}

// quoteRest puts quotes around what starts at i and ends with its line, or with
// a comment; nil where that cannot be told.
func (d *Doc) quoteRest(start, i int) *Fix {
	if _, block := d.blockValue(start, i); !block {
		return nil
	}
	_, end := d.line(i)
	text := d.Data[i:end]
	if at := bytes.Index(text, []byte(" #")); at >= 0 {
		text = text[:at]
	}
	return d.quotes(i, text)
}

// quotes puts quotes around a text; nil where it has some.
func (d *Doc) quotes(i int, text []byte) *Fix {
	text = bytes.TrimRight(text, " \t")
	if len(text) == 0 || text[0] == '"' || text[0] == '\'' {
		return nil
	}
	quoted := `"` + string(text) + `"`
	if bytes.ContainsAny(text, `"\`) {
		quoted = "'" + strings.ReplaceAll(string(text), "'", "''") + "'"
	}
	return &Fix{Safe: true, Edits: []Edit{{Range: d.span(i, i+len(text)), Text: quoted}}}
}

// inner is a text with {{ }} inside brackets: it ends where the next item, or
// the bracket's end, comes; nil where that cannot be told.
func (d *Doc) inner(i int) []byte {
	_, end := d.line(i)
	for at := i; at < end; at++ {
		switch {
		case bytes.HasPrefix(d.Data[at:end], []byte("{{")):
			closed := bytes.Index(d.Data[at:end], []byte("}}"))
			if closed < 0 {
				return nil
			}
			at += closed + 1
		case bytes.IndexByte([]byte(",]}"), d.Data[at]) >= 0:
			return d.Data[i:at]
		}
	}
	return nil
}

// unquoted is a text that starts with {{ and has no quotes.
func (d *Doc) unquoted(at int) Diagnostic {
	diag := d.problem("E004", d.span(at, at+2), "text that starts with {{ must be quoted")
	start, end := d.line(at)
	text := d.Data[at:end]
	if _, block := d.blockValue(start, at); block {
		diag.Fix = d.quoteRest(start, at)
	} else if text = d.inner(at); text != nil {
		diag.Fix = d.quotes(at, text)
	}
	diag.Hint = `write "` + string(bytes.TrimRight(text, " \t")) + `"`
	if len(diag.Hint) > 120 || text == nil || bytes.ContainsRune(text, '"') {
		diag.Hint = "put the whole text into quotes"
	}
	return diag
}

// line is the start and end of the line of an offset, without its break.
func (d *Doc) line(offset int) (start, end int) {
	n, _ := d.lines.at(offset)
	start = d.lines.starts[n-1]
	end = start
	for end < len(d.Data) && d.Data[end] != '\n' && d.Data[end] != '\r' {
		end++
	}
	return start, end
}

// word is the end of the word that starts at offset.
func (d *Doc) word(offset int) int {
	end := offset
	for end < len(d.Data) && d.Data[end] > ' ' {
		end++
	}
	return max(end, min(offset+1, len(d.Data)))
}

func (d *Doc) tab(le *yaml.LoadError, mark, _ int) (Diagnostic, bool) {
	start, end := d.line(min(mark, len(d.Data)))
	line := d.Data[start:end]
	blank := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
	i := bytes.IndexByte(blank, '\t')
	if i < 0 || !(strings.Contains(le.Message, "tab") || start+len(blank) >= mark || le.Stage == "parser" || le.Stage == "scanner") {
		return Diagnostic{}, false
	}
	diag := d.problem("E002", d.span(start+i, start+i+1), "a tab is used for indentation")
	diag.Hint = "use spaces"
	diag.Fix = &Fix{Safe: true, Edits: d.untab(start)}
	return diag, true
}

// untab replaces the tabs that indent the line at start, and those of later
// lines that begin with one, which is indentation wherever they stand.
func (d *Doc) untab(start int) []Edit {
	var edits []Edit
	for n, _ := d.lines.at(start); n <= len(d.lines.starts); n++ {
		from := d.lines.starts[n-1]
		if from > start && (from >= len(d.Data) || d.Data[from] != '\t') {
			continue
		}
		_, end := d.line(from)
		blank := d.Data[from : end-len(bytes.TrimLeft(d.Data[from:end], " \t"))]
		edits = append(edits, Edit{Range: d.span(from, from+len(blank)), Text: strings.ReplaceAll(string(blank), "\t", "  ")})
	}
	return edits
}

// brace finds a value that starts with {{ on the line of the error or of its context.
func (d *Doc) brace(_ *yaml.LoadError, mark, context int) (Diagnostic, bool) {
	for _, at := range []int{mark, context} {
		start, end := d.line(min(at, len(d.Data)))
		for i := start; i+1 < end; i++ {
			if d.Data[i] == '"' || d.Data[i] == '\'' {
				break
			}
			if d.Data[i] == '{' && d.Data[i+1] == '{' && d.startsValue(start, i) {
				return d.unquoted(i), true
			}
		}
	}
	return Diagnostic{}, false
}

// startsValue says whether a value begins at i on the line that begins at start.
func (d *Doc) startsValue(start, i int) bool {
	before := bytes.TrimRight(d.Data[start:i], " ")
	if len(before) == 0 {
		return true
	}
	switch before[len(before)-1] {
	case ':', ',', '[', '{':
		return true
	case '-':
		return len(bytes.TrimLeft(before, " -")) == 0
	}
	return false
}

// quote finds a quoted text that ran over several lines into the one where
// YAML gave up: its first line lacks the closing quote.
func (d *Doc) quote(le *yaml.LoadError, mark, _ int) (Diagnostic, bool) {
	if le.Stage == "reader" {
		return Diagnostic{}, false
	}
	start := 0
	for i := 0; i < mark && i < len(d.Data); {
		c := d.Data[i]
		if c == '#' && (i == start || d.Data[i-1] == ' ') {
			_, i = d.line(i)
			continue
		}
		if c == '\n' || c == '\r' {
			start = i + 1
		}
		if (c != '"' && c != '\'') || !d.startsValue(start, i) {
			i++
			continue
		}
		w := &walker{data: d.Data, pos: i + 1}
		w.quoted(c)
		first, _ := d.lines.at(i)
		last, _ := d.lines.at(w.pos)
		at, _ := d.lines.at(mark)
		if w.pos >= len(d.Data) && (len(d.Data) == 0 || d.Data[len(d.Data)-1] != c) {
			return d.openQuote(i), true
		}
		if last > first && last >= at-1 {
			return d.openQuote(i), true
		}
		i = w.pos
		start = d.lines.starts[last-1]
	}
	return Diagnostic{}, false
}

// colon tells "a: b: c" from a line that is merely indented too far.
func (d *Doc) colon(le *yaml.LoadError, mark, _ int) (Diagnostic, bool) {
	if !strings.HasPrefix(le.Message, "mapping values are not allowed") {
		return Diagnostic{}, false
	}
	start, end := d.line(mark)
	before := d.Data[start:min(mark, end)]
	if bytes.Contains(before, []byte(": ")) {
		diag := d.problem("E003", d.span(mark, mark+1), "a colon followed by a space inside unquoted text")
		diag.Hint = "put the whole text into quotes"
		if value := d.afterKey(start, mark); value > 0 {
			diag.Fix = d.quoteColon(start, value)
		}
		return diag, true
	}
	if diag, ok := d.bareKey(start, len(d.Data[start:end])-len(bytes.TrimLeft(d.Data[start:end], " "))); ok {
		return diag, true
	}
	return d.misaligned(mark), true
}

// quoteColon puts quotes around a value with a colon in it, or around the item
// where what stands before the colon is no setting; nil where it may be a label.
func (d *Doc) quoteColon(start, value int) *Fix {
	head := bytes.TrimRight(d.Data[start:value], " ")
	key := bytes.TrimLeft(head, " ")
	item := bytes.HasPrefix(key, []byte("- "))
	for bytes.HasPrefix(key, []byte("- ")) {
		key = bytes.TrimLeft(key[1:], " ")
	}
	switch {
	case setting.Match(key):
		return d.quoteRest(start, value)
	case item:
		return d.quoteRest(start, start+len(head)-len(key))
	}
	return nil
}

// bareKey finds a key without its colon above the line that starts at next: one
// word alone, with less indentation.
func (d *Doc) bareKey(next, indent int) (Diagnostic, bool) {
	for next > 0 {
		start, end := d.line(next - 1)
		text := bytes.TrimSpace(d.Data[start:end])
		next = start
		if len(text) == 0 || text[0] == '#' {
			continue
		}
		from := start + bytes.Index(d.Data[start:end], text)
		if from-start >= indent || !keyWord.Match(text) {
			break
		}
		diag := d.problem("E001", d.span(from, from+len(text)), "this file is not valid YAML: a key must be followed by a colon")
		diag.Hint = "write " + string(text) + ":"
		return diag, true
	}
	return Diagnostic{}, false
}

var (
	keyWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)
	setting = regexp.MustCompile(`^[a-z][a-z0-9_]*:$`) // a key with its colon that is no label
)

// afterKey is where the value of the first key of a line starts, 0 where there is none.
func (d *Doc) afterKey(start, mark int) int {
	i := bytes.Index(d.Data[start:mark], []byte(": "))
	if i < 0 {
		return 0
	}
	value := start + i + 1
	for value < mark && d.Data[value] == ' ' {
		value++
	}
	return value
}

func (d *Doc) misaligned(at int) Diagnostic {
	start, end := d.line(at)
	text := bytes.TrimLeft(d.Data[start:end], " ")
	from := end - len(text)
	return d.problem("E006", d.span(from, d.word(from)), "this line is indented differently from its neighbours")
}

// indented is a line that fits neither its map nor its list.
func (d *Doc) indented(le *yaml.LoadError, mark, context int) (Diagnostic, bool) {
	block := le.ContextMsg == "while parsing a block mapping" || le.ContextMsg == "while parsing a block collection"
	start, end := d.line(mark)
	first := start + len(d.Data[start:end]) - len(bytes.TrimLeft(d.Data[start:end], " "))
	if !block || mark != first || mark >= len(d.Data) {
		return Diagnostic{}, false
	}
	_, column := d.lines.at(context)
	_, here := d.lines.at(mark)
	if here == column && d.Data[mark] == ':' {
		return Diagnostic{}, false
	}
	return d.misaligned(mark), true
}

// plainReason is E001 with a reason in plain words.
func (d *Doc) plainReason(le *yaml.LoadError, mark, context int) Diagnostic {
	at, reason := mark, "something is written here that does not fit"
	switch {
	case strings.Contains(le.Message, "could not find expected ':'"):
		at, reason = context, "a key must be followed by a colon"
	case strings.Contains(le.Message, "',' or ']'"):
		at, reason = context, "this [ is never closed, or a comma is missing"
	case strings.Contains(le.Message, "',' or '}'"):
		at, reason = context, "this { is never closed, or a comma is missing"
	case strings.Contains(le.Message, "cannot start any token"):
		reason = "text cannot start with this character; put it into quotes"
	case strings.Contains(le.Message, "unknown escape"):
		reason = `\ means something special between double quotes; write \\ or use single quotes`
	case strings.Contains(le.Message, "block sequence entries"):
		reason = "a list item must start on its own line"
	case strings.Contains(le.Message, "did not find expected key"):
		reason = "after the closing quote or bracket nothing more can follow on this line"
	case strings.Contains(le.Message, "expected node content"):
		reason = "a value is missing before this"
		if i := d.lastOpen(mark); i >= 0 {
			at, reason = i, "this "+string(d.Data[i])+" is never closed, or a comma is missing"
		}
	case strings.Contains(le.ContextMsg, "block scalar"):
		reason = "after | or > only + or - and a digit may follow"
	case strings.Contains(le.ContextMsg, "directive"):
		reason = "text cannot start with %; put it into quotes"
	case strings.Contains(le.ContextMsg, "tag"):
		return d.problem("E008", d.span(context, d.word(context)), "anchors, aliases and tags (&, *, !) are not used in flow files; quote the text if it is one")
	case strings.Contains(le.ContextMsg, "anchor"), strings.Contains(le.ContextMsg, "alias"):
		return d.problem("E008", d.span(context, d.word(context)), "anchors, aliases and tags (&, *, !) are not used in flow files; quote the text if it is one")
	}
	at = min(at, len(d.Data))
	diag := d.problem("E001", d.span(at, min(at+1, len(d.Data))), "this file is not valid YAML: %s", reason)
	if strings.HasPrefix(reason, "text cannot start with") {
		start, _ := d.line(at)
		diag.Fix = d.quoteRest(start, at)
	}
	return diag
}

// lastOpen is the bracket that starts a value and has nothing but blanks after
// it or its items, where the file ends at mark; -1 where there is none.
func (d *Doc) lastOpen(mark int) int {
	if len(bytes.TrimSpace(d.Data[min(mark, len(d.Data)):])) > 0 {
		return -1
	}
	closed := 0
	for i := len(d.Data) - 1; i >= 0; i-- {
		switch d.Data[i] {
		case ']', '}':
			closed++
		case '[', '{':
			if closed--; closed < 0 {
				return i
			}
		}
	}
	return -1
}

// deep finds the 51st open bracket.
func (d *Doc) deep() int {
	depth := 0
	for i, b := range d.Data {
		switch b {
		case '[', '{':
			if depth++; depth > maxDepth {
				return i
			}
		case ']', '}':
			depth--
		}
	}
	return 0
}
