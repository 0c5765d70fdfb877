// @ts-check
// What a person can do, each once: the same verb on the button, in the key
// table, in the command bar and in the API.

import { Problem, Unreachable, call, conv, get } from './api.js';
import { button, say, shout } from './dom.js';
import { ask, menu, toast } from './layer.js';
import { store } from './store.js';
import { clock, personName, uuid7 } from './text.js';
import { ownerName, span } from './words.js';
import { composer, focusTimeline, notice, toEnd } from './talk.js';

/** @typedef {import('./store.js').Detail} Detail */
/** @typedef {import('./store.js').Msg} Msg */
/** @typedef {{words: string, key?: string, icon: string, can?: string}} Command */

const path = /** @type {Record<string, string>} */ ({ claim: 'claim', take_over: 'take-over', release: 'release', hand_back: 'hand-back', resolve: 'resolve', undo: 'undo', reopen: 'reopen', lend: 'lend', lend_recall: 'lend-recall' });
const retryFor = 30_000;

export class Commands {
  /** @param {{go: (view: string) => void, open: (id: string) => void, page: (name: string) => void, step: (n: number, mine?: boolean) => boolean, bar: () => void, keys: () => void}} ui */
  constructor(ui) {
    this.ui = ui;
    /** @type {(() => void)|null} what `u` undoes */
    this.undoable = null;
    /** @type {Map<string, Promise<any>>} claims on their way, by conversation */
    this.going = new Map();
    /** @type {Map<string, {name: string, done: Promise<any>}>} any command on its way, by conversation */
    this.moving = new Map();
    /** @type {Record<string, Command>} */
    this.table = {
      claim: { words: 'Claim', key: 'C', icon: 'mine', can: 'claim' },
      take_over: { words: 'Take over', key: 'C', icon: 'mine', can: 'take_over' },
      resolve: { words: 'Resolve', key: 'E', icon: 'tick', can: 'resolve' },
      hand_back: { words: 'Hand back', key: 'H', icon: 'bot', can: 'hand_back' },
      lend: { words: 'Let the assistant ask', icon: 'bot', can: 'lend' },
      lend_recall: { words: 'Take back', key: 'C', icon: 'mine', can: 'lend_recall' },
      release: { words: 'Put back', icon: 'free', can: 'release' },
      reopen: { words: 'Reopen', icon: 'reply', can: 'reopen' },
      resolve_next: { words: 'Resolve and next', key: '⇧E', icon: 'tick', can: 'resolve' },
      reply: { words: 'Reply', key: 'R', icon: 'reply', can: 'reply' },
      note: { words: 'Write a note', key: 'N', icon: 'note', can: 'note' },
      undo: { words: 'Undo', key: 'U', icon: 'reply' },
      side: { words: 'Show or hide the case', key: 'I', icon: 'panel' },
      next: { words: 'Next conversation', key: 'J', icon: 'down' },
      previous: { words: 'Previous conversation', key: 'K', icon: 'up' },
      take_next: { words: 'Take next from my queues', key: '⇧C', icon: 'free' },
      go_mine: { words: 'Go to Mine', key: 'G M', icon: 'mine' },
      go_unassigned: { words: 'Go to Unassigned', key: 'G U', icon: 'free' },
      go_all: { words: 'Go to All', key: 'G A', icon: 'all' },
      go_waiting: { words: 'Go to Waiting on us', key: 'G W', icon: 'clock' },
      go_assistant: { words: 'Go to With the assistant', key: 'G B', icon: 'bot' },
      keys: { words: 'All keys', key: '?', icon: 'key' },
    };
  }

  /** Names of what this person may do with a conversation, likeliest first. @param {Detail} d */
  offered(d) {
    const order = d.owner.kind === 'bot' ? ['lend_recall', 'take_over', 'claim', 'reopen', 'resolve', 'hand_back', 'release'] : ['claim', 'reopen', 'take_over', 'resolve', 'hand_back', 'lend', 'release'];
    const may = order.filter((n) => d.can?.includes(this.table[n].can ?? ''));
    return may.includes('lend_recall') ? may.filter((n) => n !== 'take_over') : may; // both would take it; one says how it came
  }

  /** @param {string} name @param {Element} [anchor] @param {boolean} [byKey] a key of its own, so the next one is a key as well: the focus stays */
  run(name, anchor, byKey) {
    const id = store.current;
    const d = store.details.get(id);
    if (name.startsWith('go_')) return this.ui.go(name.slice(3));
    switch (name) {
      case 'next': return void this.ui.step(1);
      case 'previous': return void this.ui.step(-1);
      case 'take_next': return void this.takeNext();
      case 'keys': return this.ui.keys();
      case 'list': return this.ui.page('list');
      case 'side': return this.ui.page('side');
      case 'undo': return this.undoable ? this.undoable() : void toast('Nothing to undo');
    }
    if (!d) {
      // Pressed before the conversation had arrived: done as soon as it has.
      if (id) void store.loadDetail(id).then(() => { if (store.current === id) this.run(name, anchor, byKey); }).catch(() => undefined);
      return;
    }
    const may = (/** @type {string} */ n) => d.can?.includes(n);
    switch (name) {
      case 'claim': return may('claim') ? void this.claim(id, byKey) : may('lend_recall') ? this.run('lend_recall', anchor, byKey) : may('take_over') ? this.takeOver(d, byKey) : void 0;
      case 'take_over': return may('take_over') ? this.takeOver(d, byKey) : void 0;
      case 'release': return may('release') ? void this.move(id, 'release', {}, 'Put back in the queue') : void 0;
      case 'hand_back': return may('hand_back') ? this.handBack(d, anchor) : void 0;
      case 'lend': return may('lend') ? this.lend(d, anchor) : void 0;
      case 'lend_recall': return may('lend_recall') ? void this.move(id, 'lend_recall', {}, 'Yours again') : void 0;
      case 'resolve': return may('resolve') ? void this.resolve(id, false) : void 0;
      case 'resolve_next': return may('resolve') ? void this.resolve(id, true) : void 0;
      case 'reopen': return may('reopen') ? void this.move(id, 'reopen', {}, 'Open again, yours') : void 0;
      case 'reply': return may('reply') ? composer()?.setMode('private', true) : void toast(`${ownerName(d.owner)} ${d.owner.kind === 'agent' ? 'has' : 'owns'} this conversation`);
      case 'note': return composer()?.setMode('note', true);
    }
  }

  /**
   * One command on a conversation. The epoch goes along: whoever is late learns so.
   * @param {string} id @param {string} name @param {any} body @param {string} [done]
   * @returns {Promise<any>} the answer, or null after a refusal that was shown
   */
  async move(id, name, body, done) {
    if (store.held.has(id)) return null;
    store.held.add(id);
    const moved = this.moved(id, name, body, done);
    this.moving.set(id, { name, done: moved });
    return moved;
  }

  /** @param {string} id @param {string} name @param {any} body @param {string} [done] @returns {Promise<any>} */
  async moved(id, name, body, done) {
    try {
      const got = await this.push(id, name, body);
      if (done) { toast(done); say(done); }
      notice(null);
      return got;
    } catch (err) {
      await this.refused(id, name, err, body);
      return null;
    } finally {
      store.held.delete(id);
      this.moving.delete(id);
      this.reread(id);
    }
  }

  /** @param {string} id @param {string} name @param {any} body @param {boolean} [again] @returns {Promise<any>} */
  async push(id, name, body, again) {
    const d = store.details.get(id);
    try {
      const got = await call('POST', `${conv(id)}/${path[name]}`, { body, epoch: d?.epoch });
      if (got && d) Object.assign(d, { epoch: got.epoch ?? d.epoch, phase: got.phase ?? d.phase, owner: got.owner ?? d.owner });
      store.emit('detail', id);
      return got;
    } catch (err) {
      if (again || !(err instanceof Problem) || err.code !== 'stale_epoch' || name === 'claim') throw err;
      // Something moved since we looked. If the same thing may still be done, it is done once more.
      const now = await store.loadDetail(id);
      if (!now.can?.includes(this.table[name]?.can ?? name)) throw err;
      return this.push(id, name, body, true);
    }
  }

  /** @param {string} id */
  reread(id) {
    void store.loadDetail(id).then(() => store.refresh(id)).catch(() => undefined);
    void store.loadList();
  }

  /** Says why something was refused, in words. @param {string} id @param {string} name @param {unknown} err @param {any} [body] */
  async refused(id, name, err, body) {
    if (err instanceof Unreachable) return void toast('No answer from the server. Nothing was changed that you do not see.', { bad: true });
    if (!(err instanceof Problem)) throw err;
    const who = personName(nameOf(err.facts.owner) || 'Somebody');
    const since = err.facts.since ? ` at ${clock(err.facts.since)}` : '';
    switch (err.code) {
      case 'already_claimed':
        notice([`${who} claimed this${since}.${composer()?.drafted() ? ' Your draft is kept.' : ''}`]);
        return shout(`${who} claimed this conversation`);
      case 'stale_epoch':
        return void toast('Somebody was faster. This is how it stands now.', { bad: true });
      case 'new_message':
        return notice(['They wrote while you were reading.'], [button('Resolve anyway', () => { notice(null); void this.resolve(id, Boolean(body?.next), true); }, { cls: 'button-small' })]);
      case 'too_late':
        return void toast('Too late to undo: the closing message has left.', { act: { words: 'Reopen', run: () => void this.move(id, 'reopen', {}) } });
      default:
        toast(err.message, { bad: true });
    }
  }

  /** @param {string} id @param {boolean} [byKey] */
  async claim(id, byKey) {
    const d = store.details.get(id);
    if (!d || store.held.has(id)) return;
    await this.own(d, 'claim', 'Claimed', byKey);
  }

  /**
   * Makes a conversation mine: at once on the screen; the server's word follows
   * and wins. After a click the focus goes where the next words go. After a key
   * it stays, so that R, N and E are keys and not letters.
   * @param {Detail} d @param {string} name @param {string} done @param {boolean} [byKey]
   */
  async own(d, name, done, byKey) {
    if (byKey && document.activeElement?.closest('#conversation button')) focusTimeline(); // the button may go
    const before = { owner: d.owner, can: d.can, phase: d.phase };
    Object.assign(d, { owner: { kind: 'agent', ...store.me }, can: ['reply', 'note', 'release', 'resolve'], phase: 'agent' });
    store.emit('detail', d.id);
    if (store.current === d.id && !byKey) composer()?.focus();
    const going = this.move(d.id, name, {});
    this.going.set(d.id, going);
    const got = await going;
    if (this.going.get(d.id) === going) this.going.delete(d.id);
    if (got) return say(done);
    Object.assign(d, before);
    store.emit('detail', d.id);
  }

  /** @param {Detail} d @param {boolean} [byKey] */
  takeOver(d, byKey) {
    const go = () => void this.own(d, 'take_over', 'You took over', byKey);
    if (d.owner.kind !== 'agent') return go();
    const name = personName(ownerName(d.owner));
    const first = name.split(' ')[0];
    const msgs = store.timeline(d.id);
    const claimed = msgs.findLast((m) => m.event && ['claim', 'take_over', 'takeover_agent', 'transfer_agent'].includes(m.event.edge));
    const reply = msgs.findLast((m) => m.author.kind === 'agent' && m.author.id === d.owner.id && m.kind !== 'note' && m.kind !== 'event');
    const ago = (/** @type {Msg|undefined} */ m) => (m ? `${clock(m.at)}, ${Date.now() - new Date(m.at).getTime() < 60_000 ? 'just now' : `${span(Date.now() - new Date(m.at).getTime())} ago`}` : '');
    ask({
      title: `Take over from ${first}?`,
      facts: [['Claimed', ago(claimed) || 'not known'], ['Last reply', ago(reply) || 'none yet']],
      words: `You become the owner at once. ${first} keeps the draft, can no longer send, and sees your name.`,
      answers: [{ words: 'Take over', act: go }, { words: `Leave it with ${first}` }, { words: 'Write a note', plain: true, act: () => this.run('note') }],
    });
  }

  /** @param {Detail} d @param {Element} [anchor] */
  handBack(d, anchor) {
    const points = d.return_points ?? [];
    const go = (/** @type {string} */ at) => void this.move(d.id, 'hand_back', at ? { resume_at: at } : {}, 'Handed back to the assistant');
    if (!points.length) return go('');
    const at = menuPlace(anchor);
    menu(at, 'Hand back to', points.map((p) => ({ words: p.label || p.resume_at || 'As the flow says', hint: p.preview, act: () => go(p.resume_at) })));
  }

  /** @param {Detail} d @param {Element} [anchor] */
  lend(d, anchor) {
    const flows = d.delegates ?? [];
    const at = menuPlace(anchor);
    menu(at, 'Let the assistant', flows.map((f) => ({ words: f.label || f.flow, act: () => void this.move(d.id, 'lend', { flow: f.flow }) })));
  }

  /** @param {string} id @param {boolean} next @param {boolean} [force] */
  async resolve(id, next, force) {
    const after = next ? neighbour(id) : '';
    const before = this.moving.get(id);
    if (before?.name === 'resolve') return;
    await before?.done; // pressed while a claim or an undo is under way: what it leads to counts
    await this.going.get(id);
    if (!store.details.get(id)?.can?.includes('resolve')) return;
    const body = force ? { last_seen_seq: store.topSeq(id), force: true } : { last_seen_seq: store.topSeq(id) };
    const got = await this.move(id, 'resolve', body);
    if (!got) return;
    say('Resolved. Undo with u within 10 seconds.');
    const undo = () => { this.undoable = null; gone(); void this.move(id, 'undo', {}, 'Open again').then((ok) => { if (ok && store.current !== id) this.ui.open(id); }); };
    this.undoable = undo;
    const gone = toast('Resolved', { seconds: 10, act: { words: 'Undo', key: 'U', run: undo } });
    setTimeout(() => { if (this.undoable === undo) this.undoable = null; }, 10_000);
    if (next && after) this.ui.open(after);
  }

  async takeNext() {
    try {
      const answer = await get('/queues');
      const queues = (answer?.items ?? answer ?? []).filter((/** @type {any} */ q) => q.waiting > 0 && q.mine !== false);
      queues.sort((/** @type {any} */ a, /** @type {any} */ b) => String(a.oldest ?? '').localeCompare(String(b.oldest ?? '')));
      for (const q of queues) {
        const got = await call('POST', `/queues/${encodeURIComponent(q.alias)}/take-next`).catch((err) => (err instanceof Problem && err.status < 500 ? null : Promise.reject(err)));
        if (!got) continue;
        void store.loadList();
        return this.ui.open(got.id ?? got.conversation?.id);
      }
    } catch (err) {
      return void toast(err instanceof Unreachable ? 'No answer from the server.' : /** @type {Error} */ (err).message, { bad: true });
    }
    const first = store.all.find((i) => i.owner.kind === 'queue');
    if (!first) return void toast('Nothing waits in your queues');
    this.ui.open(first.id);
    await store.loadDetail(first.id);
    await this.claim(first.id, true);
  }

  /**
   * Sends at once on the screen, then honestly: the same key until the server
   * has answered, thirty seconds long.
   * @param {string} id @param {string} text @param {string} mode @param {boolean} resolve
   */
  async send(id, text, mode, resolve) {
    const key = uuid7();
    const m = /** @type {Msg} */ ({ seq: 0, id: '', client_id: key, at: new Date().toISOString(), author: { kind: 'agent', ...store.me }, visibility: 'private', kind: mode === 'note' ? 'note' : 'text', text, media: [], state: 'pending', edited: false, local: true });
    store.local.set(id, [...(store.local.get(id) ?? []), m]);
    store.emit('messages', id);
    toEnd();
    await this.deliver(id, m);
    if (resolve && m.state !== 'unsent') void this.resolve(id, false);
  }

  /** @param {string} id @param {Msg} m */
  async deliver(id, m) {
    await this.going.get(id); // words may be faster than the claim they follow
    const until = Date.now() + retryFor;
    const note = m.kind === 'note';
    let epoch = m.epoch;
    for (let n = 0; ; n++) {
      try {
        const body = note ? { text: m.text } : { text: m.text, visibility: 'private' };
        // One key is one request: the epoch of the first try goes with every repeat.
        epoch ??= store.details.get(id)?.epoch;
        const got = await call('POST', `${conv(id)}/${note ? 'notes' : 'messages'}`, { body, epoch, key: m.client_id });
        store.local.set(id, (store.local.get(id) ?? []).filter((x) => x !== m));
        if (got?.seq) store.merge(id, [{ ...m, local: false, ...got, client_id: m.client_id }]);
        else void store.refresh(id).catch(() => undefined);
        return void store.loadList();
      } catch (err) {
        const code = err instanceof Problem ? err.code : '';
        if (code === 'stale_epoch' && n < 3) {
          const d = await store.loadDetail(id).catch(() => null);
          if (d && (note || d.can?.includes('reply'))) { m.client_id = uuid7(); epoch = undefined; continue; }
          return this.lost(id, m, err);
        }
        if (code === 'not_owner') return this.lost(id, m, err);
        const again = err instanceof Unreachable || (err instanceof Problem && (err.status >= 500 || err.status === 429 || code === 'in_progress'));
        if (again && Date.now() < until) { await new Promise((r) => setTimeout(r, Math.min(5000, 400 * 2 ** n))); continue; }
        m.state = 'unsent';
        // No answer: the same request again. A refusal: a new one, or its stored answer would come back.
        m.epoch = err instanceof Problem ? undefined : epoch;
        m.refused = err instanceof Problem;
        m.why = err instanceof Problem ? err.message.replace(/\.$/, '') : 'no connection';
        store.local.set(id, (store.local.get(id) ?? []).map((x) => (x === m ? { ...m } : x)));
        store.emit('messages', id);
        return shout('A message was not sent. Its text is kept.');
      }
    }
  }

  /** The conversation has another owner: the words go back into the composer. @param {string} id @param {Msg} m @param {unknown} err */
  async lost(id, m, err) {
    store.local.set(id, (store.local.get(id) ?? []).filter((x) => x !== m));
    store.emit('messages', id);
    const d = await store.loadDetail(id).catch(() => store.details.get(id));
    composer()?.put(m.text);
    const who = personName(nameOf(/** @type {Problem} */ (err).facts?.owner) || (d ? ownerName(d.owner) : 'Somebody'));
    const acts = d?.can?.includes('take_over') || d?.can?.includes('claim') ? [button(d.can.includes('claim') ? 'Claim and send' : 'Take over and send', () => void this.takeAndSend(id, m.text), { cls: 'button-small' })] : [];
    notice([`Not sent: ${who === 'You' ? 'ownership changed' : `${who} has this conversation now`}. Your text is kept.`], acts);
    shout(`Not sent. ${who} has this conversation now.`);
    void store.loadList();
  }

  /** @param {string} id @param {string} text */
  async takeAndSend(id, text) {
    const d = store.details.get(id);
    const got = await this.move(id, d?.can?.includes('claim') ? 'claim' : 'take_over', {});
    if (!got) return;
    const c = composer();
    if (c && c.text.value.trim() === text.trim()) { c.text.value = ''; c.keep(); }
    await this.send(id, text, 'private', false);
  }

  /** @param {Msg} m @param {string} what */
  async onMessage(m, what) {
    const id = store.current;
    try {
      await call('POST', `/messages/${encodeURIComponent(m.id)}/${what}`);
      await store.refresh(id);
    } catch (err) {
      await this.refused(id, what, err);
    }
  }

  /** @param {Msg} m */
  retry(m) {
    const id = store.current;
    if (!m.local) return void this.onMessage(m, 'retry');
    const again = { ...m, state: 'pending', why: '', client_id: m.refused ? uuid7() : m.client_id };
    store.local.set(id, (store.local.get(id) ?? []).map((x) => (x.client_id === m.client_id ? again : x)));
    store.emit('messages', id);
    void this.deliver(id, again);
  }

  /** @param {Msg} m */
  discard(m) {
    const id = store.current;
    if (!m.local) return void this.onMessage(m, 'discard');
    store.local.set(id, (store.local.get(id) ?? []).filter((x) => x.client_id !== m.client_id));
    store.emit('messages', id);
  }

  /** @param {Msg} m */
  check(m) { void this.onMessage(m, 'check'); }

  /** Asks before a link of a stranger is followed. @param {URL} url */
  leave(url) {
    if (url.origin === location.origin) return true;
    ask({
      title: `Open ${url.host}?`, words: 'A customer or a flow wrote this address. It opens in a new tab and learns nothing about this page.', facts: [['Address', url.href.length > 200 ? `${url.href.slice(0, 200)}…` : url.href]],
      answers: [{ words: 'Stay here' }, { words: 'Open it', act: () => void window.open(url.href, '_blank', 'noopener,noreferrer') }],
    });
    return false;
  }

  /** The menu of everything else. @param {Element} anchor */
  more(anchor) {
    const d = store.details.get(store.current);
    if (!d) return;
    const names = [...this.offered(d), ...(d.can?.includes('resolve') ? ['resolve_next'] : []), ...(d.can?.includes('note') ? ['note'] : []), 'keys'];
    menu(anchor, 'Actions', names.map((n) => ({ words: this.table[n].words, key: this.table[n].key, act: () => this.run(n, anchor) })));
  }
}

/** Where a menu hangs: the button that was pressed, or its like when the header was painted anew. @param {Element} [anchor] */
const menuPlace = (anchor) => (anchor?.isConnected ? anchor : document.querySelector('.talk-actions [aria-label="More actions"]')) ?? document.body;

/** @param {any} owner a name, or an owner */
const nameOf = (owner) => (typeof owner === 'string' ? owner : owner?.name ?? '');

/** @param {string} id */
function neighbour(id) {
  const at = store.items.findIndex((i) => i.id === id);
  return (store.items[at + 1] ?? store.items[at - 1])?.id ?? '';
}
