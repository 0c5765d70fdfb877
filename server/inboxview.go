package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"dispatcher/inbox"
)

// pause holds a channel's sending until an operator resumes it.
func (s *Server) pause(ctx context.Context, alias, reason string) error {
	err := s.cfg.Inbox.PauseChannel(ctx, alias, reason)
	if errors.Is(err, inbox.ErrNoOutbox) {
		return problem("invalid", "Nothing is sent on this channel: it is read here, or fetched.").with(http.StatusUnprocessableEntity)
	}
	return err
}

// parkedKind is the kind of a parked event; "" when it does not open.
func (s *Server) parkedKind(sealed []byte) string {
	plain, err := s.cfg.Vault.OpenSystem(sealed, []byte("parked"))
	if err != nil {
		return ""
	}
	var event struct {
		In struct {
			Kind string `json:"kind"`
		} `json:"in"`
	}
	if json.Unmarshal(plain, &event) != nil {
		return ""
	}
	return event.In.Kind
}
