// @ts-check
// Rail and list. Nothing moves under the pointer or the focus: what arrives
// meanwhile waits behind "3 new".

import { button, byId, el, icon, initials, unseen } from './dom.js';
import { store } from './store.js';
import { personName, plain } from './text.js';
import { dueOf, views } from './words.js';

/** @typedef {import('./store.js').Item} Item */

let held = false;
/** @type {Item[]} what is on the screen */
let shown = [];
let shownView = '';
/** @type {HTMLElement|undefined} what stands below the cards while only the assistant has some */
let firstDay;
/** @type {(id: string, how?: {focus?: boolean}) => void} */
let onOpen = () => {};
/** @type {() => void} */
let onTakeNext = () => {};

/** @param {{open: typeof onOpen, takeNext: () => void, go: (view: string) => void}} acts */
export function startList(acts) {
  onOpen = acts.open;
  onTakeNext = acts.takeNext;
  const list = byId('cards');
  list.addEventListener('pointerenter', () => { held = true; });
  list.addEventListener('pointerleave', () => { held = list.contains(document.activeElement); });
  list.addEventListener('focusin', () => { held = true; });
  list.addEventListener('focusout', () => { held = list.matches(':hover'); });
  list.addEventListener('keydown', walk);
  byId('newer').addEventListener('click', () => { shown = store.items; paint(); (/** @type {HTMLElement|null} */ (list.querySelector('.card')))?.focus(); });
  for (const a of document.querySelectorAll('a[data-view]')) {
    a.addEventListener('click', (e) => {
      if (/** @type {MouseEvent} */ (e).metaKey || /** @type {MouseEvent} */ (e).ctrlKey) return;
      e.preventDefault();
      acts.go(/** @type {HTMLElement} */ (a).dataset.view ?? 'all');
    });
  }
  const pick = (/** @type {string} */ id, /** @type {'state'|'order'} */ what) => byId(id).addEventListener('change', (e) => {
    store[what] = /** @type {HTMLSelectElement} */ (e.target).value;
    store.loaded = false;
    void store.loadList();
  });
  pick('state', 'state');
  pick('order', 'order');
  store.on('list', update);
  store.on('current', marks);
  setTimeout(() => { if (!store.loaded && !store.listError) bones(); }, 150);
  setInterval(repaintTimes, 15_000);
}

/** A new answer of the list has come. */
function update() {
  rail();
  const sameView = shownView === `${store.view} ${store.state} ${store.order}`;
  const known = new Set(shown.map((i) => i.id));
  const fresh = store.items.filter((i) => !known.has(i.id));
  if (!held || !sameView || !shown.length || !store.items.length) {
    shown = store.items;
  } else {
    // Same places, newest facts; what is gone stays until the list is let go.
    const now = new Map(store.items.map((i) => [i.id, i]));
    const everywhere = new Map(store.all.map((i) => [i.id, i]));
    shown = shown.map((i) => now.get(i.id) ?? everywhere.get(i.id) ?? i);
    newer(fresh.length);
    paintCards();
    return;
  }
  shownView = `${store.view} ${store.state} ${store.order}`;
  paint();
}

/** @param {number} n */
function newer(n) {
  byId('newer').hidden = n === 0;
  byId('newer-words').textContent = `${n} new`;
}

function rail() {
  for (const c of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-count]'))) c.textContent = store.count(c.dataset.count ?? '');
  for (const a of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('a[data-view]'))) {
    if (a.dataset.view === store.view) a.setAttribute('aria-current', 'page');
    else a.removeAttribute('aria-current');
  }
  byId('view-title').textContent = views[store.view] ?? 'Inbox';
  byId('view-count').textContent = store.loaded ? String(store.items.length) : '';
}

function paint() {
  newer(0);
  paintCards();
}

function paintCards() {
  const list = byId('cards');
  const focused = list.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.id : '';
  if (store.listError && !shown.length) return void list.replaceChildren(failed());
  if (!shown.length) return void list.replaceChildren(nothing());
  const old = new Map([...list.children].map((li) => [/** @type {HTMLElement} */ (li).dataset.id, /** @type {HTMLElement} */ (li)]));
  const rows = shown.map((i) => {
    const sig = JSON.stringify([i, dueOf(i).words, i.owner.name]);
    const was = old.get(i.id);
    if (was && was.dataset.sig === sig) return was;
    const li = el('li', '', card(i));
    li.dataset.id = i.id;
    li.dataset.sig = sig;
    return li;
  });
  if (untried()) rows.push(firstDay ??= el('li', 'nothing', el('h2', '', 'Nothing waits for a person'), ...tryIt()));
  let at = /** @type {Element|null} */ (list.firstElementChild);
  for (const r of rows) {
    if (r === at) { at = at.nextElementSibling; continue; }
    list.insertBefore(r, at);
  }
  while (at) { const next = at.nextElementSibling; at.remove(); at = next; }
  marks();
  if (focused) (/** @type {HTMLElement|null} */ (list.querySelector(`.card[data-id="${CSS.escape(focused)}"]`)))?.focus({ preventScroll: true });
}

/** Current card and the one tab stop of the list. */
function marks() {
  const cards = /** @type {HTMLElement[]} */ ([...byId('cards').querySelectorAll('.card[data-id]')]);
  const stop = cards.find((c) => c === document.activeElement) ?? cards.find((c) => c.dataset.id === store.current) ?? cards[0];
  for (const c of cards) {
    c.tabIndex = c === stop ? 0 : -1;
    if (c.dataset.id === store.current) c.setAttribute('aria-current', 'true');
    else c.removeAttribute('aria-current');
  }
}

/** @param {Item} i */
function card(i) {
  const a = el('a', i.unread > 0 ? 'card card-unread' : 'card');
  a.href = `/console/c/${encodeURIComponent(i.id)}`;
  a.dataset.id = i.id;
  a.addEventListener('click', (e) => {
    if (e.metaKey || e.ctrlKey || e.shiftKey) return;
    e.preventDefault();
    onOpen(i.id, { focus: e.detail === 0 });
  });
  const name = el('span', 'card-name', el('bdi', 'cut', personName(i.contact.name || i.contact.handle || 'Someone')));
  if (i.contact.verified) name.append(icon('shield'), unseen('verified'));
  const due = dueOf(i);
  const words = el('span', 'card-words cut');
  words.dir = 'auto';
  const by = i.last.author === 'agent' ? `${i.owner.kind === 'agent' && i.owner.id !== store.me.id ? firstName(i.owner.name) : 'You'}: ` : i.last.author === 'bot' || i.last.author === 'notice' ? 'Assistant: ' : '';
  if (by) words.append(el('b', '', by));
  words.append(plain(i.last.preview || i.why || ''));
  const count = i.unread > 0 ? el('span', 'card-count', String(Math.min(i.unread, 99)), unseen(' unread')) : el('span');
  const meta = el('span', 'card-meta', el('span', 'cut', plain(i.topic || i.why || i.channel)));
  // Long words that are hidden say nothing on a card.
  if (i.headline_slot && !/•{6}/.test(i.headline_slot)) meta.append(el('span', 'mono cut', plain(i.headline_slot)));
  a.append(name, el('span', `due ${due.cls}`.trim(), due.words), words, count, meta, flags(i));
  return a;
}

/** @param {Item} i */
function flags(i) {
  const f = el('span', 'card-flags');
  const has = (/** @type {string} */ x) => (i.flags ?? []).includes(x);
  const add = (/** @type {string} */ pic, /** @type {string} */ words, cls = '') => f.append(icon(pic, cls), unseen(`${words} `));
  if (has('escalated') || has('public')) add('horn', 'also public');
  if (has('media')) add('image', 'has a picture');
  if (has('sending_problem')) add('alert', 'a message was not sent', 'is-danger');
  if (i.priority === 'urgent' || i.priority === 'high') f.append(el('span', 'is-warn strong', i.priority));
  if (i.owner.kind === 'bot') add('bot', 'with the assistant', 'is-bot');
  else if (i.owner.kind === 'agent') f.append(el('span', 'card-owner', initials(i.owner.name || '?')));
  else f.append(el('span', 'card-owner', '–', unseen(' unassigned')));
  return f;
}

/** @param {string} [name] */
const firstName = (name) => personName(String(name ?? '').split(/\s+/)[0] || 'Agent');

function nothing() {
  const li = el('li', 'nothing');
  const waiting = store.all.filter((i) => i.owner.kind === 'queue').length;
  if (store.state === 'resolved') li.append(el('h2', '', 'Nothing resolved yet'));
  else if (store.view === 'mine') {
    li.append(el('h2', '', 'Nothing waits on you'));
    li.append(el('p', 'quiet', waiting ? `${waiting} ${waiting === 1 ? 'waits' : 'wait'} in the queues.` : 'The queues are empty too.'));
    if (waiting) li.append(button('Take next', onTakeNext, { cls: 'button-main', key: '⇧C' }));
  } else {
    li.append(el('h2', '', 'All clear'));
    li.append(el('p', 'quiet', store.view === 'all' ? 'No conversation is open.' : 'Nothing here right now.'));
  }
  if (untried()) li.append(...tryIt());
  return li;
}

/** Did no person have anything to do yet, as on the first day? */
function untried() {
  return Boolean(document.body.dataset.demo) && store.state === 'open' && store.all.every((i) => i.owner.kind === 'bot');
}

/** The way on: what to try, and where. */
function tryIt() {
  const a = el('a', 'button button-main', 'Try the chat');
  a.href = document.body.dataset.demo ?? '';
  a.target = '_blank';
  a.rel = 'noopener';
  return [el('p', 'quiet', 'Write to the assistant as a customer would, ask for a person, and watch the card arrive here.'), a];
}

function failed() {
  return el('li', 'nothing', el('h2', '', 'Not read'), el('p', 'quiet', `${store.listError} What you typed is kept.`), button('Try again', () => void store.loadList()));
}

function bones() {
  const bone = () => el('li', 'card', el('span', 'bone bone-name'), el('span'), el('span', 'card-words bone bone-words'), el('span'), el('span', 'bone bone-meta'));
  byId('cards').replaceChildren(...Array.from({ length: 6 }, bone));
}

function repaintTimes() {
  if (shown.length) paintCards();
}

/** Moves to the next or previous card and opens it. @param {number} step @param {boolean} [mine] */
export function step(step, mine) {
  const list = mine ? shown.filter((i) => i.owner.kind === 'agent' && i.owner.id === store.me.id && i.due) : shown;
  const at = list.findIndex((i) => i.id === store.current);
  const next = list[at < 0 ? (step > 0 ? 0 : list.length - 1) : at + step];
  if (next) onOpen(next.id);
  return Boolean(next);
}

/** The card that has the focus, or the current one. */
export function focusedCard() {
  const a = /** @type {HTMLElement|null} */ (document.activeElement?.closest('.card[data-id]'));
  return a?.dataset.id ?? '';
}

/** Puts the focus on the current card, or the first. */
export function focusList() {
  (/** @type {HTMLElement|null} */ (byId('cards').querySelector('.card[tabindex="0"]')))?.focus();
}

/** Arrow keys, Home and End walk the list. @param {KeyboardEvent} e */
function walk(e) {
  const cards = /** @type {HTMLElement[]} */ ([...byId('cards').querySelectorAll('.card[data-id]')]);
  const at = cards.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: cards.length - 1 }[e.key];
  if (to === undefined || at < 0 || !cards[to]) return;
  e.preventDefault();
  for (const c of cards) c.tabIndex = -1;
  cards[to].tabIndex = 0;
  cards[to].focus();
}
