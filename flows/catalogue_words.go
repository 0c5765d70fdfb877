package flows

// wordsCatalogue explains the codes about words, effort and reminders.
var wordsCatalogue = []Entry{
	{Code: "W322", Title: "a word of one option is also a word of another",
		Why: "Whoever types it is asked which of the two was meant, every time. Give it to one of them.",
		Before: `
flow: shop
states:
  start:
    ask: "What is it about?"
    options:
      - {label: My order, match: [parcel], goto: bye}
      - {label: A return, match: [parcel], goto: bye}
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start:
    ask: "What is it about?"
    options:
      - {label: My order, match: [parcel], goto: bye}
      - {label: A return, match: [send back], goto: bye}
  bye: {resolve: done}
`},
	{Code: "W323", Title: "an option is also a phrase of everywhere",
		Why: "Tapped, it is the option. Typed, the words that work everywhere are tried before the words of options: the customer lands elsewhere.",
		Before: `
flow: shop
states:
  start:
    ask: "What is it about?"
    options: {Speak to someone: bye}
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start:
    ask: "What is it about?"
    options: {Something else: bye}
  bye: {resolve: done}
`},
	{Code: "E324", Title: "an option would hide the word that stops the bot",
		Why: "Whoever writes stop must be left alone, on every channel and in every state. No option may be called so.",
		Before: `
flow: shop
states:
  start:
    ask: "Newsletter?"
    options: {Stop: bye, Go on: bye}
  bye: {resolve: done}
`, After: `
flow: shop
states:
  start:
    ask: "Newsletter?"
    options: {No more: bye, Go on: bye}
  bye: {resolve: done}
`},
	{Code: "E325", Title: "stop must resolve",
		Why: "stop ends the conversation. What is said then is yours to write; that it ends is not.",
		Before: `
flow: shop
everywhere: {stop: {goto: start}}
states:
  start: {ask: "Are you sure?", options: {"Yes": bye}}
  bye: {resolve: done}
`, After: `
flow: shop
everywhere: {stop: {say: "As you wish.", resolve: stopped}}
states:
  start: {ask: "Are you sure?", options: {"Yes": bye}}
  bye: {resolve: done}
`},
	{Code: "W326", Title: "many questions come before a person or an end",
		Why: "Each question costs some of the people who are asked. The budget says how many you want to ask at most; the message names the longest path.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
budget: {questions: 1}
-- flows/shop.yaml --
flow: shop
states:
  start: {collect: {order_number: "Your order number?"}, goto: postcode}
  postcode: {collect: {postcode: "Your postcode?"}, goto: person}
  person: {handoff: general}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
budget: {questions: 1}
-- flows/shop.yaml --
flow: shop
states:
  start: {collect: {order_number: "Your order number?"}, goto: person}
  person: {handoff: general}
`},
	{Code: "W327", Title: "one message has many words",
		Why: "Long messages are not read. Say one thing, and the next one after the answer.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
budget: {words: 8}
-- flows/shop.yaml --
flow: shop
states:
  start: {say: "Hello and thank you for writing to us here today!", resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
budget: {words: 8}
-- flows/shop.yaml --
flow: shop
states:
  start: {say: "Hello, thank you for writing!", resolve: done}
`},
	{Code: "W328", Title: "many messages in a row without a question",
		Why: "A customer who is not asked anything for that long has put the phone away.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
budget: {messages: 2}
-- flows/shop.yaml --
flow: shop
states:
  start: {say: [Hello!, We are here from 8 to 8., How lovely.], resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
budget: {messages: 2}
-- flows/shop.yaml --
flow: shop
states:
  start: {say: [Hello!, We are here from 8 to 8.], resolve: done}
`},
	{Code: "E329", Title: "talk_to_person must lead to a handoff without another question",
		Why: "Whoever asks for a person is brought to a person. A question in between is one that keeps people away.",
		Before: `
flow: shop
everywhere: {talk_to_person: {goto: why}}
states:
  start: {goto: why}
  why: {collect: {reason: "Why do you want a person?"}, handoff: general}
`, After: `
flow: shop
everywhere: {talk_to_person: {goto: person}}
states:
  start: {goto: person}
  person: {handoff: general}
`},
	{Code: "W331", Title: "nothing says what happens when the look-up fails",
		Why: "Services are down now and then. Without on: else the customer is handed to a person without a word about why.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
services: {api: {url: "https://api.acme.example"}}
-- flows/shop.yaml --
flow: shop
states:
  start: {http: {service: api, get: /orders/1}, goto: bye}
  bye: {resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
services: {api: {url: "https://api.acme.example"}}
-- flows/shop.yaml --
flow: shop
states:
  start: {http: {service: api, get: /orders/1, on: {else: broken}}, goto: bye}
  broken: {say: I can't reach our order system., handoff: general}
  bye: {resolve: done}
`},
	{Code: "W332", Title: "this reminder comes when the channel no longer lets us write",
		Why: "Some platforms take messages only for a time after the customer's last one. A reminder after that is never sent.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
channels: {whatsapp: {}}
-- flows/shop.yaml --
flow: shop
states:
  start:
    ask: "What is it about?"
    options: {An order: bye}
    no_reply: [{after: 1d, say: "Still there?"}]
  bye: {resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
channels: {whatsapp: {}}
-- flows/shop.yaml --
flow: shop
states:
  start:
    ask: "What is it about?"
    options: {An order: bye}
    no_reply: [{after: 23h, say: "Still there?"}]
  bye: {resolve: done}
`},
}
