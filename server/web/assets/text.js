// @ts-check
// Text is text. Everything a stranger wrote reaches a page through this file:
// as text nodes and, where it names an http or https address, as a link whose
// real host can be read.

/** A UUID version 7: sortable by time, unique without asking anybody. */
export function uuid7() {
  const b = crypto.getRandomValues(new Uint8Array(16));
  const ms = Date.now();
  for (let i = 0; i < 6; i++) b[i] = Math.floor(ms / 2 ** (40 - 8 * i)) % 256;
  b[6] = (b[6] & 0x0f) | 0x70;
  b[8] = (b[8] & 0x3f) | 0x80;
  const hex = Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** @param {string|Date} at */
export function clock(at) {
  const d = new Date(at);
  return Number.isNaN(d.getTime()) ? '' : `${String(d.getHours()).padStart(2, '0')}:${String(d.getMinutes()).padStart(2, '0')}`;
}

const towers = /(\p{M}{8})\p{M}+/gu;
const address = /https?:\/\/[^\s<>"'`{}|\\^\u0000-\u001f\u200b-\u200f\u202a-\u202e\u2066-\u2069]+/giu;
const unseen = /[\u00ad\u180e\u200b\u2060-\u2064\ufeff]/gu;
const controls = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Cuts towers of combining marks for display; the stored text is unchanged. @param {string} s */
export const plain = (s) => String(s ?? '').replace(towers, '$1');

/**
 * A name on one line: bidi controls become visible, for a name that turns the
 * words around it is a lie.
 * @param {string} s
 */
export function personName(s) {
  return plain(s).replace(controls, (c) => `[U+${c.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`).replace(/[\r\n\u0000]+/g, ' ');
}

/** @typedef {{text: string, href?: string, host?: string}} Piece */

/**
 * Splits text into plain pieces and links. Only http and https are links, and
 * only with a host that the browser accepts.
 * @param {string} s
 * @returns {Piece[]}
 */
export function pieces(s) {
  /** @type {Piece[]} */
  const out = [];
  let from = 0;
  for (const m of s.matchAll(address)) {
    const raw = trimEnd(m[0]);
    let url;
    try { url = new URL(raw); } catch { continue; }
    if ((url.protocol !== 'http:' && url.protocol !== 'https:') || !url.hostname) continue;
    if (m.index > from) out.push({ text: s.slice(from, m.index) });
    out.push({ text: raw, href: url.href, host: url.host });
    from = m.index + raw.length;
  }
  if (from < s.length) out.push({ text: s.slice(from) });
  return out;
}

/** Leaves closing punctuation outside a link. @param {string} raw */
function trimEnd(raw) {
  let out = raw.replace(/[.,;:!?…]+$/u, '');
  while (/[)\]]$/.test(out)) {
    const open = out.endsWith(')') ? '(' : '[';
    const close = out.slice(-1);
    if (out.split(open).length > out.split(close).length - 1) break;
    out = out.slice(0, -1);
  }
  return out;
}

/** Does the link show the host it leads to? @param {Piece} p */
const honest = (p) => p.text.toLowerCase().startsWith(`https://${p.host}`) || p.text.toLowerCase().startsWith(`http://${p.host}`);

/**
 * Appends text to an element: text nodes and safe links only.
 * @param {Node} parent @param {string} text
 * @param {(url: URL) => boolean} [ask] called on a click; false keeps the page
 */
export function appendText(parent, text, ask) {
  for (const p of pieces(plain(text))) {
    if (!p.href) {
      appendVisible(parent, p.text);
      continue;
    }
    const a = document.createElement('a');
    a.href = p.href;
    a.rel = 'noopener noreferrer nofollow';
    a.target = '_blank';
    a.className = 'out';
    a.textContent = p.text;
    if (ask) a.addEventListener('click', (e) => { if (!ask(new URL(a.href))) e.preventDefault(); });
    parent.appendChild(a);
    if (!honest(p)) parent.appendChild(document.createTextNode(` (${p.host})`));
  }
}

/** Marks characters without width, so that they can be seen on hover. @param {Node} parent @param {string} text */
function appendVisible(parent, text) {
  let from = 0;
  for (const m of text.matchAll(unseen)) {
    if (m.index > from) parent.appendChild(document.createTextNode(text.slice(from, m.index)));
    const span = document.createElement('span');
    span.className = 'zero';
    span.title = `U+${m[0].codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}, no width`;
    span.textContent = m[0];
    parent.appendChild(span);
    from = m.index + m[0].length;
  }
  if (from < text.length) parent.appendChild(document.createTextNode(text.slice(from)));
}

/**
 * A key that did something writes nothing. Browsers keep to that by themselves;
 * remote controls and some input methods send the letter separately, and it
 * would land in the field that the key has just opened.
 */
export function keysWriteNothing() {
  let done = false;
  document.addEventListener('keydown', () => { done = false; }, true);
  window.addEventListener('keydown', (e) => { done = e.defaultPrevented; });
  document.addEventListener('keyup', () => { done = false; }, true);
  document.addEventListener('keypress', (e) => { if (done) e.preventDefault(); }, true);
}
