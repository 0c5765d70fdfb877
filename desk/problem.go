package desk

import (
	"context"
	"errors"
	"net/http"
	"time"

	"dispatcher/inbox"
	"dispatcher/storage"
)

// Codes of desk.md 6.3 that the desk gives.
const (
	CodeAlreadyClaimed = "already_claimed"
	CodeNotOwner       = "not_owner"
	CodeStaleEpoch     = "stale_epoch"
	CodeNewMessage     = "new_message"
	CodeTooLate        = "too_late"
	CodeWindowClosed   = "window_closed"
	CodeGuardBlocked   = "guard_blocked"
	CodeGuardConfirm   = "guard_confirm"
	CodeBlankOpen      = "blank_open"
	CodeTooLong        = "too_long"
	CodeMediaRefused   = "media_refused"
	CodeNoReturnPoint  = "no_return_point"
	CodeBotPaused      = "bot_paused"
	CodeCannotLend     = "cannot_lend"
	CodeCapacityFull   = "capacity_full"
	CodeNotMember      = "not_member"
	CodeInvalid        = "invalid"
	CodeNotFound       = "not_found"
	CodeForbidden      = "forbidden"
	CodeKeyReused      = "key_reused"
)

func problem(code string, status int, detail string) *Problem {
	return &Problem{Code: code, Status: status, Detail: detail}
}

func notFound() *Problem {
	return problem(CodeNotFound, http.StatusNotFound, "There is no such thing here, or you may not see it.")
}

func forbidden(detail string) *Problem { return problem(CodeForbidden, http.StatusForbidden, detail) }

func invalid(detail string) *Problem {
	return problem(CodeInvalid, http.StatusUnprocessableEntity, detail)
}

// conflict is a 409 that names who owns the conversation, since when, and its epoch.
func (s *Service) conflict(ctx context.Context, code, detail string, v *inbox.View) *Problem {
	p := problem(code, http.StatusConflict, detail)
	c := v.Snap.Conv
	p.Facts = map[string]any{"owner": s.owner(c, s.names(ctx)), "epoch": c.Epoch, "phase": v.Phase()}
	if i := v.Snap.Interval; i.Since != 0 {
		p.Facts["since"] = time.UnixMilli(i.Since).UTC()
	}
	return p
}

// refused turns a refusal of the ownership machine into a problem.
func (s *Service) refused(ctx context.Context, err error, v *inbox.View) error {
	var edge *inbox.EdgeError
	if !errors.As(err, &edge) {
		return err
	}
	switch edge.Why {
	case inbox.WhyTooLate:
		return s.conflict(ctx, CodeTooLate, "It is too late for that.", v)
	case inbox.WhySameQueue:
		return invalid("It is in that queue already.")
	case inbox.WhyNoQueue:
		return invalid("There is no queue to put it in.")
	}
	return s.conflict(ctx, CodeNotOwner, "The conversation does not belong to you.", v)
}

// found passes errors of inbox on, a missing conversation as not_found.
func found(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return notFound()
	}
	return err
}
