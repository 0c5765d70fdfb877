// @ts-check
// The side: what the assistant learnt, why the conversation is here, what was
// promised. Values stand beside what was typed, so that a misreading is seen.

import { button, byId, el, icon } from './dom.js';
import { call, conv } from './api.js';
import { toast } from './layer.js';
import { store } from './store.js';
import { appendText, clock, personName, plain } from './text.js';
import { cap, causeWords, howWords } from './words.js';

/** @typedef {import('./store.js').Detail} Detail */

let tab = 'case';
/** @type {import('./commands.js').Commands} */
let cmd;
/** @type {Map<string, {value: string, until: number}>} values shown for a while */
const revealed = new Map();
let painted = '';

/** @param {import('./commands.js').Commands} commands */
export function startSide(commands) {
  cmd = commands;
  store.on('current', () => { revealed.clear(); painted = ''; paint(); });
  store.on('detail', paint);
  store.on('messages', paint);
  paint();
}

function paint() {
  const side = byId('side');
  const d = store.details.get(store.current);
  if (!store.current) {
    side.replaceChildren();
    painted = '';
    return;
  }
  const notes = store.timeline(store.current).filter((m) => m.kind === 'note');
  const sig = JSON.stringify([d, tab, tab === 'notes' ? notes : notes.length, [...revealed]]);
  if (sig === painted) return;
  painted = sig;
  const scroll = side.querySelector('.side-body')?.scrollTop ?? 0;
  const hadFocus = side.contains(document.activeElement) ? document.activeElement?.textContent : null;
  const body = el('div', 'side-body');
  body.id = 'side-body';
  body.setAttribute('role', 'tabpanel');
  body.setAttribute('aria-labelledby', `tab-${tab}`);
  body.tabIndex = -1;
  if (!d) body.append(el('section', 'sheet', el('div', 'bone bone-name'), el('br'), el('div', 'bone bone-words')));
  else body.append(...(tab === 'case' ? caseSheets(d) : tab === 'person' ? personSheets(d) : noteSheets(notes)));
  side.replaceChildren(phoneHead(d), tabs(notes.length), body);
  body.scrollTop = scroll;
  if (hadFocus) [...side.querySelectorAll('button')].find((b) => b.textContent === hadFocus)?.focus();
}

/** @param {Detail|undefined} d */
function phoneHead(d) {
  const b = el('button', 'button button-plain button-icon', icon('left'));
  b.type = 'button';
  b.setAttribute('aria-label', 'Back to the conversation');
  b.addEventListener('click', () => cmd.run('side'));
  return el('div', 'phone-only', el('div', 'pane-head', b, el('h2', 'pane-title cut', el('bdi', '', personName(d?.contact.name || 'Case')))));
}

/** @param {number} notes */
function tabs(notes) {
  const bar = el('div', 'tabs');
  bar.setAttribute('role', 'tablist');
  bar.setAttribute('aria-label', 'Side');
  const names = [['case', 'Case'], ['person', 'Person'], ['notes', notes ? `Notes ${notes}` : 'Notes']];
  for (const [name, words] of names) {
    const b = el('button', 'tab', words);
    b.type = 'button';
    b.id = `tab-${name}`;
    b.setAttribute('role', 'tab');
    b.setAttribute('aria-selected', String(tab === name));
    b.setAttribute('aria-controls', 'side-body');
    b.tabIndex = tab === name ? 0 : -1;
    const go = (/** @type {string} */ to) => { tab = to; paint(); byId(`tab-${to}`)?.focus(); };
    b.addEventListener('click', () => go(name));
    b.addEventListener('keydown', (e) => {
      const stepBy = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
      if (stepBy) go(names[(names.findIndex((n) => n[0] === name) + stepBy + names.length) % names.length][0]);
    });
    bar.append(b);
  }
  const close = button('', () => cmd.run('side'), { icon: 'close', cls: 'button-plain button-icon mid-only push', label: 'Close the case' });
  bar.append(close);
  return bar;
}

/** @param {string} title @param {string} [meta] @param {...(Node|null|false)} kids */
function sheet(title, meta, ...kids) {
  const head = el('div', 'sheet-head', el('h2', title === 'Assistant' ? 'is-bot' : '', title));
  if (meta) head.append(el('span', 'meta', meta));
  return el('section', 'sheet', head, ...kids);
}

/** @param {string} label @param {Node|string} value @param {...(Node|string|null)} how */
function pair(label, value, ...how) {
  const words = how.filter((h) => h !== null && h !== '');
  return [el('dt', '', label), el('dd', '', el('div', 'pair-value', value), words.length ? el('div', 'pair-how', ...words.flatMap((w, i) => (i ? [' · ', w] : [w]))) : null)];
}

/** @param {Detail} d */
function caseSheets(d) {
  const p = d.packet;
  const out = [];
  if (p) out.push(handoff(d, p));
  else out.push(sheet(d.owner.kind === 'bot' ? 'So far' : 'Case', '', d.slots?.length || d.topic ? el('dl', 'pairs', ...(d.topic ? pair('Topic', plain(d.topic)) : []), ...slotPairs(d)) : el('p', 'quiet', 'Nothing was learnt yet.')));
  out.push(assistant(d, p));
  if (p?.history?.count) {
    const h = p.history;
    out.push(sheet('Earlier', `${h.count} ${h.count === 1 ? 'conversation' : 'conversations'}`, h.topic ? el('p', 'meta', [h.topic, dateWords(h.closed_at), h.csat ? `rated ${h.csat} of 5` : ''].filter(Boolean).join(' · ')) : null));
  }
  return out;
}

/** @param {string} [at] */
function dateWords(at) {
  const t = new Date(at ?? '');
  return Number.isNaN(t.getTime()) || t.getFullYear() < 2000 ? '' : t.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
}

/** @param {Detail} d @param {any} p */
function handoff(d, p) {
  const why = el('p', 'why');
  appendText(why, p.why || cap(causeWords(p.cause)));
  const list = el('dl', 'pairs');
  list.append(...pair('Cause', cap(causeWords(p.cause)), p.reason && p.reason !== 'person' ? plain(p.reason) : null));
  const topic = p.topic?.label || d.topic;
  if (topic) list.append(...pair('Topic', plain(topic), p.topic?.how ? howWords(p.topic.how) : null, p.topic?.matched && p.topic.how !== 'rule' ? `“${plain(p.topic.matched)}”` : null));
  list.append(...slotPairs(d));
  for (const said of d.promises?.length ? d.promises : p.promises ?? []) list.append(...promise(said));
  if (p.unanswered?.count) list.append(...pair('Unanswered', `${p.unanswered.count} ${p.unanswered.count === 1 ? 'message' : 'messages'}`, `since ${clock(p.unanswered.since)}`));
  const tries = triesWords(p.attempts ?? []);
  if (tries) list.append(...pair('Tries', tries));
  const e = p.entry;
  if (e && (e.ref || e.source || e.text)) list.append(...pair('Came by', plain([e.source, e.ref].filter(Boolean).join(' · ') || e.text), e.signed ? 'signed' : null, e.text ? `“${plain(e.text)}”` : null));
  if (p.identity?.status && p.identity.status !== 'none') list.append(...pair('Identity', cap(p.identity.status), p.identity.method || null));
  const place = p.why_queue ? el('p', 'meta mono-meta', p.why_queue) : null;
  const summary = p.summary ? el('p', 'summary') : null;
  if (summary) appendText(summary, p.summary);
  return sheet('Handoff', [p.priority && p.priority !== 'normal' ? cap(p.priority) : '', clock(p.created_at)].filter(Boolean).join(' · '), why, place, summary, list);
}

/** @param {any} said */
function promise(said) {
  const due = new Date(said.due_at ?? '');
  const dated = !Number.isNaN(due.getTime()) && due.getFullYear() > 2000;
  const kept = said.kept === true ? el('span', 'is-ok', icon('tick'), 'kept') : said.kept === false ? el('span', 'is-danger', icon('alert'), 'broken') : null;
  return pair('Said', `“${plain(said.said)}”`, kept, dated ? `due ${clock(said.due_at)}` : null);
}

/** @param {any[]} attempts */
function triesWords(attempts) {
  const by = new Map();
  for (const a of attempts) by.set(a.kind, (by.get(a.kind) ?? 0) + 1);
  const words = /** @type {Record<string, string>} */ ({ invalid: 'not valid', no_match: 'not understood', no_reply: 'without answer' });
  return [...by].map(([k, n]) => `${n} ${words[k] ?? k}`).join(', ');
}

/** @param {Detail} d */
function slotPairs(d) {
  return (d.slots?.length ? d.slots : d.packet?.slots ?? []).filter((/** @type {any} */ s) => s.name !== 'topic').flatMap((/** @type {any} */ s) => slot(d, s));
}

/** @param {Detail} d @param {any} s */
function slot(d, s) {
  const label = plain(s.label || s.name);
  if (s.secret) return pair(label, el('span', 'quiet', `given at ${clock(s.at)}`));
  const key = `${d.id} ${s.name}`;
  const full = s.value === undefined || s.value === null ? '' : typeof s.value === 'object' ? JSON.stringify(s.value) : String(s.value);
  const open = revealed.get(key);
  const masked = s.pii && !open;
  const shown = open ? open.value : masked ? mask(full) : full;
  const value = el('bdi', /\s\p{Ll}/u.test(shown) ? '' : 'mono', plain(shown || '–'));
  const act = s.pii && !open
    ? linkButton('Show', () => void reveal(d.id, s.name, full), `Show ${label}`)
    : full ? linkButton('Copy', () => void navigator.clipboard?.writeText(shown).then(() => toast('Copied')), `Copy ${label}`) : null;
  const box = el('span', 'pair-line', value, act);
  const status = s.status === 'verified' ? el('span', '', icon('shield', 'is-ok'), 'verified') : howWords(s.how) || s.status || null;
  const typed = s.raw && !masked && s.raw !== shown ? el('span', '', 'typed ', el('bdi', 'mono', plain(s.raw))) : null;
  return pair(label, box, status, typed, s.tries > 1 ? `${s.tries} tries` : null);
}

/** @param {string} words @param {() => void} act @param {string} label */
function linkButton(words, act, label) {
  const b = el('button', 'link', words);
  b.type = 'button';
  b.setAttribute('aria-label', label);
  b.addEventListener('click', act);
  return b;
}

/** Keeps the ends, as on a card. @param {string} v */
function mask(v) {
  if (v.includes('•')) return v;
  const r = [...v];
  return r.length < 5 ? '•'.repeat(r.length) : [...r.slice(0, 2), ...r.slice(2, -2).map((c) => (c === ' ' ? ' ' : '•')), ...r.slice(-2)].join('');
}

/** Shows a personal value for five minutes. @param {string} id @param {string} name @param {string} full */
async function reveal(id, name, full) {
  let value = full;
  if (!full || full.includes('•')) {
    try {
      value = String((await call('POST', `${conv(id)}/slots/${encodeURIComponent(name)}/reveal`)).value);
    } catch (err) {
      return void toast(/** @type {Error} */ (err).message, { bad: true });
    }
  }
  revealed.set(`${id} ${name}`, { value, until: Date.now() + 300_000 });
  setTimeout(() => { revealed.delete(`${id} ${name}`); paint(); }, 300_000);
  paint();
}

/** @param {Detail} d @param {any} p */
function assistant(d, p) {
  const kids = [];
  if (p?.path?.length) {
    const path = el('div', 'path');
    if (p.path_dropped) path.append(el('span', '', `${p.path_dropped} earlier`));
    p.path.forEach((/** @type {any} */ s, /** @type {number} */ i) => {
      // The flow is named where it begins and where it changes: Start of one is not Start of another.
      const flow = s.flow !== p.path[i - 1]?.flow ? el('span', 'path-flow', `${i || p.path_dropped ? '· ' : ''}${stateWords(s.flow)}:`) : null;
      const span = el('span', '', flow ?? icon('right'), stateWords(s.state));
      span.title = `${s.flow}.${s.state}${s.edge ? `, by ${s.edge}` : ''}, ${clock(s.at)}`;
      if (i === p.path.length - 1) span.setAttribute('aria-current', 'step');
      path.append(span);
    });
    kids.push(path);
  } else if (d.flow?.state) kids.push(el('div', 'path', el('span', '', plain(d.flow.flow)), el('span', '', icon('right'), stateWords(d.flow.state))));
  const next = p?.bot_would_ask;
  if (next) kids.push(el('p', 'would', el('span', 'meta', 'Would ask'), el('br'), plain(next.text || stateWords(next.state))));
  if (d.can?.includes('hand_back')) {
    const b = button('Hand back…', () => cmd.run('hand_back', b), { key: 'H', label: 'Hand back… choose where' });
    b.setAttribute('aria-haspopup', 'menu');
    b.setAttribute('aria-expanded', 'false');
    kids.push(el('div', 'sheet-buttons', b));
  }
  if (!kids.length) kids.push(el('p', 'quiet', 'It has not spoken here.'));
  return sheet('Assistant', p ? `stopped ${clock(p.created_at)}` : d.owner.kind === 'bot' ? 'answers now' : '', ...kids);
}

/** @param {string} s */
const stateWords = (s) => plain(cap(String(s ?? '').replaceAll('_', ' ')));

/** @param {Detail} d */
function personSheets(d) {
  const c = d.contact;
  const p = d.packet;
  const list = el('dl', 'pairs', ...pair('Name', el('bdi', '', personName(c.name || 'not known'))));
  if (c.handle) list.append(...pair('Handle', el('bdi', '', personName(c.handle))));
  list.append(...pair('Channel', personName(d.channel)));
  list.append(...pair('Identity', c.verified ? el('span', 'badge badge-ok', icon('shield'), 'Verified') : p?.identity?.status === 'claimed' ? 'Claimed' : 'Not verified'));
  if (p?.language?.code) list.append(...pair('Language', p.language.code, p.language.how || null));
  if (d.tags?.length) list.append(...pair('Tags', d.tags.map(plain).join(', ')));
  if (d.labels?.length) list.append(...pair('Labels', d.labels.map(plain).join(', ')));
  return [sheet('Person', '', list)];
}

/** @param {import('./store.js').Msg[]} notes */
function noteSheets(notes) {
  if (!notes.length) return [sheet('Notes', '', el('p', 'quiet', 'No notes yet. Only colleagues see them.'))];
  return notes.map((m) => {
    const words = el('p', 'note-words');
    words.dir = 'auto';
    appendText(words, m.text);
    return el('section', 'sheet sheet-note', el('div', 'sheet-head', el('h2', '', el('bdi', '', personName(m.author.id === store.me.id ? 'You' : m.author.name || 'Agent'))), el('span', 'meta', clock(m.at))), words);
  });
}
