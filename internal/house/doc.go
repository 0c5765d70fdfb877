// Package house keeps the rules of the house: which package may import which,
// and what no file may contain. It holds tests only.
package house
