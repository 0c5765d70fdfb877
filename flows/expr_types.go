package flows

import (
	"fmt"

	"dispatcher/engine"
)

// kind of a value in an expression.
type kind int8

const (
	kAny kind = iota // unknown: an error was reported, or it depends
	kNil
	kBool
	kNumber
	kText
	kDate
	kList
	kMedia
	kObject
	kClosure
)

// typ is the type of an expression. There is no Go type behind it: values are
// plain maps, texts and numbers.
type typ struct {
	kind   kind
	elem   *typ           // of a list
	values []string       // of a choice
	fields map[string]typ // of an object
	name   string         // of an object, as written
	maybe  bool           // a field of a look-up that may be missing
}

func (t typ) String() string {
	return [...]string{"something", "nothing", "true or false", "a number", "text", "a date", "a list", "media", "a group of values", "a rule"}[t.kind]
}

var (
	anyType    = typ{}
	boolType   = typ{kind: kBool}
	numberType = typ{kind: kNumber}
	textType   = typ{kind: kText}
	dateType   = typ{kind: kDate}
	listType   = typ{kind: kList, elem: &typ{kind: kText}}
	mediaType  = typ{kind: kMedia, fields: map[string]typ{"kind": {kind: kText}, "count": {kind: kNumber}}}
)

func object(name string, fields map[string]typ) typ {
	return typ{kind: kObject, name: name, fields: fields}
}

// slotType is what slots.NAME is.
func slotType(s *engine.Slot) typ {
	switch s.Type {
	case engine.SlotNumber:
		return numberType
	case engine.SlotYesNo:
		return boolType
	case engine.SlotDate:
		return dateType
	case engine.SlotList:
		return listType
	case engine.SlotMedia:
		return mediaType
	case engine.SlotChoice:
		t := textType
		for _, v := range s.Values {
			t.values = append(t.values, v.ID)
		}
		return t
	}
	return textType
}

// objects are the groups of language.md 3.1 that every expression may read.
func objects() map[string]typ {
	return map[string]typ{
		"contact": object("contact", map[string]typ{"first_name": textType, "name": textType, "language": textType, "verified": boolType,
			"verified_by": textType, "vip": boolType, "tags": listType, "channel_handle": textType, "new": boolType, "unreachable": boolType}),
		"conversation": object("conversation", map[string]typ{"returning": boolType, "hours_since_last": numberType, "unfinished": boolType,
			"tags": listType, "messages": numberType, "opened": dateType, "tries": numberType, "handed_off": boolType, "holdout": boolType}),
		"message": object("message", map[string]typ{"text": textType, "words": numberType, "media": listType, "has_media": boolType, "tapped": boolType}),
		"entry": object("entry", map[string]typ{"ref": textType, "signed": boolType, "text": textType, "source": textType, "public": boolType,
			"channel": textType, "option": textType}),
		"channel": object("channel", map[string]typ{"name": textType, "kind": textType, "window_open": boolType, "public": boolType}),
		"queue":   object("queue", map[string]typ{"name": textType, "position": numberType, "wait_minutes": numberType, "open": boolType}),
	}
}

// function is one entry of language.md 3.2. Parameters are kinds, or one of
// the constants below, whose argument must be a name in quotes.
type function struct {
	params []kind
	more   bool // the last parameter may be repeated
	opt    int  // how many of the last parameters may be left out
	result typ
}

const (
	pSchedule kind = iota + 100 // a schedule or a queue
	pQueue
	pSlot
	pDuration
	pTextOrList
)

// takes says in words what a function is given.
func (f function) takes() string {
	switch {
	case len(f.params) == 0:
		return "no values"
	case f.more:
		return "at least " + some(len(f.params), "value")
	case len(f.params) > 1 && f.opt > 0:
		return fmt.Sprintf("%d or %d values", len(f.params)-f.opt, len(f.params))
	case len(f.params) > 1:
		return some(len(f.params), "value")
	}
	if noun, ok := map[kind]string{pSchedule: "schedule", pQueue: "queue", pSlot: "name of a slot", pDuration: "duration",
		kDate: "date", kNumber: "number", kText: "text"}[f.params[0]]; ok {
		return "one " + noun
	}
	return "one value"
}

func functions() map[string]function {
	one := func(p kind, r typ) function { return function{params: []kind{p}, result: r} }
	closure := func(r typ) function { return function{params: []kind{kList, kClosure}, result: r} }
	return map[string]function{
		"now": {result: dateType}, "open": one(pSchedule, boolType), "opens_at": one(pSchedule, dateType),
		"wait_minutes": one(pQueue, numberType), "queue_length": one(pQueue, numberType),
		"day": one(kDate, textType), "date": one(kDate, textType), "time": one(kDate, textType), "day_and_time": one(kDate, textType),
		"days_since": one(kDate, numberType), "hours_since": one(kDate, numberType), "money": one(kNumber, textType),
		"plural": {params: []kind{kNumber, kText, kText}, result: textType}, "mask": one(kText, textType), "example": one(pSlot, textType),
		"luhn": one(kText, boolType), "mod11": one(kText, boolType), "mod97": one(kText, boolType),
		"mentions": {params: []kind{kText, kText}, more: true, result: boolType},
		"fuzzy":    {params: []kind{kText, kText}, result: numberType}, "empty": one(kAny, boolType),
		"sample": one(kNumber, boolType), "surveyed_within": one(pDuration, boolType), "dm_link": one(kText, textType),
		"len": one(pTextOrList, numberType), "upper": one(kText, textType), "lower": one(kText, textType), "trim": one(kText, textType),
		"round": one(kNumber, numberType), "floor": one(kNumber, numberType), "ceil": one(kNumber, numberType), "abs": one(kNumber, numberType),
		"max": {params: []kind{kNumber}, more: true, result: numberType}, "min": {params: []kind{kNumber}, more: true, result: numberType},
		"string": one(kAny, textType), "number": one(kAny, numberType),
		"any": closure(boolType), "all": closure(boolType), "none": closure(boolType), "one": closure(boolType),
		"filter": closure(anyType), "map": closure(typ{kind: kList}), "count": {params: []kind{kList, kClosure}, opt: 1, result: numberType},
	}
}
