//go:build !failpoints

package main

// failpoint is nil in every build that people run.
func (m *Main) failpoint() func(string) { return nil }

// storeFailpoint is nil in every build that people run.
func (m *Main) storeFailpoint() func(string) error { return nil }
