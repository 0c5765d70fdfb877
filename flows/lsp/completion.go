package lsp

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"dispatcher/flows"
	"dispatcher/internal/source"
)

// completing is one question for what may be written at a place.
type completing struct {
	look
	server *server
	doc    document
	kind   string // of file
	shape  *outline
	cursor cursor
	place  flows.Place
	units  encoding
	at     int // byte of the cursor
	items  []completionItem
}

func (s *server) completion(ctx context.Context, p *positionParams) (any, error) {
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return completionList{Items: []completionItem{}}, nil
	}
	c := &completing{server: s, doc: d, kind: flows.FileKind(d.path), units: s.encoding(), items: []completionItem{}}
	c.at = d.text.offset(p.Position, c.units)
	c.shape = newOutline(d.text)
	c.cursor = c.shape.at(c.at)
	c.place = s.atlas.At(c.kind, c.cursor.path)
	d.project.looking(func(l look) {
		c.look = l
		c.fill()
	})
	return completionList{Items: c.items}, ctx.Err()
}

func (c *completing) fill() {
	if c.cursor.open {
		if expr, ok := c.expression(); ok {
			c.inExpression(expr)
			return
		}
	}
	if c.cursor.key {
		c.keys()
	}
	if c.cursor.open {
		c.values()
	}
}

// expression is what is written so far of the expression the cursor is in.
func (c *completing) expression() (string, bool) {
	if c.place.Expression() {
		return c.cursor.value, true
	}
	if c.kind == "test" {
		return "", false
	}
	i := strings.LastIndex(c.cursor.value, "{{")
	if i < 0 || strings.Contains(c.cursor.value[i:], "}}") {
		return "", false
	}
	return strings.TrimLeft(c.cursor.value[i+2:], " "), true
}

// add offers one word in place of the last n bytes before the cursor.
func (c *completing) add(n int, item completionItem, insert string) {
	item.TextEdit = &textEdit{c.doc.text.span(c.at-n, c.at, c.units), insert}
	item.SortText = fmt.Sprintf("%04d", len(c.items))
	c.items = append(c.items, item)
}

// keys offers the keys that the table allows here and that are not there yet.
func (c *completing) keys() {
	n := c.at - c.cursor.word
	colon := c.cursor.end > c.at || c.cursor.end < len(c.doc.text.data) && c.doc.text.data[c.cursor.end] == ':'
	ending := func(nested bool) string {
		switch {
		case colon:
			return ""
		case nested:
			return ":"
		}
		return ": "
	}
	for _, k := range c.server.atlas.Keys(c.place) {
		if c.cursor.used[k.Name] {
			continue
		}
		c.add(n, completionItem{Label: k.Name, Kind: itemProperty, Detail: keyDetail(k), Documentation: markdown(k.Doc)}, k.Name+ending(k.Nested))
	}
	what, given := c.place.Holds()
	if what == "" || given {
		return
	}
	for _, m := range c.known(what) {
		if !c.cursor.used[m.Name] {
			c.add(n, completionItem{Label: m.Name, Kind: itemVariable, Detail: what, Documentation: markdown(c.describe(m))}, m.Name+ending(false))
		}
	}
}

// keyDetail is what a key takes, in a few words.
func keyDetail(k flows.KeyDoc) string {
	out := k.Value
	if k.Required {
		out += ", required"
	} else if k.Default != "" {
		out += ", default " + k.Default
	}
	return out
}

// known are the names of a kind that exist: of states those of this file, as
// it stands.
func (c *completing) known(kind string) []flows.Mention {
	if kind != flows.NameState {
		return c.Declared(kind, "")
	}
	flow := c.shape.flowName()
	list := c.Declared(kind, flow)
	for _, e := range c.shape.entries("states") {
		if !slices.ContainsFunc(list, func(m flows.Mention) bool { return m.Name == e.key }) {
			list = append(list, flows.Mention{Kind: kind, Flow: flow, Name: e.key})
		}
	}
	return list
}

var lastWord = regexp.MustCompile(`[A-Za-z0-9_.-]*$`)

// values offers what may stand as a value here.
func (c *completing) values() {
	word := lastWord.FindString(c.cursor.value)
	for _, w := range c.place.Words() {
		c.add(len(word), completionItem{Label: w, Kind: itemEnum, Detail: c.holder()}, w)
	}
	switch names := c.place.Names(); names {
	case "":
	case flows.NameState:
		c.states(word)
	case flows.NameLookup: // a new name is given here
	default:
		for _, m := range c.known(names) {
			c.add(len(word), completionItem{Label: m.Name, Kind: itemOf(names), Detail: c.short(m), Documentation: markdown(c.describe(m))}, m.Name)
		}
	}
}

// holder is the key whose value is written.
func (c *completing) holder() string {
	if k, ok := c.place.Key(); ok {
		return k.Name
	}
	return ""
}

func itemOf(kind string) int {
	switch kind {
	case flows.NameFlow:
		return itemModule
	case flows.NameState:
		return itemClass
	}
	return itemVariable
}

// states offers states: behind "flow." those of that flow; else those of this
// one, and every flow for its own.
func (c *completing) states(word string) {
	flow, _, dotted := strings.Cut(word, ".")
	offer := func(m flows.Mention, label string) {
		c.add(len(word), completionItem{Label: label, Kind: itemOf(m.Kind), Detail: c.short(m), Documentation: markdown(c.describe(m))}, label)
	}
	if dotted {
		for _, m := range c.Declared(flows.NameState, flow) {
			offer(m, flow+"."+m.Name)
		}
		return
	}
	if c.kind == "flow" {
		for _, m := range c.known(flows.NameState) {
			offer(m, m.Name)
		}
		c.add(len(word), completionItem{Label: "resume", Kind: itemKeyword, Detail: "the question that was open before"}, "resume")
	}
	for _, m := range c.Declared(flows.NameFlow, "") {
		if c.kind != "flow" {
			offer(m, m.Name)
			continue
		}
		if m.Name != c.shape.flowName() {
			offer(m, m.Name+".start")
		}
	}
}

var (
	dottedWord = regexp.MustCompile(`((?:[A-Za-z_][A-Za-z0-9_]*\??\.)*)([A-Za-z_][A-Za-z0-9_]*)?$`)
	openCall   = regexp.MustCompile(`([a-z_0-9]+)\(\s*$`)
	compared   = regexp.MustCompile(`slots\.([a-z0-9_]+)\s*(?:==|!=|in\s*\[(?:[^\]]*,)?|not in\s*\[(?:[^\]]*,)?)\s*$`)
)

// inExpression offers names, functions and fields.
func (c *completing) inExpression(expr string) {
	if start := openText(expr); start >= 0 {
		c.inText(expr[:start], expr[start+1:])
		return
	}
	m := dottedWord.FindStringSubmatch(expr)
	base, word := strings.TrimRight(strings.ReplaceAll(m[1], "?", ""), "."), m[2]
	n := len(word)
	if base != "" {
		c.fields(n, base)
		return
	}
	for _, w := range c.server.atlas.Objects(c.kind, c.cursor.path) {
		c.add(n, completionItem{Label: w.Name, Kind: itemVariable, Detail: w.Type, Documentation: markdown(w.Doc)}, w.Name)
	}
	for _, l := range c.Declared(flows.NameLookup, "") {
		c.add(n, completionItem{Label: l.Name, Kind: itemVariable, Detail: "look-up", Documentation: markdown(c.describe(l))}, l.Name)
	}
	for _, f := range flows.Functions() {
		c.add(n, completionItem{Label: f.Name, Kind: itemFunction, Detail: signature(f), Documentation: markdown(f.Doc)}, f.Name)
	}
	for _, w := range c.server.atlas.Operators() {
		c.add(n, completionItem{Label: w, Kind: itemKeyword}, w)
	}
}

func signature(f flows.Function) string {
	return fmt.Sprintf("%s(%s) → %s", f.Name, f.Args, f.Result)
}

// openText is where a text in quotes begins that is not closed yet, -1 = none.
func openText(expr string) int {
	for i := 0; i < len(expr); i++ {
		if c := expr[i]; c == '"' || c == '\'' || c == '`' {
			end := quoted(expr, i)
			if end < 0 {
				return i
			}
			i = end
		}
	}
	return -1
}

// inText offers the names that a function takes, or the values of a choice.
func (c *completing) inText(before, word string) {
	if m := compared.FindStringSubmatch(before); m != nil {
		for _, value := range c.choices(m[1]) {
			c.add(len(word), completionItem{Label: value, Kind: itemValue, Detail: "value of " + m[1]}, value)
		}
		return
	}
	m := openCall.FindStringSubmatch(before)
	if m == nil {
		return
	}
	kinds := []string{c.server.atlas.Argument(m[1])}
	if kinds[0] == flows.NameSchedule {
		kinds = append(kinds, flows.NameQueue)
	}
	for _, kind := range kinds {
		if kind == "" {
			continue
		}
		for _, d := range c.Declared(kind, "") {
			c.add(len(word), completionItem{Label: d.Name, Kind: itemVariable, Detail: kind, Documentation: markdown(c.describe(d))}, d.Name)
		}
	}
}

// choices are the values of a choice.
func (c *completing) choices(slot string) []string {
	var out []string
	for _, d := range c.Declared(flows.NameSlot, "") {
		values := d.Node.Get("values")
		if d.Name != slot || values == nil {
			continue
		}
		for _, item := range values.Items {
			out = append(out, item.Text)
		}
		for _, p := range values.Pairs {
			out = append(out, p.Key.Text)
		}
	}
	return out
}

// fields offers what stands behind a dot.
func (c *completing) fields(n int, base string) {
	kind := map[string]string{"slots": flows.NameSlot, "canned": flows.NameCanned}[base]
	if kind != "" {
		for _, m := range c.known(kind) {
			c.add(n, completionItem{Label: m.Name, Kind: itemField, Detail: c.short(m), Documentation: markdown(c.describe(m))}, m.Name)
		}
		return
	}
	for _, w := range c.server.atlas.Fields(base) {
		c.add(n, completionItem{Label: w.Name, Kind: itemField, Detail: w.Type}, w.Name)
	}
	parts := strings.Split(base, ".")
	for _, d := range c.Declared(flows.NameLookup, "") {
		if d.Name != parts[0] {
			continue
		}
		at := d.Node.Get("returns")
		for _, part := range parts[1:] {
			at = at.Get(part)
		}
		if at == nil || at.Kind != source.Map {
			continue
		}
		for _, p := range at.Pairs {
			c.add(n, completionItem{Label: p.Key.Text, Kind: itemField, Detail: inline(p.Value, 0)}, p.Key.Text)
		}
	}
}
