package flows

func projectGrammar() map[string]construct {
	return map[string]construct{
		"project": {name: "dispatcher.yaml", keys: []key{
			{name: "dispatcher", form: "word", doc: "format version", must: true, words: []string{"1"}},
			k("project", "scalar", "folder name", "name shown in consoles and reports"),
			k("languages", "listof:scalar", "[en]", "BCP 47 codes; the first is the language flows are written in"),
			k("timezone", "scalar", "UTC", "IANA name of the zone of schedules and date texts"),
			k("currency", "scalar", "USD", "ISO 4217 code, used by money()"),
			word("date_order", "dmy", "how 03/04/2026 is read", "dmy", "mdy", "ymd"),
			k("start", "either:scalar|list:start_rule", "the only flow", "which flow a new conversation runs").of(NameFlow),
			k("schedules", "mapof:map:schedule", "{}", "opening hours by name").giving(NameSchedule),
			k("queues", "mapof:map:queue", "{general: {}}", "where customers wait for people").giving(NameQueue),
			k("default_queue", "scalar", "the only queue", "where anything that breaks goes").of(NameQueue),
			k("channels", "mapof:map:channel", "{web: {}}", "accounts on platforms, by alias").giving(NameChannel),
			k("services", "mapof:map:service", "{}", "HTTP services flows may call, by alias").giving(NameService),
			k("everywhere", "mapof:map:everywhere", "built-ins only", "words that work in every state"),
			k("canned", "mapof:canned", "{}", "canned responses: agents' shortcuts and {{ canned.name }}").giving(NameCanned),
			k("defaults", "map:defaults", "{}", "used by states that do not say"),
			k("idle_close", "duration", "24h", "a bot wait without its own end closes after this"),
			k("resume_within", "duration", "24h", "how long an unfinished conversation may be offered again"),
			k("holdout", "percent", "0%", "share of contacts who skip the bot, to measure what it saves"),
			k("budget", "map:budget", "{}", "limits behind W326 to W328"),
			k("retention", "map:retention", "{}", "how long messages and facts are kept"),
			word("reload", "auto", "whether a good edit goes live at once or waits to be published", "auto", "staged"),
			word("versions", "migrate", "whether conversations follow an edit or keep the set they began with", "migrate", "pin"),
			k("after_resolve", "scalar", "", "flow that runs after an agent resolves").of(NameFlow),
			k("reopen_within", "any", "72h", "how long after its end an agent may reopen a conversation"),
			k("close_after", "any", "off", "closes a conversation that waits on the customer"),
			k("public_reply", "any", "15m", "target of an answer to a public post"),
			k("csat", "any", "", "what becomes of low survey scores"),
			k("search", "any", "", "how messages are searched"),
			k("numbers", "any", "", "what the reports count"),
			k("studio", "any", "", "what the studio may write"),
			k("webhooks", "any", "", "events sent to other systems"),
			k("desk", "any", "", "how agents work: lend_by, reasons, require_reason"),
			k("server", "any", "", "addresses and TLS of serve"),
			k("storage", "any", "", "database and durability"),
			k("auth", "any", "", "how people log in"),
			k("links", "any", "", "the secret of signed links"),
		}},
		"start_rule": {name: "a start rule", keys: []key{
			k("if", "expr", "", "condition over entry, contact, conversation, channel and message"),
			k("flow", "scalar", "", "flow to run when it is true").of(NameFlow),
			k("else", "scalar", "", "flow of the last rule").of(NameFlow)}},
	}
}

func projectParts() map[string]construct {
	return map[string]construct{
		"schedule": {name: "a schedule", keys: []key{
			k("timezone", "scalar", "the project's", "IANA name"),
			k("open", "mapof:names", "{}", "hours by day or range of days: mon-fri: 08:00-20:00"),
			k("closed", "listof:scalar", "[]", "dates without hours"),
			k("except", "mapof:names", "{}", "dates with hours of their own")}},
		"queue": {name: "a queue", keys: []key{
			k("name", "text", "the alias, capitalised", "name shown to customers and agents"),
			k("schedule", "scalar", "always open", "its opening hours").of(NameSchedule),
			k("first_reply", "duration", "1h", "target of the first answer"),
			k("members", "listof:scalar", "every agent", "e-mails, or team:NAME"),
			k("skills", "listof:scalar", "[]", "skills an agent must have"),
			word("offer", "pull", "whether agents take conversations or are offered them", "pull", "push"),
			word("pick", "any", "pull only: any of them, or the next one only", "any", "next"),
			k("reserve", "duration", "45s", "push: how long an offer is held for one agent"),
			k("load", "int:1-100", "1", "capacity that one conversation takes"),
			k("overflow", "map:overflow", "", "where it goes after waiting too long"),
			word("closed", "hold", "what happens outside opening hours", "hold", "overflow", "bot"),
			k("next_reply", "duration", "", "target of later answers"),
			k("resolve", "duration", "", "target of the end"),
			k("promise", "map:promise", "", "how waiting times are promised"),
			k("agent_gone", "duration", "15m", "how long an agent may be away before the conversation goes back")}},
		"overflow": {name: "overflow", keys: []key{
			must("after", "delay", "open time it waits first"), must("to", "scalar", "queue it goes to").of(NameQueue)}},
		"promise": {name: "promise", keys: []key{
			k("quantile", "scalar", "0.8", "share of promises to keep, 0 to 1"),
			k("updates", "int:0-10", "2", "notices before silence")}},
		"channel": {name: "a channel", open: true, keys: []key{
			k("kind", "scalar", "the alias", "platform: web, webhook, x, telegram, messenger, instagram, whatsapp, sim"),
			k("enabled", "bool", "true", "false: it is checked but does not start"),
			k("burst", "scalar", "1500ms", "pause after which messages in a row are answered; 0 = off"),
			k("price", "map:price", "{}", "what a message costs, for check --costs"),
			k("languages", "listof:scalar", "the project's", "languages spoken on it")}},
		"price": {name: "price", keys: []key{
			k("in", "scalar", "0", "of a customer's message"), k("out", "scalar", "0", "of a message of ours"),
			k("public", "scalar", "0", "of a public reply"), k("currency", "scalar", "USD", "ISO 4217 code")}},
	}
}

// projectRest are the maps of dispatcher.yaml that flows use.
func projectRest() map[string]construct {
	return map[string]construct{
		"service": {name: "a service", keys: []key{
			must("url", "scalar", "its address; https, or http to this machine with insecure: true"),
			k("headers", "mapof:scalar", "{}", "sent with every request; references allowed, never visible to expressions"),
			k("timeout", "duration", "3s", "of one attempt, at most 10s"),
			{name: "methods", form: "listof:word", def: "[get]", doc: "verbs flows may use", words: lookupMethods},
			k("insecure", "bool", "false", "true: http to this machine, for development"),
			k("allow_private", "listof:scalar", "[]", "private addresses it may live at, such as 10.1.0.0/16")}},
		"canned": {name: "a canned response", keys: []key{
			k("text", "text", "", "what it says; [[blank]] is filled by an agent"),
			k("for", "names", "[]", "topics it suits"),
			k("media", "map:media", "", "file sent with it"),
			k("options", "listof:text", "[]", "labels of quick replies"),
			k("good", "names", "[]", "sentences that show its use, for agents"),
			k("bad", "names", "[]", "sentences that show what to avoid, for agents"),
			k("any", "listof:text", "", "variants, instead of text")}},
		"defaults": {name: "defaults", keys: []key{
			k("max_tries", "int:1-10", "3", "wrong tries a question allows"),
			k("no_match", "list:no_match", "built-in", "answers to messages that fit nothing"),
			k("no_reply", "list:no_reply", "[]", "answers to silence"),
			word("old_taps", "jump", "what a tap on an earlier question does", "jump", "explain", "ignore"),
			k("fuzzy", "scalar", "0.82", "how similar words must be, 0.6 to 1, or off")}},
		"budget": {name: "budget", keys: []key{
			k("questions", "int:0-1000", "6", "questions before a person or an end"),
			k("words", "int:1-10000", "80", "words in one message"),
			k("messages", "int:1-100", "5", "messages in a row without a question")}},
		"retention": {name: "retention", keys: []key{
			k("messages", "duration", "180d", "texts of messages and values of slots"),
			k("facts", "duration", "400d", "everything else")}},
		"everywhere": {name: "an everywhere entry", keys: exitKeys(
			k("match", "listof:scalar", "[]", "phrases and /regex/"),
			word("where", "short", "how much of a message must be the phrase", "short", "whole", "anywhere"),
			k("say", "text", "", "said first"))},
	}
}
