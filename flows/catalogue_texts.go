package flows

// textsCatalogue explains the codes about look-ups, public flows, texts in
// several places, references and media.
var textsCatalogue = []Entry{
	{Code: "E121", Title: "the name is already that of another look-up with other fields",
		Why: "What a look-up saves is read by its name in every expression of the conversation. Two look-ups may share a name only when their fields are the same.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
services: {api: {url: "https://api.acme.example"}}
-- flows/shop.yaml --
flow: shop
states:
  start:
    http: {service: api, get: /orders/1, save: order, returns: {status: text}, on: {else: bye}}
    goto: again
  again:
    http: {service: api, get: /orders/2, save: order, returns: {total: number}, on: {else: bye}}
    goto: bye
  bye: {resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
services: {api: {url: "https://api.acme.example"}}
-- flows/shop.yaml --
flow: shop
states:
  start:
    http: {service: api, get: /orders/1, save: order, returns: {status: text}, on: {else: bye}}
    goto: again
  again:
    http: {service: api, get: /orders/2, save: total, returns: {total: number}, on: {else: bye}}
    goto: bye
  bye: {resolve: done}
`},
	{Code: "E122", Title: "a public flow cannot ask questions",
		Why: "A flow that runs for public mentions answers before everybody's eyes. It may say one thing and hand over; what it wants to know it asks in a private message.",
		Before: `
flow: mention
on: public
states:
  start:
    collect: {order_number: "Your order number?"}
    resolve: done
`, After: `
flow: mention
on: public
states:
  start:
    say: "Message us here and we'll sort it out: {{ dm_link('public') }}"
    return:
`},
	{Code: "E123", Title: "a public flow says at most one message",
		Why: "One reply to a post is help, two are noise. Whatever path is taken, there is at most one message on it.",
		Before: `
flow: mention
on: public
states:
  start: {say: ["Thank you!", "That made our day."], resolve: thanked}
`, After: `
flow: mention
on: public
states:
  start: {say: "Thank you! That made our day.", resolve: thanked}
`},
	{Code: "E124", Title: "the text of a form must contain {{ form.url }}",
		Why: "The customer comes to the form by its link, and the link stands where the text says. The same holds for {{ verify.url }} of a verification by link.",
		Before: `
flow: shop
slots: {name: text}
states:
  start:
    form: {ask: "Please fill in our form.", fields: [name]}
    goto: bye
  bye: {resolve: done}
`, After: `
flow: shop
slots: {name: text}
states:
  start:
    form: {ask: "Please fill in our form: {{ form.url }}", fields: [name]}
    goto: bye
  bye: {resolve: done}
`},
	{Code: "E126", Title: "nothing in the flows is called so",
		Why: "A translation belongs to a text by its place: the state, then the key. When the state or the option was renamed, its translations have to follow.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
languages: [en, fr]
-- flows/shop.yaml --
flow: shop
states:
  start: {goto: menu}
  menu: {ask: "Anything else?", options: {"Yes": bye}}
  bye: {resolve: done}
-- flows/locales/fr.yaml --
language: fr
flow.shop:
  menu.aks: {from: "Anything else?", to: "Autre chose ?"}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
languages: [en, fr]
-- flows/shop.yaml --
flow: shop
states:
  start: {goto: menu}
  menu: {ask: "Anything else?", options: {"Yes": bye}}
  bye: {resolve: done}
-- flows/locales/fr.yaml --
language: fr
flow.shop:
  menu.ask: {from: "Anything else?", to: "Autre chose ?"}
  menu.yes.label: {from: "Yes", to: Oui}
`},
	{Code: "E127", Title: "a translation is given twice",
		Why: "A text can be translated where it stands or in the locale file. In both places, one of them would be forgotten at the next change.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
languages: [en, fr]
-- flows/shop.yaml --
flow: shop
states:
  start: {say: {en: Hello, fr: Bonjour}, resolve: done}
-- flows/locales/fr.yaml --
language: fr
flow.shop:
  start.say: {from: Hello, to: Salut}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
languages: [en, fr]
-- flows/shop.yaml --
flow: shop
states:
  start: {say: Hello, resolve: done}
-- flows/locales/fr.yaml --
language: fr
flow.shop:
  start.say: {from: Hello, to: Salut}
`},
	{Code: "E128", Title: "a canned response with blanks cannot be used in a flow",
		Why: "[[…]] is a blank that an agent fills in by hand. The bot would send the brackets.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
canned: {late: "Your parcel comes on [[day]]."}
-- flows/shop.yaml --
flow: shop
states:
  start: {say: "{{ canned.late }}", resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
canned: {late: "Your parcel comes later than we said."}
-- flows/shop.yaml --
flow: shop
states:
  start: {say: "{{ canned.late }}", resolve: done}
`},
	{Code: "E130", Title: "a reference has no value, so the service does not start",
		Why: "check only warns (W132), for it may run on another machine. The running service needs every value that it refers to.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
services: {api: {url: "https://api.acme.example", headers: {Authorization: "Bearer ${env:SHOP_TOKEN}"}}}
`, After: `
export SHOP_TOKEN=…
dispatcher serve
`, elsewhere: "dispatcher serve"},
	{Code: "E131", Title: "a reference can only be used under services and channels",
		Why: "Values from the environment are secrets of the installation. In a text, a condition or a report everybody could read them.",
		Before: `
flow: shop
states:
  start: {say: "Call ${env:PHONE}.", resolve: done}
`, After: `
flow: shop
states:
  start: {say: "Call 020 7946 0000.", resolve: done}
`},
	{Code: "W132", Title: "a reference has no value on this machine",
		Why: "What check finds is right; only the value is not here. The running service refuses to start without it.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
services: {api: {url: "https://api.acme.example", headers: {Authorization: "Bearer ${env:SHOP_TOKEN}"}}}
-- flows/shop.yaml --
flow: shop
states:
  start: {resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
services: {api: {url: "https://api.acme.example"}}
-- flows/shop.yaml --
flow: shop
states:
  start: {resolve: done}
`},
	{Code: "W133", Title: "this looks like a secret",
		Why: "Flow files are read by many people and kept in history for ever. A token belongs into the environment or a file, and here only its name.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
services: {api: {url: "https://api.acme.example", headers: {Authorization: "Bearer 9f2c77"}}}
-- flows/shop.yaml --
flow: shop
states:
  start: {resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
services: {api: {url: "https://api.acme.example", headers: {Authorization: "Bearer ${env:SHOP_TOKEN}"}}}
-- flows/shop.yaml --
flow: shop
states:
  start: {resolve: done}
`},
	{Code: "E134", Title: "http:// is allowed only for this machine with insecure: true",
		Why: "Order numbers and postcodes travel in look-ups. Without https anybody on the way can read them.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
services: {api: {url: "http://api.acme.example"}}
-- flows/shop.yaml --
flow: shop
states:
  start: {resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
services: {api: {url: "https://api.acme.example"}}
-- flows/shop.yaml --
flow: shop
states:
  start: {resolve: done}
`},
	{Code: "E135", Title: "the service does not allow this method",
		Why: "A service says which verbs flows may use; without methods it is get alone. So a flow cannot change anything by mistake.",
		Before: `
-- dispatcher.yaml --
dispatcher: 1
services: {api: {url: "https://api.acme.example"}}
-- flows/shop.yaml --
flow: shop
states:
  start: {http: {service: api, post: /returns, on: {else: bye}}, goto: bye}
  bye: {resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
services: {api: {url: "https://api.acme.example", methods: [get, post]}}
-- flows/shop.yaml --
flow: shop
states:
  start: {http: {service: api, post: /returns, on: {else: bye}}, goto: bye}
  bye: {resolve: done}
`},
	{Code: "E140", Title: "there is no such file under flows",
		Why: "Files that flows send lie in flows/media and are named from flows on: media/photo.png.",
		Before: `
flow: shop
states:
  start: {media: {image: media/phto.png, alt: "Our shop"}, resolve: done}
`, After: `
flow: shop
states:
  start: {media: {image: media/photo.png, alt: "Our shop"}, resolve: done}
`},
	{Code: "E141", Title: "an image needs alt text",
		Why: "Whoever cannot see the picture is read its alt text, and so is an agent on a slow line.",
		Before: `
flow: shop
states:
  start: {media: {image: media/photo.png}, resolve: done}
`, After: `
flow: shop
states:
  start: {media: {image: media/photo.png, alt: "Our shop"}, resolve: done}
`},
}
