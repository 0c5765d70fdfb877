// @ts-check
// Who looks at what, and who types. A beat every three seconds, while somebody
// sits before the page: it tells colleagues, and counts what the owner sees as read.

import { call } from './api.js';
import { store } from './store.js';

const every = 3_000;
const awake = 120_000; // without a key or a pointer, nobody sits here

/** @typedef {{id: string, name: string}} Somebody */
/** @typedef {{viewing: Somebody[], typing: Somebody[], at: number}} There */

/** @type {Map<string, There>} by conversation */
const known = new Map();
let told = '';
let touched = Date.now();
let typed = 0;
let read = 0; // newest message that a beat went out for

/** Starts the beats. */
export function startPresence() {
  for (const e of ['keydown', 'pointermove', 'pointerdown', 'wheel', 'focus']) window.addEventListener(e, () => { touched = Date.now(); }, { passive: true, capture: true });
  document.addEventListener('visibilitychange', beat);
  store.on('current', () => { read = 0; beat(); });
  // What arrives before the owner's eyes is read at once.
  store.on('detail', (id) => { const d = store.details.get(id); if (d && d.unread > 0 && d.owner.kind === 'agent' && d.owner.id === store.me.id && d.seq > read) { read = d.seq; beat(); } });
  setInterval(beat, every);
  beat();
}

/** Notes that words are being written. */
export const typing = () => { typed = Date.now(); };

function beat() {
  const here = document.visibilityState === 'visible' && Date.now() - touched < awake ? store.current : '';
  if (told && told !== here) void send(told, false);
  told = here;
  if (here) void send(here, true);
}

/** @param {string} conversation @param {boolean} viewing */
async function send(conversation, viewing) {
  try {
    await call('POST', '/presence-beats', { key: '', body: { conversation, viewing, typing: viewing && Date.now() - typed < every } });
  } catch { /* the next beat says it too */ }
}

/** What an event says about a conversation. @param {any} data */
export function hearPresence(data) {
  known.set(data.conv, { viewing: data.viewing ?? [], typing: data.typing ?? [], at: Date.now() });
  store.emit('presence', data.conv);
}

/** Who else is here, in names. @param {string} id @returns {{viewing: string[], typing: string[], customer: boolean}} */
export function others(id) {
  const there = known.get(id);
  const fresh = there && Date.now() - there.at < 10_000;
  const names = (/** @type {Somebody[]} */ list) => list.filter((s) => s.id !== store.me.id && s.id !== 'customer').map((s) => s.name || 'Somebody');
  return { viewing: names(there?.viewing ?? []), typing: names(there?.typing ?? []), customer: Boolean(fresh && there.typing.some((s) => s.id === 'customer')) };
}
