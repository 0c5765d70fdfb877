package inbox

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/storage"
)

// acceptWithin is how long a body may take from admission to commit where the
// Config does not say; below what any platform waits.
const acceptWithin = 2 * time.Second

// Accept returns after the durable commit of every event: one result per
// event, in order. An error means that the whole body must be sent again;
// what of it was committed meanwhile is a duplicate then.
func (s *Service) Accept(ctx context.Context, channel string, events []dm.Inbound) ([]channels.Accepted, error) {
	acct, ok := s.Account(channel)
	if !ok {
		return nil, channels.ErrNotFound
	}
	if err := s.accepting(); err != nil {
		return nil, err
	}
	within := cmp.Or(s.cfg.AcceptWithin, acceptWithin)
	if end, ok := ctx.Deadline(); !ok || time.Until(end) > within {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	list, results := s.sort(ctx, acct, events)
	if len(list) > 0 {
		list[0].transport = transportOf(ctx, acct)
		if err := s.await(ctx, list); err != nil {
			return nil, err
		}
	}
	return s.collect(events, list, results)
}

// sort separates the events that have a turn from those that only count.
func (s *Service) sort(ctx context.Context, acct *Account, events []dm.Inbound) (list []*arrival, results []*arrival) {
	now := s.now()
	results = make([]*arrival, len(events))
	for i, in := range events {
		a := &arrival{in: in, acct: acct, at: now, seen: seenKeys(acct, in)}
		results[i] = a
		a.res = channels.Accepted{ID: in.ExternalID, Status: statusIgnored}
		switch {
		case in.Kind == dm.KindIgnored:
			s.metrics.refusedInbound.WithLabelValues(acct.Alias, "ignored").Inc()
		case in.Kind == dm.KindAccount:
			s.aboutAccount(ctx, acct, in)
		case tooOld(acct, in, now):
			a.res.Status = statusTooOld
			s.metrics.refusedInbound.WithLabelValues(acct.Alias, statusTooOld).Inc()
		case in.Kind == dm.KindTyping:
			s.typing(acct, in)
		default:
			list = append(list, a)
		}
	}
	sortEvents(list)
	for _, a := range list {
		s.place(ctx, a)
	}
	return list, results
}

// tooOld says whether an event's own time is beyond the dedupe horizon: that
// of the platform where it repeats it unchanged, else that inside a UUIDv7. A
// widget's ids come from the visitor's clock, which proves nothing.
func tooOld(acct *Account, in dm.Inbound, now time.Time) bool {
	if in.Stable && !in.At.IsZero() {
		return now.Sub(in.At) > horizon
	}
	at := timeOfID(in.ExternalID)
	return at != 0 && !acct.Caps.Native && now.Sub(time.Unix(at, 0)) > horizon
}

// place finds the lane of an event: that of its thread, else that of the
// conversation its target belongs to.
func (s *Service) place(ctx context.Context, a *arrival) {
	if a.in.Thread != "" {
		a.key = keyOf(a.acct.Number, s.addrHash(a.acct.Number, a.in.Thread))
		if isMessage(a.in.Kind) {
			a.flood = s.floods.count(a.key, a.at)
		}
		return
	}
	a.key = keyOf(a.acct.Number, s.addrHash(a.acct.Number, "about "+targetOf(a.in)))
	if snap, ok := s.find(ctx, a.acct, targetsOf(a.in)...); ok {
		a.key = keyOf(snap.Conv.Channel, snap.Conv.Addr)
	}
}

func isMessage(kind string) bool {
	return kind == dm.KindText || kind == dm.KindTap || kind == dm.KindStart || kind == dm.KindMention || kind == dm.KindEncrypted
}

// await admits the events, puts them into their lanes in one piece each, and
// waits for all.
func (s *Service) await(ctx context.Context, list []*arrival) error {
	keys := make([]laneKey, len(list))
	for i, a := range list {
		keys[i] = a.key
	}
	tickets, why := s.admission.admit(keys, s.now())
	if why != "" {
		s.metrics.refusedAdmission.WithLabelValues(why).Inc()
		return channels.ErrOverloaded
	}
	wait := &delivery{done: make(chan struct{})}
	wait.left.Store(int32(len(list)))
	for i, a := range list {
		a.ticket, a.body = tickets[i], wait
	}
	s.queue(list)
	if acknowledgeEarly() {
		return nil
	}
	select {
	case <-wait.done:
		return nil
	case <-ctx.Done():
		return channels.ErrNotReady // the turn may still commit; sent again it is a duplicate
	}
}

// queue puts events into their lanes, those of one lane in one piece.
func (s *Service) queue(list []*arrival) {
	if len(list) == 1 { // nearly always
		s.lanes.push(list[0].key, job{event: list[0]})
		return
	}
	jobs := map[laneKey][]job{}
	var order []laneKey
	for _, a := range list {
		if jobs[a.key] == nil {
			order = append(order, a.key)
		}
		jobs[a.key] = append(jobs[a.key], job{event: a})
	}
	for _, k := range order {
		s.lanes.push(k, jobs[k]...)
	}
}

// collect brings the results into the order of the body.
func (s *Service) collect(events []dm.Inbound, list, results []*arrival) ([]channels.Accepted, error) {
	out := make([]channels.Accepted, len(events))
	tooOld := len(results) > 0
	var failed error
	for i, a := range results {
		if acknowledgeEarly() {
			out[i] = channels.Accepted{ID: a.in.ExternalID, Status: statusApplied}
			tooOld = false
			continue
		}
		out[i] = a.res
		tooOld = tooOld && a.res.Status == statusTooOld
		if a.err != nil {
			failed = a.err
		}
	}
	switch {
	case failed != nil:
		return out, s.refusal(failed)
	case tooOld:
		return out, channels.ErrTooOld
	}
	return out, nil
}

// refusal is what the outside learns of an error: come back later, or what is
// wrong with the request. The rest is in the log.
func (s *Service) refusal(err error) error {
	if status, _ := channels.StatusOf(err); status != 500 {
		return err
	}
	s.log.LogAttrs(context.Background(), slog.LevelError, "event not accepted", slog.Any("error", err))
	return fmt.Errorf("%w", channels.ErrNotReady)
}

// accepting says whether anything may be accepted now.
func (s *Service) accepting() error {
	if s.live.Load() == nil || !s.started.Load() {
		return channels.ErrNotReady
	}
	if !s.writable() || s.diskLow.Load() {
		return channels.ErrNotReady
	}
	return nil
}

// RetryAfter says when a refused body is worth sending again.
func (s *Service) RetryAfter() time.Duration { return s.admission.retryAfter() }

// targetsOf lists the names under which the message an event is about may be known.
func targetsOf(in dm.Inbound) []string {
	var names []string
	add := func(n string) {
		if n != "" {
			names = append(names, n)
		}
	}
	if in.Status != nil {
		add(in.Status.Key)
	}
	if in.Echo != nil {
		add(in.Echo.Key)
	}
	add(in.Target)
	if in.Kind == dm.KindEcho {
		add(in.MessageID)
	}
	return names
}

func targetOf(in dm.Inbound) string {
	if names := targetsOf(in); len(names) > 0 {
		return names[0]
	}
	return in.ExternalID
}

// find looks for the conversation and row of one of these names.
func (s *Service) find(ctx context.Context, acct *Account, names ...string) (storage.Snapshot, bool) {
	for _, name := range names {
		if snap, ok := s.findNamed(ctx, acct, name); ok {
			return snap, true
		}
		snaps, err := s.store.Load(ctx, []storage.Key{{Channel: acct.Number, Receipt: s.receiptHash(acct.Number, name)}})
		if err == nil && snaps[0].Conv.ID != 0 && snaps[0].Seq != 0 {
			return snaps[0], true
		}
	}
	return storage.Snapshot{}, false
}

// findNamed understands our own name of a message, CONVERSATION-SEQ, with the
// number of a part behind it or not.
func (s *Service) findNamed(ctx context.Context, acct *Account, name string) (storage.Snapshot, bool) {
	if len(name) < 38 || name[36] != '-' {
		return storage.Snapshot{}, false
	}
	uid, ok := ParseUID(name[:36])
	number, _, _ := strings.Cut(name[37:], ".")
	seq, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil {
		return storage.Snapshot{}, false
	}
	snaps, err := s.store.Load(ctx, []storage.Key{{UID: uid}})
	if err != nil || snaps[0].Conv.Channel != acct.Number || seq > snaps[0].Conv.LastSeq || seq <= snaps[0].Conv.FirstSeq {
		return storage.Snapshot{}, false
	}
	snaps[0].Seq = seq
	return snaps[0], true
}
