// @ts-check
// Live updates: one stream per browser. The tab that holds the lock reads it
// and tells the others; every tab can become that tab.

import { store } from './store.js';
import { backOff, readStream } from './sse.js';

const channel = 'BroadcastChannel' in window ? new BroadcastChannel('dispatcher.events') : null;

/** @typedef {{conv?: string, conv_seq?: number, type: string, cursor?: number|string}} Hint */

let lastId = '';

/** Starts following; hints arrive as store events "hint", "reset", "line". */
export function follow() {
  channel?.addEventListener('message', (e) => receive(e.data));
  if (navigator.locks && channel) void navigator.locks.request('dispatcher.events', lead);
  else void lead();
  window.addEventListener('offline', () => store.emit('line', false));
}

/** @param {{what: string, data?: any}} m */
function receive(m) {
  if (m.what === 'hint') store.emit('hint', m.data);
  else if (m.what === 'reset') store.emit('reset');
  else if (m.what === 'line') store.emit('line', m.data);
}

/** @param {{what: string, data?: any}} m */
function tell(m) {
  receive(m);
  channel?.postMessage(m);
}

async function lead() {
  const never = new AbortController();
  for (let lost = 0; ; ) {
    const since = Date.now();
    let first = true;
    try {
      await readStream('/api/v1/events', {
        headers: lastId ? { 'Last-Event-ID': lastId } : {},
        signal: never.signal,
        onOpen: () => {
          tell({ what: 'line', data: true });
          // Whatever happened between the page and the stream is read again.
          if (first && (lost || !lastId)) tell({ what: 'reset' });
          first = false;
        },
        onEvent: (e) => {
          if (e.id) lastId = e.id;
          if (e.event === 'reset') { lastId = e.id || ''; tell({ what: 'reset' }); return; }
          try {
            const data = JSON.parse(e.data);
            tell({ what: 'hint', data: { type: e.event, ...data } });
          } catch { /* a hint that cannot be read is covered by the poll */ }
        },
      });
    } catch (err) {
      if (/** @type {any} */ (err).status === 401) return location.assign('/login');
    }
    tell({ what: 'line', data: false });
    lost = Date.now() - since > 20_000 ? 0 : lost + 1;
    await backOff(Math.min(lost, 5));
  }
}
