// Package server is the door of Dispatcher: pages, the API under /api/v1, the
// platforms' webhooks, live updates and the metrics. Its handlers are thin:
// they find out who asks, whether that person may, and hand the request to
// inbox or desk. It promises that nothing but the first-run pages answers
// before there is an account, that every read is checked against role, scope
// and queue, that a 2xx to a platform is written only after the durable
// commit, and that no answer and no log line holds a text, a name or a secret
// that was not asked for.
package server
