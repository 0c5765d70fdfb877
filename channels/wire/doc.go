// Package wire is what the adapters share: reading JSON that a stranger wrote,
// fitting words into a platform's limits, option payloads, entry tokens, and
// decoding a channel's settings. It promises that no input panics, that names
// are matched case by case, that text is never cut inside a grapheme, and that
// whatever a platform cannot show is reported instead of lost.
package wire
