// @ts-check
// The agent console. Wires list, conversation, side, keys and the live stream;
// everything it shows comes from the API that a token can use as well.

import { get, hearProblems } from './api.js';
import { commandBar, keyTable } from './bar.js';
import { Commands } from './commands.js';
import { byId, el } from './dom.js';
import { startKeys } from './keys.js';
import { banner, menu } from './layer.js';
import { focusList, startList, step } from './list.js';
import { follow } from './live.js';
import { hearPresence, startPresence } from './presence.js';
import { startSide } from './side.js';
import { store } from './store.js';
import { startTalk, toEnd } from './talk.js';
import { clock, personName, plain } from './text.js';
import { views } from './words.js';

const app = byId('app');
const about = document.body.dataset;

const cmd = new Commands({
  go, open,
  page,
  step: (n, mine) => step(n, mine),
  bar: () => commandBar(cmd, open),
  keys: keyTable,
});

/** @param {string} view */
function go(view) {
  if (!views[view]) return;
  if (store.view !== view) { store.view = view; store.emit('list'); }
  setPage('list');
  remember();
  void store.loadList();
}

/** @param {string} id @param {{focus?: boolean, replace?: boolean}} [how] */
function open(id, how = {}) {
  if (!id) return;
  const was = store.current;
  store.current = id;
  setPage('talk');
  if (was !== id) {
    store.emit('current', id);
    remember(how.replace);
    void look(id);
  }
  title();
}

/** Reads a conversation; what is in memory is on the screen already. @param {string} id */
async function look(id) {
  try {
    await store.loadDetail(id);
    await (store.messages.has(id) ? store.refresh(id) : store.loadMessages(id));
    await store.catchUp(id);
    toEnd();
  } catch (err) {
    if (store.current !== id) return;
    store.current = '';
    store.emit('current', '');
    banner('open', { rank: 2, cls: 'banner-warn', pic: 'alert', words: [`This conversation could not be opened. ${/** @type {Error} */ (err).message}`], act: { words: 'Try again', run: () => { banner('open', null); open(id); } } });
  }
}

/** Turns to a page; beside each other on a desk, one at a time on a phone. @param {string} name */
function page(name) {
  if (name === 'side') {
    const shown = app.dataset.page === 'side';
    app.classList.toggle('side-off', !shown && matchMedia('(min-width: 1200px)').matches ? !app.classList.contains('side-off') : false);
    if (!matchMedia('(min-width: 1200px)').matches) setPage(shown ? 'talk' : 'side', !shown);
    return;
  }
  if (name === 'list' && history.state?.talk && !matchMedia('(min-width: 720px)').matches) return history.back();
  setPage(name);
  if (name === 'list') focusList();
}

/** @param {string} name @param {boolean} [push] */
function setPage(name, push) {
  app.dataset.page = name;
  if (push) history.pushState({ ...history.state, page: name }, '');
}

/** The address follows what is open, so that it can be sent and gone back from. @param {boolean} [replace] */
function remember(replace) {
  const url = store.current && app.dataset.page !== 'list' ? `/console/c/${encodeURIComponent(store.current)}` : `/console?view=${store.view}`;
  if (url === location.pathname + location.search) return;
  history[replace ? 'replaceState' : 'pushState']({ view: store.view, talk: store.current, page: app.dataset.page }, '', url);
}

function fromAddress() {
  const m = /^\/console\/c\/([^/]+)$/.exec(location.pathname);
  const view = history.state?.view ?? new URLSearchParams(location.search).get('view');
  if (view && views[view]) store.view = view;
  const id = m ? decodeURIComponent(m[1]) : '';
  const same = id === store.current;
  if (id) setPage(history.state?.page === 'side' ? 'side' : 'talk');
  else setPage('list');
  if (same || (!id && store.current)) return void title();
  store.current = id;
  store.emit('current', id);
  if (id) void look(id);
  title();
}

function title() {
  const i = store.current ? store.item(store.current) : null;
  const waiting = Number(store.count('waiting'));
  document.title = [waiting ? `(${waiting})` : '', i ? personName(i.contact.name || 'Conversation') : views[store.view], '· Dispatcher'].filter(Boolean).join(' ');
}

/** Hints are gathered for a moment: one change makes several. */
let listTimer = 0;
let talkTimer = 0;
/** @param {{conv?: string, type: string}} hint */
function onHint(hint) {
  if (hint.type === 'presence') return hearPresence(hint);
  if (/^flow/.test(hint.type)) void flows();
  if (/kill|pause/.test(hint.type)) void paused();
  clearTimeout(listTimer);
  listTimer = setTimeout(() => void store.loadList(), 120);
  if (hint.conv && hint.conv === store.current) {
    clearTimeout(talkTimer);
    talkTimer = setTimeout(again, 60);
  }
}

/** Reads everything on the screen again. */
function again() {
  const id = store.current;
  if (!id) return;
  void Promise.all([store.loadDetail(id), store.refresh(id)]).then(() => store.catchUp(id)).catch(() => undefined);
}

let cutTimer = 0;
let lastLive = new Date();
/** @param {boolean} on */
function onLine(on) {
  byId('live').classList.toggle('is-cut', !on);
  byId('live-word').textContent = on ? 'Live' : 'Cut';
  clearTimeout(cutTimer);
  if (on) { lastLive = new Date(); banner('line', null); return; }
  const at = clock(new Date());
  cutTimer = setTimeout(() => banner('line', { rank: 5, pic: 'clock', words: [`Reconnecting… showing ${at}`] }), 5000);
}

let flowsRefused = false;
async function flows() {
  if (flowsRefused) return;
  try {
    const f = await get('/flows');
    const p = (f?.problems ?? []).find((/** @type {any} */ x) => x.severity !== 'warning');
    flowBanner(f?.folder?.state === 'rejected', p ? `${p.file}:${p.line}:${p.column}` : '', p ? [p.message, p.hint].filter(Boolean).join('; ') : '', f?.notice ?? '');
  } catch (err) {
    flowsRefused = /** @type {any} */ (err).status === 403 || /** @type {any} */ (err).status === 404;
  }
}

/** @param {boolean} rejected @param {string} place @param {string} words @param {string} [notice] what else is to be known of the flows */
function flowBanner(rejected, place, words, notice = '') {
  banner('flows', !rejected && notice ? { rank: 6, pic: 'clock', words: [notice] } : rejected ? { rank: 3, cls: 'banner-warn', pic: 'alert', words: [...(place ? [el('span', 'mono', place), ' '] : []), plain(words || 'The flow folder was rejected').replace(/\.$/, ''), /[?!]$/.test(words) ? ' ' : '. ', 'The last good set keeps running.'] } : null);
}

async function paused() {
  try {
    const k = await get('/kill-switch');
    const on = k?.on ?? k?.items?.some((/** @type {any} */ x) => x.on);
    banner('paused', on ? { rank: 1, cls: 'banner-danger', pic: 'stop', words: [k.by ? `Assistant paused by ${personName(k.by.name ?? k.by)}. New messages go to people.` : 'Assistant paused. New messages go to people.'] } : null);
  } catch { /* who may not read the switch sees it after the next load of the page */ }
}

function firstBanners() {
  if (about.paused) banner('paused', { rank: 1, cls: 'banner-danger', pic: 'stop', words: [about.paused] });
  if (about.degraded) banner('degraded', { rank: 4, cls: 'banner-warn', pic: 'alert', words: [about.degraded] });
  if (about.rejected !== undefined) flowBanner(true, about.place ?? '', about.problem ?? '');
  if (about.noSecond !== undefined) banner('second', { rank: 9, pic: 'shield', words: ['This account has no second factor yet. It is only allowed while the server listens on this machine.'], act: { words: 'Hide', run: () => banner('second', null) } });
  let calm = 0;
  hearProblems((p) => {
    if (p.status !== 503) return;
    banner('busy', { rank: 4, cls: 'banner-warn', pic: 'alert', words: ['The server is busy. What you type is kept; sending goes on by itself.'] });
    clearTimeout(calm);
    calm = setTimeout(() => banner('busy', null), 10_000);
  });
}

function meMenu() {
  const now = document.documentElement.dataset.theme ?? 'system';
  const theme = (/** @type {string} */ words, /** @type {string} */ value) => ({ words, checked: now === value, act: () => setTheme(value) });
  menu(byId('me'), 'You', [theme('Theme of the system', 'system'), theme('Light', 'light'), theme('Dark', 'dark'), null, { words: 'All keys', key: '?', act: keyTable }, { words: 'Log out', act: logOut }]);
}

/** @param {string} value */
function setTheme(value) {
  if (value === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
  try { localStorage.setItem('dispatcher.theme', value); } catch { /* holds for this page only */ }
}

function logOut() {
  const form = el('form');
  form.method = 'post';
  form.action = '/logout';
  document.body.append(form);
  form.submit();
}

startList({ open, takeNext: () => cmd.run('take_next'), go });
startTalk(cmd);
startSide(cmd);
startKeys(cmd, open);
startPresence();
firstBanners();
byId('open-command').addEventListener('click', () => commandBar(cmd, open));
byId('me').addEventListener('click', meMenu);
byId('dock-more').addEventListener('click', () => menu(byId('dock-more'), 'More', [
  ...['waiting', 'assistant'].map((v) => ({ words: `${views[v]} ${store.count(v)}`, act: () => go(v) })),
  null,
  ...['system', 'light', 'dark'].map((t) => ({ words: { system: 'Theme of the system', light: 'Light', dark: 'Dark' }[t] ?? t, checked: (document.documentElement.dataset.theme ?? 'system') === t, act: () => setTheme(t) })),
  null, { words: 'Log out', act: logOut },
]));
store.on('hint', onHint);
store.on('reset', () => { void store.loadList(); again(); if (store.me.role !== 'agent') void flows(); });
store.on('line', onLine);
store.on('list', title);
store.on('detail', title);
window.addEventListener('popstate', fromAddress);
window.addEventListener('focus', () => { if (Date.now() - lastLive.getTime() > 60_000) { void store.loadList(); again(); } });
setInterval(() => { void store.loadList(); again(); if (store.me.role !== 'agent') void flows(); }, 60_000);
fromAddress();
void store.loadList();
void store.loadQueues();
follow();
