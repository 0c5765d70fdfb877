// @ts-check
// The command bar and the table of keys. Focus stays in the field while the
// choice moves; every row shows its key.

import { el, icon } from './dom.js';
import { openLayer } from './layer.js';
import { store } from './store.js';
import { personName, plain } from './text.js';

/** @typedef {{words: string, icon: string, keys?: string, hint?: string, group: string, run: () => void}} Row */

/** @param {import('./commands.js').Commands} cmd @param {(id: string) => void} open */
export function commandBar(cmd, open) {
  const input = el('input');
  input.type = 'text';
  input.autocomplete = 'off';
  input.dataset.first = '';
  for (const [k, v] of Object.entries({ role: 'combobox', 'aria-expanded': 'true', 'aria-controls': 'commands', 'aria-label': 'Type a command or a name', placeholder: 'Type a command or a name' })) input.setAttribute(k, v);
  const list = el('div', 'command-list');
  list.id = 'commands';
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', 'Results');
  const total = el('span', 'push');
  const box = el('div', 'layer command', el('div', 'command-field', icon('search'), input, el('span', 'cap', 'Esc')), list, el('div', 'command-foot', el('span', '', '↑↓ choose'), el('span', '', '⏎ run'), total));
  box.setAttribute('role', 'dialog');
  box.setAttribute('aria-modal', 'true');
  box.setAttribute('aria-label', 'Commands');
  /** @type {{row: Row, el: HTMLElement}[]} */
  let found = [];
  let at = 0;
  const choose = (/** @type {number} */ n) => {
    at = found.length ? (n + found.length) % found.length : 0;
    found.forEach((f, i) => f.el.setAttribute('aria-selected', String(i === at)));
    const now = found[at]?.el;
    if (now) { input.setAttribute('aria-activedescendant', now.id); now.scrollIntoView({ block: 'nearest' }); }
    else input.removeAttribute('aria-activedescendant');
  };
  const run = (/** @type {number} */ n) => { const f = found[n]; if (f) { close(); f.row.run(); } };
  const paint = () => {
    found = [];
    list.replaceChildren();
    let group = '';
    for (const row of match(cmd, open, input.value.trim())) {
      if (row.group !== group) list.append(el('div', 'command-group', row.group));
      group = row.group;
      const line = rowOf(row, input.value.trim(), found.length);
      const n = found.length;
      line.addEventListener('click', () => run(n));
      line.addEventListener('mousemove', () => { if (at !== n) choose(n); });
      found.push({ row, el: line });
      list.append(line);
    }
    if (!found.length) list.append(el('div', 'command-group', 'Nothing by that name'));
    total.textContent = `${found.length} ${found.length === 1 ? 'result' : 'results'}`;
    choose(0);
  };
  input.addEventListener('input', paint);
  input.addEventListener('keydown', (e) => {
    const stepBy = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (stepBy) { e.preventDefault(); choose(at + stepBy); }
    if (e.key === 'Enter' && !e.isComposing) { e.preventDefault(); run(at); }
  });
  const close = openLayer(box);
  paint();
}

/** @param {import('./commands.js').Commands} cmd @param {(id: string) => void} open @param {string} q @returns {Row[]} */
function match(cmd, open, q) {
  const needle = q.toLowerCase();
  const d = store.details.get(store.current);
  const here = d ? [...cmd.offered(d), ...['resolve_next', 'reply', 'note'].filter((n) => d.can?.includes(cmd.table[n].can ?? ''))] : [];
  const rest = ['undo', 'take_next', 'next', 'previous', 'go_mine', 'go_unassigned', 'go_all', 'go_waiting', 'go_assistant', 'side', 'keys'];
  const rows = (/** @type {string[]} */ names, /** @type {string} */ group) => names.map((n) => ({ words: cmd.table[n].words, icon: cmd.table[n].icon, keys: cmd.table[n].key, group, run: () => cmd.run(n) }));
  const people = (store.all.length ? store.all : store.items)
    .filter((i) => !needle || [i.contact.name, i.contact.handle, i.headline_slot, i.topic, i.last?.preview].some((s) => String(s ?? '').toLowerCase().includes(needle)))
    .slice(0, needle ? 8 : 5)
    .map((i) => ({ words: personName(i.contact.name || i.contact.handle || 'Someone'), icon: 'canned', hint: plain([i.topic, i.headline_slot].filter(Boolean).join(' · ')), group: 'Conversations', run: () => open(i.id) }));
  const fits = (/** @type {Row} */ r) => !needle || r.words.toLowerCase().includes(needle);
  return [...rows(here, 'This conversation').filter(fits), ...people, ...rows(rest, 'Everywhere').filter(fits)];
}

/** @param {Row} r @param {string} q @param {number} n */
function rowOf(r, q, n) {
  const words = el('span', 'cut');
  const at = q ? r.words.toLowerCase().indexOf(q.toLowerCase()) : -1;
  if (at < 0) words.append(el('bdi', '', r.words));
  else words.append(r.words.slice(0, at), el('b', '', r.words.slice(at, at + q.length)), r.words.slice(at + q.length));
  const line = el('div', 'command-row', icon(r.icon), words);
  if (r.hint) line.append(el('span', 'meta cut', r.hint));
  if (r.keys) line.append(el('span', 'command-keys', ...r.keys.split(/ |(?<=⇧)/).map((k) => el('span', 'cap', k))));
  line.id = `command-${n}`;
  line.setAttribute('role', 'option');
  return line;
}

const keys = /** @type {[string, string, string][]} */ ([
  ['J / K', 'Alt+J / Alt+K', 'next, previous conversation'], ['⇧ J', 'Alt+⇧+J', 'next one of mine that waits on us'], ['Enter, O', '', 'open; focus the timeline'],
  ['G then M U A W B', '', 'go to Mine, Unassigned, All, Waiting on us, With the assistant'], ['C', 'Alt+Y', 'claim, or take over'], ['⇧ C', '', 'take next from my queues'],
  ['R', 'Alt+L', 'reply'], ['N', 'Alt+P', 'note'], ['E', 'Alt+E', 'resolve'], ['⇧ E', 'Alt+⇧+E', 'resolve and next'], ['U', 'Alt+U', 'undo'], ['H', 'Alt+H', 'hand back to the assistant'],
  ['I', 'Alt+O', 'case on or off'], ['/', '', 'search'], ['Ctrl K', '', 'all commands'], ['?', '', 'this table'], ['Esc', '', 'close, leave the field, back to the list'],
  ['Enter, ⇧ Enter', '', 'in the composer: send, new line'], ['Ctrl ⇧ Enter', '', 'in the composer: send and resolve'],
]);

/** The table of all keys. */
export function keyTable() {
  const body = el('tbody');
  for (const [k, alt, words] of keys) body.append(el('tr', '', el('td', '', el('span', 'cap', k)), el('td', 'meta', alt), el('td', '', words)));
  const head = el('tr', '', ...['Key', 'While typing', 'Does'].map((w) => { const th = el('th', '', w); th.scope = 'col'; return th; }));
  const title = el('h2', '', 'Keys');
  title.id = 'keys-title';
  const shut = el('button', 'button button-plain button-icon push', icon('close'));
  shut.type = 'button';
  shut.setAttribute('aria-label', 'Close');
  const box = el('div', 'layer keytable', el('div', 'keytable-head', title, shut), el('div', 'keytable-body', el('table', '', el('thead', '', head), body)), el('p', 'meta', 'Single keys rest while a text field has the focus.'));
  box.setAttribute('role', 'dialog');
  box.setAttribute('aria-modal', 'true');
  box.setAttribute('aria-labelledby', 'keys-title');
  const close = openLayer(box);
  shut.addEventListener('click', close);
}

