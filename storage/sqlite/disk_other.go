//go:build unix && !linux

package sqlite

// networkFS is not asked here: these systems name file systems differently.
func networkFS(string) (name string, network bool) { return "", false }
