package flows

import (
	"maps"
	"slices"
)

// Function is one function of expressions as the manual shows it.
type Function struct {
	Name   string
	Args   string // as written between the brackets
	Result string // in words
	Doc    string // one line
}

// Functions are all functions that an expression may call, by name, from the
// same table as the checker.
func Functions() []Function {
	docs, table := functionDocs(), functions()
	var out []Function
	for _, name := range slices.Sorted(maps.Keys(table)) {
		d := docs[name]
		out = append(out, Function{Name: name, Args: d[0], Result: table[name].result.String(), Doc: d[1]})
	}
	return out
}

// functionDocs are the arguments of each function, and what it answers.
func functionDocs() map[string][2]string {
	return map[string][2]string{
		"now":             {"", "the time of this event"},
		"open":            {"schedule", "whether a schedule, or the schedule of a queue, is open now"},
		"opens_at":        {"schedule", "when it opens next; now if it is open, nothing if not within 30 days"},
		"wait_minutes":    {"queue", "measured wait in a queue, rounded up; nothing while it is unknown"},
		"queue_length":    {"queue", "how many wait in a queue now"},
		"day":             {"date", "the day in words: today, tomorrow, yesterday, or weekday and date"},
		"date":            {"date", "the date in the customer's language"},
		"time":            {"date", "the time of day"},
		"day_and_time":    {"date", "both, in the project's time zone"},
		"days_since":      {"date", "full days since then; less than nothing for the future"},
		"hours_since":     {"date", "full hours since then"},
		"money":           {"number", "an amount in the project's currency"},
		"plural":          {"n, one, many", "the word that fits the number; the number itself is not printed"},
		"mask":            {"text", "the text with its last two characters only"},
		"example":         {"slot", "the example of a slot"},
		"luhn":            {"text", "whether the digits pass the check of bank cards"},
		"mod11":           {"text", "whether the digits pass the check modulo 11"},
		"mod97":           {"text", "whether letters and digits pass the check of an IBAN"},
		"mentions":        {"text, word…", "whether one of the phrases stands in the text as whole words"},
		"fuzzy":           {"a, b", "how similar two texts are, 0 to 1"},
		"empty":           {"x", "whether there is nothing in it"},
		"sample":          {"share", "true for this share of the customers, always the same ones"},
		"surveyed_within": {"duration", "whether this customer answered a survey in that time"},
		"dm_link":         {"ref", "a link into private messages on this channel"},
		"len":             {"x", "characters of a text, entries of a list"},
		"upper":           {"text", "the text in capitals"},
		"lower":           {"text", "the text in small letters"},
		"trim":            {"text", "the text without blanks at its ends"},
		"round":           {"number", "the nearest whole number"},
		"floor":           {"number", "the whole number below"},
		"ceil":            {"number", "the whole number above"},
		"abs":             {"number", "the number without its sign"},
		"max":             {"number…", "the greatest"},
		"min":             {"number…", "the least"},
		"string":          {"x", "the value as text"},
		"number":          {"x", "the text as a number"},
		"any":             {"list, rule", "whether the rule is true of at least one entry; # is the entry"},
		"all":             {"list, rule", "whether it is true of every entry"},
		"none":            {"list, rule", "whether it is true of no entry"},
		"one":             {"list, rule", "whether it is true of exactly one entry"},
		"filter":          {"list, rule", "the entries of which it is true"},
		"map":             {"list, rule", "what the rule makes of each entry"},
		"count":           {"list, rule", "how many entries; with a rule, of how many it is true"},
	}
}
