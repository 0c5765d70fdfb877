package inbox

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

// Codes a row carries between two attempts.
const (
	codePlain     = "plain"     // tried once, now goes in the plainest form
	codeAmbiguous = "ambiguous" // may have arrived
	codeResent    = "resent"    // was ambiguous once and went again
)

// errPartFailed says that an earlier part of the same message failed.
var errPartFailed = errors.New("inbox: an earlier part of the message failed")

// settle does what channels.md 4.2 says of a verdict that is not sent.
func (x *sender) settle(ctx context.Context, l *letter, out channels.Outcome) {
	if out.Verdict != channels.Retry {
		x.s.log.LogAttrs(ctx, slog.LevelWarn, "send not accepted", slog.String("channel", x.acct.Alias), slog.String("conversation", UIDText(l.uid)),
			slog.Int64("seq", l.row.Seq), slog.String("verdict", out.Verdict), slog.String("reason", string(out.Reason)), slog.String("code", clip(out.Code, 40)))
	}
	switch out.Verdict {
	case channels.Retry:
		x.retry(ctx, l, out)
	case channels.Ambiguous:
		x.ambiguous(ctx, l.row, l)
	default:
		x.refused(ctx, l, out)
	}
}

func (x *sender) retry(ctx context.Context, l *letter, out channels.Outcome) {
	now := x.s.now()
	do, due := "retry", now.Add(retryDelay(l.row.Attempt+2, jitter))
	if out.RetryAt.After(due) {
		due = out.RetryAt
	}
	switch out.PauseFor {
	case "account": // no fault of this message: its attempt is not spent
		do = "release"
		x.pause(due)
	case "contact":
		do = "release"
	}
	if l.row.ExpiresAt > 0 && due.UnixMilli() >= l.row.ExpiresAt {
		x.failed(ctx, l, reasonOr(out.Reason, dm.ReasonTransient), "expired")
		return
	}
	code := string(reasonOr(out.Reason, dm.ReasonTransient))
	if l.row.Error == codePlain || l.row.Error == codeResent {
		code = l.row.Error
	}
	_, _ = x.s.settleSurely(storage.Settlement{Do: do, Row: l.row.ID, Attempt: l.row.Attempt, Now: now.UnixMilli(), DueAt: due.UnixMilli(), Error: code}) // wrote has logged what went wrong
}

func reasonOr(r, other dm.Reason) dm.Reason {
	if r == "" {
		return other
	}
	return r
}

// refused settles what the platform will not take.
func (x *sender) refused(ctx context.Context, l *letter, out channels.Outcome) {
	switch out.Reason {
	case dm.ReasonAuthBroken, dm.ReasonNotPermitted, dm.ReasonGone:
		x.hold(string(out.Reason))
		x.release(l, x.s.now())
		return
	case dm.ReasonBadContent, dm.ReasonBadMedia:
		if l.row.Error != codePlain {
			now := x.s.now().UnixMilli()
			_, _ = x.s.settleSurely(storage.Settlement{Do: "retry", Row: l.row.ID, Attempt: l.row.Attempt, Now: now, DueAt: now, Error: codePlain}) // wrote has logged what went wrong
			return
		}
	case dm.ReasonPolicy:
		x.countPolicy()
	}
	x.failed(ctx, l, reasonOr(out.Reason, dm.ReasonUnknown), out.Code)
}

// Policy refusals that raise an alarm.
const (
	policyAlarm  = 3
	policyWithin = 10 * time.Minute
)

func (x *sender) countPolicy() {
	now := x.s.now()
	x.mu.Lock()
	defer x.mu.Unlock()
	kept := x.policy[:0]
	for _, at := range x.policy {
		if now.Sub(at) < policyWithin {
			kept = append(kept, at)
		}
	}
	if x.policy = append(kept, now); len(x.policy) == policyAlarm {
		x.s.log.LogAttrs(context.Background(), slog.LevelError, "platform refuses messages for policy", slog.String("channel", x.acct.Alias))
	}
}

// failed keeps the row as a dead letter and, for a message of the bot, gets
// the customer a person.
func (x *sender) failed(ctx context.Context, l *letter, reason dm.Reason, code string) {
	if !x.fail(l, reason, code) || !l.bot() || l.row.Seq == 0 {
		return
	}
	if err := x.s.botFailed(ctx, l.row, reason); err != nil {
		x.s.log.LogAttrs(ctx, slog.LevelError, "hand off after a failed send", slog.Int64("conversation", l.row.Conversation), slog.Any("error", err))
	}
}

func (x *sender) fail(l *letter, reason dm.Reason, code string) bool {
	now := x.s.now()
	set := storage.Settlement{Do: "failed", Row: l.row.ID, Attempt: l.row.Attempt, Now: now.UnixMilli(), Error: string(reason), Events: settleEvents(l.row, l.uid, now, "failed")}
	got, err := x.s.settleSurely(set)
	if err != nil || !got[0].OK {
		return false
	}
	x.s.log.LogAttrs(context.Background(), slog.LevelWarn, "message not sent", slog.String("channel", x.acct.Alias), slog.Int64("conversation", l.row.Conversation),
		slog.Int64("seq", l.row.Seq), slog.String("reason", string(reason)), slog.String("code", clip(code, 40)))
	x.s.metrics.sends.WithLabelValues(x.acct.Alias, "failed").Inc()
	x.s.changed(l.row, l.uid, "failed")
	return true
}

// botFailed hands off what the bot could not say. A customer who cannot be
// reached any more needs nobody: the bot's part just ends.
func (s *Service) botFailed(ctx context.Context, row storage.OutboxRow, reason dm.Reason) error {
	_, err := s.Do(ctx, storage.Key{ID: row.Conversation}, func(v *View) (*Draft, error) {
		c := v.Snap.Conv
		if c.Status != storage.Open || c.Owner != storage.OwnerBot {
			return nil, nil
		}
		d := v.Draft()
		if reason == dm.ReasonBlocked || reason == dm.ReasonNoRecipient {
			d.unreachable(true)
			return d, d.Resolve("unreachable", false)
		}
		return d, d.Handoff(engine.Handoff{Cause: dm.CauseDeliveryFailed, Reason: string(reason)}, engine.Trace{Event: "send", Error: string(reason)})
	})
	return err
}

// agentSent stops the clocks that waited for a person's message to leave.
func (s *Service) agentSent(ctx context.Context, row storage.OutboxRow, at time.Time) {
	_, err := s.Do(context.WithoutCancel(ctx), storage.Key{ID: row.Conversation}, func(v *View) (*Draft, error) {
		if v.Snap.Conv.ID == 0 || v.Snap.Conv.Status != storage.Open {
			return nil, nil
		}
		d := v.Draft()
		d.Sent(row.Seq, at)
		return d, nil
	})
	if err != nil {
		s.log.LogAttrs(ctx, slog.LevelError, "stop clocks", slog.Int64("conversation", row.Conversation), slog.Any("error", err))
	}
}

// firstPartFailed says whether the message of a later part has failed already.
func (x *sender) firstPartFailed(ctx context.Context, row storage.OutboxRow) bool {
	m, ok := x.s.message(ctx, row.Conversation, row.Seq)
	return ok && m.Delivery == storage.DeliveryFailed
}

// message reads one row.
func (s *Service) message(ctx context.Context, conversation, seq int64) (storage.Message, bool) {
	page, err := s.store.Thread(ctx, storage.ThreadQuery{Conversation: conversation, After: seq - 1, N: 1})
	if err != nil || len(page.Items) == 0 || page.Items[0].Seq != seq {
		return storage.Message{}, false
	}
	return page.Items[0], true
}

// plainest is a message as text alone: options as numbered lines, media as links.
func plainest(out dm.Outbound) dm.Outbound {
	out.OptionsAs = "text"
	for _, m := range out.Media {
		if m.URL != "" {
			out.Text = strings.TrimSpace(out.Text + "\n" + m.URL)
		}
	}
	out.Media = nil
	return out
}
