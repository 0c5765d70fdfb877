// @ts-check
// Calls of the console: the same API that a token has (desk.md 6).

import { uuid7 } from './text.js';

const base = '/api/v1';

/** A refusal with its code and the facts of the case. */
export class Problem extends Error {
  /** @param {number} status @param {any} body */
  constructor(status, body) {
    super(body?.detail || body?.title || `The server answered ${status}.`);
    this.status = status;
    this.code = typeof body?.code === 'string' ? body.code : '';
    this.facts = body ?? {};
    this.id = body?.instance ?? '';
  }
}

/** Nobody answered: the line is down, or the server is. */
export class Unreachable extends Error {}

/** @type {(p: Problem) => void} */
let onProblem = () => {};
/** Hears of every refusal, for banners. @param {(p: Problem) => void} ear */
export function hearProblems(ear) { onProblem = ear; }

/**
 * @param {string} method @param {string} path
 * @param {{body?: any, epoch?: number, key?: string, signal?: AbortSignal}} [how]
 * @returns {Promise<any>}
 */
export async function call(method, path, how = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: 'application/json' };
  if (method !== 'GET') {
    headers['Content-Type'] = 'application/json';
    if (how.key !== '') headers['Idempotency-Key'] = how.key ?? uuid7();
  }
  if (how.epoch !== undefined) headers['If-Epoch'] = String(how.epoch);
  let answer;
  try {
    answer = await fetch(base + path, {
      method, headers, credentials: 'same-origin', cache: 'no-store',
      body: method === 'GET' ? undefined : JSON.stringify(how.body ?? {}),
      signal: how.signal ?? AbortSignal.timeout(20_000),
    });
  } catch (err) {
    throw new Unreachable(String(err));
  }
  if (answer.status === 204) return null;
  const body = await answer.json().catch(() => null);
  if (answer.ok) return body;
  const problem = new Problem(answer.status, body);
  if (answer.status === 401) location.assign('/login');
  onProblem(problem);
  throw problem;
}

/** @param {string} path @param {AbortSignal} [signal] */
export const get = (path, signal) => call('GET', path, { signal });

/** @param {string} id */
export const conv = (id) => `/conversations/${encodeURIComponent(id)}`;

/** @param {Record<string, string|number|undefined>} q */
export function query(q) {
  const p = new URLSearchParams();
  for (const [k, v] of Object.entries(q)) if (v !== undefined && v !== '') p.set(k, String(v));
  const s = p.toString();
  return s ? `?${s}` : '';
}
