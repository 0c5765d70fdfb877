package server

import (
	"context"
	"net/http"
	"time"

	"dispatcher/flows/watch"
)

// healthz says that the process answers; nothing else.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readiness is the body of /readyz. Status is ready, overloaded (still 200),
// starting, degraded, disk or stopping (503). A rejected flow folder is a detail: the last
// good set serves.
type readiness struct {
	Status     string            `json:"status"`
	Checks     map[string]string `json:"checks"`
	Flows      string            `json:"flows"` // live, rejected, missing, good, staged, held
	NotStarted []string          `json:"channels_not_started,omitempty"`
	Version    string            `json:"version,omitempty"`
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, stop := context.WithTimeout(r.Context(), 2*time.Second)
	defer stop()
	out := readiness{Status: "ready", Checks: map[string]string{"store": "ok", "inbox": "ok"}, Flows: s.flowState(), NotStarted: s.notStarted(), Version: s.cfg.Version}
	out.Checks["flows"] = out.Flows
	out.Checks["channels"] = "ok"
	if len(out.NotStarted) > 0 {
		out.Checks["channels"] = "not started"
	}
	health := s.cfg.Inbox.Health(ctx)
	status := http.StatusOK
	if health.Overloaded {
		out.Status, out.Checks["inbox"] = "overloaded", "overloaded"
	}
	if !health.Ready {
		status, out.Status, out.Checks["inbox"] = http.StatusServiceUnavailable, health.Why, health.Why
	}
	if why := s.degraded(ctx); why != "" {
		status, out.Status, out.Checks["store"] = http.StatusServiceUnavailable, "degraded", why
	}
	if s.draining.Load() {
		status, out.Status = http.StatusServiceUnavailable, "stopping"
	}
	if status != http.StatusOK {
		w.Header().Set("Retry-After", "5")
	}
	writeJSON(w, status, out)
}

// degraded says why nothing can be written; "" = it can.
func (s *Server) degraded(ctx context.Context) string {
	h, err := s.cfg.Store.Health(ctx)
	switch {
	case err != nil:
		return "the store does not answer"
	case !h.OK && h.Why == "":
		return "the store cannot be written"
	case !h.OK:
		return h.Why
	}
	return ""
}

// flowState is live while the folder is what runs; staged while a newer set
// waits to be published, held after a rollback, else the folder's own state.
func (s *Server) flowState() string {
	if s.cfg.Watch == nil {
		return "live"
	}
	st := s.cfg.Watch.Status()
	switch {
	case st.Folder.State == watch.Rejected, st.Folder.State == watch.Missing:
		return st.Folder.State
	case st.Live.Held:
		return "held"
	case st.Staged != nil && st.Staged.Result == watch.Staged:
		return "staged"
	case st.Folder.State != watch.Same:
		return st.Folder.State
	}
	return "live"
}

// notStarted lists the channels that could not be opened, with the reason.
func (s *Server) notStarted() []string {
	out := append([]string(nil), s.cfg.NotStarted...)
	for _, p := range s.cfg.Inbox.ChannelProblems() {
		out = append(out, p.Alias+": "+problemWords(p))
	}
	return out
}
