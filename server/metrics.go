package server

import (
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are the figures of desk.md 5.10 that arise here. No label holds an
// id, a path or a word of a customer: the route is its template.
type metrics struct {
	http       *prometheus.HistogramVec // route, method, status class
	refused    *prometheus.CounterVec   // channel, why; shared with inbox
	sseClients prometheus.Gauge
	sseResets  *prometheus.CounterVec // reason
	reloads    *prometheus.CounterVec // result
	reloadTook prometheus.Histogram
	reloadOK   prometheus.Gauge
	reloadLast prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		http: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "dispatcher_http_request_duration_seconds",
			Help: "From the request's first byte read to the answer's last byte written.", Buckets: prometheus.ExponentialBuckets(0.001, 2.5, 10)},
			[]string{"route", "method", "status"}),
		refused:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dispatcher_inbound_refused_total", Help: "Events refused for what they are."}, []string{"channel", "why"}),
		sseClients: prometheus.NewGauge(prometheus.GaugeOpts{Name: "dispatcher_sse_clients", Help: "Open streams of live updates."}),
		sseResets:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dispatcher_sse_resets_total", Help: "Streams told to read everything again."}, []string{"reason"}),
		reloads:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dispatcher_flows_reload_total", Help: "Attempts to make the flow folder live."}, []string{"result"}),
		reloadTook: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "dispatcher_flows_reload_seconds", Help: "Reading, checking and swapping a flow set.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 10)}),
		reloadOK:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "dispatcher_flows_last_reload_successful", Help: "0 while the folder holds a set that was rejected."}),
		reloadLast: prometheus.NewGauge(prometheus.GaugeOpts{Name: "dispatcher_flows_last_reload_success_timestamp_seconds", Help: "When the live set went live."}),
	}
	m.reloadOK.Set(1)
	if reg == nil {
		return m
	}
	m.http = shared(reg, m.http)
	m.refused = shared(reg, m.refused)
	m.sseClients = shared(reg, m.sseClients)
	m.sseResets = shared(reg, m.sseResets)
	m.reloads = shared(reg, m.reloads)
	m.reloadTook = shared(reg, m.reloadTook)
	m.reloadOK = shared(reg, m.reloadOK)
	m.reloadLast = shared(reg, m.reloadLast)
	return m
}

// shared registers a collector, or gives the one that another package
// registered under the same name (desk.md 5.10 is one table for all).
func shared[C prometheus.Collector](reg prometheus.Registerer, c C) C {
	var have prometheus.AlreadyRegisteredError
	if err := reg.Register(c); errors.As(err, &have) {
		if same, ok := have.ExistingCollector.(C); ok {
			return same
		}
	}
	return c
}

// knownMethods bounds the label: a client may send any word as a method.
var knownMethods = map[string]bool{"GET": true, "HEAD": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true, "OPTIONS": true}

func statusClass(status int) string {
	switch status / 100 {
	case 2:
		return "2xx"
	case 3:
		return "3xx"
	case 4:
		return "4xx"
	case 5:
		return "5xx"
	}
	return itoa(status/100) + "xx"
}

func (m *metrics) request(route, method string, status int, took time.Duration) {
	if !knownMethods[method] {
		method = "other"
	}
	if status == 0 {
		status = http.StatusOK
	}
	m.http.WithLabelValues(route, method, statusClass(status)).Observe(took.Seconds())
}

// FlowsReloaded counts one attempt of the watcher: result is ok or rejected.
// It has the shape of watch.Config.Reloaded.
func (s *Server) FlowsReloaded(result string, took time.Duration) {
	s.met.reloads.WithLabelValues(result).Inc()
	s.met.reloadTook.Observe(took.Seconds())
	if result == "ok" {
		s.met.reloadOK.Set(1)
		s.met.reloadLast.Set(float64(s.now().UnixMilli()) / 1000)
		return
	}
	s.met.reloadOK.Set(0)
}

// FlowsLive says when the live set went live and whether the folder holds the
// same; ok is false while the folder was rejected and the last good set runs.
func (s *Server) FlowsLive(since time.Time, ok bool) {
	s.met.reloadLast.Set(float64(since.UnixMilli()) / 1000)
	s.met.reloadOK.Set(0)
	if ok {
		s.met.reloadOK.Set(1)
	}
}

// Metrics is the handler of the metrics listener: /metrics and nothing else.
func (s *Server) Metrics() http.Handler {
	mux := http.NewServeMux()
	gatherer := s.cfg.Gatherer
	if gatherer == nil {
		gatherer = prometheus.NewRegistry()
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	return mux
}
