package flows

import (
	"encoding/json"
	"slices"
	"strings"
)

// SchemaKinds are the kinds of file that Schema describes.
func SchemaKinds() []string { return []string{"project", "flow", "locale", "test"} }

// Schema is the JSON Schema (2020-12) of a kind of file, made from the grammar
// table, so that an editor completes and underlines what the checker would; nil
// for another kind. It says less than the checker: names, expressions and
// paths are the checker's alone.
func Schema(kind string) []byte {
	roots := map[string]string{"project": "project", "flow": "flow", "locale": "locale", "test": "test_file"}
	root, ok := roots[kind]
	if !ok {
		return nil
	}
	s := &schema{grammar: grammar(), defs: map[string]any{}}
	out := s.construct(root)
	if kind == "locale" {
		out = s.locale()
	}
	out["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	out["$id"] = "dispatcher:" + kind
	out["title"] = "Dispatcher: " + s.grammar[root].name
	out["$defs"] = s.defs
	raw, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil // cannot happen: maps, lists and texts only
	}
	return append(raw, '\n')
}

// jsonMap is one JSON object.
type jsonMap map[string]any

// schema is one run of Schema: constructs become definitions as they are met.
type schema struct {
	grammar map[string]construct
	defs    map[string]any
}

// Patterns of values that are written as one text.
const (
	durationSchema = `^([0-9]{1,9}(ms|s|m|h|d))+$`
	delaySchema    = `^(([0-9]{1,9}(ms|s|m|h|d))+|[0-9]{1,4} open (hour|minute|day)s?( of [a-z0-9_]+)?)$`
	percentSchema  = `^[0-9]{1,3}(\.[0-9]{1,6})?%$`
	languageSchema = `^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`
	fieldSchema    = `^(text|number|yes_no|date|list)\??$`
)

// ref is a definition, made when it is first asked for.
func (s *schema) ref(name string, make func() jsonMap) jsonMap {
	if _, known := s.defs[name]; !known {
		s.defs[name] = jsonMap{} // stands in, so that definitions may go round
		s.defs[name] = make()
	}
	return jsonMap{"$ref": "#/$defs/" + name}
}

func (s *schema) construct(name string) jsonMap {
	c := s.grammar[name]
	props := jsonMap{}
	var required []string
	for _, k := range c.keys {
		p := s.form(k, k.form)
		if k.must {
			required = append(required, k.name)
		} else {
			p = orNothing(p)
		}
		props[k.name] = described(p, k)
	}
	out := jsonMap{"type": "object", "properties": props, "additionalProperties": c.open}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func described(p jsonMap, k key) jsonMap {
	out := jsonMap{"description": k.doc}
	if k.def != "" {
		out["description"] = k.doc + " (default: " + k.def + ")"
	}
	for name, v := range p {
		out[name] = v
	}
	return out
}

func (s *schema) mapOf(name string) jsonMap {
	return s.ref(name, func() jsonMap { return s.construct(name) })
}

func anyOf(list ...jsonMap) jsonMap { return jsonMap{"anyOf": list} }

func listOf(item jsonMap) jsonMap { return jsonMap{"type": "array", "items": item} }

func mapTo(value jsonMap) jsonMap {
	return jsonMap{"type": "object", "additionalProperties": value}
}

// orNothing lets a key be written and left empty.
func orNothing(p jsonMap) jsonMap {
	switch t := p["type"].(type) {
	case string:
		return with(p, "type", []string{t, "null"})
	case []string:
		return with(p, "type", append(slices.Clone(t), "null"))
	}
	if list, ok := p["anyOf"].([]jsonMap); ok && len(p) == 1 {
		return anyOf(append(slices.Clone(list), jsonMap{"type": "null"})...)
	}
	if list, ok := p["enum"].([]any); ok {
		return with(p, "enum", append(slices.Clone(list), nil))
	}
	if len(p) == 0 {
		return p
	}
	return anyOf(p, jsonMap{"type": "null"})
}

func with(p jsonMap, name string, v any) jsonMap {
	out := jsonMap{}
	for k, have := range p {
		out[k] = have
	}
	out[name] = v
	return out
}

// form is the schema of one value.
func (s *schema) form(k key, form string) jsonMap {
	head, rest, _ := strings.Cut(form, ":")
	if isScalarForm(head) {
		return s.scalar(k, head)
	}
	switch head {
	case "any":
		return jsonMap{}
	case "map":
		return s.mapOf(rest)
	case "list":
		return listOf(s.mapOf(rest))
	case "listof":
		return listOf(s.form(k, rest))
	case "mapof":
		return mapTo(orNothing(s.form(k, rest)))
	case "either":
		a, b, _ := strings.Cut(rest, "|")
		return anyOf(s.form(k, a), s.form(k, b))
	case "names":
		one := s.scalar(k, "scalar")
		if k.words != nil {
			one = s.scalar(k, "word")
		}
		return anyOf(one, listOf(one))
	}
	return s.ownForm(k, head)
}

// plain is one text as typed, whatever YAML takes it for.
func plain() jsonMap { return jsonMap{"type": []string{"string", "number", "boolean"}} }

func (s *schema) scalar(k key, head string) jsonMap {
	text := func(pattern string) jsonMap { return jsonMap{"type": "string", "pattern": pattern} }
	switch head {
	case "bool":
		return jsonMap{"enum": []any{true, false, "true", "false"}}
	case "word":
		var words []any
		for _, w := range k.words {
			words = append(words, w)
			if w == "1" {
				words = append(words, 1)
			}
		}
		return jsonMap{"enum": words}
	case "int":
		low, high := k.bounds()
		return jsonMap{"type": "integer", "minimum": low, "maximum": high}
	case "duration":
		return text(durationSchema)
	case "delay":
		return text(delaySchema)
	case "percent":
		return text(percentSchema)
	}
	return plain()
}

// ownForm is the schema of the forms that only the language has.
func (s *schema) ownForm(k key, form string) jsonMap {
	text := s.ref("text", s.text)
	switch form {
	case "text":
		return text
	case "texts":
		return anyOf(text, listOf(text))
	case "say":
		return anyOf(text, listOf(anyOf(text, s.mapOf("say_item"))))
	case "exit":
		return anyOf(plain(), s.mapOf("exit"))
	case "options":
		option := s.mapOf("option")
		return anyOf(listOf(option), mapTo(anyOf(plain(), option, jsonMap{"type": "null"})))
	case "collect":
		return s.ref("filling", s.filling)
	case "canned":
		return anyOf(text, s.mapOf("canned"))
	case "slot":
		return anyOf(jsonMap{"enum": wordsOf(slotTypes)}, s.mapOf("slot"))
	case "values":
		return anyOf(plain(), listOf(plain()), mapTo(orNothing(text)))
	case "fields":
		return s.ref("fields", s.fields)
	case "mock":
		mock := s.mapOf("mock")
		return anyOf(mock, listOf(mock))
	case "wanted":
		return anyOf(plain(), listOf(plain()), s.mapOf("wanted"))
	}
	return jsonMap{}
}

func wordsOf(words []string) []any {
	out := make([]any, 0, len(words))
	for _, w := range words {
		out = append(out, w)
	}
	return out
}

// text is one text, {any: […]}, or one per language.
func (s *schema) text() jsonMap {
	self := jsonMap{"$ref": "#/$defs/text"}
	return anyOf(plain(),
		jsonMap{"type": "object", "properties": jsonMap{"any": jsonMap{"type": "array", "items": self, "minItems": 1}}, "required": []string{"any"}, "additionalProperties": false},
		jsonMap{"type": "object", "minProperties": 1, "propertyNames": jsonMap{"pattern": languageSchema, "not": jsonMap{"const": "any"}}, "additionalProperties": plain()})
}

// filling is collect: the long form, or exactly one key that is no setting.
func (s *schema) filling() jsonMap {
	var settings []any
	for _, k := range s.grammar["collect"].keys {
		settings = append(settings, k.name)
	}
	return anyOf(s.mapOf("collect"), jsonMap{"type": "object", "minProperties": 1, "maxProperties": 1,
		"propertyNames": jsonMap{"not": jsonMap{"enum": settings}}, "additionalProperties": s.ref("text", s.text)})
}

// fields is the shape of an answer: types, {type, values}, or groups of them.
func (s *schema) fields() jsonMap {
	return mapTo(anyOf(jsonMap{"type": "string", "pattern": fieldSchema},
		jsonMap{"type": "object", "properties": jsonMap{"type": jsonMap{"type": "string", "pattern": `^(text|number|yes_no|date|list|choice)\??$`},
			"values": anyOf(plain(), listOf(plain()))}, "required": []string{"type"}, "additionalProperties": false},
		jsonMap{"$ref": "#/$defs/fields"}))
}

// locale is a file of translations: flow.NAME and project, each a map from the
// place of a text to {from, to}, a text, or a list of words.
func (s *schema) locale() jsonMap {
	entry := anyOf(plain(), listOf(plain()), s.mapOf("translation"), jsonMap{"type": "null"})
	section := orNothing(mapTo(entry))
	return jsonMap{"type": "object", "required": []string{"language"}, "additionalProperties": false,
		"properties":        jsonMap{"language": with(plain(), "description", "one of the project's languages but the first"), "project": section},
		"patternProperties": jsonMap{`^flow\.[a-z][a-z0-9_]{0,39}$`: section}}
}
