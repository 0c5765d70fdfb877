package desk

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dispatcher/dm"
	"dispatcher/inbox"
	"dispatcher/storage"
)

// How a conversation came to its agent, for dispatcher_claims_total.
const (
	howPicked   = "picked"
	howNext     = "take_next"
	howTakeOver = "take_over"
)

// metrics are the figures of desk.md 5.10 that arise here. Labels are queue
// names and closed lists.
type metrics struct {
	claims *prometheus.CounterVec
	wait   *prometheus.HistogramVec
	guard  *prometheus.CounterVec
}

func newMetrics() *metrics {
	return &metrics{
		claims: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dispatcher_claims_total", Help: "Claims by how they were made and whether they were won."}, []string{"queue", "how", "result"}),
		wait: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "dispatcher_handoff_wait_seconds", Help: "From handoff to claim.",
			Buckets: []float64{15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400}}, []string{"queue"}),
		guard: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dispatcher_public_guard_total", Help: "Public replies that the guard stopped."}, []string{"channel", "level"}),
	}
}

// claimed counts one claim.
func (s *Service) claimed(v *inbox.View, how string, err error) {
	var p *Problem
	won := err == nil
	if v == nil || !won && (!errors.As(err, &p) || p.Code != CodeAlreadyClaimed) {
		return
	}
	if won && v.Snap.Conv.Owner == storage.OwnerAgent && how != howTakeOver {
		return // claimed before, by the same hand
	}
	queue := s.queueOf(v.Snap.Conv, v.Snap.Handoff, "")
	result := "lost"
	if won {
		result = "won"
		if h := v.Snap.Handoff; h != nil && h.ClaimedAt == 0 {
			s.metrics.wait.WithLabelValues(queue).Observe(s.now().Sub(time.UnixMilli(h.CreatedAt)).Seconds())
		}
	}
	s.metrics.claims.WithLabelValues(queue, how, result).Inc()
}

// gauges are counted when somebody scrapes: what is, not what was.
type gauges struct{ s *Service }

func gaugeLabels() map[string][]string {
	return map[string][]string{
		"dispatcher_conversations_open":   {"owner"},
		"dispatcher_queue_waiting":        {"queue", "priority"},
		"dispatcher_queue_oldest_seconds": {"queue", "priority"},
		"dispatcher_agents":               {"queue", "presence"},
		"dispatcher_agent_slots":          {"queue", "state"},
	}
}

func describe(name string) *prometheus.Desc {
	return prometheus.NewDesc(name, "Counted when it is asked for.", gaugeLabels()[name], nil)
}

// Describe implements prometheus.Collector.
func (g gauges) Describe(out chan<- *prometheus.Desc) {
	for name := range gaugeLabels() {
		out <- describe(name)
	}
}

// scrapeWithin bounds what a scrape may cost.
const scrapeWithin = 2 * time.Second

// Collect implements prometheus.Collector.
func (g gauges) Collect(out chan<- prometheus.Metric) {
	ctx, stop := context.WithTimeout(context.Background(), scrapeWithin)
	defer stop()
	send := func(name string, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(describe(name), prometheus.GaugeValue, v, labels...)
	}
	g.owners(ctx, send)
	g.queues(ctx, send)
	g.agents(ctx, send)
}

func (g gauges) report(ctx context.Context, name string) []values {
	table, err := g.s.store.Report(ctx, storage.ReportQuery{Name: name, Now: g.s.now().UnixMilli()})
	if err != nil {
		return nil
	}
	out := make([]values, len(table.Rows))
	for n, row := range table.Rows {
		out[n] = values{}
		for i, col := range table.Cols {
			out[n][col] = row[i]
		}
	}
	return out
}

func (g gauges) owners(ctx context.Context, send func(string, float64, ...string)) {
	open := map[string]int64{dm.OwnerBot: 0, dm.OwnerQueue: 0, dm.OwnerAgent: 0}
	for _, row := range g.report(ctx, "owners") {
		open[row.text("owner")] += row.int("n")
	}
	for owner, n := range open {
		send("dispatcher_conversations_open", float64(n), owner)
	}
}

func (g gauges) queues(ctx context.Context, send func(string, float64, ...string)) {
	now := g.s.now().UnixMilli()
	for _, row := range g.report(ctx, "queues") {
		queue, priority := row.text("queue"), inbox.PriorityWord(int16(row.int("priority")))
		send("dispatcher_queue_waiting", float64(row.int("waiting")), queue, priority)
		send("dispatcher_queue_oldest_seconds", float64(now-row.int("oldest"))/1000, queue, priority)
	}
}

func (g gauges) agents(ctx context.Context, send func(string, float64, ...string)) {
	p := g.s.inbox.Live()
	if p == nil || p.Set == nil {
		return
	}
	people := g.s.counts(ctx).people
	for _, queue := range p.Set.QueueOrder {
		there := map[string]int{Online: 0, Away: 0, Offline: 0}
		for _, who := range people {
			if !who.Disabled && who.actor().works() && g.s.member(queue, who.Email, who.Teams) {
				there[presenceOf(who)]++
			}
		}
		for presence, n := range there {
			send("dispatcher_agents", float64(n), queue, presence)
		}
		slots, free := g.s.slots(queue)
		send("dispatcher_agent_slots", float64(free), queue, "free")
		send("dispatcher_agent_slots", float64(slots-free), queue, "used")
	}
}

func presenceOf(p Person) string {
	if p.Presence == Online || p.Presence == Away {
		return p.Presence
	}
	return Offline
}
