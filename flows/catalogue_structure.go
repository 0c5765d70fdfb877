package flows

// structureCatalogue explains the codes about keys, names and values.
var structureCatalogue = []Entry{
	{Code: "E101", Title: "there is no such setting here",
		Why: "A key that nobody reads would change nothing, and nobody would notice. Every key is one of a closed list; the hint names the one that was probably meant.",
		Before: `
flow: shop
states:
  start:
    collect: {slot: order_number, ask: "Your order number?", max_trys: 2}
    goto: bye
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start:
    collect: {slot: order_number, ask: "Your order number?", max_tries: 2}
    goto: bye
  bye: {resolve: done}
`},
	{Code: "E102", Title: "this is not a usable name",
		Why: "Names of flows, states, slots, options and queues are used in expressions, links and reports: small letters, digits and _, starting with a letter, at most 40. What customers see is written in label, name or ask.",
		Before: `
flow: shop
slots: {Order Number: text}
states:
  start: {resolve: done}
`, After: `
flow: shop
slots: {order_number: text}
states:
  start: {collect: {order_number: "Your order number?"}, resolve: done}
`},
	{Code: "E103", Title: "there is no such slot",
		Why: "A slot has to be declared, collected or saved somewhere before an expression can read it. A misspelt one would always be empty.",
		Before: `
flow: shop
states:
  start: {collect: {postcode: "Your postcode?"}, goto: bye}
  bye: {say: "Thanks, {{ slots.postcod }}.", resolve: done}
`, After: `
flow: shop
states:
  start: {collect: {postcode: "Your postcode?"}, goto: bye}
  bye: {say: "Thanks, {{ slots.postcode ?? '' }}.", resolve: done}
`},
	{Code: "E104", Title: "this is the wrong kind of value",
		Why: "Some keys hold a text, some a list, some a map with keys of their own. What is written here is of another kind.",
		Before: `
flow: shop
states:
  start:
    collect: {order_number: "Your order number?"}
    no_reply: 10m
    resolve: done
`, After: `
flow: shop
states:
  start:
    collect: {order_number: "Your order number?"}
    no_reply: [{after: 10m, say: "Still there?"}]
    resolve: done
`},
	{Code: "E105", Title: "this value is not understood",
		Why: "Durations, dates, hours, numbers, languages and words of closed lists are read when the file is loaded, not when a customer waits for it. A duration is 30s, 10m, 23h, 30d or 1h30m.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
idle_close: 10 mins
-- flows/shop.yaml --
flow: shop
states:
  start: {resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
idle_close: 10m
-- flows/shop.yaml --
flow: shop
states:
  start: {resolve: done}
`},
	{Code: "E106", Title: "this file is of another version of the format",
		Why: "dispatcher: says which version of the language the project is written in, so that a program never guesses at what it does not know.",
		Before: `
-- dispatcher.yaml --
dispatcher: 2
-- flows/shop.yaml --
flow: shop
states:
  start: {resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
-- flows/shop.yaml --
flow: shop
states:
  start: {resolve: done}
`},
	{Code: "E107", Title: "start or default_queue is missing",
		Why: "With one flow or one queue there is nothing to choose. With several, somebody has to say which flow a new conversation runs, and where everything goes that breaks.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
-- flows/shop.yaml --
flow: shop
states:
  start: {goto: returns.start}
-- flows/returns.yaml --
flow: returns
states:
  start: {resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
start: shop
-- flows/shop.yaml --
flow: shop
states:
  start: {goto: returns.start}
-- flows/returns.yaml --
flow: returns
states:
  start: {resolve: done}
`},
	{Code: "E108", Title: "a key is written twice",
		Why: "Of two equal keys in one map only one could count, and which one is not something to guess at.",
		Before: `
flow: shop
states:
  start: {goto: menu}
  menu: {say: Hello, resolve: done}
  menu: {say: Good morning, resolve: done}
`, After: `
flow: shop
states:
  start: {goto: menu}
  menu: {say: Good morning, resolve: done}
`},
	{Code: "E109", Title: "two files hold a flow of the same name",
		Why: "The name of a flow, not the name of its file, is what other flows and running conversations know. It is there once in a project.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
start: shop
-- flows/old.yaml --
flow: shop
states:
  start: {resolve: done}
-- flows/shop.yaml --
flow: shop
states:
  start: {resolve: done}
`, After: `
flow: shop
states:
  start: {resolve: done}
`},
	{Code: "E110", Title: "a required key is missing",
		Why: "Without it this part means nothing: a choice without values, a question without words, a service without an address.",
		Before: `
flow: shop
slots: {topic: {type: choice}}
states:
  start: {collect: {topic: "What is it about?"}, resolve: done}
`, After: `
flow: shop
slots: {topic: {type: choice, values: [order, other]}}
states:
  start: {collect: {topic: "What is it about?"}, resolve: done}
`},
	{Code: "E111", Title: "two ways out",
		Why: "A state leaves in one way: goto, branch, call, return, handoff or resolve. Only call may have a goto beside it, for when it comes back.",
		Before: `
flow: shop
states:
  start: {say: Hello, goto: bye, resolve: done}
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start: {say: Hello, goto: bye}
  bye: {resolve: done}
`},
	{Code: "E112", Title: "two questions in one state",
		Why: "A state waits for one answer. Of two questions in one message nobody knows which one was answered; write a state for each.",
		Before: `
flow: shop
states:
  start:
    ask: "What is it about?"
    options: {An order: bye}
    collect: {order_number: "Your order number?"}
    goto: bye
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start:
    ask: "What is it about?"
    options: {An order: number}
  number: {collect: {order_number: "Your order number?"}, goto: bye}
  bye: {resolve: done}
`},
	{Code: "E113", Title: "a slot is declared in two flows",
		Why: "Slots belong to the conversation, not to a flow: one name, one set of rules. Declare it in one flow and use it in all.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
start: shop
-- flows/returns.yaml --
flow: returns
slots: {postcode: text}
states:
  start: {collect: {postcode: "Your postcode?"}, resolve: done}
-- flows/shop.yaml --
flow: shop
slots: {postcode: text}
states:
  start: {collect: {postcode: "Your postcode?"}, goto: returns.start}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
start: shop
-- flows/returns.yaml --
flow: returns
slots: {postcode: text}
states:
  start: {collect: {postcode: "Your postcode?"}, resolve: done}
-- flows/shop.yaml --
flow: shop
states:
  start: {collect: {postcode: "Your postcode?"}, goto: returns.start}
`},
	{Code: "E114", Title: "two options are the same",
		Why: "The id is what is stored, counted and tested, the label is what a customer types: both belong to one option. Labels count as equal when only capitals, accents or signs differ.",
		Before: `
flow: shop
states:
  start:
    ask: "What is it about?"
    options:
      - {id: other, label: My account, goto: bye}
      - {id: other, label: Something else, goto: bye}
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start:
    ask: "What is it about?"
    options:
      - {id: account, label: My account, goto: bye}
      - {id: other, label: Something else, goto: bye}
  bye: {resolve: done}
`},
	{Code: "E115", Title: "the flow has no state called start",
		Why: "Whoever enters a flow by its name enters its state start.",
		Before: `
flow: shop
states:
  begin: {resolve: done}
`, After: `
flow: shop
states:
  start: {resolve: done}
`},
	{Code: "E116", Title: "at_most needs else",
		Why: "at_most ends a loop after so many rounds; else says where the conversation goes then.",
		Before: `
flow: shop
states:
  start:
    ask: "Did it help?"
    options:
      "Yes": bye
      "No": {goto: {state: start, at_most: 2}}
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start:
    ask: "Did it help?"
    options:
      "Yes": bye
      "No": {goto: {state: start, at_most: 2, else: bye}}
  bye: {resolve: done}
`},
	{Code: "E117", Title: "this key has nothing it could belong to",
		Why: "else belongs to when, no_match to options, help and no_reply to a question, returns and unanswered to a handoff. Alone they would never be read.",
		Before: `
flow: shop
states:
  start: {say: Hello, no_match: [{say: "Pardon?"}], resolve: done}
`, After: `
flow: shop
states:
  start:
    ask: "What is it about?"
    options: {An order: bye}
    no_match: [{say: "Pardon?"}]
  bye: {resolve: done}
`},
	{Code: "E118", Title: "when is false here and nothing says where to go",
		Why: "A state whose when is false does nothing of what is written in it. Where its own goto or return cannot tell, else must.",
		Before: `
flow: shop
states:
  start:
    when: contact.new
    say: Welcome!
    handoff: general
`, After: `
flow: shop
states:
  start:
    when: contact.new
    else: bye
    say: Welcome!
    handoff: general
  bye: {resolve: done}
`},
	{Code: "E119", Title: "steps must come later and later; only the last may leave",
		Why: "Every after counts from the same moment. A step that is due before the one above it, or that stands below one which has left already, would never come.",
		Before: `
flow: shop
states:
  start:
    ask: "What is it about?"
    options: {An order: bye}
    no_reply: [{after: 1h, say: "Still there?"}, {after: 10m, resolve: no_reply}]
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start:
    ask: "What is it about?"
    options: {An order: bye}
    no_reply: [{after: 10m, say: "Still there?"}, {after: 1h, resolve: no_reply}]
  bye: {resolve: done}
`},
	{Code: "E120", Title: "this is not a priority",
		Why: "Agents sort by four priorities: low, normal, high, urgent.",
		Before: `
flow: shop
states:
  start: {handoff: {priority: hihg}}
`, After: `
flow: shop
states:
  start: {handoff: {priority: high}}
`},
}
