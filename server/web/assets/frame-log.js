// @ts-check
// The rows of the chat. Who speaks is never in doubt: the assistant has a
// violet edge and its word, a person a face and a name, the customer the other side.

import { appendText, clock, personName, pieces } from './text.js';

/** @typedef {{payload: string, label: string, description?: string}} Option */
/** @typedef {{scroll: HTMLElement, list: HTMLElement, replies: HTMLElement, hint: HTMLElement, onTap: (seq: number, option: Option, byKey: boolean) => void}} Parts */

/** @param {string} tag @param {string} cls @param {...(Node|string)} kids */
function el(tag, cls, ...kids) {
  const e = document.createElement(tag);
  if (cls) e.className = cls;
  e.append(...kids);
  return e;
}

/** @param {string} name @param {number} size */
function icon(name, size) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  for (const [k, v] of Object.entries({ width: size, height: size, 'aria-hidden': 'true' })) svg.setAttribute(k, String(v));
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

export class Log {
  /** @param {Parts} parts */
  constructor(parts) {
    this.p = parts;
    this.last = 0;
    this.live = false;
    this.here = '';
    this.pinned = true;
    /** @type {Map<string, HTMLElement>} by id of the message */
    this.rows = new Map();
    /** @type {Map<string, HTMLElement>} own rows by client id, not yet echoed */
    this.own = new Map();
    /** @type {{seq: number, options: Option[]}|null} */
    this.question = null;
    this.waitCard = /** @type {HTMLElement|null} */ (null);
    parts.list.setAttribute('aria-live', 'off');
    parts.scroll.addEventListener('scroll', () => {
      const s = parts.scroll;
      this.pinned = s.scrollHeight - s.scrollTop - s.clientHeight < 40;
    }, { passive: true });
    // A phone's keyboard, or another width: who was at the end stays there.
    const size = new ResizeObserver(() => this.toEnd());
    size.observe(parts.scroll);
    size.observe(parts.list);
    parts.replies.addEventListener('keydown', (e) => this.walk(e));
  }

  /** History is in; from now on what comes is news, and is read out. */
  settle() {
    if (this.live) return;
    this.live = true;
    this.p.list.setAttribute('aria-live', 'polite');
    this.toEnd(true);
  }

  clear() {
    this.p.list.replaceChildren();
    this.rows.clear();
    this.own.clear();
    this.last = 0;
    this.live = false;
    this.here = '';
    this.waitCard = null;
    this.p.list.setAttribute('aria-live', 'off');
    this.offer(null);
  }

  /** @param {boolean} [always] */
  toEnd(always) {
    const s = this.p.scroll;
    if (!always && !this.pinned) return;
    this.pinned = true;
    s.scrollTop = s.scrollHeight;
  }

  /** Places a row by its seq; rows without one stay at the end. @param {HTMLElement} row @param {number} seq */
  place(row, seq) {
    row.dataset.seq = String(seq || '');
    let before = null;
    for (let r = /** @type {HTMLElement|null} */ (this.p.list.lastElementChild); r; r = /** @type {HTMLElement|null} */ (r.previousElementSibling)) {
      if (r === row) continue;
      const at = Number(r.dataset.seq);
      if (at && seq && at < seq) break;
      if (!at && !seq) break;
      before = r;
    }
    if (row.parentElement !== this.p.list || row.nextElementSibling !== before) this.p.list.insertBefore(row, before);
  }

  /** @param {any} m */
  message(m) {
    const id = String(m.id ?? `seq-${m.seq}`);
    const seq = Number(m.seq) || 0;
    if (this.rows.has(id)) return;
    const role = m.author?.role;
    if (seq > this.last) this.last = seq;
    if (role === 'customer') return this.echo(id, seq, m);
    const row = role === 'bot' ? this.bot(m) : role === 'agent' ? this.agent(m) : el('li', 'w-sys', String(m.text ?? ''));
    this.rows.set(id, row);
    this.place(row, seq);
    if (Array.isArray(m.options) && m.options.length && !m.options_off) this.offer({ seq, options: m.options });
    else if (role === 'bot' || role === 'agent') this.question && seq > this.question.seq && role === 'agent' && this.offer(null);
    this.toEnd(!this.live);
  }

  /** An own message as the server has it: takes the place of the one shown at once. @param {string} id @param {number} seq @param {any} m */
  echo(id, seq, m) {
    const tapped = Boolean(m.tapped ?? m.tap ?? m.option ?? (m.kind === 'tap'));
    let row = m.client_id ? this.own.get(m.client_id) : undefined;
    if (!row) row = [...this.own.values()].find((r) => r.dataset.words === String(m.text ?? '') && !r.dataset.seq);
    if (row) this.own.delete(String(row.dataset.client));
    else row = this.mineRow({ text: String(m.text ?? ''), at: m.at, tapped, media: m.media });
    this.rows.set(id, row);
    this.tick(row);
    this.place(row, seq);
    if (this.question && seq > this.question.seq) this.offer(null);
    this.toEnd(!this.live);
  }

  /** Shows an own message before the server has it. @param {{client_id: string, text: string, tapped: boolean}} m */
  mine(m) {
    this.settle();
    this.offerLater = this.question;
    this.offer(null);
    const row = this.mineRow({ text: m.text, at: new Date().toISOString(), tapped: m.tapped });
    row.dataset.client = m.client_id;
    row.dataset.words = m.text;
    row.classList.add('pending');
    this.own.set(m.client_id, row);
    this.place(row, 0);
    this.toEnd(true);
    return row;
  }

  /** @param {{text: string, at: string, tapped?: boolean, media?: any[]}} m */
  mineRow(m) {
    const words = el('p', '');
    words.dir = 'auto';
    appendText(words, m.text);
    const meta = el('span', 'w-meta');
    if (m.tapped) meta.append(el('span', '', 'tapped ·'));
    meta.append(el('time', '', clock(m.at)));
    const row = el('li', 'w-me', el('span', 'vh', 'You: '));
    if (m.text) row.append(words);
    row.append(...attachments(m.media), meta);
    return row;
  }

  /** @param {HTMLElement} row */
  tick(row) {
    row.classList.remove('pending');
    const meta = row.querySelector('.w-meta');
    if (meta && !meta.querySelector('svg')) meta.append(icon('tick', 14), el('span', 'vh', 'delivered'));
  }

  /** @param {HTMLElement} row @param {any} answer */
  stored(row, answer) {
    if (!row.isConnected) return;
    this.tick(row);
    const id = String(answer?.id ?? '');
    if (id && this.rows.has(id) && this.rows.get(id) !== row) {
      // The stream was faster and drew it already.
      this.own.delete(String(row.dataset.client));
      row.remove();
      return;
    }
    if (!id) return;
    this.rows.set(id, row);
    this.own.delete(String(row.dataset.client));
    const seq = Number(answer.seq) || 0;
    if (seq) this.place(row, seq);
    if (this.question && seq > this.question.seq) this.offer(null);
  }

  /** @param {HTMLElement} row */
  drop(row) {
    this.own.delete(String(row.dataset.client));
    row.remove();
  }

  offerAgain() {
    if (this.offerLater && !this.question) this.offer(this.offerLater);
  }

  /** @param {any} m */
  bot(m) {
    const words = el('p', '');
    words.dir = 'auto';
    appendText(words, String(m.text ?? ''));
    return el('li', 'w-bot', el('div', 'w-name', 'Assistant ', el('time', '', clock(m.at))), words, ...attachments(m.media), ...links(m.links));
  }

  /** @param {any} m */
  agent(m) {
    const name = personName(m.author?.name || 'A person');
    const face = el('span', 'w-face', initials(name));
    face.setAttribute('aria-hidden', 'true');
    const words = el('p', 'b');
    words.dir = 'auto';
    appendText(words, String(m.text ?? ''));
    return el('li', 'w-agent', face, el('div', 'n', el('bdi', '', name), el('span', '', ` · ${clock(m.at)}`)), words, ...attachments(m.media), ...links(m.links));
  }

  /** @param {any} u */
  update(u) {
    const row = this.rows.get(String(u.id));
    if (u.options_off && this.question && (!row || Number(row.dataset.seq) === this.question.seq)) this.offer(null);
    if (!row) return;
    const words = row.querySelector('p');
    if (u.removed && words) {
      words.replaceChildren('This message was removed.');
      words.classList.add('gone');
    } else if (typeof u.text === 'string' && words) {
      words.replaceChildren();
      appendText(words, u.text);
    }
  }

  /** @param {any} r */
  receipt(r) {
    for (const row of this.rows.values()) {
      if (!row.classList.contains('w-me') || Number(row.dataset.seq) > Number(r.seq)) continue;
      const said = row.querySelector('.w-meta .vh');
      if (said && r.state === 'read') said.textContent = 'read';
    }
  }

  /** @param {any} f */
  form(f) {
    if (typeof f.url !== 'string' || !/^\/forms\/[\w.-]+$/.test(f.url)) return;
    const a = /** @type {HTMLAnchorElement} */ (el('a', 'w-btn pri', 'Open form'));
    a.href = f.url;
    this.place(el('li', 'w-bot wide', el('div', 'w-card', el('h3', '', String(f.title ?? 'A short form')), el('p', '', `Works once, until ${clock(f.expires_at)}.`), el('div', 'w-row', a))), 0);
    this.toEnd();
  }

  /** The place in line, replaced as it changes. @param {{minutes: string, spot: string}|null} w */
  waiting(w) {
    this.waitCard?.remove();
    this.waitCard = null;
    if (!w) return;
    const title = el('h3', '', icon('clock', 18), 'Waiting for a person');
    const card = el('li', 'w-card', title);
    if (w.minutes || w.spot) card.append(el('div', 'w-big', w.minutes || w.spot));
    if (w.minutes && w.spot) card.append(el('p', '', `You are ${w.spot}. If this slips, we tell you before it does.`));
    card.append(el('p', '', 'You can close this chat. The answer waits here.'));
    this.waitCard = card;
    this.p.list.append(card);
    this.toEnd();
  }

  /** A person has come. @param {string} name @param {number} seq where it happened; 0 = now */
  arrived(name, seq) {
    if ((!this.live && !seq) || this.here === name) return;
    this.here = name;
    this.place(el('li', 'w-sys', icon('person', 16), el('span', '', el('bdi', '', personName(name)), ' is here. The assistant is silent now.')), seq || this.last + 0.5);
    this.toEnd();
  }

  /** Shows the quick replies of the question that waits, or takes them away. @param {{seq: number, options: Option[]}|null} q */
  offer(q) {
    this.question = q;
    this.p.replies.replaceChildren();
    this.p.replies.hidden = !q;
    this.p.hint.hidden = !q;
    q?.options.forEach((o, i) => {
      const words = el('span', '', el('b', '', String(o.label)));
      if (o.description) words.append(el('small', '', String(o.description)));
      const key = el('kbd', '', String(i + 1));
      key.setAttribute('aria-hidden', 'true');
      const b = /** @type {HTMLButtonElement} */ (el('button', 'w-opt', words, key));
      b.type = 'button';
      b.tabIndex = i ? -1 : 0;
      b.addEventListener('click', (e) => this.p.onTap(q.seq, o, e.detail === 0));
      this.p.replies.append(b);
    });
    if (q) this.toEnd(true);
  }

  /** Arrow keys move through the replies. @param {KeyboardEvent} e */
  walk(e) {
    const all = [...this.p.replies.querySelectorAll('button')];
    const at = all.indexOf(/** @type {any} */ (document.activeElement));
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[e.key];
    if (!step || at < 0) return;
    e.preventDefault();
    const next = all[(at + step + all.length) % all.length];
    for (const b of all) b.tabIndex = b === next ? 0 : -1;
    next.focus();
  }
}

/** @param {string} name */
function initials(name) {
  const words = name.split(/\s+/).filter(Boolean);
  return [words[0], words.length > 1 ? words[words.length - 1] : ''].map((w) => [...(w ?? '')][0] ?? '').join('').toUpperCase();
}

/** @param {any} list */
function attachments(list) {
  return (Array.isArray(list) ? list : []).map((m) => el('div', 'w-file', icon('file', 16), el('bdi', '', personName(m.name || m.kind || m.type || 'Attachment'))));
}

/** @param {any} list */
function links(list) {
  return (Array.isArray(list) ? list : []).flatMap((l) => {
    const safe = pieces(String(l.url ?? ''))[0]?.href;
    if (!safe) return [];
    const a = /** @type {HTMLAnchorElement} */ (el('a', 'w-btn', String(l.label ?? l.title ?? l.url)));
    a.href = safe;
    a.rel = 'noopener noreferrer nofollow';
    a.target = '_blank';
    return [a];
  });
}
