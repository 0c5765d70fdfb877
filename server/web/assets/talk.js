// @ts-check
// The conversation pane: head, facts, timeline, composer.

import { button, byId, el, icon } from './dom.js';
import { Composer } from './composer.js';
import { day, row } from './rows.js';
import { store } from './store.js';
import { personName } from './text.js';
import { causeWords, dueOf, ownerName, windowOf } from './words.js';

/** @typedef {import('./store.js').Detail} Detail */
/** @typedef {import('./commands.js').Commands} Commands */

/** @type {{id: string, sig: string, head: HTMLElement, facts: HTMLElement, notice: HTMLElement, log: HTMLElement, timeline: HTMLElement, composer: Composer, dock: HTMLElement}|null} */
let pane = null;
/** @type {Commands} */
let cmd;
/** @type {Set<string>} long messages that were opened */
const opened = new Set();

/** @param {Commands} commands */
export function startTalk(commands) {
  cmd = commands;
  store.on('current', show);
  store.on('detail', (id) => { if (pane?.id === id) paintHead(); });
  store.on('messages', (id) => { if (pane?.id === id) paintLog(); });
  store.on('presence', (id) => { if (pane?.id === id) pane.composer.paintThere(); });
  setInterval(() => { if (pane) paintHead(); }, 15_000);
  setInterval(() => pane?.composer.paintThere(), 5_000);
  show();
}

export const composer = () => pane?.composer ?? null;
export const focusTimeline = () => pane?.timeline.focus();

function show() {
  const main = byId('conversation');
  pane?.composer.leave();
  if (!store.current) {
    pane = null;
    main.className = 'talk-empty';
    main.replaceChildren(keysHint());
    byId('app').classList.add('app-wide');
    return;
  }
  byId('app').classList.remove('app-wide');
  main.className = 'talk';
  const id = store.current;
  const log = el('ol', 'log');
  log.setAttribute('role', 'log');
  log.setAttribute('aria-live', 'off');
  log.setAttribute('aria-label', 'Conversation');
  const timeline = el('div', 'timeline', log);
  timeline.tabIndex = 0;
  timeline.setAttribute('role', 'region');
  timeline.setAttribute('aria-label', 'Timeline');
  const dock = el('nav', 'dock');
  dock.setAttribute('aria-label', 'Actions');
  pane = { id, sig: '', head: el('header', 'pane-head'), facts: el('div', 'facts'), notice: el('div', 'talk-notice'), log, timeline, composer: new Composer(id, cmd), dock };
  main.replaceChildren(pane.head, pane.facts, el('div', 'talk-middle', pane.notice, timeline), pane.composer.root, dock);
  pane.composer.paintThere();
  paintHead();
  paintLog();
  setTimeout(() => log.setAttribute('aria-live', 'polite'), 1500);
  if (!store.messages.has(id)) setTimeout(() => { if (pane?.id === id && !store.messages.has(id) && !log.firstChild) log.replaceChildren(...bones()); }, 150);
}

function bones() {
  return [0, 1, 2].map((n) => el('li', 'row row-them', el('div', 'row-body', el('div', `bone bone-words ${n % 2 ? 'bone-name' : ''}`)), el('span')));
}

function keysHint() {
  const keys = [[['J', 'K'], 'next and previous conversation'], [['⇧', 'C'], 'take next from my queues'], [['G', 'U'], 'go to Unassigned'], [['Ctrl', 'K'], 'all commands'], [['?'], 'all keys']];
  const dl = el('dl', 'keys');
  for (const [caps, words] of keys) dl.append(el('dt', '', ...[...caps].map((c) => el('span', 'cap', c))), el('dd', '', String(words)));
  return el('div', '', el('h2', 'keys-title', 'Open one, or use a key'), dl);
}

/** Something about this conversation that must be read before going on. @param {(Node|string)[]|null} words @param {HTMLElement[]} [acts] */
export function notice(words, acts = []) {
  if (!pane) return;
  pane.notice.replaceChildren();
  if (words) {
    const b = el('div', 'banner banner-warn', icon('alert'), el('span', 'banner-words', ...words), el('span', 'notice-acts', ...acts, button('', () => notice(null), { cls: 'button-plain button-icon button-small', icon: 'close', label: 'Dismiss' })));
    b.setAttribute('role', 'alert');
    pane.notice.append(b);
  }
}

function paintHead() {
  if (!pane) return;
  const i = store.item(pane.id);
  if (!i) return void pane.head.replaceChildren(backLink(), el('div', 'talk-name', el('span', 'bone bone-head')));
  const d = store.details.get(pane.id);
  const sig = JSON.stringify([i, d?.can, d?.packet?.cause, dueOf(i), windowOf(d?.window), d?.sends_left, store.queues]);
  if (sig === pane.sig) return void pane.composer.paint(d);
  pane.sig = sig;
  const focused = pane.head.contains(document.activeElement) ? document.activeElement?.textContent : null;
  const name = el('div', 'talk-name', el('h2', 'pane-title cut', el('bdi', '', personName(i.contact.name || i.contact.handle || 'Someone'))));
  if (i.contact.handle && i.contact.handle !== i.contact.name) name.append(el('span', 'desk-only', el('bdi', 'quiet cut', personName(i.contact.handle))));
  if (i.contact.verified) name.append(el('span', 'badge badge-ok', icon('shield'), 'Verified'));
  const due = dueOf(i);
  pane.head.replaceChildren(
    backLink(), name, el('div', 'desk-only', actions(d)),
    el('span', 'phone-only', el('span', 'push', el('span', `due ${due.cls}`, due.words))),
  );
  if (focused) [...pane.head.querySelectorAll('button')].find((b) => b.textContent === focused)?.focus();
  pane.facts.replaceChildren(...facts(i, d));
  paintDock(d);
  pane.composer.paint(d);
}

function backLink() {
  const b = el('button', 'button button-plain button-icon', icon('left'));
  b.type = 'button';
  b.setAttribute('aria-label', 'Back to the list');
  b.addEventListener('click', () => cmd.run('list'));
  return el('span', 'phone-only', b);
}

/** Buttons of what may be done now, the likeliest first. @param {Detail|undefined} d */
function actions(d) {
  const box = el('div', 'talk-actions');
  if (!d) return box;
  const names = cmd.offered(d);
  const lone = ['claim', 'lend_recall', 'take_over', 'resolve', 'release', 'hand_back', 'reopen'];
  const shown = names.filter((n) => lone.includes(n)).slice(0, 3);
  shown.forEach((n, at) => {
    const c = cmd.table[n];
    const main = at === 0 && (n === 'claim' || n === 'lend_recall' || (n === 'take_over' && d.owner.kind !== 'agent'));
    const b = button(c.words, () => cmd.run(n, b), { key: c.key, cls: main ? 'button-main' : '' });
    if (n === 'hand_back') { b.setAttribute('aria-haspopup', 'menu'); b.setAttribute('aria-expanded', 'false'); }
    box.append(b);
  });
  const more = button('', () => cmd.more(more), { icon: 'more', cls: 'button-icon', label: 'More actions' });
  more.setAttribute('aria-haspopup', 'menu');
  const side = button('', () => cmd.run('side'), { icon: 'panel', cls: 'button-icon mid-only', label: 'Case (I)' });
  box.append(more, side);
  return box;
}

/** @param {import('./store.js').Item} i @param {Detail|undefined} d */
function facts(i, d) {
  const due = dueOf(i);
  const queue = i.queue ? ` in ${store.queueName(i.queue)}` : '';
  const who = i.owner.kind === 'queue' ? el('span', 'fact', el('b', '', 'Waiting'), ` in ${i.owner.name || store.queueName(i.queue ?? i.owner.id ?? '')}`)
    : i.status === 'resolved' ? el('span', 'fact', el('b', '', 'Resolved'))
    : i.owner.kind === 'bot' ? el('span', 'fact', icon('bot', 'is-bot'), el('b', '', 'Assistant'), ' has it')
    : el('span', 'fact', el('b', '', personName(ownerName(i.owner))), queue);
  const clockName = i.due?.clock === 'next_reply' ? 'Next reply' : 'First reply';
  const desk = el('span', 'desk-only', who, el('span', 'fact', icon((i.flags ?? []).includes('public') ? 'horn' : 'lock'), `${personName(i.channel)}${(i.flags ?? []).includes('public') ? ', private and public' : ''}`));
  if (i.due) desk.append(el('span', `fact due ${due.cls}`, `${clockName} ${due.words}`));
  const epoch = el('span', 'unseen', `epoch ${i.epoch}`);
  epoch.dataset.epoch = String(i.epoch);
  desk.append(epoch);
  const win = windowOf(d?.window);
  if (typeof d?.sends_left === 'number' && d.sends_left <= 10) desk.append(el('span', 'fact push', `${d.sends_left} sends left`));
  if (win) desk.append(el('span', `fact push ${win.cls}`, win.words));
  const why = d?.packet ? causeWords(d.packet.cause) : i.owner.kind === 'bot' ? 'with the assistant' : '';
  const short = el('span', 'cut', el('b', '', why ? why.charAt(0).toUpperCase() + why.slice(1) : personName(i.channel)));
  if (i.headline_slot) short.append(' · ', el('span', 'mono', i.headline_slot));
  const more = el('button', 'button button-plain push', 'More', icon('right'));
  more.type = 'button';
  more.setAttribute('aria-label', 'More about the case');
  more.addEventListener('click', () => cmd.run('side'));
  return [desk, el('span', 'phone-only', short, more)];
}

/** @param {Detail|undefined} d */
function paintDock(d) {
  if (!pane) return;
  const names = d ? cmd.offered(d) : [];
  const item = (/** @type {string} */ words, /** @type {string} */ pic, /** @type {() => void} */ act) => {
    const b = el('button', 'dock-item', icon(pic, 'icon-20'), words);
    b.type = 'button';
    b.addEventListener('click', act);
    return b;
  };
  const first = names.includes('claim') ? item('Claim', 'mine', () => cmd.run('claim')) : names.includes('lend_recall') ? item('Take back', 'mine', () => cmd.run('lend_recall')) : names.includes('take_over') ? item('Take over', 'mine', () => cmd.run('take_over')) : names.includes('reopen') ? item('Reopen', 'reply', () => cmd.run('reopen')) : item('Reply', 'reply', () => cmd.run('reply'));
  const more = item('More', 'more', () => cmd.more(more));
  pane.dock.replaceChildren(first, item('Note', 'note', () => cmd.run('note')), ...(names.includes('resolve') ? [item('Resolve', 'tick', () => cmd.run('resolve'))] : []), more);
}

/** @type {import('./rows.js').Acts} */
const acts = {
  retry: (m) => cmd.retry(m),
  discard: (m) => cmd.discard(m),
  edit: (m) => { pane?.composer.put(m.text); cmd.discard(m); },
  check: (m) => cmd.check(m),
  leave: (url) => cmd.leave(url),
  toggle: (m) => { const k = key(m); if (!opened.delete(k)) opened.add(k); paintLog(); },
  isOpen: (m) => opened.has(key(m)),
};

/** @param {import('./store.js').Msg} m */
const key = (m) => m.client_id || m.id || `seq-${m.seq}`;

function paintLog() {
  if (!pane) return;
  const { id, log } = pane;
  if (!store.messages.has(id)) return;
  const all = store.timeline(id);
  const item = store.item(id);
  const old = new Map([...log.children].map((c) => [/** @type {HTMLElement} */ (c).dataset.key ?? '', /** @type {HTMLElement} */ (c)]));
  /** @type {HTMLElement[]} */
  const rows = [];
  const keep = (/** @type {string} */ k, /** @type {string} */ sig, /** @type {() => HTMLElement} */ make) => {
    const was = old.get(k);
    if (was && was.dataset.sig === sig) return void rows.push(was);
    const made = make();
    made.dataset.key = k;
    made.dataset.sig = sig;
    rows.push(made);
  };
  if (store.reach.get(id)?.earlier) keep('earlier', '1', () => el('li', 'earlier-row', button('Show earlier messages', () => void store.loadEarlier(id), { cls: 'button-small' })));
  const taps = all.filter((m) => m.tap).map((m) => `${m.tap.seq}${m.tap.option ?? ''}`).join();
  let lastDay = '';
  all.forEach((m, at) => {
    const d = new Date(m.at).toDateString();
    if (d !== lastDay) keep(`day-${d}`, d, () => day(m.at));
    lastDay = d;
    const before = all[at - 1];
    const sig = JSON.stringify([m, before?.author.kind, before?.kind, acts.isOpen(m), m.options?.length ? taps : '', m.state === 'cancelled' ? all.length : 0]);
    keep(key(m), sig, () => row(m, before, acts, all, item));
  });
  let next = /** @type {Element|null} */ (log.firstElementChild);
  for (const r of rows) {
    if (r === next) { next = next.nextElementSibling; continue; }
    log.insertBefore(r, next);
  }
  while (next) { const after = next.nextElementSibling; next.remove(); next = after; }
  if (!rows.length) log.append(el('li', 'day', 'Nothing was said yet'));
}

/** Scrolls the timeline to its end. */
export function toEnd() {
  if (pane) pane.timeline.scrollTop = 0;
}
