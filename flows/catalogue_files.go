package flows

// filesCatalogue explains the codes about files and YAML.
var filesCatalogue = []Entry{
	{Code: "E001", Title: "this file is not valid YAML",
		Why: "A file that cannot be read holds no flow: nothing in it is known, and the last good set stays live. The message says what is in the way, in plain words, and points at it.",
		Before: `
flow: shop
states:
  start: {say: [Hello, resolve: done}
`, After: `
flow: shop
states:
  start: {say: [Hello], resolve: done}
`},
	{Code: "E002", Title: "a tab is used for indentation",
		Why: "YAML tells what belongs to what by blanks at the start of a line, and does not take tabs for blanks: how wide a tab is depends on who looks. check --fix replaces them.",
		Before: `
flow: shop
states:
	start: {resolve: done}
`, After: `
flow: shop
states:
  start: {resolve: done}
`},
	{Code: "E003", Title: "a colon followed by a space inside unquoted text",
		Why: "A colon and a blank separate a key from its value. In the middle of a text they must stand between quotes, or the text is read as another key.",
		Before: `
flow: shop
states:
  start:
    say: Please note: we open at 8
    resolve: done
`, After: `
flow: shop
states:
  start:
    say: "Please note: we open at 8"
    resolve: done
`},
	{Code: "E004", Title: "text that starts with {{ must be quoted",
		Why: "An unquoted text that starts with a brace is read as a map. With quotes around it, it is a text again.",
		Before: `
flow: shop
states:
  start:
    say: {{ contact.first_name ?? 'Hello' }}, welcome!
    resolve: done
`, After: `
flow: shop
states:
  start:
    say: "{{ contact.first_name ?? 'Hello' }}, welcome!"
    resolve: done
`},
	{Code: "E005", Title: "this quote is never closed",
		Why: "Everything after the opening quote is read as one text, to the end of the file. The place is where the quote opens.",
		Before: `
flow: shop
states:
  start:
    say: "Hello
    resolve: done
`, After: `
flow: shop
states:
  start:
    say: "Hello"
    resolve: done
`},
	{Code: "E006", Title: "this line is indented differently from its neighbours",
		Why: "Lines that belong together start in the same column. A line that is one blank off belongs to nothing.",
		Before: `
flow: shop
states:
  start:
    say: Hello
   resolve: done
`, After: `
flow: shop
states:
  start:
    say: Hello
    resolve: done
`},
	{Code: "E007", Title: "file is not usable",
		Why: "A flow file is one YAML document of UTF-8 text, at most 1 MiB and 50 levels deep, and its name ends in .yaml. An empty file, a second document after ---, or a name in .yml is refused, so that nothing is left out in silence.",
		Before: `
flow: shop
states:
  start: {resolve: done}
---
flow: returns
states:
  start: {resolve: done}
`, After: `
-- flows/shop.yaml --
flow: shop
states:
  start: {goto: returns.start}
-- flows/returns.yaml --
flow: returns
states:
  start: {resolve: done}
-- dispatcher.yaml --
dispatcher: 1
start: shop
`},
	{Code: "E008", Title: "anchors, aliases and tags are not used in flow files",
		Why: "With & and * a line can mean something that stands elsewhere, and a small file can grow to gigabytes when it is read. Write the text twice, or name it once under canned.",
		Before: `
flow: shop
states:
  start: {say: &hello Hello, goto: again}
  again: {say: *hello, resolve: done}
`, After: `
-- dispatcher.yaml --
dispatcher: 1
canned: {hello: Hello}
-- flows/shop.yaml --
flow: shop
states:
  start: {say: "{{ canned.hello }}", goto: again}
  again: {say: "{{ canned.hello }}", resolve: done}
`},
}
