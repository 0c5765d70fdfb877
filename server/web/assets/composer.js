// @ts-check
// The composer: private reply or note, each with its own colour and word.
// What is typed is kept until it is sent, whoever owns the conversation.

import { button, el, icon, shout } from './dom.js';
import { others, typing } from './presence.js';
import { store } from './store.js';
import { clock, personName } from './text.js';
import { ownerName, windowOf } from './words.js';

/** @type {Map<string, string>} drafts of this visit, by conversation and mode */
const drafts = new Map();

export class Composer {
  /** @param {string} id @param {import('./commands.js').Commands} cmd */
  constructor(id, cmd) {
    this.id = id;
    this.cmd = cmd;
    this.mode = 'private';
    this.shape = '';
    this.root = el('div', 'composer');
    this.text = el('textarea', 'box-text');
    this.text.rows = 2;
    this.text.maxLength = 10_000;
    this.text.spellcheck = true;
    this.text.addEventListener('input', () => { this.keep(); this.grow(); typing(); });
    this.text.addEventListener('keydown', (e) => this.keys(e));
    this.send = button('Send', () => this.submit(), { cls: 'button-main', key: '⏎' });
    this.hint = el('span', 'meta push box-count');
    this.there = el('span', 'meta push there');
    this.there.setAttribute('role', 'status');
  }

  /** Who else looks at it or writes. */
  paintThere() {
    const o = others(this.id);
    const first = (/** @type {string[]} */ names) => names.map((n) => personName(n).split(' ')[0]).join(' and ');
    const words = o.customer ? 'They are typing' : o.typing.length ? `${first(o.typing)} ${o.typing.length > 1 ? 'are' : 'is'} typing` : o.viewing.length ? `${first(o.viewing)} ${o.viewing.length > 1 ? 'are' : 'is'} viewing` : '';
    if (this.there.textContent !== words) this.there.textContent = words;
  }

  /** Is there anything that was typed and not sent? */
  drafted() { return Boolean(this.text.value.trim() || drafts.get(`${this.id} private`)?.trim()); }

  draftKey() { return `${this.id} ${this.mode}`; }
  keep() { drafts.set(this.draftKey(), this.text.value); }
  leave() { this.keep(); }

  /** @param {import('./store.js').Detail|undefined} d */
  paint(d) {
    const can = d?.can ?? [];
    const win = windowOf(d?.window);
    const closed = Boolean(win?.words.startsWith('Replies closed'));
    const reply = can.includes('reply') && !closed;
    const had = this.shape;
    if (!reply && this.mode === 'private' && had.startsWith('box')) this.lost(d);
    const shape = !d ? 'wait' : reply || this.mode === 'note' ? `box ${this.mode} ${reply}` : `closed ${closed} ${d.owner.kind} ${d.owner.id} ${d.status} ${can.join()} ${win?.words ?? ''}`;
    if (shape === had) return;
    this.shape = shape;
    const focused = this.root.contains(document.activeElement);
    if (shape.startsWith('box')) this.paintBox(reply, can);
    else this.paintShut(d, closed, win?.words ?? '');
    if (focused && shape.startsWith('box')) this.text.focus();
  }

  /** Ownership went to somebody else while this composer was open. @param {import('./store.js').Detail|undefined} d */
  lost(d) {
    this.keep();
    if (d && d.owner.kind === 'agent' && d.owner.id !== store.me.id) shout(`${ownerName(d.owner)} has this conversation now. Your draft is kept.`);
  }

  /** @param {boolean} reply @param {string[]} can */
  paintBox(reply, can) {
    const modes = el('div', 'modes');
    modes.setAttribute('role', 'radiogroup');
    modes.setAttribute('aria-label', 'Who can read it');
    const one = (/** @type {string} */ mode, /** @type {string} */ words, /** @type {string} */ pic) => {
      const b = el('button', `mode mode-${mode}`, icon(pic), words);
      b.type = 'button';
      b.setAttribute('role', 'radio');
      b.setAttribute('aria-checked', String(this.mode === mode));
      b.tabIndex = this.mode === mode ? 0 : -1;
      b.addEventListener('click', () => this.setMode(mode, true));
      b.addEventListener('keydown', (e) => {
        if (!e.key.startsWith('Arrow')) return;
        e.preventDefault();
        this.setMode(this.mode === 'note' && reply ? 'private' : 'note', false);
        (/** @type {HTMLElement|null} */ (this.root.querySelector('[role="radio"][aria-checked="true"]')))?.focus();
      });
      return b;
    };
    if (reply) modes.append(one('private', 'Private', 'lock'));
    if (can.includes('note') || this.mode === 'note') modes.append(one('note', 'Note', 'note'));
    const note = this.mode === 'note';
    const top = el('div', 'composer-top', modes, this.there);
    if (!reply) top.append(button('Close', () => this.setMode('private', false), { cls: 'button-plain button-small' }));
    this.text.setAttribute('aria-label', note ? 'Write a note' : 'Write a reply');
    this.text.placeholder = note ? 'Only colleagues see it' : 'Write a reply';
    this.text.value = drafts.get(this.draftKey()) ?? '';
    this.send = button(note ? 'Add note' : 'Send', () => this.submit(), { cls: 'button-main', key: '⏎' });
    this.root.replaceChildren(top, el('div', `box box-${this.mode}`, this.text, el('div', 'box-foot', this.hint, this.send)));
    this.grow();
  }

  /** @param {import('./store.js').Detail|undefined} d @param {boolean} closed @param {string} words */
  paintShut(d, closed, words) {
    if (!d) return void this.root.replaceChildren(el('div', 'readonly', el('p', '', el('span', 'bone bone-head'))));
    const can = d.can ?? [];
    const owner = personName(ownerName(d.owner));
    const since = d.packet?.created_at && d.owner.kind === 'queue' ? `since ${clock(d.packet.created_at)}` : '';
    const said = closed && can.includes('reply') ? [words, 'The channel allows no more replies now']
      : d.status === 'resolved' ? ['Resolved', 'A new message opens a new conversation']
      : d.owner.kind === 'queue' ? ['Nobody has it yet', [since, 'claim it to answer'].filter(Boolean).join(' · ')]
      : d.phase === 'lent' ? ['The assistant asks for you', 'it comes back to you when it is done']
      : d.owner.kind === 'bot' ? ['The assistant has this conversation', 'you can watch, write a note, or take over']
      : [`${owner} has this conversation`, 'you can write a note'];
    const kept = drafts.get(`${this.id} private`)?.trim();
    const p = el('p', '', el('strong', '', said[0]), el('br'), el('span', 'meta', kept ? 'your draft is kept' : said[1]));
    const box = el('div', 'readonly', p);
    if (kept) box.append(button('Copy draft', () => void navigator.clipboard?.writeText(kept)));
    if (can.includes('note')) box.append(button('Note', () => this.setMode('note', true), { key: 'N' }));
    if (can.includes('claim')) box.append(button('Claim', () => this.cmd.run('claim'), { key: 'C', label: 'Claim to answer' }));
    else if (can.includes('lend_recall')) box.append(button('Take back', () => this.cmd.run('lend_recall'), { key: 'C' }));
    else if (can.includes('take_over')) box.append(button('Take over', () => this.cmd.run('take_over'), { key: 'C', label: 'Take over to answer' }));
    this.root.replaceChildren(el('div', 'there-line', this.there), box);
  }

  /** @param {string} mode @param {boolean} focus */
  setMode(mode, focus) {
    this.keep();
    this.mode = mode;
    this.shape = '';
    this.paint(store.details.get(this.id));
    if (focus && this.text.isConnected) this.text.focus();
  }

  focus() { if (this.text.isConnected) this.text.focus(); }

  /** Puts words into the composer without losing what is there. @param {string} words */
  put(words) {
    drafts.set(`${this.id} private`, [words, drafts.get(`${this.id} private`)].filter(Boolean).join('\n'));
    if (this.mode === 'private' && this.text.isConnected) {
      this.text.value = drafts.get(this.draftKey()) ?? '';
      this.grow();
      this.text.focus();
    } else {
      this.shape = '';
      this.paint(store.details.get(this.id));
    }
  }

  grow() {
    this.text.style.height = 'auto';
    this.text.style.height = `${Math.min(192, Math.max(56, this.text.scrollHeight))}px`;
    const n = [...this.text.value].length;
    this.hint.textContent = n > 500 ? `${n.toLocaleString('en-GB')} characters` : '';
  }

  /** @param {boolean} [resolve] */
  submit(resolve) {
    const words = this.text.value.trim();
    if (!words) return void this.text.focus();
    this.text.value = '';
    drafts.delete(this.draftKey());
    this.grow();
    this.text.focus();
    void this.cmd.send(this.id, words, this.mode, Boolean(resolve));
    if (this.mode === 'note') this.setMode('private', false);
  }

  /** @param {KeyboardEvent} e */
  keys(e) {
    if (e.key !== 'Enter' || e.isComposing || e.keyCode === 229) return;
    if (e.shiftKey && !(e.ctrlKey || e.metaKey)) return;
    e.preventDefault();
    this.submit((e.ctrlKey || e.metaKey) && e.shiftKey);
  }
}

window.addEventListener('beforeunload', (e) => {
  if ([...drafts.values()].some((d) => d.trim())) e.preventDefault();
});
