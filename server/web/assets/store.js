// @ts-check
// What the console knows: lists, the open conversation, its messages. Facts
// come from the API; events only say where to look again.

import { Unreachable, conv, get, query } from './api.js';

/**
 * @typedef {{kind: string, id?: string, name?: string}} Owner
 * @typedef {{id: string, contact: {id: string, name: string, handle?: string, verified: boolean}, channel: string, owner: Owner,
 *   phase: string, epoch: number, seq: number, queue?: string, topic?: string, headline_slot?: string, why?: string,
 *   last: {at: string, author: string, preview: string}, unread: number, priority: string, due?: {clock: string, at: string},
 *   labels: string[], flags: string[], opened_at: string, waiting_since?: string, status: string}} Item
 * @typedef {Item & {slots: any[], packet?: any, clocks: any[], promises: any[], window?: any, sends_left?: number,
 *   continues?: string, flow: any, tags: string[], sending: boolean, can: string[], return_points: any[], delegates?: {flow: string, label: string}[]}} Detail
 * @typedef {{seq: number, id: string, at: string, author: {kind: string, id?: string, name?: string}, visibility: string, kind: string,
 *   text: string, media: any[], options?: any[], tap?: any, event?: any, state: string, state_reason?: string, edited: boolean,
 *   removed?: boolean, history?: string[], client_id?: string, rule?: string, local?: boolean, why?: string, epoch?: number, refused?: boolean}} Msg
 */

const page = 200;

class Store extends EventTarget {
  constructor() {
    super();
    const d = document.body.dataset;
    this.me = { id: d.me ?? '', name: d.meName ?? '', role: d.role ?? 'agent' };
    this.view = 'all';
    this.state = 'open';
    this.order = 'due';
    /** @type {Item[]} the view as shown */
    this.items = [];
    /** @type {Item[]} everything open, for counts and commands */
    this.all = [];
    this.more = false;
    /** @type {Map<string, Detail>} */
    this.details = new Map();
    /** @type {Map<string, Map<number, Msg>>} */
    this.messages = new Map();
    /** @type {Map<string, Msg[]>} own texts not yet stored */
    this.local = new Map();
    /** @type {Map<string, {earlier: boolean}>} */
    this.reach = new Map();
    this.current = '';
    /** @type {Record<string, string>} */
    this.queues = {};
    this.listError = '';
    this.loaded = false;
    this.listRun = 0;
    /** @type {Set<string>} conversations with a command on its way */
    this.held = new Set();
  }

  /** @param {string} name @param {any} [detail] */
  emit(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); }

  /** @param {string} name @param {(detail: any) => void} ear */
  on(name, ear) { this.addEventListener(name, (e) => ear(/** @type {CustomEvent} */ (e).detail)); }

  /** @param {string} alias */
  queueName(alias) { return this.queues[alias] || alias; }

  /** Reads the list again; the newest question wins. */
  async loadList() {
    const run = ++this.listRun;
    const wanted = `${this.view} ${this.state} ${this.order}`;
    try {
      const q = { view: this.view, state: this.state, order: this.order, limit: page };
      const whole = this.view === 'all' && this.state === 'open';
      const [shown, all] = await Promise.all([
        get(`/conversations${query(q)}`),
        whole ? null : get(`/conversations${query({ view: 'all', state: 'open', order: this.order, limit: page })}`),
      ]);
      if (run !== this.listRun || wanted !== `${this.view} ${this.state} ${this.order}`) return;
      this.items = shown?.items ?? [];
      this.all = (all ?? shown)?.items ?? [];
      this.more = Boolean((all ?? shown)?.next_cursor);
      this.listError = '';
      this.loaded = true;
    } catch (err) {
      if (run !== this.listRun) return;
      this.listError = err instanceof Unreachable ? 'The list could not be read: no answer from the server.' : `The list could not be read. ${/** @type {Error} */ (err).message}`;
    }
    this.emit('list');
  }

  /** Counts of the rail. @param {string} view */
  count(view) {
    const mine = (/** @type {Item} */ i) => i.owner.kind === 'agent' && i.owner.id === this.me.id;
    const by = {
      mine, unassigned: (/** @type {Item} */ i) => i.owner.kind === 'queue', all: () => true,
      waiting: (/** @type {Item} */ i) => Boolean(i.due || i.waiting_since) && (i.owner.kind === 'queue' || i.owner.kind === 'agent'),
      assistant: (/** @type {Item} */ i) => i.owner.kind === 'bot',
    };
    const n = this.all.filter(by[/** @type {keyof typeof by} */ (view)] ?? by.all).length;
    return this.more && view === 'all' ? `${n}+` : String(n);
  }

  /** @param {string} id */
  async loadDetail(id) {
    const d = await get(conv(id));
    const known = this.details.get(id);
    // An answer that was overtaken by a command shows a world that is gone.
    if (known && (d.epoch < known.epoch || (this.held.has(id) && d.epoch === known.epoch))) return known;
    this.details.set(id, d);
    if (id === this.current) this.emit('detail', id);
    return d;
  }

  /** The first sight of a conversation: the newest messages, all of them if they are few. @param {string} id */
  async loadMessages(id) {
    const got = (await get(`${conv(id)}/messages${query({ limit: page })}`))?.items ?? [];
    this.reach.set(id, { earlier: got.length >= page });
    this.messages.set(id, new Map());
    this.merge(id, got);
    await this.catchUp(id);
  }

  /** Reads forward until nothing is missing. @param {string} id */
  async catchUp(id) {
    for (let n = 0; n < 50; n++) {
      const top = this.topSeq(id);
      const want = this.details.get(id)?.seq ?? 0;
      if (top >= want) return;
      const got = (await get(`${conv(id)}/messages${query({ after_seq: top, limit: page })}`))?.items ?? [];
      this.merge(id, got);
      if (got.length === 0 || this.topSeq(id) === top) return;
    }
  }

  /** The last stretch again: states and edits of what is already shown, and what is new. @param {string} id */
  async refresh(id) {
    if (!this.messages.has(id)) return this.loadMessages(id);
    const from = Math.max(0, this.topSeq(id) - 60);
    const got = (await get(`${conv(id)}/messages${query({ after_seq: from, limit: page })}`))?.items ?? [];
    this.merge(id, got);
  }

  /** @param {string} id */
  async loadEarlier(id) {
    const seqs = [...(this.messages.get(id)?.keys() ?? [])];
    if (!seqs.length) return;
    const got = (await get(`${conv(id)}/messages${query({ before_seq: Math.min(...seqs), limit: page })}`))?.items ?? [];
    this.reach.set(id, { earlier: got.length >= page });
    this.merge(id, got);
  }

  /** @param {string} id @param {Msg[]} got */
  merge(id, got) {
    const known = this.messages.get(id) ?? new Map();
    for (const m of got) known.set(m.seq, m);
    this.messages.set(id, known);
    const stored = new Set(got.map((m) => m.client_id).filter(Boolean));
    const local = (this.local.get(id) ?? []).filter((m) => !stored.has(m.client_id));
    this.local.set(id, local);
    if (id === this.current) this.emit('messages', id);
  }

  /** @param {string} id */
  topSeq(id) {
    let top = 0;
    for (const s of this.messages.get(id)?.keys() ?? []) if (s > top) top = s;
    return top;
  }

  /** What the timeline shows, in order of leaving. @param {string} id @returns {Msg[]} */
  timeline(id) {
    const stored = [...(this.messages.get(id)?.values() ?? [])].sort((a, b) => a.seq - b.seq);
    return [...stored, ...(this.local.get(id) ?? [])];
  }

  /** @param {string} id @returns {Item|Detail|undefined} */
  item(id) {
    return this.details.get(id) ?? this.items.find((i) => i.id === id) ?? this.all.find((i) => i.id === id);
  }

  async loadQueues() {
    try {
      const got = await get('/queues');
      for (const q of got?.items ?? got ?? []) this.queues[q.alias] = q.name || q.alias;
      this.emit('list');
    } catch {
      // Aliases are readable too.
    }
  }
}

export const store = new Store();
