// @ts-check
// Server-sent events read with fetch: a header can be sent, comments are seen
// as signs of life, and every event name arrives without being known before.

/** @typedef {{id: string, event: string, data: string}} Sent */

/**
 * Reads one stream until it ends, is aborted or stays silent too long.
 * Rejects when the answer is no stream; resolves when a stream ended.
 * @param {string} url
 * @param {{headers?: Record<string, string>, signal: AbortSignal, silence?: number, onOpen?: () => void, onEvent: (e: Sent) => void}} how
 *   silence is in milliseconds; a stream that is quieter is given up
 */
export async function readStream(url, how) {
  const dead = new AbortController();
  const stop = () => dead.abort();
  how.signal.addEventListener('abort', stop);
  let timer = 0;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(stop, how.silence ?? 40_000);
  };
  try {
    alive();
    const answer = await fetch(url, { headers: { Accept: 'text/event-stream', ...how.headers }, signal: dead.signal, cache: 'no-store' });
    const kind = answer.headers.get('Content-Type') ?? '';
    if (!answer.ok || !answer.body || !kind.startsWith('text/event-stream')) {
      await answer.body?.cancel();
      throw Object.assign(new Error(`stream refused: ${answer.status}`), { status: answer.status });
    }
    how.onOpen?.();
    const feed = parser(how.onEvent);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive();
      feed(value);
    }
  } finally {
    clearTimeout(timer);
    how.signal.removeEventListener('abort', stop);
  }
}

/**
 * Cuts a stream of text into events.
 * @param {(e: Sent) => void} onEvent
 * @returns {(chunk: string) => void}
 */
export function parser(onEvent) {
  let rest = '';
  let id = '';
  let event = '';
  /** @type {string[]} */
  let data = [];
  /** @param {string} line */
  const take = (line) => {
    if (line === '') {
      if (data.length) onEvent({ id, event: event || 'message', data: data.join('\n') });
      event = '';
      data = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'id') id = value;
    else if (name === 'event') event = value;
    else if (name === 'data') data.push(value);
  };
  return (chunk) => {
    rest += chunk;
    for (let m; (m = /\r\n|\n|\r(?!$)/.exec(rest)); ) {
      const line = rest.slice(0, m.index);
      rest = rest.slice(m.index + m[0].length);
      take(line);
    }
  };
}

/**
 * Waits before try number n: 0.5 s doubling to 15 s, with jitter.
 * @param {number} n @param {AbortSignal} [signal]
 */
export function backOff(n, signal) {
  const ms = Math.min(15_000, 500 * 2 ** n) * (0.7 + Math.random() * 0.6);
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', () => { clearTimeout(timer); done(undefined); });
  });
}
