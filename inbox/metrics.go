package inbox

import (
	"errors"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the figures of desk.md 5.10 that arise here. Labels hold names
// from project files and closed lists, never an id and never customer text.
type metrics struct {
	messages, sends, ambiguous, degradations *prometheus.CounterVec
	ownership, fenced, handoffs, closed      *prometheus.CounterVec
	duplicate, rescue, refusedAdmission      *prometheus.CounterVec
	refusedInbound, lookups                  *prometheus.CounterVec
	stale, dropped                           prometheus.Counter
	turn, commit, batch, lag, lookup         prometheus.Histogram
	backlog, degraded, parked, clockJump     prometheus.Gauge
	outboxRows, killSwitch                   *prometheus.GaugeVec
	outboxOldest                             *prometheus.GaugeVec
	tallies                                  tallies
	caps                                     labelCaps
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		messages:         counters("messages_total", "Messages stored.", "channel", "direction", "visibility", "author"),
		sends:            counters("send_results_total", "What became of rows of the outbox.", "channel", "state"),
		ambiguous:        counters("ambiguous_total", "Sends of which nobody knows whether they arrived.", "channel"),
		degradations:     counters("degradations_total", "What a channel could not show.", "channel", "code"),
		ownership:        counters("ownership_changes_total", "Changes of ownership.", "edge"),
		fenced:           counters("bot_sends_fenced_total", "Bot rows cancelled by a new owner.", "channel"),
		handoffs:         counters("handoffs_total", "Handoffs to a queue.", "queue", "cause"),
		closed:           counters("conversations_closed_total", "Conversations closed.", "channel", "outcome", "arm"),
		duplicate:        counters("duplicate_total", "Events that were known already.", "channel"),
		rescue:           counters("rescue_total", "Turns that an engine error took from the flow.", "code"),
		refusedAdmission: counters("admission_refused_total", "Bodies refused before acceptance.", "why"),
		refusedInbound:   counters("inbound_refused_total", "Events refused for what they are.", "channel", "why"),
		lookups:          counters("lookups_total", "What became of requests to services.", "service", "result"),
		lookup:           histogram("lookup_seconds", "From asking a service to its answer, all attempts.", prometheus.ExponentialBuckets(0.01, 2, 13)),
		stale:            prometheus.NewCounter(prometheus.CounterOpts{Name: "dispatcher_stale_total", Help: "Decisions made again because the conversation had changed."}),
		dropped:          prometheus.NewCounter(prometheus.CounterOpts{Name: "dispatcher_effects_dropped_total", Help: "Effects of a step that came after its end."}),
		turn:             histogram("turn_seconds", "From taking events off a lane to their commit.", prometheus.ExponentialBuckets(0.0005, 2, 14)),
		commit:           histogram("commit_seconds", "One group commit.", prometheus.ExponentialBuckets(0.0002, 2, 14)),
		batch:            histogram("batch_turns", "Turns in one group commit.", prometheus.ExponentialBuckets(1, 2, 9)),
		lag:              histogram("timer_lag_seconds", "How late timers fire.", prometheus.ExponentialBuckets(0.01, 4, 10)),
		backlog:          gauge("backlog_oldest_seconds", "Age of the oldest event in flight."),
		degraded:         gauge("degraded", "1 while nothing can be written."),
		parked:           gauge("parked", "Accepted events that could not become messages."),
		clockJump:        gauge("clock_jump_seconds", "Last jump between wall and monotonic clock."),
		outboxRows:       gauges("outbox_rows", "Rows of the outbox.", "channel", "status"),
		outboxOldest:     gauges("outbox_oldest_seconds", "Age of the oldest row that waits.", "channel"),
		killSwitch:       gauges("kill_switch", "1 while the assistant is paused.", "scope"),
		tallies:          newTallies(),
		caps:             labelCaps{seen: map[string]map[string]bool{}},
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range m.all() {
		if err := reg.Register(c); err != nil {
			return nil, errors.Join(errors.New("inbox: register metrics"), err)
		}
	}
	return m, nil
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{
		m.messages, m.sends, m.ambiguous, m.degradations, m.ownership, m.fenced, m.handoffs, m.closed, m.duplicate,
		m.rescue, m.lookups, m.lookup, m.refusedAdmission, m.refusedInbound, m.stale, m.dropped, m.turn, m.commit, m.batch, m.lag,
		m.backlog, m.degraded, m.parked, m.clockJump, m.outboxRows, m.outboxOldest, m.killSwitch,
		m.tallies.clocks, m.tallies.scores, m.tallies.breaches, m.tallies.promises,
	}
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dispatcher_" + name, Help: help}, labels)
}

func gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dispatcher_" + name, Help: help}, labels)
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: "dispatcher_" + name, Help: help})
}

func histogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "dispatcher_" + name, Help: help, Buckets: buckets})
}

// labelValues is how many values one label may have before the rest is "other".
const labelValues = 200

// labelCaps bounds label values that come from project files.
type labelCaps struct {
	mu   sync.Mutex
	seen map[string]map[string]bool
}

// of gives v, or "other" when the label has its fill of values.
func (c *labelCaps) of(label, v string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	values := c.seen[label]
	if values == nil {
		values = map[string]bool{}
		c.seen[label] = values
	}
	if values[v] {
		return v
	}
	if len(values) >= labelValues {
		return "other"
	}
	values[v] = true
	return v
}
