package server

import (
	"context"
)

func (s *Server) sees(ctx context.Context, who *identity, conv string) bool     { return true }
func (s *Server) seesQueue(ctx context.Context, who *identity, a string) bool   { return true }
func (s *Server) presenceOf(ctx context.Context, who *identity) (string, error) { return "", nil }
func (s *Server) putPresence(ctx context.Context, who *identity, in *putPresenceInput) (*body[presenceView], error) {
	return nil, nil
}
