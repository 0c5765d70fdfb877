package server

import (
	"context"
	"encoding/json"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/inbox"
	"dispatcher/storage"
)

// overloaded says whether admission has halved its budgets.
func (s *Server) overloaded() bool {
	o, ok := any(s.cfg.Inbox).(interface{ Overloaded() bool })
	return ok && o.Overloaded()
}

// pause holds a channel's sending until an operator resumes it.
func (s *Server) pause(ctx context.Context, alias, reason string) error {
	p, ok := any(s.cfg.Inbox).(interface {
		PauseChannel(ctx context.Context, alias, reason string) error
	})
	if !ok {
		return problem("internal", "Channels cannot be paused by hand in this build.").with(501)
	}
	return p.PauseChannel(ctx, alias, reason)
}

// park keeps a signed body that is not the platform's envelope for the operator.
func (s *Server) park(ctx context.Context, acct *inbox.Account, body []byte) error {
	raw, err := json.Marshal(dm.Inbound{Kind: dm.KindIgnored, ExternalID: "unreadable", Note: "unreadable body", Raw: json.RawMessage(quoted(body))})
	if err != nil {
		return err
	}
	row := storage.ParkedRow{Channel: acct.Number, Event: s.cfg.Vault.SealSystem(raw, []byte("parked")), Error: "unreadable", CreatedAt: s.now().UnixMilli()}
	out, err := s.cfg.Store.Apply(ctx, []storage.Turn{{Parked: []storage.ParkedRow{row}}})
	if err == nil && len(out) == 1 && out[0].Err != nil {
		err = out[0].Err
	}
	if err != nil {
		return channels.ErrNotReady
	}
	return nil
}

// quoted makes any bytes a JSON string.
func quoted(b []byte) []byte {
	raw, _ := json.Marshal(string(b))
	return raw
}

// parkedKind is the kind of a parked event; "" when it does not open.
func (s *Server) parkedKind(sealed []byte) string {
	plain, err := s.cfg.Vault.OpenSystem(sealed, []byte("parked"))
	if err != nil {
		return ""
	}
	var in dm.Inbound
	if json.Unmarshal(plain, &in) != nil {
		return ""
	}
	return in.Kind
}
