package inbox

import (
	"context"
	"errors"
	"log/slog"

	"dispatcher/dm"
)

// ErrNoOutbox says that a channel has nothing to pause: what it says is read
// here or fetched, not sent.
var ErrNoOutbox = errors.New("inbox: the channel does not send")

// PauseChannel stops sending on a channel until ResumeChannel, across
// restarts; reason is for people. What waits keeps waiting until its time to
// live is over, and customers' messages are taken as before.
func (s *Service) PauseChannel(ctx context.Context, alias, reason string) error {
	acct, ok := s.Account(alias)
	switch {
	case !ok:
		return errNoChannel
	case acct.Caps.Native || acct.Caps.Pull:
		return ErrNoOutbox
	}
	if err := s.changeChannel(ctx, alias, func(c *channelRecord) { c.Held = reason }); err != nil {
		return err
	}
	s.heldNow(acct, reason)
	return nil
}

// heldNow tells the running sender of a channel that it is held.
func (s *Service) heldNow(acct *Account, reason string) {
	s.outbox.mu.Lock()
	x := s.outbox.senders[acct.Number]
	s.outbox.mu.Unlock()
	if x != nil {
		x.mu.Lock()
		x.held = reason
		x.mu.Unlock()
	}
}

// aboutAccount is an event about our own account. One that says our access is
// broken holds the channel as a refused request would (channels.md 2.4); the
// same event delivered again after somebody has resumed it does not.
func (s *Service) aboutAccount(ctx context.Context, acct *Account, in dm.Inbound) {
	s.log.LogAttrs(ctx, slog.LevelWarn, "event about our own account", slog.String("channel", acct.Alias), slog.String("note", in.Note))
	if in.Status == nil || in.Status.Reason != dm.ReasonAuthBroken || acct.Caps.Native || acct.Caps.Pull {
		return
	}
	fresh := false
	err := s.changeChannel(ctx, acct.Alias, func(c *channelRecord) {
		if fresh = c.Revoked != in.ExternalID; fresh {
			c.Revoked, c.Held = in.ExternalID, string(dm.ReasonAuthBroken)
		}
	})
	switch {
	case err != nil:
		s.log.LogAttrs(ctx, slog.LevelError, "keep state of channel", slog.String("channel", acct.Alias), slog.Any("error", err))
	case fresh:
		s.heldNow(acct, string(dm.ReasonAuthBroken))
		s.log.LogAttrs(ctx, slog.LevelError, "channel paused until somebody resumes it", slog.String("channel", acct.Alias), slog.String("reason", string(dm.ReasonAuthBroken)))
	}
}
