// @ts-check
// The only ways in which the console makes elements: text becomes text nodes,
// attributes come from our own code, pictures from the page's own sprite.

/** @typedef {Node|string|null|undefined|false} Kid */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {string} [cls] @param {...Kid} kids
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, cls, ...kids) {
  const e = document.createElement(tag);
  if (cls) e.className = cls;
  for (const k of kids) if (k || k === '') e.append(/** @type {Node|string} */ (k));
  return e;
}

const svgNS = 'http://www.w3.org/2000/svg';

/** A picture of the sprite. @param {string} name @param {string} [cls] */
export function icon(name, cls = '') {
  const svg = document.createElementNS(svgNS, 'svg');
  svg.setAttribute('class', `icon ${cls}`.trim());
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(svgNS, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Words for readers only. @param {string} words */
export const unseen = (words) => el('span', 'unseen', words);

/**
 * A button: its name is its words; the key stands in it and is no part of the name.
 * @param {string} words @param {() => void} act
 * @param {{cls?: string, key?: string, icon?: string, label?: string}} [how]
 */
export function button(words, act, how = {}) {
  const b = el('button', `button ${how.cls ?? ''}`.trim());
  b.type = 'button';
  if (how.icon) b.append(icon(how.icon));
  if (words) b.append(words);
  if (how.key) {
    const k = el('kbd', '', how.key);
    k.setAttribute('aria-hidden', 'true');
    b.append(k);
  }
  if (how.label) b.setAttribute('aria-label', how.label);
  b.addEventListener('click', act);
  return b;
}

/** @param {string} id */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

let said = 0;
/** Tells readers something, at most every two seconds. @param {string} words */
export function say(words) {
  const wait = Math.max(0, said + 2000 - Date.now());
  said = Date.now() + wait;
  setTimeout(() => { byId('say').textContent = words; }, wait);
}

/** Tells readers at once: something was taken from them. @param {string} words */
export function shout(words) {
  byId('shout').textContent = words;
}

/** Initials of a person. @param {string} name */
export function initials(name) {
  const words = String(name).split(/\s+/).filter(Boolean);
  const pick = words.length > 1 ? [words[0], words[words.length - 1]] : words.slice(0, 1);
  return pick.map((w) => [...w][0] ?? '').join('').toUpperCase();
}
