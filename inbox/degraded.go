package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"dispatcher/storage"
)

// Figures of degraded mode and of the gate before it (runtime.md 3.6).
const (
	probeWrite = time.Second
	diskLeast  = 256 << 20 // a disk with less free counts as full, however small it is
	diskShare  = 20        // one part in so many, 5 %, is the limit between the two
	diskMost   = 2 << 30   // a disk with more free does not, however large it is
	gaugeShare = 100       // counting takes one part in so many of the time
	gaugeMost  = 15 * time.Second
)

// probeID is the record a probe writes.
var probeID = []byte("write-probe")

// writable says whether the store took its last write.
func (s *Service) writable() bool { return !s.degraded.Load() }

// wrote looks at the result of a write: one that failed for the environment
// puts the service into degraded mode, where nothing is accepted or marked.
func (s *Service) wrote(err error) {
	if err == nil || !errors.Is(err, storage.ErrDegraded) || s.degraded.Swap(true) {
		return
	}
	s.metrics.degraded.Set(1)
	s.log.LogAttrs(s.ctx, slog.LevelError, "cannot write: accepting and sending stop until a probe gets through", slog.Any("error", err))
}

// Health says whether events are accepted, and why not.
type Health struct {
	Ready      bool
	Why        string // "" starting degraded disk stopping
	Detail     string
	Overloaded bool
	Backlog    time.Duration
	InFlight   int
}

// Health says whether events are accepted, and why not.
func (s *Service) Health(ctx context.Context) Health {
	h := Health{InFlight: s.admission.inFlight()}
	h.Backlog, h.Overloaded = s.admission.backlog(s.now())
	switch {
	case !s.started.Load() || s.live.Load() == nil:
		h.Why = "starting"
	case s.ctx.Err() != nil:
		h.Why = "stopping"
	case s.degraded.Load():
		h.Why = "degraded"
	case s.diskLow.Load():
		h.Why = "disk"
	}
	h.Ready = h.Why == ""
	if got, err := s.store.Health(ctx); err == nil {
		h.Detail = got.Why
	}
	return h
}

// watch is the housekeeping beside the work: probes while degraded, the disk,
// switches thrown elsewhere, parked events, the clock.
func (s *Service) watch(ctx context.Context) {
	last, wall := time.Now(), s.now()
	var count time.Time // when the gauges are due
	for ctx.Err() == nil {
		if s.degraded.Load() {
			s.probe(ctx)
		} else if err := s.readSwitches(ctx); err != nil && ctx.Err() == nil {
			s.log.LogAttrs(ctx, slog.LevelWarn, "read kill switches", slog.Any("error", err))
		}
		s.look(ctx)
		if begun := time.Now(); !begun.Before(count) {
			s.gauges(ctx)
			count = begun.Add(gaugeRest(time.Since(begun)))
		}
		if s.writable() {
			s.retryParked(ctx)
		}
		t := time.NewTimer(probeWrite)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
		now, mono := s.now(), time.Now()
		s.clockJump(now.Round(0).Sub(wall.Round(0)) - mono.Sub(last))
		last, wall = mono, now
	}
}

// jumpAlarm is a jump between wall and monotonic clock that is worth a line.
const jumpAlarm = 30 * time.Second

func (s *Service) clockJump(by time.Duration) {
	if by < jumpAlarm && by > -jumpAlarm {
		return
	}
	s.metrics.clockJump.Set(by.Seconds())
	s.log.LogAttrs(s.ctx, slog.LevelWarn, "the clock jumped", slog.Duration("by", by))
	s.alarm.ring()
}

// probe tries one write; it ends degraded mode.
func (s *Service) probe(ctx context.Context) {
	rec, err := s.store.Get(ctx, storage.KindSetting, probeID)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return
	}
	body, err := json.Marshal(s.now().UnixMilli())
	if err != nil {
		return
	}
	err = s.store.Put(ctx, []storage.Record{{Kind: storage.KindSetting, ID: probeID, Version: rec.Version, Body: body}}, nil)
	if err != nil && !errors.Is(err, storage.ErrConflict) {
		return
	}
	s.cache.flush()
	s.degraded.Store(false)
	s.metrics.degraded.Set(0)
	s.log.LogAttrs(ctx, slog.LevelInfo, "writing works again")
	s.alarm.ring()
}

// gaugeRest is the pause after a count of the gauges that took so long: they
// read whole tables, and a backlog is when there is no time for that.
func gaugeRest(took time.Duration) time.Duration { return min(gaugeShare*took, gaugeMost) }

// look reads the store's own figures: the gate before a full disk, and the backlog.
func (s *Service) look(ctx context.Context) {
	h, err := s.store.Health(ctx)
	if err != nil {
		return
	}
	s.lookAtDisk(ctx, h.DiskFree, h.DiskTotal)
	age, _ := s.admission.backlog(s.now())
	s.metrics.backlog.Set(age.Seconds())
}

// diskLimit is the free space below which a disk of this size counts as full.
func diskLimit(total int64) int64 { return max(diskLeast, min(total/diskShare, diskMost)) }

// lookAtDisk stops intake on a full disk and takes it up again. The line says
// so in words: it is the first thing an operator reads about it.
func (s *Service) lookAtDisk(ctx context.Context, free, total int64) {
	limit := diskLimit(total)
	low := total > 0 && free < limit
	if was := s.diskLow.Swap(low); was == low {
		return
	}
	level, text := slog.LevelInfo, "the disk has room again: messages are taken in"
	if low {
		level, text = slog.LevelError, "the disk is full: intake is stopped, what comes in is refused with 503 while less than the limit is free; free space where the data is, or give it a larger disk"
	}
	s.log.LogAttrs(ctx, level, text, slog.String("free", mebibytes(free)), slog.String("limit", mebibytes(limit)))
}

func mebibytes(n int64) string { return strconv.FormatInt(n>>20, 10) + " MiB" }

// gauges counts what waits to be sent and what is parked.
func (s *Service) gauges(ctx context.Context) {
	now := s.now().UnixMilli()
	if table, err := s.store.Report(ctx, storage.ReportQuery{Name: "parked", Now: now}); err == nil {
		s.metrics.parked.Set(float64(sumOf(table, "n")))
	}
	table, err := s.store.Report(ctx, storage.ReportQuery{Name: "outbox", Now: now})
	if err != nil {
		return
	}
	s.metrics.outboxRows.Reset()
	s.metrics.outboxOldest.Reset()
	for _, row := range table.Rows {
		cells := map[string]any{}
		for i, col := range table.Cols {
			cells[col] = row[i]
		}
		number, _ := cells["channel_id"].(int64)
		acct, ok := s.AccountOf(number)
		if !ok {
			continue
		}
		status, _ := cells["status"].(string)
		n, _ := cells["n"].(int64)
		s.metrics.outboxRows.WithLabelValues(acct.Alias, status).Set(float64(n))
		if oldest, _ := cells["oldest"].(int64); status == "pending" {
			s.metrics.outboxOldest.WithLabelValues(acct.Alias).Set(max(0, float64(now-oldest)/1000))
		}
	}
}

func sumOf(t storage.Table, col string) (sum int64) {
	for i, name := range t.Cols {
		for _, row := range t.Rows {
			if n, ok := row[i].(int64); ok && name == col {
				sum += n
			}
		}
	}
	return sum
}
