// Package proof holds the promises of the product, one file each, proven on
// the real binary, a real database and real HTTP. Every checker is shown a
// planted bug that it must catch; a checker that misses its bug fails.
//
// The proofs run at a size: change (each change, minutes), night, release.
// `make proof` runs them; plain `go test` leaves them out and says so.
package proof
