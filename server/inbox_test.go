package server

import (
	"context"
	"log/slog"
	"testing"

	"dispatcher/inbox"
)

func startInbox(t *testing.T, w *world, logger *slog.Logger) *inbox.Service {
	t.Helper()
	s, err := inbox.New(inbox.Config{Store: w.store, Vault: w.vault, Logger: logger, Registerer: w.reg, Now: w.clock.now, Loopback: true})
	must(t, err)
	must(t, s.Start(context.Background()))
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	return s
}
