package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dispatcher/dm"
	"dispatcher/storage"
)

// Scopes of the kill switch: everything, one channel, one flow.
const (
	ScopeAll     = "all"
	scopeChannel = "channel:"
	scopeFlow    = "flow:"
)

// SwitchRecord is the body of a KindSwitch record; the record's existence is
// what pauses.
type SwitchRecord struct {
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
}

// switches is the last look at the kill switch records. The mark of every bot
// row asks the store itself, in its own transaction.
type switches struct {
	on      atomic.Pointer[map[string]SwitchRecord]
	reading sync.Mutex // one look at a time: an older one never covers a newer

	mu    sync.Mutex
	asked map[string]bool // scopes whose conversations were moved, or will be
	due   []string        // of them those that will be
	wake  chan struct{}
}

func newSwitches() switches {
	return switches{asked: map[string]bool{}, wake: make(chan struct{}, 1)}
}

// ask has the conversations of a scope moved, once as long as it is on.
func (w *switches) ask(scope string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.asked[scope] {
		return
	}
	w.asked[scope] = true
	w.due = append(w.due, scope)
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// forget lets a scope be asked for anew.
func (w *switches) forget(scope string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.asked, scope)
}

func (w *switches) next() (scope string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.due) == 0 {
		return "", false
	}
	scope, w.due = w.due[0], w.due[1:]
	return scope, true
}

// has says whether exactly this scope is on.
func (w *switches) has(scope string) bool {
	on := w.on.Load()
	if on == nil {
		return false
	}
	_, ok := (*on)[scope]
	return ok
}

// killed says whether the bot may not speak on this channel and in this flow.
func (w *switches) killed(alias, flow string) bool {
	on := w.on.Load()
	if on == nil || len(*on) == 0 {
		return false
	}
	for _, scope := range switchScopes(alias, flow) {
		if _, ok := (*on)[scope]; ok {
			return true
		}
	}
	return false
}

// switchScopes lists the scopes that stop a message of this flow on this channel.
func switchScopes(alias, flow string) []string {
	scopes := []string{ScopeAll, scopeChannel + alias}
	if flow != "" {
		scopes = append(scopes, scopeFlow+flow)
	}
	return scopes
}

// Switches lists the kill switches that are on, by scope.
func (s *Service) Switches() map[string]SwitchRecord {
	if on := s.switches.on.Load(); on != nil {
		return *on
	}
	return nil
}

// SetSwitch throws or releases a kill switch: scope is "all", "channel:ALIAS"
// or "flow:NAME". It returns once the switch is durable: nothing of the bot
// leaves from then on. Running conversations in scope leave the bot in the
// background; resuming drags nothing back.
func (s *Service) SetSwitch(ctx context.Context, scope string, on bool, by, reason string) error {
	if scope != ScopeAll && !strings.HasPrefix(scope, scopeChannel) && !strings.HasPrefix(scope, scopeFlow) {
		return fmt.Errorf("inbox: %q is no scope of the kill switch", scope)
	}
	rec := storage.Record{Kind: storage.KindSwitch, ID: []byte(scope), Delete: !on}
	switch have, err := s.store.Get(ctx, rec.Kind, rec.ID); {
	case err == nil:
		rec.Version = have.Version
	case !errors.Is(err, storage.ErrNotFound):
		return fmt.Errorf("inbox: kill switch %s: %w", scope, err)
	case !on:
		return nil
	}
	var err error
	if rec.Body, err = json.Marshal(SwitchRecord{By: by, Reason: reason, Since: s.now().UTC()}); err != nil {
		return err
	}
	verb := "resume"
	if on {
		verb = "pause"
	}
	audit := storage.AuditEntry{At: s.now().UnixMilli(), Actor: by, Verb: verb, Object: "switch " + scope}
	if err := s.store.Put(ctx, []storage.Record{rec}, []storage.AuditEntry{audit}); err != nil {
		return fmt.Errorf("inbox: kill switch %s: %w", scope, err)
	}
	return s.readSwitches(ctx)
}

// readSwitches looks at the records; scopes that are new empty the bot's hands
// in the background. What a restart cut short, or an error, is asked for again
// here, since the records are all that says so.
func (s *Service) readSwitches(ctx context.Context) error {
	s.switches.reading.Lock()
	defer s.switches.reading.Unlock()
	page, err := s.store.Find(ctx, storage.RecordQuery{Kind: storage.KindSwitch, N: 1000, Now: s.now().UnixMilli()})
	if err != nil {
		return fmt.Errorf("inbox: kill switches: %w", err)
	}
	on := map[string]SwitchRecord{}
	for _, rec := range page.Items {
		var r SwitchRecord
		_ = json.Unmarshal(rec.Body, &r) // a record that cannot be read still pauses
		on[string(rec.ID)] = r
	}
	before := s.Switches()
	s.switches.on.Store(&on)
	for scope := range on {
		s.metrics.killSwitch.WithLabelValues(s.metrics.caps.of("scope", scope)).Set(1)
		s.switches.ask(scope)
	}
	for scope := range before {
		if _, still := on[scope]; !still {
			s.switches.forget(scope)
			s.metrics.killSwitch.WithLabelValues(s.metrics.caps.of("scope", scope)).Set(0)
		}
	}
	return nil
}

// killBatch is how many conversations one page of a sweep holds, killAtOnce
// how many of them are decided side by side, so that they share commits.
const (
	killBatch  = 500
	killAtOnce = 16
)

// sweepSwitches moves conversations for scopes as they are asked for.
func (s *Service) sweepSwitches(ctx context.Context) {
	for ctx.Err() == nil {
		scope, ok := s.switches.next()
		if !ok {
			select {
			case <-s.switches.wake:
			case <-ctx.Done():
			}
			continue
		}
		if !s.sweepKilled(ctx, scope) {
			s.switches.forget(scope) // the next look asks again
		}
	}
}

// sweepKilled moves the bot's conversations in scope to people, in batches. It
// says whether that is done; a switch that was released meanwhile is.
func (s *Service) sweepKilled(ctx context.Context, scope string) bool {
	q := storage.ListQuery{View: "assistant", Status: storage.Open, N: killBatch, Order: "newest"}
	if flow, ok := strings.CutPrefix(scope, scopeFlow); ok {
		q.View, q.Flow = "position", flow+"."
	}
	if alias, ok := strings.CutPrefix(scope, scopeChannel); ok {
		acct, known := s.Account(alias)
		if !known {
			return false
		}
		q.Channel = acct.Number
	}
	for done := true; ; {
		page, err := s.store.List(ctx, q)
		if err != nil {
			s.log.LogAttrs(ctx, slog.LevelError, "kill switch: list conversations", slog.Any("error", err))
			return false
		}
		done = s.killAll(ctx, scope, page.Items) && done
		if q.Cursor = page.Next; q.Cursor == "" || ctx.Err() != nil || !s.switches.has(scope) {
			return done && ctx.Err() == nil
		}
	}
}

// killAll takes one page of conversations from the bot.
func (s *Service) killAll(ctx context.Context, scope string, page []storage.Summary) bool {
	var failed atomic.Bool
	var running sync.WaitGroup
	room := make(chan struct{}, killAtOnce)
	for _, item := range page {
		if item.Conv.Owner != storage.OwnerBot {
			continue
		}
		room <- struct{}{}
		if ctx.Err() != nil || !s.switches.has(scope) {
			break
		}
		running.Go(func() {
			defer func() { <-room }()
			err := s.kill(ctx, scope, item.Conv.ID)
			if err != nil && ctx.Err() == nil {
				failed.Store(true)
				s.log.LogAttrs(ctx, slog.LevelError, "kill switch: move conversation", slog.Int64("conversation", item.Conv.ID), slog.Any("error", err))
			}
		})
	}
	running.Wait()
	return !failed.Load()
}

// kill takes one conversation from the bot, unless the switch was released.
func (s *Service) kill(ctx context.Context, scope string, conversation int64) error {
	_, err := s.Do(ctx, storage.Key{ID: conversation}, func(v *View) (*Draft, error) {
		if v.Snap.Conv.Status != storage.Open || v.Snap.Conv.Owner != storage.OwnerBot || !s.switches.has(scope) {
			return nil, nil
		}
		d := v.Draft()
		d.CancelTimers("")
		return d, d.killed(0, s)
	})
	return err
}

// killed gives a conversation of the bot to people because a kill switch is on.
func (d *Draft) killed(seq int64, s *Service) error {
	switch d.conv.Phase {
	case storage.PhaseBot:
		if err := d.Fire(Shift{Edge: EdgeKill, By: "kill_switch", Cause: dm.CauseKillSwitch}); err != nil {
			return err
		}
		if seq != 0 {
			s.sayPlain(d, seq, "paused")
		}
		return nil
	case storage.PhaseLent, storage.PhaseAfter:
		return d.Fire(Shift{Edge: EdgeKill, By: "kill_switch", Cause: dm.CauseKillSwitch})
	}
	return nil
}
