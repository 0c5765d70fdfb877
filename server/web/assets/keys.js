// @ts-check
// The keyboard map (desk.md 3.3). Matching is by physical key, never with
// Ctrl+Alt, which writes letters on many keyboards. Single keys rest in fields.

import { closeTop, layerOpen } from './layer.js';
import { focusList, focusedCard } from './list.js';
import { focusTimeline } from './talk.js';
import { store } from './store.js';
import { keysWriteNothing } from './text.js';

const single = /** @type {Record<string, string>} */ ({ KeyJ: 'next', KeyK: 'previous', KeyC: 'claim', KeyR: 'reply', KeyN: 'note', KeyE: 'resolve', KeyU: 'undo', KeyH: 'hand_back', KeyI: 'side', KeyB: 'side' });
const shifted = /** @type {Record<string, string>} */ ({ KeyC: 'take_next', KeyE: 'resolve_next' });
const alts = /** @type {Record<string, string>} */ ({ KeyJ: 'next', KeyK: 'previous', KeyY: 'claim', KeyL: 'reply', KeyP: 'note', KeyE: 'resolve', KeyU: 'undo', KeyH: 'hand_back', KeyO: 'side', KeyB: 'side' });
const places = /** @type {Record<string, string>} */ ({ KeyM: 'mine', KeyU: 'unassigned', KeyA: 'all', KeyW: 'waiting', KeyB: 'assistant' });

let going = 0;

/** @param {import('./commands.js').Commands} cmd @param {(id: string) => void} open */
export function startKeys(cmd, open) {
  keysWriteNothing();
  document.addEventListener('keydown', (e) => {
    if (e.isComposing || e.defaultPrevented) return;
    if (handle(e, cmd, open)) e.preventDefault();
  });
}

/** @param {KeyboardEvent} e */
function typing(e) {
  const t = /** @type {HTMLElement} */ (e.target);
  return t.matches?.('input, textarea, select, [contenteditable]') ?? false;
}

/** @param {KeyboardEvent} e @param {import('./commands.js').Commands} cmd @param {(id: string) => void} open @returns {boolean} handled */
function handle(e, cmd, open) {
  const ctrl = e.ctrlKey || e.metaKey;
  if (ctrl && !e.altKey && !e.shiftKey && e.code === 'KeyK') { if (!layerOpen()) cmd.ui.bar(); else closeTop(); return true; }
  if (e.key === 'Escape') return escape(e);
  if (layerOpen() || (ctrl && e.altKey) || ctrl) return false;
  if (e.altKey) {
    if (e.shiftKey && e.code === 'KeyJ') { cmd.ui.step(1, true); return true; }
    const name = e.shiftKey ? shifted[e.code] : alts[e.code];
    if (name) cmd.run(name, undefined, true);
    return Boolean(name);
  }
  if (typing(e)) return false;
  return plainKey(e, cmd, open);
}

/** @param {KeyboardEvent} e @param {import('./commands.js').Commands} cmd @param {(id: string) => void} open */
function plainKey(e, cmd, open) {
  if (going && Date.now() - going < 1500 && places[e.code]) {
    going = 0;
    cmd.run(`go_${places[e.code]}`);
    return true;
  }
  going = 0;
  if (e.key === '?') { cmd.run('keys'); return true; }
  if (e.key === '/' || (e.code === 'Slash' && !e.shiftKey)) { cmd.ui.bar(); return true; }
  if (e.shiftKey && e.code === 'KeyJ') { cmd.ui.step(1, true); return true; }
  if (e.shiftKey) {
    if (shifted[e.code]) cmd.run(shifted[e.code]);
    return Boolean(shifted[e.code]);
  }
  if (e.code === 'KeyG') { going = Date.now(); return true; }
  if (e.code === 'Enter' || e.code === 'KeyO') return enter(e, open);
  const name = single[e.code];
  if (name) cmd.run(name, undefined, true);
  return Boolean(name);
}

/** Opens the card with the focus, else goes into the open conversation. @param {KeyboardEvent} e @param {(id: string) => void} open */
function enter(e, open) {
  const card = focusedCard();
  if (card && card !== store.current) { open(card); return true; }
  const t = /** @type {HTMLElement} */ (e.target);
  if (e.code === 'Enter' && !card && t.matches?.('button, a[href], [role="tab"], summary')) return false;
  if (!store.current) return false;
  focusTimeline();
  return true;
}

/** @param {KeyboardEvent} e */
function escape(e) {
  if (closeTop()) return true;
  if (typing(e)) {
    focusTimeline();
    return true;
  }
  focusList();
  return true;
}
