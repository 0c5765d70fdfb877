package flows

import (
	"regexp"
	"slices"
	"strings"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

var (
	lookupMethods = []string{"get", "post", "put", "patch", "delete"}
	// lookupEnds are the words that on may answer to beside status codes and else.
	lookupEnds = []string{"3xx", "4xx", "5xx", "timeout", "refused", "invalid", "else"}
	statusCode = regexp.MustCompile(`^[1-5]\d\d$`)
)

// lookupSrc is the result of look-ups by the name they are saved under.
type lookupSrc struct {
	at      source.Range
	returns []engine.LookupField
	typ     typ
}

// declareLookup learns the name and the fields of a result before anything
// that reads it is compiled.
func (l *loader) declareLookup(s *stateSrc) {
	n := s.node.Get("http")
	if n == nil || n.Kind != source.Map {
		return
	}
	s.returns = l.returnFields(n.Get("returns"), 0)
	save := n.Get("save")
	name, ok := scalar(save)
	if !ok {
		l.misspeltSave(n)
		return
	}
	if !l.name(save, "look-up") || !l.lookupName(save) {
		return
	}
	have, twice := l.lookups[name]
	if !twice {
		have = &lookupSrc{at: save.Words(), returns: s.returns, typ: lookupType(name, s.returns)}
		if l.nearAny(n, "http", []string{"returns"}) {
			have.typ = anyType
		}
		l.lookups[name] = have
		return
	}
	if !slices.EqualFunc(have.returns, s.returns, sameField) {
		d := l.err("E121", save.Words(), "%q is already the name of another look-up with other fields", name)
		d.Related = []source.Related{{Range: have.at, Message: "the other one is here"}}
		have.typ = anyType
	}
}

// misspeltSave takes a key that was meant to be save for it, so that what reads
// the result is not reported as well.
func (l *loader) misspeltSave(n *source.Node) {
	for _, p := range n.Pairs {
		if _, known := l.grammar["http"].key(p.Key.Text); known {
			continue
		}
		if _, near := source.DidYouMean(p.Key.Text, []string{"save"}); near && len(n.Pairs) <= maxNear && p.Value.Kind == source.Scalar {
			l.lookups[p.Value.Text] = &lookupSrc{at: p.Value.Words(), typ: anyType}
		}
	}
}

// lookupName refuses names that mean something else in an expression (E121).
func (l *loader) lookupName(n *source.Node) bool {
	_, object := l.objects[n.Text]
	if _, function := l.functions[n.Text]; object || function || slices.Contains([]string{"slots", "canned", "result", "value", "form", "verify"}, n.Text) {
		l.err("E121", n.Words(), "%q is already the name of something else in expressions", n.Text)
		return false
	}
	if p := l.treeOf(n.Text + ".x"); p.err != nil || rootOf(p.tree) != n.Text {
		l.err("E102", n.Words(), "%q cannot be the name of a look-up: it has a meaning of its own", n.Text)
		return false
	}
	return true
}

func sameField(a, b engine.LookupField) bool {
	return a.Name == b.Name && a.Type == b.Type && a.Optional == b.Optional &&
		slices.Equal(a.Values, b.Values) && slices.EqualFunc(a.Fields, b.Fields, sameField)
}

// lookupType is what expressions see of a result.
func lookupType(name string, fields []engine.LookupField) typ {
	t := object(name, map[string]typ{})
	for _, f := range fields {
		ft := anyType
		switch {
		case f.Fields != nil || f.Type == "map":
			ft = lookupType(name+"."+f.Name, f.Fields)
		case f.Type != "":
			ft = slotType(&engine.Slot{Type: f.Type, Values: valueNames(f.Values)})
		}
		ft.maybe = f.Optional
		t.fields[f.Name] = ft
	}
	return t
}

func valueNames(ids []string) []engine.SlotValueName {
	out := make([]engine.SlotValueName, 0, len(ids))
	for _, id := range ids {
		out = append(out, engine.SlotValueName{ID: id})
	}
	return out
}

// returnFields reads the shape of an answer: type, {type, values}, or a map of
// such fields; a type that ends with ? may be missing.
func (l *loader) returnFields(n *source.Node, depth int) []engine.LookupField {
	if n == nil || n.Kind != source.Map {
		return nil
	}
	if depth > 8 {
		l.err("E105", n.Words(), "an answer is read at most 8 levels deep")
		return nil
	}
	var out []engine.LookupField
	for _, p := range n.Pairs {
		if !fieldPattern.MatchString(p.Key.Text) {
			l.err("E102", p.Key.Words(), "%q is not a usable name of a field: letters, digits and _, not starting with a digit", p.Key.Text)
			continue
		}
		f := engine.LookupField{Name: p.Key.Text}
		switch {
		case p.Value.Kind == source.Scalar:
			l.fieldType(&f, p.Value)
			if f.Type == engine.SlotChoice {
				l.err("E110", p.Value.Words(), "choice needs values; write {type: choice, values: […]}")
			}
		case p.Value.Kind == source.Map && typedField(p.Value):
			l.typedField(&f, p)
		case p.Value.Kind == source.Map:
			f.Type, f.Fields = "map", l.returnFields(p.Value, depth+1)
		case p.Value.Kind == source.Null:
			l.err("E110", p.Key.Words(), "nothing says what %s is; write a type such as text", p.Key.Text)
		default:
			l.kind(p.Value, "a type, or a map of fields")
		}
		out = append(out, f)
	}
	return out
}

var fieldPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

// typedField tells {type, values} from a group of fields, one of which may be
// called type.
func typedField(n *source.Node) bool {
	t := n.Get("type")
	if t == nil || t.Kind != source.Scalar {
		return false
	}
	for _, p := range n.Pairs {
		if p.Key.Text != "type" && p.Key.Text != "values" {
			return false
		}
	}
	return true
}

func (l *loader) fieldType(f *engine.LookupField, n *source.Node) {
	word, optional := strings.CutSuffix(n.Text, "?")
	types := []string{engine.SlotText, engine.SlotNumber, engine.SlotYesNo, engine.SlotDate, engine.SlotChoice, engine.SlotList}
	f.Optional = optional
	if slices.Contains(types, word) {
		f.Type = word
		return
	}
	d := l.err("E105", n.Words(), "%q is not a type of a field: %s", n.Text, strings.Join(types, ", "))
	if best, near := source.Meant(word, types); near > 0 {
		if optional {
			best += "?"
		}
		l.spelling(d, best, near == 1)
	}
}

func (l *loader) typedField(f *engine.LookupField, p source.Pair) {
	l.fieldType(f, p.Value.Get("type"))
	values := p.Value.Pair("values")
	switch {
	case f.Type == engine.SlotChoice && (values == nil || len(words(values.Value)) == 0):
		l.err("E110", p.Key.Words(), "choice needs values")
	case f.Type != engine.SlotChoice && f.Type != "" && values != nil:
		l.err("E105", values.Value.Words(), "values are for type choice, this is %s", f.Type)
	case values != nil:
		f.Values = wordTexts(values.Value)
	}
}

// lookup compiles http: one request and what follows from its failures.
func (l *loader) lookup(s *stateSrc, p *source.Pair) *engine.Lookup {
	n := p.Value
	if n.Kind != source.Map {
		if n.Kind == source.Null {
			l.err("E110", p.Key.Words(), "http needs a service and a path, such as get: /orders")
		}
		return nil
	}
	h := &engine.Lookup{At: l.place(p.Key.Range), Returns: s.returns}
	h.Service = l.wantService(n.Get("service"), n, "http", p.Key.Words())
	l.request(h, n, p)
	if q := n.Get("query"); q != nil && q.Kind == source.Map {
		for _, pair := range q.Pairs {
			if t := l.text(pair.Value, scope{}); t != nil {
				h.Query = append(h.Query, engine.LookupParam{Name: pair.Key.Text, Text: t})
			}
		}
	}
	if body := n.Pair("json"); body != nil {
		h.JSON = l.jsonValue(body.Value)
		if h.Method == "get" {
			l.err("E105", body.Key.Words(), "a get sends no json; use query, or post")
		}
	}
	h.Timeout = l.lookupTimeout(n.Get("timeout"), 0)
	h.Retry = l.count(n, "http", "retry", 0)
	h.Save, _ = scalar(n.Get("save"))
	l.lookupExits(h, n, p)
	return h
}

// wantService reads the name of a service (E110, E218).
func (l *loader) wantService(n, m *source.Node, construct string, at source.Range) string {
	name, ok := scalar(n)
	if !ok {
		if n == nil || n.Kind == source.Null {
			l.missing(m, construct, "service", at, "%s needs a service", construct)
		}
		return ""
	}
	l.used["service "+name] = true
	if _, known := l.p.Config.Service[name]; !known && !l.projectUnread() {
		l.suggest(l.err("E218", n.Words(), "there is no service called %q in dispatcher.yaml", name), name, keysOf(l.p.Config.Service))
	}
	return name
}

// request reads the one method with its path (E110, E135).
func (l *loader) request(h *engine.Lookup, n *source.Node, p *source.Pair) {
	for i := range n.Pairs {
		pair := &n.Pairs[i]
		if !slices.Contains(lookupMethods, pair.Key.Text) {
			continue
		}
		if h.Method != "" {
			l.err("E105", pair.Key.Words(), "a look-up makes one request: %s and %s are both written", h.Method, pair.Key.Text)
			continue
		}
		h.Method = pair.Key.Text
		if s, known := l.p.Config.Service[h.Service]; known && !slices.Contains(s.Methods, h.Method) {
			d := l.err("E135", pair.Key.Words(), "%s does not allow %s", h.Service, h.Method)
			d.Hint = "add it to methods of " + h.Service + " in dispatcher.yaml"
		}
		path, ok := scalar(pair.Value)
		switch {
		case !ok && pair.Value.Kind == source.Null:
			l.err("E110", pair.Key.Words(), "%s needs a path, such as /orders", h.Method)
		case ok && !strings.HasPrefix(path, "/"):
			l.err("E105", pair.Value.Words(), "a path starts with /, this is %q", path)
		}
		if ok {
			h.Path = l.text(pair.Value, scope{})
		}
	}
	if h.Method == "" && !l.nearAny(n, "http", lookupMethods) {
		l.err("E110", p.Key.Words(), "http needs a path, such as get: /orders")
	}
}

// lookupExits compiles on, and warns when a failure has no answer (W331).
func (l *loader) lookupExits(h *engine.Lookup, n *source.Node, p *source.Pair) {
	h.On = map[string]*engine.Exit{}
	if on := n.Get("on"); on != nil && on.Kind == source.Map {
		for _, r := range on.Pairs {
			name := r.Key.Text
			if !slices.Contains(lookupEnds, name) && !statusCode.MatchString(name) {
				l.suggest(l.err("E101", r.Key.Words(), "on has no setting called %q: write a status such as 404, %s", name, strings.Join(lookupEnds, ", ")), name, lookupEnds)
				continue
			}
			e := l.exit(r.Value, r.Key.Words(), "http:"+name, "http:"+name)
			if name == "else" {
				h.OnElse = e
			} else {
				h.On[name] = e
			}
		}
		if on.Pair("else") != nil || l.nearAny(on, "", []string{"else"}) {
			return
		}
	}
	if l.nearAny(n, "http", []string{"on"}) {
		return
	}
	for _, end := range lookupEnds[:len(lookupEnds)-1] {
		if h.On[end] == nil {
			l.warn("W331", p.Key.Words(), "nothing says what happens when the look-up fails; add on: else")
			return
		}
	}
}

// nearAny says that an unknown key of a map was probably meant to be one of these.
func (l *loader) nearAny(m *source.Node, construct string, names []string) bool {
	if m == nil || len(m.Pairs) > maxNear {
		return m != nil
	}
	for _, p := range m.Pairs {
		if _, known := l.grammar[construct].key(p.Key.Text); known || slices.Contains(lookupEnds, p.Key.Text) {
			continue
		}
		if _, near := source.DidYouMean(p.Key.Text, names); near {
			return true
		}
	}
	return false
}

// jsonValue compiles a body: lists and maps with texts in them. A text that is
// one expression alone keeps its type; nothing is null.
func (l *loader) jsonValue(n *source.Node) *engine.JSONValue {
	v := &engine.JSONValue{}
	switch n.Kind {
	case source.List:
		v.IsList = true
		for _, item := range n.Items {
			v.List = append(v.List, l.jsonValue(item))
		}
	case source.Map:
		v.IsMap = true
		for _, p := range n.Pairs {
			v.Map = append(v.Map, engine.JSONEntry{Name: p.Key.Text, Value: l.jsonValue(p.Value)})
		}
	case source.Scalar:
		t := l.template(n, scope{text: true, secret: true, whole: true})
		if len(t.Parts) == 1 && t.Parts[0].Expr != nil {
			v.Expr = t.Parts[0].Expr
			return v
		}
		v.Text = &engine.Text{At: l.place(n.Range), Lang: map[string]*engine.Template{l.set.Languages[0]: t}}
	}
	return v
}
