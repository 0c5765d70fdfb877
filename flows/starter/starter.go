// Package starter is a complete example project.
package starter

import "io/fs"

// FS holds the project.
var FS fs.FS

// Minimal is the smallest project.
var Minimal string
