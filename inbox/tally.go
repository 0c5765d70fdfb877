package inbox

import "github.com/prometheus/client_golang/prometheus"

// figure is one observation of a turn for the metrics of desk.md 5.10. A turn
// that is decided again is counted once: figures are kept by the draft and
// counted when its turn was applied.
type figure struct {
	of      int
	name    string // a clock, or what became of a promise
	queue   string
	seconds float64
}

const (
	figureClock   = iota + 1 // a clock has stopped
	figureBreach             // a clock went beyond its target
	figureScore              // a survey was answered
	figurePromise            // a promise was kept, broken or corrected in time
)

// promiseCorrected is the result of a promise whose customer was told of a
// later time before the first one had passed.
const promiseCorrected = "corrected"

func (d *Draft) figure(f figure) { d.figures = append(d.figures, f) }

// tallies are the metrics of clocks and promises.
type tallies struct {
	clocks, scores     *prometheus.HistogramVec
	breaches, promises *prometheus.CounterVec
}

func newTallies() tallies {
	return tallies{
		clocks: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "dispatcher_clock_seconds", Help: "What clocks had run, by the queue's schedule, when they stopped.",
			Buckets: []float64{15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400, 172800}}, []string{"clock", "queue"}),
		scores: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "dispatcher_csat_score", Help: "Answers to the survey.",
			Buckets: []float64{1, 2, 3, 4, 5}}, []string{"queue"}),
		breaches: counters("clock_breaches_total", "Clocks that ran beyond their target.", "clock", "queue"),
		promises: counters("promises_total", "What became of what customers were told about waiting.", "queue", "result"),
	}
}

func (t *tallies) count(caps *labelCaps, figures []figure) {
	for _, f := range figures {
		queue := caps.of("queue", f.queue)
		switch f.of {
		case figureClock:
			t.clocks.WithLabelValues(f.name, queue).Observe(f.seconds)
		case figureScore:
			t.scores.WithLabelValues(queue).Observe(f.seconds)
		case figureBreach:
			t.breaches.WithLabelValues(f.name, queue).Inc()
		case figurePromise:
			t.promises.WithLabelValues(queue, f.name).Inc()
		}
	}
}
