package flows

import (
	"slices"
	"strings"
)

// Word is a name that expressions may use, functions apart.
type Word struct {
	Name string
	Type string // in words
	Doc  string // one line
}

// objectDocs are the groups of values that always exist.
var objectDocs = map[string]string{
	"slots":        "what is known in this conversation, by slot",
	"contact":      "who writes",
	"conversation": "the conversation and what came before it",
	"message":      "the customer's message that caused this turn",
	"entry":        "how the customer came",
	"channel":      "where the customer writes",
	"queue":        "the queue the customer waits in",
	"canned":       "the project's canned responses, by name",
	"result":       "name of the last return after a call, else nothing",
	"value":        "the value that is being checked",
	"form":         "the page of this form",
	"verify":       "the page of this verification",
}

func sortedNames[V any](m map[string]V) []string {
	out := keysOf(m)
	slices.Sort(out)
	return out
}

// Argument is what the first argument of a function, in quotes, is the name of:
// NameSchedule stands for a schedule or a queue; "" for no name.
func (a *Atlas) Argument(function string) string {
	f := functions()[function]
	if len(f.params) == 0 {
		return ""
	}
	return map[kind]string{pSchedule: NameSchedule, pQueue: NameQueue, pSlot: NameSlot}[f.params[0]]
}

// Objects are the names that an expression at the end of the path may begin
// with, look-ups apart.
func (a *Atlas) Objects(kind string, path []Step) []Word {
	names := []string{"slots", "contact", "conversation", "message", "entry", "channel", "canned", "result"}
	holds := func(keys ...string) bool {
		return slices.ContainsFunc(path, func(s Step) bool { return slices.Contains(keys, s.Key) })
	}
	switch {
	case kind == "project" && holds("start"):
		names = []string{"contact", "conversation", "message", "entry", "channel"}
	case holds("check", "confirm"):
		names = append(names, "value")
	case holds("handoff", "unanswered"):
		names = append(names, "queue")
	case holds("form"):
		names = append(names, "form")
	case holds("verify"):
		names = append(names, "verify")
	}
	out := make([]Word, 0, len(names))
	for _, name := range names {
		t := "values"
		if name == "result" || name == "value" {
			t = "a value"
		}
		out = append(out, Word{Name: name, Type: t, Doc: objectDocs[name]})
	}
	return out
}

// Fields are those of a group of values that always exists, or of a slot's
// value; nil where there are none, or where the project gives them.
func (a *Atlas) Fields(object string) []Word {
	fields := objects()[object].fields
	if object == "form" || object == "verify" {
		fields = map[string]typ{"url": textType}
	}
	out := make([]Word, 0, len(fields))
	for _, name := range sortedNames(fields) {
		out = append(out, Word{Name: name, Type: fields[name].String()})
	}
	return out
}

// Operators are the words of expressions that are no names.
func (a *Atlas) Operators() []string {
	return strings.Fields("and or not in contains startsWith endsWith matches true false nil")
}
