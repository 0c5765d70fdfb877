// @ts-check
// Layers over the page: dialogs, menus, the command bar, toasts, the banner.
// A layer makes the page below inert and gives the focus back where it was.

import { button, byId, el, icon } from './dom.js';

/** @type {{el: HTMLElement, back: Element|null, close: () => void}[]} */
const stack = [];

export const layerOpen = () => stack.length > 0;

/** Closes the top layer; false when there is none. */
export function closeTop() {
  const top = stack[stack.length - 1];
  top?.close();
  return Boolean(top);
}

/**
 * Shows a layer over everything.
 * @param {HTMLElement} content @param {{low?: boolean, onClose?: () => void}} [how]
 * @returns {() => void} closes it
 */
export function openLayer(content, how = {}) {
  const scrim = el('div', how.low ? 'scrim scrim-low' : 'scrim', content);
  const back = document.activeElement;
  byId('page').inert = true;
  byId('layers').append(scrim);
  const entry = { el: scrim, back, close };
  stack.push(entry);
  function close() {
    const at = stack.indexOf(entry);
    if (at < 0) return;
    stack.splice(at, 1);
    scrim.remove();
    byId('page').inert = stack.length > 0;
    how.onClose?.();
    giveBack(back);
  }
  scrim.addEventListener('mousedown', (e) => { if (e.target === scrim) close(); });
  scrim.addEventListener('keydown', (e) => { if (e.key === 'Tab') keepInside(e, scrim); });
  (/** @type {HTMLElement|null} */ (content.querySelector('[data-first]') ?? content.querySelector('input, button')))?.focus();
  return close;
}

/** The focus returns to where it was, or to the button that has taken its place. @param {Element|null} back */
function giveBack(back) {
  if (!(back instanceof HTMLElement) || back === document.body) return;
  const now = back.isConnected ? back : [...document.querySelectorAll('button')].find((b) => b.textContent === back.textContent && b.getClientRects().length);
  now?.focus();
}

/** @param {KeyboardEvent} e @param {HTMLElement} box */
function keepInside(e, box) {
  const all = /** @type {HTMLElement[]} */ ([...box.querySelectorAll('button:not(:disabled), input, textarea, a[href], [tabindex="0"]')]);
  if (!all.length) return;
  const first = all[0];
  const last = all[all.length - 1];
  if (e.shiftKey && document.activeElement === first) { e.preventDefault(); last.focus(); }
  else if (!e.shiftKey && document.activeElement === last) { e.preventDefault(); first.focus(); }
}

let titles = 0;
/**
 * A question with its answers. The first is the main one and has the focus.
 * @param {{title: string, facts?: [string, string][], words?: string, answers: {words: string, act?: () => void, plain?: boolean}[]}} q
 */
export function ask(q) {
  const id = `ask-${++titles}`;
  const box = el('div', 'layer ask');
  box.setAttribute('role', 'alertdialog');
  box.setAttribute('aria-modal', 'true');
  box.setAttribute('aria-labelledby', id);
  const title = el('h2', '', q.title);
  title.id = id;
  box.append(title);
  if (q.facts?.length) box.append(el('dl', 'ask-facts', ...q.facts.flatMap(([k, v]) => [el('dt', '', k), el('dd', '', v)])));
  if (q.words) {
    const p = el('p', '', q.words);
    p.id = `${id}-words`;
    box.setAttribute('aria-describedby', p.id);
    box.append(p);
  }
  const row = el('div', 'ask-buttons');
  box.append(row);
  /** @type {() => void} */
  let close = () => {};
  q.answers.forEach((a, i) => {
    const b = button(a.words, () => { close(); a.act?.(); }, { cls: i === 0 ? 'button-main' : a.plain ? 'button-plain push' : '' });
    if (i === 0) b.dataset.first = '';
    row.append(b);
  });
  close = openLayer(box);
}

/**
 * A menu below a button.
 * @param {Element} anchor @param {string} label
 * @param {({words: string, hint?: string, checked?: boolean, key?: string, act: () => void}|null)[]} items null draws a line
 */
export function menu(anchor, label, items) {
  const box = el('div', 'layer menu');
  box.setAttribute('role', 'menu');
  box.setAttribute('aria-label', label);
  const scrim = el('div', 'menu-scrim', box);
  const back = /** @type {HTMLElement|null} */ (document.activeElement);
  const entry = { el: scrim, back, close };
  anchor.setAttribute('aria-expanded', 'true');
  function close() {
    const at = stack.indexOf(entry);
    if (at < 0) return;
    stack.splice(at, 1);
    scrim.remove();
    byId('page').inert = stack.length > 0;
    anchor.setAttribute('aria-expanded', 'false');
    giveBack(back);
  }
  const rows = items.map((i) => menuRow(i, close));
  box.append(...rows);
  stack.push(entry);
  byId('page').inert = true;
  byId('layers').append(scrim);
  placeMenu(box, anchor.getBoundingClientRect());
  const stops = /** @type {HTMLElement[]} */ (rows.filter((r) => r.tabIndex === -1 && r.getAttribute('role') !== 'separator'));
  stops[0]?.focus();
  scrim.addEventListener('mousedown', (e) => { if (e.target === scrim) close(); });
  box.addEventListener('keydown', (e) => {
    const at = stops.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: stops.length - 1 }[e.key];
    if (e.key === 'Tab') { e.preventDefault(); close(); }
    if (to === undefined) return;
    e.preventDefault();
    stops[(to + stops.length) % stops.length]?.focus();
  });
}

/** @param {any} i @param {() => void} close */
function menuRow(i, close) {
  if (!i) {
    const line = el('div', 'menu-line');
    line.setAttribute('role', 'separator');
    return line;
  }
  const b = el('button', 'menu-item', el('span', 'menu-tick', i.checked ? icon('tick') : null), el('span', 'menu-words', el('span', '', i.words), i.hint ? el('span', 'meta', i.hint) : null));
  b.type = 'button';
  b.tabIndex = -1;
  b.setAttribute('role', i.checked === undefined ? 'menuitem' : 'menuitemradio');
  if (i.checked !== undefined) b.setAttribute('aria-checked', String(i.checked));
  if (i.key) {
    const k = el('kbd', '', i.key);
    k.setAttribute('aria-hidden', 'true');
    b.append(k);
  }
  b.addEventListener('click', () => { close(); i.act(); });
  return b;
}

/** @param {HTMLElement} box @param {DOMRect} at */
function placeMenu(box, at) {
  const w = box.offsetWidth;
  const h = box.offsetHeight;
  const left = Math.max(8, Math.min(at.left, innerWidth - w - 8));
  const below = at.bottom + 4 + h < innerHeight - 8;
  box.style.left = `${left}px`;
  box.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - 4 - h)}px`;
}

/**
 * A short word at the foot, which never takes the focus.
 * @param {string} words @param {{act?: {words: string, key?: string, run: () => void}, seconds?: number, bad?: boolean}} [how]
 * @returns {() => void} takes it away
 */
export function toast(words, how = {}) {
  let left = how.seconds ?? 6;
  const count = el('span', 'meta', how.act ? `${left} s` : '');
  const t = el('div', how.bad ? 'toast toast-bad' : 'toast', how.bad ? icon('alert', 'is-danger') : null, el('span', '', words));
  const gone = () => { clearInterval(timer); t.remove(); };
  if (how.act) {
    const act = how.act;
    t.append(button(act.words, () => { gone(); act.run(); }, { key: act.key }), count);
  } else t.append(button('', gone, { cls: 'button-plain button-icon', icon: 'close', label: 'Dismiss' }));
  const timer = setInterval(() => {
    left--;
    if (how.act) count.textContent = `${left} s`;
    if (left <= 0) gone();
  }, 1000);
  byId('toasts').replaceChildren(t);
  return gone;
}

/** @typedef {{rank: number, cls?: string, pic: string, words: (Node|string)[], act?: {words: string, run: () => void}}} Banner */
/** @type {Map<string, Banner>} */
const banners = new Map();

/** Sets or takes away a banner; the most urgent one is shown. @param {string} name @param {Banner|null} b */
export function banner(name, b) {
  if (b) banners.set(name, b);
  else if (!banners.delete(name)) return;
  const top = [...banners.values()].sort((a, c) => a.rank - c.rank)[0];
  const slot = byId('banner');
  if (!top) return void slot.replaceChildren();
  const row = el('div', `banner ${top.cls ?? ''}`.trim(), icon(top.pic), el('span', 'banner-words', ...top.words));
  if (top.act) row.append(button(top.act.words, top.act.run, { cls: 'button-small' }));
  slot.replaceChildren(row);
}
