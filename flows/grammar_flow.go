package flows

// slotTypes are the types a slot may have.
var slotTypes = []string{"text", "number", "yes_no", "date", "choice", "list", "media"}

func flowGrammar() map[string]construct {
	return map[string]construct{
		"flow": {name: "a flow", keys: []key{
			must("flow", "scalar", "its name, unique in the project").of(NameFlow),
			k("description", "scalar", "", "for people"),
			k("owner", "scalar", "", "shown when the flow breaks"),
			{name: "on", form: "names", def: "private", doc: "which visibility may run it", words: []string{"private", "public"}},
			k("slots", "mapof:slot", "{}", "things to know of a conversation, by name").giving(NameSlot),
			must("states", "mapof:map:state", "its states by name; one is called start").giving(NameState),
			k("everywhere", "mapof:map:everywhere", "{}", "words that work in every state of this flow"),
			word("first_message", "use", "whether the first message may answer the first question", "use", "ignore"),
			k("delegate", "text", "", "button for agents who let the flow ask for them").orBefore("slots"),
			k("rollout", "percent", "100%", "share of contacts a start rule with this flow applies to"),
			k("shadow", "bool", "false", "true: the first turn is computed and shown to the agent, not said"),
			k("renamed", "mapof:scalar", "{}", "old name of a state → its new name").of(NameState),
			k("vanished", "exit", "person exit", "where people go whose state is gone"),
			word("versions", "", "whether conversations follow an edit or keep the set they began with; default the project's", "migrate", "pin")}},
		"slot": {name: "a slot", keys: []key{
			word("type", "text", "what it holds", slotTypes...),
			k("values", "values", "", "of a choice: list of ids, or map id → label"),
			k("example", "scalar", "", "shown by example(); must pass the slot's own rules"),
			k("clean", "listof:scalar", "[]", "in order: trim upper lower remove_spaces digits letters_digits look_alikes remove:CHARS"),
			k("pattern", "scalar", "", "RE2; the whole cleaned value must match"),
			k("find", "scalar", "", "RE2; picks values out of a sentence, also before the question"),
			k("check", "expr", "", "last test, a condition over value"),
			k("min", "scalar", "", "least number, date or length"),
			k("max", "scalar", "2000 for text", "greatest number, date or length"),
			k("default", "names", "", "value from the start of the conversation"),
			k("ask", "text", "", "question used when collect gives none, and the label in forms"),
			k("called", "listof:scalar", "its name with spaces", "what customers call it, for corrections"),
			word("scope", "conversation", "contact: it survives into later conversations", "conversation", "contact"),
			k("pii", "bool", "false", "personal: masked, never in public, erased after keep"),
			k("secret", "bool", "false", "sealed, never shown; may go to http bodies only"),
			k("keep", "duration", "retention.messages", "after it the value is erased")}},
	}
}

func exitGrammar() map[string]construct {
	return map[string]construct{
		"goto": {name: "goto", keys: []key{
			must("state", "scalar", "the state to go to").of(NameState),
			k("at_most", "int:1-20", "", "how often this way may be taken in one conversation"),
			k("else", "exit", "", "where it goes from then on")}},
		"call": {name: "call", keys: []key{
			must("flow", "scalar", "the flow to run").of(NameFlow),
			k("on", "mapof:exit", "{}", "by result, or else: where it goes on")}},
		"arm": {name: "a branch item", keys: exitKeys(
			k("if", "expr", "", "condition"), k("else", "exit", "", "way of the last item"))},
		"exit": {name: "an exit", keys: exitKeys()},
		"handoff": {name: "handoff", keys: []key{
			k("queue", "either:scalar|list:pick", "default_queue", "where the customer waits").of(NameQueue),
			{name: "priority", form: "either:word|list:pick", def: "normal", doc: "how urgent it is", words: priorities},
			k("skills", "listof:scalar", "[]", "skills the agent must have"),
			k("reason", "scalar", "state name", "shown and reported"),
			k("summary", "text", "", "shown first to the agent; empty lines are dropped"),
			k("say", "say", "built-in, hours-aware", "last words of the bot; \"\" = nothing")}},
		"pick": {name: "a pick", keys: []key{
			k("if", "expr", "", "condition"), k("use", "scalar", "", "name when it is true"), k("else", "scalar", "", "name of the last item")}},
		"returns": {name: "returns", keys: exitKeys(k("say", "text", "", "said when the agent gives the conversation back"))},
		"unanswered": {name: "an unanswered step", keys: exitKeys(
			k("after", "delay", "first_reply of the queue", "open time since the handoff"),
			k("say", "text", "", "said to the customer"),
			k("tag", "texts", "", "tags given"),
			word("priority", "", "new priority", priorities...),
			k("queue", "scalar", "", "queue it moves to").of(NameQueue))},
	}
}

// priorities are those of a handoff, in rising order.
var priorities = []string{"low", "normal", "high", "urgent"}
