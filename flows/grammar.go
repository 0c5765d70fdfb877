package flows

// The one grammar table: every key of every map of the language as data. The
// shape checker, did-you-mean and the documentation test read it; parser,
// schema and completion can.

// Forms a value may have. A form with an argument is written "form:argument".
//
//	scalar        one text as typed          text     text, {any: …} or one per language
//	texts         text or list of text       say      text or list of say items
//	exit          state name or exit map     names    one name or a list of names
//	expr          an expression              any      not looked into
//	map:X         map with the keys of X     list:X   list of such maps
//	mapof:F       free keys, values of F     listof:F list of values of form F
//	either:A|B    scalar → A, map or list → B
type key struct {
	name string
	form string
	def  string // default, as documented
	doc  string // one line
}

// construct is one map of the language.
type construct struct {
	name string // as it is called in messages
	open bool   // other keys belong to somebody else
	keys []key
}

// exitKeys are the ways out that any exit map may have.
func exitKeys(more ...key) []key {
	return append(more,
		key{name: "goto", form: "either:exitname|map:goto", doc: "the state to go to"},
		key{name: "branch", form: "list:arm", doc: "first true arm wins"},
		key{name: "call", form: "either:scalar|map:call", doc: "run a flow and come back"},
		key{name: "return", form: "scalar", def: "done", doc: "go back to the caller with a result"},
		key{name: "handoff", form: "either:scalar|map:handoff", doc: "give the conversation to a queue"},
		key{name: "resolve", form: "scalar", doc: "end the conversation with a reason"})
}

func grammar() map[string]construct {
	g := map[string]construct{}
	for _, table := range []map[string]construct{projectGrammar(), projectParts(), flowGrammar(), stateGrammar(), testGrammar(), localeGrammar()} {
		for name, c := range table {
			g[name] = c
		}
	}
	return g
}

func projectGrammar() map[string]construct {
	return map[string]construct{
		"project": {name: "dispatcher.yaml", keys: []key{
			{name: "dispatcher", form: "scalar", doc: "format version, 1"},
			{name: "project", form: "scalar", def: "folder name", doc: "shown in consoles and reports"},
			{name: "languages", form: "listof:scalar", def: "[en]", doc: "BCP 47; the first is the one flows are written in"},
			{name: "timezone", form: "scalar", def: "UTC", doc: "IANA name"},
			{name: "currency", form: "scalar", def: "USD", doc: "ISO 4217, for money()"},
			{name: "date_order", form: "scalar", def: "dmy", doc: "dmy, mdy or ymd"},
			{name: "start", form: "either:scalar|list:start_rule", doc: "which flow a new conversation runs"},
			{name: "schedules", form: "mapof:map:schedule", def: "{}", doc: "opening hours"},
			{name: "queues", form: "mapof:map:queue", def: "{general: {}}", doc: "where people wait for people"},
			{name: "default_queue", form: "scalar", def: "the only queue", doc: "where anything that breaks goes"},
			{name: "channels", form: "mapof:map:channel", def: "{web: {}}", doc: "accounts on platforms"},
			{name: "services", form: "mapof:map:service", def: "{}", doc: "HTTP services flows may call"},
			{name: "everywhere", form: "mapof:map:everywhere", doc: "words that work in every state"},
			{name: "canned", form: "mapof:canned", def: "{}", doc: "canned responses"},
			{name: "defaults", form: "map:defaults", doc: "used by states that do not say"},
			{name: "idle_close", form: "scalar", def: "24h", doc: "a silent conversation ends after this"},
			{name: "resume_within", form: "scalar", def: "24h", doc: "how long an unfinished conversation may be resumed"},
			{name: "holdout", form: "scalar", def: "0%", doc: "share of contacts who skip the bot"},
			{name: "budget", form: "map:budget", doc: "limits behind W326 to W328"},
			{name: "retention", form: "map:retention", doc: "how long messages and facts are kept"},
			{name: "reload", form: "scalar", def: "auto", doc: "auto or staged"},
			{name: "versions", form: "scalar", def: "migrate", doc: "migrate or pin"},
			{name: "after_resolve", form: "scalar", doc: "flow that runs after an agent resolves"},
			{name: "reopen_within", form: "any"}, {name: "close_after", form: "any"}, {name: "public_reply", form: "any"},
			{name: "csat", form: "any"}, {name: "search", form: "any"}, {name: "numbers", form: "any"},
			{name: "studio", form: "any"}, {name: "webhooks", form: "any"}, {name: "desk", form: "any"},
			{name: "server", form: "any"}, {name: "storage", form: "any"}, {name: "auth", form: "any"}, {name: "links", form: "any"},
		}},
		"start_rule": {name: "a start rule", keys: []key{
			{name: "if", form: "expr", doc: "condition"}, {name: "flow", form: "scalar", doc: "flow to run"},
			{name: "else", form: "scalar", doc: "flow of the last rule"}}},
	}
}

func projectParts() map[string]construct {
	return map[string]construct{
		"schedule": {name: "a schedule", keys: []key{
			{name: "timezone", form: "scalar", doc: "default: the project's"},
			{name: "open", form: "mapof:names", doc: "hours by day"},
			{name: "closed", form: "listof:scalar", doc: "dates"},
			{name: "except", form: "mapof:names", doc: "hours by date"}}},
		"queue": {name: "a queue", keys: []key{
			{name: "name", form: "text", doc: "shown"}, {name: "schedule", form: "scalar", doc: "default: always open"},
			{name: "first_reply", form: "scalar", def: "1h", doc: "target of the first answer"},
			{name: "members", form: "listof:scalar"}, {name: "skills", form: "listof:scalar"},
			{name: "offer", form: "scalar"}, {name: "pick", form: "scalar"}, {name: "reserve", form: "scalar"},
			{name: "load", form: "scalar"}, {name: "overflow", form: "any"}, {name: "closed", form: "scalar"},
			{name: "next_reply", form: "scalar"}, {name: "resolve", form: "scalar"}, {name: "promise", form: "any"},
			{name: "agent_gone", form: "scalar"}}},
		"channel": {name: "a channel", open: true, keys: []key{
			{name: "kind", form: "scalar"}, {name: "enabled", form: "scalar", def: "true"},
			{name: "burst", form: "scalar", def: "1500ms"}, {name: "price", form: "any"},
			{name: "languages", form: "listof:scalar"}}},
		"service": {name: "a service", keys: []key{
			{name: "url", form: "scalar"}, {name: "headers", form: "mapof:scalar"}, {name: "timeout", form: "scalar", def: "3s"},
			{name: "methods", form: "listof:scalar", def: "[get]"}, {name: "insecure", form: "scalar", def: "false"},
			{name: "allow_private", form: "listof:scalar"}}},
		"canned": {name: "a canned response", keys: []key{
			{name: "text", form: "text"}, {name: "for", form: "names"}, {name: "media", form: "map:media"},
			{name: "options", form: "listof:text"}, {name: "good", form: "names"}, {name: "bad", form: "names"},
			{name: "any", form: "listof:text"}}},
		"defaults": {name: "defaults", keys: []key{
			{name: "max_tries", form: "scalar", def: "3"}, {name: "no_match", form: "list:no_match"},
			{name: "no_reply", form: "list:no_reply"}, {name: "old_taps", form: "scalar", def: "jump"},
			{name: "fuzzy", form: "scalar", def: "0.82"}}},
		"budget": {name: "budget", keys: []key{
			{name: "questions", form: "scalar", def: "6"}, {name: "words", form: "scalar", def: "80"},
			{name: "messages", form: "scalar", def: "5"}}},
		"retention": {name: "retention", keys: []key{
			{name: "messages", form: "scalar", def: "180d"}, {name: "facts", form: "scalar", def: "400d"}}},
		"everywhere": {name: "an everywhere entry", keys: exitKeys(
			key{name: "match", form: "listof:scalar", doc: "phrases and /regex/"},
			key{name: "where", form: "scalar", def: "short", doc: "short, whole or anywhere"},
			key{name: "say", form: "text", doc: "said first"})},
	}
}

func flowGrammar() map[string]construct {
	return map[string]construct{
		"flow": {name: "a flow", keys: []key{
			{name: "flow", form: "scalar", doc: "its name"}, {name: "description", form: "scalar"},
			{name: "owner", form: "scalar"}, {name: "on", form: "names", def: "private"},
			{name: "slots", form: "mapof:either:scalar|map:slot"}, {name: "states", form: "mapof:map:state"},
			{name: "everywhere", form: "mapof:map:everywhere"}, {name: "first_message", form: "scalar", def: "use"},
			{name: "delegate", form: "text"},
			{name: "rollout", form: "scalar", def: "100%"},
			{name: "shadow", form: "scalar", def: "false"},
			{name: "renamed", form: "mapof:scalar"}, {name: "vanished", form: "exit"},
			{name: "versions", form: "scalar"}}},
		"slot": {name: "a slot", keys: []key{
			{name: "type", form: "scalar", def: "text"}, {name: "values", form: "any"}, {name: "example", form: "scalar"},
			{name: "clean", form: "listof:scalar"}, {name: "pattern", form: "scalar"}, {name: "find", form: "scalar"},
			{name: "check", form: "expr"}, {name: "min", form: "scalar"}, {name: "max", form: "scalar"},
			{name: "default", form: "scalar"}, {name: "ask", form: "text"}, {name: "called", form: "listof:scalar"},
			{name: "scope", form: "scalar", def: "conversation"}, {name: "pii", form: "scalar", def: "false"},
			{name: "secret", form: "scalar", def: "false"}, {name: "keep", form: "scalar"}}},
		"goto": {name: "goto", keys: []key{{name: "state", form: "scalar"}, {name: "at_most", form: "scalar"}, {name: "else", form: "exit"}}},
		"call": {name: "call", keys: []key{{name: "flow", form: "scalar"}, {name: "on", form: "mapof:exit"}}},
		"arm":  {name: "a branch item", keys: exitKeys(key{name: "if", form: "expr"}, key{name: "else", form: "exit"})},
		"exit": {name: "an exit", keys: exitKeys()},
		"handoff": {name: "handoff", keys: []key{
			{name: "queue", form: "either:scalar|list:pick"}, {name: "priority", form: "either:scalar|list:pick"},
			{name: "skills", form: "listof:scalar"}, {name: "reason", form: "scalar"}, {name: "summary", form: "text"},
			{name: "say", form: "say"}}},
		"pick": {name: "a pick", keys: []key{{name: "if", form: "expr"}, {name: "use", form: "scalar"}, {name: "else", form: "scalar"}}},
	}
}

func stateGrammar() map[string]construct {
	return map[string]construct{
		"state": {name: "a state", keys: exitKeys(
			key{name: "when", form: "expr"}, key{name: "else", form: "exit"}, key{name: "set", form: "mapof:scalar"},
			key{name: "tag", form: "texts"}, key{name: "untag", form: "texts"}, key{name: "csat", form: "map:csat"},
			key{name: "say", form: "say"}, key{name: "media", form: "map:media"}, key{name: "forget", form: "names"},
			key{name: "typing", form: "scalar", def: "false"}, key{name: "http", form: "map:http"},
			key{name: "ask", form: "text"}, key{name: "options", form: "options"}, key{name: "save", form: "scalar"},
			key{name: "match", form: "map:match"}, key{name: "collect", form: "collect"},
			key{name: "form", form: "map:form"}, key{name: "verify", form: "map:verify"},
			key{name: "help", form: "text"}, key{name: "no_match", form: "list:no_match"}, key{name: "no_reply", form: "list:no_reply"},
			key{name: "optional", form: "scalar", def: "false"}, key{name: "resume", form: "text"},
			key{name: "listen", form: "scalar", def: "true"}, key{name: "old_taps", form: "scalar", def: "jump"},
			key{name: "returns", form: "either:scalar|map:returns"}, key{name: "resolved", form: "exit"},
			key{name: "unanswered", form: "list:unanswered"})},
		"csat": {name: "csat", keys: []key{{name: "score", form: "expr"}, {name: "comment", form: "expr"}}},
		"http": {name: "http", keys: []key{
			{name: "service", form: "scalar"}, {name: "get", form: "scalar"}, {name: "post", form: "scalar"}, {name: "put", form: "scalar"},
			{name: "patch", form: "scalar"}, {name: "delete", form: "scalar"}, {name: "query", form: "mapof:scalar"}, {name: "json", form: "any"},
			{name: "timeout", form: "scalar"}, {name: "retry", form: "scalar", def: "0"}, {name: "save", form: "scalar"},
			{name: "returns", form: "fields"}, {name: "on", form: "mapof:exit"}}},
		"media": {name: "media", keys: []key{
			{name: "image", form: "scalar"}, {name: "video", form: "scalar"}, {name: "file", form: "scalar"}, {name: "alt", form: "text"}}},
		"form": {name: "form", keys: []key{
			{name: "ask", form: "text"}, {name: "title", form: "text"}, {name: "intro", form: "text"},
			{name: "fields", form: "listof:either:scalar|map:form_field"}, {name: "expires", form: "scalar", def: "30m"},
			{name: "fallback", form: "exit", def: "chat"}}},
		"form_field": {name: "a field", keys: []key{
			{name: "slot", form: "scalar"}, {name: "label", form: "text"}, {name: "required", form: "scalar", def: "true"}, {name: "help", form: "text"}}},
		"verify": {name: "verify", keys: []key{
			{name: "by", form: "scalar"}, {name: "service", form: "scalar"}, {name: "send", form: "names"}, {name: "ask", form: "text"},
			{name: "max_tries", form: "scalar", def: "3"}, {name: "expires", form: "scalar", def: "10m"}, {name: "keep", form: "scalar", def: "30m"},
			{name: "failed", form: "exit"}}},
		"say_item": {name: "a say item", keys: []key{
			{name: "if", form: "expr"}, {name: "text", form: "text"}, {name: "else", form: "text"}, {name: "any", form: "listof:text"},
			{name: "delay", form: "scalar"}, {name: "image", form: "scalar"}, {name: "video", form: "scalar"},
			{name: "file", form: "scalar"}, {name: "alt", form: "text"}}},
		"option": {name: "an option", keys: exitKeys(
			key{name: "label", form: "text"}, key{name: "id", form: "scalar"}, key{name: "short", form: "text"},
			key{name: "description", form: "text"}, key{name: "match", form: "listof:scalar"}, key{name: "when", form: "expr"},
			key{name: "set", form: "mapof:scalar"}, key{name: "tag", form: "texts"})},
		"match":  {name: "match", keys: []key{{name: "fuzzy", form: "scalar"}, {name: "first", form: "list:choose"}, {name: "two_or_more", form: "scalar", def: "ask"}}},
		"choose": {name: "a first rule", keys: []key{{name: "if", form: "expr"}, {name: "choose", form: "scalar"}}},
		"collect": {name: "collect", keys: []key{
			{name: "slot", form: "scalar"}, {name: "ask", form: "text"}, {name: "invalid", form: "texts"},
			{name: "max_tries", form: "scalar", def: "3"}, {name: "give_up", form: "exit"}, {name: "missing", form: "exit"},
			{name: "skip", form: "text"}, {name: "options", form: "options"}, {name: "accept", form: "listof:scalar"},
			{name: "confirm", form: "text", def: "false"}, {name: "always", form: "scalar", def: "false"}}},
		"no_match": {name: "a no_match step", keys: exitKeys(key{name: "say", form: "text"})},
		"no_reply": {name: "a no_reply step", keys: exitKeys(key{name: "after", form: "scalar"}, key{name: "say", form: "text"}, key{name: "tag", form: "texts"})},
		"returns":  {name: "returns", keys: exitKeys(key{name: "say", form: "text"})},
		"unanswered": {name: "an unanswered step", keys: exitKeys(key{name: "after", form: "scalar"}, key{name: "say", form: "text"},
			key{name: "tag", form: "texts"}, key{name: "priority", form: "scalar"}, key{name: "queue", form: "scalar"})},
	}
}
