package flows

// pathCatalogue explains the codes about where conversations go.
var pathCatalogue = []Entry{
	{Code: "E301", Title: "there is no such state in this flow",
		Why: "A conversation would be sent to a place that does not exist. A bare name is a state of the same flow; flow.state is one of another.",
		Before: `
flow: shop
states:
  start: {say: Hello, goto: welcom_back}
  welcome_back: {resolve: done}
`, After: `
flow: shop
states:
  start: {say: Hello, goto: welcome_back}
  welcome_back: {resolve: done}
`},
	{Code: "E302", Title: "there is no such flow",
		Why: "Flows are known by what stands behind flow: in their file, not by the name of the file.",
		Before: `
flow: shop
states:
  start: {call: track_oder, goto: bye}
  bye: {resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
start: shop
-- flows/shop.yaml --
flow: shop
states:
  start: {call: track_order, goto: bye}
  bye: {resolve: done}
-- flows/track_order.yaml --
flow: track_order
states:
  start: {say: It is on its way., return: found}
`},
	{Code: "E303", Title: "choose names an option that does not exist",
		Why: "A first rule chooses one of the options of its own state, by id.",
		Before: `
flow: shop
states:
  start:
    ask: "What is it about?"
    options: [{id: order, label: My order, goto: bye}]
    match: {first: [{if: message.has_media, choose: ordr}]}
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start:
    ask: "What is it about?"
    options: [{id: order, label: My order, goto: bye}]
    match: {first: [{if: message.has_media, choose: order}]}
  bye: {resolve: done}
`},
	{Code: "E304", Title: "these states go round for ever without waiting",
		Why: "States without a question leave in the same turn. A ring of them would never let the customer speak.",
		Before: `
flow: shop
states:
  start: {goto: look_up}
  look_up: {tag: tried, goto: retry}
  retry: {branch: [{if: contact.vip, goto: bye}, {else: look_up}]}
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start: {goto: look_up}
  look_up: {tag: tried, goto: retry}
  retry: {branch: [{if: contact.vip, goto: bye}, {else: ask}]}
  ask: {ask: "Once more?", options: {"Yes": look_up, "No": bye}}
  bye: {resolve: done}
`},
	{Code: "E305", Title: "a flow can call itself",
		Why: "Every call waits for the one it made. A flow that calls itself, directly or through others, would pile them up until nothing comes back.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
start: track_order
-- flows/track_order.yaml --
flow: track_order
states:
  start: {ask: "Check who you are?", options: {"Yes": check, "No": done}}
  check: {call: verify, goto: done}
  done: {resolve: done}
-- flows/verify.yaml --
flow: verify
states:
  start: {call: track_order, goto: back}
  back: {return: ok}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
start: track_order
-- flows/track_order.yaml --
flow: track_order
states:
  start: {ask: "Check who you are?", options: {"Yes": check, "No": done}}
  check: {call: verify, goto: done}
  done: {resolve: done}
-- flows/verify.yaml --
flow: verify
states:
  start: {ask: "Is it you?", options: {"Yes": back}}
  back: {return: ok}
`},
	{Code: "E306", Title: "the called flow never returns this result",
		Why: "The words behind return: in the called flow are its results. An arm for one that never comes is never taken.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
start: shop
-- flows/shop.yaml --
flow: shop
states:
  start: {call: {flow: track_order, on: {fond: bye}}, goto: bye}
  bye: {resolve: done}
-- flows/track_order.yaml --
flow: track_order
states:
  start: {return: found}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
start: shop
-- flows/shop.yaml --
flow: shop
states:
  start: {call: {flow: track_order, on: {found: bye}}, goto: bye}
  bye: {resolve: done}
-- flows/track_order.yaml --
flow: track_order
states:
  start: {return: found}
`},
	{Code: "E307", Title: "nothing says where to go when the called flow returns",
		Why: "The conversation comes back and stands still. Write a goto beside the call, or on: with the results and else.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
start: shop
-- flows/shop.yaml --
flow: shop
states:
  start: {call: track_order}
-- flows/track_order.yaml --
flow: track_order
states:
  start: {return: found}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
start: shop
-- flows/shop.yaml --
flow: shop
states:
  start: {call: track_order, goto: bye}
  bye: {resolve: done}
-- flows/track_order.yaml --
flow: track_order
states:
  start: {return: found}
`},
	{Code: "W308", Title: "the flow can return here with nobody waiting",
		Why: "Somebody who came by goto left nobody behind to return to: the conversation would close at once. Resolve or hand over instead, or call the flow.",
		Before: `
flow: shop
states:
  start: {say: Hello, return: found}
`, After: `
flow: shop
states:
  start: {say: Hello, resolve: done}
`},
	{Code: "E310", Title: "the conversation gets stuck: nothing says what happens next",
		Why: "After its work a state goes somewhere: goto, branch, call, return, handoff or resolve, or through its options.",
		Before: `
flow: shop
states:
  start: {goto: got_it}
  got_it: {say: Great!}
`, After: `
flow: shop
states:
  start: {goto: got_it}
  got_it: {say: Great!, resolve: done}
`},
	{Code: "E311", Title: "an option leads nowhere",
		Why: "The other options say where to go, this one does not, and the state has no way out of its own.",
		Before: `
flow: shop
states:
  start:
    ask: "Did it help?"
    options: [{label: "Yes", goto: bye}, {label: "No"}]
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start:
    ask: "Did it help?"
    options: [{label: "Yes", goto: bye}, {label: "No", handoff: general}]
  bye: {resolve: done}
`},
	{Code: "W311", Title: "no path leads here",
		Why: "Nobody will ever see this state, or this flow. Perhaps the way to it was renamed, or it can go.",
		Before: `
flow: shop
states:
  start: {resolve: done}
  still_here: {say: Hello, resolve: done}
`, After: `
flow: shop
states:
  start: {goto: still_here}
  still_here: {say: Hello, resolve: done}
`},
	{Code: "E312", Title: "no path from here ends",
		Why: "Whatever is answered, neither a person nor an end is reached by what is written: only the words for a person or stop would help.",
		Before: `
flow: shop
states:
  start: {ask: "Anything else?", options: {"Yes": start, "No": start}}
`, After: `
flow: shop
states:
  start: {ask: "Anything else?", options: {"Yes": start, "No": bye}}
  bye: {resolve: done}
`},
	{Code: "W313", Title: "if no condition is true the customer is handed to a person",
		Why: "A branch without else is right only as long as its conditions cover everything. Write else, even where it hands over, so that the next reader sees it.",
		Before: `
flow: shop
states:
  start: {branch: [{if: contact.vip, handoff: general}]}
`, After: `
flow: shop
states:
  start: {branch: [{if: contact.vip, handoff: general}, {else: bye}]}
  bye: {resolve: done}
`},
	{Code: "E314", Title: "a delegate flow must be able to return",
		Why: "An agent lends the conversation to this flow and wants it back, with what was found out.",
		Before: `
flow: shop
delegate: Ask for the order number
states:
  start: {collect: {order_number: "Your order number?"}, resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
start: shop
-- flows/shop.yaml --
flow: shop
states:
  start: {handoff: general}
-- flows/number.yaml --
flow: number
delegate: Ask for the order number
states:
  start: {collect: {order_number: "Your order number?"}, return: found}
`},
	{Code: "E315", Title: "the last start rule cannot be a flow in rollout",
		Why: "A flow in rollout applies to a share of the contacts; for the others its rule is as if it were false. After the last rule there is none left for them.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
start: [{else: shop}]
-- flows/shop.yaml --
flow: shop
rollout: 10%
states:
  start: {resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
start: [{if: contact.new, flow: shop}, {else: old}]
-- flows/old.yaml --
flow: old
states:
  start: {resolve: done}
-- flows/shop.yaml --
flow: shop
rollout: 10%
states:
  start: {resolve: done}
`},
	{Code: "E316", Title: "the list needs a last item with else",
		Why: "Start rules and picks always have to come out with something: when no condition is true, else says what.",
		Before: `
flow: shop
states:
  start: {handoff: {priority: [{if: contact.vip, use: high}]}}
`, After: `
flow: shop
states:
  start: {handoff: {priority: [{if: contact.vip, use: high}, {else: normal}]}}
`},
	{Code: "W317", Title: "this condition is never reached",
		Why: "The one above it is always true, so the list ends there.",
		Before: `
flow: shop
states:
  start: {branch: [{if: "true", goto: bye}, {else: bye}]}
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start: {branch: [{if: contact.vip, goto: bye}, {else: bye}]}
  bye: {resolve: done}
`},
	{Code: "W318", Title: "tries are not bounded: giving up asks the same question again",
		Why: "Three wrong answers, and the same question anew, without end: this is what people hate phone menus for. Bound it with at_most, or hand over. A look-up that leads back to a question makes the same request again, for the answer is known by then: forget it on the way.",
		Before: `
flow: shop
states:
  start: {collect: {slot: order_number, ask: "Your order number?", give_up: sorry}, goto: bye}
  sorry: {say: Let's try again., goto: start}
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start: {collect: {slot: order_number, ask: "Your order number?", give_up: sorry}, goto: bye}
  sorry: {say: Let's try again., goto: {state: start, at_most: 1, else: person}}
  person: {handoff: general}
  bye: {resolve: done}
`},
	{Code: "E320", Title: "the question and its answers do not come together",
		Why: "ask needs options (or use collect, which has its own question), and options need a question: ask, or a say before them.",
		Before: `
flow: shop
states:
  start: {ask: "What is it about?", goto: bye}
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start: {ask: "What is it about?", options: {An order: bye}}
  bye: {resolve: done}
`},
	{Code: "E321", Title: "the example does not fit the slot's own rules",
		Why: "Customers are shown the example and type what looks like it. If it is not taken, nothing they type will be, or the rules say something else than was meant.",
		Before: `
flow: shop
slots: {order_number: {example: AB12, pattern: '[A-Z]{2}\d{6}'}}
states:
  start: {collect: {order_number: "Your order number?"}, resolve: done}
`, After: `
flow: shop
slots: {order_number: {example: AB123456, pattern: '[A-Z]{2}\d{6}'}}
states:
  start: {collect: {order_number: "Your order number?"}, resolve: done}
`},
}
