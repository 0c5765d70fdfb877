package server

import (
	"context"
	"encoding/json"
	"net/http"
)

// pause holds a channel's sending until an operator resumes it.
func (s *Server) pause(ctx context.Context, alias, reason string) error {
	p, ok := any(s.cfg.Inbox).(interface {
		PauseChannel(ctx context.Context, alias, reason string) error
	})
	if !ok {
		return problem("internal", "Channels cannot be paused by hand in this build.").with(http.StatusNotImplemented)
	}
	return p.PauseChannel(ctx, alias, reason)
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
