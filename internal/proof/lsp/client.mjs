// A real editor's side of the protocol: the client library of VS Code talks to
// `dispatcher lsp` over stdio. Run by `make lsp-client`; not part of `make test`.
//
//   node client.mjs PROGRAM PROJECT MODULES
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import assert from 'node:assert/strict'

const [program, project, modules] = process.argv.slice(2).map((p) => resolve(p))
const require = createRequire(join(modules, 'package.json'))
const lsp = require('vscode-languageserver-protocol/node')

const server = spawn(program, ['lsp', '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] })
const ended = new Promise((done) => server.on('exit', done))
const talk = lsp.createProtocolConnection(new lsp.StreamMessageReader(server.stdout), new lsp.StreamMessageWriter(server.stdin))
const uri = (path) => pathToFileURL(join(project, path)).href
const told = new Map()
let wake = () => {}
talk.onNotification(lsp.PublishDiagnosticsNotification.type, (p) => { told.set(p.uri, p); wake() })
talk.onRequest(lsp.RegistrationRequest.type, () => {})
talk.listen()

/** diagnostics of a version of a file, once they are there */
async function diagnostics(path, version) {
  while (!(told.get(uri(path))?.version >= version)) await new Promise((done) => { wake = done })
  return told.get(uri(path)).diagnostics
}

const said = (what) => console.log(`ok  ${what}`)

const init = await talk.sendRequest(lsp.InitializeRequest.type, {
  processId: process.pid, rootUri: uri(''), workspaceFolders: [{ uri: uri(''), name: 'shop' }],
  capabilities: {
    general: { positionEncodings: ['utf-16'] },
    workspace: { didChangeWatchedFiles: { dynamicRegistration: true } },
    textDocument: { documentSymbol: { hierarchicalDocumentSymbolSupport: true }, codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: ['quickfix'] } } } },
  },
})
assert.equal(init.serverInfo.name, 'dispatcher')
assert.equal(init.capabilities.positionEncoding, 'utf-16')
await talk.sendNotification(lsp.InitializedNotification.type, {})
said(`initialize: ${init.serverInfo.name} ${init.serverInfo.version}`)

const path = 'flows/welcome.yaml'
const text = readFileSync(join(project, path), 'utf8')
const lines = text.split('\n')
/** position of some words, plus columns */
function find(words, plus = 0, in_ = lines) {
  const line = in_.findIndex((l) => l.includes(words))
  assert.notEqual(line, -1, words)
  return { line, character: in_[line].indexOf(words) + plus }
}
const doc = { uri: uri(path) }
await talk.sendNotification(lsp.DidOpenTextDocumentNotification.type, { textDocument: { ...doc, languageId: 'yaml', version: 1, text } })
const none = (await diagnostics(path, 1)).filter((d) => d.severity === 1)
assert.deepEqual(none, [])
said('a project without errors has none')

const at = find('goto: menu', 'goto: menu'.length)
const began = performance.now()
await talk.sendNotification(lsp.DidChangeTextDocumentNotification.type, {
  textDocument: { ...doc, version: 2 }, contentChanges: [{ range: { start: at, end: at }, text: 'u' }],
})
const [wrong] = (await diagnostics(path, 2)).filter((d) => d.code === 'E301')
assert.match(wrong.message, /there is no state called "menuu"/)
said(`one letter typed: ${wrong.code} at ${wrong.range.start.line + 1}:${wrong.range.start.character + 1} after ${(performance.now() - began).toFixed(1)} ms`)

const actions = await talk.sendRequest(lsp.CodeActionRequest.type, { textDocument: doc, range: wrong.range, context: { diagnostics: [wrong] } })
const repair = actions.find((a) => a.isPreferred)
assert.equal(repair.kind, 'quickfix')
assert.equal(repair.edit.changes[doc.uri][0].newText, 'menu')
said(`quick fix: ${repair.title}`)
const help = await talk.sendRequest(lsp.ExecuteCommandRequest.type, actions.find((a) => a.command).command)
assert.match(help, /^E301 \(error\)/)
said('explain E301')

await talk.sendNotification(lsp.DidChangeTextDocumentNotification.type, {
  textDocument: { ...doc, version: 3 }, contentChanges: [{ range: repair.edit.changes[doc.uri][0].range, text: 'menu' }],
})
assert.deepEqual((await diagnostics(path, 3)).filter((d) => d.severity === 1), [])
said('mended: cleared')

const name = find('goto: menu', 'goto: m'.length)
const hover = await talk.sendRequest(lsp.HoverRequest.type, { textDocument: doc, position: name })
assert.match(hover.contents.value, /\*\*state\*\* `welcome\.menu`/)
said('hover')
const [definition] = await talk.sendRequest(lsp.DefinitionRequest.type, { textDocument: doc, position: name })
assert.equal(definition.range.start.line, lines.indexOf('  menu:'))
said('definition')
const references = await talk.sendRequest(lsp.ReferencesRequest.type, { textDocument: doc, position: name, context: { includeDeclaration: true } })
assert.ok(references.length >= 2)
said(`references: ${references.length} in ${new Set(references.map((r) => r.uri)).size} files`)
const ready = await talk.sendRequest(lsp.PrepareRenameRequest.type, { textDocument: doc, position: name })
assert.equal(ready.placeholder, 'menu')
const edit = await talk.sendRequest(lsp.RenameRequest.type, { textDocument: doc, position: name, newName: 'main_menu' })
assert.equal(Object.values(edit.changes).flat().length, references.length)
await assert.rejects(talk.sendRequest(lsp.RenameRequest.type, { textDocument: doc, position: name, newName: 'Main Menu' }), /not a usable name/)
said('rename, and a name that is refused')
const symbols = await talk.sendRequest(lsp.DocumentSymbolRequest.type, { textDocument: doc })
assert.ok(symbols.find((s) => s.name === 'states').children.length > 3)
said('symbols')
const items = await talk.sendRequest(lsp.CompletionRequest.type, { textDocument: doc, position: name })
assert.ok(items.items.some((i) => i.label === 'menu'))
said(`completion: ${items.items.length} items behind goto`)
const formatted = await talk.sendRequest(lsp.DocumentFormattingRequest.type, { textDocument: doc, options: { tabSize: 2, insertSpaces: true } })
assert.ok(Array.isArray(formatted))
said(`formatting: ${formatted.length} edits`)
await assert.rejects(talk.sendRequest('textDocument/moonPhase', {}), (e) => e.code === -32601)
said('a method that does not exist')

await talk.sendRequest(lsp.ShutdownRequest.type)
await talk.sendNotification(lsp.ExitNotification.type)
assert.equal(await ended, 0)
said('shutdown and exit: code 0')
process.exit(0)
