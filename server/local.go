package server

import (
	"context"
	"net/http"
	"strings"

	"dispatcher/desk"
)

// LocalActor is who acts in the API for the command line of this machine.
const LocalActor = "command line"

type localKey struct{}

// LocalHandler is the API for whoever may open the socket file in the data
// folder (runtime.md 1.5): the operator of this machine, without a log-in.
// Nothing else of the server is there. It must never be given a network
// listener.
func (s *Server) LocalHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, apiBase+"/") {
			s.writeProblem(w, r, problem("not_found", ""))
			return
		}
		t := &trip{}
		ctx := context.WithValue(r.Context(), tripKey{}, t)
		ctx = context.WithValue(ctx, localKey{}, true)
		r = r.WithContext(withIdentity(ctx, localIdentity()))
		out := &statusWriter{ResponseWriter: w, trip: t}
		defer func() {
			if v := recover(); v != nil {
				s.panicked(out, r, v)
			}
		}()
		s.echo.ServeHTTP(out, r)
	})
}

// localIdentity may do what an admin may.
func localIdentity() *identity {
	return &identity{Actor: desk.Actor{ID: LocalActor, Name: LocalActor, Role: "admin"}}
}
