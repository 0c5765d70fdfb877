// @ts-check
// The line between the chat and its server: session, calls, and a stream that
// is resumed where it broke, by long polling where streams do not pass.

import { backOff, readStream } from './sse.js';

/** A call the server answered with a refusal. */
export class Refused extends Error {
  /** @param {number} status @param {string} words @param {number} wait seconds */
  constructor(status, words, wait) {
    super(`refused: ${status}`);
    this.status = status;
    this.words = words;
    this.wait = wait;
  }
}

/** @typedef {{event: (kind: string, data: any) => void, reset: () => void, settled: () => void, connected: (on: boolean) => void}} Ear */

export class Link {
  /** @param {string} base @param {string} channel @param {Ear} ear */
  constructor(base, channel, ear) {
    this.base = base;
    this.ear = ear;
    this.key = `dispatcher.${channel}.session`;
    this.token = recall(this.key);
    this.seq = 0;
    this.readSeq = 0;
    this.known = Infinity; // seq of the session when it began: what is later is news
    this.following = false;
    /** @type {Record<string, any>} */
    this.visit = {};
    this.cut = new AbortController();
  }

  /** Opens or resumes the session and follows its events. @param {Record<string, any>} visit */
  async start(visit) {
    this.visit = visit;
    await this.session();
    this.follow();
  }

  async session() {
    const body = Object.fromEntries(Object.entries(this.visit).filter(([, v]) => v !== undefined && v !== ''));
    let answer = await this.call('POST', '/session', body);
    if (answer.status === 401 && body.identity) {
      // A stale identity must not cost the visitor the chat: go on as nobody.
      delete body.identity;
      delete this.visit.identity;
      answer = await this.call('POST', '/session', body);
    }
    if (answer.status === 401 && this.token) {
      this.forget();
      answer = await this.call('POST', '/session', body);
    }
    if (!answer.ok) throw await refusal(answer);
    const got = await answer.json();
    if (this.token && this.token !== got.token) this.restart();
    this.token = got.token;
    this.known = Number(got.seq) || 0;
    try { localStorage.setItem(this.key, JSON.stringify({ token: got.token, expires_at: got.expires_at })); } catch { /* kept for this visit only */ }
  }

  forget() {
    this.token = '';
    try { localStorage.removeItem(this.key); } catch { /* nothing was kept */ }
    this.restart();
  }

  restart() {
    this.seq = 0;
    this.readSeq = 0;
    this.ear.reset();
  }

  /** @param {string} method @param {string} path @param {any} [body] @param {AbortSignal} [signal] */
  call(method, path, body, signal) {
    /** @type {Record<string, string>} */
    const headers = { Accept: 'application/json' };
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    return fetch(this.base + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal, cache: 'no-store', credentials: 'omit' });
  }

  /**
   * Posts until the server has answered: the same client_id makes a repeat
   * harmless. Gives up after four tries; a refusal is final at once.
   * @param {string} path @param {any} body
   */
  async post(path, body) {
    if (!this.token) await this.session();
    for (let n = 0; ; n++) {
      try {
        const answer = await this.call('POST', path, body, AbortSignal.timeout(15_000));
        if (answer.ok) return await answer.json().catch(() => ({}));
        if (answer.status === 401 && n === 0) {
          this.forget();
          await this.session();
          this.follow(true);
          continue;
        }
        const no = await refusal(answer);
        if (answer.status < 500 && !(answer.status === 429 && n < 3 && no.wait <= 10)) throw no;
        if (n >= 3) throw no;
        await new Promise((r) => setTimeout(r, Math.max(1, no.wait) * 1000));
      } catch (err) {
        if (err instanceof Refused || n >= 3) throw err;
        await backOff(n);
      }
    }
  }

  typing() {
    this.call('POST', '/typing').catch(() => { /* only a courtesy */ });
  }

  /** @param {number} seq */
  read(seq) {
    if (seq <= this.readSeq || !this.token) return;
    this.readSeq = seq;
    this.call('POST', '/read', { seq }).catch(() => { /* the next one says it too */ });
  }

  /** @param {number} seq @param {boolean} own an own row does not move the cursor: others may come before it */
  saw(seq, own = false) {
    if (!own && seq > this.seq) this.seq = seq;
  }

  /** Follows the events for as long as the page lives. @param {boolean} [again] */
  follow(again = false) {
    if (this.following && !again) return;
    this.cut.abort();
    this.cut = new AbortController();
    this.following = true;
    void this.loop(this.cut.signal);
  }

  /** @param {AbortSignal} signal */
  async loop(signal) {
    let lost = 0;
    while (!signal.aborted) {
      const since = Date.now();
      try {
        await this.stream(signal);
        lost = Date.now() - since > 5_000 ? 0 : lost + 1;
      } catch (err) {
        if (signal.aborted) return;
        if (err instanceof Refused && err.status === 401) return void this.session().then(() => this.follow(true), () => this.forget());
        lost = Date.now() - since > 20_000 ? 1 : lost + 1;
        if (lost > 1) this.ear.connected(false);
        if (lost > 2) await this.poll(signal).then(() => { lost = 3; this.ear.connected(true); }, () => undefined);
      }
      if (!signal.aborted && lost) await backOff(Math.min(lost - 1, 5), signal);
    }
  }

  /** @param {AbortSignal} signal */
  async stream(signal) {
    let quiet = 0;
    const settle = () => { clearTimeout(quiet); quiet = setTimeout(() => this.ear.settled(), 400); };
    try {
      await readStream(`${this.base}/events?after=${this.seq}`, {
        headers: { Authorization: `Bearer ${this.token}`, ...(this.seq ? { 'Last-Event-ID': String(this.seq) } : {}) },
        signal,
        onOpen: () => { this.ear.connected(true); settle(); },
        onEvent: (e) => { settle(); this.take(e.event, e.id, e.data); },
      });
    } catch (err) {
      if (/** @type {any} */ (err).status === 401) throw new Refused(401, '', 0);
      throw err;
    } finally {
      clearTimeout(quiet);
    }
  }

  /** One round of long polling. @param {AbortSignal} signal */
  async poll(signal) {
    const answer = await this.call('GET', `/events?after=${this.seq}&wait=25`, undefined, signal);
    if (!answer.ok) throw await refusal(answer);
    const { events = [], seq } = await answer.json();
    for (const e of events) this.take(e.event ?? e.type ?? 'message', String(e.id ?? e.seq ?? ''), e.data ?? e);
    this.saw(Number(seq) || 0);
    this.ear.settled();
  }

  /** @param {string} kind @param {string} id @param {any} data */
  take(kind, id, data) {
    let value = data;
    if (typeof data === 'string') {
      try { value = JSON.parse(data); } catch { return; }
    }
    if (kind === 'resync') {
      this.restart();
      this.follow(true);
      return;
    }
    this.saw(Number(id) || 0);
    if (value && typeof value === 'object' && value.seq === undefined && Number(id)) value.seq = Number(id);
    this.ear.event(kind, value);
  }
}

/** @param {Response} answer */
async function refusal(answer) {
  const body = await answer.json().catch(() => null);
  const words = body?.error?.message ?? body?.detail ?? '';
  return new Refused(answer.status, typeof words === 'string' ? words : '', Number(answer.headers.get('Retry-After')) || 1);
}

/** @param {string} key */
function recall(key) {
  try {
    const kept = JSON.parse(localStorage.getItem(key) ?? 'null');
    if (kept && typeof kept.token === 'string' && !(new Date(kept.expires_at).getTime() < Date.now())) return kept.token;
  } catch { /* nothing usable was kept */ }
  return '';
}
