// @ts-check
// Rows of the timeline. Who is speaking is never in doubt: customer left and
// plain, assistant with a violet edge, people right and tinted, notes on yellow paper.

import { button, el, icon, unseen } from './dom.js';
import { store } from './store.js';
import { appendText, clock, personName } from './text.js';
import { dayWords, failWords, lineWords } from './words.js';

/** @typedef {import('./store.js').Msg} Msg */
/** @typedef {{retry: (m: Msg) => void, discard: (m: Msg) => void, edit: (m: Msg) => void, check: (m: Msg) => void, leave: (url: URL) => boolean, toggle: (m: Msg) => void, isOpen: (m: Msg) => boolean}} Acts */

const longText = 1200;

/** Shortens for display without cutting a character in two. @param {string} s */
function head(s) {
  const cut = s.slice(0, longText);
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}

/**
 * Fills an element with the words of a message; long ones wait for "show all".
 * @param {HTMLElement} p @param {Msg} m @param {Acts} acts
 */
function fill(p, m, acts) {
  p.dir = 'auto';
  const s = m.removed ? '' : String(m.text ?? '');
  if (m.removed) p.append(el('i', 'quiet', 'Removed by its author'));
  if (s.length <= longText || acts.isOpen(m)) appendText(p, s, acts.leave);
  else appendText(p, `${head(s)}…`, acts.leave);
  if (s.length > longText) p.append(' ', button(acts.isOpen(m) ? 'Show less' : `Show all ${s.length.toLocaleString('en-GB')} characters`, () => acts.toggle(m), { cls: 'link-button' }));
  if (m.edited) p.append(' ', el('span', 'meta', 'edited'));
  return p;
}

/** @param {Msg} m @param {Msg|undefined} before @param {Acts} acts @param {Msg[]} all @param {import('./store.js').Item|undefined} item */
export function row(m, before, acts, all, item) {
  if (m.kind === 'event' || m.author.kind === 'system') return line(m);
  if (m.kind === 'note') return note(m, acts);
  if (m.visibility === 'public') return pub(m, acts);
  switch (m.author.kind) {
    case 'customer': return them(m, before, acts, item);
    case 'agent': return us(m, acts);
    default: return bot(m, acts, all);
  }
}

/** @param {string} at */
export function day(at) {
  return el('li', 'day', dayWords(at));
}

/** @param {string} at */
function time(at, cls = 'row-time') {
  const t = el('time', cls, clock(at));
  t.dateTime = at;
  t.title = new Date(at).toLocaleString('en-GB');
  return t;
}

/** @param {Msg} m */
function line(m) {
  const opened = m.author.kind === 'customer' && !m.text;
  const w = m.event ? lineWords(m.event) : opened ? { who: 'Opened the chat', rest: '', icon: 'mine' } : { who: '', rest: m.text || 'Something happened', icon: 'swap' };
  const words = el('span', '', w.who ? el('b', '', personName(w.who)) : null, personName(w.rest));
  return el('li', 'line', el('span', 'line-words', icon(w.icon), words), time(m.at, ''));
}

/** @param {Msg} m @param {Acts} acts */
function note(m, acts) {
  const who = m.author.id === store.me.id ? 'You' : m.author.name || 'Agent';
  return el('li', 'row row-note', el('div', 'row-body', el('span', 'who', icon('note'), 'Note · ', el('bdi', '', personName(who))), fill(el('p', 'words'), m, acts)), stamp(m));
}

/** @param {Msg} m @param {Acts} acts */
function pub(m, acts) {
  const who = m.author.kind === 'customer' ? m.author.name || 'The customer' : m.author.name || 'We';
  return el('li', 'row row-public', el('div', 'row-body', el('span', 'who', icon('horn', 'is-info'), el('strong', '', 'Public'), el('bdi', 'quiet', personName(who))), fill(el('p', 'words'), m, acts), ...files(m)), time(m.at));
}

/** @param {Msg} m @param {Msg|undefined} before @param {Acts} acts @param {import('./store.js').Item|undefined} item */
function them(m, before, acts, item) {
  const follows = before?.author.kind === 'customer' && before.visibility !== 'public' && before.kind !== 'event';
  const body = el('div', 'row-body');
  if (!follows) body.append(el('span', 'who', el('bdi', '', personName(m.author.name || item?.contact.name || 'Customer'))));
  else body.append(unseen('Customer: '));
  const tapped = m.kind === 'tap' || m.tap;
  const p = el('p', tapped ? 'bubble bubble-tap' : 'bubble');
  if (tapped) {
    p.dir = 'auto';
    appendText(p, String(m.tap?.label || m.text).slice(0, 200), acts.leave);
    p.append(el('span', 'tap-mark', m.tap?.old ? 'tapped an earlier button' : m.tap?.forged ? 'not a button of ours' : 'tapped'));
  } else fill(p, m, acts);
  if (m.text || tapped || m.removed) body.append(p);
  body.append(...files(m));
  return el('li', follows ? 'row row-them row-follow' : 'row row-them', body, time(m.at));
}

/** @param {Msg} m @param {Acts} acts @param {Msg[]} all */
function bot(m, acts, all) {
  const gone = m.state === 'cancelled';
  const body = el('div', 'row-body', el('span', 'who', 'Assistant'), fill(el('p', 'words'), m, acts), ...files(m));
  if (m.options?.length) body.append(options(m, all));
  if (gone) body.append(el('span', 'after-words', icon('stop'), stopped(m, all)));
  if (m.state === 'failed') body.append(el('span', 'after-words is-danger', icon('alert'), `Not sent: ${failWords(m.state_reason)}`));
  if (m.state === 'unknown') body.append(el('span', 'after-words is-warn', icon('alert'), 'Not confirmed. It may have arrived.'));
  if (m.rule) body.title = m.rule;
  return el('li', gone ? 'row row-bot row-cancelled' : 'row row-bot', body, gone ? el('span', 'row-time') : time(m.at));
}

/** Why a message was stopped, in words. @param {Msg} m @param {Msg[]} all */
function stopped(m, all) {
  const at = all.indexOf(m);
  const taker = all.slice(at).find((x) => x.event && ['claim', 'take_over', 'takeover_agent', 'native_reply'].includes(x.event.edge)) ?? all.slice(0, at).reverse().find((x) => x.event && ['claim', 'take_over'].includes(x.event.edge));
  const reason = m.state_reason ?? '';
  if (reason && !/^[a-z_]+$/.test(reason)) return `Not sent, ${reason}`;
  if (taker) return `Not sent, ${taker.event.by === store.me.id ? 'you' : personName(taker.event.by_name || 'somebody')} took over`;
  return reason ? `Not sent, ${reason.replaceAll('_', ' ')}` : 'Not sent';
}

/** @param {Msg} m @param {Msg[]} all */
function options(m, all) {
  const tap = all.find((x) => x.tap && x.tap.seq === m.seq && !x.tap.forged);
  const list = el('ul', 'options');
  list.setAttribute('aria-label', 'Options offered');
  for (const o of m.options ?? []) {
    const taken = tap && (tap.tap.option === o.id || (!tap.tap.option && tap.tap.label === o.label));
    const li = el('li', taken ? 'option option-taken' : 'option');
    if (taken) li.append(icon('tick'));
    li.append(el('bdi', '', o.label));
    if (taken) li.append(unseen(', tapped'));
    list.append(li);
  }
  return list;
}

/** @param {Msg} m @param {Acts} acts */
function us(m, acts) {
  const mine = m.author.id === store.me.id || m.local;
  const body = el('div', 'row-body', mine ? unseen('You: ') : el('span', 'who', el('bdi', '', personName(m.author.name || 'Agent'))));
  const state = { pending: 'bubble-pending', sending: 'bubble-pending', held: 'bubble-pending', failed: 'bubble-failed', unsent: 'bubble-failed', unknown: 'bubble-unknown' }[m.state] ?? '';
  const p = fill(el('p', `bubble ${state}`.trim()), m, acts);
  body.append(p, ...files(m));
  if (m.state === 'cancelled') body.append(el('span', 'after-words', icon('stop'), `Not sent${m.state_reason ? `, ${m.state_reason.replaceAll('_', ' ')}` : ''}`));
  return el('li', m.state === 'cancelled' ? 'row row-us row-cancelled' : 'row row-us', body, stamp(m), trouble(m, acts));
}

/** Time with the tick of its state. @param {Msg} m */
function stamp(m) {
  const t = time(m.at);
  const tick = /** @type {Record<string, [string, string, string]>} */ ({
    pending: ['clock', '', 'sending'], sending: ['clock', '', 'sending'], sent: ['tick', 'is-ok', 'sent'], delivered: ['ticks', 'is-ok', 'delivered'], read: ['ticks', 'is-ok', 'read'],
  })[m.state];
  if (tick && (m.kind !== 'note' || m.state === 'pending')) t.prepend(icon(tick[0], tick[1]), unseen(tick[2]));
  return t;
}

/** What can be done about a message that did not go. @param {Msg} m @param {Acts} acts */
function trouble(m, acts) {
  const small = (/** @type {string} */ w, /** @type {() => void} */ f, cls = '') => button(w, f, { cls: `button-small ${cls}` });
  const box = (/** @type {string} */ cls, /** @type {string} */ pic, /** @type {string} */ words, /** @type {HTMLElement[]} */ ...acts) => el('div', 'trouble', el('span', `trouble-why ${cls}`, icon(pic), words), ...acts);
  switch (m.state) {
    case 'unsent': return box('is-danger', 'alert', `Not sent: ${m.why || 'no connection'}. Your text is kept.`, small('Retry', () => acts.retry(m)), small('Edit and resend', () => acts.edit(m)), small('Discard', () => acts.discard(m), 'button-plain'));
    case 'failed': return box('is-danger', 'alert', `Not sent: ${failWords(m.state_reason)}`, small('Retry', () => acts.retry(m)), small('Edit and resend', () => acts.edit(m)), small('Discard', () => acts.discard(m), 'button-plain'));
    case 'unknown': return box('is-warn', 'alert', 'The channel did not confirm. It may have arrived.', small('Check again', () => acts.check(m)), small('Send again', () => acts.retry(m)), small('Leave it', () => acts.discard(m), 'button-plain'));
    case 'held': return box('quiet', 'clock', `Waits${m.state_reason ? `: ${m.state_reason.replaceAll('_', ' ')}` : ''}`, small('Send now', () => acts.retry(m)), small('Discard', () => acts.discard(m), 'button-plain'));
    default: return null;
  }
}

/** Attachments by name: nothing a stranger sent is loaded by itself. @param {Msg} m */
function files(m) {
  return (m.media ?? []).map((a) => {
    const size = a.bytes ? ` · ${Math.max(1, Math.round(a.bytes / 1024)).toLocaleString('en-GB')} kB` : '';
    return el('span', 'file', icon(a.kind === 'image' ? 'image' : 'file'), el('bdi', 'cut', personName(a.name || a.alt || a.kind || 'Attachment')), el('span', 'meta', `${a.kind ?? 'file'}${size}`));
  });
}
