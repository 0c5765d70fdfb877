package flows

// testGrammar is the part of the grammar table about flows/tests/*.test.yaml
// (language.md 7.1 and 7.2).
func testGrammar() map[string]construct {
	circumstances := []key{
		{name: "channel", form: "scalar", doc: "account the customer writes on; default the first of the project"},
		{name: "language", form: "scalar", doc: "language of the contact; default the project's first"},
		{name: "languages", form: "names", doc: "all, or a list: run once per language"},
		{name: "now", form: "scalar", def: "2026-01-05T10:00:00Z", doc: "when it takes place; moves only by wait"},
		{name: "contact", form: "map:test_contact", doc: "who writes"},
		{name: "conversation", form: "map:test_conversation", doc: "what came before; default a new conversation"},
		{name: "entry", form: "map:test_entry", def: "{source: direct}", doc: "how the customer came"},
		{name: "queues", form: "mapof:map:test_queue", doc: "what wait_minutes and queue_length answer"},
		{name: "public", form: "scalar", def: "false", doc: "true: the first message is a public mention"},
		{name: "start", form: "scalar", doc: "flow or flow.state to enter directly; default the start rules"},
		{name: "slots", form: "mapof:names", doc: "filled before the start"},
		{name: "sample", form: "scalar", def: "false", doc: "result of every sample()"},
		{name: "http", form: "mapof:mock", doc: "answers of look-ups: VERB /path[?query] → response, or a list of them"},
	}
	own := []key{
		{name: "name", form: "scalar", doc: "unique in the file"},
		{name: "chat", form: "list:test_step", doc: "the steps"},
		{name: "each", form: "names", doc: "all, or a list of flow.state: one run per state"},
	}
	return map[string]construct{
		"test_file": {name: "a test file", keys: []key{
			{name: "flows", form: "names", def: "all", doc: "which flows this file's coverage is about"},
			{name: "defaults", form: "map:test_defaults", doc: "circumstances of every test of this file"},
			{name: "tests", form: "list:test", doc: "the tests"}}},
		"test_defaults": {name: "defaults of tests", keys: circumstances},
		"test":          {name: "a test", keys: append(own, circumstances...)},
		"test_contact": {name: "contact", keys: []key{
			{name: "id", form: "scalar", doc: "any text: rollout, holdout and sample choose by it"},
			{name: "first_name", form: "scalar", doc: "contact.first_name"}, {name: "name", form: "scalar", doc: "contact.name"},
			{name: "language", form: "scalar", doc: "contact.language"}, {name: "verified", form: "scalar", doc: "contact.verified"},
			{name: "verified_by", form: "scalar", doc: "contact.verified_by"}, {name: "vip", form: "scalar", doc: "contact.vip"},
			{name: "tags", form: "names", doc: "contact.tags"}, {name: "channel_handle", form: "scalar", doc: "contact.channel_handle"},
			{name: "new", form: "scalar", doc: "contact.new"}, {name: "unreachable", form: "scalar", doc: "contact.unreachable"}}},
		"test_conversation": {name: "conversation", keys: []key{
			{name: "returning", form: "scalar", doc: "the contact wrote before"},
			{name: "hours_since_last", form: "scalar", doc: "hours since the last conversation"},
			{name: "unfinished", form: "scalar", doc: "flow.state whose question was open"},
			{name: "tags", form: "names", doc: "tags of the conversation"},
			{name: "messages", form: "scalar", doc: "customer messages before the test"},
			{name: "opened", form: "scalar", doc: "when it was opened"},
			{name: "handed_off", form: "scalar", doc: "it was with people before"},
			{name: "holdout", form: "scalar", doc: "it is in the hold-out group"}}},
		"test_entry": {name: "entry", keys: []key{
			{name: "ref", form: "scalar", doc: "entry.ref"}, {name: "signed", form: "scalar", doc: "entry.signed"},
			{name: "text", form: "scalar", doc: "entry.text"}, {name: "source", form: "scalar", def: "direct", doc: "entry.source"},
			{name: "public", form: "scalar", doc: "entry.public"}, {name: "channel", form: "scalar", doc: "entry.channel"},
			{name: "option", form: "scalar", doc: "entry.option"}}},
		"test_queue": {name: "a queue's figures", keys: []key{
			{name: "wait", form: "scalar", doc: "what wait_minutes answers, as a duration"},
			{name: "length", form: "scalar", doc: "what queue_length answers"}}},
		"mock": {name: "a response", keys: []key{
			{name: "status", form: "scalar", def: "200", doc: "HTTP status"}, {name: "json", form: "any", doc: "body"},
			{name: "fail", form: "scalar", doc: "timeout, refused or invalid instead of an answer"},
			{name: "after", form: "scalar", doc: "arrives so much later"}}},
		"test_step": {name: "a step", keys: stepKeys()},
		"wanted":    {name: "what is expected", keys: []key{{name: "contains", form: "names", doc: "a part of it"}}},
		"agent_does": {name: "agent", keys: []key{{name: "say", form: "scalar", doc: "the agent writes"},
			{name: "delegate", form: "scalar", doc: "the agent runs this flow"}}},
	}
}

func stepKeys() []key {
	return []key{
		{name: "user", form: "names", doc: "the customer types; a list is a burst"},
		{name: "tap", form: "scalar", doc: "presses a button: id or label"},
		{name: "send", form: "scalar", doc: "image, video, audio, file or location"},
		{name: "text", form: "scalar", doc: "with send: its caption"},
		{name: "bot", form: "scalar", doc: "pattern of the next bot message"},
		{name: "options", form: "listof:scalar", doc: "with bot: its buttons, exactly and in order"},
		{name: "public", form: "scalar", doc: "with bot: true, it is said in public"},
		{name: "silent", form: "scalar", doc: "true: the last event produced no message"},
		{name: "wait", form: "scalar", doc: "the clock moves on; timers fire in order"},
		{name: "expect", form: "mapof:wanted", doc: "state, owner, language, tags or an expression, and what it is"},
		{name: "handoff", form: "scalar", doc: "the next effect is a handoff to this queue, or *"},
		{name: "priority", form: "scalar", doc: "with handoff"}, {name: "reason", form: "scalar", doc: "with handoff"},
		{name: "cause", form: "scalar", doc: "with handoff"}, {name: "tags", form: "names", doc: "with handoff: all must be present"},
		{name: "summary", form: "either:scalar|map:wanted", doc: "with handoff: the summary, or {contains}"},
		{name: "resolved", form: "scalar", doc: "the next effect ends the conversation with this reason, or *"},
		{name: "agent", form: "either:scalar|map:agent_does", doc: "claim, return, resolve, {say} or {delegate}"},
		{name: "submit", form: "mapof:names", doc: "the open form is sent with these values"},
		{name: "verify", form: "scalar", doc: "ok, fail or expire"},
		{name: "http", form: "mapof:mock", doc: "answers of look-ups from here on"},
		{name: "set", form: "mapof:names", doc: "fills slots and contact.FIELD"},
		{name: "reload", form: "scalar", doc: "folder whose flows go live now, relative to the project"},
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
		for _, k := range c.keys {
			seen[k.name] = true
		}
	}
	return sortedKeys(seen)
}
