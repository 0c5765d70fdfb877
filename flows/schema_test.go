package flows

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dispatcher/internal/source"
)

// validator is as much of JSON Schema 2020-12 as our schemas use.
type validator struct {
	root    map[string]any
	regexes map[string]*regexp.Regexp
}

func (v *validator) matches(pattern, text string) bool {
	if v.regexes[pattern] == nil {
		v.regexes[pattern] = regexp.MustCompile(pattern)
	}
	return v.regexes[pattern].MatchString(text)
}

func newValidator(t *testing.T, kind string) *validator {
	t.Helper()
	v := &validator{regexes: map[string]*regexp.Regexp{}}
	if err := json.Unmarshal(Schema(kind), &v.root); err != nil {
		t.Fatal(err)
	}
	return v
}

// fits says what is wrong with a value, "" when nothing is.
func (v *validator) fits(schema any, value any, at string) string {
	s, ok := schema.(map[string]any)
	if !ok {
		if schema == false {
			return at + ": nothing may stand here"
		}
		return ""
	}
	if ref, ok := s["$ref"].(string); ok {
		if bad := v.fits(v.root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")], value, at); bad != "" {
			return bad
		}
	}
	for _, check := range []func(map[string]any, any, string) string{v.choice, v.number, v.text, v.list, v.object} {
		if bad := check(s, value, at); bad != "" {
			return bad
		}
	}
	return ""
}

func (v *validator) choice(s map[string]any, value any, at string) string {
	if want, ok := s["type"]; ok {
		names, list := want.([]any)
		if !list {
			names = []any{want}
		}
		if kind := jsonKind(value); !slices.Contains(names, any(kind)) && !(kind == "integer" && slices.Contains(names, any("number"))) {
			return fmt.Sprintf("%s: %s where %v belongs", at, kind, names)
		}
	}
	if words, ok := s["enum"].([]any); ok && !slices.Contains(words, value) {
		return fmt.Sprintf("%s: %v is none of %v", at, value, words)
	}
	if not, ok := s["not"]; ok && v.fits(not, value, at) == "" {
		return at + ": this is refused"
	}
	if c, ok := s["const"]; ok && c != value {
		return fmt.Sprintf("%s: not %v", at, c)
	}
	if list, ok := s["anyOf"].([]any); ok {
		var all []string
		for _, one := range list {
			bad := v.fits(one, value, at)
			if bad == "" {
				return ""
			}
			all = append(all, bad)
		}
		return strings.Join(all, " | ")
	}
	return ""
}

func jsonKind(value any) string {
	switch n := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		if n == float64(int64(n)) {
			return "integer"
		}
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

func (v *validator) number(s map[string]any, value any, at string) string {
	n, ok := value.(float64)
	low, hasLow := s["minimum"].(float64)
	high, hasHigh := s["maximum"].(float64)
	if ok && (hasLow && n < low || hasHigh && n > high) {
		return fmt.Sprintf("%s: %v is out of bounds", at, n)
	}
	return ""
}

func (v *validator) text(s map[string]any, value any, at string) string {
	text, ok := value.(string)
	if p, has := s["pattern"].(string); ok && has && !v.matches(p, text) {
		return fmt.Sprintf("%s: %q does not match %s", at, text, p)
	}
	return ""
}

func (v *validator) list(s map[string]any, value any, at string) string {
	list, ok := value.([]any)
	if !ok {
		return ""
	}
	if n, has := s["minItems"].(float64); has && len(list) < int(n) {
		return at + ": too few"
	}
	for i, item := range list {
		if items, has := s["items"]; has {
			if bad := v.fits(items, item, fmt.Sprintf("%s[%d]", at, i)); bad != "" {
				return bad
			}
		}
	}
	return ""
}

func (v *validator) object(s map[string]any, value any, at string) string {
	m, ok := value.(map[string]any)
	if !ok {
		return ""
	}
	if n, has := s["minProperties"].(float64); has && len(m) < int(n) {
		return at + ": too few keys"
	}
	if n, has := s["maxProperties"].(float64); has && len(m) > int(n) {
		return at + ": too many keys"
	}
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, there := m[name.(string)]; !there {
			return fmt.Sprintf("%s: %s is missing", at, name)
		}
	}
	props, _ := s["properties"].(map[string]any)
	patterns, _ := s["patternProperties"].(map[string]any)
	for name, part := range m {
		if names, has := s["propertyNames"]; has {
			if bad := v.fits(names, name, at+"."+name); bad != "" {
				return bad
			}
		}
		one, known := props[name]
		for p, sub := range patterns {
			if !known && v.matches(p, name) {
				one, known = sub, true
			}
		}
		if !known {
			if one, known = s["additionalProperties"]; !known {
				continue
			}
		}
		if bad := v.fits(one, part, at+"."+name); bad != "" {
			return bad
		}
	}
	return ""
}

// asJSON is a node as an editor reads it: plain scalars by the core schema of YAML.
func asJSON(n *source.Node) any {
	switch n.Kind {
	case source.Map:
		out := map[string]any{}
		for _, p := range n.Pairs {
			out[p.Key.Text] = asJSON(p.Value)
		}
		return out
	case source.List:
		out := []any{}
		for _, item := range n.Items {
			out = append(out, asJSON(item))
		}
		return out
	case source.Null:
		return nil
	}
	if n.Style == source.Plain {
		switch n.Text {
		case "true":
			return true
		case "false":
			return false
		}
		if f, err := strconv.ParseFloat(n.Text, 64); err == nil && strings.ContainsAny(n.Text[:1], "-+.0123456789") {
			return f
		}
	}
	return n.Text
}

func schemaKind(path string) string {
	switch {
	case path == projectFile:
		return "project"
	case isTest(path):
		return "test"
	case isLocale(path):
		return "locale"
	}
	return "flow"
}

// validators are the schemas by kind of file, each read once.
type validators map[string]*validator

// wrong says what the schema has against a file.
func (vs validators) wrong(t *testing.T, path string, data []byte) (string, bool) {
	t.Helper()
	doc, _ := source.Parse(path, data)
	if doc.Root == nil || strings.HasSuffix(path, ".yml") {
		return "", false
	}
	kind := schemaKind(path)
	if vs[kind] == nil {
		vs[kind] = newValidator(t, kind)
	}
	v := vs[kind]
	return v.fits(v.root, asJSON(doc.Root), ""), true
}

// Every file of the starter, of the worked example and of each good fixture is
// what the schema says.
func TestSchemaTakesWhatIsRight(t *testing.T) {
	t.Parallel()
	good, vs := map[string][]byte{}, validators{}
	for _, folder := range []string{"starter", "testdata/acme", "starter/minimal"} {
		files, err := Read(os.DirFS(folder), folder)
		if err != nil {
			t.Fatal(err)
		}
		for path, data := range files.Data {
			good[folder+": "+path] = data
		}
	}
	fixtures, _ := filepath.Glob("testdata/*.txtar")
	for _, fixture := range fixtures {
		for name, files := range projects(t, fixture) {
			if len(errorsOf(Load(files, testOptions()))) > 0 {
				continue
			}
			for path, data := range files.Data {
				good[fixture+" "+name+": "+path] = data
			}
		}
	}
	for name, data := range good {
		if bad, _ := vs.wrong(t, name[strings.Index(name, ": ")+2:], data); bad != "" {
			t.Errorf("%s: %s", name, bad)
		}
	}
	if len(good) < 30 {
		t.Errorf("only %d files", len(good))
	}
}

// A file with a key that does not exist, a value of the wrong kind or without a
// required key is not what the schema says.
func TestSchemaRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	fixtures, _ := filepath.Glob("testdata/*.txtar")
	refused, vs := 0, validators{}
	for _, fixture := range fixtures {
		for name, files := range projects(t, fixture) {
			p := Load(files, testOptions())
			broken := map[string]string{}
			for _, d := range p.Diagnostics {
				if d.Code == "E101" && strings.Contains(d.Message, "has no setting") && !isLocale(d.Range.File) || d.Code == "E104" && strings.HasPrefix(d.Message, "expected") {
					broken[d.Range.File] = d.Message
				}
			}
			for path, message := range broken {
				bad, parsed := vs.wrong(t, path, files.Data[path])
				if parsed && bad == "" {
					t.Errorf("%s %s: %s is taken, although %s", fixture, name, path, message)
				}
				refused++
			}
		}
	}
	if refused < 15 {
		t.Errorf("only %d files", refused)
	}
	for _, in := range []string{"flow: a\n", "states: {start: {goto: x}}\n", "flow: a\nstates: {start: {http: {get: /x}}}\n",
		"flow: a\nstates: {start: {old_taps: jmp}}\n", "flow: a\nrollout: some\nstates: {}\n", "flow: a\nstates: {start: {collect: {slot: a, max_tries: 20}}}\n",
		"flow: a\nstates: {start: {no_reply: [{after: 10 mins, say: x}]}}\n", "flow: a\nslots: {a: txt}\nstates: {}\n"} {
		if bad, _ := vs.wrong(t, "flows/a.yaml", []byte(in)); bad == "" {
			t.Errorf("%s is taken", in)
		}
	}
}

// A schema is the same bytes every time and describes every key.
func TestSchemaIsWhole(t *testing.T) {
	t.Parallel()
	for _, kind := range SchemaKinds() {
		a := Schema(kind)
		if len(a) == 0 || string(a) != string(Schema(kind)) {
			t.Errorf("%s: not the same twice", kind)
		}
	}
	if Schema("poem") != nil {
		t.Error("a schema of nothing")
	}
	for name, c := range grammar() {
		for _, k := range c.keys {
			if k.doc == "" || strings.HasSuffix(k.doc, ".") || len(k.doc) > 110 {
				t.Errorf("%s.%s: doc %q", name, k.name, k.doc)
			}
			if (k.form == "word" || strings.HasSuffix(k.form, ":word")) != (k.words != nil) && k.form != "names" && !strings.HasPrefix(k.form, "either:word") {
				t.Errorf("%s.%s: words", name, k.name)
			}
			if strings.HasPrefix(k.form, "int:") {
				if low, high := k.bounds(); low >= high {
					t.Errorf("%s.%s: bounds %d to %d", name, k.name, low, high)
				}
			}
		}
	}
}

// What an editor needs to know of a schema: its dialect, its name, its title.
func TestSchemaSaysWhatItIs(t *testing.T) {
	t.Parallel()
	for _, kind := range SchemaKinds() {
		root := newValidator(t, kind).root
		title, _ := root["title"].(string)
		if root["$schema"] != "https://json-schema.org/draft/2020-12/schema" || root["$id"] != "dispatcher:"+kind || !strings.HasPrefix(title, "Dispatcher: ") {
			t.Errorf("%s: %v %v %v", kind, root["$schema"], root["$id"], root["title"])
		}
	}
}
