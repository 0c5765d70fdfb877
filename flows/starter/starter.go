// Package starter is a complete example project: what a newcomer runs, reads
// first and copies. It checks with no error and no warning, needs no secret
// and no reference, and serves at once.
package starter

import "embed"

// FS holds the project: dispatcher.yaml, the flows and their tests. Named patterns are
// embedded, so that a data folder beside them never is.
//
//go:embed dispatcher.yaml flows/*.yaml flows/tests/*.yaml
var FS embed.FS

// Minimal is the smallest complete project: one flow of 12 lines, saved as
// flows/hello.yaml.
//
//go:embed minimal/flows/hello.yaml
var Minimal string
