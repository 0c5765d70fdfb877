// @ts-check
// The inside of the chat: what a customer sees and writes. It keeps the
// session, speaks the widget protocol (channels.md 2.2.2) and loses nothing:
// what was typed stays until the server has it, what was missed is fetched by seq.

import { Link, Refused } from './frame-link.js';
import { Log } from './frame-log.js';
import { keysWriteNothing, personName, uuid7 } from './text.js';

const $ = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const about = document.body.dataset;
const text = /** @type {HTMLTextAreaElement} */ ($('text'));
const send = $('send');
const trouble = $('trouble');
const host = window.parent === window ? null : window.parent;

let hostOrigin = '';
let shown = false;
let started = false;
let unread = 0;
let owner = 'bot';
let lastTyping = 0;
/** @type {{id: string, text: string}|null} a text that came back, with the id it was tried under */
let returned = null;
/** @type {Record<string, any>} what the page said about this visit */
let visit = {};
let prefill = '';

const log = new Log({
  scroll: $('scroll'), list: $('log'), replies: $('replies'), hint: $('hint'),
  onTap: (seq, option, byKey) => {
    void deliver(option.label, { message: seq, payload: option.payload });
    if (byKey) text.focus(); // the button is gone: the next words go on from here
  },
});

const link = new Link(String(about.base), String(about.channel), {
  event: onEvent,
  reset: () => log.clear(),
  settled: () => log.settle(),
  connected: (on) => { document.body.toggleAttribute('data-offline', !on); say(on ? '' : 'Connecting again…', false); },
});

/** @param {string} words @param {boolean} bad @param {(() => void)} [again] */
function say(words, bad, again) {
  if (!bad && trouble.dataset.bad && words === '') return;
  trouble.replaceChildren(words);
  trouble.hidden = !words;
  trouble.classList.toggle('bad', bad);
  if (bad && words) trouble.dataset.bad = '1';
  else delete trouble.dataset.bad;
  if (again) {
    const b = document.createElement('button');
    b.type = 'button';
    b.className = 'w-btn txt';
    b.textContent = 'Try again';
    b.addEventListener('click', again);
    trouble.append(' ', b);
  }
  if (words) log.toEnd();
}

function clearTrouble() {
  delete trouble.dataset.bad;
  say('', false);
}

/**
 * Sends one message: shown at once, ticked when stored, back in the box when
 * it could not be stored.
 * @param {string} words
 * @param {{message: number, payload: string}} [option]
 * @param {string} [id]
 */
async function deliver(words, option, id = uuid7()) {
  clearTrouble();
  returned = null;
  const row = log.mine({ client_id: id, text: words, tapped: Boolean(option) });
  try {
    const answer = await link.post('/messages', option ? { client_id: id, text: words, option } : { client_id: id, text: words });
    log.stored(row, answer);
    link.saw(Number(answer?.seq) || 0, true);
  } catch (err) {
    log.drop(row);
    giveBack(words, id, option, err);
  }
}

/** @param {string} words @param {string} id @param {{message: number, payload: string}|undefined} option @param {unknown} err */
function giveBack(words, id, option, err) {
  const why = err instanceof Refused && err.words ? `Not sent: ${err.words}` : 'One message was not sent.';
  log.offerAgain();
  if (option) {
    say(why, true, () => void deliver(words, option, id));
    return;
  }
  text.value = text.value.trim() ? `${words}\n${text.value}` : words;
  returned = text.value === words ? { id, text: words } : null;
  grow();
  say(why, true, () => submit());
  text.focus();
}

function submit() {
  const words = text.value.trim();
  if (!words) return;
  const id = returned && returned.text === text.value ? returned.id : undefined;
  text.value = '';
  prefill = '';
  grow();
  void deliver(words, undefined, id);
}

function grow() {
  text.style.height = 'auto';
  text.style.height = `${Math.min(120, Math.max(40, text.scrollHeight + 2))}px`;
  send.classList.toggle('idle', !text.value.trim());
}

/** @param {string} kind @param {any} data */
function onEvent(kind, data) {
  switch (kind) {
    case 'message':
      stopTyping(data.author?.role);
      log.message(data);
      if (data.author?.role === 'bot' || data.author?.role === 'agent') noticed(data);
      break;
    case 'update': log.update(data); break;
    case 'receipt': log.receipt(data); break;
    case 'form': log.form(data); break;
    case 'typing': showTyping(data); break;
    case 'owner': showOwner(data); break;
  }
}

/** @param {any} data */
function noticed(data) {
  if (shown && document.visibilityState === 'visible') return link.read(Number(data.seq) || 0);
  if (!log.live && !(Number(data.seq) > link.known)) return;
  unread++;
  tell({ dispatcher: 'unread', count: unread });
}

let typingTimer = 0;
/** @param {any} data */
function showTyping(data) {
  const left = Math.min(10_000, new Date(data.until ?? Date.now() + 10_000).getTime() - Date.now());
  if (!(left > 0)) return stopTyping();
  const name = data.role === 'agent' ? personName(data.name || 'Somebody') : 'Assistant';
  $('typing-words').textContent = `${name} is typing`;
  $('typing').dataset.role = data.role ?? 'bot';
  $('typing').hidden = false;
  log.toEnd();
  clearTimeout(typingTimer);
  typingTimer = setTimeout(() => stopTyping(), left);
}

/** @param {string} [role] of the one who has spoken; nothing = time is up */
function stopTyping(role) {
  if (role === 'customer') return;
  clearTimeout(typingTimer);
  $('typing').hidden = true;
}

/** Says who answers now, in the head and beside the button. @param {any} data */
function showOwner(data) {
  const kind = data.owner ?? 'bot';
  const minutes = Number(data.wait_minutes) > 0 ? `about ${Number(data.wait_minutes)} min` : '';
  const spot = Number(data.position) > 0 ? `number ${Number(data.position)} in line` : '';
  const name = personName(data.name || 'A person');
  const changed = kind !== owner || kind === 'agent';
  owner = kind;
  const bot = kind !== 'queue' && kind !== 'agent';
  $('person').hidden = !bot;
  $('foot').hidden = !bot;
  text.placeholder = kind === 'queue' ? 'Add something for them' : 'Write a message';
  if (bot) {
    $('owner').textContent = about.hours ?? '';
    $('place').textContent = about.wait ?? '';
  } else if (kind === 'queue') {
    $('owner').textContent = ['In line for a person', spot && `number ${Number(data.position)}`, minutes].filter(Boolean).join(' · ');
    $('place').textContent = '';
  } else {
    $('owner').textContent = `${name} answers you`;
    $('place').textContent = '';
  }
  log.waiting(kind === 'queue' ? { minutes, spot } : null);
  if (kind !== 'agent') log.here = '';
  else if (changed) log.arrived(name, Number(data.seq) || 0);
}

/** @param {Record<string, any>} message */
function tell(message) {
  if (host && hostOrigin) host.postMessage(message, hostOrigin);
}

async function open() {
  shown = true;
  unread = 0;
  if (!started) {
    started = true;
    if (visit.prefill && !text.value) { prefill = String(visit.prefill).slice(0, 4000); text.value = prefill; grow(); }
    await begin();
  } else {
    link.read(log.last);
  }
  log.toEnd(true);
  text.focus();
}

async function begin() {
  try {
    await link.start({ open: true, entry: visit.entry, prefill: visit.prefill, identity: visit.identity, page: visit.page, locale: visit.locale });
    clearTrouble();
  } catch (err) {
    const words = err instanceof Refused && err.words ? err.words : 'The chat cannot be reached.';
    say(words, true, () => void begin());
  }
}

$('form').addEventListener('submit', (e) => { e.preventDefault(); submit(); });
$('person').addEventListener('click', () => void deliver('Talk to a person'));
$('close').addEventListener('click', close);
function close() {
  shown = false;
  tell({ dispatcher: 'close' });
}
document.addEventListener('keydown', (e) => { if (e.key === 'Escape' && !e.isComposing) close(); });
text.addEventListener('keydown', (e) => {
  if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); submit(); }
});
text.addEventListener('input', () => {
  grow();
  const now = Date.now();
  if (text.value && now - lastTyping > 3000 && link.token) { lastTyping = now; link.typing(); }
});
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible' && shown) link.read(log.last);
});

const welcome = new Set([location.origin, ...(about.origins ?? '').split(/\s+/).filter(Boolean)]);
window.addEventListener('message', (e) => {
  if (!host || e.source !== host || !(welcome.has(e.origin) || welcome.has('*')) || !e.data) return;
  hostOrigin = e.origin;
  if (e.data.dispatcher === 'open') { visit = e.data.about ?? {}; void open(); }
  if (e.data.dispatcher === 'close') shown = false;
  if (e.data.dispatcher === 'hello' && link.token && !started) { started = true; link.follow(); }
});
if (!host) {
  $('close').hidden = true;
  void open();
}
keysWriteNothing();
grow();
