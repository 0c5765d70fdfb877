// Package hostile makes the input of people who mean harm: expressions that
// have brought other engines down, and webhook requests that nobody signed. It
// promises that the same seed gives the same corpus, and that every request
// but the ones named control is one that must be refused.
package hostile
