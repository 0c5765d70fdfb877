//go:build !mutants

package inbox

// The seams at which a proof plants a fault. This is the honest build: none.

func acknowledgeEarly() bool { return false }

func epochUnchecked() bool { return false }

func skipMark() bool { return false }

func cancelAtHandoff() bool { return false }

func logText(string) {}

func forgetSeen() bool { return false }

func lastFirst() bool { return false }

func poisonSpreads() bool { return false }

func stopAtOnce() bool { return false }

func oneLane(int) func() { return func() {} }

func stepPanics(string) {}

func admitEverything() bool { return false }
