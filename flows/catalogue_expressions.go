package flows

// expressionCatalogue explains the codes about expressions.
var expressionCatalogue = []Entry{
	{Code: "E201", Title: "this expression is not finished",
		Why: "Something is missing at its end: a closing bracket or quote, or the other side of a comparison.",
		Before: `
flow: shop
states:
  start: {when: contact.vip and, else: bye, say: Hello, goto: bye}
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start: {when: contact.vip and contact.new, else: bye, say: Hello, goto: bye}
  bye: {resolve: done}
`},
	{Code: "E202", Title: "= does not compare; use ==",
		Why: "A single = sets something in many languages. Here nothing is set in a condition, so it can only be meant as ==. check --fix writes it.",
		Before: `
flow: shop
states:
  start: {when: channel.kind = "web", else: bye, say: Hello, goto: bye}
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start: {when: channel.kind == "web", else: bye, say: Hello, goto: bye}
  bye: {resolve: done}
`},
	{Code: "E203", Title: "a condition must come out as true or false",
		Why: "A list or a text is neither true nor false. Say what about it is meant: that it is not empty, that it holds something.",
		Before: `
flow: shop
states:
  start: {when: contact.tags, else: bye, say: Hello, goto: bye}
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start: {when: not empty(contact.tags), else: bye, say: Hello, goto: bye}
  bye: {resolve: done}
`},
	{Code: "E204", Title: "1 < x < 3 does not test a range",
		Why: "It would compare the outcome of the first half with 3. Write both halves.",
		Before: `
flow: shop
states:
  start: {when: 1 < conversation.messages < 3, else: bye, say: Hello, goto: bye}
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start: {when: conversation.messages > 1 and conversation.messages < 3, else: bye, say: Hello, goto: bye}
  bye: {resolve: done}
`},
	{Code: "E205", Title: "this is not available in flows",
		Why: "Expressions compare and combine values. What could loop, store or reach out of the conversation is left out, so that no flow can hang or leak.",
		Before: `
flow: shop
states:
  start: {say: "{{ let x = 1; x }}", resolve: done}
`, After: `
flow: shop
states:
  start: {say: "{{ 1 }}", resolve: done}
`},
	{Code: "E206", Title: "this pattern is not valid",
		Why: "Patterns are regular expressions of the RE2 kind: no look-ahead, no back references, at most 256 bytes.",
		Before: `
flow: shop
slots: {order_number: {pattern: '[A-Z]{2}(\d{6}'}}
states:
  start: {collect: {order_number: "Your order number?"}, resolve: done}
`, After: `
flow: shop
slots: {order_number: {pattern: '[A-Z]{2}\d{6}'}}
states:
  start: {collect: {order_number: "Your order number?"}, resolve: done}
`},
	{Code: "E207", Title: "this expression is too long, too deep or too large",
		Why: "An expression has at most 2,000 characters, 64 levels of brackets and 500 parts, so that checking and running it take no time. Split it over states, or move it into the service that knows the answer.",
		Before: `
flow: shop
states:
  start: {when: "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((contact.vip))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))", else: bye, say: Hello, goto: bye}
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start: {when: contact.vip, else: bye, say: Hello, goto: bye}
  bye: {resolve: done}
`},
	{Code: "E208", Title: "the function got the wrong number of values",
		Why: "Every function takes a fixed number of values; language.md 3.2 lists them.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
schedules: {support: {open: {mon-fri: 08:00-20:00}}}
-- flows/shop.yaml --
flow: shop
states:
  start: {when: 'open("support", "web")', else: bye, say: Hello, goto: bye}
  bye: {resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
schedules: {support: {open: {mon-fri: 08:00-20:00}}}
-- flows/shop.yaml --
flow: shop
states:
  start: {when: 'open("support")', else: bye, say: Hello, goto: bye}
  bye: {resolve: done}
`},
	{Code: "E210", Title: "there is no such field",
		Why: "contact, conversation, message, entry, channel and the results of look-ups have the fields that are declared. One that does not exist would be empty for ever.",
		Before: `
flow: shop
states:
  start: {say: "Hi {{ contact.firstname ?? 'there' }}!", resolve: done}
`, After: `
flow: shop
states:
  start: {say: "Hi {{ contact.first_name ?? 'there' }}!", resolve: done}
`},
	{Code: "E211", Title: "nothing is called so here",
		Why: "The name is neither a value nor a function that this place knows. queue, for one, exists only in what a handoff says.",
		Before: `
flow: shop
states:
  start: {collect: {postcode: "Your postcode?"}, goto: bye}
  bye: {say: "Thanks: {{ slot.postcode }}", resolve: done}
`, After: `
flow: shop
states:
  start: {collect: {postcode: "Your postcode?"}, goto: bye}
  bye: {say: "Thanks: {{ slots.postcode ?? '' }}", resolve: done}
`},
	{Code: "E212", Title: "these two kinds of value do not go together",
		Why: "A date is not before a text, and a text cannot be added to a number. Such a condition would fail for every customer.",
		Before: `
flow: shop
slots: {bought: date}
states:
  start: {collect: {bought: "When did you buy it?"}, goto: old}
  old: {when: 'slots.bought != nil and slots.bought < "2026-01-01"', else: bye, say: That is long ago., goto: bye}
  bye: {resolve: done}
`, After: `
flow: shop
slots: {bought: date}
states:
  start: {collect: {bought: "When did you buy it?"}, goto: old}
  old: {when: 'slots.bought != nil and days_since(slots.bought) > 365', else: bye, say: That is long ago., goto: bye}
  bye: {resolve: done}
`},
	{Code: "E213", Title: "{{ is never closed",
		Why: "An expression in a text ends at }}. Without it the rest of the text would be taken for an expression.",
		Before: `
flow: shop
states:
  start: {say: "Hi {{ contact.first_name!", resolve: done}
`, After: `
flow: shop
states:
  start: {say: "Hi {{ contact.first_name }}!", resolve: done}
`},
	{Code: "W214", Title: "this condition is always true",
		Why: "A condition that never fails decides nothing. Often a literal stands where a slot was meant.",
		Before: `
flow: shop
states:
  start: {when: '"web" == "web"', else: bye, say: Hello, goto: bye}
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start: {when: 'channel.kind == "web"', else: bye, say: Hello, goto: bye}
  bye: {resolve: done}
`},
	{Code: "W215", Title: "this can still be empty here",
		Why: "On some path into this state the slot or the look-up was not filled. Printed, it leaves a hole; compared with < or added, it fails and the customer is handed over. Say what stands there instead: ?? 'text', or ask first.",
		Before: `
flow: shop
states:
  start:
    collect: {slot: order_number, ask: "Your order number?", skip: I don't have it}
    goto: bye
  bye: {say: "Order {{ slots.order_number | upper() }} it is.", resolve: done}
`, After: `
flow: shop
states:
  start:
    collect: {slot: order_number, ask: "Your order number?", skip: I don't have it}
    goto: bye
  bye: {say: "Order {{ slots.order_number ?? 'unknown' }} it is.", resolve: done}
`},
	{Code: "E216", Title: "this is not one of the values",
		Why: "A choice has the values it declares. A comparison with another one is never true, and an option with another id could not be saved.",
		Before: `
flow: shop
slots: {topic: {type: choice, values: [order, return]}}
states:
  start: {collect: {topic: "What is it about?"}, goto: back}
  back: {when: 'slots.topic == "retrun"', else: bye, say: We take it back., goto: bye}
  bye: {resolve: done}
`, After: `
flow: shop
slots: {topic: {type: choice, values: [order, return]}}
states:
  start: {collect: {topic: "What is it about?"}, goto: back}
  back: {when: 'slots.topic == "return"', else: bye, say: We take it back., goto: bye}
  bye: {resolve: done}
`},
	{Code: "E217", Title: "there is no such queue or schedule",
		Why: "Queues and schedules are declared in dispatcher.yaml. A handoff to one that does not exist would end nowhere.",
		Before: `
flow: shop
states:
  start: {handoff: genral}
`, After: `
flow: shop
states:
  start: {handoff: general}
`},
	{Code: "E218", Title: "there is no such service in dispatcher.yaml",
		Why: "Flows may call only the services that the operator has declared.",
		Before: `
flow: shop
states:
  start: {http: {service: shop, get: /orders/1, on: {else: bye}}, goto: bye}
  bye: {resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
services: {shop: {url: "https://api.acme.example"}}
-- flows/shop.yaml --
flow: shop
states:
  start: {http: {service: shop, get: /orders/1, on: {else: bye}}, goto: bye}
  bye: {resolve: done}
`},
	{Code: "E219", Title: "a secret slot cannot be put in a text",
		Why: "A secret is sealed: nobody reads it, not in a message, not in a summary. It may go to a service in the body of a request, and nowhere else.",
		Before: `
flow: shop
slots: {card_number: {secret: true, keep: 1d}}
states:
  start: {collect: {card_number: "Your card number?"}, goto: bye}
  bye: {say: "Your card is {{ slots.card_number }}.", resolve: done}
`, After: `
flow: shop
slots: {card_number: {secret: true, keep: 1d}}
states:
  start: {collect: {card_number: "Your card number?"}, goto: bye}
  bye: {say: "Thanks, I have your card.", resolve: done}
`},
	{Code: "E220", Title: "this is personal and the flow can run in public",
		Why: "A public flow answers under a post that everybody reads. Personal slots, names and look-ups are not for everybody.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
start: mention
-- flows/mention.yaml --
flow: mention
on: public
states:
  start: {say: "Hello {{ contact.name ?? '' }}!", return: }
`, After: `
-- dispatcher.yaml --
dispatcher: 1
start: mention
-- flows/mention.yaml --
flow: mention
on: public
states:
  start: {say: "Hello!", return: }
`},
	{Code: "E221", Title: "the function needs a fixed name in quotes",
		Why: "Which schedule, queue or slot is meant is checked before anybody talks to the flow; a name that is put together at run time cannot be.",
		Before: `
flow: shop
states:
  start: {when: open(channel.name), else: bye, say: Hello, goto: bye}
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start: {when: 'open("general")', else: bye, say: Hello, goto: bye}
  bye: {resolve: done}
`},
	{Code: "E299", Title: "internal problem in this expression or flow; please report it",
		Why:       "The checker let something pass that the engine refuses. That is a mistake of the program, not of the flow; the last good set stays live.",
		elsewhere: "check, when the program itself is wrong"},
}
