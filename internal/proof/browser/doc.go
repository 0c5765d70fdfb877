// Package browser walks the acceptance of desk.md §8 in a real Chromium
// against the real binary: a first run, a handoff, two agents, a take-over, an
// edit under a customer's eyes, hostile words, the phone, the keyboard alone.
//
// It promises that a page that complains fails: every console error, exception,
// dialog and policy report is heard, whichever walk causes it. The walks need
// Chromium and the build tag browser; make browser runs them.
package browser
