package flows

import "slices"

func stateGrammar() map[string]construct {
	return map[string]construct{
		"state": {name: "a state", keys: slices.Concat(stateWork(), stateAsk(), exitKeys(), stateLater())},
		"csat": {name: "csat", keys: []key{
			must("score", "expr", "the answer, a number from 1 to 5"), k("comment", "expr", "", "what the customer added")}},
		"media": {name: "media", keys: []key{
			k("image", "scalar", "", "a picture under flows, such as media/photo.jpg"), k("video", "scalar", "", "a video under flows"),
			k("file", "scalar", "", "a file under flows"), k("alt", "text", "", "its words for those who do not see it; required for images")}},
		"http": {name: "http", keys: []key{
			must("service", "scalar", "alias of a service of dispatcher.yaml").of(NameService),
			k("get", "scalar", "", "path to read, starting with /"), k("post", "scalar", "", "path to post to"), k("put", "scalar", "", "path to put to"),
			k("patch", "scalar", "", "path to patch"), k("delete", "scalar", "", "path to delete"),
			k("query", "mapof:scalar", "{}", "parameters by name; empty values are left out"),
			k("json", "any", "", "body; a text that is one {{ }} alone keeps its type"),
			k("timeout", "duration", "the service's", "of one attempt, at most 10s"),
			k("retry", "int:0-3", "0", "further attempts after a failure"),
			k("save", "scalar", "", "name of the result in expressions").of(NameLookup),
			k("returns", "fields", "{}", "the fields expressions may see, with their types"),
			k("on", "mapof:exit", "{}", "by status (404), class (5xx), timeout, refused, invalid or else: where it goes")}},
		"say_item": {name: "a say item", keys: []key{
			k("if", "expr", "", "condition of this text"), k("text", "text", "", "a message"), k("else", "text", "", "said when none before was"),
			k("any", "listof:text", "", "variants of one message"), k("delay", "duration", "", "wait before what follows, at most 10s"),
			k("image", "scalar", "", "a picture under flows"), k("video", "scalar", "", "a video under flows"), k("file", "scalar", "", "a file under flows"),
			k("alt", "text", "", "words for those who do not see it")}},
	}
}

// stateWork are the keys of phases 0 and 1: enter or not, and what is done.
func stateWork() []key {
	return []key{
		k("when", "expr", "true", "asked on entering; false: else, or the way out is taken at once"),
		k("else", "exit", "", "where it goes when when is false"),
		k("set", "mapof:names", "{}", "slots to fill: a literal, nothing to empty, or one {{ expr }}").by(NameSlot),
		k("tag", "texts", "", "tags given to the conversation"), k("untag", "texts", "", "tags taken away"),
		k("csat", "map:csat", "", "records the answer to a survey"),
		k("say", "say", "", "messages, in order"),
		k("media", "map:media", "", "a picture, video or file"),
		k("forget", "names", "", "slots to empty once the texts are written").of(NameSlot),
		k("typing", "bool", "false", "show typing before the next message"),
		k("http", "map:http", "", "one look-up"),
	}
}

// stateAsk are the keys of phase 2: the question.
func stateAsk() []key {
	return []key{
		k("ask", "text", "", "the question, with options"),
		k("options", "options", "", "quick replies"),
		k("save", "scalar", "", "slot that stores the id of the chosen option").of(NameSlot),
		k("match", "map:match", "{}", "how free text finds an option"),
		k("collect", "collect", "", "fill one slot"),
		k("form", "map:form", "", "fill several slots on a page"),
		k("verify", "map:verify", "", "prove who is writing"),
		k("help", "text", "built-in", "answer to \"why do you ask?\""),
		k("no_match", "list:no_match", "defaults", "answers to messages that fit nothing"),
		k("no_reply", "list:no_reply", "defaults", "answers to silence"),
		k("optional", "bool", "false", "true: silence at this question is no giving up").orBefore("options"),
		k("resume", "text", "", "agents may hand back to this state; the entry of their menu"),
		k("listen", "bool", "true", "false: only the built-in escapes work here, as whole messages"),
		word("old_taps", "", "what a tap on this question does later; default that of defaults", "jump", "explain", "ignore"),
	}
}

// stateLater are the keys of phase 4: what happens after a handoff.
func stateLater() []key {
	return []key{
		k("returns", "either:scalar|map:returns", "the question that was open", "after an agent gives the conversation back").of(NameState),
		k("resolved", "exit", "after_resolve", "after an agent resolves it"),
		k("unanswered", "list:unanswered", "[]", "while no agent has claimed it"),
	}
}

func questionGrammar() map[string]construct {
	return map[string]construct{
		"option": {name: "an option", keys: exitKeys(
			k("label", "text", "the key in the map form", "what the customer sees, at most 80 characters"),
			k("id", "scalar", "made from the label", "what is stored, counted and tested").orBefore("label"),
			k("short", "text", "", "label of channels where label does not fit"),
			k("description", "text", "", "second line where the channel has one"),
			k("match", "listof:scalar", "[]", "phrases and /regex/ that mean this option"),
			k("when", "expr", "true", "hidden when false"),
			k("set", "mapof:names", "{}", "slots filled when it is chosen").by(NameSlot),
			k("tag", "texts", "", "tags given when it is chosen"))},
		"match": {name: "match", keys: []key{
			k("fuzzy", "scalar", "defaults", "how similar words must be, 0.6 to 1, or off"),
			k("first", "list:choose", "[]", "conditions that choose an option before anything else"),
			word("two_or_more", "ask", "what happens when several options fit equally", "ask", "first", "no_match")}},
		"choose": {name: "a first rule", keys: []key{
			must("if", "expr", "condition over message"), must("choose", "scalar", "id of the option it means")}},
		"collect": {name: "collect", keys: []key{
			must("slot", "scalar", "the slot to fill").of(NameSlot),
			k("ask", "text", "the slot's ask", "the question"),
			k("invalid", "texts", "built-in", "said after a wrong try; a list is a ladder"),
			k("max_tries", "int:1-10", "defaults", "wrong tries allowed"),
			k("give_up", "exit", "person exit", "after the last wrong try"),
			k("missing", "exit", "skip, else give_up", "for \"I don't have it\"").orBefore("give_up"),
			k("skip", "text", "", "last button, leaves the slot empty"),
			k("options", "options", "", "extra buttons"),
			{name: "accept", form: "listof:word", def: "[image]", doc: "kinds of media a media slot takes", reach: "skip",
				words: []string{"image", "video", "audio", "file", "location"}},
			k("confirm", "text", "false", "true or a text: the value is read back"),
			k("always", "bool", "false", "ask even if the slot is filled")}},
		"form": {name: "form", keys: []key{
			must("ask", "text", "the message with {{ form.url }}"),
			k("title", "text", "description of the flow", "head of the page"), k("intro", "text", "", "first words of the page"),
			must("fields", "listof:either:scalar|map:form_field", "slots to fill").of(NameSlot),
			k("expires", "duration", "30m", "how long the link works, at most 24h"),
			k("fallback", "exit", "chat", "chat, none, or where it goes without the page")}},
		"form_field": {name: "a field", keys: []key{
			must("slot", "scalar", "the slot to fill").of(NameSlot), k("label", "text", "the slot's ask", "its name on the page"),
			k("required", "bool", "true", "false: it may stay empty"), k("help", "text", "", "small print below it")}},
		"verify": {name: "verify", keys: []key{
			{name: "by", form: "word", doc: "a link to open, or a code to type", must: true, words: []string{"link", "code"}},
			must("service", "scalar", "alias of the service that knows the customer").of(NameService),
			k("send", "names", "[]", "slots given to the service").of(NameSlot),
			must("ask", "text", "the message; by link with {{ verify.url }}"),
			k("max_tries", "int:1-5", "3", "wrong codes allowed"),
			k("expires", "duration", "10m", "how long the link or code works"),
			k("keep", "duration", "30m", "how long the contact stays verified"),
			k("failed", "exit", "person exit", "where it goes without proof")}},
		"no_match": {name: "a no_match step", keys: exitKeys(k("say", "text", "", "said with the buttons"))},
		"no_reply": {name: "a no_reply step", keys: exitKeys(
			must("after", "delay", "time since the bot began to wait"), k("say", "text", "", "said with the buttons"), k("tag", "texts", "", "tags given"))},
	}
}
