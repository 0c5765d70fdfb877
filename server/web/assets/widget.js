// @ts-check
// The loader a shop puts on its page: one button, one frame. The frame holds
// the session and every message; this script only opens, closes and counts.
(() => {
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const home = new URL(script.src).origin;
  const set = script.dataset;
  const channel = set.channel || 'web';
  const base = `${home}/channels/${encodeURIComponent(channel)}/web`;
  const seenBefore = `dispatcher.${channel}.used`;
  const phone = matchMedia('(max-width: 719.98px)');
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const side = set.position === 'left' ? 'left' : 'right';
  const color = /^#[0-9a-f]{6}$/i.test(set.color || '') ? String(set.color) : '';

  /** @type {HTMLIFrameElement|null} */
  let frame = null;
  let ready = false;
  let open = false;
  let unread = 0;
  let sentence = 'Chat with us';
  let quiet = false;

  /** @param {HTMLElement} el @param {Record<string, string>} rules */
  const style = (el, rules) => {
    for (const [name, value] of Object.entries(rules)) el.style.setProperty(name, value, 'important');
  };

  const button = document.createElement('button');
  button.type = 'button';
  button.setAttribute('aria-expanded', 'false');
  button.setAttribute('aria-haspopup', 'dialog');
  button.addEventListener('click', () => show());

  const words = document.createElement('span');
  const badge = document.createElement('span');
  const picture = drawing();
  button.append(picture, words, badge);

  function drawing() {
    const ns = 'http://www.w3.org/2000/svg';
    const svg = document.createElementNS(ns, 'svg');
    for (const [k, v] of Object.entries({ viewBox: '0 0 20 20', width: '20', height: '20', fill: 'none', stroke: 'currentColor', 'stroke-width': '1.6', 'stroke-linecap': 'round', 'stroke-linejoin': 'round', 'aria-hidden': 'true' })) svg.setAttribute(k, v);
    const path = document.createElementNS(ns, 'path');
    path.setAttribute('d', 'M3.5 5.5a2 2 0 0 1 2-2h9a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H9l-3.7 3v-3a2 2 0 0 1-1.8-2zM7 7.3h6M7 10h4');
    svg.append(path);
    return svg;
  }

  function paint() {
    const night = dark.matches;
    const back = quiet ? (night ? '#181F27' : '#FFFFFF') : color || (night ? '#5BC7BD' : '#0A6B69');
    const front = quiet ? (night ? '#E7ECF2' : '#1A2330') : color ? onto(color) : night ? '#0B1F1E' : '#FFFFFF';
    style(button, {
      all: 'initial', position: 'fixed', 'z-index': '2147483000', [side]: '24px', bottom: '24px', display: open || set.open === 'none' ? 'none' : 'inline-flex',
      'align-items': 'center', gap: '10px', 'min-height': '48px', 'max-width': 'calc(100vw - 48px)', 'box-sizing': 'border-box', padding: '0 16px 0 14px', 'border-radius': '24px',
      background: back, color: front, font: '600 14px/20px system-ui, sans-serif', cursor: 'pointer',
      'box-shadow': '0 0 0 1px rgb(26 35 48 / .08), 0 16px 48px rgb(26 35 48 / .18)',
    });
    if (document.activeElement === button) style(button, { outline: '2px solid ' + (night ? '#7FB9F6' : '#1B5FA6'), 'outline-offset': '2px' });
    words.textContent = unread ? (unread === 1 ? 'New answer' : 'New answers') : sentence;
    badge.textContent = unread ? String(unread) : '';
    style(badge, { display: unread ? 'inline-grid' : 'none', 'place-items': 'center', 'min-width': '20px', height: '20px', padding: '0 6px', 'box-sizing': 'border-box', 'border-radius': '10px', background: front, color: back, font: '600 12px/20px system-ui, sans-serif' });
    if (frame) place(frame);
  }

  /** Black or white, whichever reads better on a colour the shop chose. @param {string} hex */
  function onto(hex) {
    const [r, g, b] = [1, 3, 5].map((i) => {
      const c = parseInt(hex.slice(i, i + 2), 16) / 255;
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000000' : '#FFFFFF';
  }

  /** @param {HTMLIFrameElement} el */
  function place(el) {
    const full = phone.matches;
    style(el, {
      position: 'fixed', 'z-index': '2147483001', display: open ? 'block' : 'none', border: '0', 'color-scheme': 'normal', background: dark.matches ? '#181F27' : '#FFFFFF',
      left: full ? '0' : side === 'left' ? '24px' : 'auto', right: full ? '0' : side === 'right' ? '24px' : 'auto', top: full ? '0' : 'auto', bottom: full ? '0' : '24px',
      width: full ? '100%' : '360px', height: full ? '100dvh' : 'min(560px, calc(100vh - 48px))', 'max-width': 'none', 'max-height': 'none',
      'border-radius': full ? '0' : '12px', 'box-shadow': full ? 'none' : dark.matches ? '0 0 0 1px rgb(255 255 255 / .16), 0 16px 48px rgb(0 0 0 / .5)' : '0 0 0 1px rgb(26 35 48 / .08), 0 16px 48px rgb(26 35 48 / .18)',
    });
    if (open && full) document.documentElement.style.setProperty('overflow', 'hidden');
    else document.documentElement.style.removeProperty('overflow');
  }

  function build() {
    if (frame) return;
    frame = document.createElement('iframe');
    frame.title = 'Chat';
    frame.allow = 'clipboard-write';
    frame.addEventListener('load', () => {
      ready = true;
      tell(open ? 'open' : 'hello');
    });
    frame.src = `${base}/frame`;
    place(frame);
    document.body.append(frame);
  }

  /** @param {string} type */
  function tell(type) {
    if (!ready || !frame?.contentWindow) return;
    const about = { entry: set.entry, prefill: set.prefill, identity: set.identity, locale: set.locale || document.documentElement.lang, page: location.href };
    frame.contentWindow.postMessage({ dispatcher: type, about: type === 'open' ? about : undefined }, home);
  }

  function show() {
    open = true;
    unread = 0;
    try { localStorage.setItem(seenBefore, '1'); } catch { /* the button works without memory */ }
    build();
    paint();
    button.setAttribute('aria-expanded', 'true');
    tell('open');
    frame?.focus();
  }

  function hide() {
    if (!open) return;
    open = false;
    paint();
    button.setAttribute('aria-expanded', 'false');
    tell('close');
    button.focus();
  }

  window.addEventListener('message', (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== home) return;
    const said = event.data && event.data.dispatcher;
    if (said === 'close') hide();
    if (said === 'unread' && Number.isInteger(event.data.count) && !open) {
      unread = event.data.count;
      paint();
    }
  });

  async function ask() {
    if (set.text && set.text !== 'auto') {
      sentence = set.text;
      return paint();
    }
    try {
      const answer = await fetch(`${base}/v1/config`, { credentials: 'omit' });
      if (!answer.ok) return;
      const { button: said } = await answer.json();
      if (said && typeof said.text === 'string' && said.text) sentence = said.text;
      quiet = Boolean(said && said.state && said.state !== 'open');
      paint();
    } catch {
      // The plain sentence stays; the frame says more when it is opened.
    }
  }

  function start() {
    document.body.append(button);
    paint();
    for (const q of [phone, dark]) q.addEventListener('change', paint);
    for (const e of ['focus', 'blur']) button.addEventListener(e, paint);
    void ask();
    if (set.open === 'auto') show();
    else {
      try { if (localStorage.getItem(seenBefore)) build(); } catch { /* no memory, no unread count */ }
    }
  }

  Object.defineProperty(window, 'Dispatcher', { value: Object.freeze({ open: show, close: hide }), configurable: true });
  if (document.body) start();
  else document.addEventListener('DOMContentLoaded', start);
})();
