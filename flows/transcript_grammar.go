package flows

// testGrammar is the part of the grammar table about flows/tests/*.test.yaml
// (language.md 7.1 and 7.2).
func testGrammar() map[string]construct {
	own := []key{
		must("name", "scalar", "unique in the file"),
		{name: "chat", form: "list:test_step", doc: "the steps", must: true, reach: "http"}, // mostly written last
		k("each", "names", "", "all, or a list of flow.state: one run per state").of(NameState),
	}
	g := map[string]construct{
		"test_file": {name: "a test file", keys: []key{
			k("flows", "names", "all", "which flows this file's coverage is about").of(NameFlow),
			k("defaults", "map:test_defaults", "", "circumstances of every test of this file"),
			must("tests", "list:test", "the tests")}},
		"test_defaults": {name: "defaults of tests", keys: circumstances()},
		"test":          {name: "a test", keys: append(own, circumstances()...)},
		"mock": {name: "a response", keys: []key{
			k("status", "int:100-599", "200", "HTTP status"), k("json", "any", "", "body"),
			word("fail", "", "no answer, and why", mockFailures...),
			k("after", "duration", "", "arrives so much later")}},
		"test_step":  {name: "a step", keys: stepKeys()},
		"wanted":     {name: "what is expected", keys: []key{k("contains", "names", "", "a part of it")}},
		"agent_does": {name: "agent", keys: []key{k("say", "scalar", "", "the agent writes"), k("delegate", "scalar", "", "the agent runs this flow").of(NameFlow)}},
	}
	for name, c := range peopleOfTests() {
		g[name] = c
	}
	return g
}

// circumstances are the keys that a test and the defaults of its file share.
func circumstances() []key {
	return []key{
		k("channel", "scalar", "", "account the customer writes on; default the first of the project").of(NameChannel),
		k("language", "scalar", "", "language of the contact; default the project's first"),
		k("languages", "names", "", "all, or a list: run once per language"),
		k("now", "scalar", "2026-01-05T10:00:00Z", "when it takes place; moves only by wait"),
		k("contact", "map:test_contact", "", "who writes"),
		k("conversation", "map:test_conversation", "", "what came before; default a new conversation"),
		k("entry", "map:test_entry", "{source: direct}", "how the customer came"),
		k("queues", "mapof:map:test_queue", "", "what wait_minutes and queue_length answer").by(NameQueue),
		k("public", "bool", "false", "true: the first message is a public mention"),
		k("start", "scalar", "", "flow or flow.state to enter directly; default the start rules").of(NameState),
		k("slots", "mapof:names", "", "filled before the start").by(NameSlot),
		k("sample", "bool", "false", "result of every sample()"),
		k("http", "mapof:mock", "", "answers of look-ups: VERB /path[?query] → response, or a list of them"),
	}
}

// Closed lists of words in tests.
var (
	mockFailures = []string{"timeout", "refused", "invalid"}
	sendable     = []string{"image", "video", "audio", "file", "location"}
	agentVerbs   = []string{"claim", "return", "resolve"}
	verdicts     = []string{"ok", "fail", "expire"}
	entrySources = []string{"link", "widget", "ad", "public", "button", "menu", "greeting", "direct"}
)

// peopleOfTests are contact, conversation, entry and queues of a test.
func peopleOfTests() map[string]construct {
	return map[string]construct{
		"test_contact": {name: "contact", keys: []key{
			k("id", "scalar", "", "any text: rollout, holdout and sample choose by it"),
			k("first_name", "scalar", "", "contact.first_name"), k("name", "scalar", "", "contact.name"),
			k("language", "scalar", "", "contact.language"), k("verified", "bool", "false", "contact.verified"),
			k("verified_by", "scalar", "", "contact.verified_by"), k("vip", "bool", "false", "contact.vip"),
			k("tags", "names", "", "contact.tags"), k("channel_handle", "scalar", "", "contact.channel_handle"),
			k("new", "bool", "false", "contact.new"), k("unreachable", "bool", "false", "contact.unreachable")}},
		"test_conversation": {name: "conversation", keys: []key{
			k("returning", "bool", "false", "the contact wrote before"),
			k("hours_since_last", "scalar", "", "hours since the last conversation"),
			k("unfinished", "scalar", "", "flow.state whose question was open").of(NameState),
			k("tags", "names", "", "tags of the conversation"),
			k("messages", "int:0-1000000", "0", "customer messages before the test"),
			k("opened", "scalar", "", "when it was opened"),
			k("handed_off", "bool", "false", "it was with people before"),
			k("holdout", "bool", "false", "it is in the hold-out group")}},
		"test_entry": {name: "entry", keys: []key{
			k("ref", "scalar", "", "entry.ref"), k("signed", "bool", "false", "entry.signed"), k("text", "scalar", "", "entry.text"),
			word("source", "direct", "entry.source", entrySources...), k("public", "bool", "false", "entry.public"),
			k("channel", "scalar", "", "entry.channel"), k("option", "scalar", "", "entry.option")}},
		"test_queue": {name: "a queue's figures", keys: []key{
			k("wait", "scalar", "", "what wait_minutes answers, as a duration"),
			k("length", "int:0-1000000", "0", "what queue_length answers")}},
	}
}

func stepKeys() []key {
	return []key{
		k("user", "names", "", "the customer types; a list is a burst"),
		k("tap", "scalar", "", "presses a button: id or label"),
		word("send", "", "the customer sends a file or a place", sendable...),
		k("text", "scalar", "", "with send: its caption"),
		k("bot", "scalar", "", "pattern of the next bot message"),
		k("options", "listof:scalar", "", "with bot: its buttons, exactly and in order"),
		k("public", "bool", "false", "with bot: true, it is said in public"),
		k("silent", "bool", "", "true: the last event produced no message"),
		k("wait", "duration", "", "the clock moves on; timers fire in order"),
		k("expect", "mapof:wanted", "", "state, owner, language, tags or an expression, and what it is"),
		k("handoff", "scalar", "", "the next effect is a handoff to this queue, or *").of(NameQueue),
		word("priority", "", "with handoff: its priority", priorities...),
		k("reason", "scalar", "", "with handoff: its reason"), k("cause", "scalar", "", "with handoff: its cause"),
		k("tags", "names", "", "with handoff: all must be present"),
		k("summary", "either:scalar|map:wanted", "", "with handoff: the summary, or {contains}"),
		k("resolved", "scalar", "", "the next effect ends the conversation with this reason, or *"),
		{name: "agent", form: "either:word|map:agent_does", doc: "what a person does", words: agentVerbs},
		k("submit", "mapof:names", "", "the open form is sent with these values").by(NameSlot),
		word("verify", "", "the open verification has its outcome", verdicts...),
		k("http", "mapof:mock", "", "answers of look-ups from here on"),
		k("set", "mapof:names", "", "fills slots and contact.FIELD").by(NameSlot),
		k("reload", "scalar", "", "folder whose flows go live now, relative to the project"),
	}
}

// stepKinds are the keys that make a step what it is, with the keys that may
// stand beside each.
func stepKinds() map[string][]string {
	return map[string][]string{
		StepUser: nil, StepTap: nil, StepSend: {"text"}, StepBot: {"options", "public"}, StepSilent: nil, StepWait: nil,
		StepExpect: nil, StepHandoff: {"priority", "reason", "cause", "tags", "summary"}, StepResolved: nil, StepAgent: nil,
		StepSubmit: nil, StepVerify: nil, StepHTTP: nil, StepSet: nil, StepReload: nil,
	}
}

// TestKeys are the keys that test files may have, sorted, each once.
func TestKeys() []string {
	seen := map[string]bool{}
	for _, c := range testGrammar() {
		for _, key := range c.keys {
			seen[key.name] = true
		}
	}
	return sortedKeys(seen)
}
