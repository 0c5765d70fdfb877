package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dispatcher/flows"
	"dispatcher/storage"
)

// How long things are kept where the project does not say (runtime.md 2.4).
const (
	keepSeen   = 35 * 24 * time.Hour
	keepAudit  = 730 * 24 * time.Hour
	keepEvents = 24 * time.Hour
	purgeEvery = 10 * time.Minute
	setsEvery  = 144                    // so many purges later: once a day
	purgeSlice = 250 * time.Millisecond // at most, so that customers never wait for it
)

// upkeep forgets what may be forgotten, a slice at a time, until ctx ends.
func (r *running) upkeep(ctx context.Context) {
	tick := time.NewTicker(purgeEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.purge(ctx)
			if n%setsEvery == 0 {
				r.forgetSets(ctx)
			}
		}
	}
}

// forgetSets deletes the sources of sets that nothing refers to any more.
func (r *running) forgetSets(ctx context.Context) {
	switch n, err := r.inbox.ForgetSets(ctx); {
	case err != nil && !errors.Is(err, context.Canceled):
		r.log.Warn("old flow sets were not removed; it is tried again", "error", err.Error())
	case n > 0:
		r.log.Debug("old flow sets removed", "sets", n)
	}
}

func (r *running) purge(ctx context.Context) {
	done, err := r.data.store.Purge(ctx, retention(r.inbox.Live(), r.m.Now()), purgeSlice)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			r.log.Warn("old data was not removed; it is tried again", "error", err.Error())
		}
		return
	}
	for _, path := range done.Media {
		full := filepath.Join(r.data.dir, "media", filepath.Clean("/"+path))
		if err := os.Remove(full); err != nil && !errors.Is(err, os.ErrNotExist) {
			r.log.Warn("an old attachment was not removed", "error", strings.ReplaceAll(err.Error(), full, "attachment"))
		}
	}
	rows := int64(0)
	for _, n := range done.Rows {
		rows += n
	}
	if rows > 0 {
		r.log.LogAttrs(ctx, slog.LevelDebug, "old data removed", slog.Int64("rows", rows))
	}
}

// retention says what may go at a moment.
func retention(p *flows.Project, now time.Time) storage.Retention {
	messages, facts := 180*24*time.Hour, 400*24*time.Hour
	if p != nil && p.Config.RetainMessages > 0 {
		messages = p.Config.RetainMessages
	}
	if p != nil && p.Config.RetainFacts > 0 {
		facts = p.Config.RetainFacts
	}
	before := func(d time.Duration) int64 { return now.Add(-d).UnixMilli() }
	return storage.Retention{Messages: before(messages), Facts: before(facts), Seen: before(keepSeen),
		Audit: before(keepAudit), Events: before(keepEvents), Now: now.UnixMilli()}
}
