// @ts-check
// Sentences of the console: what happened, what is due, why something failed.

import { clock } from './text.js';
import { store } from './store.js';

export const views = /** @type {Record<string, string>} */ ({ mine: 'Mine', unassigned: 'Unassigned', all: 'All', waiting: 'Waiting on us', assistant: 'With the assistant' });

const causes = /** @type {Record<string, string>} */ ({
  asked_for_person: 'asked for a person', person: 'asked for a person', flow: 'as the flow says', gave_up: 'the assistant gave up asking', no_match: 'the assistant did not understand', no_reply: 'no answer came',
  engine_error: 'something went wrong in the flow', service_error: 'a look-up failed', verify_failed: 'could not be verified', vanished_state: 'the flow was changed', loop: 'the assistant went in circles',
  flood: 'too many messages', delivery_failed: 'a message could not be delivered', kill_switch: 'the assistant is paused', holdout: 'holdout: nothing was asked', shadow: 'the assistant only watched',
  no_flow: 'no flow starts here', public: 'wrote in public', unreadable: 'the message cannot be read', public_escalation: 'wrote in public again', follow_up: 'came back', taken_over: 'taken over',
  native_reply: 'answered in the platform’s own app', proactive: 'we wrote first', reopened: 'reopened', transferred: 'transferred', low_score: 'gave a low score', api: 'by the API',
});

/** @param {string} [cause] */
export const causeWords = (cause) => (cause ? causes[cause] ?? cause.replaceAll('_', ' ') : '');

const hows = /** @type {Record<string, string>} */ ({ asked: 'asked', found: 'found in text', form: 'from the form', link: 'from the link', verified: 'verified', agent: 'set by an agent', tap: 'tapped', number: 'typed its number', label: 'typed its words', rule: 'by a rule', keyword: 'by a word', fuzzy: 'by similar words', entry: 'from where they came' });
/** @param {string} [how] */
export const howWords = (how) => (how ? hows[how] ?? how : '');

/** @param {string} s */
export const cap = (s) => s.charAt(0).toUpperCase() + s.slice(1);

/** Minutes and hours as people say them. @param {number} ms */
export function span(ms) {
  const min = Math.max(0, Math.round(ms / 60_000));
  if (min < 60) return `${min} m`;
  if (min < 48 * 60) return min < 600 && min % 60 ? `${Math.floor(min / 60)} h ${min % 60} m` : `${Math.round(min / 60)} h`;
  return `${Math.round(min / 1440)} d`;
}

/**
 * When an answer is due: words and how urgent. The word is always there.
 * @param {import('./store.js').Item} i
 * @returns {{words: string, cls: string}}
 */
export function dueOf(i) {
  if (i.status === 'resolved') return { words: 'resolved', cls: '' };
  if (!i.due && i.waiting_since && i.owner.kind !== 'bot') {
    const waits = Date.now() - new Date(i.waiting_since).getTime();
    return { words: waits < 60_000 ? 'just wrote' : `waits ${span(waits)}`, cls: '' };
  }
  if (!i.due) return { words: i.owner.kind === 'bot' ? 'assistant asks' : i.owner.kind === 'agent' ? 'waiting on them' : '', cls: '' };
  const left = new Date(i.due.at).getTime() - Date.now();
  if (left < 0) return { words: `${span(-left)} over`, cls: 'due-over' };
  if (left < 60_000) return { words: 'due now', cls: 'due-soon' };
  const began = new Date(i.waiting_since ?? i.opened_at).getTime();
  const soon = left < Math.max(10 * 60_000, 0) || (Date.now() - began) / Math.max(1, Date.now() - began + left) >= 0.75;
  return { words: `${span(left)} left`, cls: soon ? 'due-soon' : '' };
}

/** How long replies stay possible. @param {any} w @returns {{words: string, cls: string}|null} */
export function windowOf(w) {
  const until = new Date(w?.reply_until ?? '');
  if (!w || Number.isNaN(until.getTime()) || until.getFullYear() < 2000) return null;
  const left = until.getTime() - Date.now();
  if (left <= 0) return { words: `Replies closed at ${clock(until)}`, cls: 'is-danger' };
  return { words: `Replies close in ${span(left)}`, cls: left < 30 * 60_000 ? 'is-danger' : left < 2 * 3600_000 ? 'is-warn' : '' };
}

/** @param {import('./store.js').Owner} o */
export function ownerName(o) {
  if (o.kind === 'agent') return o.id === store.me.id ? 'You' : o.name || 'Somebody';
  if (o.kind === 'queue') return 'Nobody yet';
  if (o.kind === 'bot') return 'Assistant';
  return 'Nobody';
}

/**
 * One line of the timeline, in words.
 * @param {any} line @returns {{who: string, rest: string, icon: string}}
 */
export function lineWords(line) {
  const by = line.by && line.by === store.me.id ? 'You' : line.by_name || '';
  const who = by || 'Somebody';
  const queue = line.queue ? store.queueName(line.queue) : 'the queue';
  const note = line.note ? `: ${line.note}` : '';
  const to = line.agent ? ` ${line.agent}` : '';
  /** @type {Record<string, [string, string, string]>} */
  const all = {
    open_bot: ['The assistant answers', '', 'bot'],
    open_queue: [`Waiting in ${queue}`, line.cause ? `, ${causeWords(line.cause)}` : '', 'swap'],
    open_agent: [`${who} started the conversation`, '', 'mine'],
    hand_off: [`Handed to ${queue}`, (line.cause ? `, ${causeWords(line.cause)}` : '') + note, 'swap'],
    claim: [`${who} claimed`, note, 'mine'],
    take_over: [`${who} took over`, ' from the assistant', 'mine'],
    takeover_agent: [`${who} took over`, to ? ` from${to}` : '', 'mine'],
    native_reply: ['Answered in the platform’s own app', by ? ` by ${by}` : '', 'mine'],
    release: [`${who} put it back`, ` in ${queue}${note}`, 'free'],
    transfer_queue: [`${who} transferred it`, ` to ${queue}${note}`, 'swap'],
    transfer_agent: [`${who} transferred it`, ` to${to}${note}`, 'swap'],
    agent_gone: ['Back in the queue', ', its owner is away', 'free'],
    outside_idle: ['Back in the queue', ', nobody answered in the app', 'free'],
    hand_back: [`${who} handed back`, ' to the assistant', 'bot'],
    lend: [`${who} lent it`, ' to the assistant', 'bot'],
    lend_done: ['The assistant is done', line.reason ? `: ${String(line.reason).replaceAll('_', ' ')}` : note, 'bot'],
    lookup: ['A service answered', note, 'swap'],
    verify: ['Verification', note, 'shield'],
    lend_recall: [`${who} took it back`, ' from the assistant', 'mine'],
    snooze: [`${who} snoozed it`, note, 'moon'],
    wake: ['Awake again', '', 'moon'],
    resolve: [`${who} resolved`, note, 'tick'],
    resolve_plain: [by ? `${who} resolved` : 'Resolved', note, 'tick'],
    bot_resolve: ['The assistant resolved it', note, 'tick'],
    undo_resolve: [`${who} opened it again`, '', 'reply'],
    after_done: ['Closed', '', 'tick'],
    after_new_issue: ['Closed', ', a new matter began', 'tick'],
    reopen: [`${who} reopened it`, '', 'reply'],
    reopen_queue: ['Reopened', ` in ${queue}`, 'reply'],
    spam: [`${who} marked it as spam`, '', 'stop'],
    kill: ['The assistant was paused', '', 'stop'],
    erase: ['This person’s data was erased', '', 'stop'],
  };
  const [bold, rest, icon] = all[line.edge] ?? [cap(String(line.edge ?? 'Something happened').replaceAll('_', ' ')), note, 'swap'];
  return { who: bold, rest, icon };
}

const failures = /** @type {Record<string, string>} */ ({
  blocked: 'they blocked the account', window_closed: 'the window is closed', no_recipient: 'nobody is there', bad_content: 'the channel refused the content', auth_broken: 'the channel is not connected', expired: 'it waited too long', too_long: 'it is too long',
});
/** @param {string} [reason] */
export function failWords(reason) {
  if (!reason) return 'the channel refused it';
  return failures[reason] ?? reason.replaceAll('_', ' ');
}

/** @param {string} at */
export function dayWords(at) {
  const d = new Date(at);
  const today = new Date();
  const year = d.getFullYear() === today.getFullYear() ? undefined : 'numeric';
  return d.toLocaleDateString('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year });
}
