package flows

// channelCatalogue explains the codes about channels, languages, hygiene and
// running conversations.
var channelCatalogue = []Entry{
	{Code: "W401", Title: "a label is longer than a channel shows",
		Why: "The platform cuts the label or refuses the message. Give the option a short: it is used only where the label does not fit.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
channels: {whatsapp: {}}
-- flows/shop.yaml --
flow: shop
states:
  start:
    ask: "What is it about?"
    options: [{label: Something in my parcel broke, goto: bye}]
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
    options: [{label: Something in my parcel broke, short: Something broke, goto: bye}]
  bye: {resolve: done}
`},
	{Code: "W402", Title: "a text is sent as several messages",
		Why: "Over its limit the channel takes a text only in parts. Two short messages of your own read better than one that is cut.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
channels: {tiny: {kind: webhook, caps: {text: 20}}}
-- flows/shop.yaml --
flow: shop
states:
  start: {say: "Thank you for writing to us today!", resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
channels: {tiny: {kind: webhook, caps: {text: 20}}}
-- flows/shop.yaml --
flow: shop
states:
  start: {say: "Thank you!", resolve: done}
`},
	{Code: "W403", Title: "more options than the channel shows as buttons",
		Why: "They become a numbered list in the text. It works, but people tap more gladly than they count.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
channels: {whatsapp: {}}
-- flows/shop.yaml --
flow: shop
states:
  start:
    ask: "Which shop?"
    options: {Ayr: bye, Bath: bye, Cork: bye, Deal: bye, Ely: bye, Fife: bye, Goole: bye, Hull: bye, Iona: bye, Jarrow: bye, Kent: bye}
  bye: {resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
channels: {whatsapp: {}}
-- flows/shop.yaml --
flow: shop
states:
  start:
    ask: "Which shop?"
    options: {Ayr: bye, Bath: bye, Cork: bye, Deal: bye, Another one: bye}
  bye: {resolve: done}
`},
	{Code: "W404", Title: "the channel needs a description on all options or none",
		Why: "The platform refuses a mix, so no description would be shown at all.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
channels: {x: {transport: v1.1}}
-- flows/shop.yaml --
flow: shop
states:
  start:
    ask: "What is it about?"
    options:
      - {label: An order, description: Where it is, goto: bye}
      - {label: Something else, goto: bye}
  bye: {resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
channels: {x: {transport: v1.1}}
-- flows/shop.yaml --
flow: shop
states:
  start:
    ask: "What is it about?"
    options:
      - {label: An order, description: Where it is, goto: bye}
      - {label: Something else, description: Anything at all, goto: bye}
  bye: {resolve: done}
`},
	{Code: "W405", Title: "a link in a button label is refused",
		Why: "Labels are words to tap. Put the link into the text above them.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
channels: {x: {transport: v1.1}}
-- flows/shop.yaml --
flow: shop
states:
  start:
    ask: "What is it about?"
    options: {See www.acme.example: bye}
  bye: {resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
channels: {x: {transport: v1.1}}
-- flows/shop.yaml --
flow: shop
states:
  start:
    ask: "What is it about? See www.acme.example"
    options: {An order: bye}
  bye: {resolve: done}
`},
	{Code: "W406", Title: "more messages in a row than the channel allows",
		Why: "Above that number the platform refuses messages until the customer writes again.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
channels: {x: {transport: v1.1}}
budget: {messages: 9}
-- flows/shop.yaml --
flow: shop
states:
  start: {say: [One, Two, Three, Four, Five, Six], resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
channels: {x: {transport: v1.1}}
budget: {messages: 9}
-- flows/shop.yaml --
flow: shop
states:
  start: {say: [One, Two, Three], resolve: done}
`},
	{Code: "W410", Title: "the worst path costs more than the limit",
		Why: "Only with --max-cost. Every question asked as often as it may be, every answer a message of its own: what one conversation can cost at most.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
channels: {x: {price: {in: 0.010, out: 0.015, currency: USD}}}
-- flows/shop.yaml --
flow: shop
states:
  start: {collect: {order_number: "Your order number?"}, goto: person}
  person: {handoff: general}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
channels: {x: {price: {in: 0.010, out: 0.015, currency: USD}}}
-- flows/shop.yaml --
flow: shop
states:
  start: {handoff: general}
`},
	{Code: "W420", Title: "a translation is missing",
		Why: "Customers of that language read the first language here. dispatcher i18n extract adds it to the locale file, ready to be filled in.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
languages: [en, fr]
-- flows/shop.yaml --
flow: shop
states:
  start: {say: Hello, goto: bye}
  bye: {say: Goodbye, resolve: done}
-- flows/locales/fr.yaml --
language: fr
flow.shop:
  start.say: {from: Hello, to: Bonjour}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
languages: [en, fr]
-- flows/shop.yaml --
flow: shop
states:
  start: {say: Hello, goto: bye}
  bye: {say: Goodbye, resolve: done}
-- flows/locales/fr.yaml --
language: fr
flow.shop:
  start.say: {from: Hello, to: Bonjour}
  bye.say: {from: Goodbye, to: Au revoir}
`},
	{Code: "W421", Title: "a translation is older than its source",
		Why: "from: is the text that was translated; the flow says something else by now. Until somebody has looked at it, the first language is used.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
languages: [en, fr]
-- flows/shop.yaml --
flow: shop
states:
  start: {say: Good morning, resolve: done}
-- flows/locales/fr.yaml --
language: fr
flow.shop:
  start.say: {from: Good evening, to: Bonsoir}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
languages: [en, fr]
-- flows/shop.yaml --
flow: shop
states:
  start: {say: Good morning, resolve: done}
-- flows/locales/fr.yaml --
language: fr
flow.shop:
  start.say: {from: Good morning, to: Bonjour}
`},
	{Code: "W422", Title: "a translation uses other {{ }} than its source",
		Why: "A value that is shown in one language and left out in another is mostly a slip. The words inside, such as the one after ??, are yours to translate.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
languages: [en, fr]
-- flows/shop.yaml --
flow: shop
states:
  start: {say: "Hi {{ contact.first_name ?? 'there' }}!", resolve: done}
-- flows/locales/fr.yaml --
language: fr
flow.shop:
  start.say: {from: "Hi {{ contact.first_name ?? 'there' }}!", to: "Bonjour !"}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
languages: [en, fr]
-- flows/shop.yaml --
flow: shop
states:
  start: {say: "Hi {{ contact.first_name ?? 'there' }}!", resolve: done}
-- flows/locales/fr.yaml --
language: fr
flow.shop:
  start.say: {from: "Hi {{ contact.first_name ?? 'there' }}!", to: "Bonjour {{ contact.first_name ?? 'et bienvenue' }} !"}
`},
	{Code: "W425", Title: "there are no built-in words for this language",
		Why: "Dispatcher ships its own sentences and the words for a person, stop and the like in English, French, German and Spanish. For another language write them into its locale file: everywhere.talk_to_person.match, builtin.no_match_1 and so on; until then the English ones apply.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
languages: [pt]
-- flows/shop.yaml --
flow: shop
states:
  start: {say: Olá!, resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
languages: [es]
-- flows/shop.yaml --
flow: shop
states:
  start: {say: ¡Hola!, resolve: done}
`},
	{Code: "W430", Title: "a slot is never used",
		Why: "Nobody asks for it and nobody reads it. Perhaps its name is written differently elsewhere.",
		Before: `
flow: shop
slots: {postcode: text}
states:
  start: {resolve: done}
`, After: `
flow: shop
slots: {postcode: text}
states:
  start: {collect: {postcode: "Your postcode?"}, resolve: done}
`},
	{Code: "W432", Title: "a schedule or queue is never used",
		Why: "No handoff leads to the queue, nothing asks for the schedule. People would wait there for nobody.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
queues: {general: {}, orders: {}}
default_queue: general
-- flows/shop.yaml --
flow: shop
states:
  start: {handoff: general}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
queues: {general: {}, orders: {}}
default_queue: general
-- flows/shop.yaml --
flow: shop
states:
  start: {handoff: orders}
`},
	{Code: "W433", Title: "a personal slot has no keep",
		Why: "Personal data is kept no longer than it is needed. keep says how long that is for this slot; without it, it is as long as messages are kept.",
		Before: `
flow: shop
slots: {postcode: {pii: true}}
states:
  start: {collect: {postcode: "Your postcode?"}, resolve: done}
`, After: `
flow: shop
slots: {postcode: {pii: true, keep: 30d}}
states:
  start: {collect: {postcode: "Your postcode?"}, resolve: done}
`},
	{Code: "W434", Title: "keep is longer than messages are kept",
		Why: "The project's retention is the upper end: what stands in a message goes with it, so a longer keep promises what is not kept.",
		Before: `
flow: shop
slots: {postcode: {pii: true, keep: 400d}}
states:
  start: {collect: {postcode: "Your postcode?"}, resolve: done}
`, After: `
flow: shop
slots: {postcode: {pii: true, keep: 30d}}
states:
  start: {collect: {postcode: "Your postcode?"}, resolve: done}
`},
	{Code: "W501", Title: "conversations wait in a state that this change removes",
		Why: "They go on by the rules of language.md 9.6: where renamed: says, else to the caller, else to vanished:, else to a person. Nothing they told is lost.",
		Before: `
flow: shop                 # 37 people stand in details, which is gone
states:
  start: {handoff: general}
`, After: `
flow: shop
renamed: {details: start}
states:
  start: {handoff: general}
`, elsewhere: "dispatcher plan, and when a running service takes the change"},
	{Code: "W502", Title: "conversations hold a value that no longer fits the slot",
		Why: "The rules of the slot have become stricter. Such a value counts as empty when it is next used, and is asked for again.",
		Before: `
slots: {order_number: {pattern: '[A-Z]{2}\d{8}'}}    # was \d{6}
`, After: `
slots: {order_number: {pattern: '[A-Z]{2}(\d{6}|\d{8})'}}
`, elsewhere: "dispatcher plan, and when a running service takes the change"},
}
