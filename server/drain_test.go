package server

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A shutdown ends the reads that customers wait in, and lets what they send finish.
func TestShutdownEndsWhatOnlyWaits(t *testing.T) {
	t.Parallel()
	inside, finish := make(chan string, 2), make(chan struct{})
	leave, all := context.WithCancel(t.Context())
	srv := httptest.NewUnstartedServer(leaving(leave, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inside <- r.Method
		if r.Method == http.MethodGet {
			<-r.Context().Done()
		} else {
			<-finish
		}
		_, _ = io.WriteString(w, "ended "+map[bool]string{true: "early", false: "whole"}[r.Context().Err() != nil])
	})))
	srv.Config.RegisterOnShutdown(all)
	srv.Start()
	t.Cleanup(srv.Close)
	got := make(chan string, 2)
	ask := func(method string) {
		r, _ := http.NewRequestWithContext(t.Context(), method, srv.URL+"/channels/web/web/v1/events", nil)
		res, err := srv.Client().Do(r)
		if err != nil {
			got <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		got <- method + " " + string(b)
	}
	for _, method := range []string{"GET", "POST"} {
		go ask(method)
		<-inside
	}
	down := make(chan error, 1)
	go func() {
		ctx, stop := context.WithTimeout(context.Background(), time.Minute)
		defer stop()
		down <- srv.Config.Shutdown(ctx)
	}()
	if first := <-got; first != "GET ended early" {
		t.Errorf("first %q", first)
	}
	close(finish)
	if second := <-got; !strings.HasSuffix(second, "ended whole") {
		t.Errorf("second %q", second)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
}
